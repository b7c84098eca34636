//! A URL that a tenant chose and the platform sends requests to.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::Url;

/// Most characters of an [`OutboundUrl`].
const MAX: usize = 2_048;

/// An absolute `https` URL of at most 2,048 characters without user information and fragment, kept as it was sent.
///
/// The host is read by the rules of browsers (WHATWG URL): `0x7f.1`, `2130706433` and `%31%32%37.0.0.1` are IP addresses.
/// [`Rules::check`](super::Rules::check) says whether a request may go there.
///
/// Path and query often hold a token, so `Debug` prints the origin only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OutboundUrl {
    text: String,
    url: Url,
}

crate::text_field!(OutboundUrl => Self, OutboundUrl::parse, {
    "type": "string", "format": "uri", "maxLength": MAX, "pattern": "^[Hh][Tt][Tt][Pp][Ss]://"
});

/// The host of an [`OutboundUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name in lower case, without a dot at its end.
    Name(&'a str),
    /// A literal.
    Address(IpAddr),
}

impl OutboundUrl {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX {
            return Err("must be at most 2048 characters");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
            return Err(
                "must percent-encode the characters that a URL cannot hold, and name the host in ASCII (`xn--`)",
            );
        }
        let authority = text
            .split_at_checked("https://".len())
            .and_then(|(scheme, rest)| scheme.eq_ignore_ascii_case("https://").then_some(rest))
            .ok_or("must be an absolute URL that begins with `https://`")?;
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err("must name a host after `https://`");
        }
        if text.contains('#') {
            return Err("must not have a fragment");
        }
        if authority.contains('@') {
            return Err("must not have user information");
        }
        let url = Url::parse(text).map_err(|_| "must name a host, and a port from 1 to 65535 if any")?;
        let read = Self { text: text.to_owned(), url };
        if matches!(read.host(), Host::Name(name) if !is_host_name(name)) || read.port() == 0 {
            return Err("must name a host, and a port from 1 to 65535 if any");
        }
        Ok(read)
    }

    /// Resolves the `Location` of a redirect against this URL. A fragment is dropped.
    pub fn join(&self, location: &str) -> Result<Self, &'static str> {
        let mut url = self.url.join(location).map_err(|_| "must be a URL")?;
        url.set_fragment(None);
        Self::parse(url.as_str())
    }

    /// The URL as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host.
    pub fn host(&self) -> Host<'_> {
        match self.url.host() {
            Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
            Some(url::Host::Ipv6(address)) => Host::Address(address.into()),
            Some(url::Host::Domain(name)) => Host::Name(name.strip_suffix('.').unwrap_or(name)),
            // INVARIANT: `parse` refuses an empty name, and an `https` URL has a host.
            None => Host::Name(""),
        }
    }

    /// The port, 443 where none is named.
    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(443)
    }

    /// `host`, or `host:port` for another port than 443: the value of `Host`.
    pub fn authority(&self) -> String {
        let host = match self.host() {
            Host::Name(name) => name.to_owned(),
            Host::Address(IpAddr::V4(address)) => address.to_string(),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        match self.port() {
            443 => host,
            port => format!("{host}:{port}"),
        }
    }

    /// `https://host`, or `https://host:port` for another port than 443. The part that may be logged and shown.
    pub fn origin(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// Path and query, as a request line holds them.
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

/// Checks the form of a DNS name. Underscores are allowed: some hosts have them.
fn is_host_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

impl fmt::Debug for OutboundUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OutboundUrl({})", self.origin())
    }
}

impl PartialEq for OutboundUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for OutboundUrl {}

impl TryFrom<String> for OutboundUrl {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<OutboundUrl> for String {
    fn from(url: OutboundUrl) -> Self {
        url.text
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_are_kept_as_sent() {
        for (text, origin, path_and_query) in [
            ("https://idp.example.com", "https://idp.example.com", "/"),
            ("HTTPS://IDP.example.com:443/a%20b?c=d/e", "https://idp.example.com", "/a%20b?c=d/e"),
            ("https://idp.example.com.:8443?x", "https://idp.example.com:8443", "/?x"),
            ("https://a_b.example.com/%7Btoken%7D", "https://a_b.example.com", "/%7Btoken%7D"),
            ("https://xn--exmple-cua.com/", "https://xn--exmple-cua.com", "/"),
            ("https://[2A00:1450::1]:443/", "https://[2a00:1450::1]", "/"),
            ("https://1.1.1.1:8443/x/../y", "https://1.1.1.1:8443", "/y"),
        ] {
            let url = OutboundUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.origin().as_str(), url.path_and_query()), (text, origin, path_and_query));
            assert_eq!(serde_json::from_value::<OutboundUrl>(serde_json::to_value(&url).unwrap()).unwrap(), url);
        }
    }

    #[test]
    fn debug_shows_no_path_and_no_query() {
        let url = OutboundUrl::parse("https://hooks.example.com/T0KEN?key=S3CRET").unwrap();
        assert_eq!(format!("{url:?}"), "OutboundUrl(https://hooks.example.com)");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "idp.example.com",
            "http://idp.example.com",
            "ftp://idp.example.com",
            "file:///etc/passwd",
            "https:/idp.example.com",
            "https:idp.example.com",
            "https://",
            "https:///path",
            "https://?x",
            "https://.",
            "https://..",
            "https://idp..example.com",
            "https://-a.example.com",
            "https://a-.example.com",
            "https://user@idp.example.com",
            "https://user:password@idp.example.com",
            "https://@idp.example.com",
            "https://idp.example.com#x",
            "https://idp.example.com:0/",
            "https://idp.example.com:65536/",
            "https://idp.example.com:+1/",
            "https://idp.example.com:x/",
            "https://[::1/",
            "https://[::1]x/",
            "https://[fe80::1%25eth0]/",
            "https://1.2.3.4.5/",
            "https://256.1.1.1/",
            "https://0x100000000/",
            "https://a b.example.com/",
            " https://idp.example.com/",
            "https://idp.example.com/\n",
            "https://idp.example.com\\@evil.example/",
            "https://idp.ex\u{e4}mple.com/",
            "https://\u{ff11}27.0.0.1/",
            "https://idp.example.com/{token}",
            &format!("https://idp.example.com/{}", "x".repeat(2_025)),
            &format!("https://{}.example.com/", "x".repeat(64)),
        ] {
            assert!(OutboundUrl::parse(text).is_err(), "{text}");
        }
        assert!(OutboundUrl::parse(&format!("https://idp.example.com/{}", "x".repeat(2_024))).is_ok());
    }

    #[test]
    fn literals_in_odd_spellings_are_addresses() {
        let loopback = Host::Address(Ipv4Addr::LOCALHOST.into());
        for text in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7F000001",
            "0x7f.0x0.0x0.0x1",
            "2130706433",
            "017700000001",
            "0177.0.0.01",
            "%31%32%37.0.0.1",
            "127.0.0.0x1",
        ] {
            assert_eq!(OutboundUrl::parse(&format!("https://{text}/")).unwrap().host(), loopback, "{text}");
        }
        for (text, address) in [
            ("[::1]", Ipv6Addr::LOCALHOST),
            ("[0:0:0:0:0:0:0:1]", Ipv6Addr::LOCALHOST),
            ("[::ffff:127.0.0.1]", Ipv4Addr::LOCALHOST.to_ipv6_mapped()),
            ("[::ffff:7f00:1]", Ipv4Addr::LOCALHOST.to_ipv6_mapped()),
        ] {
            let url = OutboundUrl::parse(&format!("https://{text}/")).unwrap();
            assert_eq!(url.host(), Host::Address(address.into()), "{text}");
        }
    }

    #[test]
    fn a_location_is_resolved_and_parsed_again() {
        let base = OutboundUrl::parse("https://idp.example.com:8443/a/b?c=d").unwrap();
        for (location, joined) in [
            ("/x", "https://idp.example.com:8443/x"),
            ("x?y=z#part", "https://idp.example.com:8443/a/x?y=z"),
            ("//other.example/x y", "https://other.example/x%20y"),
            ("https://other.example", "https://other.example/"),
            ("", "https://idp.example.com:8443/a/b?c=d"),
        ] {
            assert_eq!(base.join(location).unwrap().as_str(), joined, "{location}");
        }
        for location in ["http://idp.example.com/", "https://user@other.example/", "https://", "data:text/plain,x"] {
            assert!(base.join(location).is_err(), "{location}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(https://)?[\\[\\]:@/%.0-9a-fx]{0,40}\\PC{0,10}") {
            if let Ok(url) = OutboundUrl::parse(&text) {
                prop_assert!(url.path_and_query().starts_with('/'));
                prop_assert!(url.port() > 0);
                let again = OutboundUrl::parse(&url.origin()).unwrap();
                prop_assert_eq!((again.host(), again.port()), (url.host(), url.port()));
            }
        }
    }
}
