//! Schemas of the directory's requests and responses.

use schemars::SchemaGenerator;
use trustplane_domain::directory::page::Page;
use trustplane_domain::directory::{authorisation_server, organisation, sso_configuration, version};

use crate::{
    authorisation_servers, domains, organisations, references, route, server_tests, sso_configurations, versions,
};

/// Adds the schemas of request bodies.
pub fn requests(generator: &mut SchemaGenerator) {
    generator.subschema_for::<organisation::CreateOrganisation>();
    generator.subschema_for::<organisation::UpdateOrganisation>();
    generator.subschema_for::<authorisation_server::WriteAuthorisationServer>();
    generator.subschema_for::<sso_configuration::CreateSsoConfiguration>();
    generator.subschema_for::<sso_configuration::UpdateSsoConfiguration>();
    generator.subschema_for::<version::CreateSsoConfigurationVersion>();
    generator.subschema_for::<version::UpdateSsoConfigurationVersion>();
}

/// Adds the schemas of response bodies.
pub fn responses(generator: &mut SchemaGenerator) {
    generator.subschema_for::<Page<organisations::Body<'_>>>();
    generator.subschema_for::<Page<authorisation_servers::Body<'_>>>();
    generator.subschema_for::<server_tests::Body<'_>>();
    generator.subschema_for::<Page<sso_configurations::Body<'_>>>();
    generator.subschema_for::<Page<versions::Body<'_>>>();
    generator.subschema_for::<Page<domains::Body<'_>>>();
    generator.subschema_for::<Page<references::Body<'_>>>();
    generator.subschema_for::<route::Body<'_>>();
}

/// Adds the schemas of images in events.
pub fn images(generator: &mut SchemaGenerator) {
    generator.subschema_for::<organisations::View<'_>>();
    generator.subschema_for::<authorisation_servers::View<'_>>();
    generator.subschema_for::<sso_configurations::View<'_>>();
    generator.subschema_for::<versions::View<'_>>();
}
