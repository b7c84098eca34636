//! The identity source API: instances, external identity providers and their certificates.

use trustplane_policy::{Group, Kind};

use crate::Permission::{AssumeRole, Count, KeyPair, Read, Seal, Write};
use crate::endpoint::{Endpoint, http};
use crate::{Dialect, Function};

/// Fields that all endpoints of the family share, and defaults.
const IDENTITY_SOURCE: Endpoint =
    Endpoint { family: "identity-source", dialect: Dialect::IdentitySource, ..Endpoint::DEFAULT };

/// Functions of the family.
pub(super) const FUNCTIONS: &[Function] = &[
    http(Endpoint {
        name: "list-instances",
        summary: "List IAM Identity Center instances",
        method: "GET",
        path: "/v1/instances",
        group: Group::Read,
        resource: Kind::Instance,
        queries: &["limit", "marker"],
        response: Some("Instances"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "list-identity-store-associations",
        summary: "Get identity source of an instance",
        method: "GET",
        path: "/v1/instances/{instance_id}/identity-store-associations",
        group: Group::Read,
        resource: Kind::Instance,
        response: Some("IdentityStoreAssociations"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "create-external-idp",
        summary: "Create external identity provider of an identity store",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/external-idp",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        request: Some("CreateExternalIdp"),
        status: 201,
        response: Some("ExternalIdpCreated"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "preview-external-idp",
        summary: "Preview external identity provider",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/preview",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        request: Some("CreateExternalIdp"),
        response: Some("ExternalIdpPreview"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "list-external-idps",
        summary: "Get external identity provider of an identity store",
        method: "GET",
        path: "/v1/identity-stores/{identity_store_id}/external-idp",
        group: Group::Read,
        resource: Kind::IdentityProvider,
        response: Some("ExternalIdps"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "update-external-idp",
        summary: "Update external identity provider",
        method: "PUT",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        request: Some("UpdateExternalIdp"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "refresh-external-idp",
        summary: "Refresh external identity provider from its metadata URL",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/refresh",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        request: Some("RefreshExternalIdp"),
        response: Some("ExternalIdpRefreshed"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "test-external-idp",
        summary: "Test external identity provider",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/test",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        response: Some("ExternalIdpTest"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "get-external-idp-test",
        summary: "Get last test of external identity provider",
        method: "GET",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/test",
        group: Group::Read,
        resource: Kind::IdentityProvider,
        response: Some("ExternalIdpTest"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "explain-external-idp-response",
        summary: "Explain why a SAML response may have been refused",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/explain",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        request: Some("ExplainResponse"),
        response: Some("ExternalIdpExplanation"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "enable-external-idp",
        summary: "Enable sign-in through external identity provider",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/enable",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "disable-external-idp",
        summary: "Disable sign-in through external identity provider",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/disable",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "delete-external-idp",
        summary: "Delete disabled external identity provider",
        method: "DELETE",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}",
        group: Group::Write,
        resource: Kind::IdentityProvider,
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "import-external-idp-certificate",
        summary: "Import signing certificate of external identity provider",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate",
        group: Group::Write,
        resource: Kind::IdpCertificate,
        request: Some("ImportCertificate"),
        response: Some("CertificateImported"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "list-external-idp-certificates",
        summary: "List certificates of external identity provider",
        method: "GET",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate",
        group: Group::Read,
        resource: Kind::IdpCertificate,
        response: Some("IdpCertificates"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "delete-external-idp-certificate",
        summary: "Delete certificate of external identity provider",
        method: "DELETE",
        path: "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate/{certificate_id}",
        group: Group::Write,
        resource: Kind::IdpCertificate,
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "get-sp-config",
        summary: "Get service provider configuration for the identity provider",
        method: "GET",
        path: "/v1/identity-stores/{identity_store_id}/sp-config",
        group: Group::Read,
        resource: Kind::SpCertificate,
        response: Some("SpConfig"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "create-saml-certificate",
        summary: "Create certificate and key that can sign sign-in requests",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/saml-certificates",
        group: Group::Write,
        resource: Kind::SpCertificate,
        status: 201,
        response: Some("SamlCertificate"),
        permissions: &[Read, Write, Count, AssumeRole, Seal, KeyPair],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "list-saml-certificates",
        summary: "List certificates that can sign sign-in requests",
        method: "GET",
        path: "/v1/identity-stores/{identity_store_id}/saml-certificates",
        group: Group::Read,
        resource: Kind::SpCertificate,
        response: Some("SamlCertificates"),
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "activate-saml-certificate",
        summary: "Activate certificate that signs sign-in requests",
        method: "POST",
        path: "/v1/identity-stores/{identity_store_id}/saml-certificates/{certificate_id}/active",
        group: Group::Write,
        resource: Kind::SpCertificate,
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
    http(Endpoint {
        name: "delete-saml-certificate",
        summary: "Delete inactive certificate of sign-in requests",
        method: "DELETE",
        path: "/v1/identity-stores/{identity_store_id}/saml-certificates/{certificate_id}",
        group: Group::Write,
        resource: Kind::SpCertificate,
        permissions: &[Read, Write, Count, AssumeRole, Seal],
        ..IDENTITY_SOURCE
    }),
];
