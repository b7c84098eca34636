//! GET `/setup`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::public_with(
        "get-setup-page",
        trustplane_setup_page::Page::from_env,
        trustplane_setup_page::document,
    )
}
