//! `cargo benchmark`, after `cargo build --release --workspace --bins`: what each release binary costs beside a function that does nothing, in one run on one machine.
//!
//! - **size**: of the stripped binary;
//! - **ready**: from process start to the first poll of the Runtime API, as the ratio to the bare function started in
//!   turn with it (medians of pairs). A function with a credential makes its TLS connection to the table in this time;
//! - **first request**: CPU time of the process for its first event;
//! - **memory**: peak resident set after the events.
//!
//! Then what Cedar has of that: the bare function with it, deciding and validating, where those two are built.
//!
//! With `--packaged` it measures what `cargo lambda build --release` has made instead: what is deployed.
//!
//! Options: `--pairs N` (default 15), `--requests N` (default 100), `--only NAME` (as often as wanted), and `--check`, which fails where a
//! bound is broken: 13.5 MB, 25 MB of memory. Times say more of the machine, so that none has a bound.
//!
//! With `--instructions` it counts the instructions of two functions instead, with valgrind: from the start to the first poll,
//! of the first request, and of a later one, beside those of the bare function; `--check` fails where one takes more than
//! the bounds of `instructions.rs`.
//!
//! With `--growth` it counts calls, units and CPU time of requests and schedules beside 1, 1,000 and 100,000 tenants;
//! `--check` fails where calls grow, or units by more than one.
//!
//! With `--alternatives` it measures the documented calls beside small functions in Rust, Node.js and Python, which
//! `tests/alternatives/prepare` builds: start, first and later requests, memory, package, calls and units; with
//! `--instructions` also those. A response that is not the documented one is an error. `--save` writes the figures into
//! `docs/`: `performance.md`, `performance.json` and `performance.svg`. `--without LANGUAGE` (`rust`, `node`, `python`) leaves
//! one out.
//!
//! With `--once` it starts each binary once instead and prints its size and its response to one event: a status for an HTTP
//! function, which `--check` wants to be no fault of the service, and for others a result or an error object.

#![allow(clippy::indexing_slicing, reason = "fields of JSON that is null where they are not there")]

mod alternatives;
mod growth;
mod instructions;
mod process;
mod tls;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use trustplane_local::{Options, Stack};
use trustplane_runtime::{Function, Trigger, functions};

use process::Process;

const SIZE_BOUND: u64 = 10_300_000;
const MEMORY_BOUND_KIB: u64 = 25_000;

struct Arguments {
    pairs: usize,
    requests: usize,
    only: Vec<String>,
    check: bool,
    packaged: bool,
    once: bool,
    instructions: bool,
    growth: bool,
    alternatives: bool,
    save: bool,
    without: Vec<String>,
}

/// Paths of the binaries.
struct Built {
    /// Cargo's target folder.
    target: PathBuf,
    packaged: bool,
}

/// The bare function, and the bare functions with Cedar.
const BARE: &str = "bare";
const WITH_CEDAR: [&str; 2] = ["bare-deciding", "bare-validating"];

struct Row {
    name: &'static str,
    size: u64,
    ready: f64,
    cpu_ms: f64,
    memory_kib: u64,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&arguments()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Arguments {
    let mut parsed = Arguments {
        pairs: 15,
        requests: 100,
        only: Vec::new(),
        check: false,
        packaged: false,
        once: false,
        instructions: false,
        growth: false,
        alternatives: false,
        save: false,
        without: Vec::new(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--pairs" => parsed.pairs = given.next().and_then(|text| text.parse().ok()).unwrap_or(parsed.pairs).max(1),
            "--requests" => {
                parsed.requests = given.next().and_then(|text| text.parse().ok()).unwrap_or(parsed.requests).max(1);
            }
            "--only" => parsed.only.extend(given.next()),
            "--check" => parsed.check = true,
            "--packaged" => parsed.packaged = true,
            "--once" => parsed.once = true,
            "--instructions" => parsed.instructions = true,
            "--growth" => parsed.growth = true,
            "--alternatives" => parsed.alternatives = true,
            "--save" => parsed.save = true,
            "--without" => parsed.without.extend(given.next()),
            other => eprintln!("unknown option `{other}`"),
        }
    }
    parsed
}

/// Measures the binaries. Returns true if every bound holds, or if no check was requested.
async fn measure(arguments: &Arguments) -> Result<bool, Error> {
    // Next to this program's folder; this program need not be a release build.
    let target = std::env::current_exe()?.ancestors().nth(2).map(Path::to_owned).unwrap_or_default();
    let built = Built { target, packaged: arguments.packaged };
    if arguments.alternatives {
        alternatives::run(arguments, &built).await?;
        return Ok(true);
    }
    if arguments.growth {
        let good = growth::table(&built).await?;
        return Ok(good || !arguments.check);
    }
    // Provides the table and the credential. The release binaries are measured.
    let stack = Stack::start(Options::default()).await.map_err(|error| error.to_string())?;
    let table = tls::proxy(stack.dynamodb_endpoint().trim_start_matches("http://").to_owned()).await?;
    let mut environment = process::environment(&table, stack.table());
    let credential = credential(&stack).await?;

    let chosen =
        || functions().filter(|one| arguments.only.is_empty() || arguments.only.iter().any(|only| only == one.name));
    if arguments.instructions {
        // A value of the list replaces an earlier one.
        environment.push(("AWS_ENDPOINT_URL".to_owned(), stack.dynamodb_endpoint().to_owned()));
        let good = instructions::table(&built, &environment, &credential).await?;
        stack.stop().await;
        return Ok(good || !arguments.check);
    }
    if arguments.once {
        println!("| function | size, MB | response |");
        println!("|---|---|---|");
        let mut good = true;
        for function in chosen() {
            let event = event(function, &credential)?;
            good &= once(function, &event, &built, &environment).await?;
        }
        stack.stop().await;
        if arguments.check && !good {
            eprintln!("a function is larger than {SIZE_BOUND} bytes, or its response is no success: see the table");
        }
        return Ok(good || !arguments.check);
    }
    println!(
        "| function | size, MB | ready, x bare | first request, ms CPU | memory after {} requests, MB |",
        arguments.requests
    );
    println!("|---|---|---|---|---|");
    let mut good = true;
    for function in chosen() {
        let event = event(function, &credential)?;
        let row = row(function.name, &event, &built, &environment, arguments).await?;
        row.print();
        good &= row.size <= SIZE_BOUND && row.memory_kib <= MEMORY_BOUND_KIB;
    }
    let health = trustplane_runtime::function("get-health").ok_or("no function for health")?;
    let health = event(health, &credential)?;
    for name in [BARE].into_iter().chain(WITH_CEDAR).filter(|name| built.program(name).exists()) {
        row(name, &health, &built, &environment, arguments).await?.print();
    }
    stack.stop().await;
    if arguments.check && !good {
        eprintln!("a bound is broken: {SIZE_BOUND} bytes, {MEMORY_BOUND_KIB} KiB");
    }
    Ok(good || !arguments.check)
}

impl Built {
    fn program(&self, name: &str) -> PathBuf {
        if self.packaged {
            self.target.join("lambda").join(name).join("bootstrap")
        } else {
            self.target.join("release").join(name)
        }
    }
}

impl Row {
    fn print(&self) {
        println!(
            "| `{}` | {:.2} | {:.2} | {:.1} | {:.1} |",
            self.name,
            self.size as f64 / 1e6,
            self.ready,
            self.cpu_ms,
            self.memory_kib as f64 / 1e3
        );
    }
}

/// Starts a function, sends it one event and prints its row. Returns true if size and response are within bounds: any
/// status but that of a fault of the service. The benchmark plays DynamoDB and EventBridge alone, so that functions which
/// ask other services of AWS answer that those are away (502, 503).
async fn once(
    function: &Function,
    event: &Value,
    built: &Built,
    environment: &[(String, String)],
) -> Result<bool, Error> {
    let program = built.program(function.name);
    let size = std::fs::metadata(&program).map_err(|error| format!("{}: {error}", program.display()))?.len();
    let mut process = Process::start(&program, environment).await?;
    let response = process.handle(event).await.map_err(|error| format!("{}: {error}", function.name))?;
    let http = matches!(function.trigger, Trigger::Http(_) | Trigger::Unmatched);
    let (text, good) = match &response {
        Ok(body) if http => {
            let body: Value = serde_json::from_slice(body)?;
            let status = body["statusCode"].as_u64().unwrap_or_default();
            (format!("status {status}"), matches!(status, 200..500 | 502 | 503))
        }
        Ok(_) => ("result".to_owned(), true),
        Err(error) => (format!("error {}", String::from_utf8_lossy(error)), !http),
    };
    println!("| `{}` | {:.2} | {text} |", function.name, size as f64 / 1e6);
    Ok(good && size <= SIZE_BOUND)
}

async fn row(
    name: &'static str,
    event: &Value,
    built: &Built,
    environment: &[(String, String)],
    arguments: &Arguments,
) -> Result<Row, Error> {
    let (bare, program) = (built.program(BARE), built.program(name));
    let mut ratios = Vec::new();
    let mut cpu = Vec::new();
    let mut memory = 0;
    let failed = |error: axum::body::Bytes| format!("{name}: error {}", String::from_utf8_lossy(&error));
    for pair in 0..arguments.pairs {
        let floor = Process::start(&bare, environment).await?;
        let mut process = Process::start(&program, environment).await?;
        ratios.push(process.ready.as_secs_f64() / floor.ready.as_secs_f64());
        let before = process.cpu_ms()?;
        process.handle(event).await?.map_err(failed)?;
        cpu.push(process.cpu_ms()? - before);
        // The last process handles the full number of requests.
        if pair + 1 == arguments.pairs {
            for _ in 1..arguments.requests {
                process.handle(event).await?.map_err(failed)?;
            }
            memory = process.peak_kib()?;
        }
    }
    let size = std::fs::metadata(&program)?.len();
    Ok(Row { name, size, ready: median(ratios), cpu_ms: median(cpu), memory_kib: memory })
}

struct Credential {
    tenant: String,
    token: String,
}

async fn credential(stack: &Stack) -> Result<Credential, Error> {
    let tenant = invoke(stack, "create-tenant", &json!({"name": "benchmark"})).await?;
    let tenant = tenant["tenant_id"].as_str().unwrap_or_default().to_owned();
    let wanted = json!({"tenant_id": tenant, "name": "benchmark", "roles": ["admin", "approver"]});
    let made = invoke(stack, "create-credential", &wanted).await?;
    Ok(Credential { tenant, token: made["token"].as_str().unwrap_or_default().to_owned() })
}

async fn invoke(stack: &Stack, function: &str, payload: &Value) -> Result<Value, Error> {
    let outcome = stack.invoke(function, payload).await.map_err(|refusal| format!("{function}: {refusal:?}"))?;
    Ok(serde_json::from_slice(&outcome.payload)?)
}

/// Returns the function's first payload of `events/`, with a valid credential.
fn event(function: &Function, credential: &Credential) -> Result<Value, Error> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events").join(function.name);
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.filter_map(|file| Some(file.ok()?.path())).collect();
    files.sort();
    let first = files.first().ok_or("no event")?;
    let mut event: Value = serde_json::from_slice(&std::fs::read(first)?)?;
    if matches!(function.trigger, Trigger::Http(_)) {
        event["headers"]["authorization"] = json!(format!("Bearer {}", credential.token));
        event["headers"]["x-tenant-id"] = json!(credential.tenant);
    }
    Ok(event)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
