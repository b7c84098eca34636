//! Replays every payload in `events/` through its function.

use std::path::Path;

use trustplane_end_to_end::world;
use trustplane_runtime::{Trigger, functions};

#[tokio::test]
async fn every_payload_is_taken() {
    let world = world();
    for function in functions() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(function.name);
        for file in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", function.name)) {
            let path = file.unwrap().path();
            let event: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let said = path.display();
            match (&function.trigger, world.invoke(function.name, &event).await) {
                (Trigger::Http(_) | Trigger::Unmatched, Ok(reply)) => {
                    // The payloads have no valid credential. Everything else in them is valid.
                    let status = reply["statusCode"].as_u64().unwrap();
                    assert!(matches!(status, 200 | 401 | 404), "{said}: {reply}");
                    assert!(reply["headers"]["x-request-id"].is_string(), "{said}: {reply}");
                }
                (Trigger::Http(_) | Trigger::Unmatched, Err(error)) => panic!("{said}: {error}"),
                (Trigger::Operator, outcome) => {
                    // Payloads that name a tenant name one that does not exist.
                    if let Err(error) = outcome {
                        // Encrypted parts of a payload were encrypted with another key.
                        let sealed = event.get("encoded_message").is_some();
                        let expected = if sealed { "invalid_request" } else { "not_found" };
                        assert_eq!(error["errorType"], expected, "{said}: {error}");
                    }
                }
                (Trigger::Schedule(_) | Trigger::AuditStream | Trigger::Bus, outcome) => {
                    assert!(outcome.is_ok(), "{said}: {outcome:?}");
                }
            }
        }
    }
}
