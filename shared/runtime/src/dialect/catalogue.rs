//! Errors of a dialect for the API document: one of each kind, as the service renders it.

use trustplane_domain::failure::{Cause, Conflict, Denial, PolicyProblem};
use trustplane_domain::setup::Ended;
use trustplane_domain::{Failure, Faults};

use super::{About, render};
use crate::Dialect;

/// An error, as the service renders it.
#[derive(Debug)]
pub struct ErrorExample {
    /// The kind, in words.
    pub title: &'static str,
    /// The next step of a client.
    pub remedy: &'static str,
    /// The status.
    pub status: u16,
    /// The names of its headers, in lower case.
    pub headers: Vec<String>,
    /// The body; empty if there is none.
    pub body: String,
}

/// Returns one error of each kind.
pub fn error_examples(dialect: Dialect) -> Vec<ErrorExample> {
    let about = About {
        request_id: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef".to_owned(),
        interaction_id: "d78fc4e5-37ca-4da3-adf2-9b082bf92280".to_owned(),
        sealed_denial: Some("AQICAHhPb2xhcnMgc2VhbGVkIGRlbmlhbA".to_owned()),
    };
    let example = |failure: Failure| {
        let (title, remedy) = (title(&failure), remedy(&failure));
        let response = render(dialect, &Err(failure), &about);
        let headers = response.headers.into_keys().collect();
        ErrorExample { title, remedy, status: response.status_code, headers, body: response.body }
    };
    failures().into_iter().map(example).collect()
}

/// The kind of a failure. A new kind has to be named here, and listed below.
fn title(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unauthenticated => "no valid credential",
        Failure::SignatureExpired => "signature too old",
        Failure::InvalidTenantId => "invalid tenant id",
        Failure::TenantMismatch => "another tenant",
        Failure::TenantSuspended => "tenant suspended",
        Failure::NotAcceptable { .. } => "media type not available",
        Failure::TooLarge { .. } => "body too large",
        Failure::UnsupportedMediaType => "body of another media type",
        Failure::InvalidJson(_) => "body that is not JSON",
        Failure::Invalid(_) => "invalid fields",
        Failure::InvalidPolicy(_) => "invalid policy",
        Failure::Forbidden(_) => "denied by policies",
        Failure::AwsDenied(..) => "denied by AWS",
        Failure::NotFound(_) => "not found",
        Failure::NoRoute => "unknown path",
        Failure::MethodNotAllowed { .. } => "method not allowed",
        Failure::PreconditionFailed => "changed since it was read",
        Failure::MustNotExist => "exists, and was only to be created",
        Failure::Conflict(conflict, _) => conflict_title(*conflict),
        Failure::SetupLinkEnded(_) => "setup link that has ended",
        Failure::IdempotencyMismatch => "idempotency key of another request",
        Failure::RateLimited { .. } => "rate limit exceeded",
        Failure::Unavailable { .. } => "service busy",
        Failure::AwsUnavailable { .. } => "AWS throttles or fails",
        Failure::AwsUnreachable(_) => "AWS not reached",
        Failure::Internal(_) => "fault of the service",
    }
}

fn conflict_title(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::NotConfigured => "no connection",
        Conflict::LostRace => "concurrent changes",
        Conflict::RotationInProgress => "rotation in progress",
        Conflict::NoRotation => "no rotation",
        Conflict::ExternalIdNotTrusted => "ExternalId not trusted yet",
        Conflict::LastAdmin => "last admin",
        Conflict::IdempotencyInProgress => "same request in progress",
        Conflict::Exists => "exists already",
        Conflict::WrongState => "wrong state",
        Conflict::Limit => "limit reached",
        Conflict::Duplicate => "duplicate",
        Conflict::LastValidCertificate => "last valid certificate",
        Conflict::Claimed => "claimed by another tenant",
    }
}

/// The next step of a client after a failure.
fn remedy(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unauthenticated => "send a credential that is valid",
        Failure::SignatureExpired => "sign again, with the present time",
        Failure::InvalidTenantId => "send the tenant's id in `X-Tenant-ID`",
        Failure::TenantMismatch => "send the id of the credential's tenant",
        Failure::TenantSuspended => "ask the operator",
        Failure::NotAcceptable { .. } => "accept the media type in the message",
        Failure::TooLarge { .. } => "send a smaller body",
        Failure::UnsupportedMediaType => "send `application/json`",
        Failure::InvalidJson(_) => "send a JSON object in UTF-8",
        Failure::Invalid(_) => "correct each field that is named",
        Failure::InvalidPolicy(_) => "correct each place of the text that is named",
        Failure::Forbidden(_) => "use a credential with another role, or read the notices",
        Failure::AwsDenied(..) => "test the connection, which names the missing permission",
        Failure::NotFound(_) => "correct the ids of the path",
        Failure::NoRoute => "correct the path",
        Failure::MethodNotAllowed { .. } => "use a method of `Allow`",
        Failure::PreconditionFailed => "read the resource again, and decide again",
        Failure::MustNotExist => "read the resource, and replace it with `If-Match`",
        Failure::Conflict(conflict, _) => conflict_remedy(*conflict),
        Failure::SetupLinkEnded(_) => "ask who sent the link for another",
        Failure::IdempotencyMismatch => "use a new key for another request",
        Failure::RateLimited { .. } | Failure::Unavailable { .. } | Failure::AwsUnavailable { .. } => {
            "send the request again after `Retry-After`"
        }
        Failure::AwsUnreachable(_) => "test the connection; send the request again after `Retry-After`",
        Failure::Internal(_) => "give the operator `X-Request-Id`",
    }
}

fn conflict_remedy(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::NotConfigured => "save a connection first",
        Conflict::LostRace => "send the request again",
        Conflict::RotationInProgress => "commit or cancel the rotation",
        Conflict::NoRotation => "start a rotation first",
        Conflict::ExternalIdNotTrusted => "let the role trust the pending ExternalId, then commit again",
        Conflict::LastAdmin => "create another credential with the role `admin` first",
        Conflict::IdempotencyInProgress => "wait for the response to the first request",
        Conflict::Exists => "update the resource that exists, or choose another id",
        Conflict::WrongState => "change the state that the message names first",
        Conflict::Limit => "delete a resource of this kind first",
        Conflict::Duplicate => "use the resource that exists",
        Conflict::LastValidCertificate => "import another certificate, or disable the provider first",
        Conflict::Claimed => "ask the operator, if the domain is yours",
    }
}

/// One failure of each kind.
fn failures() -> Vec<Failure> {
    let conflict = |conflict, message: &str| Failure::Conflict(conflict, message.to_owned());
    let cause = || Cause::new("");
    vec![
        Failure::Unauthenticated,
        Failure::SignatureExpired,
        Failure::InvalidTenantId,
        Failure::TenantMismatch,
        Failure::TenantSuspended,
        Failure::NotAcceptable { available: "`application/json`".to_owned() },
        Failure::TooLarge { limit: 64 * 1024 },
        Failure::UnsupportedMediaType,
        Failure::InvalidJson("is not JSON: expected value at line 1 column 1".to_owned()),
        Failure::Invalid(Faults::of("region", "must be an AWS region such as `us-east-1`")),
        Failure::InvalidPolicy(vec![PolicyProblem { line: 1, column: 8, message: "unexpected token `)`".to_owned() }]),
        Failure::Forbidden(Denial { notices: vec!["the configuration is frozen".to_owned()], ..Denial::default() }),
        Failure::AwsDenied(
            "AWS denies `sso:ListInstances` to the role: it must be in the management account or a delegated \
             administrator's"
                .to_owned(),
            cause(),
        ),
        Failure::NotFound("resource"),
        Failure::NoRoute,
        Failure::MethodNotAllowed { allow: "GET, PUT".to_owned() },
        Failure::PreconditionFailed,
        Failure::MustNotExist,
        conflict(Conflict::NotConfigured, "no connection is saved: save one first"),
        conflict(Conflict::LostRace, "others changed the resource at the same time: send the request again"),
        conflict(Conflict::RotationInProgress, "a rotation is in progress: commit or cancel it"),
        conflict(Conflict::NoRotation, "no rotation is in progress"),
        conflict(Conflict::ExternalIdNotTrusted, "the role does not accept the pending ExternalId yet"),
        conflict(Conflict::LastAdmin, "the tenant needs one unexpired credential with the role `admin`"),
        conflict(Conflict::IdempotencyInProgress, "a request with this `Idempotency-Key` is in progress"),
        conflict(Conflict::Exists, "there is one already"),
        conflict(Conflict::WrongState, "the state does not allow this"),
        conflict(Conflict::Limit, "the limit is reached"),
        conflict(Conflict::Duplicate, "the same one exists already"),
        conflict(Conflict::LastValidCertificate, "an enabled provider needs a valid certificate"),
        conflict(Conflict::Claimed, "another tenant has proven the domain"),
        Failure::SetupLinkEnded(Ended::UsedUp),
        Failure::IdempotencyMismatch,
        Failure::RateLimited { retry_after: 30, limit: "the tenant's budget is spent" },
        Failure::Unavailable { retry_after: 1, cause: cause() },
        Failure::AwsUnavailable { retry_after: 5, cause: cause() },
        Failure::AwsUnreachable(cause()),
        Failure::Internal(cause()),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_is_listed_once() {
        let titles: BTreeSet<_> = failures().iter().map(title).collect();
        assert_eq!((titles.len(), failures().len()), (38, 38));
    }
}
