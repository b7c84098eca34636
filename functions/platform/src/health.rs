//! `/healthz`: whether the service is up. Needs no credential and touches nothing.

use serde::Serialize;
use trustplane_domain::Failure;
use trustplane_runtime::{Call, Response};

/// The health of the service.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Health"))]
pub(crate) struct Health {
    /// Always `ok`: a service that does not work does not respond.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "ok")))]
    status: &'static str,
    /// Version of the service.
    version: &'static str,
}

/// GET.
pub async fn show(_: Call) -> Result<Response, Failure> {
    Ok(Response::ok(&Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
