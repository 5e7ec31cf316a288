//! What nobody answers for, and who answers for nothing any more: what an administrator should mend.

mod short;
mod unreachable;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::contacts::{self, ContactMap, Skip, recompute};
use super::entitled::{Entitled, Period, entitled};
use super::ids::{AssignmentId, UnitId, UserId};
use super::organisation::{Organisation, Origin};
use super::roles::{Holder, LOCAL, Pick, Place, Role, RoleName, Scope, check_place};
use super::subject::{self, OwnerTrouble, Subject, SubjectName, owner_of};
use super::tree;

pub use short::Short;
pub use unreachable::{Unreachable, unreachable};

/// What is to be mended.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Orphans {
    /// Units for which nobody counts, at the unit or above it: only another role answers.
    pub units: Vec<OrphanUnits>,
    /// Holders who don't count, and won't by the time alone.
    pub holders: Vec<OrphanHolder>,
    /// Assignments that count nowhere.
    pub assignments: Vec<OrphanAssignment>,
    /// Roles for which fewer count than should.
    pub short: Vec<Short>,
    /// Roles that more people hold than may.
    pub over: Vec<Over>,
    /// Subjects that nobody answers for, or that belong nowhere.
    pub subjects: Vec<OrphanSubject>,
    /// Holders whose address isn't there: mails to it came back.
    #[serde(default)]
    pub unreachable: Vec<Unreachable>,
}

/// A role that more people hold than may. Groups and lists give it without asking; nobody is dropped for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Over {
    /// Which role.
    pub role: RoleName,
    /// How many people may hold it.
    pub quota: u16,
    /// How many do.
    pub people: u32,
    /// The first of them.
    pub holders: Vec<OverHolder>,
}

/// One of too many.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OverHolder {
    /// Who.
    pub name: Box<str>,
    /// How they came to it.
    pub origin: Origin,
}

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Over { role, quota, people, holders } = self;
        let given = |origin: &Origin| match origin {
            Origin::Assigned(id) => format!("assignment {id}"),
            Origin::Group(name) => format!("group {name}"),
            Origin::ManagedBy => "managedBy".to_owned(),
            Origin::Attribute(value) => value.to_string(),
            Origin::List(name) => format!("list {name}"),
        };
        let named = holders.iter().map(|h| format!("{} ({})", h.name, given(&h.origin)));
        let more = if (holders.len() as u64) < u64::from(*people) { ", …" } else { "" };
        let named = named.collect::<Vec<_>>().join(", ");
        write!(f, "{people} people hold the role {role}, and no more than {quota} may: {named}{more}")
    }
}

/// A subject to be mended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrphanSubject {
    /// Which.
    pub subject: SubjectName,
    /// What it is.
    pub title: Box<str>,
    /// What is the matter with the unit that it belongs to.
    pub owner: Option<OwnerTrouble>,
    /// The roles in which neither its own contacts nor those of its unit count: only who answers for everything does, or nobody.
    pub unanswered: Vec<RoleName>,
}

/// A unit, and all below it if nobody answers there either.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrphanUnits {
    /// In which role.
    pub role: RoleName,
    /// The unit; the root when nobody answers anywhere.
    pub unit: UnitId,
    /// The names from the top unit down to it.
    pub path: String,
    /// How many units that are, itself among them. 1 when below it somebody answers for some.
    pub units: u32,
    /// How many users they have.
    pub users: u32,
}

/// Somebody who holds a role in vain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrphanHolder {
    /// Which role.
    pub role: RoleName,
    /// Where.
    pub place: Place,
    /// The unit where it counts, for a role of units.
    pub unit: Option<UnitId>,
    /// Where, in words.
    pub path: String,
    /// Who.
    pub name: Box<str>,
    /// The user, None for somebody outside.
    pub user: Option<UserId>,
    /// How they came to hold it.
    pub origin: Origin,
    /// Why they don't count.
    #[serde(flatten)]
    pub reason: Skip,
}

/// An assignment that counts nowhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrphanAssignment {
    /// Which.
    pub assignment: AssignmentId,
    /// Of which role.
    pub role: RoleName,
    /// Who holds it.
    pub name: Box<str>,
    /// Why.
    pub why: Nowhere,
}

/// Why an assignment counts nowhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Nowhere {
    /// There is no such role any more, or it can't be held there any more.
    Role,
    /// The unit is gone. It counts again when the unit is back.
    Unit {
        /// What it was called, if that is known still.
        name: Option<Box<str>>,
    },
    /// The person is gone.
    Person,
    /// There is no such subject any more.
    Subject {
        /// What it was called.
        name: SubjectName,
    },
}

impl std::fmt::Display for Nowhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Nowhere::Role => f.write_str("the role is gone, or isn't held at such a place any more"),
            Nowhere::Unit { name: Some(name) } => write!(f, "the unit {name} is gone"),
            Nowhere::Unit { name: None } => f.write_str("the unit is gone"),
            Nowhere::Subject { name } => write!(f, "there is no subject {name} any more"),
            Nowhere::Person => f.write_str("the person is no longer in the directory"),
        }
    }
}

/// What is to be mended at `now`. Who is merely away, or begins later, is no orphan.
pub fn find(organisation: &Organisation, now: DateTime<Utc>) -> Orphans {
    let (assignments, subjects) = (nowhere(organisation), ownerless(organisation, now));
    let over = organisation.roles.iter().filter_map(|role| over(organisation, role, now)).collect();
    let mut orphans = Orphans { assignments, subjects, over, ..Orphans::default() };
    for role in &organisation.roles {
        orphans.holders.extend(in_vain(organisation, role, now));
        match role.pick {
            // A role that nobody is expected to hold everywhere leaves no gaps.
            Pick::Nearest if role.minimum > 0 || &*role.name.0 == LOCAL => {
                let map = recompute(organisation, role, now);
                orphans.units.extend(uncovered(organisation, role, &map));
                orphans.short.extend(short::at_units(organisation, role, &map, now));
            }
            Pick::All if role.minimum > 0 => orphans.short.extend(short::everywhere(organisation, role, now)),
            Pick::Nearest | Pick::All => {}
        }
    }
    orphans
}

fn nowhere(organisation: &Organisation) -> Vec<OrphanAssignment> {
    let why = |a: &super::roles::Assignment| {
        let role = organisation.role(&a.role.0);
        if role.is_none_or(|role| check_place(role, &a.holder, &a.place).is_err()) {
            return Some(Nowhere::Role);
        }
        match (&a.place, &a.holder) {
            (Place::Unit(unit), _) if organisation.tree.index(*unit).is_none() => {
                Some(Nowhere::Unit { name: organisation.name_of(unit.0) })
            }
            (Place::Subject(name), _) if !organisation.knows_subject(name) => {
                Some(Nowhere::Subject { name: name.clone() })
            }
            // Elsewhere such a holder is told of as one who doesn't count.
            (Place::OwnUnit, Holder::User(id)) => organisation.user(*id).is_none().then_some(Nowhere::Person),
            _ => None,
        }
    };
    let of = |a: &super::roles::Assignment| {
        let name = organisation.holder_name(&a.holder);
        Some(OrphanAssignment { assignment: a.id, role: a.role.clone(), name, why: why(a)? })
    };
    organisation.assignments.values().filter_map(of).collect()
}

fn in_vain(organisation: &Organisation, role: &Role, now: DateTime<Utc>) -> Vec<OrphanHolder> {
    let of = |holding: &super::organisation::Holding| {
        let reason = contacts::judge(organisation, role, holding, &(&holding.place).into(), now).err()?;
        if matches!(reason, Skip::Away { .. } | Skip::NotYet { .. }) {
            return None;
        }
        Some(OrphanHolder {
            role: role.name.clone(),
            place: holding.place.clone(),
            unit: (role.scope == Scope::Unit).then(|| organisation.tree.id(holding.at)),
            path: match &holding.place {
                Place::Subject(subject) => subject.to_string(),
                _ => organisation.tree.path(holding.at),
            },
            name: organisation.holder_name(&holding.holder),
            user: holding.holder.user(),
            origin: holding.origin.clone(),
            reason,
        })
    };
    organisation.holders(&role.name).all().filter_map(of).collect()
}

/// The units for which only the fallback answers: of a subtree without any contact only the top.
fn uncovered(organisation: &Organisation, role: &Role, map: &ContactMap) -> Vec<OrphanUnits> {
    let tree = &organisation.tree;
    let mut found: Vec<OrphanUnits> = Vec::new();
    // How many units there are in each subtree for which somebody answers: children come after their parents.
    let mut answered = vec![0_u32; tree.len()];
    for place in tree.indices().rev() {
        let below = answered.get(place as usize).copied().unwrap_or_default();
        let all = below + u32::from(map.of_unit(place).is_some());
        if let Some(slot) = answered.get_mut(place as usize) {
            *slot = all;
        }
        if let Some(slot) = tree.parent(place).and_then(|parent| answered.get_mut(parent as usize)) {
            *slot += all;
        }
    }
    let whole = |place: tree::Index| answered.get(place as usize) == Some(&0);
    for place in tree.indices().filter(|place| map.of_unit(*place).is_none()) {
        let whole_subtree = whole(place);
        if whole_subtree && tree.parent(place).is_some_and(whole) {
            continue;
        }
        let users = organisation.count_users(place, whole_subtree);
        if users == 0 {
            continue;
        }
        let units = if whole_subtree { tree.subtree(place).len() } else { 1 };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        found.push(OrphanUnits {
            role: role.name.clone(),
            unit: tree.id(place),
            path: tree.path(place),
            units: count(units),
            users: count(users),
        });
    }
    found
}

/// So many holders of a role are named.
const NAMED: usize = 20;

/// Whether more people hold a role now than may.
pub fn over(organisation: &Organisation, role: &Role, now: DateTime<Utc>) -> Option<Over> {
    let quota = role.quota?;
    let period = Period { from: now, until: now + TimeDelta::nanoseconds(1) };
    let people = entitled(organisation, std::slice::from_ref(&role.name), period);
    if people.len() <= usize::from(quota) {
        return None;
    }
    let origin_of = |person: &Entitled| {
        let is = |holder: &Holder| match holder {
            Holder::User(id) => person.user == Some(*id),
            Holder::Outside { name, .. } => person.user.is_none() && *name == person.name,
        };
        let holding = organisation.holders(&role.name).all().find(|holding| is(&holding.holder))?;
        Some(OverHolder { name: person.name.clone(), origin: holding.origin.clone() })
    };
    Some(Over {
        role: role.name.clone(),
        quota,
        people: u32::try_from(people.len()).unwrap_or(u32::MAX),
        holders: people.iter().take(NAMED).filter_map(origin_of).collect(),
    })
}

/// The subjects that belong to no unit that is there, and those for which only somebody counts who answers for everything.
fn ownerless(organisation: &Organisation, now: DateTime<Utc>) -> Vec<OrphanSubject> {
    let roles: Vec<&Role> = organisation.roles.iter().filter(|role| subject::is_expected(role)).collect();
    let of = |subject: &Subject| {
        let unanswered =
            |role: &&&Role| subject::near(organisation, role, &subject.name, now).contacts.is_empty();
        let unanswered: Vec<RoleName> =
            roles.iter().filter(unanswered).map(|role| role.name.clone()).collect();
        let owner = owner_of(organisation, subject).err();
        (owner.is_some() || !unanswered.is_empty()).then(|| OrphanSubject {
            subject: subject.name.clone(),
            title: subject.title.clone(),
            owner,
            unanswered,
        })
    };
    organisation.subjects.values().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
