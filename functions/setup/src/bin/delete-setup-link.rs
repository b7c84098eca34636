//! DELETE `/v1/setup-links/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("delete-setup-link", trustplane_setup::links::revoke)
}
