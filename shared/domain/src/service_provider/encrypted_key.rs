//! A private key that only KMS can decrypt.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A private key, encrypted by KMS. It is stored as base64; `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EncryptedKey(Vec<u8>);

impl EncryptedKey {
    /// Wraps the `CiphertextBlob` that KMS returns.
    pub fn from_ciphertext(blob: Vec<u8>) -> Self {
        Self(blob)
    }

    /// Returns the ciphertext for KMS to decrypt.
    pub fn as_ciphertext(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for EncryptedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EncryptedKey(redacted)")
    }
}

impl TryFrom<String> for EncryptedKey {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self).map_err(|_| "not base64")
    }
}

impl From<EncryptedKey> for String {
    fn from(key: EncryptedKey) -> Self {
        STANDARD.encode(key.0)
    }
}
