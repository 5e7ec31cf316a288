//! A folder on an IMAP server (RFC 9051, and RFC 3501 before it), always over TLS.
//!
//! What isn't marked as seen wasn't looked at yet. The server is ours, but what it says is bounded all the same: in bytes, and in time.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_imap::error::Error as Said;
use async_imap::imap_proto::{Response, Status};
use async_imap::{Client, Session};
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{LONGEST, Mail, Name, Stopwatch, Terms};
use crate::tls::{self, TlsError, TlsTrust};

/// In answer to one step no more is read: all that is held in memory until it ends.
const ANSWER: u64 = 64 << 10;
/// To the question which mails there are: a million of them.
const LIST: u64 = 16 << 20;
/// To the question for a mail: its bytes, and what else is said of it.
const MAIL: u64 = LONGEST as u64 + ANSWER;
/// Of a server's words so much is kept.
const WORDS: usize = 300;

/// A folder on an IMAP server, and who signs in.
#[derive(Clone)]
pub struct Imap {
    /// The server's name, also the one that its certificate must carry.
    pub host: String,
    /// Mostly 993, or 143 with STARTTLS.
    pub port: u16,
    /// How TLS begins.
    pub security: ImapSecurity,
    /// Whose certificates are believed.
    pub trust: TlsTrust,
    /// Who signs in.
    pub username: String,
    /// How; never shown.
    pub credential: Credential,
    /// Which folder is read.
    pub folder: String,
    /// Where mails go that were looked at, on a server that can move them (RFC 6851); None: they stay where they are.
    pub done_folder: Option<String>,
    /// How long each step may take.
    pub timeout: Duration,
    /// How long a look takes.
    pub stopwatch: Stopwatch,
}

/// How somebody signs in.
#[derive(Clone)]
pub enum Credential {
    /// By a password.
    Password(SecretString),
    /// By an access token (XOAUTH2), which is asked for each time.
    Token(AskToken),
}

/// Gives an access token that is good for a while, or says why there is none.
pub type AskToken = Arc<dyn Fn() -> BoxFuture<'static, Result<SecretString, String>> + Send + Sync>;

/// How TLS begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImapSecurity {
    /// With the first byte (RFC 8314 §3.2).
    Tls,
    /// By STARTTLS (RFC 9051 §6.2.1), or nothing is said.
    StartTls,
}

/// Why a folder on an IMAP server can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// It isn't there.
    #[error(
        "no connection to the IMAP server {server}: {cause}; check its name and port, that it runs, and that no firewall is in between"
    )]
    NotReached {
        /// Host and port.
        server: String,
        /// What the operating system said.
        cause: String,
    },
    /// No TLS.
    #[error("no TLS with the IMAP server {server}: {reason}")]
    Tls {
        /// Host and port.
        server: String,
        /// What is wrong, in words.
        reason: String,
    },
    /// TLS can't be set up at this end.
    #[error(transparent)]
    Setup(#[from] TlsError),
    /// It said no.
    #[error("the IMAP server {server} refused {step}: {said}")]
    Refused {
        /// Host and port.
        server: String,
        /// What was asked for.
        step: &'static str,
        /// Its words.
        said: String,
        /// The one mail that is concerned.
        mail: Option<Name>,
    },
    /// It said nothing, or nothing that can be understood.
    #[error("the IMAP server {server} gave no usable answer to {step}: {cause}")]
    Broken {
        /// Host and port.
        server: String,
        /// What was asked for.
        step: &'static str,
        /// What came instead.
        cause: String,
        /// The one mail that was asked for; the connection is of no use any more.
        mail: Option<Name>,
    },
}

impl ImapError {
    pub(super) fn concerns(&self) -> Option<&Name> {
        match self {
            ImapError::Refused { mail, .. } | ImapError::Broken { mail, .. } => mail.as_ref(),
            _ => None,
        }
    }

    fn of(mut self, uid: u32) -> ImapError {
        if let ImapError::Refused { mail, .. } | ImapError::Broken { mail, .. } = &mut self {
            *mail = Some(Name::Uid(uid));
        }
        self
    }

    fn broken(server: &Server, step: &'static str, cause: String) -> ImapError {
        ImapError::Broken { server: server.name.clone(), step, cause, mail: None }
    }
}

type Link = Bounded<TlsStream<TcpStream>>;

/// What is said once; a refusal comes with a challenge, which is answered with nothing.
struct Proof(Option<String>);

impl async_imap::Authenticator for Proof {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}

/// A connection, and what of the folder is still to be looked at.
pub struct Opened {
    session: Session<Link>,
    uids: VecDeque<u32>,
    /// Where mails go that were looked at, if the server can move them.
    done_folder: Option<String>,
    server: Server,
}

/// Whom is spoken to, and how long it may take.
#[derive(Clone)]
struct Server {
    name: String,
    timeout: Duration,
    /// The whole of it may take no longer, however quick each step is.
    until: Duration,
    stopwatch: Stopwatch,
    /// How many more bytes may be said in answer to this step.
    budget: Arc<AtomicU64>,
}

impl Imap {
    pub(super) async fn open(&self, terms: &Terms) -> Result<Opened, ImapError> {
        let server = Server {
            name: format!("{}:{}", self.host, self.port),
            timeout: self.timeout,
            until: self.stopwatch.read().saturating_add(terms.within),
            stopwatch: self.stopwatch.clone(),
            budget: Arc::new(AtomicU64::new(ANSWER)),
        };
        let tls = self.connect(&server).await?;
        let mut client = Client::new(tls);
        if self.security == ImapSecurity::Tls {
            greeted(&mut client, &server).await?;
        }
        let mut session = self.sign_in(client, &server).await?;
        let can_move = match &self.done_folder {
            Some(_) => server.asked("its capabilities", session.capabilities()).await?.has_str("MOVE"),
            None => false,
        };
        server.asked("to open the folder", session.select(&self.folder)).await?;
        let unseen = session.uid_search("UNSEEN UNDELETED");
        let unseen = server.asked_for("the list of mails", LIST, unseen).await?;
        let mut uids: Vec<u32> = unseen.into_iter().collect();
        uids.sort_unstable_by_key(|uid| (terms.last.contains(&Name::Uid(*uid)), *uid));
        uids.truncate(terms.most);
        let done_folder = self.done_folder.clone().filter(|_| can_move);
        Ok(Opened { session, uids: uids.into(), done_folder, server })
    }

    async fn sign_in(&self, client: Client<Link>, server: &Server) -> Result<Session<Link>, ImapError> {
        let step = "the sign-in";
        let proof = match &self.credential {
            Credential::Password(password) => {
                let signed_in = client.login(&self.username, password.expose_secret());
                return server.asked(step, async { signed_in.await.map_err(|(error, _)| error) }).await;
            }
            Credential::Token(ask) => {
                let token = ask().await.map_err(|cause| ImapError::broken(server, step, cause))?;
                format!("user={}\x01auth=Bearer {}\x01\x01", self.username, token.expose_secret())
            }
        };
        let signed_in = client.authenticate("XOAUTH2", Proof(Some(proof)));
        server.asked(step, async { signed_in.await.map_err(|(error, _)| error) }).await
    }

    async fn connect(&self, server: &Server) -> Result<Link, ImapError> {
        let config = tls::client_config(&self.trust)?;
        let no_tls = |reason: String| ImapError::Tls { server: server.name.clone(), reason };
        let name = ServerName::try_from(self.host.clone()).map_err(|e| no_tls(e.to_string()))?;
        let connecting = timeout(server.left(), TcpStream::connect((self.host.as_str(), self.port))).await;
        let connected = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let socket =
            connected.and_then(|socket| socket.set_nodelay(true).map(|()| socket)).map_err(|cause| {
                ImapError::NotReached { server: server.name.clone(), cause: cause.to_string() }
            })?;
        let socket = match self.security {
            ImapSecurity::Tls => socket,
            ImapSecurity::StartTls => {
                let mut client = Client::new(server.bounded(socket));
                greeted(&mut client, server).await?;
                server.asked("STARTTLS", client.run_command_and_check_ok("STARTTLS", None)).await?;
                // What came in clear after the answer goes with the client's buffer (RFC 9051 §6.2.1).
                client.into_inner().inner
            }
        };
        let raised = timeout(server.left(), TlsConnector::from(config).connect(name, socket)).await;
        match raised.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => Ok(server.bounded(stream)),
            Err(error) => Err(no_tls(tls::explain(&error).unwrap_or_else(|| error.to_string()))),
        }
    }
}

impl fmt::Debug for Imap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Imap({self})")
    }
}

impl fmt::Display for Imap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the folder {} of {} on {}:{}", self.folder, self.username, self.host, self.port)
    }
}

impl Opened {
    pub(super) fn left(&self) -> usize {
        self.uids.len()
    }

    pub(super) async fn next(&mut self) -> Result<Option<Mail>, ImapError> {
        while let Some(uid) = self.uids.pop_front() {
            if self.server.left().is_zero() {
                return Ok(None);
            }
            // PEEK: it isn't seen before it was taken.
            let query = format!("(UID INTERNALDATE BODY.PEEK[]<0.{LONGEST}>)");
            let session = &mut self.session;
            let fetched =
                async { session.uid_fetch(uid.to_string(), query).await?.try_collect::<Vec<_>>().await };
            let fetched = self.server.asked_for("a mail", MAIL, fetched).await.map_err(|e| e.of(uid))?;
            if let Some(mail) = fetched.iter().find(|mail| mail.uid == Some(uid)) {
                // One without anything in it is marked as seen like any other.
                let body = mail.body().unwrap_or_default();
                let bytes = body.get(..LONGEST).unwrap_or(body).to_vec();
                let arrived = mail.internal_date().map(Into::into);
                return Ok(Some(Mail { name: Name::Uid(uid), arrived, bytes }));
            }
            // Another program has taken it.
        }
        Ok(None)
    }

    pub(super) async fn done(&mut self, uid: u32) -> Result<(), ImapError> {
        let seen = format!("UID STORE {uid} +FLAGS.SILENT (\\Seen)");
        let marked = self.session.run_command_and_check_ok(seen);
        self.server.asked("to mark a mail as seen", marked).await.map_err(|e| e.of(uid))?;
        let Some(folder) = &self.done_folder else { return Ok(()) };
        let moved = self.session.uid_mv(uid.to_string(), folder);
        match self.server.asked("to move a mail", moved).await {
            // It was looked at, and won't be again, wherever it lies.
            Err(refused @ ImapError::Refused { .. }) => {
                tracing::warn!(
                    "Mails that were looked at stay where they are, since done_folder isn't to be had: {refused}"
                );
                self.done_folder = None;
                Ok(())
            }
            moved => moved,
        }
    }

    pub(super) async fn close(mut self) {
        // How it takes the goodbye doesn't matter.
        let _ = timeout(self.server.left(), self.session.logout()).await;
    }
}

impl Server {
    /// How long the next step may take.
    fn left(&self) -> Duration {
        self.timeout.min(self.until.saturating_sub(self.stopwatch.read()))
    }

    fn bounded<S>(&self, inner: S) -> Bounded<S> {
        Bounded { inner, budget: Arc::clone(&self.budget) }
    }

    async fn asked<T>(
        &self,
        step: &'static str,
        asked: impl Future<Output = Result<T, Said>>,
    ) -> Result<T, ImapError> {
        self.asked_for(step, ANSWER, asked).await
    }

    /// Waits for an answer of no more than so many bytes.
    async fn asked_for<T>(
        &self,
        step: &'static str,
        most: u64,
        asked: impl Future<Output = Result<T, Said>>,
    ) -> Result<T, ImapError> {
        self.budget.store(most, Ordering::Relaxed);
        let left = self.left();
        match timeout(left, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Said::No(said) | Said::Bad(said))) => {
                Err(ImapError::Refused { server: self.name.clone(), step, said: clip(&said), mail: None })
            }
            Ok(Err(error)) => Err(ImapError::broken(self, step, clip(&error.to_string()))),
            Err(_) if left < self.timeout => {
                let cause = "the time for a look is up; the rest waits for the next".to_owned();
                Err(ImapError::broken(self, step, cause))
            }
            Err(_) => Err(ImapError::broken(self, step, format!("nothing came within {left:?}"))),
        }
    }
}

/// Waits until the server has said who it is; it may be that it takes no guests.
async fn greeted<S: AsyncRead + AsyncWrite + Unpin + fmt::Debug + Send>(
    client: &mut Client<S>,
    server: &Server,
) -> Result<(), ImapError> {
    let greeting = async {
        match client.read_response().await.map_err(Said::Io)? {
            Some(said) => Ok(match said.parsed() {
                Response::Data { status: Status::Bye, outcome } => {
                    Some(outcome.information.as_deref().unwrap_or("goodbye").to_owned())
                }
                _ => None,
            }),
            None => Err(Said::ConnectionLost),
        }
    };
    let step = "the connection";
    match server.asked(step, greeting).await? {
        Some(bye) => {
            Err(ImapError::Refused { server: server.name.clone(), step, said: clip(&bye), mail: None })
        }
        None => Ok(()),
    }
}

fn clip(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect()
}

/// A stream of which no more is read than may be said in answer to a step.
#[derive(Debug)]
struct Bounded<S> {
    inner: S,
    budget: Arc<AtomicU64>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let budget = self.budget.load(Ordering::Relaxed);
        if budget == 0 {
            return Poll::Ready(Err(io::Error::other("it says more than any answer needs")));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let read = (buffer.filled().len() - before) as u64;
        self.budget.store(budget.saturating_sub(read), Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
