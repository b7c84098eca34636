//! Limits of a request.

use std::time::Duration;

/// Limits of time and size of one request, redirects included.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most time for the DNS look-up, and again for the TCP connection with its TLS handshake.
    pub connect: Duration,
    /// Most time in all.
    pub total: Duration,
    /// Most bytes of a body, as received and as decompressed.
    pub body: usize,
}

impl Limits {
    /// SAML metadata: 256 KiB.
    pub const METADATA: Self = Self::of(256 * 1024);
    /// A discovery document or a key set: 64 KiB.
    pub const DISCOVERY: Self = Self::of(64 * 1024);
    /// A delivery to a webhook: 1 KiB of the response is kept.
    pub const WEBHOOK: Self = Self::of(1024);

    /// Makes limits of 3 seconds to connect, 10 seconds in all, and `body` bytes.
    const fn of(body: usize) -> Self {
        Self { connect: Duration::from_secs(3), total: Duration::from_secs(10), body }
    }
}
