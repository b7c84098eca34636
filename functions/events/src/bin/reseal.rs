//! For operators: seals audit records that were not sealed in their time.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("reseal", trustplane_events::reseal::reseal)
}
