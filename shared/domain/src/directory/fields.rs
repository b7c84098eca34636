//! Fields of the directory's requests: strings and lists of strings, parsed into types.

use std::ops::RangeInclusive;

use crate::fields::Fields;
use crate::{Failure, Faults};

/// Takes a required string and parses it. Adds a fault and returns `None` if it is missing or invalid.
pub fn required<T, E: Into<String>>(
    fields: &mut Fields,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let text = fields.string(name)?;
    fields.take(name, parse(&text))
}

/// Takes an optional string and parses it. Returns `None` if it is missing; also adds a fault if it is invalid.
pub fn optional<T, E: Into<String>>(
    fields: &mut Fields,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let text = fields.optional_string(name)?;
    fields.take(name, parse(&text))
}

/// Takes a required list of strings, parses each and removes duplicates. Each invalid item is a fault of its own,
/// `Name[0]`.
pub fn required_list<T: PartialEq, E: Into<String>>(
    fields: &mut Fields,
    name: &str,
    count: RangeInclusive<usize>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<Vec<T>> {
    let items = fields.strings(name)?;
    if !count.contains(&items.len()) {
        fields.fault(name, format!("must have {} to {} items", count.start(), count.end()));
        return None;
    }
    let mut parsed = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if let Some(item) = fields.take(&format!("{name}[{index}]"), parse(item))
            && !parsed.contains(&item)
        {
            parsed.push(item);
        }
    }
    Some(parsed)
}

/// Returns `value` if all fields are valid; otherwise all faults.
pub fn finish<T>(fields: Fields, value: Option<T>) -> Result<T, Failure> {
    fields.finish(Faults::default())?;
    // INVARIANT: a value is missing only where a required field is, and that is a fault.
    value.ok_or_else(|| Failure::internal("a missing value without a fault"))
}

/// Checks the number of characters of a text, and that it has no control character.
pub fn text(text: &str, length: RangeInclusive<usize>) -> Result<String, String> {
    if !length.contains(&text.chars().count()) {
        return Err(match length.start() {
            0 => format!("must be at most {} characters", length.end()),
            start => format!("must be {start} to {} characters", length.end()),
        });
    }
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// Wraps a JSON object, for tests.
#[cfg(test)]
pub fn of(body: serde_json::Value) -> Fields {
    match body {
        serde_json::Value::Object(object) => Fields::of(object),
        other => panic!("{other}"),
    }
}

/// Returns the names of the invalid fields, for tests.
#[cfg(test)]
pub fn wrong<T: std::fmt::Debug>(result: Result<T, Failure>) -> Vec<String> {
    match result {
        Err(Failure::Invalid(faults)) => faults.iter().map(|(field, _)| field.to_owned()).collect(),
        other => panic!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_invalid_field_is_reported() {
        let mut fields = of(json!({"a": 1, "b": null, "c": ["x", "yy", "x"], "d": "\n", "f": [], "g": ["x", 1]}));
        let short = |item: &str| if item.len() < 2 { Ok(item.to_owned()) } else { Err("is too long") };
        assert_eq!(required(&mut fields, "a", short), None);
        assert_eq!(required(&mut fields, "b", short), None);
        assert_eq!(required_list(&mut fields, "c", 1..=4, short), Some(vec!["x".to_owned()]));
        assert_eq!(optional(&mut fields, "d", |item| text(item, 1..=2)), None);
        assert_eq!(optional(&mut fields, "e", short), None);
        assert_eq!(required_list(&mut fields, "f", 1..=2, short), None);
        assert_eq!(required_list(&mut fields, "g", 1..=2, short), None);
        assert_eq!(wrong(finish(fields, Some(()))), ["a", "b", "c[1]", "d", "f", "g"]);
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(text("\u{1f600}\u{e9}", 1..=2).is_ok());
        assert_eq!(text("abc", 0..=2).unwrap_err(), "must be at most 2 characters");
        assert_eq!(text("", 1..=2).unwrap_err(), "must be 1 to 2 characters");
    }
}
