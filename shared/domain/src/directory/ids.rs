//! Ids of the directory.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;
use crate::ids::uuid_id;

uuid_id! {
    /// Id of an authorisation server of an organisation.
    AuthorisationServerId
}
uuid_id! {
    /// Id of an SSO configuration of an authorisation server.
    SsoConfigurationId
}
uuid_id! {
    /// Id of a version of an SSO configuration.
    VersionId
}

/// Adds a constructor for ids that the service creates and that sort by time of creation.
macro_rules! made_by_time {
    ($($name:ident),+) => {
        $(impl $name {
            /// Creates an id (UUID version 7). It sorts after the ids of earlier milliseconds.
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
        })+
    };
}
made_by_time!(AuthorisationServerId, SsoConfigurationId, VersionId);

/// Largest number of characters of an organisation's id.
const ORGANISATION_ID_MAX: usize = 40;

/// An organisation's id, chosen by the client that creates the organisation: 1 to 40 characters, without `<` and `>`.
///
/// A path can contain any such id. A new organisation's id is more restricted, see [`OrganisationId::parse_new`]. So a
/// lookup of an id with unusual characters is valid, and finds nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganisationId(String);

impl OrganisationId {
    /// Parses an id from a path.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let well_formed = (1..=ORGANISATION_ID_MAX).contains(&text.chars().count()) && !text.contains(['<', '>']);
        well_formed.then(|| Self(text.to_owned())).ok_or("must be 1 to 40 characters without `<` and `>`")
    }

    /// Parses the id of a new organisation: `[A-Za-z0-9][A-Za-z0-9._~-]{0,39}`, which needs no escaping in a path.
    pub fn parse_new(text: &str) -> Result<Self, &'static str> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        let sound = (1..=ORGANISATION_ID_MAX).contains(&text.len())
            && text.bytes().all(plain)
            && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        sound
            .then(|| Self(text.to_owned()))
            .ok_or("must be 1 to 40 letters, digits, `.`, `_`, `~` or `-`, the first of them a letter or digit")
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

crate::schema!(OrganisationId, {
    "type": "string", "minLength": 1, "maxLength": ORGANISATION_ID_MAX, "pattern": "^[^<>]*$"
});

/// The id of a new organisation, as a request has it.
pub enum NewOrganisationId {}

crate::text_field!(NewOrganisationId => OrganisationId, OrganisationId::parse_new, {
    "type": "string",
    "minLength": 1,
    "maxLength": ORGANISATION_ID_MAX,
    "pattern": format!("^[A-Za-z0-9][A-Za-z0-9._~-]{{0,{}}}$", ORGANISATION_ID_MAX - 1)
});

impl fmt::Display for OrganisationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for OrganisationId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<OrganisationId> for String {
    fn from(id: OrganisationId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_may_name_more_than_can_be_made() {
        for (text, path, new) in [
            ("74e929d9-33b6-4d85-8ba7-c146c867a817", true, true),
            ("a", true, true),
            ("7.b_c~d-e", true, true),
            (&"x".repeat(40), true, true),
            ("-a", true, false),
            ("a b#c/d", true, false),
            (&"\u{e9}".repeat(40), true, false),
            ("", false, false),
            ("a<b", false, false),
            ("a>", false, false),
            (&"x".repeat(41), false, false),
        ] {
            assert_eq!(OrganisationId::parse(text).is_ok(), path, "{text}");
            assert_eq!(OrganisationId::parse_new(text).is_ok(), new, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_can_be_made_can_be_named(text: String) {
            if let Ok(id) = OrganisationId::parse_new(&text) {
                prop_assert_eq!(OrganisationId::parse(&text), Ok(id));
            }
        }

        #[test]
        fn a_later_id_sorts_after(a in 0..1_i64 << 47, b in 0..1_i64 << 47, x: [u8; 10], y: [u8; 10]) {
            let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            prop_assume!(a < b);
            prop_assert!(VersionId::new(a, x).to_string() < VersionId::new(b, y).to_string());
        }
    }
}
