//! Bodies of responses, read up to a limit.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap};

use crate::Error;

/// Part of a body.
pub(crate) struct Part {
    /// The first bytes, at most the limit.
    pub(crate) bytes: Vec<u8>,
    /// The body is longer, or ended early.
    pub(crate) truncated: bool,
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn whole(mut body: Incoming, limit: usize) -> Result<Vec<u8>, ReadError> {
    // The length that the server declares, where it does.
    if body.size_hint().lower() > limit as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(ReadError::Http)?.into_data() else { continue };
        if data.len() > limit - bytes.len() {
            return Err(ReadError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Reads the first `limit` bytes of a body into `part`. Safe to cancel: what was read stays there.
pub(crate) async fn first(mut body: Incoming, limit: usize, part: &mut Part) {
    part.truncated = true;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        let Ok(data) = frame.into_data() else { continue };
        let room = limit - part.bytes.len();
        part.bytes.extend(data.iter().take(room));
        if data.len() > room {
            return;
        }
    }
    part.truncated = false;
}

/// Failure to read a body.
pub(crate) enum ReadError {
    TooLarge,
    Http(hyper::Error),
}

/// Decompresses a body of a response with `headers`, to at most `limit` bytes.
pub(crate) fn decoded(headers: &HeaderMap, body: Vec<u8>, limit: usize) -> Result<Bytes, Error> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let encoding = match (encodings.next(), encodings.next()) {
        (None, _) => return Ok(body.into()),
        (Some(encoding), None) => encoding.to_str().unwrap_or_default().trim().to_ascii_lowercase(),
        (Some(_), Some(_)) => return Err(Error::Encoding),
    };
    match encoding.as_str() {
        "" | "identity" => Ok(body.into()),
        "gzip" | "x-gzip" => inflated(&body, limit),
        _ => Err(Error::Encoding),
    }
}

fn inflated(body: &[u8], limit: usize) -> Result<Bytes, Error> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(body).take(most).read_to_end(&mut bytes).map_err(|_| Error::Encoding)?;
    if bytes.len() > limit { Err(Error::TooLarge(limit)) } else { Ok(bytes.into()) }
}
