//! One process of a function: start, mailbox and end.

use crate::{Error, logs::Logs};
use bytes::Bytes;
use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::{Notify, mpsc, oneshot, watch},
};

/// A function's process. It gets one invocation at a time.
pub(crate) struct Process {
    /// Identifies its calls to the Runtime API.
    pub key: String,
    /// The operating system's id.
    pub id: u32,
    /// The function it runs.
    pub function: String,
    mailbox: mpsc::UnboundedSender<Delivery>,
    mail: tokio::sync::Mutex<mpsc::UnboundedReceiver<Delivery>>,
    current: Mutex<Option<Current>>,
    init_error: Mutex<Option<Bytes>>,
    exit: watch::Receiver<Option<String>>,
    kill: Notify,
}

/// An invocation to deliver to a process.
pub(crate) struct Delivery {
    /// The request id.
    pub id: String,
    /// The event.
    pub payload: Bytes,
    /// Time limit, from the moment the process takes it.
    pub limit: Duration,
    /// Resolves to the deadline when the process takes the invocation.
    pub taken: oneshot::Sender<Instant>,
    /// Resolves to the process's response.
    pub answer: oneshot::Sender<Answer>,
}

/// An invocation that `next` returns.
pub(crate) struct Taken {
    pub id: String,
    pub payload: Bytes,
    /// Deadline in milliseconds since the epoch.
    pub deadline: u128,
}

/// Response of a process.
pub(crate) enum Answer {
    /// The handler's response.
    Response(Bytes),
    /// The handler's error, as JSON.
    Error(Bytes),
}

struct Current {
    id: String,
    answer: oneshot::Sender<Answer>,
}

impl Process {
    /// Starts `binary` with `function` as `argv[0]` and `environment` as its whole environment.
    ///
    /// The process has its own process group, so a Ctrl-C at the terminal only reaches the stack, which then ends the
    /// process. If the stack is killed, its Runtime API is gone, and the function's runtime ends.
    pub fn start(
        key: String,
        function: &str,
        binary: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        logs: &Logs,
        ended: impl FnOnce(&str) + Send + 'static,
    ) -> Result<Arc<Self>, Error> {
        let mut child = Command::new(binary)
            .arg0(function)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Error::while_doing(format!("starting `{}`", binary.display()), error))?;
        let id = child.id().unwrap_or_default();
        let readers = [
            child.stdout.take().map(|stream| tokio::spawn(keep_lines(stream, function.to_owned(), id, logs.clone()))),
            child.stderr.take().map(|stream| tokio::spawn(keep_lines(stream, function.to_owned(), id, logs.clone()))),
        ];
        let (mailbox, mail) = mpsc::unbounded_channel();
        let (exited, exit) = watch::channel(None);
        let process = Arc::new(Self {
            key,
            id,
            function: function.to_owned(),
            mailbox,
            mail: tokio::sync::Mutex::new(mail),
            current: Mutex::new(None),
            init_error: Mutex::new(None),
            exit,
            kill: Notify::new(),
        });
        let watched = Arc::clone(&process);
        tokio::spawn(async move {
            let status = watched.wait(&mut child).await;
            // The last output is logged before anyone learns of the end.
            for reader in readers.into_iter().flatten() {
                let _ = tokio::time::timeout(Duration::from_secs(1), reader).await;
            }
            exited.send_replace(Some(status));
            ended(&watched.key);
        });
        Ok(process)
    }

    /// Puts an invocation into the mailbox.
    pub fn give(&self, delivery: Delivery) {
        // The receiver lives as long as `self`.
        let _ = self.mailbox.send(delivery);
    }

    /// Waits for the next invocation and takes it: the Runtime API's `next`.
    pub async fn next(&self) -> Option<Taken> {
        let delivery = self.mail.lock().await.recv().await?;
        let Delivery { id, payload, limit, taken, answer } = delivery;
        *lock(&self.current) = Some(Current { id: id.clone(), answer });
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + limit;
        let _ = taken.send(Instant::now() + limit);
        Some(Taken { id, payload, deadline: deadline.as_millis() })
    }

    /// Responds to the invocation `id`. Returns false if it is not the process's current invocation.
    pub fn answer(&self, id: &str, answer: Answer) -> bool {
        let current = lock(&self.current).take_if(|current| current.id == id);
        // Nobody waits any more for an invocation that timed out.
        current.is_some_and(|current| current.answer.send(answer).is_ok())
    }

    /// Stores the runtime's error before its first `next`.
    pub fn fail_init(&self, error: Bytes) {
        *lock(&self.init_error) = Some(error);
    }

    /// Returns the runtime's error before its first `next`, if there was one.
    pub fn init_error(&self) -> Option<Bytes> {
        lock(&self.init_error).clone()
    }

    /// Kills the process.
    pub fn kill(&self) {
        self.kill.notify_one();
    }

    /// Returns true if the process has ended.
    pub fn has_exited(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Waits for the end. Resolves to its reason (`exit status 101`, `signal: killed`).
    pub async fn exited(&self) -> String {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(status) => status.clone().unwrap_or_default(),
            Err(_) => "the stack has stopped".to_owned(),
        }
    }

    async fn wait(&self, child: &mut Child) -> String {
        let status = tokio::select! {
            status = child.wait() => status,
            () = self.kill.notified() => {
                // An error here means that it has just ended by itself.
                let _ = child.start_kill();
                child.wait().await
            }
        };
        status.map_or_else(|error| error.to_string(), describe)
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(9)) => "signal: killed".to_owned(),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => status.to_string(),
    }
}

async fn keep_lines(stream: impl AsyncRead + Unpin, function: String, process: u32, logs: Logs) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        logs.add(&function, process, text.trim_end_matches(['\n', '\r']).to_owned());
        line.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
