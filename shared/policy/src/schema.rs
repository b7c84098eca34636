//! The Cedar schema, and strict validation of a policy text against it.

use std::fmt::Write as _;
use std::str::FromStr as _;

use cedar_policy::{PolicySet, ValidationMode, Validator};
use trustplane_domain::failure::PolicyProblem;
use trustplane_domain::policy::{self, Shape};

use crate::{Action, Group, Policies, PoliciesError};

const TYPES: &str = include_str!("types.cedarschema");

/// Generates the schema in Cedar's syntax: the types, and an action for each of `actions`.
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

/// The compiled schema.
#[derive(Clone, Debug)]
pub struct Schema(cedar_policy::Schema);

impl Schema {
    /// Compiles the schema of these actions.
    pub fn of(actions: impl Iterator<Item = Action>) -> Result<Self, PoliciesError> {
        let parsed = cedar_policy::Schema::from_cedarschema_str(&schema(actions));
        parsed.map(|(schema, _)| Self(schema)).map_err(PoliciesError::of)
    }

    /// Validates the text of the policy `id`: first its shape, then its syntax, then its types against this schema.
    /// Returns the shape of a valid text, or its problems with their positions.
    pub fn validate(&self, id: &str, text: &str) -> Result<Shape, Vec<PolicyProblem>> {
        let whole = |message: &str| vec![PolicyProblem { line: 1, column: 1, message: message.to_owned() }];
        let shape = policy::shape(text).map_err(|problem| vec![problem])?;
        let parsed = PolicySet::from_str(text);
        let parsed = parsed.map_err(|errors| {
            let problems = errors.iter().map(|error| problem(text, error, error.to_string()));
            problems.collect::<Vec<_>>()
        })?;
        if parsed.templates().next().is_some() {
            return Err(whole("policy templates are not supported"));
        }
        if parsed.policies().next().is_none() {
            return Err(whole("holds no policy"));
        }
        // Uses the final ids, so that an error message names the right policy.
        let named = Policies::of_text(id, text).map_err(|error| whole(&error.to_string()))?;
        let result = Validator::new(self.0.clone()).validate(named.set(), ValidationMode::Strict);
        let problems: Vec<_> =
            result.validation_errors().map(|error| problem(text, error, error.to_string())).collect();
        if problems.is_empty() { Ok(shape) } else { Err(problems) }
    }

    pub(crate) fn cedar(&self) -> &cedar_policy::Schema {
        &self.0
    }
}

/// Converts `error` to a problem with a position, in lines and characters from 1.
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

    fn example() -> Schema {
        let action = |name, group, resource| Action { name, group, resource };
        let actions = [
            action("put-identity-center-config", Group::Write, Kind::Integration),
            action("list-instances", Group::Read, Kind::Instance),
            action("refresh-external-idp", Group::Write, Kind::IdentityProvider),
        ];
        Schema::of(actions.into_iter()).unwrap()
    }

    fn problems(text: &str) -> Vec<PolicyProblem> {
        example().validate("mine", text).unwrap_err()
    }

    #[test]
    fn the_built_in_policies_hold_against_the_schema() {
        for (id, text) in Policies::built_in_texts().unwrap() {
            assert_eq!(example().validate(&id, &text), Ok(Shape { policies: 1 }), "{id}");
        }
    }

    #[test]
    fn a_policy_about_before_and_after() {
        let text = r#"
            @notice("stay in Europe")
            forbid (principal, action == Trustplane::Action::"put-identity-center-config", resource)
            unless { resource has after.region && resource.after.region like "eu-*" };"#;
        assert_eq!(example().validate("mine", text), Ok(Shape { policies: 1 }));
    }

    #[test]
    fn a_problem_says_where_and_in_which_policy() {
        let one = "permit (principal, action, resource)\n  when { principal.nmae == \"x\" };";
        let said = problems(one);
        assert_eq!(said.first().map(|problem| problem.line), Some(2), "{said:?}");
        assert!(said.iter().all(|problem| problem.message.contains("`mine`")), "{said:?}");
        let said = problems(&format!("permit (principal, action, resource);\n{one}"));
        assert!(said.iter().all(|problem| problem.message.contains("`mine.1`")), "{said:?}");
        let said = problems("permit (principal,\n action resource);");
        assert_eq!(said.first().map(|problem| (problem.line, problem.column)), Some((2, 9)), "{said:?}");
    }

    #[test]
    fn nothing_and_templates_are_no_policy() {
        assert_eq!(problems("").len(), 1);
        assert_eq!(problems("permit (principal == ?principal, action, resource);").len(), 1);
    }

    /// Tests each construct that can nest, at the limit of nesting: none overflows a stack of 2 MB.
    #[test]
    fn the_deepest_policy_that_is_let_in_is_validated_and_evaluated() {
        use trustplane_domain::policy::{CLAUSES, NESTING};
        let within = |condition: &str| format!("permit (principal, action, resource) when {{ {condition} }};");
        let chained = |operator: &str| format!("true{}", format!(" {operator} true").repeat(CLAUSES - 1));
        let sums = format!("1{} == 1", " + 1".repeat(CLAUSES - 2));
        let ifs = format!("{}true{}", "if true then ".repeat(CLAUSES - 1), " else true".repeat(CLAUSES - 1));
        let brackets = format!("{}true{}", "(".repeat(NESTING - 1), ")".repeat(NESTING - 1));
        let sets = format!("{}1{}.isEmpty()", "[".repeat(NESTING - 2), "]".repeat(NESTING - 2));
        let records = format!("{}1{} == 1", "{a: ".repeat(NESTING - 2), "}".repeat(NESTING - 2));
        let methods = format!("context.now{}", ".toDate()".repeat(NESTING - 3));
        let both = format!("{}true{}", "(true && ".repeat(NESTING - 1), ")".repeat(NESTING - 1));
        let methods = format!("{methods} == context.now");
        for condition in [chained("&&"), chained("||"), sums, ifs, brackets, sets, records, methods, both] {
            let text = within(&condition);
            assert!(policy::shape(&text).is_ok(), "{text}");
            // Cedar may accept or reject it. The test is that it returns.
            let _ = example().validate("deep", &text);
            assert!(Policies::built_in().unwrap().and("deep", &text).is_ok(), "{text}");
        }
        let text = within(&chained("&&"));
        assert_eq!(example().validate("deep", &text), Ok(Shape { policies: 1 }));
    }

    #[test]
    fn what_would_go_too_deep_is_never_parsed() {
        let many = 7_000;
        for condition in [
            format!("{}true{}", "(".repeat(many), ")".repeat(many)),
            format!("{}1{}", "[".repeat(many), "]".repeat(many)),
            format!("true{}", "&&1".repeat(5_000)),
            format!("a{}", ".b".repeat(many)),
            format!("{}true", "!".repeat(15_000)),
            format!("{}1", "-".repeat(15_000)),
            "if ".repeat(5_000),
            "when{}".repeat(2_500),
        ] {
            let said = problems(&format!("permit (principal, action, resource) when {{ {condition} }};"));
            assert!(said[0].message.contains("at most"), "{said:?}");
        }
        assert!(problems(&"x".repeat(1_000_000))[0].message.contains("16 KiB"));
    }
}
