//! Parsing of JSON objects that collects the faults of all fields.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::nearest::unknown;
use crate::{Failure, Faults};

/// The fields of a request body, with the faults so far.
#[derive(Debug)]
pub struct Fields {
    object: Map<String, Value>,
    faults: Faults,
    /// Names of the fields that were looked for.
    known: BTreeSet<String>,
    /// True if a field that was not looked for is a fault.
    is_strict: bool,
}

impl Fields {
    /// Parses a body: a UTF-8 JSON object, without duplicate keys at any level.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(body)
            .map_err(|error| Failure::InvalidJson(format!("is not UTF-8 at byte {}", error.valid_up_to())))?;
        match serde_json::from_str::<Strict>(text) {
            Ok(Strict(Value::Object(object))) => Ok(Self::of(object)),
            Ok(_) => Err(Failure::InvalidJson("must be a JSON object".to_owned())),
            Err(error) => Err(Failure::InvalidJson(plain(&error))),
        }
    }

    /// Wraps an object that is parsed already.
    pub fn of(object: Map<String, Value>) -> Self {
        Self { object, faults: Faults::default(), known: BTreeSet::new(), is_strict: false }
    }

    /// Makes each field that is not taken a fault that names the nearest known one. Other fields are ignored.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Returns true if the field exists and is not null.
    pub fn has(&self, field: &str) -> bool {
        self.object.get(field).is_some_and(|value| !value.is_null())
    }

    /// Returns true if the field exists, even as null.
    pub fn is_sent(&self, field: &str) -> bool {
        self.object.contains_key(field)
    }

    /// Takes a required string.
    pub fn string(&mut self, field: &str) -> Option<String> {
        let value = self.optional_string(field);
        if value.is_none() {
            self.faults.add(field, "is required");
        }
        value
    }

    /// Takes an optional string; null counts as absent.
    pub fn optional_string(&mut self, field: &str) -> Option<String> {
        match self.value(field)? {
            Value::String(text) => Some(text),
            other => self.wrong(field, "a string", &other),
        }
    }

    /// Takes an optional boolean; null counts as absent.
    pub fn optional_bool(&mut self, field: &str) -> Option<bool> {
        match self.value(field)? {
            Value::Bool(flag) => Some(flag),
            other => self.wrong(field, "true or false", &other),
        }
    }

    /// Takes an optional whole number; null counts as absent.
    pub fn optional_integer(&mut self, field: &str) -> Option<i64> {
        match self.value(field)? {
            Value::Number(number) if number.is_i64() => number.as_i64(),
            Value::Number(_) => {
                self.faults.add(field, "must be a whole number, without a fraction");
                None
            }
            other => self.wrong(field, "a whole number", &other),
        }
    }

    /// Takes an optional list of strings; null counts as absent.
    pub fn optional_strings(&mut self, field: &str) -> Option<Vec<String>> {
        match self.value(field)? {
            Value::Array(items) => {
                let count = items.len();
                let texts: Vec<String> = items
                    .into_iter()
                    .filter_map(|item| if let Value::String(text) = item { Some(text) } else { None })
                    .collect();
                if texts.len() == count {
                    Some(texts)
                } else {
                    self.faults.add(field, "must be a list of strings");
                    None
                }
            }
            other => self.wrong(field, "a list of strings", &other),
        }
    }

    /// Takes a required list of strings.
    pub fn strings(&mut self, field: &str) -> Option<Vec<String>> {
        let value = self.optional_strings(field);
        if value.is_none() {
            self.faults.add(field, "is required");
        }
        value
    }

    /// Takes an optional object; null counts as absent.
    pub fn optional_object(&mut self, field: &str) -> Option<Map<String, Value>> {
        match self.value(field)? {
            Value::Object(object) => Some(object),
            other => self.wrong(field, "an object", &other),
        }
    }

    /// Takes an optional value of any type; null counts as absent.
    pub fn value(&mut self, field: &str) -> Option<Value> {
        if !self.known.contains(field) {
            self.known.insert(field.to_owned());
        }
        self.object.remove(field).filter(|value| !value.is_null())
    }

    /// Adds the faults of a nested object that is in the field `field`. It is as strict as these fields.
    pub fn adopt(&mut self, field: &str, mut within: Self) {
        if self.is_strict {
            within.refuse_unknown();
        }
        for (name, message) in within.faults.iter() {
            self.faults.add(format!("{field}.{name}"), message);
        }
    }

    /// Adds a fault.
    pub fn fault(&mut self, field: &str, message: impl Into<String>) {
        self.faults.add(field, message);
    }

    /// Returns the value of `result`, or adds its error as a fault.
    pub fn take<T>(&mut self, field: &str, result: Result<T, impl Into<String>>) -> Option<T> {
        self.faults.take(field, result)
    }

    /// Returns all faults of these fields and of `others`, if there are any.
    pub fn finish(mut self, others: Faults) -> Result<(), Failure> {
        if self.is_strict {
            self.refuse_unknown();
        }
        self.faults.extend(others);
        self.faults.into_result()
    }

    /// The value that was parsed from these fields, or all their faults.
    ///
    /// # Errors
    /// [`Failure::Internal`] where there is neither: a parser that refuses a field notes the fault.
    pub fn finished<T>(self, parsed: Option<T>) -> Result<T, Failure> {
        self.finish(Faults::default())?;
        parsed.ok_or_else(|| Failure::internal("a field was refused without a fault"))
    }

    /// Adds a fault for each field that was not taken.
    fn refuse_unknown(&mut self) {
        for field in std::mem::take(&mut self.object).keys() {
            let message = unknown(field, self.known.iter().map(String::as_str));
            self.faults.add(field, message);
        }
    }

    fn wrong<T>(&mut self, field: &str, wanted: &str, found: &Value) -> Option<T> {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.faults.add(field, format!("must be {wanted}, not {found}"));
        None
    }
}

/// Describes a JSON syntax error by its position. The description contains no text of the input, which may have a
/// secret.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = match error.classify() {
        serde_json::error::Category::Eof => "ends too early",
        serde_json::error::Category::Data if text.starts_with(DUPLICATE) => "has a key twice",
        _ if text.starts_with("recursion limit exceeded") => "is nested too deeply (at most 127 levels)",
        _ if text.starts_with("number out of range") => "has a number that is too large",
        _ => "is not JSON",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

const DUPLICATE: &str = "duplicate key";

/// A JSON value without duplicate keys. RFC 8259 does not define which of two equal keys counts.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let Strict(value) = fields.next_value()?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn why(body: &[u8]) -> String {
        match Fields::parse(body) {
            Err(Failure::InvalidJson(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn invalid_json_is_reported_by_its_position() {
        assert_eq!(why(b""), "ends too early at line 1, column 0");
        assert_eq!(why(b"{\"a\":"), "ends too early at line 1, column 5");
        assert_eq!(why(b"{\"secret\" 1}"), "is not JSON at line 1, column 11");
        assert_eq!(why(b"[1]"), "must be a JSON object");
        assert_eq!(why(b"{\"a\":\"\xff\"}"), "is not UTF-8 at byte 6");
    }

    #[test]
    fn a_duplicate_key_is_refused_at_any_level() {
        assert!(why(b"{\"a\":1,\"b\":2,\"a\":3}").starts_with("has a key twice"));
        assert!(why(b"{\"x\":[{\"a\":1,\"a\":1}]}").starts_with("has a key twice"));
    }

    #[test]
    fn deep_nesting_is_refused_and_harms_nothing() {
        let nested = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(Fields::parse(nested(126).as_bytes()).is_ok());
        for levels in [127, 100_000] {
            assert!(why(nested(levels).as_bytes()).starts_with("is nested too deeply"), "{levels}");
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_named() {
        for number in ["1e400", "-1e999", &"9".repeat(400)] {
            let reason = why(format!("{{\"ignored\":{number}}}").as_bytes());
            assert!(reason.starts_with("has a number that is too large at line 1"), "{reason}");
        }
    }

    #[test]
    fn strict_fields_name_the_unknown_ones_at_each_level() {
        let body = br#"{"name":"a","overlap":1,"within":{"idd":"x"}}"#;
        let mut fields = Fields::parse(body).unwrap().strict();
        let _ = (fields.string("name"), fields.optional_integer("overlap_seconds"));
        let mut within = Fields::of(fields.optional_object("within").unwrap());
        let _ = within.optional_string("id");
        fields.adopt("within", within);
        let Err(Failure::Invalid(faults)) = fields.finish(Faults::default()) else { panic!() };
        let faults: Vec<_> = faults.iter().collect();
        let wanted = [
            ("overlap", "is unknown: did you mean `overlap_seconds`?"),
            ("within.idd", "is unknown: did you mean `id`?"),
        ];
        assert_eq!(faults, wanted);
        let mut lenient = Fields::parse(body).unwrap();
        let _ = lenient.string("name");
        assert_eq!(lenient.finish(Faults::default()), Ok(()));
    }

    #[test]
    fn all_faults_are_kept() {
        let mut fields = Fields::parse(br#"{"name":1,"roles":["a",2],"flag":"x","none":null}"#).unwrap();
        assert_eq!(fields.string("name"), None);
        assert_eq!(fields.optional_strings("roles"), None);
        assert_eq!(fields.optional_bool("flag"), None);
        assert_eq!(fields.optional_string("none"), None);
        assert_eq!(fields.string("missing"), None);
        let Err(Failure::Invalid(faults)) = fields.finish(Faults::default()) else { panic!() };
        let reported: Vec<_> = faults.iter().collect();
        assert_eq!(
            reported,
            [
                ("flag", "must be true or false, not a string"),
                ("missing", "is required"),
                ("name", "must be a string, not a number"),
                ("roles", "must be a list of strings"),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Fields::parse(&bytes);
        }
    }
}
