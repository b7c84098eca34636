//! The functions' programs: built by Cargo, found by what it reports.

use crate::Error;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// How the functions are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Profile {
    /// As `cargo build` does.
    #[default]
    Dev,
    /// As they are deployed.
    Release,
}

/// Programs by the names of their functions.
pub type Programs = BTreeMap<String, PathBuf>;

/// What was built by this process already.
static BUILT: Mutex<BTreeMap<(Profile, Vec<String>), Programs>> = Mutex::new(BTreeMap::new());

/// The workspace's own folder.
pub fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

/// Cargo's folder for what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// Builds the binaries called `names`, once for each process and profile.
///
/// Features are those of the whole workspace, as in `cargo build` and `cargo test` at its root: so neither compiles again
/// what the other has compiled. Cargo's own output goes to standard error: a failed build shows what the compiler said.
/// Blocks.
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

/// The programs of one folder, by the names of their files.
pub fn in_folder(folder: &Path) -> Result<Programs, Error> {
    let failed = |error| Error::while_doing(format!("functions in `{}`", folder.display()), error);
    let mut binaries = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // `cargo lambda build` makes a folder for each function, with `bootstrap` in it.
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
    // Cargo sets these for the process it runs; they would make its own next run differ from one by hand.
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
