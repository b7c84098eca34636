//! Schemas of images in events.

use schemars::SchemaGenerator;

use crate::{certificates, connections, domains, keys};

/// Adds the schemas of images in events.
pub fn images(generator: &mut SchemaGenerator) {
    generator.subschema_for::<certificates::View<'_>>();
    generator.subschema_for::<connections::View>();
    generator.subschema_for::<domains::View>();
    generator.subschema_for::<trustplane_domain::webhook::DisabledView<'_>>();
    generator.subschema_for::<keys::KeyView<'_>>();
    generator.subschema_for::<keys::CertificateView<'_>>();
}
