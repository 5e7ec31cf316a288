//! The stream under lettre's SMTP: our socket, seen one reply line at a time.
//!
//! lettre 0.11.23 reads replies through a buffer of its own and believes what comes. Read straight from a socket it would
//! keep bytes sent in clear after STARTTLS's `220` and take them for replies inside TLS; collect a line without end; panic on
//! an EHLO line of blanks; take a `250` without text, or with a byte that isn't UTF-8, for a broken connection (after the
//! message that means sending it again, and again); and give a surplus reply to the next command. So the wire hands it
//! one whole, bounded, well-formed line per read, and breaks the connection when the server says more than it was asked.

use std::fmt;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A reply line may be 512 bytes (RFC 5321 §4.5.3.1.5); Postfix reads up to 2048. Beyond that it is no mail server.
const LONGEST_LINE: usize = 2048;
/// As much of a line as is kept: lettre refuses lines over 1000 bytes.
const LONGEST_KEPT: usize = 900;
/// A whole reply, all its lines together.
const LONGEST_REPLY: usize = 64 * 1024;
/// lettre parses a reply from its start again at every line.
const MOST_LINES: usize = 256;

/// A handle on the connection. One is lettre's; the other stays with the session, to raise TLS under lettre's feet and to ask
/// what happened.
#[derive(Clone)]
pub(super) struct Wire(Arc<Mutex<State>>);

struct State {
    socket: Socket,
    /// Read from the socket, not yet looked at. At most one line and one read long.
    raw: Vec<u8>,
    /// The line lettre is about to read, and how much of it was read.
    line: Vec<u8>,
    read: usize,
    /// The lines of the last reply, or as many as have come.
    reply: Vec<String>,
    reply_bytes: usize,
    reply_done: bool,
    closed: bool,
    spoken: bool,
}

enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// While TLS is being raised, and after it failed.
    Gone,
}

/// Why TLS wasn't raised.
#[derive(Debug)]
pub(super) enum NoTls {
    /// The server, or somebody in between, had already sent more in clear (RFC 3207 §6, CVE-2011-0411).
    SaidMoreInClear,
    /// The handshake failed.
    Handshake(io::Error),
}

impl Wire {
    pub(super) fn new(socket: TcpStream) -> Wire {
        Wire(Arc::new(Mutex::new(State {
            socket: Socket::Plain(socket),
            raw: Vec::new(),
            line: Vec::new(),
            read: 0,
            reply: Vec::new(),
            reply_bytes: 0,
            reply_done: false,
            closed: false,
            spoken: false,
        })))
    }

    /// Puts TLS on the connection. Nothing that came in clear survives it.
    pub(super) async fn raise_tls(
        &self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<(), NoTls> {
        let socket = {
            let mut state = self.state();
            if state.has_unread() {
                return Err(NoTls::SaidMoreInClear);
            }
            mem::replace(&mut state.socket, Socket::Gone)
        };
        let Socket::Plain(plain) = socket else { return Err(NoTls::Handshake(gone())) };
        let tls = TlsConnector::from(config).connect(name, plain).await.map_err(NoTls::Handshake)?;
        self.state().socket = Socket::Tls(Box::new(tls));
        Ok(())
    }

    /// The lines of the last reply, without code, or as many as have come.
    pub(super) fn reply(&self) -> Vec<String> {
        self.state().reply.clone()
    }

    /// Whether the server has closed its side.
    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Whether anything was written yet: if not, the greeting is what's awaited.
    pub(super) fn has_spoken(&self) -> bool {
        self.state().spoken
    }

    /// Whether an idle connection is as it was left: open, and the server has said nothing since, such as 421 before it
    /// hangs up. Asks the socket only, not the server.
    pub(super) fn is_quiet(&self) -> bool {
        let mut state = self.state();
        let mut byte = [0; 1];
        let mut context = Context::from_waker(Waker::noop());
        !state.has_unread() && state.socket.poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// TLS version, cipher and the server's certificate, if TLS is up.
    pub(super) fn tls(&self) -> Option<(String, Option<CertificateDer<'static>>)> {
        match &self.state().socket {
            Socket::Tls(tls) => {
                let session = tls.get_ref().1;
                let version = session.protocol_version().map(|version| format!("{version:?}"));
                let cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
                let words = [version, cipher].into_iter().flatten().collect::<Vec<_>>().join(", ");
                let certificate = session.peer_certificates().and_then(|chain| chain.first());
                Some((words, certificate.map(|certificate| certificate.clone().into_owned())))
            }
            Socket::Plain(_) | Socket::Gone => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_unread(&self) -> bool {
        !self.raw.is_empty() || self.read < self.line.len()
    }

    /// Makes the next whole line of `raw` the one lettre reads; `false` if there is none yet.
    fn next_line(&mut self) -> io::Result<bool> {
        let Some(end) = self.raw.iter().position(|byte| *byte == b'\n') else {
            if self.raw.len() > LONGEST_LINE {
                return Err(nonsense("a reply line without an end"));
            }
            return Ok(false);
        };
        if self.reply_done {
            self.reply.clear();
            self.reply_bytes = 0;
        }
        let bytes: Vec<u8> = self.raw.drain(..=end).collect();
        self.reply_bytes += bytes.len();
        if self.reply_bytes > LONGEST_REPLY || self.reply.len() >= MOST_LINES {
            return Err(nonsense("an endless reply"));
        }
        let text = well_formed(&bytes);
        self.reply_done = text.as_bytes().get(3) != Some(&b'-');
        self.line = format!("{text}\r\n").into_bytes();
        self.read = 0;
        self.reply.push(text.get(4..).unwrap_or_default().to_owned());
        Ok(true)
    }

    /// Reads what the socket has; `false` at its end.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [0; LONGEST_LINE];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(self.socket.poll_read(context, &mut buffer))?;
        self.raw.extend_from_slice(buffer.filled());
        self.closed = buffer.filled().is_empty();
        Poll::Ready(Ok(!self.closed))
    }

    /// Something is about to be said: whatever the server had to say before that must have been read.
    fn begin(&mut self) -> io::Result<()> {
        if self.has_unread() {
            return Err(nonsense("more than it was asked for"));
        }
        self.spoken = true;
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state();
        while state.read == state.line.len() {
            if !state.next_line()? && !ready!(state.fill(context))? {
                return Poll::Ready(Ok(()));
            }
        }
        let unread = state.line.get(state.read..).unwrap_or_default();
        let now = unread.get(..buffer.remaining()).unwrap_or(unread);
        buffer.put_slice(now);
        state.read += now.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        state.begin()?;
        state.socket.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state().socket {
            Socket::Plain(plain) => Pin::new(plain).poll_flush(context),
            Socket::Tls(tls) => Pin::new(tls).poll_flush(context),
            Socket::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state().socket {
            Socket::Plain(plain) => Pin::new(plain).poll_shutdown(context),
            Socket::Tls(tls) => Pin::new(tls).poll_shutdown(context),
            Socket::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.state().socket {
            Socket::Plain(plain) => plain.peer_addr(),
            Socket::Tls(tls) => tls.get_ref().0.peer_addr(),
            Socket::Gone => Err(gone()),
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Socket {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Plain(plain) => Pin::new(plain).poll_read(context, buffer),
            Socket::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
            Socket::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Socket::Plain(plain) => Pin::new(plain).poll_write(context, bytes),
            Socket::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
            Socket::Gone => Poll::Ready(Err(gone())),
        }
    }
}

/// A reply line as RFC 5321 §4.2 writes it: printable, bounded, and with the blank after the code that the RFC lets a server
/// leave out and lettre asks for.
fn well_formed(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut line: String = text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.truncate(line.floor_char_boundary(LONGEST_KEPT));
    if line.len() == 3 {
        line.push(' ');
    }
    line
}

fn nonsense(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("it sent {what}"))
}

fn gone() -> io::Error {
    io::Error::from(ErrorKind::NotConnected)
}
