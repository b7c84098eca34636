//! Append-only lists: in memory for tests, and in a file of JSON lines for the developer.

use serde_json::Value;
use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::Error;

/// An append-only list, as a cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    kept: Vec<Value>,
    file: Option<File>,
}

impl Journal {
    /// Creates a list that is also appended to `file`. The file's previous content is not read.
    pub fn in_file(file: &Path) -> Result<Self, Error> {
        let opened = File::options().append(true).create(true).open(file);
        let opened = opened.map_err(|error| Error::while_doing(format!("`{}`", file.display()), error))?;
        Ok(Self(Arc::new(Mutex::new(Entries { kept: Vec::new(), file: Some(opened) }))))
    }

    /// Appends an entry.
    pub fn add(&self, entry: Value) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut entries.file
            && let Err(error) = writeln!(file, "{entry}")
        {
            eprintln!("warning: an entry could not be written to its file: {error}");
        }
        entries.kept.push(entry);
    }

    /// Returns the entries since the start.
    pub fn entries(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kept.clone()
    }
}
