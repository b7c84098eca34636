//! Failures that a developer can choose by the name in a role's ARN.
//!
//! A scenario role's ARN is `arn:aws:iam::<account>:role/scenario/<name>`; [`Scenario::role_arn`] returns it. Each
//! scenario changes one thing for sessions of that role, and nothing for others.

use std::fmt::{Display, Formatter};
use std::str::FromStr;
use std::time::Duration;

use crate::calls::Service;
use crate::fixture::{Customer, CustomerKey, DELEGATED_ACCOUNT, MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT, Status};
use crate::oddity::Oddity;
use crate::size::Size;

/// One difference for sessions of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Nothing is wrong.
    Healthy,
    /// The role trusts nobody. AssumeRole returns the same error as for a role that does not exist.
    NoTrust,
    /// The role trusts the platform with any ExternalId, or without one.
    ExternalIdNotEnforced,
    /// The session's account differs from the role's ARN.
    AccountMismatch,
    /// The instance's primary region is `eu-west-1`.
    WrongRegion,
    /// The instance was deleted: ListInstances lacks it, DescribeInstance denies access.
    InstanceDeleted,
    /// The instance is being deleted.
    InstanceDeleting,
    /// The instance is being created.
    InstanceCreating,
    /// The instance could not be created.
    InstanceCreateFailed,
    /// The instance is a member account's own, not the organization's.
    AccountInstance,
    /// The role is in a member account, which sees the organization's instance but has no access to it.
    MemberAccount,
    /// The role is in the delegated administrator's account for IAM Identity Center: everything works.
    DelegatedAdministrator,
    /// The role lacks one permission, given as an IAM action: `sso:DescribeInstance`.
    MissingPermission(String),
    /// The instance is encrypted with a customer managed key, and KMS refuses.
    Kms(KmsReason),
    /// The instance's network access controls deny everything on the instance for requests from an unexpected network.
    NetworkRestricted,
    /// A service control policy denies requests from an unexpected network. Such a policy does not apply to a
    /// management account, so the role is in the delegated administrator's.
    NetworkRestrictedByPolicy,
    /// The organization behaves unusually.
    Odd(Oddity),
    /// The organization has this size.
    Sized(Size),
    /// The calls to a service fail.
    Fault(Reach, Fault),
}

/// Reasons of a refusal by KMS: the `Reason` of SSO Admin's exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KmsReason {
    /// The key's policy does not allow the caller to decrypt.
    AccessDenied,
    /// The key is disabled.
    Disabled,
    /// The key is waiting to be deleted.
    InvalidState,
    /// The key's usage is not encryption.
    InvalidKeyUsage,
    /// The key does not exist any more.
    NotFound,
    /// The instance could not switch to another key, and still uses the previous one.
    UpdateFailed,
    /// KMS is throttled.
    Throttled,
}

/// The calls that a [`Fault`] affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// AssumeRole of the role, and the session's calls to STS.
    Sts,
    /// The session's calls to SSO Admin and Organizations.
    IdentityCenter,
}

/// Faults of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every call is throttled.
    Throttled,
    /// Two of three calls of each operation are throttled, and the third succeeds. Callers count separately, and so do
    /// the ExternalIds of AssumeRole, so concurrent calls do not affect each other.
    ThrottledTwice,
    /// Every call takes this long.
    Slow(Duration),
    /// The connection is closed without a response.
    Unreachable,
    /// Every call fails with the service's internal error, a 5xx.
    InternalFailure,
    /// Every call fails with an error that is neither a denial nor a fault of AWS: STS is not activated in the region
    /// for the role's account, or the account has not completed its sign-up.
    Refused,
    /// Something between answers: 403 with a page of HTML.
    Intermediary,
    /// Every call is rejected for the caller's clock: its signature is expired.
    ClockSkewed,
}

/// Duration of a call in the scenario `slow`.
const SLOW: Duration = Duration::from_secs(3);

impl Scenario {
    /// Returns the scenarios with a short description each, including one example of `MissingPermission`.
    pub fn catalogue() -> Vec<(Self, &'static str)> {
        use Fault::{
            ClockSkewed, Intermediary, InternalFailure, Refused, Slow, Throttled, ThrottledTwice, Unreachable,
        };
        use Reach::{IdentityCenter, Sts};
        let odd = Oddity::ALL.into_iter().map(|(oddity, description)| (Self::Odd(oddity), description));
        let others = vec![
            (Self::Healthy, "nothing is wrong"),
            (Self::DelegatedAdministrator, "the role is in the delegated administrator's account: works"),
            (Self::NoTrust, "the role trusts nobody"),
            (Self::ExternalIdNotEnforced, "the role trusts the platform with any ExternalId, or none"),
            (Self::AccountMismatch, "the session is in another account than the ARN says"),
            (Self::WrongRegion, "the instance is in eu-west-1"),
            (Self::InstanceDeleted, "the instance is gone"),
            (Self::InstanceDeleting, "the instance is being deleted"),
            (Self::InstanceCreating, "the instance is being created"),
            (Self::InstanceCreateFailed, "the instance could not be created"),
            (Self::AccountInstance, "the instance is an account's own, not the organization's"),
            (Self::MemberAccount, "the role is in a member account"),
            (
                Self::MissingPermission("sso:DescribeInstance".into()),
                "the role lacks a permission: any action as missing-<service>-<Action>",
            ),
            (Self::Kms(KmsReason::AccessDenied), "the customer's key denies access"),
            (Self::Kms(KmsReason::Disabled), "the customer's key is disabled"),
            (Self::Kms(KmsReason::InvalidState), "the customer's key is waiting to be deleted"),
            (Self::Kms(KmsReason::InvalidKeyUsage), "the customer's key is not one to encrypt with"),
            (Self::Kms(KmsReason::NotFound), "the customer's key is gone"),
            (Self::Kms(KmsReason::Throttled), "the customer's key is throttled"),
            (Self::Kms(KmsReason::UpdateFailed), "the instance's encryption could not be changed to another key"),
            (Self::NetworkRestricted, "the instance's network access controls deny calls from other networks"),
            (Self::NetworkRestrictedByPolicy, "a service control policy denies calls from other networks"),
            (Self::Fault(IdentityCenter, Throttled), "SSO Admin and Organizations are throttled"),
            (Self::Fault(IdentityCenter, ThrottledTwice), "each of their calls is throttled twice, then fine"),
            (Self::Fault(IdentityCenter, Slow(SLOW)), "3 seconds a call; slow-20 for 20"),
            (Self::Fault(IdentityCenter, Unreachable), "SSO Admin and Organizations close the connection"),
            (Self::Fault(IdentityCenter, InternalFailure), "SSO Admin and Organizations answer 500"),
            (
                Self::Fault(IdentityCenter, Refused),
                "they refuse with OptInRequired: the account's sign-up is not complete",
            ),
            (Self::Fault(Sts, Throttled), "STS is throttled"),
            (Self::Fault(Sts, ThrottledTwice), "each call to STS is throttled twice, then fine"),
            (Self::Fault(Sts, Slow(SLOW)), "STS takes 3 seconds; sts-slow-20 for 20"),
            (Self::Fault(Sts, Unreachable), "STS closes the connection"),
            (Self::Fault(Sts, InternalFailure), "STS answers 500"),
            (Self::Fault(Sts, Refused), "STS refuses with RegionDisabledException: it is not activated in the region"),
            (Self::Fault(IdentityCenter, Intermediary), "something between answers 403 with a page of HTML"),
            (Self::Fault(IdentityCenter, ClockSkewed), "the platform's clock is wrong: its signature is expired"),
            (Self::Fault(Sts, Intermediary), "something between answers for STS"),
            (Self::Fault(Sts, ClockSkewed), "the platform's clock is wrong for STS"),
        ];
        let sized = [Size::MEDIUM, Size::LARGE].map(|size| (Self::Sized(size), size.words().1));
        others.into_iter().chain(odd).chain(sized).collect()
    }

    /// Returns the ARN of the role with this scenario.
    pub fn role_arn(&self) -> String {
        let account = match self {
            Self::MemberAccount | Self::AccountInstance => MEMBER_ACCOUNT,
            Self::DelegatedAdministrator | Self::NetworkRestrictedByPolicy | Self::Odd(Oddity::RegionDenied) => {
                DELEGATED_ACCOUNT
            }
            _ => MANAGEMENT_ACCOUNT,
        };
        format!("arn:aws:iam::{account}:role/scenario/{self}")
    }

    /// Returns the scenario of a role, if its ARN is a scenario role's.
    pub fn of_role(role_arn: &str) -> Option<Self> {
        let (_, name) = role_arn.split_once(":role/scenario/")?;
        let scenario: Self = name.parse().ok()?;
        (scenario.role_arn() == role_arn).then_some(scenario)
    }

    /// Returns the account of the role's sessions.
    pub(crate) fn session_account<'a>(scenario: Option<&Self>, role_account: &'a str) -> &'a str {
        if scenario == Some(&Self::AccountMismatch) { MEMBER_ACCOUNT } else { role_account }
    }

    /// Returns the fault of a call to `service`.
    pub(crate) fn fault(&self, service: Service) -> Option<Fault> {
        match (self, service) {
            (Self::Fault(Reach::Sts, fault), Service::Sts)
            | (Self::Fault(Reach::IdentityCenter, fault), Service::SsoAdmin | Service::Organizations) => Some(*fault),
            _ => None,
        }
    }

    /// Returns the unusual behaviour.
    pub(crate) fn oddity(&self) -> Option<Oddity> {
        match self {
            Self::Odd(oddity) => Some(*oddity),
            _ => None,
        }
    }

    /// Changes the customer's data as the role's sessions see it.
    pub(crate) fn apply(&self, customer: &mut Customer) {
        if let Self::Odd(oddity) = self {
            oddity.apply(customer);
        }
        let Some(instance) = customer.instances.first_mut() else {
            return;
        };
        match self {
            Self::WrongRegion => instance.primary_region = "eu-west-1",
            Self::InstanceDeleted => customer.instances.clear(),
            Self::InstanceDeleting => instance.status = Status::DeleteInProgress,
            Self::InstanceCreating => instance.status = Status::CreateInProgress,
            Self::InstanceCreateFailed => {
                instance.status = Status::CreateFailed;
                instance.status_reason = Some("The KMS key could not be used to create the instance.");
            }
            Self::AccountInstance => {
                instance.owner = MEMBER_ACCOUNT;
                customer.permission_sets.clear();
                customer.assignments.clear();
            }
            Self::Kms(reason) => {
                let (status, status_reason) = match reason {
                    KmsReason::NotFound => ("UPDATE_FAILED", Some("The KMS key was not found.")),
                    KmsReason::UpdateFailed => ("UPDATE_FAILED", Some("The KMS key policy does not allow the update.")),
                    _ => ("ENABLED", None),
                };
                instance.customer_key = Some(CustomerKey {
                    arn: "arn:aws:kms:us-east-1:123456789012:key/5c1d7a42-9f0b-4e6a-8c3d-1b2a3f4e5d6c",
                    status,
                    status_reason,
                });
            }
            _ => {}
        }
    }
}

impl Display for Scenario {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Healthy => "healthy",
            Self::NoTrust => "no-trust",
            Self::ExternalIdNotEnforced => "external-id-not-enforced",
            Self::AccountMismatch => "account-mismatch",
            Self::WrongRegion => "wrong-region",
            Self::InstanceDeleted => "instance-deleted",
            Self::InstanceDeleting => "instance-deleting",
            Self::InstanceCreating => "instance-creating",
            Self::InstanceCreateFailed => "instance-create-failed",
            Self::AccountInstance => "account-instance",
            Self::MemberAccount => "member-account",
            Self::DelegatedAdministrator => "delegated-administrator",
            Self::MissingPermission(action) => {
                return write!(f, "missing-{}", action.replacen(':', "-", 1));
            }
            Self::Kms(KmsReason::AccessDenied) => "kms-denied",
            Self::Kms(KmsReason::Disabled) => "kms-disabled",
            Self::Kms(KmsReason::InvalidState) => "kms-invalid-state",
            Self::Kms(KmsReason::InvalidKeyUsage) => "kms-invalid-key-usage",
            Self::Kms(KmsReason::NotFound) => "kms-not-found",
            Self::Kms(KmsReason::Throttled) => "kms-throttled",
            Self::Kms(KmsReason::UpdateFailed) => "kms-update-failed",
            Self::NetworkRestricted => "network-restricted",
            Self::NetworkRestrictedByPolicy => "network-restricted-scp",
            Self::Odd(oddity) => oddity.name(),
            Self::Sized(size) => size.words().0,
            Self::Fault(reach, fault) => {
                let prefix = if *reach == Reach::Sts { "sts-" } else { "" };
                return match fault {
                    Fault::Throttled => write!(f, "{prefix}throttled"),
                    Fault::ThrottledTwice => write!(f, "{prefix}throttled-twice"),
                    Fault::Slow(SLOW) => write!(f, "{prefix}slow"),
                    Fault::Slow(duration) => write!(f, "{prefix}slow-{}", duration.as_secs()),
                    Fault::Unreachable => write!(f, "{prefix}unreachable"),
                    Fault::InternalFailure => write!(f, "{prefix}internal-failure"),
                    Fault::Refused => write!(f, "{prefix}refused"),
                    Fault::Intermediary => write!(f, "{prefix}proxy"),
                    Fault::ClockSkewed => write!(f, "{prefix}clock-skewed"),
                };
            }
        };
        f.write_str(name)
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some((scenario, _)) = Self::catalogue().into_iter().find(|(scenario, _)| scenario.to_string() == name) {
            return Ok(scenario);
        }
        if let Some((service, action)) = name.strip_prefix("missing-").and_then(|name| name.split_once('-'))
            && !action.is_empty()
            && (name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        {
            return Ok(Self::MissingPermission(format!("{service}:{action}")));
        }
        let (reach, fault) = name.strip_prefix("sts-").map_or((Reach::IdentityCenter, name), |name| (Reach::Sts, name));
        if let Some(seconds) = fault.strip_prefix("slow-").and_then(|seconds| seconds.parse().ok()) {
            return Ok(Self::Fault(reach, Fault::Slow(Duration::from_secs(seconds))));
        }
        Err(UnknownScenario(name.into()))
    }
}

/// A name that is not a scenario's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownScenario(String);

impl Display for UnknownScenario {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no scenario `{}`", self.0)
    }
}

impl std::error::Error for UnknownScenario {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_round_trip() {
        let mut names = std::collections::BTreeSet::new();
        for (scenario, about) in Scenario::catalogue() {
            assert_eq!(scenario.to_string().parse(), Ok(scenario.clone()));
            assert_eq!(Scenario::of_role(&scenario.role_arn()), Some(scenario.clone()));
            assert!(names.insert(scenario.to_string()), "{scenario} twice");
            assert!(!about.is_empty());
        }
        let missing = Scenario::MissingPermission("organizations:DescribeOrganization".into());
        assert_eq!("missing-organizations-DescribeOrganization".parse(), Ok(missing));
        assert_eq!("sts-slow-20".parse(), Ok(Scenario::Fault(Reach::Sts, Fault::Slow(Duration::from_secs(20)))));
    }

    #[test]
    fn other_roles_have_none() {
        for arn in [
            "arn:aws:iam::123456789012:role/Reader",
            "arn:aws:iam::123456789012:role/scenario/",
            "arn:aws:iam::123456789012:role/scenario/nothing-such",
            "arn:aws:iam::123456789012:role/scenario/member-account",
            "arn:aws:iam::444455556666:role/scenario/healthy",
            "arn:aws:iam::123456789012:role/scenario/missing-",
            "arn:aws:iam::123456789012:role/other/scenario/healthy",
        ] {
            assert_eq!(Scenario::of_role(arn), None, "{arn}");
        }
    }
}
