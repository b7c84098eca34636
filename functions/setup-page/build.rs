//! Puts the page together: per language one script, of the texts and all modules, compressed and named by its hash.
//!
//! A module may import from other modules and export declarations by `export` before them. The modules are joined into
//! one, so their top-level names have to differ.

use std::fmt::Write as _;
use std::io::{Error, Result, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

/// The modules, each after those that it imports from.
const MODULES: [&str; 12] =
    ["dom", "rich", "store", "api", "widgets", "checks", "aws", "guides", "provider", "preview", "domains", "main"];

fn main() -> Result<()> {
    // As `functions/build.rs` does.
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=page");
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or_else(|| Error::other(format!("no `{name}`")));
    let (page, out) = (variable("CARGO_MANIFEST_DIR")?.join("page"), variable("OUT_DIR")?);
    let code = MODULES.iter().map(|name| module(&page.join(format!("{name}.js")))).collect::<Result<String>>()?;
    let (mut names, mut scripts) = (String::new(), String::new());
    for texts in sorted(&page.join("texts"))? {
        let language = texts.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let script = format!("const texts = {};\n{code}", fs::read_to_string(&texts)?.trim_end());
        let hash = hash(script.as_bytes());
        let file = out.join(format!("{language}.js.gz"));
        fs::write(&file, compressed(script.as_bytes())?)?;
        let _ = writeln!(names, "    ({language:?}, \"app-{hash}.js\"),");
        let _ = writeln!(scripts, "    (\"app-{hash}.js\", include_bytes!({:?})),", file.display().to_string());
    }
    let table = format!(
        "/// Languages, each with the name of its script.\npub(crate) static NAMES: &[(&str, &str)] = &[\n{names}];\n\n\
         /// The scripts by their names, compressed.\npub(crate) static SCRIPTS: &[(&str, &[u8])] = &[\n{scripts}];\n"
    );
    fs::write(out.join("scripts.rs"), table)
}

/// Returns the text of a module without its imports, and with its exports as plain declarations.
fn module(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).map_err(|error| Error::other(format!("{}: {error}", path.display())))?;
    let mut module = String::new();
    for line in text.lines().filter(|line| !line.starts_with("import ") && !line.trim_start().starts_with("//")) {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let _ = writeln!(module, "{line}");
    }
    Ok(module)
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes)).chars().take(16).collect()
}

/// The files of a folder, in the order of their names.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
