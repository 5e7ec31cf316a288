//! A sign of life after each good run, to whoever tells somebody when it comes no more: the alerting mustn't die with what it watches.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

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
    states: Mutex<BTreeMap<DirectoryName, PingState>>,
}

/// How the signs of life of a directory are doing, since the daemon started.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PingState {
    /// When one was taken last.
    pub given: Option<DateTime<Utc>>,
    /// Why the last one wasn't taken; None: it was.
    pub trouble: Option<Box<str>>,
    /// Since when none is taken.
    pub failing_since: Option<DateTime<Utc>>,
}

impl Pings {
    /// These. Of runs from before the start nothing is given: they say nothing of what works now.
    pub fn new(all: BTreeMap<DirectoryName, Arc<Ping>>, view: &View) -> Pings {
        let last = view
            .directories
            .iter()
            .filter_map(|(name, state)| Some((name.clone(), state.health.as_ref()?.last_good?)));
        Pings { all: ArcSwap::from_pointee(all), given: Mutex::new(last.collect()), states: Mutex::default() }
    }

    /// Takes these instead.
    pub fn replace(&self, all: BTreeMap<DirectoryName, Arc<Ping>>) {
        // What was said of another address isn't said of this one.
        self.states().clear();
        self.all.store(Arc::new(all));
    }

    /// How those of a directory are doing; None: nobody gets any.
    pub fn state(&self, name: &DirectoryName) -> Option<PingState> {
        let wanted = self.all.load().contains_key(name);
        wanted.then(|| self.states().get(name).cloned().unwrap_or_default())
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
                    let state = PingState { given: Some(now), ..PingState::default() };
                    self.states().insert(name.clone(), state);
                    true
                }
                Err(reason) => {
                    let mut states = self.states();
                    let state = states.entry(name.clone()).or_default();
                    state.failing_since.get_or_insert(now);
                    state.trouble = Some(reason.as_str().into());
                    drop(states);
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

    fn states(&self) -> std::sync::MutexGuard<'_, BTreeMap<DirectoryName, PingState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<DirectoryName, DateTime<Utc>>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
