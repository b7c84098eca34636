//! The table of functions: name, how it is invoked, Cedar action, dialect, and what of AWS it uses. The one place where
//! these stand; the binaries, `template.yaml`, `openapi.json`, `events/` and the README are tested against it.

use trustplane_policy::{Action, Group, Kind};

use crate::Dialect;

/// One Lambda function, and one binary.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// `<verb>-<resource>`, unique.
    pub name: &'static str,
    /// The package under `functions/`.
    pub family: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// How it is invoked.
    pub trigger: Trigger,
    /// What of AWS it uses beside writing its log: the IAM statements it gets.
    pub uses: &'static [Use],
}

/// How a function is invoked.
#[derive(Clone, Copy, Debug)]
pub enum Trigger {
    /// By API Gateway.
    Http(Route),
    /// By API Gateway, for every path and method that no other function has.
    Unmatched,
    /// Directly, by an operator under IAM.
    Operator,
    /// By EventBridge, on a schedule: `rate(1 hour)`.
    Schedule(&'static str),
    /// By the table's stream, for new audit records.
    AuditStream,
}

/// A path and method.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `PUT`.
    pub method: &'static str,
    /// `/v1/instances/{instance_id}/identity-store-associations`.
    pub path: &'static str,
    /// How errors and headers are written.
    pub dialect: Dialect,
    /// What Cedar is asked; `None` where no credential is needed.
    pub action: Option<Action>,
    /// The schema of the request's body in `openapi.json`; `None` where there is no body.
    pub request: Option<&'static str>,
    /// Status and schema of the good reply.
    pub reply: (u16, Option<&'static str>),
}

/// Leave of AWS that a function needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Gets items by their keys.
    Read,
    /// Lists items.
    List,
    /// Writes transactions.
    Write,
    /// Counts in place.
    Count,
    /// Reads the due list.
    Due,
    /// Assumes customers' roles.
    AssumeRole,
    /// Seals and opens texts with the platform's key.
    Seal,
    /// Puts events on the bus.
    PutEvents,
}

use Dialect::{Directory, IdentitySource, Integration};
use Use::{AssumeRole, Count, Due, List, PutEvents, Read, Seal, Write};

/// Every function there is.
pub const FUNCTIONS: &[Function] = &[
    // Integration: IAM Identity Center.
    http(
        "identity-center",
        "put-identity-center-config",
        ("PUT", "/v1/integrations/aws-identity-center/config"),
        (Integration, Group::Write, Kind::Integration),
        (Some("SaveIntegration"), 200, Some("Integration")),
        &[Read, Write],
        "Saves the connection to IAM Identity Center",
    ),
    http(
        "identity-center",
        "get-identity-center-config",
        ("GET", "/v1/integrations/aws-identity-center/config"),
        (Integration, Group::Read, Kind::Integration),
        (None, 200, Some("Integration")),
        &[Read],
        "Shows the saved connection",
    ),
    // Directory: organisations, authorisation servers, SSO configurations.
    http(
        "directory",
        "create-organisation",
        ("POST", "/organisations"),
        (Directory, Group::Write, Kind::Organisation),
        (Some("CreateOrganisation"), 201, Some("Organisation")),
        &[Read, Write, Count],
        "Makes an organisation",
    ),
    http(
        "directory",
        "list-organisations",
        ("GET", "/organisations"),
        (Directory, Group::Read, Kind::Tenant),
        (None, 200, Some("OrganisationPage")),
        &[Read, List],
        "Lists organisations",
    ),
    http(
        "directory",
        "get-organisation",
        ("GET", "/organisations/{OrganisationId}"),
        (Directory, Group::Read, Kind::Organisation),
        (None, 200, Some("Organisation")),
        &[Read],
        "Shows an organisation",
    ),
    http(
        "directory",
        "put-organisation",
        ("PUT", "/organisations/{OrganisationId}"),
        (Directory, Group::Write, Kind::Organisation),
        (Some("UpdateOrganisation"), 200, Some("Organisation")),
        &[Read, Write],
        "Renames or withdraws an organisation, or brings it back",
    ),
    http(
        "directory",
        "create-authorisation-server",
        ("POST", "/organisations/{OrganisationId}/authorisationservers"),
        (Directory, Group::Write, Kind::AuthorisationServer),
        (Some("WriteAuthorisationServer"), 201, Some("AuthorisationServer")),
        &[Read, Write, Count],
        "Makes an authorisation server",
    ),
    http(
        "directory",
        "list-authorisation-servers",
        ("GET", "/organisations/{OrganisationId}/authorisationservers"),
        (Directory, Group::Read, Kind::Organisation),
        (None, 200, Some("AuthorisationServerPage")),
        &[Read, List],
        "Lists the authorisation servers of an organisation",
    ),
    http(
        "directory",
        "get-authorisation-server",
        ("GET", "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}"),
        (Directory, Group::Read, Kind::AuthorisationServer),
        (None, 200, Some("AuthorisationServer")),
        &[Read],
        "Shows an authorisation server",
    ),
    http(
        "directory",
        "put-authorisation-server",
        ("PUT", "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}"),
        (Directory, Group::Write, Kind::AuthorisationServer),
        (Some("WriteAuthorisationServer"), 200, Some("AuthorisationServer")),
        &[Read, Write],
        "Replaces what is said of an authorisation server",
    ),
    http(
        "directory",
        "create-sso-configuration",
        ("POST", "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration"),
        (Directory, Group::Write, Kind::SsoConfiguration),
        (Some("CreateSsoConfiguration"), 201, Some("SsoConfiguration")),
        &[Read, Write, Count],
        "Makes an SSO configuration",
    ),
    http(
        "directory",
        "list-sso-configurations",
        ("GET", "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration"),
        (Directory, Group::Read, Kind::AuthorisationServer),
        (None, 200, Some("SsoConfigurationPage")),
        &[Read, List],
        "Lists the SSO configurations of an authorisation server",
    ),
    http(
        "directory",
        "get-sso-configuration",
        (
            "GET",
            "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}",
        ),
        (Directory, Group::Read, Kind::SsoConfiguration),
        (None, 200, Some("SsoConfiguration")),
        &[Read],
        "Shows an SSO configuration",
    ),
    http(
        "directory",
        "put-sso-configuration",
        (
            "PUT",
            "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}",
        ),
        (Directory, Group::Write, Kind::SsoConfiguration),
        (Some("UpdateSsoConfiguration"), 200, Some("SsoConfiguration")),
        &[Read, Write],
        "Updates an SSO configuration",
    ),
    http(
        "directory",
        "delete-sso-configuration",
        (
            "DELETE",
            "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}",
        ),
        (Directory, Group::Write, Kind::SsoConfiguration),
        (None, 204, None),
        &[Read, List, Write, Count],
        "Deletes an SSO configuration that never had an approved version",
    ),
    http(
        "directory",
        "create-sso-configuration-version",
        (
            "POST",
            "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions",
        ),
        (Directory, Group::Write, Kind::SsoConfigurationVersion),
        (Some("CreateSsoConfigurationVersion"), 201, Some("SsoConfigurationVersion")),
        &[Read, Write],
        "Submits a version of an SSO configuration",
    ),
    http(
        "directory",
        "list-sso-configuration-versions",
        (
            "GET",
            "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions",
        ),
        (Directory, Group::Read, Kind::SsoConfiguration),
        (None, 200, Some("SsoConfigurationVersionPage")),
        &[Read, List],
        "Lists the versions of an SSO configuration",
    ),
    http(
        "directory",
        "get-sso-configuration-version",
        (
            "GET",
            "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions/{versionId}",
        ),
        (Directory, Group::Read, Kind::SsoConfigurationVersion),
        (None, 200, Some("SsoConfigurationVersion")),
        &[Read],
        "Shows a version of an SSO configuration",
    ),
    http(
        "directory",
        "put-sso-configuration-version",
        (
            "PUT",
            "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions/{versionId}",
        ),
        (Directory, Group::Write, Kind::SsoConfigurationVersion),
        (Some("UpdateSsoConfigurationVersion"), 200, Some("SsoConfigurationVersion")),
        &[Read, Write],
        "Edits, approves, rejects, activates or deactivates a version of an SSO configuration",
    ),
    http(
        "directory",
        "delete-sso-configuration-version",
        (
            "DELETE",
            "/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions/{versionId}",
        ),
        (Directory, Group::Write, Kind::SsoConfigurationVersion),
        (None, 204, None),
        &[Read, Write],
        "Deletes a version of an SSO configuration that was never approved",
    ),
    // Identity sources.
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
    // Platform.
    Function {
        name: "get-health",
        family: "platform",
        summary: "Says that the service is up, and its version",
        trigger: Trigger::Http(Route {
            method: "GET",
            path: "/healthz",
            dialect: Integration,
            action: None,
            request: None,
            reply: (200, Some("Health")),
        }),
        uses: &[],
    },
    Function {
        name: "unmatched-route",
        family: "platform",
        summary: "Answers every other path and method, in the dialect of its prefix",
        trigger: Trigger::Unmatched,
        uses: &[],
    },
    operator("create-tenant", &[Write], "Makes a tenant with its ExternalId"),
    operator(
        "decode-authorization-message",
        &[Seal],
        "Opens the `encoded_authorization_message` of a denied request: why it was denied",
    ),
    operator("create-credential", &[Read, Write], "Makes a credential of a tenant, its first one too"),
    // Reactions.
    Function {
        name: "notify-expiring-certificates",
        family: "reactions",
        summary: "Gives notice of identity providers' certificates that are about to expire",
        trigger: Trigger::Schedule("rate(1 hour)"),
        uses: &[Read, Due, Write],
    },
    Function {
        name: "publish-audit",
        family: "reactions",
        summary: "Puts new audit records on the event bus",
        trigger: Trigger::AuditStream,
        uses: &[PutEvents],
    },
];

/// A function behind API Gateway.
const fn http(
    family: &'static str,
    name: &'static str,
    (method, path): (&'static str, &'static str),
    (dialect, group, resource): (Dialect, Group, Kind),
    (request, status, schema): (Option<&'static str>, u16, Option<&'static str>),
    uses: &'static [Use],
    summary: &'static str,
) -> Function {
    let action = Some(Action { name, group, resource });
    let route = Route { method, path, dialect, action, request, reply: (status, schema) };
    Function { name, family, summary, trigger: Trigger::Http(route), uses }
}

/// A function that operators invoke.
const fn operator(name: &'static str, uses: &'static [Use], summary: &'static str) -> Function {
    Function { name, family: "platform", summary, trigger: Trigger::Operator, uses }
}

/// The function of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// All functions that have a route of their own.
pub fn routes() -> impl Iterator<Item = (&'static Function, &'static Route)> {
    FUNCTIONS.iter().filter_map(|function| match &function.trigger {
        Trigger::Http(route) => Some((function, route)),
        _ => None,
    })
}

/// All actions that policies can speak of: those of the routes, and those that a request decides on by what it asks.
pub fn actions() -> impl Iterator<Item = Action> {
    routes().filter_map(|(_, route)| route.action).chain(ALSO_ACTIONS.iter().copied())
}

/// Actions that no route has as its own.
const ALSO_ACTIONS: &[Action] = &[
    decision("activate-sso-configuration-version"),
    decision("approve-sso-configuration-version"),
    decision("deactivate-sso-configuration-version"),
    decision("reject-sso-configuration-version"),
];

/// What a request for another status of a version is.
const fn decision(name: &'static str) -> Action {
    Action { name, group: Group::Approve, resource: Kind::SsoConfigurationVersion }
}

impl Route {
    /// The values of the path's parameters, if `path` (decoded, as HTTP API gives it) is one of this route's.
    pub fn matches(&self, path: &str) -> bool {
        let mut pattern = self.path.split('/');
        let mut segments = path.split('/');
        loop {
            match (pattern.next(), segments.next()) {
                (None, None) => return true,
                (Some(wanted), Some(found)) if wanted.starts_with('{') && !found.is_empty() => {}
                (Some(wanted), Some(found)) if wanted == found => {}
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_routes_are_unique() {
        let names: BTreeSet<_> = FUNCTIONS.iter().map(|function| function.name).collect();
        assert_eq!(names.len(), FUNCTIONS.len());
        let unique: BTreeSet<_> = routes().map(|(_, route)| (route.method, route.path)).collect();
        assert_eq!(unique.len(), routes().count());
    }

    #[test]
    fn denials_of_the_dialect_that_seals_them_can_be_sealed() {
        for (function, _) in routes().filter(|(_, route)| route.dialect == IdentitySource) {
            assert!(function.uses.contains(&Seal), "{}", function.name);
        }
    }

    #[test]
    fn parameters_match_one_segment_and_not_none() {
        let (_, route) = routes().find(|(function, _)| function.name == "get-health").unwrap();
        assert!(route.matches("/healthz"));
        assert!(!route.matches("/healthz/"));
        let route = Route { path: "/v1/instances/{instance_id}/x", ..*route };
        assert!(route.matches("/v1/instances/a b/x"));
        assert!(!route.matches("/v1/instances//x"));
        assert!(!route.matches("/v1/instances/a/b/x"));
    }
}
