//! The platform API, and the functions of operators.
//!
//! A handler is a public function of its resource's module. Its `main` is in `src/bin/`.
//!
//! | module | content |
//! |---|---|
//! | [`api_keys`], [`temporary_keys`], [`credentials`], [`whoami`] | credentials of a tenant |
//! | [`policies`], [`evaluation`] | a tenant's own Cedar policies, and their evaluation without a request |
//! | [`audit`], [`audit_logs`] | the audit log, the verification of its seals, and that of all tenants on a schedule |
//! | [`event_types`] | the catalogue of events |
//! | [`notification_contacts`] | the people whom notices are for |
//! | [`webhooks`], [`webhook_deliveries`], [`webhook_replay`] | addresses that events are sent to, and the attempts |
//! | [`tenants`], [`denials`], [`deployment`] | functions of operators: tenants, the reason of a denied request, the check of a deployment |
//! | [`health`], [`unmatched`] | the health check, and the response where no function serves a path |

pub mod api_keys;
pub mod audit;
pub mod audit_logs;
pub mod credentials;
pub mod denials;
pub mod deployment;
pub mod evaluation;
pub mod event_types;
pub mod health;
pub mod notification_contacts;
pub mod policies;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod temporary_keys;
pub mod tenants;
pub mod unmatched;
pub mod webhook_deliveries;
pub mod webhook_replay;
mod webhook_request;
pub mod webhooks;
pub mod whoami;
