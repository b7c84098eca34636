//! `verify-audit-logs`: verifies the audit log of every tenant once per day, and archives the last seal of an intact one.
//!
//! Each hour has a part of the tenants, selected by their ids. So no run depends on the run before it, and a run that is
//! repeated or late verifies the same tenants again.

use std::time::Duration;

use serde_json::{Value, json};
use trustplane_domain::Failure;
use trustplane_domain::audit_chain::{ArchivedSeal, Range, Verified};
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::TenantKeys;
use trustplane_store::keys::tenants;

use crate::audit::{archived, verified};

/// Tenants of a page.
const PAGE: usize = 100;
/// Hours of a day, and parts of the tenants.
const HOURS: u8 = 24;
/// Time that is left of a run when it verifies no further tenant.
const MARGIN: Duration = Duration::from_secs(20);
/// Age of an archived seal at which it is archived again, with a new lock: less than the shortest lock.
const RENEWED: i64 = 30 * DAY;

/// Verifies the tenants of the hour: `{verified, broken, left}`. `left` are those that the run had no time for.
pub async fn verify(event: EventCall) -> Result<Value, EventError> {
    let hour = event.now.calendar().hour();
    let (mut verified_logs, mut broken, mut left, mut failed) = (0_u64, 0_u64, 0_u64, 0_u64);
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
            let verification = log(&event, keys);
            let limit = event.time_left().saturating_sub(MARGIN / 2);
            let Ok(found) = tokio::time::timeout(limit, verification).await else {
                tracing::warn!(tenant = %tenant, "the audit log is too long for one run: use verify-audit in parts");
                left += 1;
                continue;
            };
            let found = match found {
                Ok(found) => found,
                Err(failure) => {
                    // The others have their turn. The run fails at its end, and is repeated.
                    let cause = failure.cause().map(ToString::to_string).unwrap_or_default();
                    tracing::error!(tenant = %tenant, cause, "the audit log cannot be verified");
                    failed += 1;
                    continue;
                }
            };
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
    match failed {
        0 => Ok(json!({"verified": verified_logs, "broken": broken, "left": left})),
        failed => {
            Err(format!("{failed} audit logs cannot be verified: the log of this run has each with its cause").into())
        }
    }
}

/// Verifies the log of a tenant. The last seal of an intact log is archived if it is another one than the archive has, or if
/// the archive has it for so long that its lock may end.
async fn log(event: &EventCall, keys: TenantKeys) -> Result<Verified, Failure> {
    let archived = archived(&event.platform, keys.id()).await?;
    let seal = archived.as_ref().map(|archived| archived.seal.clone());
    let found = verified(&event.platform.table, keys, Range::default(), seal).await?;
    let is_new = |last: &&ArchivedSeal| {
        archived.as_ref().is_none_or(|kept| kept.seal != **last || kept.at.plus_millis(RENEWED) < event.now)
    };
    if let Some(last) = found.last.as_ref().filter(|_| found.intact).filter(is_new) {
        event.platform.archive()?.add(keys.id(), last, event.now).await.map_err(Failure::internal)?;
    }
    Ok(found)
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
