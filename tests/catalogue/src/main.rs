//! `cargo catalogue`: writes the files that follow from the table of functions. With `--check`, prints the lines that
//! are not current, and fails if there are any.

use std::process::ExitCode;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let files = match trustplane_catalogue::written() {
        Ok(files) => files,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let mut stale = false;
    for file in files {
        let Some(difference) = file.difference() else { continue };
        stale = true;
        if check {
            print!("{difference}");
            continue;
        }
        println!("{}", file.path);
        if let Err(error) = std::fs::write(trustplane_catalogue::root().join(&file.path), file.text) {
            eprintln!("{}: {error}", file.path);
            return ExitCode::FAILURE;
        }
    }
    if check && stale { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
