//! GET `/references/resources/openid-provider-public-key`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-openid-provider-public-key", trustplane_directory::public_key::show)
}
