//! Looks up the TXT records that prove a domain, and the addresses of a host that a request goes to.
//!
//! A process has one [`Resolver`], [`Resolver::shared`]. [`Resolver::txt`] yields an [`Observation`]: records, or the kind
//! of the failure. [`Resolver::addresses`] yields addresses, or why there are none ([`Unresolved`]).

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData};
use trustplane_domain::directory::domain_proof::Observation;

/// Time limit for one query to one server.
const TRY: Duration = Duration::from_secs(2);
/// Time limit for a whole lookup: one retry, TCP for a long response, and the aliases that it follows.
const WHOLE: Duration = Duration::from_secs(6);

/// Queries recursive servers and caches nothing, because a customer expects a new record to be seen at once. A server
/// that validates DNSSEC (Amazon's does where it is enabled for the VPC) reports a bogus record as a failure.
#[derive(Debug)]
pub struct Resolver(TokioResolver);

/// Reason why a name has no addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The name does not exist, or has neither A nor AAAA records.
    NotFound,
    /// No server sent a response in time.
    Timeout,
    /// The server failed or refused. A validating server also fails where DNSSEC signatures are wrong.
    Failed,
}

/// No DNS server is configured, or its address is invalid.
#[derive(Debug)]
pub struct NoServer(String);

impl Resolver {
    /// The resolver of this process, made at its first use.
    ///
    /// # Errors
    /// [`NoServer`] where the system names no server. It is tried again at the next use.
    pub fn shared(server: Option<SocketAddr>) -> Result<&'static Self, NoServer> {
        static SHARED: OnceLock<Resolver> = OnceLock::new();
        match SHARED.get() {
            Some(resolver) => Ok(resolver),
            None => {
                let resolver = Self::new(server)?;
                Ok(SHARED.get_or_init(|| resolver))
            }
        }
    }

    /// Asks `server`; without one those of the system (`/etc/resolv.conf`).
    pub fn new(server: Option<SocketAddr>) -> Result<Self, NoServer> {
        let mut builder = match server {
            None => TokioResolver::builder_tokio().map_err(|error| NoServer(error.to_string()))?,
            Some(server) => {
                let config = ResolverConfig::from_name_servers(vec![name_server(server)]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        *builder.options_mut() = options();
        builder.build().map(Self).map_err(|error| NoServer(error.to_string()))
    }

    /// Looks up the TXT records at `name`, a fully qualified name. Follows aliases.
    pub async fn txt(&self, name: &str) -> Observation {
        // A name longer than DNS allows has no records.
        let Ok(mut name) = Name::from_ascii(name) else { return Observation::Records(Vec::new()) };
        name.set_fqdn(true);
        let lookup = match tokio::time::timeout(WHOLE, self.0.txt_lookup(name)).await {
            Ok(Ok(lookup)) => lookup,
            Ok(Err(error)) => return failed(&error),
            Err(_elapsed) => return Observation::Timeout,
        };
        let records = lookup.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => Some(txt.txt_data.iter().map(|string| string.to_vec()).collect()),
            _ => None,
        });
        Observation::Records(records.collect())
    }

    /// Looks up the A and AAAA records at `name`, once each; at the end of the aliases there, if it is one. `name` is taken
    /// from the root, and the machine's hosts file is not read. `localhost` and names below it are loopback (RFC 6761).
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Unresolved> {
        let Ok(mut name) = Name::from_ascii(name) else { return Err(Unresolved::NotFound) };
        name.set_fqdn(true);
        match tokio::time::timeout(WHOLE, self.0.lookup_ip(name)).await {
            Ok(Ok(lookup)) => {
                let addresses: Vec<_> = lookup.iter().collect();
                if addresses.is_empty() { Err(Unresolved::NotFound) } else { Ok(addresses) }
            }
            Ok(Err(error)) => Err(match failed(&error) {
                Observation::Records(_) => Unresolved::NotFound,
                Observation::Timeout => Unresolved::Timeout,
                _ => Unresolved::Failed,
            }),
            Err(_elapsed) => Err(Unresolved::Timeout),
        }
    }
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = TRY;
    options.attempts = 1;
    options.cache_size = 0;
    options.edns0 = true;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    connections.iter_mut().for_each(|connection| connection.port = server.port());
    NameServerConfig::new(server.ip(), true, connections)
}

/// Converts a resolver's error: either the record does not exist, or the lookup failed.
fn failed(error: &NetError) -> Observation {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError) =>
        {
            Observation::Records(Vec::new())
        }
        // No server responded.
        NetError::Timeout | NetError::NoConnections | NetError::Io(_) | NetError::Busy => {
            tracing::warn!(%error, "DNS");
            Observation::Timeout
        }
        _ => {
            tracing::warn!(%error, "DNS");
            Observation::Servfail
        }
    }
}

impl std::fmt::Display for NoServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "no DNS server to ask: {}", self.0)
    }
}

impl std::error::Error for NoServer {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_too_long_for_dns_has_no_records() {
        let resolver = Resolver::new(Some(SocketAddr::from(([192, 0, 2, 53], 53)))).unwrap();
        assert_eq!(resolver.txt(&["a"; 140].join(".")).await, Observation::Records(Vec::new()));
    }
}
