//! Instructions of a function, counted by valgrind's callgrind: the same in every run, but for what waits and hash maps do,
//! so that a bound says something.
//!
//! A process is started several times, is given more events each time, and is ended at its next poll of the Runtime API. The
//! differences are the costs. The table is reached over plain HTTP, so that no cipher is counted. What callgrind wrote stays in
//! `target/callgrind`, for `callgrind_annotate`.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::Process;
use crate::{BARE, Built, Credential, Error, event};

/// Requests that the cost of one is taken from, after two.
const WARM: usize = 8;

/// Functions to count, and their bounds in instructions: start, first request, each later one. The bounds are a tenth above
/// the last count.
const COUNTED: [(&str, [u64; 3]); 2] = [
    ("get-identity-center-config", [2_750_000, 1_900_000, 1_900_000]),
    ("put-identity-center-config", [2_750_000, 3_550_000, 3_600_000]),
];

/// Instructions of a process: of its start, its first request, and each later one.
#[derive(Clone, Copy)]
pub(crate) struct Counts(pub(crate) [u64; 3]);

/// Prints the counts beside those of the bare function. Returns true if each is within its bound.
pub(crate) async fn table(
    built: &Built,
    environment: &[(String, String)],
    credential: &Credential,
) -> Result<bool, Error> {
    let health = trustplane_runtime::function("get-health").ok_or("no function for health")?;
    let health = event(health, credential)?;
    let bare = counted(built, BARE, environment, |_| health.clone()).await?;
    println!("| function | start | x bare | first request | x bare | later request | x bare |");
    println!("|---|---|---|---|---|---|---|");
    bare.print(BARE, &bare);
    let mut good = true;
    for (name, bounds) in COUNTED {
        let function = trustplane_runtime::function(name).ok_or("a counted function is not in the table")?;
        let given = event(function, credential)?;
        let counted = counted(built, name, environment, |number| numbered(&given, number)).await?;
        counted.print(name, &bare);
        if let Some((counted, bound)) = counted.0.iter().zip(bounds).find(|(counted, bound)| **counted > *bound) {
            eprintln!("`{name}` takes {counted} instructions, and {bound} at most are wanted");
            good = false;
        }
    }
    Ok(good)
}

/// Makes each event another change, where it is one.
fn numbered(event: &Value, number: usize) -> Value {
    let mut event = event.clone();
    if let Some(body) = event["body"].as_str() {
        event["body"] = json!(body.replace("role/", &format!("role/{number}-")));
        event["headers"]["content-length"] = json!(event["body"].as_str().map_or(0, str::len).to_string());
    }
    event
}

/// Counts the instructions of what `start` starts under valgrind's command, and of what `send` sends to it and checks.
pub(crate) async fn counts(
    folder: &Path,
    name: &str,
    start: impl AsyncFn(&[String]) -> Result<Process, Error>,
    send: impl AsyncFn(&mut Process) -> Result<(), Error>,
) -> Result<Counts, Error> {
    std::fs::create_dir_all(folder)?;
    // The first request of all notes the day of the credential's use.
    send(&mut start(&[]).await?).await?;
    let mut totals = Vec::new();
    for events in [0, 1, 2, 2 + WARM] {
        let written = folder.join(format!("{name}.{events}"));
        let written_to = format!("--callgrind-out-file={}", written.display());
        let valgrind = ["valgrind", "--quiet", "--tool=callgrind", &written_to].map(str::to_owned);
        let mut process = start(&valgrind).await?;
        for _ in 0..events {
            send(&mut process).await?;
            process.poll().await?;
        }
        process.end().await?;
        totals.push(instructions(&written)?);
    }
    match totals[..] {
        [start, one, two, many] => {
            Ok(Counts([start, one.saturating_sub(start), many.saturating_sub(two) / WARM as u64]))
        }
        _ => Err("no counts".into()),
    }
}

/// Counts the instructions of a release binary.
async fn counted(
    built: &Built,
    name: &str,
    environment: &[(String, String)],
    event: impl Fn(usize) -> Value,
) -> Result<Counts, Error> {
    let program = built.program(name);
    let number = AtomicUsize::default();
    let start = async |valgrind: &[String]| {
        let mut words: Vec<_> = valgrind.iter().map(OsStr::new).collect();
        words.push(program.as_os_str());
        let (first, others) = words.split_first().ok_or("no program")?;
        let mut command = Command::new(first);
        command.args(others).stdout(Stdio::null()).stderr(Stdio::null());
        Process::spawn(command, environment).await
    };
    let send = async |process: &mut Process| {
        let response = process.handle(&event(number.fetch_add(1, Ordering::Relaxed))).await?;
        let body = response.map_err(|error| String::from_utf8_lossy(&error).into_owned())?;
        let response: Value = serde_json::from_slice(&body)?;
        match response["statusCode"].as_u64() {
            Some(..300) => Ok(()),
            _ => Err(format!("{}: {response}", program.display()).into()),
        }
    };
    counts(&built.target.join("callgrind"), name, start, send).await
}

/// Reads the sum of callgrind's file.
fn instructions(file: &Path) -> Result<u64, Error> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("valgrind: {error}"))?;
    let sum = text.lines().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")));
    Ok(sum.ok_or("callgrind counted nothing")?.trim().parse()?)
}

impl Counts {
    fn print(&self, name: &str, bare: &Self) {
        let Self([start, first, warm]) = self;
        let Self([bare_start, bare_first, bare_warm]) = bare;
        let cell = |count: &u64, of: &u64| format!("{:.2} M | {:.1}", *count as f64 / 1e6, *count as f64 / *of as f64);
        println!(
            "| `{name}` | {} | {} | {} |",
            cell(start, bare_start),
            cell(first, bare_first),
            cell(warm, bare_warm)
        );
    }
}
