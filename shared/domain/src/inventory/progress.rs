//! Progress of a round, with an estimate.

use serde::Serialize;

use super::{Step, Sync};

/// Calls to AWS per second.
pub const CALLS_PER_SECOND: u64 = 8;

/// Progress of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsSyncProgress"))]
pub struct Progress {
    /// The current step: `accounts`, `permission_sets`, `assignments` (counted in permission sets), `cleanup`.
    pub step: &'static str,
    /// Things that are done.
    pub done: u64,
    /// Things to do; `None` where it is not known yet.
    pub total: Option<u64>,
    /// Seconds to the end of the round, without pauses; `None` where it is not known yet.
    pub estimated_seconds: Option<u64>,
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
            Step::Assignments { .. } => ("assignments", counts.sets_done, Some(sets)),
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
        let estimated_seconds = calls_left.map(|calls| calls.div_ceil(CALLS_PER_SECOND));
        Some(Progress { step, done, total, estimated_seconds })
    }
}
