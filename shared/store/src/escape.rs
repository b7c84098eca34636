//! Escaping of the parts of a key, so that no part holds the separator `#`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but letters, digits and `-._~@*:/+=`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'*')
    .remove(b':')
    .remove(b'/')
    .remove(b'+')
    .remove(b'=');

/// Percent-encodes `part` so that it holds no `#`.
pub(crate) fn escaped(part: &str) -> String {
    utf8_percent_encode(part, ESCAPED).to_string()
}

/// Decodes what [`escaped`] wrote; `None` for a text that is not UTF-8.
pub(crate) fn unescaped(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
