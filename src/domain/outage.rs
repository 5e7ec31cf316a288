//! An outage from its first word to its last.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::audit::Actor;
use super::ids::{OutageId, UnitId};

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

/// Where an incident stands.
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
words!(State { Investigating => "investigating", Identified => "identified", Monitoring => "monitoring", Resolved => "resolved" });

/// One word on the outage to those concerned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Update {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: Actor,
    /// Where it stands from then on.
    pub state: State,
    /// What there is to say.
    pub text: Box<str>,
}

/// An incident that people are told of.
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
    #[error("outage {0} was resolved {1}; open a new one")]
    Over(OutageId, DateTime<Utc>),
    /// Too many services or units.
    #[error("an outage may name up to {LIST_MAX} {0}")]
    TooMany(&'static str),
}

const TITLE_MAX: usize = 200;
const TEXT_MAX: usize = 10_000;
const LIST_MAX: usize = 100;

impl Outage {
    /// Opens an outage.
    pub fn open(id: OutageId, opening: Opening, by: Actor, now: DateTime<Utc>) -> Result<Outage, Refused> {
        let title = one_line(&opening.title);
        let length = title.chars().count();
        if length == 0 || length > TITLE_MAX {
            return Err(Refused::Title(length));
        }
        let services: Vec<Box<str>> =
            opening.services.iter().map(|s| one_line(s)).filter(|s| !s.is_empty()).map(Box::from).collect();
        if services.len() > LIST_MAX || services.iter().any(|s| s.chars().count() > TITLE_MAX) {
            return Err(Refused::TooMany("services (of up to 200 characters)"));
        }
        if opening.units.len() > LIST_MAX {
            return Err(Refused::TooMany("units"));
        }
        let text = checked_text(&opening.text)?;
        let text = if text.is_empty() { title.clone() } else { text };
        let first = Update { at: now, by, state: State::Investigating, text: text.into() };
        let (severity, units) = (opening.severity, opening.units);
        Ok(Outage { id, title: title.into(), severity, services, units, updates: vec![first] })
    }

    /// Adds a word, and a new state when there is one. [`State::Resolved`] ends the outage.
    pub fn update(
        &self,
        text: &str,
        state: Option<State>,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Outage, Refused> {
        if let Some(at) = self.resolved_at() {
            return Err(Refused::Over(self.id, at));
        }
        let text = checked_text(text)?;
        let state = state.unwrap_or_else(|| self.state());
        if text.is_empty() && state == self.state() {
            return Err(Refused::Nothing);
        }
        let text = if text.is_empty() { format!("Now {state}.") } else { text };
        let mut after = self.clone();
        after.updates.push(Update { at: now, by, state, text: text.into() });
        Ok(after)
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.updates.last().map_or(State::Investigating, |u| u.state)
    }

    /// When it was opened; None only for a record without updates, which [`Outage::open`] never makes.
    pub fn opened_at(&self) -> Option<DateTime<Utc>> {
        self.updates.first().map(|u| u.at)
    }

    /// When it was resolved, if it was.
    pub fn resolved_at(&self) -> Option<DateTime<Utc>> {
        self.updates.iter().rev().find(|u| u.state == State::Resolved).map(|u| u.at)
    }

    /// The number of the last update; the opening is 0. Two writers who both saw number n can't both write n + 1.
    pub fn version(&self) -> u32 {
        u32::try_from(self.updates.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 7, 6, 8, 0, 0).unwrap()
    }

    fn opening(title: &str) -> Opening {
        Opening {
            title: title.into(),
            text: "".into(),
            severity: Severity::Major,
            services: vec![],
            units: vec![],
        }
    }

    fn open(title: &str) -> Result<Outage, Refused> {
        Outage::open(OutageId(1), opening(title), Actor::System, now())
    }

    #[test]
    fn it_goes_from_investigating_to_resolved_and_no_further() {
        let opened = open("Mail is down").unwrap();
        assert_eq!((opened.state(), opened.version(), opened.resolved_at()), (State::Investigating, 0, None));
        let known = opened.update("A disk.", Some(State::Identified), Actor::System, now()).unwrap();
        let over = known.update("", Some(State::Resolved), Actor::System, now()).unwrap();
        assert_eq!((over.state(), over.version(), over.resolved_at()), (State::Resolved, 2, Some(now())));
        assert_eq!(over.update("More", None, Actor::System, now()), Err(Refused::Over(OutageId(1), now())));
    }

    #[test]
    fn what_says_nothing_is_refused() {
        assert_eq!(open("  \n "), Err(Refused::Title(0)));
        assert_eq!(open(&"x".repeat(201)), Err(Refused::Title(201)));
        let opened = open("Mail is down").unwrap();
        assert_eq!(opened.update(" ", None, Actor::System, now()), Err(Refused::Nothing));
        assert_eq!(
            opened.update(" ", Some(State::Investigating), Actor::System, now()),
            Err(Refused::Nothing)
        );
        assert_eq!(
            opened.update(&"x".repeat(10_001), None, Actor::System, now()),
            Err(Refused::Text(10_001))
        );
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(
            &*open("Mail\r\nBcc: all@x.example\tis down").unwrap().title,
            "Mail Bcc: all@x.example is down"
        );
    }
}
