//! `cargo local`: runs the whole system on this machine.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};
use trustplane_local::{Command, Error, HELP, Options, Stack, demo::Demo, greeting::greeting, scenarios};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Command::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Command::Scenarios) => {
            print!("{}", scenarios());
            ExitCode::SUCCESS
        }
        Ok(Command::Run { options, json, emit }) => match run(*options, json, &emit).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Err(mistake) => {
            eprintln!("error: {mistake}\n\nSee `cargo local --help`.");
            ExitCode::from(2)
        }
    }
}

async fn run(options: Options, json: bool, emit: &[PathBuf]) -> Result<(), Error> {
    let listening = |error| Error::while_doing("listening for signals", error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(listening)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(listening)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(listening)?;
    let serve = async {
        let data = options.data.as_ref().map_or_else(String::new, |data| data.display().to_string());
        let mut stack = Stack::start(options).await?;
        let demo = Demo::set_up(&stack).await?;
        let ready = if json { format!("{}\n", demo.ready_line(&stack)) } else { greeting(&stack, &demo, &data) };
        let mut output = std::io::stdout().lock();
        // A closed standard output is not a reason to stop.
        let _ = output.write_all(ready.as_bytes()).and_then(|()| output.flush());
        drop(output);
        for file in emit {
            let event = read(file).and_then(|event| stack.emit(&event));
            event.map_err(|error| Error::while_doing(format!("`{}`", file.display()), error))?;
        }
        stack.start_schedules();
        Ok::<_, Error>(stack)
    };
    let mut stack = None;
    let mut serve = std::pin::pin!(serve);
    loop {
        tokio::select! {
            started = &mut serve, if stack.is_none() => stack = Some(started?),
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => break,
        }
    }
    if let Some(stack) = stack {
        stack.stop().await;
    }
    Ok(())
}

/// Reads an event from a file.
fn read(file: &Path) -> Result<serde_json::Value, Error> {
    let text = std::fs::read(file).map_err(|error| Error::while_doing("reading", error))?;
    serde_json::from_slice(&text).map_err(|error| Error::while_doing("reading", error))
}
