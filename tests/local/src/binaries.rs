//! The functions' binaries: builds them with Cargo, and finds them in its output.
//!
//! [`Profile::Dev`] builds one program for all functions, which links in seconds; [`Profile::Release`] builds one binary
//! per function, as they are deployed. [`in_folder`] takes binaries that are built already.

use crate::Error;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// Build profile of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Profile {
    /// One program for all functions, without optimization.
    #[default]
    Dev,
    /// One binary per function, as they are deployed.
    Release,
}

/// Paths of binaries, by function name.
pub type Programs = BTreeMap<String, PathBuf>;

/// Binaries that this process has built already.
static BUILT: Mutex<BTreeMap<(Profile, Vec<String>), Programs>> = Mutex::new(BTreeMap::new());

/// Returns the workspace's folder.
pub fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

/// Returns Cargo's target folder.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// The program that serves any function, by the name that it is started with.
const EVERY_FUNCTION: &str = "every-function";

/// Builds the programs of the functions called `names`, once per process and profile.
///
/// The features are those of the whole workspace, as in `cargo build` and `cargo test` at its root. So neither command
/// compiles again what the other compiled. Cargo's output goes to standard error; with `quiet`, only the compiler's
/// messages and the line that Cargo waits for its lock. Blocks.
pub fn build(profile: Profile, names: Vec<String>, quiet: bool) -> Result<Programs, Error> {
    let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = (profile, names);
    if let Some(binaries) = built.get(&key) {
        return Ok(binaries.clone());
    }
    let binaries = match profile {
        Profile::Dev => every_function(quiet)?,
        Profile::Release => {
            let selection = key.1.iter().flat_map(|name| ["--bin", name]);
            run_cargo(["--release"].into_iter().chain(selection), quiet)?
        }
    };
    built.insert(key, binaries.clone());
    Ok(binaries)
}

/// Finds the binaries in a folder, by file name.
pub fn in_folder(folder: &Path) -> Result<Programs, Error> {
    let failed = |error| Error::while_doing(format!("functions in `{}`", folder.display()), error);
    let mut binaries = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // `cargo lambda build` creates a folder per function, with `bootstrap` in it.
        let program = if path.is_dir() { path.join("bootstrap") } else { path.clone() };
        if let (Some(name), true) = (path.file_name(), program.is_file()) {
            binaries.insert(name.to_string_lossy().into_owned(), program);
        }
    }
    Ok(binaries)
}

fn every_function(quiet: bool) -> Result<Programs, Error> {
    let program = run_cargo(["--example", EVERY_FUNCTION], quiet)?
        .remove(EVERY_FUNCTION)
        .ok_or_else(|| Error::new(format!("Cargo built no example `{EVERY_FUNCTION}`")))?;
    let listed = Command::new(&program)
        .arg("--list")
        .output()
        .map_err(|error| Error::while_doing(format!("running `{} --list`", program.display()), error))?;
    let names = String::from_utf8_lossy(&listed.stdout);
    Ok(names.lines().map(|name| (name.to_owned(), program.clone())).collect())
}

fn run_cargo<'a>(selection: impl IntoIterator<Item = &'a str>, quiet: bool) -> Result<Programs, Error> {
    let failed = |error| Error::while_doing("running `cargo build`", error);
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--workspace", "--message-format=json-render-diagnostics"]).args(selection);
    command.current_dir(workspace());
    // Cargo sets these variables for the processes that it runs. A nested Cargo would rebuild because of them.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME" {
            command.env_remove(name.as_ref());
        }
    }
    // `--quiet` would also hide that Cargo waits for another build.
    command.stdout(Stdio::piped()).stderr(if quiet { Stdio::piped() } else { Stdio::inherit() });
    let mut cargo = command.spawn().map_err(failed)?;
    let relay = cargo.stderr.take().map(|stderr| std::thread::spawn(move || relay(stderr)));
    let output = cargo.wait_with_output().map_err(failed)?;
    // An error here is a panic of the thread, which has shown itself.
    let _ = relay.map(std::thread::JoinHandle::join);
    if !output.status.success() {
        return Err(Error::new("the functions do not build: see the compiler's errors above"));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(artifacts.filter_map(|artifact| binary(&artifact)).collect())
}

/// Prints Cargo's standard error without the lines that only tell of its progress.
fn relay(stderr: impl Read) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if !is_progress(&line) {
            eprintln!("{line}");
        }
    }
}

fn is_progress(line: &str) -> bool {
    // A status is a word at the end of the first twelve columns: `   Compiling serde v1.0.228`.
    let status = line.get(..12).filter(|_| line.as_bytes().get(12) == Some(&b' ')).map(str::trim_start);
    status.is_some_and(|status| !status.contains(' ') && status != "Blocking" && line.starts_with(' '))
}

fn binary(artifact: &Value) -> Option<(String, PathBuf)> {
    let path = artifact.get("executable")?.as_str()?;
    let name = artifact.pointer("/target/name")?.as_str()?;
    Some((name.to_owned(), PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_from_what_matters() {
        for line in ["   Compiling serde v1.0.228", "    Finished `dev` profile in 1s", "    Updating crates.io index"]
        {
            assert!(is_progress(line), "{line}");
        }
        for line in [
            "    Blocking waiting for file lock on build directory",
            "error[E0425]: cannot find value `x` in this scope",
            "   --> functions/platform/src/health.rs:15:5",
            "    |     ^^^ not found in this scope",
            "warning: unused variable",
            "",
        ] {
            assert!(!is_progress(line), "{line}");
        }
    }
}
