//! Everything that answering needs, in one immutable value: the directory, its tree, and who holds which role.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::absence::Absence;
use super::directory::{Directory, Group, Unit, User};
use super::ids::{AssignmentId, GroupId, UnitId, UserId};
use super::mailbox::Address;
use super::roles::{Assignment, Holder, Place, Role, RoleName, Scope};
use super::tree::{self, UnitTree};

/// How somebody came to hold a role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An administrator assigned it.
    Assigned(AssignmentId),
    /// As a member, direct or nested, of a group.
    Group(Box<str>),
    /// As the `managedBy` of the unit.
    ManagedBy,
}

/// One holder of one role at one place, from whichever origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding {
    /// Who.
    pub holder: Holder,
    /// Where: the root for what applies everywhere.
    pub at: tree::Index,
    /// As it was given.
    pub place: Place,
    /// The order among the holders of one place.
    pub rank: u16,
    /// Used in place of the person's own address.
    pub mail: Option<Address>,
    /// Used in place of the person's own phone number.
    pub phone: Option<Box<str>>,
    /// From when on.
    pub from: Option<DateTime<Utc>>,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// Counts though the holder's main unit is another one.
    pub any_unit: bool,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a role's holders are, by where they hold it, each place's in order.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    by_place: BTreeMap<tree::Index, Vec<Holding>>,
}

impl Holders {
    /// The holders at one unit (the root for what applies everywhere), in order of rank, then name.
    pub fn at(&self, place: tree::Index) -> &[Holding] {
        self.by_place.get(&place).map_or(&[], Vec::as_slice)
    }

    /// All holders, by place.
    pub fn all(&self) -> impl Iterator<Item = &Holding> {
        self.by_place.values().flatten()
    }

    /// The places where anybody holds the role, parents before children.
    pub fn places(&self) -> impl Iterator<Item = tree::Index> + '_ {
        self.by_place.keys().copied()
    }
}

/// A group of the configuration that names no group, or several, of the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownGroup {
    /// The role it was to grant.
    pub role: RoleName,
    /// The name in the configuration.
    pub group: Box<str>,
}

/// The organisation as it stands: what every question is answered from.
#[derive(Clone, Debug)]
pub struct Organisation {
    /// Users, units and groups.
    pub directory: Directory,
    /// The units, arranged.
    pub tree: UnitTree,
    /// The roles, in the order they are shown.
    pub roles: Vec<Role>,
    /// What administrators assigned.
    pub assignments: BTreeMap<AssignmentId, Assignment>,
    /// Who is away when, by person, in order of time.
    pub absences: HashMap<UserId, Vec<Absence>>,
    /// Names of groups in the configuration that fit no group.
    pub unknown_groups: Vec<UnknownGroup>,
    holders: HashMap<RoleName, Holders>,
}

impl Organisation {
    /// Arranges what is committed for answering.
    pub fn new(
        name: &str,
        directory: Directory,
        roles: Vec<Role>,
        assignments: BTreeMap<AssignmentId, Assignment>,
        absences: impl IntoIterator<Item = Absence>,
    ) -> Organisation {
        let tree = UnitTree::build(name, &directory.units);
        let mut by_user: HashMap<UserId, Vec<Absence>> = HashMap::new();
        for absence in absences {
            by_user.entry(absence.user).or_default().push(absence);
        }
        for absences in by_user.values_mut() {
            absences.sort_by_key(|a| (a.from, a.id));
        }
        let mut organisation = Organisation {
            directory,
            tree,
            roles,
            assignments,
            absences: by_user,
            unknown_groups: Vec::new(),
            holders: HashMap::new(),
        };
        organisation.collect_holders();
        organisation
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|r| &*r.name.0 == name)
    }

    /// Who holds a role.
    pub fn holders(&self, role: &RoleName) -> &Holders {
        static NOBODY: Holders = Holders { by_place: BTreeMap::new() };
        self.holders.get(role).unwrap_or(&NOBODY)
    }

    /// Every user who holds any role, for the guard.
    pub fn holding_users(&self) -> BTreeSet<UserId> {
        let users = self.holders.values().flat_map(Holders::all).filter_map(|h| match h.holder {
            Holder::User(id) => Some(id),
            Holder::Outside { .. } => None,
        });
        users.collect()
    }

    /// A user by identity.
    pub fn user(&self, id: UserId) -> Option<&Arc<User>> {
        self.directory.users.get(&id)
    }

    /// A unit by identity; None for the root, which is not read from a directory.
    pub fn unit(&self, id: UnitId) -> Option<&Arc<Unit>> {
        self.directory.units.get(&id)
    }

    /// Where a user belongs: the place of the main unit, the root when that unit is unknown.
    pub fn place_of(&self, user: &User) -> tree::Index {
        self.tree.index(user.unit).unwrap_or(tree::ROOT)
    }

    /// The absence that keeps a user away at `now`.
    pub fn absence_of(&self, user: UserId, now: DateTime<Utc>) -> Option<&Absence> {
        self.absences.get(&user)?.iter().find(|a| a.covers(now))
    }

    /// What to call a holder, also one who is gone.
    pub fn holder_name(&self, holder: &Holder) -> Box<str> {
        match holder {
            Holder::User(id) => self.user(*id).map_or_else(|| format!("deleted user {id}").into(), |u| u.name.clone()),
            Holder::Outside { name, .. } => name.clone(),
        }
    }

    fn collect_holders(&mut self) {
        let mut holders: HashMap<RoleName, Holders> = HashMap::new();
        let mut add = |role: &RoleName, holding: Holding| {
            let places = &mut holders.entry(role.clone()).or_default().by_place;
            places.entry(holding.at).or_default().push(holding);
        };
        for assignment in self.assignments.values() {
            if let Some(holding) = self.assigned(assignment) {
                add(&assignment.role, holding);
            }
        }
        let mut unknown = Vec::new();
        for role in &self.roles {
            for name in &role.groups {
                match self.groups_named(name).as_slice() {
                    [] => unknown.push(UnknownGroup { role: role.name.clone(), group: name.clone() }),
                    groups => groups.iter().for_each(|g| self.granted(role, g).for_each(|h| add(&role.name, h))),
                }
            }
            if role.managed_by && role.scope == Scope::Unit {
                self.managers().for_each(|h| add(&role.name, h));
            }
        }
        for places in holders.values_mut() {
            for at in places.by_place.values_mut() {
                at.sort_by_cached_key(|h| (h.rank, self.holder_name(&h.holder).to_lowercase()));
                // Who holds the role twice at one place (assigned, and by a group) is listed once: as assigned, which comes first.
                let mut seen = BTreeSet::new();
                at.retain(|h| match h.holder {
                    Holder::User(id) => h.from.is_some() || h.until.is_some() || seen.insert(id),
                    Holder::Outside { .. } => true,
                });
            }
        }
        self.holders = holders;
        self.unknown_groups = unknown;
    }

    /// Where an assignment counts; None for a flag whose person is gone.
    fn assigned(&self, a: &Assignment) -> Option<Holding> {
        let at = match (&a.place, &a.holder) {
            (Place::Organisation | Place::Directory(_), _) => tree::ROOT,
            // A unit that is gone keeps its assignments, but they count nowhere until it is back.
            (Place::Unit(unit), _) => self.tree.index(*unit)?,
            (Place::OwnUnit, Holder::User(id)) => self.place_of(self.user(*id)?),
            (Place::OwnUnit, Holder::Outside { .. }) => return None,
        };
        Some(Holding {
            holder: a.holder.clone(),
            at,
            place: a.place.clone(),
            rank: a.rank,
            mail: a.mail.clone(),
            phone: a.phone.clone(),
            from: a.from,
            until: a.until,
            any_unit: a.any_unit,
            origin: Origin::Assigned(a.id),
        })
    }

    fn granted<'a>(&'a self, role: &'a Role, group: &'a Group) -> impl Iterator<Item = Holding> + 'a {
        self.members(group).into_iter().filter_map(move |id| {
            let user = self.user(id)?;
            let (place, at) = match role.scope {
                Scope::Unit => (Place::OwnUnit, self.place_of(user)),
                Scope::Organisation | Scope::Directory => (Place::Organisation, tree::ROOT),
            };
            Some(from_directory(id, place, at, Origin::Group(group.name.clone())))
        })
    }

    fn managers(&self) -> impl Iterator<Item = Holding> + '_ {
        self.directory.units.values().filter_map(|unit| {
            let manager = self.user(unit.managed_by?)?;
            let at = self.tree.index(unit.id)?;
            Some(Holding { any_unit: true, ..from_directory(manager.id, Place::Unit(unit.id), at, Origin::ManagedBy) })
        })
    }

    /// The users in a group and in the groups in it, each once; a circle of groups ends.
    fn members(&self, group: &Group) -> BTreeSet<UserId> {
        let mut users = BTreeSet::new();
        let mut seen: BTreeSet<GroupId> = [group.id].into();
        let mut open: Vec<&Group> = vec![group];
        while let Some(group) = open.pop() {
            users.extend(group.users.iter().copied());
            let below = group.groups.iter().filter(|id| seen.insert(**id));
            open.extend(below.filter_map(|id| self.directory.groups.get(id).map(Arc::as_ref)));
        }
        users
    }

    fn groups_named(&self, name: &str) -> Vec<&Group> {
        let wanted = name.to_lowercase();
        let groups = self.directory.groups.values().map(Arc::as_ref);
        groups.filter(|g| g.account.to_lowercase() == wanted || g.name.to_lowercase() == wanted).collect()
    }
}

/// A holding that the directory gives: after those that administrators gave.
fn from_directory(user: UserId, place: Place, at: tree::Index, origin: Origin) -> Holding {
    Holding {
        holder: Holder::User(user),
        at,
        place,
        rank: u16::MAX,
        mail: None,
        phone: None,
        from: None,
        until: None,
        any_unit: false,
        origin,
    }
}
