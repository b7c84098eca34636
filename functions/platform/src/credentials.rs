//! Credentials: their wire form, their image for policies, their parsers and secrets; and the operators' function that
//! creates one.

use std::collections::BTreeSet;
use trustplane_domain::request::{DateTime, FieldType, Label};
use trustplane_domain::{request, schema, text_field};

use serde::Serialize;
use trustplane_domain::access_key::AccessKeyId;
use trustplane_domain::credential::{Credential, CredentialUpdate, Kind as CredentialKind, Maker, NewCredential, Role};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::tenant::Tenant;
use trustplane_domain::token::Token;
use trustplane_domain::{Failure, Fields, Timestamp};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{Decision, OperatorCall, Platform, Response};
use trustplane_store::{Stored, TenantKeys, Writes};

use crate::tenants::tenant_id;

/// A credential.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ApiKey"))]
pub(crate) struct Body<'a> {
    /// Public id of the credential.
    id: CredentialId,
    /// Name for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<64>"))]
    name: &'a str,
    /// A bearer token, or an access key that signs requests.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["bearer", "access_key"])))]
    kind: CredentialKind,
    /// Roles of the credential.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    roles: &'a BTreeSet<Role>,
    /// Time of its creation.
    created_at: Timestamp,
    /// Id of the credential that created it, or `operator`.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    created_by: &'a str,
    /// Time of its expiry; null if it does not expire.
    expires_at: Option<Timestamp>,
    /// Time of its revocation; null if it is not revoked.
    revoked_at: Option<Timestamp>,
    /// Day of its last use; null before the first.
    last_used_at: Option<Timestamp>,
    /// Id of the credential that it took the place of by rotation.
    replaces: Option<CredentialId>,
    /// Id of the credential that took its place by rotation.
    replaced_by: Option<CredentialId>,
}

/// A new credential, with its secret.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ApiKeyImage"))]
pub(crate) struct View<'a> {
    name: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["bearer", "access_key"])))]
    kind: CredentialKind,
    roles: &'a BTreeSet<Role>,
    created_by: &'a str,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    replaces: Option<CredentialId>,
    replaced_by: Option<CredentialId>,
}

/// The secret in the response that creates a credential, shown this once: null in the response that is kept for a retry.
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

/// The random part of a new credential. Drawn once per request, so that each attempt creates the same one.
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

    /// The token of a bearer credential; none for an access key, whose secret is derived.
    pub(crate) fn token(&self, id: CredentialId, kind: CredentialKind) -> Option<Token> {
        match kind {
            CredentialKind::Bearer => Some(Token::new(id, self.secret)),
            CredentialKind::AccessKey | CredentialKind::Temporary | CredentialKind::Setup => None,
        }
    }

    /// The secret of the new credential. An access key's costs a call to KMS.
    pub(crate) async fn secret(
        &self,
        platform: &Platform,
        id: CredentialId,
        kind: CredentialKind,
    ) -> Result<Secret, Failure> {
        if let Some(token) = self.token(id, kind) {
            return Ok(Secret::Bearer { token: Some(token.reveal()) });
        }
        let id = AccessKeyId::of(id);
        let derived = platform.deriver()?.derive(id).await?;
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

/// `create-credential`: `{tenant_id, name, kind?, roles, expires_at?}`; the response holds the secret, this once.
pub async fn create_by_operator(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = tenant_id(&mut fields);
    let (tenant_id, wanted) = (tenant_id, wanted(fields, call.now)?);
    let tenant_id = tenant_id.ok_or_else(|| Failure::internal("a tenant was refused without a fault"))?;

    let seed = Seed::new(call.random()?, call.random()?);
    let id = seed.id(tenant_id);
    let secret = seed.secret(&call.platform, id, wanted.kind).await?;
    call.change(tenant_id, TenantKeys::tenant, |tenant, keys| {
        tenant.value.check_complete()?;
        let token = seed.token(id, wanted.kind);
        let credential = wanted.clone().made(id, token.as_ref(), Maker::Operator, call.now)?;
        let after = tenant.value.admitting(&credential, call.now)?;
        let writes = created(keys, &tenant, &after, &credential);
        let decision = Decision::write(writes, Response::ok(&made_body(&credential, &secret)));
        Ok((resource(id).into(), decision.after(image(&credential))))
    })
    .await
}

/// The writes of a new credential. The tenant counts admins, and is otherwise left alone, so that keys can be created
/// at the same time.
pub(crate) fn created(keys: TenantKeys, tenant: &Stored<Tenant>, after: &Tenant, credential: &Credential) -> Writes {
    Writes::new().create(&keys.credential(credential.id), credential).replace_if_changed(tenant, after)
}

/// Reads `{name, kind?, roles, expires_at?}`.
pub(crate) fn wanted(mut fields: Fields, now: Timestamp) -> Result<NewCredential, Failure> {
    let NewApiKey { name, roles, kind, expires_at } = NewApiKey::read(&mut fields);
    check_expiry(&mut fields, expires_at, now);
    let ((name, roles), kind) = fields.finished(name.zip(roles).zip(kind))?;
    Ok(NewCredential { name, kind, roles, expires_at })
}

/// Reads `{name?, roles?, expires_at?}`. An absent field does not change; `expires_at` null never expires.
pub(crate) fn update(mut fields: Fields, now: Timestamp) -> Result<CredentialUpdate, Failure> {
    let is_endless = fields.is_sent("expires_at") && !fields.has("expires_at");
    let ApiKeyUpdate { name, roles, expires_at } = ApiKeyUpdate::read(&mut fields);
    check_expiry(&mut fields, expires_at, now);
    let expires_at = expires_at.map(Some).or(is_endless.then_some(None));
    fields.finished(Some(CredentialUpdate { name, roles, expires_at }))
}

fn check_expiry(fields: &mut Fields, expires_at: Option<Timestamp>, now: Timestamp) {
    if expires_at.is_some_and(|expires_at| expires_at <= now) {
        fields.fault("expires_at", "must be in the future");
    }
}

request! {
    /// Body of an update of a credential. A field that is omitted does not change.
    pub(crate) struct ApiKeyUpdate {
        /// Display name.
        optional name: Label<64> = "name",
        /// Roles, each once.
        optional roles: Roles = "roles",
        /// Time of expiry, in the future. Null: the credential does not expire.
        optional expires_at: DateTime = "expires_at",
    }
}

request! {
    /// Body of a creation of a credential.
    pub(crate) struct NewApiKey {
        /// Display name.
        required name: Label<64> = "name",
        /// Roles, each once.
        required roles: Roles = "roles",
        /// Time of expiry, in the future. If omitted, the credential does not expire.
        optional expires_at: DateTime = "expires_at",
        /// The kind.
        optional kind: NewKind = "kind" default CredentialKind::Bearer,
    }
}

/// The kind of a new credential, as a request has it.
pub(crate) enum NewKind {}

text_field!(NewKind => CredentialKind, new_kind, {"enum": ["bearer", "access_key"]});

fn new_kind(text: &str) -> Result<CredentialKind, &'static str> {
    match text {
        "bearer" => Ok(CredentialKind::Bearer),
        "access_key" => Ok(CredentialKind::AccessKey),
        _ => Err("must be `bearer` or `access_key`"),
    }
}

/// One or more roles, each once.
pub(crate) enum Roles {}

schema!(Roles, {
    "type": "array", "minItems": 1, "uniqueItems": true, "items": {"enum": Role::ALL.map(Role::as_str)}
});

impl FieldType for Roles {
    type Value = BTreeSet<Role>;

    fn take(fields: &mut Fields, name: &str) -> Option<Self::Value> {
        let names = fields.optional_strings(name)?;
        let roles: BTreeSet<Role> = names.iter().filter_map(|name| Role::parse(name)).collect();
        let valid = !roles.is_empty() && roles.len() == names.len();
        let message = "must be one or more of `admin`, `approver`, `editor`, `viewer`, each once";
        fields.take(name, valid.then_some(roles).ok_or(message))
    }
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
