//! Values of the header `Warning` (RFC 7234, 5.5): remarks for people, where the body has no place for them.

/// Characters of one warning, its code and quotation marks included.
const LONGEST: usize = 200;

/// Writes a warning: `299 AGENT "text"`. The code is that of a warning which stays true when the request is repeated. Bytes
/// that a quoted string cannot hold, or holds only behind a backslash, are written as `%XX`. A long text is cut.
pub fn warning(agent: &str, text: &str) -> String {
    const ELLIPSIS: &str = "...";
    let begin = format!("299 {agent} \"");
    let room = LONGEST.saturating_sub(begin.len() + 1);
    let pieces: Vec<String> = text.bytes().map(piece).collect();
    let whole: usize = pieces.iter().map(String::len).sum();
    let mut shown = String::new();
    for piece in pieces {
        if whole > room && shown.len() + piece.len() > room.saturating_sub(ELLIPSIS.len()) {
            shown.push_str(ELLIPSIS);
            break;
        }
        shown.push_str(&piece);
    }
    format!("{begin}{shown}\"")
}

fn piece(byte: u8) -> String {
    match byte {
        b'"' | b'\\' | b'%' => format!("%{byte:02X}"),
        b' '..=b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_quoted_string() {
        assert_eq!(warning("-", "a `b` 'c'"), "299 - \"a `b` 'c'\"");
        assert_eq!(warning("trustplane", "b, c"), "299 trustplane \"b, c\"");
        assert_eq!(warning("-", "\"\\%\r\n\u{e9}\u{7f}"), "299 - \"%22%5C%25%0D%0A%C3%A9%7F\"");
    }

    #[test]
    fn a_long_text_is_cut() {
        const BEGIN: &str = "299 - \"";
        let exact = "x".repeat(LONGEST - BEGIN.len() - 1);
        assert_eq!(warning("-", &exact), format!("{BEGIN}{exact}\""));
        for long in [exact.clone() + "x", "\u{6771}".repeat(100)] {
            let header = warning("-", &long);
            assert!(header.len() <= LONGEST && header.len() > LONGEST - 9, "{header}");
            assert!(header.is_ascii() && header.ends_with("...\""), "{header}");
            let text = header.strip_prefix(BEGIN).unwrap().strip_suffix("...\"").unwrap();
            assert_eq!(text.len() % if long.is_ascii() { 1 } else { 3 }, 0, "{text}");
        }
    }
}
