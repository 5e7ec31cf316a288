//! Units that are no OUs: made of what users say of theirs, or of groups.
//!
//! The decoder reads what a user says into [`User::unit_path`]; OUs count as containers then. Once a directory was read, whole or what changed
//! of it, [`shape`] makes the units and puts the users into them, so that behind it they are units like any other. The rules:
//! * A unit is there as long as somebody is in it, or below it. Its identity is a digest of the directory's name and of what it is known by: the
//!   levels of its path, its code, the group's `objectGUID`. So it stays with the unit when only its name changes.
//! * Texts are compared without case and without regard to how many spaces stand between words: "IT" and "it" are one unit.
//! * Where users of one unit say different things of it (its spelling, its name, what it belongs to), the first in order of identity is believed,
//!   whichever way it was read; what more than the spelling differs is reported.
//! * A code that only others name as theirs above is a unit, too, under the root, named by the code, and reported.
//! * Of units that belong to each other in a circle one hangs under the root ([`UnitTree`]), and is reported.
//! * Who says nothing of a unit belongs to the root.

mod claims;
mod groups;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::delta::{apply, diff};
use super::directory::{Directory, Found, Quarantined, Unit, User};
use super::dn::Dn;
use super::ids::{DirectoryName, Guid, UnitId, UserId};
use super::map::Map;
use super::tree::{Misplaced, UnitTree};
use claims::{Claim, Claims};

/// Between the parts of [`User::unit_path`], and of other texts of a user that hold several.
pub(crate) const BETWEEN: char = '\u{1f}';
/// A path has no more levels.
pub const MAX_LEVELS: usize = 100;
/// What is said of a unit has no more bytes.
pub const MAX_VALUE: usize = 4096;
/// So many lines about units are written in one run.
const MAX_LINES: usize = 1_000;

/// Where the units of a directory come from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum UnitsFrom {
    /// OUs are units.
    #[default]
    Ous,
    /// An attribute of the user names its unit.
    Attribute {
        /// Which. Of several values the first in order of the alphabet counts.
        attribute: Box<str>,
        /// What stands between the levels, from the top down; None: it is one name, and units are a flat list.
        separator: Option<Box<str>>,
    },
    /// The user bears the code of its unit.
    Code {
        /// The attribute with the code.
        code: Box<str>,
        /// The attribute with the code of the unit above. A unit above itself is a topmost one.
        parent: Option<Box<str>>,
        /// The attribute with the unit's name; else it is called by its code.
        name: Option<Box<str>>,
    },
    /// Groups are units; their direct members belong to them.
    Groups {
        /// Only those below this name.
        below: Option<Dn>,
        /// Only those with such a name, `*` for whatever.
        named: Option<Box<str>>,
    },
}

/// What else has to be known to make units.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What was known before.
    pub known: &'a Directory,
    /// The directory that was read.
    pub directory: &'a DirectoryName,
    /// Where its units come from.
    pub from: &'a UnitsFrom,
    /// What is known came about by the same settings.
    pub same: bool,
    /// What bears the name of `below`.
    pub below: Option<Guid>,
}

impl UnitsFrom {
    /// Whether OUs are units.
    pub fn are_ous(&self) -> bool {
        *self == UnitsFrom::Ous
    }

    /// The attributes of users that say it, in the order of the parts of [`User::unit_path`].
    pub fn attributes(&self) -> Vec<&str> {
        match self {
            UnitsFrom::Ous | UnitsFrom::Groups { .. } => Vec::new(),
            UnitsFrom::Attribute { attribute, .. } => vec![attribute],
            UnitsFrom::Code { code, parent, name } => {
                std::iter::once(code).chain(parent).chain(name).map(|name| &**name).collect()
            }
        }
    }

    /// All of it in words, for a digest that tells one from another; none for OUs.
    pub fn words(&self) -> Vec<String> {
        let or_none =
            |text: &Option<Box<str>>| text.as_deref().map_or_else(|| "-".to_owned(), |t| format!("={t}"));
        match self {
            UnitsFrom::Ous => Vec::new(),
            UnitsFrom::Attribute { attribute, separator } => {
                vec!["units".into(), "attribute".into(), attribute.to_lowercase(), or_none(separator)]
            }
            UnitsFrom::Code { code, parent, name } => {
                let lower = |text: &Option<Box<str>>| or_none(text).to_lowercase();
                vec!["units".into(), "code".into(), code.to_lowercase(), lower(parent), lower(name)]
            }
            UnitsFrom::Groups { below, named } => {
                let below = below.as_ref().map_or_else(|| "-".to_owned(), |dn| dn.to_string().to_lowercase());
                vec!["units".into(), "groups".into(), below, or_none(named).to_lowercase()]
            }
        }
    }

    /// What the attributes must have said for the user to have this [`User::unit_path`].
    pub(super) fn said(&self, path: &str) -> Vec<(&str, String)> {
        match self {
            UnitsFrom::Ous | UnitsFrom::Groups { .. } => Vec::new(),
            UnitsFrom::Attribute { attribute, separator } => {
                let separator = separator.as_deref().unwrap_or(" ");
                vec![(attribute, path.split(BETWEEN).collect::<Vec<_>>().join(separator))]
            }
            UnitsFrom::Code { code, parent, name } => {
                let [first, above, called] = claims::code_parts(path);
                let mut said = vec![(&**code, first.to_owned())];
                said.extend(parent.as_deref().map(|p| (p, above.to_owned())));
                said.extend(name.as_deref().map(|n| (n, called.to_owned())));
                said.retain(|(_, value)| !value.is_empty());
                said
            }
        }
    }
}

/// What is known, without the units that no directory told of: as it was read.
pub fn as_read(known: &Directory, from: &UnitsFrom) -> Directory {
    let mut known = known.clone();
    if !from.are_ous() {
        known.units = Map::new();
    }
    known
}

/// Makes the units of what was read, and puts its users into them. Nothing, when OUs are units.
pub fn shape(found: &mut Found, frame: &Frame<'_>) {
    let shaped = match frame.from {
        UnitsFrom::Ous => return,
        UnitsFrom::Groups { .. } => groups::shaped(found, frame),
        UnitsFrom::Attribute { .. } | UnitsFrom::Code { .. } => claimed(found, frame),
    };
    shaped.put_into(found, frame);
}

/// What the units came to be.
#[derive(Default)]
struct Shaped {
    /// Units that are new or may differ; all of them, when the directory was read whole.
    written: Vec<Unit>,
    /// Units that are no more.
    removed: BTreeSet<UnitId>,
    /// Where users belong: all that were read, and others whose unit is another one now.
    places: Vec<(UserId, UnitId)>,
    lines: Lines,
}

/// What an administrator should know of units.
#[derive(Default)]
struct Lines(Vec<Quarantined>, usize);

impl Lines {
    /// Writes down a line about a unit or user of this name.
    fn add(&mut self, name: &str, reason: String) {
        if self.0.len() < MAX_LINES {
            self.0.push(Quarantined { id: None, dn: name.into(), reason: reason.into() });
        } else {
            self.1 += 1;
        }
    }

    fn finish(mut self) -> Vec<Quarantined> {
        if self.1 > 0 {
            let reason = format!("{} more things were found about units.", self.1);
            self.0.push(Quarantined { id: None, dn: "".into(), reason: reason.into() });
        }
        self.0
    }
}

impl Shaped {
    fn put_into(mut self, found: &mut Found, frame: &Frame<'_>) {
        self.find_circles(found, frame);
        let (directory, quarantined) = match found {
            Found::Whole(objects) => (&mut objects.directory, &mut objects.quarantined),
            Found::Changes(update) => {
                update.removed.extend(self.removed.iter().map(|id| id.0));
                (&mut update.written, &mut update.quarantined)
            }
        };
        directory.units.extend(self.written.into_iter().map(|unit| (unit.id, Arc::new(unit))));
        for (id, unit) in self.places {
            match directory.users.get_mut(&id) {
                Some(user) if user.unit == unit => {}
                // Most are nobody else's yet.
                Some(user) => Arc::make_mut(user).unit = unit,
                None => {
                    if let Some(user) = frame.known.users.get(&id).filter(|user| user.unit != unit) {
                        let mut user = User::clone(user);
                        user.unit = unit;
                        directory.users.insert(id, Arc::new(user));
                    }
                }
            }
        }
        quarantined.extend(self.lines.finish());
    }

    /// Reports units that stand below themselves, when any unit has another place.
    fn find_circles(&mut self, found: &Found, frame: &Frame<'_>) {
        if self.written.is_empty() {
            return;
        }
        let mut units = match found {
            Found::Whole(_) => Map::new(),
            Found::Changes(_) => frame.known.units.clone(),
        };
        units.extend(self.written.iter().map(|unit| (unit.id, Arc::new(unit.clone()))));
        for misplaced in UnitTree::build("", &units).misplaced() {
            if let Misplaced::Circle(id) = misplaced
                && let Some(unit) = units.get(id).filter(|unit| unit.directory == *frame.directory)
            {
                let reason =
                    "It is a unit below itself, by way of those above it; it was put under the root instead.";
                self.lines.add(&unit.name, reason.to_owned());
            }
        }
    }
}

/// What is known of a unit from what users say.
struct Fact {
    name: Box<str>,
    above: UnitId,
    /// A user of its own says so, not only one below it.
    firm: bool,
    /// Another user of its own says otherwise.
    disputed: bool,
}

impl Fact {
    fn of(claim: &Claim) -> Fact {
        Fact { name: claim.name.clone(), above: claim.above, firm: claim.firm, disputed: false }
    }

    /// Takes what a user says that comes behind those before in order of identity.
    fn hear(&mut self, claim: &Claim) {
        if claim.firm && !self.firm {
            *self = Fact::of(claim);
        } else if claim.firm && claim.contradicts(&self.name, self.above) {
            self.disputed = true;
        }
    }

    fn unit(&self, id: UnitId, directory: &DirectoryName) -> Unit {
        Unit {
            id,
            directory: directory.clone(),
            parent: self.above,
            above: Guid::default(),
            name: self.name.clone(),
            managed_by: None,
        }
    }

    /// Says what is doubtful about it.
    fn report(&self, lines: &mut Lines) {
        if self.disputed {
            let reason = "Its users say different things of its name or of what it belongs to; the first of them in order of identity is believed.";
            lines.add(&self.name, reason.to_owned());
        } else if !self.firm {
            let reason = "Nobody bears this code of a unit, which others name as the one above theirs; it is called by its code.";
            lines.add(&self.name, reason.to_owned());
        }
    }
}

/// Units of what users say.
fn claimed(found: &Found, frame: &Frame<'_>) -> Shaped {
    let mut claims = Claims::new(frame.directory, frame.from);
    match found {
        Found::Whole(objects) => {
            let after = apply(frame.known, &diff(frame.known, frame.directory, found));
            claimed_whole(&after, &objects.directory, frame, &mut claims)
        }
        Found::Changes(_) => claimed_changes(found, frame, &mut claims),
    }
}

fn claimed_whole(after: &Directory, read: &Directory, frame: &Frame<'_>, claims: &mut Claims<'_>) -> Shaped {
    let mut shaped = Shaped::default();
    let mut facts: BTreeMap<UnitId, Fact> = BTreeMap::new();
    for user in after.users.values().filter(|user| user.directory == *frame.directory) {
        // What stays since it wasn't understood says what it said, unless that was about something else.
        let path = user.unit_path().filter(|_| frame.same || read.users.contains_key(&user.id));
        let Some(path) = path else {
            shaped.places.push((user.id, UnitId::ROOT));
            continue;
        };
        let (claims, is_new) = claims.of(path);
        shaped.places.push((user.id, claims.last().map_or(UnitId::ROOT, |claim| claim.id)));
        // What somebody before said already changes nothing.
        for claim in claims.iter().filter(|_| is_new) {
            facts.entry(claim.id).or_insert_with(|| Fact::of(claim)).hear(claim);
        }
    }
    facts.values().for_each(|fact| fact.report(&mut shaped.lines));
    shaped.written = facts.iter().map(|(id, fact)| fact.unit(*id, frame.directory)).collect();
    shaped
}

/// Looks only at units that somebody came to or left.
fn claimed_changes(found: &Found, frame: &Frame<'_>, claims: &mut Claims<'_>) -> Shaped {
    let Found::Changes(update) = found else {
        return Shaped::default();
    };
    let mut shaped = Shaped::default();
    let ours = |id: &UserId| frame.known.users.get(id).filter(|user| user.directory == *frame.directory);
    let mut gained: Vec<Arc<[Claim]>> = Vec::new();
    let mut lost: Vec<Arc<[Claim]>> = Vec::new();
    for (id, user) in &update.written.users {
        let (old, new) = (ours(id).and_then(|old| old.unit_path()), user.unit_path());
        let now = new.map(|path| claims.of(path).0);
        let place = now.as_ref().and_then(|now| now.last()).map_or(UnitId::ROOT, |claim| claim.id);
        shaped.places.push((*id, place));
        if old != new {
            gained.extend(now);
            lost.extend(old.map(|path| claims.of(path).0));
        }
    }
    let gone =
        update.removed.iter().map(|id| UserId(*id)).filter(|id| !update.written.users.contains_key(id));
    let kinds = update.written.groups.keys().map(|id| UserId(id.0));
    let kinds = kinds.chain(update.written.containers.keys().map(|id| UserId(*id)));
    for user in gone.chain(kinds).filter_map(|id| ours(&id)) {
        lost.extend(user.unit_path().map(|path| claims.of(path).0));
    }

    // Which units may differ now: those that it takes a user of their own to know, true; those that any user will do for, false.
    let known = |id: &UnitId| frame.known.units.get(id).filter(|unit| unit.directory == *frame.directory);
    let mut doubtful: HashMap<UnitId, bool> = HashMap::new();
    let mut new: BTreeSet<UnitId> = BTreeSet::new();
    for claim in gained.iter().flat_map(|claims| claims.iter()) {
        match known(&claim.id) {
            None => drop(new.insert(claim.id)),
            Some(unit) if claim.firm && (*unit.name != *claim.name || unit.parent != claim.above) => {
                doubtful.insert(claim.id, true);
            }
            Some(_) => {}
        }
    }
    for claim in lost.iter().flat_map(|claims| claims.iter()) {
        *doubtful.entry(claim.id).or_default() |= claim.firm;
    }
    let mut facts: BTreeMap<UnitId, Fact> = BTreeMap::new();
    for user in update.written.users.values().filter(|_| !new.is_empty()) {
        for claim in user.unit_path().map(|path| claims.of(path).0).iter().flat_map(|claims| claims.iter()) {
            if new.contains(&claim.id) {
                facts.entry(claim.id).or_insert_with(|| Fact::of(claim)).hear(claim);
            }
        }
    }
    doubtful.retain(|id, _| !new.contains(id));
    if !doubtful.is_empty() {
        let after = apply(frame.known, &diff(frame.known, frame.directory, found));
        let mut left = doubtful.clone();
        let mut concerned: HashMap<&str, Option<Arc<[Claim]>>> = HashMap::new();
        for user in after.users.values().filter(|user| user.directory == *frame.directory) {
            let Some(path) = user.unit_path() else { continue };
            let concerned = concerned.entry(path).or_insert_with(|| {
                let (claims, _) = claims.of(path);
                claims.iter().any(|claim| doubtful.contains_key(&claim.id)).then_some(claims)
            });
            for claim in concerned.iter().flat_map(|claims| claims.iter()) {
                let Some(firm) = left.get(&claim.id) else { continue };
                let settled = claim.firm || !firm;
                // Any user that is left shows that what is known holds; it takes one of its own to say what the unit is.
                if *firm || known(&claim.id).is_none() {
                    facts.entry(claim.id).or_insert_with(|| Fact::of(claim)).hear(claim);
                }
                if settled {
                    left.remove(&claim.id);
                }
            }
            if left.is_empty() {
                break;
            }
        }
        // Nobody is left who says anything of them.
        let vanished = left.into_keys().filter(|id| !facts.contains_key(id) && known(id).is_some());
        shaped.removed.extend(vanished);
    }
    for claim in gained.iter().flat_map(|claims| claims.iter()).filter(|claim| claim.firm) {
        let otherwise =
            facts.get_mut(&claim.id).filter(|fact| fact.firm && claim.contradicts(&fact.name, fact.above));
        if let Some(fact) = otherwise {
            fact.disputed = true;
        }
    }
    facts.values().for_each(|fact| fact.report(&mut shaped.lines));
    let units = facts.iter().map(|(id, fact)| fact.unit(*id, frame.directory));
    shaped.written = units.filter(|unit| known(&unit.id).is_none_or(|known| **known != *unit)).collect();
    shaped
}

/// The identity of a unit that no directory gives one: a digest, in the form of a UUID of version 8 (RFC 9562 §5.8). It must not change
/// between versions of this program.
fn identity(directory: &DirectoryName, kind: &str, key: &[u8]) -> UnitId {
    let digest = Sha256::new()
        .chain_update(directory.0.as_bytes())
        .chain_update([0])
        .chain_update(kind)
        .chain_update([0])
        .chain_update(key)
        .finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    // The third field is little-endian here.
    let [.., version, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x80;
    *variant = (*variant & 0x3f) | 0x80;
    UnitId(Guid(bytes))
}
