//! Directories whose references are names: whoever gets another name is meant by other references than before, and nothing is told of these.

use std::collections::{BTreeMap, BTreeSet};

use super::{Follow, Lost, Object};
use crate::domain::directory::User;
use crate::domain::ids::{GroupId, Guid, UserId};

impl Follow<'_> {
    /// References are made by name, not by identity: a server that keeps them right when an object is renamed or deleted doesn't tell of
    /// that, and one that doesn't leaves them dangling.
    pub fn by_name(mut self) -> Self {
        self.by_name = true;
        self
    }

    /// Whether anything is known of an object.
    pub fn knows(&self, id: Guid) -> bool {
        self.known_at(id).is_some()
    }

    /// All that is known of this directory.
    pub fn all_known(&self) -> Vec<Guid> {
        let (known, ours) = (self.known, self.directory);
        let containers = known.containers.values().filter(|c| c.directory == *ours).map(|c| c.id);
        known.identities(ours).into_iter().chain(containers).collect()
    }

    /// The accounts of all known users of this directory.
    pub fn known_accounts(&self) -> impl Iterator<Item = (&str, Guid)> {
        let users = self.known.users.values().filter(|user| user.directory == *self.directory);
        users.map(|user| (user.account(), user.id.0))
    }

    /// Takes that an object isn't there any more.
    pub fn went(&mut self, id: Guid) {
        self.delete(id);
    }

    /// The users and groups that got a name since these were asked for last, their own or of something above. Who was known to refer to
    /// them is wanted anew; who else refers to them is to be told to [`Follow::refers_by_name`].
    ///
    /// # Errors
    /// When they are too many.
    pub fn named(&mut self) -> Result<Vec<Guid>, Lost> {
        let users = self.new.users.values().filter(|user| {
            let before = self.known.users.get(&user.id);
            before.is_none_or(|b| (b.account(), b.rdn(), b.above) != (user.account(), user.rdn(), user.above))
        });
        let groups = self.new.groups.values().filter(|group| {
            let before = self.known.groups.get(&group.id);
            before.is_none_or(|b| (&b.name, b.above) != (&group.name, group.above))
        });
        let mut named: BTreeSet<Guid> = users.map(|u| u.id.0).chain(groups.map(|g| g.id.0)).collect();
        let moved = self.moved_structure();
        if !moved.is_empty() {
            let (known, ours) = (self.known, self.directory);
            let users = known.users.values().filter(|u| u.directory == *ours).map(|u| (u.id.0, u.above));
            let groups = known.groups.values().filter(|g| g.directory == *ours).map(|g| (g.id.0, g.above));
            let mut memo = BTreeMap::new();
            for (id, above) in users.chain(groups) {
                if !self.gone.contains(&id) && self.stands_below(above, &moved, &mut memo) {
                    named.insert(id);
                }
            }
        }
        let fresh: Vec<Guid> = named.difference(&self.named).copied().collect();
        self.named.extend(&fresh);
        if self.named.len() > self.limit {
            return Err(Lost::TooMuch);
        }
        self.want_those_that_know(&fresh);
        Ok(fresh)
    }

    /// Takes an object that refers to one that got a name.
    pub fn refers_by_name(&mut self, entry: &crate::domain::entry::Entry) {
        if let Some(id) = self.id_of(entry)
            && self.at(id).is_some()
        {
            self.want_again(id);
        }
    }

    /// Fetched before, its references may have been understood otherwise.
    fn want_again(&mut self, id: Guid) {
        self.asked.remove(&id);
        self.wanted.insert(id);
    }

    fn want_those_that_know(&mut self, named: &[Guid]) {
        if named.is_empty() {
            return;
        }
        let is_named = |id: &Guid| named.binary_search(id).is_ok();
        let (known, ours) = (self.known, self.directory);
        let user = |id: Option<UserId>| id.is_some_and(|id| is_named(&id.0));
        let users = known.users.values().filter(|u| u.directory == *ours && user(u.manager)).map(|u| u.id.0);
        let units =
            known.units.values().filter(|u| u.directory == *ours && user(u.managed_by)).map(|u| u.id.0);
        let groups = known.groups.values().filter(|g| g.directory == *ours && g.members.iter().any(is_named));
        let referrers: Vec<Guid> = users.chain(units).chain(groups.map(|g| g.id.0)).collect();
        for id in referrers {
            if self.at(id).is_some() {
                self.want_again(id);
            }
        }
    }

    /// The units and containers that have another name or place than before.
    fn moved_structure(&self) -> BTreeSet<Guid> {
        let place = |object: Object<'_>| match object {
            Object::Unit(unit) => Some((unit.name.clone(), unit.above)),
            Object::Container(container) => Some((container.name.clone(), container.above)),
            Object::User(_) | Object::Group(_) => None,
        };
        let units = self.new.units.keys().map(|id| id.0);
        let all = units.chain(self.new.containers.keys().copied()).chain(self.others.keys().copied());
        all.filter(|id| {
            let (before, now) = (self.known_at(*id).and_then(place), self.at(*id).and_then(place));
            before.is_some() && before != now
        })
        .collect()
    }

    fn stands_below(&self, above: Guid, these: &BTreeSet<Guid>, memo: &mut BTreeMap<Guid, bool>) -> bool {
        let (mut at, mut path) = (above, Vec::new());
        let answer = loop {
            if let Some(known) = memo.get(&at) {
                break *known;
            }
            if these.contains(&at) {
                break true;
            }
            match self.at(at) {
                Some(object) if path.len() <= super::place::MAX_DEPTH => {
                    path.push(at);
                    at = object.above();
                }
                _ => break false,
            }
        };
        memo.extend(path.into_iter().map(|id| (id, answer)));
        answer
    }

    /// Names that lead to nobody that is read count for nothing.
    pub(super) fn strike_out_the_unknown(&mut self) {
        let is_user = |id: &Guid| matches!(self.at(*id), Some(Object::User(_)));
        let is_member = |id: &Guid| matches!(self.at(*id), Some(Object::User(_) | Object::Group(_)));
        let is_lost = |id: Option<UserId>| id.is_some_and(|id| !is_user(&id.0));
        let went = |id: &Guid| self.gone.contains(id);
        let (known, ours) = (self.known, self.directory);
        // What is known as it was refers to nobody but those who were known, too.
        let touched = |id: Option<UserId>| id.is_some_and(|id| went(&id.0));
        let users = known.users.values().filter(|u| u.directory == *ours && touched(u.manager)).map(|u| u.id);
        let users: BTreeSet<UserId> = users.chain(self.new.users.keys().copied()).collect();
        let units =
            known.units.values().filter(|u| u.directory == *ours && touched(u.managed_by)).map(|u| u.id);
        let units: BTreeSet<_> = units.chain(self.new.units.keys().copied()).collect();
        let groups = known.groups.values().filter(|g| g.directory == *ours && g.members.iter().any(went));
        let groups: BTreeSet<GroupId> = groups.map(|g| g.id).chain(self.new.groups.keys().copied()).collect();
        let mut struck = crate::domain::directory::Directory::default();
        for id in users.into_iter().map(|id| id.0).chain(units.into_iter().map(|id| id.0)) {
            match self.at(id) {
                Some(Object::User(user)) if is_lost(user.manager) => {
                    let user: User = super::place::changed(user, |user| user.manager = None);
                    struck.users.insert(user.id, user.into());
                }
                Some(Object::Unit(unit)) if is_lost(unit.managed_by) => {
                    let unit = crate::domain::directory::Unit { managed_by: None, ..(**unit).clone() };
                    struck.units.insert(unit.id, unit.into());
                }
                _ => {}
            }
        }
        for id in groups {
            if let Some(Object::Group(group)) = self.at(id.0)
                && !group.members.iter().all(is_member)
            {
                let members = group.members.iter().copied().filter(is_member).collect();
                let group = crate::domain::directory::Group { members, ..(**group).clone() };
                struck.groups.insert(group.id, group.into());
            }
        }
        self.new.users.extend(struck.users.iter().map(|(id, user)| (*id, user.clone())));
        self.new.units.extend(struck.units.iter().map(|(id, unit)| (*id, unit.clone())));
        self.new.groups.extend(struck.groups.iter().map(|(id, group)| (*id, group.clone())));
    }
}
