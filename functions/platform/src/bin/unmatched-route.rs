//! Every path and method that no other function has.

fn main() -> std::process::ExitCode {
    trustplane_runtime::public("unmatched-route", trustplane_platform::unmatched::respond)
}
