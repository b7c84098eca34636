//! Output of function processes, kept for tests and shown to the developer.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Number of lines to keep. Older lines are dropped.
const CAPACITY: usize = 20_000;

/// One line that a function printed to its standard output or error.
#[derive(Debug, Clone)]
pub struct Line {
    /// Number of the line in the whole stack, from 1.
    pub number: u64,
    /// The function's name.
    pub function: String,
    /// The process that printed it.
    pub process: u32,
    /// Its text, without the line's end.
    pub text: String,
}

/// Selection of the lines that are also shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// No lines, for tests.
    #[default]
    Nothing,
    /// Warnings, errors, and lines that are not log records, such as a panic's.
    Warnings,
    /// All lines.
    Everything,
}

/// The lines of all functions.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    lines: Arc<Mutex<Lines>>,
    show: Show,
}

#[derive(Debug, Default)]
struct Lines {
    last: u64,
    kept: VecDeque<Line>,
}

impl Logs {
    /// Creates an empty log with this selection.
    pub fn new(show: Show) -> Self {
        Self { lines: Arc::default(), show }
    }

    /// Returns true if any lines are shown on standard error.
    pub fn shows(&self) -> bool {
        self.show != Show::Nothing
    }

    /// Returns the kept lines, oldest first.
    pub fn lines(&self) -> Vec<Line> {
        self.lock().kept.iter().cloned().collect()
    }

    /// Searches from the newest line, and returns the first `Some` of `find`.
    pub fn find<T>(&self, find: impl Fn(&Line) -> Option<T>) -> Option<T> {
        self.lock().kept.iter().rev().find_map(find)
    }

    /// Returns the number of the newest line.
    pub fn last(&self) -> u64 {
        self.lock().last
    }

    /// Returns the lines of one process after the line `number`.
    pub fn of_process_since(&self, process: u32, number: u64) -> Vec<String> {
        let lines = self.lock();
        let since = lines.kept.iter().filter(|line| line.process == process && line.number > number);
        since.map(|line| line.text.clone()).collect()
    }

    /// Adds a line.
    pub(crate) fn add(&self, function: &str, process: u32, text: String) {
        if self.show == Show::Everything || (self.show == Show::Warnings && is_warning(&text)) {
            eprintln!("[{function}] {text}");
        }
        let mut lines = self.lock();
        lines.last += 1;
        let line = Line { number: lines.last, function: function.to_owned(), process, text };
        lines.kept.push_back(line);
        if lines.kept.len() > CAPACITY {
            lines.kept.pop_front();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns true for a JSON record with level `WARN` or `ERROR`, and for a line that is not a JSON record.
fn is_warning(text: &str) -> bool {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(record)) => {
            let level = record.get("level").and_then(serde_json::Value::as_str);
            level.is_some_and(|level| level.eq_ignore_ascii_case("warn") || level.eq_ignore_ascii_case("error"))
        }
        _ => !text.trim().is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_lines_and_tells_processes_apart() {
        let logs = Logs::default();
        for number in 0..CAPACITY + 5 {
            logs.add("echo", 1 + (number as u32 % 2), number.to_string());
        }
        let lines = logs.lines();
        assert_eq!(lines.len(), CAPACITY);
        assert_eq!(lines[0].text, "5");
        assert_eq!(logs.of_process_since(1, logs.last() - 4), [(CAPACITY + 2).to_string(), (CAPACITY + 4).to_string()]);
    }

    #[test]
    fn a_warning_is_a_record_of_that_level_or_no_record() {
        assert!(is_warning(r#"{"level":"ERROR","message":"x"}"#));
        assert!(is_warning("thread 'main' panicked"));
        assert!(!is_warning(r#"{"level":"INFO","message":"x"}"#));
        assert!(!is_warning(""));
    }
}
