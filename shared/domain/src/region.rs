//! AWS partitions, regions and accounts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::aws_input::{Wanted, recognized};

/// A partition: a set of regions with accounts and ARNs of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition(String);

impl Partition {
    /// Parses `aws`, or `aws-` and one to three words of one to five letters, as in IAM Identity Center's ARN pattern.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("aws")?;
        let mut words = rest.split('-');
        let starts_clean = words.next() == Some("");
        let words: Vec<&str> = words.collect();
        let known = words.len() <= 3
            && words
                .iter()
                .all(|word| (1..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase()));
        (starts_clean && known).then(|| Self(text.to_owned()))
    }

    /// Returns the name: `aws-cn`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Partition {
    /// Returns the partition that most accounts are in.
    fn default() -> Self {
        Self("aws".to_owned())
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A region, by its format: `([a-z]+-){2,3}\d`. It need not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

crate::text_field!(Region => Self, Region::parse, {"type": "string", "examples": ["us-east-1"]});

impl Region {
    /// Parses a region. The error describes the format.
    pub fn parse(text: &str) -> Result<Self, String> {
        if Self::is_form(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(recognized(text, Wanted::Region).unwrap_or_else(|| "must be an AWS region such as `us-east-1`".to_owned()))
    }

    /// Reports a text of a region's form.
    pub(crate) fn is_form(text: &str) -> bool {
        let mut parts: Vec<&str> = text.split('-').collect();
        let digit = parts.pop().unwrap_or_default();
        (2..=3).contains(&parts.len())
            && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
            && digit.len() == 1
            && digit.bytes().all(|byte| byte.is_ascii_digit())
            && text.len() <= 32
    }

    /// Returns the partition of a region with this name, by its first words (`cn-`, `us-gov-`, `eusc-`, `us-iso…-`).
    pub fn partition(&self) -> Partition {
        const BY_PREFIX: [(&str, &str); 8] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("eusc-", "aws-eusc"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-isof-", "aws-iso-f"),
            ("", "aws"),
        ];
        let name =
            BY_PREFIX.iter().find(|(prefix, _)| self.0.starts_with(prefix)).map_or("aws", |(_, partition)| partition);
        Partition(name.to_owned())
    }

    /// Returns the name: `us-east-1`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Region {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An AWS account: 12 digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

crate::text_field!(AccountId => Self, AccountId::parse, {
    "type": "string", "pattern": "^[0-9]{12}$", "examples": ["123456789012"]
});

impl AccountId {
    /// Parses 12 digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(recognized(text, Wanted::Account).unwrap_or_else(|| "must be an AWS account id of 12 digits".to_owned()))
    }

    /// Returns the digits: `123456789012`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> Self {
        account.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_name_their_partition() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("ap-southeast-7", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
        ] {
            assert_eq!(Region::parse(region).unwrap().partition().as_str(), partition);
        }
    }

    #[test]
    fn what_is_no_region_is_refused() {
        for wrong in [
            "",
            "us",
            "us-1",
            "us-east-",
            "us-east-10",
            "US-EAST-1",
            "us--east-1",
            "us-east-1 ",
            "a-b-c-d-1",
            "us-east-a",
            "ü-east-1",
        ] {
            assert!(Region::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn partitions_have_the_documented_form() {
        for good in ["aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"] {
            assert!(Partition::parse(good).is_some(), "{good}");
        }
        for wrong in ["", "awscn", "aws-", "aws-toolong", "aws-a-b-c-d", "AWS", "gcp"] {
            assert!(Partition::parse(wrong).is_none(), "{wrong}");
        }
    }
}
