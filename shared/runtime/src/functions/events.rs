//! What EventBridge and the table's stream invoke.

use super::Use::{AssumeRole, Count, DeadLetters, Due, List, PutEvents, Read, Write};
use super::{Function, Trigger};

pub(super) const FUNCTIONS: &[Function] = &[
    // Reactions.
    Function {
        name: "notify-expiring-certificates",
        family: "events",
        summary: "Gives notice of identity providers' certificates that are about to expire",
        trigger: Trigger::Schedule("rate(1 hour)"),
        uses: &[Read, Due, Write],
    },
    Function {
        name: "check-domains",
        family: "events",
        summary: "Looks daily whether proven domains still have their record, and ends challenges that are over",
        trigger: Trigger::Schedule("rate(1 hour)"),
        uses: &[Read, Due, Write],
    },
    Function {
        name: "publish-audit",
        family: "events",
        summary: "Puts new audit records on the event bus, and seals them",
        trigger: Trigger::AuditStream,
        uses: &[PutEvents, Read, Write, Count, DeadLetters],
    },
    Function {
        name: "sync-organizations",
        family: "events",
        summary: "Reads the organizations behind connections where that was asked for, in slices",
        trigger: Trigger::Schedule("rate(1 minute)"),
        uses: &[Read, List, Due, Write, AssumeRole],
    },
];
