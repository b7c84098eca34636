//! POST `/v1/api-keys/{id}/rotate`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("rotate-api-key", trustplane_platform::api_keys::rotate)
}
