//! The audit record: actor, action, resource, time and origin. It is also the event that subscribers receive.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::ids::TenantId;

/// An audit record as it is stored and hashed. It contains no secret, because the images of a resource have none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "EventRecord"))]
pub struct AuditRecord {
    /// A ULID. It sorts by time.
    pub id: String,
    /// The tenant that the record belongs to.
    pub tenant_id: TenantId,
    /// Time of the decision.
    pub occurred_at: Timestamp,
    /// `{id, name, type, roles}`.
    #[cfg_attr(feature = "schema", schemars(with = "Actor"))]
    pub actor: Value,
    /// The function that acted, or the requested action.
    pub action: String,
    /// The kind of resource: `integration`, `api-key`, …
    pub resource_type: String,
    /// The resource's id, as the API shows it.
    pub resource_id: String,
    /// Outcome of the request.
    pub outcome: Outcome,
    /// The resource before the change.
    pub before: Option<Value>,
    /// The resource after the change.
    pub after: Option<Value>,
    /// The Cedar policies that determined the decision.
    pub determining_policies: Vec<String>,
    /// The client's address, as the gateway saw it.
    pub source_ip: Option<String>,
    /// The client's own description of itself.
    pub user_agent: Option<String>,
    /// The service's id of the request.
    pub request_id: String,
    /// The client's id of the interaction.
    pub interaction_id: Option<String>,
}

/// The principal that acted.
#[cfg(feature = "schema")]
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "EventActor")]
struct Actor {
    /// A credential's or a setup link's public id, `operator`, or a function's name.
    id: String,
    /// The credential's name or the link's label; otherwise the same as `id`.
    name: String,
    /// The kind of actor.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["credential", "setup-link", "operator", "system"]))]
    kind: String,
    /// The credential's roles; empty for other actors.
    roles: Vec<String>,
}

/// Outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuditOutcome"), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Policies allowed the request, and it was carried out.
    Allowed,
    /// Policies denied the request.
    Denied,
}

/// Defects of a stored record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The hash is not the hash of the text.
    Hash,
    /// The text is not an audit record.
    Text,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Hash => "its hash is not that of its text",
            Self::Text => "its text is not an audit record",
        })
    }
}

impl std::error::Error for Unreadable {}

impl AuditRecord {
    /// Returns the canonical encoding: JSON without white space, the keys of every object sorted by their bytes.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        write_canonical(&serde_json::to_value(self).unwrap_or_default(), &mut text);
        text
    }

    /// Parses a record from its hashed text, and verifies the hash.
    pub fn read(text: &str, hash: &str) -> Result<Self, Unreadable> {
        if Self::hash(text) != hash {
            return Err(Unreadable::Hash);
        }
        serde_json::from_str(text).map_err(|_| Unreadable::Text)
    }

    /// Returns the SHA-256 of a canonical encoding, in lower-case hex.
    pub fn hash(canonical: &str) -> String {
        hex::encode(Sha256::digest(canonical))
    }
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            text.push('{');
            for (place, (name, field)) in fields.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write_canonical(field, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_sorted_at_every_level() {
        let value: Value = serde_json::from_str(r#"{"b":[{"z":1,"a":"\u00e9\n"}],"a":null}"#).unwrap();
        let mut text = String::new();
        write_canonical(&value, &mut text);
        assert_eq!(text, "{\"a\":null,\"b\":[{\"a\":\"\u{e9}\\n\",\"z\":1}]}");
    }

    #[test]
    fn the_hash_is_that_of_the_published_algorithm() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(AuditRecord::hash(""), empty);
    }

    fn record(name: String, after: Option<Value>) -> AuditRecord {
        AuditRecord {
            id: "01JGJ9S3A8Z7Y8V6W5T4S3R2Q1".to_owned(),
            tenant_id: TenantId::from_random([1; 16]),
            occurred_at: Timestamp::from_millis(1_767_323_045_678),
            actor: serde_json::json!({"id": "operator", "name": name, "type": "operator", "roles": []}),
            action: "create-tenant".to_owned(),
            resource_type: "tenant".to_owned(),
            resource_id: "x".to_owned(),
            outcome: Outcome::Allowed,
            before: None,
            after,
            determining_policies: Vec::new(),
            source_ip: None,
            user_agent: None,
            request_id: "r".to_owned(),
            interaction_id: None,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_written_the_same(name: String, number: i64, text: Option<String>) {
            let record = record(name, Some(serde_json::json!({"number": number, "text": text})));
            let canonical = record.canonical();
            let read = AuditRecord::read(&canonical, &AuditRecord::hash(&canonical));
            prop_assert_eq!(read.as_ref().map(AuditRecord::canonical), Ok(canonical));
            prop_assert_eq!(read, Ok(record));
        }

        #[test]
        fn one_character_more_or_less_breaks_the_hash(at in 0..200_usize, character in "[ -~]") {
            let canonical = record("Example".to_owned(), None).canonical();
            let hash = AuditRecord::hash(&canonical);
            let mut other = canonical.clone();
            other.insert_str(at, &character);
            prop_assert_eq!(AuditRecord::read(&other, &hash), Err(Unreadable::Hash));
            other = canonical;
            other.remove(at);
            prop_assert_eq!(AuditRecord::read(&other, &hash), Err(Unreadable::Hash));
        }
    }

    #[test]
    fn an_unreadable_text_differs_from_a_changed_one() {
        let text = r#"{"id":"x"}"#;
        assert_eq!(AuditRecord::read(text, &AuditRecord::hash(text)), Err(Unreadable::Text));
    }
}
