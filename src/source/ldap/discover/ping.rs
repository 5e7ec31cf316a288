//! The locator's ping: a domain controller is asked over UDP which site the asker is in ([MS-ADTS] 6.3.3, CLDAP).
//!
//! Nothing in the answer is protected. All it can do is to change the order in which servers are tried, which show their certificates
//! all the same.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::netlogon::Netlogon;
use crate::source::ldap::ber::{APPLICATION, Element, Reader, tlv};

/// A lost datagram is sent again after this.
const AGAIN_AFTER: Duration = Duration::from_millis(600);
/// How often it is sent.
const TRIES: u32 = 3;
/// No answer is larger.
const MAX_ANSWER: usize = 4096;
/// `NETLOGON_NT_VERSION_5` and `NETLOGON_NT_VERSION_5EX` ([MS-ADTS] 6.3.1.1): the answer is to hold the sites.
const VERSION: [u8; 4] = [6, 0, 0, 0];

/// Asks the controller of `domain` at `address`; None when no sensible answer came in time.
pub(super) async fn ping(address: SocketAddr, domain: &str) -> Option<Netlogon> {
    let here: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(here).await.ok()?;
    // A connected socket takes no answers from elsewhere.
    socket.connect(address).await.ok()?;
    let id = rand::random::<u32>() & 0x7fff_ffff;
    let request = request(id, domain);
    let mut buffer = [0; MAX_ANSWER];
    for _ in 0..TRIES {
        socket.send(&request).await.ok()?;
        let answered = async {
            loop {
                let length = socket.recv(&mut buffer).await.ok()?;
                let answer = answer(buffer.get(..length)?, id).and_then(Netlogon::parse);
                if let Some(netlogon) = answer.filter(|a| a.domain.eq_ignore_ascii_case(domain)) {
                    return Some(netlogon);
                }
            }
        };
        if let Ok(answer) = timeout(AGAIN_AFTER, answered).await {
            return answer;
        }
    }
    None
}

/// A search of the root for the attribute `netlogon`, as one message (RFC 4511 §4.5.1).
fn request(id: u32, domain: &str) -> Vec<u8> {
    let equals =
        |name: &str, value: &[u8]| tlv(0xa3, &[tlv(0x04, name.as_bytes()), tlv(0x04, value)].concat());
    let filter = tlv(0xa0, &[equals("DnsDomain", domain.as_bytes()), equals("NtVer", &VERSION)].concat());
    let search = [
        tlv(0x04, b""),  // the root
        tlv(0x0a, &[0]), // itself alone
        tlv(0x0a, &[0]), // aliases as they are
        tlv(0x02, &[0]), // no limit of entries
        tlv(0x02, &[0]), // nor of time
        tlv(0x01, &[0]), // values, too
        filter,
        tlv(0x30, &tlv(0x04, b"netlogon")),
    ];
    let id = tlv(0x02, &id.to_be_bytes());
    tlv(0x30, &[id, tlv(0x63, &search.concat())].concat())
}

/// The value in the entry that answers request `id`.
fn answer(datagram: &[u8], id: u32) -> Option<&[u8]> {
    let message = Reader(datagram).next().filter(|message| message.is_sound())?;
    let mut parts = message.inside()?;
    if parts.next()?.unsigned()? != id {
        return None;
    }
    let entry = parts.next().filter(|entry: &Element<'_>| entry.class == APPLICATION && entry.number == 4)?;
    let mut entry = entry.inside()?;
    entry.next()?;
    let mut attributes = entry.next()?.inside()?;
    while let Some(attribute) = attributes.next() {
        let mut attribute = attribute.inside()?;
        if attribute.next()?.text()?.eq_ignore_ascii_case("netlogon") {
            return attribute.next()?.inside()?.next()?.bytes();
        }
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::netlogon::tests::SAMBA;
    use super::*;
    use proptest::prelude::*;

    /// What a controller answers to this request.
    pub(in super::super) fn reply(request: &[u8], netlogon: &[u8]) -> Vec<u8> {
        let id = Reader(request).next().unwrap().inside().unwrap().next().unwrap().content;
        let values = tlv(0x31, &tlv(0x04, netlogon));
        let attribute = tlv(0x30, &[tlv(0x04, b"Netlogon"), values].concat());
        let entry = tlv(0x64, &[tlv(0x04, b""), tlv(0x30, &attribute)].concat());
        let done = tlv(0x65, &[tlv(0x0a, &[0]), tlv(0x04, b""), tlv(0x04, b"")].concat());
        let message = |part: Vec<u8>| tlv(0x30, &[tlv(0x02, id), part].concat());
        [message(entry), message(done)].concat()
    }

    #[tokio::test]
    async fn only_the_answer_to_the_question_counts() {
        let controller = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = controller.local_addr().unwrap();
        let answering = async {
            let mut buffer = [0; 1000];
            let (length, asker) = controller.recv_from(&mut buffer).await.unwrap();
            let request = &buffer[..length];
            let other = super::request(7, "ad.choice.example");
            let mut elsewhere = SAMBA.to_vec();
            elsewhere[25] = b'x';
            let garbage: [&[u8]; 3] = [b"", b"\x30\x84\xff\xff\xff\xff", &[0x30; 2000]];
            for answer in garbage.map(<[u8]>::to_vec).into_iter().chain([
                reply(&other, SAMBA),
                reply(request, &elsewhere),
                reply(request, b"\x17\0"),
                reply(request, SAMBA),
            ]) {
                controller.send_to(&answer, asker).await.unwrap();
            }
        };
        let (pong, ()) = tokio::join!(ping(address, "AD.choice.example"), answering);
        assert_eq!(pong.unwrap().client_site.as_deref(), Some("Stockholm"));
    }

    #[tokio::test]
    async fn nobody_there_is_no_answer() {
        let port = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert_eq!(ping(port, "ad.choice.example").await, None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_without_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut datagram = reply(&request(7, "ad.choice.example"), SAMBA);
            let at = at.index(datagram.len());
            datagram[at] = byte;
            answer(&datagram, 7);
        }
    }
}
