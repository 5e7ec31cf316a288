//! What somebody is contact for: which units, how many people, and who stands in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::changes::Who;
use super::contacts::{self, Answering, Asker, Contact};
use super::ids::{RoleName, UserId};
use super::mailbox::Address;
use super::notice::{Fallback, UnitsAt, units_at};
use super::organisation::{Holding, Organisation};
use super::roles::{Holder, Pick, Place, Role, Scope};
use super::tree::Index;

/// So many units are named for one duty, each with those below it.
const UNITS: usize = 20;
/// So many duties, people and absences are told of.
const NAMED: usize = 30;

/// What somebody is contact for, and who stands in. As it is told and stored, too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Duties {
    /// Who.
    pub name: Box<str>,
    /// The account; empty for somebody outside.
    pub account: Box<str>,
    /// As of when.
    pub at: DateTime<Utc>,
    /// What they hold, in the order of the roles and the tree.
    pub duties: Vec<Duty>,
    /// How many more there are.
    pub more: u32,
    /// When they are away, from now on.
    pub absences: Vec<Planned>,
    /// Whose deputy they are, from now on.
    pub stands_in: Vec<StandsIn>,
    /// Whom they turn to themselves.
    pub turns_to: Vec<Box<str>>,
}

/// One role at one place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Duty {
    /// Which role.
    pub role: RoleName,
    /// What it is.
    pub title: Box<str>,
    /// Where they hold it: the path of a unit, a directory, a subject; None: everywhere.
    pub place: Option<Box<str>>,
    /// Why they don't answer there now, in words. None: they do, or somebody for them.
    pub skipped: Option<Box<str>>,
    /// Who stands in for them now.
    pub deputy: Option<Box<str>>,
    /// The units that turn to them, the first of them; none for a role that isn't one of units.
    pub units: Vec<UnitsAt>,
    /// How many more units there are.
    pub more: u32,
    /// How many units there are in all.
    pub all_units: u32,
    /// How many users belong to them.
    pub users: u32,
    /// Who answers besides them.
    pub beside: Vec<Box<str>>,
    /// Who answers when nobody there does.
    pub above: Option<Fallback>,
}

/// An absence that is planned, or lasts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// Who is named as deputy.
    pub deputy: Option<Box<str>>,
}

/// Somebody else's absence with them as deputy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StandsIn {
    /// For whom.
    pub name: Box<str>,
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
}

/// Everybody's duties, worked out once.
pub struct Book<'a> {
    organisation: &'a Organisation,
    now: DateTime<Utc>,
    zone: Tz,
    /// By role: who answers, and the units by where they turn to.
    answering: BTreeMap<&'a RoleName, (Answering<'a>, BTreeMap<Index, Vec<Index>>)>,
    held: BTreeMap<Who, Vec<(&'a Role, &'a Holding)>>,
    deputies: BTreeMap<UserId, Vec<StandsIn>>,
}

impl<'a> Book<'a> {
    /// Works out what everybody holds at `now`; days in reasons are those of `zone`.
    pub fn new(organisation: &'a Organisation, now: DateTime<Utc>, zone: Tz) -> Book<'a> {
        let mut held: BTreeMap<Who, Vec<(&Role, &Holding)>> = BTreeMap::new();
        let mut answering = BTreeMap::new();
        for role in &organisation.roles {
            for holding in organisation.holders(&role.name).all() {
                held.entry(holder_of(holding)).or_default().push((role, holding));
            }
            if role.pick == Pick::Nearest && organisation.holders(&role.name).places().next().is_some() {
                let side = Answering::new(organisation, role, now);
                let mut units: BTreeMap<Index, Vec<Index>> = BTreeMap::new();
                for unit in organisation.tree.indices() {
                    if let Some(at) = side.of_unit(unit) {
                        units.entry(at).or_default().push(unit);
                    }
                }
                answering.insert(&role.name, (side, units));
            }
        }
        let mut deputies: BTreeMap<UserId, Vec<StandsIn>> = BTreeMap::new();
        for absence in organisation.absences.values().flatten().filter(|absence| absence.until > now) {
            if let Some((deputy, absent)) = absence.deputy.zip(organisation.user(absence.user)) {
                let (from, until) = (absence.from, absence.until);
                deputies.entry(deputy).or_default().push(StandsIn {
                    name: absent.name().into(),
                    from,
                    until,
                });
            }
        }
        deputies.values_mut().for_each(|all| all.sort_by(|a, b| (a.from, &a.name).cmp(&(b.from, &b.name))));
        Book { organisation, now, zone, answering, held, deputies }
    }

    /// Those who hold one of these roles, or any if none is named, whether they count or not.
    pub fn holders(&self, roles: &[RoleName]) -> impl Iterator<Item = &Who> {
        let is_one = |role: &Role| roles.is_empty() || roles.contains(&role.name);
        let holds = move |duties: &[(&Role, &Holding)]| duties.iter().any(|(role, _)| is_one(role));
        self.held.iter().filter(move |(_, duties)| holds(duties)).map(|(who, _)| who)
    }

    /// Where somebody is written to as contact: by an address of an assignment's own through which they answer now, else as a user. None:
    /// the account is closed, or there is no address.
    pub fn address_of(&self, who: &Who) -> Option<Address> {
        let held = self.held.get(who).map_or(&[][..], Vec::as_slice);
        let own = |(role, holding): &(&Role, &Holding)| {
            let asker = Asker::from(&holding.place);
            let contact = contacts::judge(self.organisation, role, holding, &asker, self.now).ok()?;
            let is_own = holding.mail.is_some() || matches!(holding.holder, Holder::Outside { .. });
            (is_own && is_same(&contact, who)).then_some(contact.mail)
        };
        let own = || held.iter().find_map(own);
        match who {
            Who::Outside(_) => own(),
            Who::User(id) => {
                let user = self.organisation.user(*id)?;
                user.is_active(self.now).then(|| own().or_else(|| user.address())).flatten()
            }
        }
    }

    /// What one person is contact for. None: it is no user, and nobody outside who holds a role.
    pub fn of(&self, who: &Who) -> Option<Duties> {
        let held = self.held.get(who).map_or(&[][..], Vec::as_slice);
        let user = match who {
            Who::User(id) => Some(self.organisation.user(*id)?),
            Who::Outside(_) => None,
        };
        let name = match (user, held.first()) {
            (Some(user), _) => user.name().into(),
            (None, Some((_, holding))) => self.organisation.holder_name(&holding.holder),
            (None, None) => return None,
        };
        let absences = user.and_then(|user| self.organisation.absences.get(&user.id));
        let absences = absences.map_or(&[][..], Vec::as_slice);
        let planned = absences.iter().filter(|absence| absence.until > self.now).map(|absence| Planned {
            from: absence.from,
            until: absence.until,
            deputy: absence.deputy.and_then(|id| self.organisation.name_of(id.0)),
        });
        let deputy = user.and_then(|user| self.deputies.get(&user.id)).map_or(&[][..], Vec::as_slice);
        let local = self.organisation.role(super::roles::LOCAL);
        // Somebody outside belongs to no unit, and turns to nobody.
        let turns_to = local.zip(user).map(|(role, user)| {
            contacts::resolve(self.organisation, role, &Asker::User(user.id), self.now).contacts
        });
        Some(Duties {
            name,
            account: user.map(|user| user.account().into()).unwrap_or_default(),
            at: self.now,
            duties: held.iter().take(NAMED).map(|(role, holding)| self.duty(who, role, holding)).collect(),
            more: count(held.len().saturating_sub(NAMED)),
            absences: planned.take(NAMED).collect(),
            stands_in: deputy.iter().take(NAMED).cloned().collect(),
            turns_to: names(&turns_to.unwrap_or_default(), None),
        })
    }

    fn duty(&self, who: &Who, role: &Role, holding: &Holding) -> Duty {
        let Book { organisation, now, .. } = self;
        let tree = &organisation.tree;
        let judged = contacts::judge(organisation, role, holding, &Asker::from(&holding.place), *now);
        let (skipped, deputy) = match judged {
            Ok(contact) if is_same(&contact, who) => (None, None),
            // Somebody stands in: they are away.
            Ok(contact) => (None, Some(contact.name)),
            Err(skip) => (Some(skip.in_zone(self.zone).into()), None),
        };
        let nearest = self.answering.get(&role.name);
        let places = nearest.filter(|_| skipped.is_none()).and_then(|(_, units)| units.get(&holding.at));
        let places = places.map_or(&[][..], Vec::as_slice);
        let (units, more) = units_at(tree, places, UNITS);
        let there = contacts::at_place(organisation, role, holding.at, *now).0;
        Duty {
            role: role.name.clone(),
            title: role.title.clone(),
            place: match &holding.place {
                Place::Organisation => None,
                Place::Unit(_) | Place::OwnUnit if role.scope != Scope::Unit && !role.is_narrowed() => None,
                Place::Unit(_) | Place::OwnUnit => Some(tree.path(holding.at).into()),
                Place::Directory(name) => Some(name.0.as_ref().into()),
                Place::Subject(name) => Some(name.0.as_ref().into()),
            },
            units,
            more,
            all_units: count(places.len()),
            users: count(places.iter().map(|unit| organisation.count_users(*unit, false)).sum()),
            beside: names(&there, Some((who, deputy.as_deref()))),
            above: self.above(role, holding.at, nearest.map(|(side, _)| side)),
            skipped,
            deputy,
        }
    }

    /// Who answers when nobody at a place does.
    fn above(&self, role: &Role, at: Index, side: Option<&Answering<'_>>) -> Option<Fallback> {
        let tree = &self.organisation.tree;
        let next =
            side.and_then(|side| tree.upwards(at).skip(1).find(|place| !side.at(Some(*place)).is_empty()));
        if let Some((side, place)) = side.zip(next) {
            return Some(Fallback { role: role.name.clone(), people: names(side.at(Some(place)), None) });
        }
        let fallback = self.organisation.role(&role.fallback.as_ref()?.0)?;
        let asker = Asker::Unit(tree.id(at));
        let answer = contacts::resolve(self.organisation, fallback, &asker, self.now);
        Some(Fallback { role: fallback.name.clone(), people: names(&answer.contacts, None) })
    }
}

/// Who holds a role by this.
fn holder_of(holding: &Holding) -> Who {
    match &holding.holder {
        Holder::User(id) => Who::User(*id),
        Holder::Outside { mail, .. } => Who::new(None, holding.mail.as_ref().unwrap_or(mail)),
    }
}

/// Whether a contact is somebody; of a user the address may be one of the assignment's own.
fn is_same(contact: &Contact, who: &Who) -> bool {
    Who::new(contact.user, &contact.mail) == *who
}

fn names(contacts: &[Contact], without: Option<(&Who, Option<&str>)>) -> Vec<Box<str>> {
    let is_other = |contact: &&Contact| {
        without.is_none_or(|(who, deputy)| !is_same(contact, who) && Some(&*contact.name) != deputy)
    };
    contacts.iter().filter(is_other).take(NAMED).map(|contact| contact.name.clone()).collect()
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
