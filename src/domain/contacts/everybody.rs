//! The contacts of everybody at once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Asker, Standing, standing};
use crate::domain::directory::User;
use crate::domain::ids::UserId;
use crate::domain::organisation::{Holders, Organisation};
use crate::domain::roles::Role;
use crate::domain::tree;

/// Where the contacts of everybody are, for one role with [`Pick::Nearest`](crate::domain::roles::Pick::Nearest).
///
/// Users are not listed one by one: their unit's contacts are theirs. So it stays true while users come, go and move, as long as
/// they are no contacts themselves ([`Organisation::answers_like`]).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactMap {
    /// For each unit of the tree, the unit whose holders answer for it; None: the fallback role does.
    units: Vec<Option<tree::Index>>,
    /// The same for the few users for whom it is another one: those who are the only person to turn to where they belong.
    alone: HashMap<UserId, Option<tree::Index>>,
}

impl ContactMap {
    /// The unit whose holders answer for the one at `place`; None: the fallback role does.
    pub fn of_unit(&self, place: tree::Index) -> Option<tree::Index> {
        self.units.get(place as usize).copied().flatten()
    }

    /// The unit whose holders answer for a user; None: the fallback role does.
    pub fn of_user(&self, organisation: &Organisation, user: &User) -> Option<tree::Index> {
        let own = || self.of_unit(organisation.place_of(user));
        self.alone.get(&user.id).copied().unwrap_or_else(own)
    }

    /// How many users nobody answers for but the fallback role.
    pub fn uncovered_users(&self, organisation: &Organisation) -> usize {
        let uncovered = organisation.tree.indices().filter(|place| self.of_unit(*place).is_none());
        let users: usize = uncovered.map(|place| organisation.count_users(place, false)).sum();
        users + self.alone.values().filter(|at| at.is_none()).count()
    }
}

/// Works out for every unit, and so for every user, where the nearest holders of `role` are at `now`.
///
/// Reads only what is committed, so it can run at any time, again and again.
pub fn recompute(organisation: &Organisation, role: &Role, now: DateTime<Utc>) -> ContactMap {
    let tree = &organisation.tree;
    let holders = organisation.holders(&role.name);
    // Only where somebody counts; and where it is a single person, who that is.
    let mut here: Vec<Option<Counting<'_>>> = vec![None; tree.len()];
    for place in holders.places() {
        let mut people = counting(organisation, holders, place, &Asker::Organisation, now).map(|s| s.user);
        if let (Some(first), Some(at)) = (people.next(), here.get_mut(place as usize)) {
            let is_first = |other: Option<&User>| other.map(|user| user.id) == first.map(|user| user.id);
            *at = Some(Counting { alone: first.filter(|_| people.all(is_first)) });
        }
    }
    let mut map = ContactMap { units: Vec::with_capacity(tree.len()), alone: HashMap::new() };
    // Parents come before children, so one pass is enough.
    for (place, here) in tree.indices().zip(&here) {
        let above = tree.parent(place).and_then(|parent| map.of_unit(parent));
        map.units.push(if here.is_some() { Some(place) } else { above });
    }
    // Who is the only one to turn to is not the answer to their own question: look again for these few. Of several contacts
    // another one is left.
    for (nearest, alone) in tree.indices().zip(&here) {
        let Some(user) = alone.as_ref().and_then(|counting| counting.alone) else { continue };
        if map.of_unit(organisation.place_of(user)) == Some(nearest) {
            let asker = Asker::User(user.id);
            let counts = |p: &tree::Index| counting(organisation, holders, *p, &asker, now).next().is_some();
            let is_held = |p: &tree::Index| here.get(*p as usize).is_some_and(Option::is_some);
            let further = tree.upwards(nearest).skip(1).find(|p| is_held(p) && counts(p));
            map.alone.insert(user.id, further);
        }
    }
    map
}

/// Somebody counts at a place.
#[derive(Clone)]
struct Counting<'a> {
    /// The one user who does, when there is no other.
    alone: Option<&'a User>,
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
