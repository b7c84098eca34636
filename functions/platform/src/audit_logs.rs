//! `verify-audit-logs`: verifies the audit log of every tenant once per day.
//!
//! Each hour has a part of the tenants, selected by their ids. So no run depends on the run before it, and a run that is
//! repeated or late verifies the same tenants again.

use std::time::Duration;

use serde_json::{Value, json};
use trustplane_domain::audit_chain::Range;
use trustplane_domain::ids::TenantId;
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::TenantKeys;
use trustplane_store::keys::tenants;

use crate::audit::verified;

/// Tenants of a page.
const PAGE: usize = 100;
/// Hours of a day, and parts of the tenants.
const HOURS: u8 = 24;
/// Time that is left of a run when it verifies no further tenant.
const MARGIN: Duration = Duration::from_secs(20);

/// Verifies the tenants of the hour: `{verified, broken, left}`. `left` are those that the run had no time for.
pub async fn verify(event: EventCall) -> Result<Value, EventError> {
    let hour = event.now.calendar().hour();
    let (mut verified_logs, mut broken, mut left) = (0_u64, 0_u64, 0_u64);
    let mut after = None;
    loop {
        let page = event.platform.table.load(tenants().page(PAGE, after)).await?;
        for row in page.rows {
            let tenant = row.value.tenant_id;
            if hour_of(tenant) != hour {
                continue;
            }
            if event.time_left() < MARGIN {
                left += 1;
                continue;
            }
            let keys = TenantKeys::granted(&event.grant(tenant));
            // A log that is too long for one run is verified in parts, by an operator.
            let verification = verified(&event.platform.table, keys, tenant, Range::default());
            let limit = event.time_left().saturating_sub(MARGIN / 2);
            let Ok(found) = tokio::time::timeout(limit, verification).await else {
                tracing::warn!(tenant = %tenant, "the audit log is too long for one run: use verify-audit in parts");
                left += 1;
                continue;
            };
            let found = found.map_err(|failure| {
                failure.cause().map_or_else(|| "the audit log cannot be read".to_owned(), ToString::to_string)
            })?;
            verified_logs += 1;
            if !found.intact {
                broken += 1;
                tracing::error!(tenant = %tenant, found = %json!(found), "the audit log is not intact");
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(json!({"verified": verified_logs, "broken": broken, "left": left}))
}

/// Returns the hour in which a tenant is verified.
fn hour_of(tenant: TenantId) -> u8 {
    // The last byte of a random id is random.
    tenant.as_bytes().last().map_or(0, |byte| byte % HOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tenant_has_an_hour_and_every_hour_has_tenants() {
        let mut tenants = [0_u32; HOURS as usize];
        for byte in 0..=u8::MAX {
            tenants[usize::from(hour_of(TenantId::from_random([byte; 16])))] += 1;
        }
        assert!(tenants.iter().all(|count| (1..=24).contains(count)), "{tenants:?}");
    }
}
