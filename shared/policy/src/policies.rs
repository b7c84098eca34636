//! Policy sets: the built-in ones, and a tenant's own beside them.

use std::fmt;
use std::str::FromStr;

use cedar_policy::{PolicyId, PolicySet};

const BUILT_IN: &str = include_str!("built_in.cedar");

/// A compiled policy set.
#[derive(Clone, Debug)]
pub struct Policies(PolicySet);

/// A policy set that does not compile. Says where.
#[derive(Debug)]
pub struct PoliciesError(String);

impl Policies {
    /// The policies that every tenant has: roles and four eyes.
    pub fn built_in() -> Result<Self, PoliciesError> {
        let mut set = PolicySet::new();
        add(&mut set, BUILT_IN, |policy, _| policy.annotation("id").map(str::to_owned))?;
        Ok(Self(set))
    }

    /// These policies and one text of a tenant, whose policies are called `{id}` where it holds one, `{id}.0`, `{id}.1`
    /// and so on where it holds several.
    pub fn and(mut self, id: &str, text: &str) -> Result<Self, PoliciesError> {
        add(&mut self.0, text, |_, place| Some(place.map_or(id.to_owned(), |place| format!("{id}.{place}"))))?;
        Ok(self)
    }

    /// The built-in policies as id and text.
    pub fn built_in_texts() -> Result<Vec<(String, String)>, PoliciesError> {
        let built_in = Self::built_in()?;
        let mut texts: Vec<_> =
            built_in.0.policies().map(|policy| (policy.id().to_string(), policy.to_string())).collect();
        texts.sort();
        Ok(texts)
    }

    pub(crate) fn set(&self) -> &PolicySet {
        &self.0
    }

    /// The `@notice` texts of these policies, sorted, each once.
    pub(crate) fn notices<'a>(&self, ids: impl Iterator<Item = &'a PolicyId>) -> Vec<String> {
        let mut notices: Vec<String> = ids
            .filter_map(|id| self.0.policy(id)?.annotation("notice").map(str::to_owned))
            .filter(|notice| !notice.is_empty())
            .collect();
        notices.sort_unstable();
        notices.dedup();
        notices
    }
}

/// Adds the policies of `text` under the ids that `name` gives them; its argument is the place in the text, if there is
/// more than one policy.
fn add(
    set: &mut PolicySet,
    text: &str,
    name: impl Fn(&cedar_policy::Policy, Option<usize>) -> Option<String>,
) -> Result<(), PoliciesError> {
    let parsed = PolicySet::from_str(text).map_err(|error| PoliciesError(error.to_string()))?;
    if parsed.templates().next().is_some() {
        return Err(PoliciesError("policy templates are not supported".to_owned()));
    }
    // The parser names the policies `policy0`, `policy1`, ... in the order of the text.
    let mut policies: Vec<_> = parsed.policies().collect();
    policies.sort_by_key(|policy| policy.id().to_string().trim_start_matches("policy").parse::<usize>().ok());
    let several = policies.len() > 1;
    for (place, policy) in policies.into_iter().enumerate() {
        let id = name(policy, several.then_some(place)).unwrap_or_else(|| policy.id().to_string());
        set.add(policy.new_id(PolicyId::new(id))).map_err(|error| PoliciesError(error.to_string()))?;
    }
    Ok(())
}

impl fmt::Display for PoliciesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for PoliciesError {}
