//! The record of the calls that arrived, for tests that count them.

use time::OffsetDateTime;

/// The services that the organization answers.
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
    /// The service's name in the credential scope of a signature, and its prefix in IAM actions.
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
    /// When it arrived.
    pub at: OffsetDateTime,
    /// The service it was for.
    pub service: Service,
    /// As the service names it: `DescribeInstance`.
    pub operation: String,
    /// The region in the signature's scope; empty where the request was not signed.
    pub region: String,
    /// The caller's account; empty where the caller was not recognised.
    pub account: String,
    /// The caller's ARN, as GetCallerIdentity reports it; empty where the caller was not recognised.
    pub caller: String,
    /// The role whose session called, or that was to be assumed.
    pub role_arn: Option<String>,
    /// The `ExternalId` of an AssumeRole.
    pub external_id: Option<String>,
    /// The error that was answered, as its code; `None` for a success.
    pub error: Option<String>,
}
