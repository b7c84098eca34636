//! Files as they are served: entity tag, compression, and the headers of every response.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use trustplane_domain::Failure;
use trustplane_runtime::{Request, Response};

use crate::settings::Settings;

/// A file, compressed.
#[derive(Clone, Debug)]
pub(crate) struct File {
    content_type: &'static str,
    etag: String,
    gzip: Vec<u8>,
}

/// The headers that every response has.
#[derive(Clone, Debug)]
pub(crate) struct Headers(Vec<(&'static str, String)>);

impl File {
    /// Compresses a file.
    pub(crate) fn new(content_type: &'static str, bytes: &[u8]) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes)?;
        Ok(Self::compressed(content_type, &encoder.finish()?))
    }

    /// A file that is compressed already.
    pub(crate) fn compressed(content_type: &'static str, gzip: &[u8]) -> Self {
        // Weak: one tag for the file with and without compression.
        Self { content_type, etag: format!("W/\"{}\"", hash(gzip)), gzip: gzip.to_owned() }
    }

    /// Compressed size in bytes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        self.gzip.len()
    }

    /// The response to a request: 304 if the client has this very file.
    pub(crate) fn response(&self, request: &Request, caching: &str) -> Result<Response, Failure> {
        let known = request.header("if-none-match").unwrap_or_default();
        let response = if known.split(',').any(|tag| is_same(tag.trim(), &self.etag)) {
            Response::not_modified()
        } else if accepts_gzip(request.header("accept-encoding").unwrap_or_default()) {
            Response::bytes(self.content_type, &self.gzip).header("content-encoding", "gzip")
        } else {
            let mut bytes = Vec::new();
            GzDecoder::new(self.gzip.as_slice()).read_to_end(&mut bytes).map_err(Failure::internal)?;
            Response::bytes(self.content_type, &bytes)
        };
        Ok(response.header("etag", &*self.etag).header("cache-control", caching))
    }
}

impl Headers {
    /// Makes the headers for these settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        let logo = settings.logo_origin().map_or_else(String::new, |origin| format!(" {origin}"));
        let ancestors =
            if settings.frame_origins.is_empty() { "'none'".to_owned() } else { settings.frame_origins.join(" ") };
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{logo}; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}; require-trusted-types-for 'script'; \
             trusted-types 'none'"
        );
        let mut headers = vec![
            ("content-security-policy", policy),
            ("cross-origin-opener-policy", "same-origin".to_owned()),
            ("cross-origin-resource-policy", "same-origin".to_owned()),
            (
                "permissions-policy",
                "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()".to_owned(),
            ),
            ("referrer-policy", "no-referrer".to_owned()),
            ("strict-transport-security", "max-age=63072000".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        // It knows no origins.
        if settings.frame_origins.is_empty() {
            headers.push(("x-frame-options", "DENY".to_owned()));
        }
        Self(headers)
    }

    /// Adds the headers to a response.
    pub(crate) fn add(&self, response: Response) -> Response {
        self.0.iter().fold(response, |response, (name, value)| response.header(name, value.as_str()))
    }
}

/// The response to a name that no file has.
pub(crate) fn absent() -> Response {
    Response::text("text/plain; charset=utf-8", "There is no such file. Open the page at /setup.\n".to_owned())
        .with_status(404)
}

/// The first 16 digits of the SHA-256.
pub(crate) fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes)).chars().take(16).collect()
}

/// Weak comparison of entity tags.
fn is_same(tag: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    tag == "*" || opaque(tag) == opaque(etag)
}

/// Returns true unless gzip is not in the list, or has the quality 0.
fn accepts_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        let refused = parts.any(|part| {
            part.strip_prefix("q=").is_some_and(|quality| quality.parse::<f32>().is_ok_and(|quality| quality <= 0.0))
        });
        is_gzip && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_clients_that_take_it() {
        for accepted in ["gzip", "br, GZIP", "gzip;q=0.5, br", "*"] {
            assert!(accepts_gzip(accepted), "{accepted}");
        }
        for accepted in ["", "br", "gzip;q=0", "gzip; q=0.0", "x-gzip"] {
            assert!(!accepts_gzip(accepted), "{accepted}");
        }
    }

    #[test]
    fn tags_are_compared_by_what_they_name() {
        assert!(is_same("W/\"a\"", "W/\"a\"") && is_same("\"a\"", "W/\"a\"") && is_same("*", "W/\"a\""));
        assert!(!is_same("\"b\"", "W/\"a\"") && !is_same("", "W/\"a\""));
    }
}
