//! Schemas of the API document. Only the feature `schema` compiles them, which deployed functions do not have.
//!
//! A type of the wire says its schema next to its definition: `schema!` for a type with a `parse` constructor, the
//! derive macro of `schemars` for a struct that is serialized, and [`request!`](crate::request!) for a request body.

/// Re-exported, so that [`request!`](crate::request!) works in crates without this dependency.
#[cfg(feature = "schema")]
pub use schemars;

/// Bound of the type of a request field: it has a schema where schemas are compiled.
#[cfg(feature = "schema")]
pub use schemars::JsonSchema as Described;

/// Bound of the type of a request field: it has a schema where schemas are compiled.
#[cfg(not(feature = "schema"))]
pub trait Described {}

#[cfg(not(feature = "schema"))]
impl<T: ?Sized> Described for T {}

/// Defines the schema of a type, as JSON or as that of another type. It is put in wherever the type is used.
#[macro_export]
macro_rules! schema {
    ($type:ty = $other:ty) => {
        #[cfg(feature = "schema")]
        impl $crate::schema::schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(
                generator: &mut $crate::schema::schemars::SchemaGenerator,
            ) -> $crate::schema::schemars::Schema {
                <$other as $crate::schema::schemars::JsonSchema>::json_schema(generator)
            }
        }
    };
    ($type:ty, $($json:tt)+) => {
        #[cfg(feature = "schema")]
        impl $crate::schema::schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(
                _: &mut $crate::schema::schemars::SchemaGenerator,
            ) -> $crate::schema::schemars::Schema {
                $crate::schema::schemars::json_schema!($($json)+)
            }
        }
    };
}

/// The schema of a request body.
#[cfg(feature = "schema")]
pub mod body {
    use schemars::Schema;
    use serde_json::{Map, Value, json};

    /// Collects the fields of a request body.
    #[derive(Debug, Default)]
    pub struct Body {
        properties: Map<String, Value>,
        required: Vec<Value>,
    }

    impl Body {
        /// Adds a field. `docs` are the lines of its doc comment.
        pub fn field(
            &mut self,
            name: &'static str,
            required: bool,
            docs: &[&str],
            default: Option<Value>,
            schema: Schema,
        ) {
            let mut schema = schema;
            describe(&mut schema, docs);
            if let Some(default) = default {
                schema.insert("default".to_owned(), default);
            }
            self.properties.insert(name.to_owned(), schema.to_value());
            if required {
                self.required.push(name.into());
            }
        }

        /// Adds the fields of another body.
        pub fn extend(&mut self, other: &Schema) {
            if let Some(Value::Object(properties)) = other.get("properties") {
                self.properties.extend(properties.clone());
            }
            if let Some(Value::Array(required)) = other.get("required") {
                self.required.extend(required.iter().cloned());
            }
        }

        /// Returns the schema of the body.
        pub fn finish(self, docs: &[&str]) -> Schema {
            let mut schema = schemars::json_schema!({"type": "object", "properties": self.properties});
            if !self.required.is_empty() {
                schema.insert("required".to_owned(), json!(self.required));
            }
            describe(&mut schema, docs);
            schema
        }
    }

    /// Converts a default value.
    pub fn json(value: &impl serde::Serialize) -> Option<Value> {
        serde_json::to_value(value).ok()
    }

    fn describe(schema: &mut Schema, docs: &[&str]) {
        let text = docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            schema.insert("description".to_owned(), text.into());
        }
    }
}
