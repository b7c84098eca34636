//! A CloudFormation template: evaluation of parameters, conditions and intrinsic functions.
//!
//! Source: "Template reference" in the CloudFormation User Guide. Unsupported content is an error. `AllowedPattern` of
//! a parameter is not checked.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A template with its parameters' values.
pub(super) struct Template {
    parameters: BTreeMap<String, Value>,
    conditions: Map<String, Value>,
    rules: Map<String, Value>,
    pub(super) resources: Map<String, Value>,
    pub(super) outputs: Map<String, Value>,
    /// `Ref` and `Fn::GetAtt` of created resources: by logical id, or logical id, dot, attribute.
    pub(super) attributes: BTreeMap<String, String>,
    /// Number of nested conditions in evaluation. A limit detects cycles.
    depth: Cell<usize>,
}

/// Marker of `Ref: AWS::NoValue`, whose member is removed.
const NO_VALUE: &str = "\u{0}AWS::NoValue";

impl Template {
    /// Parses a template and sets its parameters to these values, or to their defaults.
    pub(super) fn parse(yaml: &str, given: &[(&str, &str)], pseudo: &[(&str, &str)]) -> Result<Self, String> {
        let template = serde_yaml_ng::from_str(yaml).map_err(|error| error.to_string())?;
        let Value::Object(mut template) = json(template)? else {
            return Err("a template must be a mapping".into());
        };
        match template.remove("AWSTemplateFormatVersion") {
            None => {}
            Some(Value::String(version)) if version == "2010-09-09" => {}
            Some(version) => return Err(format!("`{version}` is not a template format version")),
        }
        template.remove("Description");
        template.remove("Metadata");
        let mut section = |name: &str| match template.remove(name) {
            None => Ok(Map::new()),
            Some(Value::Object(section)) => Ok(section),
            Some(_) => Err(format!("`{name}` must be a mapping")),
        };
        let declared = section("Parameters")?;
        let conditions = section("Conditions")?;
        let rules = section("Rules")?;
        let resources = section("Resources")?;
        let outputs = section("Outputs")?;
        if let Some(section) = template.keys().next() {
            return Err(format!("the section `{section}` is not understood here"));
        }
        if let Some((name, _)) = given.iter().find(|(name, _)| !declared.contains_key(*name)) {
            return Err(format!("parameter `{name}` does not exist in the template"));
        }
        let mut parameters: BTreeMap<_, _> =
            pseudo.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        for (name, declaration) in &declared {
            let value = given.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
            parameters.insert(name.clone(), parameter(name, declaration, value)?);
        }
        let (attributes, depth) = (BTreeMap::new(), Cell::new(0));
        let template = Self { parameters, conditions, rules, resources, outputs, attributes, depth };
        template.obey()?;
        Ok(template)
    }

    /// Checks the assertions of the rules ("Rules", CloudFormation User Guide).
    fn obey(&self) -> Result<(), String> {
        for (name, rule) in &self.rules {
            let applies = rule.get("RuleCondition").map_or(Ok(true), |condition| self.truth(condition))?;
            for assertion in rule.get("Assertions").and_then(Value::as_array).into_iter().flatten().filter(|_| applies)
            {
                let assert =
                    assertion.get("Assert").ok_or_else(|| format!("the rule `{name}` must assert something"))?;
                if !self.truth(assert)? {
                    let description = assertion.get("AssertDescription").and_then(Value::as_str).unwrap_or_default();
                    return Err(format!("the rule `{name}` does not hold: {description}"));
                }
            }
        }
        Ok(())
    }

    /// Evaluates the intrinsic functions in a value.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Array(values) => {
                let mut resolved = values.iter().map(|value| self.resolve(value)).collect::<Result<Vec<_>, _>>()?;
                resolved.retain(|value| value != NO_VALUE);
                Ok(Value::Array(resolved))
            }
            Value::Object(members) => {
                if let (1, Some((name, argument))) = (members.len(), members.iter().next())
                    && (name == "Ref" || name == "Condition" || name.starts_with("Fn::"))
                    && (name != "Condition" || argument.is_string())
                {
                    return self.function(name, argument);
                }
                let mut resolved = Map::new();
                for (name, value) in members {
                    let value = self.resolve(value)?;
                    if value != NO_VALUE {
                        resolved.insert(name.clone(), value);
                    }
                }
                Ok(Value::Object(resolved))
            }
            value => Ok(value.clone()),
        }
    }

    /// Returns true if a resource or output has no condition, or its condition holds.
    pub(super) fn is_wanted(&self, declaration: &Value) -> Result<bool, String> {
        match declaration.get("Condition") {
            None => Ok(true),
            Some(Value::String(name)) => self.condition(name),
            Some(_) => Err("a Condition must be a condition's name".into()),
        }
    }

    fn condition(&self, name: &str) -> Result<bool, String> {
        let condition = self.conditions.get(name).ok_or_else(|| format!("there is no condition `{name}`"))?;
        if self.depth.get() > self.conditions.len() {
            return Err(format!("the condition `{name}` depends on itself"));
        }
        self.depth.set(self.depth.get() + 1);
        let truth = self.truth(condition);
        self.depth.set(self.depth.get() - 1);
        truth
    }

    fn truth(&self, value: &Value) -> Result<bool, String> {
        match self.resolve(value)? {
            Value::Bool(truth) => Ok(truth),
            Value::String(text) if text == "true" || text == "false" => Ok(text == "true"),
            other => Err(format!("`{other}` is neither true nor false")),
        }
    }

    fn function(&self, name: &str, argument: &Value) -> Result<Value, String> {
        let wrong = || format!("`{name}` does not take `{argument}`");
        let list = || argument.as_array().map(Vec::as_slice).ok_or_else(wrong);
        match name {
            "Ref" => self.reference(argument.as_str().ok_or_else(wrong)?),
            "Condition" => Ok(self.condition(argument.as_str().ok_or_else(wrong)?)?.into()),
            "Fn::GetAtt" => {
                let name = match argument {
                    Value::String(name) => name.clone(),
                    _ => texts(argument).ok_or_else(wrong)?.join("."),
                };
                let attribute = self.attributes.get(&name).ok_or_else(|| format!("there is no attribute `{name}`"))?;
                Ok(attribute.as_str().into())
            }
            "Fn::Sub" => match argument {
                Value::String(text) => self.substitute(text, &Map::new()),
                Value::Array(parts) => match parts.as_slice() {
                    [Value::String(text), Value::Object(variables)] => self.substitute(text, variables),
                    _ => Err(wrong()),
                },
                _ => Err(wrong()),
            },
            "Fn::Join" => match list()? {
                [Value::String(separator), values] => {
                    let values = self.resolve(values)?;
                    Ok(texts(&values).ok_or_else(wrong)?.join(separator).into())
                }
                _ => Err(wrong()),
            },
            "Fn::Split" => match list()? {
                [Value::String(separator), text] => {
                    let text = self.resolve(text)?;
                    Ok(text.as_str().ok_or_else(wrong)?.split(separator).map(Value::from).collect())
                }
                _ => Err(wrong()),
            },
            "Fn::Select" => match list()? {
                [index, values] => {
                    let index = match self.resolve(index)? {
                        Value::Number(index) => index.as_u64(),
                        Value::String(index) => index.parse().ok(),
                        _ => None,
                    };
                    let values = self.resolve(values)?;
                    let index = index.and_then(|index| usize::try_from(index).ok()).ok_or_else(wrong)?;
                    values.get(index).cloned().ok_or_else(wrong)
                }
                _ => Err(wrong()),
            },
            "Fn::If" => match list()? {
                [Value::String(condition), then, otherwise] => {
                    self.resolve(if self.condition(condition)? { then } else { otherwise })
                }
                _ => Err(wrong()),
            },
            "Fn::Equals" => match list()? {
                [one, other] => Ok((self.resolve(one)? == self.resolve(other)?).into()),
                _ => Err(wrong()),
            },
            "Fn::Not" => match list()? {
                [value] => Ok((!self.truth(value)?).into()),
                _ => Err(wrong()),
            },
            "Fn::And" | "Fn::Or" => {
                let truths = list()?.iter().map(|value| self.truth(value)).collect::<Result<Vec<_>, _>>()?;
                let all = name == "Fn::And";
                Ok(if all { truths.iter().all(|truth| *truth) } else { truths.iter().any(|truth| *truth) }.into())
            }
            _ => Err(format!("the function `{name}` is not understood here")),
        }
    }

    fn reference(&self, name: &str) -> Result<Value, String> {
        if name == "AWS::NoValue" {
            return Ok(NO_VALUE.into());
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        let made = self.attributes.get(name).map(|value| value.as_str().into());
        made.ok_or_else(|| format!("`{name}` is neither a parameter nor a resource"))
    }

    fn substitute(&self, text: &str, variables: &Map<String, Value>) -> Result<Value, String> {
        let (mut result, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after.split_once('}').ok_or_else(|| format!("`{text}` has a `${{` that does not end"))?;
            result.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str(&format!("${{{literal}}}"));
            } else {
                let value = match variables.get(name) {
                    Some(value) => self.resolve(value)?,
                    None => match self.attributes.get(name) {
                        Some(attribute) => attribute.as_str().into(),
                        None => self.reference(name)?,
                    },
                };
                match value {
                    Value::String(value) => result.push_str(&value),
                    Value::Number(_) | Value::Bool(_) => result.push_str(&value.to_string()),
                    _ => return Err(format!("`${{{name}}}` must be a string")),
                }
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result.into())
    }
}

/// Returns the value of a parameter: the given one, or its default.
fn parameter(name: &str, declaration: &Value, given: Option<&str>) -> Result<Value, String> {
    let text = |key: &str| match declaration.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Bool(truth)) => Some(truth.to_string()),
        _ => None,
    };
    let value = given
        .map(str::to_owned)
        .or_else(|| text("Default"))
        .ok_or_else(|| format!("parameter `{name}` must have a value"))?;
    let is_value = |allowed: &Value| match allowed {
        Value::String(text) => *text == value,
        other => other.to_string().as_str() == value,
    };
    if let Some(Value::Array(allowed)) = declaration.get("AllowedValues")
        && !allowed.iter().any(is_value)
    {
        return Err(format!("parameter `{name}` must be one of its AllowedValues"));
    }
    let length = value.chars().count();
    let bound = |key: &str| text(key).and_then(|bound| bound.parse::<usize>().ok());
    if bound("MinLength").is_some_and(|min| length < min) || bound("MaxLength").is_some_and(|max| length > max) {
        return Err(format!("parameter `{name}` is too short or too long"));
    }
    match text("Type").as_deref() {
        Some("String") => Ok(value.into()),
        Some("Number") if value.parse::<f64>().is_ok() => Ok(value.into()),
        Some("CommaDelimitedList") => Ok(value.split(',').map(|part| Value::from(part.trim())).collect()),
        other => {
            Err(format!("parameter `{name}` has the type {other:?}, which is not understood here or not its value's"))
        }
    }
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// Converts YAML to JSON, with short forms of functions (`!Ref`) in their long form (`Ref`, `Fn::Sub`).
fn json(yaml: serde_yaml_ng::Value) -> Result<Value, String> {
    use serde_yaml_ng::Value as Yaml;
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(truth) => truth.into(),
        Yaml::Number(number) => serde_json::to_value(number).map_err(|error| error.to_string())?,
        Yaml::String(text) => text.into(),
        Yaml::Sequence(values) => Value::Array(values.into_iter().map(json).collect::<Result<_, _>>()?),
        Yaml::Mapping(members) => {
            let mut object = Map::new();
            for (name, value) in members {
                let Yaml::String(name) = name else {
                    return Err(format!("the key `{name:?}` must be a string"));
                };
                object.insert(name, json(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let name = if name == "Ref" || name == "Condition" { name.to_owned() } else { format!("Fn::{name}") };
            Value::Object(Map::from_iter([(name, json(tagged.value)?)]))
        }
    })
}
