//! Schemas of the platform's requests and responses.

use schemars::SchemaGenerator;

use trustplane_runtime::Listed;

use crate::{
    api_keys, audit, credentials, evaluation, event_types, health, notification_contacts, policies, temporary_keys,
    webhook_deliveries, webhook_replay, webhook_request, webhooks, whoami,
};

/// Adds the schemas of request bodies.
pub fn requests(generator: &mut SchemaGenerator) {
    generator.subschema_for::<credentials::NewApiKey>();
    generator.subschema_for::<credentials::ApiKeyUpdate>();
    generator.subschema_for::<api_keys::ApiKeyRotation>();
    generator.subschema_for::<temporary_keys::NewTemporaryApiKey>();
    generator.subschema_for::<policies::SavePolicy>();
    generator.subschema_for::<evaluation::EvaluatePolicies>();
    generator.subschema_for::<notification_contacts::SaveNotificationContacts>();
    generator.subschema_for::<webhook_request::NewWebhook>();
    generator.subschema_for::<webhook_request::WebhookUpdate>();
    generator.subschema_for::<webhooks::WebhookSecretRotation>();
    generator.subschema_for::<webhook_replay::NewWebhookReplay>();
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
    generator.subschema_for::<event_types::EventTypes>();
    generator.subschema_for::<notification_contacts::Body<'_>>();
    generator.subschema_for::<Listed<webhooks::Body<'_>>>();
    generator.subschema_for::<webhooks::MadeBody<'_>>();
    generator.subschema_for::<webhooks::UpdatedBody<'_>>();
    generator.subschema_for::<Listed<webhook_deliveries::Body<'_>>>();
    generator.subschema_for::<webhook_deliveries::TestBody<'_>>();
    generator.subschema_for::<webhook_replay::Body>();
    generator.subschema_for::<whoami::Body<'_>>();
}

/// Adds the schemas of images in events.
pub fn images(generator: &mut SchemaGenerator) {
    generator.subschema_for::<credentials::View<'_>>();
    generator.subschema_for::<temporary_keys::View<'_>>();
    generator.subschema_for::<policies::View<'_>>();
    generator.subschema_for::<policies::ResetView<'_>>();
    generator.subschema_for::<trustplane_domain::tenant::View<'_>>();
    generator.subschema_for::<trustplane_domain::notification::View>();
    generator.subschema_for::<trustplane_domain::webhook::View<'_>>();
}
