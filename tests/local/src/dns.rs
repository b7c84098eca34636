//! A local DNS server, with TXT records that tests and developers set, and with failures on request.

use crate::Error;
use async_trait::async_trait;
use hickory_server::{
    Server,
    net::runtime::Time,
    proto::{
        op::{Edns, Header, HeaderCounts, Metadata, ResponseCode},
        rr::{Name, RData, Record, RecordType, rdata},
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::net::{TcpListener, UdpSocket};

/// Response to a query for the TXT records of a name.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Records, each of one or more strings of at most 255 bytes. An empty list is a name without TXT records.
    Texts(Vec<Vec<String>>),
    /// An alias of another name.
    Alias(String),
    /// A server failure.
    Servfail,
    /// A refusal of the query.
    Refused,
    /// No response.
    Silence,
}

/// A DNS server with its responses. A name without a response does not exist.
#[derive(Debug, Clone)]
pub struct Dns {
    address: SocketAddr,
    zone: Zone,
}

#[derive(Debug, Clone)]
struct Zone {
    names: Arc<Mutex<BTreeMap<String, Answer>>>,
    /// File with one record per line: the name, a space, the text. Each query reads it again.
    file: Option<PathBuf>,
}

/// Largest number of aliases that a response follows.
const MAX_ALIASES: usize = 8;

impl Dns {
    /// Starts a server on a port that is free for UDP and TCP. `file` has additional records.
    pub async fn start(file: Option<PathBuf>) -> Result<(Self, impl Future<Output = ()> + Send + 'static), Error> {
        let (listener, socket) = sockets().await.map_err(|error| Error::while_doing("a port for DNS", error))?;
        let address = socket.local_addr().map_err(|error| Error::while_doing("a port for DNS", error))?;
        let zone = Zone { names: Arc::default(), file };
        let mut server = Server::new(zone.clone());
        server.register_socket(socket);
        server.register_listener(listener, Duration::from_secs(5), 64);
        let serve = async move {
            let _ = server.block_until_done().await;
        };
        Ok((Self { address, zone }, serve))
    }

    /// Returns the server's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the response for a name.
    pub fn set(&self, name: &str, answer: Answer) {
        self.zone.names.lock().unwrap_or_else(PoisonError::into_inner).insert(canonical(name), answer);
    }

    /// Sets a TXT record of one string.
    pub fn set_text(&self, name: &str, text: &str) {
        self.set(name, Answer::Texts(vec![vec![text.to_owned()]]));
    }

    /// Removes a name.
    pub fn unset(&self, name: &str) {
        self.zone.names.lock().unwrap_or_else(PoisonError::into_inner).remove(&canonical(name));
    }
}

impl Zone {
    fn answer(&self, name: &str) -> Option<Answer> {
        let set = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        set.or_else(|| {
            let file = std::fs::read_to_string(self.file.as_ref()?).ok()?;
            let texts: Vec<Vec<String>> = records(&file).filter(|(of, _)| of == name).map(|(_, text)| text).collect();
            (!texts.is_empty()).then_some(Answer::Texts(texts))
        })
    }

    /// Returns the response code and the records for a query; `None` for no response.
    fn records(&self, name: &Name, asked: RecordType) -> Option<(ResponseCode, Vec<Record>)> {
        let (mut name, mut found) = (name.clone(), Vec::new());
        for _ in 0..MAX_ALIASES {
            match self.answer(&canonical(&name.to_ascii())) {
                None => return Some((ResponseCode::NXDomain, found)),
                Some(Answer::Servfail) => return Some((ResponseCode::ServFail, found)),
                Some(Answer::Refused) => return Some((ResponseCode::Refused, found)),
                Some(Answer::Silence) => return None,
                Some(Answer::Alias(target)) => {
                    let Ok(target) = Name::from_str(&format!("{}.", canonical(&target))) else { break };
                    found.push(Record::from_rdata(name, 0, RData::CNAME(rdata::CNAME(target.clone()))));
                    name = target;
                }
                Some(Answer::Texts(texts)) => {
                    let texts = texts.into_iter().filter(|_| asked == RecordType::TXT);
                    found.extend(
                        texts.map(|strings| Record::from_rdata(name.clone(), 0, RData::TXT(rdata::TXT::new(strings)))),
                    );
                    return Some((ResponseCode::NoError, found));
                }
            }
        }
        Some((ResponseCode::ServFail, found))
    }
}

#[async_trait]
impl RequestHandler for Zone {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut to: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.recursion_available = true;
        let answer = match request.request_info() {
            Ok(info) => self.records(info.query.original().name(), info.query.original().query_type()),
            Err(_) => Some((ResponseCode::FormErr, Vec::new())),
        };
        let unsent = ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() });
        let Some((code, records)) = answer else { return unsent };
        metadata.response_code = code;
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        let mut response = MessageResponseBuilder::from_message_request(request);
        if request.edns.is_some() {
            response.edns(&edns);
        }
        let response = response.build(metadata, &records, None, None, None);
        to.send_response(response).await.unwrap_or(unsent)
    }
}

/// Opens a TCP and a UDP socket with the same port.
async fn sockets() -> std::io::Result<(TcpListener, UdpSocket)> {
    let mut tries = 0;
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => return Ok((listener, socket)),
            Err(error) if tries == 9 => return Err(error),
            Err(_) => tries += 1,
        }
    }
}

/// Converts a name to lower case, without the root's dot.
fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Parses a file of records: names, and texts cut into strings as in DNS. Skips empty lines and text after a `#`.
fn records(file: &str) -> impl Iterator<Item = (String, Vec<String>)> {
    file.lines().map(str::trim).filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (name, text) = line.split_once(char::is_whitespace)?;
        let characters: Vec<char> = text.trim().trim_matches('"').chars().collect();
        Some((canonical(name), characters.chunks(255).map(|part| part.iter().collect()).collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_record() {
        let file = "# records\n\n_a.Example.com. token=1 expiry=2\nb.example \"two words\"\nnothing\n";
        let read: Vec<_> = records(file).collect();
        let text = |text: &str| vec![text.to_owned()];
        let expected =
            [("_a.example.com".to_owned(), text("token=1 expiry=2")), ("b.example".to_owned(), text("two words"))];
        assert_eq!(read, expected);
        let long = records(&format!("a {}", "x".repeat(300))).next().unwrap().1;
        assert_eq!(long.iter().map(String::len).collect::<Vec<_>>(), [255, 45]);
    }
}
