//! `cargo local`.
fn main() {}
