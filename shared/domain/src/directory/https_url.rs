//! An absolute `https` URL of another party's server.

use std::fmt;
use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

/// Largest number of characters of an [`HttpsUrl`].
const MAX: usize = 255;

/// An absolute `https` URL of at most 255 characters, in the client's spelling. It has a host, no user information and
/// no fragment, and only characters that RFC 3986 allows unescaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpsUrl(String);

impl HttpsUrl {
    /// Parses a URL.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX {
            return Err("must be at most 255 characters");
        }
        let rest = text
            .split_at_checked("https://".len())
            .and_then(|(scheme, rest)| scheme.eq_ignore_ascii_case("https://").then_some(rest))
            .ok_or("must be an absolute URL that begins with `https://`")?;
        if rest.contains('#') {
            return Err("must not have a fragment");
        }
        let (authority, path_and_query) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("must not have user information");
        }
        if !is_authority(authority) {
            return Err("must name a host, and a port from 1 to 65535 if any");
        }
        if !is_escaped(path_and_query) {
            return Err("must escape the characters that a URL cannot hold");
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the URL in the client's spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if it has a query.
    pub fn has_query(&self) -> bool {
        self.0.contains('?')
    }

    /// Returns the path; empty if there is none.
    pub fn path(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let (before_query, _) = rest.split_once('?').unwrap_or((rest, ""));
        before_query.find('/').and_then(|at| before_query.get(at..)).unwrap_or("")
    }
}

crate::text_field!(HttpsUrl => Self, HttpsUrl::parse, {
    "type": "string", "format": "uri", "pattern": "^https://", "maxLength": MAX
});

/// Returns true for `host` or `host:port`. A host is a name, an IPv4 address or a bracketed IPv6 address.
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let Some((address, after)) = literal.split_once(']') else { return false };
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            match after {
                "" => return true,
                _ => match after.strip_prefix(':') {
                    Some(port) => (None, Some(port)),
                    None => return false,
                },
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(authority), None),
        },
    };
    host.is_none_or(is_host_name) && port.is_none_or(is_port)
}

fn is_host_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Returns true if a path and query have only allowed characters, and `%` only before two hex digits.
fn is_escaped(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let sound = match byte {
            b'%' => bytes.next().zip(bytes.next()).is_some_and(|(a, b)| a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte),
        };
        if !sound {
            return false;
        }
    }
    true
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for HttpsUrl {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<HttpsUrl> for String {
    fn from(url: HttpsUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_that_can_be_reached_are_read() {
        for (text, path) in [
            ("https://idp.example.com", ""),
            ("HTTPS://idp.example.com:8443/a%20b?c=d/e", "/a%20b"),
            ("https://[2001:db8::1]:443/", "/"),
            ("https://192.0.2.1/x", "/x"),
            ("https://localhost?x", ""),
        ] {
            assert_eq!(HttpsUrl::parse(text).map(|url| url.path().to_owned()).as_deref(), Ok(path), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "http://idp.example.com",
            "https:/idp.example.com",
            "https://",
            "https:///path",
            "https://user@idp.example.com",
            "https://idp.example.com#x",
            "https://idp.example.com:0/",
            "https://idp.example.com:65536/",
            "https://idp.example.com:+1/",
            "https://idp..example.com/",
            "https://-a.example.com/",
            "https://[::1/",
            "https://[::1]x/",
            "https://idp.example.com/a b",
            "https://idp.example.com/%4",
            "https://idp.example.com/\u{e9}",
            "https://idp.example.com\\@evil.example/",
            &format!("https://idp.example.com/{}", "x".repeat(232)),
        ] {
            assert!(HttpsUrl::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(https://)?.{0,80}") {
            if let Ok(url) = HttpsUrl::parse(&text) {
                prop_assert!(url.as_str().is_ascii());
                prop_assert!(url.path().is_empty() || url.path().starts_with('/'));
            }
        }
    }
}
