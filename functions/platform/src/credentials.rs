//! Credentials: what operators make for a tenant, and what its admins make for themselves.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use trustplane_domain::credential::{Credential, Kind as CredentialKind, NewCredential, Role, parse_label};
use trustplane_domain::ids::TenantId;
use trustplane_domain::tenant::Tenant;
use trustplane_domain::{Failure, Faults, Fields, Timestamp};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::OperatorCall;
use trustplane_store::{StoreError, Stored, Told, Writes, keys};

/// A credential on the wire; `token` only in the reply that makes it.
#[derive(Debug, Serialize)]
struct Body<'a> {
    id: String,
    name: &'a str,
    kind: CredentialKind,
    roles: &'a BTreeSet<Role>,
    created_at: Timestamp,
    created_by: &'a str,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// `create-credential`: `{tenant_id, name, kind?, roles, expires_at?}`; the reply holds the secret, this once.
pub async fn create_by_operator(call: OperatorCall) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = fields.string("tenant_id").unwrap_or_default();
    let tenant_id = fields.take("tenant_id", TenantId::parse(&tenant_id).ok_or("must be a uuid"));
    let wanted = wanted(fields, call.now)?;
    let Some(tenant_id) = tenant_id else { return Err(Failure::Internal) };

    let grant = call.grant(tenant_id);
    let part = keys::Tenant::granted(&grant);
    let mut read = call.read(&[part.tenant()]).await?;
    let tenant: Stored<Tenant> =
        read.take(&part.tenant()).map_err(|_| Failure::Internal)?.ok_or(Failure::NotFound("tenant"))?;
    let (credential, token) = wanted.bearer(tenant_id, "operator", (call.random()?, call.random()?), call.now);
    let writes = created(part, &tenant, &credential).map_err(|_| Failure::Internal)?;
    let resource = Resource::new(Kind::ApiKey, credential.id.to_string());
    let after = image(&credential);
    call.commit(&grant, &Told { resource: &resource, before: None, after: Some(&after) }, writes).await?;
    let body = Body { token: Some(token.reveal()), ..body(&credential) };
    serde_json::to_value(&body).map_err(|_| Failure::Internal)
}

/// The new credential; the tenant remembers an admin, and is otherwise left alone, so that keys can be made side by side.
fn created(part: keys::Tenant, tenant: &Stored<Tenant>, credential: &Credential) -> Result<Writes, StoreError> {
    let writes = Writes::new().create(&part.credential(credential.id), credential)?;
    let after = tenant.value.with_credential(credential, credential.created_at);
    if after == tenant.value { Ok(writes) } else { writes.replace(tenant, &after) }
}

fn wanted(mut fields: Fields, now: Timestamp) -> Result<NewCredential, Failure> {
    let name = fields.string("name");
    let name = name.and_then(|name| fields.take("name", parse_label(&name, 64)));
    let kind = match fields.optional_string("kind").as_deref() {
        None | Some("bearer") => CredentialKind::Bearer,
        Some(_) => {
            fields.fault("kind", "must be `bearer`");
            CredentialKind::Bearer
        }
    };
    let roles = fields.strings("roles").map(|names| {
        let roles: BTreeSet<Role> = names.iter().filter_map(|name| Role::parse(name)).collect();
        if roles.is_empty() || roles.len() != names.len() {
            fields.fault("roles", "must be one or more of `admin`, `approver`, `editor`, `viewer`, each once");
        }
        roles
    });
    let expires_at = fields.optional_string("expires_at").and_then(|text| {
        let time = Timestamp::parse(&text).ok_or("must be an RFC 3339 time");
        let time = time.and_then(|time| if time > now { Ok(time) } else { Err("must be in the future") });
        fields.take("expires_at", time)
    });
    fields.finish(Faults::default())?;
    let (Some(name), Some(roles)) = (name, roles) else { return Err(Failure::Internal) };
    Ok(NewCredential { name, kind, roles, expires_at })
}

fn image(credential: &Credential) -> Image {
    let Body { name, kind, roles, created_by, expires_at, revoked_at, .. } = body(credential);
    Image::of(&serde_json::json!({
        "name": name,
        "kind": kind,
        "roles": roles,
        "created_by": created_by,
        "expires_at": expires_at,
        "revoked_at": revoked_at,
    }))
}

fn body(credential: &Credential) -> Body<'_> {
    Body {
        id: credential.id.to_string(),
        name: &credential.name,
        kind: credential.kind,
        roles: &credential.roles,
        created_at: credential.created_at,
        created_by: &credential.created_by,
        expires_at: credential.expires_at,
        revoked_at: credential.revoked_at,
        last_used_at: credential.last_used_at,
        token: None,
    }
}
