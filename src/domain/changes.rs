//! Who got other contacts, and why: what was, beside what is. Whom that is told is decided in [`tell`].

pub mod open;
pub mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::contacts::{self, Answering, Asker, Contact, Sides, Skip};
use super::directory::User;
use super::ids::{RunId, UnitId, UserId};
use super::mailbox::Address;
use super::organisation::{Holding, Organisation};
use super::roles::{Pick, Role, RoleName, Scope};
use super::tree;

/// So many units are named in one [`ContactChange`]; of more units, there are more changes.
pub const MOST_NAMED: usize = 100;
/// So many people are named on each side of one.
const MOST_PEOPLE: usize = 20;

/// Whether it is noted, and can be told, that others answer in a role: not in one of subjects. Of a role of which everybody answers who holds it,
/// the organisation is one unit.
pub fn is_noted(role: &Role) -> bool {
    role.scope != Scope::Subject
}

/// How many users turn to whoever answers for these units in a role.
pub(crate) fn users_of<'a>(
    organisation: &Organisation,
    role: &Role,
    units: impl IntoIterator<Item = &'a tree::Index>,
) -> usize {
    let below = role.pick == Pick::All;
    units.into_iter().map(|unit| organisation.count_users(*unit, below)).sum()
}

/// Units whose contacts in one role were these people, and are others now. As it is stored, too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContactChange {
    /// In which role.
    pub role: RoleName,
    /// The first of the units, in the order of the tree.
    pub units: Vec<UnitId>,
    /// How many units there are. More than are named only in what an older version wrote.
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
    /// The configuration, which names the roles and the lists that are believed.
    Configuration,
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

/// Who somebody is, whatever they are called.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A user of a directory.
    User(UserId),
    /// Somebody outside, by their address as it is compared.
    Outside(Box<str>),
}

impl Who {
    /// A user, or else whoever has this address.
    pub fn new(user: Option<UserId>, mail: &Address) -> Who {
        user.map_or_else(|| Who::Outside(mail.key().into()), Who::User)
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Who::User(id) => id.fmt(f),
            Who::Outside(mail) => f.write_str(mail),
        }
    }
}

impl Person {
    /// Who this is.
    pub fn who(&self) -> Who {
        Who::new(self.user, &self.mail)
    }
}

impl From<&Contact> for Person {
    fn from(contact: &Contact) -> Person {
        Person {
            name: contact.name.clone(),
            user: contact.user,
            mail: contact.mail.clone(),
            deputy_for: contact.deputy_for.clone(),
        }
    }
}

/// Why contacts changed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
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
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
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

/// What differs between two pictures of the organisation, each at its time, in the roles of which it is noted. Units that were not there
/// before, or aren't now, have no change of contacts; of the `users` that differ, as they were and are, those have who belong to another unit now.
///
/// Whoever is the only one to turn to, and so turns to somebody else than their colleagues do, is counted as one of these.
pub fn between(
    before: (&Organisation, DateTime<Utc>),
    after: (&Organisation, DateTime<Utc>),
    users: &[(Arc<User>, Arc<User>)],
) -> Vec<ContactChange> {
    let noted = after.0.roles.iter().filter(|role| is_noted(role));
    let known = noted.filter_map(|role| Some((before.0.role(&role.name.0)?, role)));
    let side = |(organisation, now): (_, _), role| Answering::new(organisation, role, now);
    let edited = edited(before, after);
    let changes = known.flat_map(|(was, is)| {
        let touched = edited.as_ref().filter(|_| was == is).map(|absent| {
            let differs = |holding: &Holding| holding.holder.user().is_some_and(|id| absent.contains(&id));
            after.0.holders(&is.name).touched(before.0.holders(&is.name), differs)
        });
        match touched {
            Some(places) if places.is_empty() => Vec::new(),
            touched => of_role(&side(before, was), &side(after, is), users, touched.as_ref()),
        }
    });
    changes.collect()
}

/// Whether only what people maintain differs, and neither time nor the directory; then those whose absences, or whose deputies' absences, do.
fn edited(
    before: (&Organisation, DateTime<Utc>),
    after: (&Organisation, DateTime<Utc>),
) -> Option<BTreeSet<UserId>> {
    let ((old, then), (new, now)) = (before, after);
    let same =
        then == now && Arc::ptr_eq(&old.tree, &new.tree) && old.directory.users.is(&new.directory.users);
    same.then(|| {
        let all = || old.absences.iter().chain(&*new.absences);
        let differs = |id: &UserId| old.absences.get(id) != new.absences.get(id);
        let own = all().map(|(id, _)| *id).filter(|id| differs(id));
        let absences = all().flat_map(|(id, absences)| absences.iter().map(|absence| (*id, absence)));
        let deputies = absences.filter(|(_, absence)| absence.deputy.is_some_and(|id| differs(&id)));
        own.chain(deputies.map(|(id, _)| id)).collect()
    })
}

fn answerers(side: &Answering<'_>, at: Option<tree::Index>) -> Answerers {
    let unit = at.map(|at| side.organisation.tree.id(at));
    Answerers { unit, people: side.at(at).iter().take(MOST_PEOPLE).map(Person::from).collect() }
}

/// `touched`: the only places where others may answer; None: all.
fn of_role(
    was: &Answering<'_>,
    is: &Answering<'_>,
    users: &[(Arc<User>, Arc<User>)],
    touched: Option<&BTreeSet<tree::Index>>,
) -> Vec<ContactChange> {
    let may = |at: Option<tree::Index>| at.is_some_and(|at| touched.is_none_or(|all| all.contains(&at)));
    let other = |sides: &Sides| sides.0 != sides.1 || may(sides.0);
    let differ = |sides: &Sides| other(sides) && !same_people(was.at(sides.0), is.at(sides.1));
    let units = contacts::side_by_side(was, is).into_iter().filter(|(sides, _)| differ(sides));
    let mut changes: Vec<ContactChange> =
        units.flat_map(|(sides, places)| of_units(was, is, sides, &places)).collect();
    let mut moved: BTreeMap<Sides, u32> = BTreeMap::new();
    // Where everybody answers who holds the role, it makes no difference to which unit somebody belongs.
    let users = if is.role.pick == Pick::Nearest { users } else { &[] };
    for (before, after) in users.iter().filter(|(before, after)| before.unit != after.unit) {
        let places = (was.organisation.place_of(before), is.organisation.place_of(after));
        *moved.entry((was.of_unit(places.0), is.of_unit(places.1))).or_default() += 1;
    }
    moved.retain(|sides, _| differ(sides));
    changes.extend(moved.into_iter().map(|(sides, users)| ContactChange {
        role: is.role.name.clone(),
        units: Vec::new(),
        all_units: 0,
        users,
        before: answerers(was, sides.0),
        after: answerers(is, sides.1),
        why: vec![Why::UserMoved],
    }));
    changes
}

/// Whether the same people are turned to; what they are called and where they are written to may differ.
fn same_people(before: &[Contact], after: &[Contact]) -> bool {
    let keys = |people: &[Contact]| -> BTreeSet<(Option<UserId>, Option<String>)> {
        people.iter().map(|p| (p.user, p.user.is_none().then(|| p.mail.key()))).collect()
    };
    before == after || keys(before) == keys(after)
}

/// The changes of units that have the same contacts on either side: each names all of its units.
fn of_units(
    was: &Answering<'_>,
    is: &Answering<'_>,
    sides: Sides,
    places: &[tree::Index],
) -> Vec<ContactChange> {
    let (before, after, why) = (answerers(was, sides.0), answerers(is, sides.1), why(was, is, sides));
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let change = |places: &[tree::Index]| {
        let users = users_of(is.organisation, is.role, places);
        ContactChange {
            role: is.role.name.clone(),
            units: places.iter().map(|place| is.organisation.tree.id(*place)).collect(),
            all_units: count(places.len()),
            users: count(users),
            before: before.clone(),
            after: after.clone(),
            why: why.clone(),
        }
    };
    places.chunks(MOST_NAMED).map(change).collect()
}

fn why(was: &Answering<'_>, is: &Answering<'_>, (at_before, at): Sides) -> Vec<Why> {
    let (before, after) = (was.at(at_before), is.at(at));
    // Where they answered, as it is now.
    let there_now = at_before.and_then(|at| is.organisation.tree.index(was.organisation.tree.id(at)));
    let lost = before.iter().filter(|person| !among(person, after)).filter_map(|person| {
        let still = there_now.is_some_and(|place| among(person, is.at(Some(place))));
        if still { None } else { why_not(is, person, there_now) }
    });
    let there_before = at.and_then(|at| was.organisation.tree.index(is.organisation.tree.id(at)));
    let gained = after.iter().filter(|person| !among(person, before)).filter_map(|person| {
        let before = there_before.is_some_and(|place| among(person, was.at(Some(place))));
        (!before).then(|| Why::Gained { name: person.name.clone() })
    });
    let mut reasons: Vec<Why> = lost.chain(gained).take(MOST_PEOPLE).collect();
    if reasons.is_empty() {
        reasons.push(Why::UnitMoved);
    }
    reasons
}

/// Why somebody who answered at a place doesn't any more. None: the deputy of somebody who is back.
fn why_not(is: &Answering<'_>, person: &Contact, there: Option<tree::Index>) -> Option<Why> {
    let (organisation, name) = (is.organisation, person.name.clone());
    let holders = there.map_or(&[][..], |place| organisation.holders(&is.role.name).at(place));
    let judge = |h: &Holding| contacts::judge(organisation, is.role, h, &Asker::Organisation, is.now);
    let lost = |name: &str, skip: Skip| Some(Why::Lost { name: name.into(), reason: skip.into() });
    if let Some(absent) = &person.deputy_for {
        let holding = holders.iter().find(|h| organisation.holder_name(&h.holder) == *absent);
        return match holding.map(judge) {
            Some(Ok(_)) => None,
            Some(Err(Skip::Away { deputy: Some(deputy), .. })) => lost(&deputy.name, deputy.reason),
            Some(Err(skip)) => lost(absent, skip),
            None => Some(Why::Revoked { name: absent.clone() }),
        };
    }
    let holding = holders.iter().find(|h| h.holder.user() == person.user && person.user.is_some());
    let away = || organisation.absence_of(person.user?, is.now).map(|absence| absence.until);
    match holding.map(judge) {
        Some(Err(skip)) => return lost(&name, skip),
        // Somebody stands in.
        Some(Ok(contact)) if contact.user != person.user => {
            if let Some(until) = away() {
                return Some(Why::Lost { name, reason: Loss::Away { until } });
            }
        }
        _ => {}
    }
    if person.user.is_some_and(|id| organisation.user(id).is_none()) {
        return lost(&name, Skip::Gone);
    }
    Some(Why::Revoked { name })
}

fn among(person: &Contact, people: &[Contact]) -> bool {
    people.iter().any(|other| match person.user {
        Some(id) => other.user == Some(id),
        None => other.user.is_none() && other.mail.key() == person.mail.key(),
    })
}

#[cfg(test)]
mod tests;
