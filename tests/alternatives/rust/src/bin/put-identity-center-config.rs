//! PUT /v1/integrations/aws-identity-center/config.

use alternatives::{Found, Refused, Store, body, refused, serve};
use lambda_http::{Error, Request};
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const KEY: &str = "CONFIG";

const ARN: &str = r"^arn:(aws(?:-[a-z]{1,5}){0,3}):sso:::instance/(?:sso)?ins-[a-zA-Z0-9.-]{16,}$";
const ROLE: &str = r"^arn:(aws(?:-[a-z]{1,5}){0,3}):iam::\d{12}:role/[\w+=,.@/-]{1,576}$";
const REGION: &str = r"^(?:[a-z]+-){2,3}\d$";

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
        None => prefixes.iter().find(|(prefix, _)| value.starts_with(prefix)).map_or("aws", |(_, name)| name),
    };
    let partition = partition.to_owned();
    Ok(Some((value, partition)))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let patterns = [Regex::new(ARN)?, Regex::new(ROLE)?, Regex::new(REGION)?];
    let answer = async |store: &Store, request: &Request| -> Result<Value, Refused> {
        let found: Found<Config> = store.read(request, KEY, "admin").await?;
        let Given { sso_instance_arn, role_arn, region } = body(request)?;
        let [arn_pattern, role_pattern, region_pattern] = &patterns;
        let arn = checked("sso_instance_arn", sso_instance_arn, arn_pattern)?;
        let role = checked("role_arn", role_arn, role_pattern)?;
        let region = checked("region", region, region_pattern)?;
        let mut partitions: Vec<_> = [&arn, &role, &region].into_iter().flatten().map(|(_, name)| name).collect();
        partitions.dedup();
        if partitions.len() > 1 {
            return refused(400, "the values are of different partitions");
        }
        let [sso_instance_arn, role_arn, region] = [arn, role, region].map(|one| one.map(|(value, _)| value));
        let saved = Config { sso_instance_arn, role_arn, region };
        store.write(request, &found, "put-config", KEY, &saved).await?;
        let Config { sso_instance_arn, role_arn, region } = &saved;
        Ok(json!({
            "sso_instance_arn": sso_instance_arn, "role_arn": role_arn, "region": region,
            "configured": sso_instance_arn.is_some() && role_arn.is_some(),
        }))
    };
    serve(answer, |status, message, _| json!({"code": status.to_string(), "message": message})).await
}
