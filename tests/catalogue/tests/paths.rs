//! Checks that every file and folder that the documentation names exists.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::{Path, PathBuf};

use trustplane_catalogue::root;

/// Folders of the repository that documentation names paths in.
const FOLDERS: [&str; 7] = [".cargo/", ".ci/", "docs/", "events/", "functions/", "shared/", "tests/"];

/// Extensions of files that documentation names without a folder.
const EXTENSIONS: [&str; 6] = [".json", ".md", ".py", ".rs", ".toml", ".yaml"];

#[test]
fn documentation_names_files_that_exist() {
    let mut documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root().join(name)).to_vec();
    let pages = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    documents.extend(pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    let (mut named, mut missing) = (0, Vec::new());
    for document in &documents {
        let text = std::fs::read_to_string(document).unwrap();
        let paths = paths(&text).into_iter().map(|path| (exists(&root(), &path), path));
        let folder = document.parent().unwrap();
        let links = links(&text).into_iter().map(|link| (folder.join(&link).exists(), link));
        for (exists, path) in paths.chain(links) {
            named += 1;
            if !exists {
                missing.push(format!("{}: `{path}`", document.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(named > 50, "only {named} paths found in {documents:?}");
    assert!(
        missing.is_empty(),
        "these files do not exist; name the files that took their place, from the root of the repository:\n{}",
        missing.join("\n")
    );
}

#[test]
fn paths_are_found_in_text() {
    let text = "See `shared/store/src/keys.rs`, functions/<family>/src/bin. `Cargo.toml`, `v1/x.rs`, `a.b`, target/x.json \
                [a](docs/x.md#y) [b](https://example.com/docs/) (.ci/run)";
    assert_eq!(
        paths(text),
        ["shared/store/src/keys.rs", "functions/<family>/src/bin", "Cargo.toml", "docs/x.md", ".ci/run",]
    );
    assert_eq!(links(text), ["docs/x.md"]);
    let repository = root();
    for path in ["functions/<family>/src/bin/<name>.rs", "docs/", "events/*/", "Cargo.toml", "keys.rs"] {
        assert!(exists(&repository, path), "{path}");
    }
    for path in ["functions/<family>/src/none.rs", "shared/none/", "none.toml", "shared/*.rs"] {
        assert!(!exists(&repository, path), "{path}");
    }
}

/// Returns the paths in `text`: words that begin with one of [`FOLDERS`], and words with one of [`EXTENSIONS`] that have
/// no folder.
fn paths(text: &str) -> Vec<String> {
    let of_path = |character: char| character.is_ascii_alphanumeric() || "/._-<>*".contains(character);
    let words = text.split(|character| !of_path(character)).map(|word| word.trim_end_matches('.'));
    let is_path = |word: &&str| {
        FOLDERS.iter().any(|folder| word.starts_with(folder))
            || (!word.contains('/') && EXTENSIONS.iter().any(|extension| word.ends_with(extension)))
    };
    words.filter(is_path).map(str::to_owned).collect()
}

/// Returns the targets of links in `text` that are paths.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains(':')).map(str::to_owned).collect()
}

/// Returns true if a file or folder matches `path`. `<name>` and `*` match any part of a name. A path without a folder
/// matches a file of this name in any folder.
fn exists(repository: &Path, path: &str) -> bool {
    if !path.contains('/') {
        return repository.join(path).exists() || FOLDERS.iter().any(|folder| contains(&repository.join(folder), path));
    }
    let mut found = vec![repository.to_owned()];
    for part in path.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|folder| matching(folder, part)).collect();
    }
    !found.is_empty()
}

/// Returns the entries of `folder` whose names match `part`.
fn matching(folder: &Path, part: &str) -> Vec<PathBuf> {
    let placeholder = part.find(['<', '*']).zip(part.rfind(['>', '*']));
    let Some((begin, end)) = placeholder else {
        return Some(folder.join(part)).filter(|path| path.exists()).into_iter().collect();
    };
    let (prefix, suffix) = (part.split_at(begin).0, part.split_at(end + 1).1);
    let matches = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.len() >= prefix.len() + suffix.len() && name.starts_with(prefix) && name.ends_with(suffix)
    };
    entries(folder).into_iter().filter(matches).collect()
}

/// Returns true if a file below `folder` has this name. Skips build output.
fn contains(folder: &Path, name: &str) -> bool {
    entries(folder).iter().any(|path| {
        let entry = path.file_name().unwrap();
        entry == name || (entry != "target" && entry != "node_modules" && contains(path, name))
    })
}

/// Returns the entries of `folder`, or none if it is not a folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}
