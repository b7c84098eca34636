//! Certificates for tests, made by `rcgen` when they run.

use rcgen::{Certificate, CertificateParams, DnType, KeyPair};
use time::{Duration, OffsetDateTime};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::{Decode, Encode};

use crate::timestamp::{SECOND, Timestamp};

/// A certificate with an own P-256 key, `CN=Example IdP,O=Example`, valid for ten years from 2020 on.
pub fn p256() -> Certificate {
    valid(Timestamp::parse("2020-01-01T00:00:00Z").unwrap(), Timestamp::parse("2030-01-01T00:00:00Z").unwrap())
}

/// The same, valid at other times.
pub fn valid(not_before: Timestamp, not_after: Timestamp) -> Certificate {
    let mut params = params(not_before, not_after);
    params.distinguished_name.push(DnType::CommonName, "Example IdP");
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

/// Parameters without a name.
pub fn params(not_before: Timestamp, not_after: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = calendar(not_before);
    params.not_after = calendar(not_after);
    params
}

fn calendar(moment: Timestamp) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(moment.as_millis().div_euclid(SECOND))
}

/// Algorithm of RSA keys.
pub const RSA: &[u8] = &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// An RSAPublicKey whose modulus is all ones in `bits` bits; the exponent is 65537.
pub fn rsa(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] = 0xff >> (modulus.len() * 8 - bits);
    if modulus[0] & 0x80 != 0 {
        modulus.insert(0, 0);
    }
    element(0x30, &[element(2, &modulus), element(2, &[1, 0, 1])].concat())
}

/// The DER of an element.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match content.len() {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header, content.to_vec()].concat()
}

/// The DER of `certificate` with the public key `bits` of `algorithm`. Its signature no longer fits.
pub fn with_key(certificate: &Certificate, algorithm: &[u8], bits: &[u8]) -> Vec<u8> {
    let bit_string = element(3, &[&[0], bits].concat());
    let new = element(0x30, &[algorithm, &bit_string].concat());
    replaced(certificate, |content, parsed| {
        let old = parsed.tbs_certificate().subject_public_key_info().to_der().unwrap();
        let at = content.windows(old.len()).position(|window| window == old).unwrap();
        [&content[..at], &new, &content[at + old.len()..]].concat()
    })
}

/// The DER of `certificate` as one of version 1, which has neither a version nor extensions. Its signature no longer fits.
pub fn version_1(certificate: &Certificate) -> Vec<u8> {
    replaced(certificate, |content, parsed| {
        let key = parsed.tbs_certificate().subject_public_key_info().to_der().unwrap();
        let end = content.windows(key.len()).position(|window| window == key).unwrap() + key.len();
        content[5..end].to_vec()
    })
}

/// The DER of `certificate` with what `change` makes of the content of its signed part.
fn replaced(certificate: &Certificate, change: impl Fn(&[u8], &CertificateInner<Raw>) -> Vec<u8>) -> Vec<u8> {
    let parsed = CertificateInner::<Raw>::from_der(certificate.der()).unwrap();
    let content = parsed.tbs_certificate().to_der().unwrap();
    let header = if content[1] < 0x80 { 2 } else { 2 + usize::from(content[1] & 0x7f) };
    let content = element(0x30, &change(&content[header..], &parsed));
    let rest = [parsed.signature_algorithm().to_der().unwrap(), parsed.signature().to_der().unwrap()].concat();
    element(0x30, &[content, rest].concat())
}
