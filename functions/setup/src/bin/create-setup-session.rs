//! POST `/v1/setup-sessions`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::public("create-setup-session", trustplane_setup::sessions::start)
}
