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
use crate::domain::ids::{OutageId, SilenceId, SubjectName, SubscriberId, UserId};
use crate::domain::mailbox::Address;
use crate::domain::notice::Recipient;
use crate::domain::organisation::{Holding, Organisation};
use crate::domain::roles::{self, Holder, Place, Role, RoleName};
use crate::domain::service::Affected;
use crate::domain::subscriber::Subscriber;
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
    /// They stand in for the unit that owns such a service, since it has no local contact who counts, or isn't there.
    ForOwner {
        /// In this role.
        role: RoleName,
        /// The unit, as it is called or as the configuration names it.
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
    /// They are outside, and asked for it.
    Subscribed {
        /// Their number.
        subscriber: SubscriberId,
    },
}

impl Because {
    /// As it stands in a mail, after "You get this as" and before "of" and the organisation; with whose deputy it is told to.
    fn words(&self, deputy_for: Option<&str>) -> String {
        let (role, out) = match self {
            Because::Service { service } => (format!("outage contact for {service}"), None),
            Because::Depends { service, on } => {
                (format!("outage contact for {service}"), Some((on, service)))
            }
            Because::Owner { unit, service, on } => {
                (format!("contact of {unit}, which owns {service}"), on.as_ref().map(|on| (on, service)))
            }
            Because::ForOwner { role, unit, service, on } => {
                let on = on.as_ref().map(|on| (on, service));
                (format!("{role}, in place of {unit}, which owns {service}"), on)
            }
            Because::Unit { unit } => (format!("outage contact for {unit}"), None),
            Because::Role { role } => (role.to_string(), None),
            Because::Named => ("somebody who is told of this outage".to_owned(), None),
            Because::Always => ("somebody who is told of all outages".to_owned(), None),
            Because::Subscribed { subscriber } => (format!("subscriber {subscriber}"), None),
        };
        let out = out.map(|(on, service)| format!("outage of {on}, on which {service} depends"));
        let aside: Vec<String> =
            out.into_iter().chain(deputy_for.map(|name| format!("deputy for {name}"))).collect();
        if aside.is_empty() { role } else { format!("{role} ({})", aside.join("; ")) }
    }
}

/// A reason, and through whom it is one. In person goes before as somebody's deputy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reason {
    /// Why.
    pub because: Because,
    /// Who is away, when it is the deputy who is told.
    pub deputy_for: Option<Box<str>>,
}

/// Somebody who is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// What they are called.
    pub name: Box<str>,
    /// Where to.
    pub mail: Address,
    /// The number for text messages.
    pub phone: Option<Box<str>>,
    /// The user; None for somebody outside.
    pub user: Option<UserId>,
    /// Why, what says most first. Never empty.
    pub reasons: Vec<Reason>,
}

impl Told {
    /// Why, in words for the mail.
    pub fn why(&self) -> String {
        self.reasons.first().map(|r| r.because.words(r.deputy_for.as_deref())).unwrap_or_default()
    }

    /// Who is away, when this is the deputy.
    pub fn deputy_for(&self) -> Option<&str> {
        self.reasons.first()?.deputy_for.as_deref()
    }

    /// As the recipient of a message.
    pub fn recipient(&self) -> Recipient {
        let (phone, user) = (self.phone.clone(), self.user);
        let subscriber = self.reasons.first().and_then(|reason| match reason.because {
            Because::Subscribed { subscriber } => Some(subscriber),
            _ => None,
        });
        Recipient {
            phone,
            user,
            subscriber,
            ..Recipient::by_mail(self.name.clone(), self.mail.clone(), self.why())
        }
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
    /// They are told of another incident, of which this one follows.
    Inhibited(OutageId),
    /// Somebody has silenced it for them.
    Silenced(SilenceId),
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
    /// Those whom it doesn't concern any more, of a correction: they were told, and are in neither list.
    pub left: Vec<Told>,
}

impl Audience {
    /// Finds who is told of an outage at `now`.
    pub fn of(outage: &Outage, organisation: &Organisation, policy: &Policy, now: DateTime<Utc>) -> Audience {
        Found::of(outage, organisation, policy, now).audience(Vec::new())
    }

    /// Finds who is told that `before` was corrected: those whom `after` concerns, and who it doesn't concern any more. Who is no longer
    /// told besides the contacts isn't among these: such an address may have been a slip.
    pub fn of_correction(
        before: &Outage,
        after: &Outage,
        organisation: &Organisation,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Audience {
        let before = Outage { also: after.also.clone(), ..before.clone() };
        let found = Found::of(after, organisation, policy, now);
        let mut left = Found::of(&before, organisation, policy, now).audience(Vec::new()).told;
        left.retain(|told| found.place(told).is_none());
        found.audience(left)
    }

    /// With those outside who asked for it, unless they are told anyhow.
    #[must_use]
    pub fn with_subscribers(mut self, subscribers: &[&Subscriber]) -> Audience {
        let told = self.told.iter().chain(&self.left);
        let known: HashSet<String> = told.map(|told| told.mail.key()).collect();
        let new = subscribers.iter().filter(|subscriber| !known.contains(&subscriber.mail.key()));
        self.told.extend(new.map(|subscriber| {
            let because = Because::Subscribed { subscriber: subscriber.id };
            let (name, mail) = (subscriber.mail.as_str().into(), subscriber.mail.clone());
            Told { name, mail, phone: None, user: None, reasons: vec![Reason { because, deputy_for: None }] }
        }));
        self
    }

    /// As the recipients of a notice.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.told.iter().map(Told::recipient).collect()
    }
}

impl Found {
    fn of(outage: &Outage, organisation: &Organisation, policy: &Policy, now: DateTime<Utc>) -> Found {
        let mut found = Found::default();
        let named: Vec<SubjectName> = outage.services.iter().map(|s| SubjectName::from(&**s)).collect();
        let affected = policy.services.affected(&named);
        // Of a service that isn't in the configuration any more nobody knows whom it served.
        let known = named.iter().all(|name| policy.services.get(name).is_some());
        let units = concerned(outage, if known { &affected } else { &[] }, organisation);
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
        found
    }
}

/// The units concerned; None: the whole organisation. Those that are named go before those that the services serve; what names one
/// that is gone concerns somebody who isn't known any more: better all than nobody.
fn concerned(outage: &Outage, affected: &[Affected<'_>], organisation: &Organisation) -> Option<Vec<Index>> {
    if !outage.units.is_empty() {
        return outage.units.iter().map(|unit| organisation.tree.index(*unit)).collect();
    }
    if affected.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    for affected in affected {
        all.extend(affected.service.units_in(organisation)?);
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

    /// The local contacts of the units that own those services of which nobody is told. Of a unit that isn't there, or has none, those
    /// that answer in its place.
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
            let Some(named) = &service.owner else { continue };
            let owner = service.owner_in(self.organisation);
            let id = owner.map(|owner| self.organisation.tree.id(owner));
            let asker = id.map_or(Asker::Organisation, Asker::Unit);
            let Answer { contacts, trail } = contacts::resolve(self.organisation, local, &asker, self.now);
            let own = id.is_some() && trail.last().is_some_and(|step| step.role == local.name);
            for contact in contacts {
                let unit =
                    owner.map_or_else(|| named.clone(), |owner| self.organisation.tree.path(owner).into());
                let (service, on) = (service.title.clone(), on.map(|on| on.title.clone()));
                let role = contact.role.clone();
                let because = if own {
                    Because::Owner { unit, service, on }
                } else {
                    Because::ForOwner { role, unit, service, on }
                };
                found.contact(contact, because);
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
    not_told: Vec<(Holder, NotTold)>,
}

impl Found {
    fn contact(&mut self, contact: Contact, because: Because) {
        let phone = contact.number();
        let Contact { name, mail, user, deputy_for, .. } = contact;
        self.add(Told { name, mail, phone, user, reasons: vec![Reason { because, deputy_for }] });
    }

    fn outside(&mut self, name: Box<str>, mail: Address, because: Because) {
        self.add(Told {
            name,
            mail,
            phone: None,
            user: None,
            reasons: vec![Reason { because, deputy_for: None }],
        });
    }

    fn answer(&mut self, answer: Answer) {
        for contact in answer.contacts {
            let role = contact.role.clone();
            self.contact(contact, Because::Role { role });
        }
    }

    /// Where the same person is, or the same mailbox.
    fn place(&self, told: &Told) -> Option<usize> {
        let by_user = told.user.and_then(|user| self.by_user.get(&user));
        by_user.or_else(|| self.by_mail.get(&told.mail.key())).copied()
    }

    fn add(&mut self, told: Told) {
        let place = self.place(&told).unwrap_or(self.told.len());
        self.by_mail.entry(told.mail.key()).or_insert(place);
        told.user.map(|user| self.by_user.entry(user).or_insert(place));
        match self.told.get_mut(place) {
            Some(known) => known.reasons.extend(told.reasons),
            None => self.told.push(told),
        }
    }

    fn not(&mut self, name: Box<str>, holding: &Holding, why: WhyNot) {
        self.not_told.push((holding.holder.clone(), NotTold { name, why }));
    }

    fn audience(mut self, left: Vec<Told>) -> Audience {
        for told in &mut self.told {
            told.reasons.sort();
            told.reasons.dedup();
        }
        self.told.sort_by_cached_key(|told| (told.name.to_lowercase(), told.mail.key()));
        // Who is told through one holding, in person, isn't missed through another.
        let there = || self.told.iter().chain(&left);
        let users: HashSet<UserId> = there().filter_map(|told| told.user).collect();
        let mailboxes: HashSet<String> = there().map(|told| told.mail.key()).collect();
        let missed = self.not_told.into_iter().filter(|(holder, _)| match holder {
            Holder::User(id) => !users.contains(id),
            Holder::Outside { mail, .. } => !mailboxes.contains(&mail.key()),
        });
        let mut not_told: Vec<NotTold> = missed.map(|(_, not)| not).collect();
        not_told.sort_by_cached_key(|not| not.name.to_lowercase());
        not_told.dedup();
        Audience { told: self.told, not_told, left }
    }
}

#[cfg(test)]
mod tests;
