//! The table of functions, the binaries, the template, the API document, the events and the README say the same.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

use std::collections::BTreeSet;

use trustplane_catalogue::{root, written};
use trustplane_runtime::functions;

#[test]
fn what_follows_from_the_table_is_current() {
    for file in written().unwrap() {
        let found = std::fs::read_to_string(root().join(&file.path)).unwrap_or_default();
        assert!(found == file.text, "{} is not current: run `cargo catalogue`", file.path);
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
fn imports_point_one_way() {
    // From the leaves to the root: a crate may use those before it.
    const ORDER: [&str; 7] = ["domain", "keys", "policy", "dns", "aws", "store", "runtime"];
    for (place, name) in ORDER.iter().enumerate() {
        let manifest = std::fs::read_to_string(root().join(format!("shared/{name}/Cargo.toml"))).unwrap();
        for later in ORDER.iter().skip(place) {
            let uses = manifest.contains(&format!("trustplane-{later}.workspace"));
            assert!(!uses, "`{name}` uses `{later}`");
        }
        assert!(
            !manifest.contains("functions/") && !manifest.contains("trustplane-identity"),
            "`{name}` uses a function"
        );
    }
    let pure = std::fs::read_to_string(root().join("shared/domain/Cargo.toml")).unwrap();
    for heavy in ["aws-", "tokio", "lambda", "http"] {
        assert!(!pure.lines().any(|line| line.starts_with(heavy)), "the domain uses `{heavy}`");
    }
}
