//! Reading XML that a stranger wrote, and writing text into XML.

use roxmltree::{Document, Error, ParsingOptions};

use super::{Fault, MAX_BYTES, bounds};

/// Elements, texts and comments in a document.
const MAX_NODES: u32 = 20_000;

/// Parses `text`. No document type is taken, so there are no entities to expand or to fetch.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Fault> {
    crate::parsing::count();
    if text.len() > MAX_BYTES {
        return Err(Fault::TooLong);
    }
    bounds::check(text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        Error::DtdDetected => Fault::Doctype,
        Error::NodesLimitReached | Error::AttributesLimitReached | Error::NamespacesLimitReached => Fault::TooComplex,
        other => Fault::NotXml(other.to_string().chars().take(200).collect()),
    })
}

/// `text` as the content of an attribute or an element. Characters that XML 1.0 cannot hold become U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // Left as they are, these would be read back as spaces or line feeds.
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(character))),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn documents_that_cost_more_than_they_say_are_refused() {
        let entities = r#"<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>"#;
        let external = r#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#;
        for text in [entities, external, "<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE a><a/>"] {
            assert_eq!(parse(text).err(), Some(Fault::Doctype), "{text}");
        }
        let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        for depth in [41, 9_000, 30_000] {
            assert_eq!(parse(&deep(depth)).err(), Some(Fault::TooComplex));
        }
        assert!(parse(&deep(40)).is_ok());
        assert_eq!(parse(&format!("<a>{}</a>", "<b/>".repeat(30_000))).err(), Some(Fault::TooComplex));
        let mut attributes = String::new();
        let mut declarations = String::new();
        for number in 0..5_000 {
            write!(attributes, " x{number}=''").unwrap();
            write!(declarations, "<a xmlns:x{number}='u'/>").unwrap();
        }
        assert_eq!(parse(&format!("<a{attributes}/>")).err(), Some(Fault::TooComplex));
        assert_eq!(parse(&format!("<a>{declarations}</a>")).err(), Some(Fault::TooComplex));
        assert!(parse(&format!("<a b='{0}'>{0}</a>", "x".repeat(100_000))).is_ok());
        assert_eq!(parse(&" ".repeat(MAX_BYTES + 1)).err(), Some(Fault::TooLong));
        for text in ["", "<a>", "<a>&x;</a>", "<x:a/>", "<a><!DOCTYPE a></a>", "<a b='1' b='2'/>"] {
            assert!(matches!(parse(text).err(), Some(Fault::NotXml(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in "[\\PC\t\n\r&<>\"']{0,40}") {
            let escaped = escaped(&text);
            let xml = format!("<a b=\"{escaped}\">{escaped}</a>");
            let document = parse(&xml).unwrap();
            prop_assert_eq!(document.root_element().attribute("b"), Some(text.as_str()));
            prop_assert_eq!(document.root_element().text().unwrap_or_default(), text);
        }

        #[test]
        fn any_text_is_escaped_to_what_xml_can_hold(text: String) {
            let xml = format!("<a b=\"{0}\">{0}</a>", escaped(&text));
            prop_assert!(parse(&xml).is_ok());
        }
    }
}
