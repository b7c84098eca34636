//! `/v1/integrations/aws-identity-center/external-id`: the ExternalId that the tenant's role trusts, and its rotation in
//! two phases.

use serde::Serialize;
use trustplane_aws::AccessPath;
use trustplane_domain::connection::Connection;
use trustplane_domain::ids::ExternalId;
use trustplane_domain::{Conflict, Failure};
use trustplane_policy::{Grant, Image, Kind};
use trustplane_runtime::{Budget, Call, Context, Decision, Planned, Response, Subject, Worked};
use trustplane_store::{Stored, Writes};

/// The ExternalIds of a tenant.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIds"))]
pub(crate) struct Body {
    /// ExternalId that the trust policy of the role must demand.
    external_id: ExternalId,
    /// ExternalId that a commit makes the current one; null unless a rotation is in progress.
    external_id_pending: Option<ExternalId>,
}

/// GET: the current one, and the pending one during a rotation.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| keys.connection().expected())
        .subject(|_, connection, _| subject(connection))
        .decide(|_, connection, _| Ok(response(&connection.value)))
        .await
}

/// POST `/rotate`: begins a rotation: a second one is pending until the role trusts it.
pub async fn rotate(call: Call) -> Result<Response, Failure> {
    let new = ExternalId::from_random(call.random()?);
    call.no_input()
        .reads(|(), keys| keys.connection().expected())
        .subject(|_, connection, _| subject(connection))
        .decide(|_, connection, _| Ok(changed(&connection, &connection.value.rotation_begun(new)?)))
        .await
}

/// POST `/cancel`: drops the pending one. Without a pending one, nothing is written.
pub async fn cancel(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| keys.connection().expected())
        .subject(|_, connection, _| subject(connection))
        .decide(|_, connection, _| Ok(changed(&connection, &connection.value.rotation_cancelled())))
        .await
}

/// POST `/commit`: makes the pending one the current one, once STS lets the platform assume the role with it. Two round
/// trips to the table, and one to STS between them.
pub async fn commit(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| keys.connection().expected())
        .subject(|_, connection, _| subject(connection))
        .plan(|_, connection, _| {
            let after = connection.value.rotation_committed(connection.value.pending()?)?;
            Ok(Planned::new(connection).after(image(&after)))
        })
        .then(async |connection: &Stored<Connection>, cx: &Context<'_>, grant: &Grant| {
            prove(cx, grant, &connection.value).await?;
            Ok(Worked::Done(connection.value.clone()))
        })
        .decide(|connection, proven, _| {
            if proven.settings != connection.value.settings {
                let message = "the configuration was changed at the same time: commit again";
                return Err(Failure::conflict(Conflict::LostRace, message));
            }
            Ok(changed(&connection, &connection.value.rotation_committed(proven.pending()?)?))
        })
        .await
}

/// Proves that STS lets the platform assume the role with the pending ExternalId now.
async fn prove(cx: &Context<'_>, grant: &Grant, connection: &Connection) -> Result<(), Failure> {
    let pending = connection.pending()?;
    let path = AccessPath::of(grant.tenant(), connection).ok_or_else(|| {
        Failure::conflict(Conflict::NotConfigured, "no role is saved that could trust the pending ExternalId")
    })?;
    cx.spend(grant, Budget::CustomersAws).await?;
    match cx.platform().customers.trusts(&path, pending).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_denied() => Err(Failure::conflict(
            Conflict::ExternalIdNotTrusted,
            format!(
                "STS does not let the platform assume `{}` with the pending ExternalId `{pending}`: add it to the \
                 `sts:ExternalId` condition of the role's trust policy, beside the current one, wait some seconds, and \
                 commit again",
                path.role
            ),
        )),
        Err(error) => Err(error.into()),
    }
}

/// The replacement of the connection; nothing is written if it is equal.
fn changed(before: &Stored<Connection>, after: &Connection) -> Decision {
    Decision::write(Writes::new().replace_if_changed(before, after), response(after)).after(image(after))
}

/// The subject of a request about the ExternalIds.
fn subject(connection: Option<&Stored<Connection>>) -> Subject {
    Subject::new(Kind::ExternalId, "aws-identity-center")
        .before(connection.map(|connection| image(&connection.value)))
        .version(connection.map(|connection| connection.value.external_id_version))
}

fn response(connection: &Connection) -> Response {
    Response::ok(&body(connection)).etag(connection.external_id_version)
}

fn image(connection: &Connection) -> Image {
    Image::of(&body(connection))
}

fn body(connection: &Connection) -> Body {
    Body { external_id: connection.external_id, external_id_pending: connection.external_id_pending }
}
