//! The four documented calls beside small functions that do the same with the libraries that are usual in their language:
//! `tests/alternatives`, after `tests/alternatives/prepare`.
//!
//! All are given the same events by the same Runtime API, and call the same engine through the same TLS proxy. Each
//! response is compared with the documented one. In each pair every implementation starts once, after a bare function.

mod calls;
mod counter;
mod implementation;
mod picture;
mod report;
mod table;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;
use trustplane_local::{Options, Stack};

use crate::instructions::{Counts, counts};
use crate::process::{self, Process};
use crate::tls::{self, Endpoint};
use crate::{Arguments, BARE, Built, Error, median};
use calls::{Call, Calls};
use counter::Counter;
use implementation::Implementation;
use table::Table;

/// Requests before those whose calls and units are counted.
const BEFORE_COUNT: usize = 2;

/// Figures of one implementation of one call.
struct Measured {
    implementation: Implementation,
    /// From the start to the first poll.
    start_ms: f64,
    /// The same, as the ratio to the bare function.
    start_ratio: f64,
    start_cpu_ms: f64,
    /// CPU time of the first request, with its TLS handshake.
    first_cpu_ms: f64,
    /// CPU time of each later request.
    warm_cpu_ms: f64,
    memory_mb: f64,
    package_mb: f64,
    /// Calls to DynamoDB and their units, of one later request.
    calls: f64,
    read_units: f64,
    write_units: f64,
    instructions: Option<Counts>,
}

/// All implementations of one call.
struct Compared {
    name: &'static str,
    rows: Vec<Measured>,
}

/// Samples of one implementation, one of each kind per pair.
#[derive(Default)]
struct Samples {
    start: Vec<f64>,
    ratio: Vec<f64>,
    start_cpu: Vec<f64>,
    first: Vec<f64>,
    warm: Vec<f64>,
    peak_kib: u64,
}

/// The stack, the endpoints, and the calls.
struct World<'a> {
    built: &'a Built,
    stack: Stack,
    table: Table,
    calls: Calls,
    encrypted: Endpoint,
}

/// Measures, prints the tables, and saves them where that is wanted.
pub(crate) async fn run(arguments: &Arguments, built: &Built) -> Result<(), Error> {
    let functions = built.packaged.then(|| built.target.join("lambda"));
    let stack = Stack::start(Options { functions, ..Options::default() }).await.map_err(|error| error.to_string())?;
    let encrypted = tls::proxy(stack.dynamodb_endpoint().trim_start_matches("http://").to_owned()).await?;
    let table = Table::create(stack.dynamodb_endpoint()).await?;
    let calls = Calls::set_up(&stack, &table).await?;
    let world = World { built, stack, table, calls, encrypted };
    let mut all = Vec::new();
    for call in world.calls.all() {
        if arguments.only.is_empty() || arguments.only.iter().any(|only| only == call.name) {
            all.push(world.compared(call, arguments).await?);
        }
    }
    let World { stack, .. } = world;
    stack.stop().await;
    let tables = report::markdown(&all);
    print!("{tables}");
    if arguments.save {
        let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let versions = implementation::versions(built).await?;
        report::save(&docs, &tables, &report::json(&all, &versions, arguments))?;
        std::fs::write(docs.join("performance.svg"), picture::svg(&all))?;
    }
    Ok(())
}

impl World<'_> {
    async fn compared(&self, call: &Call, arguments: &Arguments) -> Result<Compared, Error> {
        self.calls.refresh(&self.stack).await?;
        let wanted = Implementation::ALL.into_iter().filter(|one| arguments.without.iter().all(|not| not != one.key()));
        let mut samples: Vec<_> = wanted.map(|one| (one, Samples::default())).collect();
        let bare = self.built.program(BARE);
        for pair in 0..arguments.pairs {
            let floor = Process::start(&bare, &self.environment(Implementation::Trustplane)?).await?;
            for (implementation, samples) in &mut samples {
                let mut process = self.started(*implementation, call).await?;
                samples.start.push(process.ready.as_secs_f64() * 1e3);
                samples.ratio.push(process.ready.as_secs_f64() / floor.ready.as_secs_f64());
                let started = process.cpu_ms()?;
                samples.start_cpu.push(started);
                self.request(*implementation, call, &mut process).await?;
                let first = process.cpu_ms()?;
                samples.first.push(first - started);
                for _ in 0..arguments.requests {
                    self.request(*implementation, call, &mut process).await?;
                }
                samples.warm.push((process.cpu_ms()? - first) / arguments.requests as f64);
                if pair + 1 == arguments.pairs {
                    samples.peak_kib = process.peak_kib()?;
                }
            }
        }
        let mut rows = Vec::new();
        for (implementation, samples) in samples {
            let row = self.row(implementation, call, samples, arguments.instructions).await?;
            rows.push(row);
        }
        Ok(Compared { name: call.name, rows })
    }

    async fn row(
        &self,
        implementation: Implementation,
        call: &Call,
        samples: Samples,
        instructions: bool,
    ) -> Result<Measured, Error> {
        let counter = Counter::start(self.stack.dynamodb_endpoint().to_owned()).await?;
        let mut process = self.spawned(implementation, call, Some(&counter.url), &[]).await?;
        for _ in 0..BEFORE_COUNT {
            self.request(implementation, call, &mut process).await?;
        }
        counter.take();
        self.request(implementation, call, &mut process).await?;
        let counted = counter.take();
        let instructions = match implementation.has_instructions() && instructions {
            true => Some(self.instructions(implementation, call).await?),
            false => None,
        };
        Ok(Measured {
            implementation,
            start_ms: median(samples.start),
            start_ratio: median(samples.ratio),
            start_cpu_ms: median(samples.start_cpu),
            first_cpu_ms: median(samples.first),
            warm_cpu_ms: median(samples.warm),
            memory_mb: samples.peak_kib as f64 / 1e3,
            package_mb: implementation.package_bytes(self.built, call.name).await? as f64 / 1e6,
            calls: counted.calls,
            read_units: counted.read_units,
            write_units: counted.write_units,
            instructions,
        })
    }

    /// Counts instructions. The table is reached over plain HTTP.
    async fn instructions(&self, implementation: Implementation, call: &Call) -> Result<Counts, Error> {
        self.calls.refresh(&self.stack).await?;
        let name = format!("{}.{}", call.name, implementation.key());
        let folder = self.built.target.join("callgrind");
        let start = async |valgrind: &[String]| {
            self.spawned(implementation, call, Some(self.stack.dynamodb_endpoint()), valgrind).await
        };
        let send = async |process: &mut Process| self.request(implementation, call, process).await;
        counts(&folder, &name, start, send).await
    }

    async fn started(&self, implementation: Implementation, call: &Call) -> Result<Process, Error> {
        self.spawned(implementation, call, None, &[]).await
    }

    /// Starts an implementation under a command, with an endpoint of DynamoDB in place of the encrypted one.
    async fn spawned(
        &self,
        implementation: Implementation,
        call: &Call,
        endpoint: Option<&str>,
        under: &[String],
    ) -> Result<Process, Error> {
        let mut environment = self.environment(implementation)?;
        // A value of the list replaces an earlier one.
        environment.extend(endpoint.map(|url| ("AWS_ENDPOINT_URL".to_owned(), url.to_owned())));
        let mut words = under.to_vec();
        words.extend(implementation.words(self.built, call.name));
        let (program, arguments) = words.split_first().ok_or("no program")?;
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let failed = |error| format!("{} of `{}`: {error}", implementation.name(), call.name).into();
        Process::spawn(command, &environment).await.map_err(failed)
    }

    fn environment(&self, implementation: Implementation) -> Result<Vec<(String, String)>, Error> {
        let mut environment = process::environment(&self.encrypted, self.stack.table());
        if implementation != Implementation::Trustplane {
            environment.extend(implementation::environment(&self.encrypted, self.table.name())?);
        }
        Ok(environment)
    }

    /// Sends one request, compares its response with the documented one, and makes the next request possible.
    async fn request(&self, implementation: Implementation, call: &Call, process: &mut Process) -> Result<(), Error> {
        let (event, expected) = self.calls.next(call);
        let response = process.handle(&event).await?;
        let said = |text: &dyn std::fmt::Display| format!("{} of `{}`: {text}", implementation.name(), call.name);
        let response = response.map_err(|error| said(&String::from_utf8_lossy(&error)))?;
        let response: Value = serde_json::from_slice(&response)?;
        let body: Value = serde_json::from_str(response["body"].as_str().unwrap_or_default()).unwrap_or_default();
        if response["statusCode"] != 200 || !calls::is_as(&body, &expected) {
            return Err(said(&format!("{response} is not {expected}")).into());
        }
        match implementation {
            Implementation::Trustplane => self.calls.undo(&self.stack, call, &body).await,
            _ => self.calls.restore(&self.table, call.name).await,
        }
    }
}

/// Returns the files of the alternatives that were prepared.
fn prepared(built: &Built) -> PathBuf {
    built.target.join("alternatives")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
