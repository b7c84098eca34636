//! What the organization holds while it runs.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::answer::Attempt;
use crate::calls::Call;
use crate::fixture::{Customer, customers};
use crate::kms::Key;
use crate::role::{Caller, Role, Session};

/// All state, under one lock.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) customers: Vec<Customer>,
    /// Registered roles, by ARN.
    pub(crate) roles: BTreeMap<String, Role>,
    /// What the scenario roles trust.
    pub(crate) external_ids: BTreeSet<String>,
    /// By access key id.
    pub(crate) sessions: HashMap<String, Session>,
    /// By key id.
    pub(crate) keys: BTreeMap<String, Key>,
    /// Key ids, by alias without the `alias/`.
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) calls: VecDeque<Call>,
    /// How many calls were forgotten before those.
    pub(crate) forgotten: usize,
    /// How often each was made, where a scenario counts.
    pub(crate) attempts: HashMap<Attempt, u32>,
}

impl State {
    pub(crate) fn demo() -> Self {
        Self { customers: customers(), ..Self::default() }
    }

    /// The customer whose organization the caller's account is in, as the caller's scenario shows it.
    pub(crate) fn customer_of(&self, caller: &Caller) -> Option<Customer> {
        let mut customer = self.customers.iter().find(|customer| customer.account(&caller.account).is_some())?.clone();
        if let Some(scenario) = caller.scenario() {
            scenario.apply(&mut customer);
        }
        Some(customer)
    }
}
