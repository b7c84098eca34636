//! Every path and method that no function serves.

use trustplane_domain::Failure;
use trustplane_runtime::{Call, Dialect, Response, routes};

/// 404 in the dialect of the path; 405 in the integration dialect where the path has other methods, with `Allow`.
pub async fn answer(call: Call) -> Result<Response, Failure> {
    let path = &call.request.path;
    let known = routes().any(|(_, route)| route.matches(path));
    if known && Dialect::of_path(path) == Dialect::Integration {
        return Err(Failure::MethodNotAllowed);
    }
    Err(Failure::NoRoute)
}
