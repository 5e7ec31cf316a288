//! The way to a mail server: name, address, connection, TLS.

use std::io;
use std::net::SocketAddr;

use lettre::transport::smtp::extension::ClientId;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::error::SmtpError;
use super::settings::{Server, is_host_name};
use super::wire::{NoTls, Wire};
use crate::tls;

/// So many of a name's addresses are tried.
const MOST_ADDRESSES: usize = 8;

/// Looks the name up and connects to the first of its addresses that answers.
pub(super) async fn connect(server: &Server) -> Result<TcpStream, SmtpError> {
    let limit = server.limits.connect;
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}"));
    let unresolved = |cause: String| SmtpError::NameNotResolved { host: server.host.clone(), cause };
    let addresses: Vec<SocketAddr> =
        match timeout(limit, lookup_host((server.host.as_str(), server.port))).await {
            Ok(Ok(addresses)) => addresses.take(MOST_ADDRESSES).collect(),
            Ok(Err(cause)) => return Err(unresolved(cause.to_string())),
            Err(_) => return Err(unresolved(late().to_string())),
        };
    let mut last = "the name has no address".to_owned();
    for address in addresses {
        let connected = timeout(limit, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(late()));
        // A message goes out in several small writes, each waiting for its answer: Nagle's algorithm costs 40 ms each.
        match connected.and_then(|socket| socket.set_nodelay(true).map(|()| socket)) {
            Ok(socket) => return Ok(socket),
            Err(cause) => last = format!("{address}: {cause}"),
        }
    }
    Err(SmtpError::NotReached { server: server.name.clone(), cause: last })
}

/// Raises TLS; a refused certificate comes back in words.
pub(super) async fn raise_tls(wire: &Wire, server: &Server) -> Result<(), SmtpError> {
    let name = server.name.clone();
    let raised = wire.raise_tls(server.tls.clone(), server.tls_name.clone());
    match timeout(server.limits.connect, raised).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(NoTls::SaidMoreInClear)) => Err(SmtpError::SaidMoreInClear { server: name }),
        Ok(Err(NoTls::Handshake(error))) => Err(match tls::explain(&error) {
            Some(reason) => SmtpError::TlsRefused { server: name, reason },
            None => SmtpError::TlsBroken { server: name, cause: error.to_string() },
        }),
        Err(_) => {
            let cause = format!("nothing came within {:?}", server.limits.connect);
            Err(SmtpError::TlsBroken { server: name, cause })
        }
    }
}

/// What this machine calls itself in EHLO: its host name if that is one, else its address (RFC 5321 §4.1.4).
pub(super) fn own_name(socket: &TcpStream) -> ClientId {
    match (ClientId::default(), socket.local_addr()) {
        (ClientId::Domain(name), _) if is_host_name(&name) => ClientId::Domain(name),
        (_, Ok(SocketAddr::V4(own))) => ClientId::Ipv4(*own.ip()),
        (_, Ok(SocketAddr::V6(own))) => ClientId::Ipv6(*own.ip()),
        (other, Err(_)) => other,
    }
}
