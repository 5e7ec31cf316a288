//! The steps of the walk: every kind of change that an administrator makes, to anything, at random.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::super::sync::guid;
use crate::servers::ldif::{Record, decode_dn, escape_rdn, split_rdn};
use crate::servers::samba::Samba;
use crate::world::{BASE, ROOT_UNIT};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Unit,
    Container,
    User,
    Group,
    Contact,
    Computer,
}

/// An object that is or was in the directory.
struct Thing {
    kind: Kind,
    /// `OU=…` or `CN=…`, escaped.
    rdn: String,
    /// What it stands in; None: the domain itself.
    above: Option<usize>,
    /// Known once it has been read.
    guid: Option<Vec<u8>>,
    deleted: bool,
}

/// What is in the directory, and where the walk has come.
pub struct Walk {
    random: StdRng,
    things: Vec<Thing>,
    /// Group and member.
    members: BTreeSet<(usize, usize)>,
    serial: usize,
    records: Vec<Record>,
    last: String,
    kinds: BTreeMap<&'static str, usize>,
    /// What is never touched.
    fixed: BTreeSet<usize>,
}

/// What a person is told by, with how often an attribute is chosen.
const TEXTS: [&str; 6] = ["displayName", "mail", "telephoneNumber", "mobile", "title", "preferredLanguage"];

impl Walk {
    /// Begins with what is there. Beside what is read there is a unit that isn't. The bases stay where they are.
    pub fn new(dc: &Samba, seed: u64, bases: &[String]) -> Walk {
        let outside = format!("OU=Utanför,{BASE}");
        dc.change(&[Record::add(&outside, "organizationalUnit")]);
        let mut walk = Walk {
            random: StdRng::seed_from_u64(seed),
            things: Vec::new(),
            members: BTreeSet::new(),
            serial: 0,
            records: Vec::new(),
            last: String::new(),
            kinds: BTreeMap::new(),
            fixed: BTreeSet::new(),
        };
        let mut found = dc.search(ROOT_UNIT, "(objectClass=*)", &["objectClass", "objectGUID", "member"]);
        found.extend(dc.search(&outside, "(objectClass=*)", &["objectClass", "objectGUID"]));
        // By the number of names, so that what is above comes first; then the same in every run.
        found.sort_by_key(|entry| (decode_dn(&entry.dn).len(), entry.dn.clone()));
        let mut by_dn: HashMap<String, usize> = HashMap::new();
        for entry in &found {
            let (rdn, above) = split_rdn(&entry.dn);
            let classes = entry.texts("objectClass");
            let kind = match classes.last().unwrap().as_str() {
                "organizationalUnit" => Kind::Unit,
                "container" => Kind::Container,
                "group" => Kind::Group,
                "user" => Kind::User,
                "computer" => Kind::Computer,
                _ => Kind::Contact,
            };
            by_dn.insert(entry.dn.clone(), walk.things.len());
            let is = |dn: &str| decode_dn(dn) == decode_dn(&entry.dn);
            if is(ROOT_UNIT) || is(&outside) || bases.iter().any(|base| is(base)) {
                walk.fixed.insert(walk.things.len());
            }
            walk.things.push(Thing {
                kind,
                rdn: rdn.to_owned(),
                above: by_dn.get(above).copied(),
                guid: entry.bytes("objectGUID").map(<[u8]>::to_vec),
                deleted: false,
            });
        }
        for entry in &found {
            for member in entry.texts("member") {
                if let Some(member) = by_dn.get(&member) {
                    walk.members.insert((by_dn[&entry.dn], *member));
                }
            }
        }
        walk
    }

    /// What decides the way.
    pub fn random(&mut self) -> &mut StdRng {
        &mut self.random
    }

    /// How many changes were made.
    pub fn changes(&self) -> usize {
        self.kinds.values().sum()
    }

    /// How many of each kind.
    pub fn kinds(&self) -> &BTreeMap<&'static str, usize> {
        &self.kinds
    }

    /// The last changes, in LDIF.
    pub fn last(&self) -> &str {
        &self.last
    }

    /// Makes so many changes.
    pub fn go(&mut self, dc: &Samba, changes: usize) {
        let wanted = self.changes() + changes;
        while self.changes() < wanted {
            if let Some(what) = self.step() {
                *self.kinds.entry(what).or_default() += 1;
            }
        }
        let records = std::mem::take(&mut self.records);
        self.last = records.iter().map(Record::to_ldif).collect();
        dc.change(&records);
        self.learn(dc);
    }

    /// What is new has an identity now.
    fn learn(&mut self, dc: &Samba) {
        let key = |dn: &str| format!("{:?}", decode_dn(dn)).to_lowercase();
        let found = dc.search(BASE, "(objectClass=*)", &["objectGUID"]);
        // The system hides parts of some of its own.
        let ids: HashMap<String, Vec<u8>> =
            found.iter().filter_map(|one| Some((key(&one.dn), one.bytes("objectGUID")?.to_vec()))).collect();
        for n in self.of(|_| true) {
            let id = ids.get(&key(&self.dn(n))).unwrap_or_else(|| panic!("{} isn't there", self.dn(n)));
            let known = self.things[n].guid.get_or_insert_with(|| id.clone()).clone();
            assert_eq!(known, *id, "{} is another object", self.things[n].rdn);
        }
    }

    /// One change; None if what was drawn can't be done.
    fn step(&mut self) -> Option<&'static str> {
        Some(match self.random.random_range(0..100) {
            0..9 => {
                let kind = *[
                    Kind::User,
                    Kind::User,
                    Kind::User,
                    Kind::Unit,
                    Kind::Container,
                    Kind::Group,
                    Kind::Contact,
                    Kind::Computer,
                ]
                .choose(&mut self.random)?;
                self.add(kind)?;
                "add"
            }
            9..29 => {
                self.set()?;
                "set"
            }
            29..37 => {
                self.clear()?;
                "clear"
            }
            37..41 => {
                let user = self.any(&[Kind::User])?;
                let flags = *["512", "514", "544", "546", "66048", "66050"].choose(&mut self.random)?;
                self.records.push(Record::modify(&self.dn(user), "replace", "userAccountControl", [flags]));
                "disable or enable"
            }
            41..44 => {
                let n = self.any(&[Kind::User, Kind::Group, Kind::Computer])?;
                let name = format!("konto{}", self.next());
                self.records.push(Record::modify(&self.dn(n), "replace", "sAMAccountName", [name]));
                "account"
            }
            44..50 => {
                let n = self.any(&[Kind::User, Kind::User, Kind::Group, Kind::Contact, Kind::Container])?;
                self.rename(n, false)?;
                "rename"
            }
            50..58 => {
                let n = self.any(&[Kind::User, Kind::Group, Kind::Contact, Kind::Computer])?;
                self.rename(n, true)?;
                "move"
            }
            58..61 => {
                let n = self.any(&[Kind::Container])?;
                self.rename(n, true)?;
                "move of a container"
            }
            61..64 => {
                let n = self.any(&[Kind::Unit])?;
                self.rename(n, false)?;
                "rename of a unit"
            }
            64..68 => {
                let n = self.any(&[Kind::Unit])?;
                self.rename(n, true)?;
                "move of a unit"
            }
            68..72 => {
                let n = self.any(&[Kind::User, Kind::User, Kind::User, Kind::Contact, Kind::Computer])?;
                self.delete(n);
                "delete"
            }
            72 => {
                let n = self.any(&[Kind::Group])?;
                self.delete(n);
                "delete of a group"
            }
            73 => {
                let n = self.any(&[Kind::Unit, Kind::Container])?;
                if self.below(n).len() > 12 {
                    return None;
                }
                self.delete(n);
                "delete of all below"
            }
            74..78 => {
                self.undelete()?;
                "undelete"
            }
            78..84 => {
                let group = self.any(&[Kind::Group])?;
                let member = self.any(&[Kind::User, Kind::User, Kind::Group, Kind::Contact])?;
                if group == member || !self.members.insert((group, member)) {
                    return None;
                }
                self.records.push(Record::modify(&self.dn(group), "add", "member", [self.dn(member)]));
                "add of a member"
            }
            84..88 => {
                let all: Vec<(usize, usize)> = self.members.iter().copied().collect();
                let (group, member) = *all.choose(&mut self.random)?;
                self.members.remove(&(group, member));
                self.records.push(Record::modify(&self.dn(group), "delete", "member", [self.dn(member)]));
                "removal of a member"
            }
            88 => {
                let group = self.any(&[Kind::Group])?;
                let members: BTreeSet<usize> =
                    (0..self.random.random_range(0..6)).filter_map(|_| self.any(&[Kind::User])).collect();
                self.members.retain(|(of, _)| *of != group);
                self.members.extend(members.iter().map(|member| (group, *member)));
                let names: Vec<String> = members.iter().map(|member| self.dn(*member)).collect();
                self.records.push(Record::modify(&self.dn(group), "replace", "member", names));
                "all members anew"
            }
            89..95 => {
                let user = self.any(&[Kind::User])?;
                let to = self.any(&[Kind::User, Kind::User, Kind::Contact, Kind::Group])?;
                self.refer(user, "manager", to);
                "manager"
            }
            _ => {
                let unit = self.any(&[Kind::Unit, Kind::Unit, Kind::Group])?;
                let to = self.any(&[Kind::User, Kind::User, Kind::Group])?;
                self.refer(unit, "managedBy", to);
                "managed by"
            }
        })
    }

    fn add(&mut self, kind: Kind) -> Option<()> {
        let above = self.place(kind)?;
        let serial = self.next();
        let rdn = self.rdn(kind, serial);
        let n = self.things.len();
        self.things.push(Thing { kind, rdn, above, guid: None, deleted: false });
        let dn = self.dn(n);
        let account = format!("ting{serial}");
        let record = match kind {
            Kind::Unit => Record::add(&dn, "organizationalUnit"),
            Kind::Container => Record::add(&dn, "container"),
            Kind::Contact => Record::add(&dn, "contact"),
            Kind::Group => Record::add(&dn, "group").value("sAMAccountName", &account),
            Kind::Computer => Record::add(&dn, "computer").value("sAMAccountName", &format!("{account}$")),
            Kind::User => {
                let mut user = Record::add(&dn, "user")
                    .value("sAMAccountName", &account)
                    .value("userAccountControl", "544");
                for name in TEXTS {
                    if self.random.random_bool(0.4) {
                        user = user.value(name, &self.text(name));
                    }
                }
                user
            }
        };
        self.records.push(record);
        Some(())
    }

    /// Gives an attribute of somebody a value, perhaps several at once.
    fn set(&mut self) -> Option<()> {
        let user = self.any(&[Kind::User])?;
        let dn = self.dn(user);
        let name = *TEXTS.choose(&mut self.random)?;
        let mut record = Record::modify(&dn, "replace", name, [self.text(name)]);
        if self.random.random_bool(0.2) {
            let upn = format!("upn{}@ad.kommun.example", self.next());
            record = record.and("replace", "userPrincipalName", [upn]);
        }
        if self.random.random_bool(0.2) {
            let time =
                self.random.random_range(133_000_000_000_000_000..135_000_000_000_000_000_u64).to_string();
            let ends = [time.as_str(), "0", "9223372036854775807"];
            record = record.and("replace", "accountExpires", [*ends.choose(&mut self.random)?]);
        }
        if self.random.random_bool(0.2) {
            let other =
                *TEXTS.iter().filter(|other| **other != name).collect::<Vec<_>>().choose(&mut self.random)?;
            record = record.and("replace", other, [self.text(other)]);
        }
        self.records.push(record);
        Some(())
    }

    fn clear(&mut self) -> Option<()> {
        let user = self.any(&[Kind::User])?;
        // Samba lets nobody take the userPrincipalName away.
        let names = [&TEXTS[..], &["manager"]].concat();
        let name = *names.choose(&mut self.random)?;
        self.records.push(Record::modify(&self.dn(user), "replace", name, [""; 0]));
        Some(())
    }

    /// Gives it another name, or another place with or without another name.
    fn rename(&mut self, n: usize, moved: bool) -> Option<()> {
        let Thing { kind, above, ref rdn, .. } = self.things[n];
        let rdn = rdn.clone();
        let to = if moved { self.place(kind)? } else { above };
        let upper = rdn[3..].to_uppercase();
        let new = match self.random.random_range(0..10) {
            0..5 if moved => rdn,
            // The same but for the case.
            0 if upper.is_ascii() && upper != rdn[3..] => format!("{}{upper}", &rdn[..3]),
            _ => {
                let serial = self.next();
                self.rdn(kind, serial)
            }
        };
        let in_itself = to.is_some_and(|to| to == n || self.below(n).contains(&to));
        let taken = self.of(|t| t.above == to && t.rdn.to_lowercase() == new.to_lowercase());
        if in_itself || (moved && to == above) || taken.iter().any(|other| *other != n) {
            return None;
        }
        let record = Record::rename(&self.dn(n), &new, &self.name_of(to));
        self.records.push(record);
        (self.things[n].rdn, self.things[n].above) = (new, to);
        Some(())
    }

    /// Deletes it, with all that is below.
    fn delete(&mut self, n: usize) {
        self.records.push(Record::delete_with_all_below(&self.dn(n)));
        let mut gone = self.below(n);
        gone.push(n);
        for n in gone {
            self.things[n].deleted = true;
            self.members.retain(|(group, member)| *group != n && *member != n);
        }
    }

    fn undelete(&mut self) -> Option<()> {
        let deleted: Vec<usize> = (0..self.things.len())
            .filter(|n| self.things[*n].deleted && self.things[*n].guid.is_some())
            .collect();
        let n = *deleted.choose(&mut self.random)?;
        let kind = self.things[n].kind;
        let above = self.place(kind)?;
        let serial = self.next();
        let rdn = self.rdn(kind, serial);
        let thing = &mut self.things[n];
        let id = guid(thing.guid.as_deref()?);
        let tombstone = format!("{}\\0ADEL:{id},CN=Deleted Objects,{BASE}", thing.rdn);
        (thing.rdn, thing.above, thing.deleted) = (rdn, above, false);
        self.records.push(Record::undelete(&tombstone, &self.dn(n)));
        Some(())
    }

    fn refer(&mut self, from: usize, name: &str, to: usize) {
        let clear = self.random.random_bool(0.3);
        let to = if clear { Vec::new() } else { vec![self.dn(to)] };
        self.records.push(Record::modify(&self.dn(from), "replace", name, to));
    }

    /// Somewhere that such an object may stand in, sometimes outside of what is read; None: the domain itself.
    fn place(&mut self, kind: Kind) -> Option<Option<usize>> {
        if self.random.random_bool(0.05) {
            return Some(None);
        }
        let fits = |t: &Thing| t.kind == Kind::Unit || (t.kind == Kind::Container && kind != Kind::Unit);
        let all = self.of(fits);
        all.choose(&mut self.random).map(|place| Some(*place))
    }

    /// Any of these kinds that is there, but for what isn't touched.
    fn any(&mut self, kinds: &[Kind]) -> Option<usize> {
        let kind = *kinds.choose(&mut self.random)?;
        let all = self.of(|t| t.kind == kind).into_iter().filter(|n| !self.fixed.contains(n));
        let all: Vec<usize> = all.collect();
        all.choose(&mut self.random).copied()
    }

    fn of(&self, wanted: impl Fn(&Thing) -> bool) -> Vec<usize> {
        (0..self.things.len()).filter(|n| !self.things[*n].deleted && wanted(&self.things[*n])).collect()
    }

    fn below(&self, n: usize) -> Vec<usize> {
        self.of(|thing| {
            let mut at = thing.above;
            while let Some(above) = at {
                if above == n {
                    return true;
                }
                at = self.things[above].above;
            }
            false
        })
    }

    fn name_of(&self, n: Option<usize>) -> String {
        n.map_or_else(|| BASE.to_owned(), |n| self.dn(n))
    }

    fn dn(&self, n: usize) -> String {
        let thing = &self.things[n];
        format!("{},{}", thing.rdn, self.name_of(thing.above))
    }

    fn next(&mut self) -> usize {
        self.serial += 1;
        self.serial
    }

    fn rdn(&mut self, kind: Kind, serial: usize) -> String {
        let ends = ["", " (ny)", ", jour", " + drift", " #2", "=a", " <åäö>", "; \"x\""];
        let name = format!("Ting {serial}{}", ends.choose(&mut self.random).unwrap());
        format!("{}={}", if kind == Kind::Unit { "OU" } else { "CN" }, escape_rdn(&name))
    }

    fn text(&mut self, name: &str) -> String {
        let n = self.random.random_range(0..1_000);
        let titles = ["Hemlig", "hemlig", "Chef", "Ingenjör", " Lärare ", "Sköterska"];
        match name {
            "mail" => format!("ting{n}@kommun.example"),
            "title" => (*titles.choose(&mut self.random).unwrap()).to_owned(),
            "preferredLanguage" => (*["sv", "nb", "en-GB", "x"].choose(&mut self.random).unwrap()).to_owned(),
            "displayName" => format!("Åsa-{n} Öberg"),
            _ => format!("+46 8 {n:03} 00"),
        }
    }
}
