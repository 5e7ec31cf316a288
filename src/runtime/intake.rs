//! The listener for those who call over the network: so many connections at a time, each within its time, in TLS where there is a certificate.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
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

/// So many connections at once.
const CONNECTIONS: usize = 64;
/// How long the handshake, and each head of a request, may take.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection lives: many requests fit.
const LIVES: Duration = Duration::from_secs(5 * 60);
/// After an error of the system, such as too many open files, so long nobody is let in.
const REST: Duration = Duration::from_secs(1);

/// How it is spoken there; a reload may bring another certificate.
pub type Speech = Arc<ArcSwap<Option<Arc<ServerConfig>>>>;

/// Takes an address.
///
/// # Errors
/// The system, for one that isn't there or is taken.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until the daemon is to stop.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    speech: Speech,
    tasks: Tasks,
) -> Result<(), Infallible> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let stop = tasks.soft().clone();
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.cancelled() => return Ok(()),
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return Ok(()),
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!("A connection couldn't be accepted: {error}");
                tokio::select! {
                    () = tokio::time::sleep(REST) => {}
                    () = stop.cancelled() => return Ok(()),
                }
                continue;
            }
        };
        let (router, tls, stop) = (router.clone(), speech.load_full(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            let spoken = tokio::time::timeout(LIVES, speak(stream, router, tls.as_ref().clone(), stop)).await;
            if let Ok(Err(error)) = spoken {
                tracing::debug!("A call over the network broke off: {error}");
            }
        });
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
