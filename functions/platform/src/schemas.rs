//! Schemas of the platform's requests and responses.

use schemars::SchemaGenerator;

use trustplane_runtime::Listed;

use crate::{api_keys, audit, credentials, evaluation, health, policies, temporary_keys, whoami};

/// Adds the schemas of request bodies.
pub fn requests(generator: &mut SchemaGenerator) {
    generator.subschema_for::<credentials::NewApiKey>();
    generator.subschema_for::<credentials::ApiKeyUpdate>();
    generator.subschema_for::<api_keys::ApiKeyRotation>();
    generator.subschema_for::<temporary_keys::NewTemporaryApiKey>();
    generator.subschema_for::<policies::SavePolicy>();
}

/// Adds the schemas of response bodies.
pub fn responses(generator: &mut SchemaGenerator) {
    generator.subschema_for::<health::Health>();
    generator.subschema_for::<Listed<credentials::Body<'_>>>();
    generator.subschema_for::<credentials::MadeBody<'_>>();
    generator.subschema_for::<temporary_keys::Body>();
    generator.subschema_for::<Listed<policies::Body<'_>>>();
    generator.subschema_for::<Listed<audit::Body>>();
    generator.subschema_for::<evaluation::Body<'_>>();
    generator.subschema_for::<whoami::Body<'_>>();
}
