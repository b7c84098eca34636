//! Fields of the directory's requests: strings and lists of strings, parsed into types.

use std::ops::RangeInclusive;

use crate::credential::check_label;
use crate::fields::Fields;
use crate::{Failure, Faults};

/// Returns `value` if all fields are valid; otherwise all faults.
pub fn finish<T>(fields: Fields, value: Option<T>) -> Result<T, Failure> {
    fields.finish(Faults::default())?;
    // INVARIANT: a value is missing only where a required field is, and that is a fault.
    value.ok_or_else(|| Failure::internal("a missing value without a fault"))
}

/// Checks the number of characters of a text, and that it has no control character. A text that may not be empty is a
/// label.
pub fn text(text: &str, length: RangeInclusive<usize>) -> Result<String, String> {
    if !length.contains(&text.chars().count()) {
        return Err(match length.start() {
            0 => format!("must be at most {} characters", length.end()),
            start => format!("must be {start} to {} characters", length.end()),
        });
    }
    if *length.start() > 0 {
        check_label(text)?;
    } else if text.chars().any(char::is_control) {
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
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(text("\u{1f600}\u{e9}", 1..=2).is_ok());
        assert_eq!(text("abc", 0..=2).unwrap_err(), "must be at most 2 characters");
        assert!(text("\u{200b}", 1..=2).is_err());
        assert_eq!(text("", 1..=2).unwrap_err(), "must be 1 to 2 characters");
    }
}
