//! Parameters of the operations, with the model's constraints, and pages.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::page::page;
use crate::wire::{Failure, constraint, missing};

/// Default size of a page. AWS does not document its own; with this one, the fixture's permission sets need two pages.
const PAGE: usize = 10;
const MAX_PAGE: i64 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListInstances {
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
    pub(super) region_scope: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfInstance {
    pub(super) instance_arn: Option<String>,
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfPermissionSet {
    pub(super) instance_arn: Option<String>,
    pub(super) permission_set_arn: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) provisioning_status: Option<String>,
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfPrincipal {
    pub(super) instance_arn: Option<String>,
    pub(super) principal_id: Option<String>,
    pub(super) principal_type: Option<String>,
    pub(super) filter: Option<Filter>,
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) account_id: Option<String>,
}

pub(super) fn invalid(message: String) -> Failure {
    Failure::new("ValidationException", message)
}

pub(super) fn paged<T: Clone + Into<Value>>(
    member: &str,
    items: &[T],
    max_results: Option<i64>,
    token: Option<&str>,
    query: &str,
) -> Result<Value, Failure> {
    let size = match max_results {
        None => PAGE,
        Some(n) if n < 1 => {
            return Err(invalid(constraint(&n.to_string(), "maxResults", "have value greater than or equal to 1")));
        }
        Some(n) if n > MAX_PAGE => {
            return Err(invalid(constraint(&n.to_string(), "maxResults", "have value less than or equal to 100")));
        }
        Some(n) => usize::try_from(n).unwrap_or(PAGE),
    };
    let token = token.filter(|token| !token.is_empty());
    let (items, next) = page(items, size, token, query).ok_or_else(|| invalid("The NextToken is not valid.".into()))?;
    let mut body = json!({ member: items.into_iter().map(Into::into).collect::<Vec<Value>>() });
    if let (Some(next), Some(body)) = (next, body.as_object_mut()) {
        body.insert("NextToken".into(), next.into());
    }
    Ok(body)
}

/// Checks an instance's ARN. AWS requires exactly 16 characters after `ins-`; longer ids are accepted, because the
/// published example has 17.
pub(super) fn instance_arn(arn: Option<&str>) -> Result<&str, Failure> {
    let arn = arn.ok_or_else(|| invalid(missing("instanceArn")))?;
    let id = partitioned(arn).and_then(|rest| rest.strip_prefix(":sso:::instance/"));
    let is_id = |id: &str| instance_id(id).is_some();
    if id.is_some_and(is_id) && arn.len() <= 1224 {
        return Ok(arn);
    }
    let pattern = r"satisfy regular expression pattern: arn:(aws|aws-us-gov|aws-cn|aws-iso|aws-iso-b):sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}";
    Err(invalid(constraint(arn, "instanceArn", pattern)))
}

pub(super) fn permission_set_arn(arn: Option<&str>) -> Result<&str, Failure> {
    let arn = arn.ok_or_else(|| invalid(missing("permissionSetArn")))?;
    let is_set = partitioned(arn)
        .and_then(|rest| rest.strip_prefix(":sso:::permissionSet/")?.split_once('/'))
        .is_some_and(|(instance, set)| {
            instance_id(instance).is_some()
                && set.strip_prefix("ps-").is_some_and(|id| {
                    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-./".contains(&byte))
                })
        });
    if is_set {
        return Ok(arn);
    }
    let pattern = r"satisfy regular expression pattern: arn:(aws|aws-us-gov|aws-cn|aws-iso|aws-iso-b):sso:::permissionSet/(sso)?ins-[a-zA-Z0-9-.]{16}/ps-[a-zA-Z0-9-./]{16}";
    Err(invalid(constraint(arn, "permissionSetArn", pattern)))
}

/// Returns the part after `arn:<partition>`.
fn partitioned(arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix("arn:aws")?;
    let (suffix, _) = rest.split_at_checked(rest.find(':')?)?;
    let is_suffix = suffix.is_empty()
        || suffix.strip_prefix('-').is_some_and(|suffix| {
            suffix
                .split('-')
                .all(|part| (1..=5).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase()))
        });
    is_suffix.then(|| rest.get(suffix.len()..))?
}

fn instance_id(text: &str) -> Option<&str> {
    let id = text.strip_prefix("ssoins-").or_else(|| text.strip_prefix("ins-"))?;
    (id.len() >= 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))).then_some(id)
}

pub(super) fn account_id(account: Option<&str>) -> Result<&str, Failure> {
    let account = account.ok_or_else(|| invalid(missing("accountId")))?;
    if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(account);
    }
    Err(invalid(constraint(account, "accountId", r"satisfy regular expression pattern: \d{12}")))
}

pub(super) fn is_latest(status: Option<&str>) -> Result<bool, Failure> {
    match status {
        None | Some("LATEST_PERMISSION_SET_PROVISIONED") => Ok(true),
        Some("LATEST_PERMISSION_SET_NOT_PROVISIONED") => Ok(false),
        Some(other) => Err(invalid(constraint(
            other,
            "provisioningStatus",
            "satisfy enum value set: [LATEST_PERMISSION_SET_PROVISIONED, LATEST_PERMISSION_SET_NOT_PROVISIONED]",
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns() {
        for good in [
            "arn:aws:sso:::instance/ssoins-0123456789abcdef",
            "arn:aws:sso:::instance/ssoins-0123456789abcdef0",
            "arn:aws-us-gov:sso:::instance/ins-0123456789abcdef",
            "arn:aws-iso-b:sso:::instance/ssoins-0123456789abcdef",
        ] {
            assert_eq!(instance_arn(Some(good)).unwrap(), good);
        }
        for bad in [
            "arn:aws:sso:::instance/ssoins-0123456789abcde",
            "arn:aws:sso:::instance/0123456789abcdef",
            "arn:awsome:sso:::instance/ssoins-0123456789abcdef",
            "arn:aws-:sso:::instance/ssoins-0123456789abcdef",
            "arn:aws:sso:us-east-1::instance/ssoins-0123456789abcdef",
            "arn:aws:sso:::instance/ssoins-0123456789abcde/",
            "",
        ] {
            assert!(instance_arn(Some(bad)).is_err(), "{bad}");
        }
        assert!(
            permission_set_arn(Some("arn:aws:sso:::permissionSet/ssoins-0123456789abcdef0/ps-0123456789abcdef"))
                .is_ok()
        );
        assert!(
            permission_set_arn(Some("arn:aws:sso:::permissionSet/ssoins-0123456789abcdef0/ps-0123456789abcde"))
                .is_err()
        );
    }
}
