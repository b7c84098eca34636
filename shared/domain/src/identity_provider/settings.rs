//! The name of an identity provider, and the address where it signs users in.

use serde::{Deserialize, Serialize};

/// The longest entity id, in characters: SAML 2.0 core, section 8.3.6.
const MAX_ENTITY_ID: usize = 1024;

/// The longest login URL, in characters.
const MAX_LOGIN_URL: usize = 2048;

/// The SAML settings of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Its name.
    pub entity_id: EntityId,
    /// Address of its sign-in page.
    pub login_url: LoginUrl,
    /// True if it takes signed requests only.
    #[serde(default)]
    pub want_request_signed: bool,
}

/// The name of a SAML entity: mostly a URL, sometimes a URN or plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityId(String);

/// The address where an identity provider signs users in: an `https` URL, or `http` on the caller's own machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LoginUrl(String);

crate::text_field!(EntityId => Self, EntityId::parse, {
    "type": "string", "maxLength": MAX_ENTITY_ID, "examples": ["https://idp.example.com/saml"]
});

impl EntityId {
    /// Reads 1 to 1,024 characters without white space around them and without control characters.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        if text.chars().nth(MAX_ENTITY_ID).is_some() {
            return Err("is longer than 1024 characters");
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err("has white space around it, or control characters");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

crate::text_field!(LoginUrl => Self, LoginUrl::parse, {
    "type": "string", "maxLength": MAX_LOGIN_URL, "examples": ["https://idp.example.com/sso"]
});

impl LoginUrl {
    /// Reads an absolute URL of up to 2,048 characters. `http` is taken for `localhost` and the loopback addresses only:
    /// anywhere else passwords would be typed into a page that others can read and change.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.chars().nth(MAX_LOGIN_URL).is_some() {
            return Err("is longer than 2048 characters");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
            return Err("is not a URL: other characters are percent-encoded");
        }
        let (scheme, rest) = text.split_once("://").ok_or("is not an absolute URL")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("holds a user name, which does not belong there");
        }
        let host = host(authority).ok_or("names no host, or one with characters that hosts do not have")?;
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Ok(Self(text.to_owned())),
            "http" if matches!(host, "localhost" | "127.0.0.1" | "[::1]") => Ok(Self(text.to_owned())),
            _ => Err("must begin with `https://`"),
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host of an authority, without characters that no host has, whose port, if there is one, is a port.
fn host(authority: &str) -> Option<&str> {
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority.get(end..)?.split_once(':') {
        Some((before, port)) => (authority.get(..end + before.len())?, Some(port)),
        None => (authority, None),
    };
    let is_address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match is_address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    (is_host && port.is_none_or(|port| port.parse::<u16>().is_ok())).then_some(host)
}

impl TryFrom<String> for EntityId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EntityId> for String {
    fn from(id: EntityId) -> Self {
        id.0
    }
}

impl TryFrom<String> for LoginUrl {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<LoginUrl> for String {
    fn from(url: LoginUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entity_ids_are_names_of_any_kind() {
        for text in ["https://idp.example.com/saml", "urn:example:idp", "Example Ltd", "x", &"é".repeat(1024)] {
            assert_eq!(EntityId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", " x", "x\n", "a\0b", &"x".repeat(1025)] {
            assert!(EntityId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn login_urls_are_https_or_local() {
        for text in [
            "https://idp.example.com",
            "https://idp.example.com:8443/sso?tenant=a%20b&x=/#part",
            "HTTPS://idp.example.com/sso",
            "https://[2001:db8::1]/sso",
            "https://[2001:db8::1]:8443/sso",
            "http://localhost:8080/realms/x/protocol/saml",
            "http://127.0.0.1/",
            "http://[::1]:8080",
        ] {
            assert_eq!(LoginUrl::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "idp.example.com",
            "https://",
            "https:///sso",
            "https://idp.ex%C3%A4mple.com/",
            "https://[x]/",
            "https://*.example.com/",
            "https://:443/",
            "https://idp.example.com:99999/",
            "https://user@idp.example.com/",
            "https://idp.example.com/a b",
            "https://idp.exämple.com/",
            "https://idp.example.com/<x>",
            "http://idp.example.com/",
            "http://localhost.example.com/",
            "javascript://localhost/%0aalert(1)",
            "ftp://localhost/",
            &format!("https://idp.example.com/{}", "x".repeat(2048)),
        ] {
            assert!(LoginUrl::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(https?://)?[\\[\\]:@/.a-z0-9]{0,30}\\PC{0,5}") {
            let _ = LoginUrl::parse(&text);
            let _ = EntityId::parse(&text);
        }
    }
}
