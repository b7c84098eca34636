//! PUT /v1/integrations/aws-identity-center/config.

use std::sync::{Arc, LazyLock};

use alternatives::{Found, Refused, Store, body, refused, serve};
use lambda_http::{Error, Request};
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const KEY: &str = "CONFIG";

static ARN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^arn:(aws(?:-[a-z]{1,5}){0,3}):sso:::instance/(?:sso)?ins-[a-zA-Z0-9.-]{16,}$").unwrap()
});
static ROLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^arn:(aws(?:-[a-z]{1,5}){0,3}):iam::\d{12}:role/[\w+=,.@/-]{1,576}$").unwrap());
static REGION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:[a-z]+-){2,3}\d$").unwrap());

#[derive(Serialize, Deserialize)]
struct Config {
    sso_instance_arn: Option<String>,
    role_arn: Option<String>,
    region: Option<String>,
}

#[derive(Deserialize)]
struct Given {
    sso_instance_arn: String,
    role_arn: String,
    region: String,
}

/// Returns the value and its partition, unless it is empty.
fn checked(name: &str, value: String, pattern: &Regex) -> Result<Option<(String, String)>, Refused> {
    if value.is_empty() {
        return Ok(None);
    }
    let Some(found) = pattern.captures(&value).filter(|_| value.len() <= 1224) else {
        return refused(400, format!("not valid: {name}"));
    };
    let prefixes = [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("eusc-", "aws-eusc")];
    let partition = match found.get(1) {
        Some(partition) => partition.as_str(),
        None => prefixes.iter().find(|(prefix, _)| value.starts_with(prefix)).map_or("aws", |(_, name)| *name),
    };
    let partition = partition.to_owned();
    Ok(Some((value, partition)))
}

async fn put(store: Arc<Store>, request: Request) -> Result<Value, Refused> {
    let found: Found<Config> = store.read(&request, KEY, "admin").await?;
    let Given { sso_instance_arn, role_arn, region } = body(&request)?;
    let arn = checked("sso_instance_arn", sso_instance_arn, &ARN)?;
    let role = checked("role_arn", role_arn, &ROLE)?;
    let region = checked("region", region, &REGION)?;
    let mut partitions: Vec<_> = [&arn, &role, &region].into_iter().flatten().map(|(_, name)| name).collect();
    partitions.dedup();
    if partitions.len() > 1 {
        return refused(400, "the values are of different partitions");
    }
    let [sso_instance_arn, role_arn, region] = [arn, role, region].map(|one| one.map(|(value, _)| value));
    let configured = sso_instance_arn.is_some() && role_arn.is_some();
    let saved = Config { sso_instance_arn, role_arn, region };
    store.write(&request, &found, "put-config", KEY, &saved).await?;
    let mut answer = serde_json::to_value(saved)?;
    answer["configured"] = json!(configured);
    Ok(answer)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve(put, |status, message, _| json!({"code": status.to_string(), "message": message})).await
}
