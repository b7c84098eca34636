//! Validators of a document that was fetched.

use serde::{Deserialize, Serialize};

/// Most bytes of a validator that is kept.
const MAX: usize = 512;

/// `ETag` and `Last-Modified` of a document, as its server sent them. The next request for it is conditional on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl Validators {
    /// Keeps what a server sent. A value that is empty, longer than 512 bytes or not printable ASCII is left out.
    pub fn new(etag: Option<&str>, last_modified: Option<&str>) -> Self {
        let kept = |value: Option<&str>| value.filter(|value| is_kept(value)).map(str::to_owned);
        Self { etag: kept(etag), last_modified: kept(last_modified) }
    }

    /// The value for `If-None-Match`.
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The value for `If-Modified-Since`.
    pub fn last_modified(&self) -> Option<&str> {
        self.last_modified.as_deref()
    }

    /// Returns `true` where a request cannot be conditional.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

fn is_kept(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_could_not_be_sent_back_are_left_out() {
        let kept = Validators::new(Some("W/\"1\""), Some("Fri, 27 Nov 2026 20:00:00 GMT"));
        assert_eq!(kept.etag(), Some("W/\"1\""));
        assert_eq!(kept.last_modified(), Some("Fri, 27 Nov 2026 20:00:00 GMT"));
        for value in ["", "\"a\nb\"", "\"\u{e9}\"", &"x".repeat(513)] {
            assert!(Validators::new(Some(value), Some(value)).is_empty(), "{value:?}");
        }
    }
}
