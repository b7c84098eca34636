//! Creates the self-signed certificate of a service provider's key: [`self_signed`].
//!
//! KMS creates the key (`GenerateDataKeyPair`, `RSA_2048`) and returns it both in plain text and encrypted. That is one
//! call, and the function needs no RSA key generator: generating a key in the function takes 0.2 to 0.8 seconds of a
//! whole core. RSA is the one kind of key that all identity providers can verify requests with: `rsa-sha256` is the
//! algorithm that they have in common. Signing takes a millisecond with `ring`, which every function has for TLS.
//!
//! This crate is separate from the domain crate so that only the functions that create certificates link it.

use std::fmt;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, SerialNumber,
};
use time::OffsetDateTime;
use trustplane_domain::Timestamp;
use trustplane_domain::certificate::Certificate;
use trustplane_domain::service_provider::VALIDITY;
use trustplane_domain::timestamp::SECOND;

/// Time by which a certificate's start is backdated, in milliseconds. It allows for clocks that are behind.
const BACKDATED: i64 = 300 * SECOND;

/// An error of creating a certificate. It contains nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// Not an RSA key of at least 2048 bits in PKCS #8.
    Key,
    /// The name cannot be written into a certificate.
    Name,
    /// The created certificate does not parse as one. This is a bug.
    Certificate(String),
}

impl fmt::Display for KeyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => formatter.write_str("not an RSA key of at least 2048 bits in PKCS #8"),
            Self::Name => formatter.write_str("the name is empty or longer than 64 characters"),
            Self::Certificate(reason) => write!(formatter, "the certificate that was made {reason}"),
        }
    }
}

impl std::error::Error for KeyFault {}

/// Creates a certificate for the RSA key `pkcs8` (DER). It is self-issued (`SHA256withRSA`) to
/// `CN={common_name},O=Trustplane` and valid for ten years from `now`.
///
/// `serial` is random. Its highest bit is dropped, because serial numbers are positive (RFC 5280, section 4.1.2.2).
pub fn self_signed(pkcs8: &[u8], common_name: &str, serial: [u8; 16], now: Timestamp) -> Result<Certificate, KeyFault> {
    // The upper bound of a common name in X.520.
    if common_name.is_empty() || common_name.chars().count() > 64 {
        return Err(KeyFault::Name);
    }
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &PKCS_RSA_SHA256).map_err(|_| KeyFault::Key)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Trustplane");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serial_number = Some(positive(serial));
    params.not_before = whole_seconds(now.plus_millis(-BACKDATED));
    params.not_after = whole_seconds(now.plus_millis(VALIDITY));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let made = params.self_signed(&key).map_err(|error| KeyFault::Certificate(error.to_string()))?;
    Certificate::from_pem(&made.pem()).map_err(|fault| KeyFault::Certificate(fault.to_string()))
}

/// Makes a serial number between 1 and 2^127 - 1.
fn positive(random: [u8; 16]) -> SerialNumber {
    let number = (u128::from_be_bytes(random) >> 1).max(1);
    SerialNumber::from_slice(&number.to_be_bytes())
}

fn whole_seconds(moment: Timestamp) -> OffsetDateTime {
    moment.calendar().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use rcgen::PKCS_ED25519;
    use rsa::RsaPrivateKey;
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::pkcs8::{DecodePublicKey, EncodePrivateKey, EncodePublicKey};
    use rsa::rand_core::OsRng;
    use rsa::sha2::Sha256;
    use rsa::signature::Verifier;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_767_323_045_678)
    }

    fn rsa_key(bits: usize) -> (Vec<u8>, Vec<u8>) {
        let key = RsaPrivateKey::new(&mut OsRng, bits).unwrap();
        let public = key.to_public_key().to_public_key_der().unwrap().into_vec();
        (key.to_pkcs8_der().unwrap().as_bytes().to_vec(), public)
    }

    #[test]
    fn the_certificate_is_the_key_s_own() {
        let (key, public) = rsa_key(2048);
        let made = self_signed(&key, "d-1234567890", [0xff; 16], now()).unwrap();
        assert_eq!(made.subject_name(), "CN=d-1234567890,O=Trustplane");
        assert_eq!(made.issuer_name(), made.subject_name());
        assert_eq!(made.signature_algorithm_name(), "SHA256withRSA");
        assert_eq!(made.serial_number().as_str(), i128::MAX.to_string());
        assert!(made.is_valid(now()));
        assert_eq!(made.not_before().to_string(), "2026-01-02T02:59:05.000Z");
        assert_eq!(made.not_after().to_string(), "2036-01-02T03:04:05.000Z");
        // Verifies the signature with another implementation than the one that signed.
        let der = pem_to_der(made.pem());
        let (content, signature) = split(&der);
        let verifier = VerifyingKey::<Sha256>::from_public_key_der(&public).unwrap();
        let signature = Signature::try_from(signature).unwrap();
        verifier.verify(content, &signature).unwrap();
        assert!(der.windows(public.len()).any(|window| window == public));
        // All inputs except the key are arguments, so the same certificate can be created again.
        assert_eq!(self_signed(&key, "d-1234567890", [0xff; 16], now()), Ok(made));
    }

    #[test]
    fn other_keys_and_names_are_refused() {
        let (key, _) = rsa_key(1024);
        assert_eq!(self_signed(&key, "x", [1; 16], now()), Err(KeyFault::Key));
        let other = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_der();
        assert_eq!(self_signed(&other, "x", [1; 16], now()), Err(KeyFault::Key));
        assert_eq!(self_signed(&[], "x", [1; 16], now()), Err(KeyFault::Key));
        assert_eq!(self_signed(&other, "", [1; 16], now()), Err(KeyFault::Name));
        assert_eq!(self_signed(&other, &"x".repeat(65), [1; 16], now()), Err(KeyFault::Name));
    }

    #[test]
    fn serial_numbers_are_positive() {
        assert_eq!(positive([0; 16]).to_bytes()[15], 1);
        assert_eq!(positive([0xff; 16]).to_bytes()[0], 0x7f);
    }

    fn pem_to_der(pem: &str) -> Vec<u8> {
        rsa::pkcs8::der::pem::decode_vec(pem.as_bytes()).unwrap().1
    }

    /// Splits a certificate into its signed part (the first element) and its signature (the last 256 bytes).
    fn split(der: &[u8]) -> (&[u8], &[u8]) {
        let length = usize::from(u16::from_be_bytes([der[6], der[7]]));
        (&der[4..8 + length], &der[der.len() - 256..])
    }
}
