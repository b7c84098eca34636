//! Descriptions of tags and operations, from `prose.md`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trustplane_functions::routes;

/// One section per tag, and below it one per operation.
const TEXT: &str = include_str!("prose.md");

/// Descriptions by name.
pub(crate) struct Prose {
    tags: Vec<(String, String)>,
    operations: BTreeMap<String, Operation>,
}

/// Description of an operation.
struct Operation {
    tag: String,
    text: String,
}

/// Operations without a description, and descriptions without an operation.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProseError {
    /// A route has no section.
    #[error("the operation `{0}` has no section in `openapi/prose.md`: add one below its tag")]
    Missing(&'static str),
    /// A section has no route.
    #[error("`openapi/prose.md` describes `{0}`, which is no operation: remove or rename the section")]
    Unknown(String),
    /// A section has no text, or an operation is above the first tag.
    #[error("the section `{0}` of `openapi/prose.md` is empty or in the wrong place")]
    Misplaced(String),
}

impl Prose {
    /// Reads the descriptions, and checks that each operation has one.
    pub(crate) fn read() -> Result<Self, ProseError> {
        let prose = Self::parse(TEXT)?;
        for (function, _) in routes() {
            if !prose.operations.contains_key(function.name) {
                return Err(ProseError::Missing(function.name));
            }
        }
        let known = |name: &str| routes().any(|(function, _)| function.name == name);
        match prose.operations.keys().find(|name| !known(name)) {
            Some(name) => Err(ProseError::Unknown(name.clone())),
            None => Ok(prose),
        }
    }

    fn parse(text: &str) -> Result<Self, ProseError> {
        let mut prose = Self { tags: Vec::new(), operations: BTreeMap::new() };
        for section in text.split("\n## ").skip(1) {
            let mut parts = section.split("\n### ");
            let (tag, text) = titled(parts.next().unwrap_or_default())?;
            for part in parts {
                let (name, text) = titled(part)?;
                let twice = prose.operations.insert(name.clone(), Operation { tag: tag.clone(), text });
                if twice.is_some() {
                    return Err(ProseError::Misplaced(name));
                }
            }
            prose.tags.push((tag, text));
        }
        Ok(prose)
    }

    /// The tags of the document.
    pub(crate) fn tags(&self) -> Value {
        self.tags.iter().map(|(name, text)| json!({"name": name, "description": text})).collect()
    }

    /// The tag and the description of an operation.
    pub(crate) fn operation(&self, name: &'static str) -> Result<(&str, &str), ProseError> {
        let found = self.operations.get(name).ok_or(ProseError::Missing(name))?;
        Ok((&found.tag, &found.text))
    }
}

/// Splits a section into its title and its text. The lines of a paragraph are joined.
fn titled(section: &str) -> Result<(String, String), ProseError> {
    let (title, text) = section.split_once('\n').unwrap_or((section, ""));
    if text.trim().is_empty() {
        return Err(ProseError::Misplaced(title.to_owned()));
    }
    Ok((title.trim().to_owned(), joined(text)))
}

/// Joins the lines of each paragraph.
pub(crate) fn joined(text: &str) -> String {
    let paragraphs = text.trim().split("\n\n").map(|paragraph| {
        let mut lines = String::new();
        for line in paragraph.lines() {
            let begins = line.starts_with(['|', '-', '#']);
            match (lines.is_empty(), begins) {
                (true, _) => {}
                (false, true) => lines.push('\n'),
                (false, false) => lines.push(' '),
            }
            lines.push_str(line.trim());
        }
        lines
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_tags_and_operations() {
        let prose =
            Prose::parse("# Title\n\n## Keys\n\nAll\nkeys.\n\n### get-key\n\nReturns\na key.\n\nNever its secret.\n");
        let prose = prose.ok().unwrap();
        assert_eq!(prose.tags(), json!([{"name": "Keys", "description": "All keys."}]));
        assert_eq!(prose.operation("get-key"), Ok(("Keys", "Returns a key.\n\nNever its secret.")));
        assert_eq!(prose.operation("put-key"), Err(ProseError::Missing("put-key")));
    }

    #[test]
    fn an_empty_section_is_an_error() {
        let error = Prose::parse("\n## Keys\n\nKeys.\n\n### get-key\n").err();
        assert_eq!(error, Some(ProseError::Misplaced("get-key".to_owned())));
    }

    #[test]
    fn every_operation_has_a_description_and_a_tag() {
        assert!(Prose::read().is_ok());
    }

    #[test]
    fn lists_and_tables_keep_their_lines() {
        assert_eq!(joined("a\nb\n\n- c\n  d\n- e\n\n| f |\n|---|\n"), "a b\n\n- c d\n- e\n\n| f |\n|---|");
    }
}
