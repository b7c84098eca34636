//! Certificates of the versions, digests and ages that identity providers have.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rsa::pkcs8::EncodePublicKey;
use rsa::rand_core::OsRng;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use time::{Duration, OffsetDateTime};

use crate::der::{element, integer, object, sequence};

/// A digest that a certificate is signed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-1: forgeable.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// Days from now on which a certificate begins and ends.
#[derive(Clone, Copy, Debug)]
pub struct Validity(pub i64, pub i64);

impl Validity {
    /// Two years that have begun.
    pub const NOW: Self = Self(-30, 700);
    /// Two years that are over.
    pub const OVER: Self = Self(-740, -10);
}

/// The facts that a certificate is made of.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Version, as people count it: 1 or 3.
    pub version: u8,
    /// Parts of the subject, the most general first: type and value.
    pub subject: Vec<(&'static str, String)>,
    /// Parts of the issuer, where that is another.
    pub issuer: Option<Vec<(&'static str, String)>>,
    /// Beginning and end.
    pub validity: Validity,
    /// Digest of the signature.
    pub digest: Digest,
    /// The key of the subject, which signs too.
    pub key: &'static RsaPrivateKey,
}

/// A key of 2048 bits, made once: it takes time.
pub fn strong() -> &'static RsaPrivateKey {
    static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| key(2048));
    &KEY
}

/// A key of 1024 bits.
pub fn weak() -> &'static RsaPrivateKey {
    static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| key(1024));
    &KEY
}

fn key(bits: usize) -> RsaPrivateKey {
    RsaPrivateKey::new(&mut OsRng, bits).expect("a key")
}

impl Certificate {
    /// A self-signed certificate of version 3 with this common name, valid now.
    pub fn named(name: &str) -> Self {
        Self {
            version: 3,
            subject: vec![("CN", name.to_owned())],
            issuer: None,
            validity: Validity::NOW,
            digest: Digest::Sha256,
            key: strong(),
        }
    }

    /// Signs the certificate. Each has another serial number.
    pub fn sign(&self) -> Signed {
        let mut content = Vec::new();
        if self.version == 3 {
            content.push(element(0xa0, &integer(&[2])));
        }
        content.push(integer(&serial()));
        content.push(self.algorithm());
        content.push(name(self.issuer.as_ref().unwrap_or(&self.subject)));
        content.push(sequence(&[time(self.validity.0), time(self.validity.1)]));
        content.push(name(&self.subject));
        let key = self.key.to_public_key().to_public_key_der().expect("a public key");
        content.push(key.as_bytes().to_vec());
        if self.version == 3 {
            // basicConstraints, critical, of no authority.
            let constraints =
                sequence(&[object(b"\x55\x1d\x13"), element(0x01, &[0xff]), element(0x04, &sequence(&[]))]);
            content.push(element(0xa3, &sequence(&[constraints])));
        }
        let content = sequence(&content);
        let signature = element(0x03, &[&[0], &*self.signature(&content)].concat());
        Signed { der: sequence(&[content, self.algorithm(), signature]) }
    }

    fn algorithm(&self) -> Vec<u8> {
        let number = match self.digest {
            Digest::Sha1 => 5,
            Digest::Sha256 => 11,
        };
        sequence(&[object(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, number]), element(0x05, &[])])
    }

    fn signature(&self, content: &[u8]) -> Vec<u8> {
        let (algorithm, id): (_, &[u8]) = match self.digest {
            Digest::Sha1 => (&SHA1_FOR_LEGACY_USE_ONLY, b"\x2b\x0e\x03\x02\x1a"),
            Digest::Sha256 => (&SHA256, b"\x60\x86\x48\x01\x65\x03\x04\x02\x01"),
        };
        let hash = digest(algorithm, content);
        // RFC 8017, appendix A.2.4: DigestInfo up to the digest.
        let info = sequence(&[sequence(&[object(id), element(0x05, &[])]), element(0x04, hash.as_ref())]);
        let prefix = info.strip_suffix(hash.as_ref()).unwrap_or_default().into();
        let padding = Pkcs1v15Sign { hash_len: Some(hash.as_ref().len()), prefix };
        self.key.sign(padding, hash.as_ref()).expect("a signature")
    }
}

/// A certificate that is signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its DER.
    pub der: Vec<u8>,
}

impl Signed {
    /// SHA-256 of the DER in lower-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        digest(&SHA256, &self.der).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Base64 in one line.
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// Base64 in lines of `width` digits, each begun with `indent`.
    pub fn lines(&self, width: usize, indent: &str) -> String {
        let base64 = self.base64();
        let lines = base64.as_bytes().chunks(width).map(|line| format!("{indent}{}", String::from_utf8_lossy(line)));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// PEM.
    pub fn pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", self.lines(64, ""))
    }
}

fn serial() -> [u8; 16] {
    let mut serial = [0; 16];
    let random = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&random, &mut serial).expect("random bytes");
    // Positive, and of this length.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    serial
}

fn name(parts: &[(&'static str, String)]) -> Vec<u8> {
    let part = |(kind, value): &(&str, String)| {
        let kind: &[u8] = match *kind {
            "C" => b"\x55\x04\x06",
            "ST" => b"\x55\x04\x08",
            "L" => b"\x55\x04\x07",
            "O" => b"\x55\x04\x0a",
            "OU" => b"\x55\x04\x0b",
            "EMAIL" => b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01",
            _ => b"\x55\x04\x03",
        };
        // IA5String for addresses, else UTF8String.
        let tag = if kind.len() > 3 { 0x16 } else { 0x0c };
        element(0x31, &sequence(&[object(kind), element(tag, value.as_bytes())]))
    };
    sequence(&parts.iter().map(part).collect::<Vec<_>>())
}

/// A UTCTime: all of these are before 2050.
fn time(days_from_now: i64) -> Vec<u8> {
    let at = OffsetDateTime::now_utc() + Duration::days(days_from_now);
    let text = format!(
        "{:02}{:02}{:02}{:02}{:02}{:02}Z",
        at.year() % 100,
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    element(0x17, text.as_bytes())
}
