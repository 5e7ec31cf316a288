//! What differs between the directory we hold and the one just read.
//!
//! `apply(old, diff(old, new)) == new`, whatever the two are (a property test says so).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::directory::{Container, Directory, Found, Group, Objects, Unit, Update, User};
use super::ids::{DirectoryName, GroupId, Guid, UnitId, UserId};
use super::map::Map;

/// The changes of one kind of object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changes<T> {
    /// Objects that were not there before.
    pub added: Vec<Arc<T>>,
    /// Objects that are there still but differ, before and after.
    pub changed: Vec<(Arc<T>, Arc<T>)>,
    /// Objects that are there no longer.
    pub removed: Vec<Arc<T>>,
}

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Changes { added: Vec::new(), changed: Vec::new(), removed: Vec::new() }
    }
}

impl<T> Changes<T> {
    /// How many objects are concerned.
    pub fn len(&self) -> usize {
        self.added.len() + self.changed.len() + self.removed.len()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The new values: what was added and what was changed.
    pub fn written(&self) -> impl Iterator<Item = &Arc<T>> {
        self.added.iter().chain(self.changed.iter().map(|(_, after)| after))
    }
}

/// All that changes in one directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Delta {
    /// Users added, changed, removed.
    pub users: Changes<User>,
    /// Units added, changed, removed.
    pub units: Changes<Unit>,
    /// Groups added, changed, removed.
    pub groups: Changes<Group>,
    /// Containers added, changed, removed. They are of no concern to people.
    pub containers: Changes<Container>,
}

impl Delta {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many objects are concerned, of every kind.
    pub fn len(&self) -> usize {
        self.users.len() + self.units.len() + self.groups.len() + self.containers.len()
    }
}

/// What must change in `old` for the directory `name` to be as it was `found`.
///
/// What was found holds objects of that one directory only. An object that came over from another directory (it has
/// the same `objectGUID`) is a change, not an addition. What could not be understood this time stays as it was.
pub fn diff(old: &Directory, name: &DirectoryName, found: &Found) -> Delta {
    match found {
        Found::Whole(objects) => whole(old, name, objects),
        Found::Changes(update) => changes(old, name, update),
    }
}

fn whole(old: &Directory, name: &DirectoryName, objects: &Objects) -> Delta {
    let new = &objects.directory;
    let unread: BTreeSet<Guid> = objects.quarantined.iter().filter_map(|q| q.id).collect();
    // An object may come back as another kind; then it is understood.
    let stays = |id: Guid| unread.contains(&id) && !has(new, id);
    Delta {
        users: compare(&old.users, &new.users, |u| u.directory == *name && !stays(u.id.0)),
        units: compare(&old.units, &new.units, |u| u.directory == *name && !stays(u.id.0)),
        groups: compare(&old.groups, &new.groups, |g| g.directory == *name && !stays(g.id.0)),
        containers: compare(&old.containers, &new.containers, |c| c.directory == *name),
    }
}

fn changes(old: &Directory, name: &DirectoryName, update: &Update) -> Delta {
    let Update { written, removed, .. } = update;
    // What became an object of another kind is gone as what it was.
    let gone: BTreeSet<Guid> = removed.iter().copied().chain(guids(written)).collect();
    Delta {
        users: pick(&old.users, &written.users, &gone, UserId, |u| u.directory == *name),
        units: pick(&old.units, &written.units, &gone, UnitId, |u| u.directory == *name),
        groups: pick(&old.groups, &written.groups, &gone, GroupId, |g| g.directory == *name),
        containers: pick(&old.containers, &written.containers, &gone, |id| id, |c| c.directory == *name),
    }
}

fn has(directory: &Directory, id: Guid) -> bool {
    directory.users.contains_key(&UserId(id))
        || directory.units.contains_key(&UnitId(id))
        || directory.groups.contains_key(&GroupId(id))
        || directory.containers.contains_key(&id)
}

fn guids(directory: &Directory) -> impl Iterator<Item = Guid> + '_ {
    let users = directory.users.keys().map(|id| id.0);
    let units = directory.units.keys().map(|id| id.0);
    let groups = directory.groups.keys().map(|id| id.0);
    users.chain(units).chain(groups).chain(directory.containers.keys().copied())
}

/// `old` with the changes of `delta` made; what did not change is shared, not copied.
pub fn apply(old: &Directory, delta: &Delta) -> Directory {
    let mut new = old.clone();
    write(&mut new.users, &delta.users, |u| u.id);
    write(&mut new.units, &delta.units, |u| u.id);
    write(&mut new.groups, &delta.groups, |g| g.id);
    write(&mut new.containers, &delta.containers, |c| c.id);
    new
}

fn compare<K: Ord + Copy, T: PartialEq>(
    old: &Map<K, Arc<T>>,
    new: &Map<K, Arc<T>>,
    ours: impl Fn(&T) -> bool,
) -> Changes<T> {
    let mut changes = Changes::default();
    // Both are in order of identity: side by side, one pass is enough.
    let mut olds = old.iter().peekable();
    for (id, after) in new {
        while let Some((_, before)) = olds.next_if(|(old_id, _)| *old_id < id) {
            if ours(before) {
                changes.removed.push(Arc::clone(before));
            }
        }
        match olds.next_if(|(old_id, _)| *old_id == id) {
            None => changes.added.push(Arc::clone(after)),
            Some((_, before)) if before != after => {
                changes.changed.push((Arc::clone(before), Arc::clone(after)));
            }
            Some(_) => {}
        }
    }
    changes.removed.extend(olds.map(|(_, before)| before).filter(|before| ours(before)).cloned());
    changes
}

/// The changes of one kind that what was written makes, and the removal of what is `gone` and not written.
fn pick<K: Ord + Copy, T: PartialEq>(
    old: &Map<K, Arc<T>>,
    written: &Map<K, Arc<T>>,
    gone: &BTreeSet<Guid>,
    key: impl Fn(Guid) -> K,
    ours: impl Fn(&T) -> bool,
) -> Changes<T> {
    let mut changes = Changes::default();
    for (id, after) in written {
        match old.get(id) {
            None => changes.added.push(Arc::clone(after)),
            Some(before) if before != after => changes.changed.push((Arc::clone(before), Arc::clone(after))),
            Some(_) => {}
        }
    }
    let unwritten = gone.iter().map(|id| key(*id)).filter(|id| !written.contains_key(id));
    changes.removed.extend(unwritten.filter_map(|id| old.get(&id)).filter(|before| ours(before)).cloned());
    changes
}

fn write<K: Ord + Copy, T>(map: &mut Map<K, Arc<T>>, changes: &Changes<T>, id: impl Fn(&T) -> K) {
    for gone in &changes.removed {
        map.remove(&id(gone));
    }
    map.extend(changes.written().map(|value| (id(value), Arc::clone(value))));
}

/// How one attribute of one object changed, in words.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct FieldChange {
    /// The field as the API names it (`phone`).
    pub field: Box<str>,
    /// Its value before, None when it had none.
    pub before: Option<Box<str>>,
    /// Its value after, None when it has none.
    pub after: Option<Box<str>>,
}

/// What happened to an object in a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is new.
    Added,
    /// It differs.
    Changed,
    /// It is gone.
    Removed,
    /// It was gone, and is there again.
    CameBack,
}

/// The kind of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A user.
    User,
    /// A unit.
    Unit,
    /// A group.
    Group,
}

impl std::fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ObjectKind::User => "user",
            ObjectKind::Unit => "unit",
            ObjectKind::Group => "group",
        })
    }
}

/// One line of a run's history: an object and what happened to it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ObjectChange {
    /// User, unit or group.
    pub kind: ObjectKind,
    /// Its identity.
    pub id: Guid,
    /// What it is called, after the change if it is still there.
    pub name: Box<str>,
    /// Added, changed or removed.
    pub what: What,
    /// For a changed object: the fields, before and after.
    pub fields: Vec<FieldChange>,
}

/// The delta as lines for a person or a program: units, then users, then groups; removals first.
///
/// `name` gives an object of any kind its name, where a line speaks of one that isn't in the delta itself. It is asked for
/// [`UnitId::ROOT`], too. A line of a change has at least one field: what nobody sees makes no line.
pub fn describe(delta: &Delta, name: impl Fn(Guid) -> Option<Box<str>>) -> Vec<ObjectChange> {
    let named = names(delta);
    let name = |id: Guid| named.get(&id).map(|name| Box::from(*name)).or_else(|| name(id));
    let name = |id: Guid| name(id).unwrap_or_else(|| id.to_string().into());
    let mut lines = Vec::with_capacity(delta.len());
    lines.extend(lines_of(
        &delta.units,
        ObjectKind::Unit,
        |u| (u.id.0, u.name.clone()),
        |b, a| {
            let mut fields = Fields::default();
            fields.add("name", Some(b.name.clone()), Some(a.name.clone()));
            fields.link("parent", Some(b.parent.0), Some(a.parent.0), name);
            fields.link("managed_by", b.managed_by.map(|id| id.0), a.managed_by.map(|id| id.0), name);
            fields.add("directory", text(Some(&b.directory)), text(Some(&a.directory)));
            fields.0
        },
    ));
    lines.extend(lines_of(
        &delta.users,
        ObjectKind::User,
        |u| (u.id.0, u.name().into()),
        |b, a| {
            let mut fields = Fields::default();
            fields.add("name", Some(b.name()), Some(a.name()));
            fields.add("account", Some(b.account()), Some(a.account()));
            fields.link("unit", Some(b.unit.0), Some(a.unit.0), name);
            fields.add("rdn", Some(b.rdn()), Some(a.rdn()));
            fields.add("upn", b.upn(), a.upn());
            fields.add("mail", b.mail(), a.mail());
            fields.add("phone", b.phone(), a.phone());
            fields.add("mobile", b.mobile(), a.mobile());
            fields.add("title", b.title(), a.title());
            fields.link("manager", b.manager.map(|id| id.0), a.manager.map(|id| id.0), name);
            fields.add("language", b.language(), a.language());
            fields.add("enabled", text(Some(b.enabled)), text(Some(a.enabled)));
            fields.add("expires", text(b.expires), text(a.expires));
            fields.add("directory", text(Some(&b.directory)), text(Some(&a.directory)));
            fields.0
        },
    ));
    lines.extend(lines_of(
        &delta.groups,
        ObjectKind::Group,
        |g| (g.id.0, g.name.clone()),
        |b, a| {
            let mut fields = Fields::default();
            fields.add("name", Some(b.name.clone()), Some(a.name.clone()));
            fields.add("account", Some(b.account.clone()), Some(a.account.clone()));
            fields.members(&b.members, &a.members, name);
            fields.add("directory", text(Some(&b.directory)), text(Some(&a.directory)));
            fields.0
        },
    ));
    lines
}

/// Says of what was added and was gone before that it came back.
pub fn mark_returns(lines: &mut [ObjectChange], gone: impl Fn(Guid) -> bool) {
    for line in lines.iter_mut().filter(|line| line.what == What::Added && gone(line.id)) {
        line.what = What::CameBack;
    }
}

fn text(value: Option<impl std::fmt::Display>) -> Option<Box<str>> {
    value.map(|v| v.to_string().into())
}

fn lines_of<T>(
    changes: &Changes<T>,
    kind: ObjectKind,
    who: impl Fn(&T) -> (Guid, Box<str>),
    fields: impl Fn(&T, &T) -> Vec<FieldChange>,
) -> Vec<ObjectChange> {
    let line = |object: &T, what, fields| {
        let (id, name) = who(object);
        ObjectChange { kind, id, name, what, fields }
    };
    let removed = changes.removed.iter().map(|o| line(o, What::Removed, Vec::new()));
    let added = changes.added.iter().map(|o| line(o, What::Added, Vec::new()));
    let changed = changes.changed.iter().map(|(b, a)| line(a, What::Changed, fields(b, a)));
    removed.chain(added).chain(changed.filter(|line| !line.fields.is_empty())).collect()
}

#[derive(Default)]
struct Fields(Vec<FieldChange>);

impl Fields {
    fn add<T: Into<Box<str>> + PartialEq>(&mut self, field: &str, before: Option<T>, after: Option<T>) {
        if before != after {
            let (before, after) = (before.map(Into::into), after.map(Into::into));
            self.0.push(FieldChange { field: field.into(), before, after });
        }
    }

    /// Two objects may have one name: then the identities tell them apart.
    fn link(
        &mut self,
        field: &str,
        before: Option<Guid>,
        after: Option<Guid>,
        name: impl Fn(Guid) -> Box<str>,
    ) {
        if before == after {
            return;
        }
        let same_name = before.map(&name) == after.map(&name);
        let shown = |id: Guid| if same_name { format!("{} ({id})", name(id)).into() } else { name(id) };
        self.add(field, before.map(shown), after.map(shown));
    }

    /// How many there are, and the names of those who came and who went; not of all: a group of thousands would drown the history.
    fn members(&mut self, before: &[Guid], after: &[Guid], name: impl Fn(Guid) -> Box<str>) {
        let gone: Vec<Guid> = before.iter().filter(|m| after.binary_search(m).is_err()).copied().collect();
        let come: Vec<Guid> = after.iter().filter(|m| before.binary_search(m).is_err()).copied().collect();
        if gone.is_empty() && come.is_empty() {
            return;
        }
        let numbers = format!("{} (+{} −{})", after.len(), come.len(), gone.len());
        self.add("members", text(Some(before.len())), Some(numbers.into()));
        self.add("members_added", None, listed(&come, &name));
        self.add("members_removed", listed(&gone, &name), None);
    }
}

/// So many members are named.
const NAMED: usize = 50;

fn listed(ids: &[Guid], name: impl Fn(Guid) -> Box<str>) -> Option<Box<str>> {
    let mut names: Vec<Box<str>> = ids.iter().take(NAMED).map(|id| name(*id)).collect();
    names.sort_unstable();
    if ids.len() > NAMED {
        names.push(format!("… and {} more", ids.len() - NAMED).into());
    }
    (!names.is_empty()).then(|| names.join("; ").into())
}

/// What the objects in a delta are called.
fn names(delta: &Delta) -> HashMap<Guid, &str> {
    let users = delta.users.removed.iter().chain(delta.users.written()).map(|u| (u.id.0, u.name()));
    let units = delta.units.removed.iter().chain(delta.units.written()).map(|u| (u.id.0, &*u.name));
    let groups = delta.groups.removed.iter().chain(delta.groups.written()).map(|g| (g.id.0, &*g.name));
    users.chain(units).chain(groups).collect()
}

#[cfg(test)]
mod tests;
