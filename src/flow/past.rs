//! The organisation at a time in the past, as it was known then.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;

use super::core::Core;
use crate::domain::past::{Arrangement, Past, Rewind, Unknown, Was};
use crate::store::StoreError;

/// So many organisations of the past are made at once; whoever asks for more waits. Each takes a thread, and memory for what has
/// changed since.
pub const AT_ONCE: usize = 2;

/// Why it can't be told how it was.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It isn't known.
    #[error("{}", .0.in_zone(chrono_tz::Tz::UTC))]
    Unknown(Unknown),
    /// The work ended without a result: the daemon ends, or a bug that the log tells.
    #[error("the look into the past was broken off; the daemon's log says why")]
    BrokenOff,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The organisation as it was known at `at`. It costs what has changed since then, besides arranging who holds what.
pub async fn at(core: &Core, at: DateTime<Utc>) -> Result<Past, PastError> {
    let looking_back = Arc::clone(&core.looking_back);
    let permit = looking_back.acquire_owned().await.map_err(|_| PastError::BrokenOff)?;
    // Both of one moment; what is committed after it makes a later generation.
    let (view, settings) = {
        let _turn = core.turn().await;
        (core.view(), core.settings())
    };
    let entries = core.store.past(at, view.generation).await?;
    let (organisation, lists) = (Arc::clone(&view.organisation), view.lists.clone());
    let arrangement = Arrangement { roles: organisation.roles.clone(), lists: settings.lists.clone() };
    // Who asked may leave: what runs then keeps its turn with it, so that never more do.
    let mut work = (Rewind::new(organisation, lists, arrangement, at), permit);
    for entry in entries {
        let steps = match entry.was {
            Was::Run(run) => core.store.steps(run).await?,
            _ => Vec::new(),
        };
        work = apart(move || {
            work.0.take_back(entry, &steps).map_err(PastError::Unknown)?;
            Ok(work)
        })
        .await?;
    }
    apart(move || work.0.end().map_err(PastError::Unknown)).await
}

async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PastError> + Send + 'static,
) -> Result<T, PastError> {
    spawn_blocking(work).await.unwrap_or(Err(PastError::BrokenOff))
}
