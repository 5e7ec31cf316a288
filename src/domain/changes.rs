//! Who got other contacts, and why: what was, beside what is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::contacts::{self, Asker, ContactMap, Skip, recompute};
use super::directory::User;
use super::ids::{RunId, UnitId, UserId};
use super::mailbox::Address;
use super::organisation::{Holding, Organisation};
use super::roles::{Pick, Role, RoleName};
use super::tree;

/// So many units are named in one [`ContactChange`]; it tells how many there are.
pub const MOST_NAMED: usize = 100;
/// So many people are named on each side of one.
const MOST_PEOPLE: usize = 20;

/// Units whose contacts in one role were these people, and are others now. As it is stored, too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContactChange {
    /// In which role.
    pub role: RoleName,
    /// The first of the units, in the order of the tree.
    pub units: Vec<UnitId>,
    /// How many units there are.
    pub all_units: u32,
    /// How many users belong to these units, or moved from one to another.
    pub users: u32,
    /// Who was turned to.
    pub before: Answerers,
    /// Who is turned to now.
    pub after: Answerers,
    /// Why, as far as it can be told.
    pub why: Vec<Why>,
}

/// Units that got other contacts, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangeAt {
    /// When.
    pub at: DateTime<Utc>,
    /// By what.
    pub by: Cause,
    /// Who.
    pub change: ContactChange,
}

/// What gave somebody other contacts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A sync.
    Run(RunId),
    /// Somebody's edit; the audit log has it at that time.
    Edit,
    /// Time alone: an absence, an assignment or an account began or ended.
    Time,
}

/// The people at the nearest unit where anybody counts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Answerers {
    /// The unit where they answer. None: nobody of the role does, and only the fallback answers.
    pub unit: Option<UnitId>,
    /// The first of them.
    pub people: Vec<Person>,
}

/// Somebody to turn to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Person {
    /// What they are called.
    pub name: Box<str>,
    /// The user, None for somebody outside.
    pub user: Option<UserId>,
    /// Where to write to.
    pub mail: Address,
    /// Whose deputy this is, for a deputy.
    pub deputy_for: Option<Box<str>>,
}

/// Why contacts changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A holder doesn't count any more.
    Lost {
        /// Who.
        name: Box<str>,
        /// Why not.
        reason: Loss,
    },
    /// Somebody doesn't hold the role there any more.
    Revoked {
        /// Who.
        name: Box<str>,
    },
    /// Somebody counts who didn't before.
    Gained {
        /// Who.
        name: Box<str>,
    },
    /// The unit has another place in the tree, or one above it has.
    UnitMoved,
    /// The users moved from one unit to another.
    UserMoved,
}

/// Why a holder doesn't count any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The account is disabled.
    Disabled,
    /// The account has expired.
    Expired,
    /// The user is in no directory any longer.
    Gone,
    /// There is no address to write to.
    NoAddress,
    /// The person is away, and nobody stands in.
    Away {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// The holder's main unit is another one now.
    Moved {
        /// What that unit is called.
        to: Box<str>,
    },
    /// The assignment has ended.
    Ended,
    /// The assignment is for something else now.
    Elsewhere,
}

impl From<Skip> for Loss {
    fn from(skip: Skip) -> Loss {
        match skip {
            Skip::Disabled => Loss::Disabled,
            Skip::Expired { .. } => Loss::Expired,
            Skip::Gone => Loss::Gone,
            Skip::NoAddress => Loss::NoAddress,
            Skip::Away { until, .. } => Loss::Away { until },
            Skip::Moved { to } => Loss::Moved { to },
            Skip::Ended { .. } => Loss::Ended,
            Skip::IsAsker | Skip::NotYet { .. } | Skip::OtherDirectory | Skip::OtherSubject => {
                Loss::Elsewhere
            }
        }
    }
}

impl Why {
    /// In words, with the days as they are in a time zone.
    pub fn in_zone(&self, zone: Tz) -> String {
        let day = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%-d %b %Y").to_string();
        match self {
            Why::Lost { name, reason } => match reason {
                Loss::Disabled => format!("{name} is disabled"),
                Loss::Expired => format!("the account of {name} has expired"),
                Loss::Gone => format!("{name} is no longer in the directory"),
                Loss::NoAddress => format!("{name} has no mail address"),
                Loss::Away { until } => format!("{name} is away until {}", day(until)),
                Loss::Moved { to } => format!("{name} moved to {to}"),
                Loss::Ended => format!("the time of {name} has ended"),
                Loss::Elsewhere => format!("{name} answers for something else"),
            },
            Why::Revoked { name } => format!("{name} doesn't hold the role there any more"),
            Why::Gained { name } => format!("{name} answers now"),
            Why::UnitMoved => "the unit has another place".to_owned(),
            Why::UserMoved => "they moved to another unit".to_owned(),
        }
    }
}

/// What differs between two pictures of the organisation, each at its time, in the roles whose nearest holders answer. Units that were not there
/// before, or aren't now, have no change of contacts; of the `users` that differ, as they were and are, those have who belong to another unit now.
///
/// Whoever is the only one to turn to, and so turns to somebody else than their colleagues do, is counted as one of these.
pub fn between(
    before: (&Organisation, DateTime<Utc>),
    after: (&Organisation, DateTime<Utc>),
    users: &[(Arc<User>, Arc<User>)],
) -> Vec<ContactChange> {
    let nearest = after.0.roles.iter().filter(|role| role.pick == Pick::Nearest);
    let known = nearest.filter_map(|role| Some((before.0.role(&role.name.0)?, role)));
    known.flat_map(|(was, is)| of_role(&Picture::new(before, was), &Picture::new(after, is), users)).collect()
}

/// Who answers where, in one role.
struct Picture<'a> {
    organisation: &'a Organisation,
    role: &'a Role,
    now: DateTime<Utc>,
    map: ContactMap,
    people: HashMap<tree::Index, Vec<Person>>,
}

impl<'a> Picture<'a> {
    fn new((organisation, now): (&'a Organisation, DateTime<Utc>), role: &'a Role) -> Picture<'a> {
        let holders = organisation.holders(&role.name);
        let people = holders
            .places()
            .map(|place| {
                let counting = holders.at(place).iter().filter_map(|holding| {
                    contacts::judge(organisation, role, holding, &Asker::Organisation, now).ok()
                });
                let person = |c: contacts::Contact| Person {
                    name: c.name,
                    user: c.user,
                    mail: c.mail,
                    deputy_for: c.deputy_for,
                };
                (place, counting.map(person).collect())
            })
            .collect();
        Picture { organisation, role, now, map: recompute(organisation, role, now), people }
    }

    /// Where a unit's contacts are, and who they are.
    fn of(&self, place: tree::Index) -> (Option<tree::Index>, &[Person]) {
        let at = self.map.of_unit(place);
        (at, self.people_at(at))
    }

    fn people_at(&self, at: Option<tree::Index>) -> &[Person] {
        at.and_then(|at| self.people.get(&at)).map_or(&[], Vec::as_slice)
    }

    fn answerers(&self, at: Option<tree::Index>) -> Answerers {
        let unit = at.map(|at| self.organisation.tree.id(at));
        Answerers { unit, people: self.people_at(at).iter().take(MOST_PEOPLE).cloned().collect() }
    }

    fn holdings(&self, at: Option<tree::Index>) -> &[Holding] {
        at.map_or(&[], |at| self.organisation.holders(&self.role.name).at(at))
    }
}

/// Where the answers were before and are now.
type Between = (Option<tree::Index>, Option<tree::Index>);

fn of_role(was: &Picture<'_>, is: &Picture<'_>, users: &[(Arc<User>, Arc<User>)]) -> Vec<ContactChange> {
    let (old, new) = (was.organisation, is.organisation);
    let mut units: BTreeMap<Between, Vec<tree::Index>> = BTreeMap::new();
    for place in new.tree.indices() {
        let Some(place_before) = old.tree.index(new.tree.id(place)) else { continue };
        let ((at_before, before), (at, after)) = (was.of(place_before), is.of(place));
        if !same_people(before, after) {
            units.entry((at_before, at)).or_default().push(place);
        }
    }
    let mut changes: Vec<ContactChange> =
        units.into_iter().map(|(between, places)| change(was, is, between, &places)).collect();
    let mut moved: BTreeMap<Between, u32> = BTreeMap::new();
    for (before, after) in users.iter().filter(|(before, after)| before.unit != after.unit) {
        let (at_before, was_told) = was.of(old.place_of(before));
        let (at, told) = is.of(new.place_of(after));
        if !same_people(was_told, told) {
            *moved.entry((at_before, at)).or_default() += 1;
        }
    }
    changes.extend(moved.into_iter().map(|((at_before, at), users)| ContactChange {
        role: is.role.name.clone(),
        units: Vec::new(),
        all_units: 0,
        users,
        before: was.answerers(at_before),
        after: is.answerers(at),
        why: vec![Why::UserMoved],
    }));
    changes
}

/// Whether the same people are turned to; what they are called and where they are written to may differ.
fn same_people(before: &[Person], after: &[Person]) -> bool {
    let keys = |people: &[Person]| -> BTreeSet<(Option<UserId>, Option<String>)> {
        people.iter().map(|p| (p.user, p.user.is_none().then(|| p.mail.key()))).collect()
    };
    before == after || keys(before) == keys(after)
}

fn change(was: &Picture<'_>, is: &Picture<'_>, between: Between, places: &[tree::Index]) -> ContactChange {
    let tree = &is.organisation.tree;
    let users: usize = places.iter().map(|place| is.organisation.count_users(*place, false)).sum();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    ContactChange {
        role: is.role.name.clone(),
        units: places.iter().take(MOST_NAMED).map(|place| tree.id(*place)).collect(),
        all_units: count(places.len()),
        users: count(users),
        before: was.answerers(between.0),
        after: is.answerers(between.1),
        why: why(was, is, between),
    }
}

fn why(was: &Picture<'_>, is: &Picture<'_>, (at_before, at): Between) -> Vec<Why> {
    let (before, after) = (was.people_at(at_before), is.people_at(at));
    let mut reasons = Vec::new();
    // Where they answered, as it is now.
    let there_now = at_before.and_then(|at| is.organisation.tree.index(was.organisation.tree.id(at)));
    for person in before.iter().filter(|person| !among(person, after)) {
        let still = there_now.is_some_and(|place| among(person, is.people_at(Some(place))));
        if still {
            continue;
        }
        let holding =
            is.holdings(there_now).iter().find(|h| h.holder.user() == person.user && person.user.is_some());
        let lost = holding
            .and_then(|h| contacts::judge(is.organisation, is.role, h, &Asker::Organisation, is.now).err());
        let gone = person.user.filter(|id| is.organisation.user(*id).is_none()).map(|_| Skip::Gone);
        reasons.push(match lost.or(gone) {
            Some(reason) => Why::Lost { name: person.name.clone(), reason: reason.into() },
            None => Why::Revoked { name: person.name.clone() },
        });
    }
    let there_before = at.and_then(|at| was.organisation.tree.index(is.organisation.tree.id(at)));
    for person in after.iter().filter(|person| !among(person, before)) {
        if !there_before.is_some_and(|place| among(person, was.people_at(Some(place)))) {
            reasons.push(Why::Gained { name: person.name.clone() });
        }
    }
    if reasons.is_empty() {
        reasons.push(Why::UnitMoved);
    }
    reasons.truncate(MOST_PEOPLE);
    reasons
}

fn among(person: &Person, people: &[Person]) -> bool {
    people.iter().any(|other| match person.user {
        Some(id) => other.user == Some(id),
        None => other.user.is_none() && other.mail.key() == person.mail.key(),
    })
}

#[cfg(test)]
mod tests;
