//! Schemas of the identity source API's requests and responses.

use schemars::SchemaGenerator;

use crate::{
    certificates, explain, external_idp, instances, preview, provider_tests, refresh, saml_certificates,
    service_provider,
};

/// Adds the schemas of request bodies.
pub fn requests(generator: &mut SchemaGenerator) {
    generator.subschema_for::<trustplane_domain::identity_provider::CreateExternalIdp>();
    generator.subschema_for::<trustplane_domain::identity_provider::UpdateExternalIdp>();
    generator.subschema_for::<certificates::ImportCertificate>();
    generator.subschema_for::<refresh::RefreshExternalIdp>();
    generator.subschema_for::<explain::ExplainResponse>();
}

/// Adds the schemas of response bodies.
pub fn responses(generator: &mut SchemaGenerator) {
    generator.subschema_for::<instances::Instances<'_>>();
    generator.subschema_for::<instances::Associations<'_>>();
    generator.subschema_for::<external_idp::Created<'_>>();
    generator.subschema_for::<external_idp::Associations<'_>>();
    generator.subschema_for::<preview::Preview<'_>>();
    generator.subschema_for::<refresh::Body<'_>>();
    generator.subschema_for::<explain::Body<'_>>();
    generator.subschema_for::<provider_tests::Body<'_>>();
    generator.subschema_for::<certificates::Imported>();
    generator.subschema_for::<certificates::Certificates<'_>>();
    generator.subschema_for::<service_provider::Config>();
    generator.subschema_for::<saml_certificates::Bodies<'_>>();
}

/// Adds the schemas of images in events.
pub fn images(generator: &mut SchemaGenerator) {
    generator.subschema_for::<external_idp::Recorded<'_>>();
    generator.subschema_for::<trustplane_domain::identity_provider::RefreshRecord<'_>>();
    generator.subschema_for::<trustplane_domain::health::HealthRecord<'_>>();
    generator.subschema_for::<explain::View<'_>>();
    generator.subschema_for::<certificates::View<'_>>();
    generator.subschema_for::<saml_certificates::View<'_>>();
}
