//! Finding a private key in a text before anything of the text is stored, logged or said back.
//!
//! Administrators paste whole key files. So the search is wide: it looks at the whole text, at what only looks like a
//! certificate, and at keys without their armour.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::der::{enter, skip};

/// Base64 digits that are decoded to recognise a key by how its DER begins; 96 bytes, where PKCS #8 has named its
/// algorithm with all parameters.
const PREFIX: usize = 128;

/// Characters in which keys without armour are searched: as many as the longest metadata has, and few enough to try each.
const SEARCHED: usize = 256 * 1024;

/// Base64 of `-----BEGIN `, and of `PRIVATE` wherever it falls into the groups of three bytes.
const ARMOUR: &str = "LS0tLS1CRUdJTi";
const PRIVATE: [&str; 3] = ["UFJJVkFUR", "BSSVZBVE", "QUklWQVRF"];

/// The beginning of `openssh-key-v1` in base64: the content of an `OPENSSH PRIVATE KEY`.
const OPENSSH: &str = "b3BlbnNzaC1rZXktdjE";

/// Returns true if a private key is anywhere in `text`.
pub(super) fn is_in(text: &str) -> bool {
    let squeezed: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    has_armour(&squeezed) || has_other_form(&squeezed) || has_der(&squeezed)
}

/// Returns true if `der` begins as one of the forms of a private key does.
pub(super) fn is_private_key(der: &[u8]) -> bool {
    let Some(content) = enter(0x30, der) else {
        return false;
    };
    match content {
        // PKCS #8: version, algorithm, then the key in an OCTET STRING.
        [0x02, 0x01, 0x00 | 0x01, algorithm @ ..]
            if skip(0x30, algorithm).is_some_and(|key| key.starts_with(&[0x04])) =>
        {
            true
        }
        // PKCS #1 (and DSA's own form): version, then a great number.
        [0x02, 0x01, 0x00 | 0x01, 0x02, length, ..] => *length >= 32,
        // SEC 1: version, then the key.
        [0x02, 0x01, 0x01, 0x04, length, ..] => *length >= 16,
        // PKCS #12: version, then content of a kind that PKCS #7 names.
        [0x02, 0x01, 0x03, content @ ..] => {
            enter(0x30, content).is_some_and(|kind| kind.starts_with(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"))
        }
        // PKCS #8 under a password: an algorithm of PKCS #5 or PKCS #12, then what is encrypted.
        _ => enter(0x30, content).is_some_and(|algorithm| {
            algorithm.starts_with(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05")
                || algorithm.starts_with(b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01")
        }),
    }
}

/// `BEGIN … PRIVATE KEY` of any kind and with any dashes. Extension names such as `Private Key Usage Period`, which
/// `openssl x509 -text` prints, do not stand behind a `BEGIN`.
fn has_armour(squeezed: &str) -> bool {
    let upper = squeezed.to_ascii_uppercase();
    upper.split("BEGIN").skip(1).any(|after| {
        let label: &str = after.split('-').next().unwrap_or_default();
        label.contains("PRIVATEKEY") || label.contains("SECRETKEY")
    })
}

/// Keys as PuTTY, OpenSSH, JSON Web Keys and XML Signature write them.
fn has_other_form(squeezed: &str) -> bool {
    squeezed.contains("Private-Lines:")
        || squeezed.contains(OPENSSH)
        || (squeezed.contains(ARMOUR) && PRIVATE.iter().any(|part| squeezed.contains(part)))
        || (squeezed.contains("\"kty\"") && squeezed.contains("\"d\""))
        || (squeezed.contains("<Modulus>") && squeezed.contains("<D>"))
}

/// The DER of a private key in base64, from whatever character on. A SEQUENCE begins with `M` in base64.
fn has_der(squeezed: &str) -> bool {
    let bytes = squeezed.as_bytes();
    bytes.iter().take(SEARCHED).enumerate().filter(|(_, byte)| **byte == b'M').any(|(at, _)| {
        let digits = bytes.get(at..).unwrap_or_default();
        let run = digits.iter().take(PREFIX).take_while(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte));
        let whole = run.count() / 4 * 4;
        digits
            .get(..whole)
            .and_then(|digits| STANDARD_NO_PAD.decode(digits).ok())
            .is_some_and(|der| is_private_key(&der))
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    use super::*;
    use crate::certificate::fixtures;

    /// DER as keys begin, with a header of `length` bytes of content and zeros in place of the secret.
    fn der(length: u16, start: &[u8]) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        let mut der = vec![0x30, 0x82, high, low];
        der.extend_from_slice(start);
        der.resize(200, 0);
        der
    }

    #[test]
    fn every_form_of_a_private_key_is_found() {
        let mut texts = vec![
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA".to_owned(),
            "-----begin private key-----".to_owned(),
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----".to_owned(),
            "-----BEGIN PGP PRIVATE KEY BLOCK-----".to_owned(),
            "-----BEGIN\nPRIVATE\nKEY-----".to_owned(),
            format!("key: {OPENSSH}AAAAABG5vbmU"),
            "PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 14".to_owned(),
            r#"{"kty": "RSA", "n": "x", "d": "y"}"#.to_owned(),
            "<RSAKeyValue><Modulus>x</Modulus><D>y</D></RSAKeyValue>".to_owned(),
        ];
        let bare = [
            // PKCS #1, RSA of 2048 bits; SEC 1; PKCS #8 under PBES2; PKCS #12.
            der(0x4a4, b"\x02\x01\x00\x02\x82\x01\x01\x00"),
            der(0x77, b"\x02\x01\x01\x04\x20"),
            der(0xec, b"\x30\x57\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"),
            der(0x900, b"\x02\x01\x03\x30\x82\x08\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"),
        ];
        for der in &bare {
            assert!(is_private_key(der), "{der:?}");
            let text = STANDARD.encode(der);
            texts.push(format!("and my key: {} \r\n{}", text.split_at(31).0, text.split_at(31).1));
        }
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            assert!(is_private_key(&key.serialize_der()));
            texts.push(key.serialize_pem());
            texts.push(STANDARD.encode(key.serialize_pem()));
            texts.push(STANDARD.encode(key.serialize_pem().replace("PRIVATE", "RSA PRIVATE")));
            texts.push(STANDARD.encode(key.serialize_pem().replace("PRIVATE", "EC PRIVATE")));
            texts.push(key.serialize_pem().replace("PRIVATE KEY", "CERTIFICATE"));
            texts.push(format!("{} {}", fixtures::p256().pem(), STANDARD.encode(key.serialize_der())));
        }
        for text in texts {
            assert!(is_in(&text), "{text}");
        }
    }

    #[test]
    fn a_certificate_and_talk_of_keys_are_not_taken_for_one() {
        let certificate = fixtures::p256();
        assert!(!is_private_key(certificate.der()));
        for text in [
            certificate.pem(),
            "X509v3 Private Key Usage Period: \n  Not Before: now\n-----BEGIN CERTIFICATE-----".to_owned(),
            "the private key stays at home".to_owned(),
            "MIIM MIIB M".to_owned(),
        ] {
            assert!(!is_in(&text), "{text}");
        }
    }
}
