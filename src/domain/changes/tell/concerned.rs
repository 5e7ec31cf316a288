//! Whom each change concerns: who answers now, who did, and who owns the system for the unit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use chrono::{DateTime, Utc};

use super::compare::{Group, whoever};
use super::{Letter, News, Unreached, letter};
use crate::domain::changes::Who;
use crate::domain::changes::open::{Case, Key};
use crate::domain::contacts::{self, Answering, Asker, Contact};
use crate::domain::ids::RoleName;
use crate::domain::mailbox::Address;
use crate::domain::notice::{Part, Recipient};
use crate::domain::organisation::Organisation;
use crate::domain::roles::SYSTEM_OWNER;
use crate::domain::tree::Index;

/// Somebody whom it concerns.
pub(super) struct Concerned {
    pub(super) name: Box<str>,
    /// Where they are written to in the role they have now.
    noted: Option<Address>,
    /// The role by which they own the system.
    owner: Option<RoleName>,
    /// Which groups, in which part, and which of their units.
    news: Vec<(usize, Part, Vec<Index>)>,
}

/// Everybody whom it concerns.
pub(super) fn concerned(
    organisation: &Organisation,
    groups: &[Group],
    cases: &BTreeMap<Key, Case>,
    now: DateTime<Utc>,
) -> BTreeMap<Who, Concerned> {
    let owed = cases.keys().filter_map(|key| key.only.as_ref()).collect();
    let mut people = People { organisation, cases, owed, all: BTreeMap::new() };
    let mut owners = Owners::new(organisation, now);
    for (n, group) in groups.iter().enumerate() {
        let (was, is) = (whoever(&group.before.people), whoever(&group.after));
        for person in group.after.iter().filter(|person| !was.contains(&person.who())) {
            let entry = people.add((n, group), person.who(), &person.name, Part::New, &group.units);
            entry.noted.get_or_insert_with(|| person.mail.clone());
        }
        for person in group.before.people.iter().filter(|person| !is.contains(&person.who())) {
            people.add((n, group), person.who(), &person.name, Part::Former, &group.units);
        }
        for (who, (contact, units)) in owners.of(&group.units) {
            // Who answers now, or did, is told as such.
            if was.contains(&who) == is.contains(&who) {
                let entry = people.add((n, group), who, &contact.name, Part::Owner, &units);
                entry.noted.get_or_insert(contact.mail);
                entry.owner.get_or_insert(contact.role);
            }
        }
    }
    people.all.retain(|_, person| !person.news.is_empty());
    people.all
}

struct People<'a> {
    organisation: &'a Organisation,
    cases: &'a BTreeMap<Key, Case>,
    /// Those to whom something is owed for themselves.
    owed: BTreeSet<&'a Who>,
    all: BTreeMap<Who, Concerned>,
}

impl People<'_> {
    fn add(
        &mut self,
        (n, group): (usize, &Group),
        who: Who,
        name: &str,
        part: Part,
        units: &[Index],
    ) -> &mut Concerned {
        let mut units = units.to_vec();
        match &group.only {
            Some(only) if *only != who => units.clear(),
            None if self.owed.contains(&who) => units.retain(|unit| {
                let unit = self.organisation.tree.id(*unit);
                let own = Key { role: group.role.clone(), only: Some(who.clone()), unit };
                !self.cases.contains_key(&own)
            }),
            _ => {}
        }
        let person = self.all.entry(who).or_insert_with(|| Concerned {
            name: name.into(),
            noted: None,
            owner: None,
            news: Vec::new(),
        });
        if !units.is_empty() {
            person.news.push((n, part, units));
        }
        person
    }
}

/// Who owns the system where.
struct Owners<'a> {
    organisation: &'a Organisation,
    now: DateTime<Utc>,
    answering: Option<Answering<'a>>,
    of_place: HashMap<Option<Index>, Vec<Contact>>,
}

impl<'a> Owners<'a> {
    fn new(organisation: &'a Organisation, now: DateTime<Utc>) -> Owners<'a> {
        let role = organisation.role(SYSTEM_OWNER);
        let answering = role.map(|role| Answering::new(organisation, role, now));
        Owners { organisation, now, answering, of_place: HashMap::new() }
    }

    /// The nearest owners of these units, each with theirs, in order.
    fn of(&mut self, units: &[Index]) -> BTreeMap<Who, (Contact, Vec<Index>)> {
        let mut owners: BTreeMap<Who, (Contact, Vec<Index>)> = BTreeMap::new();
        let Some(answering) = &self.answering else { return owners };
        for unit in units {
            let place = answering.of_unit(*unit);
            let people = self.of_place.entry(place).or_insert_with(|| match place {
                Some(_) => answering.at(place).to_vec(),
                None => {
                    contacts::resolve(self.organisation, answering.role, &Asker::Organisation, self.now)
                        .contacts
                }
            });
            for contact in people.iter() {
                let who = Who::new(contact.user, &contact.mail);
                owners.entry(who).or_insert_with(|| (contact.clone(), Vec::new())).1.push(*unit);
            }
        }
        owners
    }
}

impl Concerned {
    /// Where they are written to: in the role that they have, which may be by an address of the assignment's own; else as a user.
    pub(super) fn reach(
        &self,
        who: &Who,
        organisation: &Organisation,
        now: DateTime<Utc>,
    ) -> Result<Address, Unreached> {
        let noted = || self.noted.clone();
        match who {
            Who::Outside(mail) => noted().or_else(|| mail.parse().ok()).ok_or(Unreached::NoAddress),
            Who::User(id) => {
                let user = organisation.user(*id).ok_or(Unreached::Gone)?;
                let open = user.is_active(now).then_some(()).ok_or(Unreached::Closed);
                open.and_then(|()| noted().or_else(|| user.address()).ok_or(Unreached::NoAddress))
            }
        }
    }

    /// All of it as one letter.
    pub(super) fn letter(self, who: Who, mail: Address, groups: &[Group]) -> Letter {
        let news = self.news.into_iter().filter_map(|(n, part, units)| {
            let group = groups.get(n)?;
            Some(News {
                part,
                role: group.role.clone(),
                units,
                before: group.before.people.clone(),
                after: group.after.clone(),
                why: group.why.clone(),
            })
        });
        let mut news: Vec<News> = news.collect();
        news.sort_by_key(|news| news.part);
        let why = letter::why(&news, self.owner.as_ref());
        let user = match &who {
            Who::User(id) => Some(*id),
            Who::Outside(_) => None,
        };
        Letter { to: Recipient { user, ..Recipient::by_mail(self.name, mail, why) }, who, news }
    }

    /// What stays open for this person alone.
    pub(super) fn owed(&self, who: &Who, groups: &[Group], organisation: &Organisation) -> Vec<(Key, Case)> {
        let cases = self.news.iter().filter_map(|(n, _, units)| Some((groups.get(*n)?, units)));
        let cases = cases.flat_map(|(group, units)| {
            units.iter().map(|unit| {
                let unit = organisation.tree.id(*unit);
                let key = Key { role: group.role.clone(), only: Some(who.clone()), unit };
                (key, Case { before: Rc::clone(&group.before), why: vec![group.why.as_slice().into()] })
            })
        });
        cases.collect()
    }
}
