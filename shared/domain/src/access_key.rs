//! Access key pairs: a public id, and a secret that signs requests. The secret is derived from the id with a key that
//! never leaves KMS, so no secret is stored.
//!
//! The id is `TPAK` and the credential's public id, whose checksum detects a typing error: `TPAK[0-9A-Za-z]{38}`. The
//! secret is `TPSK`, 256 bits in 43 digits of base 62, and the CRC-32 of the preceding characters in 6 digits:
//! `TPSK[0-9A-Za-z]{49}`. Both contain letters and digits only, because clients write the id into a header that is
//! split at commas and spaces.

use std::fmt;

use crate::base62;
use crate::ids::CredentialId;

const ID_PREFIX: &str = "TPAK";
const SECRET_PREFIX: &str = "TPSK";
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;

/// The public half. It identifies a credential, and so a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccessKeyId(CredentialId);

/// The secret half. Neither `Debug` nor an error ever contains it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretAccessKey(String);

impl AccessKeyId {
    /// Returns the access key id of a credential.
    pub fn of(credential: CredentialId) -> Self {
        Self(credential)
    }

    /// Parses an id and verifies its checksum.
    pub fn parse(text: &str) -> Option<Self> {
        CredentialId::parse(text.strip_prefix(ID_PREFIX)?).map(Self)
    }

    /// Returns the credential that the id names. It is not verified.
    pub fn credential(self) -> CredentialId {
        self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{ID_PREFIX}{}", self.0)
    }
}

impl SecretAccessKey {
    /// Converts a message authentication code of 256 bits to a secret.
    pub fn from_mac(mac: &[u8; 32]) -> Self {
        let body = format!("{SECRET_PREFIX}{}", base62::encode(mac, SECRET_LENGTH));
        Self(format!("{body}{}", checksum(&body)))
    }

    /// Parses a secret and verifies its checksum, as a scanner for leaked secrets does.
    pub fn parse(text: &str) -> Option<Self> {
        let at = SECRET_PREFIX.len() + SECRET_LENGTH;
        let (body, sum) = text.split_at_checked(at)?;
        let digits = body.strip_prefix(SECRET_PREFIX)?;
        let _: [u8; 32] = base62::decode(digits)?;
        (sum == checksum(body)).then(|| Self(text.to_owned()))
    }

    /// Returns the secret in plain text, to show it once and to sign requests with it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretAccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretAccessKey(redacted)")
    }
}

fn checksum(body: &str) -> String {
    base62::encode(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_LENGTH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::TenantId;

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(tenant: [u8; 16], random: [u8; 8], mac: [u8; 32]) {
            let credential = CredentialId::new(TenantId::from_random(tenant), random);
            let id = AccessKeyId::of(credential);
            prop_assert_eq!(AccessKeyId::parse(&id.to_string()).map(AccessKeyId::credential), Some(credential));
            let secret = SecretAccessKey::from_mac(&mac);
            prop_assert_eq!(SecretAccessKey::parse(secret.reveal()), Some(secret.clone()));
            let printed = format!("{secret:?}");
            prop_assert!(!printed.contains(&secret.reveal()[4..12]));
        }

        #[test]
        fn one_wrong_character_is_refused(mac: [u8; 32], at in 0..53_usize, with in "[ -~]") {
            let text = SecretAccessKey::from_mac(&mac).reveal().to_owned();
            let mut other = text.clone();
            other.replace_range(at..=at, &with);
            prop_assume!(other != text);
            prop_assert!(SecretAccessKey::parse(&other).is_none());
        }

        #[test]
        fn lookalikes_and_any_other_text_are_refused(
            id in "TPAK[0-9A-Za-z]{38}", secret in "TPSK[0-9A-Za-z]{49}", text in "(TPAK|TPSK)?.{0,60}",
        ) {
            prop_assert!(AccessKeyId::parse(&id).is_none() && SecretAccessKey::parse(&secret).is_none());
            prop_assert!(AccessKeyId::parse(&text).is_none() && SecretAccessKey::parse(&text).is_none());
        }
    }
}
