//! What is different from what was told last, and what only a short absence makes different.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::absence::Absence;
use crate::domain::changes::open::{Case, Key};
use crate::domain::changes::{Answerers, MOST_PEOPLE, Person, Who, Why};
use crate::domain::contacts::{Answering, Contact};
use crate::domain::ids::{RoleName, UserId};
use crate::domain::organisation::Organisation;
use crate::domain::roles::Pick;
use crate::domain::tree::Index;

/// Units of which the same is to be told.
pub(super) struct Group {
    pub(super) role: RoleName,
    pub(super) only: Option<Who>,
    pub(super) before: Rc<Answerers>,
    pub(super) after: Vec<Person>,
    pub(super) why: Vec<Why>,
    /// In order.
    pub(super) units: Vec<Index>,
}

/// What is different from what was told, and what stays open.
pub(super) fn compare(
    organisation: &Organisation,
    quiet: &Organisation,
    cases: &BTreeMap<Key, Case>,
    now: DateTime<Utc>,
) -> (Vec<Group>, BTreeMap<Key, Case>) {
    type Same = (RoleName, Option<Who>, Vec<Who>, Option<Index>, Vec<Why>);
    let mut sides: BTreeMap<&RoleName, (Answering<'_>, Answering<'_>)> = BTreeMap::new();
    let mut groups: HashMap<Same, Group> = HashMap::new();
    let mut open = BTreeMap::new();
    for (key, case) in cases {
        let Some(role) = organisation.role(&key.role.0) else { continue };
        let Some(place) = organisation.tree.index(key.unit) else { continue };
        let (actual, calm) = sides
            .entry(&key.role)
            .or_insert_with(|| (Answering::new(organisation, role, now), Answering::new(quiet, role, now)));
        let at = calm.of_unit(place);
        let after = calm.at(at);
        let shown = who(actual.at(actual.of_unit(place)));
        let (was, is) = (whoever(&case.before.people), who(after));
        // Of a group of so many not all are known who were in it: `contacts changes` tells of it.
        if role.pick == Pick::All && case.before.people.len().max(after.len()) >= MOST_PEOPLE {
            continue;
        }
        // What a short absence makes different is over soon, or gets longer.
        let passing = shown != is && key.only.is_none();
        if was == is {
            if passing {
                open.insert(key.clone(), case.clone());
            }
            continue;
        }
        let people: Vec<Person> = after.iter().take(MOST_PEOPLE).map(Person::from).collect();
        if passing {
            let unit = at.map(|at| organisation.tree.id(at));
            let before = Rc::new(Answerers { unit, people: people.clone() });
            open.insert(key.clone(), Case { before, why: Vec::new() });
        }
        let why = reasons(&case.why, &case.before.people, &people);
        let same = (key.role.clone(), key.only.clone(), was.into_iter().collect(), at, why.clone());
        let group = groups.entry(same).or_insert_with(|| Group {
            role: key.role.clone(),
            only: key.only.clone(),
            before: Rc::clone(&case.before),
            after: people,
            why,
            units: Vec::new(),
        });
        group.units.push(place);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.iter_mut().for_each(|group| group.units.sort_unstable());
    let of = |group: &Group| organisation.roles.iter().position(|role| role.name == group.role);
    groups.sort_by(|a, b| {
        (of(a), &a.units, &a.only, whoever(&a.before.people)).cmp(&(
            of(b),
            &b.units,
            &b.only,
            whoever(&b.before.people),
        ))
    });
    (groups, open)
}

pub(super) fn who(people: &[Contact]) -> BTreeSet<Who> {
    people.iter().take(MOST_PEOPLE).map(|p| Who::new(p.user, &p.mail)).collect()
}

pub(super) fn whoever(people: &[Person]) -> BTreeSet<Who> {
    people.iter().map(Person::who).collect()
}

/// Of all that happened, what explains that these answer now, and no longer those: the last word on each person.
fn reasons(happened: &[Rc<[Why]>], before: &[Person], after: &[Person]) -> Vec<Why> {
    let named = |people: &[Person], others: &[Person], name: &str| {
        people.iter().any(|p| &*p.name == name && others.iter().all(|other| other.who() != p.who()))
    };
    let concerns = |why: &Why| match why {
        Why::Lost { name, .. } | Why::Revoked { name } => {
            named(before, after, name) || before.iter().any(|p| p.deputy_for.as_deref() == Some(&**name))
        }
        Why::Gained { name } => named(after, before, name),
        Why::UnitMoved | Why::UserMoved => false,
    };
    let mut kept: Vec<Why> = Vec::new();
    for why in happened.iter().flat_map(|why| why.iter()).filter(|why| concerns(why)) {
        kept.retain(|known| name_of(known) != name_of(why));
        kept.push(why.clone());
    }
    let moved = || happened.iter().flat_map(|why| why.iter()).find(|why| **why == Why::UnitMoved);
    if kept.is_empty() { moved().cloned().into_iter().collect() } else { kept }
}

fn name_of(why: &Why) -> Option<&str> {
    match why {
        Why::Lost { name, .. } | Why::Revoked { name } | Why::Gained { name } => Some(name),
        Why::UnitMoved | Why::UserMoved => None,
    }
}

/// As if nobody were away for less than so long. Absences that follow one another are one.
pub(super) fn without_short_absences(organisation: &Organisation, least: TimeDelta) -> Organisation {
    let mut quiet = organisation.clone();
    let long = |absences: &Vec<Absence>| {
        let mut kept: Vec<Absence> = Vec::new();
        let mut row: Vec<Absence> = Vec::new();
        let mut end = |row: &mut Vec<Absence>| {
            let length =
                row.first().zip(row.iter().map(|a| a.until).max()).map(|(first, until)| until - first.from);
            if length.is_some_and(|length| length >= least) {
                kept.append(row);
            }
            row.clear();
        };
        for absence in absences {
            if row.iter().map(|a| a.until).max().is_some_and(|until| until < absence.from) {
                end(&mut row);
            }
            row.push(absence.clone());
        }
        end(&mut row);
        kept
    };
    let absences = organisation.absences.iter().map(|(user, absences)| (*user, long(absences)));
    let absences: HashMap<UserId, Vec<Absence>> =
        absences.filter(|(_, absences)| !absences.is_empty()).collect();
    quiet.absences = absences.into();
    quiet
}
