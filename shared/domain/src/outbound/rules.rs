//! Hosts, ports and addresses that a request may go to.

use std::fmt;
use std::net::IpAddr;

use super::{Host, OutboundUrl, is_public};

/// Ports that any request may go to.
const PORTS: [u16; 2] = [443, 8443];
/// First port that only webhooks may go to, beside [`PORTS`].
const FIRST_UNPRIVILEGED: u16 = 1_024;

/// Reason for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Metadata, a discovery document or keys are fetched. Ports 443 and 8443.
    Fetch,
    /// An event is delivered. Ports 443, and 1024 and above.
    Webhook,
}

/// Rules that a URL is checked by when a tenant sets it, and again with each request and each redirect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    own_hosts: Vec<String>,
    loopback: bool,
}

/// Refusal of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlRefusal {
    /// The port is not allowed for the purpose.
    Port(Purpose),
    /// The host is an IP address that is not globally reachable unicast, or a name of the machine itself.
    Address,
    /// The host is the platform's own API.
    OwnHost,
}

impl Rules {
    /// Makes the rules of a platform whose own API has the names `own_hosts`.
    pub fn new(own_hosts: impl IntoIterator<Item = String>) -> Self {
        let own_hosts = own_hosts.into_iter().map(|host| host.trim_end_matches('.').to_ascii_lowercase());
        Self { own_hosts: own_hosts.filter(|host| !host.is_empty()).collect(), loopback: false }
    }

    /// Permits loopback addresses, on any port. For tests and the local stack.
    #[must_use]
    pub fn with_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Checks a URL, as far as this is possible without DNS.
    pub fn check(&self, url: &OutboundUrl, purpose: Purpose) -> Result<(), UrlRefusal> {
        let loopback = match url.host() {
            Host::Name(name) if self.own_hosts.iter().any(|own| own == name) => return Err(UrlRefusal::OwnHost),
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Address(address) if !self.allows(address) => return Err(UrlRefusal::Address),
            Host::Address(address) => address.is_loopback(),
        };
        match loopback {
            true if self.loopback => Ok(()),
            true => Err(UrlRefusal::Address),
            false if purpose.allows(url.port()) => Ok(()),
            false => Err(UrlRefusal::Port(purpose)),
        }
    }

    /// Returns `true` where a connection to `address` may be made.
    pub fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && address.is_loopback())
    }
}

impl Purpose {
    fn allows(self, port: u16) -> bool {
        PORTS.contains(&port) || (self == Self::Webhook && port >= FIRST_UNPRIVILEGED)
    }
}

impl fmt::Display for UrlRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Port(Purpose::Fetch) => "must have port 443 or 8443",
            Self::Port(Purpose::Webhook) => "must have port 443, or a port from 1024 to 65535",
            Self::Address => "must name a host on the public Internet",
            Self::OwnHost => "must not name this service's own host",
        })
    }
}

impl std::error::Error for UrlRefusal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &Rules, text: &str, purpose: Purpose) -> Result<(), UrlRefusal> {
        rules.check(&OutboundUrl::parse(text).unwrap(), purpose)
    }

    #[test]
    fn ports_depend_on_the_purpose() {
        let rules = Rules::default();
        for (port, fetch, webhook) in [
            ("", true, true),
            (":443", true, true),
            (":8443", true, true),
            (":1024", false, true),
            (":65535", false, true),
            (":1023", false, false),
            (":22", false, false),
            (":80", false, false),
        ] {
            let url = format!("https://idp.example.com{port}/x");
            let refused = |purpose, allowed| if allowed { Ok(()) } else { Err(UrlRefusal::Port(purpose)) };
            assert_eq!(check(&rules, &url, Purpose::Fetch), refused(Purpose::Fetch, fetch), "{port}");
            assert_eq!(check(&rules, &url, Purpose::Webhook), refused(Purpose::Webhook, webhook), "{port}");
        }
    }

    #[test]
    fn literals_must_be_public_in_any_spelling() {
        for host in [
            "127.0.0.1",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "127.1",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "0xa.0.0.1",
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "169.254.43518",
            "[::1]",
            "[::]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:7f00:1::]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[2001:0:7f00:1::]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(check(&Rules::default(), &url, Purpose::Fetch), Err(UrlRefusal::Address), "{host}");
        }
        for host in ["1.1.1.1", "16843009", "0x1.1.1.1", "[2606:4700:4700::1111]", "localhost.example.com"] {
            assert_eq!(check(&Rules::default(), &format!("https://{host}/"), Purpose::Fetch), Ok(()), "{host}");
        }
    }

    #[test]
    fn the_own_host_is_refused_in_any_spelling() {
        let rules = Rules::new(["API.example.com".to_owned(), String::new(), "api2.example.com.".to_owned()]);
        for host in [
            "api.example.com",
            "API.Example.COM",
            "api.example.com.",
            "api.example.com:8443",
            "%61pi.example.com",
            "api2.example.com",
        ] {
            let url = format!("https://{host}/v1");
            assert_eq!(check(&rules, &url, Purpose::Webhook), Err(UrlRefusal::OwnHost), "{host}");
        }
        for host in ["xapi.example.com", "example.com", "a.api.example.com"] {
            assert_eq!(check(&rules, &format!("https://{host}/"), Purpose::Webhook), Ok(()), "{host}");
        }
    }

    #[test]
    fn loopback_is_permitted_on_any_port_and_nothing_else_is() {
        let rules = Rules::default().with_loopback();
        for host in ["127.0.0.1:1", "127.9.9.9:80", "[::1]:12345", "localhost:8080", "idp.localhost:1", "0x7f.1:9"] {
            assert_eq!(check(&rules, &format!("https://{host}/"), Purpose::Fetch), Ok(()), "{host}");
        }
        for host in
            ["10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "0.0.0.0", "[::]", "[2002:7f00:1::]"]
        {
            assert_eq!(check(&rules, &format!("https://{host}/"), Purpose::Fetch), Err(UrlRefusal::Address), "{host}");
        }
        assert_eq!(check(&rules, "https://idp.example.com:80/", Purpose::Fetch), Err(UrlRefusal::Port(Purpose::Fetch)));
    }
}
