//! The secret of a session, made by the browser.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 32 random bytes that a browser makes and keeps, so that it can ask again after a lost response. `Debug` prints
/// nothing of them.
#[derive(Clone)]
pub struct SessionSecret([u8; 32]);

impl SessionSecret {
    /// Parses 43 characters of base64url without padding.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let bytes = (text.len() == 43).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self).ok_or("must be 32 random bytes as 43 characters of base64url without padding")
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_bytes_of_base64url_are_a_secret() {
        let text = URL_SAFE_NO_PAD.encode([251; 32]);
        assert_eq!(SessionSecret::parse(&text).unwrap().bytes(), &[251; 32]);
        assert!(!format!("{:?}", SessionSecret::parse(&text).unwrap()).contains(&text[..8]));
        for wrong in ["", &text[1..], &format!("{text}="), &text.replace('_', "/"), &"\u{e9}".repeat(43)] {
            assert!(SessionSecret::parse(wrong).is_err(), "{wrong}");
        }
    }
}
