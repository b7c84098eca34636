//! Steps of a round: places from which it goes on after a pause or a killed run.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Cursor, Half};

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Lists the organization's accounts.
    Accounts {
        /// The next page.
        list: Cursor,
    },
    /// Lists the permission sets and describes each.
    PermissionSets {
        /// The next page; `None` after the last.
        list: Option<Cursor>,
        /// The page that `waiting` came from.
        page: Cursor,
        /// ARNs that are to be described.
        waiting: Vec<String>,
        /// True while the page is read again, since AWS says that the first one waiting does not exist.
        is_confirming: bool,
    },
    /// Looks at the instance, where there is no permission set.
    Instance,
    /// Lists the assignments of one permission set after the other.
    Assignments {
        /// The last permission set that is done.
        after: Option<String>,
        /// The permission set in progress.
        pairs: Option<Pairs>,
    },
    /// Removes the rows that the round did not see.
    Sweep {
        /// The half.
        half: Half,
        /// The sort key of the last row that was looked at.
        after: Option<String>,
    },
}

/// The pairs of one permission set and its accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// The permission set.
    pub set: String,
    /// The next page of accounts; `None` after the last.
    pub accounts: Option<Cursor>,
    /// The page that `waiting` came from.
    pub page: Cursor,
    /// Accounts that are to be asked.
    pub waiting: Vec<String>,
    /// The next page of principals of the first account waiting.
    #[serde(default)]
    pub principals: Cursor,
    /// The part of the next row of that account.
    #[serde(default)]
    pub part: u32,
    /// Rows that were written for that account before its list was begun again.
    #[serde(default)]
    pub written: u32,
    /// Most parts of a pair of this permission set that were written in this round.
    #[serde(default)]
    pub most: u32,
    /// True after the list of accounts was begun again: any account may have been read before.
    #[serde(default)]
    pub is_again: bool,
    /// The thing that AWS says does not exist, while that is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirming: Option<Confirming>,
}

/// A thing that AWS says does not exist, or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirming {
    /// The first account waiting: its page is read again.
    Account,
    /// The permission set: it is described again.
    Set,
    /// The permission set whose accounts AWS does not list: it is described again, to write that on its row.
    Unlisted,
}

impl Step {
    /// The first step of a round.
    pub fn first() -> Self {
        Self::Accounts { list: Cursor::default() }
    }

    /// Reads a stored step. A step of another release begins the round again: its rows are keyed, so nothing doubles.
    pub(super) fn stored<'de, D: Deserializer<'de>>(stored: D) -> Result<Option<Self>, D::Error> {
        let stored = Option::<Value>::deserialize(stored)?;
        Ok(stored.map(|step| Self::deserialize(step).unwrap_or_else(|_| Self::first())))
    }

    /// The first step of the permission sets.
    pub fn permission_sets() -> Self {
        Self::PermissionSets {
            list: Some(Cursor::default()),
            page: Cursor::default(),
            waiting: Vec::new(),
            is_confirming: false,
        }
    }
}

impl Pairs {
    /// The pairs of a permission set, from the first.
    pub(super) fn of(set: String) -> Self {
        Self {
            set,
            accounts: Some(Cursor::default()),
            page: Cursor::default(),
            waiting: Vec::new(),
            principals: Cursor::default(),
            part: 0,
            written: 0,
            most: 0,
            is_again: false,
            confirming: None,
        }
    }

    /// With the first account waiting done.
    pub(super) fn next_account(self) -> Self {
        let waiting = self.waiting.into_iter().skip(1).collect();
        let written = if self.is_again { self.most } else { 0 };
        Self { waiting, principals: Cursor::default(), part: 0, written, confirming: None, ..self }
    }
}
