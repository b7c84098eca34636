//! Failure of a request.

use std::fmt;

use tokio_rustls::rustls;
use trustplane_dns::Unresolved;
use trustplane_domain::outbound::UrlRefusal;

/// Failure of a request. Tells a tenant which part failed, and holds no address, no header and no part of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The URL is against the rules.
    Url(UrlRefusal),
    /// DNS has no address for the host name.
    NameNotFound,
    /// DNS failed to resolve the host name.
    NameLookup,
    /// The host name has an address that is not public.
    Address,
    /// No connection was made to any address of the host.
    Connect,
    /// The certificate of the server is not valid for the request.
    Certificate(CertificateFault),
    /// The TLS handshake failed otherwise.
    Tls,
    /// A time limit passed.
    Timeout(Step),
    /// The response is not HTTP, has too large a head, or ended too early.
    Protocol,
    /// The response has a status other than 2xx.
    Status(u16),
    /// A redirect was not followed.
    Redirect(RedirectFault),
    /// The body is larger than this many bytes.
    TooLarge(usize),
    /// The body has an encoding other than gzip, or is not gzip.
    Encoding,
}

/// Fault of a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// The certificate, or one above it, has expired.
    Expired,
    /// The certificate, or one above it, is not valid yet.
    NotYetValid,
    /// The certificate is for another host.
    OtherHost,
    /// The certificate does not lead to a trusted root. It may be self-signed, or the server sends no intermediate
    /// certificates.
    Untrusted,
    /// Another fault: a signature, an algorithm, a purpose.
    Invalid,
}

/// Part of a request that a time limit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The DNS look-up.
    Name,
    /// The TCP connection and its TLS handshake.
    Connect,
    /// The response, or all parts together.
    Response,
}

/// Fault of a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectFault {
    /// More than three redirects followed each other.
    TooMany,
    /// `Location` is missing, or is not an `https` URL of the accepted form.
    Location,
    /// The new URL is against the rules.
    Url(UrlRefusal),
}

impl Error {
    /// A stable identifier, for records and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Url(UrlRefusal::Port(_)) => "port_refused",
            Self::Url(UrlRefusal::Address) | Self::Address => "address_refused",
            Self::Url(UrlRefusal::OwnHost) => "own_host_refused",
            Self::NameNotFound => "name_not_found",
            Self::NameLookup => "name_lookup_failed",
            Self::Connect => "connection_failed",
            Self::Certificate(CertificateFault::Expired) => "certificate_expired",
            Self::Certificate(CertificateFault::NotYetValid) => "certificate_not_yet_valid",
            Self::Certificate(CertificateFault::OtherHost) => "certificate_of_another_host",
            Self::Certificate(CertificateFault::Untrusted) => "certificate_not_trusted",
            Self::Certificate(CertificateFault::Invalid) => "certificate_invalid",
            Self::Tls => "tls_failed",
            Self::Timeout(Step::Name) => "name_lookup_timeout",
            Self::Timeout(Step::Connect) => "connection_timeout",
            Self::Timeout(Step::Response) => "response_timeout",
            Self::Protocol => "response_malformed",
            Self::Status(_) => "status",
            Self::Redirect(RedirectFault::TooMany) => "too_many_redirects",
            Self::Redirect(_) => "redirect_refused",
            Self::TooLarge(_) => "response_too_large",
            Self::Encoding => "encoding_not_supported",
        }
    }
}

impl From<UrlRefusal> for Error {
    fn from(refusal: UrlRefusal) -> Self {
        Self::Url(refusal)
    }
}

impl From<Unresolved> for Error {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::NotFound => Self::NameNotFound,
            Unresolved::Timeout => Self::Timeout(Step::Name),
            Unresolved::Failed => Self::NameLookup,
        }
    }
}

impl Error {
    /// Converts the error of a TLS handshake.
    pub(crate) fn of_handshake(error: &std::io::Error) -> Self {
        use rustls::CertificateError as Fault;
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(fault)) => Self::Certificate(match fault {
                Fault::Expired | Fault::ExpiredContext { .. } => CertificateFault::Expired,
                Fault::NotValidYet | Fault::NotValidYetContext { .. } => CertificateFault::NotYetValid,
                Fault::NotValidForName | Fault::NotValidForNameContext { .. } => CertificateFault::OtherHost,
                Fault::UnknownIssuer => CertificateFault::Untrusted,
                _ => CertificateFault::Invalid,
            }),
            _ => Self::Tls,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(refusal) => write!(formatter, "the URL {refusal}"),
            Self::NameNotFound => formatter.write_str("DNS has no address for the host name; check its spelling"),
            Self::NameLookup => {
                formatter.write_str("DNS failed to resolve the host name; check the domain's name servers")
            }
            Self::Address => formatter.write_str(
                "the host name has an address that is not public; every A and AAAA record must be a public address",
            ),
            Self::Connect => {
                formatter.write_str("no connection to the host; check that it accepts connections from the Internet")
            }
            Self::Certificate(fault) => fault.fmt(formatter),
            Self::Tls => formatter.write_str("the TLS handshake failed; the server must speak TLS 1.2 or 1.3"),
            Self::Timeout(Step::Name) => formatter.write_str("DNS did not resolve the host name in time"),
            Self::Timeout(Step::Connect) => formatter.write_str("no connection to the host in time"),
            Self::Timeout(Step::Response) => formatter.write_str("the response was not complete in time"),
            Self::Protocol => formatter.write_str("the response is not valid HTTP/1.1, or ended early"),
            Self::Status(status) => write!(formatter, "the response has the status {status}; expected 200"),
            Self::Redirect(RedirectFault::TooMany) => {
                formatter.write_str("more than three redirects; give the last URL")
            }
            Self::Redirect(RedirectFault::Location) => {
                formatter.write_str("the response redirects to something other than an `https` URL")
            }
            Self::Redirect(RedirectFault::Url(refusal)) => write!(formatter, "the URL of a redirect {refusal}"),
            Self::TooLarge(limit) => write!(formatter, "the response is larger than {} KiB", limit / 1024),
            Self::Encoding => formatter.write_str("the response has an encoding other than gzip, or is damaged"),
        }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Expired => "the server's TLS certificate has expired; renew it",
            Self::NotYetValid => "the server's TLS certificate is not valid yet",
            Self::OtherHost => "the server's TLS certificate is for another host name",
            Self::Untrusted => {
                "the server's TLS certificate does not lead to a root that Mozilla trusts; use a public authority, and send \
                 the intermediate certificates"
            }
            Self::Invalid => "the server's TLS certificate is not valid",
        })
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use trustplane_domain::outbound::Purpose;

    use super::*;

    const ALL: [Error; 21] = [
        Error::Url(UrlRefusal::Port(Purpose::Fetch)),
        Error::Url(UrlRefusal::Address),
        Error::Url(UrlRefusal::OwnHost),
        Error::NameNotFound,
        Error::NameLookup,
        Error::Timeout(Step::Name),
        Error::Connect,
        Error::Timeout(Step::Connect),
        Error::Certificate(CertificateFault::Expired),
        Error::Certificate(CertificateFault::NotYetValid),
        Error::Certificate(CertificateFault::OtherHost),
        Error::Certificate(CertificateFault::Untrusted),
        Error::Certificate(CertificateFault::Invalid),
        Error::Tls,
        Error::Timeout(Step::Response),
        Error::Protocol,
        Error::Status(404),
        Error::Redirect(RedirectFault::TooMany),
        Error::Redirect(RedirectFault::Location),
        Error::TooLarge(256 * 1024),
        Error::Encoding,
    ];

    #[test]
    fn the_documentation_lists_codes_and_messages() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/outbound.md");
        let documentation = std::fs::read_to_string(path).unwrap();
        let listed: Vec<_> = documentation.lines().filter(|line| line.starts_with("| `")).collect();
        let ours: Vec<_> = ALL.iter().map(|error| format!("| `{}` | {error} |", error.code())).collect();
        assert_eq!(listed, ours);
    }
}
