//! The figures as a picture: bars for each call and implementation, one column for each kind of cost.

use std::fmt::Write;

use super::{Compared, Measured};

/// A kind of cost: its heading, its value, and the digits after the point.
type Kind = (&'static str, fn(&Measured) -> f64, usize);

const KINDS: [Kind; 5] = [
    ("start, ms", |row| row.start_ms, 1),
    ("first request, ms of CPU", |row| row.first_cpu_ms, 1),
    ("later request, ms of CPU", |row| row.warm_cpu_ms, 2),
    ("memory, MB", |row| row.memory_mb, 1),
    ("package, MB zipped", |row| row.package_mb, 1),
];

const COLUMN: f64 = 190.0;
/// The longest bar; its value is written after it.
const BAR: f64 = 130.0;
const LINE: f64 = 16.0;
const TOP: f64 = 64.0;
const LEFT: f64 = 16.0;

/// Colors that are legible on white and on black.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#57606a}.head{font-weight:600;fill:#24292f}\
    .trustplane{fill:#1f883d}.rust{fill:#bc4c00}.node{fill:#8250df}.python{fill:#0969da}\
    @media (prefers-color-scheme:dark){text{fill:#9198a1}.head{fill:#e6edf3}\
    .trustplane{fill:#3fb950}.rust{fill:#f0883e}.node{fill:#a371f7}.python{fill:#58a6ff}}";

/// Returns an SVG.
pub(crate) fn svg(all: &[Compared]) -> String {
    let rows = all.first().map_or(0, |call| call.rows.len());
    let group = LINE * (rows as f64 + 2.0);
    let (width, height) = (LEFT * 2.0 + COLUMN * KINDS.len() as f64, TOP + group * all.len() as f64);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"title\">\n<title id=\"title\">Costs of four calls in Trustplane and in small functions; \
         shorter is better</title>\n<style>{STYLE}</style>\n"
    );
    let measured: Vec<_> = all.iter().take(1).flat_map(|call| &call.rows).map(|row| row.implementation).collect();
    for (place, implementation) in measured.iter().enumerate() {
        let x = LEFT + COLUMN * place as f64;
        let (key, name) = (implementation.key(), implementation.name());
        let _ = writeln!(out, "<rect class=\"{key}\" x=\"{x}\" y=\"10\" width=\"12\" height=\"12\" rx=\"2\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"20\">{name}</text>", x + 18.0);
    }
    for (place, (heading, value, digits)) in KINDS.into_iter().enumerate() {
        let x = LEFT + COLUMN * place as f64;
        let _ = writeln!(out, "<text class=\"head\" x=\"{x}\" y=\"46\">{heading}</text>");
        let most = all.iter().flat_map(|call| &call.rows).map(value).fold(f64::MIN_POSITIVE, f64::max);
        for (number, call) in all.iter().enumerate() {
            let y = TOP + group * number as f64;
            if place == 0 {
                let _ = writeln!(out, "<text class=\"head\" x=\"{x}\" y=\"{}\">{}</text>", y + 12.0, call.name);
            }
            for (line, row) in call.rows.iter().enumerate() {
                let (y, value) = (y + LINE * (line as f64 + 1.0) + 2.0, value(row));
                let long = (BAR * value / most).max(1.0);
                let key = row.implementation.key();
                let _ = writeln!(
                    out,
                    "<rect class=\"{key}\" x=\"{x}\" y=\"{y}\" width=\"{long:.1}\" height=\"12\" rx=\"2\"/>\
                     <text x=\"{:.1}\" y=\"{}\">{value:.digits$}</text>",
                    x + long + 4.0,
                    y + 10.0
                );
            }
        }
    }
    out.push_str("</svg>\n");
    out
}
