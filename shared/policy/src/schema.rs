//! The Cedar schema, and strict validation of a policy text against it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::str::FromStr as _;

use cedar_policy::{Policy, PolicySet, SchemaFragment, ValidationError, ValidationMode, Validator};
use miette::Diagnostic as _;
use serde_json::Value;
use trustplane_domain::failure::PolicyProblem;
use trustplane_domain::nearest::nearest;
use trustplane_domain::policy::{self, Shape};
use trustplane_domain::setup::Section;

use crate::literals::{self, Impossible};
use crate::policies::compile_text;
use crate::{Action, Group, Image, Kind, PoliciesError, attributes, setup};

const TYPES: &str = include_str!("types.cedarschema");

/// Generates the schema in Cedar's syntax: the types, and an action for each of `actions`.
pub fn schema(actions: impl Iterator<Item = Action>) -> String {
    let mut text = TYPES.to_owned();
    for group in Group::ALL {
        let _ = write!(text, "\n    action \"{}\";", group.as_str());
    }
    for section in Section::ALL {
        let _ = write!(text, "\n    action \"{}\";", setup::group(section));
    }
    for action in actions {
        let _ = write!(
            text,
            "\n    action \"{}\" in [{}] appliesTo {{ principal: Credential, resource: {}, context: Context }};",
            action.name,
            groups(action),
            action.resource.entity_type(),
        );
    }
    text.push_str("\n}\n");
    text
}

/// The groups of an action, as the schema lists them.
fn groups(action: Action) -> String {
    let groups: Vec<String> = action.groups().map(|group| format!("\"{group}\"")).collect();
    groups.join(", ")
}

/// The compiled schema.
#[derive(Clone, Debug)]
pub struct Schema {
    compiled: cedar_policy::Schema,
    /// The same in Cedar's JSON format.
    json: Value,
}

impl Schema {
    /// Compiles the schema of these actions.
    pub fn of(actions: impl Iterator<Item = Action>) -> Result<Self, PoliciesError> {
        let (fragment, _) = SchemaFragment::from_cedarschema_str(&schema(actions)).map_err(PoliciesError::of)?;
        let json = fragment.clone().to_json_value().map_err(PoliciesError::of)?;
        let compiled = cedar_policy::Schema::from_schema_fragments([fragment]).map_err(PoliciesError::of)?;
        Ok(Self { compiled, json })
    }

    /// Compares a resource's image, `before` or `after`, with the schema. Returns pairs of path and message.
    pub fn faults(&self, kind: Kind, field: &str, image: &Image) -> Vec<(String, String)> {
        attributes::faults(&self.json, kind, field, image.as_json())
    }

    /// Validates the text of the policy `id`: first its shape, then its syntax, then its types against this schema.
    /// Returns the shape of a valid text, or its problems with their positions.
    pub fn validate(&self, id: &str, text: &str) -> Result<Shape, Vec<PolicyProblem>> {
        trustplane_domain::parsing::count();
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
        let named = compile_text(id, text).map_err(|error| whole(&error.to_string()))?;
        let result = Validator::new(self.compiled.clone()).validate(&named, ValidationMode::Strict);
        let errors = result.validation_errors().map(|error| problem(text, error, self.said(error)));
        let problems = merged(errors.chain(impossible(text, &named)).collect());
        if problems.is_empty() { Ok(shape) } else { Err(problems) }
    }

    /// The message of an error, with its advice. The action that Cedar suggests for an unknown one may be quite another, so
    /// the nearest name is suggested.
    fn said(&self, error: &ValidationError) -> String {
        let message = error.to_string();
        if let ValidationError::UnrecognizedActionId(_) = error {
            let name = message.split('"').nth(1).unwrap_or_default();
            let known: Vec<_> = self.compiled.actions().map(|action| action.id().unescaped()).collect();
            if let Some(nearest) = nearest(name, known.iter().copied()) {
                return format!("{message}: did you mean `Trustplane::Action::\"{nearest}\"`?");
            }
            return message;
        }
        match error.help() {
            Some(help) => format!("{message}: {help}"),
            None => message,
        }
    }

    pub(crate) fn cedar(&self) -> &cedar_policy::Schema {
        &self.compiled
    }
}

/// The problems in the order of the text. Cedar checks a policy once per action and kind of resource that it may be about, so
/// those that differ by an action alone are one.
fn merged(mut problems: Vec<PolicyProblem>) -> Vec<PolicyProblem> {
    problems.sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
    let mut found = HashSet::new();
    let mut is_new = |one: &PolicyProblem| found.insert((one.line, one.column, without_actions(&one.message)));
    problems.retain(|one| is_new(one));
    problems
}

/// A message without the names of actions, unless it is about the name.
fn without_actions(message: &str) -> String {
    const ACTION: &str = "Trustplane::Action::\"";
    if message.contains("unrecognized action") {
        return message.to_owned();
    }
    let mut parts = message.split(ACTION);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + ACTION + part.split_once('"').map_or(part, |(_, rest)| rest))
}

/// The literals of the policies that cannot occur. Their positions are those of the first equal literal of the text.
fn impossible(text: &str, policies: &PolicySet) -> Vec<PolicyProblem> {
    let of_policy = |policy: &Policy| {
        let found = policy.to_json().map(|json| literals::impossible(&json)).unwrap_or_default();
        let id = policy.id().to_string();
        found.into_iter().map(move |Impossible { literal, message }| {
            let message = format!("for policy `{id}`, {message}");
            at(text, text.find(&literal).unwrap_or_default(), message)
        })
    };
    policies.policies().flat_map(of_policy).collect()
}

/// Converts `error` to a problem with a position.
fn problem(text: &str, error: &dyn miette::Diagnostic, message: String) -> PolicyProblem {
    let offset = error.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
    at(text, offset, message)
}

/// A problem at this byte of the text; its position is in lines and characters from 1.
fn at(text: &str, offset: usize, message: String) -> PolicyProblem {
    let ahead = text.get(..offset).unwrap_or_default();
    let line = ahead.matches('\n').count() + 1;
    let column = ahead.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    PolicyProblem { line, column, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policies;

    fn example() -> Schema {
        let action = |name, group, resource| Action { name, group, resource };
        let actions = [
            action("put-identity-center-config", Group::Write, Kind::Integration),
            action("list-instances", Group::Read, Kind::Instance),
            action("put-api-key", Group::Administer, Kind::ApiKey),
            action("delete-policy", Group::Administer, Kind::Policy),
            action("list-policies", Group::Administer, Kind::Tenant),
            action("reset-policies", Group::Administer, Kind::Tenant),
            action("evaluate-policies", Group::Administer, Kind::Tenant),
            action("get-policy", Group::Administer, Kind::Policy),
            action("create-sso-configuration-version", Group::Write, Kind::SsoConfigurationVersion),
            action("refresh-external-idp", Group::Write, Kind::IdentityProvider),
            action("enable-external-idp", Group::Write, Kind::IdentityProvider),
            action("get-sso-configuration", Group::Read, Kind::SsoConfiguration),
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
    fn a_mistake_is_said_once_with_the_name_that_was_meant() {
        let said = problems("forbid (principal, action, resource)\nwhen { principal.nmae == \"x\" };");
        assert_eq!(said.len(), 1, "{said:?}");
        // `source_ip` may be absent, which Cedar says of each action.
        let said = problems("forbid (principal, action, resource)\nwhen { context.source_ip.isLoopback() };");
        assert_eq!(said.len(), 1, "{said:?}");
        let twice =
            "forbid (principal, action, resource)\nwhen { principal.nmae == \"x\" || principal.nmae == \"y\" };";
        assert_eq!(problems(twice).iter().map(|problem| problem.column).collect::<Vec<_>>(), [8, 33]);
        let said = problems("permit (principal, action == Trustplane::Action::\"delete-polcy\", resource);");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].message.ends_with("did you mean `Trustplane::Action::\"delete-policy\"`?"), "{said:?}");
        let two = "permit (principal, action in [Trustplane::Action::\"delete-polcy\", Trustplane::Action::\"get-polcy\"], resource);";
        assert_eq!(problems(two).len(), 2);
    }

    fn condition(text: &str) -> String {
        format!("forbid (principal, action, resource)\nwhen {{ {text} }};")
    }

    #[test]
    fn a_literal_that_cannot_occur_is_a_problem() {
        for (text, said) in [
            ("principal in Trustplane::Role::\"viwer\"", "viewer"),
            ("action == Trustplane::Action::\"put-identity-center-confg\"", "put-identity-center-config"),
            ("context.weekday == \"saturday\"", "did you mean `Saturday`?"),
            ("\"Caturday\" != context.weekday", "did you mean `Saturday`?"),
            ("[\"Sunday\", \"Funday\"].contains(context.weekday)", "the weekday `Funday` is unknown"),
            ("context.weekday like \"s*\"", "no weekday is like `s*`"),
            ("principal.kind == \"access-key\"", "did you mean `access_key`?"),
            ("principal.roles.contains(\"viwer\")", "did you mean `viewer`?"),
            ("principal.roles.containsAny([\"admin\", \"root\"])", "the role `root` is unknown"),
            ("[\"editor\", \"admn\"].containsAll(principal.roles)", "did you mean `admin`?"),
            ("context.hour == 24", "the hour `24` is unknown"),
            ("context.hour != -1", "the hour `-1` is unknown"),
            ("[8, 25].contains(context.hour)", "the hour `25` is unknown"),
            ("context.hour > 23", "no hour is `> 23`"),
            ("24 <= context.hour", "no hour is `>= 24`"),
            ("if context.hour < 0 then true else false", "no hour is `< 0`"),
            ("!(context.now > context.now) && (true || context.hour <= -1)", "no hour is `<= -1`"),
        ] {
            let problems = problems(&condition(text));
            assert!(problems.iter().any(|problem| problem.message.contains(said)), "{text}: {problems:?}");
            assert!(problems.iter().all(|problem| problem.line == 2), "{text}: {problems:?}");
        }
        let scope = "permit (principal in Trustplane::Role::\"viwer\", action, resource);";
        assert!(problems(scope)[0].message.contains("viwer"));
        let scope = "permit (principal, action == Trustplane::Action::\"put-polcy\", resource);";
        assert!(problems(scope)[0].message.contains("put-polcy"));
        let after = "forbid (principal, action == Trustplane::Action::\"put-api-key\", resource)\n\
                     when { resource has after.roles && resource.after.roles.contains(\"root\") };";
        assert!(problems(after)[0].message.contains("the role `root` is unknown"));
    }

    #[test]
    fn literals_that_can_occur_are_no_problem() {
        for text in [
            "principal in Trustplane::Role::\"viewer\"",
            "principal.roles.containsAny([\"admin\", \"editor\"])",
            "[\"Saturday\", \"Sunday\"].contains(context.weekday)",
            "context.weekday like \"S*\"",
            "context.weekday like \"*day\"",
            "context.hour >= 22 && context.hour < 24",
            "context.hour == 0 || 23 == context.hour",
            "principal.kind == \"setup\" || principal.kind == \"system\"",
            // Other attributes may have any value.
            "principal.name == \"saturday\"",
            "principal.name like \"s*\"",
        ] {
            assert_eq!(example().validate("mine", &condition(text)), Ok(Shape { policies: 1 }), "{text}");
        }
    }

    #[test]
    fn attributes_that_do_not_fit_are_named_with_their_paths() {
        let faults = |kind, field, image: Value| example().faults(kind, field, &Image::of(&image));
        let fault = |path: &str, message: &str| (path.to_owned(), message.to_owned());
        let image = serde_json::json!({"configured": "yes", "regoin": "x", "role_arn": 7});
        let expected = [
            fault("after.configured", "must be `true` or `false`"),
            fault("after.role_arn", "must be a string"),
            fault("after.regoin", "is unknown: did you mean `region`?"),
        ];
        assert_eq!(faults(Kind::Integration, "after", image), expected);
        let missing = [fault("before.configured", "is required")];
        assert_eq!(faults(Kind::Integration, "before", serde_json::json!({})), missing);
        let fits = serde_json::json!({"configured": true, "region": "eu-west-1"});
        assert_eq!(faults(Kind::Integration, "before", fits), []);
        let roles = serde_json::json!({"name": "n", "kind": "bearer", "roles": ["admin", 1], "created_by": "x"});
        assert_eq!(faults(Kind::ApiKey, "before", roles), [fault("before.roles.1", "must be a string")]);
        let scalar = serde_json::json!({"name": "n", "kind": "bearer", "roles": "admin", "created_by": "x"});
        assert_eq!(faults(Kind::ApiKey, "before", scalar), [fault("before.roles", "must be a list")]);
        assert_eq!(faults(Kind::Instance, "after", serde_json::json!({})).len(), 1);
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
