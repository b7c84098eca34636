//! The functions' binaries: builds them with Cargo, and finds them in its output.

use crate::Error;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// Build profile of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Profile {
    /// The profile of `cargo build`.
    #[default]
    Dev,
    /// The profile of the deployed functions.
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

/// Builds the binaries called `names`, once per process and profile. Blocks.
///
/// The features are those of the whole workspace, as in `cargo build` and `cargo test` at its root. So neither command
/// compiles again what the other compiled. Cargo's output goes to standard error: a failed build shows the compiler's
/// messages.
pub fn build(profile: Profile, names: Vec<String>, quiet: bool) -> Result<Programs, Error> {
    let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = (profile, names);
    if let Some(binaries) = built.get(&key) {
        return Ok(binaries.clone());
    }
    let binaries = run_cargo(profile, &key.1, quiet)?;
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

fn run_cargo(profile: Profile, names: &[String], quiet: bool) -> Result<Programs, Error> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--workspace", "--message-format=json-render-diagnostics"]).current_dir(workspace());
    for name in names {
        command.args(["--bin", name]);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    if quiet {
        command.arg("--quiet");
    }
    // Cargo sets these variables for the processes that it runs. A nested Cargo would rebuild because of them.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME" {
            command.env_remove(name.as_ref());
        }
    }
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Error::while_doing("running `cargo build`", error))?;
    if !output.status.success() {
        return Err(Error::new("the functions do not build: see what the compiler said above"));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(artifacts.filter_map(|artifact| binary(&artifact)).collect())
}

fn binary(artifact: &Value) -> Option<(String, PathBuf)> {
    let path = artifact.get("executable")?.as_str()?;
    let name = artifact.pointer("/target/name")?.as_str()?;
    Some((name.to_owned(), PathBuf::from(path)))
}
