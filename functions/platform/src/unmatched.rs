//! Every path and method that no function serves.

use trustplane_domain::Failure;
use trustplane_runtime::{Call, Dialect, Response, methods};

/// 404 in the dialect of the path; 405 with `Allow` where the path has other methods. The identity-source dialect has no
/// 405: its gateway does not tell a method from a path.
pub async fn respond(call: Call) -> Result<Response, Failure> {
    let path = &call.request.path;
    let methods = methods(path);
    if methods.is_empty() || Dialect::of_path(path) == Dialect::IdentitySource {
        return Err(Failure::NoRoute);
    }
    Err(Failure::MethodNotAllowed { allow: methods.join(", ") })
}
