//! Texts of the manual: the calls of each check, the cause of each code, the sources of each refusal.

use super::advice::About;
use super::refusal::{Class, Meaning};
use super::{CheckId, Code, Connection, Deployment};

impl CheckId {
    /// The calls to AWS that a check makes.
    pub fn asks(self) -> &'static str {
        match self {
            Self::AssumeRole => {
                "`sts:AssumeRole` in the platform's region with the current ExternalId; while it is rotated, with the pending one; \
                 where both are denied, with the one before"
            }
            Self::ExternalIdEnforced => {
                "`sts:AssumeRole` without an ExternalId, and with a random one: both have to be denied"
            }
            Self::AccountMatch => "`sts:GetCallerIdentity`",
            Self::InstanceVisible => {
                "`sso:ListInstances` in the saved region; where the instance is not listed or the region does not answer, with \
                 `RegionScope=ALL_REGIONS`"
            }
            Self::InstanceActive => "`sso:DescribeInstance`",
            Self::InstanceKind => "`organizations:DescribeOrganization`, `organizations:ListDelegatedAdministrators`",
            Self::PermissionSets => {
                "`sso:ListPermissionSets`, one row; and once each action that only the reading of the organization needs: \
                 `organizations:ListAccounts`, `sso:DescribePermissionSet`, `sso:ListAccountsForProvisionedPermissionSet`, \
                 `sso:ListAccountAssignments`"
            }
        }
    }
}

impl Code {
    /// The cause, in one sentence.
    pub fn cause(self) -> &'static str {
        match self {
            Self::AssumeRoleDenied => {
                "STS denies the role. It says the same for a role that does not exist, a missing trust, a wrong ExternalId and a \
                 policy of the organization."
            }
            Self::AssumeRoleFailed => {
                "STS refuses for another reason than a denial, such as a region that is not activated."
            }
            Self::StsUnreachable => "STS throttled, failed or did not answer.",
            Self::PendingExternalIdNotTrusted => {
                "While the ExternalId is rotated, the role does not trust the pending one yet."
            }
            Self::CurrentExternalIdNotTrusted => {
                "The role trusts the pending or the former ExternalId, not the current one."
            }
            Self::RoleShared => "Another tenant of this platform uses the same role.",
            Self::ExternalIdNotEnforced => "The role can be assumed without the tenant's ExternalId.",
            Self::AccountMismatch => "The role's session is in another account than its ARN names.",
            Self::PartitionUnreachable => "The role is in another partition than the platform.",
            Self::InstanceNotFound => "No region lists the instance to the role's account.",
            Self::WrongRegion => {
                "The instance's primary region is another one than the saved region, which may hold a replica of it."
            }
            Self::RegionNotEnabled => {
                "AWS does not accept a session of the role in the saved region, although it does in the platform's: the account \
                 has not enabled the region."
            }
            Self::InstanceNotVisible => "The instance was just made: all regions list it, its own does not yet.",
            Self::PermissionMissing => "The role's own policies do not allow an action.",
            Self::NetworkRestricted => {
                "A policy that the role's own policies cannot override denies an action: a service control policy, a resource \
                 control policy, the policy of a VPC endpoint, or the instance's network access controls."
            }
            Self::InstanceNotActive => "The instance is being made or deleted, or could not be made.",
            Self::KmsDenied => "The customer managed key or the role's policy does not allow `kms:Decrypt`.",
            Self::KmsDisabled => "The customer managed key is disabled.",
            Self::KmsInvalidState => "The customer managed key is waiting to be deleted, or has no material.",
            Self::KmsInvalidKeyUsage => "The customer managed key is not a symmetric encryption key.",
            Self::KmsNotFound => "The customer managed key does not exist.",
            Self::KmsThrottled => "KMS is throttled.",
            Self::KmsUpdateFailed => "The instance's encryption could not be changed to another key.",
            Self::AccountInstance => {
                "The instance belongs to one account, not to an organization: it has no permission sets."
            }
            Self::NotDelegatedAdmin => "The role is in a member account that does not administer IAM Identity Center.",
            Self::AwsThrottled => "IAM Identity Center or AWS Organizations throttles.",
            Self::AwsUnavailable => "IAM Identity Center or AWS Organizations fails.",
            Self::AwsUnreachable => "IAM Identity Center or AWS Organizations did not answer in time.",
            Self::PlatformFault => {
                "AWS rejects the platform's request because of its clock, signature or credentials, or something between the \
                 platform and AWS answered."
            }
            Self::AwsRefused => "AWS refuses with an error code that is not among these.",
        }
    }

    /// The remedy for a connection.
    pub fn remedy(self, connection: &Connection, deployment: &Deployment) -> String {
        About::of(connection, deployment).advice(self, None)
    }
}

impl Class {
    /// The remedy of the class, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::RetryNow => "retry now",
            Self::RetryLater => "retry later",
            Self::NewSession => "open a new session, once; refused again, the region is not enabled",
            Self::FirstPage => "begin the list again, once",
            Self::Permission => "the customer's permission",
            Self::Trust => "the customer's trust policy",
            Self::Key => "the customer's key",
            Self::Region => "the region",
            Self::Policy => "a policy of the organization, the network or the instance",
            Self::AccountInstance => "an account instance",
            Self::Platform => "the platform's own fault",
            Self::Gone => "gone, once it is confirmed",
            Self::Other => "named by its code",
        }
    }
}

impl Meaning {
    /// The class of a refusal with this meaning.
    pub fn class(self) -> Class {
        match self {
            Self::Denied => Class::Permission,
            Self::Kms(super::KmsReason::Throttled) | Self::Throttled => Class::RetryLater,
            Self::Kms(_) => Class::Key,
            Self::SessionOver => Class::NewSession,
            Self::RegionDisabled => Class::Region,
            Self::PageToken => Class::FirstPage,
            Self::AccountInstance | Self::NoOrganization => Class::AccountInstance,
            Self::NotSignedUp | Self::Other => Class::Other,
            Self::NotFound => Class::Gone,
            Self::Unavailable => Class::RetryNow,
            Self::Intermediary | Self::Platform => Class::Platform,
        }
    }
}
