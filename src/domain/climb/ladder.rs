//! Whom a notice that nobody has taken on goes to next.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Climb, Ladder, Next, Policy, Reached, Rung};
use crate::domain::contacts::{self, Asker, Contact};
use crate::domain::ids::UserId;
use crate::domain::notice::Recipient;
use crate::domain::organisation::Organisation;
use crate::domain::roles::{GLOBAL, LOCAL, MESSAGE_READER, Role};
use crate::domain::tree::Index;

/// Who is told next, with the rungs that are passed over since too many stand there, and how many. When nobody is left above, whoever was passed over is better
/// than nobody: the lowest of these rungs, however many stand there. None: nobody is left.
pub(super) fn next(
    climb: &Climb,
    policy: &Policy,
    organisation: &Organisation,
    now: DateTime<Utc>,
) -> Option<Next> {
    let look = Look { climb, organisation, now };
    let mut passed = Vec::new();
    for (rung, reached, recipients) in look.found(climb.rung()) {
        if policy.tells(rung, reached.len()) {
            return Some(Next { reached, recipients, passed });
        }
        passed.push((rung, reached.len()));
    }
    let (_, reached, recipients) = look.found(Rung::First).next()?;
    Some(Next { reached, recipients, passed: Vec::new() })
}

/// The rungs that are left, and how many stand on each who weren't told.
pub(super) fn way(climb: &Climb, organisation: &Organisation, now: DateTime<Utc>) -> Vec<(Rung, usize)> {
    let look = Look { climb, organisation, now };
    look.found(climb.rung()).map(|(rung, reached, _)| (rung, reached.len())).collect()
}

struct Look<'a> {
    climb: &'a Climb,
    organisation: &'a Organisation,
    now: DateTime<Utc>,
}

impl Look<'_> {
    /// The rungs above one on which somebody stands who wasn't told, and who does.
    fn found(&self, after: Rung) -> impl Iterator<Item = (Rung, Vec<Reached>, Vec<Recipient>)> + '_ {
        let rungs = match self.climb.ladder {
            Ladder::Units => {
                let above = (1..=self.depth()).map(Rung::Above);
                [Rung::Deputy, Rung::Colleague]
                    .into_iter()
                    .chain(above)
                    .chain([Rung::Reader])
                    .collect::<Vec<_>>()
            }
            Ladder::Whole => vec![Rung::Deputy, Rung::Global],
        };
        rungs.into_iter().filter(move |rung| *rung > after).filter_map(|rung| {
            let (reached, recipients) = self.on(rung)?;
            Some((rung, reached, recipients))
        })
    }

    /// Those who were told first and are known.
    fn first(&self) -> impl Iterator<Item = UserId> + '_ {
        self.climb.told.iter().filter(|told| told.rung == Rung::First).filter_map(|told| told.user)
    }

    /// The units of these, each once.
    fn units(&self) -> Vec<Index> {
        let place = |user| Some(self.organisation.place_of(self.organisation.user(user)?));
        let mut units: Vec<Index> = self.first().filter_map(place).collect();
        units.sort_unstable();
        units.dedup();
        units
    }

    /// How many levels there are above the lowest of them.
    fn depth(&self) -> u16 {
        let depths = self.units().into_iter().map(|unit| self.organisation.tree.depth(unit));
        u16::try_from(depths.max().unwrap_or_default()).unwrap_or(u16::MAX)
    }

    /// Those of a rung who weren't told.
    fn on(&self, rung: Rung) -> Option<(Vec<Reached>, Vec<Recipient>)> {
        let found: Vec<Recipient> = match rung {
            Rung::First => Vec::new(),
            Rung::Deputy => self.deputies(),
            Rung::Colleague => self.at(self.units()),
            Rung::Above(levels) => self.at(self.above(levels)),
            Rung::Global => self.role(GLOBAL),
            Rung::Reader => self.readers(),
        };
        let mut known: HashSet<String> = self.climb.told.iter().map(Reached::key).collect();
        let new = found.into_iter().filter_map(|to| {
            let reached = Reached::of(&to, self.organisation, rung, self.now);
            known.insert(reached.key()).then_some((reached, to))
        });
        let (reached, recipients): (Vec<_>, Vec<_>) = new.unzip();
        (!reached.is_empty()).then_some((reached, recipients))
    }

    fn deputies(&self) -> Vec<Recipient> {
        let deputy = |user| {
            let absent = self.organisation.user(user)?;
            let (deputy, mail) = contacts::deputy_of(self.organisation, user, self.now)?;
            let why = format!("deputy for {}", absent.name());
            let phone = deputy.mobile().or_else(|| deputy.phone()).map(Box::from);
            Some(Recipient { phone, user: Some(deputy.id), ..Recipient::by_mail(deputy.name(), mail, why) })
        };
        self.first().filter_map(deputy).collect()
    }

    /// So many levels above the units, as far as there are.
    fn above(&self, levels: u16) -> Vec<Index> {
        let tree = &self.organisation.tree;
        let up = |unit| tree.upwards(unit).nth(usize::from(levels));
        let mut above: Vec<Index> = self.units().into_iter().filter_map(up).collect();
        above.sort_unstable();
        above.dedup();
        above
    }

    /// The local contacts of these units themselves.
    fn at(&self, units: Vec<Index>) -> Vec<Recipient> {
        let Some(role) = self.organisation.role(LOCAL) else { return Vec::new() };
        let at = |unit| contacts::at_place(self.organisation, role, unit, self.now).0;
        units.into_iter().flat_map(at).map(|contact: Contact| Recipient::from_contact(&contact)).collect()
    }

    /// Those who read what nobody read: of the highest unit that has any, else whoever answers in their place.
    fn readers(&self) -> Vec<Recipient> {
        let Some(role) = self.organisation.role(MESSAGE_READER) else { return self.role(GLOBAL) };
        let at = |unit| contacts::at_place(self.organisation, role, unit, self.now).0;
        let highest = |unit| self.organisation.tree.upwards(unit).map(at).filter(|at| !at.is_empty()).last();
        let found: Vec<Contact> = self.units().into_iter().filter_map(highest).flatten().collect();
        if found.is_empty() {
            return self.role(MESSAGE_READER);
        }
        found.iter().map(Recipient::from_contact).collect()
    }

    /// Those who hold a role for the whole, or whoever answers in its place.
    fn role(&self, name: &str) -> Vec<Recipient> {
        let of = |role: &Role| contacts::resolve(self.organisation, role, &Asker::Organisation, self.now);
        let answer = self.organisation.role(name).map(of);
        answer.into_iter().flat_map(|answer| answer.contacts).map(|c| Recipient::from_contact(&c)).collect()
    }
}
