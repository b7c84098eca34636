//! GET `/v1/policies/schema`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-policy-schema", trustplane_platform::policies::show_schema)
}
