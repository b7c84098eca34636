//! Event handlers: functions that EventBridge and the table's stream invoke.

use crate::Permission::{AssumeRole, Count, DeadLetters, Due, List, PutEvents, Read, Seal, Write};
use crate::{Function, Trigger};

/// Functions of the family.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "notify-expiring-certificates",
        family: "events",
        summary: "Notify of certificates of identity providers that are about to expire",
        trigger: Trigger::Schedule("rate(1 hour)"),
        permissions: &[Read, Due, Write],
    },
    Function {
        name: "notify-expiring-keys",
        family: "events",
        summary: "Notify of credentials that expire or are unused, service provider certificates that expire, and setup links that expired",
        trigger: Trigger::Schedule("rate(1 hour)"),
        permissions: &[Read, Due, Write],
    },
    Function {
        name: "check-connections",
        family: "events",
        summary: "Test connections again daily",
        trigger: Trigger::Schedule("rate(1 hour)"),
        permissions: &[Read, Due, Write, AssumeRole],
    },
    Function {
        name: "check-domains",
        family: "events",
        summary: "Check records of proven domains daily, end expired challenges",
        trigger: Trigger::Schedule("rate(1 hour)"),
        permissions: &[Read, Due, Write],
    },
    Function {
        name: "refresh-metadata",
        family: "events",
        summary: "Refresh identity providers from their metadata URLs",
        trigger: Trigger::Schedule("rate(15 minutes)"),
        permissions: &[Read, Due, Write, Count],
    },
    Function {
        name: "check-health",
        family: "events",
        summary: "Test authorisation servers and identity providers in use daily",
        trigger: Trigger::Schedule("rate(1 hour)"),
        permissions: &[Read, List, Due, Write],
    },
    Function {
        name: "publish-audit",
        family: "events",
        summary: "Publish new audit records on the event bus and seal them",
        trigger: Trigger::AuditStream,
        permissions: &[PutEvents, Read, List, Write, Count, DeadLetters],
    },
    Function {
        name: "reseal",
        family: "events",
        summary: "Seal a tenant's audit records that were not sealed in their time",
        trigger: Trigger::Operator,
        permissions: &[Read, List, Write, Count],
    },
    Function {
        name: "deliver-webhooks",
        family: "events",
        summary: "Send events to the webhooks that want them",
        trigger: Trigger::Bus,
        permissions: &[Read, List, Write, Seal, DeadLetters],
    },
    Function {
        name: "retry-webhooks",
        family: "events",
        summary: "Make attempts of deliveries to webhooks that are due",
        trigger: Trigger::Schedule("rate(1 minute)"),
        permissions: &[Read, List, Due, Write, Seal],
    },
    Function {
        name: "sync-organizations",
        family: "events",
        summary: "Read requested organizations behind connections in slices",
        trigger: Trigger::Schedule("rate(1 minute)"),
        permissions: &[Read, List, Due, Write, AssumeRole],
    },
    Function {
        name: "erase-tenants",
        family: "events",
        summary: "Delete tenants whose waiting period is over",
        trigger: Trigger::Schedule("rate(1 hour)"),
        permissions: &[Read, List, Due, Write],
    },
];
