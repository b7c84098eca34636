//! Tests of the patterns for secret scanners in SECURITY.md.

use jsonschema::Validator;
use serde_json::json;
use trustplane_domain::access_key::{AccessKeyId, SecretAccessKey};
use trustplane_domain::token::Token;
use trustplane_end_to_end::world;

/// Compiles the pattern in a row of the table in SECURITY.md.
fn expression(what: &str) -> Validator {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../SECURITY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let row = text.lines().find(|line| line.starts_with(&format!("| {what} |"))).unwrap();
    let pattern = format!("^{}$", row.split('`').nth(1).unwrap());
    jsonschema::validator_for(&json!({"type": "string", "pattern": pattern})).unwrap()
}

/// Changes a digit in the middle, so that only the checksum differs.
fn lookalike(text: &str) -> String {
    let at = text.len() / 2;
    let other = if &text[at..=at] == "7" { "8" } else { "7" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

#[tokio::test]
async fn what_is_made_is_found_and_told_from_lookalikes() {
    let customer = world().customer().await;
    let bearer = customer.post("/v1/api-keys", &json!({"name": "x", "roles": ["viewer"]})).await.expect(201);
    let wanted = json!({"name": "x", "kind": "access_key", "roles": ["viewer"]});
    let pair = customer.post("/v1/api-keys", &wanted).await.expect(201);
    let token = |text: &str| Token::parse(text).is_some();
    let secret = |text: &str| SecretAccessKey::parse(text).is_some();
    let id = |text: &str| AccessKeyId::parse(text).is_some();
    let checks: [(&str, &str, &dyn Fn(&str) -> bool); 3] = [
        ("token", bearer.body["token"].as_str().unwrap(), &token),
        ("secret access key", pair.body["secret_access_key"].as_str().unwrap(), &secret),
        ("access key id", pair.body["access_key_id"].as_str().unwrap(), &id),
    ];
    for (what, real, holds) in checks {
        let expression = expression(what);
        for found in [real, &lookalike(real)] {
            assert!(expression.is_valid(&json!(found)), "{what}: {found}");
        }
        assert!(!expression.is_valid(&json!(&real[1..])), "{what}");
        assert!(holds(real) && !holds(&lookalike(real)), "{what}");
    }
    let temporary = customer.post("/v1/api-keys/temporary", &json!({})).await.expect(201);
    for (what, field) in [
        ("temporary access key id", "access_key_id"),
        ("security token", "security_token"),
        ("secret access key", "secret_access_key"),
    ] {
        assert!(expression(what).is_valid(&temporary.body[field]), "{what}");
    }
    let webhook = json!({"url": "https://hooks.example.com/", "events": ["*"]});
    let made = customer.post("/v1/webhooks", &webhook).await.expect(201);
    assert!(expression("webhook signing secret").is_valid(&made.body["secret"]));
}
