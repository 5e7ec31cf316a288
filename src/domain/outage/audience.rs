//! Who is told of an outage and why, and who isn't and why not: decided when it is told, on what is known then.
//!
//! A contact for outages holds the role for the whole organisation, for a unit or for a service. Whoever holds it
//!
//! * for the whole organisation is told of every outage;
//! * for a service is told when that one is concerned, or one that it depends on;
//! * for a unit is told when the outage concerns the unit, one below it, one above it, or the whole organisation.
//!
//! Each person, and each mailbox, is told once, for the reason that says most.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Outage;
use super::policy::Policy;
use crate::domain::contacts::{self, Answer, Asker, Contact, Skip};
use crate::domain::ids::{SubjectName, UnitId, UserId};
use crate::domain::mailbox::Address;
use crate::domain::notice::Recipient;
use crate::domain::organisation::{Holding, Organisation};
use crate::domain::roles::{self, Place, Role, RoleName};
use crate::domain::service::Affected;
use crate::domain::tree::{self, Index};

/// Why somebody is told.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Because {
    /// They are contacts of a service that is out.
    Service {
        /// Which one.
        service: Box<str>,
    },
    /// They are contacts of a service that depends on one that is out.
    Depends {
        /// Which one.
        service: Box<str>,
        /// What is out.
        on: Box<str>,
    },
    /// They are contacts of the unit that owns a service which has no contact of its own who counts.
    Owner {
        /// The unit.
        unit: Box<str>,
        /// The service.
        service: Box<str>,
        /// What is out, when it isn't the service itself.
        on: Option<Box<str>>,
    },
    /// They are contacts of a unit that is concerned.
    Unit {
        /// Which one.
        unit: Box<str>,
    },
    /// They are contacts of the whole organisation.
    Role {
        /// In this role: that of outages, or its fallback.
        role: RoleName,
    },
    /// They are named for this outage.
    Named,
    /// They are told of every outage.
    Always,
}

/// As it stands in a mail, after "You get this as" and before "of" and the organisation.
impl std::fmt::Display for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Because::Service { service } => write!(f, "outage contact for {service}"),
            Because::Depends { service, on } => {
                write!(f, "outage contact for {service} (outage of {on}, on which {service} depends)")
            }
            Because::Owner { unit, service, on: None } => {
                write!(f, "contact of {unit}, which owns {service}")
            }
            Because::Owner { unit, service, on: Some(on) } => write!(
                f,
                "contact of {unit}, which owns {service} (outage of {on}, on which {service} depends)"
            ),
            Because::Unit { unit } => write!(f, "outage contact for {unit}"),
            Because::Role { role } => write!(f, "{role}"),
            Because::Named => f.write_str("somebody who is told of this outage"),
            Because::Always => f.write_str("somebody who is told of all outages"),
        }
    }
}

/// Somebody who is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// What they are called.
    pub name: Box<str>,
    /// Where to.
    pub mail: Address,
    /// The user; None for somebody outside.
    pub user: Option<UserId>,
    /// Who is away, when this is the deputy.
    pub deputy_for: Option<Box<str>>,
    /// Why, what says most first. Never empty.
    pub because: Vec<Because>,
}

impl Told {
    /// Why, in words for the mail.
    pub fn why(&self) -> String {
        let why = self.because.first().map(ToString::to_string).unwrap_or_default();
        match (&self.deputy_for, why.strip_suffix(')')) {
            (Some(absent), Some(open)) => format!("{open}; deputy for {absent})"),
            (Some(absent), None) => format!("{why} (deputy for {absent})"),
            (None, _) => why,
        }
    }

    /// As the recipient of a message.
    pub fn recipient(&self) -> Recipient {
        Recipient { name: self.name.clone(), mail: self.mail.clone(), why: self.why().into() }
    }
}

/// Why somebody who holds the role isn't told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WhyNot {
    /// They don't count now.
    Skipped(Skip),
    /// They are contacts of another unit.
    OtherUnit(Box<str>),
    /// They are contacts of another service.
    OtherService(Box<str>),
}

/// Somebody who isn't told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotTold {
    /// What they are called.
    pub name: Box<str>,
    /// Why not.
    pub why: WhyNot,
}

/// Who is told, and who isn't.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Audience {
    /// Each person and each mailbox once, in order of names.
    pub told: Vec<Told>,
    /// Everybody else who holds the role.
    pub not_told: Vec<NotTold>,
}

impl Audience {
    /// Finds who is told of an outage at `now`.
    pub fn of(outage: &Outage, organisation: &Organisation, policy: &Policy, now: DateTime<Utc>) -> Audience {
        let mut found = Found::default();
        let named: Vec<SubjectName> = outage.services.iter().map(|s| SubjectName::from(&**s)).collect();
        let affected = policy.services.affected(&named);
        let units = concerned(outage, &affected, organisation);
        if let Some(role) = organisation.role(roles::OUTAGE) {
            let judged = Judged { organisation, role, affected: &affected, units: units.as_deref(), now };
            judged.holders(&mut found);
            judged.owners(&mut found);
            if found.told.is_empty() {
                let answer = contacts::resolve(organisation, role, &Asker::Organisation, now);
                found.answer(answer);
            }
        }
        let outside = |mail: &Address| (mail.as_str().into(), mail.clone());
        outage.also.iter().map(outside).for_each(|(name, mail)| found.outside(name, mail, Because::Named));
        policy.also.iter().map(outside).for_each(|(name, mail)| found.outside(name, mail, Because::Always));
        found.audience()
    }

    /// As the recipients of a notice.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.told.iter().map(Told::recipient).collect()
    }
}

/// The units concerned; None: the whole organisation. Those that are named go before those that the services serve.
fn concerned(outage: &Outage, affected: &[Affected<'_>], organisation: &Organisation) -> Option<Vec<Index>> {
    let place = |unit: &UnitId| organisation.tree.index(*unit);
    if !outage.units.is_empty() {
        // One that is gone meanwhile concerned somebody: better all than nobody.
        return outage.units.iter().map(place).collect();
    }
    if affected.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    for affected in affected {
        let units = affected.service.units_in(organisation);
        if units.is_empty() {
            return None;
        }
        all.extend(units.iter().filter_map(place));
    }
    Some(all)
}

struct Judged<'a> {
    organisation: &'a Organisation,
    role: &'a Role,
    affected: &'a [Affected<'a>],
    units: Option<&'a [Index]>,
    now: DateTime<Utc>,
}

impl Judged<'_> {
    /// Everybody who holds the role.
    fn holders(&self, found: &mut Found) {
        for holding in self.organisation.holders(&self.role.name).all() {
            let judged =
                contacts::judge(self.organisation, self.role, holding, &Asker::Organisation, self.now);
            let name = || self.organisation.holder_name(&holding.holder);
            match (self.because(holding), judged) {
                (Ok(because), Ok(contact)) => found.contact(contact, because),
                (Err(why), _) => found.not(name(), holding, why),
                (Ok(_), Err(skip)) => found.not(name(), holding, WhyNot::Skipped(skip)),
            }
        }
    }

    fn because(&self, holding: &Holding) -> Result<Because, WhyNot> {
        let tree = &self.organisation.tree;
        match &holding.place {
            Place::Subject(name) => {
                let affected = self.affected.iter().find(|affected| affected.service.name == *name);
                let affected = affected.ok_or_else(|| WhyNot::OtherService((*name.0).into()))?;
                let service = affected.service.title.clone();
                Ok(match affected.on {
                    None => Because::Service { service },
                    Some(on) => Because::Depends { service, on: on.title.clone() },
                })
            }
            Place::Unit(_) | Place::OwnUnit if holding.at != tree::ROOT => {
                let (unit, at) = (tree.path(holding.at).into(), holding.at);
                let meets =
                    |place: &Index| tree.subtree(*place).contains(&at) || tree.subtree(at).contains(place);
                match self.units {
                    Some(units) if !units.iter().any(meets) => Err(WhyNot::OtherUnit(unit)),
                    _ => Ok(Because::Unit { unit }),
                }
            }
            Place::Organisation | Place::Unit(_) | Place::OwnUnit | Place::Directory(_) => {
                Ok(Because::Role { role: self.role.name.clone() })
            }
        }
    }

    /// The local contacts of the units that own those services of which nobody is told.
    fn owners(&self, found: &mut Found) {
        let Some(local) = self.organisation.role(roles::LOCAL) else { return };
        let holders = self.organisation.holders(&self.role.name);
        for Affected { service, on } in self.affected {
            let counts = |holding: &Holding| {
                contacts::judge(self.organisation, self.role, holding, &Asker::Organisation, self.now).is_ok()
            };
            if holders.of_subject(&service.name).iter().any(counts) {
                continue;
            }
            let Some(owner) = service.owner_in(self.organisation) else { continue };
            let asker = Asker::Unit(self.organisation.tree.id(owner));
            for contact in contacts::resolve(self.organisation, local, &asker, self.now).contacts {
                let (unit, service) = (self.organisation.tree.path(owner).into(), service.title.clone());
                let on = on.map(|on| on.title.clone());
                found.contact(contact, Because::Owner { unit, service, on });
            }
        }
    }
}

/// Who was found so far.
#[derive(Default)]
struct Found {
    told: Vec<Told>,
    by_mail: HashMap<String, usize>,
    by_user: HashMap<UserId, usize>,
    not_told: Vec<(Option<UserId>, NotTold)>,
}

impl Found {
    fn contact(&mut self, contact: Contact, because: Because) {
        let Contact { name, mail, user, deputy_for, .. } = contact;
        self.add(Told { name, mail, user, deputy_for, because: vec![because] });
    }

    fn outside(&mut self, name: Box<str>, mail: Address, because: Because) {
        self.add(Told { name, mail, user: None, deputy_for: None, because: vec![because] });
    }

    fn answer(&mut self, answer: Answer) {
        for contact in answer.contacts {
            let role = contact.role.clone();
            self.contact(contact, Because::Role { role });
        }
    }

    fn add(&mut self, told: Told) {
        let by_user = told.user.and_then(|user| self.by_user.get(&user));
        let there = by_user.or_else(|| self.by_mail.get(&told.mail.key())).copied();
        let place = there.unwrap_or(self.told.len());
        self.by_mail.entry(told.mail.key()).or_insert(place);
        told.user.map(|user| self.by_user.entry(user).or_insert(place));
        match self.told.get_mut(place) {
            Some(known) => {
                // In person goes before as somebody's deputy, for the same reason.
                if known.deputy_for.is_some() && told.deputy_for.is_none() && told.because <= known.because {
                    known.deputy_for = None;
                }
                known.because.extend(told.because);
            }
            None => self.told.push(told),
        }
    }

    fn not(&mut self, name: Box<str>, holding: &Holding, why: WhyNot) {
        self.not_told.push((holding.holder.user(), NotTold { name, why }));
    }

    fn audience(mut self) -> Audience {
        for told in &mut self.told {
            told.because.sort();
            told.because.dedup();
        }
        self.told.sort_by_cached_key(|told| (told.name.to_lowercase(), told.mail.key()));
        // Who is told through one holding, in person, isn't missed through another.
        let told: HashSet<UserId> = self.told.iter().filter_map(|told| told.user).collect();
        let missed = self.not_told.into_iter().filter(|(user, _)| user.is_none_or(|id| !told.contains(&id)));
        let mut not_told: Vec<NotTold> = missed.map(|(_, not)| not).collect();
        not_told.sort_by_cached_key(|not| not.name.to_lowercase());
        not_told.dedup();
        Audience { told: self.told, not_told }
    }
}

#[cfg(test)]
mod tests;
