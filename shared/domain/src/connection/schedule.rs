//! The schedule of checks, and the history of health.

use serde::{Deserialize, Serialize};

use super::{Connection, Health};
use crate::Timestamp;
use crate::timestamp::{DAY, SECOND};

/// Largest number of changes in the history.
pub const MAX_HISTORY: usize = 20;

/// Time between two checks that AWS answered, in milliseconds.
const INTERVAL: i64 = DAY;
/// Time before a check that AWS did not answer is made again, in milliseconds: twice as long after each, eight hours at
/// most.
const FIRST_PAUSE: i64 = 1_800 * SECOND;
/// Doublings of the pause.
const MAX_DOUBLINGS: u32 = 4;

/// A change of health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "HealthChange"))]
pub struct HealthChange {
    /// The health since then.
    pub health: Health,
    /// Time of the test that found it.
    pub at: Timestamp,
}

impl Connection {
    /// Returns this connection with the time of its next check after a test at `at`, which found `health`, or nothing
    /// where AWS did not answer.
    pub(super) fn checked(self, before: Option<Health>, health: Option<Health>, at: Timestamp) -> Self {
        let mut after = self;
        if let Some(health) = health.filter(|health| Some(*health) != before) {
            after.health_history.push(HealthChange { health, at });
            let surplus = after.health_history.len().saturating_sub(MAX_HISTORY);
            after.health_history.drain(..surplus);
        }
        let pause = match health {
            Some(_) => {
                after.unanswered_checks = 0;
                INTERVAL
            }
            None => {
                let doublings = after.unanswered_checks.min(MAX_DOUBLINGS);
                after.unanswered_checks = after.unanswered_checks.saturating_add(1);
                FIRST_PAUSE << doublings
            }
        };
        after.next_check_at = Some(at.plus_millis(pause + after.jitter(pause, at)));
        after
    }

    /// Returns true if these settings passed a test before `at`. Where the history is full, the oldest changes are not known:
    /// then they did.
    pub fn passed_before(&self, at: Timestamp) -> bool {
        let passed = |health: Health| health != Health::Broken;
        let in_history = self.health_history.iter().any(|change| passed(change.health) && change.at < at);
        let last = self.health.is_some_and(passed) && self.last_verified_at.is_some_and(|tested| tested < at);
        in_history || last || self.health_history.len() >= MAX_HISTORY
    }

    /// Spreads checks: a tenth of the pause earlier or later at most, another one for each tenant and time.
    fn jitter(&self, pause: i64, at: Timestamp) -> i64 {
        let id = self
            .external_id
            .as_bytes()
            .iter()
            .fold(at.as_millis(), |sum, byte| sum.wrapping_mul(31).wrapping_add(i64::from(*byte)));
        let span = pause / 5;
        id.rem_euclid(span.max(1)) - span / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ExternalId;

    fn connection(number: u8) -> Connection {
        Connection::new(ExternalId::from_random([number; 16]))
    }

    #[test]
    fn a_test_that_passed_counts_until_other_settings_are_saved() {
        let at = Timestamp::from_millis;
        let mut one = connection(1);
        assert!(!one.passed_before(at(100)));
        for (time, health) in [(10, Health::Broken), (20, Health::Degraded), (30, Health::Broken)] {
            one = one.clone().checked(one.health, Some(health), at(time));
            (one.health, one.last_verified_at) = (Some(health), Some(at(time)));
        }
        assert!(one.passed_before(at(21)) && one.passed_before(at(100)));
        assert!(!one.passed_before(at(20)));
        let role = crate::arn::RoleArn::parse("arn:aws:iam::123456789012:role/Other").unwrap();
        let other = super::super::Settings { role_arn: Some(role), ..one.settings.clone() };
        assert!(!one.saved(other).passed_before(at(100)));
    }

    #[test]
    fn checks_are_a_day_apart_and_spread_over_tenants() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let next: Vec<i64> = (0..50)
            .map(|number| {
                connection(number).checked(None, Some(Health::Healthy), at).next_check_at.unwrap().millis_since(at)
            })
            .collect();
        assert!(next.iter().all(|pause| (pause - DAY).abs() <= DAY / 10), "{next:?}");
        let distinct: std::collections::BTreeSet<_> = next.iter().collect();
        assert!(distinct.len() > 40, "{next:?}");
    }

    #[test]
    fn a_check_that_aws_does_not_answer_backs_off_and_changes_no_health() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let mut one = connection(1);
        for pause in [1, 2, 4, 8, 16, 16] {
            one = one.checked(None, None, at);
            let next = one.next_check_at.unwrap().millis_since(at);
            assert!((next - pause * FIRST_PAUSE).abs() <= pause * FIRST_PAUSE / 10, "{next}");
        }
        assert_eq!(one.health_history, []);
        assert_eq!(one.checked(None, Some(Health::Broken), at).unanswered_checks, 0);
    }

    #[test]
    fn the_history_has_changes_alone_and_is_bounded() {
        let mut one = connection(1);
        let mut before = None;
        for number in 0..100 {
            let health = if number % 4 < 2 { Health::Healthy } else { Health::Broken };
            one = one.checked(before, Some(health), Timestamp::from_millis(number));
            before = Some(health);
        }
        assert_eq!(one.health_history.len(), MAX_HISTORY);
        assert!(one.health_history.windows(2).all(|pair| pair[0].health != pair[1].health && pair[0].at < pair[1].at));
    }
}
