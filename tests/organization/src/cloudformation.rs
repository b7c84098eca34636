//! Deployment of a CloudFormation template that creates a role, as a customer does to connect.
//!
//! Only `AWS::IAM::Role` is supported; a template with other resources is refused. IAM's own limits (its quotas, and
//! the constraints of CreateRole) are enforced, so a template that deploys here also deploys on AWS in this respect.

mod template;

use std::fmt::{Display, Formatter};

use serde_json::{Map, Value};

use self::template::Template;
use crate::fixture::REGION;
use crate::iam::Policy;
use crate::role::{Role, RoleArn, role_id};
use crate::state::State;

/// Name of the stack.
const STACK: &str = "trustplane";

/// An error of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployError(String);

impl Display for DeployError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "the template cannot be deployed: {}", self.0)
    }
}

impl std::error::Error for DeployError {}

/// Creates the template's role in an account. Returns its ARN.
pub(crate) fn deploy(
    state: &mut State,
    account: &str,
    parameters: &[(&str, &str)],
    yaml: &str,
) -> Result<String, DeployError> {
    let (arn, role) = make(account, parameters, yaml).map_err(DeployError)?;
    state.roles.insert(arn.clone(), role);
    Ok(arn)
}

fn make(account: &str, parameters: &[(&str, &str)], yaml: &str) -> Result<(String, Role), String> {
    let stack_id =
        format!("arn:aws:cloudformation:{REGION}:{account}:stack/{STACK}/5c1d7a42-9f0b-4e6a-8c3d-1b2a3f4e5d6c");
    let pseudo = [
        ("AWS::AccountId", account),
        ("AWS::Partition", "aws"),
        ("AWS::Region", REGION),
        ("AWS::StackId", &stack_id),
        ("AWS::StackName", STACK),
        ("AWS::URLSuffix", "amazonaws.com"),
    ];
    let mut template = Template::parse(yaml, parameters, &pseudo)?;
    let mut made = None;
    for (id, resource) in &template.resources {
        if !template.is_wanted(resource)? {
            continue;
        }
        match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::IAM::Role") if made.is_none() => {}
            Some("AWS::IAM::Role") => return Err("it makes more than one role".into()),
            other => {
                return Err(format!("the resource `{id}` has the type {other:?}, which is not understood here"));
            }
        }
        let properties = template.resolve(resource.get("Properties").unwrap_or(&Value::Null))?;
        let Value::Object(properties) = properties else {
            return Err(format!("`{id}` must have properties"));
        };
        made = Some((id.clone(), role(id, account, properties)?));
    }
    let (id, (arn, role)) = made.ok_or("it makes no role")?;
    let name = RoleArn::parse(&arn).map(|arn| arn.name.to_owned()).unwrap_or_default();
    template.attributes.insert(id.clone(), name);
    template.attributes.insert(format!("{id}.Arn"), arn.clone());
    template.attributes.insert(format!("{id}.RoleId"), role_id(&arn));
    for (name, output) in &template.outputs {
        if template.is_wanted(output)? {
            let value = output.get("Value").ok_or_else(|| format!("the output `{name}` must have a value"))?;
            template.resolve(value)?;
        }
    }
    Ok((arn, role))
}

/// Creates the role with these properties. Returns it and its ARN.
fn role(id: &str, account: &str, mut properties: Map<String, Value>) -> Result<(String, Role), String> {
    let mut text = |name: &str| match properties.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` must be a string")),
    };
    let name = text("RoleName")?.unwrap_or_else(|| format!("{STACK}-{id}-1A2B3C4D5E6F"));
    let path = text("Path")?.unwrap_or_else(|| "/".into());
    let description = text("Description")?.unwrap_or_default();
    let is_describing = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    if description.chars().count() > 1000 || !description.chars().all(is_describing) {
        return Err("`Description` is longer than 1000 characters, or has one that IAM does not take".into());
    }
    if !(path.starts_with('/') && path.ends_with('/') && path.len() <= 512) {
        return Err(format!("the path `{path}` must begin and end with a slash"));
    }
    let arn = format!("arn:aws:iam::{account}:role{path}{name}");
    if RoleArn::parse(&arn).is_none_or(|arn| arn.name != name) {
        return Err(format!("`{arn}` is not a role's ARN"));
    }

    let trust = properties.remove("AssumeRolePolicyDocument").ok_or("a role must have an AssumeRolePolicyDocument")?;
    if size(&trust) > 2048 {
        return Err("the trust policy is longer than 2048 characters".into());
    }
    let trust = Policy::parse(&trust)?;
    if !trust.is_trust_policy() {
        return Err("a trust policy must name principals, and no resources".into());
    }
    let max_session_duration = match properties.remove("MaxSessionDuration") {
        None => 3600,
        Some(seconds) => match seconds {
            Value::Number(seconds) => seconds.as_u64(),
            Value::String(seconds) => seconds.parse().ok(),
            _ => None,
        }
        .and_then(|seconds| u32::try_from(seconds).ok())
        .filter(|seconds| (3600..=43_200).contains(seconds))
        .ok_or("`MaxSessionDuration` must be from 3600 to 43200")?,
    };
    let permissions = match properties.remove("Policies") {
        None => Vec::new(),
        Some(Value::Array(policies)) => {
            if policies.iter().filter_map(|policy| policy.get("PolicyDocument")).map(size).sum::<usize>() > 10_240 {
                return Err("the inline policies are longer than 10240 characters".into());
            }
            policies.iter().map(inline_policy).collect::<Result<_, _>>()?
        }
        Some(_) => return Err("`Policies` must be a list".into()),
    };
    properties.remove("Tags");
    // Boundaries are not evaluated here.
    if let Some(boundary) = properties.remove("PermissionsBoundary") {
        let is_policy = |arn: &str| arn.starts_with("arn:aws:iam::") && arn.contains(":policy/");
        if !boundary.as_str().is_some_and(is_policy) {
            return Err(format!("the PermissionsBoundary {boundary} is not the ARN of a policy"));
        }
    }
    if let Some(name) = properties.keys().next() {
        return Err(format!("the property `{name}` of a role is not understood here"));
    }
    Ok((arn, Role { trust, permissions, max_session_duration }))
}

fn inline_policy(policy: &Value) -> Result<Policy, String> {
    let (Some(Value::String(name)), Some(document)) = (policy.get("PolicyName"), policy.get("PolicyDocument")) else {
        return Err("an inline policy must have a PolicyName and a PolicyDocument".into());
    };
    let policy = Policy::parse(document)?;
    if !policy.is_permission_policy() {
        return Err(format!("the policy `{name}` must name resources, and no principals"));
    }
    Ok(policy)
}

/// Returns the size of a policy as IAM counts it: the characters except white space.
fn size(document: &Value) -> usize {
    document.to_string().chars().filter(|character| !character.is_whitespace()).count()
}

#[cfg(test)]
mod tests;
