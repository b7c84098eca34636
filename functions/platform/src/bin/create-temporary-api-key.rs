//! POST `/v1/api-keys/temporary`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-temporary-api-key", trustplane_platform::temporary_keys::create)
}
