//! A hint to the other nodes that something was committed, or that one leaves, by LISTEN and NOTIFY where the engine has them. Nothing rests on it: each node looks at every
//! beat, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;

use super::Shared;
use super::keeper::BEAT;

/// What nodes of one database call to each other.
const CHANNEL: &str = "budkavle";
/// What one calls that leaves: its lease is free. Who has committed something calls its own name.
const LEAVES: &str = "leaves";
/// A connection over which nothing was heard for so long may be broken without a word: a new one is made.
const RENEW: Duration = Duration::from_secs(60);
/// After an error it is tried again so much later: the engine may not know how.
const AGAIN: Duration = Duration::from_secs(10);

/// Listens until the store is closed.
pub(super) async fn listen(shared: Arc<Shared>) {
    loop {
        let pause = tokio::select! {
            heard = hear(&shared) => match heard {
                Ok(()) => Duration::ZERO,
                Err(_) if shared.away().is_some() => BEAT,
                Err(error) => {
                    tracing::debug!("No hints of other nodes are heard: {error}");
                    AGAIN
                }
            },
            () = shared.closed.cancelled() => return,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.closed.cancelled() => return,
        }
    }
}

/// Passes hints of others on, until none comes for long.
async fn hear(shared: &Shared) -> Result<(), sqlx::Error> {
    let mut listener = shared.connections.listener().await?;
    let Ok(listens) = tokio::time::timeout(RENEW, listener.listen(CHANNEL)).await else { return Ok(()) };
    listens?;
    while let Ok(heard) = tokio::time::timeout(RENEW, listener.try_recv()).await {
        // A connection that is lost may have had one.
        let payload = heard?.map(|hint| hint.payload().to_owned());
        if payload.as_deref() == Some(shared.connections.sessions()) {
            continue;
        }
        shared.hints.one_leaves.fetch_or(payload.as_deref() == Some(LEAVES), Ordering::SeqCst);
        shared.hints.heard.notify_one();
    }
    Ok(())
}

/// Passes hints on to the others until the store is closed: one for all that was committed while the last one was on its way.
pub(super) async fn call(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.hints.wanted.notified() => {}
            () = shared.closed.cancelled() => return,
        }
        let (line, pool) = (shared.connections.line(), shared.connections.looking());
        if let Err(trouble) = line.ask(notify(&pool, shared.connections.sessions())).await {
            tracing::debug!("The other nodes get no hint, and look by themselves: {trouble:?}");
        }
    }
}

/// Tells the others that this node leaves, if they can be told.
pub(super) async fn leave(pool: &PgPool) {
    let _ = notify(pool, LEAVES).await;
}

async fn notify(pool: &PgPool, what: &str) -> Result<(), sqlx::Error> {
    let query = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(what);
    query.execute(pool).await.map(drop)
}

/// What is to be called, and what was heard.
#[derive(Default)]
pub(super) struct Hints {
    /// Something was committed.
    pub(super) wanted: tokio::sync::Notify,
    /// Somebody else has, or leaves.
    pub(super) heard: tokio::sync::Notify,
    /// One of those leaves.
    pub(super) one_leaves: AtomicBool,
}
