//! PUT `/v1/api-keys/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("put-api-key", trustplane_platform::api_keys::put)
}
