//! GET `/v1/instances`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-instances", trustplane_identity_source::instances::list)
}
