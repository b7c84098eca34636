//! Tests of every error of KMS, EventBridge and SQS, which a server in this test returns.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::Credentials;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use trustplane_aws::{
    COMMON, DeadLetters, Deriver, EVENTBRIDGE, ErrorTable, Event, EventBus, KMS, Meter, ResponseClass, SQS,
};
use trustplane_domain::access_key::AccessKeyId;
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::{Failure, Timestamp};

/// Starts a server that responds to every request like this.
async fn saying(status: u16, body: String) -> SdkConfig {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                if stream.read_buf(&mut request).await.unwrap_or_default() == 0 {
                    break;
                }
            }
            let response = format!(
                "HTTP/1.1 {status} -\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(response.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test"))
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .load()
        .await
}

/// Returns true if the request has as many bytes as its `content-length` says.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

fn error(code: &str) -> String {
    format!("{{\"__type\": \"{code}\", \"message\": \"no\"}}")
}

fn rows(table: &'static ErrorTable) -> impl Iterator<Item = &'static (&'static str, ResponseClass)> {
    table.iter().chain(COMMON)
}

fn event() -> Event {
    Event { detail_type: "put-thing".to_owned(), detail: "{}".to_owned(), time: Timestamp::from_millis(0) }
}

#[tokio::test]
async fn errors_of_kms_are_unavailable_or_internal_as_the_table_says() {
    let id = AccessKeyId::of(CredentialId::new(TenantId::from_random([1; 16]), [2; 8]));
    for (code, class) in rows(KMS) {
        let sdk = saying(400, error(code)).await;
        let derived = Deriver::new(&sdk, Arc::new(Meter::default()), "key".to_owned()).derive(id).await;
        let failed = derived.err().unwrap();
        assert_eq!(failed.class(), *class, "{code}");
        let failure = Failure::from(failed);
        match class {
            ResponseClass::RetryLater => assert!(matches!(failure, Failure::Unavailable { .. }), "{code}"),
            _ => assert!(matches!(failure, Failure::Internal(_)), "{code}"),
        }
    }
    // A response without the code of the message, and one that is nothing at all.
    for (status, body) in [(200, "{}"), (502, "")] {
        let sdk = saying(status, body.to_owned()).await;
        let derived = Deriver::new(&sdk, Arc::new(Meter::default()), "key".to_owned()).derive(id).await;
        assert_eq!(derived.err().unwrap().class(), ResponseClass::RetryLater, "{status}");
    }
}

#[tokio::test]
async fn errors_of_eventbridge_have_the_class_of_the_table() {
    for (code, class) in rows(EVENTBRIDGE) {
        let sdk = saying(400, error(code)).await;
        let bus = EventBus::new(&sdk, Arc::new(Meter::default()), "bus".to_owned());
        let sent = bus.publish(&[event()]).await;
        // What is wrong with the event itself is no reason to hold up others.
        if ["SerializationException", "ValidationError", "ValidationException"].contains(code) {
            assert_eq!((sent.rejected.len(), sent.unpublished), (1, None), "{code}");
            continue;
        }
        let unpublished = sent.unpublished.unwrap();
        assert_eq!((unpublished.first, unpublished.class), (0, *class), "{code}");
    }
    // The second of two entries is rejected.
    for (code, class) in
        [("MalformedDetail", ResponseClass::Permanent), ("ThrottlingException", ResponseClass::RetryLater)]
    {
        let entry = format!("{{\"ErrorCode\": \"{code}\", \"ErrorMessage\": \"no\"}}");
        let body = format!("{{\"FailedEntryCount\": 1, \"Entries\": [{{\"EventId\": \"1\"}}, {entry}]}}");
        let sdk = saying(200, body).await;
        let bus = EventBus::new(&sdk, Arc::new(Meter::default()), "bus".to_owned());
        let sent = bus.publish(&[event(), event()]).await;
        assert_eq!(sent.unpublished, None, "{code}");
        match class {
            // It is not sent again.
            ResponseClass::Permanent => {
                let [(place, reason)] = &sent.rejected[..] else { panic!("{:?}", sent.rejected) };
                assert!(*place == 1 && reason.contains(code), "{place}: {reason}");
            }
            // Sent again alone, it is the first entry, which is accepted.
            _ => assert_eq!(sent.rejected, [], "{code}"),
        }
    }
}

#[tokio::test]
async fn errors_of_sqs_have_the_class_of_the_table() {
    for (code, class) in rows(SQS) {
        let sdk = saying(400, error(code)).await;
        let queue = DeadLetters::new(&sdk, "http://127.0.0.1/queue".to_owned(), &Arc::new(Meter::default()));
        let unsent = queue.send(&serde_json::json!({"a": 1})).await.unwrap_err();
        assert_eq!(unsent.class, *class, "{code}");
        assert!(unsent.to_string().starts_with(&class.to_string()), "{unsent}");
    }
}
