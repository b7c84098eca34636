//! Notification contacts: the people of a tenant whom the platform writes to.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::directory::email_address::EmailAddress;

/// Largest number of contacts of a tenant.
pub const MAX_CONTACTS: usize = 10;

/// The notification contacts of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationContacts {
    /// Their e-mail addresses, in the client's order.
    pub contacts: Vec<EmailAddress>,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// The notification contacts as policies, the audit log and events see them.
///
/// Audit records are kept for years and cannot be changed, so they have no address.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "NotificationContactsImage"))]
pub struct View {
    /// Number of addresses.
    pub count: usize,
}
