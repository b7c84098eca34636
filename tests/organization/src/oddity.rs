//! Scenarios of organizations that behave unusually: regions, keys, sessions, page tokens and policies.

use std::fmt::{Display, Formatter};

use axum::body::Bytes;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use crate::calls::Service;
use crate::fixture::{Customer, MEMBER_ACCOUNT, REGION};
use crate::role::{Caller, denied};
use crate::state::State;
use crate::wire::Failure;

/// One unusual behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// The instance's primary region is `eu-west-1`, with a replica in [`REGION`].
    ReplicatedInstance,
    /// The instance is in `af-south-1`, which the account has not enabled: no region but [`REGION`] accepts its sessions.
    RegionNotEnabled,
    /// The instance was just made: the list of its own region lacks it.
    InstanceNew,
    /// The customer's key denies `kms:Decrypt` in the words of IAM, without a `Reason`.
    KeyDeniedByName,
    /// The customer's key is gone when assignments are read.
    KeyGoneMidway,
    /// The customer revokes sessions every three seconds: a `Deny` on an older `aws:TokenIssueTime`.
    SessionsRevoked,
    /// Every list has pages of two rows, and each page token is refused at its first use.
    TokensExpire,
    /// Every list has the same page token on each of its pages.
    TokenRepeats,
    /// The role was just made: STS denies it for four seconds, and its permissions do not count for eight.
    SlowPropagation,
    /// A service control policy denies everything on one account, [`MEMBER_ACCOUNT`].
    AccountDenied,
    /// A service control policy denies the region. AWS names its ARN.
    RegionDenied,
    /// Permission sets are listed and described, and the list of their accounts says that they do not exist.
    SetsVanish,
    /// The first account of each page is on it twice.
    AccountTwice,
    /// Four of 16 calls are throttled, one after the other: more than a client tries again at once.
    ThrottledMidway,
    /// Every second call of an operation has an error with status 400 that passes: `RequestTimeoutException`,
    /// `ConcurrentModificationException`.
    TransientErrors,
    /// The role loses `sso:ListAccountAssignments` after three calls.
    PermissionLost,
}

/// ARN of the service control policy of [`Oddity::RegionDenied`] and [`Oddity::AccountDenied`].
pub const POLICY_ARN: &str =
    "arn:aws:organizations::123456789012:policy/o-a1b2c3d4e5/service_control_policy/p-9f8e7d6c";

const SESSIONS_LAST: Duration = Duration::seconds(3);
const STS_DENIES: Duration = Duration::seconds(4);
const POLICIES_DENY: Duration = Duration::seconds(8);

/// The page token of [`Oddity::TokenRepeats`].
const SAME_TOKEN: &str = "AAAAsame";

impl Oddity {
    /// All, with a description in a few words.
    pub const ALL: [(Self, &'static str); 16] = [
        (Self::ReplicatedInstance, "the instance's primary region is eu-west-1, with a replica in us-east-1"),
        (Self::RegionNotEnabled, "the instance is in af-south-1, which the account has not enabled: save that region"),
        (Self::InstanceNew, "the instance was just made and is not listed in its region yet"),
        (Self::KeyDeniedByName, "the customer's key denies kms:Decrypt, in the words of IAM"),
        (Self::KeyGoneMidway, "the customer's key is gone when assignments are read"),
        (Self::SessionsRevoked, "the customer revokes sessions every three seconds"),
        (Self::TokensExpire, "each page token is refused at its first use"),
        (Self::TokenRepeats, "each page has the same page token"),
        (Self::SlowPropagation, "a new role: STS denies it for 4 seconds, its permissions do not count for 8"),
        (Self::AccountDenied, "a service control policy denies one account"),
        (Self::RegionDenied, "a service control policy denies the region; AWS names its ARN"),
        (Self::SetsVanish, "permission sets are listed, and do not exist when their accounts are listed"),
        (Self::AccountTwice, "an account is twice on each page"),
        (Self::ThrottledMidway, "four of 16 calls are throttled, one after the other"),
        (Self::TransientErrors, "every second call of an operation has an error with status 400 that passes"),
        (Self::PermissionLost, "the role loses sso:ListAccountAssignments after three calls"),
    ];

    /// The scenario's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReplicatedInstance => "replicated-instance",
            Self::RegionNotEnabled => "region-not-enabled",
            Self::InstanceNew => "instance-new",
            Self::KeyDeniedByName => "kms-denied-by-name",
            Self::KeyGoneMidway => "kms-gone-midway",
            Self::SessionsRevoked => "sessions-revoked",
            Self::TokensExpire => "tokens-expire",
            Self::TokenRepeats => "token-repeats",
            Self::SlowPropagation => "slow-propagation",
            Self::AccountDenied => "account-denied",
            Self::RegionDenied => "region-denied-scp",
            Self::SetsVanish => "sets-vanish",
            Self::AccountTwice => "account-twice",
            Self::ThrottledMidway => "throttled-midway",
            Self::TransientErrors => "transient-errors",
            Self::PermissionLost => "permission-lost",
        }
    }

    /// Changes the customer's data as the role's sessions see it.
    pub(crate) fn apply(self, customer: &mut Customer) {
        let Some(instance) = customer.instances.first_mut() else { return };
        match self {
            Self::ReplicatedInstance => {
                instance.primary_region = "eu-west-1";
                instance.replica = Some(REGION);
            }
            Self::RegionNotEnabled => instance.primary_region = "af-south-1",
            _ => {}
        }
    }

    /// Refuses a call to SSO Admin or Organizations before it is looked at.
    pub(crate) fn refuses(self, caller: &Caller, region: &str, state: &State, now: OffsetDateTime) -> Option<Failure> {
        match self {
            Self::RegionNotEnabled if region != REGION => Some(Failure::front_end(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )),
            Self::SessionsRevoked if now - caller.opened_at > SESSIONS_LAST => {
                Some(denied(caller, "sso:DescribeInstance", "*", "with an explicit deny in an identity-based policy"))
            }
            Self::SlowPropagation if state.age_of(&caller.user_id, now) < POLICIES_DENY => {
                Some(denied(caller, "sso:ListInstances", "*", "because no identity-based policy allows the action"))
            }
            _ => None,
        }
    }

    /// Refuses AssumeRole for a session of this unique id.
    pub(crate) fn denies_session(self, user_id: &str, state: &mut State, now: OffsetDateTime) -> bool {
        let since = *state.first_seen.entry(user_id.to_owned()).or_insert(now);
        self == Self::SlowPropagation && now - since < STS_DENIES
    }

    /// Refuses an action that the role's policies allow.
    pub(crate) fn denies(self, caller: &Caller, action: &str, resources: &[&str]) -> Option<Failure> {
        let resource = resources.first().copied().unwrap_or("*");
        let because = format!("with an explicit deny in a service control policy: {POLICY_ARN}");
        match self {
            Self::RegionDenied => Some(denied(caller, action, resource, &because)),
            Self::AccountDenied => {
                let member = format!("arn:aws:sso:::account/{MEMBER_ACCOUNT}");
                resources.contains(&member.as_str()).then(|| denied(caller, action, &member, &because))
            }
            _ => None,
        }
    }

    /// Refuses an operation on an instance for its key's sake, or for its permission sets'.
    pub(crate) fn key_refuses(self, caller: &Caller, operation: &str) -> Option<Failure> {
        match self {
            Self::KeyDeniedByName => Some(denied(
                caller,
                "kms:Decrypt",
                "arn:aws:kms:us-east-1:123456789012:key/5c1d7a42-9f0b-4e6a-8c3d-1b2a3f4e5d6c",
                "because no resource-based policy allows the kms:Decrypt action",
            )),
            Self::KeyGoneMidway if operation == "ListAccountAssignments" => Some(
                Failure::new("ResourceNotFoundException", "The KMS key of this instance was not found.")
                    .with_reason("KMS_NotFoundException"),
            ),
            Self::SetsVanish if operation == "ListAccountsForProvisionedPermissionSet" => {
                Some(Failure::new("ResourceNotFoundException", "PermissionSet with given id does not exist."))
            }
            _ => None,
        }
    }

    /// The name under which a call is counted, where the scenario refuses calls by their number.
    pub(crate) fn counts(self, operation: &str) -> Option<&str> {
        match self {
            Self::ThrottledMidway => Some(""),
            Self::TransientErrors => Some(operation),
            Self::PermissionLost => Some(operation).filter(|operation| *operation == "ListAccountAssignments"),
            _ => None,
        }
    }

    /// Refuses the call with this number, from 1.
    pub(crate) fn refuses_number(
        self,
        caller: &Caller,
        service: Service,
        operation: &str,
        number: u32,
    ) -> Option<Failure> {
        match self {
            Self::ThrottledMidway if number % 16 >= 12 => Some(Failure::throttled(service)),
            Self::TransientErrors if number % 2 == 1 => {
                let code = match service {
                    Service::Organizations => "ConcurrentModificationException",
                    _ => "RequestTimeoutException",
                };
                Some(Failure::new(code, "Try the request again."))
            }
            Self::PermissionLost if number > 3 => {
                let action = format!("sso:{operation}");
                Some(denied(
                    caller,
                    &action,
                    "*",
                    &format!("because no identity-based policy allows the {action} action"),
                ))
            }
            _ => None,
        }
    }

    /// The request as it is looked at: with small pages, and without the token that repeats.
    pub(crate) fn request(self, body: &Bytes) -> Bytes {
        let Ok(mut request) = serde_json::from_slice::<Map<String, Value>>(body) else { return body.clone() };
        match self {
            Self::TokensExpire | Self::TokenRepeats => {
                request.insert("MaxResults".to_owned(), 2.into());
                if request.get("NextToken").and_then(Value::as_str) == Some(SAME_TOKEN) {
                    request.remove("NextToken");
                }
                Value::Object(request).to_string().into()
            }
            _ => body.clone(),
        }
    }

    /// The response as it is sent: with the token that repeats, or an account twice.
    pub(crate) fn response(self, operation: &str, mut response: Value) -> Value {
        if self == Self::TokenRepeats
            && operation.starts_with("List")
            && let Some(response) = response.as_object_mut()
        {
            response.insert("NextToken".to_owned(), SAME_TOKEN.into());
        }
        if self == Self::AccountTwice
            && let Some(accounts) = response.get_mut("Accounts").and_then(Value::as_array_mut)
            && let Some(first) = accounts.first().cloned()
        {
            accounts.push(first);
        }
        response
    }

    /// The list that a page token is used for, where its first use is refused.
    pub(crate) fn refuses_token(self, operation: &str, body: &Bytes) -> Option<String> {
        let mut request = serde_json::from_slice::<Map<String, Value>>(body).ok()?;
        request.remove("NextToken").filter(|token| self == Self::TokensExpire && !token.is_null())?;
        Some(format!("{operation} {}", Value::Object(request)))
    }
}

impl Display for Oddity {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
