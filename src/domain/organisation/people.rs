//! The users by unit.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::directory::{Directory, User};
use crate::domain::tree::{self, Index, UnitTree};

/// Who belongs where.
#[derive(Clone, Debug)]
pub(super) struct People {
    /// By user, in the order of the directory.
    places: Vec<Index>,
    /// In the order of their places, so that a unit and all below it are one stretch; within a unit in the order of the directory.
    by_place: Vec<Arc<User>>,
    /// By place, where its stretch begins.
    starts: Vec<usize>,
}

impl People {
    pub(super) fn arrange(directory: &Directory, tree: &UnitTree) -> People {
        let place = |user: &User| tree.index(user.unit).unwrap_or(tree::ROOT);
        let with_place = |user: &Arc<User>| (place(user), Arc::clone(user));
        let mut placed: Vec<(Index, Arc<User>)> = directory.users.values().map(with_place).collect();
        let places = placed.iter().map(|(place, _)| *place).collect();
        placed.sort_by_key(|(place, _)| *place);
        let starts = tree.indices().map(|at| placed.partition_point(|(place, _)| *place < at)).collect();
        let by_place = placed.into_iter().map(|(_, user)| user).collect();
        People { places, by_place, starts }
    }

    pub(super) fn places(&self) -> &[Index] {
        &self.places
    }

    /// All users, by place.
    pub(super) fn all(&self) -> &[Arc<User>] {
        &self.by_place
    }

    pub(super) fn within(&self, places: Range<Index>) -> &[Arc<User>] {
        let start = |place: Index| self.starts.get(place as usize).copied().unwrap_or(self.by_place.len());
        self.by_place.get(start(places.start)..start(places.end)).unwrap_or_default()
    }
}
