//! POST `/v1/api-keys/temporary`: an access key that lasts for a while and is stored nowhere.

use std::collections::BTreeSet;

use serde::Serialize;
use trustplane_domain::access_key::SecretAccessKey;
use trustplane_domain::credential::{Credential, Kind as CredentialKind, Role};
use trustplane_domain::ids::CredentialId;
use trustplane_domain::temporary_key::TemporaryKey;
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_policy::{Grant, Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Planned, Request, Response, Subject, Worked};

use crate::credentials::roles;

/// Lifetime of a key where the request names none, in seconds.
const USUAL_DURATION: i64 = 3_600;

/// The requested lifetime and roles.
struct Wanted {
    seconds: i64,
    roles: Option<BTreeSet<Role>>,
}

/// The key on the wire. The response that is kept for a retry has no secret.
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

/// POST: creates a key with roles of the caller's, which ends with the caller.
pub async fn create(call: Call) -> Result<Response, Failure> {
    let random = call.random()?;
    let key = |wanted: &Wanted, cx: &Context<'_>| {
        TemporaryKey::new(&cx.credential.value, random, wanted.roles.clone(), wanted.seconds, cx.now)
    };
    call.no_input()
        .body(wanted)
        .subject(|(_, wanted), _, cx| {
            let key = key(wanted, cx).ok();
            let id = key.as_ref().map(TemporaryKey::id).unwrap_or_default();
            Subject::new(Kind::ApiKey, id).after(key.map(|key| image(&cx.credential.value, &key)))
        })
        .plan(|(_, wanted), (), cx| Ok(Planned::new(key(wanted, cx)?)))
        .then(async |key: &TemporaryKey, cx: &Context<'_>, _: &Grant| {
            let secret = cx.platform().deriver()?.derive_temporary(key).await;
            Ok(Worked::Done(secret.map_err(|error| Failure::unavailable(1, error))?))
        })
        .decide(|key, secret, _| {
            let response = |secret: Option<&SecretAccessKey>| Response::created(&body(&key, secret));
            Ok(Decision::respond(response(Some(secret))).recorded().keeping(response(None)))
        })
        .await
}

/// Reads `{duration_seconds?, roles?}`, or no body at all.
fn wanted(request: &Request) -> Result<Wanted, Failure> {
    let mut fields = request.optional_fields()?;
    let seconds = fields.optional_integer("duration_seconds").unwrap_or(USUAL_DURATION);
    let names = fields.optional_strings("roles");
    let roles = names.map(|names| roles(&mut fields, &names));
    fields.finish(Faults::default())?;
    Ok(Wanted { seconds, roles })
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
