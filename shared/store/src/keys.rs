//! Every key and every listing of the table is made here.
//!
//! A tenant's keys come from [`TenantKeys`], which is made from a presented credential or from a grant and from nothing
//! else: another tenant's item cannot be addressed.

use trustplane_domain::Timestamp;
use trustplane_domain::arn::RoleArn;
use trustplane_domain::audit_chain::{ChainHead, ChainSeal};
use trustplane_domain::connection::{Connection, Report, RoleClaim, SavedVersion};
use trustplane_domain::credential::Credential;
use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::domain_name::{DomainName, RestrictedDomain};
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId, VersionId};
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::route::{ConfigurationPath, Route};
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::directory::version::Version;
use trustplane_domain::health::Health;
use trustplane_domain::identity_provider::IdentityProvider;
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::inventory::{Half, RowId, Seen, Sync};
use trustplane_domain::notification::NotificationContacts;
use trustplane_domain::policy::PolicySet;
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::tenant::Tenant;
use trustplane_domain::webhook::{Delivery, DeliveryId, Replay, Webhook, WebhookId};
use trustplane_policy::{Attribution, Grant};

use crate::escape::escaped;
use crate::{AuditItem, Count, DomainClaim, Idempotency, Key, PrimaryKey, Query, RedirectClaim, TenantRow};

mod erase;
mod index;
mod setup;

pub use index::{DUE_SHARDS, due_partition, due_shard};
pub(crate) use index::{claims_partition, due_end, due_sort};

/// The key of no item, which a process reads before its first request.
pub(crate) fn nothing() -> PrimaryKey {
    PrimaryKey { pk: "CONNECT".to_owned(), sk: "CONNECT".to_owned(), tenant: None }
}

/// The keys of one tenant's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantKeys(TenantId);

impl TenantKeys {
    /// The keys of the tenant that a presented credential belongs to.
    pub fn presented(credential: CredentialId) -> Self {
        Self(credential.tenant())
    }

    /// The keys of the tenant that a grant permits changes in.
    pub fn granted(grant: &Grant) -> Self {
        Self(grant.tenant())
    }

    /// The keys of the tenant that an audit record is written for.
    pub(crate) fn audited(attribution: &Attribution) -> Self {
        Self(attribution.tenant)
    }

    /// The tenant.
    pub fn id(self) -> TenantId {
        self.0
    }

    /// The tenant's own item: status, policies version, admins.
    pub fn tenant(self) -> Key<Tenant> {
        self.key(TENANT.to_owned())
    }

    /// The tenant's row in the list of all tenants, which is in order of creation.
    pub fn listed(self, created_at: Timestamp) -> Key<TenantRow> {
        shared(TENANTS.to_owned(), format!("{created_at}#{}", self.0))
    }

    /// A credential.
    pub fn credential(self, id: CredentialId) -> Key<Credential> {
        self.key(format!("{CREDENTIALS}{id}"))
    }

    /// All credentials.
    pub fn credentials(self) -> Query<Credential> {
        self.list(CREDENTIALS.to_owned())
    }

    /// The tenant's own policies.
    pub fn policies(self) -> Key<PolicySet> {
        self.key("POLICIES".to_owned())
    }

    /// The notification contacts.
    pub fn notification_contacts(self) -> Key<NotificationContacts> {
        self.key("CONTACTS".to_owned())
    }

    /// The connection.
    pub fn connection(self) -> Key<Connection> {
        self.key("CONNECTION".to_owned())
    }

    /// A saved version of the connection's settings.
    pub fn connection_version(self, version: u64) -> Key<SavedVersion> {
        self.key(format!("{CONNECTION_VERSIONS}{version:010}"))
    }

    /// All saved versions of the connection's settings.
    pub fn connection_versions(self) -> Query<SavedVersion> {
        self.list(CONNECTION_VERSIONS.to_owned())
    }

    /// The last report of the connection test.
    pub fn connection_report(self) -> Key<Report> {
        self.key("CONNECTION#REPORT".to_owned())
    }

    /// The external identity provider of a store.
    pub fn identity_provider(self, store: &str) -> Key<IdentityProvider> {
        self.key(format!("STORE#{}#IDP", escaped(store)))
    }

    /// The last test of the external identity provider of a store.
    pub fn identity_provider_health(self, store: &str) -> Key<Health> {
        self.key(format!("STORE#{}#HEALTH", escaped(store)))
    }

    /// The service provider of a store: its SAML certificates and keys.
    pub fn service_provider(self, store: &str) -> Key<ServiceProvider> {
        self.key(format!("STORE#{}#SP", escaped(store)))
    }

    /// An organisation.
    pub fn organisation(self, id: &OrganisationId) -> Key<Organisation> {
        self.key(format!("{ORGANISATIONS}{}", escaped(id.as_str())))
    }

    /// All organisations.
    pub fn organisations(self) -> Query<Organisation> {
        self.list(ORGANISATIONS.to_owned())
    }

    /// The number of organisations.
    pub fn organisation_count(self) -> Key<Count> {
        self.key("COUNT#ORG".to_owned())
    }

    /// An authorisation server.
    pub fn authorisation_server(
        self,
        organisation: &OrganisationId,
        id: AuthorisationServerId,
    ) -> Key<AuthorisationServer> {
        self.key(format!("SERVER#{}#{id}", escaped(organisation.as_str())))
    }

    /// The last test of an authorisation server.
    pub fn authorisation_server_health(self, organisation: &OrganisationId, id: AuthorisationServerId) -> Key<Health> {
        self.key(format!("HEALTH#{}#{id}", escaped(organisation.as_str())))
    }

    /// The authorisation servers of an organisation.
    pub fn authorisation_servers(self, organisation: &OrganisationId) -> Query<AuthorisationServer> {
        self.list(format!("SERVER#{}#", escaped(organisation.as_str())))
    }

    /// The number of authorisation servers of an organisation.
    pub fn authorisation_server_count(self, organisation: &OrganisationId) -> Key<Count> {
        self.key(format!("COUNT#SERVER#{}", escaped(organisation.as_str())))
    }

    /// An SSO configuration.
    pub fn sso_configuration(self, path: &ConfigurationPath) -> Key<SsoConfiguration> {
        let ConfigurationPath { organisation_id, server_id, configuration_id } = path;
        self.key(format!("{SSO_CONFIGURATIONS}{}#{server_id}#{configuration_id}", escaped(organisation_id.as_str())))
    }

    /// The SSO configurations of an authorisation server.
    pub fn sso_configurations(
        self,
        organisation: &OrganisationId,
        server: AuthorisationServerId,
    ) -> Query<SsoConfiguration> {
        self.list(format!("{SSO_CONFIGURATIONS}{}#{server}#", escaped(organisation.as_str())))
    }

    /// The SSO configurations of all authorisation servers.
    pub fn all_sso_configurations(self) -> Query<SsoConfiguration> {
        self.list(SSO_CONFIGURATIONS.to_owned())
    }

    /// The number of SSO configurations of an authorisation server.
    pub fn sso_configuration_count(self, organisation: &OrganisationId, server: AuthorisationServerId) -> Key<Count> {
        self.key(format!("COUNT#SSO#{}#{server}", escaped(organisation.as_str())))
    }

    /// The path of an SSO configuration, by its id alone.
    pub fn sso_configuration_path(self, id: SsoConfigurationId) -> Key<ConfigurationPath> {
        self.key(format!("SSO-ID#{id}"))
    }

    /// A version of an SSO configuration.
    pub fn version(self, configuration: SsoConfigurationId, id: VersionId) -> Key<Version> {
        self.key(format!("VERSION#{configuration}#{id}"))
    }

    /// The versions of an SSO configuration.
    pub fn versions(self, configuration: SsoConfigurationId) -> Query<Version> {
        self.list(format!("VERSION#{configuration}#"))
    }

    /// The proof of a domain.
    pub fn domain_proof(self, domain: &DomainName) -> Key<DomainProof> {
        self.key(format!("CHALLENGE#{}", escaped(domain.as_str())))
    }

    /// The configurations that serve the e-mail addresses of a domain.
    pub fn route(self, domain: &RestrictedDomain) -> Key<Route> {
        self.key(format!("{ROUTES}{}", escaped(domain.as_str())))
    }

    /// The claim of an e-mail domain, which one tenant can hold.
    pub fn domain_claim(self, domain: &DomainName) -> Key<DomainClaim> {
        shared(format!("DOMAIN#{}", escaped(domain.as_str())), "CLAIM".to_owned())
    }

    /// The claim of a redirect URI, which one configuration of one tenant can hold.
    pub fn redirect_claim(self, redirect_uri: &str) -> Key<RedirectClaim> {
        shared(format!("REDIRECT#{}", escaped(redirect_uri)), "CLAIM".to_owned())
    }

    /// The claim of a role that a connection test came in through, which one tenant can hold.
    pub fn role_claim(self, role: &RoleArn) -> Key<RoleClaim> {
        shared(format!("ROLE#{}", escaped(role.as_str())), "CLAIM".to_owned())
    }

    /// A response kept for a retry.
    pub fn idempotency(self, credential: CredentialId, key: &str) -> Key<Idempotency> {
        self.key(format!("IDEMPOTENCY#{credential}#{}", escaped(key)))
    }

    /// An audit record.
    pub fn audit_record(self, id: &str) -> Key<AuditItem> {
        self.beside(AUDIT, id.to_owned())
    }

    /// The audit records, newest first.
    pub fn audit_records(self) -> Query<AuditItem> {
        Query::new(self.partition(AUDIT), String::new(), Some(self.0)).newest_first()
    }

    /// The key of this seal. It sorts by the seal's position, and so by its number.
    pub fn audit_seal(self, seal: &ChainSeal) -> Key<ChainSeal> {
        let number = seal.number;
        let sk = match &seal.position {
            None => format!("{AUDIT_SEALS}{number:012}"),
            Some(position) => format!("{AUDIT_SEALS}{AFTER_DIGITS}{position}#{number:012}"),
        };
        self.beside(SEALS, sk)
    }

    /// The seals of the audit records' chain, in their order.
    pub fn audit_seals(self) -> Query<ChainSeal> {
        Query::new(self.partition(SEALS), AUDIT_SEALS.to_owned(), Some(self.0))
    }

    /// The seals that can hold records up to the one of this id, newest first.
    pub fn audit_seals_until(self, id: &str) -> Query<ChainSeal> {
        let last = format!("{AUDIT_SEALS}{AFTER_DIGITS}{id}{AFTER_DIGITS}");
        self.audit_seals().between(AUDIT_SEALS.to_owned(), last).newest_first().one_call()
    }

    /// The head of the audit records' chain.
    pub fn audit_chain(self) -> Key<ChainHead> {
        self.beside(SEALS, "HEAD".to_owned())
    }

    /// The number of denied attempts of a credential that were recorded in the minute of `at`. It has a partition of its
    /// own, so that a function that only reads needs permission to write there and to the audit log alone.
    pub(crate) fn denials(self, credential: &str, at: Timestamp) -> Key<Count> {
        let minute = at.as_millis().div_euclid(60_000);
        self.beside(DENIALS, format!("{}#{minute:012}", escaped(credential)))
    }

    /// The progress of reading the organization behind the connection.
    pub fn aws_sync(self) -> Key<Sync> {
        self.key("AWS#SYNC".to_owned())
    }

    /// A row that was read of the organization, in one of the two halves.
    pub fn aws_row(self, half: Half, row: &RowId) -> Key<Seen> {
        self.key(match row {
            RowId::Account(account) => format!("{}{}", aws(half, AWS_ACCOUNTS), escaped(account)),
            RowId::PermissionSet(set) => format!("{}{}", aws(half, AWS_PERMISSION_SETS), escaped(set)),
            RowId::Assignment { account_id, permission_set_arn, part } => {
                let (account, set) = (escaped(account_id), escaped(permission_set_arn));
                let pair = format!("{}{account}#{set}", aws(half, AWS_ASSIGNMENTS));
                // Parts sort in their order, the first one in front.
                if *part == 0 { pair } else { format!("{pair}#{part:06}") }
            }
        })
    }

    /// A permission set of the instance, by its ARN.
    pub fn aws_permission_set(self, half: Half, arn: &str) -> Key<Seen> {
        self.aws_row(half, &RowId::PermissionSet(arn.to_owned()))
    }

    /// All rows of one half.
    pub fn aws_rows(self, half: Half) -> Query<Seen> {
        self.list(aws(half, ""))
    }

    /// The accounts of the organization.
    pub fn aws_accounts(self, half: Half) -> Query<Seen> {
        self.list(aws(half, AWS_ACCOUNTS))
    }

    /// The permission sets of the instance.
    pub fn aws_permission_sets(self, half: Half) -> Query<Seen> {
        self.list(aws(half, AWS_PERMISSION_SETS))
    }

    /// The assignments of all accounts, or of one.
    pub fn aws_assignments(self, half: Half, account: Option<&str>) -> Query<Seen> {
        let all = aws(half, AWS_ASSIGNMENTS);
        self.list(match account {
            None => all,
            Some(account) => format!("{all}{}#", escaped(account)),
        })
    }

    /// A webhook.
    pub fn webhook(self, id: WebhookId) -> Key<Webhook> {
        self.key(format!("{WEBHOOKS}{id}"))
    }

    /// All webhooks.
    pub fn webhooks(self) -> Query<Webhook> {
        self.list(WEBHOOKS.to_owned())
    }

    /// The number of webhooks.
    pub fn webhook_count(self) -> Key<Count> {
        self.key("COUNT#WEBHOOK".to_owned())
    }

    /// The replay to a webhook that is in progress.
    pub fn webhook_replay(self, id: WebhookId) -> Key<Replay> {
        self.key(format!("REPLAY#{id}"))
    }

    /// A delivery to a webhook.
    pub fn delivery(self, webhook: WebhookId, id: &DeliveryId) -> Key<Delivery> {
        self.beside(&format!("{DELIVERIES}{webhook}"), id.to_string())
    }

    /// The deliveries to a webhook, those of the newest events first.
    pub fn deliveries(self, webhook: WebhookId) -> Query<Delivery> {
        Query::new(self.partition(&format!("{DELIVERIES}{webhook}")), String::new(), Some(self.0)).newest_first()
    }

    /// The count of a tenant's operations of one kind in one minute.
    pub fn budget(self, kind: &str, minute: i64) -> Key<Count> {
        self.key(format!("BUDGET#{kind}#{minute}"))
    }

    fn key<T>(self, sk: String) -> Key<T> {
        self.beside("", sk)
    }

    /// A key in the tenant's partition of this suffix.
    fn beside<T>(self, suffix: &str, sk: String) -> Key<T> {
        Key::new(PrimaryKey { pk: self.partition(suffix), sk, tenant: Some(self.0) })
    }

    fn list<T>(self, prefix: String) -> Query<T> {
        Query::new(self.partition(""), prefix, Some(self.0))
    }

    fn partition(self, suffix: &str) -> String {
        format!("TENANT#{}{suffix}", self.0)
    }
}

/// The list of all tenants, the oldest first.
pub fn tenants() -> Query<TenantRow> {
    Query::new(TENANTS.to_owned(), String::new(), None)
}

/// A key of an item that is shared by all tenants.
fn shared<T>(pk: String, sk: String) -> Key<T> {
    Key::new(PrimaryKey { pk, sk, tenant: None })
}

/// The sort key of the tenant's own item.
pub(crate) const TENANT: &str = "TENANT";

/// The partition of the list of all tenants.
///
/// One partition is enough: it is written once per tenant and read by operators alone. It can be read in pages, without a
/// scan of the table.
const TENANTS: &str = "TENANTS";
/// The suffix of the partition of a tenant's audit records.
const AUDIT: &str = "#AUDIT";
/// The suffix of the partition of the counts of a tenant's denied attempts.
const DENIALS: &str = "#DENIALS";
/// The suffix of the partition of a tenant's seals.
const SEALS: &str = "#SEALS";
/// The beginning of the suffix of the partition of a webhook's deliveries, which the webhook's id follows.
const DELIVERIES: &str = "#DELIVERY#";
const WEBHOOKS: &str = "WEBHOOK#";
const AUDIT_SEALS: &str = "SEAL#";
/// Sorts after digits and letters: seals with a position come after the first one, which has none.
const AFTER_DIGITS: &str = "~";
const CREDENTIALS: &str = "CREDENTIAL#";
const CONNECTION_VERSIONS: &str = "CONNECTION#VERSION#";
const ORGANISATIONS: &str = "ORG#";
const ROUTES: &str = "ROUTE#";
const SSO_CONFIGURATIONS: &str = "SSO#";
const AWS_ACCOUNTS: &str = "ACCOUNT#";
const AWS_PERMISSION_SETS: &str = "SET#";
const AWS_ASSIGNMENTS: &str = "ASSIGNMENT#";

/// The text that the sort keys of these rows begin with, in one of the two halves of what is read of an organization.
fn aws(half: Half, rows: &str) -> String {
    let half = match half {
        Half::First => 1,
        Half::Second => 2,
    };
    format!("AWS#ROW#{half}#{rows}")
}

#[cfg(test)]
mod tests;
