//! Tenants: what operators do with them.

use serde::Serialize;
use serde_json::{Value, json};
use trustplane_domain::Failure;
use trustplane_domain::Faults;
use trustplane_domain::connection::Connection;
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::tenant::{Tenant, parse_name};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::OperatorCall;
use trustplane_store::{StoreError, Told, Writes, keys};

/// A tenant as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    name: &'a str,
    status: trustplane_domain::tenant::Status,
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
    let after = image(&tenant);
    call.commit(&grant, &Told { resource: &resource, before: None, after: Some(&after) }, writes).await?;
    Ok(json!({
        "tenant_id": tenant.tenant_id,
        "name": tenant.name,
        "external_id": connection.external_id,
        "created_at": tenant.created_at,
    }))
}

fn created(part: keys::Tenant, tenant: &Tenant, connection: &Connection) -> Result<Writes, StoreError> {
    Writes::new().create(&part.tenant(), tenant)?.create(&part.connection(), connection)
}

fn image(tenant: &Tenant) -> Image {
    Image::of(&View { name: &tenant.name, status: tenant.status })
}
