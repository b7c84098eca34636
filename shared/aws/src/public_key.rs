//! The public half of the key that the platform signs with.

use std::sync::Arc;

use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{KmsError, Meter, kms};

/// Characters of a line of PEM (RFC 7468, 2).
const LINE: usize = 64;

/// Asks KMS for the public key of `key_id`: PEM of a SubjectPublicKeyInfo (RFC 7468, 13).
pub async fn public_key(sdk: &SdkConfig, meter: &Arc<Meter>, key_id: &str) -> Result<String, KmsError> {
    let response = kms::client(sdk, meter).get_public_key().key_id(key_id).send().await;
    let response = response.map_err(|error| KmsError::of(&error))?;
    let key = response.public_key.ok_or_else(|| KmsError::without("a public key"))?;
    Ok(pem(key.as_ref()))
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index.is_multiple_of(LINE) {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PUBLIC KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_pem_are_64_characters() {
        let text = pem(&[0; 91]);
        let lines: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(lines, [26, 64, 60, 24]);
        assert!(text.ends_with("-----END PUBLIC KEY-----\n"));
        assert_eq!(pem(&[0; 48]).lines().count(), 3);
    }
}
