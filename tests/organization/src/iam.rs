//! IAM policies: the part of the language that trust policies and small permission policies use, and its evaluation.
//!
//! Unsupported content is refused when the policy is parsed, so that no policy has another meaning here than in AWS.
//! Source: "IAM JSON policy elements reference" and "Policy evaluation logic" in the IAM User Guide.

mod condition;

use serde_json::Value;

use self::condition::{Condition, Operator};

/// A policy document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    allow: bool,
    /// The principals; `None` in a permission policy.
    principals: Option<Vec<Principal>>,
    actions: Patterns,
    /// The resources; `None` in a trust policy.
    resources: Option<Patterns>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
enum Principal {
    Anyone,
    Account(String),
    /// A role; also matches its sessions.
    Arn(String),
    /// An AWS service or a federated provider. It never calls here.
    NeverHere,
}

#[derive(Clone, Debug)]
struct Patterns {
    patterns: Vec<String>,
    /// True for `NotAction` and `NotResource`.
    negated: bool,
}

/// A request to evaluate a policy for.
pub(crate) struct Request<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) account: &'a str,
    /// The caller's ARNs: the session's and its role's.
    pub(crate) arns: &'a [&'a str],
    /// Condition keys in lower case, with their values.
    pub(crate) context: &'a [(&'a str, String)],
}

/// Decision of a policy about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    ExplicitlyDenied,
    NotAllowed,
}

impl Policy {
    /// Parses a policy document.
    ///
    /// # Errors
    /// Describes the invalid or unsupported content.
    pub(crate) fn parse(document: &Value) -> Result<Self, String> {
        let document = document.as_object().ok_or("a policy document must be an object")?;
        for key in document.keys() {
            if !["Version", "Id", "Statement"].contains(&key.as_str()) {
                return Err(format!("a policy document has no `{key}`"));
            }
        }
        match document.get("Version").and_then(Value::as_str) {
            Some("2012-10-17" | "2008-10-17") | None => {}
            Some(version) => {
                return Err(format!("`{version}` is not a version of the policy language"));
            }
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().map(Statement::parse).collect::<Result<_, _>>()?,
            Some(statement @ Value::Object(_)) => vec![Statement::parse(statement)?],
            _ => return Err("a policy document must have statements".into()),
        };
        Ok(Self { statements })
    }

    /// Creates a policy that lets `account` assume a role, with one of these ExternalIds (`None`: with any or none).
    pub(crate) fn trusting(account: &str, external_ids: Option<Vec<String>>) -> Self {
        let conditions = external_ids
            .map(|values| Condition {
                operator: Operator::Equals,
                if_exists: false,
                key: "sts:externalid".into(),
                values,
            })
            .into_iter()
            .collect();
        Self {
            statements: vec![Statement {
                allow: true,
                principals: Some(vec![Principal::Account(account.into())]),
                actions: Patterns { patterns: vec!["sts:AssumeRole".into()], negated: false },
                resources: None,
                conditions,
            }],
        }
    }

    /// Creates a policy that allows these actions on every resource.
    pub(crate) fn allowing<'a>(actions: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            statements: vec![Statement {
                allow: true,
                principals: None,
                actions: Patterns { patterns: actions.into_iter().map(Into::into).collect(), negated: false },
                resources: Some(Patterns { patterns: vec!["*".into()], negated: false }),
                conditions: Vec::new(),
            }],
        }
    }

    /// Returns true if every statement has principals and none has resources.
    pub(crate) fn is_trust_policy(&self) -> bool {
        self.statements.iter().all(|one| one.principals.is_some() && one.resources.is_none())
    }

    /// Returns true if every statement has resources and none has principals.
    pub(crate) fn is_permission_policy(&self) -> bool {
        self.statements.iter().all(|one| one.principals.is_none() && one.resources.is_some())
    }

    /// Returns the policy's decision about the request.
    pub(crate) fn decide(&self, request: &Request<'_>) -> Decision {
        decide([self], request)
    }
}

/// Combines the decisions of several policies of one kind: a deny in any of them wins.
pub(crate) fn decide<'a>(policies: impl IntoIterator<Item = &'a Policy>, request: &Request<'_>) -> Decision {
    let mut decision = Decision::NotAllowed;
    for statement in policies.into_iter().flat_map(|policy| &policy.statements) {
        if !statement.applies(request) {
            continue;
        }
        if !statement.allow {
            return Decision::ExplicitlyDenied;
        }
        decision = Decision::Allowed;
    }
    decision
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self, String> {
        let statement = statement.as_object().ok_or("a statement must be an object")?;
        let known = ["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        if let Some(key) = statement.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("`{key}` in a statement is not understood here"));
        }
        let allow = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err("a statement's Effect must be Allow or Deny".into()),
        };
        let patterns = |name: &str| -> Result<Option<Patterns>, String> {
            match (statement.get(name), statement.get(&format!("Not{name}"))) {
                (None, None) => Ok(None),
                (Some(one), None) => Ok(Some(Patterns { patterns: strings(one)?, negated: false })),
                (None, Some(one)) => Ok(Some(Patterns { patterns: strings(one)?, negated: true })),
                (Some(_), Some(_)) => Err(format!("a statement cannot have both `{name}` and `Not{name}`")),
            }
        };
        Ok(Self {
            allow,
            principals: statement.get("Principal").map(Principal::parse_all).transpose()?,
            actions: patterns("Action")?.ok_or("a statement must have actions")?,
            resources: patterns("Resource")?,
            conditions: statement.get("Condition").map(Condition::parse_all).transpose()?.unwrap_or_default(),
        })
    }

    fn applies(&self, request: &Request<'_>) -> bool {
        self.principals.as_ref().is_none_or(|all| all.iter().any(|principal| principal.matches(request)))
            && self.actions.matches(&request.action.to_ascii_lowercase(), true)
            && self.resources.as_ref().is_none_or(|resources| resources.matches(request.resource, false))
            && self.conditions.iter().all(|condition| condition.holds(request))
    }
}

impl Principal {
    fn parse_all(principal: &Value) -> Result<Vec<Self>, String> {
        match principal {
            Value::String(anyone) if anyone == "*" => Ok(vec![Self::Anyone]),
            Value::Object(kinds) => {
                let mut all = Vec::new();
                for (kind, values) in kinds {
                    for value in strings(values)? {
                        all.push(match kind.as_str() {
                            "AWS" => Self::parse(&value)?,
                            "Service" | "Federated" | "CanonicalUser" => Self::NeverHere,
                            _ => return Err(format!("`{kind}` is not a kind of principal")),
                        });
                    }
                }
                Ok(all)
            }
            _ => Err("a Principal must be `*` or an object".into()),
        }
    }

    fn parse(value: &str) -> Result<Self, String> {
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if value == "*" {
            return Ok(Self::Anyone);
        }
        if is_account(value) {
            return Ok(Self::Account(value.into()));
        }
        match value.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "iam", "", account, "root"] if is_account(account) => Ok(Self::Account((*account).into())),
            ["arn", _, "iam" | "sts", "", account, name] if is_account(account) && !name.contains('*') => {
                Ok(Self::Arn(value.into()))
            }
            _ => Err(format!("invalid principal in policy: `{value}`")),
        }
    }

    fn matches(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Anyone => true,
            Self::Account(account) => account == request.account,
            Self::Arn(arn) => request.arns.contains(&arn.as_str()),
            Self::NeverHere => false,
        }
    }
}

impl Patterns {
    fn matches(&self, text: &str, ignore_case: bool) -> bool {
        let any = self
            .patterns
            .iter()
            .any(|pattern| if ignore_case { like(&pattern.to_ascii_lowercase(), text) } else { like(pattern, text) });
        any != self.negated
    }
}

/// Converts a string, number or boolean, or a list of them, to strings.
fn strings(value: &Value) -> Result<Vec<String>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(format!("`{value}` must be a string")),
    };
    match value {
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// Returns true if `text` matches a pattern with `*` and `?`.
fn like(pattern: &str, text: &str) -> bool {
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                matches(rest, text) || text.split_first().is_some_and(|(_, text)| matches(pattern, text))
            }
            (Some((b'?', rest)), Some((_, text))) => matches(rest, text),
            (Some((expected, rest)), Some((actual, text))) => expected == actual && matches(rest, text),
            _ => false,
        }
    }
    matches(pattern.as_bytes(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(policy: &Policy, action: &str, resource: &str, context: &[(&str, String)]) -> Decision {
        let arns =
            ["arn:aws:sts::000000000000:assumed-role/functions/local", "arn:aws:iam::000000000000:role/functions"];
        policy.decide(&Request { action, resource, account: "000000000000", arns: &arns, context })
    }

    #[test]
    fn trust_demands_principal_and_external_id() {
        let trust = |principal: &str| {
            Policy::parse(&json!({"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": ["one", "two"]}}}}))
            .unwrap()
        };
        let with = |id: &str| vec![("sts:externalid", id.to_owned())];
        for principal in ["000000000000", "arn:aws:iam::000000000000:root", "arn:aws:iam::000000000000:role/functions"]
        {
            let trust = trust(principal);
            assert_eq!(ask(&trust, "sts:AssumeRole", "", &with("two")), Decision::Allowed, "{principal}");
            assert_eq!(ask(&trust, "sts:AssumeRole", "", &with("three")), Decision::NotAllowed);
            assert_eq!(ask(&trust, "sts:AssumeRole", "", &with("One")), Decision::NotAllowed);
            assert_eq!(ask(&trust, "sts:AssumeRole", "", &[]), Decision::NotAllowed);
            assert_eq!(ask(&trust, "sts:TagSession", "", &with("one")), Decision::NotAllowed);
        }
        assert_eq!(
            ask(&trust("arn:aws:iam::111122223333:root"), "sts:AssumeRole", "", &with("one")),
            Decision::NotAllowed
        );
    }

    #[test]
    fn a_deny_wins_and_resources_narrow() {
        let policy = Policy::parse(&json!({"Statement": [
            {"Effect": "Allow", "Action": ["sso:Describe*", "SSO:list*"], "Resource": "arn:aws:sso:::instance/*"},
            {"Effect": "Deny", "Action": "sso:ListTagsForResource", "Resource": "*"},
            {"Effect": "Allow", "NotAction": "sso:*", "Resource": "*"}]}))
        .unwrap();
        assert_eq!(ask(&policy, "sso:DescribeInstance", "arn:aws:sso:::instance/a", &[]), Decision::Allowed);
        assert_eq!(ask(&policy, "sso:ListInstances", "*", &[]), Decision::NotAllowed);
        assert_eq!(
            ask(&policy, "sso:ListTagsForResource", "arn:aws:sso:::instance/a", &[]),
            Decision::ExplicitlyDenied
        );
        assert_eq!(ask(&policy, "organizations:ListAccounts", "*", &[]), Decision::Allowed);
        assert_eq!(ask(&policy, "sso:DeleteInstance", "arn:aws:sso:::instance/a", &[]), Decision::NotAllowed);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for document in [
            json!("text"),
            json!({}),
            json!({"Statement": [], "Version": "2020-01-01"}),
            json!({"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}),
            json!({"Statement": {"Effect": "Allow", "Resource": "*"}}),
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "NotPrincipal": "*"}}),
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {}}}}),
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {"StringEquals": {"sts:ExternalID2": "x"}}}}),
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Principal": {"AWS": "arn:aws:iam::1:root"}}}),
        ] {
            assert!(Policy::parse(&document).is_err(), "{document}");
        }
    }

    #[test]
    fn patterns() {
        assert!(like("*", ""));
        assert!(like("a*c", "abbbc"));
        assert!(like("a?c", "abc"));
        assert!(!like("a?c", "ac"));
        assert!(!like("a*c", "abd"));
        assert!(like("a**", "a"));
    }
}
