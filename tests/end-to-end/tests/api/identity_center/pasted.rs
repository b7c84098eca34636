//! Tests of settings that were pasted from elsewhere: the response names what was pasted, and what to copy from where.

use trustplane_end_to_end::world;

use super::{CONFIG, config};

const ROLE: &str = "arn:aws:iam::123456789012:role/Reader";

#[tokio::test]
async fn what_was_pasted_instead_is_named() {
    let customer = world().customer().await;
    for (field, pasted, says) in [
        ("role_arn", format!("{ROLE}\n"), "has a line break at its end: remove it"),
        ("role_arn", format!("\u{200b}{ROLE}"), "has a zero width space at its beginning: remove it"),
        ("role_arn", format!("\"{ROLE}\""), "has quotation marks around it: remove them"),
        (
            "role_arn",
            "arn:aws:sts::123456789012:assumed-role/Reader/me".to_owned(),
            "save the role's own ARN, which IAM > Roles > Reader shows",
        ),
        ("role_arn", "1234-5678-9012".to_owned(), "is an account number: copy the ARN from IAM > Roles"),
        (
            "sso_instance_arn",
            "https://d-1234567890.awsapps.com/start".to_owned(),
            "is the URL of the AWS access portal",
        ),
        ("sso_instance_arn", "d-1234567890".to_owned(), "is the id of the identity store (directory)"),
        ("sso_instance_arn", "ssoins-0123456789abcdef".to_owned(), "`arn:aws:sso:::instance/ssoins-0123456789abcdef`"),
        ("region", "us-east-1a".to_owned(), "is an availability zone: its region is `us-east-1`"),
        ("region", "US East (N. Virginia)".to_owned(), "write its code `us-east-1`"),
    ] {
        let mut settings = config(ROLE);
        settings[field] = pasted.as_str().into();
        let reply = customer.put(CONFIG, &settings).await;
        assert_eq!(reply.status, 400, "{pasted}: {}", reply.text);
        let message = reply.body["details"][field].as_str().unwrap_or_default();
        assert!(message.contains(says), "{pasted}: {}", reply.text);
        assert_eq!(reply.body["details"].as_object().map(|details| details.len()), Some(1), "{}", reply.text);
    }
    // Nothing was saved.
    let shown = customer.get(CONFIG).await.expect(200);
    assert!(!shown.text.contains("Reader"), "{}", shown.text);
}
