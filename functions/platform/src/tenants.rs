//! Tenants: what operators do with them.

use serde::Serialize;
use serde_json::{Value, json};
use trustplane_domain::connection::Connection;
use trustplane_domain::credential::Credential;
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::tenant::{Status, Tenant, parse_name, parse_reason};
use trustplane_domain::{Failure, Faults, Fields, Timestamp};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::OperatorCall;
use trustplane_store::{Count, Query, Read, StoreError, Stored, TenantRow, Told, Writes, keys};

use crate::listing::{Page, Rows};

/// A tenant as operators see it.
#[derive(Debug, Serialize)]
struct Body<'a> {
    tenant_id: TenantId,
    name: &'a str,
    status: Status,
    /// Why it is suspended.
    reason: Option<&'a str>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

/// How much a tenant has.
#[derive(Clone, Copy, Debug, Serialize)]
struct Counts {
    /// Keys that stand.
    api_keys: usize,
    /// Those of them that are admins.
    admins: usize,
    organisations: u64,
}

/// A tenant as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    name: &'a str,
    status: Status,
    reason: Option<&'a str>,
}

/// `create-tenant`: `{name}`; makes the tenant and its connection, which holds its ExternalId from the first moment.
pub async fn create(call: OperatorCall) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let name = fields.string("name").unwrap_or_default();
    let name = match parse_name(&name) {
        Ok(name) => name,
        Err(faults) => return fields.finish(faults).map(|()| Value::Null),
    };
    fields.finish(Faults::default())?;

    let tenant = Tenant::new(TenantId::from_random(call.random()?), name, call.now);
    let connection = Connection::new(ExternalId::from_random(call.random()?));
    let grant = call.grant(tenant.tenant_id);
    let part = keys::Tenant::granted(&grant);
    let writes = created(part, &tenant, &connection).map_err(|_| Failure::Internal)?;
    let resource = Resource::new(Kind::Tenant, tenant.tenant_id.to_string());
    let after = image(&tenant, None);
    call.commit(&grant, &Told { resource: &resource, before: None, after: Some(&after) }, writes).await?;
    Ok(json!({
        "tenant_id": tenant.tenant_id,
        "name": tenant.name,
        "external_id": connection.external_id,
        "created_at": tenant.created_at,
    }))
}

/// `suspend-tenant`: `{tenant_id, reason}`. From the reply on no request of the tenant is served, and events skip it.
pub async fn suspend(call: OperatorCall) -> Result<Value, Failure> {
    set_status(call, |tenant, reason| tenant.suspended(reason)).await
}

/// `resume-tenant`: `{tenant_id, reason}`.
pub async fn resume(call: OperatorCall) -> Result<Value, Failure> {
    set_status(call, |tenant, _| tenant.resumed()).await
}

/// `describe-tenant`: `{tenant_id}`; the tenant, and how much it has.
pub async fn describe(call: OperatorCall) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = tenant_id(&mut fields);
    fields.finish(Faults::default())?;
    let part = keys::Tenant::granted(&call.grant(tenant_id.ok_or(Failure::Internal)?));
    let wanted = [part.tenant(), part.organisation_count()];
    let mut read = call.read_listed(&wanted, &Query::prefix(part, keys::CREDENTIALS)).await?;
    let tenant = found(&mut read, part)?.value;
    let (keys, count) = (read.listing::<Credential>(part), read.take::<Count>(&part.organisation_count()));
    let keys = keys.map_err(|_| Failure::Internal)?.rows;
    let counts = Counts {
        api_keys: keys.iter().filter(|key| key.value.is_valid(call.now)).count(),
        admins: tenant.admins.iter().filter(|admin| admin.expires_at.is_none_or(|at| call.now < at)).count(),
        organisations: count.map_err(|_| Failure::Internal)?.map_or(0, |count| count.value.children),
    };
    answer(&Body { counts: Some(counts), ..body(&tenant) })
}

/// `list-tenants`: `{limit?, cursor?}`; a page of them, the oldest first. At most 100, which are read at once.
pub async fn list(call: OperatorCall) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let limit = fields.optional_integer("limit").map(|limit| limit.to_string());
    let cursor = fields.optional_string("cursor");
    fields.finish(Faults::default())?;
    let page = Page::parse(limit.as_deref(), cursor.as_deref(), (50, 100))?;
    let query = Query::tenants().page(page.limit, page.after);
    let listing = call.read_listed(&[], &query).await?.tenants().map_err(|_| Failure::Internal)?;
    let part = |id| keys::Tenant::granted(&call.grant(id));
    let keys: Vec<_> = listing.rows.iter().map(|row| part(row.value.tenant_id).tenant()).collect();
    let mut read = call.read(&keys).await?;
    let tenants = keys.iter().map(|key| read.take::<Tenant>(key));
    let tenants: Vec<_> = tenants.collect::<Result<_, _>>().map_err(|_| Failure::Internal)?;
    let rows = tenants.iter().flatten().map(|tenant| body(&tenant.value)).collect();
    answer(&Rows::new(rows, listing.next.as_deref()))
}

/// Does `change` with the reason that is given; what is so already is left so.
async fn set_status(call: OperatorCall, change: impl Fn(&Tenant, String) -> Tenant) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = tenant_id(&mut fields);
    let reason = fields.string("reason").and_then(|reason| fields.take("reason", parse_reason(&reason)));
    fields.finish(Faults::default())?;
    let (Some(tenant_id), Some(reason)) = (tenant_id, reason) else { return Err(Failure::Internal) };
    let grant = call.grant(tenant_id);
    let part = keys::Tenant::granted(&grant);
    call.until_won(async || {
        let before = found(&mut call.read(&[part.tenant()]).await?, part)?;
        let after = change(&before.value, reason.clone());
        if after != before.value {
            let writes = Writes::new().replace(&before, &after).map_err(|_| Failure::Internal)?;
            let resource = Resource::new(Kind::Tenant, tenant_id.to_string());
            let (old, new) =
                (image(&before.value, before.value.suspended_because.as_deref()), image(&after, Some(&reason)));
            let told = Told { resource: &resource, before: Some(&old), after: Some(&new) };
            call.commit(&grant, &told, writes).await?;
        }
        answer(&body(&after))
    })
    .await
}

fn tenant_id(fields: &mut Fields) -> Option<TenantId> {
    let text = fields.string("tenant_id")?;
    fields.take("tenant_id", TenantId::parse(&text).ok_or("must be a uuid"))
}

fn found(read: &mut Read, part: keys::Tenant) -> Result<Stored<Tenant>, Failure> {
    read.take(&part.tenant()).map_err(|_| Failure::Internal)?.ok_or(Failure::NotFound("tenant"))
}

fn answer(body: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(body).map_err(|_| Failure::Internal)
}

fn created(part: keys::Tenant, tenant: &Tenant, connection: &Connection) -> Result<Writes, StoreError> {
    let row = TenantRow { tenant_id: tenant.tenant_id };
    Writes::new()
        .create(&part.tenant(), tenant)?
        .create(&part.connection(), connection)?
        .create(&part.listed(tenant.created_at), &row)
}

fn body(tenant: &Tenant) -> Body<'_> {
    Body {
        tenant_id: tenant.tenant_id,
        name: &tenant.name,
        status: tenant.status,
        reason: tenant.suspended_because.as_deref(),
        created_at: tenant.created_at,
        counts: None,
    }
}

/// `reason` is that of the change.
fn image(tenant: &Tenant, reason: Option<&str>) -> Image {
    Image::of(&View { name: &tenant.name, status: tenant.status, reason })
}
