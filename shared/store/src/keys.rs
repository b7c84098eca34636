//! Every key of the table is made here.
//!
//! A tenant's keys come from a [`Tenant`], which is made from a presented credential or a grant and from nothing else:
//! another tenant's item cannot be addressed.

use std::fmt::Write as _;

use trustplane_domain::Timestamp;
use trustplane_domain::arn::RoleArn;
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::inventory::Row;
use trustplane_policy::{Deed, Grant};

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
    /// The tenant whose item it is; `None` for what is kept across tenants.
    pub(crate) tenant: Option<TenantId>,
}

/// One tenant's part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant(TenantId);

impl Tenant {
    /// The part of the tenant that a presented credential belongs to.
    pub fn presented(credential: CredentialId) -> Self {
        Self(credential.tenant())
    }

    /// The part that a grant is good for.
    pub fn granted(grant: &Grant) -> Self {
        Self(grant.tenant())
    }

    /// Which tenant.
    pub fn id(self) -> TenantId {
        self.0
    }

    /// The tenant: status, policies version, admins.
    pub fn tenant(self) -> Key {
        self.key("TENANT".to_owned())
    }

    /// The tenant's row in the list of all tenants, which is in the order in which they were made.
    pub fn listed(self, created_at: Timestamp) -> Key {
        Key { pk: TENANTS.to_owned(), sk: format!("{created_at}#{}", self.0), tenant: None }
    }

    /// A credential.
    pub fn credential(self, id: CredentialId) -> Key {
        self.key(format!("CREDENTIAL#{id}"))
    }

    /// The tenant's own policies.
    pub fn policies(self) -> Key {
        self.key("POLICIES".to_owned())
    }

    /// The connection.
    pub fn connection(self) -> Key {
        self.key("CONNECTION".to_owned())
    }

    /// A saved version of the integration.
    pub fn connection_version(self, version: u64) -> Key {
        self.key(format!("CONNECTION#VERSION#{version:010}"))
    }

    /// The last report of the connection test.
    pub fn connection_report(self) -> Key {
        self.key("CONNECTION#REPORT".to_owned())
    }

    /// The external identity provider of a store.
    pub fn identity_provider(self, store: &str) -> Key {
        self.key(format!("STORE#{}#IDP", escaped(store)))
    }

    /// What this service is to a store: its certificates and keys as a SAML service provider.
    pub fn service_provider(self, store: &str) -> Key {
        self.key(format!("STORE#{}#SP", escaped(store)))
    }

    /// An organisation.
    pub fn organisation(self, organisation: &str) -> Key {
        self.key(format!("ORG#{}", escaped(organisation)))
    }

    /// An authorisation server.
    pub fn authorisation_server(self, organisation: &str, server: &str) -> Key {
        self.key(format!("SERVER#{}#{}", escaped(organisation), escaped(server)))
    }

    /// An SSO configuration.
    pub fn sso_configuration(self, organisation: &str, server: &str, configuration: &str) -> Key {
        self.key(format!("SSO#{}#{}#{}", escaped(organisation), escaped(server), escaped(configuration)))
    }

    /// How many organisations there are.
    pub fn organisation_count(self) -> Key {
        self.key("COUNT#ORG".to_owned())
    }

    /// How many authorisation servers an organisation has.
    pub fn authorisation_server_count(self, organisation: &str) -> Key {
        self.key(format!("COUNT#SERVER#{}", escaped(organisation)))
    }

    /// How many SSO configurations an authorisation server has.
    pub fn sso_configuration_count(self, organisation: &str, server: &str) -> Key {
        self.key(format!("COUNT#SSO#{}#{}", escaped(organisation), escaped(server)))
    }

    /// A version of one.
    pub fn version(self, configuration: &str, version: &str) -> Key {
        self.key(format!("VERSION#{}#{}", escaped(configuration), escaped(version)))
    }

    /// The proof of a domain.
    pub fn challenge(self, domain: &str) -> Key {
        self.key(format!("CHALLENGE#{}", escaped(domain)))
    }

    /// Look-up of a configuration by its id.
    pub fn sso_configuration_by_id(self, configuration: &str) -> Key {
        self.key(format!("SSO-ID#{}", escaped(configuration)))
    }

    /// Look-up of the configuration that serves an e-mail domain.
    pub fn route(self, domain: &str) -> Key {
        self.key(format!("ROUTE#{}", escaped(domain)))
    }

    /// A reply that is kept for a retry.
    pub fn idempotency(self, credential: CredentialId, key: &str) -> Key {
        self.key(format!("IDEMPOTENCY#{credential}#{}", escaped(key)))
    }

    /// An audit record.
    pub fn audit_record(self, id: &str) -> Key {
        Key { pk: self.audit_log(), sk: id.to_owned(), tenant: Some(self.0) }
    }

    /// The partition of the audit records.
    pub fn audit_log(self) -> String {
        format!("TENANT#{}#AUDIT", self.0)
    }

    /// A seal of the audit records' chain.
    pub fn audit_seal(self, number: u64) -> Key {
        Key { pk: self.audit_seals(), sk: format!("{AUDIT_SEALS}{number:012}"), tenant: Some(self.0) }
    }

    /// The head of the audit records' chain.
    pub fn audit_chain(self) -> Key {
        Key { pk: self.audit_seals(), sk: "HEAD".to_owned(), tenant: Some(self.0) }
    }

    /// The partition of the audit records' chain.
    pub fn audit_seals(self) -> String {
        format!("TENANT#{}#SEALS", self.0)
    }

    /// The part that the record of a deed, done or denied, is written in.
    pub(crate) fn told(deed: &Deed) -> Self {
        Self(deed.tenant)
    }

    /// How many denied attempts of a credential were recorded in the minute of this time. In a partition of its own, so
    /// that a function that only reads needs no leave to write in any other but the audit log.
    pub(crate) fn denials(self, credential: &str, at: Timestamp) -> Key {
        let minute = at.as_millis().div_euclid(60_000);
        let pk = format!("TENANT#{}#DENIALS", self.0);
        Key { pk, sk: format!("{}#{minute:012}", escaped(credential)), tenant: Some(self.0) }
    }

    /// The partition of everything else.
    pub fn partition(self) -> String {
        format!("TENANT#{}", self.0)
    }

    /// What is claimed across tenants, with this tenant as the owner: an e-mail domain.
    pub fn domain_claim(self, domain: &str) -> Key {
        Key { pk: format!("DOMAIN#{}", escaped(domain)), sk: "CLAIM".to_owned(), tenant: None }
    }

    /// How far the reading of the organization behind the connection is.
    pub fn aws_sync(self) -> Key {
        self.key("AWS#SYNC".to_owned())
    }

    /// A row of what was read there.
    pub fn aws_row(self, row: &Row) -> Key {
        self.key(match row {
            Row::Account(account) => format!("{AWS_ACCOUNTS}{}", escaped(&account.account_id)),
            Row::PermissionSet(set) => format!("{AWS_PERMISSION_SETS}{}", escaped(&set.permission_set_arn)),
            Row::Assignment(assignment) => {
                let prefix = aws_assignments(&assignment.account_id);
                format!("{prefix}{}", escaped(&assignment.permission_set_arn))
            }
        })
    }

    /// What is claimed across tenants: a role that a test of the connection came in through.
    pub fn role_claim(self, role: &RoleArn) -> Key {
        Key { pk: format!("ROLE#{}", escaped(role.as_str())), sk: "CLAIM".to_owned(), tenant: None }
    }

    fn key(self, sk: String) -> Key {
        Key { pk: self.partition(), sk, tenant: Some(self.0) }
    }
}

/// The partition of the list of all tenants.
///
/// One partition is enough: it is written once a tenant and read by operators alone, so what happens in the tenants never
/// heats it; and it is a list that can be read in pages without a scan of everything that they have.
pub(crate) const TENANTS: &str = "TENANTS";
/// The prefix of the sort keys of all seals of a tenant's audit records.
pub const AUDIT_SEALS: &str = "SEAL#";
/// The prefix of the sort keys of all credentials.
pub const CREDENTIALS: &str = "CREDENTIAL#";
/// The prefix of the sort keys of all saved versions of the integration.
pub const CONNECTION_VERSIONS: &str = "CONNECTION#VERSION#";
/// The prefix of the sort keys of all organisations.
pub const ORGANISATIONS: &str = "ORG#";

/// The prefix of the sort keys of all SSO configurations, whosever they are.
pub const ALL_SSO_CONFIGURATIONS: &str = "SSO#";

/// The prefix of everything that was read of the organization behind the connection.
pub const AWS_ROWS: &str = "AWS#ROW#";
/// The prefix of its accounts.
pub const AWS_ACCOUNTS: &str = "AWS#ROW#ACCOUNT#";
/// The prefix of its permission sets.
pub const AWS_PERMISSION_SETS: &str = "AWS#ROW#SET#";
/// The prefix of who has which of them.
pub const AWS_ASSIGNMENTS: &str = "AWS#ROW#ASSIGNMENT#";

/// The prefix of who has which permission set in an account.
pub fn aws_assignments(account: &str) -> String {
    format!("{AWS_ASSIGNMENTS}{}#", escaped(account))
}

/// The prefix of an organisation's authorisation servers.
pub fn authorisation_servers(organisation: &str) -> String {
    format!("SERVER#{}#", escaped(organisation))
}

/// The prefix of an authorisation server's SSO configurations.
pub fn sso_configurations(organisation: &str, server: &str) -> String {
    format!("SSO#{}#{}#", escaped(organisation), escaped(server))
}

/// The prefix of a configuration's versions.
pub fn versions(configuration: &str) -> String {
    format!("VERSION#{}#", escaped(configuration))
}

/// How many partitions the due list of one kind is spread over.
pub const DUE_SHARDS: u8 = 4;

/// A partition of the due list.
pub fn due_partition(kind: &str, shard: u8) -> String {
    format!("DUE#{kind}#{shard}")
}

/// The shard that a tenant's items are on.
pub fn due_shard(tenant: TenantId) -> u8 {
    tenant.as_bytes().last().copied().unwrap_or_default() % DUE_SHARDS
}

/// The sort key in the due list of an item that is due at `when`.
pub fn due_sort(when: Timestamp, key: &Key) -> String {
    format!("{when}#{}#{}", key.pk, key.sk)
}

/// What comes after the sort keys of all items that are due at `until` or before.
pub(crate) fn due_end(until: Timestamp) -> String {
    // The character after the `#` that follows the time.
    format!("{until}$")
}

impl Key {
    /// The key of an item that the table itself named.
    pub(crate) fn found(pk: String, sk: String) -> Self {
        let tenant = pk.strip_prefix("TENANT#").and_then(TenantId::parse);
        Self { pk, sk, tenant }
    }

    /// The tenant whose item it is; `None` for what is kept across tenants.
    pub fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// The identity store, if it is the key of one's external identity provider.
    pub fn identity_store(&self) -> Option<String> {
        unescaped(self.sk.strip_prefix("STORE#")?.strip_suffix("#IDP")?)
    }

    /// The partition key.
    pub fn pk(&self) -> &str {
        &self.pk
    }

    /// The sort key.
    pub fn sk(&self) -> &str {
        &self.sk
    }
}

/// Writes `part` so that it holds no `#`: what is not a letter, digit or one of `-._~@*:/+=` becomes `%` and two hex digits.
fn escaped(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@*:/+=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// What [`escaped`] was given.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> Tenant {
        Tenant::presented(CredentialId::new(TenantId::from_random([1; 16]), [0; 8]))
    }

    #[test]
    fn parts_cannot_reach_into_the_next_level() {
        let keys = tenant();
        assert_eq!(keys.organisation("a#b").sk(), "ORG#a%23b");
        assert_ne!(keys.authorisation_server("a", "b#c"), keys.authorisation_server("a#b", "c"));
        assert!(!keys.authorisation_server("a%", "b").sk().starts_with(&authorisation_servers("a")));
        assert!(keys.authorisation_server("a", "b").sk().starts_with(&authorisation_servers("a")));
    }

    #[test]
    fn the_due_list_sorts_by_time() {
        let key = tenant().connection();
        let early = due_sort(Timestamp::from_millis(1_000), &key);
        let late = due_sort(Timestamp::from_millis(1_700_000_000_000), &key);
        assert!(early < late);
    }

    #[test]
    fn what_is_due_at_the_very_time_is_before_the_end_and_what_is_due_later_is_not() {
        let key = tenant().connection();
        for (millis, due) in [(999, true), (1_000, true), (1_001, false)] {
            let sort = due_sort(Timestamp::from_millis(millis), &key);
            assert_eq!(sort < due_end(Timestamp::from_millis(1_000)), due, "{millis}");
        }
    }

    #[test]
    fn a_key_that_the_table_named_is_the_key_that_was_made() {
        for store in ["d-1234567890", "a#b%c", "\u{e9}\n", ""] {
            let key = tenant().identity_provider(store);
            assert_eq!(Key::found(key.pk.clone(), key.sk.clone()), key);
            assert_eq!(key.identity_store().as_deref(), Some(store));
        }
        assert_eq!(tenant().service_provider("d-1").identity_store(), None);
        assert_eq!(tenant().domain_claim("example.com").tenant(), None);
        assert_eq!(Key::found("TENANT#x".to_owned(), String::new()).tenant(), None);
        assert_eq!(unescaped("%4"), None);
    }
}
