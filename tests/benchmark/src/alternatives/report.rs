//! The figures as tables and as JSON.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Compared, Measured};
use crate::{Arguments, Error};

/// Marks around the tables in the page.
const BEGIN: &str = "<!-- alternatives -->\n";
const END: &str = "<!-- end of alternatives -->\n";

/// Returns one table per call.
pub(crate) fn markdown(all: &[Compared]) -> String {
    let counted = all.iter().flat_map(|call| &call.rows).any(|row| row.instructions.is_some());
    let mut text = String::new();
    for Compared { name, rows } in all {
        let more = if counted { " instructions: start, first, later |" } else { "" };
        let _ = write!(
            text,
            "\n`{name}`:\n\n| | start, ms | x bare | CPU of start, ms | first request, ms CPU | later, ms CPU | memory, MB | \
             package, MB | calls | units |{more}\n|---|---|---|---|---|---|---|---|---|---|{}\n",
            if counted { "---|" } else { "" }
        );
        for row in rows {
            let _ = writeln!(text, "{}{}", line(row), if counted { instructions(row) } else { String::new() });
        }
    }
    text.push('\n');
    text
}

fn line(row: &Measured) -> String {
    let mut units = Vec::new();
    if row.read_units > 0.0 {
        units.push(format!("{} read", row.read_units));
    }
    if row.write_units > 0.0 {
        units.push(format!("{} write", row.write_units));
    }
    format!(
        "| {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:.1} | {:.2} | {} | {} |",
        row.implementation.name(),
        row.start_ms,
        row.start_ratio,
        row.start_cpu_ms,
        row.first_cpu_ms,
        row.warm_cpu_ms,
        row.memory_mb,
        row.package_mb,
        row.calls,
        units.join(", ")
    )
}

fn instructions(row: &Measured) -> String {
    match row.instructions {
        Some(counts) => format!(" {} |", counts.0.map(|count| format!("{:.2} M", count as f64 / 1e6)).join(", ")),
        None => " not counted |".to_owned(),
    }
}

/// Returns all figures, rounded to a thousandth.
pub(crate) fn json(all: &[Compared], [python, node]: &[String; 2], arguments: &Arguments) -> Value {
    let calls: Map<_, _> = all.iter().map(|call| (call.name.to_owned(), of_call(call))).collect();
    json!({
        "pairs": arguments.pairs,
        "requests": arguments.requests,
        "versions": {"python": python, "node": node},
        "calls": calls,
    })
}

fn of_call(call: &Compared) -> Value {
    let rounded = |value: f64| json!((value * 1e3).round() / 1e3);
    let rows = call.rows.iter().map(|row| {
        let mut figures = json!({
            "start_ms": rounded(row.start_ms),
            "start_ratio": rounded(row.start_ratio),
            "start_cpu_ms": rounded(row.start_cpu_ms),
            "first_request_cpu_ms": rounded(row.first_cpu_ms),
            "later_request_cpu_ms": rounded(row.warm_cpu_ms),
            "memory_mb": rounded(row.memory_mb),
            "package_mb": rounded(row.package_mb),
            "dynamodb_calls": row.calls,
            "read_units": row.read_units,
            "write_units": row.write_units,
        });
        if let Some(counts) = row.instructions {
            let [start, first, later] = counts.0;
            figures["instructions"] = json!({"start": start, "first_request": first, "later_request": later});
        }
        (row.implementation.key().to_owned(), figures)
    });
    Value::Object(rows.collect())
}

/// Writes the tables into the page, and the figures beside it.
pub(crate) fn save(docs: &Path, tables: &str, figures: &Value) -> Result<(), Error> {
    let page = docs.join("performance.md");
    let text = std::fs::read_to_string(&page)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the page has no place for the tables")?;
    let (_, after) = rest.split_once(END).ok_or("the place for the tables does not end")?;
    std::fs::write(page, format!("{before}{BEGIN}{tables}{END}{after}"))?;
    std::fs::write(docs.join("performance.json"), format!("{figures:#}\n"))?;
    Ok(())
}
