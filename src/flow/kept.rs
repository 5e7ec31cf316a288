//! What is looked at elsewhere by a schedule, each under its name: how it is to be read, and how it is doing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use tokio::sync::OwnedMutexGuard;

use super::core::Core;
use crate::store::StoreError;

/// Several of a kind.
pub struct Kept<Name, Settings, State> {
    settings: ArcSwap<BTreeMap<Name, Settings>>,
    states: Mutex<BTreeMap<Name, State>>,
    /// One look at each at a time, so that an old answer can't come after a new one. A server that hangs holds up no other.
    looking: Mutex<BTreeMap<Name, Arc<tokio::sync::Mutex<()>>>>,
}

impl<Name: Ord, Settings, State> Default for Kept<Name, Settings, State> {
    fn default() -> Self {
        Kept::new(BTreeMap::new())
    }
}

impl<Name: Ord, Settings, State> Kept<Name, Settings, State> {
    /// These, none of them looked at.
    pub fn new(settings: BTreeMap<Name, Settings>) -> Self {
        Kept {
            settings: ArcSwap::from_pointee(settings),
            states: Mutex::default(),
            looking: Mutex::default(),
        }
    }

    /// Takes those of another configuration, none of them looked at.
    pub fn replace(&self, settings: BTreeMap<Name, Settings>) {
        self.settings.store(Arc::new(settings));
        self.states().clear();
    }

    /// How each is read.
    pub fn settings(&self) -> Arc<BTreeMap<Name, Settings>> {
        self.settings.load_full()
    }

    /// How each is doing that was looked at.
    pub fn states(&self) -> MutexGuard<'_, BTreeMap<Name, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Name: Ord + Clone + std::fmt::Display, Settings, State> Kept<Name, Settings, State> {
    /// Waits until nobody else looks at one.
    pub async fn alone(&self, name: &Name) -> OwnedMutexGuard<()> {
        let one = {
            let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(looking.entry(name.clone()).or_default())
        };
        one.lock_owned().await
    }

    /// Their names.
    pub fn names(&self) -> Vec<Name> {
        self.settings.load().keys().cloned().collect()
    }

    /// The one of this name, or which ones there are, in words.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn named(&self, name: &str) -> Result<Name, String> {
        let names = self.names();
        names.iter().find(|known| known.to_string() == name).cloned().ok_or_else(|| {
            let all: Vec<String> = names.iter().map(ToString::to_string).collect();
            if all.is_empty() {
                "none is configured".into()
            } else {
                format!("there are: {}", all.join(", "))
            }
        })
    }
}

/// What can be looked at by a schedule.
pub trait Looked: Send + Sync + 'static {
    /// What each is called.
    type Name: Ord + Clone + std::fmt::Display + Send + Sync;

    /// Their names.
    fn names(&self) -> Vec<Self::Name>;

    /// When one was last looked at, and whether that went wrong.
    fn last(&self, name: &Self::Name) -> (Option<DateTime<Utc>>, bool);

    /// Looks at one, whose state then says how it went.
    fn look(&self, core: &Core, name: &Self::Name) -> impl Future<Output = Result<(), String>> + Send;

    /// Puts away what is left of those that are no longer looked at.
    fn tidy(&self, _core: &Core) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }
}
