//! GET `/v1/api-keys/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-api-key", trustplane_platform::api_keys::show)
}
