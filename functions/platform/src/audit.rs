//! `/v1/audit-log`: changes and denied attempts; and `verify-audit`, which verifies the log against its seals.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trustplane_aws::Archived;
use trustplane_domain::audit::{AuditRecord, Outcome};
use trustplane_domain::audit_chain::{
    ArchivedSeal, ChainSeal, DISORDER, KeptEnd, KeptRecord, Range, RecentSeals, Verified, Verifier, ids_at,
};
use trustplane_domain::ids::TenantId;
use trustplane_domain::nearest::unknown;
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_policy::Kind;
use trustplane_runtime::{
    Call, Listed, OperatorCall, Page, Platform, Request, Response, Subject, actions, both, functions,
};
use trustplane_store::{AuditItem, Item, PrimaryKey, Query, Stored, Table, TenantKeys, Wanted};

use crate::tenants::tenant_id;

/// Records that a filtered page examines at most.
const SCANNED: usize = 1_000;
/// Rows of a page of the verification.
const ROWS: usize = 400;
/// Rounds in which seals are read that were made since the round before.
const ROUNDS: usize = 3;

/// An audit record. Facts that it holds twice are named as this API does, and as JITSudo does.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuditRecord"))]
pub(crate) struct Body {
    /// Id of the record; ids sort by time.
    id: String,
    /// Time of the request.
    occurred_at: Timestamp,
    /// The same as `actor.id`.
    actor_id: String,
    /// The same as `actor.type`.
    actor_type: String,
    /// The principal that acted.
    actor: ActorBody,
    /// Function that acted, or the action that was denied.
    action: String,
    /// The resource that the request was about.
    resource: ResourceBody,
    /// The same as `resource.type`.
    resource_type: String,
    /// The same as `resource.id`.
    resource_id: String,
    /// Decision of the policies.
    outcome: Outcome,
    /// The resource before the request; null if it did not exist, and for a denied request.
    before: Option<Map<String, Value>>,
    /// The resource after the request; null if it no longer exists, and for a denied request.
    after: Option<Map<String, Value>>,
    /// Ids of the policies that decided.
    determining_policies: Vec<String>,
    /// Address of the client; null if there was none.
    source_ip: Option<String>,
    /// `User-Agent` of the request; null if there was none.
    user_agent: Option<String>,
    /// `X-Request-Id` of the response.
    request_id: String,
    /// `x-fapi-interaction-id` of the request; null outside the directory.
    interaction_id: Option<String>,
    /// SHA-256 of the record's canonical text, in hexadecimal.
    hash: String,
    /// Hash of the record before it in the chain; null until it is sealed, and for the first record.
    previous_hash: Option<String>,
    /// The same as `occurred_at`.
    created_at: Timestamp,
}

/// The principal of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
struct ActorBody {
    /// Id of the principal.
    id: String,
    /// Name of the principal.
    name: String,
    /// Type of the principal.
    #[serde(rename = "type")]
    kind: String,
    /// Roles of the principal.
    roles: Vec<String>,
}

/// The resource of a record.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
struct ResourceBody {
    /// Type of the resource.
    #[serde(rename = "type")]
    kind: String,
    /// Id of the resource.
    id: String,
}

/// The page and the filters of a request.
#[derive(Debug)]
struct Filter {
    page: Page,
    range: Range,
    actor_id: Option<String>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    action: Option<String>,
    outcome: Option<Outcome>,
}

/// GET: newest first.
///
/// Two calls in the round trip of the credential, whatever the filters: records, and the seals that hold them. `from` and
/// `to` are a range of keys, the other filters examine 1000 records and 1 MB at most. So a page may hold fewer rows than
/// its limit, even none, while more follow it.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(wanted)
        .reads(|wanted, keys| (wanted.query(keys).lenient(), wanted.seals(keys).lenient()))
        .subject(|_, _, _| Subject::new(Kind::AuditLog, "audit-log"))
        .decide(|(wanted, ()), (listing, seals), cx| {
            let is_whole = seals.next.is_none();
            let seals: Vec<ChainSeal> = seals.rows.into_iter().flatten().map(|row| row.value).collect();
            let seals = RecentSeals::new(&seals, is_whole);
            let mut rows = listing.rows.into_iter().peekable();
            let mut data = Vec::new();
            let mut last = None;
            while data.len() < wanted.page.limit() {
                // If seals that were not read may hold a record, the next page begins with it.
                let Some(row) = rows.next_if(|row| last.is_none() || is_known(row, &seals)) else { break };
                last = Some(key(&row).sk().to_owned());
                let row = row.ok().filter(|row| row.value.kept_until().is_none_or(|until| cx.now < until));
                data.extend(row.and_then(|row| body(row, &seals)).filter(|body| wanted.matches(body)));
            }
            // Where rows are left over, the next page begins after the last one that was examined.
            let next = if rows.next().is_some() { last } else { listing.next };
            Ok(Response::ok(&Listed::new(data, next.as_deref())))
        })
        .await
}

/// `verify-audit`: `{tenant_id, from?, to?}`; returns `{records, sealed_through, intact, first_broken, resealed, archived}`,
/// where `first_broken` is `{seal, id, reason}`, and `archived` the number of the archived seal that the chain has to hold.
///
/// Reads all seals, and the records of the range: a log that is too long for one run is verified in parts.
pub async fn verify(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = tenant_id(&mut fields);
    let mut time = |field: &str| {
        let text = fields.optional_string(field)?;
        fields.take(field, Timestamp::parse(&text).ok_or("must be an RFC 3339 time"))
    };
    let range = Range { from: time("from"), to: time("to") };
    for (field, fault) in check(range).iter() {
        fields.fault(field, fault);
    }
    let tenant_id = fields.finished(tenant_id)?;
    let keys = call.keys(tenant_id);
    let _ = call.load(keys.tenant()).await?;
    let archived = archived(&call.platform, tenant_id).await?;
    let archived = archived.map(|archived| archived.seal);
    Ok(Response::ok(&verified(&call.platform.table, keys, range, archived).await?))
}

/// The newest archived seal of a tenant. It is read before the chain, which goes on meanwhile.
pub(crate) async fn archived(platform: &Platform, tenant: TenantId) -> Result<Option<Archived>, Failure> {
    platform.archive()?.newest(tenant).await.map_err(Failure::internal)
}

/// Verifies the records of a range, and all seals, of a tenant that exists. The chain must hold the archived seal.
pub(crate) async fn verified(
    table: &Table,
    keys: TenantKeys,
    range: Range,
    archived: Option<ArchivedSeal>,
) -> Result<Verified, Failure> {
    // First the records, then the seals, then the head: records and seals that are written meanwhile are distinguished from
    // those that were inserted.
    let mut verifier = Verifier::new(keys.id(), range, Timestamp::now()).with_archived(archived);
    let mut records = keys.audit_records().oldest_first();
    if range.from.is_some() || range.to.is_some() {
        let (first, last) = key_range(range);
        records = records.between(first, last);
    }
    let mut pages = Pages::new(table, records, None);
    while let Some(rows) = pages.next().await? {
        for row in rows {
            match row {
                Ok(row) => verifier.record(kept(row)),
                Err(key) => verifier.no_record(key.sk().to_owned()),
            }
        }
    }
    let mut last = None;
    let mut seals = 0;
    let mut end = KeptEnd::Absent;
    for _ in 0..ROUNDS {
        let mut pages = Pages::new(table, keys.audit_seals(), last.clone());
        while let Some(rows) = pages.next().await? {
            for row in rows {
                last = Some(key(&row).sk().to_owned());
                match row {
                    Ok(row) if row.key == keys.audit_seal(&row.value) => {
                        verifier.seal(&row.value);
                        seals = row.value.number;
                    }
                    _ => verifier.no_seal(),
                }
            }
        }
        end = head(table, keys).await?;
        if !matches!(&end, KeptEnd::Head(head) if seals < head.seals) {
            break;
        }
    }
    Ok(verifier.finish(&end))
}

/// The head of the chain. An item that cannot be read as one is a finding, and not a failure.
async fn head(table: &Table, keys: TenantKeys) -> Result<KeptEnd, Failure> {
    let head = keys.audit_chain();
    let mut wanted = Wanted::default();
    wanted.key(&head);
    Ok(match table.read(wanted).await?.take(&head) {
        Ok(None) => KeptEnd::Absent,
        Ok(Some(head)) => KeptEnd::Head(head.value),
        Err(_) => KeptEnd::Unreadable,
    })
}

/// The key of a row that can or cannot be read.
fn key<T>(row: &Result<Stored<T>, PrimaryKey>) -> &PrimaryKey {
    match row {
        Ok(row) => row.key.primary(),
        Err(key) => key,
    }
}

/// The pages of a listing.
struct Pages<'a, T> {
    table: &'a Table,
    query: Query<T>,
    after: Option<String>,
    is_over: bool,
}

impl<'a, T: Item> Pages<'a, T> {
    fn new(table: &'a Table, query: Query<T>, after: Option<String>) -> Self {
        Self { table, query, after, is_over: false }
    }

    async fn next(&mut self) -> Result<Option<Vec<Result<Stored<T>, PrimaryKey>>>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.query.clone().page(ROWS, self.after.take());
        let listing = self.table.load(page.lenient()).await?;
        self.is_over = listing.next.is_none();
        self.after = listing.next;
        Ok(Some(listing.rows))
    }
}

/// Returns true if the hash before this record is known, or if it is known that it has none.
fn is_known(row: &Result<Stored<AuditItem>, PrimaryKey>, seals: &RecentSeals<'_>) -> bool {
    let Ok(row) = row else { return true };
    let id = row.key.sk();
    row.value.previous_hash.is_some() || seals.previous_hash(id).is_some() || seals.reaches(id)
}

fn kept(row: Stored<AuditItem>) -> KeptRecord {
    let AuditItem { record, hash, previous_hash, ttl: _ } = row.value;
    KeptRecord { id: row.key.sk().to_owned(), text: record, hash, previous_hash }
}

impl Filter {
    fn query(&self, keys: TenantKeys) -> Query<AuditItem> {
        let (first, last) = key_range(self.range);
        let after = self.page.after().map(str::to_owned);
        keys.audit_records().between(first, last).one_call().page(self.examined(), after)
    }

    /// The seals that can hold the records of the page. Each of them holds one of these records, but for a few that overlap
    /// with them.
    fn seals(&self, keys: TenantKeys) -> Query<ChainSeal> {
        let (_, last) = key_range(self.range);
        let last = self.page.after().map_or(last.as_str(), |after| after.min(last.as_str()));
        keys.audit_seals_until(last).page(self.examined() + 2 * DISORDER, None)
    }

    /// Records that the page examines at most.
    fn examined(&self) -> usize {
        if self.is_filtered() { SCANNED } else { self.page.limit() }
    }

    fn is_filtered(&self) -> bool {
        self.outcome.is_some()
            || [&self.actor_id, &self.resource_type, &self.resource_id, &self.action].into_iter().any(Option::is_some)
    }

    fn matches(&self, body: &Body) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&self.actor_id, &body.actor_id)
            && is(&self.resource_type, &body.resource_type)
            && is(&self.resource_id, &body.resource_id)
            && is(&self.action, &body.action)
            && self.outcome.is_none_or(|outcome| outcome == body.outcome)
    }
}

fn wanted(request: &Request) -> Result<Filter, Failure> {
    let mut faults = Faults::default();
    let mut text = |name: &str| {
        let text = request.query(name)?;
        let is_empty = text.is_empty();
        faults.take(name, if is_empty { Err("must not be empty: leave it out for all") } else { Ok(text) })
    };
    let (from, to) = (text("from"), text("to"));
    let (actor_id, resource_id) = (text("actor_id"), text("resource_id"));
    let (resource_type, action, outcome) = (text("resource_type"), text("action"), text("outcome"));
    let mut time =
        |name, text: Option<String>| faults.take(name, Timestamp::parse(&text?).ok_or("must be an RFC 3339 time"));
    let range = Range { from: time("from", from), to: time("to", to) };
    faults.extend(check(range));
    let types = Kind::ALL.map(Kind::as_str);
    if let Some(name) = resource_type.as_deref().filter(|name| !types.contains(name)) {
        faults.add("resource_type", unknown(name, types));
    }
    // Operators' functions and event handlers are recorded under their names.
    let known = actions().map(|action| action.name).chain(functions().map(|function| function.name));
    let known: BTreeSet<&str> = known.collect();
    if let Some(name) = action.as_deref().filter(|name| !known.contains(name)) {
        faults.add("action", unknown(name, known));
    }
    let outcome = outcome.and_then(|outcome| match outcome.as_str() {
        "allowed" => Some(Outcome::Allowed),
        "denied" => Some(Outcome::Denied),
        _ => faults.take("outcome", Err("must be `allowed` or `denied`")),
    });
    let page = Page::of(request);
    if let Some(after) = page.as_ref().ok().and_then(Page::after) {
        let (first, last) = key_range(range);
        if *after < *first || *last < *after {
            faults.add("cursor", "must be the `next_cursor` of another page of this list");
        }
    }
    let (page, ()) = both(page, faults.into_result())?;
    Ok(Filter { page, range, actor_id, resource_type, resource_id, action, outcome })
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

/// A record that cannot be read is left out here: `verify-audit` reports it.
fn body(row: Stored<AuditItem>, seals: &RecentSeals<'_>) -> Option<Body> {
    let AuditItem { record, hash, previous_hash, ttl: _ } = row.value;
    let previous_hash = previous_hash.or_else(|| seals.previous_hash(row.key.sk()).map(str::to_owned));
    let record: AuditRecord = serde_json::from_str(&record).ok()?;
    let actor: ActorBody = serde_json::from_value(record.actor).ok()?;
    Some(Body {
        actor_id: actor.id.clone(),
        actor_type: actor.kind.clone(),
        id: record.id,
        occurred_at: record.occurred_at,
        actor,
        action: record.action,
        resource: ResourceBody { kind: record.resource_type.clone(), id: record.resource_id.clone() },
        resource_type: record.resource_type,
        resource_id: record.resource_id,
        outcome: record.outcome,
        before: record.before.and_then(object),
        after: record.after.and_then(object),
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

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
