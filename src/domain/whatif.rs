//! What would be if somebody were away, gone or elsewhere: who would be contact for whom instead, and what would be uncovered.
//!
//! The organisation that would be is made from the real one and asked the same questions. Nothing is changed.

mod period;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::absence::{Absence, Origin};
use super::contacts::{self, Answering, Asker, Contact};
use super::directory::{Unit, UserFields};
use super::ids::{AbsenceId, UnitId, UserId};
use super::organisation::Organisation;
use super::roles::{Pick, Role, RoleName, Scope};
use super::subject::{self, Subject, SubjectName};
use super::tree::{self, Index};
pub use period::{Uncovered, uncovered};

/// Something that could happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Somebody is away.
    Away {
        /// Who.
        user: UserId,
        /// From when on.
        from: DateTime<Utc>,
        /// The first moment back.
        until: DateTime<Utc>,
    },
    /// Somebody's main unit is another one.
    Move {
        /// Who.
        user: UserId,
        /// Which.
        unit: UnitId,
    },
    /// Somebody is no longer in the directory.
    Gone(UserId),
    /// A unit hangs elsewhere, with all below it.
    MoveUnit {
        /// Which.
        unit: UnitId,
        /// Under which.
        into: UnitId,
    },
}

/// Why it can't happen.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Impossible {
    /// A unit was to be moved into itself.
    #[error("{0} can't be moved into itself or a unit below it")]
    IntoItself(Box<str>),
    /// The root was to be moved.
    #[error("the organisation as a whole can't be moved; name a unit")]
    Root,
    /// An absence of no length.
    #[error("the absence ends before it starts")]
    Backwards,
}

/// The organisation as it would be after these steps.
///
/// Somebody who is away by a step has no deputy by it; an absence of theirs that is noted already, with its deputy, goes first.
///
/// # Errors
/// What can't happen.
pub fn imagine(organisation: &Organisation, steps: &[Step]) -> Result<Organisation, Impossible> {
    let mut directory = organisation.directory.clone();
    let mut absences: Vec<Absence> = organisation.absences.values().flatten().cloned().collect();
    for (n, step) in (0..).zip(steps) {
        match *step {
            Step::Away { from, until, .. } if until <= from => return Err(Impossible::Backwards),
            Step::Away { user, from, until } => {
                let id = AbsenceId(u64::MAX - n);
                absences.push(Absence {
                    id,
                    user,
                    from,
                    until,
                    deputy: None,
                    note: None,
                    // Behind those of any directory, whose names are letters: what is noted goes first.
                    origin: Origin::Directory("~".into()),
                });
            }
            Step::Move { user, unit } => {
                if let Some(known) = directory.users.get(&user) {
                    let moved = UserFields { unit, above: unit.0, ..known.fields() };
                    directory.users.insert(user, Arc::new(moved.into()));
                }
            }
            Step::Gone(user) => drop(directory.users.remove(&user)),
            Step::MoveUnit { unit, into } => {
                let Some(known) = directory.units.get(&unit) else { return Err(Impossible::Root) };
                let up = |id: &UnitId| directory.units.get(id).map(|unit| unit.parent);
                let mut above = std::iter::successors(Some(into), up).take(directory.units.len() + 1);
                if above.any(|id| id == unit) {
                    return Err(Impossible::IntoItself(known.name.clone()));
                }
                let moved = Unit { parent: into, above: into.0, ..Unit::clone(known) };
                directory.units.insert(unit, Arc::new(moved));
            }
        }
    }
    let (name, roles) = (organisation.tree.name(tree::ROOT), organisation.roles.clone());
    let (assignments, listed) = ((*organisation.assignments).clone(), Arc::clone(organisation.listed()));
    let mut other = Organisation::new(name, directory, roles, assignments, absences, listed);
    other.gone = Arc::clone(&organisation.gone);
    other.subjects = Arc::clone(&organisation.subjects);
    Ok(other)
}

/// Those who answer: their names, and for deputies for whom. Empty: only the fallback role answers.
pub type People = Vec<Box<str>>;

/// Users who would have other contacts than now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shift {
    /// Who answers for them now.
    pub before: People,
    /// Who would.
    pub after: People,
    /// How many users.
    pub users: usize,
    /// The units concerned, as places in the tree that would be.
    pub units: Vec<Index>,
}

/// What would be different in one role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleShifts {
    /// Which role.
    pub role: RoleName,
    /// Who would turn to others, those with most users first.
    pub shifts: Vec<Shift>,
    /// Units where fewer than the minimum would be there, and weren't fewer before: places in the tree that would be, with how many.
    pub broken: Vec<(Index, usize)>,
    /// Subjects that would have others near, in a role of subjects.
    pub subjects: Vec<SubjectShift>,
    /// So many should be there.
    pub minimum: u16,
}

/// A subject that would have others near than now: its own contacts, or those of its unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubjectShift {
    /// Which.
    pub subject: SubjectName,
    /// What it is.
    pub title: Box<str>,
    /// Who answers for it now; empty: only who answers for everything.
    pub before: People,
    /// Who would.
    pub after: People,
}

/// Compares who answers for whom at `at`, role by role; those in which nothing would change are left out.
pub fn compare(before: &Organisation, after: &Organisation, at: DateTime<Utc>) -> Vec<RoleShifts> {
    let one = |role: &Role| match role.scope {
        Scope::Subject => compare_subjects(before, after, role, at),
        _ => compare_role(before, after, role, at),
    };
    let some = |shifts: &RoleShifts| {
        !shifts.shifts.is_empty() || !shifts.broken.is_empty() || !shifts.subjects.is_empty()
    };
    before.roles.iter().map(one).filter(some).collect()
}

fn compare_subjects(
    before: &Organisation,
    after: &Organisation,
    role: &Role,
    at: DateTime<Utc>,
) -> RoleShifts {
    let of = |organisation, subject: &Subject| {
        names(&subject::near(organisation, role, &subject.name, at).contacts)
    };
    let shift = |subject: &Subject| {
        let (was, is) = (of(before, subject), of(after, subject));
        (was != is).then(|| SubjectShift {
            subject: subject.name.clone(),
            title: subject.title.clone(),
            before: was,
            after: is,
        })
    };
    RoleShifts {
        role: role.name.clone(),
        shifts: Vec::new(),
        broken: Vec::new(),
        subjects: before.subjects.values().filter_map(shift).collect(),
        minimum: role.minimum,
    }
}

fn compare_role(before: &Organisation, after: &Organisation, role: &Role, at: DateTime<Utc>) -> RoleShifts {
    let both = (Answering::new(before, role, at), Answering::new(after, role, at));
    let mut found: BTreeMap<(People, People), (usize, Vec<Index>)> = BTreeMap::new();
    let mut broken = Vec::new();
    let moved = after.directory.users.values().filter(|user| {
        let known = before.user(user.id);
        known.is_some_and(|known| known.unit != user.unit)
    });
    let involved = involved(before, role).chain(involved(after, role));
    let apart: BTreeSet<UserId> = involved.chain(moved.map(|user| user.id)).collect();
    let mut apart_of: HashMap<Index, usize> = HashMap::new();
    for user in apart.iter().filter_map(|id| after.user(*id)) {
        *apart_of.entry(after.place_of(user)).or_default() += 1;
    }
    let users = |place: &Index| match role.pick {
        Pick::Nearest => {
            let apart = apart_of.get(place).copied().unwrap_or_default();
            after.count_users(*place, false).saturating_sub(apart)
        }
        Pick::All => after.count_users(tree::ROOT, true),
    };
    let minimum = usize::from(role.minimum);
    for ((old, new), places) in contacts::side_by_side(&both.0, &both.1) {
        let (was, is) = (names(both.0.at(old)), names(both.1.at(new)));
        if is.len() < minimum && was.len() >= minimum {
            broken.extend(places.iter().map(|place| (*place, is.len())));
        }
        if was != is {
            let entry = found.entry((was, is)).or_default();
            entry.0 += places.iter().map(users).sum::<usize>();
            entry.1.extend(places);
        }
    }
    broken.sort_unstable();
    if role.pick == Pick::Nearest {
        for id in apart {
            let Some(user) = before.user(id).zip(after.user(id)) else { continue };
            let (was, is) = (of_user(&both.0, id), of_user(&both.1, id));
            if was != is {
                let entry = found.entry((was, is)).or_default();
                entry.0 += 1;
                entry.1.push(after.place_of(user.1));
            }
        }
    }
    let shift = |((before, after), (users, mut units)): ((People, People), (usize, Vec<Index>))| {
        units.sort_unstable();
        units.dedup();
        Shift { before, after, users, units }
    };
    let mut shifts: Vec<Shift> = found.into_iter().map(shift).collect();
    shifts.sort_by_key(|shift| std::cmp::Reverse(shift.users));
    RoleShifts { role: role.name.clone(), shifts, broken, subjects: Vec::new(), minimum: role.minimum }
}

/// The users who may be an answer. Nobody is their own, so that it may be otherwise for them than for their unit.
fn involved<'a>(organisation: &'a Organisation, role: &Role) -> impl Iterator<Item = UserId> + use<'a> {
    let holders = organisation.holders(&role.name).all().filter_map(|holding| holding.holder.user());
    holders.flat_map(|id| {
        let absences = organisation.absences.get(&id).map_or(&[][..], Vec::as_slice);
        std::iter::once(id).chain(absences.iter().filter_map(|absence| absence.deputy))
    })
}

/// Those who answer for one user.
fn of_user(side: &Answering<'_>, id: UserId) -> People {
    let alone = Role { fallback: None, ..side.role.clone() };
    names(&contacts::resolve(side.organisation, &alone, &Asker::User(id), side.now).contacts)
}

fn names(contacts: &[Contact]) -> People {
    contacts.iter().map(|contact| contacts::named(&contact.name, contact.deputy_for.as_deref())).collect()
}

#[cfg(test)]
mod tests;
