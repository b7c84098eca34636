//! Names of events. Each audit record is one event, and this table gives the name of it.

use std::borrow::Cow;

use serde_json::Value;
use trustplane_domain::audit::{AuditRecord, Outcome};
use trustplane_policy::Kind;

use crate::table::EVENT_TYPES;

/// The event of a request that policies denied, whatever its action.
pub const ACCESS_DENIED: &str = "access.denied";

/// A row of the table: the audit records that it applies to, and the name of their event.
///
/// Several rows may have one name. The first row that applies to a record names its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventType {
    /// `<resource type>.<past participle>`: `policy.saved`.
    pub name: &'static str,
    /// The action of the record: `put-policy`.
    pub action: &'static str,
    /// The kind of resource of the record.
    pub resource: Kind,
    /// The further condition.
    pub when: When,
    /// The schema of `before` and `after`.
    pub image: &'static str,
    /// The fact that the event states, a sentence without a full stop.
    pub summary: &'static str,
    /// True for an event that somebody should read soon: it carries the tenant's notification contacts.
    pub notice: bool,
}

/// Condition on the images of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// No condition.
    Always,
    /// The resource did not exist before.
    Created,
    /// This field of `after` has this value.
    After(&'static str, &'static str),
    /// `after` has this field.
    AfterHas(&'static str),
}

impl EventType {
    /// Creates a row without a further condition.
    pub(crate) const fn of(
        action: &'static str,
        name: &'static str,
        resource: Kind,
        image: &'static str,
        summary: &'static str,
    ) -> Self {
        Self { name, action, resource, when: When::Always, image, summary, notice: false }
    }

    /// Adds the condition.
    pub(crate) const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    /// Marks the event as a notice.
    pub(crate) const fn notice(self) -> Self {
        Self { notice: true, ..self }
    }

    fn applies(&self, record: &AuditRecord) -> bool {
        self.action == record.action
            && self.resource.as_str() == record.resource_type
            && match self.when {
                When::Always => true,
                When::Created => record.before.is_none(),
                When::After(field, wanted) => {
                    record.after.as_ref().and_then(|after| after.get(field)).is_some_and(|value| says(value, wanted))
                }
                When::AfterHas(field) => record.after.as_ref().is_some_and(|after| after.get(field).is_some()),
            }
    }
}

fn says(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Number(number) => wanted.parse().ok().is_some_and(|wanted: i64| number.as_i64() == Some(wanted)),
        _ => false,
    }
}

/// Returns all rows for changes. A denied request has no row: it is [`ACCESS_DENIED`].
pub fn event_types() -> impl Iterator<Item = &'static EventType> {
    EVENT_TYPES.iter().copied().flatten()
}

/// Returns true for the name of an event that is a notice.
pub fn is_notice(name: &str) -> bool {
    event_types().any(|row| row.notice && row.name == name)
}

/// Returns the name of a record's event.
///
/// A record of an unknown action, which an older version may have written, is `<resource type>.changed`.
pub fn event_name(record: &AuditRecord) -> Cow<'static, str> {
    if record.outcome == Outcome::Denied {
        return ACCESS_DENIED.into();
    }
    match event_types().find(|row| row.applies(record)) {
        Some(row) => row.name.into(),
        None => format!("{}.changed", record.resource_type).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;
    use trustplane_domain::Timestamp;
    use trustplane_domain::ids::TenantId;
    use trustplane_policy::Group;

    use super::*;
    use crate::{Permission, Trigger, actions, functions};

    fn record(action: &str, resource_type: &str) -> AuditRecord {
        AuditRecord {
            id: "01JGJ9S3A8Z7Y8V6W5T4S3R2Q1".to_owned(),
            tenant_id: TenantId::from_random([1; 16]),
            occurred_at: Timestamp::EPOCH,
            actor: json!({}),
            action: action.to_owned(),
            resource_type: resource_type.to_owned(),
            resource_id: "x".to_owned(),
            outcome: Outcome::Allowed,
            before: None,
            after: None,
            determining_policies: Vec::new(),
            source_ip: None,
            user_agent: None,
            request_id: "r".to_owned(),
            interaction_id: None,
        }
    }

    #[test]
    fn a_name_is_the_resource_type_and_a_participle() {
        for row in event_types() {
            let (kind, fact) = row.name.split_once('.').unwrap();
            assert_eq!(kind, row.resource.as_str(), "{row:?}");
            assert!(!fact.is_empty() && fact.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{row:?}");
            assert!(!row.summary.ends_with('.') && !row.image.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn rows_of_one_name_have_one_schema() {
        let mut images = BTreeMap::new();
        for row in event_types() {
            assert_eq!(*images.entry(row.name).or_insert(row.image), row.image, "{}", row.name);
        }
    }

    /// Events that schedules find, and that nobody has to read soon.
    const NEWS: [&str; 2] = ["domain.proof_restored", "domain.proven"];

    #[test]
    fn what_a_schedule_finds_is_a_notice() {
        for row in event_types() {
            let by_schedule = functions().any(|function| {
                function.name == row.action && matches!(function.trigger, Trigger::Schedule(_) | Trigger::Bus)
            });
            assert!(
                !by_schedule || row.notice != NEWS.contains(&row.name),
                "`{}` is found by a schedule: add `.notice()` to its rows, or its name to NEWS",
                row.name
            );
            let others = event_types().filter(|other| other.name == row.name);
            assert!(others.map(|other| other.notice).all(|notice| notice == row.notice), "{}", row.name);
            assert_eq!(is_notice(row.name), row.notice);
        }
        assert!(!is_notice(ACCESS_DENIED) && !is_notice("policy.changed"));
    }

    /// Functions that may write, and whose writes are observations without an audit record.
    /// `refresh-metadata` acts as the principal `system`, with the action `refresh-external-idp`.
    const SILENT: [&str; 7] = [
        "preview-external-idp",
        "publish-audit",
        "refresh-metadata",
        "replay-webhook",
        "reseal",
        "retry-webhook-delivery",
        "sync-organizations",
    ];

    #[test]
    fn every_function_that_changes_something_has_an_event() {
        let named: BTreeSet<&str> = event_types().map(|row| row.action).collect();
        for function in functions() {
            let changes = function.permissions.contains(&Permission::Write)
                && match &function.trigger {
                    Trigger::Http(route) => route.action.is_some_and(|action| action.group != Group::Read),
                    _ => true,
                };
            assert!(
                !changes || SILENT.contains(&function.name) || named.contains(function.name),
                "`{}` writes audit records, and no event type names them: add a row to \
                 shared/functions/src/table/event_types.rs",
                function.name
            );
        }
        let known: BTreeSet<&str> =
            actions().map(|action| action.name).chain(functions().map(|function| function.name)).collect();
        for row in event_types() {
            assert!(known.contains(row.action), "no function has the action of {row:?}");
        }
    }

    #[test]
    fn a_version_is_named_by_the_effect_of_its_update() {
        for (action, status, name) in [
            ("put-sso-configuration-version", "Pending", "sso-configuration-version.submitted"),
            ("approve-sso-configuration-version", "Assignable", "sso-configuration-version.approved"),
            ("approve-sso-configuration-version", "Active", "sso-configuration-version.activated"),
            ("activate-sso-configuration-version", "Active", "sso-configuration-version.activated"),
            ("deactivate-sso-configuration-version", "Inactive", "sso-configuration-version.deactivated"),
            ("reject-sso-configuration-version", "Rejected", "sso-configuration-version.rejected"),
        ] {
            let after = Some(json!({"status": status}));
            let record = AuditRecord { after, ..record(action, "sso-configuration-version") };
            assert_eq!(event_name(&record), name);
        }
    }

    #[test]
    fn two_records_of_one_request_are_told_apart() {
        let new = AuditRecord { after: Some(json!({})), ..record("rotate-api-key", "api-key") };
        let old = AuditRecord { before: Some(json!({})), ..new.clone() };
        assert_eq!((&*event_name(&new), &*event_name(&old)), ("api-key.created", "api-key.rotated"));
        let notice = |days: u16| {
            let after = Some(json!({"threshold_days": days}));
            AuditRecord { after, ..record("notify-expiring-certificates", "idp-certificate") }
        };
        let names = [7, 0].map(|days| event_name(&notice(days)));
        assert_eq!(names, ["idp-certificate.expiring", "idp-certificate.expired"]);
    }

    #[test]
    fn a_denied_request_is_not_called_by_what_it_was_denied() {
        let denied = AuditRecord { outcome: Outcome::Denied, ..record("put-policy", "policy") };
        assert_eq!(event_name(&denied), ACCESS_DENIED);
        assert_eq!(event_name(&record("forgotten-action", "policy")), "policy.changed");
    }
}
