//! The parts of `template.yaml` that the local stack needs: functions, their events, tables, buses and keys.
//!
//! Source of the formats: the AWS Serverless Application Model specification, version 2016-10-31.

mod intrinsics;

pub use intrinsics::{ACCOUNT, REGION, STACK_NAME};

use crate::{Error, pattern::Pattern};
use intrinsics::{Resolver, entries, scalar};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// A template, parsed and resolved.
#[derive(Debug, Default)]
pub struct Template {
    /// All functions, by the name of their binary.
    pub functions: BTreeMap<String, Function>,
    /// Routes of the HTTP API.
    pub routes: Vec<Route>,
    /// Functions with a schedule.
    pub schedules: Vec<Schedule>,
    /// Functions that read a table's stream.
    pub streams: Vec<StreamSource>,
    /// Functions that a bus invokes.
    pub rules: Vec<Rule>,
    /// Tables, as parameters of `CreateTable`.
    pub tables: Vec<Table>,
    /// Names of the event buses.
    pub buses: Vec<String>,
    /// KMS keys.
    pub keys: Vec<Key>,
    /// Aliases of KMS keys, without `alias/`, and the keys' ids.
    pub aliases: Vec<(String, String)>,
}

/// A Lambda function.
#[derive(Debug, Clone)]
pub struct Function {
    /// Name of the binary, which is also the local name of the function.
    pub name: String,
    /// Name after deployment. A direct invocation may use it too.
    pub deployed_name: Option<String>,
    /// Time limit of one invocation.
    pub timeout: Duration,
    /// Memory in MB. The function sees it, but nothing enforces it.
    pub memory: u64,
    /// Environment variables, resolved.
    pub environment: BTreeMap<String, String>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method in upper case, or `ANY`.
    pub method: String,
    /// The path as in the template (`/v1/instances/{instance_id}`), or `$default`.
    pub path: String,
    /// The function to invoke.
    pub function: String,
    /// Time limit of the integration.
    pub timeout: Duration,
}

/// An event of type `Schedule` (EventBridge rule) or `ScheduleV2` (EventBridge Scheduler).
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The function to invoke.
    pub function: String,
    /// Name of the event in the template.
    pub name: String,
    /// `rate(1 day)` or `cron(0 6 * * ? *)`.
    pub expression: String,
    /// Input of the function instead of the scheduled event, if the template has one.
    pub input: Option<Value>,
    /// True for EventBridge Scheduler, whose event differs a little.
    pub scheduler: bool,
}

/// An event of type `DynamoDB`.
#[derive(Debug, Clone)]
pub struct StreamSource {
    /// The function to invoke.
    pub function: String,
    /// Name of the event in the template.
    pub name: String,
    /// Name of the table.
    pub table: String,
    /// True if the mapping starts at the oldest record (`TRIM_HORIZON`), false for the newest.
    pub from_start: bool,
    /// Largest number of records per invocation.
    pub batch_size: usize,
    /// Filters. The function gets a record that matches one of them; without filters, it gets all records.
    pub filters: Vec<Pattern>,
    /// True if a failed batch is split in two for its next attempt.
    pub bisect: bool,
    /// Attempts after the first; `None` retries until the batch succeeds.
    pub retries: Option<u64>,
    /// Largest age of a record that the function gets; `None` is the age that the stream allows.
    pub max_age: Option<Duration>,
    /// True if the function's response lists the failed records.
    pub reports_item_failures: bool,
    /// ARN of the queue or topic for records of given-up batches.
    pub on_failure: Option<String>,
}

/// An event of type `EventBridgeRule`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The function to invoke.
    pub function: String,
    /// Name of the bus.
    pub bus: String,
    /// Pattern of the events that it gets.
    pub pattern: Pattern,
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// `SYMMETRIC_DEFAULT`, `HMAC_256` and so on.
    pub spec: String,
}

/// A DynamoDB table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Parameters of `CreateTable`.
    pub create: Value,
    /// The attribute with an item's time to live, if the table has one.
    pub ttl_attribute: Option<String>,
}

/// Lambda's default, in seconds.
const DEFAULT_TIMEOUT: u64 = 3;
/// Lambda's default, in MB.
const DEFAULT_MEMORY: u64 = 128;
/// Longest time that an HTTP API waits for an integration, and its default, in milliseconds.
///
/// Source: "Quotas for configuring and running an HTTP API", API Gateway Developer Guide.
const INTEGRATION_TIMEOUT: u64 = 30_000;

impl Template {
    /// Reads the template at `path`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::while_doing(format!("template `{}`", path.display()), error))?;
        Self::parse(&text).map_err(|error| Error::while_doing(format!("template `{}`", path.display()), error))
    }

    /// Parses a template.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let yaml = serde_yaml_ng::from_str(text).map_err(|error| Error::new(error.to_string()))?;
        let document = intrinsics::long_form(yaml)?;
        let resolver = Resolver::new(&document);
        let globals = document.get("Globals").and_then(|globals| globals.get("Function"));
        let mut template = Self::default();
        for (logical, resource) in entries(document.get("Resources")) {
            if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
                && !resolver.condition(condition)?
            {
                continue;
            }
            let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
            template
                .add(&resolver, globals, logical, kind, resource)
                .map_err(|error| Error::while_doing(format!("resource `{logical}`"), error))?;
        }
        Ok(template)
    }

    /// Finds a function by its binary's name or its deployed name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions
            .get(name)
            .or_else(|| self.functions.values().find(|function| function.deployed_name.as_deref() == Some(name)))
    }

    fn add(
        &mut self,
        resolver: &Resolver<'_>,
        globals: Option<&Value>,
        logical: &str,
        kind: &str,
        resource: &Value,
    ) -> Result<(), Error> {
        let properties = resource.get("Properties").unwrap_or(&Value::Null);
        let reference = || resolver.text(&json!({ "Ref": logical }));
        match kind {
            "AWS::Serverless::Function" => {
                let function = function(resolver, globals, resource)?;
                for (name, event) in entries(properties.get("Events")) {
                    self.add_event(resolver, &function.name, name, event)
                        .map_err(|error| Error::while_doing(format!("event `{name}`"), error))?;
                }
                if let Some(other) = self.functions.insert(function.name.clone(), function) {
                    return Err(Error::new(format!("binary `{}` is another function's already", other.name)));
                }
            }
            "AWS::DynamoDB::Table" => self.tables.push(table(resolver, reference()?, properties)?),
            "AWS::Events::EventBus" => self.buses.push(reference()?),
            "AWS::KMS::Key" => {
                let spec = properties.get("KeySpec").map(|spec| resolver.text(spec)).transpose()?;
                self.keys.push(Key { id: reference()?, spec: spec.unwrap_or_else(|| "SYMMETRIC_DEFAULT".to_owned()) });
            }
            "AWS::KMS::Alias" => {
                let name = reference()?;
                let key = resolver.text(properties.get("TargetKeyId").unwrap_or(&Value::Null))?;
                // The key may be given as an ARN.
                let key = key.rsplit('/').next().unwrap_or(&key).to_owned();
                self.aliases.push((name.trim_start_matches("alias/").to_owned(), key));
            }
            _ => {}
        }
        Ok(())
    }

    fn add_event(&mut self, resolver: &Resolver<'_>, function: &str, name: &str, event: &Value) -> Result<(), Error> {
        let properties = resolver.resolve(event.get("Properties").unwrap_or(&json!({})))?;
        let text = |key: &str| properties.get(key).and_then(scalar);
        let enabled = text("State").is_none_or(|state| state == "ENABLED")
            && text("Enabled").is_none_or(|enabled| enabled == "true");
        let function = function.to_owned();
        match event.get("Type").and_then(Value::as_str).unwrap_or_default() {
            "HttpApi" => {
                let path = text("Path").unwrap_or_else(|| "$default".to_owned());
                let timeout = properties.get("TimeoutInMillis").and_then(Value::as_u64);
                self.routes.push(Route {
                    method: text("Method").unwrap_or_else(|| "ANY".to_owned()).to_ascii_uppercase(),
                    path: if path == "/$default" { "$default".to_owned() } else { path },
                    function,
                    timeout: Duration::from_millis(timeout.unwrap_or(INTEGRATION_TIMEOUT).min(INTEGRATION_TIMEOUT)),
                });
            }
            kind @ ("Schedule" | "ScheduleV2") => {
                let expression = text("Schedule").or_else(|| text("ScheduleExpression"));
                let input = text("Input").map(|input| serde_json::from_str(&input)).transpose();
                if enabled {
                    self.schedules.push(Schedule {
                        function,
                        name: name.to_owned(),
                        expression: expression.ok_or_else(|| Error::new("no schedule expression"))?,
                        input: input.map_err(|error| Error::while_doing("`Input`", error))?,
                        scheduler: kind == "ScheduleV2",
                    });
                }
            }
            "DynamoDB" => {
                let stream = text("Stream").unwrap_or_default();
                let table = stream.split('/').nth(1).map(str::to_owned);
                let types = properties.get("FunctionResponseTypes").and_then(Value::as_array);
                let filters = properties.pointer("/FilterCriteria/Filters").and_then(Value::as_array);
                if enabled {
                    self.streams.push(StreamSource {
                        function,
                        name: name.to_owned(),
                        table: table.ok_or_else(|| Error::new(format!("`{stream}` is not the stream of a table")))?,
                        from_start: text("StartingPosition").is_some_and(|position| position == "TRIM_HORIZON"),
                        batch_size: text("BatchSize").and_then(|size| size.parse().ok()).unwrap_or(100),
                        filters: filters.into_iter().flatten().map(filter).collect::<Result<_, _>>()?,
                        bisect: text("BisectBatchOnFunctionError").is_some_and(|bisect| bisect == "true"),
                        // -1 means no limit, for both.
                        retries: text("MaximumRetryAttempts").and_then(|retries| retries.parse().ok()),
                        max_age: text("MaximumRecordAgeInSeconds")
                            .and_then(|age| age.parse().ok().map(Duration::from_secs)),
                        reports_item_failures: types
                            .is_some_and(|types| types.iter().any(|kind| kind == "ReportBatchItemFailures")),
                        on_failure: properties.pointer("/DestinationConfig/OnFailure/Destination").and_then(scalar),
                    });
                }
            }
            "EventBridgeRule" | "CloudWatchEvent" => {
                let pattern = properties.get("Pattern").unwrap_or(&Value::Null);
                self.rules.push(Rule {
                    function,
                    bus: text("EventBusName").unwrap_or_else(|| "default".to_owned()),
                    pattern: Pattern::parse(pattern)?,
                });
            }
            other => return Err(Error::new(format!("type `{other}` does not run locally"))),
        }
        Ok(())
    }
}

fn function(resolver: &Resolver<'_>, globals: Option<&Value>, resource: &Value) -> Result<Function, Error> {
    let properties = resource.get("Properties").unwrap_or(&Value::Null);
    let property = |name: &str| properties.get(name).or_else(|| globals.and_then(|globals| globals.get(name)));
    let number = |name: &str, default: u64| match property(name) {
        Some(value) => {
            let text = resolver.text(value)?;
            text.parse().map_err(|_| Error::new(format!("`{name}` is `{text}`, not a number")))
        }
        None => Ok(default),
    };
    let binary = resource
        .pointer("/Metadata/BuildProperties/Binary")
        .ok_or_else(|| Error::new("`Metadata.BuildProperties.Binary` does not name the binary"))?;
    let mut environment = BTreeMap::new();
    // A function's own variables are merged over the global ones.
    for source in [globals, Some(properties)] {
        for (name, value) in entries(source.and_then(|source| source.pointer("/Environment/Variables"))) {
            let value =
                resolver.text(value).map_err(|error| Error::while_doing(format!("variable `{name}`"), error))?;
            environment.insert(name.clone(), value);
        }
    }
    Ok(Function {
        name: resolver.text(binary)?,
        deployed_name: properties.get("FunctionName").map(|name| resolver.text(name)).transpose()?,
        timeout: Duration::from_secs(number("Timeout", DEFAULT_TIMEOUT)?),
        memory: number("MemorySize", DEFAULT_MEMORY)?,
        environment,
    })
}

fn table(resolver: &Resolver<'_>, name: String, properties: &Value) -> Result<Table, Error> {
    let mut create = serde_json::Map::new();
    create.insert("TableName".to_owned(), Value::String(name.clone()));
    for key in [
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
        "LocalSecondaryIndexes",
        "BillingMode",
        "ProvisionedThroughput",
        "StreamSpecification",
    ] {
        if let Some(value) = properties.get(key) {
            create.insert(key.to_owned(), resolver.resolve(value)?);
        }
    }
    // CloudFormation has no `StreamEnabled`: a view type enables the stream.
    if let Some(stream) = create.get_mut("StreamSpecification").and_then(Value::as_object_mut) {
        stream.insert("StreamEnabled".to_owned(), Value::Bool(true));
    }
    let ttl = properties.get("TimeToLiveSpecification").map(|ttl| resolver.resolve(ttl)).transpose()?;
    let ttl = ttl.filter(|ttl| ttl.get("Enabled").and_then(scalar).is_some_and(|enabled| enabled == "true"));
    Ok(Table {
        name,
        create: Value::Object(create),
        ttl_attribute: ttl.and_then(|ttl| ttl.get("AttributeName").and_then(scalar)),
    })
}

/// Parses a filter, whose pattern is JSON in a string.
fn filter(filter: &Value) -> Result<Pattern, Error> {
    let text = filter.get("Pattern").and_then(Value::as_str).unwrap_or_default();
    let pattern = serde_json::from_str(text).map_err(|error| Error::while_doing("filter pattern", error))?;
    Pattern::parse(&pattern)
}

#[cfg(test)]
mod tests;
