//! Generates the files that follow from the table of functions: `template.yaml`, `openapi.json`, the permissions of
//! each role, each package's list of binaries and the tables of `docs/endpoints.md`. `cargo catalogue` writes them; a
//! test fails if one is not current.

mod alarms;
mod connection;
mod dashboard;
#[cfg(feature = "schema")]
mod derived;
#[cfg(feature = "schema")]
mod event_types;
mod events;
#[cfg(feature = "schema")]
mod openapi;
mod permissions;
#[cfg(feature = "schema")]
mod schemas;
mod template;

use std::fmt::Write as _;
use std::path::PathBuf;

use trustplane_functions::{Trigger, functions};

/// The root of the workspace.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A file that follows from the table.
#[derive(Debug)]
pub struct Written {
    /// Its path from the root.
    pub path: String,
    /// Its text, as the table has it.
    pub text: String,
}

impl Written {
    /// Compares the text with the file on disk. Returns the lines that differ as a unified diff, or `None` if the file
    /// is current.
    pub fn difference(&self) -> Option<String> {
        let found = std::fs::read_to_string(root().join(&self.path)).unwrap_or_default();
        (found != self.text).then(|| difference(&self.path, &found, &self.text))
    }
}

/// Returns a unified diff of two texts, with three lines around each change.
fn difference(path: &str, found: &str, wanted: &str) -> String {
    let diff = similar::TextDiff::from_lines(found, wanted);
    diff.unified_diff().context_radius(3).header(path, &format!("{path}, as the table of functions has it")).to_string()
}

/// Renders all files that follow from the table.
///
/// # Errors
/// Names the file that cannot be read or lacks its marks, the schema that is not defined, or the reference that leads
/// nowhere.
pub fn written() -> Result<Vec<Written>, String> {
    let mut files = vec![
        Written { path: "template.yaml".to_owned(), text: template::template() },
        #[cfg(feature = "schema")]
        Written { path: "openapi.json".to_owned(), text: openapi::openapi().map_err(|error| error.to_string())? },
        #[cfg(feature = "schema")]
        Written { path: "functions/platform/src/event_types.json".to_owned(), text: event_types::document()? },
        between("docs/events.md", "<!-- events -->", "<!-- end of events -->", &events::table())?,
        between("docs/notifications.md", "# All notices.", "# End of all notices.", &events::notices_of_pattern())?,
        Written { path: "shared/policy/permissions.md".to_owned(), text: permissions::permissions()? },
        Written {
            path: "shared/policy/src/decisions.rs".to_owned(),
            text: trustplane_policy::tabulate(trustplane_functions::actions()).map_err(|error| error.to_string())?,
        },
        Written { path: "docs/connection.md".to_owned(), text: connection::manual()? },
        Written { path: "docs/endpoints.md".to_owned(), text: endpoints() },
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
    Ok(files)
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

/// `docs/endpoints.md`.
fn endpoints() -> String {
    let mut text = String::from(
        "# Endpoints and functions\n\nThis file is generated from the table of functions (`cargo catalogue`). `openapi.json` describes \
         requests and responses.\n\n## Endpoints\n\n| endpoint | function | does |\n|---|---|---|\n",
    );
    for function in functions() {
        if let Trigger::Http(route) = &function.trigger {
            let _ =
                writeln!(text, "| `{} {}` | `{}` | {} |", route.method, route.path, function.name, function.summary);
        }
    }
    text.push_str("\n## Functions that no client calls\n\n");
    text.push_str(&other_functions());
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
            Trigger::Bus => "EventBridge, for every event of the service".to_owned(),
        };
        let _ = writeln!(text, "| `{}` | {by} | {} |", function.name, function.summary);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_the_lines_that_differ() {
        let found: String = (1..=100).map(|line| format!("line {line}\n")).collect();
        let wanted = found.replace("line 50\n", "another\n");
        let shown = difference("file", &found, &wanted);
        let wanted = "--- file\n+++ file, as the table of functions has it\n@@ -47,7 +47,7 @@\n line 47\n line 48\n \
                      line 49\n-line 50\n+another\n line 51\n line 52\n line 53\n";
        assert_eq!(shown, wanted);
    }

    #[test]
    fn a_current_file_has_no_difference() {
        let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
        let mut file = Written { path: "template.yaml".to_owned(), text };
        assert_eq!(file.difference(), None);
        file.text.push_str("# more\n");
        assert!(file.difference().unwrap().ends_with("+# more\n"));
    }
}
