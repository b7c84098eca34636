//! Bounds of a document, checked before it is parsed: the parser compares each attribute of an element with each other.

use super::Fault;

/// Elements within elements. Metadata goes some ten deep.
const MAX_DEPTH: usize = 40;

/// Attributes and declarations of one element.
const MAX_ATTRIBUTES: usize = 64;

/// Declarations of namespaces. The parser keeps, for each element that declares one, all that are in scope: its memory
/// grows with the square of this number.
const MAX_DECLARATIONS: usize = 2_000;

/// Refuses a document that is nested too deep, or has too many attributes or declarations. Texts may be of any length:
/// a logo within metadata has 95 kB.
///
/// Reads as much of XML as is needed to tell tags from texts. The parser refuses a document at the first place that it
/// and this would read differently.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let mut rest = text;
    let mut depth: usize = 0;
    let mut declarations = 0;
    while let Some((_, markup)) = rest.split_once('<') {
        let special = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")];
        if let Some((begin, end)) = special.into_iter().find(|(begin, _)| markup.starts_with(begin)) {
            let content = markup.get(begin.len()..).unwrap_or_default();
            rest = content.split_once(end).map_or("", |(_, behind)| behind);
            continue;
        }
        let tag = Tag::read(markup);
        declarations += tag.declarations;
        match tag.kind {
            Kind::Begin => depth += 1,
            Kind::End => depth = depth.saturating_sub(1),
            Kind::Empty => {}
        }
        let deepest = if tag.kind == Kind::Empty { depth + 1 } else { depth };
        if deepest > MAX_DEPTH || tag.attributes > MAX_ATTRIBUTES || declarations > MAX_DECLARATIONS {
            return Err(Fault::TooComplex);
        }
        rest = tag.behind;
    }
    Ok(())
}

struct Tag<'a> {
    kind: Kind,
    attributes: usize,
    declarations: usize,
    behind: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Begin,
    Empty,
    End,
}

impl<'a> Tag<'a> {
    /// Reads a tag behind its `<`, up to the `>` that is in no attribute's value.
    fn read(markup: &'a str) -> Self {
        let mut tag = Self { kind: Kind::Begin, attributes: 0, declarations: 0, behind: "" };
        let mut rest = markup;
        loop {
            let Some(at) = rest.find(['"', '\'', '>']) else { return tag };
            let (before, from) = rest.split_at(at);
            if from.starts_with('>') {
                tag.behind = from.get(1..).unwrap_or_default();
                if markup.starts_with('/') {
                    tag.kind = Kind::End;
                } else if before.ends_with('/') {
                    tag.kind = Kind::Empty;
                }
                return tag;
            }
            tag.attributes += 1;
            tag.declarations += usize::from(before.contains("xmlns"));
            let quote = if from.starts_with('"') { '"' } else { '\'' };
            let value = from.get(1..).unwrap_or_default();
            let Some((_, behind)) = value.split_once(quote) else { return tag };
            rest = behind;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn depth_attributes_and_declarations_are_bounded() {
        let deep = |depth: usize, inner: &str| format!("{}{inner}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert_eq!(check(&deep(MAX_DEPTH, "")), Ok(()));
        assert_eq!(check(&deep(MAX_DEPTH - 1, "<b/>")), Ok(()));
        assert_eq!(check(&deep(MAX_DEPTH, "<b/>")), Err(Fault::TooComplex));
        assert_eq!(check(&deep(MAX_DEPTH + 1, "")), Err(Fault::TooComplex));
        assert_eq!(check(&format!("<a>{}</a>", "<b x='/'></b><c/>".repeat(1_000))), Ok(()));
        let attributes = |count: usize| {
            (0..count).fold(String::new(), |mut text, number| {
                write!(text, " x{number}='>'").unwrap();
                text
            })
        };
        assert_eq!(check(&format!("<a{}/>", attributes(MAX_ATTRIBUTES))), Ok(()));
        assert_eq!(check(&format!("<a{}/>", attributes(MAX_ATTRIBUTES + 1))), Err(Fault::TooComplex));
        let declared = |count: usize| format!("<a>{}</a>", "<b xmlns:x='u'/>".repeat(count));
        assert_eq!(check(&declared(MAX_DECLARATIONS)), Ok(()));
        assert_eq!(check(&declared(MAX_DECLARATIONS + 1)), Err(Fault::TooComplex));
    }

    #[test]
    fn only_tags_count() {
        let long = "x".repeat(100_000);
        for text in [
            format!("<a>{long}</a>"),
            format!("<a b='{long}'/>"),
            format!("<a b='{}'/>", "<b xmlns=>".repeat(3_000)),
            format!("<a><!--{}--></a>", "<b xmlns='u'>".repeat(3_000)),
            format!("<a><![CDATA[{}]]></a>", "<b xmlns='u'>".repeat(3_000)),
            format!("<?x {}?><a/>", "<b xmlns='u'>".repeat(3_000)),
            format!("<a>{}</a>", "xmlns='u' ".repeat(3_000)),
        ] {
            assert_eq!(check(&text), Ok(()), "{}", text.chars().take(40).collect::<String>());
        }
    }
}
