//! `reseal`: seals audit records that were not sealed in their time, such as records that the table's stream lost.

use serde::Serialize;
use trustplane_domain::audit_chain::ids_at;
use trustplane_domain::ids::TenantId;
use trustplane_domain::{Failure, Timestamp};
use trustplane_runtime::{OperatorCall, Response};
use trustplane_store::{AuditItem, LenientListing, Stored};

use crate::sealing::{Fault, RECORDS, Sealer, Unsealed};

/// The result on the wire.
#[derive(Debug, Default, Serialize)]
struct Body {
    /// Number of records that were sealed.
    records: usize,
    /// Number of seals that were made.
    seals: usize,
}

/// `reseal`: `{tenant_id, from?, to?}`; returns `{records, seals}`, the numbers of records that were sealed and of seals
/// that were made.
///
/// Seals the records of the range that no seal holds, oldest first. The seals say that an operator made them:
/// `verify-audit` counts their late records as `resealed`, and does not take them for inserted ones. So use it for records
/// that are known to be genuine, for example because the event bus has them. Records that are a minute old or younger are
/// left to `publish-audit`.
pub async fn reseal(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = fields
        .string("tenant_id")
        .and_then(|text| fields.take("tenant_id", TenantId::parse(&text).ok_or("must be a UUID")));
    let mut time = |field: &str| {
        let text = fields.optional_string(field)?;
        fields.take(field, Timestamp::parse(&text).ok_or("must be an RFC 3339 time"))
    };
    let (from, to) = (time("from"), time("to"));
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        fields.fault("from", "must not be after `to`");
    }
    let tenant_id = fields.finished(tenant_id)?;
    let keys = call.keys(tenant_id);
    let _ = call.load(keys.tenant()).await?;

    let recent = call.now.plus_millis(-60_000);
    let first = ids_at(from.unwrap_or(Timestamp::from_millis(0))).0;
    let last = ids_at(to.unwrap_or(recent).min(recent)).1;
    let sealer = Sealer { table: &call.platform.table, grant: call.grant(tenant_id), is_resealing: true };
    let mut body = Body::default();
    let mut after = None;
    if last < first {
        return Ok(Response::ok(&body));
    }
    loop {
        let page = keys.audit_records().oldest_first().between(first.clone(), last.clone());
        let page: LenientListing<AuditItem> = call.load(page.page(RECORDS, after).lenient()).await?;
        // An item that cannot be read as a record is not sealed: `verify-audit` reports it.
        let records: Vec<Unsealed> = page.rows.into_iter().flatten().map(|row| unsealed(tenant_id, row)).collect();
        let sealed = sealer.seal(&records.iter().collect::<Vec<_>>()).await.map_err(failure)?;
        body.records += sealed;
        body.seals += usize::from(sealed > 0);
        after = page.next;
        if after.is_none() {
            return Ok(Response::ok(&body));
        }
    }
}

fn unsealed(tenant: TenantId, row: Stored<AuditItem>) -> Unsealed {
    Unsealed {
        tenant,
        id: row.key.sk().to_owned(),
        kept_until: row.value.kept_until(),
        bytes: row.value.record.len(),
        hash: row.value.hash,
    }
}

fn failure(fault: Fault) -> Failure {
    match fault {
        Fault::Now(error) => error.into(),
        Fault::Chain(why) => Failure::internal(format!("the chain of audit records cannot go on: {why}")),
    }
}
