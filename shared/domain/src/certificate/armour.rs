//! The text around a certificate's DER: RFC 7468, read more leniently than it demands.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Fault;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Labels under which a certificate is found.
const LABELS: [&str; 4] = ["CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE", "TRUSTED CERTIFICATE"];

/// With its padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The DER of the one certificate in `text`.
pub(super) fn read(text: &str) -> Result<Vec<u8>, Fault> {
    let blocks = blocks(text)?;
    if let Some((label, _)) = blocks.iter().find(|(label, _)| !LABELS.contains(label)) {
        return Err(Fault::OtherBlock((*label).to_owned()));
    }
    match blocks.as_slice() {
        [] => Err(Fault::NoArmour),
        [(_, body)] => read_base64(body),
        several => Err(Fault::Several(several.len())),
    }
}

/// The bytes that `text` writes in base64, with white space anywhere.
pub(super) fn read_base64(text: &str) -> Result<Vec<u8>, Fault> {
    let digits: String = text.split_ascii_whitespace().collect();
    match LENIENT.decode(&digits) {
        Ok(bytes) if bytes.is_empty() => Err(Fault::CutOff),
        Ok(bytes) => Ok(bytes),
        Err(_) if digits.contains("\\n") || digits.contains("\\r") => Err(Fault::EscapedLineBreaks),
        Err(_) => Err(Fault::NotBase64),
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

/// Label and body of every armoured block. What stands between blocks is skipped.
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

    #[test]
    fn line_breaks_are_any_or_none() {
        let plain = write(&[7; 100]);
        for text in [
            plain.clone(),
            plain.replace('\n', "\r\n"),
            plain.replace('\n', "\r"),
            plain.replace('\n', ""),
            plain.replace('\n', " \t"),
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
        for (text, fault) in [
            (String::new(), Fault::NoArmour),
            ("BwcHBw==".to_owned(), Fault::NoArmour),
            (plain.replace(END, "-----FIN "), Fault::Unterminated),
            (plain.replace("-----END CERTIFICATE-----", ""), Fault::Unterminated),
            (plain.replace("-----END CERTIFICATE-----", "-----END CERTIFICATE----"), Fault::Unterminated),
            (plain.replace("-----BEGIN CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----"), Fault::Unterminated),
            (format!("{plain}{plain}"), Fault::Several(2)),
            (format!("{plain}{}", plain.replace("CERTIFICATE", "X509 CRL")), Fault::OtherBlock("X509 CRL".into())),
            (plain.replace("CERTIFICATE", "PKCS7"), Fault::OtherBlock("PKCS7".into())),
            (plain.replace("BwcH", "Bw*H"), Fault::NotBase64),
            (plain.replace('\n', "\\n"), Fault::EscapedLineBreaks),
            (format!("{BEGIN}CERTIFICATE{DASHES}\n{END}CERTIFICATE{DASHES}"), Fault::CutOff),
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
        fn any_text_is_read_without_a_panic(text in "(-----(BEGIN|END) |CERTIFICATE|-----|\\PC|[A-Za-z=\n]){0,40}") {
            let _ = read(&text);
        }
    }
}
