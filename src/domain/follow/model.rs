//! A directory in memory that changes, and that answers as Active Directory does: whole, by changes, by identity.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::directory::{Objects, Update};

pub(super) const DOMAIN: u32 = 1;
const DELETED_OBJECTS: u32 = 2;
/// The first attributes that anything random is done to.
pub(super) const ATTRIBUTES: [&str; 6] =
    ["displayName", "mail", "telephoneNumber", "title", "accountExpires", "preferredLanguage"];
/// What users say of their absences.
pub(super) const ABSENCE: &str = "extensionAttribute5";
/// What users say of their units.
pub(super) const UNIT_ATTRIBUTES: [&str; 3] = ["department", "departmentNumber", "extensionAttribute1"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    Domain,
    User,
    Computer,
    Contact,
    Group,
    Unit,
    Container,
}

#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub class: Class,
    pub parent: u32,
    pub rdn: String,
    pub deleted: bool,
    revived: bool,
    created: u64,
    renamed: u64,
    flagged: u64,
    /// With the time of the change; None: removed.
    values: BTreeMap<&'static str, (u64, Option<Vec<u8>>)>,
    /// By attribute and target: when, and whether it is there.
    pub links: BTreeMap<(&'static str, u32), (u64, bool)>,
}

pub(super) struct Model {
    pub things: BTreeMap<u32, Thing>,
    pub now: u64,
    /// Deleted objects keep what they refer to and what refers to them.
    pub recycle_bin: bool,
    /// Users with this title don't match the filter.
    pub hidden: Option<&'static str>,
    pub base: u32,
    /// What is left out.
    pub excluded: Option<u32>,
    /// Below what groups are units, where they are.
    pub units_below: u32,
    serial: u32,
}

pub(super) fn id(n: u32) -> Guid {
    let mut bytes = [0xa5; 16];
    // Identities in another order than numbers.
    bytes[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes[4..8].copy_from_slice(&n.to_be_bytes());
    Guid(bytes)
}

fn number(id: Guid) -> u32 {
    u32::from_be_bytes(id.0[4..8].try_into().unwrap())
}

impl Model {
    pub(super) fn new() -> Model {
        let mut model = Model {
            things: BTreeMap::new(),
            now: 1,
            recycle_bin: false,
            hidden: None,
            base: DOMAIN,
            excluded: None,
            units_below: DOMAIN,
            serial: 0,
        };
        model.add(Class::Domain, 0);
        model.add(Class::Container, DOMAIN);
        model
    }

    pub(super) fn add(&mut self, class: Class, parent: u32) -> u32 {
        self.now += 1;
        self.serial += 1;
        let n = self.serial;
        let thing = Thing {
            class,
            parent,
            rdn: self.new_rdn(class),
            deleted: false,
            revived: false,
            created: self.now,
            renamed: self.now,
            flagged: 0,
            values: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        self.things.insert(n, thing);
        if matches!(class, Class::User | Class::Group | Class::Computer) {
            self.set(n, "sAMAccountName", Some(format!("account{n}").into_bytes()));
        }
        if matches!(class, Class::User) {
            self.set(n, "userAccountControl", Some(b"512".to_vec()));
        }
        n
    }

    fn new_rdn(&mut self, class: Class) -> String {
        let kind = match class {
            Class::Domain => "DC",
            Class::Unit => "OU",
            _ => "CN",
        };
        format!("{kind}=Thing\\, {}", self.now)
    }

    pub(super) fn set(&mut self, n: u32, name: &'static str, value: Option<Vec<u8>>) {
        self.now += 1;
        let now = self.now;
        if let Some(thing) = self.things.get_mut(&n) {
            thing.values.insert(name, (now, value));
        }
    }

    pub(super) fn rename(&mut self, n: u32, parent: Option<u32>) {
        self.now += 1;
        let rdn = self.new_rdn(self.things[&n].class);
        let now = self.now;
        let thing = self.things.get_mut(&n).unwrap();
        thing.renamed = now;
        match parent {
            Some(parent) => thing.parent = parent,
            None => thing.rdn = rdn,
        }
    }

    pub(super) fn link(&mut self, n: u32, name: &'static str, to: u32, there: bool) {
        self.now += 1;
        let now = self.now;
        let thing = self.things.get_mut(&n).unwrap();
        if name != "member" {
            for ((other, _), value) in &mut thing.links {
                if *other == name && value.1 {
                    *value = (now, false);
                }
            }
        }
        // What was never there can't be removed.
        if there || thing.links.contains_key(&(name, to)) {
            thing.links.insert((name, to), (now, there));
        }
    }

    pub(super) fn is_below(&self, n: u32, above: u32) -> bool {
        let mut at = n;
        while at != 0 {
            if at == above {
                return true;
            }
            at = self.things[&at].parent;
        }
        false
    }

    pub(super) fn delete(&mut self, n: u32) {
        let below: Vec<u32> = self
            .things
            .iter()
            .filter(|(m, t)| !t.deleted && self.is_below(**m, n))
            .map(|(m, _)| *m)
            .collect();
        for n in below {
            self.now += 1;
            let now = self.now;
            let thing = self.things.get_mut(&n).unwrap();
            (thing.deleted, thing.revived, thing.renamed, thing.flagged) = (true, false, now, now);
            if !self.recycle_bin {
                thing.values.retain(|name, _| *name == "sAMAccountName" || *name == "userAccountControl");
                thing.links.clear();
                for other in self.things.values_mut() {
                    other.links.retain(|(_, to), _| *to != n);
                }
            }
        }
        // Deleted objects are flat.
        for thing in self.things.values_mut().filter(|thing| thing.deleted) {
            thing.parent = DELETED_OBJECTS;
        }
    }

    pub(super) fn undelete(&mut self, n: u32, parent: u32) {
        self.now += 1;
        let now = self.now;
        let thing = self.things.get_mut(&n).unwrap();
        thing.deleted = false;
        thing.revived = true;
        (thing.renamed, thing.flagged, thing.parent) = (now, now, parent);
    }

    pub(super) fn dn(&self, n: u32) -> String {
        let thing = &self.things[&n];
        let rdn = if thing.deleted { format!("{}\\0ADEL:{}", thing.rdn, id(n)) } else { thing.rdn.clone() };
        if thing.parent == 0 { rdn } else { format!("{rdn},{}", self.dn(thing.parent)) }
    }

    pub(super) fn base_dn(&self) -> String {
        self.dn(self.base)
    }

    fn extended(&self, n: u32) -> String {
        format!("<GUID={}>;<SID=S-1-5-21-{n}>;{}", id(n), self.dn(n))
    }

    pub(super) fn is_there(&self, n: u32) -> bool {
        self.things.get(&n).is_some_and(|thing| !thing.deleted)
    }

    fn matches(&self, n: u32) -> bool {
        let thing = &self.things[&n];
        let title = thing.values.get("title").and_then(|(_, value)| value.as_deref());
        match thing.class {
            Class::User => self.hidden.is_none() || title != self.hidden.map(str::as_bytes),
            Class::Group | Class::Unit => true,
            _ => false,
        }
    }

    fn whole_entry(&self, n: u32) -> Entry {
        let thing = &self.things[&n];
        let mut entry = self.bare(n);
        for (name, (_, value)) in &thing.values {
            if let Some(value) = value {
                entry.add(name, [&value[..]]).unwrap();
            }
        }
        for ((name, to), (_, there)) in &thing.links {
            if *there && self.is_there(*to) {
                entry.add(name, [self.extended(*to).as_bytes()]).unwrap();
            }
        }
        entry
    }

    fn bare(&self, n: u32) -> Entry {
        let thing = &self.things[&n];
        let mut entry = Entry::new(self.extended(n));
        let classes: &[&str] = match thing.class {
            Class::Domain => &["top", "domainDNS"],
            Class::User => &["top", "person", "user"],
            Class::Computer => &["top", "person", "user", "computer"],
            Class::Contact => &["top", "person", "contact"],
            Class::Group => &["top", "group"],
            Class::Unit => &["top", "organizationalUnit"],
            Class::Container => &["top", "container"],
        };
        entry.add("objectClass", classes.iter().map(|class| class.as_bytes())).unwrap();
        entry.add("objectGUID", [&id(n).0[..]]).unwrap();
        if thing.parent != 0 {
            entry.add("parentGUID", [&id(thing.parent).0[..]]).unwrap();
        }
        entry
    }

    /// What a whole read gives.
    pub(super) fn whole(&self, mapping: &Mapping, name: &DirectoryName, known: &Directory) -> Objects {
        let mut decoder = Decoder::new(mapping, name).with_known(known);
        for n in self.things.keys() {
            if self.is_there(*n) && self.is_below(*n, self.base) && self.matches(*n) {
                decoder.push(&self.whole_entry(*n));
            }
        }
        decoder.push_base(&self.bare(self.base));
        for dn in decoder.unknown_parents() {
            let n = *self.things.keys().find(|n| self.dn(**n) == dn).unwrap();
            decoder.push_parent(&dn, &self.bare(n));
        }
        assert_eq!(decoder.unknown_parents(), [""; 0]);
        decoder.finish()
    }

    /// What changed after a time, as DirSync tells it.
    pub(super) fn changes(&self, since: u64) -> Vec<Entry> {
        let entry = |n: u32| {
            let thing = &self.things[&n];
            let is_new = thing.created > since;
            let mut entry = if is_new { self.bare(n) } else { Entry::new(self.extended(n)) };
            if !is_new {
                entry.add("objectGUID", [&id(n).0[..]]).unwrap();
                if thing.renamed > since && thing.parent != 0 {
                    entry.add("parentGUID", [&id(thing.parent).0[..]]).unwrap();
                }
            }
            let mut changed = is_new || thing.renamed > since || thing.flagged > since;
            entry.add("instanceType", [&b"4"[..]]).unwrap();
            if thing.renamed > since {
                entry.add("name", [&thing.rdn.as_bytes()[3..]]).unwrap();
            }
            if thing.deleted && thing.flagged > since {
                entry.add("isDeleted", [&b"TRUE"[..]]).unwrap();
            } else if thing.revived && thing.flagged > since {
                entry.add("isDeleted", []).unwrap();
            }
            if thing.revived && !thing.deleted {
                entry.add("lastKnownParent", [&b"OU=whatever"[..]]).unwrap();
            }
            for (name, (when, value)) in &thing.values {
                if *when > since && (value.is_some() || !is_new) {
                    entry.add(name, value.iter().map(|value| &value[..])).unwrap();
                    changed = true;
                }
            }
            for ((name, to), (when, there)) in &thing.links {
                if *when > since && self.is_there(*to) {
                    let name = format!("{name};range={}", if *there { "1-1" } else { "0-0" });
                    entry.add(&name, [self.extended(*to).as_bytes()]).unwrap();
                    changed = true;
                }
            }
            changed.then_some(entry)
        };
        self.things.keys().filter_map(|n| entry(*n)).collect()
    }

    /// Gives what is needed, and what changed at last; or why that can't be told.
    pub(super) fn answer(&self, mut follow: Follow<'_>) -> Result<Update, Lost> {
        loop {
            match follow.need()? {
                Need::Nothing => return follow.finish(),
                Need::Objects(ids) => {
                    let there: Vec<u32> = ids.into_iter().map(number).filter(|n| self.is_there(*n)).collect();
                    there
                        .iter()
                        .filter(|n| self.matches(**n))
                        .for_each(|n| follow.found(&self.whole_entry(*n)));
                    there.iter().filter(|n| !self.matches(**n)).for_each(|n| follow.other(&self.bare(*n)));
                }
                Need::Below(above) => {
                    let above = number(above);
                    for n in self.things.keys().filter(|n| self.is_there(**n) && self.is_below(**n, above)) {
                        if self.matches(*n) {
                            follow.found(&self.whole_entry(*n));
                        }
                    }
                }
                Need::Referrers(to) => {
                    let to = number(to);
                    for (n, thing) in self.things.iter().filter(|(n, _)| self.is_there(**n)) {
                        if thing.links.iter().any(|((_, other), (_, there))| *other == to && *there) {
                            follow.refers(&self.bare(*n));
                        }
                    }
                }
            }
        }
    }

    pub(super) fn of(&self, wanted: impl Fn(&Thing) -> bool) -> Vec<u32> {
        let fixed: BTreeSet<u32> = [DOMAIN, DELETED_OBJECTS, self.base].into();
        self.things.iter().filter(|(n, t)| wanted(t) && !fixed.contains(n)).map(|(n, _)| *n).collect()
    }
}
