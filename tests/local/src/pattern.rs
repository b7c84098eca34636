//! Event patterns: the filters of rules and streams.
//!
//! Source: "Comparison operators for use in event patterns", Amazon EventBridge User Guide; event source mappings use
//! the same syntax ("Filter rule syntax", AWS Lambda Developer Guide).

use crate::Error;
use serde_json::{Map, Value};

/// A pattern, validated when it is parsed, so that a mistake in it does not look like a missing match.
#[derive(Debug, Clone)]
pub struct Pattern(Map<String, Value>);

impl Pattern {
    /// Parses a pattern. Refuses operators that are not implemented.
    pub fn parse(pattern: &Value) -> Result<Self, Error> {
        let Value::Object(fields) = pattern else {
            return Err(Error::new(format!("pattern `{pattern}` is not an object")));
        };
        check(fields)?;
        Ok(Self(fields.clone()))
    }

    /// Returns true if the event has every field in the pattern, with one of its values.
    pub fn matches(&self, event: &Value) -> bool {
        fields_match(&self.0, Some(event))
    }
}

fn check(fields: &Map<String, Value>) -> Result<(), Error> {
    for (name, pattern) in fields {
        match pattern {
            Value::Array(alternatives) if name == "$or" => {
                for alternative in alternatives {
                    check(
                        alternative
                            .as_object()
                            .ok_or_else(|| Error::new("`$or` holds something that is not a pattern"))?,
                    )?;
                }
            }
            Value::Object(nested) => check(nested)?,
            Value::Array(alternatives) => {
                for operator in alternatives.iter().filter_map(Value::as_object).flat_map(Map::keys) {
                    if !matches!(
                        operator.as_str(),
                        "prefix" | "suffix" | "exists" | "anything-but" | "numeric" | "equals-ignore-case"
                    ) {
                        return Err(Error::new(format!(
                            "operator `{operator}` of field `{name}` is not known locally"
                        )));
                    }
                }
            }
            _ => {
                return Err(Error::new(format!("field `{name}` of a pattern is neither an object nor a list")));
            }
        }
    }
    Ok(())
}

fn fields_match(fields: &Map<String, Value>, event: Option<&Value>) -> bool {
    fields.iter().all(|(name, pattern)| match pattern {
        Value::Array(alternatives) if name == "$or" => {
            alternatives.iter().filter_map(Value::as_object).any(|alternative| fields_match(alternative, event))
        }
        Value::Object(nested) => fields_match(nested, event.and_then(|event| event.get(name))),
        Value::Array(alternatives) => {
            let value = event.and_then(|event| event.get(name));
            alternatives.iter().any(|alternative| match value {
                Some(Value::Array(values)) => values.iter().any(|value| value_matches(alternative, Some(value))),
                value => value_matches(alternative, value),
            })
        }
        _ => false,
    })
}

fn value_matches(pattern: &Value, value: Option<&Value>) -> bool {
    let Value::Object(operators) = pattern else {
        return value.is_some_and(|value| equal(pattern, value));
    };
    operators.iter().all(|(operator, operand)| {
        let text = value.and_then(Value::as_str);
        match operator.as_str() {
            // A field with an object exists only through its leaves.
            "exists" => operand.as_bool() == Some(value.is_some_and(|value| !value.is_object())),
            "prefix" => matches!((text, operand.as_str()), (Some(text), Some(prefix)) if text.starts_with(prefix)),
            "suffix" => matches!((text, operand.as_str()), (Some(text), Some(suffix)) if text.ends_with(suffix)),
            "equals-ignore-case" => {
                matches!((text, operand.as_str()), (Some(text), Some(other)) if text.to_lowercase() == other.to_lowercase())
            }
            "anything-but" => value.is_some_and(|value| match operand {
                Value::Array(excluded) => !excluded.iter().any(|excluded| equal(excluded, value)),
                Value::Object(_) => !value_matches(operand, Some(value)),
                excluded => !equal(excluded, value),
            }),
            "numeric" => value.and_then(Value::as_f64).is_some_and(|value| in_range(operand, value)),
            _ => false,
        }
    })
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

/// Evaluates a numeric range: `["=", 3]`, `[">", 0, "<=", 5]`.
fn in_range(bounds: &Value, value: f64) -> bool {
    bounds.as_array().is_some_and(|bounds| {
        !bounds.is_empty()
            && bounds.chunks(2).all(|bound| match bound {
                [Value::String(operator), bound] => bound.as_f64().is_some_and(|bound| match operator.as_str() {
                    "=" => value == bound,
                    "<" => value < bound,
                    "<=" => value <= bound,
                    ">" => value > bound,
                    ">=" => value >= bound,
                    _ => false,
                }),
                _ => false,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn matches_as_eventbridge_does() {
        let event = json!({
            "source": "trustplane", "count": 3, "tags": ["a", "b"], "none": null,
            "dynamodb": {"Keys": {"pk": {"S": "TENANT#1#AUDIT"}}},
        });
        for (pattern, expected) in [
            (json!({}), true),
            (json!({"source": ["other", "trustplane"]}), true),
            (json!({"source": ["other"]}), false),
            (json!({"source": ["trustplane"], "count": [4]}), false),
            (json!({"count": [3.0]}), true),
            (json!({"tags": ["b"]}), true),
            (json!({"none": [null]}), true),
            (json!({"missing": [null]}), false),
            (json!({"missing": [{"exists": false}]}), true),
            (json!({"source": [{"exists": true}]}), true),
            (json!({"source": [{"prefix": "trust"}]}), true),
            (json!({"dynamodb": {"Keys": {"pk": {"S": [{"suffix": "#AUDIT"}]}}}}), true),
            (json!({"dynamodb": {"NewImage": {"pk": {"S": ["x"]}}}}), false),
            (json!({"source": [{"anything-but": ["trustplane"]}]}), false),
            (json!({"source": [{"anything-but": {"prefix": "x"}}]}), true),
            (json!({"missing": [{"anything-but": ["x"]}]}), false),
            (json!({"count": [{"numeric": [">", 0, "<=", 3]}]}), true),
            (json!({"count": [{"numeric": [">", 3]}]}), false),
            (json!({"source": [{"equals-ignore-case": "TRUSTPLANE"}]}), true),
            (json!({"$or": [{"count": [9]}, {"source": ["trustplane"]}]}), true),
        ] {
            assert_eq!(Pattern::parse(&pattern).unwrap().matches(&event), expected, "{pattern}");
        }
    }

    #[test]
    fn a_mistake_is_not_taken_for_no_match() {
        for pattern in [json!("x"), json!({"a": "b"}), json!({"a": [{"wildcard": "*"}]}), json!({"$or": ["x"]})] {
            assert!(Pattern::parse(&pattern).is_err(), "{pattern}");
        }
    }
}
