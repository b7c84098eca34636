//! `/v1/api-keys`: the credentials that a tenant's admins keep.

use trustplane_domain::Failure;
use trustplane_domain::credential::{Credential, Maker, Rotated};
use trustplane_domain::ids::CredentialId;
use trustplane_domain::request;
use trustplane_domain::request::Whole;
use trustplane_domain::timestamp::SECOND;
use trustplane_policy::{Grant, Kind};
use trustplane_runtime::{Call, Context, Decision, Listed, Page, Planned, Request, Response, Subject, Worked};
use trustplane_store::{Reads, Stored, TenantKeys, Writes};

use crate::credentials::{Secret, Seed, body, created, image, made_body, resource, update, wanted};

/// The longest overlap of a replaced key with the new one, in seconds: a week.
const MAX_OVERLAP: i64 = 604_800;

/// The id in the path. Any other text is an id that no key has.
#[derive(Debug)]
struct Named {
    text: String,
    id: Option<CredentialId>,
}

/// A new key, its secret not yet derived.
struct Made {
    credential: Credential,
    writes: Writes,
    /// The key takes another's place: the request is about that one, and the new one gets an audit record beside it.
    is_replacement: bool,
}

/// POST: creates a key. A bearer token or the secret of an access key is shown this once.
pub async fn create(call: Call) -> Result<Response, Failure> {
    let seed = Seed::new(call.random()?, call.random()?);
    call.no_input()
        .body(|request| wanted(request.fields()?, call.now))
        .subject(|_, _, cx| resource(seed.id(cx.keys.id())).into())
        .plan(|(_, wanted), (), cx| {
            let id = seed.id(cx.keys.id());
            let token = seed.token(id, wanted.kind);
            let maker = Maker::Credential(&cx.credential.value);
            let credential = wanted.clone().made(id, token.as_ref(), maker, cx.now)?;
            let tenant = cx.tenant.value.admitting(&credential, cx.now)?;
            let writes = created(cx.keys, cx.tenant, &tenant, &credential);
            let after = image(&credential);
            Ok(Planned::new(Made { credential, writes, is_replacement: false }).after(after))
        })
        .then(async |made: &Made, cx: &Context<'_>, _: &Grant| made.secret(seed, cx).await)
        .decide(|made, secret, _| Ok(made.decision(secret)))
        .await
}

/// GET: a page of keys in the order of their ids, with those that have ended. A key that cannot be read is left out.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(page)
        .reads(|(limit, after), keys| {
            let after = after.map(|id| keys.credential(id).sk().to_owned());
            keys.credentials().page(*limit, after).lenient()
        })
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .decide(|_, listing, cx| {
            let keys = cx.keys.credentials();
            let next = listing.next.as_deref().and_then(|sk| sk.strip_prefix(keys.prefix()));
            let readable = listing.rows.iter().filter_map(|row| {
                row.as_ref().inspect_err(|key| tracing::error!(%key, "a credential cannot be read")).ok()
            });
            let rows = readable.map(|row| body(&row.value)).collect();
            Ok(Response::ok(&Listed::new(rows, next)))
        })
        .await
}

/// GET `/{id}`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(named)
        .reads(Named::reads)
        .subject(|(named, ()), key, _| named.subject(key))
        .decide(|_, key, _| {
            let key = found(key)?;
            Ok(Response::ok(&body(&key.value)).etag(key.version))
        })
        .await
}

/// PUT `/{id}`: another name, other roles, another end or none.
pub async fn put(call: Call) -> Result<Response, Failure> {
    call.input(named)
        .body(|request| update(request.fields()?, call.now))
        .reads(Named::reads)
        .subject(|(named, _), key, _| named.subject(key))
        .decide(|(_, update), key, cx| {
            let before = found(key)?;
            let after = before.value.changed(update.clone())?;
            changed(&before, after, cx, |key, version| Response::ok(&body(key)).etag(version))
        })
        .await
}

/// DELETE `/{id}`: revokes a key, which can still be read. A key that is revoked already stays as it is.
pub async fn revoke(call: Call) -> Result<Response, Failure> {
    call.input(named)
        .reads(Named::reads)
        .subject(|(named, ()), key, _| named.subject(key))
        .decide(|_, key, cx| {
            let before = found(key)?;
            changed(&before, before.value.revoked(cx.now), cx, |_, _| Response::no_content())
        })
        .await
}

/// POST `/{id}/rotate`: creates a key in place of this one, which stays valid for `overlap_seconds`.
pub async fn rotate(call: Call) -> Result<Response, Failure> {
    let seed = Seed::new(call.random()?, call.random()?);
    call.input(named)
        .body(overlap)
        .reads(Named::reads)
        .subject(|(named, _), key, _| named.subject(key))
        .plan(|(_, overlap), key, cx| {
            let before = found(key)?;
            let id = seed.id(cx.keys.id());
            let token = seed.token(id, before.value.kind);
            let rotated = before.value.rotated(id, token.as_ref(), &cx.credential.value, *overlap, cx.now)?;
            let Rotated { new, old } = rotated;
            // The new one first: it is the remaining admin when the old one ends.
            let tenant = cx.tenant.value.with_credential(&new, cx.now).with_change(&before.value, &old, cx.now)?;
            let old = as_used(old, cx);
            let writes = created(cx.keys, cx.tenant, &tenant, &new).replace(&before, &old);
            Ok(Planned::new(Made { credential: new, writes, is_replacement: true }).after(image(&old)))
        })
        .then(async |made: &Made, cx: &Context<'_>, _: &Grant| made.secret(seed, cx).await)
        .decide(|made, secret, _| Ok(made.decision(secret)))
        .await
}

impl Made {
    async fn secret<B>(&self, seed: Seed, cx: &Context<'_>) -> Result<Worked<Secret, B>, Failure> {
        let Credential { id, kind, .. } = self.credential;
        Ok(Worked::Done(seed.secret(cx.platform(), id, kind).await?))
    }

    /// 201 with the secret; the response that is kept for a retry has none.
    fn decision(self, secret: &Secret) -> Decision {
        let response = |secret| Response::created(&made_body(&self.credential, secret)).etag(1);
        let decision = Decision::write(self.writes, response(secret)).keeping(response(&secret.masked()));
        if self.is_replacement {
            decision.also_changing(resource(self.credential.id), None, Some(image(&self.credential)))
        } else {
            decision
        }
    }
}

impl Named {
    fn reads(&self, keys: TenantKeys) -> impl Reads<Loaded = Option<Stored<Credential>>> + use<> {
        self.id.map(|id| keys.credential(id))
    }

    fn subject(&self, key: Option<&Option<Stored<Credential>>>) -> Subject {
        Subject::new(Kind::ApiKey, self.text.clone()).stored(key.and_then(Option::as_ref), image)
    }
}

fn found(key: Option<Stored<Credential>>) -> Result<Stored<Credential>, Failure> {
    key.ok_or(Failure::NotFound("key"))
}

/// The change of a key, unless it would leave the tenant without an admin. Nothing is written if nothing changes.
fn changed(
    before: &Stored<Credential>,
    after: Credential,
    cx: &Context<'_>,
    response: impl Fn(&Credential, u64) -> Response,
) -> Result<Decision, Failure> {
    let tenant = cx.tenant.value.with_change(&before.value, &after, cx.now)?;
    if after == before.value {
        return Ok(Decision::respond(response(&after, before.version)).after(image(&after)));
    }
    let after = as_used(after, cx);
    let writes = Writes::new().replace_if_changed(cx.tenant, &tenant).replace(before, &after);
    Ok(Decision::write(writes, response(&after, before.version + 1)).after(image(&after)))
}

/// Notes the use of a key that a request changes with itself.
fn as_used(key: Credential, cx: &Context<'_>) -> Credential {
    if cx.caller.id == key.id { Credential { last_used_at: Some(cx.now.day_start()), ..key } } else { key }
}

#[expect(clippy::unnecessary_wraps, reason = "the parser of an input")]
fn named(request: &Request) -> Result<Named, Failure> {
    let text = request.parameter("id").to_owned();
    Ok(Named { id: CredentialId::parse(&text), text })
}

/// The limit, and the key that the last page ended with.
fn page(request: &Request) -> Result<(usize, Option<CredentialId>), Failure> {
    let page = Page::of(request)?;
    let after = page.after().map(|after| {
        CredentialId::parse(after)
            .ok_or_else(|| Failure::invalid("cursor", "must be the `next_cursor` of another page"))
    });
    Ok((page.limit(), after.transpose()?))
}

request! {
    /// Body of a rotation.
    pub(crate) struct ApiKeyRotation {
        /// Seconds for which the old credential stays valid.
        optional overlap: Whole<0, MAX_OVERLAP> = "overlap_seconds" default 0,
    }
}

/// `overlap_seconds` in milliseconds.
fn overlap(request: &Request) -> Result<i64, Failure> {
    let mut fields = request.optional_fields()?;
    let ApiKeyRotation { overlap } = ApiKeyRotation::read(&mut fields);
    Ok(fields.finished(overlap)? * SECOND)
}
