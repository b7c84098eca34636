//! `/v1/audit-log`: what was done and what was denied; and `verify-audit`: whether that is still what was written.

use serde::Serialize;
use serde_json::Value;
use trustplane_domain::audit::{AuditRecord, Outcome};
use trustplane_domain::audit_chain::{ChainHead, ChainSeal, KeptEnd, KeptRecord, Range, Verifier, ids_at};
use trustplane_domain::ids::TenantId;
use trustplane_domain::tenant::Tenant;
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_policy::{Change, Kind, Resource};
use trustplane_runtime::{Call, OperatorCall, Response, Request};
use trustplane_store::{AuditItem, Item, Key, Query, Stored, keys};

use crate::listing::{Page, Rows};

/// Records that a filtered page looks at, at most.
const SCANNED: usize = 1_000;
/// Rows of a page of the verification.
const ROWS: usize = 400;
/// How often seals are looked for that were made since the last look.
const LOOKS: usize = 3;

/// A record on the wire. What stands in it twice stands there as this API calls it, and as JITSudo does.
#[derive(Debug, Serialize)]
struct Body {
    id: String,
    occurred_at: Timestamp,
    actor_id: Value,
    actor_type: Value,
    actor: Value,
    action: String,
    resource: ResourceBody,
    resource_type: String,
    resource_id: String,
    outcome: Outcome,
    before: Option<Value>,
    after: Option<Value>,
    determining_policies: Vec<String>,
    source_ip: Option<String>,
    user_agent: Option<String>,
    request_id: String,
    interaction_id: Option<String>,
    hash: String,
    previous_hash: Option<String>,
    created_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct ResourceBody {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// What is asked for.
#[derive(Debug)]
struct Wanted {
    page: Page,
    range: Range,
    actor_id: Option<String>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    action: Option<String>,
}

/// GET: newest first.
///
/// One call beside the read of the credential, in the same round trip, whatever is asked for: `from` and `to` are a range
/// of keys, the other filters look at 1000 records and 1 MB at most. So a page may hold fewer rows than its limit, even
/// none, while there are more behind it.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.view(
        |_, _| Vec::new(),
        Some(&|tenant, wanted: &Wanted| wanted.query(tenant)),
        wanted(&call.request),
        |read, wanted, tenant| {
            let listing = read.sifted::<AuditItem>(tenant);
            let mut rows = listing.rows.into_iter();
            let mut data = Vec::new();
            let mut last = None;
            while data.len() < wanted.page.limit {
                let Some(row) = rows.next() else { break };
                last = Some(key(&row).sk().to_owned());
                data.extend(row.ok().and_then(body).filter(|body| wanted.holds(body)));
            }
            // Where rows were left over, the next page begins behind the last that was looked at.
            let next = if rows.next().is_some() { last } else { listing.next };
            let reply = Response::ok(&Rows::new(data, next.as_deref()));
            Ok(Change::new(Resource::new(Kind::AuditLog, "audit-log"), Ok(reply)))
        },
    )
    .await
}

/// `verify-audit`: `{tenant_id, from?, to?}`; answers `{records, sealed_through, intact, first_broken}`, of which
/// `first_broken` is `{seal, id, reason}`.
///
/// All seals are read, and the records of the range, or all that stands among them: a log that is too long for one run is
/// verified in parts.
pub async fn verify(call: OperatorCall) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = fields.string("tenant_id").unwrap_or_default();
    let tenant_id = fields.take("tenant_id", TenantId::parse(&tenant_id).ok_or("must be a uuid"));
    let mut time = |field: &str| {
        let text = fields.optional_string(field)?;
        fields.take(field, Timestamp::parse(&text).ok_or("must be an RFC 3339 time"))
    };
    let range = Range { from: time("from"), to: time("to") };
    fields.finish(check(range))?;
    let Some(tenant_id) = tenant_id else { return Err(Failure::Internal) };

    let part = TenantKeys::granted(&call.grant(tenant_id));
    let tenant = call.read(&[part.tenant()]).await?.take::<Tenant>(&part.tenant());
    let _ = tenant.map_err(|_| Failure::Internal)?.ok_or(Failure::NotFound("tenant"))?;
    // First the records, then the seals, then the head: what is written and sealed meanwhile is told from what was
    // slipped in.
    let mut verifier = Verifier::new(tenant_id, range, Timestamp::now());
    let mut records = Query::audit_log(part).oldest_first();
    if range.from.is_some() || range.to.is_some() {
        let (first, last) = key_range(range);
        records = records.between(first, last);
    }
    each::<AuditItem>(&call, part, &records, None, |row| match row {
        Ok(row) => verifier.record(kept(row)),
        Err(key) => verifier.no_record(key.sk().to_owned()),
    })
    .await?;
    let mut last = None;
    let mut seals = 0;
    let mut end = KeptEnd::Absent;
    for _ in 0..LOOKS {
        each::<ChainSeal>(&call, part, &Query::audit_seals(part), last.clone(), |row| {
            last = Some(key(&row).sk().to_owned());
            match row {
                Ok(row) => {
                    verifier.seal(&row.value);
                    seals = row.value.number;
                }
                Err(_) => verifier.no_seal(),
            }
        })
        .await?;
        let found = call.read(&[part.audit_chain()]).await?.take::<ChainHead>(&part.audit_chain());
        end = match found {
            Ok(None) => KeptEnd::Absent,
            Ok(Some(head)) => KeptEnd::Head(head.value),
            Err(_) => KeptEnd::Unreadable,
        };
        if !matches!(&end, KeptEnd::Head(head) if seals < head.seals) {
            break;
        }
    }
    serde_json::to_value(verifier.finish(&end)).map_err(|_| Failure::Internal)
}

/// Where a row is, be it what it should be or not.
fn key<T>(row: &Result<Stored<T>, Key>) -> &Key {
    match row {
        Ok(row) => &row.key,
        Err(key) => key,
    }
}

/// Gives every row of a listing to `take`, page by page.
async fn each<T: Item>(
    call: &OperatorCall,
    part: TenantKeys,
    query: &Query,
    mut after: Option<String>,
    mut take: impl FnMut(Result<Stored<T>, Key>),
) -> Result<(), Failure> {
    loop {
        let page = query.clone().page(ROWS, after);
        let read = call.platform.table.read(&[], Some(&page)).await;
        let mut read = read.map_err(|error| {
            tracing::error!(error = %error, "table");
            Failure::from(&error)
        })?;
        let listing = read.sifted::<T>(part);
        listing.rows.into_iter().for_each(&mut take);
        after = listing.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn kept(row: Stored<AuditItem>) -> KeptRecord {
    let AuditItem { record, hash, previous_hash } = row.value;
    KeptRecord { id: row.key.sk().to_owned(), text: record, hash, previous_hash }
}

impl Wanted {
    fn query(&self, tenant: TenantKeys) -> Query {
        let (first, last) = key_range(self.range);
        let rows = if self.is_filtered() { SCANNED } else { self.page.limit };
        Query::audit_log(tenant).between(first, last).one_call().page(rows, self.page.after.clone())
    }

    fn is_filtered(&self) -> bool {
        [&self.actor_id, &self.resource_type, &self.resource_id, &self.action].into_iter().any(Option::is_some)
    }

    fn holds(&self, body: &Body) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&self.actor_id, body.actor_id.as_str().unwrap_or_default())
            && is(&self.resource_type, &body.resource_type)
            && is(&self.resource_id, &body.resource_id)
            && is(&self.action, &body.action)
    }
}

fn wanted(request: &Request) -> Result<Wanted, Failure> {
    let mut faults = Faults::default();
    let text = |name: &str| request.query(name).filter(|value| !value.is_empty());
    let mut time = |name: &str| {
        let text = text(name)?;
        faults.take(name, Timestamp::parse(&text).ok_or("must be an RFC 3339 time"))
    };
    let range = Range { from: time("from"), to: time("to") };
    faults.extend(check(range));
    let resource_type = text("resource_type");
    if resource_type.as_ref().is_some_and(|name| !Kind::ALL.iter().any(|kind| kind.as_str() == name)) {
        faults.add("resource_type", "is no type of resource");
    }
    let page = Page::parse(text("limit").as_deref(), text("cursor").as_deref(), (50, 250));
    if let Ok(Page { after: Some(after), .. }) = &page {
        let (first, last) = key_range(range);
        // No longer than a sort key may be.
        if *after < first || last < *after || after.len() > 1024 {
            faults.add("cursor", "must be the `next_cursor` of another page of this list");
        }
    }
    let page = match (page, faults.into_result()) {
        (Ok(page), Ok(())) => page,
        (Ok(_), Err(failure)) | (Err(failure), Ok(())) => return Err(failure),
        (Err(one), Err(other)) => return Err(one.joined(other)),
    };
    let (actor_id, resource_id, action) = (text("actor_id"), text("resource_id"), text("action"));
    Ok(Wanted { page, range, actor_id, resource_type, resource_id, action })
}

fn check(range: Range) -> Faults {
    match (range.from, range.to) {
        (Some(from), Some(to)) if to < from => Faults::of("from", "must not be after `to`"),
        _ => Faults::default(),
    }
}

/// The first and the last key that a record of the range may have.
fn key_range(range: Range) -> (String, String) {
    let first = range.from.unwrap_or(Timestamp::from_millis(0));
    let last = range.to.unwrap_or(Timestamp::from_millis(i64::MAX));
    (ids_at(first).0, ids_at(last).1)
}

/// A record that cannot be read is left out here: `verify-audit` tells of it.
fn body(row: Stored<AuditItem>) -> Option<Body> {
    let AuditItem { record, hash, previous_hash } = row.value;
    let record: AuditRecord = serde_json::from_str(&record).ok()?;
    let of_actor = |field: &str| record.actor.get(field).cloned().unwrap_or_default();
    Some(Body {
        actor_id: of_actor("id"),
        actor_type: of_actor("type"),
        id: record.id,
        occurred_at: record.occurred_at,
        actor: record.actor,
        action: record.action,
        resource: ResourceBody { kind: record.resource_type.clone(), id: record.resource_id.clone() },
        resource_type: record.resource_type,
        resource_id: record.resource_id,
        outcome: record.outcome,
        before: record.before,
        after: record.after,
        determining_policies: record.determining_policies,
        source_ip: record.source_ip,
        user_agent: record.user_agent,
        request_id: record.request_id,
        interaction_id: record.interaction_id,
        hash,
        previous_hash,
        created_at: record.occurred_at,
    })
}
