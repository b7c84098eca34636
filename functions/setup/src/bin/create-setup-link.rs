//! POST `/v1/setup-links`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-setup-link", trustplane_setup::links::create)
}
