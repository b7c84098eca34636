//! GET `/setup/{asset}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::public_with(
        "get-setup-asset",
        trustplane_setup_page::Assets::from_env,
        trustplane_setup_page::asset,
    )
}
