//! Responses of the services: results and errors in the AWS JSON 1.1 protocol (SSO Admin, Organizations, KMS) and the
//! AWS query protocol (STS).
//!
//! Sources: the protocol pages of the Smithy documentation (`aws.protocols#awsJson1_1`, `aws.protocols#awsQuery`), and
//! the parsers of the AWS SDKs.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Service;

/// An error response of a service.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// The code in the service's model, without a namespace: `AccessDeniedException`.
    pub(crate) code: &'static str,
    /// Namespace of the code in `__type`, where AWS adds one.
    namespace: &'static str,
    pub(crate) message: String,
    /// `Reason`, which some exceptions of SSO Admin and Organizations have.
    pub(crate) reason: Option<&'static str>,
}

/// Namespace of errors from AWS's common front end, before the request reaches a service.
const FRONT_END: &str = "com.amazon.coral.service#";

impl Failure {
    /// Creates a client error, with status 400.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, namespace: "", message: message.into(), reason: None }
    }

    /// Creates an error of the common front end.
    pub(crate) fn front_end(code: &'static str, message: impl Into<String>) -> Self {
        Self { namespace: FRONT_END, ..Self::new(code, message) }
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn with_reason(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Creates the error for an operation that the service does not have.
    pub(crate) fn unknown_operation(service: Service, operation: &str) -> Self {
        match service {
            Service::Sts => {
                Self::new("InvalidAction", format!("Could not find operation {operation} for version 2011-06-15"))
            }
            _ => Self::front_end("UnknownOperationException", ""),
        }
    }

    /// Creates the service's internal error, with status 500.
    pub(crate) fn internal(service: Service) -> Self {
        let (code, message) = match service {
            Service::Sts => ("InternalFailure", "The request processing has failed because of an unknown error."),
            Service::SsoAdmin => {
                ("InternalServerException", "The request processing has failed because of an internal error.")
            }
            Service::Organizations => (
                "ServiceException",
                "AWS Organizations can't complete your request because of an internal service error.",
            ),
            Service::Kms => {
                ("KMSInternalException", "The request was rejected because an internal exception occurred.")
            }
        };
        Self::new(code, message).with_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Creates an error that is neither a denial nor an internal error ("Common errors" of each API reference;
    /// `AssumeRole`).
    pub(crate) fn refused(service: Service) -> Self {
        let (code, message) = match service {
            Service::Sts => (
                "RegionDisabledException",
                "STS is not activated in this region for account. Your account administrator can activate STS in this region \
                 using the IAM Console.",
            ),
            _ => ("OptInRequired", "The AWS Access Key Id needs a subscription for the service"),
        };
        Self::new(code, message).with_status(StatusCode::FORBIDDEN)
    }

    /// The signature is outside the minutes that clocks may differ.
    pub(crate) fn clock_skewed(service: Service) -> Self {
        let message =
            "Signature expired: 20240314T092653Z is now earlier than 20240314T094153Z (20240314T095653Z - 15 min.)";
        match service {
            Service::Sts => Self::new("SignatureDoesNotMatch", message).with_status(StatusCode::FORBIDDEN),
            _ => Self::front_end("InvalidSignatureException", message),
        }
    }

    /// A page token is not accepted any more.
    pub(crate) fn token_expired(service: Service) -> Self {
        match service {
            Service::Organizations => {
                Self::new("InvalidInputException", "You specified an invalid value.").with_reason("INVALID_NEXT_TOKEN")
            }
            _ => Self::new("ValidationException", "The NextToken is not valid."),
        }
    }

    /// Creates the error for too many calls.
    pub(crate) fn throttled(service: Service) -> Self {
        let (code, message) = match service {
            Service::Sts => ("Throttling", "Rate exceeded"),
            Service::SsoAdmin => ("ThrottlingException", "Rate exceeded"),
            Service::Organizations => {
                ("TooManyRequestsException", "You have sent too many requests in too short a period of time.")
            }
            Service::Kms => ("ThrottlingException", "You have exceeded the rate at which you may call KMS."),
        };
        Self::new(code, message)
    }
}

/// Parses the body of a JSON 1.1 request.
pub(crate) fn input<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    serde_json::from_slice(body).map_err(|error| Failure::front_end("SerializationException", error.to_string()))
}

/// Result of an operation: a JSON value, or for STS the XML in its result element.
pub(crate) enum Output {
    Json(Value),
    Xml { operation: &'static str, result: String },
}

/// Renders the HTTP response of a service.
pub(crate) fn render(service: Service, request_id: &str, outcome: &Result<Output, Failure>) -> Response<Body> {
    let (status, content_type, body) = match outcome {
        Ok(Output::Json(value)) => (StatusCode::OK, "application/x-amz-json-1.1", value.to_string()),
        Ok(Output::Xml { operation, result }) => (
            StatusCode::OK,
            "text/xml",
            format!(
                "<{operation}Response xmlns=\"{STS_NAMESPACE}\">\n  <{operation}Result>{result}</{operation}Result>\n  \
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\n</{operation}Response>\n"
            ),
        ),
        Err(failure) if service == Service::Sts => (failure.status, "text/xml", xml_error(failure, request_id)),
        Err(failure) => (failure.status, "application/x-amz-json-1.1", json_error(service, failure)),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(HeaderName::from_static("x-amzn-requestid"), request_id);
    }
    response
}

const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

fn xml_error(failure: &Failure, request_id: &str) -> String {
    let kind = if failure.status.is_server_error() { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{STS_NAMESPACE}\">\n  <Error>\n    <Type>{kind}</Type>\n    <Code>{}</Code>\n    \
         <Message>{}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n",
        failure.code,
        escape(&failure.message)
    )
}

fn json_error(service: Service, failure: &Failure) -> String {
    // The exceptions of KMS have `message`, except those of its front end; the others have `Message`.
    let member = if service == Service::Kms && failure.namespace.is_empty() { "message" } else { "Message" };
    let mut body = json!({ "__type": format!("{}{}", failure.namespace, failure.code) });
    if let Some(body) = body.as_object_mut() {
        if !failure.message.is_empty() {
            body.insert(member.into(), failure.message.clone().into());
        }
        if let Some(reason) = failure.reason {
            body.insert("Reason".into(), reason.into());
        }
    }
    body.to_string()
}

/// Escapes text for XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}

/// Returns AWS's message for one member that violates a constraint of the model.
pub(crate) fn constraint(value: &str, member: &str, constraint: &str) -> String {
    format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
    )
}

/// Returns AWS's message for a missing member.
pub(crate) fn missing(member: &str) -> String {
    format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    )
}
