//! The schemas of the API document: collected, and checked.

use serde_json::{Map, Value};
use trustplane_functions::{Function, Route};

use crate::derived;

/// A file of schemas, by its name and text.
type File = (&'static str, &'static str);

/// One file per family, for the schemas that no type has.
const FILES: &[File] = &[("schemas/policies.json", include_str!("schemas/policies.json"))];

/// An error in the schemas of the API document.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SchemaError {
    /// The file is not a JSON object.
    #[error("`{file}` is not a JSON object of schemas: {reason}")]
    Unreadable {
        /// The file's name.
        file: &'static str,
        /// The error of the JSON parser.
        reason: String,
    },
    /// Two schemas have the same name.
    #[error("the schema `{0}` is defined twice: rename or remove one")]
    Duplicate(String),
    /// A row of the table names a schema that does not exist.
    #[error(
        "the function `{function}` names the schema `{schema}`, which no file defines: define it, or correct its row"
    )]
    Unknown {
        /// The function's name.
        function: &'static str,
        /// The schema's name.
        schema: String,
    },
    /// A reference leads nowhere.
    #[error("`{place}` refers to `{reference}`, which does not exist: define it, or correct the reference")]
    Unresolved {
        /// JSON pointer to the object with the reference.
        place: String,
        /// The reference.
        reference: String,
    },
}

/// Returns all schemas: those of the files, and those of the types of requests and responses.
pub(crate) fn all() -> Result<Map<String, Value>, SchemaError> {
    merge([read(FILES)?, derived::requests(), derived::responses()])
}

/// Reads the schemas of `files`.
fn read(files: &[File]) -> Result<Map<String, Value>, SchemaError> {
    let read = |(file, text): &File| {
        serde_json::from_str(text).map_err(|error| SchemaError::Unreadable { file, reason: error.to_string() })
    };
    merge(files.iter().map(read).collect::<Result<Vec<_>, _>>()?)
}

/// Merges the schemas of several sources, which must not define a name twice.
fn merge(sources: impl IntoIterator<Item = Map<String, Value>>) -> Result<Map<String, Value>, SchemaError> {
    let mut schemas = Map::new();
    for (name, schema) in sources.into_iter().flatten() {
        if schemas.contains_key(&name) {
            return Err(SchemaError::Duplicate(name));
        }
        schemas.insert(name, schema);
    }
    Ok(schemas)
}

/// Checks that the schemas exist that the routes name.
pub(crate) fn check_routes<'a>(
    routes: impl Iterator<Item = (&'a Function, &'a Route)>,
    schemas: &Map<String, Value>,
) -> Result<(), SchemaError> {
    for (function, route) in routes {
        for schema in [route.request, route.response].into_iter().flatten() {
            if !schemas.contains_key(schema) {
                return Err(SchemaError::Unknown { function: function.name, schema: schema.to_owned() });
            }
        }
    }
    Ok(())
}

/// Checks that every `$ref` within the document leads to a part of it.
pub(crate) fn check_references(document: &Value) -> Result<(), SchemaError> {
    check_within(document, document, String::new())
}

fn check_within(document: &Value, part: &Value, place: String) -> Result<(), SchemaError> {
    match part {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                if target.is_none() {
                    return Err(SchemaError::Unresolved { place, reference: reference.clone() });
                }
            }
            fields.iter().try_for_each(|(name, value)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                check_within(document, value, format!("{place}/{name}"))
            })
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_within(document, item, format!("{place}/{index}"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trustplane_functions::routes;

    use super::*;

    #[test]
    fn an_unreadable_file_is_named() {
        let error = read(&[("good.json", "{}"), ("bad.json", "{\"A\": }")]).unwrap_err();
        assert!(matches!(error, SchemaError::Unreadable { file: "bad.json", .. }), "{error}");
        assert!(error.to_string().contains("line 1 column 7"), "{error}");
        let error = read(&[("list.json", "[]")]).unwrap_err();
        assert!(matches!(error, SchemaError::Unreadable { file: "list.json", .. }), "{error}");
    }

    #[test]
    fn a_name_in_two_files_is_an_error() {
        let error = read(&[("a.json", "{\"A\": true}"), ("b.json", "{\"A\": true}")]).unwrap_err();
        assert_eq!(error, SchemaError::Duplicate("A".to_owned()));
    }

    #[test]
    fn a_row_without_its_schema_is_named() {
        let mut schemas = all().unwrap();
        assert_eq!(check_routes(routes(), &schemas), Ok(()));
        schemas.remove("SaveIntegration").unwrap();
        let error = check_routes(routes(), &schemas).unwrap_err();
        let wanted =
            SchemaError::Unknown { function: "put-identity-center-config", schema: "SaveIntegration".to_owned() };
        assert_eq!(error, wanted);
    }

    #[test]
    fn an_unresolved_reference_is_named() {
        let good = json!({"a/b": {"items": [{"$ref": "#/c"}]}, "c": {"type": "string"}});
        assert_eq!(check_references(&good), Ok(()));
        let bad = json!({"a/b": {"items": [{"$ref": "#/d"}]}, "c": {"type": "string"}});
        let wanted = SchemaError::Unresolved { place: "/a~1b/items/0".to_owned(), reference: "#/d".to_owned() };
        assert_eq!(check_references(&bad), Err(wanted));
        let elsewhere = json!({"a": {"$ref": "https://example.com/schema.json"}});
        assert!(check_references(&elsewhere).is_err());
    }
}
