//! Attributes of a resource before and after, compared with the schema: each fault with its path.

use serde_json::{Map, Value};
use trustplane_domain::nearest::unknown;

use crate::Kind;
use crate::resource::counted;

/// Compares the image `field`, which is `before` or `after`, of a resource with the schema in Cedar's JSON format. Returns
/// pairs of path and message: `after.region` and `must be a string`.
pub(crate) fn faults(schema: &Value, kind: Kind, field: &str, image: &Value) -> Vec<(String, String)> {
    let types = Types { namespace: schema.get("Trustplane").unwrap_or(&Value::Null) };
    let entity = types.namespace.pointer(&format!("/entityTypes/{}/shape/attributes/{field}", kind.entity_type()));
    let mut faults = Vec::new();
    match entity {
        Some(shape) => types.compare(field, shape, &counted(kind, image), &mut faults),
        None => faults.push((
            field.to_owned(),
            format!("must not be sent: the policies see no attributes of `{}`", kind.as_str()),
        )),
    }
    faults
}

/// The types of the schema.
struct Types<'a> {
    namespace: &'a Value,
}

impl Types<'_> {
    fn compare(&self, path: &str, shape: &Value, value: &Value, faults: &mut Vec<(String, String)>) {
        let wanted = shape.get("type").and_then(Value::as_str).unwrap_or_default();
        let name = match wanted {
            "EntityOrCommon" | "Entity" => shape.get("name").and_then(Value::as_str).unwrap_or_default(),
            other => other,
        };
        if let Some(common) = self.namespace.pointer(&format!("/commonTypes/{name}")) {
            return self.compare(path, common, value, faults);
        }
        let expected = match name {
            "String" => (!value.is_string()).then_some("must be a string"),
            "Long" => (!value.is_i64()).then_some("must be a whole number"),
            "Bool" | "Boolean" => (!value.is_boolean()).then_some("must be `true` or `false`"),
            "Set" => {
                let Some(elements) = value.as_array() else {
                    faults.push((path.to_owned(), "must be a list".to_owned()));
                    return;
                };
                let element = shape.get("element").unwrap_or(&Value::Null);
                for (place, value) in elements.iter().enumerate() {
                    self.compare(&format!("{path}.{place}"), element, value, faults);
                }
                None
            }
            "Record" => {
                let attributes = shape.get("attributes").and_then(Value::as_object);
                match (attributes, value.as_object()) {
                    (Some(attributes), Some(fields)) => self.compare_fields(path, attributes, fields, faults),
                    _ => faults.push((path.to_owned(), "must be an object".to_owned())),
                }
                None
            }
            _ => None,
        };
        faults.extend(expected.map(|message| (path.to_owned(), message.to_owned())));
    }

    fn compare_fields(
        &self,
        path: &str,
        attributes: &Map<String, Value>,
        fields: &Map<String, Value>,
        faults: &mut Vec<(String, String)>,
    ) {
        for (name, shape) in attributes {
            let path = format!("{path}.{name}");
            let is_required = shape.get("required").and_then(Value::as_bool).unwrap_or(true);
            match fields.get(name) {
                Some(value) => self.compare(&path, shape, value, faults),
                None if is_required => faults.push((path, "is required".to_owned())),
                None => {}
            }
        }
        for name in fields.keys().filter(|name| !attributes.contains_key(*name)) {
            faults.push((format!("{path}.{name}"), unknown(name, attributes.keys().map(String::as_str))));
        }
    }
}
