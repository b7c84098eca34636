//! Schemas of requests and responses.

use schemars::SchemaGenerator;
use trustplane_runtime::Listed;

use crate::{link_request, links, sessions};

/// Adds the schemas of request bodies.
pub fn requests(generator: &mut SchemaGenerator) {
    generator.subschema_for::<link_request::NewSetupLink>();
    generator.subschema_for::<sessions::NewSetupSession>();
}

/// Adds the schemas of response bodies.
pub fn responses(generator: &mut SchemaGenerator) {
    generator.subschema_for::<Listed<links::Body<'_>>>();
    generator.subschema_for::<links::MadeBody<'_>>();
    generator.subschema_for::<sessions::Body<'_>>();
}

/// Adds the schemas of images in events.
pub fn images(generator: &mut SchemaGenerator) {
    generator.subschema_for::<trustplane_domain::setup::View<'_>>();
}
