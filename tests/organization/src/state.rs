//! State of the running organization.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use crate::answer::Attempt;
use crate::calls::Call;
use crate::fixture::{Customer, customers};
use crate::kms::Key;
use crate::role::{Caller, Role, Session};
use crate::scenario::Scenario;

/// All state, under one lock.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) customers: Vec<Arc<Customer>>,
    /// Registered roles, by ARN.
    pub(crate) roles: BTreeMap<String, Role>,
    /// ExternalIds that the scenario roles trust.
    pub(crate) external_ids: BTreeSet<String>,
    /// Sessions, by access key id.
    pub(crate) sessions: HashMap<String, Session>,
    /// KMS keys, by id.
    pub(crate) keys: BTreeMap<String, Key>,
    /// Key ids, by alias without the `alias/`.
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) calls: VecDeque<Call>,
    /// Number of calls, by operation.
    pub(crate) counts: BTreeMap<String, usize>,
    /// Number of older calls that were dropped.
    pub(crate) forgotten: usize,
    /// Number of attempts, for scenarios that count them.
    pub(crate) attempts: HashMap<Attempt, u32>,
    /// First AssumeRole of a session, by its unique id, where a scenario measures time.
    pub(crate) first_seen: HashMap<String, OffsetDateTime>,
}

impl State {
    pub(crate) fn demo() -> Self {
        Self { customers: customers().into_iter().map(Arc::new).collect(), ..Self::default() }
    }

    /// Returns the customer whose organization contains the caller's account, with the changes of the caller's
    /// scenario.
    pub(crate) fn customer_of(&self, caller: &Caller) -> Option<Arc<Customer>> {
        let customer = self.customers.iter().find(|customer| customer.account(&caller.account).is_some())?;
        Some(match caller.scenario() {
            None => Arc::clone(customer),
            Some(Scenario::Sized(size)) => size.customer(),
            Some(scenario) => {
                let mut customer = Customer::clone(customer);
                scenario.apply(&mut customer);
                Arc::new(customer)
            }
        })
    }

    /// Time since the first AssumeRole of a session of this unique id.
    pub(crate) fn age_of(&self, user_id: &str, now: OffsetDateTime) -> Duration {
        self.first_seen.get(user_id).map_or(Duration::ZERO, |since| now - *since)
    }
}
