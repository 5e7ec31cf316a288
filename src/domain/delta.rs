//! What differs between the directory we hold and the one just read.
//!
//! `apply(old, diff(old, new)) == new`, whatever the two are (a property test says so).

mod describe;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::directory::{Container, Directory, Found, Group, Objects, Unit, Update, User};
use super::ids::{DirectoryName, GroupId, Guid, UnitId, UserId};
use super::map::Map;
pub use describe::{FieldChange, ObjectChange, ObjectKind, What, describe, mark_returns, without_id};

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

#[cfg(test)]
mod tests;
