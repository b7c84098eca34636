//! Settings of functions that depend on the addresses of the local stack.

use std::net::SocketAddr;

use crate::{dns::Dns, stack::API_HOST};

/// Returns the settings, which options of a stack may replace. `api` is the address of the HTTP API.
pub(crate) fn own(dns: &Dns, api: SocketAddr) -> [(&'static str, String); 3] {
    [
        ("TRUSTPLANE_API_HOST", API_HOST.to_owned()),
        ("TRUSTPLANE_DNS_SERVER", dns.address().to_string()),
        ("TRUSTPLANE_SETUP_BASE", format!("http://localhost:{}", api.port())),
    ]
}
