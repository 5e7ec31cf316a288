//! The start as far as it waits for the store. A database of another machine may come later than the daemon: until then callers are told so.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::daemon::StartError;
use super::database;
use super::lifecycle::Signals;
use super::systemd::Notifier;
use crate::config::Config;
use crate::flow::core::{Core, Now, Settings};
use crate::http;
use crate::store::{Opening, StoreError};

/// How long the recovery of a damaged store may keep systemd waiting.
const OPEN_WITHIN: Duration = Duration::from_secs(15 * 60);
/// A database that is away is tried again after this.
const AGAIN: Duration = Duration::from_secs(5);

/// What the start waits with.
pub(super) struct Waiting<'a> {
    pub(super) config: &'a Config,
    pub(super) clock: &'a Clock,
    pub(super) notifier: &'a Notifier,
    /// Who asks meanwhile is told what is waited for.
    pub(super) listener: &'a UnixListener,
}

impl Waiting<'_> {
    /// Opens the store and loads what is in it. A database that is away is waited for; anything else that is wrong with a store is the end.
    ///
    /// # Errors
    /// [`StartError::Stopped`] when the daemon is asked to stop before that.
    pub(super) async fn open(
        &self,
        settings: impl Fn() -> Settings,
        now: &Now,
        signals: &mut Signals,
    ) -> Result<(Core, Opening), StartError> {
        if self.config.store.postgres.is_none() {
            let opening = self.once(settings(), now);
            let opened = self.notifier.while_starting(self.clock, "opening the store", OPEN_WITHIN, opening);
            return Ok(opened.await?);
        }
        let (said, why) = watch::channel("this node looks for its database".to_owned());
        let there = CancellationToken::new();
        let opening = async {
            let opened = loop {
                match self.once(settings(), now).await {
                    Err(error) if error.is_away() => {
                        if !said.borrow().contains(&error.to_string()) {
                            tracing::error!("{error}");
                        }
                        let waits = format!("this node waits for its database: {error}");
                        self.notifier.status(&waits);
                        said.send_replace(waits);
                        self.clock.sleep(AGAIN).await;
                    }
                    done => break done,
                }
            };
            there.cancel();
            opened
        };
        let answering = self.answer(why, there.clone());
        let opening =
            self.notifier.while_starting(self.clock, "looking for the database", Duration::MAX, opening);
        tokio::select! {
            (opened, ()) = async { tokio::join!(opening, answering) } => Ok(opened?),
            () = signals.stop() => Err(StartError::Stopped),
        }
    }

    async fn once(&self, settings: Settings, now: &Now) -> Result<(Core, Opening), StoreError> {
        let (store, opening) = database::open_store(self.config, self.clock).await?;
        match Core::load(store.clone(), settings, now.clone()).await {
            Ok(core) => Ok((core, opening)),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// Tells everybody who asks what is waited for, until it is there.
    async fn answer(&self, why: watch::Receiver<String>, there: CancellationToken) {
        let listener = self.listener.try_clone().and_then(tokio::net::UnixListener::from_std);
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => return tracing::warn!("Callers can't be told that the database is away: {error}"),
        };
        let router = Router::new().fallback(async move || http::error::ApiError::waits(why.borrow().clone()));
        let serving = axum::serve(listener, router).with_graceful_shutdown(there.clone().cancelled_owned());
        tokio::select! {
            served = serving.into_future() => if let Err(error) = served {
                tracing::warn!("Callers can't be told that the database is away: {error}");
            },
            () = async { there.cancelled().await; self.clock.sleep(Duration::from_secs(1)).await } => {}
        }
    }
}
