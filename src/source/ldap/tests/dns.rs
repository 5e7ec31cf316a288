//! A scripted DNS server, for what the Samba of the end-to-end tests can't be made to say: forged names, weights, silence.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record};
use tokio::net::UdpSocket;

/// What is answered to a question for this name.
#[derive(Clone)]
pub(in crate::source::ldap) enum Answer {
    Records(Vec<RData>),
    Code(ResponseCode),
    Bytes(Vec<u8>),
    Nothing,
}

type Zone = Vec<(String, Answer)>;

/// The running server; it ends with the test's runtime.
pub(in crate::source::ldap) struct DnsServer {
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

impl DnsServer {
    /// A server that knows these names, and of all others that they don't exist.
    pub(in crate::source::ldap) async fn start(zone: &[(&str, Answer)]) -> DnsServer {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let server = DnsServer { address, zone: Arc::default() };
        server.change(zone);
        let zone = Arc::clone(&server.zone);
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, asker)) = socket.recv_from(&mut buffer).await {
                let question = Message::from_vec(&buffer[..length]).unwrap();
                let answer = answer(&zone.lock().unwrap(), question);
                if let Some(answer) = answer {
                    socket.send_to(&answer, asker).await.unwrap();
                }
            }
        });
        server
    }

    pub(in crate::source::ldap) fn change(&self, zone: &[(&str, Answer)]) {
        *self.zone.lock().unwrap() =
            zone.iter().map(|(name, answer)| (format!("{name}."), answer.clone())).collect();
    }
}

fn answer(zone: &Zone, question: Message) -> Option<Vec<u8>> {
    let query = question.queries[0].clone();
    let found = zone.iter().find(|(name, _)| query.name().to_string().eq_ignore_ascii_case(name));
    let mut answer = question.into_response();
    match found.map(|(_, answer)| answer) {
        None => answer.metadata.response_code = ResponseCode::NXDomain,
        Some(Answer::Code(code)) => answer.metadata.response_code = *code,
        Some(Answer::Nothing) => return None,
        Some(Answer::Bytes(bytes)) => return Some(bytes.clone()),
        Some(Answer::Records(records)) => {
            let records = records.iter().filter(|data| data.record_type() == query.query_type());
            answer
                .add_answers(records.map(|data| Record::from_rdata(query.name().clone(), 60, data.clone())));
        }
    }
    Some(answer.to_vec().unwrap())
}

/// A name that has these records.
pub(in crate::source::ldap) fn records<'a>(name: &'a str, records: &[RData]) -> (&'a str, Answer) {
    (name, Answer::Records(records.to_vec()))
}

pub(in crate::source::ldap) fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, weight, port, Name::from_ascii(format!("{target}.")).unwrap()))
}

pub(in crate::source::ldap) fn a(address: [u8; 4]) -> RData {
    RData::A(A(Ipv4Addr::from(address)))
}
