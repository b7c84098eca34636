//! Tokens: `tpk_{public id}_{secret}{checksum}` of a bearer credential, `tps_` of a setup session, `tpl_` in the URL of a
//! setup link.
//!
//! The secret is 256 random bits in 43 digits of base 62. The checksum is the CRC-32 of all preceding characters, in 6
//! digits, so a scanner recognizes a leaked token without a request to the service. The whole token matches
//! `tp[kls]_[0-9A-Za-z]{38}_[0-9A-Za-z]{49}`. Only the SHA-256 of the secret is stored. The checksum covers the prefix, so
//! a token of one purpose never reads as one of another.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base62;
use crate::ids::{CREDENTIAL_ID_LENGTH, CredentialId};

const PREFIX_LENGTH: usize = 4;
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
/// Length of a token's text, in bytes.
pub const TOKEN_LENGTH: usize = PREFIX_LENGTH + CREDENTIAL_ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH;

/// Purposes of a token, by its first characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A bearer credential.
    Credential,
    /// A session of the setup page.
    SetupSession,
    /// A link to the setup page, which starts sessions and authenticates nothing else.
    SetupLink,
}

impl Purpose {
    /// Returns the first characters of its tokens.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Credential => "tpk_",
            Self::SetupSession => "tps_",
            Self::SetupLink => "tpl_",
        }
    }
}

/// A token, as a client presents it or as it is shown once. Neither `Debug` nor an error ever contains its secret.
pub struct Token {
    purpose: Purpose,
    id: CredentialId,
    secret: [u8; 32],
}

/// The SHA-256 of a token's secret, which is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

impl Token {
    /// Creates a token of a credential from 256 random bits.
    pub fn new(id: CredentialId, secret: [u8; 32]) -> Self {
        Self::of(Purpose::Credential, id, secret)
    }

    /// Creates a token from 256 random bits.
    pub fn of(purpose: Purpose, id: CredentialId, secret: [u8; 32]) -> Self {
        Self { purpose, id, secret }
    }

    /// Parses a token of a credential and verifies its checksums.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_of(Purpose::Credential, text)
    }

    /// Parses a token of this purpose and verifies its checksums.
    pub fn parse_of(purpose: Purpose, text: &str) -> Option<Self> {
        if text.len() != TOKEN_LENGTH || !text.is_ascii() {
            return None;
        }
        let (body, checksum) = text.split_at_checked(TOKEN_LENGTH - CHECKSUM_LENGTH)?;
        if base62::decode::<4>(checksum)? != crc32fast::hash(body.as_bytes()).to_be_bytes() {
            return None;
        }
        let (id, secret) = body.strip_prefix(purpose.prefix())?.split_once('_')?;
        Some(Self { purpose, id: CredentialId::parse(id)?, secret: base62::decode(secret)? })
    }

    /// Returns its purpose.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns the credential that the token names. It is not verified.
    pub fn id(&self) -> CredentialId {
        self.id
    }

    /// Returns the hash to store.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.secret).into())
    }

    /// Returns a digest of the secret and of another one, which depends on both.
    pub(crate) fn digest_with(&self, other: &[u8; 32]) -> [u8; 32] {
        Sha256::new().chain_update(self.secret).chain_update(other).finalize().into()
    }

    /// Returns the token in plain text, to show it once.
    pub fn reveal(&self) -> String {
        let body = format!("{}{}_{}", self.purpose.prefix(), self.id, base62::encode(&self.secret, SECRET_LENGTH));
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
    fn a_token_of_one_purpose_is_none_of_another() {
        let id = CredentialId::new(TenantId::from_random([1; 16]), [2; 8]);
        let all = [Purpose::Credential, Purpose::SetupSession, Purpose::SetupLink];
        for made in all {
            let text = Token::of(made, id, [3; 32]).reveal();
            assert_eq!(text.len(), TOKEN_LENGTH);
            for read in all {
                assert_eq!(Token::parse_of(read, &text).is_some(), made == read, "{made:?} as {read:?}");
                let renamed = format!("{}{}", read.prefix(), &text[PREFIX_LENGTH..]);
                assert_eq!(Token::parse_of(read, &renamed).is_some(), made == read, "{made:?} renamed {read:?}");
            }
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
