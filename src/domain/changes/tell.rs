//! Whom to tell that contacts are others now: each person all that concerns them, at most so often a day; and when it would be too
//! many, the global contacts in one word.
//!
//! What was told last of a unit is compared with who answers for it now, so that what happened in between and led back is not told.
//! Short absences are looked away from: what they alone make different stays open until it has led back, or is different for good.

mod compare;
mod concerned;
mod letter;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

pub use super::open::{Note, Open, SummaryTold, Told};
use super::open::{cases, together};
use super::{Person, Who, Why, users_of};
use crate::domain::contacts::{self, Asker};
use crate::domain::mailbox::Address;
use crate::domain::notice::{ContactNews, ContactSummary, Part, Recipient, RoleSum};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{GLOBAL, Role, RoleName};
use crate::domain::schedule::Schedule;
use crate::domain::tree::Index;
use compare::{Group, compare, without_short_absences};
use concerned::Concerned;

/// When changes of contacts are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Never.
    Off,
    /// When the schedule says so: all that has changed since.
    Daily(Schedule),
    /// As soon as they are noted.
    AtOnce,
}

/// How changes of contacts are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// When.
    pub mode: Mode,
    /// By whose clock a day begins.
    pub zone: Tz,
    /// Of which roles; empty: of all of which it is noted ([`is_noted`](super::is_noted)).
    pub roles: Vec<RoleName>,
    /// Absences that are shorter aren't told.
    pub absences_from: TimeDelta,
    /// No person gets more mails a day.
    pub mails_per_day: u16,
    /// When more people would get a mail, the global contacts get a summary instead.
    pub summary_over: u32,
}

impl Policy {
    /// Nobody is told anything: what tests and benchmarks begin with.
    pub fn never() -> Policy {
        Policy {
            mode: Mode::Off,
            zone: Tz::UTC,
            roles: Vec::new(),
            absences_from: TimeDelta::zero(),
            mails_per_day: 1,
            summary_over: u32::MAX,
        }
    }

    fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.zone).date_naive()
    }

    /// When the schedule fires next after what was told; None: it doesn't decide.
    pub fn next(&self, told: &Told) -> Option<DateTime<Utc>> {
        match &self.mode {
            Mode::Daily(schedule) => schedule.next_after(told.at),
            Mode::Off | Mode::AtOnce => None,
        }
    }
}

/// Whether it is to be decided now whom to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// It is.
    Now,
    /// Nobody is to be told anything.
    Off,
    /// Not before the schedule says so.
    Later,
    /// Nothing has changed.
    Nothing,
}

/// What is open without a new change is looked at this often when changes are told at once: an absence may have got longer.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

/// Whether it is to be decided at `now`; `changed`: there are changes that weren't looked at.
pub fn due(policy: &Policy, told: &Told, changed: bool, now: DateTime<Utc>) -> Due {
    let passed = now - told.at >= LOOK_AGAIN || policy.day(now) != told.day;
    match &policy.mode {
        Mode::Off => Due::Off,
        Mode::Daily(_) if policy.next(told).is_some_and(|next| next <= now) => Due::Now,
        Mode::Daily(_) => Due::Later,
        Mode::AtOnce if changed || (!told.open.is_empty() && passed) => Due::Now,
        Mode::AtOnce => Due::Nothing,
    }
}

/// Why somebody isn't written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreached {
    /// The user is in no directory any longer.
    #[error("no longer in the directory")]
    Gone,
    /// The account is disabled or has expired.
    #[error("the account is closed")]
    Closed,
    /// There is no address to write to.
    #[error("no mail address")]
    NoAddress,
}

/// All that one person is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// Who.
    pub who: Who,
    /// With address, and why this person.
    pub to: Recipient,
    /// What.
    pub news: Vec<News>,
}

/// One change, as it concerns one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct News {
    /// What the person has to do with it.
    pub part: Part,
    /// In which role.
    pub role: RoleName,
    /// The units, as places in the tree, in order.
    pub units: Vec<Index>,
    /// Who answered.
    pub before: Vec<Person>,
    /// Who answers; empty: nobody of the role does.
    pub after: Vec<Person>,
    /// Why, as far as it can be told.
    pub why: Vec<Why>,
}

/// What is to be told, and how far it has been told by that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// What goes to whom; empty when `summary` goes instead.
    pub letters: Vec<Letter>,
    /// What goes to the global contacts in place of too many letters.
    pub summary: Option<(ContactSummary, Vec<Recipient>)>,
    /// Who would be told, but can't be: their names, and why not.
    pub unreached: Vec<(Box<str>, Unreached)>,
    /// To be noted in the transaction that enqueues the rest.
    pub told: Told,
}

/// Decides whom to tell what, of the changes since `told` and what was left open then.
///
/// `notes` are all changes after [`Told::note`] that were noted before `organisation` became what it is.
pub fn decide(
    organisation: &Organisation,
    now: DateTime<Utc>,
    policy: &Policy,
    told: &Told,
    notes: &[Note],
) -> Decision {
    let wanted = |name: &RoleName| {
        let is_noted = organisation.role(&name.0).is_some_and(super::is_noted);
        is_noted && (policy.roles.is_empty() || policy.roles.contains(name))
    };
    let cases = cases(&told.open, notes, wanted);
    let quiet = without_short_absences(organisation, policy.absences_from);
    let (groups, mut open) = compare(organisation, &quiet, &cases, now);
    let mut people: Vec<(Who, Address, Concerned)> = Vec::new();
    let mut unreached = Vec::new();
    for (who, person) in concerned::concerned(&quiet, &groups, &cases, now) {
        match person.reach(&who, organisation, now) {
            Ok(mail) => people.push((who, mail, person)),
            Err(reason) => unreached.push((person.name, reason)),
        }
    }
    let day = policy.day(now);
    let mut next = Told {
        at: now,
        note: notes.iter().map(|note| note.number).max().map_or(told.note, |last| last.max(told.note)),
        open: Vec::new(),
        day,
        mails: if told.day == day { told.mails.clone() } else { Vec::new() },
        summary: told.summary.clone(),
    };
    let (mut letters, mut summary) = (Vec::new(), None);
    if people.len() > policy.summary_over as usize {
        let global = summary_recipients(organisation, now);
        let free: Vec<(Who, Recipient)> =
            global.iter().filter(|(who, _)| next.has_room(who, policy)).cloned().collect();
        if free.is_empty() && !global.is_empty() {
            // They have been told often enough today: all of it waits for tomorrow.
            open = cases;
        } else {
            let facts = summarise(&quiet, &groups, people.len(), told.at);
            let (units, people) = (facts.units, facts.people);
            next.summary = Some(SummaryTold { at: now, since: told.at, people, units });
            free.iter().for_each(|(who, _)| next.count(who));
            summary = Some((facts, free.into_iter().map(|(_, to)| to).collect()));
        }
    } else {
        for (who, mail, person) in people {
            if next.has_room(&who, policy) {
                next.count(&who);
                letters.push(person.letter(who, mail, &groups));
            } else {
                open.extend(person.owed(&who, &groups, &quiet));
            }
        }
    }
    next.open = together(open);
    Decision { letters, summary, unreached, told: next }
}

/// What a letter says, with the names as they are now.
pub fn facts(organisation: &Organisation, letter: &Letter, told: &Told, now: DateTime<Utc>) -> ContactNews {
    letter::facts(organisation, letter, told.at, now)
}

impl Told {
    fn has_room(&self, who: &Who, policy: &Policy) -> bool {
        let got = self.mails.iter().find(|(other, _)| other == who).map_or(0, |(_, n)| *n);
        got < policy.mails_per_day
    }

    fn count(&mut self, who: &Who) {
        match self.mails.iter_mut().find(|(other, _)| other == who) {
            Some((_, n)) => *n = n.saturating_add(1),
            None => self.mails.push((who.clone(), 1)),
        }
    }
}

// === too many ===

fn summary_recipients(organisation: &Organisation, now: DateTime<Utc>) -> Vec<(Who, Recipient)> {
    let role: Option<&Role> = organisation.role(GLOBAL);
    let contacts = role.map(|role| contacts::resolve(organisation, role, &Asker::Organisation, now).contacts);
    let contacts = contacts.unwrap_or_default();
    contacts.iter().map(|c| (Who::new(c.user, &c.mail), Recipient::from_contact(c))).collect()
}

fn summarise(
    organisation: &Organisation,
    groups: &[Group],
    people: usize,
    since: DateTime<Utc>,
) -> ContactSummary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let users = |units: &BTreeSet<Index>| {
        count(units.iter().map(|unit| organisation.count_users(*unit, false)).sum())
    };
    let mut all: BTreeSet<Index> = BTreeSet::new();
    let mut roles: Vec<RoleSum> = Vec::new();
    for role in &organisation.roles {
        let of_role = || groups.iter().filter(|group| group.role == role.name);
        let units: BTreeSet<Index> = of_role().flat_map(|group| group.units.iter().copied()).collect();
        if units.is_empty() {
            continue;
        }
        let nobody: BTreeSet<Index> = of_role()
            .filter(|group| group.after.is_empty())
            .flat_map(|group| group.units.iter().copied())
            .collect();
        roles.push(RoleSum {
            role: role.name.clone(),
            units: count(units.len()),
            users: count(users_of(organisation, role, &units)),
            without: count(nobody.len()),
        });
        all.extend(units);
    }
    ContactSummary { since, people: count(people), units: count(all.len()), users: users(&all), roles }
}

#[cfg(test)]
mod tests;
