//! Finding users and units by what people type.

use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Organisation;
use super::names::{Names, fold, fold_into, same};
use crate::domain::delta::ObjectKind;
use crate::domain::directory::User;
use crate::domain::gone::{self, Gone};
use crate::domain::ids::{Guid, RunId, SubjectName, UnitId, UserId};
use crate::domain::roles::Role;
use crate::domain::subject::Subject;
use crate::domain::table::shown;
use crate::domain::tree;

/// How many candidates an error names.
const NAMED: usize = 10;
/// How many suggestions an error makes.
const SUGGESTED: usize = 3;

/// A user who was found, in the order that they are shown in: not by a whole name, not by the beginning of one, name, identity.
type Hit<'a> = (bool, bool, &'a str, UserId);

/// Somebody or something that a text may mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its identity, which can be typed in place of a name.
    pub id: Guid,
    /// What a person knows it by: account, name and unit of a user; the path of a unit.
    pub text: Box<str>,
}

/// Why a text names nobody, or no unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupError {
    /// Nothing is called so.
    #[error("there is no {kind} \"{text}\"{}", or_meant(.kind, .near))]
    NotFound {
        /// What was looked for.
        kind: ObjectKind,
        /// What was typed, at most 80 characters of it.
        text: Box<str>,
        /// What may have been meant, at most three.
        near: Vec<Candidate>,
    },
    /// Several are called so.
    #[error("\"{text}\" fits {count} {kind}s: {}; {}", listed(.candidates, .count), by_what(.kind))]
    Ambiguous {
        /// What was looked for.
        kind: ObjectKind,
        /// What was typed, at most 80 characters of it.
        text: Box<str>,
        /// Who is called so, the first ten.
        candidates: Vec<Candidate>,
        /// How many there are.
        count: usize,
    },
    /// It was there once.
    #[error("there is no {kind} \"{text}\" any more: {}", gone_listed(.gone))]
    Gone {
        /// What was looked for.
        kind: ObjectKind,
        /// What was typed, at most 80 characters of it.
        text: Box<str>,
        /// Who or what was called so, the last to go first, at most ten.
        gone: Vec<GoneCandidate>,
    },
}

/// Somebody or something that a text named once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneCandidate {
    /// What it was.
    #[serde(flatten)]
    pub what: Candidate,
    /// Since when it is gone.
    pub since: DateTime<Utc>,
    /// The run that removed it.
    pub run: RunId,
}

fn by_what(kind: &ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => "give the account, the user principal name, the mail address or the GUID",
        ObjectKind::Unit => "give the whole path or the GUID",
        ObjectKind::Group => "give the GUID",
    }
}

fn or_meant(kind: &ObjectKind, near: &[Candidate]) -> String {
    if near.is_empty() {
        return format!("; {}", by_what(kind));
    }
    let near: Vec<&str> = near.iter().map(|c| &*c.text).collect();
    format!("; did you mean {}?", near.join(", or "))
}

fn listed(candidates: &[Candidate], count: &usize) -> String {
    let alike = |c: &Candidate| candidates.iter().filter(|other| other.text == c.text).count() > 1;
    let text = |c: &Candidate| if alike(c) { format!("{} {}", c.text, c.id) } else { c.text.to_string() };
    let mut list = candidates.iter().map(text).collect::<Vec<_>>().join("; ");
    if *count > candidates.len() {
        list.push_str(&format!("; and {} more", count - candidates.len()));
    }
    list
}

fn gone_listed(gone: &[GoneCandidate]) -> String {
    let one = |g: &GoneCandidate| {
        let since = g.since.format("%Y-%m-%d %H:%M UTC");
        format!("{} {} is gone since {since}, by run {}", g.what.text, g.what.id, g.run)
    };
    gone.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl Organisation {
    /// The user whom `text` names: by GUID, else by account, else by user principal name, else by mail address, else by full name,
    /// all of these without regard to case.
    pub fn find_user(&self, text: &str) -> Result<&Arc<User>, LookupError> {
        let text = text.trim();
        match self.users_called(text).as_slice() {
            [only] => Ok(only),
            // Nobody means one that is like a GUID.
            [] if text.parse::<Guid>().is_ok() => Err(self.user_not_found(text, |_| Vec::new())),
            [] => Err(self.user_not_found(text, |text| self.users_like(text))),
            several => {
                let candidates = several.iter().take(NAMED).map(|u| self.candidate(u)).collect();
                Err(ambiguous(ObjectKind::User, text, candidates, several.len()))
            }
        }
    }

    /// The same user, without a word on why there is none. That takes a look at everybody, where many texts name nobody.
    pub fn user_called(&self, text: &str) -> Option<&Arc<User>> {
        match self.users_called(text.trim()).as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Everybody whom a text names by the first way of naming people that fits at all.
    fn users_called(&self, text: &str) -> Vec<&Arc<User>> {
        if let Ok(id) = text.parse() {
            return self.user(UserId(id)).into_iter().collect();
        }
        let names = self.names.get_or_init(|| Names::of(&self.directory.users));
        let mut may_be: Vec<&Arc<User>> = names.find(text).filter_map(|id| self.user(id)).collect();
        may_be.sort_by_key(|u| (self.place_of(u), u.id));
        may_be.dedup_by_key(|u| u.id);
        let fields: [fn(&User) -> Option<&str>; 4] =
            [|u| Some(u.account()), User::upn, User::mail, |u| Some(u.name())];
        let called = |field: fn(&User) -> Option<&str>| {
            let is = |u: &&&Arc<User>| field(u).is_some_and(|name| same(name, text));
            may_be.iter().filter(is).copied().collect::<Vec<_>>()
        };
        fields.into_iter().map(called).find(|called| !called.is_empty()).unwrap_or_default()
    }

    /// Who reads at this mail address, compared without regard to case: nobody, one, or several who share it.
    pub fn users_with_mail(&self, mail: &str) -> Vec<&Arc<User>> {
        let names = self.names.get_or_init(|| Names::of(&self.directory.users));
        let may_be = names.find(mail).filter_map(|id| self.user(id));
        let mut readers: Vec<&Arc<User>> =
            may_be.filter(|u| u.mail().is_some_and(|m| same(m, mail))).collect();
        readers.sort_by_key(|u| u.id);
        readers.dedup_by_key(|u| u.id);
        readers
    }

    /// Why nobody is called so: they are gone, or nobody ever was, as far as is remembered, and these are called alike.
    fn user_not_found(&self, text: &str, near: impl Fn(&str) -> Vec<Candidate>) -> LookupError {
        let candidate = |gone: &Gone, user: &Arc<User>| GoneCandidate {
            what: user_candidate(user, &gone.unit),
            since: gone.since,
            run: gone.run,
        };
        let called = gone::users_called(&self.gone, text);
        let gone = called.into_iter().take(NAMED).map(|(gone, user)| candidate(gone, user)).collect();
        departed(ObjectKind::User, text, gone)
            .unwrap_or_else(|| not_found(ObjectKind::User, text, near(text)))
    }

    fn unit_not_found(&self, text: &str, near: impl Fn(&str) -> Vec<Candidate>) -> LookupError {
        let (wanted, id) = (path_key(text), text.parse().ok());
        let called = |gone: &&Arc<Gone>| {
            let path = path_key(&format!("{}/{}", gone.unit, gone.name()));
            let ends = path.strip_suffix(&wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
            gone.kind() == ObjectKind::Unit
                && gone.run != gone::TO_COME
                && (id == Some(gone.id) || (!wanted.is_empty() && ends))
        };
        let mut found: Vec<&Arc<Gone>> = self.gone.values().filter(called).collect();
        found.sort_by_key(|gone| (std::cmp::Reverse(gone.since), gone.id));
        let candidate = |gone: &Arc<Gone>| GoneCandidate {
            what: Candidate { id: gone.id, text: format!("{} of {}", gone.name(), gone.unit).into() },
            since: gone.since,
            run: gone.run,
        };
        let gone = found.into_iter().take(NAMED).map(candidate).collect();
        departed(ObjectKind::Unit, text, gone)
            .unwrap_or_else(|| not_found(ObjectKind::Unit, text, near(text)))
    }

    /// The unit that `text` names: by GUID, else by its whole path (`Care / Home care`, with or without the spaces), else by its
    /// name or the end of its path, without regard to case. The organisation's own name is the root.
    pub fn find_unit(&self, text: &str) -> Result<tree::Index, LookupError> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            let unknown = || self.unit_not_found(text, |_| Vec::new());
            return self.tree.index(UnitId(id)).ok_or_else(unknown);
        }
        let (whole, part) = self.units_called(&path_key(text));
        self.only_unit(text, if whole.is_empty() { &part } else { &whole })
    }

    /// The unit that `text` names by GUID or by its whole path, and by nothing less: for what must not mean another unit tomorrow.
    pub fn find_unit_by_path(&self, text: &str) -> Result<tree::Index, LookupError> {
        let text = text.trim();
        if text.parse::<Guid>().is_ok() {
            return self.find_unit(text);
        }
        self.only_unit(text, &self.units_called(&path_key(text)).0)
    }

    /// The same, without a word on what else may be meant when it isn't there.
    pub fn unit_at(&self, text: &str) -> Option<tree::Index> {
        match text.trim().parse() {
            Ok(id) => self.tree.index(UnitId(id)),
            Err(_) => match self.units_called(&path_key(text.trim())).0.as_slice() {
                [only] => Some(*only),
                _ => None,
            },
        }
    }

    /// The units whose whole path this is, in the form that paths are compared by, and those whose path ends so.
    fn units_called(&self, wanted: &str) -> (Vec<tree::Index>, Vec<tree::Index>) {
        // Only units whose name ends alike can have a path that does: the others' paths needn't be put together.
        let names = self.unit_names.get_or_init(|| Arc::new(UnitNames::of(&self.tree)));
        let alike = names.0.get(last(wanted)).into_iter().flatten().copied();
        let paths: Vec<(tree::Index, String)> = alike.map(|p| (p, path_key(&self.tree.path(p)))).collect();
        let ends = |path: &str| path.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('/'));
        let those =
            |is: &dyn Fn(&str) -> bool| paths.iter().filter(|(_, p)| is(p)).map(|(p, _)| *p).collect();
        (those(&|path| path == wanted), those(&ends))
    }

    fn only_unit(&self, text: &str, found: &[tree::Index]) -> Result<tree::Index, LookupError> {
        match found {
            [] => Err(self.unit_not_found(text, |text| self.units_like(text))),
            [only] => Ok(*only),
            several => {
                let candidates = several.iter().take(NAMED).map(|p| self.unit_candidate(*p)).collect();
                Err(ambiguous(ObjectKind::Unit, text, candidates, several.len()))
            }
        }
    }

    /// The subject that `text` names: by its name, else by its title, without regard to case.
    pub fn find_subject(&self, text: &str) -> Result<&Subject, NoSubject> {
        let text = text.trim();
        let all = || self.subjects.values();
        let titled = || {
            let mut titled = all().filter(|subject| same(&subject.title, text));
            titled.next().filter(|_| titled.next().is_none())
        };
        let found = self.subjects.get(&SubjectName::from(text));
        let found = found.or_else(|| all().find(|subject| same(&subject.name.0, text))).or_else(titled);
        found.ok_or_else(|| self.no_subject(text))
    }

    /// Whether there is a subject or a service of that name.
    pub fn knows_subject(&self, name: &SubjectName) -> bool {
        self.subjects.contains_key(name) || self.services.get(name).is_some()
    }

    /// The subject that `text` names for a role, or the service for one that can be limited to it.
    ///
    /// # Errors
    /// [`NoSubject`], with what may have been meant.
    pub fn find_subject_for(&self, role: &Role, text: &str) -> Result<SubjectName, NoSubject> {
        if !role.is_narrowed() {
            return self.find_subject(text).map(|subject| subject.name.clone());
        }
        self.services.find(text).map(|service| service.name.clone()).map_err(|none| NoSubject {
            kind: SubjectKind::Service,
            text: none.text,
            near: none.near,
            count: none.all.len(),
        })
    }

    /// That there is no subject of that name, and which ones may have been meant.
    pub fn no_subject(&self, text: &str) -> NoSubject {
        let typo = Typo::of(text);
        let mut room = String::new();
        let mut distance = |subject: &Subject| {
            let of = [&*subject.name.0, &*subject.title];
            let contains = of.iter().any(|name| !typo.wanted.is_empty() && fold(name).contains(&typo.wanted));
            let distance = of.into_iter().filter_map(|name| typo.distance(name, &mut room)).min();
            if contains { Some(0) } else { distance }
        };
        let all = self.subjects.values();
        let near = nearest(all.filter_map(|subject| Some((distance(subject)?, subject.name.clone()))));
        NoSubject { kind: SubjectKind::Subject, text: shown(text), near, count: self.subjects.len() }
    }

    /// At most `limit` users in whose name, account, mail address or user principal name every word of `text` is found, wherever it
    /// stands, without regard to case and to accents (`oberg` finds Åsa Öberg). The best first: the whole text, then a
    /// beginning, then anything else; then by name.
    pub fn search_users(&self, text: &str, limit: usize) -> Vec<&Arc<User>> {
        let wanted = fold(text);
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let Some(first) = words.first() else { return Vec::new() };
        let mut hay = String::new();
        let mut best: BinaryHeap<Hit> = BinaryHeap::new();
        for user in self.directory.users.values() {
            hay.clear();
            for field in [Some(user.name()), Some(user.account()), user.mail(), user.upn()] {
                hay.push('\n');
                fold_into(field.unwrap_or_default(), &mut hay);
            }
            if words.iter().all(|word| hay.contains(word)) {
                let whole = hay.lines().any(|line| line == wanted.trim());
                let begins = hay.lines().any(|line| line.starts_with(first));
                let hit = (!whole, !begins, user.name(), user.id);
                if best.len() < limit {
                    best.push(hit);
                } else if let Some(mut worst) = best.peek_mut()
                    && hit < *worst
                {
                    *worst = hit;
                }
            }
        }
        best.into_sorted_vec().into_iter().filter_map(|(.., id)| self.user(id)).collect()
    }

    /// Users with an enabled account who are called as this one is, at most three.
    pub fn enabled_namesakes(&self, user: &User) -> Vec<Candidate> {
        let names = self.names.get_or_init(|| Names::of(&self.directory.users));
        let mut others: Vec<&Arc<User>> = names.find(user.name()).filter_map(|id| self.user(id)).collect();
        others.retain(|other| other.enabled && other.id != user.id && same(other.name(), user.name()));
        others.sort_by_key(|other| other.id);
        others.dedup_by_key(|other| other.id);
        others.into_iter().take(SUGGESTED).map(|other| self.candidate(other)).collect()
    }

    /// Whom somebody may have meant by a text that names nobody.
    fn users_like(&self, text: &str) -> Vec<Candidate> {
        let mut near = self.search_users(text, SUGGESTED);
        if near.is_empty() {
            let typo = Typo::of(text);
            let mut room = String::new();
            let mut distance = |u: &User| {
                let by_address = typo.wanted.contains('@');
                let names =
                    if by_address { [u.mail(), u.upn()] } else { [Some(u.account()), Some(u.name())] };
                names.into_iter().flatten().filter_map(|name| typo.distance(name, &mut room)).min()
            };
            near = nearest(self.directory.users.values().filter_map(|u| Some((distance(u)?, u))));
        }
        near.into_iter().map(|u| self.candidate(u)).collect()
    }

    fn units_like(&self, text: &str) -> Vec<Candidate> {
        let wanted = fold(&path_key(text));
        let contains = |p: &tree::Index| !wanted.is_empty() && fold(self.tree.name(*p)).contains(&wanted);
        let mut near: Vec<tree::Index> = self.tree.indices().filter(contains).take(SUGGESTED).collect();
        if near.is_empty() {
            let typo = Typo::of(text);
            let mut room = String::new();
            near = nearest(
                self.tree.indices().filter_map(|p| Some((typo.distance(self.tree.name(p), &mut room)?, p))),
            );
        }
        near.into_iter().map(|p| self.unit_candidate(p)).collect()
    }

    /// A user as an error names them.
    pub fn candidate(&self, user: &User) -> Candidate {
        user_candidate(user, &self.tree.path(self.place_of(user)))
    }

    fn unit_candidate(&self, place: tree::Index) -> Candidate {
        Candidate { id: self.tree.id(place).0, text: self.tree.path(place).into() }
    }
}

/// There is no subject of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {} \"{text}\"; {}", .kind.word(), meant(.kind, .near, .count))]
pub struct NoSubject {
    /// What was looked for.
    pub kind: SubjectKind,
    /// What was typed, at most 80 characters of it.
    pub text: Box<str>,
    /// What may have been meant, at most three.
    pub near: Vec<SubjectName>,
    /// How many there are.
    pub count: usize,
}

/// What a role is held for that is no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// A report, a system: added by people.
    Subject,
    /// A service: named by the configuration.
    Service,
}

impl SubjectKind {
    fn word(&self) -> &'static str {
        match self {
            SubjectKind::Subject => "subject",
            SubjectKind::Service => "service",
        }
    }
}

fn meant(kind: &SubjectKind, near: &[SubjectName], count: &usize) -> String {
    match (near, count) {
        (_, 0) if *kind == SubjectKind::Service => "the configuration names none ([service.NAME])".to_owned(),
        (_, 0) => "there is none yet: add it with `budkavle subject add`".to_owned(),
        ([], _) => format!("`budkavle {} list` shows what there is", kind.word()),
        (near, _) => {
            let near: Vec<&str> = near.iter().map(|name| &*name.0).collect();
            format!("did you mean {}?", near.join(", or "))
        }
    }
}

/// The places of the units, by the last part of what they are called, in lower case.
#[derive(Debug)]
pub(super) struct UnitNames(HashMap<Box<str>, Vec<tree::Index>>);

impl UnitNames {
    fn of(tree: &tree::UnitTree) -> UnitNames {
        let mut names: HashMap<Box<str>, Vec<tree::Index>> = HashMap::new();
        for place in tree.indices() {
            names.entry(last(tree.name(place)).to_lowercase().into()).or_default().push(place);
        }
        UnitNames(names)
    }
}

/// A text that may be mistyped.
struct Typo {
    wanted: String,
    letters: u32,
    /// How many wrong letters are let pass.
    most: usize,
}

impl Typo {
    fn of(text: &str) -> Typo {
        let wanted = fold(text);
        Typo { letters: letters(&wanted), most: (wanted.len() / 4).clamp(1, 3), wanted }
    }

    /// How many letters of `name` differ, when they are few. `room` is room to work in.
    fn distance(&self, name: &str, room: &mut String) -> Option<usize> {
        room.clear();
        fold_into(name, room);
        // A quick look first: most names differ by their length, or by more letters than two for each wrong one.
        let differing = (letters(room) ^ self.letters).count_ones() as usize;
        if room.len().abs_diff(self.wanted.len()) > self.most || differing > 2 * self.most {
            return None;
        }
        let distance = strsim::osa_distance(&self.wanted, room);
        (distance <= self.most).then_some(distance)
    }
}

/// Which letters there are, a bit for each.
fn letters(folded: &str) -> u32 {
    folded.bytes().fold(0, |set, byte| set | 1 << (byte & 31))
}

/// The few that are nearest, the nearest first.
fn nearest<T>(all: impl Iterator<Item = (usize, T)>) -> Vec<T> {
    let mut all: Vec<(usize, T)> = all.collect();
    all.sort_by_key(|(distance, _)| *distance);
    all.into_iter().take(SUGGESTED).map(|(_, one)| one).collect()
}

/// A path in the form that paths are compared by: `Care / Home care` as `care/home care`.
fn path_key(path: &str) -> String {
    let names = path.split('/').map(str::trim).filter(|name| !name.is_empty());
    names.collect::<Vec<_>>().join("/").to_lowercase()
}

/// The last name of a path.
fn last(path: &str) -> &str {
    path.trim_end_matches(|c: char| c == '/' || c.is_whitespace())
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim()
}

fn user_candidate(user: &User, unit: &str) -> Candidate {
    Candidate { id: user.id.0, text: format!("{} ({}, {unit})", user.account(), user.name()).into() }
}

/// The error that names who or what is gone, if anybody or anything is.
fn departed(kind: ObjectKind, text: &str, gone: Vec<GoneCandidate>) -> Option<LookupError> {
    (!gone.is_empty()).then(|| LookupError::Gone { kind, text: shown(text), gone })
}

fn not_found(kind: ObjectKind, text: &str, near: Vec<Candidate>) -> LookupError {
    LookupError::NotFound { kind, text: shown(text), near }
}

fn ambiguous(kind: ObjectKind, text: &str, candidates: Vec<Candidate>, count: usize) -> LookupError {
    LookupError::Ambiguous { kind, text: shown(text), candidates, count }
}
