//! `cargo catalogue`: writes what follows from the table of functions. With `--check`, only says what is not current.

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
        let path = trustplane_catalogue::root().join(&file.path);
        if std::fs::read_to_string(&path).is_ok_and(|found| found == file.text) {
            continue;
        }
        stale = true;
        println!("{}", file.path);
        if !check && let Err(error) = std::fs::write(&path, file.text) {
            eprintln!("{}: {error}", file.path);
            return ExitCode::FAILURE;
        }
    }
    if check && stale { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
