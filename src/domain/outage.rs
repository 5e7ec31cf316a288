//! An outage from its first word to its last: an incident, or maintenance that is planned.
//!
//! [`maintenance`] knows what the clock brings, [`edit`] what may be corrected, [`stale`] when nobody has said a word for too long;
//! [`inhibit`] knows which speaks for which; [`audience`] finds who is told and who isn't, and why; [`calendar`] is what goes into people's calendars; [`said`] is what the system says by itself; [`policy`] is what the
//! configuration says of all that.

pub mod audience;
pub mod calendar;
pub mod edit;
pub mod inhibit;
pub mod maintenance;
pub mod policy;
pub mod said;
pub mod stale;
#[cfg(test)]
pub(crate) mod tests;
mod word;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use self::edit::Edit;
use self::maintenance::Plan;
use self::said::{PlainUpdate, Said};
use super::audit::Actor;
use super::ids::{OutageId, UnitId};
use super::mailbox::Address;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A nuisance; work goes on.
    Minor,
    /// Work is hindered.
    Major,
    /// Work stands still.
    Critical,
}

/// Where an incident stands, or maintenance: an incident is investigated, identified, monitored and resolved, maintenance planned,
/// reminded of, started and completed, or cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Something is wrong; why is not known.
    Investigating,
    /// The cause is known.
    Identified,
    /// It should work again; it is being watched.
    Monitoring,
    /// It is over.
    Resolved,
    /// It is announced.
    Planned,
    /// It begins soon, and that was told.
    Reminded,
    /// It is under way.
    Started,
    /// It was carried out.
    Completed,
    /// It won't be carried out.
    Cancelled,
}

impl State {
    /// Whether nothing follows.
    pub fn is_end(self) -> bool {
        matches!(self, State::Resolved | State::Completed | State::Cancelled)
    }

    /// Whether it is one of maintenance.
    pub fn is_of_maintenance(self) -> bool {
        matches!(
            self,
            State::Planned | State::Reminded | State::Started | State::Completed | State::Cancelled
        )
    }
}

macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ }) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $($type::$variant => $word),+ })
            }
        }
    };
}

words!(Severity { Minor => "minor", Major => "major", Critical => "critical" });
words!(State {
    Investigating => "investigating", Identified => "identified", Monitoring => "monitoring", Resolved => "resolved",
    Planned => "planned", Reminded => "reminded", Started => "started", Completed => "completed", Cancelled => "cancelled"
});

/// One word on the outage to those concerned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Update {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: Actor,
    /// Where it stands from then on.
    pub state: State,
    /// What there is to say: as an operator wrote it, or what the system says, in English and by the organisation's clocks.
    pub text: Box<str>,
    /// What the system says. None: an operator wrote the text, or it is of before this was kept.
    #[serde(default)]
    pub said: Option<Said>,
}

/// An incident or maintenance that people are told of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outage {
    /// Its number.
    pub id: OutageId,
    /// One line.
    pub title: Box<str>,
    /// How bad it is.
    pub severity: Severity,
    /// Which services are concerned.
    pub services: Vec<Box<str>>,
    /// Which units are concerned; none: the whole organisation.
    pub units: Vec<UnitId>,
    /// Everything said so far, the opening first. Never empty.
    pub updates: Vec<Update>,
    /// When it is carried out, of maintenance. None: an incident.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// Who is told of it besides those who are contacts.
    #[serde(default)]
    pub also: Vec<Address>,
    /// What was corrected, the oldest first.
    #[serde(default)]
    pub edits: Vec<Edit>,
    /// How many of its versions are no words to those concerned: corrections, and nags.
    #[serde(default)]
    pub silent: u32,
    /// How often it was pointed out since the last word that nothing was said any more.
    #[serde(default)]
    pub nags: u32,
    /// Whether it asks to be taken on, whatever the configuration says of its kind.
    #[serde(default)]
    pub ack: bool,
}

/// An incident as it was before there was maintenance: what notices and stores of that time hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: OutageId,
    /// One line.
    pub title: Box<str>,
    /// How bad it is.
    pub severity: Severity,
    /// Which services are concerned.
    pub services: Vec<Box<str>>,
    /// Which units are concerned; none: the whole organisation.
    pub units: Vec<UnitId>,
    /// Everything said so far, the opening first.
    pub updates: Vec<PlainUpdate>,
}

impl From<Incident> for Outage {
    fn from(old: Incident) -> Outage {
        let Incident { id, title, severity, services, units, updates } = old;
        Outage {
            id,
            title,
            severity,
            services,
            units,
            updates: updates.into_iter().map(Update::from).collect(),
            plan: None,
            also: Vec::new(),
            edits: Vec::new(),
            silent: 0,
            nags: 0,
            ack: false,
        }
    }
}

/// What an operator says to open an outage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// One line, 1 to 200 characters.
    pub title: Box<str>,
    /// What there is to say, up to 10,000 characters; the title when empty.
    #[serde(default)]
    pub text: Box<str>,
    /// How bad it is.
    pub severity: Severity,
    /// Which services are concerned.
    #[serde(default)]
    pub services: Vec<Box<str>>,
    /// Which units are concerned.
    #[serde(default)]
    pub units: Vec<UnitId>,
    /// Who is told besides the contacts.
    #[serde(default)]
    pub also: Vec<Address>,
    /// Whether it asks to be taken on, whatever the configuration says of its kind.
    #[serde(default)]
    pub ack: bool,
}

/// Why a word on an outage is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No title, or a long one.
    #[error("the title must have 1 to {TITLE_MAX} characters; this one has {0}")]
    Title(usize),
    /// A text that is no notice but a book.
    #[error("the text may have up to {TEXT_MAX} characters; this one has {0}")]
    Text(usize),
    /// Nothing to say and nothing changes.
    #[error("there is nothing to tell: give a text with --text, or a new state with --state")]
    Nothing,
    /// It is over.
    #[error("outage {0} was {1} {2}; open a new one")]
    Over(OutageId, State, DateTime<Utc>),
    /// A state of the other kind.
    #[error(
        "outage {id} can't become {state}; incidents are changed with `budkavle outage`, maintenance with `budkavle maintenance`"
    )]
    OtherKind {
        /// Which outage.
        id: OutageId,
        /// What it was to become.
        state: State,
    },
    /// It is no maintenance.
    #[error("outage {0} is an incident; only maintenance is moved, started, completed or cancelled")]
    NotPlanned(OutageId),
    /// The time is none.
    #[error(transparent)]
    Time(#[from] maintenance::BadTime),
    /// There is no such word to correct.
    #[error("outage {id} has the updates 0 (the opening) to {last}; there is no {asked}")]
    NoUpdate {
        /// Which outage.
        id: OutageId,
        /// What was asked for.
        asked: u32,
        /// The last one.
        last: u32,
    },
    /// Nothing would be different.
    #[error("outage {0} says that already; nothing is changed")]
    Same(OutageId),
    /// Too many services or units.
    #[error("an outage may name up to {LIST_MAX} {0}")]
    TooMany(&'static str),
}

/// The most characters of a title, and of the name of a service.
pub const TITLE_MAX: usize = 200;
/// The most characters of a text.
pub const TEXT_MAX: usize = 10_000;
/// The most services, units or addresses that one outage names.
pub const LIST_MAX: usize = 100;

impl Outage {
    /// Opens an incident.
    ///
    /// # Errors
    /// [`Refused`], when it says nothing or too much.
    pub fn open(id: OutageId, opening: Opening, by: Actor, now: DateTime<Utc>) -> Result<Outage, Refused> {
        Outage::begin(id, opening, State::Investigating, by, now)
    }

    fn begin(
        id: OutageId,
        opening: Opening,
        state: State,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Outage, Refused> {
        let Opening { title, text, severity, services, units, also, ack } = opening;
        let title = checked_title(&title)?;
        let services = checked_services(&services)?;
        if units.len() > LIST_MAX {
            return Err(Refused::TooMany("units"));
        }
        if also.len() > LIST_MAX {
            return Err(Refused::TooMany("addresses"));
        }
        let text = checked_text(&text)?;
        let text = if text.is_empty() { title.to_string() } else { text };
        let first = PlainUpdate { at: now, by, state, text: text.into() };
        let incident = Incident { id, title, severity, services, units, updates: vec![first] };
        Ok(Outage { also, ack, ..incident.into() })
    }

    /// Adds a word, and a new state when there is one. [`State::Resolved`] ends an incident; states of maintenance have
    /// steps of their own ([`Outage::step`]).
    ///
    /// # Errors
    /// [`Refused`], when it is over, when nothing is said, or when it can't have that state.
    pub fn update(
        &self,
        text: &str,
        state: Option<State>,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Outage, Refused> {
        self.check_open()?;
        if let Some(state) = state.filter(|state| self.plan.is_some() || state.is_of_maintenance()) {
            return Err(Refused::OtherKind { id: self.id, state });
        }
        let text = checked_text(text)?;
        let state = state.unwrap_or_else(|| self.state());
        if text.is_empty() && state == self.state() {
            return Err(Refused::Nothing);
        }
        Ok(self.say(text, Said::Now(state), Tz::UTC, state, by, now))
    }

    /// With one more word: `text`, or what the system says without one, by the clocks of `zone`. Whoever hadn't been heard of for long is heard of again.
    fn say(&self, text: String, said: Said, zone: Tz, state: State, by: Actor, now: DateTime<Utc>) -> Outage {
        let (text, said) = if text.is_empty() { (said.text(zone), Some(said)) } else { (text, None) };
        let mut after = self.clone();
        after.updates.push(Update { at: now, by, state, text: text.into(), said });
        after.nags = 0;
        after
    }

    /// Notes that the last word is one of the system's.
    #[must_use]
    pub fn saying(mut self, said: Said) -> Outage {
        if let Some(last) = self.updates.last_mut() {
            last.said = Some(said);
        }
        self
    }

    fn check_open(&self) -> Result<(), Refused> {
        match self.ended_at() {
            Some(at) => Err(Refused::Over(self.id, self.state(), at)),
            None => Ok(()),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.updates.last().map_or(State::Investigating, |u| u.state)
    }

    /// When it was opened; None only for a record without updates, which [`Outage::open`] never makes.
    pub fn opened_at(&self) -> Option<DateTime<Utc>> {
        self.updates.first().map(|u| u.at)
    }

    /// When it came to its end, if it did.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.updates.iter().rev().find(|u| u.state.is_end()).map(|u| u.at)
    }

    /// What it is called before its number: `Outage`, or `Maintenance`.
    pub fn kind(&self) -> &'static str {
        if self.plan.is_some() { "Maintenance" } else { "Outage" }
    }

    /// The number of its versions before this one; that of the opening is 0. Two writers who both saw version n can't both write n + 1.
    pub fn version(&self) -> u32 {
        self.last_update().saturating_add(self.silent)
    }

    /// The number of the last update; the opening is 0.
    pub fn last_update(&self) -> u32 {
        u32::try_from(self.updates.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }
}

fn checked_title(title: &str) -> Result<Box<str>, Refused> {
    let title = one_line(title);
    let length = title.chars().count();
    if length == 0 || length > TITLE_MAX { Err(Refused::Title(length)) } else { Ok(title.into()) }
}

fn checked_services(services: &[Box<str>]) -> Result<Vec<Box<str>>, Refused> {
    let services: Vec<Box<str>> =
        services.iter().map(|s| one_line(s)).filter(|s| !s.is_empty()).map(Box::from).collect();
    if services.len() > LIST_MAX || services.iter().any(|s| s.chars().count() > TITLE_MAX) {
        return Err(Refused::TooMany("services (of up to 200 characters)"));
    }
    Ok(services)
}

/// A text as one line without control characters: a header value can't be broken out of.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn checked_text(text: &str) -> Result<String, Refused> {
    let text: String = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
        .collect();
    let text = text.trim().to_owned();
    let length = text.chars().count();
    if length > TEXT_MAX { Err(Refused::Text(length)) } else { Ok(text) }
}
