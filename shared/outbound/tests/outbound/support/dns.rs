//! A DNS server whose responses a test chooses, question by question.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Response to a question for the addresses of a name.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The A records or the AAAA records among these, with a time to live of zero.
    Addresses(Vec<IpAddr>),
    /// The name is an alias of another, which has these.
    Alias(&'static str, Vec<IpAddr>),
    /// The name does not exist.
    Missing,
    /// The server fails.
    Failure,
    /// No response.
    Silence,
}

/// The server. It stops when it is dropped.
pub struct Dns {
    /// Address to ask.
    pub address: SocketAddr,
    questions: Arc<[AtomicUsize; 2]>,
    task: JoinHandle<()>,
}

impl Dns {
    /// Starts a server. `answer` gets the name without its last dot, and the number of earlier questions of the same type.
    pub async fn start(answer: impl Fn(&str, usize) -> Answer + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let questions: Arc<[AtomicUsize; 2]> = Arc::default();
        let asked = Arc::clone(&questions);
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            loop {
                let (length, peer) = socket.recv_from(&mut buffer).await.unwrap();
                let question = Message::from_vec(&buffer[..length]).unwrap();
                let query = &question.queries[0];
                let place = usize::from(query.query_type() == RecordType::AAAA);
                let number = asked[place].fetch_add(1, Ordering::SeqCst);
                let name = query.name().to_ascii().trim_end_matches('.').to_ascii_lowercase();
                if let Some(response) = response(&question, answer(&name, number)) {
                    socket.send_to(&response.to_vec().unwrap(), peer).await.unwrap();
                }
            }
        });
        Self { address, questions, task }
    }

    /// Starts a server that has the same addresses for every name.
    pub async fn of(addresses: &[&str]) -> Self {
        let addresses = parsed(addresses);
        Self::start(move |_, _| Answer::Addresses(addresses.clone())).await
    }

    /// Number of questions for A records and for AAAA records.
    pub fn questions(&self) -> [usize; 2] {
        [0, 1].map(|place: usize| self.questions[place].load(Ordering::SeqCst))
    }
}

/// Reads addresses.
pub fn parsed(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

fn response(question: &Message, answer: Answer) -> Option<Message> {
    let query = question.queries[0].clone();
    let mut response = Message::new(question.metadata.id, MessageType::Response, question.metadata.op_code);
    response.metadata.recursion_desired = true;
    response.metadata.recursion_available = true;
    let mut owner = query.name().clone();
    let wanted = query.query_type();
    response.queries = vec![query];
    let addresses = match answer {
        Answer::Silence => return None,
        Answer::Missing => {
            response.metadata.response_code = ResponseCode::NXDomain;
            vec![]
        }
        Answer::Failure => {
            response.metadata.response_code = ResponseCode::ServFail;
            vec![]
        }
        Answer::Addresses(addresses) => addresses,
        Answer::Alias(target, addresses) => {
            let target = Name::from_ascii(target).unwrap();
            let alias = RData::CNAME(hickory_resolver::proto::rr::rdata::CNAME(target.clone()));
            response.answers.push(Record::from_rdata(owner, 0, alias));
            owner = target;
            addresses
        }
    };
    for address in addresses {
        let data = RData::from(address);
        if data.record_type() == wanted {
            response.answers.push(Record::from_rdata(owner.clone(), 0, data));
        }
    }
    Some(response)
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}
