//! The table of error forms: HTTP status, code, reason and message, and the meaning of each.
//!
//! Sources: the API references of STS, IAM Identity Center and AWS Organizations with their "Common errors", the models that
//! the SDKs are made from, "Troubleshoot access denied error messages" (IAM User Guide), and errors that users report publicly.
//! The first rule that fits decides.

use std::ops::RangeInclusive;

use super::{Denial, KmsReason, Refusal};

/// An error as it arrived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reported<'a> {
    /// The HTTP status.
    pub status: u16,
    /// AWS's error code without a namespace; empty where the body has none.
    pub code: &'a str,
    /// The `Reason` member of an exception.
    pub reason: Option<&'a str>,
    /// AWS's message.
    pub message: &'a str,
    /// True where the body is in no format of AWS, such as HTML.
    pub is_foreign: bool,
    /// True where the call carried a page token.
    pub with_token: bool,
    /// The SDK's own classification, where it has one.
    pub sdk: Option<Retry>,
}

/// The SDK's classification of an error that it retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Too many calls.
    Throttling,
    /// A failure that is expected to pass.
    Transient,
}

/// One row of the table. An empty list or `None` fits everything.
#[derive(Debug)]
pub struct Rule {
    /// Error codes.
    pub codes: &'static [&'static str],
    /// Values of `Reason`.
    pub reasons: &'static [&'static str],
    /// Parts of the message, in lower case.
    pub says: &'static [&'static str],
    /// HTTP status.
    pub status: Option<RangeInclusive<u16>>,
    /// A body in no format of AWS.
    pub is_foreign: Option<bool>,
    /// A call with a page token.
    pub with_token: Option<bool>,
    /// The SDK's classification.
    pub sdk: Option<Retry>,
    /// The meaning.
    pub meaning: Meaning,
}

/// The meaning of a rule: a [`Refusal`] without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are those of Refusal")]
pub enum Meaning {
    Denied,
    Kms(KmsReason),
    SessionOver,
    RegionDisabled,
    PageToken,
    AccountInstance,
    NoOrganization,
    NotSignedUp,
    NotFound,
    Throttled,
    Unavailable,
    Intermediary,
    Platform,
    Other,
}

const ANY: Rule = Rule {
    codes: &[],
    reasons: &[],
    says: &[],
    status: None,
    is_foreign: None,
    with_token: None,
    sdk: None,
    meaning: Meaning::Other,
};

const fn reason(reasons: &'static [&'static str], meaning: Meaning) -> Rule {
    Rule { reasons, meaning, ..ANY }
}

const fn codes(codes: &'static [&'static str], meaning: Meaning) -> Rule {
    Rule { codes, meaning, ..ANY }
}

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccessDeniedForDependencyException",
    "ForbiddenException",
    "NotAuthorized",
    "UnauthorizedOperation",
];

/// The table.
pub const RULES: &[Rule] = &[
    // The customer's key, whatever the code: each operation has exceptions of its own for it.
    reason(&["KMS_AccessDeniedException"], Meaning::Kms(KmsReason::Denied)),
    reason(&["KMS_DisabledException"], Meaning::Kms(KmsReason::Disabled)),
    reason(&["KMS_InvalidStateException"], Meaning::Kms(KmsReason::InvalidState)),
    reason(&["KMS_InvalidKeyUsageException"], Meaning::Kms(KmsReason::InvalidKeyUsage)),
    reason(&["KMS_NotFoundException"], Meaning::Kms(KmsReason::NotFound)),
    reason(&["KMS_ThrottlingException"], Meaning::Kms(KmsReason::Throttled)),
    Rule { codes: DENIED, says: &["not authorized to perform: kms:"], meaning: Meaning::Kms(KmsReason::Denied), ..ANY },
    // Throttling, by the SDK's list and two codes that are not in it.
    Rule { sdk: Some(Retry::Throttling), meaning: Meaning::Throttled, ..ANY },
    codes(&["Throttling", "ThrottlingException", "TooManyRequestsException"], Meaning::Throttled),
    Rule { status: Some(429..=429), meaning: Meaning::Throttled, ..ANY },
    // AWS's own failures: the status decides, whatever the code.
    Rule { status: Some(500..=599), meaning: Meaning::Unavailable, ..ANY },
    Rule { sdk: Some(Retry::Transient), meaning: Meaning::Unavailable, ..ANY },
    codes(
        &[
            "ConcurrentModificationException",
            "ConflictException",
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServerException",
            "RequestTimeout",
            "RequestTimeoutException",
            "ServiceException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        ],
        Meaning::Unavailable,
    ),
    // A proxy, a captive portal, a firewall.
    Rule { is_foreign: Some(true), meaning: Meaning::Intermediary, ..ANY },
    // The platform's clock, signature or credentials.
    codes(
        &[
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidAction",
            "InvalidSignatureException",
            "MalformedQueryString",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SerializationException",
            "SignatureDoesNotMatch",
            "UnknownOperationException",
        ],
        Meaning::Platform,
    ),
    // The session.
    codes(
        &[
            "AuthFailure",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidToken",
            "TokenRefreshRequired",
            "UnrecognizedClientException",
        ],
        Meaning::SessionOver,
    ),
    codes(&["RegionDisabledException"], Meaning::RegionDisabled),
    codes(&["OptInRequired", "SubscriptionRequiredException"], Meaning::NotSignedUp),
    // Kinds of accounts and instances.
    codes(&["AWSOrganizationsNotInUseException"], Meaning::NoOrganization),
    Rule {
        codes: &["ValidationException", "UnsupportedOperation", "UnsupportedOperationException"],
        says: &[
            "account instance",
            "not supported for this identity center instance",
            "not supported for this instance",
        ],
        meaning: Meaning::AccountInstance,
        ..ANY
    },
    // Page tokens.
    reason(&["INVALID_NEXT_TOKEN", "INVALID_PAGINATION_TOKEN"], Meaning::PageToken),
    codes(
        &["ExpiredNextTokenException", "InvalidNextTokenException", "InvalidPaginationTokenException"],
        Meaning::PageToken,
    ),
    Rule {
        codes: &["InvalidInputException", "InvalidParameterException", "ValidationError", "ValidationException"],
        with_token: Some(true),
        meaning: Meaning::PageToken,
        ..ANY
    },
    codes(&["AccountNotFoundException", "NoSuchEntity", "ResourceNotFoundException"], Meaning::NotFound),
    codes(DENIED, Meaning::Denied),
    // An error without a code.
    Rule { codes: &[""], status: Some(400..=499), meaning: Meaning::Intermediary, ..ANY },
    codes(&[""], Meaning::Unavailable),
    ANY,
];

impl Rule {
    fn fits(&self, error: &Reported<'_>) -> bool {
        let message = error.message.to_ascii_lowercase();
        (self.codes.is_empty() || self.codes.contains(&error.code))
            && (self.reasons.is_empty() || error.reason.is_some_and(|reason| self.reasons.contains(&reason)))
            && (self.says.is_empty() || self.says.iter().any(|part| message.contains(part)))
            && self.status.as_ref().is_none_or(|status| status.contains(&error.status))
            && self.is_foreign.is_none_or(|is_foreign| is_foreign == error.is_foreign)
            && self.with_token.is_none_or(|with_token| with_token == error.with_token)
            && self.sdk.is_none_or(|sdk| error.sdk == Some(sdk))
    }
}

impl Reported<'_> {
    /// Classifies the error.
    pub fn refusal(&self) -> Refusal {
        let meaning = RULES.iter().find(|rule| rule.fits(self)).map_or(Meaning::Other, |rule| rule.meaning);
        let code = || if self.code.is_empty() { "no code".to_owned() } else { self.code.to_owned() };
        match meaning {
            Meaning::Denied => Refusal::Denied(Denial::of_message(self.message)),
            Meaning::Kms(reason) => Refusal::Kms(reason),
            Meaning::SessionOver => Refusal::SessionOver,
            Meaning::RegionDisabled => Refusal::RegionDisabled,
            Meaning::PageToken => Refusal::PageToken,
            Meaning::AccountInstance => Refusal::AccountInstance,
            Meaning::NoOrganization => Refusal::NoOrganization,
            Meaning::NotSignedUp => Refusal::NotSignedUp(code()),
            Meaning::NotFound => Refusal::NotFound,
            Meaning::Throttled => Refusal::Throttled,
            Meaning::Unavailable => Refusal::Unavailable,
            Meaning::Intermediary => Refusal::Intermediary(self.status),
            Meaning::Platform => Refusal::Platform(code()),
            Meaning::Other => {
                let said = if self.message.is_empty() { self.reason.unwrap_or_default() } else { self.message };
                // AWS's messages are short; what a stranger puts there is not kept at any length.
                let said: String = said.chars().take(300).collect();
                Refusal::Other(if said.is_empty() { code() } else { format!("{}: {said}", code()) })
            }
        }
    }
}
