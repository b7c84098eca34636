//! Recognising a text that was pasted into a field by mistake, so that its fault is named and not the parser's.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Byte order marks of UTF-8: as it is, read as Latin-1 or Windows-1252, and read so twice.
const MARKS: [&str; 3] = ["\u{feff}", "\u{ef}\u{bb}\u{bf}", "\u{c3}\u{af}\u{c2}\u{bb}\u{c2}\u{bf}"];

/// Characters at the beginning of a text that are searched for escapes.
const HEAD: usize = 300;

/// Base64 digits that are decoded to recognise what they hold.
const DIGITS: usize = 64;

/// A kind of text that people paste where a certificate or metadata belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pasted {
    /// A page of a browser, often a sign-in page in front of the document.
    Html,
    /// The address of a document instead of the document.
    Url,
    /// JSON, such as an OpenID Connect configuration.
    Json,
    /// A text with the escapes of JSON still in it.
    JsonEscaped,
    /// A text with the escapes of HTML still in it.
    HtmlEscaped,
    /// A text with the escapes of URLs still in it.
    PercentEncoded,
    /// The text of a browser's view of XML.
    BrowserView,
    /// Base64 of XML.
    Base64OfXml,
    /// Base64 of a text in armour.
    Base64OfArmour,
    /// XML.
    Xml,
    /// A certificate, in armour or in base64.
    Certificate,
    /// A digest of a certificate in hexadecimal.
    Fingerprint,
    /// DER in hexadecimal.
    Hexadecimal,
    /// UTF-16, read as another encoding.
    Utf16,
}

impl Pasted {
    /// Recognises `text` by its beginning. None where it is nothing of this list.
    pub fn recognise(text: &str) -> Option<Self> {
        let text = without_mark(text);
        let head: String = text.chars().take(HEAD).collect();
        let lower = head.to_ascii_lowercase();
        let begins = |starts: &[&str]| starts.iter().any(|start| lower.starts_with(start));
        // Behind the XML declaration, if there is one.
        let body = lower.split_once("?>").filter(|_| begins(&["<?xml"])).map_or(lower.as_str(), |(_, body)| body);
        let body = body.trim_start_matches(is_blank);
        if head.contains('\0') {
            Some(Self::Utf16)
        } else if body.starts_with("<!doctype html") || body.starts_with("<html") {
            Some(Self::Html)
        } else if begins(&["this xml file does not appear"]) || is_tree(body) {
            Some(Self::BrowserView)
        } else if begins(&["\"<", "\\u003c", "\\\"<"]) || (begins(&["<"]) && is_json_escaped(&lower)) {
            Some(Self::JsonEscaped)
        } else if begins(&["&lt;"]) {
            Some(Self::HtmlEscaped)
        } else if begins(&["%3c"]) {
            Some(Self::PercentEncoded)
        } else if begins(&["<"]) {
            Some(Self::Xml)
        } else if begins(&["{", "["]) {
            Some(Self::Json)
        } else if begins(&["-----begin "]) {
            Some(Self::Certificate)
        } else if begins(&["https://", "http://", "file://"]) && !text.contains(is_blank) {
            Some(Self::Url)
        } else {
            hexadecimal(text).or_else(|| base64(text))
        }
    }

    /// Advice on what to send instead.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Html => "save the document itself, which may need a sign-in, and send its text",
            Self::Url => "open it and send the text of the document",
            Self::Json => "send the text of the document",
            Self::JsonEscaped => "take one level of escapes out",
            Self::HtmlEscaped | Self::PercentEncoded => "take the escapes out",
            Self::BrowserView => "save the file, or copy the page's source",
            Self::Base64OfXml | Self::Base64OfArmour => "decode it and send the text in it",
            Self::Xml => "send metadata as `idp_saml_metadata`",
            Self::Certificate => "send a certificate as `idp_certificate`, with `idp_saml_config`",
            Self::Fingerprint => "send what it is the fingerprint of",
            Self::Hexadecimal => "send it as PEM, or as base64",
            Self::Utf16 => "save the file as UTF-8",
        }
    }
}

impl fmt::Display for Pasted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Html => "is an HTML page",
            Self::Url => "is a URL",
            Self::Json => "is JSON",
            Self::JsonEscaped => "is escaped as JSON strings are",
            Self::HtmlEscaped => "is escaped as HTML is (`&lt;`)",
            Self::PercentEncoded => "is escaped as URLs are (`%3C`)",
            Self::BrowserView => "is copied from a browser's view of XML",
            Self::Base64OfXml => "is base64 of XML",
            Self::Base64OfArmour => "is base64 of a `-----BEGIN` text",
            Self::Xml => "is XML",
            Self::Certificate => "is a certificate",
            Self::Fingerprint => "is a fingerprint",
            Self::Hexadecimal => "is hexadecimal",
            Self::Utf16 => "is UTF-16 that was read as another encoding",
        })
    }
}

/// `text` without white space around it, and without a byte order mark in front, also one that was misread.
pub fn without_mark(text: &str) -> &str {
    let mut rest = text.trim_matches(is_blank);
    while let Some(behind) = MARKS.iter().find_map(|mark| rest.strip_prefix(mark)) {
        rest = behind.trim_start_matches(is_blank);
    }
    rest
}

/// Returns true for white space of any script, and for characters without width that web pages put between letters.
pub fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// The marks with which browsers fold elements, in front of the first one.
fn is_tree(body: &str) -> bool {
    let behind = body.trim_start_matches(['-', '+', '\u{25bc}', '\u{25b6}', '\u{25be}', '\u{25b8}']);
    behind.len() < body.len() && behind.trim_start_matches(is_blank).starts_with('<')
}

/// The first attribute's quotation mark is escaped.
fn is_json_escaped(head: &str) -> bool {
    head.split_once('=').is_some_and(|(_, value)| value.trim_start().starts_with("\\\"")) || head.contains("\\u003c")
}

fn hexadecimal(text: &str) -> Option<Pasted> {
    let is_digest = |count| matches!(count, 32 | 40 | 64);
    let separates = |character: &char| is_blank(*character) || matches!(character, ':' | '-');
    let mut digits = text.chars().filter(|character| !separates(character));
    let count = digits.clone().count();
    if !digits.all(|character| character.is_ascii_hexdigit()) {
        return None;
    }
    match count {
        count if is_digest(count) => Some(Pasted::Fingerprint),
        count if count > 64 && text.starts_with("30") => Some(Pasted::Hexadecimal),
        _ => None,
    }
}

fn base64(text: &str) -> Option<Pasted> {
    let is_digit = |character: char| character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '=');
    let digits = text.chars().filter(|character| !is_blank(*character));
    if !digits.clone().all(is_digit) {
        return None;
    }
    let head: String = digits.filter(|character| *character != '=').take(DIGITS).collect();
    let whole = head.get(..head.len() / 4 * 4)?;
    let bytes = STANDARD_NO_PAD.decode(whole).ok()?;
    let begin = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if begin.starts_with(b"<") {
        Some(Pasted::Base64OfXml)
    } else if begin.starts_with(b"-----BEGIN ") {
        Some(Pasted::Base64OfArmour)
    } else {
        begin.starts_with(b"\x30\x82").then_some(Pasted::Certificate)
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::certificate::fixtures;

    #[test]
    fn pasted_texts_are_recognised() {
        let metadata = "<?xml version=\"1.0\"?>\n<md:EntityDescriptor entityID=\"https://idp.example.com\"/>";
        let der = fixtures::p256().der().to_vec();
        let hexadecimal = hex::encode(&der);
        for (text, expected) in [
            (metadata.to_owned(), Some(Pasted::Xml)),
            ("<!DOCTYPE html><html></html>".to_owned(), Some(Pasted::Html)),
            ("<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">".to_owned(), Some(Pasted::Html)),
            ("\n<html lang=\"en\">".to_owned(), Some(Pasted::Html)),
            ("<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"x\">".to_owned(), Some(Pasted::Html)),
            ("https://idp.example.com/metadata?x=1".to_owned(), Some(Pasted::Url)),
            (" http://idp.example.com\n".to_owned(), Some(Pasted::Url)),
            ("https://idp.example.com and more".to_owned(), None),
            ("{\"issuer\": \"https://idp.example.com\"}".to_owned(), Some(Pasted::Json)),
            (metadata.replace('"', "\\\"").replace('\n', "\\n"), Some(Pasted::JsonEscaped)),
            (format!("\"{}\"", metadata.replace('"', "\\\"")), Some(Pasted::JsonEscaped)),
            (metadata.replace('<', "\\u003c"), Some(Pasted::JsonEscaped)),
            (metadata.replace('<', "&lt;"), Some(Pasted::HtmlEscaped)),
            (metadata.replace('<', "%3C"), Some(Pasted::PercentEncoded)),
            (
                format!("This XML file does not appear to have any style information associated with it.\n{metadata}"),
                Some(Pasted::BrowserView),
            ),
            (metadata.replace("\n<", "\n- <"), Some(Pasted::BrowserView)),
            (metadata.replace("\n<", "\n\u{25bc}<"), Some(Pasted::BrowserView)),
            (format!("- {metadata}"), Some(Pasted::BrowserView)),
            (STANDARD.encode(metadata), Some(Pasted::Base64OfXml)),
            (STANDARD.encode(format!("\u{feff}{metadata}")), Some(Pasted::Base64OfXml)),
            (STANDARD.encode(fixtures::p256().pem()), Some(Pasted::Base64OfArmour)),
            (STANDARD.encode(&der), Some(Pasted::Certificate)),
            (fixtures::p256().pem(), Some(Pasted::Certificate)),
            (hexadecimal.clone(), Some(Pasted::Hexadecimal)),
            ("a1:b2:c3:d4:e5:f6:07:18:29:3a:4b:5c:6d:7e:8f:90:01:12:23:34".to_owned(), Some(Pasted::Fingerprint)),
            ("A1".repeat(32), Some(Pasted::Fingerprint)),
            ("<\0?\0x\0m\0l\0".to_owned(), Some(Pasted::Utf16)),
            ("metadata.xml".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(Pasted::recognise(&text), expected, "{text}");
            assert_eq!(Pasted::recognise(&format!("\u{feff} {text}\n")), expected, "{text}");
        }
    }

    #[test]
    fn byte_order_marks_are_stripped_however_they_were_read() {
        for mark in MARKS {
            assert_eq!(without_mark(&format!("{mark}<a/>")), "<a/>");
            assert_eq!(without_mark(&format!("\r\n{mark}\n <a/> \u{a0}")), "<a/>");
        }
        assert_eq!(without_mark(&MARKS.concat()), "");
        assert_eq!(without_mark("\u{ef}\u{bb}x"), "\u{ef}\u{bb}x");
    }

    proptest! {
        #[test]
        fn any_text_is_recognised_without_a_panic(text in "(<|\\\\|%3C|\u{feff}|30|MII)?\\PC{0,60}") {
            let _ = Pasted::recognise(&text).map(|pasted| format!("{pasted} {}", pasted.advice()));
            prop_assert!(text.contains(without_mark(&text)));
        }
    }
}
