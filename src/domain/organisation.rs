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
use super::absence::import::Replacement;
use super::delta::{self, Changes, Delta};
use super::directory::{Directory, Tally, Unit, User};
use super::gone::AllGone;
use super::ids::{AssignmentId, DirectoryName, GroupId, Guid, UnitId, UserId};
use super::lists::{ListName, ListedPerson};
use super::roles::{Assignment, Holder, Role, RoleName};
use super::service::Services;
use super::subject::{Subject, SubjectName};
use super::tree::{self, UnitTree};
use holders::Collected;
pub use holders::{Holders, Holding, Origin, UnknownGroup};
use lookup::UnitNames;
pub use lookup::{Candidate, GoneCandidate, LookupError, NoSubject, SubjectKind};
use names::Names;
use people::People;

/// The organisation as it stands: what every question is answered from.
///
/// Made whole by [`Organisation::new`] and not changed afterwards: the arrangements inside follow from the public fields. A
/// copy, and what [`Organisation::updated`] makes of one, share what is the same in both.
#[derive(Clone, Debug)]
pub struct Organisation {
    /// Users, units and groups.
    pub directory: Directory,
    /// The units, arranged.
    pub tree: Arc<UnitTree>,
    /// The roles, in the order they are shown.
    pub roles: Vec<Role>,
    /// What administrators assigned.
    pub assignments: Arc<BTreeMap<AssignmentId, Assignment>>,
    /// Who is away when, by person, in order of time.
    pub absences: Arc<HashMap<UserId, Vec<Absence>>>,
    /// Names of groups in the configuration that fit no group.
    pub unknown_groups: Vec<UnknownGroup>,
    /// Who and what is gone, for their names. Nothing is arranged by it; [`Organisation::new`] leaves it empty.
    pub gone: Arc<AllGone>,
    /// What somebody answers for that is no unit. Nothing is arranged by it; [`Organisation::new`] leaves it empty.
    pub subjects: Arc<BTreeMap<SubjectName, Subject>>,
    /// The services of the configuration. Nothing is arranged by them; [`Organisation::new`] leaves it empty.
    pub services: Arc<Services>,
    listed: Arc<Vec<(ListName, ListedPerson)>>,
    collected: Arc<Collected>,
    people: People,
    /// Users with a value that some role is granted by.
    marked: Arc<BTreeSet<UserId>>,
    tallies: BTreeMap<DirectoryName, Tally>,
    /// Built by the first look-up by name.
    names: OnceLock<Names>,
    /// Built by the first look-up of a unit.
    unit_names: OnceLock<Arc<UnitNames>>,
}

impl Organisation {
    /// Arranges what is committed for answering; `listed` are the people of lists that somebody else keeps.
    pub fn new(
        name: &str,
        directory: Directory,
        roles: Vec<Role>,
        assignments: BTreeMap<AssignmentId, Assignment>,
        absences: impl IntoIterator<Item = Absence>,
        listed: Arc<Vec<(ListName, ListedPerson)>>,
    ) -> Organisation {
        let tree = Arc::new(UnitTree::build(name, &directory.units));
        let people = People::arrange(&directory, &tree);
        let marked = directory.users.values().filter(|u| u.marks_text().is_some()).map(|u| u.id);
        let marked = Arc::new(marked.collect());
        let mut organisation = Organisation {
            tallies: directory.tallies(),
            directory,
            tree,
            roles,
            assignments: Arc::new(assignments),
            absences: Arc::new(by_user(absences)),
            unknown_groups: Vec::new(),
            gone: Arc::default(),
            subjects: Arc::default(),
            services: Arc::default(),
            listed,
            collected: Arc::default(),
            people,
            marked,
            names: OnceLock::new(),
            unit_names: OnceLock::new(),
        };
        organisation.collect_holders();
        organisation
    }

    /// The people of lists that somebody else keeps.
    pub fn listed(&self) -> &Arc<Vec<(ListName, ListedPerson)>> {
        &self.listed
    }

    /// The organisation with other people of lists.
    #[must_use]
    pub fn listing(mut self, listed: Arc<Vec<(ListName, ListedPerson)>>) -> Organisation {
        if self.listed != listed {
            self.listed = listed;
            self.collect_holders();
        }
        self
    }

    /// The organisation with other assignments; what follows from the directory alone is shared.
    #[must_use]
    pub fn with_assignments(&self, assignments: BTreeMap<AssignmentId, Assignment>) -> Organisation {
        let mut new = Organisation { assignments: Arc::new(assignments), ..self.clone() };
        new.collect_holders();
        new
    }

    /// The organisation with other absences; what follows from the directory alone is shared.
    #[must_use]
    pub fn with_absences(&self, absences: impl IntoIterator<Item = Absence>) -> Organisation {
        let mut new = Organisation { absences: Arc::new(by_user(absences)), ..self.clone() };
        new.collect_holders();
        new
    }

    /// The organisation with other roles, and with what people maintain, and others keep, as it is given here.
    #[must_use]
    pub fn maintained(
        mut self,
        roles: Vec<Role>,
        assignments: BTreeMap<AssignmentId, Assignment>,
        absences: impl IntoIterator<Item = Absence>,
        listed: Arc<Vec<(ListName, ListedPerson)>>,
    ) -> Organisation {
        self.roles = roles;
        self.assignments = Arc::new(assignments);
        self.absences = Arc::new(by_user(absences));
        self.listed = listed;
        self.collect_holders();
        self
    }

    /// The organisation as it is once `delta` is applied: the same as [`Organisation::new`] makes of the new directory.
    ///
    /// While the tree of units and who holds what stay as they are, it costs what changed and not what there is.
    pub fn updated(&self, delta: &Delta) -> Organisation {
        let mut new = self.clone();
        new.directory = delta::apply(&self.directory, delta);
        new.count(delta);
        if tree::depends_on(&delta.units) {
            new.tree = Arc::new(UnitTree::build(self.tree.name(tree::ROOT), &new.directory.units));
            new.unit_names = OnceLock::new();
        }
        if new.tree.has_places_of(&self.tree) {
            new.people.change(&delta.users, &new.tree);
        } else {
            new.people = People::arrange(&new.directory, &new.tree);
        }
        let marks = |user: &&Arc<User>| user.marks_text().is_some();
        if gone(&delta.users).chain(delta.users.written()).any(|user| marks(&user)) {
            let marked = Arc::make_mut(&mut new.marked);
            gone(&delta.users).for_each(|user| {
                marked.remove(&user.id);
            });
            marked.extend(delta.users.written().filter(marks).map(|user| user.id));
        }
        let names = self.names.get().and_then(|names| names.with(delta.users.written()));
        new.names = names.map_or_else(OnceLock::new, OnceLock::from);
        if !delta.units.is_empty() || self.holders_depend_on(delta) {
            new.collect_holders();
        }
        new
    }

    /// Takes what a source changes of the absences.
    pub fn replace_absences(&mut self, replacement: &Replacement) {
        if replacement.is_empty() {
            return;
        }
        let absences = Arc::make_mut(&mut self.absences);
        for gone in replacement.removed.iter().chain(&replacement.put) {
            if let Some(of_one) = absences.get_mut(&gone.user) {
                of_one.retain(|a| a.id != gone.id);
            }
        }
        for new in &replacement.put {
            absences.entry(new.user).or_default().push(new.clone());
        }
        for user in replacement.removed.iter().chain(&replacement.put).map(|a| a.user) {
            if let Some(of_one) = absences.get_mut(&user) {
                of_one.sort_by_key(|a| (a.from, a.id));
            }
        }
        absences.retain(|_, of_one| !of_one.is_empty());
        // Who stands in for somebody is known by it, too.
        self.collect_holders();
    }

    /// Whether everybody's contacts are known to be the same in both, at one time.
    pub fn answers_like(&self, other: &Organisation) -> bool {
        Arc::ptr_eq(&self.tree, &other.tree)
            && Arc::ptr_eq(&self.collected, &other.collected)
            && Arc::ptr_eq(&self.absences, &other.absences)
    }

    /// Whether time alone may have made a difference to who counts: whether an absence, an assignment or the account of somebody who answers for
    /// others began or ended after `since`, at `now` at the latest.
    pub fn differs_by_time(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let passed = |at: DateTime<Utc>| since < at && at <= now;
        let absences = || self.absences.values().flatten();
        let assignments = || self.assignments.values().flat_map(|a| [a.from, a.until]).flatten();
        let held = self.collected.by_role.values().flat_map(Holders::all).filter_map(|h| h.holder.user());
        let people = held.chain(absences().filter_map(|absence| absence.deputy));
        absences().flat_map(|absence| [absence.from, absence.until]).any(passed)
            || assignments().any(passed)
            || people.filter_map(|id| self.user(id)?.expires).any(passed)
    }

    /// How much there is of one directory.
    pub fn tally(&self, name: &DirectoryName) -> Tally {
        self.tallies.get(name).copied().unwrap_or_default()
    }

    /// The directories of which there is anything, in order.
    pub fn directories(&self) -> impl Iterator<Item = &DirectoryName> {
        let there = |(_, tally): &(&DirectoryName, &Tally)| tally.users > 0 || tally.units > 0;
        self.tallies.iter().filter(there).map(|(name, _)| name)
    }

    /// Counts what a delta brings and takes.
    fn count(&mut self, delta: &Delta) {
        let mut of = |name: &DirectoryName, count: &dyn Fn(&mut Tally)| {
            count(self.tallies.entry(name.clone()).or_default());
        };
        let Delta { users, units, groups, .. } = delta;
        for user in gone(users) {
            of(&user.directory, &|t| {
                t.users = t.users.saturating_sub(1);
                t.reachable = t.reachable.saturating_sub(user.is_reachable().into());
            });
        }
        for user in users.written() {
            of(&user.directory, &|t| {
                t.users += 1;
                t.reachable += usize::from(user.is_reachable());
            });
        }
        gone(units).for_each(|u| of(&u.directory, &|t| t.units = t.units.saturating_sub(1)));
        units.written().for_each(|u| of(&u.directory, &|t| t.units += 1));
        for group in gone(groups) {
            of(&group.directory, &|t| {
                t.groups = t.groups.saturating_sub(1);
                t.memberships = t.memberships.saturating_sub(group.members.len());
            });
        }
        for group in groups.written() {
            of(&group.directory, &|t| {
                t.groups += 1;
                t.memberships += group.members.len();
            });
        }
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|r| &*r.name.0 == name)
    }

    /// Who holds a role.
    pub fn holders(&self, role: &RoleName) -> &Holders {
        static NOBODY: Holders = Holders::nobody();
        self.collected.by_role.get(role).unwrap_or(&NOBODY)
    }

    /// Every user who can be turned to in some role, for the guard: enabled, with an address, and not suspended. Absences and the
    /// times of assignments make no difference, so that time alone changes nothing here.
    pub fn holding_users(&self) -> &BTreeSet<UserId> {
        &self.collected.users
    }

    /// Whether a holding at a unit doesn't count since the holder's main unit is another one now. It counts again when they come back.
    pub fn is_suspended(&self, holding: &Holding) -> bool {
        let user = holding.holder.user().and_then(|id| self.user(id));
        user.is_some_and(|user| holding.is_suspended_for(user))
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
    pub fn users_in(&self, place: tree::Index, below: bool) -> impl Iterator<Item = &Arc<User>> {
        let end = if below { self.tree.subtree(place).end } else { place.saturating_add(1) };
        self.people.within(place..end).filter_map(|id| self.user(id))
    }

    /// How many users [`Organisation::users_in`] gives.
    pub fn count_users(&self, place: tree::Index, below: bool) -> usize {
        if below { self.people.all(place) } else { self.people.own(place) }
    }

    /// The absence that keeps a user away at `now`; of several, the one that was entered by hand.
    pub fn absence_of(&self, user: UserId, now: DateTime<Utc>) -> Option<&Absence> {
        self.absences.get(&user)?.iter().filter(|a| a.covers(now)).min_by_key(|a| &a.origin)
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
                self.user(*id).map_or_else(|| format!("deleted user {id}"), |u| u.name().to_lowercase())
            }
            Holder::Outside { name, .. } => name.to_lowercase(),
        }
    }

    /// What a user, unit or group is called, or was, if it is gone; the organisation itself for [`UnitId::ROOT`].
    pub fn name_of(&self, id: Guid) -> Option<Box<str>> {
        let user = || self.user(UserId(id)).map(|u| u.name().into());
        let unit = || self.tree.index(UnitId(id)).map(|place| self.tree.name(place).into());
        let group = || self.directory.groups.get(&GroupId(id)).map(|g| g.name.clone());
        let gone = || self.gone.get(&id).map(|gone| gone.name().into());
        user().or_else(unit).or_else(group).or_else(gone)
    }
}

/// Absences by person, in order of time.
fn by_user(absences: impl IntoIterator<Item = Absence>) -> HashMap<UserId, Vec<Absence>> {
    let mut by_user: HashMap<UserId, Vec<Absence>> = HashMap::new();
    for absence in absences {
        by_user.entry(absence.user).or_default().push(absence);
    }
    for absences in by_user.values_mut() {
        absences.sort_by_key(|a| (a.from, a.id));
    }
    by_user
}

/// The objects as they were before.
fn gone<T>(changes: &Changes<T>) -> impl Iterator<Item = &Arc<T>> {
    changes.removed.iter().chain(changes.changed.iter().map(|(before, _)| before))
}
