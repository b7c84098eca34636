//! Effects of a withdrawn organisation or an inactive server on everything below it: it is kept, it is unusable, and
//! its representation lists the obstacles.

use std::fmt;

use super::authorisation_server::{AuthorisationServer, ServerStatus};
use super::organisation::{Organisation, OrganisationStatus};
use super::sso_configuration::{ConfigurationStatus, SsoConfiguration};
use crate::{Conflict, Failure};

/// A reason why an object of the directory is unusable because of the objects above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// The organisation does not participate yet.
    OrganisationPending,
    /// The organisation does not participate any more.
    OrganisationWithdrawn,
    /// The authorisation server is inactive.
    ServerInactive,
    /// The SSO configuration is inactive.
    ConfigurationInactive,
}

/// Returns the obstacles for everything below `organisation`.
pub fn below_organisation(organisation: &Organisation) -> Vec<Obstacle> {
    match organisation.status {
        OrganisationStatus::Active => Vec::new(),
        OrganisationStatus::Pending => vec![Obstacle::OrganisationPending],
        OrganisationStatus::Withdrawn => vec![Obstacle::OrganisationWithdrawn],
    }
}

/// Returns the obstacles for everything below `server`. They prevent the creation of configurations and versions, the
/// approval and activation of a version, and signing in.
pub fn below_server(organisation: &Organisation, server: &AuthorisationServer) -> Vec<Obstacle> {
    let mut obstacles = below_organisation(organisation);
    if server.status == ServerStatus::Inactive {
        obstacles.push(Obstacle::ServerInactive);
    }
    obstacles
}

/// Returns the obstacles for signing in with the active version of `configuration`.
pub fn below_configuration(
    organisation: &Organisation,
    server: &AuthorisationServer,
    configuration: &SsoConfiguration,
) -> Vec<Obstacle> {
    let mut obstacles = below_server(organisation, server);
    if configuration.status == ConfigurationStatus::Inactive {
        obstacles.push(Obstacle::ConfigurationInactive);
    }
    obstacles
}

/// Returns the refusal of a change below these obstacles; `None` if there are no obstacles.
pub fn refusal(obstacles: &[Obstacle]) -> Option<Failure> {
    (!obstacles.is_empty()).then(|| Failure::conflict(Conflict::WrongState, describe(obstacles)))
}

/// Describes all obstacles, for users.
pub fn describe(obstacles: &[Obstacle]) -> String {
    let reasons: Vec<String> = obstacles.iter().map(ToString::to_string).collect();
    reasons.join("; ")
}

impl fmt::Display for Obstacle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OrganisationPending => "the organisation is not active yet",
            Self::OrganisationWithdrawn => "the organisation is withdrawn",
            Self::ServerInactive => "the authorisation server is inactive",
            Self::ConfigurationInactive => "the SSO configuration is inactive",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::authorisation_server::ServerRequest;
    use super::super::fields::of;
    use super::super::organisation::NewOrganisation;
    use super::super::sso_configuration::tests::sample;
    use super::*;
    use crate::Timestamp;

    #[test]
    fn every_level_above_counts_and_is_named() {
        let now = Timestamp::from_millis(0);
        let configuration = sample();
        let body = json!({"OrganisationId": "acme", "OrganisationName": "Acme"});
        let mut organisation = Organisation::new(NewOrganisation::parse(of(body)).unwrap(), now);
        let request = ServerRequest::parse(of(json!({"CustomerFriendlyName": "A"}))).unwrap();
        let mut server = AuthorisationServer::new(organisation.id.clone(), configuration.server_id, request, now);
        assert_eq!(below_configuration(&organisation, &server, &configuration), []);

        let inactive = SsoConfiguration { status: ConfigurationStatus::Inactive, ..configuration };
        server.status = ServerStatus::Inactive;
        organisation.status = OrganisationStatus::Withdrawn;
        let obstacles = below_configuration(&organisation, &server, &inactive);
        let expected = [Obstacle::OrganisationWithdrawn, Obstacle::ServerInactive, Obstacle::ConfigurationInactive];
        assert_eq!(obstacles, expected);
        assert_eq!(below_server(&organisation, &server), expected[..2]);
        organisation.status = OrganisationStatus::Pending;
        assert_eq!(below_organisation(&organisation), [Obstacle::OrganisationPending]);
    }
}
