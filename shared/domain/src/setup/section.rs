//! Sections of the setup page.

use serde::{Deserialize, Serialize};

/// A part of the setup page, and the actions that a session may take there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// The connection to IAM Identity Center, and its test.
    AwsIdentityCenter,
    /// The identity provider of the identity store.
    IdentityProvider,
    /// Proofs of the domains of one SSO configuration.
    Domains,
}

impl Section {
    /// All sections, in the order of the page.
    pub const ALL: [Self; 3] = [Self::AwsIdentityCenter, Self::IdentityProvider, Self::Domains];

    /// Returns the name: `aws-identity-center`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsIdentityCenter => "aws-identity-center",
            Self::IdentityProvider => "identity-provider",
            Self::Domains => "domains",
        }
    }

    /// Parses a section's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.as_str() == text)
    }
}

crate::text_field!(@parse Section => Self, |text: &str| {
    Section::parse(text).ok_or("must be `aws-identity-center`, `identity-provider` or `domains`")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_stored_text_and_reads_back() {
        for section in Section::ALL {
            assert_eq!(serde_json::to_value(section).unwrap(), section.as_str());
            assert_eq!(Section::parse(section.as_str()), Some(section));
        }
        assert_eq!(Section::parse("Domains"), None);
    }
}
