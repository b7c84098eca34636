//! Assignments of a customer: who has which permission set in which account.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// `USER` or `GROUP`.
    pub(crate) kind: &'static str,
    pub(crate) id: Cow<'static, str>,
}

/// One assignment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assignment<'a> {
    pub(crate) account: &'static str,
    pub(crate) permission_set_arn: &'a str,
    pub(crate) principal: &'a Principal,
}

/// Assignments by permission set and account, so that an organization of any size is answered from an index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assignments(BTreeMap<String, BTreeMap<&'static str, Vec<Principal>>>);

impl Assignments {
    pub(crate) fn add(&mut self, account: &'static str, permission_set_arn: &str, principal: Principal) {
        let Self(sets) = self;
        sets.entry(permission_set_arn.to_owned()).or_default().entry(account).or_default().push(principal);
    }

    /// The assignments of one permission set in one account.
    pub(crate) fn of_pair<'a>(&'a self, account: &str, permission_set_arn: &str) -> Vec<Assignment<'a>> {
        let Self(sets) = self;
        let Some((set, accounts)) = sets.get_key_value(permission_set_arn) else { return Vec::new() };
        let Some((account, principals)) = accounts.get_key_value(account) else { return Vec::new() };
        principals.iter().map(|principal| Assignment { account, permission_set_arn: set, principal }).collect()
    }

    /// The accounts that a permission set is assigned in.
    pub(crate) fn accounts_of(&self, permission_set_arn: &str) -> Vec<&'static str> {
        let Self(sets) = self;
        sets.get(permission_set_arn).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    /// The permission sets that are assigned in an account.
    pub(crate) fn sets_of(&self, account: &str) -> Vec<&str> {
        let Self(sets) = self;
        sets.iter().filter(|(_, accounts)| accounts.contains_key(account)).map(|(set, _)| set.as_str()).collect()
    }

    /// All assignments.
    pub(crate) fn all(&self) -> impl Iterator<Item = Assignment<'_>> {
        let Self(sets) = self;
        sets.iter().flat_map(|(set, accounts)| {
            accounts.iter().flat_map(move |(account, principals)| {
                principals.iter().map(move |principal| Assignment { account, permission_set_arn: set, principal })
            })
        })
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
