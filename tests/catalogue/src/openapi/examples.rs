//! Examples of requests and responses, from `examples.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An exchange per operation, which the end-to-end tests had. `tests/catalogue/examples.py` chooses them.
const TEXT: &str = include_str!("examples.json");

/// Examples by operation.
pub(super) struct Examples(BTreeMap<String, Example>);

/// The bodies of an exchange; `None` where there is none.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Example {
    pub(super) request: Option<Value>,
    pub(super) response: Option<Value>,
}

impl Examples {
    /// Reads the examples.
    pub(super) fn read() -> Result<Self, serde_json::Error> {
        serde_json::from_str(TEXT).map(Self)
    }

    /// Returns the example of an operation.
    pub(super) fn of(&self, operation: &str) -> Option<&Example> {
        self.0.get(operation)
    }
}
