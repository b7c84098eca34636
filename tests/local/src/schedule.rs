//! Schedules: the due times of `rate(…)` and `cron(…)`, and the scheduled events.
//!
//! Sources: "Setting a schedule pattern for scheduled rules", Amazon EventBridge User Guide, and "Schedule types in
//! EventBridge Scheduler", EventBridge Scheduler User Guide.

use crate::{
    Error,
    bus::event_time,
    delivery::Delivery,
    template::{ACCOUNT, REGION, STACK_NAME, Schedule},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use time::{Date, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description};
use uuid::Uuid;

/// A clock with an offset. It advances like the system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock(time::Duration);

impl Clock {
    /// Creates a clock that shows `now` now.
    pub fn set_to(now: OffsetDateTime) -> Self {
        Self(now - OffsetDateTime::now_utc())
    }

    /// Parses a date (`2027-01-31`, noon UTC) or an RFC 3339 time.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
        let noon = date.map(|date| date.with_time(Time::from_hms(12, 0, 0).unwrap_or(Time::MIDNIGHT)).assume_utc());
        let time = noon.or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
        time.map(Self::set_to)
            .map_err(|_| Error::new(format!("`{text}` is neither a date (2027-01-31) nor an RFC 3339 time")))
    }

    /// Returns the clock's time.
    pub fn now(self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.0
    }
}

/// A schedule expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    /// A fixed interval.
    Rate(Duration),
    /// Every minute that matches.
    Cron(Box<Cron>),
    /// Once.
    At(OffsetDateTime),
}

/// The six fields of a cron expression, each with its allowed numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: BTreeSet<u16>,
    hours: BTreeSet<u16>,
    days: BTreeSet<u16>,
    months: BTreeSet<u16>,
    /// Weekdays; 1 is Sunday.
    weekdays: BTreeSet<u16>,
    years: BTreeSet<u16>,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const YEARS: (u16, u16) = (1970, 2199);

impl Expression {
    /// Parses `rate(1 day)`, `cron(0 6 * * ? *)` or `at(2027-01-31T06:00:00)`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new(format!("`{text}` is not a schedule expression that runs locally"));
        let (kind, inner) = text.trim().strip_suffix(')').and_then(|text| text.split_once('(')).ok_or_else(wrong)?;
        match kind {
            "rate" => {
                let (value, unit) = inner.trim().split_once(' ').ok_or_else(wrong)?;
                let value: u64 = value.parse().ok().filter(|value| *value > 0).ok_or_else(wrong)?;
                let seconds = match unit.trim() {
                    "minute" | "minutes" => 60,
                    "hour" | "hours" => 3600,
                    "day" | "days" => 86_400,
                    _ => return Err(wrong()),
                };
                Ok(Self::Rate(Duration::from_secs(value * seconds)))
            }
            "cron" => {
                let fields: Vec<_> = inner.split_whitespace().collect();
                let [minutes, hours, days, months, weekdays, years] = fields.as_slice() else {
                    return Err(wrong());
                };
                let field = |text: &str, bounds, names| numbers(text, bounds, names).ok_or_else(wrong);
                Ok(Self::Cron(Box::new(Cron {
                    minutes: field(minutes, (0, 59), &[])?,
                    hours: field(hours, (0, 23), &[])?,
                    days: field(days, (1, 31), &[])?,
                    months: field(months, (1, 12), &MONTHS)?,
                    weekdays: field(weekdays, (1, 7), &WEEKDAYS)?,
                    years: field(years, YEARS, &[])?,
                })))
            }
            "at" => {
                let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
                let time = time::PrimitiveDateTime::parse(inner, format).map_err(|_| wrong())?;
                Ok(Self::At(time.assume_utc()))
            }
            _ => Err(wrong()),
        }
    }

    /// Returns the first due time after `last`, if there is one.
    pub fn next(&self, last: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::Rate(every) => last.checked_add(time::Duration::try_from(*every).ok()?),
            Self::At(time) => Some(*time).filter(|time| *time > last),
            Self::Cron(cron) => cron.next(last),
        }
    }
}

impl Cron {
    fn next(&self, last: OffsetDateTime) -> Option<OffsetDateTime> {
        let from = last.checked_add(time::Duration::minutes(1))?;
        let first_minute = Time::from_hms(from.hour(), from.minute(), 0).ok()?;
        let mut date = from.date();
        let mut earliest = first_minute;
        loop {
            let year = u16::try_from(date.year()).ok()?;
            if year > *self.years.last()? {
                return None;
            }
            if self.years.contains(&year) && self.has_date(date) {
                for hour in &self.hours {
                    for minute in &self.minutes {
                        let time = Time::from_hms(u8::try_from(*hour).ok()?, u8::try_from(*minute).ok()?, 0).ok()?;
                        if time >= earliest {
                            return Some(date.with_time(time).assume_utc());
                        }
                    }
                }
            }
            date = date.next_day()?;
            earliest = Time::MIDNIGHT;
        }
    }

    fn has_date(&self, date: Date) -> bool {
        self.months.contains(&u16::from(u8::from(date.month())))
            && self.days.contains(&u16::from(date.day()))
            && self.weekdays.contains(&u16::from(date.weekday().number_from_sunday()))
    }
}

/// Parses a field: `*`, `?`, `5`, `MON-FRI`, `0/15`, and lists of these.
fn numbers(field: &str, (low, high): (u16, u16), names: &[&str]) -> Option<BTreeSet<u16>> {
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        match named {
            Some(index) => u16::try_from(index + 1).ok(),
            None => text.parse().ok().filter(|number| (low..=high).contains(number)),
        }
    };
    let mut numbers = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u16>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None if matches!(range, "*" | "?") => (low, high),
            // `5/15` means from 5 to the end.
            None => (number(range)?, if step.is_some() { high } else { number(range)? }),
        };
        numbers.extend((first..=last).step_by(usize::from(step.unwrap_or(1))));
    }
    (!numbers.is_empty()).then_some(numbers)
}

/// Builds the scheduled event for `time`.
pub(crate) fn event(schedule: &Schedule, time: OffsetDateTime) -> Value {
    let id = Uuid::new_v4().to_string();
    let name = format!("{STACK_NAME}-{}", schedule.name);
    if let Some(input) = &schedule.input {
        return with_context(input, &id, time);
    }
    let (source, resource, detail) = match schedule.scheduler {
        true => ("aws.scheduler", format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"), json!("{}")),
        false => ("aws.events", format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"), json!({})),
    };
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": source,
        "account": ACCOUNT,
        "time": event_time(time),
        "region": REGION,
        "resources": [resource],
        "detail": detail,
    })
}

/// Replaces EventBridge Scheduler's context attributes in an input.
fn with_context(input: &Value, id: &str, time: OffsetDateTime) -> Value {
    match input {
        Value::String(text) => Value::String(
            text.replace("<aws.scheduler.scheduled-time>", &event_time(time))
                .replace("<aws.scheduler.execution-id>", id),
        ),
        Value::Array(items) => items.iter().map(|item| with_context(item, id, time)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), with_context(value, id, time))).collect()
        }
        other => other.clone(),
    }
}

/// Runs a schedule once now, and then at each due time of the clock.
pub(crate) async fn run(schedule: Schedule, expression: Expression, clock: Clock, delivery: Delivery) {
    let mut due = clock.now();
    loop {
        delivery.deliver(&schedule.function, event(&schedule, due).to_string().into()).await;
        let Some(next) = expression.next(due) else {
            return;
        };
        due = next;
        let wait = due - clock.now();
        tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn next(expression: &str, last: OffsetDateTime) -> Option<OffsetDateTime> {
        Expression::parse(expression).unwrap().next(last)
    }

    #[test]
    fn comes_due_as_eventbridge_says() {
        let last = datetime!(2026-11-22 07:34:56 UTC);
        for (expression, expected) in [
            ("rate(5 minutes)", Some(datetime!(2026-11-22 07:39:56 UTC))),
            ("rate(1 day)", Some(datetime!(2026-11-23 07:34:56 UTC))),
            ("cron(0 6 * * ? *)", Some(datetime!(2026-11-23 06:00:00 UTC))),
            ("cron(0/15 * * * ? *)", Some(datetime!(2026-11-22 07:45:00 UTC))),
            ("cron(35 7 * * ? *)", Some(datetime!(2026-11-22 07:35:00 UTC))),
            ("cron(34 7 * * ? *)", Some(datetime!(2026-11-23 07:34:00 UTC))),
            ("cron(0 8 ? * MON-FRI *)", Some(datetime!(2026-11-23 08:00:00 UTC))),
            ("cron(0 8 ? * 7 *)", Some(datetime!(2026-11-28 08:00:00 UTC))),
            ("cron(30 4 1,15 JAN,jul ? *)", Some(datetime!(2027-01-01 04:30:00 UTC))),
            ("cron(0 0 29 2 ? *)", Some(datetime!(2028-02-29 00:00:00 UTC))),
            ("cron(0 0 1 1 ? 2025)", None),
            ("cron(0 0 30 2 ? *)", None),
            ("at(2027-01-31T06:00:00)", Some(datetime!(2027-01-31 06:00:00 UTC))),
            ("at(2020-01-31T06:00:00)", None),
        ] {
            assert_eq!(next(expression, last), expected, "{expression}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_run() {
        for expression in
            ["rate(0 days)", "rate(1 week)", "cron(0 6 * * ?)", "cron(60 * * * ? *)", "cron(0 0 L * ? *)", "daily", ""]
        {
            assert!(Expression::parse(expression).is_err(), "{expression}");
        }
    }

    #[test]
    fn the_clock_goes_on_from_the_date_it_is_set_to() {
        let clock = Clock::parse("2031-05-06").unwrap();
        assert_eq!(clock.now().date(), time::macros::date!(2031 - 05 - 06));
        let clock = Clock::parse("2031-05-06T23:59:59+02:00").unwrap();
        assert!(clock.now() >= datetime!(2031-05-06 21:59:59 UTC));
        assert!(Clock::parse("tomorrow").is_err());
    }

    #[test]
    fn the_event_has_the_shape_of_its_service() {
        let mut schedule = Schedule {
            function: "sweep".into(),
            name: "Daily".into(),
            expression: String::new(),
            input: None,
            scheduler: false,
        };
        let time = datetime!(2027-01-31 06:00:00.5 UTC);
        let rule = event(&schedule, time);
        assert_eq!(
            (&rule["source"], &rule["time"], &rule["detail"]),
            (&json!("aws.events"), &json!("2027-01-31T06:00:00Z"), &json!({}))
        );
        assert_eq!(rule["resources"], json!(["arn:aws:events:us-east-1:000000000000:rule/trustplane-Daily"]));
        schedule.scheduler = true;
        assert_eq!(event(&schedule, time)["detail"], "{}");
        schedule.input = Some(json!({ "time": "<aws.scheduler.scheduled-time>" }));
        assert_eq!(event(&schedule, time), json!({ "time": "2027-01-31T06:00:00Z" }));
    }

    #[test]
    fn the_first_of_a_month_is_found_from_its_end() {
        assert_eq!(
            next("cron(0 0 1 * ? *)", datetime!(2026-12-31 23:59:59 UTC)),
            Some(datetime!(2027-01-01 00:00 UTC))
        );
    }
}
