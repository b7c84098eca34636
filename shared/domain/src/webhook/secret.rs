//! The secrets of a webhook: its URL and the keys that its messages are signed with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::Timestamp;
use crate::outbound::OutboundUrl;

/// Prefix of a signing secret.
const PREFIX: &str = "whsec_";

/// A key that messages are signed with, 32 bytes. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SigningSecret([u8; 32]);

/// The URL of a webhook and its signing secrets. `Debug` prints the URL's origin alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The URL.
    pub url: OutboundUrl,
    /// The current signing secret.
    pub secret: SigningSecret,
    /// The previous signing secret, and the time until which messages are signed with it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<(SigningSecret, Timestamp)>,
}

/// [`Secrets`], encrypted by KMS. It is stored as base64; `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealedSecrets(Vec<u8>);

impl SigningSecret {
    /// Creates a secret from 256 random bits.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the text that is shown once: `whsec_` and base64.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }

    /// Signs a message: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
    ///
    /// Source: "Standard Webhooks", "Signature scheme".
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        // INVARIANT: HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl Secrets {
    /// Returns the secrets with a new signing secret; the current one stays valid until `until`.
    #[must_use]
    pub fn rotated(&self, secret: SigningSecret, until: Timestamp, now: Timestamp) -> Self {
        let previous = (until > now).then(|| (self.secret.clone(), until));
        Self { url: self.url.clone(), secret, previous }
    }

    /// Returns the secrets with another URL. Another origin gets a new signing secret: the previous endpoint knows the
    /// current one.
    #[must_use]
    pub fn moved(&self, url: OutboundUrl, fresh: SigningSecret) -> Self {
        if url.origin() == self.url.origin() {
            Self { url, ..self.clone() }
        } else {
            Self { url, secret: fresh, previous: None }
        }
    }

    /// Returns the value of `webhook-signature`: a signature by each valid secret, separated by spaces.
    pub fn signatures(&self, id: &str, seconds: i64, body: &[u8], now: Timestamp) -> String {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        let secrets = std::iter::once(&self.secret).chain(previous);
        secrets.map(|secret| secret.sign(id, seconds, body)).collect::<Vec<_>>().join(" ")
    }
}

impl SealedSecrets {
    /// Wraps the `CiphertextBlob` that KMS returns.
    pub fn from_ciphertext(blob: Vec<u8>) -> Self {
        Self(blob)
    }

    /// Returns the ciphertext for KMS to decrypt.
    pub fn as_ciphertext(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningSecret(redacted)")
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Secrets").field("url", &self.url).finish_non_exhaustive()
    }
}

impl fmt::Debug for SealedSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealedSecrets(redacted)")
    }
}

impl TryFrom<String> for SigningSecret {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or("not a signing secret")
    }
}

impl From<SigningSecret> for String {
    fn from(secret: SigningSecret) -> Self {
        secret.reveal()
    }
}

impl TryFrom<String> for SealedSecrets {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self).map_err(|_| "not base64")
    }
}

impl From<SealedSecrets> for String {
    fn from(secrets: SealedSecrets) -> Self {
        STANDARD.encode(secrets.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> OutboundUrl {
        OutboundUrl::parse(text).unwrap()
    }

    fn secrets() -> Secrets {
        Secrets {
            url: url("https://hooks.example.com/a?token=b"),
            secret: SigningSecret::from_random([1; 32]),
            previous: None,
        }
    }

    #[test]
    fn a_signature_is_that_of_the_published_example() {
        // The test vector of the reference libraries of Standard Webhooks, whose key has 24 bytes.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}");
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let own = SigningSecret::from_random([1; 32]);
        let signed = own.sign("id", 7, b"{}");
        let mut mac = Hmac::<Sha256>::new_from_slice(&[1; 32]).unwrap();
        mac.update(b"id.7.{}");
        assert_eq!(signed, format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    }

    #[test]
    fn both_secrets_sign_during_the_overlap_and_one_after_it() {
        let now = Timestamp::from_millis(1_000);
        let fresh = SigningSecret::from_random([2; 32]);
        let rotated = secrets().rotated(fresh.clone(), Timestamp::from_millis(5_000), now);
        let both = rotated.signatures("id", 1, b"{}", now);
        let (new, old) = both.split_once(' ').unwrap();
        assert_eq!(old, SigningSecret::from_random([1; 32]).sign("id", 1, b"{}"));
        assert_eq!(rotated.signatures("id", 1, b"{}", Timestamp::from_millis(5_000)), new);
        assert_eq!(secrets().rotated(fresh, now, now).previous, None);
    }

    #[test]
    fn another_origin_gets_a_new_secret_and_another_path_does_not() {
        let fresh = SigningSecret::from_random([2; 32]);
        let same = secrets().moved(url("https://hooks.example.com/other"), fresh.clone());
        assert_eq!(same.secret, secrets().secret);
        for other in ["https://hooks.example.com:8443/a", "https://other.example.com/a"] {
            assert_eq!(secrets().moved(url(other), fresh.clone()).secret, fresh);
        }
    }

    #[test]
    fn nothing_secret_is_printed_and_all_is_read_back() {
        let secrets = Secrets { previous: Some((SigningSecret::from_random([3; 32]), Timestamp::EPOCH)), ..secrets() };
        let printed = format!("{secrets:?} {:?}", SealedSecrets::from_ciphertext(vec![7; 9]));
        assert!(!printed.contains("token") && !printed.contains("whsec") && !printed.contains('7'), "{printed}");
        let text = serde_json::to_string(&secrets).unwrap();
        assert!(text.len() < 2_048 + 300);
        assert_eq!(serde_json::from_str::<Secrets>(&text).unwrap(), secrets);
    }
}
