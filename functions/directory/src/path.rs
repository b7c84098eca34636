//! Paths of the directory, and the items that they name.

use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId, VersionId};
use trustplane_domain::directory::obstacle::{Obstacle, below_server};
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::{Failure, Faults};
use trustplane_runtime::{Request, both};
use trustplane_store::{Key, Reads, Stored, TenantKeys};

/// The path of an authorisation server.
#[derive(Clone, Debug)]
pub(crate) struct ServerPath {
    pub(crate) organisation: OrganisationId,
    pub(crate) server: AuthorisationServerId,
}

/// `{OrganisationId}`.
pub(crate) fn organisation(request: &Request) -> Result<OrganisationId, Failure> {
    let mut faults = Faults::default();
    finish(organisation_id(request, &mut faults), faults)
}

/// `{OrganisationId}` and `{AuthorisationServerId}`.
pub(crate) fn server(request: &Request) -> Result<ServerPath, Failure> {
    let mut faults = Faults::default();
    let (organisation, server) = (organisation_id(request, &mut faults), server_id(request, &mut faults));
    finish(organisation.zip(server).map(|(organisation, server)| ServerPath { organisation, server }), faults)
}

/// `{OrganisationId}`, `{AuthorisationServerId}` and `{ssoConfigurationId}`.
pub(crate) fn configuration(request: &Request) -> Result<ConfigurationPath, Failure> {
    let mut faults = Faults::default();
    let (organisation, server) = (organisation_id(request, &mut faults), server_id(request, &mut faults));
    let configuration = configuration_id(request, &mut faults);
    let path = organisation.zip(server).zip(configuration).map(|((organisation_id, server_id), configuration_id)| {
        ConfigurationPath { configuration_id, organisation_id, server_id }
    });
    finish(path, faults)
}

/// All of these and `{versionId}`.
pub(crate) fn version(request: &Request) -> Result<(ConfigurationPath, VersionId), Failure> {
    let id = VersionId::parse(request.parameter("versionId"));
    both(configuration(request), id.ok_or_else(|| Failure::invalid("versionId", "must be a uuid")))
}

/// `{ssoConfigurationId}`, alone in the path.
pub(crate) fn configuration_id_alone(request: &Request) -> Result<SsoConfigurationId, Failure> {
    let mut faults = Faults::default();
    finish(configuration_id(request, &mut faults), faults)
}

/// `{domain}`: one that can be proven.
pub(crate) fn domain(request: &Request) -> Result<DomainName, Failure> {
    let domain = DomainName::parse(request.parameter("domain")).and_then(|name| name.claimable().map(|()| name));
    domain.map_err(|message| Failure::invalid("domain", message))
}

impl ServerPath {
    /// Reads the server and the organisation above it.
    pub(crate) fn reads(&self, keys: TenantKeys) -> (Key<Organisation>, Key<AuthorisationServer>) {
        (keys.organisation(&self.organisation), keys.authorisation_server(&self.organisation, self.server))
    }
}

/// An SSO configuration and all above it, as they were read.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) organisation: Stored<Organisation>,
    pub(crate) server: Stored<AuthorisationServer>,
    pub(crate) configuration: Stored<SsoConfiguration>,
}

/// Reads an SSO configuration and all above it.
pub(crate) fn configuration_reads(
    path: &ConfigurationPath,
    keys: TenantKeys,
) -> impl Reads<Loaded = Configuration> + use<> {
    let server = ServerPath { organisation: path.organisation_id.clone(), server: path.server_id };
    let (organisation, server) = server.reads(keys);
    (organisation, server, keys.sso_configuration(path)).map(|(organisation, server, configuration)| Configuration {
        organisation,
        server,
        configuration,
    })
}

/// Reads an SSO configuration and all above it, each of which may be absent.
pub(crate) fn optional_configuration_reads(
    path: &ConfigurationPath,
    keys: TenantKeys,
) -> impl Reads<Loaded = Option<Configuration>> + use<> {
    let server = keys.authorisation_server(&path.organisation_id, path.server_id);
    let organisation = keys.organisation(&path.organisation_id);
    (organisation.optional(), server.optional(), keys.sso_configuration(path).optional()).map(
        |(organisation, server, configuration)| {
            Some(Configuration {
                organisation: organisation.item?,
                server: server.item?,
                configuration: configuration.item?,
            })
        },
    )
}

impl Configuration {
    /// The obstacles to using anything below the server.
    pub(crate) fn obstacles(&self) -> Vec<Obstacle> {
        below_server(&self.organisation.value, &self.server.value)
    }
}

fn organisation_id(request: &Request, faults: &mut Faults) -> Option<OrganisationId> {
    faults.take("OrganisationId", OrganisationId::parse(request.parameter("OrganisationId")))
}

fn server_id(request: &Request, faults: &mut Faults) -> Option<AuthorisationServerId> {
    let id = AuthorisationServerId::parse(request.parameter("AuthorisationServerId"));
    faults.take("AuthorisationServerId", id.ok_or("must be a uuid"))
}

fn configuration_id(request: &Request, faults: &mut Faults) -> Option<SsoConfigurationId> {
    let id = SsoConfigurationId::parse(request.parameter("ssoConfigurationId"));
    faults.take("ssoConfigurationId", id.ok_or("must be a uuid"))
}

fn finish<T>(value: Option<T>, faults: Faults) -> Result<T, Failure> {
    faults.into_result()?;
    // INVARIANT: a part is missing only where it was wrong, and that is a fault.
    value.ok_or_else(|| Failure::internal("a missing part of a path without a fault"))
}
