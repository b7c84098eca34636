//! `/v1/integrations/aws-identity-center/external-id`: what the tenant's role must trust, and its rotation in two phases.

use std::cell::RefCell;

use serde::Serialize;
use trustplane_aws::{CustomerError, Way};
use trustplane_domain::connection::Connection;
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::{Conflict, Failure};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::{Read, StoreError, Stored, Writes, keys};

use crate::config::connection;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIds"))]
pub(crate) struct Body {
    external_id: ExternalId,
    external_id_pending: Option<ExternalId>,
}

/// GET: the current one, and the pending one while rotating.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    call.view(
        |tenant, ()| vec![tenant.connection()],
        None,
        Ok(()),
        |read, (), tenant| {
            let stored = connection(read, tenant)?;
            Ok(Change::new(resource(), Ok(reply(&stored.value))).before(Some(image(&stored.value))))
        },
    )
    .await
}

/// POST `/rotate`: a second one, pending until the role is seen to trust it.
pub async fn rotate(call: Call) -> Result<Reply, Failure> {
    let new = call.random().map(ExternalId::from_random);
    call.change(
        |tenant, _| vec![tenant.connection()],
        new,
        |read, new, tenant| {
            let before = connection(read, tenant)?;
            let after = before.value.rotation_begun(*new);
            changing(&before, after)
        },
    )
    .await
}

/// POST `/cancel`: none pending any more. With none pending there is nothing to write.
pub async fn cancel(call: Call) -> Result<Reply, Failure> {
    call.change(
        |tenant, ()| vec![tenant.connection()],
        Ok(()),
        |read, (), tenant| {
            let before = connection(read, tenant)?;
            let after = before.value.rotation_cancelled();
            changing(&before, Ok(after))
        },
    )
    .await
}

/// POST `/commit`: the pending one becomes the current one, once STS is seen to let us in with it. Two waits for the table
/// and one for STS between them.
pub async fn commit(call: Call) -> Result<Reply, Failure> {
    let keys = |tenant: keys::Tenant, (): &()| vec![tenant.connection()];
    let proven: RefCell<Option<Connection>> = RefCell::default();
    let decide = |read: &mut Read, (): &(), tenant: keys::Tenant| {
        let before = connection(read, tenant)?;
        let after = committed(&before.value, proven.borrow().as_ref());
        proven.borrow_mut().get_or_insert_with(|| before.value.clone());
        changing(&before, after)
    };
    let permitted = call.permit(&keys, None, &Ok(()), decide).await?;
    if permitted.replay().is_none() && permitted.change.outcome.is_ok() {
        let read = proven.borrow().clone().ok_or(Failure::Internal)?;
        prove(&call, permitted.grant.tenant(), &read).await?;
    }
    call.settle(permitted, keys, Ok(()), decide).await
}

/// The connection with its rotation committed. Read again after somebody else wrote, it must be what was `proven`.
fn committed(connection: &Connection, proven: Option<&Connection>) -> Result<Connection, Failure> {
    let pending = connection.pending()?;
    match proven {
        Some(proven) if proven.settings != connection.settings => {
            Err(Failure::conflict(Conflict::LostRace, "the configuration was changed at the same time: commit again"))
        }
        Some(proven) => connection.rotation_committed(proven.pending()?),
        None => connection.rotation_committed(pending),
    }
}

/// Whether STS lets us assume the role with the pending ExternalId now.
async fn prove(call: &Call, tenant: TenantId, connection: &Connection) -> Result<(), Failure> {
    let pending = connection.pending()?;
    let way = Way::of(tenant, connection).ok_or_else(|| {
        Failure::conflict(Conflict::NotConfigured, "no role is saved that could trust the pending ExternalId")
    })?;
    match call.platform.customers.trusts(&way, pending).await {
        Ok(()) => Ok(()),
        Err(CustomerError::Denied(_)) => Err(Failure::conflict(
            Conflict::ExternalIdNotTrusted,
            format!(
                "STS does not let the platform assume `{}` with the pending ExternalId `{pending}`: add it to the \
                 `sts:ExternalId` condition of the role's trust policy, beside the current one, wait some seconds, and \
                 commit again",
                way.role
            ),
        )),
        Err(error) => Err(call.customer_failure(&error)),
    }
}

/// The change to `after`, which writes nothing where it is the same.
fn changing(before: &Stored<Connection>, after: Result<Connection, Failure>) -> Result<Change<Answer>, StoreError> {
    let change = |outcome| Change::new(resource(), outcome).before(Some(image(&before.value)));
    let after = match after {
        Ok(after) => after,
        Err(failure) => return Ok(change(Err(failure))),
    };
    let writes = if after == before.value { Writes::new() } else { Writes::new().replace(before, &after)? };
    Ok(change(Ok(Answer::new(writes, reply(&after)))).after(Some(image(&after))))
}

fn resource() -> Resource {
    Resource::new(Kind::ExternalId, "aws-identity-center")
}

fn reply(connection: &Connection) -> Reply {
    Reply::ok(&body(connection)).etag(connection.external_id_version)
}

fn image(connection: &Connection) -> Image {
    Image::of(&body(connection))
}

fn body(connection: &Connection) -> Body {
    Body { external_id: connection.external_id, external_id_pending: connection.external_id_pending }
}
