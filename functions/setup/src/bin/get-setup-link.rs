//! GET `/v1/setup-links/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-setup-link", trustplane_setup::links::show)
}
