//! Calendars that absences are taken from by a schedule: read them, and let what they say take the place of what they said before. What can't be
//! read leaves that as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::absences::{self, CalendarOf, ImportError, Whose, apart, number, of_events};
use super::core::{Core, audit_entry};
use super::kept::{Kept, Looked};
use crate::domain::absence::import::{Replacement, replace};
use crate::domain::absence::source::{TakenCalendar, Verdict, judge};
use crate::domain::absence::{Absence, Origin};
use crate::domain::audit::{self, Actor};
use crate::domain::ids::{AbsenceId, SourceName, UserId};
use crate::domain::organisation::Organisation;
use crate::domain::table::LineErrors;
use crate::source::calendar::CalendarSource;
use crate::store::{Change, Event, StoreError};

/// No calendar has more absences.
const MOST: usize = 10_000;
/// After so long a calendar is read anew though its server says that nothing has changed: what repeats goes on.
const AT_LEAST: TimeDelta = TimeDelta::days(20);

/// A calendar as the configuration has it.
#[derive(Clone, Debug)]
pub struct CalendarSettings {
    /// Whose it is, as people name them; None: each event is of those who take part in it.
    pub user: Option<Box<str>>,
    /// Who stands in.
    pub deputy: Option<Box<str>>,
    /// Take what takes time at all, not only what is out of office.
    pub busy: bool,
    /// Take what has one of these in its title.
    pub titles: Vec<Box<str>>,
    /// Where it is.
    pub source: CalendarSource,
}

/// How a calendar is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SourceState {
    /// When it was last looked at.
    pub checked: Option<DateTime<Utc>>,
    /// When a look last went well.
    pub good: Option<DateTime<Utc>>,
    /// Why the last look took nothing; a full sentence.
    pub trouble: Option<String>,
    /// Whether what it found waits for `accept`.
    #[serde(default)]
    pub waiting: bool,
}

#[derive(Clone, Default)]
struct State {
    shown: SourceState,
    waiting: Option<Read>,
}

/// What a look at a calendar came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fetched {
    /// Which calendar.
    pub name: SourceName,
    /// How many absences are new or others than before.
    pub put: usize,
    /// How many it doesn't speak of any more.
    pub removed: usize,
    /// How many it says.
    pub absences: usize,
    /// How many people it names who aren't known.
    pub unknown: u32,
    /// What is wrong.
    pub trouble: Option<String>,
}

/// Why nothing could be done.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// There is no such calendar.
    #[error("there is no [[absence_source]] {0}; {1}")]
    NoSource(String, String),
    /// Nothing waits.
    #[error(
        "no calendar {0} waits to be accepted; `budkavle absence sources` shows how the calendars are doing"
    )]
    NotWaiting(SourceName),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The configured calendars and how they are doing.
#[derive(Default)]
pub struct Calendars {
    kept: Kept<SourceName, CalendarSettings, State>,
}

/// What was read of a calendar, and the absences that it says.
type Read = (TakenCalendar, Vec<Absence>);

impl Looked for Calendars {
    type Name = SourceName;

    fn names(&self) -> Vec<SourceName> {
        self.kept.names()
    }

    fn last(&self, name: &SourceName) -> (Option<DateTime<Utc>>, bool) {
        let state = self.state(name);
        (state.checked, state.trouble.is_some())
    }

    async fn look(&self, core: &Core, name: &SourceName) -> Result<(), String> {
        self.fetch(core, name, &Actor::System).await.map(|_| ()).map_err(|e| e.to_string())
    }

    async fn tidy(&self, core: &Core) -> Result<(), StoreError> {
        let settings = self.kept.settings();
        let left: Vec<SourceName> =
            core.view().calendars.keys().filter(|name| !settings.contains_key(*name)).cloned().collect();
        for name in left {
            let _alone = self.kept.alone(&name).await;
            take(core, &name, None, Vec::new(), (&Actor::System, None)).await?;
            tracing::info!(calendar = %name, "A calendar is no longer in the configuration, and what it said of absences is no longer in force");
        }
        Ok(())
    }
}

impl Calendars {
    /// These calendars, none of them looked at.
    pub fn new(settings: BTreeMap<SourceName, CalendarSettings>) -> Calendars {
        Calendars { kept: Kept::new(settings) }
    }

    /// Takes those of another configuration.
    pub fn replace(&self, settings: BTreeMap<SourceName, CalendarSettings>) {
        self.kept.replace(settings);
    }

    /// Where a calendar is, and whose it is.
    pub fn whose(&self, name: &SourceName) -> Option<(String, Option<Box<str>>)> {
        let settings = self.kept.settings();
        let calendar = settings.get(name)?;
        Some((calendar.source.location.to_string(), calendar.user.clone()))
    }

    /// How a calendar is doing.
    pub fn state(&self, name: &SourceName) -> SourceState {
        self.kept.states().get(name).map(|state| state.shown.clone()).unwrap_or_default()
    }

    /// A calendar by name, or which ones there are.
    pub fn named(&self, name: &str) -> Result<SourceName, SourcesError> {
        self.kept.named(name).map_err(|all| SourcesError::NoSource(name.into(), all))
    }

    /// Looks at a calendar, and takes what it says.
    pub async fn fetch(&self, core: &Core, name: &SourceName, by: &Actor) -> Result<Fetched, SourcesError> {
        let _alone = self.kept.alone(name).await;
        let mut all = self.kept.settings();
        let found = loop {
            let Some(settings) = all.get(name) else {
                let all = self.kept.named(&name.0).err().unwrap_or_default();
                return Err(SourcesError::NoSource(name.to_string(), all));
            };
            let found = look(settings, name, core).await;
            // What was found by another configuration isn't what is wanted now.
            let now = self.kept.settings();
            if Arc::ptr_eq(&all, &now) {
                break found;
            }
            all = now;
        };
        let now = core.now();
        let judged = |(_, after): &Read| {
            let organisation = &core.view().organisation;
            let there = |absence: &&Absence| organisation.user(absence.user).is_some();
            judge(said(organisation, name, now).filter(there), after, now)
        };
        let (taken, waiting, trouble) = match found {
            Ok(None) => (None, None, None),
            Ok(Some(read)) => match judged(&read) {
                Verdict::Take => (Some(read), None, None),
                Verdict::Emptied { would_go } => {
                    let words = format!(
                        "it says no absence any more, and {would_go} that run or are to come would go; if that is right: `budkavle absence sources --accept {name}`"
                    );
                    (None, Some(read), Some(words))
                }
            },
            Err(trouble) => (None, None, Some(trouble)),
        };
        let done = match taken {
            Some((taken, absences)) => take(core, name, Some(taken), absences, (by, None)).await?,
            None => Replacement::default(),
        };
        if let Some(trouble) = &trouble {
            tracing::error!(calendar = %name, "The calendar isn't taken, what it said last stays in force: {trouble}");
        }
        let good = if trouble.is_none() { Some(now) } else { self.state(name).good };
        let shown =
            SourceState { checked: Some(now), good, trouble: trouble.clone(), waiting: waiting.is_some() };
        if Arc::ptr_eq(&all, &self.kept.settings()) {
            self.kept.states().insert(name.clone(), State { shown, waiting });
        }
        Ok(fetched(core, name, &done, trouble))
    }

    /// Takes what a calendar says though it takes many absences back, by the word of a person: the very thing that was looked at.
    pub async fn accept(
        &self,
        core: &Core,
        name: &SourceName,
        by: &Actor,
        why: Option<&str>,
    ) -> Result<Fetched, SourcesError> {
        let _alone = self.kept.alone(name).await;
        let waiting = self.kept.states().get(name).and_then(|state| state.waiting.clone());
        let (taken, absences) = waiting.ok_or_else(|| SourcesError::NotWaiting(name.clone()))?;
        let good = Some(taken.taken);
        let done = take(core, name, Some(taken), absences, (by, why)).await?;
        let shown = SourceState { good, trouble: None, waiting: false, ..self.state(name) };
        self.kept.states().insert(name.clone(), State { shown, waiting: None });
        Ok(fetched(core, name, &done, None))
    }
}

fn fetched(core: &Core, name: &SourceName, done: &Replacement, trouble: Option<String>) -> Fetched {
    let view = core.view();
    Fetched {
        name: name.clone(),
        put: done.put.len(),
        removed: done.removed.len(),
        absences: said(&view.organisation, name, core.now()).count(),
        unknown: view.calendars.get(name).map_or(0, |taken| taken.unknown),
        trouble,
    }
}

/// What a calendar says of now and later.
pub fn said<'o>(
    organisation: &'o Organisation,
    name: &SourceName,
    now: DateTime<Utc>,
) -> impl Iterator<Item = &'o Absence> {
    let origin = Origin::Source(name.clone());
    organisation.absences.values().flatten().filter(move |a| a.origin == origin && now < a.until)
}

/// Fetches and reads. None: it is the same as before.
async fn look(settings: &CalendarSettings, name: &SourceName, core: &Core) -> Result<Option<Read>, String> {
    let view = core.view();
    let now = core.now();
    let CalendarSettings { user, deputy, busy, titles, source } = settings;
    let organisation = &view.organisation;
    let find = |key: &str, text: &Option<Box<str>>| -> Result<Option<UserId>, String> {
        let Some(text) = text.as_deref() else { return Ok(None) };
        organisation.find_user(text).map(|user| Some(user.id)).map_err(|e| format!("`{key}`: {e}"))
    };
    // Who they are, not what they are called: an account that was made anew is another one.
    let (owner, deputy) = (find("user", user)?, find("deputy", deputy)?);
    let terms = source.terms(&format!("{owner:?} {deputy:?} {busy} {titles:?} {}", core.settings().zone));
    let there = |absence: &Absence| organisation.user(absence.user).is_some();
    let same = |before: &&Arc<TakenCalendar>| {
        // People that weren't known may be now, and who was may be gone.
        before.terms == terms
            && before.unknown == 0
            && now - before.taken < AT_LEAST
            && said(organisation, name, now).all(there)
    };
    let before = view.calendars.get(name).filter(same);
    let Some(file) = source.read(before.map(Arc::as_ref)).await.map_err(|e| e.to_string())? else {
        return Ok(None);
    };
    let told = |error| match error {
        ImportError::Lines(errors) => format!("{}: {}", source.location, in_short(&errors)),
        ImportError::Store(error) => error.to_string(),
    };
    let of = CalendarOf { user: None, busy: *busy, titles: titles.clone() };
    let events = absences::events(core, file.bytes, &of).await.map_err(told)?;
    let whose = owner.map_or(Whose::Known, Whose::Of);
    let (wanted, unknown) =
        apart(move || of_events(&view.organisation, &events, whose)).await.map_err(told)?;
    if wanted.len() > MOST {
        return Err(format!("it says {} absences, more than {MOST}; publish a shorter period", wanted.len()));
    }
    let absence = |absence: Absence| Absence {
        deputy: deputy.filter(|deputy| *deputy != absence.user),
        origin: Origin::Source(name.clone()),
        ..absence
    };
    let absences = wanted.into_iter().map(|wanted| absence(wanted.absence)).collect();
    let unknown = u32::try_from(unknown).unwrap_or(u32::MAX);
    let (etag, modified) = (file.etag, file.modified);
    Ok(Some((TakenCalendar { name: name.clone(), taken: now, terms, etag, modified, unknown }, absences)))
}

/// The first of many mistakes stand for all.
fn in_short(errors: &LineErrors) -> String {
    let told: Vec<String> = errors.errors.iter().take(3).map(ToString::to_string).collect();
    let more = errors.errors.len().saturating_sub(told.len()) + errors.more;
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", told.join("; "))
}

/// Puts what a calendar says in the place of what it said before; with None, for good.
async fn take(
    core: &Core,
    name: &SourceName,
    taken: Option<TakenCalendar>,
    absences: Vec<Absence>,
    (by, why): (&Actor, Option<&str>),
) -> Result<Replacement, StoreError> {
    let turn = core.turn().await;
    let view = core.view();
    let now = core.now();
    let origin = Origin::Source(name.clone());
    let all = view.organisation.absences.values().flatten();
    let before: Vec<&Absence> = all.filter(|a| a.origin == origin).collect();
    let mut done = replace(before.iter().copied(), absences, now);
    let known = view.calendars.get(name);
    if done.is_empty() && !differs(known.map(Arc::as_ref), taken.as_ref()) {
        return Ok(done);
    }
    number(core, &mut done.put).await?;
    let entry = |action, before: Option<&Absence>, after: Option<&Absence>| -> audit::Entry {
        let id = after.or(before).map_or(AbsenceId(0), |absence| absence.id);
        audit_entry(now, by, action, format!("absence {id}"), before, after, why)
    };
    let put = done.put.iter().map(|after| {
        let before = before.iter().find(|b| b.id == after.id).copied();
        let action = if before.is_some() { "absence changed" } else { "absence noted" };
        (after.clone(), entry(action, before, Some(after)))
    });
    let removed = done.removed.iter().map(|gone| (gone.id, entry("absence removed", Some(gone), None)));
    let change = Change::Calendar {
        name: name.clone(),
        taken: taken.clone().map(Box::new),
        put: put.collect(),
        removed: removed.collect(),
    };
    let event = Event { at: now, change, notices: Vec::new(), audit: None };
    turn.commit(event, |view, _, now| {
        let calendars = &mut view.calendars;
        match taken {
            Some(taken) => drop(calendars.insert(name.clone(), Arc::new(taken))),
            None => drop(calendars.remove(name)),
        }
        let mut organisation = view.organisation.as_ref().clone();
        organisation.replace_absences(&done);
        view.take(organisation, now);
    })
    .await?;
    if !done.is_empty() {
        let (put, removed) = (done.put.len(), done.removed.len());
        tracing::info!(calendar = %name, put, removed, "A calendar says something new of absences");
    }
    Ok(done)
}

/// Whether it is worth noting though nobody's absence is another one. That a calendar says the same again isn't: some servers make it anew for
/// whoever asks.
fn differs(before: Option<&TakenCalendar>, after: Option<&TakenCalendar>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return before.is_some() || after.is_some() };
    TakenCalendar { taken: before.taken, ..after.clone() } != *before
        || after.taken - before.taken >= AT_LEAST
}

#[cfg(test)]
mod tests;
