//! Request bodies. Each field is declared once, with its name, its type and its doc comment. The parser and the schema of
//! the API document both come from this declaration.
//!
//! [`request!`](crate::request!) declares a body. [`FieldType`] is implemented by the types of fields: values of the
//! domain that are parsed from a string, through [`TextField`], and the types of this module.

#[cfg(feature = "schema")]
mod schemas;

use std::marker::PhantomData;

use crate::Timestamp;
use crate::credential::parse_label;
use crate::fields::Fields;
use crate::schema::Described;

/// Declares a request body: a struct, and a function `read` that takes its fields out of [`Fields`].
///
/// A field is `required` or `optional`, and may have a default: `= "Name" default EXPRESSION`. A field that is missing
/// or invalid is a fault in `Fields`, and `None` in the struct, so that all faults of a body are reported at once.
/// `struct Update: Create { ... }` has the fields of `Create` too, in its field `base`.
///
/// ```
/// use trustplane_domain::request::Label;
///
/// trustplane_domain::request! {
///     /// Body of a renaming.
///     struct Rename {
///         /// The new name.
///         required name: Label<64> = "Name",
///         /// True to keep the old name as an alias.
///         optional keep: bool = "KeepOld" default false,
///     }
/// }
///
/// let mut fields = trustplane_domain::Fields::parse(br#"{"Name": "billing"}"#)?;
/// let Rename { name, keep } = Rename::read(&mut fields);
/// assert_eq!((name.as_deref(), keep), (Some("billing"), Some(false)));
/// # Ok::<(), trustplane_domain::Failure>(())
/// ```
#[macro_export]
macro_rules! request {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $body:ident $(: $base:ident)? {
            $(
                $(#[doc = $field_doc:literal])*
                $presence:ident $field:ident: $type:ty = $name:literal $(default $default:expr)?
            ),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        $vis struct $body {
            $(
                /// The fields that both bodies have.
                $vis base: $base,
            )?
            $(
                $(#[doc = $field_doc])*
                $vis $field: Option<<$type as $crate::request::FieldType>::Value>,
            )+
        }

        impl $crate::request::FieldType for $body {
            type Value = Self;

            fn take(fields: &mut $crate::Fields, name: &str) -> Option<Self> {
                let mut within = $crate::Fields::of(fields.optional_object(name)?);
                let body = Self::read(&mut within);
                fields.adopt(name, within);
                Some(body)
            }
        }

        impl $body {
            /// Takes the fields of the body. Adds a fault for each that is missing or invalid.
            $vis fn read(fields: &mut $crate::Fields) -> Self {
                Self { $(base: $base::read(fields),)? $($field: $crate::request!(@read $presence fields, $type, $name $(, $default)?),)+ }
            }
        }

        #[cfg(feature = "schema")]
        impl $crate::schema::schemars::JsonSchema for $body {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($body).into()
            }

            fn json_schema(
                generator: &mut $crate::schema::schemars::SchemaGenerator,
            ) -> $crate::schema::schemars::Schema {
                let mut body = $crate::schema::body::Body::default();
                $(body.extend(&<$base as $crate::schema::schemars::JsonSchema>::json_schema(generator));)?
                $(
                    let schema = $crate::request!(@schema $presence generator, $type);
                    let required = $crate::request!(@required $presence);
                    let docs = &[$($field_doc),*];
                    body.field($name, required, docs, $crate::request!(@default $($default)?), schema);
                )+
                body.finish(&[$($doc),*])
            }
        }
    };
    (@read required $fields:ident, $type:ty, $name:literal) => {
        $crate::request::required::<$type>($fields, $name)
    };
    (@read optional $fields:ident, $type:ty, $name:literal) => {
        <$type as $crate::request::FieldType>::take($fields, $name)
    };
    (@read optional $fields:ident, $type:ty, $name:literal, $default:expr) => {
        <$type as $crate::request::FieldType>::take($fields, $name).or_else(|| Some($default))
    };
    (@schema required $generator:ident, $type:ty) => { $generator.subschema_for::<$type>() };
    (@schema optional $generator:ident, $type:ty) => { $generator.subschema_for::<Option<$type>>() };
    (@required required) => { true };
    (@required optional) => { false };
    (@default) => { None };
    (@default $default:expr) => { $crate::schema::body::json(&$default) };
}

/// The type of a request field: its parser and its schema.
pub trait FieldType: Described {
    /// A valid value.
    type Value;

    /// Takes the field `name`. Returns `None` if it is missing, null or invalid; adds a fault if it is invalid.
    fn take(fields: &mut Fields, name: &str) -> Option<Self::Value>;
}

/// A type of request fields that are strings.
pub trait TextField: Described {
    /// A valid value.
    type Value;

    /// Parses the string. The error completes the sentence that begins with the field's name.
    fn parse(text: &str) -> Result<Self::Value, String>;
}

impl<T: TextField> FieldType for T {
    type Value = T::Value;

    fn take(fields: &mut Fields, name: &str) -> Option<Self::Value> {
        let text = fields.optional_string(name)?;
        fields.take(name, T::parse(&text))
    }
}

impl FieldType for bool {
    type Value = Self;

    fn take(fields: &mut Fields, name: &str) -> Option<Self::Value> {
        fields.optional_bool(name)
    }
}

/// Implements [`TextField`] and the schema of a type: `text_field!(Type => Value, parse, { schema })`. Without a schema,
/// it has that of the value.
#[macro_export]
macro_rules! text_field {
    ($type:ty => $value:ty, $parse:expr) => {
        $crate::text_field!(@parse $type => $value, $parse);
        $crate::schema!($type = $value);
    };
    ($type:ty => $value:ty, $parse:expr, $($json:tt)+) => {
        $crate::text_field!(@parse $type => $value, $parse);
        $crate::schema!($type, $($json)+);
    };
    (@parse $type:ty => $value:ty, $parse:expr) => {
        impl $crate::request::TextField for $type {
            type Value = $value;

            fn parse(text: &str) -> Result<$value, String> {
                ($parse)(text).map_err(Into::into)
            }
        }
    };
}

/// Takes a required field. Adds a fault if it is missing.
pub fn required<T: FieldType>(fields: &mut Fields, name: &str) -> Option<T::Value> {
    if !fields.has(name) {
        fields.fault(name, "is required");
        // Taken as null, so that it is a known field.
        return fields.value(name).and(None);
    }
    T::take(fields, name)
}

/// A string that is parsed later, where its limits are checked.
impl TextField for String {
    type Value = Self;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

/// A string with the schema of `T`, which is parsed later.
#[derive(Debug)]
pub struct Unparsed<T>(PhantomData<T>);

impl<T: Described> TextField for Unparsed<T> {
    type Value = String;

    fn parse(text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }
}

/// As [`Unparsed`]; an empty string counts as absent, because consoles send empty ones for fields that were left out.
#[derive(Debug)]
pub struct Filled<T>(PhantomData<T>);

impl<T: Described> FieldType for Filled<T> {
    type Value = String;

    fn take(fields: &mut Fields, name: &str) -> Option<String> {
        fields.optional_string(name).filter(|text| !text.is_empty())
    }
}

/// A time in RFC 3339, with any offset.
#[derive(Debug)]
pub struct DateTime;

text_field!(DateTime => Timestamp, |text| Timestamp::parse(text).ok_or("must be an RFC 3339 time"), {
    "type": "string", "format": "date-time"
});

/// A label that users choose: 1 to `MAX` characters, not only white space, without control characters.
#[derive(Debug)]
pub struct Label<const MAX: usize>;

impl<const MAX: usize> TextField for Label<MAX> {
    type Value = String;

    fn parse(text: &str) -> Result<String, String> {
        parse_label(text, MAX)
    }
}

/// A list of `LEAST` to `MAX` strings. Removes duplicates. An invalid item is a fault of its own, `Name[0]`.
#[derive(Debug)]
pub struct List<T, const LEAST: usize, const MAX: usize>(PhantomData<T>);

impl<T: TextField, const LEAST: usize, const MAX: usize> FieldType for List<T, LEAST, MAX>
where
    T::Value: PartialEq,
{
    type Value = Vec<T::Value>;

    fn take(fields: &mut Fields, name: &str) -> Option<Self::Value> {
        let items = fields.optional_strings(name)?;
        if !(LEAST..=MAX).contains(&items.len()) {
            fields.fault(name, format!("must have {LEAST} to {MAX} items"));
            return None;
        }
        let mut parsed = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Some(item) = fields.take(&format!("{name}[{index}]"), T::parse(item))
                && !parsed.contains(&item)
            {
                parsed.push(item);
            }
        }
        Some(parsed)
    }
}

/// A whole number from `LEAST` to `MAX`.
#[derive(Debug)]
pub struct Whole<const LEAST: i64, const MAX: i64>;

impl<const LEAST: i64, const MAX: i64> FieldType for Whole<LEAST, MAX> {
    type Value = i64;

    fn take(fields: &mut Fields, name: &str) -> Option<i64> {
        let number = fields.optional_integer(name)?;
        let valid = (LEAST..=MAX).contains(&number).then_some(number);
        fields.take(name, valid.ok_or_else(|| format!("must be {LEAST} to {MAX}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Failure, Faults};

    crate::request! {
        /// Body of a creation.
        struct Create {
            /// A name.
            required name: Label<4> = "Name",
            /// Items of
            /// a list.
            required items: List<Label<2>, 1, 3> = "Items",
            /// A number.
            optional number: Whole<1, 9> = "Number" default 5,
        }
    }

    crate::request! {
        struct Update: Create {
            optional flag: bool = "Flag",
        }
    }

    fn read(body: Value) -> (Update, Vec<(String, String)>) {
        let Value::Object(object) = body else { panic!("{body}") };
        let mut fields = Fields::of(object);
        let update = Update::read(&mut fields);
        let faults = match fields.finish(Faults::default()) {
            Ok(()) => Vec::new(),
            Err(Failure::Invalid(faults)) => {
                faults.iter().map(|(field, message)| (field.to_owned(), message.to_owned())).collect()
            }
            Err(other) => panic!("{other:?}"),
        };
        (update, faults)
    }

    #[test]
    fn valid_fields_are_read_and_defaults_filled_in() {
        let (update, faults) = read(json!({"Name": "acme", "Items": ["a", "b", "a"], "Flag": true, "Other": 1}));
        assert_eq!(faults, []);
        assert_eq!(update.base.name.as_deref(), Some("acme"));
        assert_eq!(update.base.items, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!((update.base.number, update.flag), (Some(5), Some(true)));
        let (update, faults) = read(json!({"Name": "acme", "Items": ["a"], "Number": 9, "Flag": null}));
        assert_eq!(faults, []);
        assert_eq!((update.base.number, update.flag), (Some(9), None));
    }

    #[test]
    fn every_invalid_field_is_reported() {
        let names = |body| read(body).1.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(json!({})), ["Items", "Name"]);
        assert_eq!(
            names(json!({"Name": "\n", "Items": [], "Number": 10, "Flag": 1})),
            ["Flag", "Items", "Name", "Number"]
        );
        assert_eq!(names(json!({"Name": null, "Items": ["a", "bcd", 1]})), ["Items", "Name"]);
        assert_eq!(names(json!({"Name": 1, "Items": ["a", "bcd", ""]})), ["Items[1]", "Items[2]", "Name"]);
        let (_, faults) = read(json!({"Name": 1, "Items": ["a"]}));
        assert_eq!(faults, [("Name".to_owned(), "must be a string, not a number".to_owned())]);
    }

    #[cfg(feature = "schema")]
    #[test]
    fn the_schema_is_that_of_the_fields() {
        let mut generator = schemars::SchemaGenerator::default();
        let schema = <Update as schemars::JsonSchema>::json_schema(&mut generator).to_value();
        let wanted = json!({
            "type": "object",
            "required": ["Name", "Items"],
            "properties": {
                "Name": {"type": "string", "minLength": 1, "maxLength": 4, "description": "A name."},
                "Items": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 3,
                    "items": {"type": "string", "minLength": 1, "maxLength": 2},
                    "description": "Items of a list.",
                },
                "Number": {
                    "type": ["integer", "null"], "minimum": 1, "maximum": 9, "default": 5, "description": "A number.",
                },
                "Flag": {"type": ["boolean", "null"]},
            },
        });
        assert_eq!(schema, wanted);
    }
}
