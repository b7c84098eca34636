//! What a path names, and what of it has to be there.

use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId, VersionId};
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::{Failure, Faults};
use trustplane_runtime::Request;
use trustplane_store::{Key, Read, StoreError, Stored, keys};

/// An authorisation server and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct ServerPath {
    pub(crate) organisation: OrganisationId,
    pub(crate) server: AuthorisationServerId,
}

/// What was found at a path, or which part of it is not there.
pub(crate) type Found<T> = Result<Result<T, Failure>, StoreError>;

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

/// `{ssoConfigurationId}` where nothing else stands in the path.
pub(crate) fn configuration_id_alone(request: &Request) -> Result<SsoConfigurationId, Failure> {
    let mut faults = Faults::default();
    finish(configuration_id(request, &mut faults), faults)
}

/// `{domain}`: one that can be proven.
pub(crate) fn domain(request: &Request) -> Result<DomainName, Failure> {
    let domain = DomainName::parse(request.parameter("domain")).and_then(|name| name.claimable().map(|()| name));
    domain.map_err(|message| Failure::invalid("domain", message))
}

/// What two parts of a request say, or what is wrong with either.
pub(crate) fn both<A, B>(one: Result<A, Failure>, other: Result<B, Failure>) -> Result<(A, B), Failure> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(wrong), Ok(_)) | (Ok(_), Err(wrong)) => Err(wrong),
        (Err(one), Err(other)) => Err(one.joined(other)),
    }
}

impl ServerPath {
    /// The keys of both.
    pub(crate) fn keys(&self, tenant: TenantKeys) -> Vec<Key> {
        let organisation = self.organisation.as_str();
        vec![tenant.organisation(organisation), tenant.authorisation_server(organisation, &self.server.to_string())]
    }

    /// Finds both in what was read.
    pub(crate) fn find(
        &self,
        read: &Read,
        tenant: TenantKeys,
    ) -> Found<(Stored<Organisation>, Stored<AuthorisationServer>)> {
        let organisation = self.organisation.as_str();
        let Some(above) = read.look(&tenant.organisation(organisation))? else {
            return Ok(Err(Failure::NotFound("organisation")));
        };
        let server = read.look(&tenant.authorisation_server(organisation, &self.server.to_string()))?;
        Ok(server.map(|server| (above, server)).ok_or(Failure::NotFound("authorisation server")))
    }
}

/// The server that a configuration is of.
pub(crate) fn server_of(path: &ConfigurationPath) -> ServerPath {
    ServerPath { organisation: path.organisation_id.clone(), server: path.server_id }
}

/// The key of a configuration.
pub(crate) fn configuration_key(path: &ConfigurationPath, tenant: TenantKeys) -> Key {
    let (organisation, server) = (path.organisation_id.as_str(), path.server_id.to_string());
    tenant.sso_configuration(organisation, &server, &path.configuration_id.to_string())
}

/// The keys of a configuration and of all above it.
pub(crate) fn configuration_keys(path: &ConfigurationPath, tenant: TenantKeys) -> Vec<Key> {
    let mut keys = server_of(path).keys(tenant);
    keys.push(configuration_key(path, tenant));
    keys
}

/// A configuration and all above it, as they were read.
pub(crate) struct Configuration {
    pub(crate) organisation: Stored<Organisation>,
    pub(crate) server: Stored<AuthorisationServer>,
    pub(crate) configuration: Stored<SsoConfiguration>,
}

/// Finds a configuration and all above it in what was read.
pub(crate) fn find_configuration(path: &ConfigurationPath, read: &Read, tenant: TenantKeys) -> Found<Configuration> {
    let (organisation, server) = match server_of(path).find(read, tenant)? {
        Ok(above) => above,
        Err(failure) => return Ok(Err(failure)),
    };
    let configuration = read.look(&configuration_key(path, tenant))?;
    let found = configuration.map(|configuration| Configuration { organisation, server, configuration });
    Ok(found.ok_or(Failure::NotFound("SSO configuration")))
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
    value.ok_or(Failure::Internal)
}
