//! Where the pages of `[public]` are asked for. A reload may move it: then it is listened at the new address before anything else is taken over, so that no
//! message has a link to where nobody answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::intake;
use super::lifecycle::Tasks;
use super::wire::WireError;
use crate::config::Config;

/// Where it is listened, and the way to whoever serves there.
pub struct Pages {
    at: Mutex<Option<SocketAddr>>,
    moves: UnboundedSender<Option<TcpListener>>,
}

/// A place at which it is listened already, or none any more; nobody is served there yet.
pub struct Moved {
    at: Option<SocketAddr>,
    listener: Option<TcpListener>,
}

impl Pages {
    /// Nowhere, and what [`serve`] takes.
    pub fn new() -> (Pages, UnboundedReceiver<Option<TcpListener>>) {
        let (moves, moved) = unbounded_channel();
        (Pages { at: Mutex::default(), moves }, moved)
    }

    /// Listens where the configuration says. None: it is done there already.
    ///
    /// # Errors
    /// The address can't be had; everything stays as it was.
    pub async fn prepare(&self, config: &Config) -> Result<Option<Moved>, WireError> {
        let at = config.public.as_ref().map(|public| public.listen);
        if *self.at.lock().unwrap_or_else(PoisonError::into_inner) == at {
            return Ok(None);
        }
        let listener = match at {
            None => None,
            Some(address) => {
                let listening = TcpListener::bind(address).await;
                Some(listening.map_err(|cause| WireError::Pages { address, cause })?)
            }
        };
        Ok(Some(Moved { at, listener }))
    }

    /// Serves there from now on, and no longer where it was.
    pub fn take(&self, moved: Option<Moved>) {
        let Some(Moved { at, listener }) = moved else { return };
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = at;
        // Without whoever serves the daemon is at its end.
        let _ = self.moves.send(listener);
    }
}

/// Serves wherever it is listened last, until the daemon is to stop. Whoever is connected at a move is answered to the end.
pub async fn serve(
    mut moves: UnboundedReceiver<Option<TcpListener>>,
    router: Router,
    tasks: Tasks,
) -> Result<(), Infallible> {
    let plain: intake::Speech = Arc::new(ArcSwap::from_pointee(None));
    let mut listener = None;
    while !tasks.soft().is_cancelled() {
        let stop = tasks.soft().child_token();
        let serving = async {
            match listener.take() {
                Some(listener) => {
                    let (router, plain) = (router.clone(), Arc::clone(&plain));
                    intake::serve(listener, router, || {}, plain, stop.clone()).await
                }
                None => {
                    stop.cancelled().await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            Some(next) = moves.recv() => {
                stop.cancel();
                listener = next;
            }
            served = serving => served?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
