//! `docs/connection.md`: the checks of a connection test, their codes with cause and remedy, and the table of AWS's errors.

use std::fmt::Write as _;

use trustplane_domain::arn::{InstanceArn, RoleArn};
use trustplane_domain::connection::refusal::{Meaning, RULES, Retry, Rule};
use trustplane_domain::connection::{CheckId, Code, Connection, Deployment, Settings};
use trustplane_domain::ids::ExternalId;
use trustplane_domain::region::{AccountId, Region};

/// Renders the manual.
///
/// # Errors
/// A value of the example that does not parse.
pub fn manual() -> Result<String, String> {
    let mut text = String::from(HEAD);
    text.push_str("| check | title | calls |\n|---|---|---|\n");
    for id in CheckId::ALL {
        let _ = writeln!(text, "| `{}` | {} | {} |", name(serde_json::to_value(id))?, id.title(), id.asks());
    }
    text.push_str(STATUS);
    let (connection, deployment) = example()?;
    for code in Code::ALL {
        let remedy = code.remedy(&connection, &deployment);
        let acts = if code == Code::PlatformFault {
            "The operator of the platform acts."
        } else if code.is_passing() {
            "Nobody has to act: test again."
        } else {
            "The customer acts."
        };
        let _ = writeln!(text, "### `{}`\n\n{} {acts}\n\n{remedy}\n", name(serde_json::to_value(code))?, code.cause());
    }
    text.push_str(ERRORS);
    for rule in RULES {
        let _ = writeln!(text, "| {} | {} |", form(rule), meaning(rule.meaning));
    }
    text.push_str(TAIL);
    Ok(text)
}

/// The name of a check or a code on the wire.
fn name(value: Result<serde_json::Value, serde_json::Error>) -> Result<String, String> {
    let value = value.map_err(|error| error.to_string())?;
    value.as_str().map(ToOwned::to_owned).ok_or_else(|| format!("`{value}` is no name"))
}

/// The connection that the remedies are about.
fn example() -> Result<(Connection, Deployment), String> {
    let settings = Settings {
        sso_instance_arn: Some(InstanceArn::parse("arn:aws:sso:::instance/ssoins-0123456789abcdef")?),
        role_arn: Some(RoleArn::parse("arn:aws:iam::123456789012:role/TrustplaneIdentityCenterRole")?),
        region: Some(Region::parse("eu-west-1")?),
    };
    let connection = Connection::new(ExternalId::from_random([0x5a; 16])).saved(settings);
    let deployment = Deployment { account: AccountId::parse("000000000000")?, region: Region::parse("us-east-1")? };
    Ok((connection, deployment))
}

/// The form of an error that a rule fits.
fn form(rule: &Rule) -> String {
    let mut parts = Vec::new();
    let list = |values: &[&str]| {
        let quoted: Vec<String> = values
            .iter()
            .map(|value| if value.is_empty() { "no code".to_owned() } else { format!("`{value}`") })
            .collect();
        quoted.join(", ")
    };
    if !rule.codes.is_empty() {
        parts.push(list(rule.codes));
    }
    if !rule.reasons.is_empty() {
        parts.push(format!("`Reason` {}", list(rule.reasons)));
    }
    if !rule.says.is_empty() {
        parts.push(format!("the message has {}", list(rule.says)));
    }
    if let Some(status) = &rule.status {
        let (from, to) = (status.start(), status.end());
        parts.push(if from == to { format!("HTTP status {from}") } else { format!("HTTP status {from} to {to}") });
    }
    match rule.sdk {
        Some(Retry::Throttling) => parts.push("throttling by the list of the AWS SDK".to_owned()),
        Some(Retry::Transient) => parts.push("transient by the list of the AWS SDK".to_owned()),
        None => {}
    }
    if rule.is_foreign == Some(true) {
        parts.push("a body in no format of AWS".to_owned());
    }
    if rule.with_token == Some(true) {
        parts.push("on a call with a page token".to_owned());
    }
    if parts.is_empty() { "everything else".to_owned() } else { parts.join("; ") }
}

fn meaning(meaning: Meaning) -> String {
    match meaning {
        Meaning::Denied => {
            "the customer's permission; for `sts:AssumeRole` the trust policy; where the message names a policy of \
                            the organization, the network or the instance, that policy"
                .to_owned()
        }
        other => other.class().words().to_owned(),
    }
}

const HEAD: &str = "\
# The connection to AWS IAM Identity Center

This file is generated from the code (`cargo catalogue`). `POST /v1/integrations/aws-identity-center/test` makes these checks, in
this order. A check that needs one that did not pass is `skipped`.

";

const STATUS: &str = "
A check ends as `pass`, `fail`, `warn` (the connection works, but see the message), `skipped`, or `unavailable`: AWS did not answer, throttled
or failed, or the platform could not ask. An unavailable check says nothing about the connection. The report is stored as the last
one, `health` and `last_verified_at` stay as they were, and the response has `Retry-After`. `details.acts` of a refused check says
who has to act: `customer`, `aws` or `platform`.

A test makes 13 calls, one more while the ExternalId is rotated. The calls without the ExternalId and with a random one leave two
denied calls in the CloudTrail of the role's account.

## Codes

The remedies are those for the role `TrustplaneIdentityCenterRole` in account 123456789012 and an instance in `eu-west-1`. A report
has the values of its own connection.

";

const ERRORS: &str = "\
## Errors of AWS

The connection test, the reading of the organization and the identity source classify an error by this table. The first row that
fits decides. \"Retry now\" and \"retry later\" are tried again by the SDK within a request, then reported as unavailable; a reading
tries them again after 1, 2, 4, 8 and 16 minutes.

A denial of `sts:AssumeRole` is the customer's only where AWS names no policy, the trust policy or a resource control policy. One by
an identity-based policy, a permissions boundary, a session policy, a service control policy or a VPC endpoint policy comes from the
account of the platform, which is the caller.

| error | meaning |
|---|---|
";

const TAIL: &str = "
A call that is denied or whose session is over through a session that was kept is made again, once, through a new session: the
customer can end sessions before their time.

A tenant can make 60 operations through its connection per minute. Up to ten of them may try the role without its ExternalId: these are
connection tests, and any operation before Trustplane has seen that the role demands the ExternalId. Beyond a limit, the response is
429 with `Retry-After`. Only the remembered instance is still returned, with `Age` and `Warning`.

## The reading of an organization

`POST /v1/aws/sync` requests a reading. It lists the accounts, lists and describes the permission sets, lists the accounts of each
permission set, and lists who has it in each of them: a call per 20 accounts, per 100 permission sets, per permission set to
describe it and to list its accounts (100 per call), and per pair of account and permission set (100 principals per call). It makes at most 8
calls per second in runs of 90 seconds, of which a new one begins each minute once the one before is over. 20,000 pairs are 21,000
calls: 44 minutes at that pace, and more where AWS takes longer to answer. The list responses carry `progress` meanwhile: the step,
what is done and to do, and an estimate of the seconds left from the time that the calls took so far. A reading that AWS throttles or
that the platform cannot go on with waits 1, 2, 4, 8 and 16 minutes; `progress.waiting_for` and `waiting_until` say so. In the first
three minutes after the configuration was saved a denial is tried again every 15 seconds: a new role does not count at once.

The largest organization that is tried has 5,000 accounts, 500 permission sets, 20,000 pairs and 100,000 assignments, 10,000 of
them in one pair: 21,354 calls. This command reads it from the local organization without the pauses, checks that every row is
there once, and prints the calls, the largest item and the largest response:

```sh (not run: compiles the workspace)
cargo test --workspace --test api largest_organization -- --ignored --nocapture
```

What is shown is always one complete reading, with its time in `last_synced_at`. A reading that fails shows nothing of what it read:
the one before stays, and `sync_failure` says why there is no newer one. A thing that AWS says does not exist is confirmed by the
list that has it before it is left out. Where all permission sets vanish, their list and the instance are read again. An account or a
permission set that AWS denies while others can be read is in the list as `unreadable`: `denied`, or `assignments_denied` for a
permission set whose accounts are denied. After each such denial a question that AWS answered earlier in the reading is asked again;
if it is denied now, the role has lost the permission and the reading fails.

A pair of account and permission set with more than 100 principals has several rows.

`sso:ListAccountAssignmentsForPrincipal` would give the same facts with a call per 100 assignments and one per principal. It needs the list of
all users and groups (`identitystore:ListUsers`, `identitystore:ListGroups`), which are personal data that the role may not read, and a call
per user even where all access is by groups: with 10,000 users and 300 groups 11,300 calls in place of 21,000, and fewer only where
there are more pairs than users.

Reading only what changed is not possible with the permissions of the role: AWS has no list of changes of assignments. CloudTrail
records `CreateAccountAssignment`, `DeleteAccountAssignment` and the calls on permission sets in the management account or the
delegated administrator's. To be told, the customer would forward these events with an EventBridge rule to the platform; events can
be late or lost, and the assignments that AWS makes when an account joins would be missed, so a complete reading would still be needed
from time to time.
";
