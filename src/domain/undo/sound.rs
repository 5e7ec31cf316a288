//! What isn't put back though it is as the run left it: the units around it have changed since, and it would be in none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Reverse, SkipReason, Skipped};
use crate::domain::delta::{Changes, ObjectKind};
use crate::domain::directory::{Directory, Unit};
use crate::domain::ids::{UnitId, UserId};

/// Takes out of `back` what would leave `now` with somebody in a unit that isn't there, or with a unit below itself.
pub(super) fn leave_out(back: &mut Reverse, now: &Directory) {
    // Each round leaves out some more of what was to be put back, so this ends.
    loop {
        let units = unsound_units(back, now);
        let users = unsound_users(back, now);
        if units.is_empty() && users.is_empty() {
            return;
        }
        for (id, (name, reason)) in &units {
            back.skipped.push(Skipped {
                kind: ObjectKind::Unit,
                id: id.0,
                name: Some(name.clone()),
                reason: *reason,
            });
        }
        for (id, name) in &users {
            let reason = SkipReason::UnitGoneSince;
            back.skipped.push(Skipped { kind: ObjectKind::User, id: id.0, name: Some(name.clone()), reason });
        }
        retain(&mut back.delta.units, |unit| !units.contains_key(&unit.id));
        retain(&mut back.delta.users, |user| !users.contains_key(&user.id));
    }
}

/// The units that can't be put back, or not be taken away, each with its name and the reason.
fn unsound_units(back: &Reverse, now: &Directory) -> BTreeMap<UnitId, (Box<str>, SkipReason)> {
    let changes = &back.delta.units;
    let after = AfterUnits::new(changes, now);
    let mut unsound = BTreeMap::new();
    for unit in put_back(changes) {
        let reason = if !after.has(unit.parent) {
            SkipReason::UnitGoneSince
        } else if after.is_below_itself(unit.id) {
            SkipReason::BelowItself
        } else {
            continue;
        };
        unsound.insert(unit.id, (unit.name.clone(), reason));
    }
    if changes.removed.is_empty() {
        return unsound;
    }
    let touched: BTreeSet<UserId> = touched(&back.delta.users).map(|user| user.id).collect();
    let users = now.users.values().filter(|user| !touched.contains(&user.id)).map(|user| user.unit);
    let units = now.units.values().filter(|unit| !after.touched.contains(&unit.id)).map(|unit| unit.parent);
    let in_use: BTreeSet<UnitId> = users.chain(units).collect();
    let kept = changes.removed.iter().filter(|unit| in_use.contains(&unit.id));
    unsound.extend(kept.map(|unit| (unit.id, (unit.name.clone(), SkipReason::InUseSince))));
    unsound
}

/// The users who would be in a unit that isn't there, with their names.
fn unsound_users(back: &Reverse, now: &Directory) -> BTreeMap<UserId, Box<str>> {
    let after = AfterUnits::new(&back.delta.units, now);
    let lost = put_back(&back.delta.users).filter(|user| !after.has(user.unit));
    lost.map(|user| (user.id, user.name().into())).collect()
}

/// The units that there would be.
struct AfterUnits<'a> {
    now: &'a Directory,
    put_back: BTreeMap<UnitId, UnitId>,
    touched: BTreeSet<UnitId>,
}

impl<'a> AfterUnits<'a> {
    fn new(changes: &Changes<Unit>, now: &'a Directory) -> AfterUnits<'a> {
        AfterUnits {
            now,
            put_back: put_back(changes).map(|unit| (unit.id, unit.parent)).collect(),
            touched: touched(changes).map(|unit| unit.id).collect(),
        }
    }

    /// The unit above one that is there.
    fn above(&self, id: UnitId) -> Option<UnitId> {
        match self.put_back.get(&id) {
            Some(parent) => Some(*parent),
            None if self.touched.contains(&id) => None,
            None => self.now.units.get(&id).map(|unit| unit.parent),
        }
    }

    fn has(&self, id: UnitId) -> bool {
        id == UnitId::ROOT || self.above(id).is_some()
    }

    fn is_below_itself(&self, id: UnitId) -> bool {
        let mut passed = BTreeSet::new();
        let mut at = self.above(id);
        while let Some(unit) = at.filter(|unit| passed.insert(*unit)) {
            if unit == id {
                return true;
            }
            at = self.above(unit);
        }
        false
    }
}

/// As they would be again.
fn put_back<T>(changes: &Changes<T>) -> impl Iterator<Item = &Arc<T>> {
    changes.added.iter().chain(changes.changed.iter().map(|(_, after)| after))
}

/// Those of now that would be another, or gone.
fn touched<T>(changes: &Changes<T>) -> impl Iterator<Item = &Arc<T>> {
    changes.removed.iter().chain(changes.changed.iter().map(|(before, _)| before))
}

fn retain<T>(changes: &mut Changes<T>, keep: impl Fn(&T) -> bool) {
    changes.added.retain(|object| keep(object));
    changes.changed.retain(|(before, _)| keep(before));
    changes.removed.retain(|object| keep(object));
}
