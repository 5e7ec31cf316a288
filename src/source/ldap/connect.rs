//! From a server's address to an LDAP handle: TCP, TLS, ldap3 behind its screen.
//!
//! TLS is set up here and not by ldap3, which can't verify an IPv6 address and tells less of what went wrong.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, StdStream};
use rustls::ClientConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::discover::locate;
use super::messages::extended_answer;
use super::screen::{Ended, Found, carry};
use super::server::{Security, Server};
use super::sign_in::exchange::message;
use crate::source::SourceError;
use crate::tls::{self, CertificateSummary};

/// The StartTLS request (RFC 4511 §4.14.1), as the first message.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// A connection on which nothing has come for so long is asked whether it lives.
const ALIVE_AFTER: Duration = Duration::from_secs(30);
/// And then so often.
const ALIVE_EVERY: Duration = Duration::from_secs(10);
/// No reply to it is longer.
const MAX_REPLY: usize = 4096;

/// What a server is spoken to over: in clear or in TLS.
pub(super) type Transport = Either<TcpStream, TlsStream<TcpStream>>;

/// A connection. Dropping it ends it at once.
pub(super) struct Connection {
    /// The server at its other end.
    pub server: Server,
    /// Where that is.
    pub address: SocketAddr,
    /// The handle for operations, once [`Self::start`] was called.
    pub ldap: Ldap,
    /// The certificate that the server showed, on a protected connection.
    pub certificate: Option<CertificateSummary>,
    /// What binds a sign-in to this very connection (RFC 5929).
    pub binding: Option<Vec<u8>>,
    /// What the search that is going on has given so far.
    pub found: Arc<Found>,
    /// Our end and ldap3's, until ldap3 gets the connection.
    waiting: Option<(Transport, UnixStream)>,
    carrier: Option<JoinHandle<Ended>>,
    driver: Option<JoinHandle<ldap3::result::Result<()>>>,
    stop: Vec<AbortHandle>,
}

/// A server's certificate in words, and what binds to it.
type Shown = (Option<CertificateSummary>, Option<Vec<u8>>);

impl Connection {
    /// Connects, and protects the connection as the server's address says, all within `limit`. Of several IP addresses each has its
    /// share of that. `dns_server` is asked for them in place of this machine's resolver.
    pub(super) async fn open(
        server: &Server,
        tls: &Arc<ClientConfig>,
        dns_server: Option<SocketAddr>,
        limit: Duration,
    ) -> Result<Connection, SourceError> {
        let connecting = async {
            let failed = |reason| SourceError::ConnectFailed { server: server.to_string(), reason };
            let found = locate(server.host(), server.port(), dns_server).await.map_err(failed)?;
            in_turn(server, found, limit, |address| Connection::to(server, address, tls)).await
        };
        let doing =
            if server.security() == Security::PlainText { "connect" } else { "connect and set up TLS" };
        let late = || SourceError::Timeout { server: server.to_string(), doing: doing.to_owned(), limit };
        timeout(limit, connecting).await.map_err(|_| late())?
    }

    /// Connects to this one of the server's addresses: a name may stand for several servers.
    pub(super) async fn at(
        server: &Server,
        address: SocketAddr,
        tls: &Arc<ClientConfig>,
        limit: Duration,
    ) -> Result<Connection, SourceError> {
        let doing = "connect once more".to_owned();
        let late = || SourceError::Timeout { server: server.to_string(), doing, limit };
        timeout(limit, Connection::to(server, address, tls)).await.map_err(|_| late())?
    }

    async fn to(
        server: &Server,
        address: SocketAddr,
        tls: &Arc<ClientConfig>,
    ) -> Result<Connection, SourceError> {
        let tcp = tcp(server, address).await?;
        let (stream, shown) = match server.security() {
            Security::PlainText => {
                return Connection::over(server, address, Either::Left(tcp), (None, None)).await;
            }
            Security::StartTls => handshake(server, tls, start_tls(server, tcp).await?).await?,
            Security::Ldaps => handshake(server, tls, tcp).await?,
        };
        Connection::over(server, address, Either::Right(stream), shown).await
    }

    async fn over(
        server: &Server,
        address: SocketAddr,
        stream: Transport,
        (certificate, binding): Shown,
    ) -> Result<Connection, SourceError> {
        let failed = |reason: String| SourceError::ConnectFailed { server: server.to_string(), reason };
        let (ours, theirs) = pair().map_err(|error| failed(error.to_string()))?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(theirs));
        let (driver, ldap) = LdapConnAsync::with_settings(settings, "ldapi:///")
            .await
            .map_err(|error| failed(error.to_string()))?;
        let driver = tokio::spawn(driver.drive());
        Ok(Connection {
            server: server.clone(),
            address,
            ldap,
            certificate,
            binding,
            found: Arc::default(),
            waiting: Some((stream, ours)),
            carrier: None,
            stop: vec![driver.abort_handle()],
            driver: Some(driver),
        })
    }

    /// The connection itself, until [`Self::start`] is called.
    pub(super) fn stream(&mut self) -> Option<&mut Transport> {
        self.waiting.as_mut().map(|(stream, _)| stream)
    }

    /// Lets ldap3 have the connection.
    pub(super) fn start(&mut self) {
        if let Some((stream, ours)) = self.waiting.take() {
            let found = Arc::clone(&self.found);
            let carrier = tokio::spawn(async move { carry(stream, ours, &found).await });
            self.stop.push(carrier.abort_handle());
            self.carrier = Some(carrier);
        }
    }

    /// Why the connection ended, once an operation has failed; waits for that for `limit`.
    pub(super) async fn why_ended(&mut self, limit: Duration) -> Ended {
        // ldap3's own task is the first to end only when it panics.
        let Some(driver) = self.driver.take() else {
            return Ended::Before;
        };
        if let Ok(Err(error)) = timeout(limit, driver).await
            && error.is_panic()
        {
            return Ended::Nonsense("a message of it brought the LDAP library down");
        }
        let Some(carrier) = self.carrier.take() else {
            return Ended::Before;
        };
        match timeout(limit, carrier).await {
            Ok(Ok(ended)) => ended,
            _ => Ended::Nonsense("the connection did not end by itself"),
        }
    }

    /// Says goodbye (RFC 4511 §4.3), if that can be said within `limit`.
    pub(super) async fn close(mut self, limit: Duration) {
        let _ = timeout(limit, self.ldap.unbind()).await;
        if let Some(carrier) = &mut self.carrier {
            let _ = timeout(limit, carrier).await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop.iter().for_each(AbortHandle::abort);
    }
}

/// Tries one address after the other, each with its share of the time, the last with all that is left of it.
pub(super) async fn in_turn<T, F: Future<Output = Result<T, SourceError>>>(
    server: &Server,
    addresses: Vec<SocketAddr>,
    limit: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, SourceError> {
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut reasons = Vec::new();
    let mut left = addresses.into_iter().peekable();
    while let Some(address) = left.next() {
        let connecting = connect(address);
        // Whoever called waits no longer than the limit.
        let outcome =
            if left.peek().is_none() { Ok(connecting.await) } else { timeout(share, connecting).await };
        match outcome {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) if left.peek().is_none() && reasons.is_empty() => return Err(error),
            Ok(Err(SourceError::ConnectFailed { reason, .. } | SourceError::Tls { reason, .. })) => {
                reasons.push(format!("{}: {reason}", address.ip()));
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => reasons.push(format!("{}: no answer within {} s", address.ip(), share.as_secs_f32())),
        }
    }
    Err(SourceError::ConnectFailed { server: server.to_string(), reason: reasons.join(", ") })
}

pub(super) async fn tcp(server: &Server, address: SocketAddr) -> Result<TcpStream, SourceError> {
    let failed = |error: std::io::Error| SourceError::ConnectFailed {
        server: server.to_string(),
        reason: error.to_string(),
    };
    let tcp = TcpStream::connect(address).await.map_err(failed)?;
    tcp.set_nodelay(true).map_err(failed)?;
    // A server that is gone without a word, or a firewall that has forgotten the connection, shows within two minutes.
    let keepalive = TcpKeepalive::new().with_time(ALIVE_AFTER).with_interval(ALIVE_EVERY);
    SockRef::from(&tcp).set_tcp_keepalive(&keepalive).map_err(failed)?;
    Ok(tcp)
}

/// Asks for TLS. Reads not one byte more than the reply: what follows belongs to TLS.
async fn start_tls(server: &Server, mut tcp: TcpStream) -> Result<TcpStream, SourceError> {
    let failed = |reason: String| SourceError::Tls { server: server.to_string(), reason };
    let broken = |error: Ended| {
        failed(format!(
            "StartTLS was not answered: {error}; perhaps this port wants TLS from the start, as ldaps:// does"
        ))
    };
    tcp.write_all(START_TLS).await.map_err(|error| broken(error.into()))?;
    let reply = match message(&mut tcp, MAX_REPLY).await {
        Ok(reply) => reply,
        Err(Ended::Nonsense(_)) => return Err(failed("the answer to StartTLS is not LDAP".to_owned())),
        Err(ended) => return Err(broken(ended)),
    };
    match extended_answer(&reply) {
        Some(answer) if answer.code == 0 => Ok(tcp),
        Some(answer) => Err(failed(format!("it refused StartTLS: {answer}; try ldaps://"))),
        None => Err(failed("the answer to StartTLS is not LDAP".to_owned())),
    }
}

async fn handshake(
    server: &Server,
    tls: &Arc<ClientConfig>,
    tcp: TcpStream,
) -> Result<(TlsStream<TcpStream>, Shown), SourceError> {
    let failed = |reason: String| SourceError::Tls { server: server.to_string(), reason };
    let name =
        server.name().ok_or_else(|| failed("its name is none that a certificate can carry".to_owned()))?;
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await.map_err(|error| {
        let plain = || format!("{error}; perhaps this port speaks plain text or wants StartTLS");
        failed(tls::explain(&error).unwrap_or_else(plain))
    })?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let shown = (shown.and_then(CertificateSummary::of), shown.and_then(tls::end_point));
    Ok((stream, shown))
}

/// Two ends of a connection within this process: one for us, one for ldap3.
fn pair() -> std::io::Result<(UnixStream, StdUnixStream)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, theirs))
}
