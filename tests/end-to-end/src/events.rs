//! Validates every event on a bus against the catalogue of events.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};

const EVENT_TYPES: &str = include_str!("../../../functions/platform/src/event_types.json");

/// Ends the test program with a message if the event does not conform to the catalogue.
///
/// The observer of a bus has no test to fail: the event may be published after the test that caused it.
pub(crate) fn observe(event: &Value) {
    if let Err(fault) = conforms(event) {
        // Not by a macro: the output of those is a test's, and is lost with it.
        let _ = writeln!(std::io::stderr(), "an event does not conform to `GET /v1/event-types`: {fault}\n{event:#}");
        if std::env::var_os("TRUSTPLANE_KEEP_GOING").is_none() {
            std::process::exit(101);
        }
    }
}

/// Validates an event, and refuses fields that its schema does not declare.
pub fn conforms(event: &Value) -> Result<(), String> {
    let name = event["detail-type"].as_str().unwrap_or_default();
    let validator = validators().get(name).ok_or_else(|| format!("there is no event `{name}`"))?;
    let faults: Vec<String> =
        validator.iter_errors(&event["detail"]).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

/// The validators of all events, by name.
fn validators() -> &'static BTreeMap<String, Validator> {
    static VALIDATORS: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    VALIDATORS.get_or_init(|| {
        let document: Value = serde_json::from_str(EVENT_TYPES).unwrap();
        let rows = document["data"].as_array().unwrap().iter().map(|row| {
            let mut schema = row["schema"].clone();
            close(&mut schema);
            let name = row["name"].as_str().unwrap().to_owned();
            let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, validator)
        });
        rows.collect()
    })
}

/// Excludes undeclared fields from every object of a schema.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.insert("unevaluatedProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
