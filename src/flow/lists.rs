//! Lists that somebody else keeps: read them, judge them, and take what may be believed. What can't be leaves the last good one in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::core::{Core, audit_entry};
use super::kept::{Kept, Looked};
use crate::domain::audit::Actor;
use crate::domain::lists::{Format, ListName, Rules, TakenList, Verdict, judge, listed, parse};
use crate::domain::roles::RoleName;
use crate::source::list::{Fetched, ListSource, hex};
use crate::store::{Change, Event, StoreError};

/// A list as the configuration has it.
#[derive(Clone, Debug)]
pub struct ListSettings {
    /// The roles that it may give.
    pub roles: Vec<RoleName>,
    /// How it is written.
    pub format: Format,
    /// Where its days begin.
    pub zone: Tz,
    /// Where it is, and by what it is believed.
    pub source: ListSource,
}

/// How a list is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ListState {
    /// When it was last looked at.
    pub checked: Option<DateTime<Utc>>,
    /// Why the last look took nothing though there is something; a full sentence.
    pub trouble: Option<String>,
    /// The SHA-256 of one that waits for `accept`.
    pub waiting: Option<String>,
}

/// What a look at a list came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refreshed {
    /// Which list.
    pub name: ListName,
    /// Whether another one is in force now.
    pub taken: bool,
    /// How many people are on the one in force.
    pub people: usize,
    /// What is wrong.
    pub trouble: Option<String>,
}

/// Why nothing could be done.
#[derive(Debug, thiserror::Error)]
pub enum ListsError {
    /// There is no such list.
    #[error("there is no list {0}; {1}")]
    NoList(String, String),
    /// Nothing waits.
    #[error("no list {0} waits to be accepted; `budkavle lists list` shows how the lists are doing")]
    NotWaiting(ListName),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The configured lists and how they are doing.
#[derive(Default)]
pub struct Lists {
    kept: Kept<ListName, ListSettings, State>,
}

#[derive(Clone, Default)]
struct State {
    shown: ListState,
    waiting: Option<TakenList>,
}

impl Looked for Lists {
    type Name = ListName;

    fn names(&self) -> Vec<ListName> {
        self.kept.names()
    }

    fn last(&self, name: &ListName) -> (Option<DateTime<Utc>>, bool) {
        let state = self.state(name);
        (state.checked, state.trouble.is_some())
    }

    async fn look(&self, core: &Core, name: &ListName) -> Result<(), String> {
        self.refresh(core, name, &Actor::System).await.map(|_| ()).map_err(|e| e.to_string())
    }
}

impl Lists {
    /// These lists, none of them looked at.
    pub fn new(settings: BTreeMap<ListName, ListSettings>) -> Lists {
        Lists { kept: Kept::new(settings) }
    }

    /// Takes those of another configuration. What waited by the old one waits no longer.
    pub fn replace(&self, settings: BTreeMap<ListName, ListSettings>) {
        self.kept.replace(settings);
    }

    /// Where a list is.
    pub fn location(&self, name: &ListName) -> Option<String> {
        Some(self.kept.settings().get(name)?.source.location.to_string())
    }

    /// How a list is doing.
    pub fn state(&self, name: &ListName) -> ListState {
        self.kept.states().get(name).map(|state| state.shown.clone()).unwrap_or_default()
    }

    /// A list by name, or which ones there are.
    pub fn named(&self, name: &str) -> Result<ListName, ListsError> {
        self.kept.named(name).map_err(|all| ListsError::NoList(name.into(), all))
    }

    /// Looks at a list, and takes what is new and may be believed.
    pub async fn refresh(&self, core: &Core, name: &ListName, by: &Actor) -> Result<Refreshed, ListsError> {
        let _alone = self.kept.alone(name).await;
        let mut all = self.kept.settings();
        let (before, found) = loop {
            let Some(settings) = all.get(name) else {
                return Err(self.named(&name.0).err().unwrap_or(ListsError::NotWaiting(name.clone())));
            };
            let before = core.view().lists.get(name).cloned();
            let found = look(settings, name, before.as_deref(), core.now()).await;
            // What was found by another configuration, with its address and its key, isn't what is wanted now.
            let now = self.kept.settings();
            if Arc::ptr_eq(&all, &now) {
                break (before, found);
            }
            all = now;
        };
        let zone = all.get(name).map_or(Tz::UTC, |settings| settings.zone);
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d").to_string();
        let (trouble, waiting, take) = match found {
            Ok(None) => (None, None, None),
            Ok(Some((list, Verdict::Take))) => (None, None, Some(list)),
            // The same people under another checksum or ETag: kept as it is now, so that the next look is conditional.
            Ok(Some((list, Verdict::Same))) => {
                (None, None, Some(list).filter(|list| differs(before.as_deref(), list)))
            }
            Ok(Some((list, Verdict::Older { issued, in_force }))) => {
                let words = format!(
                    "it was issued {}, before the one in force ({}): somebody sends an old list again; if it is to be taken all the same: `budkavle lists accept {name}`",
                    day(issued),
                    day(in_force)
                );
                (Some(words), Some(list), None)
            }
            Ok(Some((list, Verdict::Undated { in_force }))) => {
                let words = format!(
                    "it doesn't say when it was issued, as the one in force does ({}): it may be an old list; if it is to be taken all the same: `budkavle lists accept {name}`",
                    day(in_force)
                );
                (Some(words), Some(list), None)
            }
            Ok(Some((_, Verdict::Ahead { issued }))) => {
                let words = format!("it was issued on a day that is still to come ({})", day(issued));
                (Some(words), None, None)
            }
            Ok(Some((list, Verdict::Emptied { roles }))) => {
                let roles: Vec<&str> = roles.iter().map(|role| &*role.0).collect();
                let words = format!(
                    "it has nobody any more for {}; if that is right: `budkavle lists accept {name}`",
                    roles.join(", ")
                );
                (Some(words), Some(list), None)
            }
            Err(error) => (Some(error), None, None),
        };
        match &trouble {
            Some(trouble) => {
                tracing::error!(list = %name, "The list isn't taken, the last good one stays in force: {trouble}");
            }
            None => tracing::debug!(list = %name, "The list was looked at"),
        }
        let shown = ListState {
            checked: Some(core.now()),
            trouble: trouble.clone(),
            waiting: waiting.as_ref().map(|list| hex(&list.sha256)),
        };
        let taken = take.is_some();
        if let Some(list) = take {
            self.take(core, list, (by, None)).await?;
        }
        if Arc::ptr_eq(&all, &self.kept.settings()) {
            self.kept.states().insert(name.clone(), State { shown, waiting });
        }
        let people = core.view().lists.get(name).map_or(0, |list| list.listing.people.len());
        Ok(Refreshed { name: name.clone(), taken, people, trouble })
    }

    /// Takes a list that waits, by the word of a person: the very one that was looked at.
    pub async fn accept(
        &self,
        core: &Core,
        name: &ListName,
        by: &Actor,
        why: Option<&str>,
    ) -> Result<Refreshed, ListsError> {
        let _alone = self.kept.alone(name).await;
        let waiting = self.kept.states().get(name).and_then(|state| state.waiting.clone());
        let list = waiting.ok_or_else(|| ListsError::NotWaiting(name.clone()))?;
        let people = list.listing.people.len();
        self.take(core, list, (by, why)).await?;
        let shown = ListState { checked: self.state(name).checked, ..ListState::default() };
        self.kept.states().insert(name.clone(), State { shown, waiting: None });
        Ok(Refreshed { name: name.clone(), taken: true, people, trouble: None })
    }

    async fn take(
        &self,
        core: &Core,
        list: TakenList,
        (by, why): (&Actor, Option<&str>),
    ) -> Result<(), StoreError> {
        let turn = core.turn().await;
        let view = core.view();
        let before = view.lists.get(&list.name);
        let same = before.is_some_and(|before| before.listing == list.listing);
        let now = core.now();
        let object = format!("list {}", list.name);
        let audit = (!same).then(|| {
            let people = |list: &TakenList| list.listing.people.clone();
            audit_entry(
                now,
                by,
                "list taken",
                object,
                before.map(|b| people(b)).as_ref(),
                Some(&people(&list)),
                why,
            )
        });
        let change = Change::List(Box::new(list.clone()));
        let event = Event { at: now, change, notices: Vec::new(), audit };
        let (name, people) = (list.name.clone(), list.listing.people.len());
        turn.commit(event, |view, settings, now| {
            let mut lists = BTreeMap::clone(&view.lists);
            lists.insert(list.name.clone(), Arc::new(list));
            view.lists = lists;
            let listed = listed(&view.lists, &settings.lists);
            let organisation = view.organisation.as_ref().clone().listing(listed);
            view.take(organisation, now);
        })
        .await?;
        if !same {
            tracing::info!(list = %name, people, "A new list is in force");
        }
        Ok(())
    }
}

/// Whether it is worth keeping in place of one that says the same.
fn differs(before: Option<&TakenList>, list: &TakenList) -> bool {
    let of = |list: &TakenList| (list.sha256, list.terms, list.etag.clone(), list.modified.clone());
    before.map(of) != Some(of(list))
}

/// Fetches, believes, reads and judges. None: it is the one in force.
async fn look(
    settings: &ListSettings,
    name: &ListName,
    before: Option<&TakenList>,
    now: DateTime<Utc>,
) -> Result<Option<(TakenList, Verdict)>, String> {
    let source = &settings.source;
    let file = match source.read(before).await.map_err(|e| e.to_string())? {
        Fetched::Same => return Ok(None),
        Fetched::New(file) => file,
    };
    let rules = Rules { roles: &settings.roles, zone: settings.zone };
    let listing =
        parse(&file.bytes, settings.format, rules).map_err(|e| format!("{}: {e}", source.location))?;
    let verdict = judge(before.map(|before| &before.listing), &listing, rules.roles, now);
    let list = TakenList {
        name: name.clone(),
        listing,
        taken: now,
        from: source.location.to_string().into(),
        sha256: file.sha256,
        terms: source.terms(),
        etag: file.etag,
        modified: file.modified,
    };
    Ok(Some((list, verdict)))
}

#[cfg(test)]
mod tests;
