//! All functions in one program: `argv[0]` names the function that it serves.
//!
//! The local stack and the end-to-end tests run it in place of the deployed binaries, because one program links in
//! seconds where one binary per function takes minutes. `TRUSTPLANE_FUNCTIONS` chooses the deployed binaries instead.

use std::{env, path::PathBuf, process::ExitCode};

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let program = arguments.next().map(PathBuf::from).unwrap_or_default();
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    if let Some(main) = main_of(&name) {
        return main();
    }
    if arguments.next().is_some_and(|argument| argument == "--list") {
        NAMES.iter().for_each(|name| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "there is no function `{name}`: start this program with the name of a function as `argv[0]`, one of `--list`"
    );
    ExitCode::FAILURE
}
