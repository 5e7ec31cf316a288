//! Users, units and groups as they were read: one immutable value, keyed by identity.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{DirectoryName, GroupId, Guid, UnitId, UserId};
use super::map::Map;
pub use super::user::{User, UserFields};

/// A unit of the organisation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Unit {
    /// `objectGUID` of the OU; of a unit that is [made of something else](super::shape) a digest of what it is known by.
    pub id: UnitId,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// The nearest unit above, [`UnitId::ROOT`] for a topmost one.
    pub parent: UnitId,
    /// What stands right above it in the directory: the parent itself, or a [`Container`] in between. Zero when not known.
    pub above: Guid,
    /// What people call it: the value of the RDN, unescaped.
    pub name: Box<str>,
    /// Who `managedBy` names: perhaps nobody who was read.
    pub managed_by: Option<UserId>,
}

/// A group, with its direct members.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// `objectGUID`.
    pub id: GroupId,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// The value of the RDN, unescaped.
    pub name: Box<str>,
    /// `sAMAccountName`.
    pub account: Box<str>,
    /// What stands right above it in the directory. Zero when not known.
    pub above: Guid,
    /// Direct members, in order of identity, each once: users, groups, and perhaps what was not read.
    pub members: Box<[Guid]>,
}

/// What is no unit but has units, users or groups below it: a container, a domain.
///
/// It is kept so that its move or rename is understood, which the directory reports without what is below.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Container {
    /// `objectGUID`.
    pub id: Guid,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// What stands right above it: another container, or a unit. Zero for the topmost, and when not known.
    pub above: Guid,
    /// The value of the RDN, unescaped.
    pub name: Box<str>,
}

/// Everything that is known of users, units and groups, of one directory or of several.
///
/// Objects are shared, not copied, between the old and the new value of a sync; so are the maps, all but what changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Directory {
    /// By identity.
    pub users: Map<UserId, Arc<User>>,
    /// By identity; the root is not among them.
    pub units: Map<UnitId, Arc<Unit>>,
    /// By identity.
    pub groups: Map<GroupId, Arc<Group>>,
    /// By identity: those with anything below them that was read.
    pub containers: Map<Guid, Arc<Container>>,
}

/// How much of one directory there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Users.
    pub users: usize,
    /// Those of them who can be turned to: enabled, with a mail address.
    pub reachable: usize,
    /// Units.
    pub units: usize,
    /// Groups.
    pub groups: usize,
    /// Direct memberships of groups.
    pub memberships: usize,
}

impl Directory {
    /// Only what was read from the directory `name`.
    pub fn part(&self, name: &DirectoryName) -> Directory {
        Directory {
            users: keep(&self.users, |u| u.directory == *name),
            units: keep(&self.units, |u| u.directory == *name),
            groups: keep(&self.groups, |g| g.directory == *name),
            containers: keep(&self.containers, |c| c.directory == *name),
        }
    }

    /// Who was read from the directory `name`: its users, units and groups.
    pub fn identities(&self, name: &DirectoryName) -> Vec<Guid> {
        let users = self.users.values().filter(|user| user.directory == *name).map(|user| user.id.0);
        let units = self.units.values().filter(|unit| unit.directory == *name).map(|unit| unit.id.0);
        let groups = self.groups.values().filter(|group| group.directory == *name).map(|group| group.id.0);
        users.chain(units).chain(groups).collect()
    }

    /// How much there is of each directory. Counts everything: `Organisation::tally` knows it.
    pub fn tallies(&self) -> BTreeMap<DirectoryName, Tally> {
        let mut tallies: BTreeMap<DirectoryName, Tally> = BTreeMap::new();
        let mut of = |name: &DirectoryName, count: &dyn Fn(&mut Tally)| match tallies.get_mut(name) {
            Some(tally) => count(tally),
            None => count(tallies.entry(name.clone()).or_default()),
        };
        for user in self.users.values() {
            of(&user.directory, &|t| {
                t.users += 1;
                t.reachable += usize::from(user.is_reachable());
            });
        }
        self.units.values().for_each(|u| of(&u.directory, &|t| t.units += 1));
        for group in self.groups.values() {
            of(&group.directory, &|t| {
                t.groups += 1;
                t.memberships += group.members.len();
            });
        }
        tallies
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.units.is_empty() && self.groups.is_empty() && self.containers.is_empty()
    }
}

fn keep<K: Ord + Copy, V>(map: &Map<K, Arc<V>>, wanted: impl Fn(&V) -> bool) -> Map<K, Arc<V>> {
    map.iter().filter(|(_, v)| wanted(v)).map(|(k, v)| (*k, Arc::clone(v))).collect()
}

/// An object that could not be understood, set aside by itself so that it stops nobody else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quarantined {
    /// Its identity, when that much is known: what was known of it before stays in force.
    pub id: Option<Guid>,
    /// The distinguished name as far as it is known, at most 400 characters.
    pub dn: Box<str>,
    /// What is wrong with it, a full sentence for an administrator.
    pub reason: Box<str>,
}

/// What a source read of a whole directory, decoded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Objects {
    /// What was understood.
    pub directory: Directory,
    /// What was not.
    pub quarantined: Vec<Quarantined>,
    /// Why it can't be told of an entry who it is, the first of them: whoever isn't among the others may be that one.
    pub unidentified: Option<Box<str>>,
}

/// What a source read of the changes of one directory since its last read, decoded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Update {
    /// What is new or differs, each object as it is now. What is in here as it was known makes no change.
    pub written: Directory,
    /// What is gone: deleted, or no longer within what is read. What was never known makes no change.
    pub removed: BTreeSet<Guid>,
    /// What was not understood: what was known of it stays in force.
    pub quarantined: Vec<Quarantined>,
}

/// What a source read of one directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// All of it: what isn't here is gone.
    Whole(Objects),
    /// What changed since the last read.
    Changes(Update),
}

impl From<Directory> for Found {
    /// All of a directory, and everything of it understood.
    fn from(directory: Directory) -> Found {
        Found::Whole(Objects { directory, ..Objects::default() })
    }
}

impl Found {
    /// What was not understood.
    pub fn quarantined(&self) -> &[Quarantined] {
        match self {
            Found::Whole(objects) => &objects.quarantined,
            Found::Changes(update) => &update.quarantined,
        }
    }

    /// What was read.
    pub fn directory(&self) -> &Directory {
        match self {
            Found::Whole(objects) => &objects.directory,
            Found::Changes(update) => &update.written,
        }
    }
}
