//! A scripted LDAP server, for what no real one at hand does: the Samba of the end-to-end tests neither limits pages nor cuts lists of members
//! into ranges, and no good server forgets a cookie, answers another question or sends garbage.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::source::ldap::Server;
use crate::source::ldap::ber::{Element, Header, Reader, header};

pub(crate) const BASE: &str = "DC=example,DC=org";

/// What the client asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub id: u32,
    /// On which of the connections, from 1 on.
    pub connection: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Bind {
        name: String,
        password: String,
    },
    /// Its mechanism and token.
    Sasl {
        mechanism: String,
        token: Vec<u8>,
    },
    Search {
        base: String,
        subtree: bool,
        wanted: Wanted,
        attributes: Vec<String>,
        cookie: Option<Vec<u8>>,
        dirsync: Option<Vec<u8>>,
        /// It is to go on for ever, with what changes.
        notification: bool,
        /// The cookie of a content synchronization, empty for the first.
        sync: Option<Vec<u8>>,
    },
    StartTls,
    Other,
}

/// What the filter says of `uSNCreated`, of who is meant (`objectGUID`, `entryUUID`), and of `modifyTimestamp`.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Wanted {
    pub from: Option<u64>,
    pub to: Option<u64>,
    /// Those without a `uSNCreated`.
    pub without: bool,
    /// One of these.
    pub ids: Vec<[u8; 16]>,
    /// Changed then or later.
    pub since: Option<String>,
}

/// What the server does.
pub(crate) enum Reply {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes and closes the connection.
    SendAndClose(Vec<u8>),
    /// Sends these bytes one by one, with a pause before each.
    Trickle(Vec<u8>),
    /// Says nothing, and keeps the connection.
    Silence,
    /// Behaves like a polite server with nobody in it.
    Usual,
}

/// How the server's connections are protected.
#[derive(Clone)]
pub(crate) enum Protection {
    None,
    Tls(Arc<ServerConfig>),
    /// With this reply to the request.
    StartTls(Arc<ServerConfig>, Vec<u8>),
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The running server; it ends with the test's runtime.
pub(crate) struct Responder {
    pub address: std::net::SocketAddr,
    pub connections: Arc<AtomicUsize>,
}

impl Responder {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Responder {
        Responder::protected(Protection::None, script).await
    }

    pub(crate) async fn protected(
        protection: Protection,
        script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Responder {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counter, script): (_, Arc<Script>) = (Arc::clone(&connections), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                let (script, protection) = (Arc::clone(&script), protection.clone());
                tokio::spawn(async move {
                    match protection {
                        Protection::None => serve(tcp, number, &*script).await,
                        Protection::Tls(config) => {
                            if let Ok(stream) = TlsAcceptor::from(config).accept(tcp).await {
                                serve(stream, number, &*script).await;
                            }
                        }
                        Protection::StartTls(config, reply) => {
                            let asked = next(&mut tcp, &mut Vec::new()).await.unwrap();
                            assert_eq!(asked.what, What::StartTls);
                            tcp.write_all(&reply).await.unwrap();
                            if let Ok(stream) = TlsAcceptor::from(config).accept(tcp).await {
                                serve(stream, number, &*script).await;
                            }
                        }
                    }
                });
            }
        });
        Responder { address, connections }
    }

    pub(crate) fn server(&self) -> Server {
        format!("ldap://{}", self.address).parse::<Server>().unwrap()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, connection: usize, script: &Script) {
    let mut buffer = Vec::new();
    while let Some(asked) = next(&mut stream, &mut buffer).await {
        let asked = Asked { connection, ..asked };
        let reply = match script(&asked) {
            Reply::Usual => usual(&asked),
            other => other,
        };
        let (bytes, close) = match reply {
            Reply::Trickle(bytes) => {
                for byte in bytes {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    if stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
                continue;
            }
            Reply::Send(bytes) => (bytes, false),
            Reply::SendAndClose(bytes) => (bytes, true),
            Reply::Silence | Reply::Usual => (Vec::new(), false),
        };
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() || close {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

pub(crate) fn usual(asked: &Asked) -> Reply {
    let id = asked.id;
    Reply::Send(match &asked.what {
        What::Bind { .. } | What::Sasl { .. } => done(id, BIND, 0, "", ""),
        What::Search { base, subtree: false, .. } => {
            let contexts = ("namingContexts", vec![BASE.as_bytes().to_vec()]);
            let usn = ("highestCommittedUSN", vec![b"4711".to_vec()]);
            [entry(id, base, &[contexts, usn]), done(id, SEARCH, 0, "", "")].concat()
        }
        What::Search { .. } => page(id, 0, b""),
        What::StartTls | What::Other => Vec::new(),
    })
}

async fn next(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<Asked> {
    loop {
        if let Header::Known { header, length } = header(buffer)
            && buffer.len() >= header + length
        {
            let message: Vec<u8> = buffer.drain(..header + length).collect();
            return Some(asked(&message));
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn asked(message: &[u8]) -> Asked {
    let mut parts = Reader(message).next().unwrap().inside().unwrap();
    let id = parts.next().unwrap().unsigned().unwrap();
    let operation = parts.next().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let what = match operation.number {
        0 => {
            let mut inside = operation.inside().unwrap();
            inside.next();
            let name = text(inside.next().unwrap().content);
            let auth = inside.next().unwrap();
            if auth.number == 3 {
                let mut sasl = auth.inside().unwrap();
                let mechanism = text(sasl.next().unwrap().content);
                What::Sasl { mechanism, token: sasl.next().unwrap().content.to_vec() }
            } else {
                What::Bind { name, password: text(auth.content) }
            }
        }
        3 => {
            let mut inside = operation.inside().unwrap();
            let base = text(inside.next().unwrap().content);
            let subtree = inside.next().unwrap().unsigned() == Some(2);
            let mut rest: Vec<_> = std::iter::from_fn(|| inside.next()).collect();
            let mut wanted = Wanted::default();
            wanted.read(rest[rest.len() - 2]);
            let mut attributes = rest.pop().unwrap().inside().unwrap();
            let attributes = std::iter::from_fn(|| attributes.next()).map(|a| text(a.content)).collect();
            let mut controls = parts.next().and_then(|controls| controls.inside()).unwrap_or(Reader(&[]));
            // The cookie is the last part of both controls' values.
            let (mut cookie, mut dirsync, mut notification, mut sync) = (None, None, false, None);
            while let Some(control) = controls.next() {
                let mut control = control.inside().unwrap();
                let kind = text(control.next().unwrap().content);
                let value = std::iter::from_fn(|| control.next()).last();
                let last = || {
                    let mut parts = Reader(value.unwrap().content).next().unwrap().inside().unwrap();
                    std::iter::from_fn(|| parts.next()).last().map(|part| part.content.to_vec())
                };
                match kind.as_str() {
                    "1.2.840.113556.1.4.319" => cookie = last(),
                    DIRSYNC => dirsync = last(),
                    "1.2.840.113556.1.4.528" => notification = true,
                    // Without a cookie the last part is the mode.
                    SYNC => sync = last().map(|last| if last == [1] { Vec::new() } else { last }),
                    _ => {}
                }
            }
            What::Search { base, subtree, wanted, attributes, cookie, dirsync, notification, sync }
        }
        23 => What::StartTls,
        _ => What::Other,
    };
    Asked { id, connection: 0, what }
}

impl Wanted {
    /// From a filter (RFC 4511 §4.5.1.7).
    fn read(&mut self, filter: Element<'_>) {
        let mut parts = Reader(filter.content);
        match filter.number {
            0 | 1 => std::iter::from_fn(|| parts.next()).for_each(|part| self.read(part)),
            2 => self.without |= parts.next().unwrap().content == b"uSNCreated",
            3 if parts.next().unwrap().content == b"objectGUID" => {
                self.ids.push(parts.next().unwrap().content.try_into().unwrap());
            }
            3 if Reader(filter.content).next().unwrap().content == b"entryUUID" => {
                let text = str::from_utf8(parts.next().unwrap().content).unwrap().replace('-', "");
                let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
                self.ids.push(std::array::from_fn(byte));
            }
            5 if Reader(filter.content).next().unwrap().content == b"modifyTimestamp" => {
                parts.next();
                self.since = Some(String::from_utf8(parts.next().unwrap().content.to_vec()).unwrap());
            }
            5 | 6 if parts.next().unwrap().content == b"uSNCreated" => {
                let number = str::from_utf8(parts.next().unwrap().content).unwrap().parse().ok();
                if filter.number == 5 { self.from = number } else { self.to = number }
            }
            _ => {}
        }
    }
}

pub(crate) const DIRSYNC: &str = "1.2.840.113556.1.4.841";
const SYNC: &str = "1.3.6.1.4.1.4203.1.9.1.1";
pub(crate) const BIND: u8 = 0x61;
pub(crate) const SEARCH: u8 = 0x65;
pub(crate) const EXTENDED: u8 = 0x78;

/// An element with its content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], &length[..], content].concat()
}

pub(crate) fn message(id: u32, rest: &[u8]) -> Vec<u8> {
    tlv(0x30, &[tlv(2, &id.to_be_bytes()), rest.to_vec()].concat())
}

fn result(operation: u8, code: u8, matched: &str, text: &str, refs: &[&str]) -> Vec<u8> {
    let mut content = [tlv(10, &[code]), tlv(4, matched.as_bytes()), tlv(4, text.as_bytes())].concat();
    if !refs.is_empty() {
        content.extend(tlv(0xa3, &refs.iter().flat_map(|to| tlv(4, to.as_bytes())).collect::<Vec<_>>()));
    }
    tlv(operation, &content)
}

/// The end of an operation, without controls.
pub(crate) fn done(id: u32, operation: u8, code: u8, matched: &str, text: &str) -> Vec<u8> {
    message(id, &result(operation, code, matched, text, &[]))
}

/// The end of a search that refers elsewhere.
pub(crate) fn referral(id: u32, to: &str) -> Vec<u8> {
    message(id, &result(SEARCH, 10, "", "", &[to]))
}

/// The end of a batch of changes.
pub(crate) fn batch(id: u32, more: bool, cookie: &[u8]) -> Vec<u8> {
    let value = tlv(0x30, &[tlv(2, &[more.into()]), tlv(2, &[0]), tlv(4, cookie)].concat());
    let control = tlv(0x30, &[tlv(4, DIRSYNC.as_bytes()), tlv(4, &value)].concat());
    message(id, &[result(SEARCH, 0, "", "", &[]), tlv(0xa0, &control)].concat())
}

/// The end of a page.
pub(crate) fn page(id: u32, code: u8, cookie: &[u8]) -> Vec<u8> {
    let paging = tlv(0x30, &[tlv(2, &[0]), tlv(4, cookie)].concat());
    let control = tlv(0x30, &[tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, &paging)].concat());
    message(id, &[result(SEARCH, code, "", "", &[]), tlv(0xa0, &control)].concat())
}

pub(crate) fn entry(id: u32, dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    message(id, &found(dn, attributes))
}

/// An entry with this value of this control.
pub(crate) fn stated(id: u32, dn: &str, attributes: &[(&str, Vec<Vec<u8>>)], control: &[u8]) -> Vec<u8> {
    message(id, &[found(dn, attributes), tlv(0xa0, control)].concat())
}

/// A control.
pub(crate) fn control(oid: &str, value: &[u8]) -> Vec<u8> {
    tlv(0x30, &[tlv(4, oid.as_bytes()), tlv(4, value)].concat())
}

/// The end of a search, with a control.
pub(crate) fn done_with(id: u32, code: u8, control: &[u8]) -> Vec<u8> {
    message(id, &[result(SEARCH, code, "", "", &[]), tlv(0xa0, control)].concat())
}

/// An intermediate response.
pub(crate) fn intermediate(id: u32, oid: &str, value: &[u8]) -> Vec<u8> {
    message(id, &tlv(0x79, &[tlv(0x80, oid.as_bytes()), tlv(0x81, value)].concat()))
}

fn found(dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, values)| {
            let values: Vec<u8> = values.iter().flat_map(|value| tlv(4, value)).collect();
            tlv(0x30, &[tlv(4, name.as_bytes()), tlv(0x31, &values)].concat())
        })
        .collect();
    tlv(0x64, &[tlv(4, dn.as_bytes()), tlv(0x30, &attributes)].concat())
}

pub(crate) fn reference(id: u32, to: &str) -> Vec<u8> {
    message(id, &tlv(0x73, &tlv(4, to.as_bytes())))
}

/// A user with this number.
pub(crate) fn user(id: u32, number: u8) -> Vec<u8> {
    let attributes = [
        ("objectClass", vec![b"top".to_vec(), b"person".to_vec(), b"user".to_vec()]),
        ("objectGUID", vec![vec![number; 16]]),
        ("sAMAccountName", vec![format!("u{number}").into_bytes()]),
        ("userAccountControl", vec![b"512".to_vec()]),
    ];
    entry(id, &format!("CN=u{number},{BASE}"), &attributes)
}

/// A group with these attributes of members.
pub(crate) fn group(id: u32, number: u8, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut attributes = vec![
        ("objectClass", vec![b"top".to_vec(), b"group".to_vec()]),
        ("objectGUID", vec![vec![number; 16]]),
        ("sAMAccountName", vec![b"g".to_vec()]),
    ];
    attributes.extend(members.iter().map(|(name, users)| (*name, names(users))));
    entry(id, &format!("CN=g{number},{BASE}"), &attributes)
}

/// The names of users, as members.
pub(crate) fn names(users: &[u8]) -> Vec<Vec<u8>> {
    users.iter().map(|number| format!("CN=u{number},{BASE}").into_bytes()).collect()
}
