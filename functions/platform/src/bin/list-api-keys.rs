//! GET `/v1/api-keys`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-api-keys", trustplane_platform::api_keys::list)
}
