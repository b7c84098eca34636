//! Bearer tokens: `tpk_{public id}_{secret}{checksum}`.
//!
//! The secret is 256 random bits in 43 digits of base 62. The checksum is the CRC-32 of all preceding characters, in 6
//! digits, so a scanner recognizes a leaked token without a request to the service. The whole token matches
//! `tpk_[0-9A-Za-z]{38}_[0-9A-Za-z]{49}`. Only the SHA-256 of the secret is stored.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base62;
use crate::ids::{CREDENTIAL_ID_LENGTH, CredentialId};

const PREFIX: &str = "tpk_";
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
/// Length of a token's text, in bytes.
pub const TOKEN_LENGTH: usize = PREFIX.len() + CREDENTIAL_ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH;

/// A token, as a client presents it or as it is shown once. Neither `Debug` nor an error ever contains its secret.
pub struct Token {
    id: CredentialId,
    secret: [u8; 32],
}

/// The SHA-256 of a token's secret, which is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

impl Token {
    /// Creates a token from 256 random bits.
    pub fn new(id: CredentialId, secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    /// Parses a token and verifies its checksums.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TOKEN_LENGTH || !text.is_ascii() {
            return None;
        }
        let (body, checksum) = text.split_at_checked(TOKEN_LENGTH - CHECKSUM_LENGTH)?;
        if base62::decode::<4>(checksum)? != crc32fast::hash(body.as_bytes()).to_be_bytes() {
            return None;
        }
        let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
        Some(Self { id: CredentialId::parse(id)?, secret: base62::decode(secret)? })
    }

    /// Returns the credential that the token names. It is not verified.
    pub fn id(&self) -> CredentialId {
        self.id
    }

    /// Returns the hash to store.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.secret).into())
    }

    /// Returns the token in plain text, to show it once.
    pub fn reveal(&self) -> String {
        let body = format!("{PREFIX}{}_{}", self.id, base62::encode(&self.secret, SECRET_LENGTH));
        let checksum = crc32fast::hash(body.as_bytes()).to_be_bytes();
        format!("{body}{}", base62::encode(&checksum, CHECKSUM_LENGTH))
    }
}

impl TokenHash {
    /// Compares in constant time.
    pub fn matches(&self, token: &Token) -> bool {
        self.0.ct_eq(&token.hash().0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Token({}, redacted)", self.id)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(redacted)")
    }
}

impl TryFrom<String> for TokenHash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        base62::decode(&text).map(Self).ok_or("not a hash")
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        base62::encode(&hash.0, SECRET_LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::TenantId;

    fn token(tenant: [u8; 16], random: [u8; 8], secret: [u8; 32]) -> Token {
        Token::new(CredentialId::new(TenantId::from_random(tenant), random), secret)
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(tenant: [u8; 16], random: [u8; 8], secret: [u8; 32]) {
            let token = token(tenant, random, secret);
            let text = token.reveal();
            prop_assert_eq!(text.len(), TOKEN_LENGTH);
            let read = Token::parse(&text).unwrap();
            prop_assert_eq!(read.id(), token.id());
            prop_assert!(token.hash().matches(&read));
            let stored = TokenHash::try_from(String::from(token.hash())).unwrap();
            prop_assert!(stored.matches(&read));
        }

        #[test]
        fn another_secret_does_not_match(tenant: [u8; 16], random: [u8; 8], secret: [u8; 32], other: [u8; 32]) {
            prop_assume!(secret != other);
            prop_assert!(!token(tenant, random, secret).hash().matches(&token(tenant, random, other)));
        }

        #[test]
        fn one_wrong_character_is_refused(secret: [u8; 32], at in 0..TOKEN_LENGTH, with in "[ -~]") {
            let text = token([7; 16], [9; 8], secret).reveal();
            let mut other = text.clone();
            other.replace_range(at..=at, &with);
            prop_assume!(other != text);
            prop_assert!(Token::parse(&other).is_none());
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "(tpk_)?.{0,120}") {
            prop_assert!(Token::parse(&text).is_none());
        }
    }

    #[test]
    fn nothing_of_the_secret_is_printed() {
        let token = token([1; 16], [2; 8], [3; 32]);
        let text = token.reveal();
        let secret = text.rsplit_once('_').unwrap().1;
        assert!(!format!("{token:?} {:?}", token.hash()).contains(&secret[..8]));
    }
}
