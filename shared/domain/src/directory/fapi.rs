//! Request headers of the FAPI profiles, and content negotiation (RFC 9110, 12.5.1).

use std::net::IpAddr;

use time::{Date, Month, Weekday};
use uuid::Uuid;

/// Returns the `x-fapi-interaction-id` to echo, a UUID in the format of RFC 4122, section 3. Returns `None` if the
/// header is missing or anything else. The service then creates a new id, and neither echoes nor logs the header.
pub fn interaction_id(header: Option<&str>) -> Option<&str> {
    header.filter(|text| text.len() == 36 && Uuid::try_parse(text).is_ok())
}

/// Checks an `x-fapi-auth-date`: `Sun, 10 Sep 2017 19:43:31 UTC`, or `GMT`. The date must exist and have its true day
/// of the week.
pub fn check_auth_date(text: &str) -> Result<(), &'static str> {
    let Some(parts) = auth_date_parts(text) else {
        return Err("must look like `Sun, 10 Sep 2017 19:43:31 UTC`");
    };
    let date =
        Date::from_calendar_date(parts.year, parts.month, parts.day).map_err(|_| "is not a date of the calendar")?;
    let (hour, minute, second) = parts.time;
    // RFC 9110 allows a leap second. It only occurs at the end of a UTC day.
    if hour > 23 || minute > 59 || second > 60 || (second == 60 && (hour, minute) != (23, 59)) {
        return Err("is not a time of day");
    }
    if date.weekday() != parts.weekday {
        return Err("is on another day of the week");
    }
    Ok(())
}

/// Parses an `x-fapi-customer-ip-address`: IPv4, or IPv6 in any of its spellings.
pub fn parse_customer_ip_address(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(|_| "must be an IPv4 or IPv6 address")
}

/// Returns true if the `Accept` header `accept` accepts `media_type`, such as `application/json`.
///
/// The most specific matching range decides, so `application/json;q=0, */*` refuses JSON. Case and a range's parameters
/// other than `q` have no effect. A missing or empty header accepts everything.
pub fn accepts(accept: Option<&str>, media_type: &str) -> bool {
    let Some(accept) = accept.filter(|text| !text.trim().is_empty()) else { return true };
    let (kind, _) = media_type.split_once('/').unwrap_or((media_type, ""));
    let mut best: Option<(u8, bool)> = None;
    for element in split_unquoted(accept, ',') {
        let mut parts = split_unquoted(element, ';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let specificity = match range.split_once('/') {
            _ if range.eq_ignore_ascii_case(media_type) => 2,
            Some((of_kind, "*")) if of_kind.eq_ignore_ascii_case(kind) => 1,
            Some(("*", "*")) => 0,
            // Not in the grammar, but the HTTP client of the Java library sends it.
            None if range == "*" => 0,
            _ => continue,
        };
        let wanted = parts.all(|parameter| !is_zero_weight(parameter));
        best = match best {
            Some((other, taken)) if other > specificity => Some((other, taken)),
            Some((other, taken)) if other == specificity => Some((other, taken || wanted)),
            _ => Some((specificity, wanted)),
        };
    }
    best.is_some_and(|(_, wanted)| wanted)
}

/// Returns true if a parameter is `q=0`, `q=0.0`, ...: not acceptable.
fn is_zero_weight(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.trim_end().eq_ignore_ascii_case("q") && value.trim_start().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
    })
}

/// Splits at `separator` outside quoted strings.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        let was_escaped = std::mem::take(&mut escaped);
        match character {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            _ => {}
        }
        character == separator && !quoted
    })
}

struct AuthDate {
    weekday: Weekday,
    day: u8,
    month: Month,
    year: i32,
    time: (u8, u8, u8),
}

/// Splits a date of the documented pattern `^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (Jan|...|Dec) \d{4} \d{2}:\d{2}:\d{2}
/// (GMT|UTC)$` into its parts.
fn auth_date_parts(text: &str) -> Option<AuthDate> {
    let (weekday, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let (day, month, year, time, zone) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !matches!(zone, "GMT" | "UTC") {
        return None;
    }
    let mut clock = time.split(':').map(|part| digits(part, 2));
    let time = (clock.next()??, clock.next()??, clock.next()??);
    if clock.next().is_some() {
        return None;
    }
    Some(AuthDate {
        weekday: weekday_of(weekday)?,
        day: digits(day, 2)?,
        month: month_of(month)?,
        year: digits(year, 4)?,
        time,
    })
}

/// Parses exactly `count` ASCII digits.
fn digits<T: std::str::FromStr>(text: &str, count: usize) -> Option<T> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn weekday_of(text: &str) -> Option<Weekday> {
    Some(match text {
        "Mon" => Weekday::Monday,
        "Tue" => Weekday::Tuesday,
        "Wed" => Weekday::Wednesday,
        "Thu" => Weekday::Thursday,
        "Fri" => Weekday::Friday,
        "Sat" => Weekday::Saturday,
        "Sun" => Weekday::Sunday,
        _ => return None,
    })
}

fn month_of(text: &str) -> Option<Month> {
    Some(match text {
        "Jan" => Month::January,
        "Feb" => Month::February,
        "Mar" => Month::March,
        "Apr" => Month::April,
        "May" => Month::May,
        "Jun" => Month::June,
        "Jul" => Month::July,
        "Aug" => Month::August,
        "Sep" => Month::September,
        "Oct" => Month::October,
        "Nov" => Month::November,
        "Dec" => Month::December,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::format_description;
    use time::{OffsetDateTime, UtcDateTime};

    use super::*;

    #[test]
    fn only_a_uuid_is_echoed_and_as_it_was_sent() {
        for text in ["73cac523-d3ae-2289-b106-330a6218710d", "73CAC523-D3AE-2289-B106-330A6218710D"] {
            assert_eq!(interaction_id(Some(text)), Some(text));
        }
        for text in [
            "",
            "73cac523d3ae2289b106330a6218710d",
            "{73cac523-d3ae-2289-b106-330a6218710d}",
            "urn:uuid:73cac523-d3ae-2289-b106-330a6218710d",
            " 73cac523-d3ae-2289-b106-330a6218710d",
            "73cac523-d3ae-2289-b106-330a6218710d, x",
            "73cac523-d3ae-2289-b106-330a6218710z",
            "<script>",
        ] {
            assert_eq!(interaction_id(Some(text)), None, "{text}");
        }
        assert_eq!(interaction_id(None), None);
    }

    #[test]
    fn an_auth_date_is_a_real_date_on_its_weekday() {
        for sound in [
            "Sun, 10 Sep 2017 19:43:31 UTC",
            "Sun, 10 Sep 2017 19:43:31 GMT",
            "Thu, 29 Feb 2024 00:00:00 GMT",
            "Sat, 31 Dec 2016 23:59:60 UTC",
        ] {
            assert_eq!(check_auth_date(sound), Ok(()), "{sound}");
        }
        for wrong in [
            "",
            "Mon, 10 Sep 2017 19:43:31 UTC",
            "sun, 10 Sep 2017 19:43:31 UTC",
            "Sunday, 10 Sep 2017 19:43:31 UTC",
            "Sun, 10 Sep 2017 19:43:31",
            "Sun, 10 Sep 2017 19:43:31 CET",
            "Sun, 10 Sep 2017 19:43:31 UTC ",
            "Sun, 10  Sep 2017 19:43:31 UTC",
            "Sun, 1 Sep 2017 19:43:31 UTC",
            "Sun, 10 Sep 17 19:43:31 UTC",
            "Sun, 10 Sep 2017 24:00:00 UTC",
            "Sun, 10 Sep 2017 19:60:31 UTC",
            "Sun, 10 Sep 2017 19:43:61 UTC",
            "Sun, 10 Sep 2017 19:43:60 UTC",
            "Sun, 10 Sep 2017 19:43 UTC",
            "Wed, 29 Feb 2023 00:00:00 GMT",
            "Fri, 31 Nov 2017 00:00:00 GMT",
            "Sun, +9 Sep 2017 19:43:31 UTC",
            "Sunday, 10-Sep-17 19:43:31 GMT",
            "2017-09-10T19:43:31Z",
        ] {
            assert!(check_auth_date(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_customer_address_may_be_of_either_version() {
        for sound in ["192.0.2.1", "2001:DB8::1893:25c8:1946", "::1", "::ffff:192.0.2.1", "fe80::1"] {
            assert!(parse_customer_ip_address(sound).is_ok(), "{sound}");
        }
        for wrong in ["", "192.0.2", "192.0.2.256", "192.0.2.01", "[::1]", "::1%eth0", "192.0.2.1:80", " ::1", "x"] {
            assert!(parse_customer_ip_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn json_is_accepted_in_every_way_of_saying_so() {
        for header in [
            "*/*",
            "application/*",
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;q=0.001",
            "application/json ; Q = 0.5",
            "text/html, application/json;q=0.1",
            "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
            "text/html,,application/json",
            "application/json;profile=\"a, text/html;q=0\"",
            "application/json;q=0.5, */*;q=0",
            "application/json;charset=utf-8, application/json;q=0",
            "",
            "  ",
        ] {
            assert!(accepts(Some(header), "application/json"), "{header}");
        }
        assert!(accepts(None, "application/json"));
    }

    #[test]
    fn anything_else_is_not() {
        for header in [
            "text/html",
            "application/xml",
            "application/jsonp",
            "application/json;q=0",
            "application/json; Q=0.000, */*",
            "application/*;q=0, */*;q=1",
            "*/*;q=0",
            "text/*",
            "application/problem+json",
            "*/json",
            "text/plain;x=\"application/json\"",
            "garbage",
            ",",
        ] {
            assert!(!accepts(Some(header), "application/json"), "{header}");
        }
        assert!(accepts(Some("application/x-pem-file"), "application/x-pem-file"));
        assert!(!accepts(Some("application/json"), "application/x-pem-file"));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_a_panic(text: String) {
            if let Some(echo) = interaction_id(Some(&text)) {
                prop_assert_eq!(echo, text.as_str());
            }
            let _ = check_auth_date(&text);
            let _ = parse_customer_ip_address(&text);
            let _ = accepts(Some(&text), "application/json");
        }

        #[test]
        fn every_true_date_is_taken_and_only_its_own_weekday(seconds in -62_167_219_200_i64..253_402_300_800, other in 1_u8..7) {
            let time = UtcDateTime::from(OffsetDateTime::from_unix_timestamp(seconds).unwrap());
            let rest = time.format(format_description!("[day] [month repr:short] [year] [hour]:[minute]:[second] UTC")).unwrap();
            let day = |weekday: Weekday| weekday.to_string().chars().take(3).collect::<String>();
            prop_assert_eq!(check_auth_date(&format!("{}, {rest}", day(time.weekday()))), Ok(()));
            let wrong = day(time.weekday().nth_next(other));
            let misplaced = format!("{wrong}, {rest}");
            prop_assert!(check_auth_date(&misplaced).is_err());
        }

        #[test]
        fn a_range_that_takes_everything_is_overruled_only_by_a_longer_one(others in proptest::collection::vec("(text|image)/(\\*|[a-z]{1,5})(;q=0\\.[0-9])?", 0..5)) {
            let list = others.iter().map(String::as_str).chain(["*/*"]).collect::<Vec<_>>().join(", ");
            prop_assert!(accepts(Some(&list), "application/json"));
            let overruled = format!("{list}, application/*;q=0");
            prop_assert!(!accepts(Some(&overruled), "application/json"));
        }
    }
}
