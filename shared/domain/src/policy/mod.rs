//! A tenant's own policies: ids, texts, and how many of them there may be. What a text means is Cedar's matter.

mod shape;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use shape::{CLAUSES, NESTING, Shape, TEXT_LIMIT, shape};

use crate::{Conflict, Failure, Timestamp};

/// Cedar policies that a tenant's texts may hold together.
pub const POLICIES: usize = 100;
/// Bytes that a tenant's texts may have together.
pub const SET_LIMIT: usize = 64 * 1024;

/// The name that a tenant gives a policy: 1 to 64 letters, digits, `-` and `_`, beginning with a letter or digit. It
/// holds no `.`, so that it is never taken for a built-in policy (`built-in.viewer`) or for one of several in a text
/// (`id.1`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyId(String);

/// A text of one or more Cedar policies, under one id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPolicy {
    /// What it is called.
    pub id: PolicyId,
    /// In Cedar's syntax; valid when it was written.
    pub text: String,
    /// How many policies the text holds.
    pub holds: usize,
    /// Whether requests are decided by it.
    pub enabled: bool,
    /// The version of the set that it was last written in.
    pub version: u64,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// By which credential, or `operator`.
    pub updated_by: String,
}

/// All of a tenant's own policies, in the order of their ids. Kept as one item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// How often the set was written; the tenant remembers it, so that a function can tell that it knows this set.
    pub version: u64,
    /// The policies.
    pub policies: Vec<SavedPolicy>,
}

/// What a policy is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPolicy {
    /// What it is called.
    pub id: PolicyId,
    /// In Cedar's syntax.
    pub text: String,
    /// How many policies the text holds.
    pub holds: usize,
    /// Whether requests are to be decided by it.
    pub enabled: bool,
}

impl PolicyId {
    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let begins_well = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        if text.starts_with("built-in.") {
            Err("names a built-in policy, which cannot be changed")
        } else if begins_well && text.len() <= 64 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 1 to 64 letters, digits, `-` or `_`, beginning with a letter or digit")
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PolicySet {
    /// The policy of this id.
    pub fn find(&self, id: &PolicyId) -> Option<&SavedPolicy> {
        self.policies.iter().find(|policy| policy.id == *id)
    }

    /// Those that requests are decided by.
    pub fn enabled(&self) -> impl Iterator<Item = &SavedPolicy> {
        self.policies.iter().filter(|policy| policy.enabled)
    }

    /// The set with `wanted` in it, in place of the one of its id; this very set where it is in it already.
    ///
    /// # Errors
    /// [`Conflict::Limit`] where it would hold more than [`POLICIES`] policies or [`SET_LIMIT`] bytes.
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

    /// The set without the policy of this id; `None` where there is none.
    pub fn without(&self, id: &PolicyId) -> Option<Self> {
        let _ = self.find(id)?;
        let mut after = self.clone();
        after.version += 1;
        after.policies.retain(|policy| policy.id != *id);
        Some(after)
    }

    /// The set with every policy kept and none in force; this very set where that is so already.
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
