//! Everything in the API document is described, and every body has an example.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use serde_json::{Map, Value, json};
use trustplane_catalogue::root;

/// Operations whose body is too long for an example: a schema in another language, a list of 80 events.
const WITHOUT_EXAMPLE: [&str; 4] =
    ["get-policy-schema 200", "get-setup-asset 200", "get-setup-page 200", "list-event-types 200"];

fn document() -> Value {
    serde_json::from_str(&std::fs::read_to_string(root().join("openapi.json")).unwrap()).unwrap()
}

/// The operations of the document with their names.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    operations.map(|operation| (operation["operationId"].as_str().unwrap(), operation))
}

/// Follows a reference.
fn resolve<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => part,
    }
}

fn is_described(part: &Value) -> bool {
    part["description"].as_str().is_some_and(|text| !text.is_empty())
}

/// Adds the properties of a schema that have neither a description nor a reference to a schema.
fn undescribed(schema: &Value, place: &str, missing: &mut Vec<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            let place = format!("{place}.{name}");
            if !is_described(property) && property["$ref"].is_null() {
                missing.push(place.clone());
            }
            undescribed(property, &place, missing);
        }
    }
    undescribed_parts(schema, place, missing);
}

fn undescribed_parts(schema: &Value, place: &str, missing: &mut Vec<String>) {
    if schema["items"].is_object() {
        undescribed(&schema["items"], &format!("{place}[]"), missing);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for part in schema[keyword].as_array().into_iter().flatten() {
            undescribed(part, place, missing);
        }
    }
}

#[test]
fn every_schema_and_every_property_is_described() {
    let document = document();
    let mut missing = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if !is_described(schema) {
            missing.push(name.clone());
        }
        undescribed(schema, name, &mut missing);
    }
    assert_eq!(missing, Vec::<String>::new(), "add a doc comment to each type and field");
}

#[test]
fn every_part_of_an_operation_is_described() {
    let document = document();
    let mut missing = Vec::new();
    for (name, operation) in operations(&document) {
        let mut want = |part: &Value, place: String| {
            if !is_described(resolve(&document, part)) {
                missing.push(format!("{name} {place}"));
            }
        };
        want(operation, String::new());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            want(parameter, format!("parameter {parameter}"));
        }
        if operation["requestBody"].is_object() {
            want(&operation["requestBody"], "request body".to_owned());
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            want(response, format!("response {status}"));
            for (header, part) in resolve(&document, response)["headers"].as_object().unwrap_or(&Map::new()) {
                want(part, format!("header {header}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_body_has_an_example() {
    let document = document();
    let mut missing = Vec::new();
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let success = responses.iter().filter(|(status, _)| status.starts_with('2'));
        let request = "request".to_owned();
        let bodies = success.chain([(&request, &operation["requestBody"])]);
        for (place, part) in bodies {
            for body in part["content"].as_object().unwrap_or(&Map::new()).values() {
                let place = format!("{name} {place}");
                if body["example"].is_null() && !WITHOUT_EXAMPLE.contains(&place.as_str()) {
                    missing.push(place);
                }
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "run the tests of these, then tests/catalogue/examples.py");
}

#[test]
fn a_part_without_a_description_is_found() {
    let schema = json!({"properties": {
        "a": {"type": "string"},
        "b": {"description": "B.", "items": {"properties": {"c": {}}}},
        "d": {"$ref": "#/d"},
    }});
    let mut missing = Vec::new();
    undescribed(&schema, "S", &mut missing);
    assert_eq!(missing, ["S.a", "S.b[].c"]);
}
