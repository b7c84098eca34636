//! X.500 names as text.

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Encode, Tag, Tagged};
use x509_cert::name::{Name, RelativeDistinguishedName};

/// The attribute types that RFC 2253, section 2.3 has a keyword for.
const KEYWORDS: [(ObjectIdentifier, &str); 9] = [
    (ObjectIdentifier::new_unwrap("2.5.4.3"), "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"), "UID"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
];

/// `name` as RFC 2253 writes it, the most specific part first, and as Java's `X500Principal.getName()` does: a type without a keyword
/// is its dotted number, with the value as `#` and the hexadecimal of its DER.
///
/// Unlike Java, which shows the bytes of a BMPString as if they were UTF-8, every kind of string is decoded.
pub(super) fn rfc2253(name: &Name) -> String {
    let parts: Vec<_> = name.iter_rdn().map(relative_name).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(",")
}

fn relative_name(name: &RelativeDistinguishedName) -> String {
    name.iter().map(attribute).collect::<Vec<_>>().join("+")
}

fn attribute(attribute: &AttributeTypeAndValue) -> String {
    let keyword = KEYWORDS.iter().find(|(id, _)| *id == attribute.oid).map(|(_, keyword)| *keyword);
    match (keyword, text(attribute)) {
        (Some(keyword), Some(text)) => format!("{keyword}={}", escaped(&text)),
        (Some(keyword), None) => format!("{keyword}={}", hexadecimal(attribute)),
        (None, _) => format!("{}={}", attribute.oid, hexadecimal(attribute)),
    }
}

/// The value as text, if it is a string and is well-formed as such.
fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let bytes = attribute.value.value();
    match attribute.value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => String::from_utf8(bytes.to_vec()).ok(),
        // In practice Latin-1, whatever T.61 says: OpenSSL and Java read it so.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units = units.iter().copied().map(u16::from_be_bytes);
            rest.is_empty().then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok()).flatten()
        }
        _ => None,
    }
}

fn hexadecimal(attribute: &AttributeTypeAndValue) -> String {
    format!("#{}", hex::encode(attribute.value.to_der().unwrap_or_default()))
}

/// RFC 2253, section 2.4.
fn escaped(text: &str) -> String {
    let ends = text.len() - text.trim_end_matches([' ', '\r']).len();
    let starts = text.len() - text.trim_start_matches([' ', '\r']).len();
    let mut escaped = String::new();
    for (at, character) in text.char_indices() {
        match character {
            '\0' => {
                escaped.push_str("\\00");
                continue;
            }
            ',' | '=' | '+' | '<' | '>' | '#' | ';' | '"' | '\\' => escaped.push('\\'),
            ' ' | '\r' if at < starts || at >= text.len() - ends => escaped.push('\\'),
            _ => {}
        }
        escaped.push(character);
    }
    escaped
}
