//! Credentials: what they are on the wire and to policies, what is read of a request for one, and its secret. And what
//! operators make for a tenant.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use trustplane_domain::access_key::AccessKeyId;
use trustplane_domain::credential::{
    Credential, CredentialUpdate, Kind as CredentialKind, Maker, NewCredential, Role, parse_label,
};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::tenant::Tenant;
use trustplane_domain::token::Token;
use trustplane_domain::{Failure, Faults, Fields, Timestamp};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{Call, OperatorCall, Platform};
use trustplane_store::{Read, StoreError, Stored, Told, Writes, keys};

/// A credential on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ApiKey"))]
pub(crate) struct Body<'a> {
    id: CredentialId,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<64>"))]
    name: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["bearer", "access_key"])))]
    kind: CredentialKind,
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    roles: &'a BTreeSet<Role>,
    created_at: Timestamp,
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    created_by: &'a str,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    replaces: Option<CredentialId>,
    replaced_by: Option<CredentialId>,
}

/// A new credential on the wire, with its secret.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MadeApiKey"))]
pub(crate) struct MadeBody<'a> {
    #[serde(flatten)]
    credential: Body<'a>,
    #[serde(flatten)]
    secret: &'a Secret,
}

/// A credential as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    name: &'a str,
    kind: CredentialKind,
    roles: &'a BTreeSet<Role>,
    created_by: &'a str,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    replaces: Option<CredentialId>,
    replaced_by: Option<CredentialId>,
}

/// What the reply that makes a credential shows, this once: null in a reply that is kept for a retry.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(untagged)]
pub(crate) enum Secret {
    Bearer {
        /// The token of a bearer, once. Null in the response to a retry.
        #[cfg_attr(feature = "schema", schemars(regex(pattern = "^tpk_[0-9A-Za-z]{38}_[0-9A-Za-z]{49}$")))]
        token: Option<String>,
    },
    AccessKey {
        /// The id of an access key.
        #[cfg_attr(feature = "schema", schemars(regex(pattern = "^TPAK[0-9A-Za-z]{38}$")))]
        access_key_id: String,
        /// The secret of an access key, once. Null in the response to a retry.
        #[cfg_attr(feature = "schema", schemars(regex(pattern = "^TPSK[0-9A-Za-z]{49}$")))]
        secret_access_key: Option<String>,
    },
}

/// The random part of a new credential. Drawn once a request, so that an attempt to write it again is of the same one.
#[derive(Clone, Copy)]
pub(crate) struct Seed {
    id: [u8; 8],
    secret: [u8; 32],
}

impl Seed {
    pub(crate) fn new(id: [u8; 8], secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    pub(crate) fn id(&self, tenant: TenantId) -> CredentialId {
        CredentialId::new(tenant, self.id)
    }

    /// What a bearer of this id is let in by; none of an access key, whose secret is derived.
    pub(crate) fn token(&self, id: CredentialId, kind: CredentialKind) -> Option<Token> {
        match kind {
            CredentialKind::Bearer => Some(Token::new(id, self.secret)),
            CredentialKind::AccessKey | CredentialKind::Temporary => None,
        }
    }

    /// What is shown of the new credential. That of an access key costs a call to KMS.
    pub(crate) async fn secret(&self, platform: &Platform, made: &Credential) -> Result<Secret, Failure> {
        if let Some(token) = self.token(made.id, made.kind) {
            return Ok(Secret::Bearer { token: Some(token.reveal()) });
        }
        let id = AccessKeyId::of(made.id);
        let deriver = platform.deriver.as_ref().ok_or(Failure::Internal)?;
        let derived = deriver.derive(id).await.map_err(|error| {
            tracing::error!(error = %error, "access key");
            Failure::Unavailable { retry_after: 1 }
        })?;
        Ok(Secret::AccessKey { access_key_id: id.to_string(), secret_access_key: Some(derived.reveal().to_owned()) })
    }
}

impl Secret {
    /// The same with nothing secret in it.
    pub(crate) fn masked(&self) -> Self {
        match self {
            Self::Bearer { .. } => Self::Bearer { token: None },
            Self::AccessKey { access_key_id, .. } => {
                Self::AccessKey { access_key_id: access_key_id.clone(), secret_access_key: None }
            }
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

/// `create-credential`: `{tenant_id, name, kind?, roles, expires_at?}`; the reply holds the secret, this once.
pub async fn create_by_operator(call: OperatorCall) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = fields.string("tenant_id").unwrap_or_default();
    let tenant_id = fields.take("tenant_id", TenantId::parse(&tenant_id).ok_or("must be a uuid"));
    let wanted = wanted(fields, call.now)?;
    let Some(tenant_id) = tenant_id else { return Err(Failure::Internal) };

    let seed = Seed::new(call.random()?, call.random()?);
    let grant = call.grant(tenant_id);
    let part = keys::Tenant::granted(&grant);
    call.until_won(async || {
        let mut read = call.read(&[part.tenant()]).await?;
        let tenant: Stored<Tenant> =
            read.take(&part.tenant()).map_err(|_| Failure::Internal)?.ok_or(Failure::NotFound("tenant"))?;
        let id = seed.id(tenant_id);
        let token = seed.token(id, wanted.kind);
        let credential = wanted.clone().made(id, token.as_ref(), Maker::Operator, call.now)?;
        let secret = seed.secret(&call.platform, &credential).await?;
        let after = tenant.value.admitting(&credential, call.now)?;
        let writes = created(part, &tenant, &after, &credential).map_err(|_| Failure::Internal)?;
        let resource = resource(id);
        let after = image(&credential);
        call.commit(&grant, &Told { resource: &resource, before: None, after: Some(&after) }, writes).await?;
        serde_json::to_value(made_body(&credential, &secret)).map_err(|_| Failure::Internal)
    })
    .await
}

/// The new credential; the tenant remembers an admin, and is otherwise left alone, so that keys can be made side by side.
pub(crate) fn created(
    part: keys::Tenant,
    tenant: &Stored<Tenant>,
    after: &Tenant,
    credential: &Credential,
) -> Result<Writes, StoreError> {
    let writes = Writes::new().create(&part.credential(credential.id), credential)?;
    Ok(writes.and(tenant_changed(tenant, after)?))
}

/// The tenant as it is then, if it is another.
pub(crate) fn tenant_changed(tenant: &Stored<Tenant>, after: &Tenant) -> Result<Writes, StoreError> {
    if *after == tenant.value { Ok(Writes::new()) } else { Writes::new().replace(tenant, after) }
}

/// Reads `{name, kind?, roles, expires_at?}`.
pub(crate) fn wanted(mut fields: Fields, now: Timestamp) -> Result<NewCredential, Failure> {
    let kind = match fields.optional_string("kind").as_deref() {
        None | Some("bearer") => CredentialKind::Bearer,
        Some("access_key") => CredentialKind::AccessKey,
        Some(_) => {
            fields.fault("kind", "must be `bearer` or `access_key`");
            CredentialKind::Bearer
        }
    };
    let CredentialUpdate { name, roles, expires_at } = update(fields, now)?;
    Ok(NewCredential { name, kind, roles, expires_at })
}

/// Reads `{name, roles, expires_at?}`.
pub(crate) fn update(mut fields: Fields, now: Timestamp) -> Result<CredentialUpdate, Failure> {
    let name = fields.string("name");
    let name = name.and_then(|name| fields.take("name", parse_label(&name, 64)));
    let names = fields.strings("roles");
    let roles = names.map(|names| roles(&mut fields, &names));
    let expires_at = fields.optional_string("expires_at").and_then(|text| {
        let time = Timestamp::parse(&text).ok_or("must be an RFC 3339 time");
        let time = time.and_then(|time| if time > now { Ok(time) } else { Err("must be in the future") });
        fields.take("expires_at", time)
    });
    fields.finish(Faults::default())?;
    let (Some(name), Some(roles)) = (name, roles) else { return Err(Failure::Internal) };
    Ok(CredentialUpdate { name, roles, expires_at })
}

/// Reads the names of roles.
pub(crate) fn roles(fields: &mut Fields, names: &[String]) -> BTreeSet<Role> {
    let roles: BTreeSet<Role> = names.iter().filter_map(|name| Role::parse(name)).collect();
    if roles.is_empty() || roles.len() != names.len() {
        fields.fault("roles", "must be one or more of `admin`, `approver`, `editor`, `viewer`, each once");
    }
    roles
}

/// The credential that the request presents.
pub(crate) fn caller(call: &Call, read: &Read, tenant: keys::Tenant) -> Result<Credential, StoreError> {
    let missing = || StoreError::missing("credential of the request");
    let key = call.credential(tenant).ok_or_else(missing)?;
    Ok(read.look::<Credential>(&key)?.ok_or_else(missing)?.value)
}

pub(crate) fn resource(id: CredentialId) -> Resource {
    Resource::new(Kind::ApiKey, id.to_string())
}

pub(crate) fn image(credential: &Credential) -> Image {
    Image::of(&View {
        name: &credential.name,
        kind: credential.kind,
        roles: &credential.roles,
        created_by: &credential.created_by,
        expires_at: credential.expires_at,
        revoked_at: credential.revoked_at,
        replaces: credential.replaces,
        replaced_by: credential.replaced_by,
    })
}

pub(crate) fn body(credential: &Credential) -> Body<'_> {
    Body {
        id: credential.id,
        name: &credential.name,
        kind: credential.kind,
        roles: &credential.roles,
        created_at: credential.created_at,
        created_by: &credential.created_by,
        expires_at: credential.expires_at,
        revoked_at: credential.revoked_at,
        last_used_at: credential.last_used_at,
        replaces: credential.replaces,
        replaced_by: credential.replaced_by,
    }
}

/// A new credential on the wire.
pub(crate) fn made_body<'a>(credential: &'a Credential, secret: &'a Secret) -> MadeBody<'a> {
    MadeBody { credential: body(credential), secret }
}
