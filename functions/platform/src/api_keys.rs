//! `/v1/api-keys`: the credentials that a tenant's admins keep.

use trustplane_domain::credential::{Credential, CredentialUpdate, Maker, Rotated};
use trustplane_domain::ids::CredentialId;
use trustplane_domain::tenant::Tenant;
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::{Failure, Faults};
use trustplane_policy::{Change, Kind, Resource};
use trustplane_runtime::{Answer, Call, Response};
use trustplane_store::{Key, Query, Read, StoreError, Stored, Writes, keys};

use crate::credentials::{
    Secret, Seed, body, caller, created, image, made_body, resource, tenant_changed, update, wanted,
};
use crate::listing::{Page, Rows};

/// The longest that a replaced key goes on, in seconds: a week.
const MOST_OVERLAP: i64 = 604_800;

/// The id in the path. Any other text is an id that no key has.
#[derive(Clone, Debug)]
struct Named {
    text: String,
    id: Option<CredentialId>,
}

/// A new key that policies allow, its secret not yet there.
struct Made {
    credential: Credential,
    writes: Writes,
    /// Whether it takes another's place: the change is that one's, and this is told of beside it.
    is_replacement: bool,
}

/// POST: makes one. A bearer token or the secret of an access key is shown this once.
pub async fn create(call: Call) -> Result<Response, Failure> {
    let wanted = call.request.fields().and_then(|fields| wanted(fields, call.now));
    let seed = Seed::new(call.random()?, call.random()?);
    call.change_answered(
        |_, _| Vec::new(),
        None,
        wanted,
        |read, wanted, tenant| {
            let id = seed.id(tenant.id());
            let token = seed.token(id, wanted.kind);
            let (caller, before) = (caller(&call, read, tenant)?, tenant_of(read, tenant)?);
            let made = wanted.clone().made(id, token.as_ref(), Maker::Credential(&caller), call.now);
            let made = made.map_err(Failure::from).and_then(|credential| {
                let after = before.value.admitting(&credential, call.now)?;
                Ok((credential, after))
            });
            let (credential, after) = match made {
                Ok(made) => made,
                Err(failure) => return Ok(Change::new(resource(id), Err(failure))),
            };
            let writes = created(tenant, &before, &after, &credential)?;
            let after = image(&credential);
            let made = Made { credential, writes, is_replacement: false };
            Ok(Change::new(resource(id), Ok(made)).after(Some(after)))
        },
        async |made, _| {
            let secret = seed.secret(&call.platform, &made.credential).await?;
            Ok(made.answer(&secret))
        },
    )
    .await
}

/// GET: a page of them, those that have ended too, in the order of their ids.
pub async fn list(call: Call) -> Result<Response, Failure> {
    let (limit, cursor) = (call.request.query("limit"), call.request.query("cursor"));
    let page = Page::parse(limit.as_deref(), cursor.as_deref(), (50, 250)).and_then(|page| {
        let id = page.after.as_deref().map(|after| {
            CredentialId::parse(after)
                .ok_or_else(|| Failure::invalid("cursor", "must be the `next_cursor` of another page"))
        });
        Ok((page.limit, id.transpose()?))
    });
    call.view(
        |_, _| Vec::new(),
        Some(&|tenant, (limit, after): &(usize, Option<CredentialId>)| {
            let after = after.map(|id| tenant.credential(id).sk().to_owned());
            Query::prefix(tenant, keys::CREDENTIALS).page(*limit, after)
        }),
        page,
        |read, _, tenant| {
            let listing = read.listing::<Credential>(tenant)?;
            let next = listing.next.as_deref().and_then(|sk| sk.strip_prefix(keys::CREDENTIALS));
            let rows = listing.rows.iter().map(|row| body(&row.value)).collect();
            let reply = Response::ok(&Rows::new(rows, next));
            Ok(Change::new(Resource::new(Kind::Tenant, tenant.id().to_string()), Ok(reply)))
        },
    )
    .await
}

/// GET `/{id}`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.view(
        |tenant, named: &Named| named.keys(tenant),
        None,
        Ok(named(&call)),
        |read, named, tenant| {
            let found = match named.take(read, tenant)? {
                Ok(found) => found,
                Err(missing) => return Ok(missing),
            };
            let reply = Response::ok(&body(&found.value)).etag(found.version);
            Ok(Change::new(named.resource(), Ok(reply)).before(Some(image(&found.value))))
        },
    )
    .await
}

/// PUT `/{id}`: another name, other roles, another end or none.
pub async fn put(call: Call) -> Result<Response, Failure> {
    let named = named(&call);
    let wanted = call.request.fields().and_then(|fields| update(fields, call.now)).map(|update| (named, update));
    call.change(
        |tenant, (named, _): &(Named, CredentialUpdate)| named.keys(tenant),
        wanted,
        |read, (named, update), tenant| {
            changed(
                &call,
                read,
                named,
                tenant,
                |before| Ok(before.changed(update.clone())?),
                |key, etag| Response::ok(&body(key)).etag(etag),
            )
        },
    )
    .await
}

/// DELETE `/{id}`: revokes it. It stays to be seen; revoked again, it stays as it is.
pub async fn revoke(call: Call) -> Result<Response, Failure> {
    call.change(
        |tenant, named: &Named| named.keys(tenant),
        Ok(named(&call)),
        |read, named, tenant| {
            changed(&call, read, named, tenant, |before| Ok(before.revoked(call.now)), |_, _| Response::no_content())
        },
    )
    .await
}

/// POST `/{id}/rotate`: a new key in place of this one, which goes on for `overlap_seconds`.
pub async fn rotate(call: Call) -> Result<Response, Failure> {
    let named = named(&call);
    let wanted = overlap(&call).map(|overlap| (named, overlap));
    let seed = Seed::new(call.random()?, call.random()?);
    call.change_answered(
        |tenant, (named, _): &(Named, i64)| named.keys(tenant),
        None,
        wanted,
        |read, (named, overlap), tenant| {
            let (caller, of) = (caller(&call, read, tenant)?, tenant_of(read, tenant)?);
            let before = match named.take(read, tenant)? {
                Ok(before) => before,
                Err(missing) => return Ok(missing),
            };
            let id = seed.id(tenant.id());
            let token = seed.token(id, before.value.kind);
            let change = |outcome| {
                Change::new(named.resource(), outcome).before(Some(image(&before.value))).etag(Some(before.version))
            };
            let rotated = before.value.rotated(id, token.as_ref(), &caller, *overlap, call.now);
            let rotated = rotated.map_err(Failure::from).and_then(|rotated| {
                // The new one first: it is the admin that stands when the old one ends.
                let with_new = of.value.with_credential(&rotated.new, call.now);
                let after = with_new.with_change(&before.value, &rotated.old, call.now)?;
                Ok((rotated, after))
            });
            let (Rotated { new, old }, after) = match rotated {
                Ok(rotated) => rotated,
                Err(failure) => return Ok(change(Err(failure))),
            };
            let old = as_used(&call, old);
            let writes = created(tenant, &of, &after, &new)?.replace(&before, &old)?;
            Ok(change(Ok(Made { credential: new, writes, is_replacement: true })).after(Some(image(&old))))
        },
        async |made, _| {
            let secret = seed.secret(&call.platform, &made.credential).await?;
            Ok(made.answer(&secret))
        },
    )
    .await
}

impl Made {
    /// 201 with the secret; what is kept for a retry has none.
    fn answer(self, secret: &Secret) -> Answer {
        let reply = |secret: &Secret| Response::created(&made_body(&self.credential, secret)).etag(1);
        let (shown, kept) = (reply(secret), reply(&secret.masked()));
        let answer = Answer::new(self.writes, shown).keeping(kept);
        if self.is_replacement {
            answer.telling(resource(self.credential.id), None, Some(image(&self.credential)))
        } else {
            answer
        }
    }
}

impl Named {
    fn keys(&self, tenant: TenantKeys) -> Vec<Key> {
        self.id.map(|id| tenant.credential(id)).into_iter().collect()
    }

    fn resource(&self) -> Resource {
        Resource::new(Kind::ApiKey, self.text.clone())
    }

    /// The key, or the change that cannot be: there is no such key.
    fn take<T>(
        &self,
        read: &mut Read,
        tenant: TenantKeys,
    ) -> Result<Result<Stored<Credential>, Change<T>>, StoreError> {
        let found = self.id.map(|id| read.take(&tenant.credential(id))).transpose()?.flatten();
        Ok(found.ok_or_else(|| Change::new(self.resource(), Err(Failure::NotFound("key")))))
    }
}

/// The change of a key by `change`, unless it is none or would leave the tenant without an admin.
fn changed(
    call: &Call,
    read: &mut Read,
    named: &Named,
    tenant: TenantKeys,
    change: impl FnOnce(&Credential) -> Result<Credential, Failure>,
    reply: impl Fn(&Credential, u64) -> Response,
) -> Result<Change<Answer>, StoreError> {
    let of = tenant_of(read, tenant)?;
    let before = match named.take(read, tenant)? {
        Ok(before) => before,
        Err(missing) => return Ok(missing),
    };
    let with =
        |outcome| Change::new(named.resource(), outcome).before(Some(image(&before.value))).etag(Some(before.version));
    let after = change(&before.value).and_then(|after| {
        let tenant = of.value.with_change(&before.value, &after, call.now)?;
        Ok((after, tenant))
    });
    let (after, tenant_after) = match after {
        Ok(after) => after,
        Err(failure) => return Ok(with(Err(failure))),
    };
    if after == before.value {
        let answer = Answer::new(Writes::new(), reply(&after, before.version));
        return Ok(with(Ok(answer)).after(Some(image(&after))));
    }
    let after = as_used(call, after);
    let writes = tenant_changed(&of, &tenant_after)?.replace(&before, &after)?;
    let answer = Answer::new(writes, reply(&after, before.version + 1));
    Ok(with(Ok(answer)).after(Some(image(&after))))
}

/// The key that a request changes may be the one that it presents: then it is in use.
fn as_used(call: &Call, key: Credential) -> Credential {
    if call.presented() == Some(key.id) { Credential { last_used_at: Some(call.now.day_start()), ..key } } else { key }
}

fn tenant_of(read: &mut Read, tenant: TenantKeys) -> Result<Stored<Tenant>, StoreError> {
    read.take(&tenant.tenant())?.ok_or_else(|| StoreError::missing("tenant"))
}

fn named(call: &Call) -> Named {
    let text = call.request.parameter("id").to_owned();
    Named { id: CredentialId::parse(&text), text }
}

/// `overlap_seconds` in milliseconds.
fn overlap(call: &Call) -> Result<i64, Failure> {
    let mut fields = call.request.optional_fields()?;
    let seconds = fields.optional_integer("overlap_seconds").unwrap_or_default();
    if !(0..=MOST_OVERLAP).contains(&seconds) {
        fields.fault("overlap_seconds", format!("must be 0 to {MOST_OVERLAP}"));
    }
    fields.finish(Faults::default())?;
    Ok(seconds * SECOND)
}
