//! Reads the fields of a JSON object one by one, so that all that are wrong are told at once. Unknown fields are not
//! looked at; `null` is an absent field.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::Faults;

/// A JSON object being read, and what was wrong with it so far.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    faults: Faults,
}

impl<'a> Fields<'a> {
    /// Starts reading.
    pub fn new(object: &'a Map<String, Value>) -> Self {
        Self { object, faults: Faults::default() }
    }

    /// The field, read by `parse`. `None` and a fault if it is absent or wrong.
    pub fn required<T, E: Into<String>>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&'a Value) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.optional(name, parse);
        if value.is_none() {
            self.faults.add(name, "is required");
        }
        value
    }

    /// The field, read by `parse`. `None` if it is absent; `None` and a fault if it is wrong.
    pub fn optional<T, E: Into<String>>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&'a Value) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.object.get(name).filter(|value| !value.is_null())?;
        self.faults.take(name, parse(value))
    }

    /// The list, its items read by `parse`, equal ones kept once. Each wrong item is a fault of its own, `Name[0]`.
    pub fn required_list<T: PartialEq, E: Into<String>>(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let items = self.required(name, |value| value.as_array().ok_or("must be a list of strings"))?;
        if !count.contains(&items.len()) {
            self.faults.add(name, format!("must have {} to {} items", count.start(), count.end()));
            return None;
        }
        let mut parsed = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let result = string(item).map_err(str::to_owned).and_then(|text| parse(text).map_err(Into::into));
            if let Some(item) = self.faults.take(&format!("{name}[{index}]"), result)
                && !parsed.contains(&item)
            {
                parsed.push(item);
            }
        }
        Some(parsed)
    }

    /// `value` if all fields were right and it is there, else all faults.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Faults> {
        value.filter(|_| self.faults.is_empty()).ok_or(self.faults)
    }
}

/// A JSON string.
pub fn string(value: &Value) -> Result<&str, &'static str> {
    value.as_str().ok_or("must be a string")
}

/// A string of so many characters, none of them a control character.
pub fn text(value: &Value, length: RangeInclusive<usize>) -> Result<String, String> {
    let text = string(value)?;
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

/// Makes an enum whose variants are words of the API, in the API's spelling.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them, in the order of the API's documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Reads the word; case counts.
            pub fn parse(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    let words: Vec<String> = Self::ALL.iter().map(|word| format!("`{}`", word.as_str())).collect();
                    format!("must be one of {}", words.join(", "))
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(faults: &Faults) -> Vec<(&str, &str)> {
        faults.iter().collect()
    }

    #[test]
    fn every_wrong_field_is_told() {
        let body = json!({"a": 1, "b": null, "c": ["x", 2, "yy", "x"], "d": "\n"});
        let mut fields = Fields::new(body.as_object().unwrap());
        assert_eq!(fields.required("a", |value| text(value, 1..=2)), None);
        assert_eq!(fields.required("b", |value| text(value, 1..=2)), None);
        let short = |item: &str| if item.len() < 2 { Ok(item.to_owned()) } else { Err("is too long") };
        assert_eq!(fields.required_list("c", 1..=4, short), Some(vec!["x".to_owned()]));
        assert_eq!(fields.optional("d", |value| text(value, 1..=2)), None);
        assert_eq!(fields.optional("e", |value| text(value, 1..=2)), None);
        assert_eq!(
            faults(&fields.finish(Some(())).unwrap_err()),
            [
                ("a", "must be a string"),
                ("b", "is required"),
                ("c[1]", "must be a string"),
                ("c[2]", "is too long"),
                ("d", "must not contain control characters"),
            ]
        );
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(text(&json!("\u{1f600}\u{e9}"), 1..=2).is_ok());
        assert_eq!(text(&json!("abc"), 0..=2).unwrap_err(), "must be at most 2 characters");
        assert_eq!(text(&json!(""), 1..=2).unwrap_err(), "must be 1 to 2 characters");
    }

    #[test]
    fn a_list_of_the_wrong_length_is_one_fault() {
        let body = json!({"c": [], "d": "x"});
        let mut fields = Fields::new(body.as_object().unwrap());
        assert_eq!(fields.required_list("c", 1..=2, |_| Ok::<_, String>(())), None);
        assert_eq!(fields.required_list("d", 1..=2, |_| Ok::<_, String>(())), None);
        let all = fields.finish(Some(())).unwrap_err();
        assert_eq!(faults(&all), [("c", "must have 1 to 2 items"), ("d", "must be a list of strings")]);
    }
}
