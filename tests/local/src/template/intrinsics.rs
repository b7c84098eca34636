//! CloudFormation's intrinsic functions and pseudo parameters, resolved for this machine.
//!
//! Source: "Intrinsic function reference" and "Pseudo parameters reference" of the AWS CloudFormation Template
//! Reference Guide. A value that only AWS could provide (a key's id, a stream's label) gets a fixed local value. A
//! value that cannot be known here is an error that names it.

use crate::Error;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;
use std::collections::BTreeMap;

/// The platform's own local AWS account. A customer's is another one.
pub const ACCOUNT: &str = "000000000000";
/// The region of all local services.
pub const REGION: &str = "us-east-1";
/// The stack's name in the template.
pub const STACK_NAME: &str = "trustplane";

/// Parameters that have no default, because a deployment has no safe one, and those that the local stack needs.
const PARAMETERS: [(&str, &str); 4] = [
    ("AlarmReceiver", "alarms@example.com"),
    ("BootstrapTemplateUrl", "https://example-bucket.s3.us-east-1.amazonaws.com/trustplane-role.yaml"),
    ("RedirectBase", "https://auth.example.com/sso/callback/"),
    ("SamlBase", "https://auth.example.com"),
];

/// Largest depth of nested references. Deeper references count as a cycle.
const DEPTH: usize = 32;

/// Converts YAML with CloudFormation's short forms (`!Ref x`) to JSON with the long ones (`{"Ref": x}`).
pub(super) fn long_form(yaml: Yaml) -> Result<Value, Error> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(value) => {
            serde_json::to_value(&value).map_err(|error| Error::while_doing(format!("number `{value}`"), error))?
        }
        Yaml::String(value) => Value::String(value),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(long_form).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| match key {
                    Yaml::String(key) => Ok((key, long_form(value)?)),
                    Yaml::Number(key) => Ok((key.to_string(), long_form(value)?)),
                    other => Err(Error::new(format!("a key that is not a string: `{other:?}`"))),
                })
                .collect::<Result<Map<_, _>, Error>>()?,
        ),
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let name = name.trim_start_matches('!');
            let value = long_form(tagged.value)?;
            match (name, value) {
                ("Ref" | "Condition", value) => json!({ name: value }),
                ("GetAtt", Value::String(path)) => match path.split_once('.') {
                    Some((resource, attribute)) => json!({ "Fn::GetAtt": [resource, attribute] }),
                    None => return Err(Error::new(format!("`!GetAtt {path}` names no attribute"))),
                },
                (name, value) => json!({ format!("Fn::{name}"): value }),
            }
        }
    })
}

/// Resolves values of one template.
pub(super) struct Resolver<'a> {
    document: &'a Value,
    parameters: BTreeMap<String, Value>,
}

impl<'a> Resolver<'a> {
    /// Creates a resolver with every parameter at its local value or its default.
    pub fn new(document: &'a Value) -> Self {
        let parameters = entries(document.get("Parameters"))
            .filter_map(|(name, parameter)| {
                let local = PARAMETERS.iter().find(|(local, _)| local == name).map(|(_, value)| Value::from(*value));
                let default = local.as_ref().or_else(|| parameter.get("Default"))?;
                let list = parameter
                    .get("Type")
                    .and_then(Value::as_str)
                    .is_some_and(|kind| kind == "CommaDelimitedList" || kind.starts_with("List<"));
                let value = match default {
                    Value::String(text) if list => text.split(',').map(str::trim).collect::<Vec<_>>().into(),
                    // A parameter is always text.
                    Value::Number(number) => Value::String(number.to_string()),
                    Value::Bool(value) => Value::String(value.to_string()),
                    other => other.clone(),
                };
                Some((name.clone(), value))
            })
            .collect();
        Self { document, parameters }
    }

    /// Resolves every intrinsic function in the value, and removes properties that are `AWS::NoValue`.
    pub fn resolve(&self, value: &Value) -> Result<Value, Error> {
        Ok(self.value(value, 0)?.unwrap_or(Value::Null))
    }

    /// Resolves like [`Self::resolve`], for a value that is used as text.
    pub fn text(&self, value: &Value) -> Result<String, Error> {
        scalar(&self.resolve(value)?).ok_or_else(|| Error::new(format!("`{value}` is not text")))
    }

    /// Returns true if a resource with this `Condition` exists.
    pub fn condition(&self, name: &str) -> Result<bool, Error> {
        self.holds(&json!({ "Condition": name }), 0)
    }

    fn value(&self, value: &Value, depth: usize) -> Result<Option<Value>, Error> {
        if depth > DEPTH {
            return Err(Error::new(format!("`{value}` refers to itself")));
        }
        let below = depth + 1;
        match value {
            Value::Array(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for item in items {
                    resolved.extend(self.value(item, below)?);
                }
                Ok(Some(Value::Array(resolved)))
            }
            Value::Object(object) => {
                if let Some((name, argument)) = single(object)
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.call(name, argument, below);
                }
                let mut resolved = Map::new();
                for (key, entry) in object {
                    if let Some(entry) = self.value(entry, below)? {
                        resolved.insert(key.clone(), entry);
                    }
                }
                Ok(Some(Value::Object(resolved)))
            }
            other => Ok(Some(other.clone())),
        }
    }

    fn call(&self, name: &str, argument: &Value, depth: usize) -> Result<Option<Value>, Error> {
        let unresolved = || Error::new(format!("`{name}` of `{argument}` cannot be resolved locally"));
        match name {
            "Ref" => self.reference(argument.as_str().ok_or_else(unresolved)?, depth),
            "Fn::GetAtt" => {
                let parts = self.texts(argument, depth)?;
                let [resource, attribute @ ..] = parts.as_slice() else {
                    return Err(unresolved());
                };
                self.attribute(resource, &attribute.join("."), depth).map(Some)
            }
            "Fn::Sub" => {
                let (template, names) = match argument {
                    Value::String(template) => (template.clone(), Map::new()),
                    Value::Array(pair) => match pair.as_slice() {
                        [Value::String(template), Value::Object(names)] => (template.clone(), names.clone()),
                        _ => return Err(unresolved()),
                    },
                    _ => return Err(unresolved()),
                };
                self.substitute(&template, &names, depth).map(|text| Some(Value::String(text)))
            }
            "Fn::Join" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(between), list]) => Ok(Some(Value::String(self.texts(list, depth)?.join(between)))),
                _ => Err(unresolved()),
            },
            "Fn::Select" => match argument.as_array().map(Vec::as_slice) {
                Some([index, list]) => {
                    let index = self.one_text(index, depth)?.parse::<usize>().map_err(|_| unresolved())?;
                    let list = self.value(list, depth)?;
                    let found = list.as_ref().and_then(Value::as_array).and_then(|list| list.get(index));
                    found.cloned().map(Some).ok_or_else(unresolved)
                }
                _ => Err(unresolved()),
            },
            "Fn::Split" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(between), text]) => {
                    let text = self.one_text(text, depth)?;
                    Ok(Some(text.split(between.as_str()).collect::<Vec<_>>().into()))
                }
                _ => Err(unresolved()),
            },
            "Fn::FindInMap" => {
                let keys = self.texts(argument, depth)?;
                let mut found = self.document.get("Mappings");
                for key in &keys {
                    found = found.and_then(|level| level.get(key));
                }
                found.cloned().map(Some).ok_or_else(unresolved)
            }
            "Fn::Base64" => {
                use base64::Engine as _;
                let text = self.one_text(argument, depth)?;
                Ok(Some(Value::String(base64::engine::general_purpose::STANDARD.encode(text))))
            }
            "Fn::If" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(condition), then, otherwise]) => {
                    let holds = self.holds(&json!({ "Condition": condition }), depth)?;
                    self.value(if holds { then } else { otherwise }, depth)
                }
                _ => Err(unresolved()),
            },
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => {
                Ok(Some(Value::Bool(self.holds(&json!({ name: argument }), depth)?)))
            }
            _ => Err(unresolved()),
        }
    }

    fn holds(&self, value: &Value, depth: usize) -> Result<bool, Error> {
        let unresolved = || Error::new(format!("condition `{value}` cannot be resolved locally"));
        if depth > DEPTH {
            return Err(unresolved());
        }
        let (name, argument) = value.as_object().and_then(single).ok_or_else(unresolved)?;
        let list = || argument.as_array().ok_or_else(unresolved);
        match name {
            "Condition" => {
                let condition = argument.as_str().and_then(|name| self.document.get("Conditions")?.get(name));
                self.holds(condition.ok_or_else(unresolved)?, depth + 1)
            }
            "Fn::Equals" => match list()?.as_slice() {
                [left, right] => Ok(self.value(left, depth + 1)? == self.value(right, depth + 1)?),
                _ => Err(unresolved()),
            },
            "Fn::Not" => match list()?.as_slice() {
                [one] => Ok(!self.holds(one, depth + 1)?),
                _ => Err(unresolved()),
            },
            "Fn::And" => list()?.iter().try_fold(true, |all, one| Ok(all & self.holds(one, depth + 1)?)),
            "Fn::Or" => list()?.iter().try_fold(false, |any, one| Ok(any | self.holds(one, depth + 1)?)),
            _ => Err(unresolved()),
        }
    }

    fn reference(&self, name: &str, depth: usize) -> Result<Option<Value>, Error> {
        if let Some(parameter) = self.parameters.get(name) {
            return Ok(Some(parameter.clone()));
        }
        let text = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackName" => STACK_NAME.to_owned(),
            "AWS::StackId" => arn("cloudformation", &format!("stack/{STACK_NAME}/{}", local_id(STACK_NAME))),
            _ => {
                let (kind, physical) = self.physical(name, depth)?;
                match kind.as_str() {
                    "AWS::SQS::Queue" => {
                        format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical}")
                    }
                    "AWS::SNS::Topic" => arn("sns", &physical),
                    _ => physical,
                }
            }
        };
        Ok(Some(Value::String(text)))
    }

    fn attribute(&self, resource: &str, attribute: &str, depth: usize) -> Result<Value, Error> {
        let (kind, physical) = self.physical(resource, depth)?;
        let text = match (kind.as_str(), attribute) {
            ("AWS::Serverless::Function" | "AWS::Lambda::Function", "Arn") => {
                arn("lambda", &format!("function:{physical}"))
            }
            ("AWS::DynamoDB::Table", "Arn") => arn("dynamodb", &format!("table/{physical}")),
            ("AWS::DynamoDB::Table", "StreamArn") => arn("dynamodb", &format!("table/{physical}/stream/local")),
            ("AWS::Events::EventBus", "Arn") => arn("events", &format!("event-bus/{physical}")),
            ("AWS::Events::EventBus", "Name") => physical,
            ("AWS::KMS::Key", "Arn") => arn("kms", &format!("key/{physical}")),
            ("AWS::KMS::Key", "KeyId") => physical,
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{physical}"),
            ("AWS::SQS::Queue", "Arn") => arn("sqs", &physical),
            ("AWS::SQS::Queue", "QueueName") => physical,
            ("AWS::SQS::Queue", "QueueUrl") => {
                format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical}")
            }
            ("AWS::Logs::LogGroup", "Arn") => arn("logs", &format!("log-group:{physical}:*")),
            ("AWS::SNS::Topic", "TopicName") => physical,
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT}:role/{physical}"),
            _ => {
                return Err(Error::new(format!(
                    "attribute `{attribute}` of `{resource}` ({kind}) cannot be resolved locally"
                )));
            }
        };
        Ok(Value::String(text))
    }

    /// Returns the type of a resource, and its name or id after deployment.
    fn physical(&self, logical: &str, depth: usize) -> Result<(String, String), Error> {
        let resource =
            self.document.get("Resources").and_then(|resources| resources.get(logical)).ok_or_else(|| {
                Error::new(format!("`{logical}` is neither a parameter with a default nor a resource"))
            })?;
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        let property = match kind {
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => "FunctionName",
            "AWS::DynamoDB::Table" => "TableName",
            "AWS::Events::EventBus" => "Name",
            "AWS::KMS::Alias" => "AliasName",
            "AWS::S3::Bucket" => "BucketName",
            "AWS::SQS::Queue" => "QueueName",
            "AWS::SNS::Topic" => "TopicName",
            "AWS::Logs::LogGroup" => "LogGroupName",
            "AWS::IAM::Role" => "RoleName",
            "AWS::KMS::Key" => return Ok((kind.to_owned(), local_id(logical))),
            "AWS::Serverless::HttpApi" | "AWS::ApiGatewayV2::Api" => {
                return Ok((kind.to_owned(), "local".to_owned()));
            }
            _ => {
                return Err(Error::new(format!("`{logical}` ({kind}) cannot be resolved locally")));
            }
        };
        let name = match resource.get("Properties").and_then(|properties| properties.get(property)) {
            Some(name) => self.one_text(name, depth + 1)?,
            None => format!("{STACK_NAME}-{logical}"),
        };
        Ok((kind.to_owned(), name))
    }

    /// Replaces `${Name}`, `${Resource.Attribute}` and `${!Literal}` of `Fn::Sub`.
    fn substitute(&self, template: &str, names: &Map<String, Value>, depth: usize) -> Result<String, Error> {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let (name, after) =
                after.split_once('}').ok_or_else(|| Error::new(format!("`{template}` has an open `${{`")))?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                text.push_str("${");
                text.push_str(literal);
                text.push('}');
            } else if let Some(value) = names.get(name) {
                text.push_str(&self.one_text(value, depth + 1)?);
            } else if let Some((resource, attribute)) = name.split_once('.') {
                text.push_str(&scalar(&self.attribute(resource, attribute, depth + 1)?).unwrap_or_default());
            } else {
                text.push_str(&self.one_text(&json!({ "Ref": name }), depth + 1)?);
            }
        }
        text.push_str(rest);
        Ok(text)
    }

    fn one_text(&self, value: &Value, depth: usize) -> Result<String, Error> {
        let resolved = self.value(value, depth)?;
        resolved.as_ref().and_then(scalar).ok_or_else(|| Error::new(format!("`{value}` is not text")))
    }

    fn texts(&self, value: &Value, depth: usize) -> Result<Vec<String>, Error> {
        match self.value(value, depth)? {
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| scalar(item).ok_or_else(|| Error::new(format!("`{item}` is not text"))))
                .collect(),
            _ => Err(Error::new(format!("`{value}` is not a list"))),
        }
    }
}

/// Returns an ARN of the platform's own account in the local region.
fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

/// Derives a UUID in place of an id that AWS would assign. It is the same on every start.
fn local_id(logical: &str) -> String {
    // FNV-1a over the name, twice. Only its stability matters.
    let hash =
        |seed: u64| logical.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    uuid::Builder::from_custom_bytes(
        (u128::from(hash(0xcbf2_9ce4_8422_2325)) << 64 | u128::from(hash(0x6c62_272e_07bb_0142))).to_be_bytes(),
    )
    .into_uuid()
    .to_string()
}

/// Returns the text of a string, number or boolean, as CloudFormation passes it on.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Iterates over the entries of an object that may be absent.
pub(super) fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn single(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    match object.len() {
        1 => object.iter().next().map(|(name, value)| (name.as_str(), value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
