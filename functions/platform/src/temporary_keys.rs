//! POST `/v1/api-keys/temporary`: an access key that lasts for a while and is stored nowhere.

use std::collections::BTreeSet;

use serde::Serialize;
use trustplane_domain::access_key::SecretAccessKey;
use trustplane_domain::credential::{Credential, Kind as CredentialKind, Role};
use trustplane_domain::ids::CredentialId;
use trustplane_domain::temporary_key::TemporaryKey;
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};

use crate::credentials::{caller, roles};

/// How long a key lasts that nothing is said of, in seconds.
const USUAL_DURATION: i64 = 3_600;

/// What is asked for.
struct Wanted {
    seconds: i64,
    roles: Option<BTreeSet<Role>>,
}

/// The key on the wire. What is kept for a retry has no secret.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MadeTemporaryApiKey"))]
pub(crate) struct Body {
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    access_key_id: String,
    /// Null in the response to a retry.
    secret_access_key: Option<String>,
    /// Sent as `X-Security-Token` with each request.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    security_token: String,
    expires_at: Timestamp,
}

/// The key as policies and the audit log see it.
#[derive(Serialize)]
struct View<'a> {
    name: &'a str,
    kind: CredentialKind,
    roles: &'a BTreeSet<Role>,
    created_by: CredentialId,
    expires_at: Timestamp,
}

/// POST: a key with roles of the caller's, which ends with the caller.
pub async fn create(call: Call) -> Result<Reply, Failure> {
    let wanted = wanted(&call);
    let random = call.random()?;
    call.change_answered(
        |_, _| Vec::new(),
        None,
        wanted,
        |read, wanted, tenant| {
            let caller = caller(&call, read, tenant)?;
            let made = TemporaryKey::new(&caller, random, wanted.roles.clone(), wanted.seconds, call.now);
            let after = made.as_ref().ok().map(|key| image(&caller, key));
            let id = made.as_ref().map(TemporaryKey::id).unwrap_or_default();
            Ok(Change::new(Resource::new(Kind::ApiKey, id), made).after(after))
        },
        async |key, _| {
            let secret = secret(&call, &key).await?;
            let reply = |secret: Option<&SecretAccessKey>| Reply::created(&body(&key, secret));
            Ok(Answer::told(reply(Some(&secret))).keeping(reply(None)))
        },
    )
    .await
}

/// Reads `{duration_seconds?, roles?}`, or nothing at all.
fn wanted(call: &Call) -> Result<Wanted, Failure> {
    let mut fields = call.request.optional_fields()?;
    let seconds = fields.optional_integer("duration_seconds").unwrap_or(USUAL_DURATION);
    let names = fields.optional_strings("roles");
    let roles = names.map(|names| roles(&mut fields, &names));
    fields.finish(Faults::default())?;
    Ok(Wanted { seconds, roles })
}

async fn secret(call: &Call, key: &TemporaryKey) -> Result<SecretAccessKey, Failure> {
    let deriver = call.platform.deriver.as_ref().ok_or(Failure::Internal)?;
    deriver.derive_temporary(key).await.map_err(|error| {
        tracing::error!(error = %error, "access key");
        Failure::Unavailable { retry_after: 1 }
    })
}

fn body(key: &TemporaryKey, secret: Option<&SecretAccessKey>) -> Body {
    Body {
        access_key_id: key.id(),
        secret_access_key: secret.map(|secret| secret.reveal().to_owned()),
        security_token: key.security_token(),
        expires_at: key.expires_at(),
    }
}

fn image(caller: &Credential, key: &TemporaryKey) -> Image {
    Image::of(&View {
        name: &caller.name,
        kind: CredentialKind::Temporary,
        roles: key.roles(),
        created_by: caller.id,
        expires_at: key.expires_at(),
    })
}
