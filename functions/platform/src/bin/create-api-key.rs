//! POST `/v1/api-keys`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-api-key", trustplane_platform::api_keys::create)
}
