//! A KMS key and its cryptographic operations.
//!
//! The key material is derived from the key's id, so ciphertexts and MACs from before a restart stay valid. So the
//! material is not secret: this is a stand-in for development and tests.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::signing::KeyPair;
use crate::fixture::{PLATFORM_ACCOUNT, REGION};

/// The kinds of KMS key, with KMS's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySpec {
    /// Encrypts and decrypts.
    SymmetricDefault,
    /// Makes and verifies HMACs with SHA-256.
    Hmac256,
    /// Signs with ECDSA on P-256.
    EccNistP256,
    /// Signs with RSA.
    Rsa2048,
}

impl KeySpec {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SymmetricDefault => "SYMMETRIC_DEFAULT",
            Self::Hmac256 => "HMAC_256",
            Self::EccNistP256 => "ECC_NIST_P256",
            Self::Rsa2048 => "RSA_2048",
        }
    }

    pub(crate) fn usage(self) -> &'static str {
        match self {
            Self::SymmetricDefault => "ENCRYPT_DECRYPT",
            Self::Hmac256 => "GENERATE_VERIFY_MAC",
            Self::EccNistP256 | Self::Rsa2048 => "SIGN_VERIFY",
        }
    }

    /// Returns the member of a key's description that lists its algorithms, and those algorithms.
    pub(crate) fn algorithms(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::SymmetricDefault => ("EncryptionAlgorithms", &["SYMMETRIC_DEFAULT"]),
            Self::Hmac256 => ("MacAlgorithms", &["HMAC_SHA_256"]),
            Self::EccNistP256 => ("SigningAlgorithms", &["ECDSA_SHA_256"]),
            Self::Rsa2048 => (
                "SigningAlgorithms",
                &[
                    "RSASSA_PKCS1_V1_5_SHA_256",
                    "RSASSA_PKCS1_V1_5_SHA_384",
                    "RSASSA_PKCS1_V1_5_SHA_512",
                    "RSASSA_PSS_SHA_256",
                    "RSASSA_PSS_SHA_384",
                    "RSASSA_PSS_SHA_512",
                ],
            ),
        }
    }
}

/// State of a key: whether it works, or its error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The key works.
    Enabled,
    /// `DisabledException`.
    Disabled,
    /// `KMSInvalidStateException`.
    PendingDeletion,
    /// `AccessDeniedException`: the key's policy does not allow the caller.
    Denying,
    /// `ThrottlingException`.
    Throttled,
    /// `KMSInternalException`, a 5xx.
    Failing,
}

pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) spec: KeySpec,
    pub(crate) state: KeyState,
    /// The key pair of an asymmetric key, created on first use.
    key_pair: OnceLock<Option<KeyPair>>,
}

/// The first byte of a ciphertext.
const VERSION: u8 = 1;

impl Key {
    pub(crate) fn new(id: &str, spec: KeySpec) -> Self {
        Self { id: id.to_owned(), spec, state: KeyState::Enabled, key_pair: OnceLock::new() }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:kms:{REGION}:{PLATFORM_ACCOUNT}:key/{}", self.id)
    }

    /// Computes the MAC of a message.
    pub(crate) fn mac(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.material("mac")), message).as_ref().to_vec()
    }

    /// Returns true if `mac` is the message's MAC. Compares in constant time.
    pub(crate) fn verifies_mac(&self, message: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &self.material("mac")), message, mac).is_ok()
    }

    /// Encrypts a plaintext. The ciphertext contains the key's id. Returns `None` if the system has no randomness.
    pub(crate) fn encrypt(&self, plaintext: &[u8], context: &BTreeMap<String, String>) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = plaintext.to_vec();
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(self.bound(context)), &mut sealed)
            .ok()?;
        let mut blob = vec![VERSION, u8::try_from(self.id.len()).ok()?];
        blob.extend_from_slice(self.id.as_bytes());
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        Some(blob)
    }

    /// Decrypts a ciphertext of this key. Returns `None` if it is malformed, was changed, or has another context.
    pub(crate) fn decrypt(&self, blob: &[u8], context: &BTreeMap<String, String>) -> Option<Vec<u8>> {
        let (id, sealed) = key_of_ciphertext(blob)?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        if id != self.id {
            return None;
        }
        let mut sealed = sealed.to_vec();
        let plaintext = self
            .cipher()?
            .open_in_place(Nonce::try_assume_unique_for_key(nonce).ok()?, Aad::from(self.bound(context)), &mut sealed)
            .ok()?;
        Some(plaintext.to_vec())
    }

    /// Returns the key pair of an asymmetric key.
    pub(crate) fn key_pair(&self) -> Option<&KeyPair> {
        let make = || match self.spec {
            KeySpec::EccNistP256 => KeyPair::p256(&self.material("signature")),
            KeySpec::Rsa2048 => Some(KeyPair::rsa(&self.material("signature"))),
            KeySpec::SymmetricDefault | KeySpec::Hmac256 => None,
        };
        self.key_pair.get_or_init(make).as_ref()
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.material("encryption")).ok().map(LessSafeKey::new)
    }

    /// Returns the authenticated data of a ciphertext: the key's id and the sorted encryption context.
    fn bound(&self, context: &BTreeMap<String, String>) -> Vec<u8> {
        let mut bound = vec![VERSION];
        let texts = [&self.id].into_iter().chain(context.iter().flat_map(|(key, value)| [key, value]));
        for text in texts {
            bound.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bound.extend_from_slice(text.as_bytes());
        }
        bound
    }

    fn material(&self, purpose: &str) -> [u8; 32] {
        let derivation = hmac::Key::new(hmac::HMAC_SHA256, b"local stand-in for KMS: no secret");
        let input = [self.id.as_str(), self.spec.as_str(), purpose].join("\0");
        let mut material = [0; 32];
        material.copy_from_slice(hmac::sign(&derivation, input.as_bytes()).as_ref());
        material
    }
}

/// Returns the key id in a ciphertext, and the rest of the ciphertext.
pub(crate) fn key_of_ciphertext(blob: &[u8]) -> Option<(&str, &[u8])> {
    let (&[version, length], rest) = blob.split_first_chunk()?;
    let (id, sealed) = rest.split_at_checked(length.into())?;
    (version == VERSION).then_some((std::str::from_utf8(id).ok()?, sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> Key {
        Key::new(id, KeySpec::SymmetricDefault)
    }

    #[test]
    fn ciphertexts_outlive_the_process_and_are_bound() {
        let context = BTreeMap::from([("tenant".to_owned(), "one".to_owned())]);
        let blob = key("a").encrypt(b"secret", &context).unwrap();
        assert_eq!(key("a").decrypt(&blob, &context).as_deref(), Some(b"secret".as_slice()));
        assert_eq!(key("b").decrypt(&blob, &context), None);
        assert_eq!(key("a").decrypt(&blob, &BTreeMap::new()), None);
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            assert_eq!(key("a").decrypt(&changed, &context), None, "byte {at}");
            assert_eq!(key("a").decrypt(&blob[..at], &context), None, "cut at {at}");
        }
        assert_ne!(key("a").encrypt(b"secret", &context).unwrap(), blob);
    }

    #[test]
    fn contexts_are_not_run_together() {
        let one = BTreeMap::from([("ab".to_owned(), "c".to_owned())]);
        let other = BTreeMap::from([("a".to_owned(), "bc".to_owned())]);
        let blob = key("a").encrypt(b"secret", &one).unwrap();
        assert_eq!(key("a").decrypt(&blob, &other), None);
    }
}
