//! The response of `list-event-types`: each event with the JSON Schema of its detail, derived from the types of audit
//! records and images, and an example, whose values are in `event_examples.json`.

#![allow(clippy::indexing_slicing, reason = "a field of a JSON object that was just made")]

use serde_json::{Map, Value, json};
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::event::{CONTACTS, IMAGES, SCHEMA_VERSION};
use trustplane_functions::{ACCESS_DENIED, EventType, When};
use trustplane_platform::event_types::{EventType as Body, EventTypes};

use crate::derived;
use crate::events::{DENIED, by_name};

/// An image of each kind.
const EXAMPLES: &str = include_str!("event_examples.json");

/// Facts of events whose resource did not exist before.
const BEGINNINGS: [&str; 4] = ["created", "imported", "submitted", "temporary_created"];

/// Renders the response, one event per line.
pub(crate) fn document() -> Result<String, String> {
    let types = event_types()?;
    let lines = types.data.iter().map(|event| serde_json::to_string(event).map_err(|error| error.to_string()));
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    Ok(format!("{{\"data\":[\n{}\n]}}\n", lines.join(",\n")))
}

fn event_types() -> Result<EventTypes, String> {
    let (detail, images) = derived::events();
    let examples: Map<String, Value> =
        serde_json::from_str(EXAMPLES).map_err(|error| format!("event_examples.json: {error}"))?;
    let mut data = vec![Body {
        name: ACCESS_DENIED,
        version: SCHEMA_VERSION,
        summary: DENIED,
        notice: false,
        schema: schema(&without_contacts(&detail), json!({"type": "null"}), &json!({"outcome": {"const": "denied"}})),
        example: denied(),
    }];
    for (name, rows) in by_name() {
        let Some(first) = rows.first() else { continue };
        let image = image(first.image, &images).map_err(|error| format!("{name}: {error}"))?;
        let actions: Vec<&str> = rows.iter().map(|row| row.action).collect();
        let fixed = json!({
            "action": {"enum": unique(actions)},
            "outcome": {"const": "allowed"},
            "resource_type": {"const": first.resource.as_str()},
        });
        let example = examples.get(first.image).ok_or_else(|| {
            format!("{name}: event_examples.json has no `{}`: add an image as the type serializes it", first.image)
        })?;
        data.push(Body {
            name,
            version: SCHEMA_VERSION,
            summary: first.summary,
            notice: first.notice,
            schema: schema(&if first.notice { detail.clone() } else { without_contacts(&detail) }, image, &fixed),
            example: if first.notice { with_contacts(allowed(first, example)) } else { allowed(first, example) },
        });
    }
    Ok(EventTypes { data })
}

/// The detail of an event that is no notice.
fn without_contacts(detail: &Value) -> Value {
    let mut detail = detail.clone();
    if let Some(properties) = detail["properties"].as_object_mut() {
        properties.remove(CONTACTS);
    }
    detail
}

/// An example with contacts.
fn with_contacts(mut example: Value) -> Value {
    example[CONTACTS] = json!(["identity-team@acme.example"]);
    example
}

fn unique(mut words: Vec<&str>) -> Vec<&str> {
    words.dedup();
    words
}

/// The schema of an image, without references to other schemas. An image has no nulls.
fn image(name: &str, images: &Map<String, Value>) -> Result<Value, String> {
    if name == "NoImage" {
        return Ok(json!({"type": "null"}));
    }
    let schema = images.get(name).ok_or_else(|| {
        format!("there is no schema `{name}`: add its type to `schemas::images` of the family, or correct the row")
    })?;
    let mut schema = schema.clone();
    resolve(&mut schema, images)?;
    without_null(&mut schema);
    derived::omit_null(&mut schema);
    Ok(json!({"anyOf": [schema, {"type": "null"}]}))
}

/// Replaces references by the schemas that they refer to.
fn resolve(schema: &mut Value, images: &Map<String, Value>) -> Result<(), String> {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let name = reference.rsplit('/').next().unwrap_or_default();
                let target = images.get(name).ok_or_else(|| format!("`{reference}` leads nowhere"))?;
                *schema = target.clone();
                return resolve(schema, images);
            }
            fields.values_mut().try_for_each(|value| resolve(value, images))
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| resolve(item, images)),
        _ => Ok(()),
    }
}

/// Makes each field optional that a type serializes as null.
fn without_null(schema: &mut Value) {
    if let Value::Object(fields) = schema {
        fields.values_mut().for_each(without_null);
        let Some(Value::Object(properties)) = fields.get("properties") else { return };
        let nullable: Vec<String> =
            properties.iter().filter(|(_, field)| is_nullable(field)).map(|(name, _)| name.clone()).collect();
        if let Some(Value::Array(required)) = fields.get_mut("required") {
            required.retain(|name| name.as_str().is_none_or(|name| !nullable.iter().any(|other| other == name)));
        }
    } else if let Value::Array(items) = schema {
        items.iter_mut().for_each(without_null);
    }
}

fn is_nullable(field: &Value) -> bool {
    let is_null = |value: &Value| value == "null" || value.get("type").is_some_and(|one| one == "null");
    let list = |keyword: &str| field.get(keyword).and_then(Value::as_array);
    list("enum").is_some_and(|words| words.contains(&Value::Null))
        || list("type").is_some_and(|types| types.iter().any(is_null))
        || list("anyOf").is_some_and(|parts| parts.iter().any(is_null))
}

/// The schema of a detail with these images and further schemas of fields.
fn schema(detail: &Value, image: Value, fixed: &Value) -> Value {
    let mut schema = detail.clone();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("title");
        fields.remove("$schema");
        fields.remove("description");
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name.as_str().is_none_or(|name| !IMAGES.contains(&name)));
    }
    for name in IMAGES {
        schema["properties"][name] = image.clone();
    }
    for (name, constraint) in fixed.as_object().into_iter().flatten() {
        schema["properties"][name] = constraint.clone();
    }
    resolved(schema)
}

/// The schema with what its `$defs` or components define put in place of references.
fn resolved(mut schema: Value) -> Value {
    let definitions = schema.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("components");
    }
    // INVARIANT: a reference of a root schema leads to its definitions.
    let _ = resolve(&mut schema, &definitions);
    schema
}

/// An example of a change.
fn allowed(row: &EventType, example: &Value) -> Value {
    let fact = row.name.split('.').next_back().unwrap_or_default();
    let resource_id = example.get("resource_id").cloned().unwrap_or(json!("1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"));
    let image = example.get("image").cloned().unwrap_or_default();
    let mut after = image.clone();
    if let When::After(field, value) = row.when {
        after[field] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    }
    let is_gone = fact == "deleted";
    let is_new = BEGINNINGS.contains(&fact) || example.get("is_new") == Some(&json!(true));
    detail(json!({
        "action": row.action,
        "resource_type": row.resource.as_str(),
        "resource_id": resource_id,
        "outcome": "allowed",
        "before": if is_new { Value::Null } else { image },
        "after": if is_gone { Value::Null } else { after },
        "determining_policies": ["built-in.admin"],
    }))
}

/// An example of a denied request.
fn denied() -> Value {
    detail(json!({
        "action": "put-policy",
        "resource_type": "policy",
        "resource_id": "stay-in-europe",
        "outcome": "denied",
        "before": null,
        "after": null,
        "determining_policies": [],
    }))
}

/// A detail with these fields, as `publish-audit` makes it.
fn detail(fields: Value) -> Value {
    let mut record = json!({
        "id": "01KDYAK3SEZ7Y8V6W5T4S3R2Q1",
        "tenant_id": "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0",
        "occurred_at": "2026-01-02T03:04:05.678Z",
        "actor": {
            "id": "4ZC5tWAwWmPkHq2w7pkCr1tPTa0mKGu2V3DfSv",
            "name": "deploy",
            "type": "credential",
            "roles": ["admin"],
        },
        "source_ip": "203.0.113.7",
        "user_agent": "curl/8.0",
        "request_id": "8f5f3c1e-6f0a-4a63-9d0c-2c1f4b9f7a55",
        "interaction_id": null,
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        record[name] = value.clone();
    }
    let text = serde_json::from_value::<AuditRecord>(record).map(|record| record.canonical()).unwrap_or_default();
    trustplane_domain::event::detail(&text, &AuditRecord::hash(&text)).map(Value::Object).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_current_schemas_are_valid() {
        let types = event_types().unwrap();
        assert!(types.data.len() > 40);
        for event in types.data {
            let validator = jsonschema::validator_for(&event.schema).unwrap();
            let faults: Vec<String> = validator.iter_errors(&event.example).map(|fault| fault.to_string()).collect();
            assert_eq!(faults, [] as [String; 0], "{}: {:#}", event.name, event.example);
        }
    }

    #[test]
    fn schemas_of_images_have_no_null_and_no_reference() {
        for event in event_types().unwrap().data {
            assert!(!event.schema.to_string().contains("$ref"), "{}", event.name);
        }
        let mut schema = json!({
            "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "string"}},
            "required": ["a", "b"],
        });
        without_null(&mut schema);
        assert_eq!(schema["required"], json!(["b"]));
    }
}
