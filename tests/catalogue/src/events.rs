//! The table of events in `docs/events.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use trustplane_functions::{ACCESS_DENIED, EventType, event_types};

/// Fact that the event of a denied request states.
pub(crate) const DENIED: &str = "Policies denied a request";

/// The rows of each event, by its name.
pub(crate) fn by_name() -> BTreeMap<&'static str, Vec<&'static EventType>> {
    let mut rows: BTreeMap<&str, Vec<&EventType>> = BTreeMap::new();
    for row in event_types() {
        rows.entry(row.name).or_default().push(row);
    }
    rows
}

/// The names of events that are notices.
pub(crate) fn notices() -> Vec<&'static str> {
    by_name().into_iter().filter(|(_, rows)| rows.iter().any(|row| row.notice)).map(|(name, _)| name).collect()
}

/// Renders the field of an event pattern that selects all notices.
pub(crate) fn notices_of_pattern() -> String {
    let indent = "        ";
    let names: String = notices().iter().map(|name| format!("{indent}  - {name}\n")).collect();
    format!("{indent}detail-type:\n{names}{indent}")
}

/// Renders the table.
pub(crate) fn table() -> String {
    let mut text = String::from("| event | states | notice | actions of its records |\n|---|---|---|---|\n");
    let _ = writeln!(text, "| `{ACCESS_DENIED}` | {DENIED} | - | all |");
    for (name, rows) in by_name() {
        let mut actions: Vec<String> = rows.iter().map(|row| format!("`{}`", row.action)).collect();
        actions.dedup();
        let summary = rows.first().map_or("", |row| row.summary);
        let notice = if rows.iter().any(|row| row.notice) { "yes" } else { "-" };
        let _ = writeln!(text, "| `{name}` | {summary} | {notice} | {} |", actions.join(", "));
    }
    text
}
