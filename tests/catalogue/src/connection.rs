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
A check ends as `pass`, `fail`, `warn` (the connection works, but see the message), `skipped` or `unavailable`. Unavailable means that AWS
did not answer, throttled or failed, or that the platform could not ask. It says nothing about the connection: the report is stored, but
`health` and `last_verified_at` stay as they were, and the response has `Retry-After`. `details.acts` of a refused check names who has
to act: `customer`, `aws` or `platform`.

A test makes 13 calls, and one more while the ExternalId is rotated. Two of them are negative controls: AWS has to deny the role without
the ExternalId, and with a random one. The CloudTrail of the role's account shows them as denied calls.

## Codes

The remedies are those for the role `TrustplaneIdentityCenterRole` in account 123456789012 and an instance in `eu-west-1`. A report
has the values of its own connection.

";

const ERRORS: &str = "\
## Errors of AWS

The connection test, the reading of the organization and the identity source classify an error by this table. The first row that
fits decides. On \"retry now\" and \"retry later\", the SDK tries again within the request. Then a test reports the check as unavailable, and
a reading tries again after 1, 2, 4, 8 and 16 minutes.

If AWS denies `sts:AssumeRole` and names no policy, the trust policy or a resource control policy, the customer has to act. If AWS names
an identity-based policy, a permissions boundary, a session policy, a service control policy or a VPC endpoint policy, the operator of
the platform has to act: such a policy belongs to the account of the caller, which is the platform.

| error | meaning |
|---|---|
";

const TAIL: &str = "
The session of a role is kept and used again. If a call through a kept session is denied, or the session is over, the call is made once
more through a new session, because the customer can end sessions before their time.

A tenant can make 60 operations through its connection per minute. Up to ten of them may try the role without its ExternalId: these are
connection tests, and any operation before Trustplane has seen that the role demands the ExternalId. Beyond a limit, the response is
429 with `Retry-After`. Only the remembered instance is still returned, with `Age` and `Warning`.

## The reading of an organization

`POST /v1/aws/sync` requests a reading. The reading makes these calls:

- one per 20 accounts, and one per 100 permission sets, to list them;
- one per permission set to describe it, and one per 100 of its accounts to list these;
- one per pair of account and permission set, and per 100 principals who have it there.

It makes at most 8 calls per second, in runs of 90 seconds. Each minute a new run begins if the former one is over. 20,000 pairs are
21,000 calls: 44 minutes at that pace, and more if AWS responds slowly. Meanwhile, the responses of the lists have `progress`: the step,
what is done and to do, and an estimate of the seconds left. If AWS throttles a reading, or the platform cannot continue it, the reading
waits 1, 2, 4, 8 and 16 minutes, and `progress.waiting_for` and `waiting_until` show this. A new role does not work at once, so in the
first three minutes after the configuration was saved, a denied call is tried again every 15 seconds.

The largest organization that is tried has 5,000 accounts, 500 permission sets, 20,000 pairs and 100,000 assignments, 10,000 of
them in one pair: 21,354 calls. This command reads it from the local organization without the pauses, checks that every row is
there once, and prints the calls, the largest item and the largest response:

```sh (not run: compiles the workspace)
cargo test --workspace --test api largest_organization -- --ignored --nocapture
```

It takes eight minutes on two cores that are shared with other work. The largest item has 7 kB, the largest response 795 kB, and the
lists have 20,099 rows of assignments.

The lists always show one complete reading, with its time in `last_synced_at`. If a reading fails, they keep showing the former one, and
`sync_failure` has the reason.

- If AWS reports that something does not exist, the list that has it is read again before it is left out. If all permission sets vanish,
  their list and the instance are read again.
- If AWS denies an account or a permission set while others can be read, the list has it as `unreadable`: `denied`, or
  `assignments_denied` for a permission set with denied accounts. After each such denial, an earlier call of the reading is repeated. If
  AWS denies it now, the role has lost the permission, and the reading fails.

A pair of account and permission set with more than 100 principals has several rows.

Two other ways to read were considered:

- `sso:ListAccountAssignmentsForPrincipal` returns the same facts with one call per principal and per 100 assignments. It needs the list of
  all users and groups (`identitystore:ListUsers`, `identitystore:ListGroups`). These are personal data, which the role may not read. It
  also needs a call per user even if all access is by groups: with 10,000 users and 300 groups, 11,300 calls instead of 21,000.
- Reading only changes is not possible with the permissions of the role: AWS has no list of changed assignments. CloudTrail records them,
  in the management account or the delegated administrator's, and the customer could forward these events to the platform with an
  EventBridge rule. But events can be late or lost, and assignments that AWS makes when an account joins have none. So complete readings
  would still be needed.
";
