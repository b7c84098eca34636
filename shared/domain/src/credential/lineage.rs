//! Where a credential comes from: what four eyes are told apart by.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::CredentialId;

/// Credentials between a tenant's first one and any other, at most: what is kept of each stays small.
pub const MOST_MAKERS: usize = 64;

/// Whose hands a credential is in, and through whose it went.
///
/// Credentials that replaced one another by rotation have one holder. Whoever made a credential, or made its maker, has seen
/// its secret or that of one who has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    holder: CredentialId,
    makers: BTreeSet<CredentialId>,
}

impl Lineage {
    /// Of a credential that an operator made.
    pub fn first(id: CredentialId) -> Self {
        Self { holder: id, makers: BTreeSet::new() }
    }

    /// Of a new credential that one of lineage `self` makes. `None` where there would be more than [`MOST_MAKERS`].
    pub fn makes(&self, id: CredentialId) -> Option<Self> {
        Self::first(id).through(self)
    }

    /// Of the credential that replaces one of lineage `self`, made by one of lineage `maker`.
    pub fn replaced_by(&self, maker: &Self) -> Option<Self> {
        self.clone().through(maker)
    }

    /// Whether the two count as one pair of eyes: one holder, or one that made the other, however many steps apart.
    pub fn is_one_with(&self, other: &Self) -> bool {
        self.holder == other.holder || self.makers.contains(&other.holder) || other.makers.contains(&self.holder)
    }

    fn through(mut self, maker: &Self) -> Option<Self> {
        self.makers.extend(maker.makers.iter().chain([&maker.holder]));
        self.makers.remove(&self.holder);
        (self.makers.len() <= MOST_MAKERS).then_some(self)
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
        // By itself: all is as it was, also towards what it made before.
        let own = old.replaced_by(&old).unwrap();
        assert_eq!(own, old);
        assert!(own.is_one_with(&made));
        // By another, who then knows the secret.
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
