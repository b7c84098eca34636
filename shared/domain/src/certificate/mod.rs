//! X.509 certificates, as an identity provider's administrator hands them over.
//!
//! The armour is read leniently (any line breaks or none, CRLF, text around it, or bare base64 without it), the inside
//! strictly: exactly one X.509 certificate of version 1 or 3 in DER, with nothing behind it and a key that is strong
//! enough. The signature is not checked and no extension is read: an identity provider's certificate is a container for
//! its key, mostly self-issued, and trusted because an administrator imported it (SAML V2.0 Metadata Interoperability
//! Profile, section 2.6.1). Keycloak's realm certificates are of version 1.
//!
//! DER is read by `x509-cert`, with its profile that lets pass what real certificates hold although RFC 5280 forbids
//! it: negative serial numbers and ones longer than 20 bytes. It refuses indefinite lengths, unconsumed fields and other
//! encodings than the one DER allows, which parsers of BER let through.

mod algorithm;
mod armour;
mod der;
mod fault;
mod id;
mod name;
mod private_key;
mod public_key;
mod serial;
mod summary;
mod validity;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner, Version};
use x509_cert::der::{Decode, Encode, ErrorKind};

pub use fault::Fault;
pub use id::CertificateId;
pub use serial::{Number as SerialAsNumber, SerialNumber};
pub use summary::Summary;

use crate::shown::shown;
use crate::timestamp::Timestamp;

/// The longest text that is taken for a certificate, in characters.
pub const MAX_CHARACTERS: usize = 10_000;

/// The same in bytes: the text is kept as it is, and ten of them have to fit into one item of the table.
pub const MAX_BYTES: usize = 16 * 1024;

/// One X.509 certificate and its facts. Holds what is shown and compared, so that it is parsed once, on import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pem: String,
    fingerprint: String,
    issuer_name: String,
    subject_name: String,
    serial_number: SerialNumber,
    not_before: Timestamp,
    not_after: Timestamp,
    public_key: String,
    signature_algorithm_name: String,
    weak_signature: bool,
    /// Those kept before it was noted are of version 3.
    #[serde(default = "version_3")]
    version: u8,
}

fn version_3() -> u8 {
    3
}

impl Certificate {
    /// Reads `text`, which holds one certificate in the armour of RFC 7468 or as bare base64, and keeps it exactly as it
    /// is.
    ///
    /// The labels `X509 CERTIFICATE` and `X.509 CERTIFICATE` count as `CERTIFICATE` (RFC 7468, section 5.1), and so does
    /// OpenSSL's `TRUSTED CERTIFICATE`, unless trust settings follow the certificate: nothing here would follow them.
    pub fn from_pem(text: &str) -> Result<Self, Fault> {
        check_text(text)?;
        let der = armour::read(text)?;
        Self::parse(&der, text.to_owned())
    }

    /// Reads `text`, the base64 of a certificate's DER with any white space, as `ds:X509Certificate` of SAML metadata
    /// holds it. Armour around it is stripped. The certificate's PEM is made here.
    pub fn from_base64_der(text: &str) -> Result<Self, Fault> {
        check_text(text)?;
        let der = armour::read_element(text)?;
        Self::parse(&der, armour::write(&der))
    }

    /// As [`Certificate::from_base64_der`], with a summary of what can be read even where the certificate cannot be used.
    pub fn examine(text: &str) -> (Option<Summary>, Result<Self, Fault>) {
        let summary =
            check_length(text).and_then(|()| armour::read_element(text)).ok().and_then(|der| Summary::of(&der));
        (summary, Self::from_base64_der(text))
    }

    /// This certificate, unless its time is over: what is expired is not imported. One that is not yet valid is.
    pub fn unexpired(self, now: Timestamp) -> Result<Self, Fault> {
        if self.is_expired(now) { Err(Fault::Expired) } else { Ok(self) }
    }

    fn parse(der: &[u8], pem: String) -> Result<Self, Fault> {
        if private_key::is_private_key(der) {
            return Err(Fault::PrivateKey);
        }
        let parsed = CertificateInner::<Raw>::from_der(der).map_err(|error| match error.kind() {
            ErrorKind::TrailingData { .. } => match der::certificates(der) {
                Some(count) if count > 1 => Fault::Glued(count),
                _ => Fault::TrailingData,
            },
            ErrorKind::Incomplete { .. } => Fault::CutOff,
            kind => Fault::NotX509(kind.to_string()),
        })?;
        let content = parsed.tbs_certificate();
        let version = check_version(content, der)?;
        if content.signature() != parsed.signature_algorithm() {
            return Err(Fault::NotX509("it names two signature algorithms".to_owned()));
        }
        check_extensions(content.extensions().map_or(&[], Vec::as_slice))?;
        let key = content.subject_public_key_info();
        public_key::check(key)?;
        let key = key.to_der().map_err(|error| Fault::NotX509(error.kind().to_string()))?;
        let (not_before, not_after) = validity::read(content.validity())?;
        Ok(Self {
            pem,
            fingerprint: fingerprint(der),
            issuer_name: name::rfc2253(content.issuer()),
            subject_name: name::rfc2253(content.subject()),
            serial_number: SerialNumber::from_twos_complement(content.serial_number().as_bytes()),
            not_before,
            not_after,
            public_key: STANDARD.encode(key),
            signature_algorithm_name: algorithm::name(parsed.signature_algorithm()),
            weak_signature: algorithm::is_weak(parsed.signature_algorithm()),
            version,
        })
    }

    /// The text that was given to [`Certificate::from_pem`], character for character; RFC 7468 text where the
    /// certificate came from metadata.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Base64 of the DER, as `ds:X509Certificate` of SAML metadata holds it.
    pub fn to_base64_der(&self) -> String {
        // INVARIANT: the text was read when this was made, so it is read again.
        STANDARD.encode(armour::read(&self.pem).unwrap_or_default())
    }

    /// SHA-256 of the DER, 64 lower-case hexadecimal digits. Two texts with one fingerprint hold the same certificate.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Name of its issuer, as RFC 2253 writes names: `CN=Example IdP,O=Example,C=DE`.
    pub fn issuer_name(&self) -> &str {
        &self.issuer_name
    }

    /// Name of the holder of its key, written as [`Certificate::issuer_name`] is.
    pub fn subject_name(&self) -> &str {
        &self.subject_name
    }

    /// The number its issuer gave it.
    pub fn serial_number(&self) -> &SerialNumber {
        &self.serial_number
    }

    /// The first moment at which it is valid.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The moment at which it ends.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Base64 of the DER of its SubjectPublicKeyInfo: what Java's `getPublicKey().getEncoded()` holds.
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// Algorithm of its signature, as Java spells it: `SHA256withRSA`; the dotted object identifier of what Java has no name for.
    pub fn signature_algorithm_name(&self) -> &str {
        &self.signature_algorithm_name
    }

    /// Returns true if it is signed over an MD2, MD4, MD5 or SHA-1 digest, which can be forged.
    pub fn has_weak_signature(&self) -> bool {
        self.weak_signature
    }

    /// A sentence for the administrator where its own signature could be forged. Nobody checks that signature here; another
    /// program that does may refuse the certificate.
    pub fn warning(&self) -> Option<String> {
        let (subject, algorithm) = (shown(&self.subject_name), &self.signature_algorithm_name);
        self.weak_signature
            .then(|| format!("the certificate `{subject}` is signed with {algorithm}, which can be forged"))
    }

    /// The X.509 version, as people count it: 1 or 3.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Returns true if its time is over. The moment `not_after` counts as over, as it does for OpenSSL.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.not_after <= now
    }

    /// Returns true if it is valid now: begun and not over.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.not_before <= now && !self.is_expired(now)
    }
}

/// Returns true if a private key is anywhere in `text`, in whatever form. Such a text is neither stored nor logged nor
/// sent back.
pub fn holds_private_key(text: &str) -> bool {
    private_key::is_in(text)
}

/// Refuses a text whatever its form. The private key comes first: nothing else matters beside it.
fn check_text(text: &str) -> Result<(), Fault> {
    if holds_private_key(text) {
        return Err(Fault::PrivateKey);
    }
    check_length(text)
}

fn check_length(text: &str) -> Result<(), Fault> {
    if text.chars().nth(MAX_CHARACTERS).is_some() || text.len() > MAX_BYTES { Err(Fault::TooLong) } else { Ok(()) }
}

/// SHA-256, 64 lower-case hexadecimal digits.
fn fingerprint(der: &[u8]) -> String {
    hex::encode(Sha256::digest(der))
}

/// The version: 3, or 1 without what only later versions have.
fn check_version(content: &TbsCertificateInner<Raw>, der: &[u8]) -> Result<u8, Fault> {
    /// Tag of an explicit version.
    const EXPLICIT: u8 = 0xa0;
    match content.version() {
        Version::V3 => return Ok(3),
        Version::V2 => return Err(Fault::Version(2)),
        Version::V1 => {}
    }
    let first = der::enter(der::SEQUENCE, der).and_then(|content| der::enter(der::SEQUENCE, content));
    let is_explicit = first.is_some_and(|content| content.first() == Some(&EXPLICIT));
    let has_more =
        content.issuer_unique_id().is_some() || content.subject_unique_id().is_some() || content.extensions().is_some();
    if is_explicit || has_more {
        return Err(Fault::NotX509("it is of version 1 and has what version 1 has not".to_owned()));
    }
    Ok(1)
}

/// RFC 5280, section 4.2: no extension twice. Two readers could otherwise see two certificates in one.
fn check_extensions(extensions: &[x509_cert::ext::Extension]) -> Result<(), Fault> {
    let mut ids: Vec<_> = extensions.iter().map(|extension| extension.extn_id).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    if ids.len() == count { Ok(()) } else { Err(Fault::NotX509("it has an extension twice".to_owned())) }
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
