//! Policy sets: the built-in policies, and a tenant's own policies added to them.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use cedar_policy::{AuthorizationError, Authorizer, Decision, Entities, PolicyId, PolicySet, Request};

use crate::{Action, PolicyRequest, Question, table};

pub(crate) const BUILT_IN: &str = include_str!("built_in.cedar");

/// A policy set.
#[derive(Clone, Debug)]
pub struct Policies {
    /// Shared with the clones, so that what one of them compiles is compiled for all.
    compiled: Arc<OnceLock<PolicySet>>,
    /// The built-in policies alone, whose decisions are looked up first.
    tabulated: bool,
}

/// The decision of a policy set on one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// True if a policy permits it, no policy forbids it, and every policy could be evaluated.
    pub permitted: bool,
    /// The ids of the policies that determined the decision, sorted: the permitting or the forbidding policies, and
    /// those that could not be evaluated. Empty where no policy permits the request.
    pub determining_policies: Vec<String>,
    /// The `@notice` texts of the determining policies, sorted, without duplicates.
    pub notices: Vec<String>,
    /// Evaluation errors of policies.
    pub errors: Vec<String>,
}

/// A policy set that does not compile. The text contains the position.
#[derive(Debug)]
pub struct PoliciesError(String);

impl Policies {
    /// Compiles the policies that every tenant has: roles and four eyes.
    pub fn built_in() -> Result<Self, PoliciesError> {
        compile_built_in().map(Self::of_set)
    }

    /// The same policies, for the requests of a process: their decisions are those that the catalogue asked Cedar for
    /// beforehand (`table.rs`). They are compiled for the first request that is not among those, or when the policies of a
    /// tenant are added.
    pub fn tabulated() -> Result<Self, PoliciesError> {
        if table::IS_CURRENT { Ok(Self { compiled: Arc::default(), tabulated: true }) } else { Self::built_in() }
    }

    /// Creates an empty policy set, which denies everything.
    pub fn none() -> Self {
        Self::of_set(PolicySet::new())
    }

    fn of_set(set: PolicySet) -> Self {
        Self { compiled: Arc::new(OnceLock::from(set)), tabulated: false }
    }

    /// Adds one policy text of a tenant. Its policy gets the id `{id}`; several policies in one text get `{id}.0`,
    /// `{id}.1` and so on.
    pub fn and(self, id: &str, text: &str) -> Result<Self, PoliciesError> {
        let _ = self.set()?;
        // Compiled: the default is for nothing but a lock that is not set.
        let mut set = Arc::unwrap_or_clone(self.compiled).into_inner().unwrap_or_default();
        add(&mut set, text, |place| Some(place_id(id, place)))?;
        Ok(Self::of_set(set))
    }

    /// Returns the built-in policies as pairs of id and text.
    pub fn built_in_texts() -> Result<Vec<(String, String)>, PoliciesError> {
        let built_in = compile_built_in()?;
        let mut texts: Vec<_> =
            built_in.policies().map(|policy| (policy.id().to_string(), policy.to_string())).collect();
        texts.sort();
        Ok(texts)
    }

    /// Returns the compiled set.
    fn set(&self) -> Result<&PolicySet, PoliciesError> {
        if let Some(set) = self.compiled.get() {
            return Ok(set);
        }
        let set = compile_built_in()?;
        Ok(self.compiled.get_or_init(|| set))
    }

    /// Decides a request: from the table if these are the built-in policies alone and the table has the request, otherwise
    /// by asking Cedar.
    pub(crate) fn verdict(
        &self,
        request: &PolicyRequest<'_>,
        action: Action,
        question: &Question,
    ) -> Result<Verdict, Box<dyn std::error::Error>> {
        if self.tabulated
            && let Some(verdict) = table::verdict(request.principal, action, question)
        {
            return Ok(verdict);
        }
        let (request, entities) = request.question(action, question)?;
        Ok(self.ask(&request, &entities)?)
    }

    /// Evaluates these policies. Denies by default, and on any evaluation error: Cedar itself skips a policy that
    /// fails, so a `forbid` that fails would forbid nothing.
    pub(crate) fn ask(&self, request: &Request, entities: &Entities) -> Result<Verdict, PoliciesError> {
        let set = self.set()?;
        let response = Authorizer::new().is_authorized(request, set, entities);
        let allowed = response.decision() == Decision::Allow;
        let mut verdict = Verdict { permitted: allowed, ..Verdict::default() };
        let mut failed = Vec::new();
        for error in response.diagnostics().errors() {
            let AuthorizationError::PolicyEvaluationError(evaluation) = error;
            failed.push(evaluation.policy_id().to_string());
            verdict.errors.push(error.to_string());
        }
        verdict.permitted &= failed.is_empty();
        if verdict.permitted == allowed {
            verdict.determining_policies = response.diagnostics().reason().map(ToString::to_string).collect();
            verdict.notices = notices(set, response.diagnostics().reason());
        }
        verdict.determining_policies.extend(failed);
        verdict.determining_policies.sort_unstable();
        verdict.determining_policies.dedup();
        verdict.errors.sort_unstable();
        Ok(verdict)
    }
}

/// Returns the `@notice` texts of these policies, sorted, without duplicates.
fn notices<'a>(set: &PolicySet, ids: impl Iterator<Item = &'a PolicyId>) -> Vec<String> {
    let mut notices: Vec<String> = ids
        .filter_map(|id| set.policy(id)?.annotation("notice").map(str::to_owned))
        .filter(|notice| !notice.is_empty())
        .collect();
    notices.sort_unstable();
    notices.dedup();
    notices
}

/// Compiles the policies of one text alone.
pub(crate) fn compile_text(id: &str, text: &str) -> Result<PolicySet, PoliciesError> {
    let mut set = PolicySet::new();
    add(&mut set, text, |place| Some(place_id(id, place)))?;
    Ok(set)
}

pub(crate) fn compile_built_in() -> Result<PolicySet, PoliciesError> {
    let mut set = PolicySet::new();
    // `Policy::annotation` parses the name of the annotation anew, for each policy: that was a quarter of the
    // instructions of a function's start.
    let ids: Vec<&str> = BUILT_IN.lines().filter_map(id).collect();
    add(&mut set, BUILT_IN, |place| ids.get(place.unwrap_or_default()).map(|id| (*id).to_owned()))?;
    Ok(set)
}

/// Returns the id that a line of the built-in policies gives to the policy below it.
fn id(line: &str) -> Option<&str> {
    line.strip_prefix("@id(\"")?.strip_suffix("\")")
}

/// Returns the id of the policy at this position of a text; the position is `None` where the policy is the only one.
fn place_id(id: &str, place: Option<usize>) -> String {
    place.map_or(id.to_owned(), |place| format!("{id}.{place}"))
}

/// Adds the policies of `text` under the ids that `name` returns. The argument of `name` is the position in the text,
/// if the text has more than one policy.
fn add(set: &mut PolicySet, text: &str, name: impl Fn(Option<usize>) -> Option<String>) -> Result<(), PoliciesError> {
    let parsed = PolicySet::from_str(text).map_err(PoliciesError::of)?;
    if parsed.templates().next().is_some() {
        return Err(PoliciesError("policy templates are not supported".to_owned()));
    }
    // The parser names the policies `policy0`, `policy1`, ... in the order of the text.
    let mut policies: Vec<_> = parsed.policies().collect();
    policies.sort_by_key(|policy| policy.id().to_string().trim_start_matches("policy").parse::<usize>().ok());
    let several = policies.len() > 1;
    for (place, policy) in policies.into_iter().enumerate() {
        let id = name(several.then_some(place)).unwrap_or_else(|| policy.id().to_string());
        set.add(policy.new_id(PolicyId::new(id))).map_err(PoliciesError::of)?;
    }
    Ok(())
}

impl PoliciesError {
    pub(crate) fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for PoliciesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for PoliciesError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_policy_has_the_id_of_its_annotation() {
        let set = compile_built_in().unwrap();
        for policy in set.policies() {
            assert_eq!(policy.annotation("id"), Some(policy.id().to_string().as_str()));
        }
        assert_eq!(set.policies().count(), BUILT_IN.lines().filter_map(id).count());
    }
}
