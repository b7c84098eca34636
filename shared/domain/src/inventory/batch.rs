//! Batches of rows that fit into one transaction of DynamoDB: at most 100 items and 4 MB.

use std::collections::BTreeMap;

use super::{Row, RowId};

/// Most rows of a batch: a transaction has 100 items, some of which are others.
pub const MAX_ROWS: usize = 90;

/// Most bytes of a batch's rows, as JSON: a transaction has 4 MB.
pub const MAX_BYTES: usize = 2_500_000;

/// Rows to write and to remove, each once: the last word on a row counts.
#[derive(Debug, Default)]
pub struct Batch {
    rows: BTreeMap<RowId, Option<Row>>,
    bytes: usize,
}

impl Batch {
    /// Adds rows and removals.
    pub fn add(&mut self, rows: Vec<Row>, removed: Vec<RowId>) {
        for id in removed {
            self.rows.insert(id, None);
        }
        for row in rows {
            self.bytes += size(&row);
            self.rows.insert(row.id(), Some(row));
        }
    }

    /// Reports a batch that is worth a transaction.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    /// Takes the rows out, in parts that each fit into a transaction.
    pub fn take(&mut self) -> Vec<Vec<(RowId, Option<Row>)>> {
        self.bytes = 0;
        let mut parts: Vec<Vec<(RowId, Option<Row>)>> = Vec::new();
        let mut bytes = 0;
        for (id, row) in std::mem::take(&mut self.rows) {
            let added = row.as_ref().map_or(0, size);
            match parts.last_mut().filter(|part| part.len() < MAX_ROWS && bytes + added <= MAX_BYTES) {
                Some(part) => {
                    bytes += added;
                    part.push((id, row));
                }
                None => {
                    bytes = added;
                    parts.push(vec![(id, row)]);
                }
            }
        }
        parts
    }
}

/// Bytes of a row as JSON; DynamoDB needs about as many.
fn size(row: &Row) -> usize {
    serde_json::to_vec(row).map_or(0, |json| json.len())
}
