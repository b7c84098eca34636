//! Classes of the responses of AWS services: one table per service, from error codes to classes.
//!
//! The SDK retries throttling, errors of the service and unreadable responses up to three times. The table says what
//! the error that is left after that means.

use self::ResponseClass::{Permanent, RetryLater, RetryNow, Success};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Class of a response, which decides what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResponseClass {
    /// The call did what it should, or had nothing to do.
    Success,
    /// Another writer was faster. Read, decide and write again.
    RetryNow,
    /// The service is throttled, slow or unavailable. The client or the event source repeats its request later.
    RetryLater,
    /// A repetition does not help. An operator or a developer has to look into it.
    Permanent,
}

/// A table of error codes. Codes that it lacks are in the table of errors that all services have in common.
pub type ErrorTable = [(&'static str, ResponseClass)];

/// Errors that all services have in common ("Common Error Types" of each API reference, and the codes that the SDK
/// retries).
pub const COMMON: &ErrorTable = &[
    ("BandwidthLimitExceeded", RetryLater),
    ("PriorRequestNotComplete", RetryLater),
    ("RequestLimitExceeded", RetryLater),
    ("RequestThrottled", RetryLater),
    ("RequestThrottledException", RetryLater),
    ("SlowDown", RetryLater),
    ("ThrottledException", RetryLater),
    ("Throttling", RetryLater),
    ("ThrottlingException", RetryLater),
    ("TooManyRequestsException", RetryLater),
    ("InternalError", RetryLater),
    ("InternalFailure", RetryLater),
    ("InternalServerError", RetryLater),
    ("InternalServerException", RetryLater),
    ("RequestTimeout", RetryLater),
    ("RequestTimeoutException", RetryLater),
    ("ServiceUnavailable", RetryLater),
    ("ServiceUnavailableException", RetryLater),
    // Lambda replaces the credentials of a function before they expire: another attempt has others.
    ("ExpiredToken", RetryLater),
    ("ExpiredTokenException", RetryLater),
    ("RequestExpired", RetryLater),
    ("AccessDenied", Permanent),
    ("AccessDeniedException", Permanent),
    ("IncompleteSignature", Permanent),
    ("IncompleteSignatureException", Permanent),
    ("InvalidAction", Permanent),
    ("InvalidClientTokenId", Permanent),
    ("InvalidSignatureException", Permanent),
    ("MalformedHttpRequestException", Permanent),
    ("MissingAuthenticationToken", Permanent),
    ("MissingAuthenticationTokenException", Permanent),
    ("NotAuthorized", Permanent),
    ("OptInRequired", Permanent),
    ("SerializationException", Permanent),
    ("SignatureDoesNotMatch", Permanent),
    ("UnknownOperationException", Permanent),
    ("UnrecognizedClientException", Permanent),
    ("ValidationError", Permanent),
    ("ValidationException", Permanent),
];

/// Errors of DynamoDB: of the operations that the store calls, and the reasons inside a cancelled transaction.
pub const DYNAMODB: &ErrorTable = &[
    // Reasons of entries of a cancelled transaction ("TransactWriteItems", Amazon DynamoDB API Reference).
    ("None", Success),
    ("ConditionalCheckFailed", RetryNow),
    ("TransactionConflict", RetryNow),
    ("ProvisionedThroughputExceeded", RetryLater),
    ("ThrottlingError", RetryLater),
    ("DuplicateItem", Permanent),
    ("ItemCollectionSizeLimitExceeded", Permanent),
    // Errors of operations.
    ("ConditionalCheckFailedException", RetryNow),
    ("ReplicatedWriteConflictException", RetryNow),
    ("TransactionConflictException", RetryNow),
    ("LimitExceededException", RetryLater),
    ("ProvisionedThroughputExceededException", RetryLater),
    ("TransactionInProgressException", RetryLater),
    ("DuplicateItemException", Permanent),
    ("IdempotentParameterMismatchException", Permanent),
    ("InvalidEndpointException", Permanent),
    ("ItemCollectionSizeLimitExceededException", Permanent),
    ("ResourceInUseException", Permanent),
    ("ResourceNotFoundException", Permanent),
    // The reasons of its entries decide; it has this class if they are missing.
    ("TransactionCanceledException", Permanent),
];

/// Errors of KMS: of the operations that use the platform's keys.
pub const KMS: &ErrorTable = &[
    ("DependencyTimeoutException", RetryLater),
    ("KMSInternalException", RetryLater),
    ("KeyUnavailableException", RetryLater),
    ("LimitExceededException", RetryLater),
    ("DisabledException", Permanent),
    ("DryRunOperationException", Permanent),
    ("IncorrectKeyException", Permanent),
    ("InvalidArnException", Permanent),
    ("InvalidCiphertextException", Permanent),
    ("InvalidGrantTokenException", Permanent),
    ("InvalidKeyUsageException", Permanent),
    ("KMSInvalidStateException", Permanent),
    ("NotFoundException", Permanent),
    ("UnsupportedOperationException", Permanent),
];

/// Errors of EventBridge: of `PutEvents`, and of single entries that it rejects.
pub const EVENTBRIDGE: &ErrorTable = &[
    ("InternalException", RetryLater),
    ("InvalidAccountIdException", Permanent),
    ("InvalidArgument", Permanent),
    ("MalformedDetail", Permanent),
    ("NotAuthorizedForDetailTypeException", Permanent),
    ("NotAuthorizedForSourceException", Permanent),
    ("RedactionFailure", Permanent),
    ("ResourceNotFoundException", Permanent),
];

/// Errors of SQS: of `SendMessage`, under the names of both of its protocols.
pub const SQS: &ErrorTable = &[
    ("AWS.SimpleQueueService.NonExistentQueue", Permanent),
    ("AWS.SimpleQueueService.UnsupportedOperation", Permanent),
    ("InvalidAddress", Permanent),
    ("InvalidMessageContents", Permanent),
    ("InvalidSecurity", Permanent),
    ("KmsAccessDenied", Permanent),
    ("KmsDisabled", Permanent),
    ("KmsInvalidKeyUsage", Permanent),
    ("KmsInvalidState", Permanent),
    ("KmsNotFound", Permanent),
    ("KmsOptInRequired", Permanent),
    ("KmsThrottled", RetryLater),
    ("OverLimit", RetryLater),
    ("QueueDoesNotExist", Permanent),
    ("UnsupportedOperation", Permanent),
];

impl ResponseClass {
    /// Returns the class of an error code. An error without a code is a bare 5xx of something in between; an unknown
    /// code is permanent.
    pub fn of_code(table: &ErrorTable, code: Option<&str>) -> Self {
        let Some(code) = code else { return RetryLater };
        let mut rows = table.iter().chain(COMMON);
        rows.find(|(known, _)| *known == code).map_or(Permanent, |(_, class)| *class)
    }

    /// Returns the class of an error of the SDK.
    pub fn of_error<E: ProvideErrorMetadata, R>(table: &ErrorTable, error: &SdkError<E, R>) -> Self {
        match error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => RetryLater,
            SdkError::ServiceError(service) => Self::of_code(table, service.err().code()),
            _ => Permanent,
        }
    }
}

impl std::fmt::Display for ResponseClass {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Success => "success",
            RetryNow => "retry now",
            RetryLater => "retry later",
            Permanent => "permanent",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_code_has_one_class() {
        for table in [DYNAMODB, KMS, EVENTBRIDGE, SQS] {
            let rows = || table.iter().chain(COMMON);
            let codes: HashSet<&str> = rows().map(|(code, _)| *code).collect();
            assert_eq!(codes.len(), rows().count());
            for (code, class) in rows() {
                assert_eq!(ResponseClass::of_code(table, Some(code)), *class, "{code}");
            }
            assert_eq!(ResponseClass::of_code(table, Some("SomethingNew")), Permanent);
            assert_eq!(ResponseClass::of_code(table, None), RetryLater);
        }
    }
}
