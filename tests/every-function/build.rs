//! Writes one module per function, from the `main` that the function is deployed with.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{Error, Result},
    path::{Path, PathBuf},
};

const MAIN: &str = "\nfn main()";

fn main() -> Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or_else(|| Error::other(format!("no `{name}`")));
    let functions = variable("CARGO_MANIFEST_DIR")?.join("../../functions");
    let mut modules = String::new();
    let (mut arms, mut names) = (String::new(), String::new());
    for family in sorted(&functions)? {
        let programs = family.join("src/bin");
        if !programs.is_dir() {
            continue;
        }
        println!("cargo::rerun-if-changed={}", programs.display());
        for program in sorted(&programs)? {
            let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let module = name.replace('-', "_");
            let text = fs::read_to_string(&program)?;
            if !text.contains(MAIN) {
                return Err(Error::other(format!("{} has no line that begins with `fn main()`", program.display())));
            }
            // Inner documentation is not allowed where the text is put.
            let text = text.replace(MAIN, "\npub(crate) fn main()").replace("//!", "//");
            let _ = write!(modules, "mod {module} {{\n{text}\n}}\n");
            let _ = writeln!(arms, "        {name:?} => {module}::main,");
            let _ = writeln!(names, "    {name:?},");
        }
    }
    let table = format!(
        "/// Names of all functions.\nstatic NAMES: &[&str] = &[\n{names}];\n\n\
         /// Finds the `main` of a function.\nfn main_of(name: &str) -> Option<fn() -> ExitCode> {{\n    \
         Some(match name {{\n{arms}        _ => return None,\n    }})\n}}\n"
    );
    fs::write(variable("OUT_DIR")?.join("functions.rs"), modules + &table)
}

/// The entries of a folder, in the order of their names.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
