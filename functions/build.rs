//! Links the functions at a fixed address: a binary that may be loaded anywhere has tens of thousands of pointers to be
//! set at each start, and is a megabyte larger for the list of them.

fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
