//! What follows from the table of functions, written out: `template.yaml`, `openapi.json`, what each role may, each
//! package's list of binaries and the README's table of endpoints. `cargo catalogue` writes them; a test fails when one is not current.

mod openapi;
mod parameters;
mod permissions;
mod template;

use std::fmt::Write as _;
use std::path::PathBuf;

use trustplane_runtime::{Trigger, functions};

/// The root of the workspace.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A file that follows from the table.
#[derive(Debug)]
pub struct Written {
    /// Its path from the root.
    pub path: String,
    /// What it has to be.
    pub text: String,
}

/// All files that follow from the table, as they have to be.
///
/// # Errors
/// Where a file that is written in part cannot be read, or lacks its marks.
pub fn written() -> Result<Vec<Written>, String> {
    let mut files = vec![
        Written { path: "template.yaml".to_owned(), text: template::template() },
        Written { path: "openapi.json".to_owned(), text: openapi::openapi() },
        Written { path: "shared/policy/permissions.md".to_owned(), text: permissions::permissions()? },
    ];
    let mut families: Vec<&str> = functions().map(|function| function.family).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        files.push(between(
            &format!("functions/{family}/Cargo.toml"),
            "# binaries",
            "# end of binaries",
            &binaries(family),
        )?);
    }
    files.push(between("README.md", "<!-- endpoints -->", "<!-- end of endpoints -->", &endpoints())?);
    files.push(between("README.md", "<!-- functions -->", "<!-- end of functions -->", &other_functions())?);
    Ok(merge(files))
}

/// Two pieces of one file: both are put in.
fn merge(files: Vec<Written>) -> Vec<Written> {
    let mut merged: Vec<Written> = Vec::new();
    for file in files {
        match merged.iter_mut().find(|other| other.path == file.path) {
            Some(other) => {
                if let Ok(text) =
                    put_between(&other.text, "<!-- functions -->", "<!-- end of functions -->", &other_functions())
                {
                    other.text = text;
                }
            }
            None => merged.push(file),
        }
    }
    merged
}

fn between(path: &str, from: &str, to: &str, text: &str) -> Result<Written, String> {
    let found = std::fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let text = put_between(&found, from, to, text).map_err(|error| format!("{path}: {error}"))?;
    Ok(Written { path: path.to_owned(), text })
}

fn put_between(found: &str, from: &str, to: &str, text: &str) -> Result<String, String> {
    let (head, rest) = found.split_once(from).ok_or_else(|| format!("no `{from}`"))?;
    let (_, tail) = rest.split_once(to).ok_or_else(|| format!("no `{to}`"))?;
    Ok(format!("{head}{from}\n{text}{to}{tail}"))
}

/// Each binary by name: `test = false` keeps `cargo test` from linking a test program for a `main` of one line.
fn binaries(family: &str) -> String {
    let mut text = String::new();
    for function in functions().filter(|function| function.family == family) {
        let name = function.name;
        let _ = write!(
            text,
            "[[bin]]\nname = \"{name}\"\npath = \"src/bin/{name}.rs\"\ntest = false\nbench = false\ndoc = false\n\n"
        );
    }
    text
}

fn endpoints() -> String {
    let mut text = String::from("| endpoint | function | does |\n|---|---|---|\n");
    for function in functions() {
        if let Trigger::Http(route) = &function.trigger {
            let _ =
                writeln!(text, "| `{} {}` | `{}` | {} |", route.method, route.path, function.name, function.summary);
        }
    }
    text
}

fn other_functions() -> String {
    let mut text = String::from("| function | invoked by | does |\n|---|---|---|\n");
    for function in functions() {
        let by = match function.trigger {
            Trigger::Http(_) => continue,
            Trigger::Unmatched => "API Gateway, for every other path".to_owned(),
            Trigger::Operator => "an operator".to_owned(),
            Trigger::Schedule(rate) => format!("EventBridge, `{rate}`"),
            Trigger::AuditStream => "the table's stream".to_owned(),
        };
        let _ = writeln!(text, "| `{}` | {by} | {} |", function.name, function.summary);
    }
    text
}
