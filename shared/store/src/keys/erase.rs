//! Keys for the deletion of all that a tenant has.

use super::{AUDIT, DELIVERIES, DENIALS, ROUTES, SEALS, TenantKeys, shared};
use crate::Key;
use crate::erase::Part;
use crate::escape::escaped;

impl TenantKeys {
    /// The partition of a part of the tenant's items. All its keys are in one of them.
    pub(crate) fn part(self, part: Part) -> String {
        match part {
            Part::Own => self.partition(""),
            Part::Denials => self.partition(DENIALS),
            Part::Deliveries(webhook) => self.partition(&format!("{DELIVERIES}{webhook}")),
            Part::AuditRecords => self.partition(AUDIT),
            Part::Seals => self.partition(SEALS),
        }
    }

    /// The key of the claim that an item of this tenant, as an earlier release wrote it, leads to.
    pub(crate) fn claim_of(self, entity: &str, sk: &str, field: &dyn Fn(&str) -> Option<String>) -> Option<Key<()>> {
        let pk = match entity {
            "route" => format!("DOMAIN#{}", sk.strip_prefix(ROUTES)?),
            "sso-configuration" => format!("REDIRECT#{}", escaped(&field("redirect_uri")?)),
            "connection" => format!("ROLE#{}", escaped(&field("claimed_role")?)),
            _ => return None,
        };
        Some(shared(pk, "CLAIM".to_owned()))
    }
}
