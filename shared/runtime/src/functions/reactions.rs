//! What EventBridge and the table's stream invoke.

use super::Use::{Due, PutEvents, Read, Write};
use super::{Function, Trigger};

pub(super) const FUNCTIONS: &[Function] = &[
    // Reactions.
    Function {
        name: "notify-expiring-certificates",
        family: "reactions",
        summary: "Gives notice of identity providers' certificates that are about to expire",
        trigger: Trigger::Schedule("rate(1 hour)"),
        uses: &[Read, Due, Write],
    },
    Function {
        name: "check-domains",
        family: "reactions",
        summary: "Looks daily whether proven domains still have their record, and ends challenges that are over",
        trigger: Trigger::Schedule("rate(1 hour)"),
        uses: &[Read, Due, Write],
    },
    Function {
        name: "publish-audit",
        family: "reactions",
        summary: "Puts new audit records on the event bus",
        trigger: Trigger::AuditStream,
        uses: &[PutEvents],
    },
];
