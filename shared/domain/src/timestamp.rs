//! A point in time with millisecond precision, in the format of all APIs and items.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, macros::format_description};

/// Milliseconds since the Unix epoch, UTC.
///
/// Its text (`Display`, serde) is RFC 3339 with milliseconds and `Z`: `2026-01-02T03:04:05.678Z`. The text sorts by
/// time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// One second, in the unit of [`Timestamp::plus_millis`].
pub const SECOND: i64 = 1_000;
/// One day, in the unit of [`Timestamp::plus_millis`].
pub const MINUTE: i64 = 60 * SECOND;
/// Milliseconds.
pub const DAY: i64 = 86_400 * SECOND;

/// The years 0000 to 9999, which RFC 3339 can represent.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

crate::schema!(Timestamp, {
    "type": "string", "format": "date-time", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"
});

impl Timestamp {
    /// 1970-01-01.
    pub const EPOCH: Self = Self(0);
    /// The last millisecond of the year 9999, after every other time.
    pub const END: Self = Self(*RANGE.end());

    /// Creates a time from milliseconds after the epoch, clamped to the years 0000 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(*RANGE.start(), *RANGE.end()))
    }

    /// Reads this machine's clock.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX));
        Self::from_millis(since)
    }

    /// Parses RFC 3339 with any offset. Truncates to milliseconds.
    pub fn parse(text: &str) -> Option<Self> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(parsed.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self::from_millis)
    }

    /// Returns the milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since the epoch, rounded up: the unit of a table's time to live.
    pub fn as_seconds_rounded_up(self) -> i64 {
        self.0.div_euclid(SECOND) + i64::from(self.0.rem_euclid(SECOND) != 0)
    }

    /// Adds `millis` milliseconds.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Returns the milliseconds from `earlier` to this time; negative if `earlier` is later.
    pub fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the midnight before this time, UTC.
    #[must_use]
    pub fn day_start(self) -> Self {
        Self::from_millis(self.0 - self.0.rem_euclid(DAY))
    }

    /// Returns the date: `2026-01-02`.
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// Converts to a calendar date and time, UTC.
    pub fn calendar(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let text = self.calendar().format(&format).map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_rfc_3339_with_milliseconds() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(253_402_300_799_999).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(1_700_000_000_007).date(), "2023-11-14");
        assert_eq!(Timestamp::from_millis(1_700_000_000_007).day_start().to_string(), "2023-11-14T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(-1).day_start().to_string(), "1969-12-31T00:00:00.000Z");
    }

    #[test]
    fn reads_other_offsets_and_finer_fractions() {
        let expected = Timestamp::parse("2026-01-02T03:04:05.678Z");
        assert_eq!(Timestamp::parse("2026-01-02T05:04:05.6789+02:00"), expected);
        assert_eq!(Timestamp::parse("2026-02-30T00:00:00Z"), None);
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_sorts_as_text(a in RANGE, b in RANGE) {
            let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            prop_assert_eq!(Timestamp::parse(&a.to_string()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn seconds_never_come_before_the_time(a in RANGE) {
            let time = Timestamp::from_millis(a);
            let difference = time.as_seconds_rounded_up() * SECOND - a;
            prop_assert!((0..SECOND).contains(&difference));
        }
    }
}
