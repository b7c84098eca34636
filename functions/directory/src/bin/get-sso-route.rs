//! GET `/v1/sso/route`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-sso-route", trustplane_directory::route::show)
}
