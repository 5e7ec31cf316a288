//! Everything that answering needs, in one immutable value: the directory, its tree, and who holds which role.

mod holders;
mod lookup;
mod names;
mod people;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};

use super::absence::Absence;
use super::directory::{Directory, Unit, User};
use super::gone::AllGone;
use super::ids::{AssignmentId, GroupId, Guid, UnitId, UserId};
use super::roles::{Assignment, Holder, Place, Role, RoleName};
use super::tree::{self, UnitTree};
pub use holders::{Holders, Holding, Origin, UnknownGroup};
pub use lookup::{Candidate, LookupError};
use names::Names;
use people::People;

/// The organisation as it stands: what every question is answered from.
///
/// Made whole by [`Organisation::new`] and not changed afterwards: the arrangements inside follow from the public fields.
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
    /// Who and what is gone, for their names. Nothing is arranged by it; [`Organisation::new`] leaves it empty.
    pub gone: Arc<AllGone>,
    holders: HashMap<RoleName, Holders>,
    people: People,
    /// Built by the first look-up by name.
    names: OnceLock<Names>,
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
        let people = People::arrange(&directory, &tree);
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
            gone: Arc::default(),
            holders: HashMap::new(),
            people,
            names: OnceLock::new(),
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
        static NOBODY: Holders = Holders::nobody();
        self.holders.get(role).unwrap_or(&NOBODY)
    }

    /// Every user who can be turned to in some role, for the guard: enabled, with an address, and not suspended. Absences and the
    /// times of assignments make no difference, so that time alone changes nothing here.
    pub fn holding_users(&self) -> BTreeSet<UserId> {
        let counts = |holding: &Holding| {
            let id = holding.holder.user()?;
            let user = self.user(id)?;
            let reachable = holding.mail.is_some() || user.address().is_some();
            (user.enabled && reachable && !self.is_suspended(holding)).then_some(id)
        };
        self.holders.values().flat_map(Holders::all).filter_map(counts).collect()
    }

    /// Whether a holding at a unit doesn't count since the holder's main unit is another one now. It counts again when they come back.
    pub fn is_suspended(&self, holding: &Holding) -> bool {
        match (&holding.place, &holding.holder) {
            (Place::Unit(unit), Holder::User(id)) if !holding.any_unit => {
                self.user(*id).is_some_and(|user| user.unit != *unit)
            }
            _ => false,
        }
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

    /// Who the manager of a user is.
    pub fn manager_of(&self, user: &User) -> Option<&Arc<User>> {
        self.user(user.manager?)
    }

    /// The users whose main unit is the one at `place`, with `below` those of all units below it too. In the order of the tree.
    pub fn users_in(&self, place: tree::Index, below: bool) -> &[Arc<User>] {
        let end = if below { self.tree.subtree(place).end } else { place.saturating_add(1) };
        self.people.within(place..end)
    }

    /// Where each user belongs, in the order of the directory.
    pub fn places(&self) -> &[tree::Index] {
        self.people.places()
    }

    /// The absence that keeps a user away at `now`.
    pub fn absence_of(&self, user: UserId, now: DateTime<Utc>) -> Option<&Absence> {
        self.absences.get(&user)?.iter().find(|a| a.covers(now))
    }

    /// What to call a holder, also one who is gone.
    pub fn holder_name(&self, holder: &Holder) -> Box<str> {
        match holder {
            Holder::User(id) => self.name_of(id.0).unwrap_or_else(|| format!("deleted user {id}").into()),
            Holder::Outside { name, .. } => name.clone(),
        }
    }

    /// What holders are sorted by. It doesn't depend on what is known of those who are gone.
    fn sort_name(&self, holder: &Holder) -> String {
        match holder {
            Holder::User(id) => {
                self.user(*id).map_or_else(|| format!("deleted user {id}"), |u| u.name.to_lowercase())
            }
            Holder::Outside { name, .. } => name.to_lowercase(),
        }
    }

    /// What a user, unit or group is called, or was, if it is gone; the organisation itself for [`UnitId::ROOT`].
    pub fn name_of(&self, id: Guid) -> Option<Box<str>> {
        let user = || self.user(UserId(id)).map(|u| u.name.clone());
        let unit = || self.tree.index(UnitId(id)).map(|place| self.tree.name(place).into());
        let group = || self.directory.groups.get(&GroupId(id)).map(|g| g.name.clone());
        let gone = || self.gone.get(&id).map(|gone| gone.name().into());
        user().or_else(unit).or_else(group).or_else(gone)
    }
}
