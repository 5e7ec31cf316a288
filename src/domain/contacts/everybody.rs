//! The contacts of everybody at once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Asker, Standing, standing};
use crate::domain::ids::UserId;
use crate::domain::organisation::{Holders, Organisation};
use crate::domain::roles::Role;
use crate::domain::tree;

/// Where the contacts of everybody are, for one role with [`Pick::Nearest`](crate::domain::roles::Pick::Nearest).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactMap {
    /// For each unit of the tree, the unit whose holders answer for it; None: the fallback role does.
    pub units: Vec<Option<tree::Index>>,
    /// For each user, in the order of the directory, the unit whose holders answer.
    pub users: Vec<Option<tree::Index>>,
}

impl ContactMap {
    /// How many users nobody answers for but the fallback role.
    pub fn uncovered_users(&self) -> usize {
        self.users.iter().filter(|at| at.is_none()).count()
    }
}

/// Works out for every unit and every user where the nearest holders of `role` are at `now`.
///
/// Reads only what is committed, so it can run at any time, again and again.
pub fn recompute(organisation: &Organisation, role: &Role, now: DateTime<Utc>) -> ContactMap {
    let tree = &organisation.tree;
    let holders = organisation.holders(&role.name);
    // Only where somebody counts; and where it is a single person, who that is.
    let alone_at = |place| {
        let mut people =
            counting(organisation, holders, place, &Asker::Organisation, now).map(|s| s.user.map(|u| u.id));
        let first = people.next()?;
        Some((place, first.filter(|_| people.all(|other| other == first))))
    };
    let here: HashMap<tree::Index, Option<UserId>> = holders.places().filter_map(alone_at).collect();
    // Parents come before children, so one pass is enough.
    let mut units: Vec<Option<tree::Index>> = Vec::with_capacity(tree.len());
    let answers_at =
        |units: &[Option<tree::Index>], place: tree::Index| units.get(place as usize).copied().flatten();
    for place in tree.indices() {
        let above = tree.parent(place).and_then(|parent| answers_at(&units, parent));
        units.push(if here.contains_key(&place) { Some(place) } else { above });
    }
    let mut users: Vec<_> = organisation.places().iter().map(|place| answers_at(&units, *place)).collect();
    // Who is the only one to turn to is not the answer to their own question: look again for these few. Of several contacts
    // another one is left.
    let mut alone: Vec<UserId> = here.values().copied().flatten().collect();
    alone.sort_unstable();
    alone.dedup();
    let mut alone = alone.into_iter().peekable();
    for (id, at) in organisation.directory.users.keys().zip(&mut users) {
        if alone.next_if_eq(id).is_some()
            && let Some(nearest) = *at
            && here.get(&nearest) == Some(&Some(*id))
        {
            let asker = Asker::User(*id);
            let counts = |p: &tree::Index| counting(organisation, holders, *p, &asker, now).next().is_some();
            *at = tree.upwards(nearest).skip(1).find(|p| here.contains_key(p) && counts(p));
        }
    }
    ContactMap { units, users }
}

/// Those who count at one place.
fn counting<'a>(
    organisation: &'a Organisation,
    holders: &'a Holders,
    place: tree::Index,
    asker: &'a Asker,
    now: DateTime<Utc>,
) -> impl Iterator<Item = Standing<'a>> {
    holders.at(place).iter().filter_map(move |holding| standing(organisation, holding, asker, now).ok())
}
