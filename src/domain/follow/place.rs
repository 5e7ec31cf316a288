//! Where everything stands once all is known: in which unit, below which container, or outside.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Follow, Lost, Object};
use crate::domain::directory::{Directory, Group, Unit, Update, User};
use crate::domain::ids::{DirectoryName, Guid, UnitId, UserId};

/// Nothing stands deeper; what seems to goes round in a circle.
pub(super) const MAX_DEPTH: usize = 1_000;

/// What stands below an object: its unit; None outside the bases.
type Memo = HashMap<Guid, Result<Option<UnitId>, Lost>>;

impl Follow<'_> {
    /// What is different now.
    ///
    /// # Errors
    /// When it can't be told where something stands.
    pub fn finish(mut self) -> Result<Update, Lost> {
        self.take_over_if_restructured();
        let mut memo = Memo::new();
        self.settle(&mut memo)?;
        if self.by_name {
            self.strike_out_the_unknown();
        } else {
            self.strike_out_the_deleted();
        }
        self.keep_used_containers();
        let known = |id: &Guid| self.known_at(*id).is_some();
        let removed = self.gone.iter().copied().filter(known).collect();
        Ok(Update { written: self.new, removed, quarantined: self.quarantined })
    }

    /// Whether an object stands below a base, or is one.
    pub(super) fn is_in_scope(&self, id: Guid) -> Result<bool, Lost> {
        match self.unit_below(&mut Memo::new(), id) {
            Ok(unit) => Ok(unit.is_some()),
            Err(_) if self.within.get(&id) == Some(&false) => Ok(false),
            Err(lost) => Err(lost),
        }
    }

    /// When a unit or container moved or went, everything may stand elsewhere.
    fn take_over_if_restructured(&mut self) {
        let kinds_changed = self.new.units.keys().any(|id| self.known.containers.contains_key(&id.0))
            || self.others.keys().any(|id| self.known.units.contains_key(&UnitId(*id)));
        if !self.restructured && !kinds_changed {
            return;
        }
        let known = self.known;
        let users: Vec<_> = known.users.values().filter(|u| self.is_left(u.id.0, &u.directory)).collect();
        let units: Vec<_> = known.units.values().filter(|u| self.is_left(u.id.0, &u.directory)).collect();
        let groups: Vec<_> = known.groups.values().filter(|g| self.is_left(g.id.0, &g.directory)).collect();
        let containers = known.containers.values().filter(|c| self.is_left(c.id, &c.directory));
        let containers: Vec<_> = containers.collect();
        self.new.users.extend(users.into_iter().map(|u| (u.id, Arc::clone(u))));
        self.new.units.extend(units.into_iter().map(|u| (u.id, Arc::clone(u))));
        self.new.groups.extend(groups.into_iter().map(|g| (g.id, Arc::clone(g))));
        self.new.containers.extend(containers.into_iter().map(|c| (c.id, Arc::clone(c))));
    }

    /// Whether a known object is there as it was.
    fn is_left(&self, id: Guid, directory: &DirectoryName) -> bool {
        let is_new = self.others.contains_key(&id) || super::look(&self.new, id).is_some();
        directory == self.directory && !self.gone.contains(&id) && !is_new
    }

    /// Gives everything that is new its unit, and drops what stands outside.
    fn settle(&mut self, memo: &mut Memo) -> Result<(), Lost> {
        let mut outside = Vec::new();
        let users: Vec<Arc<User>> = self.new.users.values().cloned().collect();
        for user in users {
            let known = self.known.users.get(&user.id).map(|known| known.unit);
            match self.unit_of(memo, user.id.0, user.above, known)? {
                None => outside.push(user.id.0),
                Some(unit) if unit != user.unit => {
                    self.new.users.insert(user.id, Arc::new(changed(&user, |user| user.unit = unit)));
                }
                Some(_) => {}
            }
        }
        let units: Vec<Arc<Unit>> = self.new.units.values().cloned().collect();
        for unit in units {
            let known = self.known.units.get(&unit.id).map(|known| known.parent);
            match self.unit_of(memo, unit.id.0, unit.above, known)? {
                None => outside.push(unit.id.0),
                Some(parent) if parent != unit.parent => {
                    self.new.units.insert(unit.id, Arc::new(Unit { parent, ..Arc::unwrap_or_clone(unit) }));
                }
                Some(_) => {}
            }
        }
        let groups = self.new.groups.values().map(|g| (g.id.0, g.above));
        let containers = self.new.containers.values().map(|c| (c.id, c.above));
        for (id, above) in groups.chain(containers) {
            if self.unit_of(memo, id, above, Some(UnitId::ROOT))?.is_none() {
                outside.push(id);
            }
        }
        for id in outside {
            self.forget(id);
            self.gone.insert(id);
        }
        Ok(())
    }

    /// The unit of an object; None when it stands outside. What stands nowhere known stays where it was.
    fn unit_of(
        &self,
        memo: &mut Memo,
        id: Guid,
        above: Guid,
        known: Option<UnitId>,
    ) -> Result<Option<UnitId>, Lost> {
        if self.excluded.contains_key(&id) {
            return Ok(None);
        }
        if self.bases.contains_key(&id) {
            return Ok(Some(UnitId::ROOT));
        }
        if above == Guid::default() {
            // Fetched, and nothing above: the top of the tree, which is above all bases.
            return Ok(if self.asked.contains(&id) { None } else { known });
        }
        match self.unit_below(memo, above) {
            // By its name it stands outside, where not everything can be seen.
            Err(Lost::Untraceable) if self.within.get(&id) == Some(&false) => Ok(None),
            other => other,
        }
    }

    /// The nearest unit at or above an object; None outside the bases.
    fn unit_below(&self, memo: &mut Memo, id: Guid) -> Result<Option<UnitId>, Lost> {
        let mut path = Vec::new();
        let mut at = id;
        let mut result = loop {
            if let Some(known) = memo.get(&at) {
                break *known;
            }
            if self.excluded.contains_key(&at) {
                path.push(at);
                break Ok(None);
            }
            if path.len() > MAX_DEPTH {
                break Err(Lost::Untraceable);
            }
            let object = match self.at(at) {
                Some(object) => object,
                None if self.gone.contains(&at) => break Ok(None),
                None => break Err(Lost::Untraceable),
            };
            path.push(at);
            if self.bases.contains_key(&at) {
                break Ok(Some(UnitId::ROOT));
            }
            if object.above() == Guid::default() {
                break Ok((!self.asked.contains(&at)).then_some(UnitId::ROOT));
            }
            at = object.above();
        };
        if path.is_empty() {
            memo.insert(at, result);
        }
        for id in path.into_iter().rev() {
            if let (Ok(Some(_)), Some(Object::Unit(unit))) = (result, self.at(id)) {
                result = Ok(Some(unit.id));
            }
            memo.insert(id, result);
        }
        result
    }

    /// The deleted are nobody's member or manager any more, which isn't told.
    fn strike_out_the_deleted(&mut self) {
        if self.deleted.is_empty() {
            return;
        }
        let is_deleted = |id: Option<UserId>| id.is_some_and(|id| self.deleted.contains(&id.0));
        let has_deleted =
            |group: &Group| self.deleted.iter().any(|id| group.members.binary_search(id).is_ok());
        // What is new may be known, too: then it is looked at twice.
        let users = self.known.users.values().filter(|u| is_deleted(u.manager)).map(|u| u.id.0);
        let users = users.chain(self.new.users.keys().map(|id| id.0));
        let units = self.known.units.values().filter(|u| is_deleted(u.managed_by)).map(|u| u.id.0);
        let units = units.chain(self.new.units.keys().map(|id| id.0));
        let groups = self.known.groups.values().filter(|g| has_deleted(g)).map(|g| g.id.0);
        let groups = groups.chain(self.new.groups.keys().map(|id| id.0));
        let mut struck = Directory::default();
        for object in users.chain(units).chain(groups).filter_map(|id| self.at(id)) {
            match object {
                Object::User(user) if is_deleted(user.manager) => {
                    struck.users.insert(user.id, Arc::new(changed(user, |user| user.manager = None)));
                }
                Object::Unit(unit) if is_deleted(unit.managed_by) => {
                    struck.units.insert(unit.id, Arc::new(Unit { managed_by: None, ..Unit::clone(unit) }));
                }
                Object::Group(group) if has_deleted(group) => {
                    let left = group.members.iter().copied().filter(|m| !self.deleted.contains(m)).collect();
                    struck.groups.insert(group.id, Arc::new(Group { members: left, ..Group::clone(group) }));
                }
                _ => {}
            }
        }
        self.new.users.extend(struck.users.iter().map(|(id, user)| (*id, Arc::clone(user))));
        self.new.units.extend(struck.units.iter().map(|(id, unit)| (*id, Arc::clone(unit))));
        self.new.groups.extend(struck.groups.iter().map(|(id, group)| (*id, Arc::clone(group))));
    }

    /// A container is kept as long as something that is read stands below it.
    fn keep_used_containers(&mut self) {
        let mut used = BTreeSet::new();
        let new = &self.new;
        let above = new.users.values().map(|u| u.above).chain(new.units.values().map(|u| u.above));
        for above in above.chain(new.groups.values().map(|g| g.above)) {
            self.climb(above, &mut used);
        }
        let left = self.something_left_a_container();
        if left {
            let known = self.known;
            let users = known.users.values().filter(|u| self.is_left(u.id.0, &u.directory)).map(|u| u.above);
            let units = known.units.values().filter(|u| self.is_left(u.id.0, &u.directory)).map(|u| u.above);
            let groups =
                known.groups.values().filter(|g| self.is_left(g.id.0, &g.directory)).map(|g| g.above);
            for above in users.chain(units).chain(groups) {
                self.climb(above, &mut used);
            }
            let kept = |id: &Guid| used.contains(id) || self.bases.contains_key(id);
            let ours = known.containers.values().filter(|c| c.directory == *self.directory).map(|c| c.id);
            let unused: Vec<Guid> = ours.filter(|id| !kept(id)).collect();
            for id in unused {
                self.new.containers.remove(&id);
                self.gone.insert(id);
            }
        }
        for (id, container) in std::mem::take(&mut self.others) {
            let as_before = !left && self.known.containers.contains_key(&id);
            if as_before || used.contains(&id) || self.bases.contains_key(&id) {
                self.new.containers.insert(id, container);
            }
        }
    }

    fn climb(&self, above: Guid, used: &mut BTreeSet<Guid>) {
        let mut at = above;
        while let Some(object) = self.at(at)
            && used.insert(at)
        {
            at = object.above();
        }
    }

    fn something_left_a_container(&self) -> bool {
        let was_in_container = |object: Object<'_>| self.known.containers.contains_key(&object.above());
        let went = self.gone.iter().filter_map(|id| self.known_at(*id)).any(was_in_container);
        let new = &self.new;
        let mut places = (new.users.values().map(|u| (u.id.0, u.above)))
            .chain(new.units.values().map(|u| (u.id.0, u.above)))
            .chain(new.groups.values().map(|g| (g.id.0, g.above)))
            .chain(new.containers.values().map(|c| (c.id, c.above)))
            .chain(self.others.values().map(|c| (c.id, c.above)));
        went || places.any(|(id, above)| {
            self.known_at(id).is_some_and(|known| known.above() != above && was_in_container(known))
        })
    }
}

/// A copy of a user with a change made.
pub(super) fn changed(user: &User, change: impl FnOnce(&mut User)) -> User {
    let mut user = user.clone();
    change(&mut user);
    user
}
