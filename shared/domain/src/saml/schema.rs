//! Values of XML Schema's types, as metadata has them.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::timestamp::Timestamp;

/// Collapses white space, as XML Schema does for all types but strings: none around the value, one space within.
pub(super) fn collapse(text: &str) -> String {
    let is_space = |character: char| matches!(character, ' ' | '\t' | '\n' | '\r');
    text.split(is_space).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Reads a boolean. Its letters may be of any case: some providers' programs write `True`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match collapse(text).to_ascii_lowercase().as_str() {
        "false" | "0" => Some(false),
        "true" | "1" => Some(true),
        _ => None,
    }
}

/// Reads a time. Without a time zone it is UTC (SAML core, section 1.3.3).
pub(super) fn date_time(text: &str) -> Option<Timestamp> {
    let text = collapse(text);
    Timestamp::parse(&text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

/// Turns an `anyURI` into a URL of ASCII characters: XML Schema takes any character and has those percent-encoded that a
/// URL does not have (XML Linking Language, section 5.4). The host is encoded as host names are.
pub(super) fn any_uri(text: &str) -> String {
    let text = collapse(text);
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => (scheme, rest),
        _ => return percent_encoded(&text),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = if authority.is_ascii() {
        authority.to_owned()
    } else {
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        let host = idna::domain_to_ascii_strict(host).unwrap_or_else(|_| percent_encoded(host));
        port.map_or(host.clone(), |port| format!("{host}:{}", percent_encoded(port)))
    };
    format!("{scheme}://{authority}{}", percent_encoded(path))
}

fn percent_encoded(text: &str) -> String {
    /// The characters that a URL does not have, and that are not part of its syntax either.
    const UNFIT: &AsciiSet =
        &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');
    utf8_percent_encode(text, UNFIT).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_is_collapsed() {
        assert_eq!(collapse(" \n a\t \r\nb "), "a b");
        assert_eq!(collapse("\u{a0}a"), "\u{a0}a");
        assert_eq!(collapse(""), "");
    }

    #[test]
    fn booleans_are_read() {
        for (text, value) in [("true", Some(true)), (" 1\n", Some(true)), ("False", Some(false)), ("0", Some(false))] {
            assert_eq!(boolean(text), value, "{text}");
        }
        for text in ["", "yes", "2", "truefalse"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_of_any_zone_and_else_of_utc() {
        let expected = Timestamp::parse("2030-01-02T03:04:05Z");
        for text in [
            "2030-01-02T03:04:05Z",
            " 2030-01-02T03:04:05\n",
            "2030-01-02T04:04:05+01:00",
            "2030-01-02T03:04:05.0000001",
        ] {
            assert_eq!(date_time(text), expected, "{text}");
        }
        assert_eq!(date_time("9999-12-31T23:59:59.9999999Z"), Timestamp::parse("9999-12-31T23:59:59.999Z"));
        for text in ["", "soon", "2030-01-02", "2030-13-02T03:04:05"] {
            assert_eq!(date_time(text), None, "{text}");
        }
    }

    #[test]
    fn an_any_uri_becomes_a_url() {
        for (text, url) in [
            ("https://idp.example.com/gr\u{f6}\u{df}e", "https://idp.example.com/gr%C3%B6%C3%9Fe"),
            (" https://idp.example.com/a b\n", "https://idp.example.com/a%20b"),
            ("https://idp.example.com/a%20b?x={1}|2#\u{e9}", "https://idp.example.com/a%20b?x=%7B1%7D%7C2#%C3%A9"),
            ("https://b\u{fc}cher.example:8443/\u{e9}", "https://xn--bcher-kva.example:8443/%C3%A9"),
            ("https://idp.example.com?\u{6771}", "https://idp.example.com?%E6%9D%B1"),
            ("https://[2001:db8::1]/sso", "https://[2001:db8::1]/sso"),
            ("https://idp.example.com/%zz%", "https://idp.example.com/%zz%"),
            ("urn:example:\u{e9}", "urn:example:%C3%A9"),
            ("", ""),
        ] {
            assert_eq!(any_uri(text), url, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_ascii_and_stays_so(text in "(https?://)?\\PC{0,30}") {
            let url = any_uri(&text);
            prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{}", url);
            prop_assert_eq!(any_uri(&url), url);
        }
    }
}
