//! A change made to an object: what was told, and for the rest what was known, decoded as if it had been read whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::place::changed;
use super::{Decoded, Follow, Object, guid, has};
use crate::domain::decode::{Decoder, extended, to_filetime};
use crate::domain::directory::{Container, Directory, Group, Unit, User};
use crate::domain::entry::{Entry, TooLarge};
use crate::domain::ids::Guid;
use crate::domain::shape::BETWEEN;

/// Which values of a list were added and removed ([MS-ADTS] 3.1.1.3.4.1.3, incremental values).
const ADDED: std::ops::Range<u32> = 1..2;
const REMOVED: std::ops::Range<u32> = 0..1;

/// What is told of a list of references.
#[derive(Default)]
struct Links {
    /// The whole list, when it is told whole.
    all: Option<BTreeSet<Guid>>,
    added: BTreeSet<Guid>,
    removed: BTreeSet<Guid>,
}

impl Follow<'_> {
    /// Makes a change to a known object. False when it can't be made without fetching the object.
    pub(super) fn merge(&mut self, id: Guid, entry: &Entry) -> bool {
        self.try_merge(id, entry).unwrap_or(false)
    }

    fn try_merge(&mut self, id: Guid, entry: &Entry) -> Option<bool> {
        let mapping = self.mapping;
        let object = self.at(id)?;
        let told = guid(entry, "parentGUID");
        let above = if self.bases.contains_key(&id) {
            Guid::default()
        } else if told != Guid::default() {
            told
        } else if has(entry, "name") || object.above() == Guid::default() {
            return None;
        } else {
            object.above()
        };
        let whole = match object {
            Object::User(user) => {
                let manager = links(entry, &mapping.manager)?.apply_one(user.manager.map(|m| m.0))?;
                self.completed_user(user, manager, entry)
            }
            Object::Unit(unit) => {
                let manager = links(entry, &mapping.unit_manager)?.apply_one(unit.managed_by.map(|m| m.0))?;
                self.completed_unit(unit, manager, entry)
            }
            Object::Group(group) => {
                let members = links(entry, &mapping.member)?.apply(&group.members)?;
                self.completed_group(group, &members, entry)
            }
            Object::Container(container) => {
                let mut decoder = Decoder::new(mapping, self.directory);
                decoder.push_base(entry);
                let read = decoder.finish().directory.containers.values().next().cloned()?;
                let container = Container { above, name: read.name.clone(), ..Container::clone(container) };
                self.place(id, above, entry);
                self.forget(id);
                self.new.containers.insert(id, Arc::new(container));
                return Some(true);
            }
        };
        // What can't be understood is set aside and stays as it was.
        if let Decoded::NotOurs = self.decoded(id, &whole.ok()?, above) {
            return None;
        }
        Some(true)
    }

    /// Decodes a whole entry and takes it at this place.
    pub(super) fn decoded(&mut self, id: Guid, entry: &Entry, above: Guid) -> Decoded {
        let mut decoder = Decoder::new(self.mapping, self.directory).with_known(self.known);
        decoder.push(entry);
        let objects = decoder.finish();
        let set_aside = objects.quarantined.iter().any(|q| q.id.is_some());
        self.quarantined.extend(objects.quarantined);
        let Directory { users, units, groups, .. } = objects.directory;
        if users.is_empty() && units.is_empty() && groups.is_empty() {
            return if set_aside { Decoded::SetAside } else { Decoded::NotOurs };
        }
        self.place(id, above, entry);
        self.forget(id);
        for (id, user) in &users {
            self.new.users.insert(*id, Arc::new(changed(user, |user| user.above = above)));
        }
        for (id, unit) in &units {
            self.new.units.insert(*id, Arc::new(Unit { above, ..Unit::clone(unit) }));
        }
        for (id, group) in &groups {
            self.new.groups.insert(*id, Arc::new(Group { above, ..Group::clone(group) }));
        }
        Decoded::Taken
    }

    /// Notes where an object stands now.
    pub(super) fn place(&mut self, id: Guid, above: Guid, entry: &Entry) {
        let known = self.known_at(id);
        if known.is_some_and(|known| known.is_structure() && known.above() != above) {
            self.restructured = true;
        }
        self.gone.remove(&id);
        if above != Guid::default() {
            self.parents.insert(above);
        }
        let within = self.stands_within(entry);
        self.within.insert(id, within);
    }

    fn completed_user(&self, old: &User, manager: Option<Guid>, entry: &Entry) -> Result<Entry, TooLarge> {
        let m = self.mapping;
        let mut whole = self.started(old.id.0, &m.user_classes, &[&m.manager], entry)?;
        let mut keep = |name: &str, value: Option<&str>| match value {
            Some(value) if !has(entry, name) => whole.add(name, [value.as_bytes()]),
            _ => Ok(()),
        };
        keep(&m.account, Some(old.account()))?;
        keep(&m.upn, old.upn())?;
        keep(&m.name, old.named.then_some(old.name()))?;
        keep(&m.mail, old.mail())?;
        keep(&m.phone, old.phone())?;
        keep(&m.mobile, old.mobile())?;
        keep(&m.title, old.title())?;
        keep(&m.language, old.language())?;
        keep(&m.control, Some(if old.enabled { "512" } else { "514" }))?;
        keep(&m.expires, old.expires.and_then(to_filetime).map(|ticks| ticks.to_string()).as_deref())?;
        if let Some(path) = old.unit_path() {
            for (name, value) in m.units.said(path) {
                keep(name, Some(&value))?;
            }
        }
        for (attribute, value) in old.marks() {
            keep(attribute, Some(value))?;
        }
        if !m.absence.is_empty() {
            keep(&m.absence, old.away().map(|away| away.replace(BETWEEN, ", ")).as_deref())?;
        }
        refer(&mut whole, &m.manager, manager)?;
        Ok(whole)
    }

    fn completed_unit(&self, old: &Unit, manager: Option<Guid>, entry: &Entry) -> Result<Entry, TooLarge> {
        let m = self.mapping;
        let mut whole = self.started(old.id.0, &m.unit_classes, &[&m.unit_manager], entry)?;
        refer(&mut whole, &m.unit_manager, manager)?;
        Ok(whole)
    }

    fn completed_group(
        &self,
        old: &Group,
        members: &BTreeSet<Guid>,
        entry: &Entry,
    ) -> Result<Entry, TooLarge> {
        let m = self.mapping;
        let mut whole = self.started(old.id.0, &m.group_classes, &[&m.member], entry)?;
        if !has(entry, &m.account) {
            whole.add(&m.account, [old.account.as_bytes()])?;
        }
        refer(&mut whole, &m.member, members.iter().copied())?;
        Ok(whole)
    }

    /// An entry of this class with what was told, but for these references.
    fn started(
        &self,
        id: Guid,
        classes: &[Box<str>],
        but: &[&str],
        entry: &Entry,
    ) -> Result<Entry, TooLarge> {
        let mut whole = Entry::new(extended::split(&entry.dn).1);
        whole.add("objectClass", classes.first().map(|class| class.as_bytes()))?;
        whole.add(&self.mapping.id, [&id.0[..]])?;
        for attribute in entry.attributes() {
            let name = attribute.base();
            let taken =
                ["objectClass", &self.mapping.id].iter().chain(but).any(|b| b.eq_ignore_ascii_case(name));
            if !taken {
                whole.add(attribute.name(), attribute.values())?;
            }
        }
        Ok(whole)
    }
}

impl Links {
    fn apply(&self, old: &[Guid]) -> Option<BTreeSet<Guid>> {
        let mut list = self.all.clone().unwrap_or_else(|| old.iter().copied().collect());
        self.removed.iter().for_each(|id| {
            list.remove(id);
        });
        list.extend(&self.added);
        Some(list)
    }

    fn apply_one(&self, old: Option<Guid>) -> Option<Option<Guid>> {
        let list = self
            .all
            .clone()
            .unwrap_or_else(|| old.into_iter().filter(|o| !self.removed.contains(o)).collect());
        let mut named = if self.added.is_empty() { list.iter() } else { self.added.iter() };
        let first = named.next().copied();
        // Of two it can't be told which is meant.
        named.next().is_none().then_some(first)
    }
}

/// What is told of the references of this name; None when not all of it is told by identity.
fn links(entry: &Entry, name: &str) -> Option<Links> {
    let mut links = Links::default();
    for attribute in entry.attributes().filter(|a| a.base().eq_ignore_ascii_case(name)) {
        let list = match attribute.range() {
            None if attribute.options().next().is_none() => links.all.get_or_insert_default(),
            Some(range) if range == ADDED => &mut links.added,
            Some(range) if range == REMOVED => &mut links.removed,
            _ => return None,
        };
        for value in attribute.values() {
            list.insert(extended::split(str::from_utf8(value).ok()?).0?);
        }
    }
    links.added.is_disjoint(&links.removed).then_some(links)
}

fn refer(entry: &mut Entry, name: &str, ids: impl IntoIterator<Item = Guid>) -> Result<(), TooLarge> {
    for id in ids {
        entry.add(name, [format!("<GUID={id}>").as_bytes()])?;
    }
    Ok(())
}
