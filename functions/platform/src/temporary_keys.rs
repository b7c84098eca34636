//! POST `/v1/api-keys/temporary`: an access key that lasts for a while and is stored nowhere.

use crate::credentials::Roles;
use std::collections::BTreeSet;
use trustplane_domain::request::FieldType;
use trustplane_domain::{Fields, request, schema};

use serde::Serialize;
use trustplane_domain::access_key::SecretAccessKey;
use trustplane_domain::credential::{Credential, Kind as CredentialKind, Role};
use trustplane_domain::ids::CredentialId;
use trustplane_domain::temporary_key::TemporaryKey;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{Grant, Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Planned, Request, Response, Subject, Worked};

/// Lifetime of a key where the request names none, in seconds.
const USUAL_DURATION: i64 = 3_600;

/// The requested lifetime and roles.
struct Wanted {
    seconds: i64,
    roles: Option<BTreeSet<Role>>,
}

/// A new temporary access key, with its secret.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MadeTemporaryApiKey"))]
pub(crate) struct Body {
    /// Access key id, for `Access` in the `Authorization` header.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    access_key_id: String,
    /// Null in the response to a retry.
    secret_access_key: Option<String>,
    /// Sent as `X-Security-Token` with each request.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    security_token: String,
    /// Time of its expiry.
    expires_at: Timestamp,
}

/// The key as policies and the audit log see it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TemporaryApiKeyImage"))]
pub(crate) struct View<'a> {
    name: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["temporary"])))]
    kind: CredentialKind,
    roles: &'a BTreeSet<Role>,
    created_by: CredentialId,
    expires_at: Timestamp,
}

/// POST: creates a key that may do no more than the caller, and ends with it.
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
            Ok(Worked::Done(secret?))
        })
        .decide(|key, secret, _| {
            let response = |secret: Option<&SecretAccessKey>| Response::created(&body(&key, secret));
            Ok(Decision::respond(response(Some(secret))).recorded().keeping(response(None)))
        })
        .await
}

request! {
    /// Body of a creation of a temporary access key.
    pub(crate) struct NewTemporaryApiKey {
        /// Seconds until the key expires.
        optional seconds: Duration = "duration_seconds" default USUAL_DURATION,
        /// Roles, no more than those of the caller. If omitted, all of them.
        optional roles: Roles = "roles",
    }
}

/// Seconds until a temporary key expires, which are checked later.
pub(crate) enum Duration {}

schema!(Duration, {"type": "integer", "minimum": trustplane_domain::temporary_key::DURATION.start(), "maximum": trustplane_domain::temporary_key::DURATION.end()});

impl FieldType for Duration {
    type Value = i64;

    fn take(fields: &mut Fields, name: &str) -> Option<i64> {
        fields.optional_integer(name)
    }
}

/// Reads `{duration_seconds?, roles?}`, or no body at all.
fn wanted(request: &Request) -> Result<Wanted, Failure> {
    let mut fields = request.optional_fields()?;
    let NewTemporaryApiKey { seconds, roles } = NewTemporaryApiKey::read(&mut fields);
    fields.finished(seconds.map(|seconds| Wanted { seconds, roles }))
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
