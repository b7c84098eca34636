//! The origin of a credential, which four-eyes checks compare.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::CredentialId;

/// Longest chain of creators between a tenant's first credential and any other. It bounds the size of each credential.
pub const MAX_MAKERS: usize = 64;

/// Holder of a credential, and the holders of the credentials that created it.
///
/// Credentials that replace one another by rotation have the same holder. The holder of a credential's creator, or of
/// any earlier creator, may know its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    holder: CredentialId,
    makers: BTreeSet<CredentialId>,
}

impl Lineage {
    /// Creates the lineage of a credential that an operator created.
    pub fn first(id: CredentialId) -> Self {
        Self { holder: id, makers: BTreeSet::new() }
    }

    /// Creates the lineage of a new credential whose creator has lineage `self`. Returns `None` if the chain would
    /// exceed [`MAX_MAKERS`].
    pub fn makes(&self, id: CredentialId) -> Option<Self> {
        Self::first(id).through(self)
    }

    /// Creates the lineage of the replacement for a credential of lineage `self`, created by a credential of lineage
    /// `maker`.
    pub fn replaced_by(&self, maker: &Self) -> Option<Self> {
        self.clone().through(maker)
    }

    /// Returns true if both count as one pair of eyes: they have the same holder, or one created the other, directly or
    /// indirectly.
    pub fn is_one_with(&self, other: &Self) -> bool {
        self.holder == other.holder || self.makers.contains(&other.holder) || other.makers.contains(&self.holder)
    }

    fn through(mut self, maker: &Self) -> Option<Self> {
        self.makers.extend(maker.makers.iter().chain([&maker.holder]));
        self.makers.remove(&self.holder);
        (self.makers.len() <= MAX_MAKERS).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TenantId;

    fn id(number: u8) -> CredentialId {
        CredentialId::new(TenantId::from_random([1; 16]), [number; 8])
    }

    #[test]
    fn makers_and_made_are_one_however_many_steps_apart_and_siblings_are_not() {
        let first = Lineage::first(id(1));
        let second = first.makes(id(2)).unwrap();
        let third = second.makes(id(3)).unwrap();
        for (one, other) in [(&first, &second), (&second, &third), (&first, &third), (&third, &third)] {
            assert!(one.is_one_with(other) && other.is_one_with(one));
        }
        let sibling = first.makes(id(4)).unwrap();
        assert!(!sibling.is_one_with(&second) && !third.is_one_with(&sibling));
        assert!(!Lineage::first(id(5)).is_one_with(&third));
    }

    #[test]
    fn rotation_changes_nobodys_eyes_and_lends_them_to_who_rotates() {
        let (old, other) = (Lineage::first(id(1)), Lineage::first(id(2)));
        let made = old.makes(id(3)).unwrap();
        // Rotated by itself: nothing changes, also not towards the credentials that it created.
        let own = old.replaced_by(&old).unwrap();
        assert_eq!(own, old);
        assert!(own.is_one_with(&made));
        // Rotated by another credential, which then knows the secret.
        let rotated = old.replaced_by(&other).unwrap();
        assert!(rotated.is_one_with(&old) && rotated.is_one_with(&made) && rotated.is_one_with(&other));
        assert!(!old.is_one_with(&other));
    }

    #[test]
    fn makers_are_bounded() {
        let mut lineage = Lineage::first(id(0));
        for number in 1..=64 {
            lineage = lineage.makes(id(number)).unwrap();
        }
        assert_eq!(lineage.makes(id(65)), None);
    }
}
