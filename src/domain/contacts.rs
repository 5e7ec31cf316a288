//! "Whom do I turn to?": the nearest holder of a role who is there, and why it is that one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::directory::User;
use super::ids::{AbsenceId, DirectoryName, UnitId, UserId};
use super::mailbox::Address;
use super::organisation::{Holding, Organisation, Origin};
use super::roles::{Holder, Pick, Place, Role, RoleName};
use super::tree;

/// Who asks, or what is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asker {
    /// A user, who is never the answer to their own question.
    User(UserId),
    /// A unit.
    Unit(UnitId),
    /// Nobody in particular: the whole organisation.
    Organisation,
    /// A directory whose sync concerns somebody.
    Directory(DirectoryName),
}

/// A person to turn to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// Name to show.
    pub name: Box<str>,
    /// Where to write to.
    pub mail: Address,
    /// Where to call.
    pub phone: Option<Box<str>>,
    /// Where to call while under way.
    pub mobile: Option<Box<str>>,
    /// Title.
    pub title: Option<Box<str>>,
    /// The user, None for somebody outside.
    pub user: Option<UserId>,
    /// The role that made this person the answer.
    pub role: RoleName,
    /// How they came to hold it; of the absent holder for a deputy.
    pub origin: Origin,
    /// Whose deputy this is, for a deputy.
    pub deputy_for: Option<Box<str>>,
}

/// Why a holder doesn't count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Skip {
    /// The account is disabled.
    Disabled,
    /// The account has expired.
    Expired {
        /// When.
        at: DateTime<Utc>,
    },
    /// The user is in no directory any longer.
    Gone,
    /// There is no address to write to.
    NoAddress,
    /// The person is away, and nobody stands in.
    Away {
        /// Which absence.
        absence: AbsenceId,
        /// Until when.
        until: DateTime<Utc>,
        /// The deputy and why the deputy doesn't count either.
        deputy: Option<Box<Skipped>>,
    },
    /// It is the asker.
    IsAsker,
    /// The holder's main unit is another one now.
    Moved {
        /// What that unit is called.
        to: Box<str>,
    },
    /// The assignment begins later.
    NotYet {
        /// When.
        from: DateTime<Utc>,
    },
    /// The assignment has ended.
    Ended {
        /// When.
        until: DateTime<Utc>,
    },
    /// The assignment is for another directory.
    OtherDirectory,
}

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Skip::Disabled => f.write_str("disabled"),
            Skip::Expired { at } => write!(f, "account expired {}", at.format("%-d %b %Y")),
            Skip::Gone => f.write_str("no longer in the directory"),
            Skip::NoAddress => f.write_str("no mail address"),
            Skip::Away { until, deputy, .. } => {
                write!(f, "away until {}", until.format("%-d %b %Y"))?;
                match deputy {
                    Some(d) => write!(f, "; deputy {}: {}", d.name, d.reason),
                    None => f.write_str("; no deputy"),
                }
            }
            Skip::IsAsker => f.write_str("is you"),
            Skip::Moved { to } => write!(f, "moved to {to}"),
            Skip::NotYet { from } => write!(f, "from {}", from.format("%-d %b %Y")),
            Skip::Ended { until } => write!(f, "ended {}", until.format("%-d %b %Y")),
            Skip::OtherDirectory => f.write_str("for another directory"),
        }
    }
}

/// A holder who doesn't count, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// Who.
    pub name: Box<str>,
    /// Why.
    #[serde(flatten)]
    pub reason: Skip,
}

/// One place that was looked at on the way to the answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The role that was asked for there.
    pub role: RoleName,
    /// The unit, the organisation's root for what applies everywhere.
    pub unit: UnitId,
    /// What it is called.
    pub unit_name: Box<str>,
    /// Who holds the role there but doesn't count.
    pub skipped: Vec<Skipped>,
    /// How many count.
    pub found: u32,
}

/// The answer: who, and the way to them. Without contacts, the trail says where it was looked in vain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Those to turn to, in order.
    pub contacts: Vec<Contact>,
    /// Every place that was looked at.
    pub trail: Vec<Step>,
}

/// Finds who answers for `asker` in `role` at `now`: the one rule of all roles.
///
/// Start at the main unit; the holders there who count are the answer. Nobody: the unit above. At the root: the role's
/// fallback. Roles of the organisation have one place, the root.
pub fn resolve(organisation: &Organisation, role: &Role, asker: &Asker, now: DateTime<Utc>) -> Answer {
    let mut trail = Vec::new();
    let mut asked: Vec<&RoleName> = Vec::new();
    let mut next = Some(role);
    while let Some(role) = next {
        asked.push(&role.name);
        for place in places(organisation, role, asker) {
            let (contacts, skipped) = present(organisation, role, place, asker, now);
            trail.push(Step {
                role: role.name.clone(),
                unit: organisation.tree.id(place),
                unit_name: organisation.tree.name(place).into(),
                skipped,
                found: u32::try_from(contacts.len()).unwrap_or(u32::MAX),
            });
            if !contacts.is_empty() {
                return Answer { contacts, trail };
            }
        }
        let fallback = role.fallback.as_ref().filter(|name| !asked.contains(name));
        next = fallback.and_then(|name| organisation.role(&name.0));
    }
    Answer { contacts: Vec::new(), trail }
}

/// The places to look at, in order.
fn places(organisation: &Organisation, role: &Role, asker: &Asker) -> Vec<tree::Index> {
    let start = match asker {
        Asker::User(id) => organisation.user(*id).map(|u| organisation.place_of(u)),
        Asker::Unit(id) => organisation.tree.index(*id),
        Asker::Organisation | Asker::Directory(_) => None,
    };
    match role.pick {
        Pick::Nearest => organisation.tree.upwards(start.unwrap_or(tree::ROOT)).collect(),
        Pick::All => vec![tree::ROOT],
    }
}

/// Who counts at one place, and who doesn't.
fn present(
    organisation: &Organisation,
    role: &Role,
    place: tree::Index,
    asker: &Asker,
    now: DateTime<Utc>,
) -> (Vec<Contact>, Vec<Skipped>) {
    let mut contacts: Vec<Contact> = Vec::new();
    let mut skipped = Vec::new();
    for holding in organisation.holders(&role.name).at(place) {
        match judge(organisation, role, holding, asker, now) {
            // Two holders with one deputy, or one shared mailbox, are one contact.
            Ok(contact) if contacts.iter().any(|c| c.mail == contact.mail) => {}
            Ok(contact) => contacts.push(contact),
            Err(reason) => skipped.push(Skipped { name: organisation.holder_name(&holding.holder), reason }),
        }
    }
    (contacts, skipped)
}

/// Whether a holder counts, or a deputy in their place.
fn judge(
    organisation: &Organisation,
    role: &Role,
    holding: &Holding,
    asker: &Asker,
    now: DateTime<Utc>,
) -> Result<Contact, Skip> {
    if let Some(from) = holding.from.filter(|from| now < *from) {
        return Err(Skip::NotYet { from });
    }
    if let Some(until) = holding.until.filter(|until| *until <= now) {
        return Err(Skip::Ended { until });
    }
    if let (Place::Directory(held), Asker::Directory(asked)) = (&holding.place, asker)
        && held != asked
    {
        return Err(Skip::OtherDirectory);
    }
    let id = match &holding.holder {
        Holder::User(id) => *id,
        Holder::Outside { name, mail } => {
            return Ok(Contact {
                name: name.clone(),
                mail: holding.mail.clone().unwrap_or_else(|| mail.clone()),
                phone: holding.phone.clone(),
                mobile: None,
                title: None,
                user: None,
                role: role.name.clone(),
                origin: holding.origin.clone(),
                deputy_for: None,
            });
        }
    };
    let user = organisation.user(id).ok_or(Skip::Gone)?;
    if let Place::Unit(unit) = holding.place
        && !holding.any_unit
        && user.unit != unit
    {
        let place = organisation.place_of(user);
        return Err(Skip::Moved { to: organisation.tree.name(place).into() });
    }
    let contact = |user: &User, mail, phone: Option<Box<str>>, deputy_for| Contact {
        name: user.name.clone(),
        mail,
        phone: phone.or_else(|| user.phone.clone()),
        mobile: user.mobile.clone(),
        title: user.title.clone(),
        user: Some(user.id),
        role: role.name.clone(),
        origin: holding.origin.clone(),
        deputy_for,
    };
    let mail = usable(user, holding.mail.as_ref(), asker, now)?;
    let Some(absence) = organisation.absence_of(id, now) else {
        return Ok(contact(user, mail, holding.phone.clone(), None));
    };
    let away = |deputy| Skip::Away { absence: absence.id, until: absence.until, deputy };
    let Some(deputy_id) = absence.deputy else { return Err(away(None)) };
    let deputy = organisation.user(deputy_id);
    let stands_in = match deputy {
        None => Err(Skip::Gone),
        Some(deputy) => usable(deputy, None, asker, now).and_then(|mail| match organisation.absence_of(deputy_id, now) {
            // A deputy's deputy is not asked: a circle of deputies must end.
            Some(a) => Err(Skip::Away { absence: a.id, until: a.until, deputy: None }),
            None => Ok(contact(deputy, mail, None, Some(user.name.clone()))),
        }),
    };
    stands_in.map_err(|reason| {
        let name = organisation.holder_name(&Holder::User(deputy_id));
        away(Some(Box::new(Skipped { name, reason })))
    })
}

/// Whether a user can be turned to, absences aside, and where to write to.
fn usable(user: &User, instead: Option<&Address>, asker: &Asker, now: DateTime<Utc>) -> Result<Address, Skip> {
    if !user.enabled {
        return Err(Skip::Disabled);
    }
    if let Some(at) = user.expires.filter(|at| *at <= now) {
        return Err(Skip::Expired { at });
    }
    if *asker == Asker::User(user.id) {
        return Err(Skip::IsAsker);
    }
    let own = || user.mail.as_deref().and_then(|m| m.parse().ok());
    instead.cloned().or_else(own).ok_or(Skip::NoAddress)
}

/// Where the contacts of everybody are, for one role with [`Pick::Nearest`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactMap {
    /// For each unit of the tree, the unit whose holders answer for it; None: the fallback role does.
    pub units: Vec<Option<tree::Index>>,
    /// For each user, in the order of the directory, the unit whose holders answer.
    pub users: Vec<Option<tree::Index>>,
}

impl ContactMap {
    /// How many users nobody answers for but the fallback role.
    pub fn uncovered_users(&self) -> usize {
        self.users.iter().filter(|at| at.is_none()).count()
    }
}

/// Works out for every unit and every user where the nearest holders of `role` are at `now`.
///
/// Reads only what is committed, so it can run at any time, again and again.
pub fn recompute(organisation: &Organisation, role: &Role, now: DateTime<Utc>) -> ContactMap {
    let tree = &organisation.tree;
    let holders = organisation.holders(&role.name);
    let counted = |place, asker: &Asker| present(organisation, role, place, asker, now).0;
    // Only where somebody counts; and where it is a single person, who that is.
    let here: BTreeMap<tree::Index, Option<UserId>> = holders
        .places()
        .filter_map(|place| match counted(place, &Asker::Organisation).as_slice() {
            [] => None,
            [only] => Some((place, only.user)),
            _ => Some((place, None)),
        })
        .collect();
    // Parents come before children, so one pass is enough.
    let mut units: Vec<Option<tree::Index>> = Vec::with_capacity(tree.len());
    for place in tree.indices() {
        let above = tree.parent(place).and_then(|p| units.get(p as usize).copied().flatten());
        units.push(if here.contains_key(&place) { Some(place) } else { above });
    }
    let answer_for = |user: &User| {
        let nearest = units.get(organisation.place_of(user) as usize).copied().flatten()?;
        if here.get(&nearest) != Some(&Some(user.id)) {
            return Some(nearest);
        }
        // The only one to turn to is the asker: look again for this one user, from the same unit, since an absent
        // colleague whose deputy the asker is changes nothing, but a unit above may have somebody.
        let asker = Asker::User(user.id);
        tree.upwards(nearest).find(|p| here.contains_key(p) && !counted(*p, &asker).is_empty())
    };
    let users = organisation.directory.users.values().map(|u| answer_for(u)).collect();
    ContactMap { units, users }
}

#[cfg(test)]
mod tests;
