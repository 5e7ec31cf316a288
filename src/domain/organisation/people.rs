//! The users by unit.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::delta::Changes;
use crate::domain::directory::{Directory, User};
use crate::domain::ids::{Guid, UserId};
use crate::domain::map::Map;
use crate::domain::tree::{self, Index, UnitTree};

/// Who belongs where.
#[derive(Clone, Debug)]
pub(super) struct People {
    /// In the order of the tree, so that a unit and all below it are one stretch; within a unit in the order of the directory.
    by_place: Map<(Index, UserId), ()>,
    /// By place.
    counts: Arc<Vec<Count>>,
}

/// How many users there are.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// In the unit itself.
    own: usize,
    /// In the unit and all below it.
    all: usize,
}

impl People {
    pub(super) fn arrange(directory: &Directory, tree: &UnitTree) -> People {
        let by_place: Map<_, _> = directory.users.values().map(|u| ((place(u, tree), u.id), ())).collect();
        let mut counts = vec![Count::default(); tree.len()];
        for (at, _) in by_place.keys() {
            if let Some(count) = counts.get_mut(*at as usize) {
                count.own += 1;
            }
        }
        // Children come after their parents: from the last one up, each is whole before it is added to the one above.
        for at in tree.indices().rev() {
            let Some(count) = counts.get_mut(at as usize) else { continue };
            count.all += count.own;
            let all = count.all;
            if let Some(above) = tree.parent(at).and_then(|above| counts.get_mut(above as usize)) {
                above.all += all;
            }
        }
        People { by_place, counts: Arc::new(counts) }
    }

    /// Follows what changed of the users, in the same tree.
    pub(super) fn change(&mut self, users: &Changes<User>, tree: &UnitTree) {
        let moved = |(before, after): &&(Arc<User>, Arc<User>)| place(before, tree) != place(after, tree);
        let moved = || users.changed.iter().filter(moved);
        for user in users.removed.iter().chain(moved().map(|(before, _)| before)) {
            let at = place(user, tree);
            if self.by_place.remove(&(at, user.id)).is_some() {
                self.count(at, tree, |n| n.saturating_sub(1));
            }
        }
        for user in users.added.iter().chain(moved().map(|(_, after)| after)) {
            let at = place(user, tree);
            if self.by_place.insert((at, user.id), ()).is_none() {
                self.count(at, tree, |n| n + 1);
            }
        }
    }

    fn count(&mut self, at: Index, tree: &UnitTree, change: impl Fn(usize) -> usize) {
        let counts = Arc::make_mut(&mut self.counts);
        if let Some(count) = counts.get_mut(at as usize) {
            count.own = change(count.own);
        }
        for above in tree.upwards(at) {
            if let Some(count) = counts.get_mut(above as usize) {
                count.all = change(count.all);
            }
        }
    }

    pub(super) fn within(&self, places: Range<Index>) -> impl Iterator<Item = UserId> + '_ {
        let first = UserId(Guid([0; 16]));
        let from = self.by_place.iter_from(&(places.start, first));
        from.map(|(key, ())| *key).take_while(move |(at, _)| *at < places.end).map(|(_, id)| id)
    }

    /// How many users belong to the unit itself.
    pub(super) fn own(&self, at: Index) -> usize {
        self.counts.get(at as usize).map_or(0, |count| count.own)
    }

    /// How many users belong to the unit or to one below it.
    pub(super) fn all(&self, at: Index) -> usize {
        self.counts.get(at as usize).map_or(0, |count| count.all)
    }
}

fn place(user: &User, tree: &UnitTree) -> Index {
    tree.index(user.unit).unwrap_or(tree::ROOT)
}
