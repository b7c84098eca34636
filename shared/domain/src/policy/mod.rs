//! A tenant's own policies: ids, texts and limits. Cedar gives the texts their meaning.

mod shape;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use shape::{CLAUSES, NESTING, Shape, TEXT_LIMIT, shape};

use crate::{Conflict, Failure, Timestamp};

/// Largest number of Cedar policies in all of a tenant's texts.
pub const POLICIES: usize = 100;
/// Largest size of all of a tenant's texts, in bytes.
pub const SET_LIMIT: usize = 64 * 1024;

/// A policy's id, chosen by the tenant: 1 to 64 letters, digits, `-` and `_`, beginning with a letter or digit. It
/// contains no `.`, so it never equals the id of a built-in policy (`built-in.viewer`) or of one policy in a text
/// (`id.1`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyId(String);

/// A text of one or more Cedar policies, under one id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPolicy {
    /// The id.
    pub id: PolicyId,
    /// Text in Cedar's syntax. It was valid when it was written.
    pub text: String,
    /// Number of policies in the text.
    pub holds: usize,
    /// True if it takes part in decisions.
    pub enabled: bool,
    /// Version of the set in which it was last written.
    pub version: u64,
    /// Time of the last write.
    pub updated_at: Timestamp,
    /// The credential that last wrote it, or `operator`.
    pub updated_by: String,
}

/// All of a tenant's own policies, sorted by id. They are stored as one item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// Number of writes of the set. The tenant stores it too, so a function can tell whether its copy of the set is
    /// current.
    pub version: u64,
    /// The policies.
    pub policies: Vec<SavedPolicy>,
}

/// A policy to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPolicy {
    /// The id.
    pub id: PolicyId,
    /// Text in Cedar's syntax.
    pub text: String,
    /// Number of policies in the text.
    pub holds: usize,
    /// True if it is to take part in decisions.
    pub enabled: bool,
}

impl PolicyId {
    /// Parses an id.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let begins_well = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        if Self::is_built_in(text) {
            Err("names a built-in policy, which cannot be changed")
        } else if begins_well && text.len() <= 64 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 1 to 64 letters, digits, `-` or `_`, beginning with a letter or digit")
        }
    }

    /// Returns true for an id that only a built-in policy can have.
    pub fn is_built_in(text: &str) -> bool {
        text.starts_with("built-in.")
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PolicySet {
    /// Returns the policy with this id.
    pub fn find(&self, id: &PolicyId) -> Option<&SavedPolicy> {
        self.policies.iter().find(|policy| policy.id == *id)
    }

    /// Iterates over the policies that take part in decisions.
    pub fn enabled(&self) -> impl Iterator<Item = &SavedPolicy> {
        self.policies.iter().filter(|policy| policy.enabled)
    }

    /// Adds `wanted`, or replaces the policy with its id. Returns an unchanged set if the policy is in it already.
    ///
    /// # Errors
    /// [`Conflict::Limit`] if the set would have more than [`POLICIES`] policies or [`SET_LIMIT`] bytes.
    pub fn put(&self, wanted: NewPolicy, by: &str, now: Timestamp) -> Result<Self, Failure> {
        let NewPolicy { id, text, holds, enabled } = wanted;
        if self.find(&id).is_some_and(|found| found.text == text && found.enabled == enabled) {
            return Ok(self.clone());
        }
        let mut after = self.clone();
        after.version += 1;
        after.policies.retain(|policy| policy.id != id);
        let version = after.version;
        after.policies.push(SavedPolicy {
            id,
            text,
            holds,
            enabled,
            version,
            updated_at: now,
            updated_by: by.to_owned(),
        });
        after.policies.sort_by(|a, b| a.id.cmp(&b.id));
        let policies: usize = after.policies.iter().map(|policy| policy.holds).sum();
        let bytes: usize = after.policies.iter().map(|policy| policy.text.len()).sum();
        if policies > POLICIES {
            let message = format!("a tenant has at most {POLICIES} policies, these would be {policies}");
            return Err(Failure::conflict(Conflict::Limit, message));
        }
        if bytes > SET_LIMIT {
            let message = format!("a tenant's policies have at most {} KiB together", SET_LIMIT / 1024);
            return Err(Failure::conflict(Conflict::Limit, message));
        }
        Ok(after)
    }

    /// Removes the policy with this id. Returns `None` if there is none.
    pub fn without(&self, id: &PolicyId) -> Option<Self> {
        let _ = self.find(id)?;
        let mut after = self.clone();
        after.version += 1;
        after.policies.retain(|policy| policy.id != *id);
        Some(after)
    }

    /// Disables all policies, and keeps them. Returns an unchanged set if all are disabled already.
    #[must_use]
    pub fn disabled(&self, by: &str, now: Timestamp) -> Self {
        let mut after = self.clone();
        if self.enabled().next().is_some() {
            after.version += 1;
        }
        let version = after.version;
        for policy in after.policies.iter_mut().filter(|policy| policy.enabled) {
            policy.enabled = false;
            policy.version = version;
            policy.updated_at = now;
            by.clone_into(&mut policy.updated_by);
        }
        after
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for PolicyId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PolicyId> for String {
    fn from(id: PolicyId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_323_045_678;

    fn put(set: &PolicySet, id: &str, text: &str, holds: usize) -> Result<PolicySet, Failure> {
        let wanted = NewPolicy { id: PolicyId::parse(id).unwrap(), text: text.to_owned(), holds, enabled: true };
        set.put(wanted, "me", Timestamp::from_millis(NOW))
    }

    #[test]
    fn ids_that_could_be_taken_for_others_are_refused() {
        for good in ["a", "9", "stay-in-Europe", "a_b", &"x".repeat(64)] {
            assert_eq!(PolicyId::parse(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "-a", "a.1", "built-in.viewer", "a b", "\u{e9}", &"x".repeat(65)] {
            assert!(PolicyId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_set_counts_its_writes_and_the_same_again_is_none() {
        let one = put(&PolicySet::default(), "b", "x", 1).unwrap();
        let two = put(&one, "a", "x", 1).unwrap();
        assert_eq!(two.policies.iter().map(|policy| policy.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((one.version, two.version), (1, 2));
        assert_eq!(put(&two, "a", "x", 1), Ok(two.clone()));
        let three = put(&two, "b", "y", 1).unwrap();
        let versions: Vec<u64> = three.policies.iter().map(|policy| policy.version).collect();
        assert_eq!((three.version, versions), (3, vec![2, 3]));
    }

    #[test]
    fn a_set_has_room_for_just_so_many_policies_and_bytes() {
        let full = put(&PolicySet::default(), "a", "x", POLICIES).unwrap();
        assert!(matches!(put(&full, "b", "x", 1), Err(Failure::Conflict(Conflict::Limit, _))));
        assert!(put(&full, "a", "y", POLICIES).is_ok());
        let mut set = PolicySet::default();
        for id in ["a", "b", "c", "d"] {
            set = put(&set, id, &"x".repeat(TEXT_LIMIT), 1).unwrap();
        }
        assert!(matches!(put(&set, "e", "x", 1), Err(Failure::Conflict(Conflict::Limit, _))));
    }

    #[test]
    fn disabling_keeps_every_text() {
        let now = Timestamp::from_millis(NOW);
        let set = put(&put(&PolicySet::default(), "a", "x", 1).unwrap(), "b", "y", 1).unwrap();
        let off = set.disabled("operator", now);
        assert_eq!((off.version, off.enabled().count(), off.policies.len()), (3, 0, 2));
        assert_eq!(off.disabled("operator", now), off);
        assert_eq!(off.without(&PolicyId::parse("c").unwrap()), None);
        let less = off.without(&PolicyId::parse("a").unwrap()).unwrap();
        assert_eq!((less.version, less.policies.len()), (4, 1));
    }
}
