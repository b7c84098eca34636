//! Reasons of denied requests, for operators. Clients receive them encrypted, in `encoded_authorization_message`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use trustplane_aws::{MAX_SEALED, Purpose, Seal, SealError};
use trustplane_domain::Failure;
use trustplane_domain::failure::Denial;

use crate::Platform;

/// Encrypts the reason of a denial. Returns `None` if the failure is not a denial, or if the key cannot be used.
pub(crate) async fn sealed(
    platform: &Platform,
    failure: &Failure,
    action: Option<&str>,
    request_id: &str,
) -> Option<String> {
    let other = |cause, reason| other_message(cause, reason, action, request_id);
    let message = match failure {
        Failure::Forbidden(denial) => message(denial, request_id),
        Failure::AwsDenied(reason, _) => other("aws", reason),
        Failure::TenantSuspended => other("tenant", "the tenant is suspended"),
        Failure::TenantMismatch => other("tenant", "the credential belongs to another tenant than the request names"),
        _ => return None,
    };
    let seal = platform.seal().ok()?;
    match seal.seal(Purpose::AuthorizationMessage, &message).await {
        Ok(sealed) => Some(URL_SAFE_NO_PAD.encode(sealed)),
        Err(error) => {
            tracing::warn!(error = %error, "a denial was not sealed");
            None
        }
    }
}

/// Decrypts a reason. Returns [`SealError::NotSealed`] for any other text.
pub async fn opened_denial(seal: &Seal, encoded: &str) -> Result<Value, SealError> {
    let sealed = URL_SAFE_NO_PAD.decode(encoded.trim()).map_err(|_| SealError::NotSealed)?;
    let text = seal.open(Purpose::AuthorizationMessage, sealed).await?;
    serde_json::from_slice(&text).map_err(|_| SealError::NotSealed)
}

/// Builds the text for a denial without a denying policy; `cause` is the kind of its origin.
fn other_message(cause: &str, reason: &str, action: Option<&str>, request_id: &str) -> Vec<u8> {
    let request = json!({"id": request_id, "action": action});
    json!({
        "decision": "DENY",
        "cause": cause,
        "reason": reason,
        "determining_policies": [],
        "all_policies": true,
        "evaluation_failed": false,
        "request": request,
    })
    .to_string()
    .into_bytes()
}

/// Builds the text for a denial by policies. Omits policies that exceed the limit of encryption, and states this.
fn message(denial: &Denial, request_id: &str) -> Vec<u8> {
    let mut policies = denial.determining_policies.as_slice();
    loop {
        let text = json!({
            "decision": "DENY",
            "cause": "policies",
            // Empty if no policy permits the request.
            "determining_policies": policies,
            "all_policies": policies.len() == denial.determining_policies.len(),
            "evaluation_failed": denial.evaluation_failed,
            "request": {
                "id": request_id,
                "principal": denial.principal,
                "action": denial.action,
                "resource": {"type": denial.resource.0, "id": denial.resource.1},
            },
        });
        let text = text.to_string().into_bytes();
        match policies.split_last() {
            Some((_, fewer)) if text.len() > MAX_SEALED => policies = fewer,
            _ => return text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_always_fits() {
        let many = (0..500).map(|number| format!("a-policy-of-a-long-name-{number}")).collect();
        let text = message(&Denial { determining_policies: many, ..Denial::default() }, "request");
        assert!(text.len() <= MAX_SEALED && text.len() > MAX_SEALED / 2);
        let value: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(value["all_policies"], false);
        assert_eq!(value["determining_policies"][0], "a-policy-of-a-long-name-0");
        let value: Value = serde_json::from_slice(&message(&Denial::default(), "request")).unwrap();
        assert_eq!((&value["all_policies"], &value["request"]["id"]), (&json!(true), &json!("request")));
    }
}
