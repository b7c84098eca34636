//! Checks the style of doc comments in all Rust files of the repository.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::{Path, PathBuf};

use trustplane_catalogue::root;

/// Words that a doc comment should not begin with. A verb or a noun reads better.
const QUESTIONS: [&str; 10] = ["How", "That", "What", "Where", "Whether", "Which", "Who", "Whom", "Whose", "Why"];

/// Largest share of doc comments that may begin with one of [`QUESTIONS`], in percent.
const MAX_PERCENT: usize = 5;

#[test]
fn doc_comments_begin_with_a_verb_or_a_noun() {
    let files: Vec<PathBuf> =
        ["functions", "shared", "tests"].iter().flat_map(|folder| rust_files(&root().join(folder))).collect();
    assert!(files.len() > 100, "only {} Rust files found below {:?}", files.len(), root());

    let (mut all, mut offenders) = (0, Vec::new());
    for file in &files {
        for (line, first) in doc_comments(&std::fs::read_to_string(file).unwrap()) {
            all += 1;
            if begins_with_a_question(&first) {
                offenders.push(format!("{}:{line}: {first}", file.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(
        offenders.len() * 100 <= all * MAX_PERCENT,
        "{} of {all} doc comments begin with a question word, more than {MAX_PERCENT} %. Begin them with a verb or a \
         noun:\n{}",
        offenders.len(),
        offenders.join("\n")
    );
}

#[test]
fn a_doc_comment_counts_once_by_its_first_line() {
    let text = "//! What it is.\n//! Whether it counts.\n\n    /// Reads.\n    /// Whose line.\n#[a]\n/// Who.\n// How.\n//// Why.\n";
    let found = doc_comments(text);
    assert_eq!(found, [(1, "What it is.".to_owned()), (4, "Reads.".to_owned()), (7, "Who.".to_owned())]);
    let questions: Vec<_> = found.iter().map(|(_, first)| begins_with_a_question(first)).collect();
    assert_eq!(questions, [true, false, true]);
    assert!(begins_with_a_question("Whether.") && begins_with_a_question("Who") && begins_with_a_question("What's"));
    assert!(!begins_with_a_question("Whole.") && !begins_with_a_question("Howl at") && !begins_with_a_question(""));
}

/// Finds the Rust files below `folder`, sorted. Skips build output and hidden folders.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') && name != "node_modules" {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Returns the line number and the first line of each doc comment in `text`.
fn doc_comments(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut previous = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let marker = ["///", "//!"].into_iter().find(|marker| line.starts_with(marker) && !line.starts_with("////"));
        if let Some(marker) = marker
            && previous != Some(marker)
        {
            found.push((index + 1, line.trim_start_matches(marker).trim().to_owned()));
        }
        previous = marker;
    }
    found
}

/// Returns true if the first word of `line` is one of [`QUESTIONS`].
fn begins_with_a_question(line: &str) -> bool {
    let word: String = line.chars().take_while(|character| character.is_alphabetic()).collect();
    QUESTIONS.contains(&word.as_str())
}
