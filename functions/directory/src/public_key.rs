//! `/references/resources/openid-provider-public-key`: the key that verifies this service's own assertions, where the
//! service is itself the client of an OpenID provider (`private_key_jwt`).

use std::sync::OnceLock;

use trustplane_domain::Failure;
use trustplane_policy::Kind;
use trustplane_runtime::{Call, Planned, Platform, Response, Subject, Worked};

/// PEM of a SubjectPublicKeyInfo.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OpenIdProviderPublicKey"))]
pub(crate) struct Pem(
    #[cfg_attr(
        feature = "schema",
        schemars(regex(
            pattern = r"^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END PUBLIC KEY-----\n$"
        ))
    )]
    String,
);

/// The key of the process: a KMS key pair is made once and never changes.
static PEM: OnceLock<Pem> = OnceLock::new();

/// GET: PEM, in the media type that the client accepts. KMS is asked once per process.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .plan(|_, (), _| Ok(Planned::new(())))
        .then(async |(), cx, _| Ok(Worked::Done(public_key(cx.platform()).await?)))
        .decide(|(), pem, cx| Ok(Response::text(cx.call().media_type(), pem.0.clone())))
        .await
}

async fn public_key(platform: &Platform) -> Result<Pem, Failure> {
    if let Some(pem) = PEM.get() {
        return Ok(pem.clone());
    }
    let key_id = platform.signing_key_id()?;
    let pem = trustplane_aws::public_key(&platform.sdk, &platform.meter, key_id).await;
    let pem = pem.map_err(|error| Failure::unavailable(5, error))?;
    Ok(PEM.get_or_init(|| Pem(pem)).clone())
}
