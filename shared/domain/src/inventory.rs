//! Inventory of accounts, permission sets and assignments, as IAM Identity Center and AWS Organizations report them
//! through a tenant's role.
//!
//! An organization is read in the background, in slices; [`Sync`] is the progress. Each row is written as it is read
//! and carries the number of its round. At the end of a round, a sweep deletes the rows that the round did not see.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::timestamp::SECOND;

/// Consecutive temporary failures of a slice, after which the round is given up.
const ATTEMPTS: u32 = 6;

/// Progress of reading an organization. Each tenant has one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sync {
    /// Number of the last round that was started, from 1.
    pub round: u64,
    /// The first visible round. Rows of earlier rounds are hidden, because they were read through another connection.
    pub shown_from: u64,
    /// The next step; `None` at rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Time of the next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Consecutive failures.
    #[serde(default)]
    pub attempts: u32,
    /// Time of the request for the round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// Time at which a round was last completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_synced_at: Option<Timestamp>,
    /// Reason why the last round was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<SyncFailure>,
    /// The denied IAM action, for [`SyncFailure::Denied`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_action: Option<String>,
}

/// One slice of a round. It continues at `next`, AWS's pagination token, or starts from the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The organization's accounts.
    Accounts {
        /// AWS's pagination token.
        next: Option<String>,
    },
    /// The permission sets.
    PermissionSets {
        /// AWS's pagination token.
        next: Option<String>,
    },
    /// The assignments, one permission set after the other.
    Assignments {
        /// Sort key of the last completed permission set.
        after: Option<String>,
        /// AWS's pagination token for the accounts of the next permission set.
        next: Option<String>,
    },
    /// Deletion of the rows that the round did not see.
    Sweep {
        /// Sort key of the last row that was checked.
        after: Option<String>,
    },
}

/// Reasons to give up a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum SyncFailure {
    /// AWS denies a call to the role.
    Denied,
    /// The role can be assumed without the tenant's ExternalId, so it is not used.
    ExternalIdNotEnforced,
    /// The instance does not exist any more.
    InstanceGone,
    /// AWS refuses the call: an account instance has no permission sets.
    Refused,
    /// AWS throttled, failed or did not respond, repeatedly.
    Unavailable,
    /// The connection was deleted.
    NotConfigured,
}

/// Status of a sync, for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum SyncStatus {
    /// No sync was requested.
    Never,
    /// A sync is in progress.
    Running,
    /// The last sync was completed.
    Done,
    /// The last sync was given up.
    Failed,
}

/// A row, with the round that saw it.
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
    /// The principals that have a permission set in an account.
    Assignment(Assignment),
}

/// An account of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsAccount"))]
pub struct Account {
    /// 12 digits.
    pub account_id: String,
    /// The owner's name for it.
    pub name: Option<String>,
    /// E-mail address of its root user.
    pub email: Option<String>,
    /// Status: `ACTIVE`, `SUSPENDED` and so on.
    pub status: Option<String>,
}

/// A permission set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsPermissionSet"))]
pub struct PermissionSet {
    /// ARN of the permission set.
    pub permission_set_arn: String,
    /// The owner's name for it.
    pub name: Option<String>,
    /// The owner's description.
    pub description: Option<String>,
    /// Duration of a session, in ISO 8601: `PT8H`.
    pub session_duration: Option<String>,
}

/// The principals that have a permission set in an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsAssignment"))]
pub struct Assignment {
    /// The account.
    pub account_id: String,
    /// The permission set.
    pub permission_set_arn: String,
    /// The users and groups.
    pub principals: Vec<Principal>,
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

impl Sync {
    /// Returns the status.
    pub fn status(&self) -> SyncStatus {
        match (&self.step, self.failure, self.last_synced_at) {
            (Some(_), ..) if !self.is_forgetting() => SyncStatus::Running,
            (_, Some(_), _) => SyncStatus::Failed,
            (_, None, Some(_)) => SyncStatus::Done,
            (_, None, None) => SyncStatus::Never,
        }
    }

    /// Requests a round at `now`. Changes nothing while a round is in progress.
    #[must_use]
    pub fn requested(&self, now: Timestamp) -> Self {
        if self.step.is_some() && !self.is_forgetting() {
            return self.clone();
        }
        Self {
            round: self.shown_from.max(self.round + 1),
            step: Some(Step::Accounts { next: None }),
            due_at: Some(now),
            attempts: 0,
            requested_at: Some(now),
            failure: None,
            denied_action: None,
            ..self.clone()
        }
    }

    /// Hides everything that was read so far, and starts its deletion. Returns `None` where nothing was read.
    pub fn forgotten(&self, now: Timestamp) -> Option<Self> {
        (self.round > 0).then(|| Self {
            round: self.round,
            shown_from: self.round + 1,
            step: Some(Step::Sweep { after: None }),
            due_at: Some(now),
            ..Self::default()
        })
    }

    /// Returns true if rows of this round are visible.
    pub fn shows(&self, seen: &Seen) -> bool {
        seen.round >= self.shown_from
    }

    /// Returns true if the sweep at the end of the round deletes the row.
    pub fn sweeps(&self, seen: &Seen) -> bool {
        seen.round < self.round.max(self.shown_from)
    }

    /// Sets the next step, to run at `due_at`.
    #[must_use]
    pub fn at(&self, step: Step, due_at: Timestamp) -> Self {
        Self { step: Some(step), due_at: Some(due_at), attempts: 0, ..self.clone() }
    }

    /// Leases the step until `lease_until`, so that no other worker finds it before that time.
    #[must_use]
    pub fn taken(&self, lease_until: Timestamp) -> Self {
        Self { due_at: Some(lease_until), ..self.clone() }
    }

    /// Completes the round at `now`.
    #[must_use]
    pub fn finished(&self, now: Timestamp) -> Self {
        let last_synced_at = if self.is_forgetting() { None } else { Some(now) };
        Self { step: None, due_at: None, attempts: 0, last_synced_at, ..self.clone() }
    }

    /// Records a failure at `now`. A temporary failure is retried with growing delays; any other ends the round.
    /// `denied` is the IAM action of [`SyncFailure::Denied`].
    #[must_use]
    pub fn failed(&self, failure: SyncFailure, denied: Option<&str>, now: Timestamp) -> Self {
        let attempts = self.attempts + 1;
        if failure == SyncFailure::Unavailable && attempts < ATTEMPTS {
            // Delays of 1, 2, 4, 8 and 16 minutes.
            let wait = (60 * SECOND) << (attempts - 1);
            return Self { attempts, due_at: Some(now.plus_millis(wait)), ..self.clone() };
        }
        let denied_action = denied.map(ToOwned::to_owned);
        Self { step: None, due_at: None, attempts: 0, failure: Some(failure), denied_action, ..self.clone() }
    }

    /// Explains to the user why the last round was given up, and the action to take.
    pub fn advice(&self) -> Option<String> {
        let test = "POST /v1/integrations/aws-identity-center/test";
        Some(match (self.failure?, self.denied_action.as_deref()) {
            (SyncFailure::Denied, Some("sts:AssumeRole")) => {
                format!("STS does not let the platform assume the role: {test} says what to look at.")
            }
            (SyncFailure::Denied, action) => format!(
                "AWS denies `{}` to the role. It says the same of an instance that is in another region and to a role in a \
                 plain member account, which {test} tells. If that passes, allow the action in a permission policy of the role, \
                 as the template of POST /v1/integrations/aws-identity-center/bootstrap-template does. Then ask for another \
                 reading.",
                action.unwrap_or("a call"),
            ),
            (SyncFailure::ExternalIdNotEnforced, _) => format!(
                "The role can be assumed without the ExternalId, so nothing is asked through it: {test} says how to mend it."
            ),
            (SyncFailure::InstanceGone, _) => {
                format!("AWS has no such instance in the saved region: {test} says whether it is elsewhere or gone.")
            }
            (SyncFailure::Refused, _) => {
                format!("AWS refuses it, as of an account instance, which has no permission sets: see {test}.")
            }
            (SyncFailure::Unavailable, _) => {
                format!(
                    "AWS throttled, failed or did not answer {ATTEMPTS} times in half an hour. Ask for another reading."
                )
            }
            (SyncFailure::NotConfigured, _) => "The configuration was removed meanwhile. Save one first.".to_owned(),
        })
    }

    fn is_forgetting(&self) -> bool {
        self.shown_from > self.round
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn seen(round: u64) -> Seen {
        let account = Account { account_id: "123456789012".to_owned(), name: None, email: None, status: None };
        Seen { round, row: Row::Account(account) }
    }

    #[test]
    fn a_round_is_asked_for_once_and_shows_what_it_saw() {
        let sync = Sync::default();
        assert_eq!((sync.status(), sync.forgotten(at(0))), (SyncStatus::Never, None));
        let running = sync.requested(at(1));
        assert_eq!((running.round, running.status(), running.due_at), (1, SyncStatus::Running, Some(at(1))));
        assert_eq!(running.requested(at(2)), running);
        let done = running.finished(at(3));
        assert_eq!((done.status(), done.last_synced_at, done.due_at), (SyncStatus::Done, Some(at(3)), None));
        let second = done.requested(at(4));
        // Until the second round ends, rows of the first round are visible. The sweep deletes those that the second did
        // not see.
        assert!(second.shows(&seen(1)) && second.sweeps(&seen(1)) && !second.sweeps(&seen(2)));
        assert_eq!(second.last_synced_at, Some(at(3)));
    }

    #[test]
    fn what_another_connection_saw_is_shown_no_more() {
        let done = Sync::default().requested(at(1)).finished(at(2));
        let forgetting = done.forgotten(at(3)).unwrap();
        assert_eq!((forgetting.status(), forgetting.last_synced_at), (SyncStatus::Never, None));
        assert!(!forgetting.shows(&seen(1)) && forgetting.sweeps(&seen(1)));
        assert_eq!(forgetting.finished(at(4)).last_synced_at, None);
        // A round that is requested meanwhile starts anew, and sweeps at its end.
        for forgetting in [forgetting.clone(), forgetting.finished(at(4))] {
            let again = forgetting.requested(at(5));
            assert_eq!((again.round, again.status()), (2, SyncStatus::Running));
            assert!(!again.shows(&seen(1)) && again.shows(&seen(2)) && again.sweeps(&seen(1)));
        }
    }

    #[test]
    fn what_passes_is_tried_again_later_each_time_and_not_for_ever() {
        let mut sync = Sync::default().requested(at(0));
        let mut waits = Vec::new();
        while sync.step.is_some() {
            sync = sync.failed(SyncFailure::Unavailable, None, at(0));
            waits.extend(sync.due_at.map(|due| due.as_millis() / 60_000));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16]);
        assert_eq!((sync.status(), sync.failure), (SyncStatus::Failed, Some(SyncFailure::Unavailable)));
        let denied = Sync::default().requested(at(0)).failed(SyncFailure::Denied, Some("sso:DescribeX"), at(0));
        assert_eq!((denied.status(), denied.due_at), (SyncStatus::Failed, None));
        assert!(denied.advice().is_some_and(|advice| advice.contains("`sso:DescribeX`")), "{denied:?}");
        let again = denied.requested(at(1));
        assert_eq!((again.failure, again.denied_action.as_ref(), again.advice()), (None, None, None));
    }
}
