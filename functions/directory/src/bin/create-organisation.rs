//! POST `/organisations`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-organisation", trustplane_directory::organisations::create)
}
