//! Schemas of the integration API's requests and responses.

use schemars::SchemaGenerator;
use trustplane_domain::inventory::{Account, Assignment, PermissionSet};
use trustplane_runtime::Listed;

use crate::inventory::{Rows, State};
use crate::{bootstrap, config, connection_test, external_id, versions};

/// Adds the schemas of request bodies.
pub fn requests(generator: &mut SchemaGenerator) {
    generator.subschema_for::<config::SaveIntegration>();
    generator.subschema_for::<bootstrap::BootstrapRequest>();
}

/// Adds the schemas of response bodies.
pub fn responses(generator: &mut SchemaGenerator) {
    generator.subschema_for::<config::Body<'_>>();
    generator.subschema_for::<Listed<versions::Version<'_>>>();
    generator.subschema_for::<connection_test::Body<'_>>();
    generator.subschema_for::<external_id::Body>();
    generator.subschema_for::<bootstrap::Body>();
    generator.subschema_for::<Rows<Account>>();
    generator.subschema_for::<Rows<PermissionSet>>();
    generator.subschema_for::<Rows<Assignment>>();
    generator.subschema_for::<State>();
}

/// Adds the schemas of images in events.
pub fn images(generator: &mut SchemaGenerator) {
    generator.subschema_for::<config::Body<'_>>();
    generator.subschema_for::<external_id::Body>();
    generator.subschema_for::<connection_test::View>();
}
