//! `/references/resources/openid-provider-public-key`: the key that this service's own assertions are verified with, where
//! it is itself the client of an OpenID provider (`private_key_jwt`).

use std::sync::OnceLock;

use trustplane_domain::Failure;
use trustplane_policy::{Change, Kind, Resource};
use trustplane_runtime::{Call, Platform, Response};

/// A KMS key's pair is made once and never changes.
static PEM: OnceLock<String> = OnceLock::new();

/// GET: PEM. KMS is asked once a process.
pub async fn show(call: Call) -> Result<Response, Failure> {
    let permitted = call
        .permit(&|_, ()| Vec::new(), None, &Ok(()), |_, (), tenant| {
            Ok(Change::new(Resource::new(Kind::Tenant, tenant.id().to_string()), Ok(())))
        })
        .await?;
    permitted.change.outcome?;
    let pem = match PEM.get() {
        Some(pem) => pem.clone(),
        None => {
            let pem = ask(&call.platform).await?;
            PEM.get_or_init(|| pem).clone()
        }
    };
    Ok(Response::text("application/x-pem-file", pem))
}

async fn ask(platform: &Platform) -> Result<String, Failure> {
    let key_id = Platform::setting("TRUSTPLANE_SIGNING_KEY_ID").map_err(|error| {
        tracing::error!(%error, "setting");
        Failure::Internal
    })?;
    trustplane_aws::public_key(&platform.sdk, &platform.meter, &key_id).await.map_err(|error| {
        tracing::error!(%error, "signing key");
        Failure::Unavailable { retry_after: 5 }
    })
}
