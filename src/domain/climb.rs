//! A notice that asks to be taken on, and whom it goes to while nobody has: the deputy, a colleague, unit by unit upwards, at last whoever
//! reads what nobody read.
//!
//! A climb belongs to a thread: the words that follow on the same thing ask no second time, and whoever takes it on has all of it.

mod ladder;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::calendar::OpeningHours;
use super::ids::{NoticeId, UserId};
use super::mailbox::Address;
use super::notice::{EventKey, Facts, NewNotice, NoticeKind, Recipient};
use super::organisation::Organisation;
use super::outage::Severity;

/// Which notices ask to be taken on, and how long it is waited for that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Of these kinds. None: no notice asks.
    pub kinds: BTreeSet<NoticeKind>,
    /// At least so bad.
    pub severity: Severity,
    /// So much working time is given to those who were told last.
    pub after: TimeDelta,
    /// What is working time.
    pub hours: OpeningHours,
    /// Whether of critical ones all time is.
    pub critical_always: bool,
    /// A rung on which more stand than this is passed over, but for the last one; when nobody is left above it is told after all. None: however many.
    pub widest: Option<usize>,
}

/// No notice asks.
impl Default for Policy {
    fn default() -> Policy {
        Policy {
            kinds: BTreeSet::new(),
            severity: Severity::Major,
            after: TimeDelta::hours(1),
            hours: OpeningHours::usual(chrono_tz::UTC, std::sync::Arc::default()),
            critical_always: true,
            widest: Some(20),
        }
    }
}

/// The way that a notice takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ladder {
    /// By units: deputy, colleagues, the units above, the message reader of the top unit.
    Units,
    /// To the deputy, then to those responsible for the whole: what concerns no unit.
    Whole,
}

/// How far up somebody stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// They were told first.
    First,
    /// They stand in for one of these.
    Deputy,
    /// They are contacts of the same unit.
    Colleague,
    /// They are contacts of a unit so many levels above.
    Above(u16),
    /// They are responsible for the whole.
    Global,
    /// They read what nobody read.
    Reader,
}

/// Somebody who was told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reached {
    /// What they are called; of a place, the channel.
    pub name: Box<str>,
    /// Where they are written to; none for a place.
    pub mail: Option<Address>,
    /// The user, None for somebody outside.
    pub user: Option<UserId>,
    /// How far up.
    pub rung: Rung,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why nobody else is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Somebody has it.
    Taken {
        /// Who, as they were written to, or as the machine calls them.
        by: Box<str>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is over, or for so long that it helps nobody.
    Over {
        /// When that was noticed.
        at: DateTime<Utc>,
    },
}

/// A notice on its way up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Climb {
    /// The thread that it is about.
    pub thread: EventKey,
    /// The last notice of it that asked.
    pub notice: NoticeId,
    /// What it is about, in a few words.
    pub about: Box<str>,
    /// How bad that is.
    pub severity: Severity,
    /// Which way it takes.
    pub ladder: Ladder,
    /// When it asked first.
    pub asked: DateTime<Utc>,
    /// When somebody was last told.
    pub last: DateTime<Utc>,
    /// Who was told, in order.
    pub told: Vec<Reached>,
    /// Whether nobody is left who could be told.
    pub exhausted: bool,
    /// Why nobody else is told; None: it waits.
    pub end: Option<End>,
}

/// So many of those who are told first are kept: a climb is written anew with each step.
const FIRST: usize = 500;
/// After so long it is given up: whoever reads it then can't help any more.
const LONGEST: TimeDelta = TimeDelta::days(30);

impl Policy {
    /// Whether a notice of these facts asks to be taken on.
    pub fn asks(&self, facts: &Facts) -> bool {
        let demands = match facts {
            // What is planned and what is over demands nothing of anybody; nor does a word that it concerns somebody no longer.
            Facts::OutageWord(word) => word.plan.is_none() && word.demands(),
            Facts::SyncTrouble(_)
            | Facts::StoreRebuilt { .. }
            | Facts::Ending { .. }
            | Facts::Quarantine(_)
            | Facts::ChannelBroken { .. }
            | Facts::Undelivered(_) => true,
            Facts::Coverage(facts) => !facts.gaps.is_empty(),
            _ => false,
        };
        // An alert is told when there is something to do, however bad that is.
        let bad = facts.kind() == NoticeKind::Alert || facts.severity() >= self.severity;
        demands && self.kinds.contains(&facts.kind()) && bad
    }

    /// The climb of a notice that asks; None: it doesn't, or nobody is told. Its number isn't known yet.
    pub fn begin(
        &self,
        notice: &NewNotice,
        organisation: &Organisation,
        now: DateTime<Utc>,
    ) -> Option<Climb> {
        // Who asked for it from outside is told, and asked for nothing.
        let inside = notice.recipients.iter().filter(|to| to.subscriber.is_none());
        let told = inside.clone().map(|to| Reached::of(to, organisation, Rung::First, now));
        let mut told = once(told.collect());
        told.truncate(FIRST);
        // Who sleeps is given the time from when they are told on.
        let last = inside.map(|to| notice.held.get(&to.key()).copied().unwrap_or(now)).min().unwrap_or(now);
        ((notice.asks || self.asks(&notice.facts)) && !told.is_empty()).then(|| Climb {
            thread: notice.thread.clone(),
            notice: NoticeId(0),
            about: notice.facts.about().into(),
            severity: notice.facts.severity(),
            ladder: if notice.facts.kind() == NoticeKind::Outage { Ladder::Units } else { Ladder::Whole },
            asked: now,
            last,
            told,
            exhausted: false,
            end: None,
        })
    }

    /// Whether so many on a rung are told. Many are told anyhow by what was told first: it would go to half the organisation.
    pub fn tells(&self, rung: Rung, people: usize) -> bool {
        let last = matches!(rung, Rung::Global | Rung::Reader);
        last || self.widest.is_none_or(|widest| people <= widest)
    }

    /// When a climb goes on, unless somebody has taken it on by then.
    pub fn due(&self, climb: &Climb) -> Option<DateTime<Utc>> {
        if climb.end.is_some() || climb.exhausted {
            return None;
        }
        if climb.severity == Severity::Critical && self.critical_always {
            return climb.last.checked_add_signed(self.after);
        }
        // Where nobody ever works it goes by the clock.
        self.hours.after_open(climb.last, self.after).or_else(|| climb.last.checked_add_signed(self.after))
    }
}

/// What there is to do about a climb.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing yet.
    Wait,
    /// It is over.
    End,
    /// These are told next, since nobody has it.
    Tell(Next),
    /// Everybody was told whom there is to tell.
    Exhausted,
}

/// Who is told next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Next {
    /// Who they are.
    pub reached: Vec<Reached>,
    /// The same, one by one, as recipients.
    pub recipients: Vec<Recipient>,
    /// The rungs below theirs on which too many stand to be told as long as there are others, and how many.
    pub passed: Vec<(Rung, usize)>,
}

impl Climb {
    /// What is to be done at `now`; `over` says whether what it is about is.
    pub fn decide(
        &self,
        policy: &Policy,
        organisation: &Organisation,
        over: bool,
        now: DateTime<Utc>,
    ) -> Step {
        if self.end.is_some() {
            return Step::Wait;
        }
        if over || now - self.asked >= LONGEST {
            return Step::End;
        }
        if policy.due(self).is_none_or(|due| now < due) {
            return Step::Wait;
        }
        match ladder::next(self, policy, organisation, now) {
            Some(next) => Step::Tell(next),
            None => Step::Exhausted,
        }
    }

    /// Each rung above the last one on which somebody stands who wasn't told, and how many do.
    pub fn way(&self, organisation: &Organisation, now: DateTime<Utc>) -> Vec<(Rung, usize)> {
        ladder::way(self, organisation, now)
    }

    /// With somebody told besides, at `now`.
    #[must_use]
    pub fn telling(mut self, reached: Vec<Reached>, now: DateTime<Utc>) -> Climb {
        self.told.extend(reached);
        self.told = once(self.told);
        self.last = now;
        self
    }

    /// With those who are told by a later notice of the same thread.
    #[must_use]
    pub fn told_again(mut self, later: &Climb) -> Climb {
        self.told.extend(later.told.iter().cloned());
        self.told = once(self.told);
        self.severity = later.severity;
        (self.notice, self.about) = (later.notice, later.about.clone());
        self
    }

    /// At its end.
    #[must_use]
    pub fn ended(self, end: End) -> Climb {
        Climb { end: Some(end), ..self }
    }

    /// The rung that was told last.
    pub fn rung(&self) -> Rung {
        self.told.iter().map(|told| told.rung).max().unwrap_or(Rung::First)
    }
}

impl Reached {
    /// The recipient of a message.
    fn of(to: &Recipient, organisation: &Organisation, rung: Rung, at: DateTime<Utc>) -> Reached {
        let named = || to.mail.as_ref().and_then(|mail| organisation.user_called(mail.as_str()));
        let user = to.user.or_else(|| named().map(|user| user.id));
        Reached { name: to.name.clone(), mail: to.mail.clone(), user, rung, at }
    }

    /// What two are compared by.
    fn key(&self) -> String {
        match (&self.user, &self.mail) {
            (Some(user), _) => user.to_string(),
            (None, Some(mail)) => mail.key(),
            (None, None) => format!("\n{}", self.name),
        }
    }
}

/// Each once, the first time.
fn once(told: Vec<Reached>) -> Vec<Reached> {
    let mut seen = std::collections::HashSet::new();
    told.into_iter().filter(|told| seen.insert(told.key())).collect()
}
