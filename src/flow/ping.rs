//! A sign of life after each good run, to whoever tells somebody when it comes no more: the alerting mustn't die with what it watches.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::core::{Core, View};
use crate::channel::Ping;
use crate::domain::ids::DirectoryName;

/// A sign that isn't taken is given again after so long.
const AGAIN: TimeDelta = TimeDelta::seconds(30);
/// One that comes later than this after its run would say what isn't true any more.
const FRESH: TimeDelta = TimeDelta::minutes(15);

/// Who wants signs of life, of which directory; and of which runs they were given.
pub struct Pings {
    all: ArcSwap<BTreeMap<DirectoryName, Arc<Ping>>>,
    given: Mutex<BTreeMap<DirectoryName, DateTime<Utc>>>,
}

impl Pings {
    /// These. Of runs from before the start nothing is given: they say nothing of what works now.
    pub fn new(all: BTreeMap<DirectoryName, Arc<Ping>>, view: &View) -> Pings {
        let last = view
            .directories
            .iter()
            .filter_map(|(name, state)| Some((name.clone(), state.health.as_ref()?.last_good?)));
        Pings { all: ArcSwap::from_pointee(all), given: Mutex::new(last.collect()) }
    }

    /// Takes these instead.
    pub fn replace(&self, all: BTreeMap<DirectoryName, Arc<Ping>>) {
        self.all.store(Arc::new(all));
    }

    /// Gives a sign for each good run that there was none of yet, side by side; returns when to try again what wasn't taken.
    pub async fn tick(&self, core: &Core) -> Option<DateTime<Utc>> {
        let (view, now) = (core.view(), core.now());
        let all = self.all.load_full();
        let due = all.iter().filter_map(|(name, ping)| {
            let good = view.directories.get(name)?.health.as_ref()?.last_good?;
            let fresh = now - good <= FRESH && self.lock().get(name).is_none_or(|given| *given != good);
            fresh.then_some((name, ping, good))
        });
        let giving = due.map(|(name, ping, good)| async move {
            match ping.give(now).await {
                Ok(()) => {
                    self.lock().insert(name.clone(), good);
                    true
                }
                Err(reason) => {
                    tracing::warn!(
                        directory = &*name.0,
                        "The sign of life after a good run wasn't taken: {reason}"
                    );
                    false
                }
            }
        });
        let taken = join_all(giving).await;
        taken.contains(&false).then(|| core.now() + AGAIN)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<DirectoryName, DateTime<Utc>>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
