//! Vendors' status pages, looked at by their schedules. What can't be read opens and closes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Taken, note, take};
use crate::domain::ids::FeedName;
use crate::domain::intake::decide::Told;
use crate::domain::intake::{Changes, Followed, Policy, TakenFeed, Teller};
use crate::flow::core::Core;
use crate::flow::kept::{Kept, Looked};
use crate::source::feed::{FeedSource, Fetched};
use crate::store::StoreError;

/// A status page as the configuration has it.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// Where it is and how it is written.
    pub source: FeedSource,
    /// What counts of it.
    pub policy: Policy,
}

/// How a status page is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FeedState {
    /// When it was last looked at.
    pub checked: Option<DateTime<Utc>>,
    /// When a look last went well.
    pub good: Option<DateTime<Utc>>,
    /// What was wrong at the last look; full sentences.
    pub trouble: Option<String>,
}

/// What a look came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Polled {
    /// Which page.
    pub name: FeedName,
    /// Whether nothing was done but to look.
    pub dry_run: bool,
    /// Whether its server said that it is what it was.
    pub unchanged: bool,
    /// How many entries it has.
    pub entries: usize,
    /// What was done, and what wasn't.
    #[serde(flatten)]
    pub taken: Taken,
    /// What is wrong.
    pub trouble: Option<String>,
}

/// Why nothing could be done.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// There is no such page.
    #[error("there is no [[feed]] {0}; {1}")]
    NoFeed(String, String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The configured pages and how they are doing.
#[derive(Default)]
pub struct Feeds {
    kept: Kept<FeedName, FeedSettings, FeedState>,
}

impl Looked for Feeds {
    type Name = FeedName;

    fn names(&self) -> Vec<FeedName> {
        self.kept.names()
    }

    fn last(&self, name: &FeedName) -> (Option<DateTime<Utc>>, bool) {
        // What is wrong now may be right at the next look, which comes soon: hence never sooner than that.
        (self.state(name).checked, false)
    }

    async fn look(&self, core: &Core, name: &FeedName) -> Result<(), String> {
        self.poll(core, name, false).await.map(drop).map_err(|e| e.to_string())
    }

    async fn tidy(&self, core: &Core) -> Result<(), StoreError> {
        let settings = self.kept.settings();
        let view = core.view();
        let followed = view.intake.followed.keys().filter_map(|teller| match teller {
            Teller::Feed(name) => Some(name),
            Teller::Alertmanager => None,
        });
        let all: BTreeSet<&FeedName> = view.intake.feeds.keys().chain(followed).collect();
        for name in all.into_iter().filter(|name| !settings.contains_key(*name)) {
            let _alone = self.kept.alone(name).await;
            let (teller, view) = (Teller::Feed(name.clone()), core.view());
            // What is open is remembered: should the feed come back, it isn't opened again beside that.
            let is_open = |of: &Followed| {
                of.over.is_none() && of.outage.is_some_and(|id| view.outages.contains_key(&id))
            };
            let past = view.intake.of(&teller).filter(|followed| !is_open(followed));
            let past = past.map(|followed| (teller.clone(), followed.key.clone(), None)).collect();
            let read = view.intake.feeds.contains_key(name).then(|| (name.clone(), None));
            let changes = Changes { feeds: read.into_iter().collect(), followed: past, ..Changes::default() };
            if changes.is_empty() {
                continue;
            }
            let is_new = !changes.feeds.is_empty();
            note(core, changes).await?;
            if is_new {
                tracing::info!(feed = %name, "A feed is no longer in the configuration; outages that it opened are closed by hand now");
            }
        }
        Ok(())
    }
}

impl Feeds {
    /// These pages, none of them looked at.
    pub fn new(settings: BTreeMap<FeedName, FeedSettings>) -> Feeds {
        Feeds { kept: Kept::new(settings) }
    }

    /// Takes those of another configuration.
    pub fn replace(&self, settings: BTreeMap<FeedName, FeedSettings>) {
        self.kept.replace(settings);
    }

    /// Where a page is.
    pub fn location(&self, name: &FeedName) -> Option<String> {
        Some(self.kept.settings().get(name)?.source.location.to_string())
    }

    #[cfg(test)]
    pub(super) fn settings_of(&self, name: &FeedName) -> Option<FeedSettings> {
        self.kept.settings().get(name).cloned()
    }

    /// How a page is doing.
    pub fn state(&self, name: &FeedName) -> FeedState {
        self.kept.states().get(name).cloned().unwrap_or_default()
    }

    /// A page by name, or which ones there are.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn named(&self, name: &str) -> Result<FeedName, FeedsError> {
        self.kept.named(name).map_err(|all| FeedsError::NoFeed(name.into(), all))
    }

    /// Looks at a page, and does what follows; with `dry` it reads all of it and only finds what would follow.
    ///
    /// # Errors
    /// [`FeedsError`]. That it can't be read is told in what this returns, and kept for the status.
    pub async fn poll(&self, core: &Core, name: &FeedName, dry: bool) -> Result<Polled, FeedsError> {
        let _alone = self.kept.alone(name).await;
        let all = self.kept.settings();
        let Some(FeedSettings { source, policy }) = all.get(name) else {
            let all = self.kept.named(&name.0).err().unwrap_or_default();
            return Err(FeedsError::NoFeed(name.to_string(), all));
        };
        let view = core.view();
        let terms = source.terms(&format!("{policy:?}"));
        let before = view.intake.feeds.get(name).filter(|taken| taken.terms == terms);
        let fetched = source.read(before.filter(|_| !dry)).await;
        // By another configuration it would be another answer: its own look follows.
        let current = || Arc::ptr_eq(&all, &self.kept.settings());
        if !dry && !current() {
            let trouble = Some("the configuration was reloaded meanwhile; it is looked at again".to_owned());
            let taken = Taken::default();
            return Ok(Polled {
                name: name.clone(),
                dry_run: dry,
                unchanged: true,
                entries: 0,
                taken,
                trouble,
            });
        }
        let mut polled = Polled {
            name: name.clone(),
            dry_run: dry,
            unchanged: matches!(fetched, Ok(Fetched::Same)),
            entries: before.map_or(0, |taken| usize::try_from(taken.entries).unwrap_or(usize::MAX)),
            taken: Taken::default(),
            trouble: None,
        };
        let (told, read) = match fetched {
            Ok(Fetched::Same) => (Some(Told::Same), None),
            Ok(Fetched::New { listed, etag, modified }) => {
                polled.entries = listed.reports.len();
                let entries = u32::try_from(polled.entries).unwrap_or(u32::MAX);
                let first = !view.intake.feeds.contains_key(name);
                let name = name.clone();
                let taken = TakenFeed { name, taken: core.now(), terms, etag, modified, entries };
                (Some(Told::All { listed, first }), Some(taken))
            }
            Err(error) => {
                polled.trouble = Some(error.to_string());
                (Some(Told::Nothing), None)
            }
        };
        if let Some(told) = told {
            polled.taken = take(core, &Teller::Feed(name.clone()), policy, told, dry).await?;
            let troubles = polled.trouble.take().into_iter().chain(polled.taken.troubles.iter().cloned());
            let troubles: Vec<String> = troubles.collect();
            polled.trouble = Some(troubles.join("; ")).filter(|text| !text.is_empty());
        }
        if dry {
            return Ok(polled);
        }
        if let Some(read) = read.map(|read| remembered(read, before, polled.taken.ripens)) {
            // That it says the same again isn't worth noting: some servers make it anew for whoever asks.
            if before != Some(&read) {
                note(core, Changes { feeds: vec![(name.clone(), Some(read))], ..Changes::default() }).await?;
            }
        }
        self.remember(core, name, &polled, current());
        Ok(polled)
    }

    fn remember(&self, core: &Core, name: &FeedName, polled: &Polled, current: bool) {
        let (now, before) = (core.now(), self.state(name));
        if polled.trouble != before.trouble {
            match &polled.trouble {
                Some(trouble) => tracing::error!(feed = %name, "A feed is in trouble: {trouble}"),
                None => tracing::info!(feed = %name, "A feed is well again"),
            }
        }
        if current {
            let good = if polled.trouble.is_none() { Some(now) } else { before.good };
            let state = FeedState { checked: Some(now), good, trouble: polled.trouble.clone() };
            self.kept.states().insert(name.clone(), state);
        }
    }
}

/// What is kept of a reading. When the same words may come to something else later, the server isn't asked whether they are the same.
fn remembered(read: TakenFeed, before: Option<&TakenFeed>, ripens: bool) -> TakenFeed {
    let read = if ripens { TakenFeed { etag: None, modified: None, ..read } } else { read };
    match before {
        Some(before) => {
            let same = TakenFeed { taken: before.taken, ..read.clone() } == *before;
            if same { before.clone() } else { read }
        }
        None => read,
    }
}
