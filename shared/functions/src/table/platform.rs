//! The platform API, health, the fallback for unknown paths, and the functions that operators invoke.

use trustplane_policy::{Group, Kind};

use crate::Permission::{Count, Inspect, List, Mac, Read, ReadArchive, Seal, Write, WriteArchive};
use crate::endpoint::{Endpoint, http};
use crate::route::PAGED;
use crate::{Dialect, Function, JSON, Route, Trigger};

/// Fields that all endpoints of the family share, and defaults.
const PLATFORM: Endpoint = Endpoint { family: "platform", dialect: Dialect::Integration, ..Endpoint::DEFAULT };

/// Fields that all functions of operators share.
const OPERATOR: Function =
    Function { name: "", family: "platform", summary: "", trigger: Trigger::Operator, permissions: &[] };

/// Functions of the family.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "get-health",
        family: "platform",
        summary: "Get health and version of the service",
        trigger: Trigger::Http(Route {
            method: "GET",
            path: "/healthz",
            dialect: Dialect::Integration,
            action: None,
            queries: &[],
            request: None,
            status: 200,
            response: Some("Health"),
            produces: &[JSON],
        }),
        permissions: &[],
    },
    Function {
        name: "unmatched-route",
        family: "platform",
        summary: "Respond to every other path and method in the dialect of its prefix",
        trigger: Trigger::Unmatched,
        permissions: &[],
    },
    http(Endpoint {
        name: "create-api-key",
        summary: "Create credential, its secret is shown once",
        method: "POST",
        path: "/v1/api-keys",
        group: Group::Administer,
        resource: Kind::ApiKey,
        request: Some("NewApiKey"),
        status: 201,
        response: Some("MadeApiKey"),
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "create-temporary-api-key",
        summary: "Create temporary access key of the caller, stored nowhere",
        method: "POST",
        path: "/v1/api-keys/temporary",
        group: Group::Read,
        resource: Kind::ApiKey,
        request: Some("NewTemporaryApiKey"),
        status: 201,
        response: Some("MadeTemporaryApiKey"),
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "list-api-keys",
        summary: "List credentials page by page",
        method: "GET",
        path: "/v1/api-keys",
        group: Group::Administer,
        resource: Kind::Tenant,
        queries: PAGED,
        response: Some("ApiKeyPage"),
        permissions: &[Read, List],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "get-api-key",
        summary: "Get credential",
        method: "GET",
        path: "/v1/api-keys/{id}",
        group: Group::Administer,
        resource: Kind::ApiKey,
        response: Some("ApiKey"),
        permissions: &[Read],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "put-api-key",
        summary: "Update name, roles and expiry of a credential",
        method: "PUT",
        path: "/v1/api-keys/{id}",
        group: Group::Administer,
        resource: Kind::ApiKey,
        request: Some("ApiKeyUpdate"),
        response: Some("ApiKey"),
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "rotate-api-key",
        summary: "Rotate credential with an overlap",
        method: "POST",
        path: "/v1/api-keys/{id}/rotate",
        group: Group::Administer,
        resource: Kind::ApiKey,
        request: Some("ApiKeyRotation"),
        status: 201,
        response: Some("MadeApiKey"),
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "delete-api-key",
        summary: "Revoke credential",
        method: "DELETE",
        path: "/v1/api-keys/{id}",
        group: Group::Administer,
        resource: Kind::ApiKey,
        status: 204,
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "get-whoami",
        summary: "Get the credential of the request",
        method: "GET",
        path: "/v1/whoami",
        group: Group::Read,
        resource: Kind::Tenant,
        response: Some("Whoami"),
        permissions: &[Read],
        ..PLATFORM
    }),
    // Policies.
    http(Endpoint {
        name: "list-policies",
        summary: "List policies including the built-in ones",
        method: "GET",
        path: "/v1/policies",
        group: Group::Administer,
        resource: Kind::Tenant,
        response: Some("PolicyPage"),
        permissions: &[Read],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "get-policy-schema",
        summary: "Get Cedar schema of policies",
        method: "GET",
        path: "/v1/policies/schema",
        group: Group::Read,
        resource: Kind::Tenant,
        response: Some("PolicySchema"),
        produces: &["text/plain"],
        permissions: &[Read],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "get-policy",
        summary: "Get Cedar policy",
        method: "GET",
        path: "/v1/policies/{id}",
        group: Group::Administer,
        resource: Kind::Policy,
        response: Some("Policy"),
        permissions: &[Read],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "put-policy",
        summary: "Save Cedar policy of the tenant",
        method: "PUT",
        path: "/v1/policies/{id}",
        group: Group::Administer,
        resource: Kind::Policy,
        request: Some("SavePolicy"),
        response: Some("Policy"),
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "delete-policy",
        summary: "Delete Cedar policy of the tenant",
        method: "DELETE",
        path: "/v1/policies/{id}",
        group: Group::Administer,
        resource: Kind::Policy,
        status: 204,
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "evaluate-policies",
        summary: "Evaluate policies or a draft of them",
        method: "POST",
        path: "/v1/policies/evaluate",
        group: Group::Administer,
        resource: Kind::Tenant,
        request: Some("EvaluatePolicies"),
        response: Some("Evaluation"),
        permissions: &[Read],
        ..PLATFORM
    }),
    // The audit log.
    http(Endpoint {
        name: "list-audit-log",
        summary: "List audit records, newest first",
        method: "GET",
        path: "/v1/audit-log",
        group: Group::Administer,
        resource: Kind::AuditLog,
        queries: &["limit", "cursor", "actor_id", "resource_type", "resource_id", "action", "outcome", "from", "to"],
        response: Some("AuditRecordPage"),
        permissions: &[Read, List],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "list-event-types",
        summary: "List events with their schemas and examples",
        method: "GET",
        path: "/v1/event-types",
        group: Group::Read,
        resource: Kind::Tenant,
        response: Some("EventTypes"),
        permissions: &[Read],
        ..PLATFORM
    }),
    // Notices.
    http(Endpoint {
        name: "get-notification-contacts",
        summary: "Get notification contacts",
        method: "GET",
        path: "/v1/notification-contacts",
        group: Group::Read,
        resource: Kind::NotificationContacts,
        response: Some("NotificationContacts"),
        permissions: &[Read],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "put-notification-contacts",
        summary: "Save notification contacts",
        method: "PUT",
        path: "/v1/notification-contacts",
        group: Group::Administer,
        resource: Kind::NotificationContacts,
        request: Some("SaveNotificationContacts"),
        response: Some("NotificationContacts"),
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    // Webhooks.
    http(Endpoint {
        name: "create-webhook",
        summary: "Create webhook, its signing secret is shown once",
        method: "POST",
        path: "/v1/webhooks",
        group: Group::Administer,
        resource: Kind::Webhook,
        request: Some("NewWebhook"),
        status: 201,
        response: Some("MadeWebhook"),
        permissions: &[Read, Write, Count, Seal],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "list-webhooks",
        summary: "List webhooks",
        method: "GET",
        path: "/v1/webhooks",
        group: Group::Administer,
        resource: Kind::Tenant,
        response: Some("WebhookPage"),
        permissions: &[Read, List, Seal],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "get-webhook",
        summary: "Get webhook",
        method: "GET",
        path: "/v1/webhooks/{id}",
        group: Group::Administer,
        resource: Kind::Webhook,
        response: Some("Webhook"),
        permissions: &[Read, Seal],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "put-webhook",
        summary: "Update webhook",
        method: "PUT",
        path: "/v1/webhooks/{id}",
        group: Group::Administer,
        resource: Kind::Webhook,
        request: Some("WebhookUpdate"),
        response: Some("UpdatedWebhook"),
        permissions: &[Read, Write, Seal],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "delete-webhook",
        summary: "Delete webhook and cancel its pending deliveries",
        method: "DELETE",
        path: "/v1/webhooks/{id}",
        group: Group::Administer,
        resource: Kind::Webhook,
        status: 204,
        permissions: &[Read, Write, Count],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "rotate-webhook-secret",
        summary: "Rotate signing secret of a webhook with an overlap",
        method: "POST",
        path: "/v1/webhooks/{id}/rotate-secret",
        group: Group::Administer,
        resource: Kind::Webhook,
        request: Some("WebhookSecretRotation"),
        response: Some("MadeWebhook"),
        permissions: &[Read, Write, Seal],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "test-webhook",
        summary: "Send test event to a webhook",
        method: "POST",
        path: "/v1/webhooks/{id}/test",
        group: Group::Administer,
        resource: Kind::Webhook,
        response: Some("WebhookTest"),
        permissions: &[Read, Count, Seal],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "list-webhook-deliveries",
        summary: "List deliveries to a webhook, newest first",
        method: "GET",
        path: "/v1/webhooks/{id}/deliveries",
        group: Group::Administer,
        resource: Kind::Webhook,
        queries: &["limit", "cursor", "status"],
        response: Some("WebhookDeliveryPage"),
        permissions: &[Read, List],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "retry-webhook-delivery",
        summary: "Send event to a webhook again",
        method: "POST",
        path: "/v1/webhooks/{id}/deliveries/{delivery_id}/retry",
        group: Group::Administer,
        resource: Kind::Webhook,
        status: 202,
        response: Some("WebhookDelivery"),
        permissions: &[Read, Write],
        ..PLATFORM
    }),
    http(Endpoint {
        name: "replay-webhook",
        summary: "Send events of a range of time to a webhook again",
        method: "POST",
        path: "/v1/webhooks/{id}/replay",
        group: Group::Administer,
        resource: Kind::Webhook,
        request: Some("NewWebhookReplay"),
        status: 202,
        response: Some("WebhookReplay"),
        permissions: &[Read, List, Write],
        ..PLATFORM
    }),
    Function {
        name: "check-deployment",
        summary: "Check table, keys, bus, archive, queues, parameters and versions of the deployment",
        permissions: &[Inspect],
        ..OPERATOR
    },
    Function {
        name: "verify-audit",
        summary: "Verify a tenant's audit records against the seals of their chain",
        permissions: &[Read, List, ReadArchive],
        ..OPERATOR
    },
    Function {
        name: "verify-audit-logs",
        family: "platform",
        summary: "Verify the audit log of every tenant once per day, and archive its last seal",
        trigger: Trigger::Schedule("rate(1 hour)"),
        permissions: &[Read, List, ReadArchive, WriteArchive],
    },
    Function {
        name: "reset-policies",
        summary: "Disable all policies of a tenant and keep them",
        permissions: &[Read, Write],
        ..OPERATOR
    },
    Function { name: "create-tenant", summary: "Create tenant with its ExternalId", permissions: &[Write], ..OPERATOR },
    Function {
        name: "create-credential",
        summary: "Create credential of a tenant",
        permissions: &[Read, Write, Mac],
        ..OPERATOR
    },
    Function {
        name: "describe-tenant",
        summary: "Describe tenant and count its items",
        permissions: &[Read, List],
        ..OPERATOR
    },
    Function { name: "list-tenants", summary: "List tenants page by page", permissions: &[Read, List], ..OPERATOR },
    Function {
        name: "suspend-tenant",
        summary: "Suspend tenant: refuse its requests, skip its events",
        permissions: &[Read, Write],
        ..OPERATOR
    },
    Function { name: "resume-tenant", summary: "Resume suspended tenant", permissions: &[Read, Write], ..OPERATOR },
    Function {
        name: "delete-tenant",
        summary: "Suspend tenant and delete it after a waiting period",
        permissions: &[Read, Write],
        ..OPERATOR
    },
    Function {
        name: "decode-authorization-message",
        summary: "Decode `encoded_authorization_message` of a denied request",
        permissions: &[Seal],
        ..OPERATOR
    },
];
