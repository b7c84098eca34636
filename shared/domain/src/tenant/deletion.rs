//! The deletion of a tenant: a waiting period in which it can be resumed, then its items, at last its audit log.

use serde::{Deserialize, Serialize};

use super::Tenant;
use crate::timestamp::DAY;
use crate::{Conflict, Failure, Timestamp};

/// Shortest and longest waiting period, in days.
pub const WAITING_DAYS: std::ops::RangeInclusive<i64> = 1..=365;
/// Waiting period where none is given, in days.
pub const DEFAULT_WAITING_DAYS: i64 = 30;
/// Time for which the audit log outlives the other items. The table's stream delivers records for a day, and a record
/// that is delivered after its log was deleted would begin another log.
pub const AUDIT_LOG_WAITS: i64 = 2 * DAY;

/// The planned deletion of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// The stage that is in progress.
    pub stage: Stage,
    /// Time of the next step.
    pub due_at: Timestamp,
}

/// A stage of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing is deleted. The tenant can be resumed until the time is over.
    Waiting,
    /// Claims and items are deleted.
    Items,
    /// Only the tenant and its audit log are left, and are deleted when the time is over.
    AuditLog,
}

impl Tenant {
    /// Suspends this tenant for this reason, and plans its deletion after `days`. A deletion that is planned keeps its time
    /// if no days are given; one that has begun stays as it is.
    #[must_use]
    pub fn with_deletion(&self, because: String, days: Option<i64>, now: Timestamp) -> Self {
        let end = || now.plus_millis(days.unwrap_or(DEFAULT_WAITING_DAYS).saturating_mul(DAY));
        let deletion = match self.deletion {
            Some(planned) if planned.stage != Stage::Waiting || days.is_none() => return self.clone(),
            _ => Deletion { stage: Stage::Waiting, due_at: end() },
        };
        Self { deletion: Some(deletion), ..self.suspended(because) }
    }

    /// Returns the next state of a deletion whose time has come; `None` where nothing is due. From
    /// [`Stage::AuditLog`] on, the tenant itself is deleted.
    pub fn advanced(&self, now: Timestamp) -> Option<Self> {
        let deletion = self.deletion.filter(|deletion| deletion.due_at <= now)?;
        let next = match deletion.stage {
            Stage::Waiting => Deletion { stage: Stage::Items, due_at: now },
            Stage::Items => Deletion { stage: Stage::AuditLog, due_at: now.plus_millis(AUDIT_LOG_WAITS) },
            Stage::AuditLog => deletion,
        };
        Some(Self { deletion: Some(next), ..self.clone() })
    }

    /// Refuses a change of a tenant whose deletion has begun: its items are incomplete.
    pub fn check_complete(&self) -> Result<(), Failure> {
        match self.deletion {
            Some(deletion) if deletion.stage != Stage::Waiting => Err(Failure::conflict(
                Conflict::WrongState,
                "the deletion of the tenant has begun, create another tenant or restore the table of an earlier time",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TenantId;
    use crate::tenant::Status;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn later(days: i64) -> Timestamp {
        NOW.plus_millis(days * DAY)
    }

    fn tenant() -> Tenant {
        Tenant::new(TenantId::from_random([1; 16]), "x".to_owned(), NOW)
    }

    fn end(tenant: &Tenant) -> (Stage, Timestamp) {
        let deletion = tenant.deletion.unwrap();
        (deletion.stage, deletion.due_at)
    }

    #[test]
    fn a_deletion_waits_and_can_be_taken_back_until_it_begins() {
        let planned = tenant().with_deletion("left".to_owned(), None, NOW);
        assert_eq!((planned.status, end(&planned)), (Status::Suspended, (Stage::Waiting, later(30))));
        assert_eq!(planned.advanced(later(30).plus_millis(-1)), None);
        assert_eq!(planned.resumed().unwrap(), tenant());
        let begun = planned.advanced(later(30)).unwrap();
        assert_eq!(end(&begun), (Stage::Items, later(30)));
        assert!(begun.resumed().is_err() && begun.check_complete().is_err() && planned.check_complete().is_ok());
        let last = begun.advanced(later(31)).unwrap();
        assert_eq!((last.status, end(&last)), (Status::Suspended, (Stage::AuditLog, later(33))));
        assert_eq!((last.advanced(later(32)), last.advanced(later(33))), (None, Some(last)));
        assert_eq!(tenant().advanced(later(400)), None);
    }

    #[test]
    fn a_repetition_keeps_the_time_unless_it_gives_another() {
        let planned = tenant().with_deletion("left".to_owned(), Some(7), NOW);
        assert_eq!(end(&planned), (Stage::Waiting, later(7)));
        assert_eq!(planned.with_deletion("again".to_owned(), None, later(3)), planned);
        let moved = planned.with_deletion("again".to_owned(), Some(7), later(3));
        assert_eq!((end(&moved), moved.suspended_because.as_deref()), ((Stage::Waiting, later(10)), Some("again")));
        let begun = moved.advanced(later(10)).unwrap();
        assert_eq!(begun.with_deletion("again".to_owned(), Some(1), later(10)), begun);
        // A suspension for another reason does not end the deletion.
        assert_eq!(end(&planned.suspended("unpaid".to_owned())), (Stage::Waiting, later(7)));
    }
}
