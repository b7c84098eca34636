//! The identity source API: instances, external identity providers and their certificates.

use trustplane_policy::{Group, Kind};

use super::Use::{AssumeRole, Read, Seal, Write};
use super::{Function, http};
use crate::Dialect::IdentitySource;

pub(super) const FUNCTIONS: &[Function] = &[
    http(
        "identity-source",
        "list-instances",
        ("GET", "/v1/instances"),
        (IdentitySource, Group::Read, Kind::Instance),
        (None, 200, Some("Instances")),
        &[Read, Write, AssumeRole, Seal],
        "Lists the IAM Identity Center instances",
    ),
    http(
        "identity-source",
        "list-identity-store-associations",
        ("GET", "/v1/instances/{instance_id}/identity-store-associations"),
        (IdentitySource, Group::Read, Kind::Instance),
        (None, 200, Some("IdentityStoreAssociations")),
        &[Read, Write, AssumeRole, Seal],
        "Shows the identity source of an instance",
    ),
    http(
        "identity-source",
        "create-external-idp",
        ("POST", "/v1/identity-stores/{identity_store_id}/external-idp"),
        (IdentitySource, Group::Write, Kind::IdentityProvider),
        (Some("CreateExternalIdp"), 201, Some("ExternalIdpCreated")),
        &[Read, Write, AssumeRole, Seal],
        "Makes the external identity provider of an identity store",
    ),
    http(
        "identity-source",
        "list-external-idps",
        ("GET", "/v1/identity-stores/{identity_store_id}/external-idp"),
        (IdentitySource, Group::Read, Kind::IdentityProvider),
        (None, 200, Some("ExternalIdps")),
        &[Read, Write, AssumeRole, Seal],
        "Shows the external identity provider of an identity store",
    ),
    http(
        "identity-source",
        "update-external-idp",
        ("PUT", "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}"),
        (IdentitySource, Group::Write, Kind::IdentityProvider),
        (Some("UpdateExternalIdp"), 200, None),
        &[Read, Write, AssumeRole, Seal],
        "Changes an external identity provider",
    ),
    http(
        "identity-source",
        "enable-external-idp",
        ("POST", "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/enable"),
        (IdentitySource, Group::Write, Kind::IdentityProvider),
        (None, 200, None),
        &[Read, Write, AssumeRole, Seal],
        "Lets users sign in through an external identity provider",
    ),
    http(
        "identity-source",
        "disable-external-idp",
        ("POST", "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/disable"),
        (IdentitySource, Group::Write, Kind::IdentityProvider),
        (None, 200, None),
        &[Read, Write, AssumeRole, Seal],
        "Lets users no longer sign in through an external identity provider",
    ),
    http(
        "identity-source",
        "delete-external-idp",
        ("DELETE", "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}"),
        (IdentitySource, Group::Write, Kind::IdentityProvider),
        (None, 200, None),
        &[Read, Write, AssumeRole, Seal],
        "Deletes a disabled external identity provider",
    ),
    http(
        "identity-source",
        "import-external-idp-certificate",
        ("POST", "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate"),
        (IdentitySource, Group::Write, Kind::IdpCertificate),
        (Some("ImportCertificate"), 200, Some("CertificateImported")),
        &[Read, Write, AssumeRole, Seal],
        "Imports a signing certificate of an external identity provider",
    ),
    http(
        "identity-source",
        "list-external-idp-certificates",
        ("GET", "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate"),
        (IdentitySource, Group::Read, Kind::IdpCertificate),
        (None, 200, Some("IdpCertificates")),
        &[Read, Write, AssumeRole, Seal],
        "Lists the certificates of an external identity provider",
    ),
    http(
        "identity-source",
        "delete-external-idp-certificate",
        ("DELETE", "/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate/{certificate_id}"),
        (IdentitySource, Group::Write, Kind::IdpCertificate),
        (None, 200, None),
        &[Read, Write, AssumeRole, Seal],
        "Deletes a certificate of an external identity provider",
    ),
];
