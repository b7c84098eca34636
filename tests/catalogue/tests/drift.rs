//! The table of functions, the binaries, the template, the API document, the events and the documentation say the same.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

use std::collections::BTreeSet;

use trustplane_catalogue::{root, written};
use trustplane_functions::{event_types, functions};

#[test]
fn what_follows_from_the_table_is_current() {
    for file in written().unwrap() {
        if let Some(difference) = file.difference() {
            panic!("{} is not current: run `cargo catalogue`\n{difference}", file.path);
        }
    }
}

#[test]
fn every_function_has_a_binary_and_every_binary_a_function() {
    let mut binaries = BTreeSet::new();
    for package in std::fs::read_dir(root().join("functions")).unwrap() {
        let package = package.unwrap();
        let Ok(files) = std::fs::read_dir(package.path().join("src/bin")) else { continue };
        for file in files {
            let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
            binaries.insert((package.file_name().to_string_lossy().into_owned(), name));
        }
    }
    let functions: BTreeSet<_> =
        functions().map(|function| (function.family.to_owned(), function.name.to_owned())).collect();
    assert_eq!(binaries, functions);
}

#[test]
fn every_function_has_an_event_and_every_event_a_function() {
    let mut with_events = BTreeSet::new();
    for folder in std::fs::read_dir(root().join("events")).unwrap() {
        let folder = folder.unwrap();
        let payloads = std::fs::read_dir(folder.path()).unwrap().count();
        assert!(payloads > 0, "{:?} is empty", folder.path());
        with_events.insert(folder.file_name().to_string_lossy().into_owned());
    }
    let functions: BTreeSet<_> = functions().map(|function| function.name.to_owned()).collect();
    assert_eq!(with_events, functions);
}

#[test]
fn the_rule_of_notices_names_events_that_exist() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let (_, rest) = template.split_once("detail-type: [").expect("a rule of notices");
    let (names, _) = rest.split_once(']').unwrap();
    let known: BTreeSet<&str> = event_types().map(|row| row.name).collect();
    for name in names.split(", ") {
        assert!(known.contains(name), "no event is called `{name}`: see docs/events.md");
    }
}

/// The crates under `shared/`, each with those that it may use.
const IMPORTS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("keys", &["domain"]),
    ("dns", &["domain"]),
    ("policy", &["domain"]),
    ("outbound", &["dns", "domain"]),
    ("aws", &["domain"]),
    ("store", &["aws", "policy", "domain"]),
    // Neither uses the other: a new row of the table does not rebuild the store.
    ("functions", &["policy", "domain"]),
    ("runtime", &["functions", "store", "outbound", "aws", "policy", "domain"]),
];

#[test]
fn imports_point_one_way() {
    for package in std::fs::read_dir(root().join("shared")).unwrap() {
        let name = package.unwrap().file_name().to_string_lossy().into_owned();
        let allowed = IMPORTS.iter().find(|(crate_name, _)| *crate_name == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("`shared/{name}` is not in the list of imports: add it"));
        let manifest = std::fs::read_to_string(root().join(format!("shared/{name}/Cargo.toml"))).unwrap();
        let (manifest, _) = manifest.split_once("[dev-dependencies]").unwrap_or((&manifest, ""));
        for line in manifest.lines() {
            assert!(!line.contains("path = \"..") && !line.contains("functions/"), "`{name}` imports by path: {line}");
            let Some(import) = line.strip_prefix("trustplane-") else { continue };
            let import = import.split(['.', ' ']).next().unwrap();
            assert!(allowed.contains(&import), "`{name}` may not use `{import}`, only {allowed:?}");
        }
    }
    let pure = std::fs::read_to_string(root().join("shared/domain/Cargo.toml")).unwrap();
    for heavy in ["aws-", "tokio", "lambda", "http"] {
        assert!(!pure.lines().any(|line| line.starts_with(heavy)), "the domain uses `{heavy}`");
    }
}
