//! `decode-authorization-message`, for operators.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("decode-authorization-message", trustplane_platform::denials::decode)
}
