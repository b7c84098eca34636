//! Progress of a round, with an estimate.

use serde::Serialize;

use super::{Step, Sync, SyncFailure};
use crate::Timestamp;

/// Calls to AWS per second.
pub const CALLS_PER_SECOND: u64 = 8;

/// Progress of a reading of the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsSyncProgress"))]
pub struct Progress {
    /// The current step: `accounts`, `permission_sets`, `assignments` (counted in permission sets), `cleanup`.
    pub step: &'static str,
    /// Things of this step that are done.
    pub done: u64,
    /// All things of this step; null where their number is not known yet.
    pub total: Option<u64>,
    /// Seconds to the end of the reading, from the time that its calls took so far; null where it is not known yet.
    pub estimated_seconds: Option<u64>,
    /// The reason that the reading waits, as `code` of `sync_failure`; null while it does not. It goes on by itself.
    pub waiting_for: Option<SyncFailure>,
    /// The time at which a reading that waits goes on.
    pub waiting_until: Option<Timestamp>,
}

impl Sync {
    /// The progress of the round that is in progress.
    pub fn progress(&self) -> Option<Progress> {
        if self.is_forgetting {
            return None;
        }
        let counts = &self.counts;
        let sets = counts.sets + counts.sets_denied;
        let (step, done, total) = match self.step.as_ref()? {
            Step::Accounts { .. } => ("accounts", counts.accounts, None),
            Step::PermissionSets { list, waiting, .. } => {
                let total = list.is_none().then(|| sets + waiting.len() as u64);
                ("permission_sets", sets, total)
            }
            Step::Instance => ("permission_sets", sets, Some(sets)),
            Step::Assignments { .. } => ("assignments", counts.sets_done, Some(counts.sets.max(counts.sets_done))),
            Step::Sweep { .. } => ("cleanup", 0, None),
        };
        let in_step = counts.calls - counts.calls_before.min(counts.calls);
        let calls_left = if matches!(self.step, Some(Step::Sweep { .. })) {
            Some(0)
        } else if self.last_calls > counts.calls {
            Some(self.last_calls - counts.calls)
        } else {
            match (step, total) {
                ("assignments", Some(total)) if done > 0 => Some(in_step * total.saturating_sub(done) / done),
                _ => None,
            }
        };
        // A call takes its time from beginning to beginning, and runs pause.
        let millis = (counts.millis / counts.calls.max(1)).max(1_000 / CALLS_PER_SECOND);
        let estimated_seconds = calls_left.map(|calls| (calls * millis).div_ceil(1_000));
        let waiting_until = self.due_at.filter(|_| self.waiting_for.is_some());
        Some(Progress { step, done, total, estimated_seconds, waiting_for: self.waiting_for, waiting_until })
    }
}
