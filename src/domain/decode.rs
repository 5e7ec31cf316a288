//! From raw entries to users, units and groups. What can't be understood is set aside by itself and stops nobody else.
//!
//! What is set aside, and what isn't:
//! * An entry without a usable name, `objectGUID` or account is set aside whole: it has no identity. As long as it can't be told who an
//!   entry is, whoever isn't among the others may be that one: [`Objects::unidentified`] says so, and nobody is taken for gone.
//! * A value that is no text, no number or no name is left out and reported; the person stays. Losing a phone number is better than
//!   losing whom to phone.
//! * An `objectGUID` that comes again under the same name is the same object read twice (bases that overlap) and counts once. Under another
//!   name it is an object that was moved or renamed while it was read, or a file put together from two: the first is kept, the
//!   second set aside. Setting aside both would remove a person for having been moved.
//! * A group whose list of members is not whole is set aside: half a list is taken for members who left.

pub mod extended;
mod identity;
mod mapping;
mod names;
mod parents;
mod progress;
mod references;
mod text;
mod time;
mod units;
mod values;

#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::directory::{Container, Directory, Group, Objects, Quarantined, Unit, User, UserFields};
use super::dn::Rdn;
use super::entry::Entry;
use super::ids::{DirectoryName, GroupId, Guid, UnitId, UserId};
use super::map::Map;
pub use mapping::{Expiry, Mapping, Schema};
use names::{Bearer, Names, NodeId};
pub use progress::Progress;
pub use references::{account_key, is_locked, without_bits};
pub use text::clean;
pub use time::{from_filetime, generalized_time, to_filetime};

/// So many quarantined objects are listed; those after are counted in one last line.
const MAX_QUARANTINED: usize = 10_000;
/// The length of a name in [`Quarantined`].
const MAX_DN_CHARS: usize = 400;

/// Takes entries in any order, one by one, and makes objects of them.
pub struct Decoder<'a> {
    mapping: &'a Mapping,
    directory: &'a DirectoryName,
    known: Option<&'a Directory>,
    names: Names,
    seen: HashMap<Guid, NodeId>,
    users: Vec<PendingUser>,
    units: Vec<PendingUnit>,
    groups: Vec<PendingGroup>,
    containers: Vec<PendingContainer>,
    bases: HashMap<NodeId, Guid>,
    /// What is left out with all that is below it.
    excluded: HashSet<NodeId>,
    quarantined: Vec<Quarantined>,
    unidentified: Option<Box<str>>,
    /// The first account of which it can't be read whether it is enabled, and how many there are.
    hidden: Option<(Box<str>, u32)>,
    progress: Progress,
}

// What refers to others by name waits until all names are known.
struct PendingUser {
    // Shared from the start, so that a million users needn't be moved at the end.
    user: Arc<User>,
    node: NodeId,
    manager: Option<Reference>,
}

struct PendingUnit {
    unit: Unit,
    node: NodeId,
    manager: Option<Reference>,
}

struct PendingGroup {
    // With the members that are known by identity.
    group: Group,
    node: NodeId,
    members: Vec<NodeId>,
    accounts: Vec<Box<str>>,
}

struct PendingContainer {
    container: Container,
    node: NodeId,
}

/// Who is meant by a distinguished name.
#[derive(Clone, Copy)]
enum Reference {
    /// The name carries the identity.
    Id(Guid),
    /// Whoever bears that name.
    Name(NodeId),
}

/// Who an entry is, and its place and name.
type Identified = (Guid, NodeId, Rdn);
/// What is known of who it is, and why that isn't enough.
type Unidentified = (Option<Guid>, String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Unit,
    Group,
    Container,
}

/// Decodes all of `entries`.
pub fn decode<'e>(
    entries: impl IntoIterator<Item = &'e Entry>,
    mapping: &Mapping,
    directory: &DirectoryName,
) -> Objects {
    let mut decoder = Decoder::new(mapping, directory);
    entries.into_iter().for_each(|entry| decoder.push(entry));
    decoder.finish()
}

impl<'a> Decoder<'a> {
    /// A decoder for what is read of `directory`.
    pub fn new(mapping: &'a Mapping, directory: &'a DirectoryName) -> Decoder<'a> {
        let mut names = Names::default();
        let excluded =
            mapping.exclude.iter().filter_map(|dn| Some(names.intern(&dn.to_string()).ok()?.0)).collect();
        Decoder {
            mapping,
            directory,
            known: None,
            names,
            seen: HashMap::new(),
            users: Vec::new(),
            units: Vec::new(),
            groups: Vec::new(),
            containers: Vec::new(),
            bases: HashMap::new(),
            excluded,
            quarantined: Vec::new(),
            unidentified: None,
            hidden: None,
            progress: Progress::default(),
        }
    }

    /// With what is known: of that stays what comes damaged.
    pub fn with_known(self, known: &'a Directory) -> Decoder<'a> {
        Decoder { known: Some(known), ..self }
    }

    /// How much has been decoded.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Takes one entry.
    pub fn push(&mut self, entry: &Entry) {
        let Some(kind) = kind(entry, self.mapping) else {
            self.progress.others += 1;
            return;
        };
        if self.is_excluded(entry) {
            self.progress.others += 1;
            return;
        }
        let (guid, node, rdn) = match self.identify(entry) {
            Ok(Some(known)) => known,
            Ok(None) => {
                self.progress.repeated += 1;
                return;
            }
            // Of a container nothing is wanted but what is below it.
            Err(_) if kind == Kind::Container => return,
            // Two entries with one identity: one of them is somebody else.
            Err((id, reason)) if id.is_none_or(|id| self.seen.contains_key(&id)) => {
                let dn = clean(extended::split(&entry.dn).1, MAX_DN_CHARS);
                self.unidentified.get_or_insert_with(|| format!("\"{dn}\": {reason}").into());
                return self.set_aside(id, &entry.dn, reason);
            }
            Err((id, reason)) => return self.set_aside(id, &entry.dn, reason),
        };
        let taken = match kind {
            Kind::User => self.push_user(entry, UserId(guid), node, &rdn),
            Kind::Unit => self.push_unit(entry, UnitId(guid), node, &rdn),
            Kind::Group => self.push_group(entry, GroupId(guid), node, &rdn),
            Kind::Container => {
                self.push_container(guid, node, &rdn);
                Ok(())
            }
        };
        match taken {
            Ok(()) => {
                self.seen.insert(guid, node);
            }
            Err(reason) => self.set_aside(Some(guid), &entry.dn, reason),
        }
    }

    /// Resolves what refers to others: units, managers, members.
    pub fn finish(mut self) -> Objects {
        self.tell_hidden();
        let bearers = self.bearers();
        // What only reading needs goes before the rest is put together.
        self.seen = HashMap::new();
        self.names.are_all();
        let names = &self.names;
        let user = |reference: Option<Reference>| match reference? {
            Reference::Id(id) => Some(UserId(id)),
            Reference::Name(node) => match names.bearer(node) {
                Bearer::User(id) => Some(id),
                _ => None,
            },
        };
        let above = |node: NodeId| {
            if self.bases.contains_key(&node) { Guid::default() } else { names.above(node) }
        };
        let users = self.users.into_iter().map(|PendingUser { user: mut person, node, manager }| {
            if let Some(person) = Arc::get_mut(&mut person) {
                person.unit = names.unit_above(node);
                person.above = above(node);
                person.manager = user(manager);
            }
            (person.id, person)
        });
        let units = self.units.into_iter().map(|PendingUnit { mut unit, node, manager }| {
            unit.parent = names.unit_above(node);
            unit.above = above(node);
            unit.managed_by = user(manager);
            (unit.id, Arc::new(unit))
        });
        let groups = self.groups.into_iter().map(|PendingGroup { mut group, node, members, accounts }| {
            let known = members.into_iter().filter_map(|member| match names.bearer(member) {
                Bearer::User(id) => Some(id.0),
                Bearer::Group(id) => Some(id.0),
                Bearer::Unit(_) | Bearer::Container(_) | Bearer::Nothing => None,
            });
            let called = accounts.iter().filter_map(|account| bearers.get(account)).flatten().copied();
            let members: BTreeSet<Guid> = known.chain(called).chain(group.members.iter().copied()).collect();
            group.members = members.into_iter().collect();
            group.above = above(node);
            (group.id, Arc::new(group))
        });
        let mut directory = Directory {
            users: users.collect(),
            units: units.collect(),
            groups: groups.collect(),
            containers: Map::new(),
        };
        let containers = self.containers.into_iter().map(|PendingContainer { mut container, node }| {
            container.above = above(node);
            container
        });
        let bases = self.bases.values().copied().collect();
        directory.containers = used(&directory, containers, bases);
        let more = (self.progress.quarantined as usize).saturating_sub(self.quarantined.len());
        if more > 0 {
            let reason = format!("{more} more objects or values could not be understood either.");
            self.quarantined.push(Quarantined { id: None, dn: "".into(), reason: reason.into() });
        }
        Objects { directory, quarantined: self.quarantined, unidentified: self.unidentified }
    }

    /// Who the entry is; None when it was read before. An error tells its identity, if it is known.
    fn identify(&mut self, entry: &Entry) -> Result<Option<Identified>, Unidentified> {
        let guid = self.guid(entry).map_err(|reason| (None, reason))?;
        let (node, rdn) = self
            .names
            .intern(extended::split(&entry.dn).1)
            .map_err(|e| (Some(guid), format!("Its distinguished name can't be read: {}.", e.reason())))?;
        match self.seen.entry(guid) {
            Slot::Vacant(_) => Ok(Some((guid, node, rdn))),
            Slot::Occupied(first) if *first.get() == node => Ok(None),
            Slot::Occupied(_) => {
                let id = &self.mapping.id;
                let reason = format!(
                    "Its {id} {guid} is that of another entry, too, which was read first and kept. If it was moved or renamed just \
                     now, the next sync will have it right."
                );
                Err((Some(guid), reason))
            }
        }
    }

    fn guid(&self, entry: &Entry) -> Result<Guid, String> {
        let id = &*self.mapping.id;
        let Some(bytes) = entry.first(id) else {
            return extended::split(&entry.dn).0.ok_or_else(|| {
                format!("It has no {id}, without which it can't be told from others; may the account that reads it see that attribute?")
            });
        };
        let guid = self.mapping.identity(bytes).ok_or_else(|| {
            if self.mapping.has_bytes_for_id() {
                format!("Its {id} has {} bytes instead of 16.", bytes.len())
            } else {
                format!("Its {id} is no identity such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6.")
            }
        })?;
        if guid == UnitId::ROOT.0 {
            return Err(format!("Its {id} is all zeros."));
        }
        Ok(guid)
    }

    fn push_user(&mut self, entry: &Entry, id: UserId, node: NodeId, rdn: &Rdn) -> Result<(), String> {
        let mapping = self.mapping;
        let account = account(entry, &mapping.account)?;
        let control = self.number(entry, &mapping.control);
        // Accounts of computers and of trusted domains are users of the directory, too, but nobody's
        // ([MS-ADTS] 2.2.16: interdomain, workstation and server trust).
        if control.is_some_and(|control| control & 0x3800 != 0) {
            self.progress.others += 1;
            return Ok(());
        }
        let rdn = text::value(rdn.value());
        let known = self.known.and_then(|known| known.users.get(&id)).map(Arc::as_ref);
        let (enabled, expires) = self.in_use(entry, control, known);
        let display =
            self.text(entry, &mapping.name, known.filter(|user| user.named).map(|user| user.name()));
        let named = display.is_some();
        let name = display.or_else(|| rdn.clone()).unwrap_or_else(|| account.clone());
        let user = UserFields {
            id,
            directory: self.directory.clone(),
            unit: UnitId::ROOT,
            above: Guid::default(),
            rdn: rdn.unwrap_or_else(|| account.clone()),
            upn: self.text(entry, &mapping.upn, known.and_then(|user| user.upn())),
            name,
            named,
            mail: self.text(entry, &mapping.mail, known.and_then(|user| user.mail())),
            phone: self.text(entry, &mapping.phone, known.and_then(|user| user.phone())),
            mobile: self.text(entry, &mapping.mobile, known.and_then(|user| user.mobile())),
            title: self.text(entry, &mapping.title, known.and_then(|user| user.title())),
            manager: None,
            language: self.language(entry, known),
            enabled,
            expires,
            unit_path: self.unit_path(entry, known),
            marks: self.marks(entry),
            away: self.away(entry, known),
            account,
        };
        let manager = self.named(entry, &mapping.manager, known.and_then(|user| user.manager));
        self.names.bear(node, Bearer::User(id));
        self.users.push(PendingUser { user: Arc::new(user.into()), node, manager });
        self.progress.users += 1;
        Ok(())
    }

    fn push_unit(&mut self, entry: &Entry, id: UnitId, node: NodeId, rdn: &Rdn) -> Result<(), String> {
        let name = text::value(rdn.value()).ok_or("Its name holds nothing that can be shown.")?;
        let unit = Unit {
            id,
            directory: self.directory.clone(),
            parent: UnitId::ROOT,
            above: Guid::default(),
            name,
            managed_by: None,
        };
        let known = self.known.and_then(|known| known.units.get(&id)?.managed_by);
        let manager = self.named(entry, &self.mapping.unit_manager, known);
        self.names.bear(node, Bearer::Unit(id));
        self.units.push(PendingUnit { unit, node, manager });
        self.progress.units += 1;
        Ok(())
    }

    fn push_group(&mut self, entry: &Entry, id: GroupId, node: NodeId, rdn: &Rdn) -> Result<(), String> {
        let mapping = self.mapping;
        let account = account(entry, mapping.account_of_groups())?;
        let member = &*mapping.member;
        if let Some(from) = entry.missing_from(member) {
            return Err(format!(
                "Its list of members is not whole: from number {from} on ({member};range) it is missing."
            ));
        }
        let (mut members, mut known) = (Vec::new(), Vec::new());
        let plain = entry.values(member).map(|value| (member, value));
        let unique = entry.values(&mapping.unique_member);
        for (attribute, value) in plain.chain(unique.map(|v| (&*mapping.unique_member, without_bits(v)))) {
            let text = str::from_utf8(value).map_err(|_| "is not text in UTF-8".to_owned());
            match text.and_then(|text| self.refer(text)) {
                Ok(Reference::Id(id)) => known.push(id),
                Ok(Reference::Name(node)) => members.push(node),
                Err(reason) => self.leave_out(&entry.dn, attribute, &reason),
            }
        }
        let accounts = self.member_accounts(entry);
        let group = Group {
            id,
            directory: self.directory.clone(),
            name: text::value(rdn.value()).unwrap_or_else(|| account.clone()),
            account,
            above: Guid::default(),
            members: known.into(),
        };
        self.names.bear(node, Bearer::Group(id));
        self.groups.push(PendingGroup { group, node, members, accounts });
        self.progress.groups += 1;
        Ok(())
    }

    fn push_container(&mut self, id: Guid, node: NodeId, rdn: &Rdn) {
        let name = text::value(rdn.value()).unwrap_or_default();
        let container = Container { id, directory: self.directory.clone(), above: Guid::default(), name };
        self.hold_container(container, node);
        self.progress.others += 1;
    }

    fn hold_container(&mut self, container: Container, node: NodeId) {
        self.names.bear(node, Bearer::Container(container.id));
        self.containers.push(PendingContainer { container, node });
    }

    fn leave_out(&mut self, dn: &str, attribute: &str, what: &str) {
        // The object itself was understood.
        self.set_aside(
            None,
            dn,
            format!("Its {attribute} {what}. That value was left out, the rest was taken."),
        );
    }

    fn set_aside(&mut self, id: Option<Guid>, dn: &str, reason: String) {
        self.progress.quarantined = self.progress.quarantined.saturating_add(1);
        if self.quarantined.len() < MAX_QUARANTINED {
            let dn = clean(extended::split(dn).1, MAX_DN_CHARS).into();
            self.quarantined.push(Quarantined { id, dn, reason: reason.into() });
        }
    }
}

fn account(entry: &Entry, attribute: &str) -> Result<Box<str>, String> {
    let text = text::raw(entry, attribute)?
        .ok_or_else(|| format!("It has no {attribute}; may the account that reads it see that attribute?"))?;
    text::value(text).ok_or_else(|| format!("Its {attribute} holds nothing that can be shown."))
}

fn kind(entry: &Entry, mapping: &Mapping) -> Option<Kind> {
    let is = |classes: &[Box<str>]| {
        entry
            .values("objectClass")
            .any(|class| classes.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(class)))
    };
    if is(&mapping.user_classes) {
        (!is(&mapping.not_user_classes)).then_some(Kind::User)
    } else if is(&mapping.unit_classes) {
        Some(if mapping.units.are_ous() { Kind::Unit } else { Kind::Container })
    } else if is(&mapping.group_classes) {
        Some(Kind::Group)
    } else {
        is(&mapping.container_classes).then_some(Kind::Container)
    }
}

/// The containers that stand above something that was read, right or through others, and `bases`.
fn used(
    directory: &Directory,
    containers: impl Iterator<Item = Container>,
    bases: Vec<Guid>,
) -> Map<Guid, Arc<Container>> {
    let mut all: BTreeMap<Guid, Container> = containers.map(|c| (c.id, c)).collect();
    let users = directory.users.values().map(|u| u.above);
    let units = directory.units.values().map(|u| u.above);
    let groups = directory.groups.values().map(|g| g.above);
    let mut used = Vec::new();
    for mut above in users.chain(units).chain(groups).chain(bases) {
        while let Some(container) = all.remove(&above) {
            above = container.above;
            used.push((container.id, Arc::new(container)));
        }
    }
    used.into_iter().collect()
}
