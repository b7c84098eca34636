//! The directory API: organisations, authorisation servers, SSO configurations and their versions.

use trustplane_policy::{Group, Kind};

use crate::Permission::{Count, List, PublicKey, Read, Write};
use crate::endpoint::{Endpoint, http};
use crate::route::{FILTERED, SORTED};
use crate::{Dialect, Function, Trigger};

/// Fields that all endpoints of the family share, and defaults.
const DIRECTORY: Endpoint = Endpoint { family: "directory", dialect: Dialect::Directory, ..Endpoint::DEFAULT };

/// Functions of the family.
pub(super) const FUNCTIONS: &[Function] = &[
    http(Endpoint {
        name: "create-organisation",
        summary: "Create organisation",
        method: "POST",
        path: "/organisations",
        group: Group::Write,
        resource: Kind::Organisation,
        request: Some("CreateOrganisation"),
        status: 201,
        response: Some("Organisation"),
        permissions: &[Read, List, Write, Count],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "list-organisations",
        summary: "List organisations",
        method: "GET",
        path: "/organisations",
        group: Group::Read,
        resource: Kind::Tenant,
        queries: FILTERED,
        response: Some("OrganisationPage"),
        permissions: &[Read, List],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "get-organisation",
        summary: "Get organisation",
        method: "GET",
        path: "/organisations/{OrganisationId}",
        group: Group::Read,
        resource: Kind::Organisation,
        response: Some("Organisation"),
        permissions: &[Read],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "put-organisation",
        summary: "Update organisation",
        method: "PUT",
        path: "/organisations/{OrganisationId}",
        group: Group::Write,
        resource: Kind::Organisation,
        request: Some("UpdateOrganisation"),
        response: Some("Organisation"),
        permissions: &[Read, Write],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "create-authorisation-server",
        summary: "Create authorisation server",
        method: "POST",
        path: "/organisations/{OrganisationId}/authorisationservers",
        group: Group::Write,
        resource: Kind::AuthorisationServer,
        request: Some("WriteAuthorisationServer"),
        status: 201,
        response: Some("AuthorisationServer"),
        permissions: &[Read, List, Write, Count],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "list-authorisation-servers",
        summary: "List authorisation servers",
        method: "GET",
        path: "/organisations/{OrganisationId}/authorisationservers",
        group: Group::Read,
        resource: Kind::Organisation,
        queries: &["page", "size", "sort", "status", "hideInactive", "filterBy", "containsOpenIdDiscoveryDocument"],
        response: Some("AuthorisationServerPage"),
        permissions: &[Read, List],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "get-authorisation-server",
        summary: "Get authorisation server",
        method: "GET",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}",
        group: Group::Read,
        resource: Kind::AuthorisationServer,
        response: Some("AuthorisationServer"),
        permissions: &[Read],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "test-authorisation-server",
        summary: "Test authorisation server",
        method: "POST",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/test",
        group: Group::Write,
        resource: Kind::AuthorisationServer,
        response: Some("AuthorisationServerTest"),
        permissions: &[Read, Write, Count],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "get-authorisation-server-test",
        summary: "Get last test of authorisation server",
        method: "GET",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/test",
        group: Group::Read,
        resource: Kind::AuthorisationServer,
        response: Some("AuthorisationServerTest"),
        permissions: &[Read],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "put-authorisation-server",
        summary: "Replace authorisation server",
        method: "PUT",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}",
        group: Group::Write,
        resource: Kind::AuthorisationServer,
        request: Some("WriteAuthorisationServer"),
        response: Some("AuthorisationServer"),
        permissions: &[Read, Write],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "create-sso-configuration",
        summary: "Create SSO configuration",
        method: "POST",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration",
        group: Group::Write,
        resource: Kind::SsoConfiguration,
        request: Some("CreateSsoConfiguration"),
        status: 201,
        response: Some("SsoConfiguration"),
        permissions: &[Read, List, Write, Count],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "list-sso-configurations",
        summary: "List SSO configurations",
        method: "GET",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration",
        group: Group::Read,
        resource: Kind::AuthorisationServer,
        queries: SORTED,
        response: Some("SsoConfigurationPage"),
        permissions: &[Read, List],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "get-sso-configuration",
        summary: "Get SSO configuration",
        method: "GET",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}",
        group: Group::Read,
        resource: Kind::SsoConfiguration,
        response: Some("SsoConfiguration"),
        permissions: &[Read],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "put-sso-configuration",
        summary: "Update SSO configuration",
        method: "PUT",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}",
        group: Group::Write,
        resource: Kind::SsoConfiguration,
        request: Some("UpdateSsoConfiguration"),
        response: Some("SsoConfiguration"),
        permissions: &[Read, Write],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "delete-sso-configuration",
        summary: "Delete SSO configuration that never had an approved version",
        method: "DELETE",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}",
        group: Group::Write,
        resource: Kind::SsoConfiguration,
        status: 204,
        permissions: &[Read, List, Write, Count],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "create-sso-configuration-version",
        summary: "Submit version of SSO configuration",
        method: "POST",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions",
        group: Group::Write,
        resource: Kind::SsoConfigurationVersion,
        request: Some("CreateSsoConfigurationVersion"),
        status: 201,
        response: Some("SsoConfigurationVersion"),
        permissions: &[Read, Write],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "list-sso-configuration-versions",
        summary: "List versions of SSO configuration",
        method: "GET",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions",
        group: Group::Read,
        resource: Kind::SsoConfiguration,
        queries: &["page", "size", "sort", "status"],
        response: Some("SsoConfigurationVersionPage"),
        permissions: &[Read, List],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "get-sso-configuration-version",
        summary: "Get version of SSO configuration",
        method: "GET",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions/{versionId}",
        group: Group::Read,
        resource: Kind::SsoConfigurationVersion,
        response: Some("SsoConfigurationVersion"),
        permissions: &[Read],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "put-sso-configuration-version",
        summary: "Edit, approve, reject, activate or deactivate version of SSO configuration",
        method: "PUT",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions/{versionId}",
        group: Group::Write,
        resource: Kind::SsoConfigurationVersion,
        request: Some("UpdateSsoConfigurationVersion"),
        response: Some("SsoConfigurationVersion"),
        permissions: &[Read, Write],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "delete-sso-configuration-version",
        summary: "Delete version of SSO configuration that was never approved",
        method: "DELETE",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions/{versionId}",
        group: Group::Write,
        resource: Kind::SsoConfigurationVersion,
        status: 204,
        permissions: &[Read, Write],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "list-sso-configuration-domains",
        summary: "List domains of SSO configuration with the proof of each",
        method: "GET",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/domains",
        group: Group::Read,
        resource: Kind::SsoConfiguration,
        queries: SORTED,
        response: Some("DomainPage"),
        permissions: &[Read],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "verify-sso-configuration-domain",
        summary: "Verify domain by its DNS record",
        method: "POST",
        path: "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/domains/{domain}/verify",
        group: Group::Write,
        resource: Kind::Domain,
        response: Some("Domain"),
        permissions: &[Read, Write],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "list-sso-configuration-references",
        summary: "List SSO configurations of all organisations",
        method: "GET",
        path: "/references/users/sso-configurations",
        group: Group::Read,
        resource: Kind::Tenant,
        queries: SORTED,
        response: Some("SsoConfigurationReferencePage"),
        permissions: &[Read, List],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "get-sso-configuration-reference",
        summary: "Get owner of SSO configuration",
        method: "GET",
        path: "/references/users/sso-configurations/{ssoConfigurationId}",
        group: Group::Read,
        resource: Kind::SsoConfiguration,
        response: Some("SsoConfigurationReference"),
        permissions: &[Read],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "get-openid-provider-public-key",
        summary: "Get public key that verifies assertions of the service",
        method: "GET",
        path: "/references/resources/openid-provider-public-key",
        group: Group::Read,
        resource: Kind::Tenant,
        response: Some("OpenIdProviderPublicKey"),
        produces: &["application/x-pem-file", "application/x-pem-key", "application/x-pem-certificate"],
        permissions: &[Read, PublicKey],
        ..DIRECTORY
    }),
    http(Endpoint {
        name: "get-sso-route",
        summary: "Get SSO configuration that signs in an e-mail address",
        method: "GET",
        path: "/v1/sso/route",
        dialect: Dialect::Integration,
        group: Group::Read,
        resource: Kind::Domain,
        queries: &["email"],
        response: Some("SsoRoute"),
        permissions: &[Read],
        ..DIRECTORY
    }),
    Function {
        name: "claim-redirect-uris",
        family: "directory",
        summary: "Claim redirect URIs of earlier releases, list duplicates",
        trigger: Trigger::Operator,
        permissions: &[Read, List, Write],
    },
];
