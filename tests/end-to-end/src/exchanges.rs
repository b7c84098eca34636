//! Records requests and responses, from which the examples of the API document are chosen.
//!
//! `TRUSTPLANE_EXCHANGES=FILE cargo test --workspace --test api` appends one JSON object per exchange to the file.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Map, Value, json};

use crate::{Reply, Request};

/// Appends an exchange to the file, if one is named.
pub(crate) fn record(operation: &str, request: &Request, reply: &Reply) {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let path = std::env::var_os("TRUSTPLANE_EXCHANGES")?;
        Some(Mutex::new(File::options().append(true).create(true).open(path).unwrap()))
    });
    let Some(file) = file else { return };
    let headers = |headers: &[(String, String)]| -> Map<String, Value> {
        headers.iter().map(|(name, value)| (name.to_lowercase(), json!(value))).collect()
    };
    let exchange = json!({
        "operation": operation,
        "path": request.path,
        "request": {
            "headers": headers(&request.headers),
            "body": serde_json::from_slice::<Value>(&request.body).ok(),
        },
        "response": {
            "status": reply.status,
            "headers": headers(&reply.headers),
            "body": reply.body,
            "text": if reply.body.is_null() { Some(&reply.text) } else { None },
        },
    });
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(file, "{exchange}").unwrap();
}
