//! GET `/organisations`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-organisations", trustplane_directory::organisations::list)
}
