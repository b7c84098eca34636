//! The names of events, by the action of their audit record. Written in the order of the families.

mod schedules;

use trustplane_policy::Kind::{
    ApiKey, AuthorisationServer, Domain, ExternalId, IdentityProvider, IdpCertificate, Instance, Integration,
    NotificationContacts, Organisation, Policy, SpCertificate, SsoConfiguration, SsoConfigurationVersion, Tenant,
    Webhook,
};

use crate::event_type::{EventType, When};

pub(super) use schedules::EVENTS;

const fn on(
    action: &'static str,
    name: &'static str,
    resource: trustplane_policy::Kind,
    image: &'static str,
    summary: &'static str,
) -> EventType {
    EventType::of(action, name, resource, image, summary)
}

/// An update of a version, by the status that it has afterwards.
const fn version(action: &'static str, status: &'static str, name: &'static str, summary: &'static str) -> EventType {
    on(action, name, SsoConfigurationVersion, "VersionImage", summary).when(When::After("status", status))
}

/// Events of the integration API.
pub(super) const IDENTITY_CENTER: &[EventType] = &[
    on(
        "put-identity-center-config",
        "integration.saved",
        Integration,
        "Integration",
        "The connection to IAM Identity Center was saved",
    ),
    on(
        "restore-identity-center-config-version",
        "integration.restored",
        Integration,
        "Integration",
        "An earlier version of the connection was restored",
    ),
    on(
        "delete-identity-center-config",
        "integration.deleted",
        Integration,
        "Integration",
        "The connection was deleted",
    ),
    on(
        "test-identity-center-connection",
        "integration.tested",
        Integration,
        "ConnectionTestImage",
        "The connection was tested",
    ),
    on(
        "rotate-external-id",
        "external-id.rotation_started",
        ExternalId,
        "ExternalIds",
        "A rotation of the ExternalId was started",
    ),
    on(
        "commit-external-id-rotation",
        "external-id.rotated",
        ExternalId,
        "ExternalIds",
        "The pending ExternalId became the current one",
    ),
    on(
        "cancel-external-id-rotation",
        "external-id.rotation_cancelled",
        ExternalId,
        "ExternalIds",
        "The rotation of the ExternalId was cancelled",
    ),
    on(
        "request-aws-sync",
        "instance.sync_requested",
        Instance,
        "NoImage",
        "A new read of the organization behind the connection was requested",
    ),
];

/// Events of the directory API.
pub(super) const DIRECTORY: &[EventType] = &[
    on("create-organisation", "organisation.created", Organisation, "OrganisationImage", "An organisation was created"),
    on("put-organisation", "organisation.updated", Organisation, "OrganisationImage", "An organisation was updated"),
    on(
        "create-authorisation-server",
        "authorisation-server.created",
        AuthorisationServer,
        "AuthorisationServerImage",
        "An authorisation server was created",
    ),
    on(
        "put-authorisation-server",
        "authorisation-server.updated",
        AuthorisationServer,
        "AuthorisationServerImage",
        "An authorisation server was updated",
    ),
    on(
        "create-sso-configuration",
        "sso-configuration.created",
        SsoConfiguration,
        "SsoConfigurationImage",
        "An SSO configuration was created",
    ),
    on(
        "put-sso-configuration",
        "sso-configuration.updated",
        SsoConfiguration,
        "SsoConfigurationImage",
        "An SSO configuration was updated",
    ),
    on(
        "claim-redirect-uris",
        "sso-configuration.redirect_uri_claimed",
        SsoConfiguration,
        "SsoConfigurationImage",
        "The redirect URI of an SSO configuration of an earlier release was claimed",
    ),
    on(
        "delete-sso-configuration",
        "sso-configuration.deleted",
        SsoConfiguration,
        "SsoConfigurationImage",
        "An SSO configuration was deleted with its versions",
    ),
    on(
        "create-sso-configuration-version",
        "sso-configuration-version.submitted",
        SsoConfigurationVersion,
        "VersionImage",
        "A version of an SSO configuration was submitted for approval, or edited before it",
    ),
    on(
        "put-sso-configuration-version",
        "sso-configuration-version.submitted",
        SsoConfigurationVersion,
        "VersionImage",
        "A version of an SSO configuration was submitted for approval, or edited before it",
    ),
    version(
        "approve-sso-configuration-version",
        "Assignable",
        "sso-configuration-version.approved",
        "A version of an SSO configuration was approved",
    ),
    version(
        "approve-sso-configuration-version",
        "Active",
        "sso-configuration-version.activated",
        "A version of an SSO configuration is in use now",
    ),
    version(
        "activate-sso-configuration-version",
        "Active",
        "sso-configuration-version.activated",
        "A version of an SSO configuration is in use now",
    ),
    version(
        "approve-sso-configuration-version",
        "Inactive",
        "sso-configuration-version.deactivated",
        "A version of an SSO configuration is not in use any more",
    ),
    version(
        "deactivate-sso-configuration-version",
        "Inactive",
        "sso-configuration-version.deactivated",
        "A version of an SSO configuration is not in use any more",
    ),
    version(
        "reject-sso-configuration-version",
        "Rejected",
        "sso-configuration-version.rejected",
        "A version of an SSO configuration was rejected",
    ),
    on(
        "delete-sso-configuration-version",
        "sso-configuration-version.deleted",
        SsoConfigurationVersion,
        "VersionImage",
        "A version of an SSO configuration was deleted",
    ),
    on(
        "verify-sso-configuration-domain",
        "domain.checked",
        Domain,
        "DomainImage",
        "The record that proves a domain was looked up at a user's request, or a new challenge was made",
    ),
];

/// Events of the identity source API.
pub(super) const IDENTITY_SOURCE: &[EventType] = &[
    on(
        "create-external-idp",
        "identity-provider.created",
        IdentityProvider,
        "IdentityProviderImage",
        "An external identity provider was created",
    ),
    // A refresh that accepts what the document offers is authorised as an update.
    on(
        "update-external-idp",
        "identity-provider.metadata_changed",
        IdentityProvider,
        "RefreshedIdentityProviderImage",
        "The metadata of an external identity provider was refreshed",
    )
    .when(When::AfterHas("metadata_status"))
    .notice(),
    on(
        "update-external-idp",
        "identity-provider.updated",
        IdentityProvider,
        "IdentityProviderImage",
        "An external identity provider was updated",
    ),
    on(
        "enable-external-idp",
        "identity-provider.enabled",
        IdentityProvider,
        "IdentityProviderImage",
        "Sign-in through an external identity provider was enabled",
    ),
    on(
        "disable-external-idp",
        "identity-provider.disabled",
        IdentityProvider,
        "IdentityProviderImage",
        "Sign-in through an external identity provider was disabled",
    ),
    on(
        "delete-external-idp",
        "identity-provider.deleted",
        IdentityProvider,
        "IdentityProviderImage",
        "An external identity provider was deleted",
    ),
    on(
        "import-external-idp-certificate",
        "idp-certificate.imported",
        IdpCertificate,
        "IdpCertificateImage",
        "A certificate of an external identity provider was imported",
    ),
    on(
        "delete-external-idp-certificate",
        "idp-certificate.deleted",
        IdpCertificate,
        "IdpCertificateImage",
        "A certificate of an external identity provider was deleted",
    ),
    on(
        "create-saml-certificate",
        "sp-certificate.created",
        SpCertificate,
        "SpCertificateImage",
        "A certificate of the service provider was created",
    ),
    on(
        "activate-saml-certificate",
        "sp-certificate.activated",
        SpCertificate,
        "SpCertificateImage",
        "Sign-in requests are signed by this certificate now",
    ),
    on(
        "delete-saml-certificate",
        "sp-certificate.deleted",
        SpCertificate,
        "SpCertificateImage",
        "A certificate of the service provider was deleted",
    ),
];

/// Events of the platform API and of operators.
pub(super) const PLATFORM: &[EventType] = &[
    on("create-api-key", "api-key.created", ApiKey, "ApiKeyImage", "A credential was created"),
    on("create-credential", "api-key.created", ApiKey, "ApiKeyImage", "A credential was created"),
    on(
        "create-temporary-api-key",
        "api-key.temporary_created",
        ApiKey,
        "TemporaryApiKeyImage",
        "A temporary access key was created",
    ),
    on("put-api-key", "api-key.updated", ApiKey, "ApiKeyImage", "A credential was updated"),
    on("rotate-api-key", "api-key.created", ApiKey, "ApiKeyImage", "A credential was created").when(When::Created),
    on("rotate-api-key", "api-key.rotated", ApiKey, "ApiKeyImage", "A credential was replaced by a new one"),
    on("delete-api-key", "api-key.revoked", ApiKey, "ApiKeyImage", "A credential was revoked"),
    on("put-policy", "policy.saved", Policy, "PolicyImage", "A policy was saved"),
    on("delete-policy", "policy.deleted", Policy, "PolicyImage", "A policy was deleted"),
    on(
        "reset-policies",
        "tenant.policies_disabled",
        Tenant,
        "PoliciesResetImage",
        "An operator disabled all policies of the tenant",
    ),
    on("create-tenant", "tenant.created", Tenant, "TenantImage", "The tenant was created"),
    on("suspend-tenant", "tenant.suspended", Tenant, "TenantImage", "The tenant was suspended"),
    on("resume-tenant", "tenant.resumed", Tenant, "TenantImage", "The suspension of the tenant ended"),
    on(
        "delete-tenant",
        "tenant.deletion_planned",
        Tenant,
        "TenantImage",
        "The tenant was suspended, and will be deleted after a waiting period",
    ),
    on(
        "erase-tenants",
        "tenant.deletion_begun",
        Tenant,
        "TenantImage",
        "The waiting period is over, and the tenant cannot be resumed",
    )
    .when(When::After("deletion", "items"))
    .notice(),
    on(
        "erase-tenants",
        "tenant.deleted",
        Tenant,
        "TenantImage",
        "All that the tenant had is deleted, but for its audit log, which follows",
    )
    .notice(),
    on(
        "put-notification-contacts",
        "notification-contacts.saved",
        NotificationContacts,
        "NotificationContactsImage",
        "The notification contacts were saved",
    ),
    on("create-webhook", "webhook.created", Webhook, "WebhookImage", "A webhook was created"),
    on("put-webhook", "webhook.updated", Webhook, "WebhookImage", "A webhook was updated"),
    on(
        "rotate-webhook-secret",
        "webhook.secret_rotated",
        Webhook,
        "WebhookImage",
        "The signing secret of a webhook was replaced",
    ),
    on("delete-webhook", "webhook.deleted", Webhook, "WebhookImage", "A webhook was deleted"),
];
