//! The inventory of an organization: its accounts, its permission sets, and who has which of them where, as IAM Identity Center
//! and AWS Organizations report them through a tenant's role.
//!
//! An organization is read in rounds, in the background. [`Sync`] says how far a round is: [`Sync::ask`] names the next
//! question, [`Sync::answered`] takes the answer and gives the rows to write. Rows of a round are written beside those of the
//! last complete round, in the other [`Half`] of the table, and are shown once the round is complete. So what is shown is
//! always one complete round.

mod batch;
mod cursor;
mod denials;
mod failure;
mod pairs;
mod progress;
mod question;
mod round;
mod step;

use serde::{Deserialize, Serialize};

pub use self::batch::{Batch, MAX_BYTES, MAX_ROWS};
pub use self::cursor::Cursor;
pub use self::denials::Denials;
pub use self::failure::{Fault, SyncFailure};
pub use self::progress::Progress;
pub use self::question::{Answer, Ask};
pub use self::round::Turn;
pub use self::step::{Pairs, Step};
use crate::Timestamp;
use crate::connection::Refusal;

/// Most principals that a row of an assignment has: one page of AWS. A pair with more has several rows.
pub const MAX_PRINCIPALS: i32 = 100;

/// Most runs without progress.
const MAX_RUNS: u32 = 6;

/// The state of reading an organization. One per tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sync {
    /// Number of the last round that was begun, from 1.
    pub round: u64,
    /// The complete round that is shown; `None` before the first, and after the settings changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
    /// The next step; `None` at rest.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "Step::stored")]
    pub step: Option<Step>,
    /// The time of the next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Consecutive failures.
    pub attempts: u32,
    /// Runs that took this reading since its last progress: more than a few end in the middle each time.
    pub runs: u32,
    /// The time at which the round was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// Until this time a denial is tried again: a role that was just made takes a while to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settles_at: Option<Timestamp>,
    /// The reason that a step is tried again later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<SyncFailure>,
    /// Denials of single rows in this round.
    #[serde(skip_serializing_if = "Denials::is_none")]
    pub denials: Denials,
    /// The reason that the last round was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<SyncFailure>,
    /// The refusal of AWS behind the last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The time of the last answer of AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// Counts of this round.
    pub counts: Counts,
    /// Calls to AWS of the last complete round.
    pub last_calls: u64,
    /// True while rows of former settings are removed.
    pub is_forgetting: bool,
}

/// A complete round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its number.
    pub round: u64,
    /// The half that its rows are in.
    pub half: Half,
    /// The time of its end.
    pub at: Timestamp,
}

/// One of the two places of rows: one holds the round that is shown, the other the round that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// The place of the first round.
    First,
    /// The other one.
    Second,
}

/// A refused call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The IAM action.
    pub action: String,
    /// The refusal.
    pub refusal: Refusal,
    /// The account or the permission set that the call was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// Counts of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Calls to AWS.
    pub calls: u64,
    /// Time that the calls took, in milliseconds, with the pauses between runs.
    pub millis: u64,
    /// Calls to AWS before the current step.
    pub calls_before: u64,
    /// Accounts that were read.
    pub accounts: u64,
    /// Permission sets that were read.
    pub sets: u64,
    /// Permission sets that AWS denied.
    pub sets_denied: u64,
    /// Permission sets whose assignments were read.
    pub sets_done: u64,
    /// Permission sets whose accounts AWS denied.
    pub sets_unlisted: u64,
    /// Permission sets that were gone when their assignments were to be read.
    pub sets_removed: u64,
    /// True after the permission sets were listed again, because all of them were gone.
    pub is_repeated: bool,
    /// Pairs of account and permission set that were read.
    pub pairs: u64,
    /// Pairs that AWS denied.
    pub pairs_denied: u64,
}

/// A reading's state, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum SyncStatus {
    /// None was requested.
    Never,
    /// One is in progress.
    Running,
    /// The last one was finished.
    Done,
    /// The last one was given up.
    Failed,
}

/// A row with the round that saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The round.
    pub round: u64,
    /// The row.
    pub row: Row,
}

/// A row of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// An account of the organization.
    Account(Account),
    /// A permission set of the instance.
    PermissionSet(PermissionSet),
    /// Principals with a permission set in an account.
    Assignment(Assignment),
}

/// The identity of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowId {
    /// The account of this id.
    Account(String),
    /// The permission set of this ARN.
    PermissionSet(String),
    /// A part of the principals of a pair.
    Assignment {
        /// The account.
        account_id: String,
        /// The permission set.
        permission_set_arn: String,
        /// The part, from 0.
        part: u32,
    },
}

/// An account of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsAccount"))]
pub struct Account {
    /// 12 digits.
    pub account_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Email address of its root user.
    pub email: Option<String>,
    /// `ACTIVE`, `SUSPENDED` and so on.
    pub status: Option<String>,
}

/// A permission set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsPermissionSet"))]
pub struct PermissionSet {
    /// Its ARN.
    pub permission_set_arn: String,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Length of a session, in ISO 8601: `PT8H`.
    pub session_duration: Option<String>,
    /// The reason that AWS did not describe it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

/// Principals with a permission set in an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsAssignment"))]
pub struct Assignment {
    /// The account.
    pub account_id: String,
    /// The permission set.
    pub permission_set_arn: String,
    /// Users and groups.
    pub principals: Vec<Principal>,
    /// The part, where the pair has more principals than one row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub part: u32,
    /// The reason that AWS did not list the principals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

/// The reason that one row could not be read while others could.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// A policy denies it.
    Denied,
    /// A policy denies the list of the accounts that have this permission set: its assignments are not known.
    AssignmentsDenied,
}

/// A user or group of the identity store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsPrincipal"))]
pub struct Principal {
    /// `USER` or `GROUP`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id in the identity store.
    pub id: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Half {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

impl Cause {
    /// A refused call of `action`.
    pub fn new(action: impl Into<String>, refusal: Refusal) -> Self {
        Self { action: action.into(), refusal, about: None }
    }
}

impl PermissionSet {
    /// A permission set that AWS does not describe.
    fn unread(permission_set_arn: String) -> Self {
        let unreadable = Some(Unreadable::Denied);
        Self { permission_set_arn, name: None, description: None, session_duration: None, unreadable }
    }
}

impl Row {
    /// The row's identity.
    pub fn id(&self) -> RowId {
        match self {
            Self::Account(account) => RowId::Account(account.account_id.clone()),
            Self::PermissionSet(set) => RowId::PermissionSet(set.permission_set_arn.clone()),
            Self::Assignment(assignment) => RowId::Assignment {
                account_id: assignment.account_id.clone(),
                permission_set_arn: assignment.permission_set_arn.clone(),
                part: assignment.part,
            },
        }
    }
}

impl Sync {
    /// The state, for people.
    pub fn status(&self) -> SyncStatus {
        match (&self.step, self.failure, self.shown) {
            (Some(_), ..) if !self.is_forgetting => SyncStatus::Running,
            (_, Some(_), _) => SyncStatus::Failed,
            (_, None, Some(_)) => SyncStatus::Done,
            (_, None, None) => SyncStatus::Never,
        }
    }

    /// The time at which the shown round ended.
    pub fn last_synced_at(&self) -> Option<Timestamp> {
        self.shown.map(|shown| shown.at)
    }

    /// The half that the current round writes.
    pub fn written_half(&self) -> Half {
        self.shown.map_or(Half::First, |shown| shown.half.other())
    }

    /// With a round requested at `now`; the same while one is in progress. Denials are tried again until `settles_at`.
    #[must_use]
    pub fn requested(&self, now: Timestamp, settles_at: Option<Timestamp>) -> Self {
        if self.step.is_some() && !self.is_forgetting {
            return self.clone();
        }
        Self {
            round: self.round + 1,
            step: Some(Step::first()),
            due_at: Some(now),
            attempts: 0,
            runs: 0,
            requested_at: Some(now),
            settles_at: settles_at.filter(|at| *at > now),
            waiting_for: None,
            answered_at: None,
            denials: Denials::default(),
            failure: None,
            cause: None,
            counts: Counts::default(),
            is_forgetting: false,
            ..self.clone()
        }
    }

    /// With all rows forgotten: not shown from now on, and removed. `None` where there are none.
    pub fn forgotten(&self, now: Timestamp) -> Option<Self> {
        (self.round > 0).then(|| Self {
            // Rows of a round in progress are older than the next round.
            round: self.round + 1,
            step: Some(Step::Sweep { half: Half::First, after: None }),
            due_at: Some(now),
            is_forgetting: true,
            ..Self::default()
        })
    }

    /// Reports a row of the shown round.
    pub fn shows(&self, half: Half, seen: &Seen) -> bool {
        self.shown.is_some_and(|shown| shown.half == half && shown.round == seen.round)
    }

    /// Reports a row that the sweep of its half removes.
    pub fn sweeps(&self, half: Half, seen: &Seen) -> bool {
        !self.shows(half, seen) && (seen.round != self.round || half != self.written_half() || self.is_forgetting)
    }

    /// Taken by a run until `until`: no other run finds it due before.
    #[must_use]
    pub fn taken(&self, until: Timestamp) -> Self {
        Self { runs: self.runs.saturating_add(1), ..self.leased(until) }
    }

    /// Reports a reading whose runs end without progress, each killed before it could say why.
    pub fn is_stalled(&self) -> bool {
        self.runs > MAX_RUNS
    }

    /// Leased until `until`: no other run finds it due before.
    #[must_use]
    pub fn leased(&self, until: Timestamp) -> Self {
        Self { due_at: Some(until), ..self.clone() }
    }

    /// With the page of the sweep done whose last row has the sort key `last`; `None` at the end of the half.
    #[must_use]
    pub fn swept(&self, last: Option<String>, now: Timestamp) -> Self {
        let Some(Step::Sweep { half, .. }) = self.step else { return self.clone() };
        let next = match last {
            Some(last) => Some(Step::Sweep { half, after: Some(last) }),
            // Where nothing is shown, rows of former settings may be in both halves.
            None if self.shown.is_none() && half == Half::First => {
                Some(Step::Sweep { half: Half::Second, after: None })
            }
            None => None,
        };
        if next.is_some() {
            return Self { step: next, attempts: 0, runs: 0, waiting_for: None, ..self.clone() };
        }
        let at_rest = Self {
            step: None,
            due_at: None,
            attempts: 0,
            runs: 0,
            settles_at: None,
            waiting_for: None,
            denials: Denials::default(),
            is_forgetting: false,
            ..self.clone()
        };
        if self.is_forgetting {
            return at_rest;
        }
        let shown = Some(Shown { round: self.round, half: self.written_half(), at: now });
        Self { shown, last_calls: self.counts.calls, ..at_rest }
    }
}

#[cfg(test)]
mod tests;
