//! What a directory says of its changes, made into what is different now: the same as a whole read would find.
//!
//! [`Follow`] takes the changes one by one, then asks for what it lacks ([`Need`]) until it lacks nothing. It knows objects by identity
//! only, never by name: `above` chains them up to a base, which is what belongs to the directory that is read. The rules:
//! * A change of a known object is merged into it. One that isn't known, or that may have left the filter, is fetched anew.
//! * Who is deleted vanishes from groups and as a manager without any change of these being told, so they are changed here.
//! * What moved out of the bases is gone with all that is below it. A unit or container that is new here may have been moved in, so it is read with
//!   all that is below it.
//! * Whatever doesn't fit together is no guess: it is [`Lost`], and everything is read.

mod merge;
mod named;
mod place;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::decode::{Decoder, Mapping, extended};
use super::directory::{Container, Directory, Group, Quarantined, Unit, User};
use super::dn::Dn;
use super::entry::Entry;
use super::ids::{DirectoryName, GroupId, Guid, UnitId, UserId};
use super::run::ModeReason;

/// So many objects are fetched at once.
const BATCH: usize = 100;
/// So many objects may be fetched one by one in any directory, however small.
const MIN_LIMIT: usize = 1_000;

/// Which objects are fetched anew whenever they change, rather than changed as told: their filter or what is read of them can't be
/// followed by the attributes that changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Afresh {
    /// Users.
    pub users: bool,
    /// Units.
    pub units: bool,
    /// Groups.
    pub groups: bool,
}

/// What has to be fetched before it is known what changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Need {
    /// These objects, wherever they are. First those that the filter finds, each to [`Follow::found`]; then the others
    /// of them, to [`Follow::other`]. One that can't be seen at all stays as it was known: it was deleted just now, which the next
    /// changes tell, or it is hidden.
    Objects(Vec<Guid>),
    /// All that the filter finds below this object, each to [`Follow::found`].
    Below(Guid),
    /// All that have this object as a member or manager, by identity alone, to [`Follow::refers`].
    Referrers(Guid),
    /// Nothing more.
    Nothing,
}

/// What changed can't be told without reading everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Lost {
    /// Something stands where nothing is known.
    #[error("what changed doesn't fit what is known")]
    Untraceable,
    /// Reading everything is less work.
    #[error("too much changed to be fetched one by one")]
    TooMuch,
}

/// Follows the changes of one directory.
pub struct Follow<'a> {
    known: &'a Directory,
    directory: &'a DirectoryName,
    mapping: &'a Mapping,
    bases: BTreeMap<Guid, Dn>,
    excluded: BTreeMap<Guid, Dn>,
    afresh: Afresh,
    limit: usize,
    /// What was merged or fetched.
    new: Directory,
    /// What is no user, unit or group but may stand above some.
    others: BTreeMap<Guid, Arc<Container>>,
    gone: BTreeSet<Guid>,
    deleted: BTreeSet<Guid>,
    wanted: BTreeSet<Guid>,
    asked: BTreeSet<Guid>,
    /// Whether what got a new place stands below a base by its name.
    within: BTreeMap<Guid, bool>,
    parents: BTreeSet<Guid>,
    /// What was not known and came into its place: there may be more below it.
    arrived: BTreeSet<Guid>,
    below: BTreeSet<Guid>,
    read_below: BTreeSet<Guid>,
    revived: Vec<Guid>,
    /// A unit or container changed, whatever of it.
    stirred: bool,
    /// One has another place, or went.
    restructured: bool,
    quarantined: Vec<Quarantined>,
    /// Of a change it couldn't be told whose it is.
    untraceable: bool,
    /// References are made by name.
    by_name: bool,
    named: BTreeSet<Guid>,
}

/// An object, of whatever kind.
#[derive(Clone, Copy)]
enum Object<'a> {
    User(&'a Arc<User>),
    Unit(&'a Arc<Unit>),
    Group(&'a Arc<Group>),
    Container(&'a Arc<Container>),
}

impl Object<'_> {
    fn above(self) -> Guid {
        match self {
            Object::User(user) => user.above,
            Object::Unit(unit) => unit.above,
            Object::Group(group) => group.above,
            Object::Container(container) => container.above,
        }
    }

    fn is_structure(self) -> bool {
        matches!(self, Object::Unit(_) | Object::Container(_))
    }
}

impl From<Lost> for ModeReason {
    fn from(lost: Lost) -> ModeReason {
        match lost {
            Lost::Untraceable => ModeReason::Untraceable,
            Lost::TooMuch => ModeReason::TooMuch,
        }
    }
}

impl<'a> Follow<'a> {
    /// Begins with what is known of `directory` (other directories' objects are left alone), the bases that are read, and what within them is left
    /// out. What is known is [as it was read](crate::domain::shape::as_read).
    pub fn new(
        known: &'a Directory,
        directory: &'a DirectoryName,
        mapping: &'a Mapping,
        bases: BTreeMap<Guid, Dn>,
        excluded: BTreeMap<Guid, Dn>,
        afresh: Afresh,
    ) -> Follow<'a> {
        let total = known.users.len() + known.units.len() + known.groups.len();
        // One attribute for two things can't be made out from both.
        let afresh = Afresh { users: afresh.users || mapping.shares_attributes(), ..afresh };
        let mut follow = Follow {
            known,
            directory,
            mapping,
            bases,
            excluded,
            afresh,
            limit: MIN_LIMIT.max(total / 4),
            new: Directory::default(),
            others: BTreeMap::new(),
            gone: BTreeSet::new(),
            deleted: BTreeSet::new(),
            wanted: BTreeSet::new(),
            asked: BTreeSet::new(),
            within: BTreeMap::new(),
            parents: BTreeSet::new(),
            arrived: BTreeSet::new(),
            below: BTreeSet::new(),
            read_below: BTreeSet::new(),
            revived: Vec::new(),
            stirred: false,
            restructured: false,
            quarantined: Vec::new(),
            untraceable: false,
            by_name: false,
            named: BTreeSet::new(),
        };
        // A name that is left out now means something that was read: it goes, with all that is below it.
        follow.restructured = follow.excluded.keys().any(|id| follow.known_at(*id).is_some());
        follow
    }

    /// Whether each base is what was known as one: the topmost of its tree.
    pub fn knows_the_bases(&self) -> bool {
        self.bases.keys().all(|id| self.at(*id).is_some_and(|base| base.above() == Guid::default()))
    }

    /// Takes an entry that is there, or deleted, of which it is only told that it changed.
    pub fn touch(&mut self, entry: &Entry) {
        let Some(id) = self.begin(entry) else {
            return;
        };
        // It was deleted once, perhaps just now, and has its place in groups again or lost it, which isn't told of the groups.
        if has(entry, "lastKnownParent") {
            self.revived.push(id);
        }
        match self.at(id).map(Object::is_structure) {
            Some(is_structure) => self.stirred |= is_structure,
            None if self.stands_within(entry) => drop(self.arrived.insert(id)),
            None => return,
        }
        self.want(id);
    }

    /// Takes a change: its values that differ since what is known, removed ones without values, and of lists which were added and
    /// removed ([MS-ADTS] 3.1.1.3.4.1.3).
    pub fn change(&mut self, entry: &Entry) {
        let Some(id) = self.begin(entry) else {
            return;
        };
        let placed = has(entry, "name") || has(entry, "parentGUID");
        let Some(object) = self.at(id) else {
            if self.stands_within(entry) {
                if placed {
                    self.arrived.insert(id);
                }
                self.want(id);
            }
            return;
        };
        let stirred = placed && object.is_structure();
        let afresh = match object {
            Object::User(_) => self.afresh.users,
            Object::Unit(_) => self.afresh.units,
            Object::Group(_) => self.afresh.groups,
            Object::Container(_) => self.afresh.units,
        };
        self.stirred |= stirred;
        // Its class is told of what is told whole: then what is missing was not left alone, it isn't there.
        if afresh || has(entry, "objectClass") || self.wanted.contains(&id) || !self.merge(id, entry) {
            self.want(id);
        }
    }

    /// What must be fetched next.
    ///
    /// # Errors
    /// When reading everything is the better way.
    pub fn need(&mut self) -> Result<Need, Lost> {
        if self.untraceable {
            return Err(Lost::Untraceable);
        }
        loop {
            if self.asked.len() + self.wanted.len() > self.limit {
                return Err(Lost::TooMuch);
            }
            if !self.wanted.is_empty() {
                let batch: Vec<Guid> = self.wanted.iter().take(BATCH).copied().collect();
                for id in &batch {
                    self.wanted.remove(id);
                    self.asked.insert(*id);
                }
                return Ok(Need::Objects(batch));
            }
            for parent in std::mem::take(&mut self.parents) {
                if self.at(parent).is_none()
                    && !self.gone.contains(&parent)
                    && !self.excluded.contains_key(&parent)
                {
                    self.want(parent);
                }
            }
            if std::mem::take(&mut self.stirred) {
                self.want_orphans();
            }
            if !self.wanted.is_empty() {
                continue;
            }
            if let Some(id) = self.revived.pop() {
                self.want_referrers(id);
                return Ok(Need::Referrers(id));
            }
            return Ok(match self.next_below()? {
                Some(id) => Need::Below(id),
                None => Need::Nothing,
            });
        }
    }

    /// Takes a whole entry with `parentGUID` that the filter finds.
    pub fn found(&mut self, entry: &Entry) {
        self.take(entry, true);
    }

    /// How much more may be found before it is too much to be followed.
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.asked.len() + self.wanted.len())
    }

    /// Takes an entry that was needed and that the filter doesn't find: its class, identity and `parentGUID`.
    pub fn other(&mut self, entry: &Entry) {
        self.take(entry, false);
    }

    /// Takes the identity of an object that refers to one that came back.
    pub fn refers(&mut self, entry: &Entry) {
        if let Some(id) = self.id_of(entry)
            && self.at(id).is_some()
        {
            self.want(id);
        }
    }

    /// Who it is. None when it is deleted or can't be told, which is noted.
    fn begin(&mut self, entry: &Entry) -> Option<Guid> {
        let Some(id) = self.id_of(entry) else {
            self.untraceable = true;
            return None;
        };
        if entry.first("isDeleted").is_some_and(|value| value.eq_ignore_ascii_case(b"TRUE")) {
            self.delete(id);
            return None;
        }
        if has(entry, "isDeleted") {
            self.revived.push(id);
            self.want(id);
        }
        if self.deleted.remove(&id) {
            // It was told deleted before in the same changes.
            self.gone.remove(&id);
            self.revived.push(id);
        }
        Some(id)
    }

    fn delete(&mut self, id: Guid) {
        if self.known_at(id).is_some_and(Object::is_structure) {
            self.restructured = true;
        }
        self.forget(id);
        self.wanted.remove(&id);
        self.gone.insert(id);
        self.deleted.insert(id);
    }

    fn take(&mut self, entry: &Entry, matches: bool) {
        let Some(id) = self.id_of(entry) else {
            self.untraceable = true;
            return;
        };
        self.wanted.remove(&id);
        self.asked.insert(id);
        let above = if self.bases.contains_key(&id) { Guid::default() } else { guid(entry, "parentGUID") };
        if matches {
            let before = self.known_at(id).is_some_and(Object::is_structure);
            match self.decoded(id, entry, above) {
                Decoded::Taken => {
                    let is_unit = self.new.units.contains_key(&UnitId(id));
                    if is_unit && !before {
                        self.below.insert(id);
                    }
                    return;
                }
                // What was known of it stays.
                Decoded::SetAside if self.at(id).is_some() => return,
                Decoded::SetAside | Decoded::NotOurs => {}
            }
        }
        self.place(id, above, entry);
        match self.known_at(id) {
            Some(Object::Container(_)) => {}
            Some(known) => {
                self.restructured |= known.is_structure();
                self.gone.insert(id);
            }
            None if self.arrived.contains(&id) => {
                self.below.insert(id);
            }
            None => {}
        }
        let mut decoder = Decoder::new(self.mapping, self.directory).with_known(self.known);
        decoder.push_base(entry);
        for container in decoder.finish().directory.containers.values() {
            self.forget(id);
            self.others.insert(id, Arc::new(Container { above, ..Container::clone(container) }));
        }
    }

    /// Objects without a known place got there when something above was renamed while they were read.
    fn want_orphans(&mut self) {
        let ours =
            |directory: &DirectoryName, above: Guid| directory == self.directory && above == Guid::default();
        let users = self.known.users.values().filter(|u| ours(&u.directory, u.above)).map(|u| u.id.0);
        let units = self.known.units.values().filter(|u| ours(&u.directory, u.above)).map(|u| u.id.0);
        let groups = self.known.groups.values().filter(|g| ours(&g.directory, g.above)).map(|g| g.id.0);
        let orphans: Vec<Guid> = users.chain(units).chain(groups).collect();
        for id in orphans {
            if !self.bases.contains_key(&id) && !self.gone.contains(&id) {
                self.want(id);
            }
        }
    }

    /// Those that are known to refer to an object which was away meanwhile: their references went with it.
    fn want_referrers(&mut self, id: Guid) {
        let known = self.known;
        let users = known.users.values().filter(|u| u.manager == Some(UserId(id))).map(|u| u.id.0);
        let units = known.units.values().filter(|u| u.managed_by == Some(UserId(id))).map(|u| u.id.0);
        let groups = known.groups.values().filter(|g| g.members.binary_search(&id).is_ok()).map(|g| g.id.0);
        for referrer in users.chain(units).chain(groups) {
            if self.at(referrer).is_some() {
                self.want(referrer);
            }
        }
    }

    /// The topmost of what may have come with all that is below it.
    fn next_below(&mut self) -> Result<Option<Guid>, Lost> {
        while let Some(id) = self.below.pop_first() {
            // It came again among what is below it.
            if self.read_below.contains(&id) {
                continue;
            }
            let mut above = self.at(id).map(Object::above);
            let mut depth = 0;
            let covered = loop {
                match above {
                    Some(at) if self.below.contains(&at) || self.read_below.contains(&at) => break true,
                    Some(at) => above = self.at(at).map(Object::above),
                    None => break false,
                }
                depth += 1;
                if depth > place::MAX_DEPTH {
                    return Err(Lost::Untraceable);
                }
            };
            // What is below something that is still waiting is read with it.
            if !covered && self.is_in_scope(id)? {
                self.read_below.insert(id);
                return Ok(Some(id));
            }
            self.read_below.insert(id);
        }
        Ok(None)
    }

    fn want(&mut self, id: Guid) {
        if !self.asked.contains(&id) {
            self.wanted.insert(id);
        }
    }

    /// The object as it is now, as far as that is known.
    fn at(&self, id: Guid) -> Option<Object<'_>> {
        let new = look(&self.new, id).or_else(|| self.others.get(&id).map(Object::Container));
        new.or_else(|| self.known_at(id).filter(|_| !self.gone.contains(&id)))
    }

    /// The object as it was before.
    fn known_at(&self, id: Guid) -> Option<Object<'a>> {
        look(self.known, id).filter(|object| {
            *self.directory
                == *match object {
                    Object::User(user) => &user.directory,
                    Object::Unit(unit) => &unit.directory,
                    Object::Group(group) => &group.directory,
                    Object::Container(container) => &container.directory,
                }
        })
    }

    fn forget(&mut self, id: Guid) {
        self.new.users.remove(&UserId(id));
        self.new.units.remove(&UnitId(id));
        self.new.groups.remove(&GroupId(id));
        self.new.containers.remove(&id);
        self.others.remove(&id);
    }

    fn id_of(&self, entry: &Entry) -> Option<Guid> {
        let id = entry.first(&self.mapping.id).and_then(|value| self.mapping.identity(value));
        id.filter(|id| *id != Guid::default()).or_else(|| extended::split(&entry.dn).0)
    }

    fn stands_within(&self, entry: &Entry) -> bool {
        match extended::split(&entry.dn).1.parse::<Dn>() {
            Ok(dn) => {
                let is_within = |above: &BTreeMap<Guid, Dn>| above.values().any(|above| dn.is_within(above));
                is_within(&self.bases) && !is_within(&self.excluded)
            }
            Err(_) => true,
        }
    }
}

/// What came of a whole entry.
enum Decoded {
    Taken,
    SetAside,
    NotOurs,
}

fn look(directory: &Directory, id: Guid) -> Option<Object<'_>> {
    let user = || directory.users.get(&UserId(id)).map(Object::User);
    let unit = || directory.units.get(&UnitId(id)).map(Object::Unit);
    let group = || directory.groups.get(&GroupId(id)).map(Object::Group);
    let container = || directory.containers.get(&id).map(Object::Container);
    user().or_else(unit).or_else(group).or_else(container)
}

fn has(entry: &Entry, name: &str) -> bool {
    entry.attributes().any(|attribute| attribute.base().eq_ignore_ascii_case(name))
}

/// A value of 16 bytes; zero when there is none.
fn guid(entry: &Entry, name: &str) -> Guid {
    entry.first(name).and_then(|bytes| bytes.try_into().ok()).map(Guid).unwrap_or_default()
}
