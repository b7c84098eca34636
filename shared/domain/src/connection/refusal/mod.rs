//! Refusals of the customer's AWS: one classification for the connection test, the reading of an organization and the identity
//! source.
//!
//! [`Reported`] is an error as it arrived. [`Reported::refusal`] looks it up in [`RULES`], the only place that knows error codes,
//! reasons and message forms. A [`Refusal`] says who has to act ([`Refusal::acts`]), what to try again
//! ([`Refusal::class`]), and which [`Code`] explains it ([`Refusal::code`]).

mod denial;
mod rules;

use serde::{Deserialize, Serialize};

pub use self::denial::{Denial, PolicyKind};
pub use self::rules::{Meaning, RULES, Reported, Retry, Rule};
use super::Code;

/// The IAM action that opens a session.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The reason that a call to the customer's AWS gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// A policy denies the call.
    Denied(Denial),
    /// The KMS key that encrypts the instance cannot be used.
    Kms(KmsReason),
    /// The session's credentials are not accepted.
    SessionOver,
    /// The region is not enabled for the account.
    RegionDisabled,
    /// The page token is not accepted any more.
    PageToken,
    /// An account instance does not have this operation.
    AccountInstance,
    /// The account is in no organization.
    NoOrganization,
    /// The account has not completed its sign-up or is closed.
    NotSignedUp(String),
    /// The thing that was asked about does not exist.
    NotFound,
    /// Too many calls.
    Throttled,
    /// AWS fails.
    Unavailable,
    /// No connection, or no answer in time.
    Unreachable,
    /// Something between the platform and AWS answered, with this HTTP status.
    Intermediary(u16),
    /// AWS rejects the request itself with this error code: the platform's clock, signature or credentials.
    Platform(String),
    /// The platform could not make the call, for this reason.
    Internal(String),
    /// The list of instances did not end, or its row lacks what is needed.
    ListIncomplete,
    /// The instance's primary region is this one.
    WrongRegion(String),
    /// A new instance is not visible in its own region yet.
    NotVisible,
    /// The instance has this status, not `ACTIVE`.
    NotActive(String),
    /// The instance's encryption could not be changed, for this reason.
    EncryptionFailed(String),
    /// The role can be assumed without the tenant's ExternalId.
    NotEnforced,
    /// The session is in this account, not in the one that the role's ARN names.
    AccountMismatch(String),
    /// Another error of AWS: its code, and its message where there is one.
    Other(String),
}

/// The reason that KMS refuses (`Reason` of IAM Identity Center's exceptions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KmsReason {
    /// The key policy or the role's policy does not allow `kms:Decrypt`.
    Denied,
    /// The key is disabled.
    Disabled,
    /// The key is waiting to be deleted, or has no material.
    InvalidState,
    /// The key is not a symmetric encryption key.
    InvalidKeyUsage,
    /// The key does not exist.
    NotFound,
    /// KMS is throttled.
    Throttled,
}

/// The kind of remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Send the call again.
    RetryNow,
    /// Send the call again after a pause.
    RetryLater,
    /// Open a new session.
    NewSession,
    /// Begin the list again at its first page.
    FirstPage,
    /// The customer grants a permission.
    Permission,
    /// The customer changes the role's trust policy.
    Trust,
    /// The customer repairs the KMS key.
    Key,
    /// The customer saves another region or enables this one.
    Region,
    /// The customer changes a policy of the organization, the instance or the network.
    Policy,
    /// The customer connects an organization instance.
    AccountInstance,
    /// The operator of the platform acts.
    Platform,
    /// The thing is gone.
    Gone,
    /// The customer looks up the error code.
    Other,
}

/// The party that has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The customer.
    Customer,
    /// AWS: the customer and the platform can only wait.
    Aws,
    /// The operator of the platform.
    Platform,
}

impl Refusal {
    /// A denial without further detail.
    pub fn denied() -> Self {
        Self::Denied(Denial::default())
    }

    /// Reports a refusal that says nothing about the connection: the same call may succeed later without a change by the
    /// customer.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Throttled
                | Self::Unavailable
                | Self::Unreachable
                | Self::Intermediary(_)
                | Self::Platform(_)
                | Self::Internal(_)
                | Self::ListIncomplete
                | Self::NotVisible
                | Self::Kms(KmsReason::Throttled)
        )
    }

    /// Reports a denial, by whatever policy.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Denied(_))
    }

    /// The meaning of a refusal of AssumeRole, which is a call with the platform's own credentials.
    ///
    /// STS that does not accept those is the platform's to mend. So is a denial by a policy of the calling account: the policies
    /// of an identity, their boundary, the session, the VPC endpoint, and the service control policies of the caller's
    /// organization. Of the role's side are the trust policy and the resource control policies of its organization.
    #[must_use]
    pub fn of_assume_role(self) -> Self {
        match self {
            Self::SessionOver => Self::Internal("STS does not accept the platform's own credentials".to_owned()),
            Self::Denied(denial) if denial.is_by_callers_account() => Self::Internal(format!(
                "a {}{} of the platform's own account denies it",
                denial.by.map_or("policy", PolicyKind::words),
                denial.policy_arn.map(|arn| format!(" (`{arn}`)")).unwrap_or_default(),
            )),
            refusal => refusal,
        }
    }

    /// Reports a denial by a policy other than the role's own.
    pub fn is_denied_by_others(&self) -> bool {
        matches!(self, Self::Denied(denial) if denial.is_by_others())
    }

    /// The remedy for a refusal of `action`.
    pub fn class(&self, action: &str) -> Class {
        match self {
            Self::Denied(_) if action == ASSUME_ROLE => Class::Trust,
            Self::Denied(denial) if denial.is_by_others() => Class::Policy,
            Self::Denied(_) => Class::Permission,
            Self::Kms(KmsReason::Throttled) | Self::Throttled | Self::NotVisible => Class::RetryLater,
            Self::Kms(_) | Self::EncryptionFailed(_) => Class::Key,
            Self::SessionOver => Class::NewSession,
            Self::RegionDisabled | Self::WrongRegion(_) => Class::Region,
            Self::PageToken => Class::FirstPage,
            Self::AccountInstance | Self::NoOrganization => Class::AccountInstance,
            Self::NotFound | Self::NotActive(_) => Class::Gone,
            Self::Unavailable | Self::Unreachable | Self::ListIncomplete => Class::RetryNow,
            Self::Intermediary(_) | Self::Platform(_) | Self::Internal(_) => Class::Platform,
            Self::NotEnforced | Self::AccountMismatch(_) => Class::Trust,
            Self::NotSignedUp(_) | Self::Other(_) => Class::Other,
        }
    }

    /// The party that has to act on a refusal.
    pub fn acts(&self) -> Actor {
        match self {
            Self::Intermediary(_) | Self::Platform(_) | Self::Internal(_) => Actor::Platform,
            refusal if refusal.is_passing() => Actor::Aws,
            _ => Actor::Customer,
        }
    }

    /// The code that explains a refusal of `action`.
    pub fn code(&self, action: &str) -> Code {
        let is_sts = action.starts_with("sts:");
        match self {
            Self::Intermediary(_) | Self::Platform(_) | Self::Internal(_) => Code::PlatformFault,
            Self::NotEnforced => Code::ExternalIdNotEnforced,
            Self::AccountMismatch(_) => Code::AccountMismatch,
            Self::Denied(_) if is_sts => Code::AssumeRoleDenied,
            Self::SessionOver if is_sts => Code::PlatformFault,
            _ if is_sts && self.is_passing() => Code::StsUnreachable,
            _ if is_sts => Code::AssumeRoleFailed,
            Self::Denied(denial) if denial.is_by_others() => Code::NetworkRestricted,
            Self::Denied(_) => Code::PermissionMissing,
            Self::Kms(reason) => reason.code(),
            Self::SessionOver | Self::RegionDisabled => Code::RegionNotEnabled,
            Self::AccountInstance | Self::NoOrganization => Code::AccountInstance,
            Self::NotFound => Code::InstanceNotFound,
            Self::WrongRegion(_) => Code::WrongRegion,
            Self::NotVisible => Code::InstanceNotVisible,
            Self::NotActive(_) => Code::InstanceNotActive,
            Self::EncryptionFailed(_) => Code::KmsUpdateFailed,
            Self::Throttled => Code::AwsThrottled,
            Self::Unavailable | Self::ListIncomplete => Code::AwsUnavailable,
            Self::Unreachable => Code::AwsUnreachable,
            Self::PageToken | Self::NotSignedUp(_) | Self::Other(_) => Code::AwsRefused,
        }
    }

    /// One sentence on a refusal of `action`, for people.
    pub fn found(&self, action: &str) -> String {
        match self {
            Self::Denied(denial) if action == ASSUME_ROLE && denial.by.is_none() => {
                "STS does not let the platform assume the role.".to_owned()
            }
            Self::Denied(denial) => denial.found(action),
            Self::Kms(reason) => format!("The KMS key that encrypts the instance {}.", reason.words()),
            Self::SessionOver => format!(
                "AWS does not accept a new session of the role for `{action}`: the account has not enabled the region, or it \
                 revokes sessions as they are made."
            ),
            Self::RegionDisabled => {
                format!(
                    "AWS refuses `{action}` with `RegionDisabledException`: the region is not enabled for the account."
                )
            }
            Self::PageToken => format!("AWS does not accept its own page token for `{action}` any more."),
            Self::AccountInstance => format!("AWS refuses `{action}`: an account instance has no permission sets."),
            Self::NoOrganization => format!("AWS refuses `{action}`: the account is in no organization."),
            Self::NotSignedUp(code) => format!(
                "AWS refuses `{action}` with the error `{code}`: the account's sign-up is not complete, or the account is closed."
            ),
            Self::NotFound => format!("AWS answers `{action}` with not found."),
            Self::Throttled => format!("AWS throttles `{action}`."),
            Self::Unavailable => format!("AWS answers `{action}` with an internal error."),
            Self::Unreachable => {
                format!("The platform got no answer of AWS to `{action}`: no connection was made, or none in time.")
            }
            Self::Intermediary(status) => format!(
                "Something between the platform and AWS answered `{action}` with HTTP status {status}: AWS was not asked."
            ),
            Self::Platform(code) => format!(
                "AWS rejects the platform's request for `{action}` with `{code}`, because of the platform's clock, signature or \
                 credentials."
            ),
            Self::Internal(reason) => format!("The platform could not call `{action}`: {reason}."),
            Self::ListIncomplete => {
                "AWS's list of instances did not end or lacks the instance's region, so the instance was not found in it."
                    .to_owned()
            }
            Self::WrongRegion(region) => format!("The instance's primary region is `{region}`, not the saved one."),
            Self::NotVisible => {
                "The list of instances of the region does not have the instance yet: it was made a short time ago.".to_owned()
            }
            Self::NotActive(status) => format!("The instance's status is `{status}`, not `ACTIVE`."),
            Self::EncryptionFailed(why) => encryption_failed(why),
            Self::NotEnforced => {
                "The role can be assumed without the ExternalId, so nothing is asked through it.".to_owned()
            }
            Self::AccountMismatch(account) => {
                format!("The role's session is in account {account}, not in the account of the role's ARN.")
            }
            // A code, or a code and AWS's message.
            Self::Other(error) => match error.split_once(": ") {
                Some((code, message)) => {
                    format!("AWS refuses `{action}` with the error `{code}`. AWS says: {}.", message.trim_end_matches('.'))
                }
                None => format!("AWS refuses `{action}` with the error `{error}`."),
            },
        }
    }
}

/// The sentence on an instance whose encryption could not be changed.
pub(super) fn encryption_failed(why: &str) -> String {
    format!("The instance's encryption with your KMS key is broken. AWS says: {why}")
}

impl KmsReason {
    /// The code of a check.
    pub fn code(self) -> Code {
        match self {
            Self::Denied => Code::KmsDenied,
            Self::Disabled => Code::KmsDisabled,
            Self::InvalidState => Code::KmsInvalidState,
            Self::InvalidKeyUsage => Code::KmsInvalidKeyUsage,
            Self::NotFound => Code::KmsNotFound,
            Self::Throttled => Code::KmsThrottled,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Denied => "does not let the role decrypt",
            Self::Disabled => "is disabled",
            Self::InvalidState => "is waiting to be deleted, or otherwise cannot be used now",
            Self::InvalidKeyUsage => "is not a key to encrypt and decrypt with",
            Self::NotFound => "was not found",
            Self::Throttled => "is throttled",
        }
    }
}

#[cfg(test)]
mod tests;
