//! Names that a stranger chose, within messages.

/// Characters of a name that are shown.
const MAX: usize = 100;

/// `name`, shortened where it is long, with characters escaped that change how the text around them is displayed.
pub(crate) fn shown(name: &str) -> String {
    let mut shown = String::new();
    for character in name.chars().take(MAX) {
        if is_hidden(character) { shown.extend(character.escape_unicode()) } else { shown.push(character) }
    }
    if name.chars().nth(MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Control characters, and characters that have no width or turn the direction of text.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(shown("CN=Zo\u{eb}, O=\u{6771}"), "CN=Zo\u{eb}, O=\u{6771}");
        assert_eq!(shown("a\nb\u{202e}c"), "a\\u{a}b\\u{202e}c");
        assert_eq!(shown(&"x".repeat(100)), "x".repeat(100));
        assert_eq!(shown(&"x".repeat(101)), "x".repeat(100) + "...");
    }
}
