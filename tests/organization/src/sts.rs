//! STS: AssumeRole and GetCallerIdentity, in the query protocol.

use std::collections::HashMap;

use axum::http::StatusCode;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::Service;
use crate::iam::{Decision, Policy, Request};
use crate::role::{Caller, RoleArn, Session, role_id};
use crate::scenario::Scenario;
use crate::sigv4::ISSUED_PREFIX;
use crate::state::State;
use crate::wire::{Failure, Output, constraint, escape, missing};

/// The parameters of a query request.
pub(crate) type Parameters = HashMap<String, String>;

const EXPIRATION: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

pub(crate) fn call(
    state: &mut State,
    caller: &Caller,
    region: &str,
    operation: &str,
    parameters: &Parameters,
    now: OffsetDateTime,
) -> Result<Output, Failure> {
    match operation {
        "AssumeRole" => assume_role(state, caller, region, parameters, now),
        "GetCallerIdentity" => Ok(caller_identity(caller)),
        _ => Err(Failure::unknown_operation(Service::Sts, operation)),
    }
}

fn caller_identity(caller: &Caller) -> Output {
    let result = format!(
        "\n    <Arn>{}</Arn>\n    <UserId>{}</UserId>\n    <Account>{}</Account>\n  ",
        escape(&caller.arn),
        escape(&caller.user_id),
        caller.account
    );
    Output::Xml { operation: "GetCallerIdentity", result }
}

fn assume_role(
    state: &mut State,
    caller: &Caller,
    region: &str,
    parameters: &Parameters,
    now: OffsetDateTime,
) -> Result<Output, Failure> {
    let request = AssumeRole::parse(parameters)?;
    let Some(arn) = RoleArn::parse(request.role_arn) else {
        return Err(Failure::new("ValidationError", "Request ARN is invalid"));
    };
    // The same error for a role that does not exist, a role that does not trust the caller, and a wrong ExternalId.
    let denied = || {
        let message = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            caller.arn, request.role_arn
        );
        Failure::new("AccessDenied", message).with_status(StatusCode::FORBIDDEN)
    };
    let role = state.role(request.role_arn).ok_or_else(denied)?;
    let mut context = vec![
        ("sts:rolesessionname", request.session_name.to_owned()),
        ("aws:requestedregion", region.to_owned()),
        ("aws:principalaccount", caller.account.clone()),
        ("aws:principalarn", caller.role_arn.clone()),
        ("aws:securetransport", "true".to_owned()),
    ];
    context.extend(request.external_id.map(|id| ("sts:externalid", id.to_owned())));
    let decision = role.trust.decide(&Request {
        action: "sts:AssumeRole",
        resource: request.role_arn,
        account: &caller.account,
        arns: &[&caller.arn, &caller.role_arn],
        context: &context,
    });
    if decision != Decision::Allowed {
        return Err(denied());
    }
    let user_id = format!("{}:{}", role_id(request.role_arn), request.session_name);
    let oddity = Scenario::of_role(request.role_arn).and_then(|scenario| scenario.oddity());
    if oddity.is_some_and(|oddity| oddity.denies_session(&user_id, state, now)) {
        return Err(denied());
    }
    // Every caller here is a role's session, including the platform's functions, so this is role chaining.
    if request.duration > 3600 {
        let message =
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(Failure::new("ValidationError", message));
    }
    if request.duration > role.max_session_duration {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(Failure::new("ValidationError", message));
    }

    let scenario = Scenario::of_role(request.role_arn);
    let account = Scenario::session_account(scenario.as_ref(), arn.account).to_owned();
    let access_key_id = format!("{ISSUED_PREFIX}{}", random(11).to_ascii_uppercase());
    let session = Session {
        secret_access_key: random(40),
        token: format!("LocalSession//{}", random(160)),
        expires: now + Duration::seconds(request.duration.into()),
        caller: Caller {
            arn: format!("arn:aws:sts::{account}:assumed-role/{}/{}", arn.name, request.session_name),
            account,
            user_id,
            role_arn: request.role_arn.to_owned(),
            session_policy: request.policy,
            is_platform: false,
            opened_at: now,
        },
    };
    let result = format!(
        "\n    <AssumedRoleUser>\n      <AssumedRoleId>{}</AssumedRoleId>\n      <Arn>{}</Arn>\n    </AssumedRoleUser>\n    \
         <Credentials>\n      <AccessKeyId>{access_key_id}</AccessKeyId>\n      \
         <SecretAccessKey>{}</SecretAccessKey>\n      <SessionToken>{}</SessionToken>\n      \
         <Expiration>{}</Expiration>\n    </Credentials>\n  ",
        escape(&session.caller.user_id),
        escape(&session.caller.arn),
        session.secret_access_key,
        session.token,
        session.expires.format(EXPIRATION).unwrap_or_default()
    );
    state.sessions.insert(access_key_id, session);
    Ok(Output::Xml { operation: "AssumeRole", result })
}

/// Generates random hexadecimal digits.
fn random(length: usize) -> String {
    let mut digits = String::new();
    while digits.len() < length {
        digits.push_str(&Uuid::new_v4().simple().to_string());
    }
    digits.truncate(length);
    digits
}

/// The parameters of AssumeRole, with the model's constraints.
struct AssumeRole<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    external_id: Option<&'a str>,
    /// Duration of the session, in seconds.
    duration: u32,
    policy: Option<Policy>,
}

impl<'a> AssumeRole<'a> {
    fn parse(parameters: &'a Parameters) -> Result<Self, Failure> {
        let invalid = |message: String| Failure::new("ValidationError", message);
        let text = |name: &str| parameters.get(name).map(String::as_str);
        let checked = |name: &str, member: &str, min: usize, max: usize, extra: &str| {
            let Some(value) = text(name) else {
                return Ok(None);
            };
            let length = value.chars().count();
            let is_of_set = |character: char| {
                character.is_ascii_alphanumeric() || "_+=,.@-".contains(character) || extra.contains(character)
            };
            if length < min {
                Err(invalid(constraint(value, member, &format!("have length greater than or equal to {min}"))))
            } else if length > max {
                Err(invalid(constraint(value, member, &format!("have length less than or equal to {max}"))))
            } else if !value.chars().all(is_of_set) {
                let escaped = extra.replace('/', "\\/");
                let constraint =
                    constraint(value, member, &format!("satisfy regular expression pattern: [\\w+=,.@{escaped}-]*"));
                Err(invalid(constraint))
            } else {
                Ok(Some(value))
            }
        };
        let role_arn = text("RoleArn").ok_or_else(|| invalid(missing("roleArn")))?;
        if role_arn.len() < 20 {
            return Err(invalid(constraint(role_arn, "roleArn", "have length greater than or equal to 20")));
        }
        if role_arn.len() > 2048 {
            return Err(invalid(constraint(role_arn, "roleArn", "have length less than or equal to 2048")));
        }
        let session_name = checked("RoleSessionName", "roleSessionName", 2, 64, "")?
            .ok_or_else(|| invalid(missing("roleSessionName")))?;
        let external_id = checked("ExternalId", "externalId", 2, 1224, ":/")?;
        let duration = match text("DurationSeconds") {
            None => 3600,
            Some(seconds) => {
                let seconds: i64 = seconds
                    .parse()
                    .map_err(|_| Failure::new("MalformedInput", "DurationSeconds must be an integer"))?;
                if seconds < 900 {
                    let constraint =
                        constraint(&seconds.to_string(), "durationSeconds", "have value greater than or equal to 900");
                    return Err(invalid(constraint));
                }
                u32::try_from(seconds).ok().filter(|seconds| *seconds <= 43_200).ok_or_else(|| {
                    invalid(constraint(
                        &seconds.to_string(),
                        "durationSeconds",
                        "have value less than or equal to 43200",
                    ))
                })?
            }
        };
        let policy = text("Policy")
            .map(|policy| {
                let document = serde_json::from_str(policy).map_err(|error| error.to_string())?;
                Policy::parse(&document)
            })
            .transpose()
            .map_err(|error| Failure::new("MalformedPolicyDocument", error))?;
        Ok(Self { role_arn, session_name, external_id, duration, policy })
    }
}
