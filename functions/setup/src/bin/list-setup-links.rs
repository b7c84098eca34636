//! GET `/v1/setup-links`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-setup-links", trustplane_setup::links::list)
}
