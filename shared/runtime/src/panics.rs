//! The end of a process after a panic. The request that it serves gets its response first.
//!
//! A panic does not unwind: tables for that would be a quarter of each package. Nothing is lost by it, because a process may
//! be killed at any time, and what a panic left in its memory serves no further request. Lambda starts another process. Whether
//! Lambda passes the response on, where the process ends before it asks for the next event, was not tried on AWS: otherwise
//! API Gateway responds with a 5xx of its own.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use trustplane_domain::Failure;

use crate::dialect::{self, About};
use crate::{Dialect, Function};

/// Time limit for each step of sending the response.
const LIMIT: Duration = Duration::from_secs(1);

/// The request that the process serves.
static SERVED: Mutex<Option<Served>> = Mutex::new(None);

struct Served {
    dialect: Dialect,
    about: About,
}

/// Makes a panic end the process. The log has its place alone: its text may hold what was being worked on.
pub(crate) fn end_the_process(function: &'static Function) {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        // Not waited for: the thread that panics may hold it.
        let served = SERVED.try_lock().ok().and_then(|mut served| served.take());
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let request_id = served.as_ref().map(|served| served.about.request_id.as_str());
        tracing::error!(function = function.name, request_id, place, "panic");
        if let Some(Err(error)) = served.map(|served| served.respond()) {
            tracing::error!(%error, "the request that panicked has no response");
        }
        std::process::abort();
    }));
}

/// A request that is being served, until this is dropped.
pub(crate) struct Serving(());

impl Serving {
    pub(crate) fn begin(dialect: Dialect, about: &About) -> Self {
        *SERVED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Served { dialect, about: about.clone() });
        Self(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        *SERVED.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Served {
    /// Sends the response of an internal error to Lambda. Blocks, since the process ends next.
    fn respond(&self) -> io::Result<()> {
        let response = dialect::render(self.dialect, &Err(Failure::internal("the handler panicked")), &self.about);
        let body = serde_json::to_string(&response)?;
        let api = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
        let mut stream = TcpStream::connect(&api)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        write!(
            stream,
            "POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1\r\nHost: {api}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.about.request_id,
            body.len(),
        )?;
        // Lambda has all of it once it has responded.
        let mut status = [0; "HTTP/1.1 202".len()];
        stream.read_exact(&mut status)?;
        match status.ends_with(b" 202") {
            true => Ok(()),
            false => Err(io::Error::other("Lambda does not accept it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;
    use std::process::{Command, Stdio};

    use serde_json::{Value, json};

    use super::*;
    use crate::{Call, Response};

    /// The process of a function, with the test below as its Lambda.
    #[test]
    #[ignore = "another test starts it"]
    fn process() {
        async fn panicking(_: Call) -> Result<Response, Failure> {
            panic!("a secret")
        }
        // Without a Lambda it is run by somebody who runs all ignored tests.
        if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
            let _ = crate::public("get-health", panicking);
        }
    }

    /// Reads a request: its first line and its body.
    fn read(stream: &TcpStream) -> (String, String) {
        let mut reader = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            line.trim_end().to_ascii_lowercase()
        };
        let first = line();
        let mut length = 0;
        loop {
            let header = line();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        (first, String::from_utf8(body).unwrap())
    }

    #[test]
    fn a_panic_is_answered_and_ends_the_process() {
        let lambda = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "panics::tests::process", "--ignored", "--nocapture", "--test-threads=1"])
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", lambda.local_addr().unwrap().to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "get-health"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "example"),
                ("TRUSTPLANE_ACCOUNT_ID", "000000000000"),
                ("TRUSTPLANE_AUDIT_RETENTION_DAYS", "400"),
                ("TRUSTPLANE_TABLE", "example"),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();

        let (mut stream, _) = lambda.accept().unwrap();
        assert_eq!(read(&stream).0, "get /2018-06-01/runtime/invocation/next http/1.1");
        let event = json!({
            "version": "2.0",
            "rawPath": "/healthz",
            "headers": {},
            "requestContext": {"http": {"method": "GET", "path": "/healthz", "sourceIp": "203.0.113.7"}},
        });
        let event = event.to_string();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:000000000000:function:get-health\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
            event.len(),
        )
        .unwrap();

        let (mut stream, _) = lambda.accept().unwrap();
        let (first, body) = read(&stream);
        assert_eq!(first, "post /2018-06-01/runtime/invocation/8476a536/response http/1.1");
        write!(stream, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").unwrap();
        let response: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&response["statusCode"], &response["headers"]["x-request-id"]), (&json!(500), &json!("8476a536")));
        let error: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
        assert_eq!(error["code"], json!("internal"), "{error}");

        let ended = process.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), None, "ended by a signal");
        let log = String::from_utf8(ended.stdout).unwrap();
        // The test runner's output has no end of line before it.
        let line = log.lines().find_map(|line| serde_json::from_str::<Value>(&line[line.find('{')?..]).ok()).unwrap();
        assert_eq!((&line["message"], &line["request_id"]), (&json!("panic"), &json!("8476a536")));
        assert!(line["place"].as_str().unwrap().starts_with("shared/runtime/src/panics.rs"), "{line}");
        assert!(!log.contains("secret") && !body.contains("secret"));
    }
}
