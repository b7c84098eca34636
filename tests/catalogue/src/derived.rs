//! Schemas that are derived from the types of requests and responses.

#![allow(clippy::indexing_slicing, reason = "a field of a JSON object that was just found")]

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// Returns the schemas of all request bodies by name.
pub(crate) fn requests() -> Map<String, Value> {
    let mut generator = generator();
    trustplane_directory::schemas::requests(&mut generator);
    trustplane_identity_center::schemas::requests(&mut generator);
    trustplane_identity_source::schemas::requests(&mut generator);
    trustplane_platform::schemas::requests(&mut generator);
    trustplane_setup::schemas::requests(&mut generator);
    let mut schemas = generator.take_definitions(true);
    for schema in schemas.values_mut() {
        join_words(schema);
        join_null(schema);
        describe_default(schema);
    }
    schemas
}

/// Returns the schemas of all response bodies by name.
pub(crate) fn responses() -> Map<String, Value> {
    let mut generator = generator();
    trustplane_runtime::schemas(&mut generator);
    trustplane_directory::schemas::responses(&mut generator);
    trustplane_identity_center::schemas::responses(&mut generator);
    trustplane_identity_source::schemas::responses(&mut generator);
    trustplane_platform::schemas::responses(&mut generator);
    trustplane_setup::schemas::responses(&mut generator);
    let mut schemas = generator.take_definitions(true);
    for schema in schemas.values_mut() {
        join_words(schema);
        join_null(schema);
        omit_null(schema);
        merge_variants(schema);
        close(schema);
    }
    schemas
}

/// Returns the schema of an event's detail, and the schemas of images by name.
pub(crate) fn events() -> (Value, Map<String, Value>) {
    let mut generator = generator();
    let detail = generator.root_schema_for::<trustplane_domain::event::Detail>().to_value();
    trustplane_directory::schemas::images(&mut generator);
    trustplane_events::schemas::images(&mut generator);
    trustplane_identity_center::schemas::images(&mut generator);
    trustplane_identity_source::schemas::images(&mut generator);
    trustplane_platform::schemas::images(&mut generator);
    trustplane_setup::schemas::images(&mut generator);
    let mut images = generator.take_definitions(true);
    for schema in images.values_mut() {
        join_words(schema);
        join_null(schema);
    }
    let mut detail = detail;
    join_words(&mut detail);
    join_null(&mut detail);
    omit_null(&mut detail);
    (detail, images)
}

fn generator() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

/// Calls `change` with every object of the schema, the innermost first.
fn walk(schema: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| walk(value, change));
            change(fields);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        _ => {}
    }
}

/// Joins the words of an enum, and describes each that has a doc comment. The generator makes a schema of each of these;
/// clients are generated from `enum`.
fn join_words(schema: &mut Value) {
    walk(schema, &|fields| {
        let Some(Value::Array(parts)) = fields.get("oneOf") else { return };
        let words = |part: &Value| match (part.get("const"), part.get("enum")) {
            (Some(word), _) => Some(vec![word.clone()]),
            (None, Some(Value::Array(words))) => Some(words.clone()),
            (None, _) => None,
        };
        let Some(words) = parts.iter().map(words).collect::<Option<Vec<_>>>() else { return };
        let meaning = |part: &Value| {
            let (word, text) = (part.get("const")?.as_str()?, part.get("description")?.as_str()?);
            Some(format!("- `{word}`: {text}"))
        };
        let meanings: Vec<String> = parts.iter().filter_map(meaning).collect();
        describe(fields, &meanings.join("\n"));
        fields.remove("oneOf");
        fields.insert("enum".to_owned(), words.concat().into());
        fields.insert("type".to_owned(), "string".into());
    });
}

/// Joins an enum and null, which the generator makes two schemas, into one enum.
fn join_null(schema: &mut Value) {
    walk(schema, &|fields| {
        let Some(Value::Array(parts)) = fields.get("anyOf") else { return };
        let [word, null] = parts.as_slice() else { return };
        let Some(Value::Array(words)) = word.get("enum") else { return };
        if null.get("type").is_none_or(|one| one != "null") {
            return;
        }
        let words: Vec<Value> = words.iter().cloned().chain([Value::Null]).collect();
        let text = word.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        describe(fields, &text);
        fields.remove("anyOf");
        fields.insert("enum".to_owned(), words.into());
        fields.insert("type".to_owned(), serde_json::json!(["string", "null"]));
    });
}

/// Adds a paragraph to a description.
fn describe(fields: &mut Map<String, Value>, text: &str) {
    let found = fields.get("description").and_then(Value::as_str).unwrap_or_default();
    let paragraphs: Vec<&str> = [found, text].into_iter().filter(|text| !text.is_empty()).collect();
    if !paragraphs.is_empty() {
        fields.insert("description".to_owned(), paragraphs.join("\n\n").into());
    }
}

/// Moves the default of a request's field into its description. Generators of clients take a field with a default for one
/// that is always present.
fn describe_default(schema: &mut Value) {
    walk(schema, &|fields| {
        let is_field = ["type", "enum", "items", "$ref"].iter().any(|keyword| fields.contains_key(*keyword));
        if !is_field {
            return;
        }
        let Some(default) = fields.remove("default") else { return };
        let default = if default == "" { "the empty string".to_owned() } else { format!("`{default}`") };
        let text = fields.get("description").and_then(Value::as_str).unwrap_or_default();
        let text = format!("{text} Default: {default}.").trim().to_owned();
        fields.insert("description".to_owned(), text.into());
    });
}

/// Merges the variants of an untagged enum into the fields of the object that it is flattened into, as optional fields.
/// Generators of clients lose the other fields of an object with variants.
fn merge_variants(schema: &mut Value) {
    walk(schema, &|fields| {
        if !fields.contains_key("properties") {
            return;
        }
        let Some(Value::Array(variants)) = fields.remove("anyOf") else { return };
        let Some(Value::Object(properties)) = fields.get_mut("properties") else { return };
        for variant in variants {
            if let Some(Value::Object(added)) = variant.get("properties") {
                properties.extend(added.clone());
            }
        }
    });
}

/// Removes null from optional fields. A response leaves an optional field out, and a required field may be null.
pub(crate) fn omit_null(schema: &mut Value) {
    walk(schema, &|fields| {
        let required = fields.get("required").cloned().unwrap_or_default();
        let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|other| other == name));
        let Some(Value::Object(properties)) = fields.get_mut("properties") else { return };
        for (_, property) in properties.iter_mut().filter(|(name, _)| !is_required(name)) {
            if let Some(Value::Array(types)) = property.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    property["type"] = one;
                }
            }
            if let Some(Value::Array(words)) = property.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            if let Some(Value::Array(parts)) = property.get_mut("anyOf") {
                parts.retain(|part| part.get("type").is_none_or(|one| one != "null"));
            }
        }
    });
}

/// Excludes undeclared fields from every object. An object that is composed of several schemas excludes fields that none
/// of them declares.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let is_composed = ["allOf", "anyOf", "oneOf"].iter().any(|keyword| fields.contains_key(*keyword));
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                let keyword = if is_composed { "unevaluatedProperties" } else { "additionalProperties" };
                fields.insert(keyword.to_owned(), false.into());
            }
            for (keyword, value) in fields.iter_mut() {
                // The parts of a composed object are open, because each declares only some of its fields.
                let is_part = is_composed && matches!(keyword.as_str(), "allOf" | "anyOf" | "oneOf");
                match value {
                    Value::Object(named) if keyword == "properties" => named.values_mut().for_each(close),
                    _ if !is_part => close(value),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_with_descriptions_are_one_enum() {
        let mut schema = json!({"items": {"oneOf": [
            {"type": "string", "const": "a", "description": "A."},
            {"type": "string", "enum": ["b", "c"]},
        ]}});
        join_words(&mut schema);
        let wanted = json!({"items": {"type": "string", "enum": ["a", "b", "c"], "description": "- `a`: A."}});
        assert_eq!(schema, wanted);
        let other = json!({"oneOf": [{"const": "a"}, {"type": "integer"}]});
        let mut schema = other.clone();
        join_words(&mut schema);
        assert_eq!(schema, other);
    }

    #[test]
    fn a_nullable_enum_is_one_enum() {
        let word = json!({"type": "string", "enum": ["a"], "description": "- `a`: B."});
        let mut schema = json!({"description": "A.", "anyOf": [word, {"type": "null"}]});
        join_null(&mut schema);
        let text = "A.\n\n- `a`: B.";
        assert_eq!(schema, json!({"description": text, "type": ["string", "null"], "enum": ["a", null]}));
        let other = json!({"anyOf": [{"$ref": "#/a"}, {"type": "null"}]});
        let mut schema = other.clone();
        join_null(&mut schema);
        assert_eq!(schema, other);
    }

    #[test]
    fn a_default_is_described() {
        let mut schema = json!({"properties": {
            "a": {"type": "string", "default": "x", "description": "A."},
            "default": {"type": ["string", "null"], "default": ""},
        }});
        describe_default(&mut schema);
        let wanted = json!({"properties": {
            "a": {"type": "string", "description": "A. Default: `\"x\"`."},
            "default": {"type": ["string", "null"], "description": "Default: the empty string."},
        }});
        assert_eq!(schema, wanted);
    }

    #[test]
    fn variants_are_optional_fields() {
        let variant = |name: &str| json!({"properties": {name: {"type": ["string", "null"]}}, "required": [name]});
        let mut schema = json!({"properties": {"a": true}, "required": ["a"], "anyOf": [variant("b"), variant("c")]});
        merge_variants(&mut schema);
        let text = json!({"type": ["string", "null"]});
        assert_eq!(schema, json!({"properties": {"a": true, "b": text, "c": text}, "required": ["a"]}));
    }

    #[test]
    fn an_optional_field_of_a_response_is_not_null() {
        let nullable = json!({"type": ["string", "null"], "enum": ["a", null]});
        let mut schema = json!({"properties": {"a": nullable, "b": nullable}, "required": ["a"]});
        omit_null(&mut schema);
        let wanted = json!({"properties": {"a": nullable, "b": {"type": "string", "enum": ["a"]}}, "required": ["a"]});
        assert_eq!(schema, wanted);
    }

    #[test]
    fn objects_of_responses_are_closed() {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "properties": {"type": "string"},
                "list": {"type": "array", "items": {"type": "object", "properties": {"a": true}}},
                "any": {"type": "object"},
                "composed": {"properties": {"b": true}, "oneOf": [{"properties": {"c": true}}]},
            },
        });
        close(&mut schema);
        let wanted = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "properties": {"type": "string"},
                "list": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"a": true}, "additionalProperties": false},
                },
                "any": {"type": "object"},
                "composed": {
                    "properties": {"b": true},
                    "oneOf": [{"properties": {"c": true}}],
                    "unevaluatedProperties": false,
                },
            },
        });
        assert_eq!(schema, wanted);
    }
}
