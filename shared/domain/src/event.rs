//! Events: audit records as subscribers receive them.

use serde_json::{Map, Value, json};

use crate::directory::email_address::EmailAddress;

/// Version of the schemas of all events. A field may be added without a new version.
pub const SCHEMA_VERSION: u8 = 1;

/// Fields that an event leaves out if it would be too large.
pub const IMAGES: [&str; 2] = ["before", "after"];

/// Field of a notice that holds the addresses of the tenant's notification contacts.
pub const CONTACTS: &str = "contacts";

/// The detail of an event, for its schema: a record with its hash.
#[cfg(feature = "schema")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Event")]
pub struct Detail {
    /// The audit record.
    #[serde(flatten)]
    pub record: crate::audit::AuditRecord,
    /// SHA-256 of the record in canonical form, in lower-case hex.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub hash: String,
    /// Version of the schema.
    #[schemars(range(min = 1, max = 1))]
    pub schema_version: u8,
    /// E-mail addresses of the tenant's notification contacts at the time of publication. Only on the bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    /// Fields that are left out because the event would be too large. The audit log has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<Vec<String>>,
}

/// Builds the detail of a record's event from the text that was hashed, and its hash.
///
/// Without `hash` and `schema_version`, and in canonical form, the detail is the text that was hashed.
pub fn detail(text: &str, hash: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let mut detail: Map<String, Value> = serde_json::from_str(text)?;
    detail.insert("hash".to_owned(), json!(hash));
    detail.insert("schema_version".to_owned(), json!(SCHEMA_VERSION));
    Ok(detail)
}

/// Adds the notification contacts to the detail of a notice. They are no part of the text that was hashed.
pub fn add_contacts(detail: &mut Map<String, Value>, contacts: &[EmailAddress]) {
    detail.insert(CONTACTS.to_owned(), json!(contacts));
}

/// Leaves out the images of a detail that would be too large, and says so in `left_out`.
pub fn leave_images_out(detail: &mut Map<String, Value>) {
    detail.retain(|name, _| !IMAGES.contains(&name.as_str()));
    detail.insert("left_out".to_owned(), json!(IMAGES));
}
