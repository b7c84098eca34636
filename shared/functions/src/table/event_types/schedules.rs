//! The names of events that schedules, deliveries and tests find.

use trustplane_policy::Kind::{
    ApiKey, AuthorisationServer, Domain, IdentityProvider, IdpCertificate, Integration, SpCertificate, Webhook,
};

use super::on;
use crate::event_type::{EventType, When};

/// Fact of a webhook that the service disabled.
const DISABLED: &str = "A webhook was disabled: its endpoint is gone, or no attempt succeeded for five days";

/// Events that schedules and deliveries find.
pub(in crate::table) const EVENTS: &[EventType] = &[
    on(
        "notify-expiring-certificates",
        "idp-certificate.expired",
        IdpCertificate,
        "ExpiringIdpCertificateImage",
        "A certificate of an external identity provider has expired",
    )
    .when(When::After("threshold_days", "0"))
    .notice(),
    on(
        "notify-expiring-certificates",
        "idp-certificate.expiring",
        IdpCertificate,
        "ExpiringIdpCertificateImage",
        "A certificate of an external identity provider expires soon",
    )
    .notice(),
    on("notify-expiring-keys", "api-key.expiring", ApiKey, "NoticedApiKeyImage", "A credential expires soon")
        .when(When::After("notice", "expiring"))
        .notice(),
    on("notify-expiring-keys", "api-key.unused", ApiKey, "NoticedApiKeyImage", "A credential was not used for 90 days")
        .when(When::After("notice", "unused"))
        .notice(),
    on(
        "notify-expiring-keys",
        "sp-certificate.expiring",
        SpCertificate,
        "ExpiringSpCertificateImage",
        "A certificate of the service provider expires soon",
    )
    .notice(),
    on(
        "check-connections",
        "integration.health_changed",
        Integration,
        "ConnectionHealthImage",
        "The daily test of the connection found another health",
    )
    .notice(),
    on("deliver-webhooks", "webhook.disabled", Webhook, "DisabledWebhookImage", DISABLED).notice(),
    on("retry-webhooks", "webhook.disabled", Webhook, "DisabledWebhookImage", DISABLED).notice(),
    proof("missing", "domain.proof_failing", "The record of a proven domain is missing").notice(),
    proof("unanswered", "domain.proof_failing", "DNS has not answered clearly for the record of a proven domain")
        .notice(),
    proof("restored", "domain.proof_restored", "The record of a proven domain is back"),
    proof("revoked", "domain.proof_revoked", "The record of a proven domain was missing for too long").notice(),
    proof("proven", "domain.proven", "The record of a domain was found"),
    proof("expiring", "domain.challenge_expiring", "A challenge expires soon, and its record was not found").notice(),
    proof("expired", "domain.challenge_expired", "The record of a domain was not found in time").notice(),
    tested("check-health", "authorisation-server.health_changed", AuthorisationServer, SERVER_HEALTH).notice(),
    tested("check-health", "identity-provider.health_changed", IdentityProvider, PROVIDER_HEALTH).notice(),
    tested(
        "test-authorisation-server",
        "authorisation-server.tested",
        AuthorisationServer,
        "An authorisation server was tested",
    ),
    tested(
        "test-external-idp",
        "identity-provider.tested",
        IdentityProvider,
        "An external identity provider was tested",
    ),
    refreshed("identity-provider.metadata_unreachable", UNREACHABLE)
        .when(When::After("metadata_status", "unreachable"))
        .notice(),
    refreshed("identity-provider.metadata_unreachable", UNREACHABLE)
        .when(When::After("metadata_status", "invalid"))
        .notice(),
    refreshed("identity-provider.metadata_changed", "The metadata of an external identity provider was refreshed")
        .notice(),
    on(
        "explain-external-idp-response",
        "identity-provider.response_explained",
        IdentityProvider,
        "ExplanationImage",
        "A SAML response that was refused was explained",
    ),
];

const SERVER_HEALTH: &str = "The daily test of an authorisation server found another outcome, issuer or set of keys";
const PROVIDER_HEALTH: &str = "The daily test of an external identity provider found another outcome";
const UNREACHABLE: &str = "The metadata of an external identity provider cannot be fetched or read";

/// A test, by request or by the schedule.
const fn tested(
    action: &'static str,
    name: &'static str,
    resource: trustplane_policy::Kind,
    summary: &'static str,
) -> EventType {
    on(action, name, resource, "HealthImage", summary)
}

/// A refresh from the metadata URL, by request or by the schedule.
const fn refreshed(name: &'static str, summary: &'static str) -> EventType {
    on("refresh-external-idp", name, IdentityProvider, "RefreshedIdentityProviderImage", summary)
}

/// A check of a domain's record by the schedule, by what it found.
const fn proof(event: &'static str, name: &'static str, summary: &'static str) -> EventType {
    on("check-domains", name, Domain, "DomainImage", summary).when(When::After("event", event))
}
