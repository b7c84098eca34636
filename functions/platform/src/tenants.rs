//! Tenants: the functions of operators.

use serde::Serialize;
use serde_json::json;
use trustplane_domain::connection::Connection;
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::tenant::{Deletion, Status, Tenant, View, WAITING_DAYS, parse_name, parse_reason};
use trustplane_domain::{Conflict, Failure, Faults, Fields, Timestamp};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Decision, Listed, OperatorCall, Page, Response, Subject};
use trustplane_store::keys::tenants;
use trustplane_store::{Slot, Stored, TenantKeys, TenantRow, Writes};

/// A tenant as operators see it.
#[derive(Debug, Serialize)]
struct Body<'a> {
    tenant_id: TenantId,
    name: &'a str,
    status: Status,
    /// The reason for the suspension.
    reason: Option<&'a str>,
    /// The planned deletion.
    deletion: Option<Deletion>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

/// The numbers of a tenant's keys and organisations.
#[derive(Clone, Copy, Debug, Serialize)]
struct Counts {
    /// Valid keys.
    api_keys: usize,
    /// Valid admins.
    admins: usize,
    organisations: u64,
}

/// `create-tenant`: `{name, tenant_id?}`; creates the tenant and its connection, which holds its ExternalId from the first
/// moment.
///
/// A call with a `tenant_id` can be repeated: it returns the tenant of this id if that has the same name, and refuses
/// another name. Without a `tenant_id`, each call creates a tenant.
pub async fn create(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let name = parse_name(&fields.string("name").unwrap_or_default());
    let wanted = optional_tenant_id(&mut fields);
    fields.finish(name.as_ref().err().cloned().unwrap_or_default())?;

    let tenant_id = wanted.map_or_else(|| call.random().map(TenantId::from_random), Ok)?;
    let tenant = Tenant::new(tenant_id, name?, call.now);
    let connection = Connection::new(ExternalId::from_random(call.random()?));
    let created = |tenant: &Tenant, connection: &Connection| {
        Response::ok(&json!({
            "tenant_id": tenant.tenant_id,
            "name": tenant.name,
            "external_id": connection.external_id,
            "created_at": tenant.created_at,
        }))
    };
    call.change(
        tenant_id,
        |keys| (keys.tenant().optional(), keys.connection().optional()),
        |(existing, its_connection), keys| {
            if let Some(existing) = existing.value() {
                existing.check_complete()?;
                if existing.name != tenant.name {
                    let message = "the tenant of this `tenant_id` has another name, send its name or another id";
                    return Err(Failure::conflict(Conflict::Exists, message));
                }
                let its_connection = its_connection.value();
                let its_connection = its_connection.ok_or_else(|| Failure::internal("a tenant has no connection"))?;
                return Ok((subject(existing), Decision::respond(created(existing, its_connection))));
            }
            let writes = Writes::new()
                .create(&keys.tenant(), &tenant)
                .create(&keys.connection(), &connection)
                .create(&keys.listed(tenant.created_at), &TenantRow { tenant_id: tenant.tenant_id });
            let response = created(&tenant, &connection);
            Ok((subject(&tenant), Decision::write(writes, response).after(image(&tenant, None))))
        },
    )
    .await
}

/// `suspend-tenant`: `{tenant_id, reason}`. From the response on no request of the tenant is served, and events skip it.
pub async fn suspend(call: OperatorCall) -> Result<Response, Failure> {
    let request = parse(&call, |_| None)?;
    set_status(call, request, |tenant, request, _| Ok(tenant.suspended(request.reason.clone()))).await
}

/// `resume-tenant`: `{tenant_id, reason}`; also ends the waiting period of a deletion.
pub async fn resume(call: OperatorCall) -> Result<Response, Failure> {
    let request = parse(&call, |_| None)?;
    set_status(call, request, |tenant, _, _| tenant.resumed()).await
}

/// `delete-tenant`: `{tenant_id, reason, waiting_days?}`; suspends the tenant, and has `erase-tenants` delete all that it
/// has after the waiting period. A repetition changes nothing, unless it gives other days.
pub async fn delete(call: OperatorCall) -> Result<Response, Failure> {
    let request = parse(&call, |fields| {
        let days = fields.optional_integer("waiting_days")?;
        let message = format!("must be from {} to {}", WAITING_DAYS.start(), WAITING_DAYS.end());
        fields.take("waiting_days", Some(days).filter(|days| WAITING_DAYS.contains(days)).ok_or(message))
    })?;
    set_status(call, request, |tenant, request, now| {
        Ok(tenant.with_deletion(request.reason.clone(), request.days, now))
    })
    .await
}

/// `describe-tenant`: `{tenant_id}`; the tenant, and how much it has.
pub async fn describe(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = tenant_id(&mut fields);
    let keys = call.keys(fields.finished(tenant_id)?);
    let reads = (keys.tenant(), keys.credentials(), keys.organisation_count().optional());
    let (tenant, credentials, organisations) = call.load(reads).await?;
    let organisations = match organisations.value() {
        Some(count) => count.children,
        // Nothing was created since organisations are counted.
        None => u64::try_from(call.load(keys.organisations()).await?.rows.len()).unwrap_or(u64::MAX),
    };
    let tenant = tenant.value;
    let counts = Counts {
        api_keys: credentials.rows.iter().filter(|key| key.value.is_valid(call.now)).count(),
        admins: tenant.admins.iter().filter(|admin| admin.expires_at.is_none_or(|at| call.now < at)).count(),
        organisations,
    };
    Ok(Response::ok(&Body { counts: Some(counts), ..body(&tenant) }))
}

/// `list-tenants`: `{limit?, cursor?}`; a page of tenants, oldest first. At most 100, the items of one read.
pub async fn list(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let limit = fields.optional_integer("limit").map(|limit| limit.to_string());
    let cursor = fields.optional_string("cursor");
    fields.finish(Faults::default())?;
    let page = Page::parse(limit.as_deref(), cursor.as_deref(), 100)?;
    let listing = call.load(tenants().page(page.limit(), page.after().map(str::to_owned))).await?;
    let reads = |row: &Stored<TenantRow>| call.keys(row.value.tenant_id).tenant().optional();
    let tenants = call.load(listing.rows.iter().map(reads).collect::<Vec<_>>()).await?;
    let rows = tenants.iter().filter_map(Slot::value).map(body).collect();
    Ok(Response::ok(&Listed::new(rows, listing.next.as_deref())))
}

/// A request to change the status of a tenant.
struct StatusChange {
    tenant_id: TenantId,
    reason: String,
    days: Option<i64>,
}

/// Parses the request, with `days` reading the fields that only one function has.
fn parse(call: &OperatorCall, days: impl FnOnce(&mut Fields) -> Option<i64>) -> Result<StatusChange, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = tenant_id(&mut fields);
    let reason = fields.string("reason").and_then(|reason| fields.take("reason", parse_reason(&reason)));
    let days = days(&mut fields);
    let (tenant_id, reason) = fields.finished(tenant_id.zip(reason))?;
    Ok(StatusChange { tenant_id, reason, days })
}

/// Makes `change` for the given reason. A tenant that has the status already stays as it is.
async fn set_status(
    call: OperatorCall,
    request: StatusChange,
    change: impl Fn(&Tenant, &StatusChange, Timestamp) -> Result<Tenant, Failure>,
) -> Result<Response, Failure> {
    let reads = |keys: TenantKeys| (keys.tenant(), keys.aws_sync().optional());
    call.change(request.tenant_id, reads, |(before, sync), _| {
        let after = change(&before.value, &request, call.now)?;
        // A reading that waited for the tenant to be resumed goes on at once. Where the tenant was active, a run has it.
        let is_resumed = before.value.status != Status::Active && after.status == Status::Active;
        let waiting = sync.item.iter().filter(|sync| is_resumed && sync.value.step.is_some());
        let writes = waiting.fold(Writes::new(), |writes, sync| writes.replace(sync, &sync.value.leased(call.now)));
        let decision =
            Decision::update(&before, &after, |after| image(after, Some(&request.reason)), Response::ok(&body(&after)))
                .and(writes);
        let was = image(&before.value, before.value.suspended_because.as_deref());
        Ok((subject(&before.value).before(was), decision))
    })
    .await
}

/// Reads the field `tenant_id`.
pub(crate) fn tenant_id(fields: &mut Fields) -> Option<TenantId> {
    let text = fields.string("tenant_id")?;
    fields.take("tenant_id", TenantId::parse(&text).ok_or("must be a uuid"))
}

/// Reads the field `tenant_id`, which may be missing.
fn optional_tenant_id(fields: &mut Fields) -> Option<TenantId> {
    let text = fields.optional_string("tenant_id")?;
    fields.take("tenant_id", TenantId::parse(&text).ok_or("must be a uuid"))
}

fn subject(tenant: &Tenant) -> Subject {
    Subject::new(Kind::Tenant, tenant.tenant_id.to_string())
}

fn body(tenant: &Tenant) -> Body<'_> {
    Body {
        tenant_id: tenant.tenant_id,
        name: &tenant.name,
        status: tenant.status,
        reason: tenant.suspended_because.as_deref(),
        deletion: tenant.deletion,
        created_at: tenant.created_at,
        counts: None,
    }
}

/// The image with the reason of the change.
fn image(tenant: &Tenant, reason: Option<&str>) -> Image {
    Image::of(&View::new(tenant, reason))
}
