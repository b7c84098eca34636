//! The Cedar schema, and the strict check of a policy text against it.

use std::fmt::Write as _;

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use trustplane_domain::failure::PolicyProblem;

use crate::{Action, Group};

const TYPES: &str = include_str!("types.cedarschema");

/// The schema in Cedar's syntax: the types, and an action for each of `actions`.
pub fn schema(actions: impl Iterator<Item = Action>) -> String {
    let mut text = TYPES.to_owned();
    for group in Group::ALL {
        let _ = write!(text, "\n    action \"{}\";", group.as_str());
    }
    for action in actions {
        let _ = write!(
            text,
            "\n    action \"{}\" in [\"{}\"] appliesTo {{ principal: Credential, resource: {}, context: Context }};",
            action.name,
            action.group.as_str(),
            action.resource.entity_type(),
        );
    }
    text.push_str("\n}\n");
    text
}

/// Parses `text` and checks it strictly against `schema` (as [`schema`] makes it): the problems, none where it is good.
pub fn validate(schema: &str, text: &str) -> Vec<PolicyProblem> {
    use std::str::FromStr;
    let whole = |message: String| vec![PolicyProblem { line: 1, column: 1, message }];
    let schema = match Schema::from_cedarschema_str(schema) {
        Ok((schema, _)) => schema,
        Err(error) => return whole(error.to_string()),
    };
    let policies = match PolicySet::from_str(text) {
        Ok(policies) => policies,
        Err(errors) => {
            return errors.iter().map(|error| problem(text, error, error.to_string())).collect();
        }
    };
    if policies.templates().next().is_some() {
        return whole("policy templates are not supported".to_owned());
    }
    if policies.policies().next().is_none() {
        return whole("holds no policy".to_owned());
    }
    let result = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    result.validation_errors().map(|error| problem(text, error, error.to_string())).collect()
}

/// Where `error` points to, in lines and characters from 1.
fn problem(text: &str, error: &dyn miette::Diagnostic, message: String) -> PolicyProblem {
    let offset = error.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
    let ahead = text.get(..offset).unwrap_or_default();
    let line = ahead.matches('\n').count() + 1;
    let column = ahead.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    PolicyProblem { line, column, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Policies};

    fn example() -> String {
        let action = |name, group, resource| Action { name, group, resource };
        schema(
            [
                action("put-identity-center-config", Group::Write, Kind::Integration),
                action("list-instances", Group::Read, Kind::Instance),
            ]
            .into_iter(),
        )
    }

    #[test]
    fn the_built_in_policies_hold_against_the_schema() {
        for (id, text) in Policies::built_in_texts().unwrap() {
            assert_eq!(validate(&example(), &text), [], "{id}");
        }
    }

    #[test]
    fn a_policy_about_before_and_after() {
        let text = r#"
            @notice("stay in Europe")
            forbid (principal, action == Trustplane::Action::"put-identity-center-config", resource)
            unless { resource has after.region && resource.after.region like "eu-*" };"#;
        assert_eq!(validate(&example(), text), []);
    }

    #[test]
    fn a_problem_says_where() {
        let text = "permit (principal, action, resource)\n  when { principal.nmae == \"x\" };";
        let problems = validate(&example(), text);
        assert_eq!(problems.first().map(|problem| problem.line), Some(2), "{problems:?}");
        let problems = validate(&example(), "permit (principal,\n action resource);");
        assert_eq!(problems.first().map(|problem| (problem.line, problem.column)), Some((2, 9)), "{problems:?}");
    }

    #[test]
    fn nothing_and_templates_are_no_policy() {
        assert_eq!(validate(&example(), "").len(), 1);
        let template = "permit (principal == ?principal, action, resource);";
        assert_eq!(validate(&example(), template).len(), 1);
    }
}
