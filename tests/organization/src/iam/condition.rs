//! Conditions of statements: the string operators, and the condition keys of requests.

use serde_json::Value;

use super::{Request, like, strings};

/// One condition: compares a key with values.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    pub(super) if_exists: bool,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Equals,
    NotEquals,
    EqualsIgnoreCase,
    NotEqualsIgnoreCase,
    Like,
    NotLike,
    Null,
}

impl Condition {
    pub(super) fn parse_all(conditions: &Value) -> Result<Vec<Self>, String> {
        let operators = conditions.as_object().ok_or("a Condition must be an object")?;
        let mut all = Vec::new();
        for (name, keys) in operators {
            let (name, if_exists) = name.strip_suffix("IfExists").map_or((name.as_str(), false), |name| (name, true));
            let operator = match name {
                "StringEquals" => Operator::Equals,
                "StringNotEquals" => Operator::NotEquals,
                "StringEqualsIgnoreCase" | "Bool" => Operator::EqualsIgnoreCase,
                "StringNotEqualsIgnoreCase" => Operator::NotEqualsIgnoreCase,
                "StringLike" | "ArnLike" | "ArnEquals" => Operator::Like,
                "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Operator::NotLike,
                "Null" => Operator::Null,
                _ => {
                    return Err(format!("the condition operator `{name}` is not understood here"));
                }
            };
            for (key, values) in keys.as_object().ok_or("a condition operator must hold keys")? {
                let key = key.to_ascii_lowercase();
                if !KEYS.contains(&key.as_str()) {
                    return Err(format!("the condition key `{key}` is not understood here"));
                }
                all.push(Self { operator, if_exists, key, values: strings(values)? });
            }
        }
        Ok(all)
    }

    pub(super) fn holds(&self, request: &Request<'_>) -> bool {
        let actual = request.context.iter().find(|(key, _)| *key == self.key).map(|(_, value)| value.as_str());
        if self.operator == Operator::Null {
            return self.values.iter().any(|value| (value == "true") == actual.is_none());
        }
        let Some(actual) = actual else {
            // "If the key is not in the request, a negated operator is true, others are false."
            return self.if_exists
                || matches!(self.operator, Operator::NotEquals | Operator::NotEqualsIgnoreCase | Operator::NotLike);
        };
        let any = |matches: fn(&str, &str) -> bool| self.values.iter().any(|value| matches(value, actual));
        match self.operator {
            Operator::Equals => any(|value, actual| value == actual),
            Operator::NotEquals => !any(|value, actual| value == actual),
            Operator::EqualsIgnoreCase => any(|value, actual| value.eq_ignore_ascii_case(actual)),
            Operator::NotEqualsIgnoreCase => !any(|value, actual| value.eq_ignore_ascii_case(actual)),
            Operator::Like => any(like),
            Operator::NotLike => !any(like),
            Operator::Null => false,
        }
    }
}

/// The condition keys that a request can have here.
const KEYS: [&str; 7] = [
    "kms:viaservice",
    "sts:externalid",
    "sts:rolesessionname",
    "aws:requestedregion",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:securetransport",
];
