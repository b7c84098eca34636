//! The check of a deployment: the function of operators that says what is wrong and what to do.
//!
//! A check fails where something does not work, and warns where it works and is at risk or has to be looked at.

use std::pin::Pin;

use futures_util::future::join_all;
use serde::Serialize;
use trustplane_aws::{KeyState, Uninspected, describe_bus, describe_key, waiting_messages};
use trustplane_domain::{Failure, Faults};
use trustplane_runtime::{OperatorCall, Platform, Response};
use trustplane_store::Description;

/// Keys of the table and of its index, and the attribute of the time to live: those of the template.
const TABLE_KEYS: [&str; 2] = ["pk", "sk"];
const INDEX: (&str, [&str; 2]) = ("GSI1", ["due_pk", "due_sk"]);
const TTL: &str = "ttl";
const STREAM: &str = "NEW_AND_OLD_IMAGES";

const DEPLOY: &str = "deploy the template again";
const PERMISSION: &str = "deploy the template again; if the error stays, a policy of the organization or of the resource \
                          denies it";
const RETRY: &str = "run the check again in a minute; if the error stays, look it up in the service's API reference";
const ENDPOINT: &str = "in a local stack there is nothing to do; in AWS, remove the functions' variables that begin with \
                        AWS_ENDPOINT_URL, so that they call AWS";
const LETTERS: &str = "read them as docs/operations.md says, section of the alarm `DeadLettersAlarm`";

/// The response.
#[derive(Debug, Serialize)]
struct Report {
    /// True if no check failed.
    ok: bool,
    /// Version of the code.
    version: &'static str,
    checks: Vec<Check>,
}

/// Result of a check.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    /// The state that was found.
    found: String,
    /// The next step of the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pass,
    Warn,
    Fail,
}

/// `check-deployment`: `{}`; checks table, keys, bus, archive, queues, parameters and versions. Nothing is written.
pub async fn check(call: OperatorCall) -> Result<Response, Failure> {
    call.fields()?.finish(Faults::default())?;
    let platform = &*call.platform;
    let parts: Vec<Pin<Box<dyn Future<Output = Vec<Check>> + '_>>> = vec![
        Box::pin(async { table(platform.table.name(), platform.table.describe().await) }),
        Box::pin(a_key(platform, "key", platform.key_id(), "SYMMETRIC_DEFAULT", "ExistingKeyArn")),
        Box::pin(a_key(platform, "mac_key", platform.mac_key_id(), "HMAC_256", "ExistingMacKeyArn")),
        Box::pin(a_key(platform, "signing_key", platform.signing_key(), "ECC_NIST_P256", "ExistingSigningKeyArn")),
        Box::pin(bus(platform)),
        Box::pin(archive(platform)),
        Box::pin(queue(platform, "dead_letters", platform.schedule_dead_letters())),
        Box::pin(queue(platform, "audit_dead_letters", platform.audit_dead_letters())),
    ];
    let mut checks: Vec<Check> = join_all(parts).await.into_iter().flatten().collect();
    checks.extend(parameters(platform));
    checks.push(version(platform.template_version()));
    let ok = checks.iter().all(|check| check.status != Status::Fail);
    Ok(Response::ok(&Report { ok, version: env!("CARGO_PKG_VERSION"), checks }))
}

fn pass(name: &'static str, found: impl Into<String>) -> Check {
    Check { name, status: Status::Pass, found: found.into(), fix: None }
}

fn warn(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { name, status: Status::Warn, found: found.into(), fix: Some(fix.into()) }
}

fn fail(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { name, status: Status::Fail, found: found.into(), fix: Some(fix.into()) }
}

/// Reports a resource whose state could not be read. `missing` is the fix for one that does not exist.
fn uninspected(name: &'static str, what: &str, error: &Uninspected, missing: &str) -> Check {
    match error {
        Uninspected::Missing => fail(name, format!("{what} does not exist in this account and region"), missing),
        Uninspected::Denied => fail(name, format!("{what}: the function is not permitted to read it"), PERMISSION),
        Uninspected::Unsupported => fail(name, format!("this endpoint cannot describe the {what}"), ENDPOINT),
        Uninspected::Failed(error) => fail(name, format!("{what} cannot be read: {error}"), RETRY),
    }
}

fn table(name: &str, described: Result<Description, Uninspected>) -> Vec<Check> {
    let what = format!("table `{name}`");
    let table = match described {
        Ok(table) => table,
        Err(error) => {
            let restore = "restore the table from a backup and deploy with ExistingTableArn and ExistingTableStreamArn";
            return vec![uninspected("table", &what, &error, restore)];
        }
    };
    let mut checks = Vec::new();
    checks.push(match table.status.as_str() {
        "ACTIVE" | "UPDATING" if table.keys == TABLE_KEYS => pass("table", format!("{what} is {}", table.status)),
        "ACTIVE" | "UPDATING" => {
            let keys = table.keys.join("` and `");
            let found = format!("{what} has the keys `{keys}`, not `{}`", TABLE_KEYS.join("` and `"));
            fail("table", found, "ExistingTableArn names another table: deploy with the table of Trustplane")
        }
        status => fail("table", format!("{what} is {status}"), "wait until it is ACTIVE, then run the check again"),
    });
    let index = table.indexes.iter().find(|(index, ..)| index == INDEX.0);
    checks.push(match index {
        Some((_, status, keys)) if keys == &INDEX.1 && status == "ACTIVE" => pass("due_list", "the index is ACTIVE"),
        Some((_, status, keys)) if keys == &INDEX.1 => fail(
            "due_list",
            format!("the index is {status}"),
            "wait until it is ACTIVE: scheduled work is late until then",
        ),
        _ => fail("due_list", format!("{what} has no index `{}`", INDEX.0), "restore the table with its indexes"),
    });
    checks.push(match table.stream.as_deref() {
        Some(STREAM) => pass("stream", "the stream has new and old images"),
        Some(other) => {
            fail("stream", format!("the stream has {other}, not {STREAM}"), "replace it by one with both images")
        }
        None => {
            let fix = "enable a stream with new and old images, then deploy with its ARN as ExistingTableStreamArn: no \
                       audit record is published without it";
            fail("stream", format!("{what} has no stream"), fix)
        }
    });
    checks.push(match &table.ttl {
        Ok(Some(attribute)) if attribute == TTL => pass("expiry", "items expire"),
        Ok(_) => warn("expiry", "items do not expire", format!("enable time to live on the attribute `{TTL}`")),
        Err(error) => unread("expiry", "a time to live", error),
    });
    checks.push(match &table.has_point_in_time_recovery {
        Ok(true) => pass("backups", "point-in-time recovery is enabled"),
        Ok(false) => warn("backups", "point-in-time recovery is disabled", "enable it: the table cannot be restored"),
        Err(error) => unread("backups", "backups", error),
    });
    if !table.is_protected {
        checks.push(warn("protection", "one call can delete the table", "enable deletion protection"));
    }
    checks
}

/// Reports a property that could not be read of a resource that works. `has` names it: "backups".
fn unread(name: &'static str, has: &str, error: &Uninspected) -> Check {
    match error {
        Uninspected::Unsupported => warn(name, format!("this endpoint does not have {has}"), ENDPOINT),
        Uninspected::Failed(error) => {
            warn(name, format!("it is not known if the table has {has}, which cannot be read: {error}"), RETRY)
        }
        Uninspected::Denied => warn(
            name,
            format!("it is not known if the table has {has}: the function is not permitted to read it"),
            PERMISSION,
        ),
        Uninspected::Missing => {
            let found = format!("it is not known if the table has {has}: the table was not found");
            warn(name, found, DEPLOY)
        }
    }
}

async fn a_key(platform: &Platform, name: &'static str, id: Option<&str>, spec: &str, parameter: &str) -> Vec<Check> {
    let Some(id) = id else { return vec![fail(name, "the function has no id of the key", DEPLOY)] };
    vec![key(name, id, spec, parameter, describe_key(&platform.sdk, &platform.meter, id).await)]
}

fn key(name: &'static str, id: &str, spec: &str, parameter: &str, described: Result<KeyState, Uninspected>) -> Check {
    let what = format!("KMS key `{id}`");
    match described {
        Err(error) => {
            let missing = format!("deploy with {parameter} set to the key of the earlier stack, or to its replica");
            uninspected(name, &what, &error, &missing)
        }
        Ok(key) if key.spec != spec => {
            let fix = format!("{parameter} names another key: deploy with a key of {spec}");
            fail(name, format!("{what} is of {}, not {spec}", key.spec), fix)
        }
        Ok(key) if key.state == "PendingDeletion" => {
            let fix =
                "run `aws kms cancel-key-deletion`, then `aws kms enable-key`: what the key protects is lost with it";
            fail(name, format!("{what} is about to be deleted"), fix)
        }
        Ok(key) if key.state == "Disabled" => fail(name, format!("{what} is disabled"), "run `aws kms enable-key`"),
        Ok(key) if key.state != "Enabled" => fail(name, format!("{what} is {}", key.state), "wait, or replace the key"),
        Ok(key) if !key.is_multi_region => {
            let fix = "the loss of the region is the loss of the key: see docs/operations.md, section on regions";
            warn(name, format!("{what} has no replicas in other regions"), fix)
        }
        Ok(_) => pass(name, format!("{what} is enabled")),
    }
}

async fn bus(platform: &Platform) -> Vec<Check> {
    let Some(bus) = platform.event_bus() else {
        return vec![fail("bus", "the function has no name of the bus", DEPLOY)];
    };
    let what = format!("event bus `{bus}`");
    vec![match describe_bus(&platform.sdk, &platform.meter, bus).await {
        Ok(()) => pass("bus", format!("{what} exists")),
        Err(error) => {
            let missing = "create the bus again, or deploy with ExistingBusArn: audit records wait for 23 hours";
            uninspected("bus", &what, &error, missing)
        }
    }]
}

async fn archive(platform: &Platform) -> Vec<Check> {
    let Ok(archive) = platform.archive() else {
        return vec![fail("archive", "the function has no name of the bucket of seals", DEPLOY)];
    };
    vec![match archive.lock().await {
        Ok(Some((mode, days))) if mode == "COMPLIANCE" => {
            pass("archive", format!("seals are locked for {days} days in compliance mode"))
        }
        Ok(lock) => {
            let mode = lock.map_or_else(|| "no lock".to_owned(), |(mode, _)| format!("the mode {mode}"));
            let fix = "deploy with ExistingArchive set to a bucket with Object Lock and a default retention in compliance \
                       mode, or without ExistingArchive";
            fail("archive", format!("the bucket of seals has {mode}: they can be deleted"), fix)
        }
        Err(error) => fail("archive", error.to_string(), PERMISSION),
    }]
}

async fn queue(platform: &Platform, name: &'static str, url: Option<&str>) -> Vec<Check> {
    let Some(url) = url else { return vec![fail(name, "the function has no URL of the queue", DEPLOY)] };
    let what = format!("queue `{}`", url.rsplit('/').next().unwrap_or(url));
    vec![match waiting_messages(&platform.sdk, &platform.meter, url).await {
        Ok(0) => pass(name, format!("{what} is empty")),
        Ok(number) => warn(name, format!("{what} has {number} messages"), LETTERS),
        Err(error) => uninspected(name, &what, &error, DEPLOY),
    }]
}

/// Checks the parameters that a deployment works without, or with a value that cannot be right.
fn parameters(platform: &Platform) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, value) in [("SamlBase", platform.saml_base().ok()), ("RedirectBase", platform.redirect_text())] {
        checks.extend(match value {
            None => Some(fail("parameters", format!("{name} is not set"), format!("deploy with {name}"))),
            Some(value) if is_example(value) => {
                let fix = format!("deploy with {name} at your login service: customers configure addresses below it");
                Some(warn("parameters", format!("{name} is `{value}`, an example"), fix))
            }
            Some(_) => None,
        });
    }
    if platform.bootstrap_template_url().is_none() {
        let fix = "optional: put shared/domain/src/connection/bootstrap/role.yaml into an S3 bucket of yours that customers \
                   may read, and deploy with BootstrapTemplateUrl";
        checks.push(warn("parameters", "responses have no link that opens the role's template", fix));
    }
    if checks.is_empty() {
        checks.push(pass("parameters", "all are set"));
    }
    checks
}

/// Returns true for a URL at a host that is reserved for examples (RFC 2606, 3).
fn is_example(url: &str) -> bool {
    let host = url.split('/').nth(2).unwrap_or_default().split(':').next().unwrap_or_default();
    ["example", "example.com", "example.net", "example.org"]
        .iter()
        .any(|name| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn version(template: Option<&str>) -> Check {
    let code = env!("CARGO_PKG_VERSION");
    match template {
        Some(template) if template == code => pass("version", format!("code and template are of version {code}")),
        template => {
            let template = template.unwrap_or("an unknown version");
            let fix = "run `sam build`, then `sam deploy`: functions of another build are deployed";
            fail("version", format!("the code is of version {code}, the template of {template}"), fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> Description {
        let text = |text: &str| text.to_owned();
        Description {
            status: text("ACTIVE"),
            keys: TABLE_KEYS.map(str::to_owned).to_vec(),
            indexes: vec![(text("GSI1"), text("ACTIVE"), INDEX.1.map(str::to_owned).to_vec())],
            stream: Some(text(STREAM)),
            is_protected: true,
            ttl: Ok(Some(text(TTL))),
            has_point_in_time_recovery: Ok(true),
        }
    }

    fn reasons() -> [Uninspected; 4] {
        [Uninspected::Missing, Uninspected::Denied, Uninspected::Unsupported, Uninspected::Failed("timeout".into())]
    }

    fn failing(checks: &[Check]) -> Vec<(&'static str, Status)> {
        assert!(checks.iter().all(|check| (check.status == Status::Pass) == check.fix.is_none()), "{checks:?}");
        checks.iter().filter(|check| check.status != Status::Pass).map(|check| (check.name, check.status)).collect()
    }

    #[test]
    fn each_fault_of_a_table_is_reported_with_its_fix() {
        assert_eq!(failing(&table("t", Ok(description()))), []);
        let of = |change: &dyn Fn(&mut Description)| {
            let mut description = description();
            change(&mut description);
            failing(&table("t", Ok(description)))
        };
        assert_eq!(of(&|table| table.status = "CREATING".into()), [("table", Status::Fail)]);
        assert_eq!(of(&|table| table.keys = vec!["id".into()]), [("table", Status::Fail)]);
        assert_eq!(of(&|table| table.indexes.clear()), [("due_list", Status::Fail)]);
        assert_eq!(of(&|table| table.indexes[0].1 = "CREATING".into()), [("due_list", Status::Fail)]);
        assert_eq!(of(&|table| table.stream = None), [("stream", Status::Fail)]);
        assert_eq!(of(&|table| table.stream = Some("KEYS_ONLY".into())), [("stream", Status::Fail)]);
        assert_eq!(of(&|table| table.ttl = Ok(None)), [("expiry", Status::Warn)]);
        assert_eq!(of(&|table| table.has_point_in_time_recovery = Ok(false)), [("backups", Status::Warn)]);
        assert_eq!(of(&|table| table.is_protected = false), [("protection", Status::Warn)]);
        let denied = Err(Uninspected::Denied);
        assert_eq!(of(&|table| table.has_point_in_time_recovery = denied.clone()), [("backups", Status::Warn)]);
        for error in reasons() {
            assert_eq!(failing(&table("t", Err(error.clone()))), [("table", Status::Fail)]);
            let both = Description { ttl: Err(error.clone()), has_point_in_time_recovery: Err(error), ..description() };
            assert_eq!(failing(&table("t", Ok(both))), [("expiry", Status::Warn), ("backups", Status::Warn)]);
        }
        let unsupported = Err(Uninspected::Unsupported);
        let checks = table("t", Ok(Description { has_point_in_time_recovery: unsupported, ..description() }));
        let backups = checks.iter().find(|check| check.name == "backups").unwrap();
        assert_eq!(backups.found, "this endpoint does not have backups");
        assert_eq!(backups.fix.as_deref(), Some(ENDPOINT));
        let other = table("t", Ok(Description { keys: vec!["id".into(), "at".into()], ..description() }));
        assert_eq!(other[0].found, "table `t` has the keys `id` and `at`, not `pk` and `sk`");
    }

    #[test]
    fn each_fault_of_a_key_is_reported_with_its_fix() {
        let of = |state: &str, spec: &str, is_multi_region| {
            let state = KeyState { state: state.to_owned(), spec: spec.to_owned(), is_multi_region };
            failing(&[key("key", "k", "HMAC_256", "ExistingMacKeyArn", Ok(state))])
        };
        assert_eq!(of("Enabled", "HMAC_256", true), []);
        assert_eq!(of("Enabled", "HMAC_256", false), [("key", Status::Warn)]);
        for (state, spec) in [("Enabled", "HMAC_512"), ("Disabled", "HMAC_256"), ("PendingDeletion", "HMAC_256")] {
            assert_eq!(of(state, spec, true), [("key", Status::Fail)], "{state} {spec}");
        }
    }

    #[test]
    fn examples_are_recognized() {
        for url in ["https://auth.example.com", "https://example.org/x", "https://a.example:8443/"] {
            assert!(is_example(url), "{url}");
        }
        for url in ["https://auth.myexample.com", "https://login.acme.io", "https://example.com.acme.io"] {
            assert!(!is_example(url), "{url}");
        }
    }

    #[test]
    fn code_of_another_version_than_the_template_fails() {
        assert_eq!(version(Some(env!("CARGO_PKG_VERSION"))).status, Status::Pass);
        assert_eq!(version(Some("0.0.0")).status, Status::Fail);
        assert_eq!(version(None).status, Status::Fail);
    }
}
