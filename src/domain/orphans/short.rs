//! Where fewer count in a role than should, though somebody does.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::contacts::{self, Asker, ContactMap};
use crate::domain::ids::{DirectoryName, RoleName, UnitId};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{Role, Scope};
use crate::domain::subject::{self, SubjectName, owner_of};
use crate::domain::tree::Index;

/// A role for which fewer count than should: for the whole organisation, or for what is named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Short {
    /// Which role.
    pub role: RoleName,
    /// How many count now.
    pub there: u32,
    /// How many should.
    pub minimum: u16,
    /// The unit whose holders they are, for a role of units; the one that a subject belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitId>,
    /// The names from the top unit down to it, for a role of units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How many units turn to them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub units: u32,
    /// How many users these have.
    #[serde(default, skip_serializing_if = "is_default")]
    pub users: u32,
    /// The directory, for a role of directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectoryName>,
    /// The subject, for a role of subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectName>,
}

fn is_default<T: Default + PartialEq>(it: &T) -> bool {
    *it == T::default()
}

impl Short {
    /// A role for which so many count in the whole organisation. None: they are enough.
    fn of(role: &Role, there: usize) -> Option<Short> {
        (there < usize::from(role.minimum)).then(|| Short {
            role: role.name.clone(),
            there: count(there),
            minimum: role.minimum,
            unit: None,
            path: None,
            units: 0,
            users: 0,
            directory: None,
            subject: None,
        })
    }
}

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.role)?;
        let place = (self.path.as_deref())
            .or(self.directory.as_ref().map(|name| &*name.0))
            .or(self.subject.as_ref().map(|name| &*name.0));
        if let Some(place) = place {
            write!(f, " for {place}")?;
        }
        write!(f, ": {} of at least {} people count", self.there, self.minimum)?;
        match (self.units, self.users) {
            (0, _) => Ok(()),
            (1, users) => write!(f, ", for one unit with {users} users"),
            (units, users) => write!(f, ", for {units} units with {users} users"),
        }
    }
}

/// The places of a role of units where some count, but too few: each with the units that turn to it. Those for which nobody does are told as
/// such.
pub(super) fn at_units(
    organisation: &Organisation,
    role: &Role,
    map: &ContactMap,
    now: DateTime<Utc>,
) -> Vec<Short> {
    if role.minimum < 2 {
        return Vec::new();
    }
    let tree = &organisation.tree;
    let mut turning: BTreeMap<Index, (u32, usize)> = BTreeMap::new();
    for place in tree.indices() {
        let users = organisation.count_users(place, false);
        if let Some(at) = map.of_unit(place).filter(|_| users > 0) {
            let (units, all) = turning.entry(at).or_default();
            (*units, *all) = (*units + 1, *all + users);
        }
    }
    let short = |(at, (units, users)): (Index, (u32, usize))| {
        let there = contacts::at_place(organisation, role, at, now).0.len();
        let (unit, path) = (Some(tree.id(at)), Some(tree.path(at)));
        Short::of(role, there).map(|short| Short { unit, path, units, users: count(users), ..short })
    };
    turning.into_iter().filter_map(short).collect()
}

/// Where too few count in a role of which everybody does who holds it: the whole organisation, or each directory or subject by itself.
pub(super) fn everywhere(organisation: &Organisation, role: &Role, now: DateTime<Utc>) -> Vec<Short> {
    match role.scope {
        Scope::Directory if organisation.directories().next().is_some() => {
            let short = |name: &DirectoryName| {
                let there = contacts::for_directory(organisation, role, name, now).0.len();
                Short::of(role, there).map(|short| Short { directory: Some(name.clone()), ..short })
            };
            organisation.directories().filter_map(short).collect()
        }
        Scope::Subject => {
            let short = |subject: &subject::Subject| {
                let there = subject::near(organisation, role, &subject.name, now).contacts.len();
                let unit = owner_of(organisation, subject).ok().map(|place| organisation.tree.id(place));
                let short = Short::of(role, there)?;
                // Without anybody near it is told as such.
                (there > 0).then(|| Short { subject: Some(subject.name.clone()), unit, ..short })
            };
            organisation.subjects.values().filter_map(short).collect()
        }
        Scope::Unit | Scope::Organisation | Scope::Directory => {
            let alone = Role { fallback: None, ..role.clone() };
            let there = contacts::resolve(organisation, &alone, &Asker::Organisation, now).contacts.len();
            Short::of(role, there).into_iter().collect()
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
