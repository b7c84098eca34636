//! Id types, parsed once at the edge.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base62;

/// Defines an id type that is a UUID: written in lower case, parsed in either case.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Creates an id from 128 random bits (version 4).
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// Parses a hyphenated UUID, in either case.
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 36).then(|| Uuid::try_parse(text).ok().map(Self)).flatten()
            }

            /// Returns the 16 bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        $crate::schema!($name, {"type": "string", "format": "uuid"});

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(formatter)
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or("not a uuid")
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}
#[allow(unused_imports)]
pub(crate) use uuid_id;

uuid_id! {
    /// A tenant: a customer of the platform.
    TenantId
}
uuid_id! {
    /// The ExternalId that a customer's role requires in addition to the platform's account. It prevents access to the
    /// role through the platform by another customer (the "confused deputy" of the IAM user guide). The service
    /// generates it, never the client.
    ExternalId
}

/// The public id of a credential. It contains the tenant's id, so a credential is found without a lookup of its tenant:
/// 16 bytes of tenant, 8 random bytes and their CRC-32, as 38 digits of base 62.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialId([u8; 24]);

/// Number of digits of a [`CredentialId`].
pub const CREDENTIAL_ID_LENGTH: usize = 38;

impl CredentialId {
    /// Creates the id of a new credential of `tenant`.
    pub fn new(tenant: TenantId, random: [u8; 8]) -> Self {
        let mut bytes = [0; 24];
        let (head, tail) = bytes.split_at_mut(16);
        head.copy_from_slice(tenant.as_bytes());
        tail.copy_from_slice(&random);
        Self(bytes)
    }

    /// Parses 38 digits and verifies their checksum.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != CREDENTIAL_ID_LENGTH {
            return None;
        }
        let decoded: [u8; 28] = base62::decode(text)?;
        let (bytes, checksum) = decoded.split_first_chunk::<24>()?;
        (checksum == crc32fast::hash(bytes).to_be_bytes()).then_some(Self(*bytes))
    }

    /// Returns the tenant that it belongs to.
    pub fn tenant(&self) -> TenantId {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(self.0.split_at(16).0);
        TenantId(Uuid::from_bytes(bytes))
    }
}

crate::schema!(CredentialId, {
    "type": "string", "pattern": format!("^[0-9A-Za-z]{{{CREDENTIAL_ID_LENGTH}}}$")
});

impl fmt::Display for CredentialId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.0.to_vec();
        bytes.extend(crc32fast::hash(&self.0).to_be_bytes());
        formatter.write_str(&base62::encode(&bytes, CREDENTIAL_ID_LENGTH))
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CredentialId({self})")
    }
}

impl TryFrom<String> for CredentialId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a credential id")
    }
}

impl From<CredentialId> for String {
    fn from(id: CredentialId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_uuid_is_read_in_either_case_and_only_hyphenated() {
        let id = TenantId::parse("2489E9AD-2EE2-8E00-8EC9-32D5F69181C0").unwrap();
        assert_eq!(id.to_string(), "2489e9ad-2ee2-8e00-8ec9-32d5f69181c0");
        for wrong in [
            "",
            "2489e9ad2ee28e008ec932d5f69181c0",
            "{2489e9ad-2ee2-8e00-8ec9-32d5f69181c0}",
            "urn:uuid:2489e9ad-2ee2-8e00-8ec9-32d5f69181c0",
            "2489e9ad-2ee2-8e00-8ec9-32d5f69181cg",
        ] {
            assert_eq!(TenantId::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_credential_id_names_its_tenant(tenant: [u8; 16], random: [u8; 8]) {
            let tenant = TenantId::from_random(tenant);
            let text = CredentialId::new(tenant, random).to_string();
            prop_assert_eq!(CredentialId::parse(&text).map(|id| id.tenant()), Some(tenant));
        }

        #[test]
        fn one_wrong_character_breaks_the_checksum(tenant: [u8; 16], random: [u8; 8], at in 0..38_usize, digit in "[0-9A-Za-z]") {
            let text = CredentialId::new(TenantId::from_random(tenant), random).to_string();
            let mut other = text.clone();
            other.replace_range(at..=at, &digit);
            prop_assume!(other != text);
            prop_assert_eq!(CredentialId::parse(&other), None);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = CredentialId::parse(&text);
            let _ = TenantId::parse(&text);
        }
    }
}
