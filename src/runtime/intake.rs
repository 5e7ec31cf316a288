//! The listener for those who call over the network: so many connections at a time, each within its time, in TLS where there is a certificate.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::lifecycle::Tasks;
use crate::flow::intake::Door;
use crate::http::intake::{Intake, router};

/// So many connections at once.
const CONNECTIONS: usize = 64;
/// So many of them from one address; a proxy on this machine may have all.
const EACH: usize = 8;
/// An address that can't be had is tried again after so long.
const AGAIN: Duration = Duration::from_secs(15);
/// How long the handshake, and each head of a request, may take.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection lives: many requests fit.
const LIVES: Duration = Duration::from_secs(5 * 60);
/// After an error of the system, such as too many open files, so long nobody is let in.
const REST: Duration = Duration::from_secs(1);

/// How it is spoken there; a reload may bring another certificate.
pub type Speech = Arc<ArcSwap<Option<Arc<ServerConfig>>>>;

/// Listens at an address and serves there until the daemon is to stop. While the address can't be had the rest of the daemon goes on: `door`
/// says so, and it is tried again.
pub async fn run(
    address: SocketAddr,
    intake: Arc<Intake>,
    speech: Speech,
    tasks: Tasks,
    door: Arc<Door>,
) -> Result<(), Infallible> {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                door.set(None);
                let deaf = || intake.heartbeats.deaf(intake.core.now());
                let stop = tasks.soft().clone();
                return serve(listener, router(Arc::clone(&intake)), deaf, speech, stop).await;
            }
            Err(error) => {
                let trouble = format!(
                    "nobody can call at {address} ({error}), the `listen` of [intake]; it is tried again"
                );
                if door.set(Some(trouble.clone())) {
                    tracing::error!("{trouble}");
                }
            }
        }
        // What can't be heard isn't held against the jobs.
        intake.heartbeats.deaf(intake.core.now());
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = tasks.soft().cancelled() => return Ok(()),
        }
    }
}

/// Serves until `stop`. `full` is called when somebody may have to wait for a place.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    full: impl Fn() + Send,
    speech: Speech,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let peers = Peers::default();
    loop {
        let none_left = places.available_permits() == 0;
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.cancelled() => return Ok(()),
        };
        if none_left {
            full();
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return Ok(()),
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!("A connection couldn't be accepted: {error}");
                tokio::select! {
                    () = tokio::time::sleep(REST) => {}
                    () = stop.cancelled() => return Ok(()),
                }
                continue;
            }
        };
        let Some(seat) = Seat::take(&peers, peer.ip()) else {
            tracing::debug!(peer = %peer.ip(), "A connection too many from one address was closed");
            continue;
        };
        let (router, tls, stop) = (router.clone(), speech.load_full(), stop.clone());
        // Not waited for at a stop: what the store has taken is taken, and the rest the caller sends again.
        tokio::spawn(async move {
            let (_place, _seat) = (place, seat);
            let spoken = tokio::time::timeout(LIVES, speak(stream, router, tls.as_ref().clone(), stop)).await;
            if let Ok(Err(error)) = spoken {
                tracing::debug!("A call over the network broke off: {error}");
            }
        });
    }
}

/// How many connections each address has.
type Peers = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// One of the connections of an address, until it is dropped.
struct Seat {
    peers: Peers,
    of: IpAddr,
}

impl Seat {
    /// None: it has too many. A reverse proxy on this machine speaks for everybody.
    fn take(peers: &Peers, of: IpAddr) -> Option<Seat> {
        let mut all = peers.lock().unwrap_or_else(PoisonError::into_inner);
        let has = all.get(&of).copied().unwrap_or_default();
        if has >= EACH && !of.is_loopback() {
            return None;
        }
        all.insert(of, has + 1);
        Some(Seat { peers: Arc::clone(peers), of })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(&self.of).copied() {
            Some(has) if has > 1 => drop(all.insert(self.of, has - 1)),
            _ => drop(all.remove(&self.of)),
        }
    }
}

async fn speak(
    stream: TcpStream,
    router: Router,
    tls: Option<Arc<ServerConfig>>,
    stop: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match tls {
        None => answer(stream, router, stop).await?,
        Some(config) => {
            let accepting = TlsAcceptor::from(config).accept(stream);
            answer(tokio::time::timeout(HEAD_WITHIN, accepting).await??, router, stop).await?;
        }
    }
    Ok(())
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    stop: CancellationToken,
) -> Result<(), hyper::Error> {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return done,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

#[cfg(test)]
mod tests;
