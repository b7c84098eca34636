//! Access key pairs: a public id, and a secret that signs requests. The secret is derived from the id with a key that never
//! leaves KMS, so that none is stored.
//!
//! The id is `TPAK` and the credential's public id, whose checksum tells it from a lookalike: `TPAK[0-9A-Za-z]{38}`. The
//! secret is `TPSK`, 256 bits in 43 digits of base 62, and the CRC-32 of what stands before in 6: `TPSK[0-9A-Za-z]{49}`.
//! Letters and digits alone, since clients write the id into a header that is split at commas and spaces.

use std::fmt;

use crate::base62;
use crate::ids::CredentialId;

const ID_PREFIX: &str = "TPAK";
const SECRET_PREFIX: &str = "TPSK";
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;

/// The public half: names its credential, and so its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccessKeyId(CredentialId);

/// The secret half. Neither `Debug` nor an error ever holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretAccessKey(String);

impl AccessKeyId {
    /// That of a credential.
    pub fn of(credential: CredentialId) -> Self {
        Self(credential)
    }

    /// Reads an id whose checksum holds.
    pub fn parse(text: &str) -> Option<Self> {
        CredentialId::parse(text.strip_prefix(ID_PREFIX)?).map(Self)
    }

    /// The credential it claims to be.
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
    /// The secret that a message authentication code of 256 bits is written as.
    pub fn from_mac(mac: &[u8; 32]) -> Self {
        let body = format!("{SECRET_PREFIX}{}", base62::encode(mac, SECRET_LENGTH));
        Self(format!("{body}{}", checksum(&body)))
    }

    /// Reads a text whose checksum holds: what a scanner for leaked secrets asks.
    pub fn parse(text: &str) -> Option<Self> {
        let at = SECRET_PREFIX.len() + SECRET_LENGTH;
        let (body, sum) = text.split_at_checked(at)?;
        let digits = body.strip_prefix(SECRET_PREFIX)?;
        let _: [u8; 32] = base62::decode(digits)?;
        (sum == checksum(body)).then(|| Self(text.to_owned()))
    }

    /// The text: for the one time that it is shown, and as the key that requests are signed with.
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
