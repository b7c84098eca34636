//! A proxy between the functions and the table's engine, which breaks chosen calls.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use trustplane_local::http::{Method, Reply, send};

/// Delay of a slow response: longer than the functions wait for an attempt.
const SLOW: Duration = Duration::from_millis(3_500);
/// Headers of a call that the engine reads.
const FORWARDED: [&str; 4] = ["authorization", "content-type", "x-amz-date", "x-amz-target"];
/// The key that a process reads before its first request. That call is broken only by name.
pub const CONNECT: &str = "\"CONNECT\"";

/// A way to break a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused as throttled.
    Throttled,
    /// It fails within DynamoDB.
    InternalError,
    /// The connection is closed before the call reaches the engine.
    DroppedBefore,
    /// The connection is closed in place of the response.
    DroppedAfter,
    /// The response ends in the middle of its body.
    CutOff,
    /// The response's body is garbage.
    Garbage,
    /// The response comes too late.
    Slow,
    /// The credentials of the call are refused as expired.
    ExpiredCredentials,
    /// The call is refused for good. Not one of [`Fault::ALL`], which pass.
    Refused,
}

/// The number of calls that are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The next one.
    Once,
    /// Every one, until [`FaultProxy::heal`].
    Always,
}

/// A running proxy.
#[derive(Clone)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    engine: OnceLock<String>,
    plan: Mutex<Plan>,
}

/// The calls to break.
#[derive(Clone, Default)]
struct Plan {
    fault: Option<(Fault, Times)>,
    operations: &'static [&'static str],
    containing: &'static str,
    broken: usize,
}

impl Fault {
    /// All faults that pass.
    pub const ALL: [Self; 8] = [
        Self::Throttled,
        Self::InternalError,
        Self::DroppedBefore,
        Self::DroppedAfter,
        Self::CutOff,
        Self::Garbage,
        Self::Slow,
        Self::ExpiredCredentials,
    ];

    /// Returns true if the engine executes the call.
    pub fn reaches_engine(self) -> bool {
        matches!(self, Self::DroppedAfter | Self::CutOff | Self::Garbage | Self::Slow)
    }

    /// Returns true if the functions repeat the call by themselves. New credentials come with the client's next request.
    pub fn is_repeated(self) -> bool {
        !matches!(self, Self::ExpiredCredentials | Self::Refused)
    }

    /// The response that DynamoDB gives in place of executing the call.
    fn refusal(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Throttled => Some((400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")),
            Self::InternalError => Some((500, "com.amazonaws.dynamodb.v20120810#InternalServerError")),
            Self::ExpiredCredentials => Some((400, "com.amazon.coral.service#ExpiredTokenException")),
            Self::Refused => Some((400, "com.amazon.coral.validate#ValidationException")),
            _ => None,
        }
    }
}

impl FaultProxy {
    /// Starts a proxy on the current Tokio runtime. [`FaultProxy::forward_to`] names the engine later.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::new(State::default()));
        let served = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&served);
                // A client that goes away ends its connection.
                tokio::spawn(async move { drop(serve(stream, &state).await) });
            }
        });
        Self { address, state }
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the endpoint of the engine, once.
    pub fn forward_to(&self, engine: &str) {
        self.state.engine.set(engine.to_owned()).unwrap();
    }

    /// Breaks calls of these operations whose body contains a text.
    pub fn break_calls(
        &self,
        operations: &'static [&'static str],
        containing: &'static str,
        fault: Fault,
        times: Times,
    ) {
        *self.state.plan.lock().unwrap() = Plan { fault: Some((fault, times)), operations, containing, broken: 0 };
    }

    /// Returns the number of calls that were broken since [`FaultProxy::break_calls`].
    pub fn broken(&self) -> usize {
        self.state.plan.lock().unwrap().broken
    }

    /// Breaks no further calls.
    pub fn heal(&self) {
        self.state.plan.lock().unwrap().fault = None;
    }
}

impl State {
    /// The fault of this call, if it is to be broken.
    fn fault(&self, operation: &str, body: &[u8]) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let (fault, times) = plan.fault?;
        let body = String::from_utf8_lossy(body);
        let is_named = plan.containing == CONNECT || !body.contains(CONNECT);
        let is_chosen = plan.operations.contains(&operation) && body.contains(plan.containing) && is_named;
        if !is_chosen {
            return None;
        }
        plan.broken += 1;
        if times == Times::Once {
            plan.fault = None;
        }
        Some(fault)
    }
}

/// One call, as it came.
struct Call {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    /// Reads a request with a `content-length`, as the SDK sends them.
    async fn read(stream: &mut TcpStream) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        loop {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
            let headers: Vec<(String, String)> =
                headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
            let mut body = bytes.split_off(end + 4);
            while body.len() < length {
                if stream.read_buf(&mut body).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok(Self { headers, body });
        }
    }

    /// The name of the operation: `BatchGetItem`.
    fn operation(&self) -> &str {
        let target = self.headers.iter().find(|(name, _)| name == "x-amz-target");
        target.and_then(|(_, target)| target.rsplit('.').next()).unwrap_or_default()
    }

    async fn forward(&self, engine: &str) -> Reply {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<(&str, &str)> = headers.filter(|(name, _)| FORWARDED.contains(name)).collect();
        let url = format!("{}/", engine.trim_end_matches('/'));
        send(Method::POST, &url, &headers, self.body.clone()).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Serves one call, and closes the connection.
async fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let call = Call::read(&mut stream).await?;
    let engine = state.engine.get().expect("the engine is set before the first call");
    let fault = state.fault(call.operation(), &call.body);
    if let Some((status, code)) = fault.and_then(Fault::refusal) {
        let body = format!("{{\"__type\": \"{code}\", \"message\": \"no\"}}");
        return respond(&mut stream, status, body.as_bytes(), body.len()).await;
    }
    if fault == Some(Fault::DroppedBefore) {
        return Ok(());
    }
    let reply = call.forward(engine).await;
    let (status, body) = (reply.status.as_u16(), reply.body.as_ref());
    match fault {
        Some(Fault::DroppedAfter) => Ok(()),
        Some(Fault::CutOff) => respond(&mut stream, status, &body[..body.len() / 2], body.len().max(1)).await,
        Some(Fault::Garbage) => respond(&mut stream, 200, b"\x01<html>", 7).await,
        Some(Fault::Slow) => {
            tokio::time::sleep(SLOW).await;
            respond(&mut stream, status, body, body.len()).await
        }
        _ => respond(&mut stream, status, body, body.len()).await,
    }
}

/// Writes a response that claims to have `length` bytes.
async fn respond(stream: &mut TcpStream, status: u16, body: &[u8], length: usize) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}
