//! Decisions of the built-in policies, which the catalogue asked Cedar for beforehand (`tabulate.rs`).
//!
//! The table has every combination of what the built-in policies read: the kind and the roles of a credential, the action and
//! its group, the kind of resource, and `own_version`. Cedar is asked about anything else. A test asks Cedar again for all
//! combinations, and another fails if a built-in policy reads anything else.

use crate::policies::BUILT_IN;
use crate::{Action, Principal, Question, Verdict, decisions};

/// True if the table was made of the text of the built-in policies that is compiled in. Without that no decision is taken
/// from it.
pub(crate) const IS_CURRENT: bool = fingerprint(BUILT_IN) == decisions::BUILT_IN;

/// A decision with its reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) permitted: bool,
    pub(crate) determining: &'static [&'static str],
    pub(crate) notices: &'static [&'static str],
}

/// Returns the verdict of the built-in policies if the table has this request.
pub(crate) fn verdict(principal: Principal<'_>, action: Action, question: &Question) -> Option<Verdict> {
    let Principal::Credential(credential) = principal else {
        return None;
    };
    let kind = credential.kind.as_str();
    let credentials = place(decisions::CREDENTIALS, |known| *known == kind)?;
    let resource = question.resource.kind.entity_type();
    let resources = place(decisions::RESOURCES, |known| *known == resource)?;
    let own_versions = place(decisions::OWN_VERSIONS, |known| *known == question.own_version)?;
    let group = action.group.as_str();
    // A policy names the action, or none does.
    let is_named = decisions::ACTIONS.iter().any(|class| class.iter().any(|(name, _)| *name == Some(action.name)));
    let asked = (is_named.then_some(action.name), group);
    let actions = place(decisions::ACTIONS, |known| *known == asked)?;
    let row = ((credentials * decisions::RESOURCES.len() + resources) * decisions::OWN_VERSIONS.len() + own_versions)
        * decisions::ACTIONS.len()
        + actions;
    let mut roles = 0;
    for role in &credential.roles {
        roles |= 1 << decisions::ROLES.iter().position(|known| *known == role.as_str())?;
    }
    let outcome = decisions::OUTCOMES.get(usize::from(*decisions::ROWS.get(row)?.get::<usize>(roles)?))?;
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Some(Verdict {
        permitted: outcome.permitted,
        determining_policies: texts(outcome.determining),
        notices: texts(outcome.notices),
        errors: Vec::new(),
    })
}

/// Returns the position of the class that has a member like this.
fn place<T>(classes: &[&[T]], is_like: impl Fn(&T) -> bool) -> Option<usize> {
    classes.iter().position(|class| class.iter().any(&is_like))
}

/// Returns the FNV-1a hash of a text. It tells texts apart that differ by mistake.
pub(crate) const fn fingerprint(text: &str) -> u64 {
    let mut rest = text.as_bytes();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    while let [byte, others @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        rest = others;
    }
    hash
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use trustplane_domain::credential::Role;

    use super::*;
    use crate::policies::compile_built_in;
    use crate::tabulate::{self, CREDENTIALS, OWN_VERSIONS, Request};
    use crate::{Group, Kind, Policies};

    /// The groups of actions, and every action that a policy names.
    fn actions() -> Vec<(Option<&'static str>, Group)> {
        let group = |name| Group::ALL.into_iter().find(|group| group.as_str() == name).unwrap();
        decisions::ACTIONS.iter().flat_map(|class| *class).map(|(name, of)| (*name, group(*of))).collect()
    }

    #[test]
    fn cedar_gives_the_same_verdict_on_every_combination() {
        assert_eq!(decisions::BUILT_IN, fingerprint(BUILT_IN), "run `cargo catalogue`");
        let cedar = Policies::built_in().unwrap();
        let mut count = 0;
        for request in Request::all(&actions()) {
            let found = request.with(|asked, question| verdict(asked.principal, asked.action, question));
            let answered = request.with(|asked, question| cedar.verdict(asked, asked.action, question).unwrap());
            assert_eq!(found, Some(answered), "{request:?}");
            count += 1;
        }
        let actions = Group::ALL.len() + tabulate::named().unwrap().len();
        let roles = 1 << Role::ALL.len();
        assert_eq!(count, CREDENTIALS.len() * Kind::ALL.len() * OWN_VERSIONS.len() * actions * roles);
    }

    #[test]
    fn every_action_that_a_policy_names_is_in_the_table_with_its_group_alone() {
        let known: BTreeSet<_> = actions().into_iter().filter_map(|(name, _)| name.map(str::to_owned)).collect();
        assert_eq!(tabulate::named().unwrap().into_iter().collect::<BTreeSet<_>>(), known);
        for request in Request::all(&actions()).filter(|request| known.iter().any(|name| *name == request.action.name))
        {
            let other = Group::ALL.into_iter().find(|group| *group != request.action.group).unwrap();
            let action = Action { group: other, ..request.action };
            let found = request.with(|asked, question| verdict(asked.principal, action, question));
            assert_eq!(found, None, "{request:?}");
        }
    }

    #[test]
    fn the_platform_itself_is_not_in_the_table() {
        let question = Question::new(crate::Resource::new(Kind::IdentityProvider, "x"));
        let action = Action { name: "refresh-external-idp", group: Group::Write, resource: Kind::IdentityProvider };
        assert_eq!(verdict(Principal::System, action, &question), None);
    }

    /// Follows everything that the built-in policies read, in Cedar's JSON format: a policy that reads more than the table
    /// tells apart would be decided wrongly.
    #[test]
    fn the_built_in_policies_read_nothing_that_the_table_does_not_tell_apart() {
        for policy in compile_built_in().unwrap().policies() {
            let json = policy.to_json().unwrap();
            scope(&json["principal"], &json);
            scope(&json["action"], &json);
            scope(&json["resource"], &json);
            for condition in json["conditions"].as_array().unwrap() {
                if !concerns_others(condition) {
                    expression(&condition["body"], &json);
                }
            }
        }
    }

    /// A condition that begins with a comparison of the kind with one that no credential of the table has: false, whatever
    /// follows.
    fn concerns_others(condition: &Value) -> bool {
        let mut first = &condition["body"];
        while let Some(both) = first.get("&&") {
            first = &both["left"];
        }
        let kind = first["=="]["right"]["Value"].as_str();
        let reads_kind = first["=="]["left"]["."] == serde_json::json!({"left": {"Var": "principal"}, "attr": "kind"});
        condition["kind"] == "when"
            && reads_kind
            && kind.is_some_and(|kind| CREDENTIALS.iter().all(|known| known.as_str() != kind))
    }

    /// Roles, the platform itself, actions, and kinds of resources.
    fn scope(constraint: &Value, policy: &Value) {
        let is_known = |entity: &Value| match entity["type"].as_str() {
            Some("Trustplane::Role" | "Trustplane::Action") => true,
            Some("Trustplane::Credential") => entity["id"] == "system",
            _ => false,
        };
        let fits = match constraint["op"].as_str() {
            Some("All") => true,
            Some("is") => constraint.get("in").is_none(),
            Some("==" | "in") => {
                let several = constraint["entities"].as_array().into_iter().flatten();
                several.chain(constraint.get("entity")).all(is_known)
            }
            _ => false,
        };
        assert!(fits, "the table does not tell `{constraint}` apart: {policy}");
    }

    fn expression(read: &Value, policy: &Value) {
        let of = |access: &Value| {
            let variable = access["left"]["Var"].as_str().unwrap_or_default().to_owned();
            (variable, access["attr"].as_str().unwrap_or_default().to_owned())
        };
        let Some((operator, operands)) = read.as_object().and_then(|read| read.iter().next()) else {
            panic!("no expression: {read}: {policy}");
        };
        match operator.as_str() {
            "Value" => assert!(!operands.is_object(), "a literal of an entity: {operands}: {policy}"),
            "." | "has" => {
                let (variable, attribute) = of(operands);
                let known = [("principal", "kind"), ("context", "own_version")];
                assert!(
                    known.contains(&(variable.as_str(), attribute.as_str())),
                    "the table does not tell `{variable}.{attribute}` apart: {policy}"
                );
            }
            "&&" | "||" | "==" | "!=" => {
                expression(&operands["left"], policy);
                expression(&operands["right"], policy);
            }
            "!" => expression(&operands["arg"], policy),
            other => panic!("the table does not tell apart what `{other}` may read: {policy}"),
        }
    }
}
