//! `/healthz`: whether the service is up. Needs no credential and touches nothing.

use serde::Serialize;
use trustplane_domain::Failure;
use trustplane_runtime::{Call, Response};

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Health"))]
pub(crate) struct Health {
    #[cfg_attr(feature = "schema", schemars(extend("const" = "ok")))]
    status: &'static str,
    version: &'static str,
}

/// GET.
pub async fn show(_: Call) -> Result<Response, Failure> {
    Ok(Response::ok(&Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
