//! Resources of actions, and their representation in policies and in the audit log.

use std::borrow::Cow;
use std::collections::BTreeSet;

use cedar_policy::RestrictedExpression;
use serde::Serialize;
use serde_json::Value;

/// A kind of resource, with one name for Cedar and one for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A tenant's connection to IAM Identity Center.
    Integration,
    /// The ExternalId of a tenant.
    ExternalId,
    /// An IAM Identity Center instance and the inventory read through it.
    Instance,
    /// A credential.
    ApiKey,
    /// A tenant's Cedar policy.
    Policy,
    /// The audit log.
    AuditLog,
    /// An identity store's external identity provider.
    IdentityProvider,
    /// One of that provider's certificates.
    IdpCertificate,
    /// A certificate of the service provider, which is this platform.
    SpCertificate,
    /// An organisation of the directory.
    Organisation,
    /// An authorisation server.
    AuthorisationServer,
    /// An SSO configuration.
    SsoConfiguration,
    /// A version of an SSO configuration.
    SsoConfigurationVersion,
    /// An e-mail domain.
    Domain,
    /// The tenant itself.
    Tenant,
    /// An address that events are sent to.
    Webhook,
    /// The people of a tenant whom the platform writes to.
    NotificationContacts,
    /// A link to the setup page.
    SetupLink,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 18] = [
        Self::Integration,
        Self::ExternalId,
        Self::Instance,
        Self::ApiKey,
        Self::Policy,
        Self::AuditLog,
        Self::IdentityProvider,
        Self::IdpCertificate,
        Self::SpCertificate,
        Self::Organisation,
        Self::AuthorisationServer,
        Self::SsoConfiguration,
        Self::SsoConfigurationVersion,
        Self::Domain,
        Self::Tenant,
        Self::Webhook,
        Self::NotificationContacts,
        Self::SetupLink,
    ];

    /// Returns the name in the audit log: `identity-provider`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::ExternalId => "external-id",
            Self::Instance => "instance",
            Self::ApiKey => "api-key",
            Self::Policy => "policy",
            Self::AuditLog => "audit-log",
            Self::IdentityProvider => "identity-provider",
            Self::IdpCertificate => "idp-certificate",
            Self::SpCertificate => "sp-certificate",
            Self::Organisation => "organisation",
            Self::AuthorisationServer => "authorisation-server",
            Self::SsoConfiguration => "sso-configuration",
            Self::SsoConfigurationVersion => "sso-configuration-version",
            Self::Domain => "domain",
            Self::Tenant => "tenant",
            Self::Webhook => "webhook",
            Self::NotificationContacts => "notification-contacts",
            Self::SetupLink => "setup-link",
        }
    }

    /// Returns the name in Cedar's schema: `IdentityProvider`.
    pub fn entity_type(self) -> &'static str {
        match self {
            Self::Integration => "Integration",
            Self::ExternalId => "ExternalId",
            Self::Instance => "Instance",
            Self::ApiKey => "ApiKey",
            Self::Policy => "Policy",
            Self::AuditLog => "AuditLog",
            Self::IdentityProvider => "IdentityProvider",
            Self::IdpCertificate => "IdpCertificate",
            Self::SpCertificate => "SpCertificate",
            Self::Organisation => "Organisation",
            Self::AuthorisationServer => "AuthorisationServer",
            Self::SsoConfiguration => "SsoConfiguration",
            Self::SsoConfigurationVersion => "SsoConfigurationVersion",
            Self::Domain => "Domain",
            Self::Tenant => "Tenant",
            Self::Webhook => "Webhook",
            Self::NotificationContacts => "NotificationContacts",
            Self::SetupLink => "SetupLink",
        }
    }
}

/// One resource, with the id that the API shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: String,
}

impl Resource {
    /// Creates a resource from its kind and id.
    pub fn new(kind: Kind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// Attributes of a resource at one time, for policies and for the audit log's `before` and `after`.
///
/// It is created from a struct without secrets, because the tenant sees all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Image(Value);

impl Image {
    /// Creates the image from the serialized `view`, without nulls (Cedar has none). A view that is not a JSON object
    /// yields an empty image.
    pub fn of(view: &impl Serialize) -> Self {
        let mut value = serde_json::to_value(view).unwrap_or_default();
        without_nulls(&mut value);
        Self(if value.is_object() { value } else { Value::Object(serde_json::Map::new()) })
    }

    /// Returns the JSON object.
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// The image as policies of this kind of resource see it.
    pub(crate) fn expression(&self, kind: Kind) -> RestrictedExpression {
        expression(&counted(kind, &self.0))
    }
}

/// The sizes of sets that policies may count, which Cedar cannot: an attribute, and the set that it counts.
const COUNTS: [(&str, &str); 2] =
    [("restricted_domain_count", "restricted_domains"), ("supported_domain_count", "supported_domains")];

/// Adds the sizes of a version's sets to its image, where the image has none.
pub(crate) fn counted(kind: Kind, image: &Value) -> Cow<'_, Value> {
    let mut counted = Cow::Borrowed(image);
    if kind == Kind::SsoConfigurationVersion {
        for (count, set) in COUNTS {
            let elements = image.get(set).and_then(Value::as_array);
            if let (Some(elements), None) = (elements, image.get(count)) {
                let distinct: BTreeSet<String> = elements.iter().map(Value::to_string).collect();
                if let Value::Object(fields) = counted.to_mut() {
                    fields.insert(count.to_owned(), Value::from(distinct.len()));
                }
            }
        }
    }
    counted
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(without_nulls);
        }
        _ => {}
    }
}

/// Converts a JSON value to a Cedar expression. Cedar has whole numbers only, so a fraction becomes a string.
fn expression(value: &Value) -> RestrictedExpression {
    match value {
        Value::Null => RestrictedExpression::new_string(String::new()),
        Value::Bool(flag) => RestrictedExpression::new_bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => RestrictedExpression::new_long(whole),
            None => RestrictedExpression::new_string(number.to_string()),
        },
        Value::String(text) => RestrictedExpression::new_string(text.clone()),
        Value::Array(items) => RestrictedExpression::new_set(items.iter().map(expression)),
        Value::Object(fields) => {
            RestrictedExpression::new_record(fields.iter().map(|(name, field)| (name.clone(), expression(field))))
                .unwrap_or_else(|_| RestrictedExpression::new_string(String::new()))
        }
    }
}
