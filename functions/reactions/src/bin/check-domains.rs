//! For EventBridge: looks whether proven domains still have their DNS record.

fn main() -> std::process::ExitCode {
    trustplane_runtime::reaction("check-domains", trustplane_reactions::domains::check)
}
