//! Organizations of a size that few customers reach.

use std::sync::{Arc, OnceLock};

use crate::assignments::{Assignments, Principal};
use crate::fixture::{Account, Customer, INSTANCE_ARN, PermissionSet, demo, permission_set_arn};

/// Numbers of an organization that is larger than the demo customer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Accounts.
    pub accounts: usize,
    /// Permission sets.
    pub permission_sets: usize,
    /// Pairs of account and permission set.
    pub pairs: usize,
    /// Assignments, of which one pair has [`Self::crowd`].
    pub assignments: usize,
    /// Users in one pair.
    pub crowd: usize,
}

impl Size {
    /// More than a page of everything, and a pair that does not fit into a few rows.
    pub const MEDIUM: Self = Self { accounts: 250, permission_sets: 110, pairs: 600, assignments: 5_000, crowd: 2_500 };
    /// The limit of what is tried.
    pub const LARGE: Self =
        Self { accounts: 5_000, permission_sets: 500, pairs: 20_000, assignments: 100_000, crowd: 10_000 };

    /// The scenario's name, with a description in a few words.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        if self == Self::LARGE {
            (
                "large-organization",
                "5,000 accounts, 500 permission sets, 20,000 pairs of them, 100,000 assignments, 10,000 in one pair",
            )
        } else {
            ("medium-organization", "250 accounts, 110 permission sets, 600 pairs of them, 2,500 users in one pair")
        }
    }

    /// The demo customer with an organization of this size.
    pub(crate) fn customer(self) -> Arc<Customer> {
        static MEDIUM: OnceLock<Arc<Customer>> = OnceLock::new();
        static LARGE: OnceLock<Arc<Customer>> = OnceLock::new();
        let made = if self == Self::LARGE { &LARGE } else { &MEDIUM };
        Arc::clone(made.get_or_init(|| Arc::new(self.make())))
    }

    fn make(self) -> Customer {
        // Made once in a process: the texts live as long as those of the demo customer.
        let text = |text: String| -> &'static str { text.leak() };
        let mut customer = demo();
        customer.accounts.extend((customer.accounts.len()..self.accounts).map(|n| Account {
            id: text(format!("9{n:011}")),
            name: text(format!("Workload {n}")),
            email: text(format!("aws-workload-{n}@example.com")),
            is_management: false,
            is_suspended: false,
            delegated_services: Vec::new(),
        }));
        customer.permission_sets.extend((customer.permission_sets.len()..self.permission_sets).map(|n| {
            let arn = permission_set_arn(INSTANCE_ARN, n);
            PermissionSet {
                arn,
                name: text(format!("Team{n}")),
                description: "A team's access",
                session_duration: "PT8H",
            }
        }));
        customer.assignments = self.assignments(&customer);
        customer
    }

    /// Spreads the pairs over the permission sets, and the assignments over the pairs; the last pair has the crowd.
    fn assignments(self, customer: &Customer) -> Assignments {
        let mut assignments = Assignments::default();
        let mut user = 0_usize;
        for pair in 0..self.pairs {
            let (set, nth) = (pair % customer.permission_sets.len(), pair / customer.permission_sets.len());
            // 113 has no factor in common with the number of accounts: an account is in a permission set once.
            let account = customer.accounts.get((set * 37 + nth * 113) % customer.accounts.len());
            let (Some(account), Some(set)) = (account, customer.permission_sets.get(set)) else { continue };
            let others = self.pairs - 1;
            let principals = if pair == others {
                self.crowd
            } else {
                let spread = self.assignments - self.crowd;
                spread / others + usize::from(pair < spread % others)
            };
            for _ in 0..principals {
                let id = format!("1234567890-{user:08x}-0000-4a4a-8b8b-0123456789ab").into();
                assignments.add(account.id, &set.arn, Principal { kind: "USER", id });
                user += 1;
            }
        }
        assignments
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_organization_has_its_size() {
        for size in [Size::MEDIUM, Size::LARGE] {
            let customer = size.customer();
            assert_eq!(
                (customer.accounts.len(), customer.permission_sets.len()),
                (size.accounts, size.permission_sets)
            );
            let all: Vec<_> = customer.assignments.all().collect();
            let pairs: BTreeSet<_> = all.iter().map(|one| (one.account, one.permission_set_arn)).collect();
            assert_eq!((all.len(), pairs.len()), (size.assignments, size.pairs));
            let largest = pairs.iter().map(|(account, set)| customer.assignments.of_pair(account, set).len()).max();
            assert_eq!(largest, Some(size.crowd));
            let accounts: BTreeSet<_> = customer.accounts.iter().map(|account| account.id).collect();
            assert_eq!(accounts.len(), size.accounts);
        }
    }
}
