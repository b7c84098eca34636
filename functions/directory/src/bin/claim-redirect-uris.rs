//! For operators: claims redirect URIs of earlier releases.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("claim-redirect-uris", trustplane_directory::redirect_uris::claim)
}
