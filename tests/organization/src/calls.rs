//! The record of the calls that arrived, for tests that count them.

use time::OffsetDateTime;

/// The services of the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Security Token Service.
    Sts,
    /// IAM Identity Center's administration API.
    SsoAdmin,
    /// AWS Organizations.
    Organizations,
    /// Key Management Service.
    Kms,
}

impl Service {
    /// Returns the service's name in the credential scope of a signature, which is also its prefix in IAM actions.
    pub fn signing_name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::SsoAdmin => "sso",
            Self::Organizations => "organizations",
            Self::Kms => "kms",
        }
    }
}

/// A call that arrived.
#[derive(Clone, Debug)]
pub struct Call {
    /// Time of arrival.
    pub at: OffsetDateTime,
    /// The called service.
    pub service: Service,
    /// The operation's name in the service: `DescribeInstance`.
    pub operation: String,
    /// The region in the signature's scope; empty if the request was not signed.
    pub region: String,
    /// The caller's account; empty if the caller was not recognised.
    pub account: String,
    /// The caller's ARN, as in GetCallerIdentity; empty if the caller was not recognised.
    pub caller: String,
    /// The role of the calling session, or the role to assume.
    pub role_arn: Option<String>,
    /// The `ExternalId` of an AssumeRole.
    pub external_id: Option<String>,
    /// The code of the returned error; `None` for a success.
    pub error: Option<String>,
}
