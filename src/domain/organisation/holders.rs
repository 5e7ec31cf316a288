//! Who holds which role where, gathered from assignments, groups, `managedBy`, attributes and lists.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Organisation;
use super::names::same;
use crate::domain::delta::Delta;
use crate::domain::directory::{Group, User};
use crate::domain::ids::{AssignmentId, GroupId, Guid, SubjectName, UserId};
use crate::domain::lists::{ListName, ListedPerson};
use crate::domain::mailbox::Address;
use crate::domain::roles::{Assignment, AttributeGrant, Holder, Place, Role, RoleName, Scope, check_place};
use crate::domain::tree;

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
    /// By the value of an attribute.
    Attribute(Box<str>),
    /// By a list that somebody else keeps.
    List(ListName),
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
    /// What is said of somebody outside.
    pub title: Option<Box<str>>,
    /// From when on.
    pub from: Option<DateTime<Utc>>,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// Counts though the holder's main unit is another one.
    pub any_unit: bool,
    /// Where it comes from.
    pub origin: Origin,
}

impl Holding {
    /// Whether it doesn't count while its holder, `user`, belongs to another unit.
    pub fn is_suspended_for(&self, user: &User) -> bool {
        matches!(&self.place, Place::Unit(unit) if !self.any_unit && user.unit != *unit)
    }
}

/// What a role's holders are, by where they hold it, each place's in order.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    by_place: BTreeMap<tree::Index, Vec<Holding>>,
    by_subject: BTreeMap<SubjectName, Vec<Holding>>,
}

impl Holders {
    pub(super) const fn nobody() -> Holders {
        Holders { by_place: BTreeMap::new(), by_subject: BTreeMap::new() }
    }

    /// The holders at one unit (the root for what applies everywhere), in order of rank, then name. Those of single subjects aren't among them.
    pub fn at(&self, place: tree::Index) -> &[Holding] {
        self.by_place.get(&place).map_or(&[], Vec::as_slice)
    }

    /// The holders for one subject alone, in the same order.
    pub fn of_subject(&self, subject: &SubjectName) -> &[Holding] {
        self.by_subject.get(subject).map_or(&[], Vec::as_slice)
    }

    /// All holders, by place, then those of single subjects.
    pub fn all(&self) -> impl Iterator<Item = &Holding> {
        self.by_place.values().chain(self.by_subject.values()).flatten()
    }

    /// The places where others hold the role than in `before`, or in another way, or where `differs` says so of one who does.
    pub fn touched(&self, before: &Holders, differs: impl Fn(&Holding) -> bool) -> BTreeSet<tree::Index> {
        let places = self.by_place.keys().chain(before.by_place.keys());
        let touched = |place: &&tree::Index| {
            let holdings = self.at(**place);
            holdings != before.at(**place) || holdings.iter().any(&differs)
        };
        places.filter(touched).copied().collect()
    }

    /// The places where anybody holds the role, parents before children.
    pub fn places(&self) -> impl Iterator<Item = tree::Index> + '_ {
        self.by_place.keys().copied()
    }
}

/// A name in the configuration that fits no group, or several of one directory, none of them by account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownGroup {
    /// The role it was to grant.
    pub role: RoleName,
    /// The name in the configuration.
    pub group: Box<str>,
}

/// Who holds what, and what that follows from.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) by_role: HashMap<RoleName, Holders>,
    /// Every user who can be turned to in some role.
    pub(super) users: BTreeSet<UserId>,
    /// Users and groups, those that are not there among them: while none of these changes, comes or goes, all stays as it is.
    depends_on: HashSet<Guid>,
}

impl Organisation {
    /// Whether who holds what, or who stands in for whom, may be different after `delta`, which leaves the units as they are.
    pub(super) fn holders_depend_on(&self, delta: &Delta) -> bool {
        let changed = delta.users.changed.iter().filter(|(before, after)| counts_differently(before, after));
        let users =
            delta.users.removed.iter().chain(&delta.users.added).chain(changed.map(|(_, after)| after));
        let groups = delta.groups.removed.iter().chain(delta.groups.written());
        // What a group was called before counts, too.
        let before = delta.groups.changed.iter().map(|(before, _)| before);
        let granting = || self.roles.iter().flat_map(|role| &role.grants.groups);
        let grants = |g: &Group| granting().any(|name| same(&g.account, name) || same(&g.name, name));
        let known = |id: Guid| self.collected.depends_on.contains(&id);
        users.into_iter().any(|u| known(u.id.0) || u.marks_text().is_some())
            || groups.chain(before).any(|g| known(g.id.0) || grants(g))
    }

    pub(super) fn collect_holders(&mut self) {
        let mut holders: HashMap<RoleName, Holders> = HashMap::new();
        let assigned = self.assignments.values().filter_map(|a| a.holder.user());
        let deputies = self.absences.values().flatten().filter_map(|absence| absence.deputy);
        let mut depends_on: HashSet<Guid> = assigned.chain(deputies).map(|id| id.0).collect();
        let mut add = |role: &RoleName, holding: Holding| {
            let holders = holders.entry(role.clone()).or_default();
            let there = match &holding.place {
                Place::Subject(subject) => holders.by_subject.entry(subject.clone()).or_default(),
                _ => holders.by_place.entry(holding.at).or_default(),
            };
            there.push(holding);
        };
        for assignment in self.assignments.values() {
            if let Some(holding) = self.assigned(assignment) {
                add(&assignment.role, holding);
            }
        }
        for (list, person) in self.listed.iter() {
            // A list can give only roles of the whole organisation: those on it have no unit.
            if self.role(&person.role.0).is_some_and(|role| role.scope == Scope::Organisation) {
                add(&person.role, from_list(list, person));
            }
        }
        let mut unknown = Vec::new();
        for role in &self.roles {
            for name in &role.grants.groups {
                let groups = self.groups_named(name);
                if groups.is_empty() {
                    unknown.push(UnknownGroup { role: role.name.clone(), group: name.clone() });
                }
                for group in groups {
                    self.granted(role, group, &mut depends_on).for_each(|h| add(&role.name, h));
                }
            }
            if let Some(attribute) = &role.grants.attribute {
                depends_on.extend(self.marked.iter().map(|id| id.0));
                self.marked_for(role, attribute).for_each(|h| add(&role.name, h));
            }
            if role.grants.managed_by && role.scope == Scope::Unit {
                depends_on
                    .extend(self.directory.units.values().filter_map(|unit| unit.managed_by).map(|id| id.0));
                self.managers().for_each(|h| add(&role.name, h));
            }
        }
        for holders in holders.values_mut() {
            for at in holders.by_place.values_mut().chain(holders.by_subject.values_mut()) {
                at.sort_by_cached_key(|h| (h.rank, self.sort_name(&h.holder)));
                self.drop_repeated(at);
            }
        }
        let all = holders.values().flat_map(Holders::all);
        let users = all.filter_map(|holding| self.counting_user(holding)).collect();
        self.collected = Arc::new(Collected { by_role: holders, users, depends_on });
        self.unknown_groups = unknown;
    }

    /// The user who holds it, if they can be turned to, times and absences aside.
    fn counting_user(&self, holding: &Holding) -> Option<UserId> {
        let user = self.user(holding.holder.user()?)?;
        let reachable = holding.mail.is_some() || user.mailable().is_some();
        (user.enabled && reachable && !self.is_suspended(holding)).then_some(user.id)
    }

    /// Drops what a group or `managedBy` grants at a place to somebody who has it there anyway, for good.
    fn drop_repeated(&self, at: &mut Vec<Holding>) {
        let for_good = |h: &Holding| {
            let limited = h.from.is_some()
                || h.until.is_some()
                || matches!(h.place, Place::Directory(_) | Place::Subject(_));
            !limited && !self.is_suspended(h)
        };
        let mut have = HashSet::new();
        at.retain(|h| {
            let Holder::User(id) = h.holder else { return true };
            let repeated = have.contains(&id) && !matches!(h.origin, Origin::Assigned(_));
            if for_good(h) {
                have.insert(id);
            }
            !repeated
        });
    }

    /// Where an assignment counts. None: nowhere, as of a flag whose person is gone, or when the role is gone or has another scope now.
    fn assigned(&self, a: &Assignment) -> Option<Holding> {
        let role = self.role(&a.role.0)?;
        check_place(role, &a.holder, &a.place).ok()?;
        let at = match (&a.place, &a.holder) {
            (Place::Organisation | Place::Directory(_) | Place::Subject(_), _) => tree::ROOT,
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
            title: None,
            from: a.from,
            until: a.until,
            // Whoever is to be told of what concerns a unit needn't belong to it.
            any_unit: a.any_unit || role.is_narrowed(),
            origin: Origin::Assigned(a.id),
        })
    }

    fn granted<'a>(
        &'a self,
        role: &'a Role,
        group: &'a Group,
        depends_on: &mut HashSet<Guid>,
    ) -> impl Iterator<Item = Holding> + use<'a> {
        self.members(group, depends_on).into_iter().filter_map(move |id| {
            let user = self.user(id)?;
            let (place, at) = self.granted_at(role, user);
            Some(from_directory(id, place, at, Origin::Group(group.name.clone())))
        })
    }

    /// Those who have one of the attribute's values.
    fn marked_for<'a>(
        &'a self,
        role: &'a Role,
        by: &'a AttributeGrant,
    ) -> impl Iterator<Item = Holding> + use<'a> {
        self.marked.iter().filter_map(move |id| {
            let user = self.user(*id)?;
            let (_, value) = user.marks().find(|(attribute, value)| by.is_granted_by(attribute, value))?;
            let (place, at) = self.granted_at(role, user);
            let origin = Origin::Attribute(format!("{}={value}", by.attribute).into());
            Some(from_directory(*id, place, at, origin))
        })
    }

    /// Where a role is held that nobody gives at a place.
    fn granted_at(&self, role: &Role, user: &User) -> (Place, tree::Index) {
        match role.scope {
            Scope::Unit => (Place::OwnUnit, self.place_of(user)),
            Scope::Organisation | Scope::Directory | Scope::Subject => (Place::Organisation, tree::ROOT),
        }
    }

    fn managers(&self) -> impl Iterator<Item = Holding> + '_ {
        self.directory.units.values().filter_map(|unit| {
            let manager = self.user(unit.managed_by?)?;
            let at = self.tree.index(unit.id)?;
            Some(Holding {
                any_unit: true,
                ..from_directory(manager.id, Place::Unit(unit.id), at, Origin::ManagedBy)
            })
        })
    }

    /// The users in a group and in the groups in it, each once; a circle of groups ends. Notes what was looked at.
    fn members(&self, group: &Group, depends_on: &mut HashSet<Guid>) -> BTreeSet<UserId> {
        let mut users = BTreeSet::new();
        depends_on.insert(group.id.0);
        let mut seen: BTreeSet<GroupId> = [group.id].into();
        let mut open: Vec<&Group> = vec![group];
        while let Some(group) = open.pop() {
            depends_on.extend(&group.members);
            for member in &group.members {
                if let Some(below) = self.directory.groups.get(&GroupId(*member)) {
                    if seen.insert(below.id) {
                        open.push(below);
                    }
                } else if self.user(UserId(*member)).is_some() {
                    users.insert(UserId(*member));
                }
            }
        }
        users
    }

    /// The groups that a name of the configuration means: by account, which no two of a directory share; else by name, where only
    /// one of a directory has it. Anybody who may make groups could make one with a name that is taken.
    fn groups_named(&self, name: &str) -> Vec<&Group> {
        let groups = || self.directory.groups.values().map(Arc::as_ref);
        let by_account: Vec<&Group> = groups().filter(|g| same(&g.account, name)).collect();
        if !by_account.is_empty() {
            return by_account;
        }
        let by_name: Vec<&Group> = groups().filter(|g| same(&g.name, name)).collect();
        let alone = |g: &&Group| by_name.iter().filter(|other| other.directory == g.directory).count() == 1;
        by_name.iter().filter(|g| alone(g)).copied().collect()
    }
}

/// Whether it may make a difference to who holds a role, and who counts, that a user has changed so.
fn counts_differently(before: &User, after: &User) -> bool {
    let of = |u: &User| (u.unit, u.enabled, u.expires);
    (of(before), before.name(), before.mail(), before.marks_text(), &before.directory)
        != (of(after), after.name(), after.mail(), after.marks_text(), &after.directory)
}

/// A holding that a list gives: in its order, before those of the directory.
fn from_list(list: &ListName, person: &ListedPerson) -> Holding {
    let about = person.about.as_ref().map(|about| format!("for {about}").into_boxed_str());
    let words: Vec<&str> = [&person.title, &about].into_iter().flatten().map(AsRef::as_ref).collect();
    Holding {
        holder: Holder::Outside { name: person.name.clone(), mail: person.mail.clone() },
        at: tree::ROOT,
        place: Place::Organisation,
        rank: u16::MAX - 1,
        mail: None,
        phone: person.phone.clone(),
        title: Some(words.join(", ").into_boxed_str()).filter(|title| !title.is_empty()),
        from: person.from,
        until: person.until,
        any_unit: false,
        origin: Origin::List(list.clone()),
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
        title: None,
        from: None,
        until: None,
        any_unit: false,
        origin,
    }
}
