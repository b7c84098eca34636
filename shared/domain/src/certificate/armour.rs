//! The text around a certificate's DER: RFC 7468, read more leniently than it demands.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, alphabet};

use super::{Fault, der};
use crate::pasted::{self, Pasted};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Labels under which a certificate is found.
const LABELS: [&str; 4] = ["CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE", "TRUSTED CERTIFICATE"];

/// With its padding or without, as OpenSSL and Java read it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The DER of the one certificate in `text`, in armour or as bare base64.
pub(super) fn read(text: &str) -> Result<Vec<u8>, Fault> {
    let blocks = blocks(text)?;
    if let Some((label, _)) = blocks.iter().find(|(label, _)| !LABELS.contains(label)) {
        return Err(Fault::OtherBlock((*label).to_owned()));
    }
    match blocks.as_slice() {
        [] => read_bare(text),
        [(_, body)] => read_base64(body),
        several => Err(Fault::Several(several.len())),
    }
}

/// The bytes of a text without armour: what the copy buttons of Keycloak and of metadata viewers give.
fn read_bare(text: &str) -> Result<Vec<u8>, Fault> {
    let text = pasted::without_mark(text);
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    match Pasted::recognise(text) {
        Some(Pasted::Certificate) | None => {}
        Some(pasted) => return Err(Fault::Pasted(pasted)),
    }
    // The DER of a certificate is a SEQUENCE, which begins with `M` in base64.
    if text.starts_with('M') { read_base64(text) } else { Err(Fault::NoArmour) }
}

/// The bytes of an element that holds base64, whether or not somebody put armour around it.
pub(super) fn read_element(text: &str) -> Result<Vec<u8>, Fault> {
    if text.contains(BEGIN) { read(text) } else { read_base64(pasted::without_mark(text)) }
}

/// The bytes that `text` writes in base64, with white space anywhere.
fn read_base64(text: &str) -> Result<Vec<u8>, Fault> {
    let digits: String = text.chars().filter(|character| !pasted::is_blank(*character)).collect();
    if digits.is_empty() {
        return Err(Fault::Empty);
    }
    LENIENT.decode(&digits).map_err(|error| fault(&digits, &error))
}

/// Names what `digits` have that base64 does not have.
fn fault(digits: &str, error: &DecodeError) -> Fault {
    if digits.contains("\\n") || digits.contains("\\r") {
        return Fault::EscapedLineBreaks;
    }
    // Padding is at the end of one text only.
    let parts: Vec<_> = digits.split('=').filter(|part| !part.is_empty()).collect();
    let is_whole = |part: &&str| LENIENT.decode(part).is_ok_and(|der| der::certificates(&der).is_some());
    if parts.len() > 1 && parts.iter().all(is_whole) {
        return Fault::Glued(parts.len());
    }
    match error {
        DecodeError::InvalidByte(at, _) => {
            let other = digits.get(*at..).and_then(|rest| rest.chars().next()).unwrap_or(char::REPLACEMENT_CHARACTER);
            Fault::NotBase64(format!("`{}` is none of its characters", other.escape_default()))
        }
        _ => Fault::NotBase64("its length or its last characters are wrong, so a part of it may be missing".to_owned()),
    }
}

/// `der` as RFC 7468 writes it: lines of 64 characters, each ended by a line feed.
pub(super) fn write(der: &[u8]) -> String {
    let mut text = format!("{BEGIN}CERTIFICATE{DASHES}\n");
    for (at, digit) in STANDARD.encode(der).chars().enumerate() {
        if at > 0 && at.is_multiple_of(64) {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push_str(&format!("\n{END}CERTIFICATE{DASHES}\n"));
    text
}

/// Label and body of every armoured block. Text between blocks is skipped.
fn blocks(text: &str) -> Result<Vec<(&str, &str)>, Fault> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, after) = after.split_once(DASHES).ok_or(Fault::Unterminated)?;
        if !is_label(label) {
            return Err(Fault::Unterminated);
        }
        let (body, after) = after.split_once(DASHES).ok_or(Fault::Unterminated)?;
        // The five dashes just consumed are those of the end line.
        rest = after
            .strip_prefix("END ")
            .and_then(|end| end.strip_prefix(label))
            .and_then(|end| end.strip_prefix(DASHES))
            .ok_or(Fault::Unterminated)?;
        found.push((label, body));
    }
    Ok(found)
}

/// Short and plain, so that it can be said back.
fn is_label(label: &str) -> bool {
    label.len() <= 64
        && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" .#".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::certificate::fixtures::element;

    #[test]
    fn line_breaks_are_any_or_none() {
        let plain = write(&[7; 100]);
        for text in [
            plain.clone(),
            plain.replace('\n', "\r\n"),
            plain.replace('\n', "\r"),
            plain.replace('\n', ""),
            plain.replace('\n', " \t"),
            plain.replace('\n', "\u{a0}\u{200b}\n"),
            plain.replace('=', ""),
            format!("\u{feff}subject=CN = x\n\n{plain}\nthat was it"),
            plain.replace("CERTIFICATE", "X509 CERTIFICATE"),
            plain.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
        ] {
            assert_eq!(read(&text), Ok(vec![7; 100]), "{text}");
        }
    }

    #[test]
    fn faults_are_told_apart() {
        let plain = write(&[7; 100]);
        let der = element(0x30, &element(0x30, &[2, 1, 0]));
        for (text, fault) in [
            (String::new(), Fault::Empty),
            (" \u{feff}\n".to_owned(), Fault::Empty),
            ("BwcHBw==".to_owned(), Fault::NoArmour),
            ("metadata.pem".to_owned(), Fault::NoArmour),
            ("<md:EntityDescriptor/>".to_owned(), Fault::Pasted(Pasted::Xml)),
            ("https://idp.example.com/cert.pem".to_owned(), Fault::Pasted(Pasted::Url)),
            (STANDARD.encode(&plain), Fault::Pasted(Pasted::Base64OfArmour)),
            (plain.replace(END, "-----FIN "), Fault::Unterminated),
            (plain.replace("-----END CERTIFICATE-----", ""), Fault::Unterminated),
            (plain.replace("-----END CERTIFICATE-----", "-----END CERTIFICATE----"), Fault::Unterminated),
            (plain.replace("-----BEGIN CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----"), Fault::Unterminated),
            (format!("{plain}{plain}"), Fault::Several(2)),
            (format!("{plain}{}", plain.replace("CERTIFICATE", "X509 CRL")), Fault::OtherBlock("X509 CRL".into())),
            (plain.replace("CERTIFICATE", "PKCS7"), Fault::OtherBlock("PKCS7".into())),
            (plain.replace("BwcH", "Bw*H"), Fault::NotBase64("`*` is none of its characters".to_owned())),
            (
                plain.replace("BwcH", "Bw\u{201c}H"),
                Fault::NotBase64("`\\u{201c}` is none of its characters".to_owned()),
            ),
            (plain.replace('\n', "\\n"), Fault::EscapedLineBreaks),
            (format!("{BEGIN}CERTIFICATE{DASHES}\n{END}CERTIFICATE{DASHES}"), Fault::Empty),
            (format!("{0}\n{0}", STANDARD.encode(&der)), Fault::Glued(2)),
        ] {
            assert_eq!(read(&text), Err(fault), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(der in proptest::collection::vec(any::<u8>(), 1..300)) {
            prop_assert_eq!(read(&write(&der)), Ok(der));
        }

        #[test]
        fn bare_base64_is_read(content in proptest::collection::vec(any::<u8>(), 130..300)) {
            let der = element(0x30, &content);
            prop_assert_eq!(read(&STANDARD.encode(&der)), Ok(der));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "(-----(BEGIN|END) |CERTIFICATE|-----|\\PC|[A-Za-z=\n]){0,40}") {
            let _ = read(&text);
        }
    }
}
