//! The questions of a round, to AWS and to the table, and their answers.

use super::{Account, Half, PermissionSet, Principal};

/// A question to AWS or to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `organizations:ListAccounts`.
    Accounts {
        /// The page token.
        next: Option<String>,
    },
    /// `sso:ListPermissionSets`.
    PermissionSets {
        /// The page token.
        next: Option<String>,
    },
    /// `sso:DescribePermissionSet`.
    PermissionSet {
        /// The permission set.
        arn: String,
    },
    /// `sso:DescribeInstance`.
    Instance,
    /// `sso:ListAccountsForProvisionedPermissionSet`.
    AccountsOf {
        /// The permission set.
        set: String,
        /// The page token.
        next: Option<String>,
    },
    /// `sso:ListAccountAssignments`.
    Assigned {
        /// The account.
        account: String,
        /// The permission set.
        set: String,
        /// The page token.
        next: Option<String>,
    },
    /// The table: the readable permission set of this round that follows `after`.
    NextSet {
        /// The last permission set that is done.
        after: Option<String>,
    },
    /// The table: a page of rows to sweep.
    Sweep {
        /// The half.
        half: Half,
        /// The sort key of the last row that was looked at.
        after: Option<String>,
    },
}

/// The answer to a question. Lists have the token of their next page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are those of Ask")]
pub enum Answer {
    Accounts(Vec<Account>, Option<String>),
    PermissionSets(Vec<String>, Option<String>),
    PermissionSet(PermissionSet),
    Instance { status: String, encryption_failed: Option<String> },
    AccountsOf(Vec<String>, Option<String>),
    Assigned(Vec<Principal>, Option<String>),
    NextSet(Option<String>),
}

impl Ask {
    /// Reports a question to the table, before which all rows have to be written.
    pub fn is_of_table(&self) -> bool {
        matches!(self, Self::NextSet { .. } | Self::Sweep { .. })
    }
}
