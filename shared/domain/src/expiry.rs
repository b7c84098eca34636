//! Notices before an expiry. Each is due a number of days before it, and is given once. Of several that are overdue, the
//! latest is given alone.

use crate::timestamp::{DAY, Timestamp};

/// The notices of one expiry: days before it, the most first.
#[derive(Clone, Copy, Debug)]
pub struct Notices {
    /// Days before the expiry.
    pub thresholds: &'static [u16],
    /// Time of the expiry.
    pub end: Timestamp,
    /// Time before which no notice is given: the thing did not exist.
    pub since: Timestamp,
    /// The notice that was given last.
    pub given: Option<u16>,
}

impl Notices {
    fn left(&self) -> impl DoubleEndedIterator<Item = u16> {
        let Self { thresholds, end, since, given } = *self;
        let is_left = move |days: &u16| given.is_none_or(|given| *days < given) && at(end, *days) > since;
        thresholds.iter().copied().filter(is_left)
    }

    /// Returns the time of the next notice.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.left().next().map(|days| at(self.end, days))
    }

    /// Returns the notice that is due at `now`.
    pub fn due(&self, now: Timestamp) -> Option<u16> {
        self.left().rfind(|days| at(self.end, *days) <= now)
    }
}

/// Returns the days from `now` to `end`, rounded up.
pub fn days_left(end: Timestamp, now: Timestamp) -> i64 {
    let millis = end.millis_since(now);
    millis.div_euclid(DAY) + i64::from(millis.rem_euclid(DAY) > 0)
}

fn at(end: Timestamp, days: u16) -> Timestamp {
    end.plus_millis(-i64::from(days) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::EPOCH.plus_millis(number * DAY)
    }

    #[test]
    fn each_notice_is_due_once_and_the_latest_of_those_that_are_overdue() {
        let mut notices = Notices { thresholds: &[30, 14, 7, 1], end: day(100), since: day(0), given: None };
        assert_eq!((notices.next_at(), notices.due(day(69))), (Some(day(70)), None));
        assert_eq!(notices.due(day(70)), Some(30));
        notices.given = notices.due(day(95));
        assert_eq!((notices.given, notices.next_at()), (Some(7), Some(day(99))));
        notices.given = Some(1);
        assert_eq!((notices.next_at(), notices.due(day(200))), (None, None));
    }

    #[test]
    fn nothing_is_due_before_the_thing_exists() {
        let notices = Notices { thresholds: &[30, 14, 7, 1], end: day(100), since: day(95), given: None };
        assert_eq!((notices.next_at(), notices.due(day(98))), (Some(day(99)), None));
        assert_eq!(
            [days_left(day(2), day(1)), days_left(day(2), day(1).plus_millis(1)), days_left(day(1), day(2))],
            [1, 1, -1]
        );
    }
}
