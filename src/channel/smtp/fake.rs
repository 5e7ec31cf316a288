//! A scripted mail server: it does what a real one can't be made to do, at the moment the test names. It is not a mail server,
//! and what it accepts says nothing about how real ones behave; those are tried in `tests/`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

// For those who may know nothing of TLS but by a channel.
pub(crate) use crate::tls::TlsTrust;
pub(crate) use crate::tls::pki::Authority;

/// What the server does instead of its friendly answer.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends these bytes.
    Say(Vec<u8>),
    /// Sends these bytes, each in a segment of its own.
    Drip(Vec<u8>),
    /// Sends these bytes and closes the connection.
    SayAndCut(Vec<u8>),
    /// Sends these bytes, each so long after the one before.
    Trickle(Vec<u8>, Duration),
    /// Says nothing, ever.
    Hush,
}

/// One connection's course: friendly, but for the acts.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// What EHLO offers.
    pub offers: Vec<&'static str>,
    /// What EHLO offers inside TLS, if that differs.
    pub offers_in_tls: Option<Vec<&'static str>>,
    /// For STARTTLS, or from the first byte.
    pub tls: Option<Arc<ServerConfig>>,
    /// TLS from the first byte.
    pub implicit: bool,
    /// After STARTTLS, never answers the handshake.
    pub hush_in_handshake: bool,
    /// At the n-th (from 1) occurrence of a verb. Beside the real verbs: `greeting`, `.` (the end of a message), and `body`
    /// (instead of reading one).
    pub acts: Vec<(&'static str, usize, Act)>,
}

impl Script {
    pub(crate) fn new(offers: &[&'static str]) -> Script {
        Script { offers: offers.to_vec(), ..Script::default() }
    }

    pub(crate) fn at(mut self, verb: &'static str, occurrence: usize, act: Act) -> Script {
        self.acts.push((verb, occurrence, act));
        self
    }
}

/// What the server has seen.
#[derive(Clone, Default, Debug)]
pub(crate) struct Log {
    pub connections: usize,
    pub closed: usize,
    /// Every command line, of all connections.
    pub commands: Vec<String>,
    /// Every message that was received up to its dot, dots removed as RFC 5321 §4.5.2 says.
    pub received: Vec<Vec<u8>>,
    /// How many of them were answered with 250.
    pub accepted: usize,
}

impl Log {
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.commands.iter().filter(|line| line.starts_with(verb)).count()
    }
}

pub(crate) struct Fake {
    pub address: SocketAddr,
    log: watch::Receiver<Log>,
}

impl Fake {
    /// Starts a server. The first connection follows the first script, and so on; the last script serves all that come after.
    pub(crate) async fn start(scripts: Vec<Script>) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, log) = watch::channel(Log::default());
        let sender = Arc::new(sender);
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((socket, _)) = listener.accept().await else { return };
                let script = scripts.get(number).or(scripts.last()).cloned().unwrap();
                let sender = Arc::clone(&sender);
                tokio::spawn(async move {
                    socket.set_nodelay(true).unwrap();
                    sender.send_modify(|log| log.connections += 1);
                    let course = Course {
                        script,
                        log: Arc::clone(&sender),
                        seen: Vec::new(),
                        sender: false,
                        recipient: false,
                    };
                    course.run(Box::new(socket)).await;
                    sender.send_modify(|log| log.closed += 1);
                });
            }
        });
        Fake { address, log }
    }

    pub(crate) fn log(&self) -> Log {
        self.log.borrow().clone()
    }

    /// Waits until the log is so, for at most ten seconds.
    pub(crate) async fn until(&self, so: impl Fn(&Log) -> bool) -> Log {
        let mut log = self.log.clone();
        let seen = timeout(Duration::from_secs(10), log.wait_for(|log| so(log))).await;
        match seen {
            Ok(log) => log.unwrap().clone(),
            Err(_) => panic!("it never came to that: {:?}", self.log()),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

struct Course {
    script: Script,
    log: Arc<watch::Sender<Log>>,
    seen: Vec<&'static str>,
    sender: bool,
    recipient: bool,
}

/// The connection is over.
struct Over;

impl Course {
    async fn run(mut self, mut stream: Box<dyn Stream>) {
        let mut in_tls = false;
        if self.script.implicit {
            let Ok(tls) = TlsAcceptor::from(self.script.tls.clone().unwrap()).accept(stream).await else {
                return;
            };
            stream = Box::new(tls);
            in_tls = true;
        }
        if self.answer(&mut stream, "greeting", b"220 fake.example ESMTP\r\n").await.is_err() {
            return;
        }
        let mut stream = BufReader::new(stream);
        loop {
            match self.command(&mut stream, in_tls).await {
                Ok(false) => {}
                Ok(true) if self.script.hush_in_handshake => std::future::pending().await,
                Ok(true) => {
                    let tls = TlsAcceptor::from(self.script.tls.clone().unwrap());
                    let Ok(tls) = tls.accept(stream.into_inner()).await else { return };
                    stream = BufReader::new(Box::new(tls));
                    in_tls = true;
                }
                Err(Over) => return,
            }
        }
    }

    /// Reads one command and answers it; `true` if TLS comes next.
    async fn command(&mut self, stream: &mut BufReader<Box<dyn Stream>>, in_tls: bool) -> Result<bool, Over> {
        let line = read_line(stream).await?;
        let line = String::from_utf8(line).unwrap();
        let line = line.strip_suffix("\r\n").expect("a command ends with CRLF");
        self.log.send_modify(|log| log.commands.push(line.to_owned()));
        match line.split(' ').next().unwrap() {
            "EHLO" => {
                let offers = match &self.script.offers_in_tls {
                    Some(offers) if in_tls => offers,
                    _ => &self.script.offers,
                };
                let mut lines = vec!["fake.example"];
                lines.extend(offers);
                let last = lines.len() - 1;
                let reply: String = (0..)
                    .zip(lines)
                    .map(|(n, line)| format!("250{}{line}\r\n", if n == last { ' ' } else { '-' }))
                    .collect();
                self.answer(stream, "EHLO", reply.as_bytes()).await?;
            }
            "STARTTLS" => {
                self.answer(stream, "STARTTLS", b"220 go ahead\r\n").await?;
                return Ok(self.script.tls.is_some());
            }
            "AUTH" if line == "AUTH LOGIN" => {
                self.answer(stream, "AUTH", b"334 VXNlcm5hbWU6\r\n").await?;
                for answer in [&b"334 UGFzc3dvcmQ6\r\n"[..], b"235 2.7.0 welcome\r\n"] {
                    let token = String::from_utf8(read_line(stream).await?).unwrap();
                    self.log.send_modify(|log| log.commands.push(token.trim_end().to_owned()));
                    stream.write_all(answer).await.map_err(|_| Over)?;
                }
            }
            // The answer to a challenge of XOAUTH2.
            "" => self.reply(stream, "empty", b"535 5.7.3 no\r\n").await?,
            "AUTH" => self.reply(stream, "AUTH", b"235 2.7.0 welcome\r\n").await?,
            "MAIL" => {
                self.sender = self.answer(stream, "MAIL", b"250 2.1.0 sender ok\r\n").await? == b'2';
                self.recipient = false;
            }
            "RCPT" => {
                let friendly: &[u8] =
                    if self.sender { b"250 2.1.5 recipient ok\r\n" } else { b"503 5.5.1 MAIL first\r\n" };
                self.recipient = self.answer(stream, "RCPT", friendly).await? == b'2';
            }
            "RSET" => self.reply(stream, "RSET", b"250 2.0.0 forgotten\r\n").await?,
            "DATA" => {
                let friendly: &[u8] =
                    if self.recipient { b"354 go ahead\r\n" } else { b"554 5.5.1 no valid recipients\r\n" };
                if self.answer(stream, "DATA", friendly).await? == b'3' {
                    self.message(stream).await?;
                }
            }
            "QUIT" => {
                self.answer(stream, "QUIT", b"221 2.0.0 bye\r\n").await?;
                return Err(Over);
            }
            _ => stream.write_all(b"500 what?\r\n").await.map_err(|_| Over)?,
        }
        Ok(false)
    }

    async fn message(&mut self, stream: &mut BufReader<Box<dyn Stream>>) -> Result<(), Over> {
        if self.act("body").is_some() {
            let mut some = [0; 100];
            stream.read_exact(&mut some).await.map_err(|_| Over)?;
            return Err(Over);
        }
        let mut body = Vec::new();
        loop {
            let line = read_line(stream).await?;
            match line.as_slice() {
                b".\r\n" => break,
                [b'.', rest @ ..] => body.extend_from_slice(rest),
                line => body.extend_from_slice(line),
            }
        }
        self.log.send_modify(|log| log.received.push(body));
        if self.answer(stream, ".", b"250 2.0.0 queued as FA4E\r\n").await? == b'2' {
            self.log.send_modify(|log| log.accepted += 1);
        }
        Ok(())
    }

    async fn reply(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        verb: &'static str,
        friendly: &[u8],
    ) -> Result<(), Over> {
        self.answer(stream, verb, friendly).await.map(|_| ())
    }

    /// Sends the friendly answer, or acts; the first digit of what was said.
    async fn answer(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        verb: &'static str,
        friendly: &[u8],
    ) -> Result<u8, Over> {
        let act = self.act(verb).unwrap_or(Act::Say(friendly.to_vec()));
        let said = match &act {
            Act::Say(bytes) | Act::SayAndCut(bytes) => {
                stream.write_all(bytes).await.map_err(|_| Over)?;
                bytes.first()
            }
            Act::Drip(bytes) => {
                for byte in bytes {
                    stream.write_all(&[*byte]).await.map_err(|_| Over)?;
                    stream.flush().await.map_err(|_| Over)?;
                    tokio::task::yield_now().await;
                }
                bytes.first()
            }
            Act::Trickle(bytes, pause) => {
                for byte in bytes {
                    tokio::time::sleep(*pause).await;
                    stream.write_all(&[*byte]).await.map_err(|_| Over)?;
                    stream.flush().await.map_err(|_| Over)?;
                }
                bytes.first()
            }
            Act::Hush => std::future::pending().await,
        };
        stream.flush().await.map_err(|_| Over)?;
        match act {
            Act::SayAndCut(_) => Err(Over),
            _ => Ok(*said.unwrap_or(&0)),
        }
    }

    fn act(&mut self, verb: &'static str) -> Option<Act> {
        self.seen.push(verb);
        let occurrence = self.seen.iter().filter(|seen| **seen == verb).count();
        self.script.acts.iter().find(|act| act.0 == verb && act.1 == occurrence).map(|act| act.2.clone())
    }
}

async fn read_line(stream: &mut BufReader<Box<dyn Stream>>) -> Result<Vec<u8>, Over> {
    let mut line = Vec::new();
    match stream.read_until(b'\n', &mut line).await {
        Ok(read) if read > 0 => Ok(line),
        _ => Err(Over),
    }
}
