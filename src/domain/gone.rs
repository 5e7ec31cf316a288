//! What a run has removed, kept for a while: so that people who are gone have a name, and what comes back is known again.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::delta::{Changes, Delta, ObjectKind};
use super::directory::User;
use super::guard::Lately;
use super::ids::{DirectoryName, Guid, RunId};
use super::map::Map;
use super::undo::Object;

/// A user, unit or group that is there no longer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gone {
    /// Its identity.
    pub id: Guid,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// Where it was: the names from the top unit down to its unit, or to the unit above it; empty for a group.
    pub unit: Box<str>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The run that removed it; [`TO_COME`] in an organisation of the past.
    pub run: RunId,
    /// What it was.
    pub object: Object,
}

/// In place of the run: it isn't gone but came later than the organisation of the past that it stands in.
pub const TO_COME: RunId = RunId(0);

/// Everything that is gone, by identity.
pub type AllGone = Map<Guid, Arc<Gone>>;

impl Gone {
    /// User, unit or group.
    pub fn kind(&self) -> ObjectKind {
        self.object.kind()
    }

    /// What it was called.
    pub fn name(&self) -> &str {
        self.object.name()
    }

    /// Its account, if it had one.
    pub fn account(&self) -> Option<&str> {
        match &self.object {
            Object::User(user) => Some(user.account()),
            Object::Group(group) => Some(&group.account),
            Object::Unit(_) => None,
        }
    }

    /// Its mail address, if it had one.
    pub fn mail(&self) -> Option<&str> {
        match &self.object {
            Object::User(user) => user.mail(),
            Object::Unit(_) | Object::Group(_) => None,
        }
    }
}

/// The users who are gone and whom `text` names, by identity, account, user principal name, mail address or full name: the last to go first.
pub fn users_called<'a>(gone: &'a AllGone, text: &str) -> Vec<(&'a Gone, &'a Arc<User>)> {
    let (text, id) = (text.trim().to_lowercase(), text.trim().parse().ok());
    let called = |name: &str| name.to_lowercase() == text;
    let user = |gone: &'a Arc<Gone>| {
        let Object::User(user) = &gone.object else { return None };
        let names = [Some(user.account()), user.upn(), user.mail(), Some(user.name())];
        let is = id == Some(gone.id) || names.into_iter().flatten().any(called);
        is.then_some((&**gone, user))
    };
    let mut found: Vec<_> = gone.values().filter(|gone| gone.run != TO_COME).filter_map(user).collect();
    found.sort_by_key(|(gone, _)| (Reverse(gone.since), gone.id));
    found
}

/// How many users and units of a directory went after `since` and after `run`.
pub fn lately(gone: &AllGone, directory: &DirectoryName, since: DateTime<Utc>, run: Option<RunId>) -> Lately {
    let recent = |gone: &&Arc<Gone>| gone.since > since && run.is_none_or(|run| gone.run > run);
    let mut lately = Lately::default();
    for gone in gone.values().filter(recent).filter(|gone| gone.directory == *directory) {
        match gone.kind() {
            ObjectKind::User => lately.users += 1,
            ObjectKind::Unit => lately.units += 1,
            ObjectKind::Group => {}
        }
    }
    lately
}

/// What a delta makes of what is gone: what it removes is so from now on, and what it adds is so no longer.
///
/// `unit` tells where an object was.
pub fn changes(
    gone: &AllGone,
    delta: &Delta,
    run: RunId,
    now: DateTime<Utc>,
    unit: impl Fn(&Object) -> Box<str>,
) -> Changes<Gone> {
    let mut changes = Changes::default();
    let added: BTreeSet<Guid> = added(delta).collect();
    for (id, directory, object) in removed(delta) {
        // It lives on as another kind of object.
        if added.contains(&id) {
            continue;
        }
        let now_gone = Arc::new(Gone { id, directory, unit: unit(&object), since: now, run, object });
        match gone.get(&id) {
            None => changes.added.push(now_gone),
            Some(earlier) => changes.changed.push((Arc::clone(earlier), now_gone)),
        }
    }
    changes.removed = added.iter().filter_map(|id| gone.get(id).cloned()).collect();
    changes
}

/// `gone` with these changes made.
pub fn apply(gone: &AllGone, changes: &Changes<Gone>) -> AllGone {
    let mut after = gone.clone();
    for back in &changes.removed {
        after.remove(&back.id);
    }
    after.extend(changes.written().map(|gone| (gone.id, Arc::clone(gone))));
    after
}

/// What has been gone since before `limit`, as a change that forgets it.
pub fn expired(gone: &AllGone, limit: DateTime<Utc>) -> Changes<Gone> {
    let removed = gone.values().filter(|gone| gone.since < limit).cloned().collect();
    Changes { removed, ..Changes::default() }
}

fn added(delta: &Delta) -> impl Iterator<Item = Guid> + '_ {
    let users = delta.users.added.iter().map(|u| u.id.0);
    let units = delta.units.added.iter().map(|u| u.id.0);
    let groups = delta.groups.added.iter().map(|g| g.id.0);
    users.chain(units).chain(groups)
}

fn removed(delta: &Delta) -> impl Iterator<Item = (Guid, DirectoryName, Object)> + '_ {
    let users = delta.users.removed.iter();
    let users = users.map(|u| (u.id.0, u.directory.clone(), Object::User(Arc::clone(u))));
    let units = delta.units.removed.iter();
    let units = units.map(|u| (u.id.0, u.directory.clone(), Object::Unit(Arc::clone(u))));
    let groups = delta.groups.removed.iter();
    let groups = groups.map(|g| (g.id.0, g.directory.clone(), Object::Group(Arc::clone(g))));
    users.chain(units).chain(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delta::{apply as apply_delta, diff};
    use crate::domain::directory::Directory;
    use crate::domain::ids::UserId;
    use crate::domain::testing::{DIRECTORIES, directory, hour, reading_of};
    use proptest::prelude::*;

    /// What was held, and what two runs read.
    fn two_runs() -> impl Strategy<Value = [Directory; 3]> {
        directory()
            .prop_flat_map(|old| (Just(old.clone()), reading_of(old)))
            .prop_flat_map(|(old, read)| (Just(old), Just(read.clone()), reading_of(read)))
            .prop_map(|(a, b, c)| [a, b, c])
    }

    proptest! {
        #[test]
        fn gone_is_what_was_there_once_and_is_not_now([first, second, third] in two_runs()) {
            let main: DirectoryName = DIRECTORIES[0].into();
            let (mut held, mut gone) = (first, AllGone::new());
            let mut ever: BTreeSet<UserId> = held.users.keys().copied().collect();
            for (n, read) in (1..).zip([second, third]) {
                let delta = diff(&held, &main, &read.into());
                let now = hour(i64::try_from(n).unwrap());
                let changes = changes(&gone, &delta, RunId(n), now, |_| "Care".into());
                gone = apply(&gone, &changes);
                held = apply_delta(&held, &delta);
                ever.extend(held.users.keys());
                for id in &ever {
                    prop_assert_eq!(gone.contains_key(&id.0), !held.users.contains_key(id), "{:?}", id);
                }
            }
            let late = expired(&gone, hour(2));
            prop_assert_eq!(late.removed.len(), gone.values().filter(|g| g.run == RunId(1)).count());
            prop_assert!(apply(&gone, &late).values().all(|g| g.run == RunId(2)));
        }
    }
}
