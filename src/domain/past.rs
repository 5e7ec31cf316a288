//! The organisation at a time in the past, as it was known then: the present, with everything taken back that has changed since.
//!
//! Each commit leaves [`Entry`]s that say how what it changed was before. A [`Rewind`] takes them, the newest first, and the steps of the runs
//! among them, and gives the organisation of then. It tells whenever that isn't known: it never guesses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::absence::Absence;
use super::delta::{self, Changes, Delta};
use super::directory::Directory;
use super::gone::{self, Gone};
use super::ids::{AbsenceId, AssignmentId, DirectoryName, GroupId, Guid, RunId, SubjectName, UnitId, UserId};
use super::lists::{ListName, TakenList, listed};
use super::map::Map;
use super::organisation::Organisation;
use super::roles::{Assignment, Role, RoleName};
use super::subject::Subject;
use super::undo::{self, MOST_STEPS, Object, Step};

/// A change of what is answered from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// How it was before.
    pub was: Was,
}

/// How what changed was before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Was {
    /// The objects that a run changed were as its steps say.
    Run(RunId),
    /// There was nothing of a directory yet.
    Empty(DirectoryName),
    /// An assignment, None: there was none of that number.
    Assignment(AssignmentId, Option<Assignment>),
    /// An absence, None: there was none of that number.
    Absence(AbsenceId, Option<Absence>),
    /// A subject, None: there was none of that name.
    Subject(SubjectName, Option<Subject>),
    /// A list that somebody else keeps, None: none was in force.
    List(ListName, Option<Arc<TakenList>>),
    /// The configuration said something else: [`Arrangement::to_text`].
    Arranged(Box<str>),
    /// It isn't known what was between a time and this one; at that time it was as it is here.
    Lost {
        /// The last that is known before.
        since: DateTime<Utc>,
    },
    /// That isn't known.
    Unknown(Reason),
}

/// Why it isn't known how something was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Nothing was written down yet.
    Begun,
    /// It has been forgotten.
    Forgotten,
    /// The run changed too much for that.
    TooMany(RunId),
    /// What is written down of the run isn't there, or doesn't fit what was there after it.
    Misfit(RunId),
    /// It was lost with a store that was damaged, or replaced by a backup.
    Lost {
        /// The last that is known before.
        since: DateTime<Utc>,
    },
    /// No directory had been read yet.
    Unread,
}

/// From when on it can be told how it was, and why not before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unknown {
    /// The first moment from which on it is known.
    pub until: DateTime<Utc>,
    /// Why not before.
    pub reason: Reason,
}

impl Unknown {
    /// In words, with the times as they are in a time zone: a full sentence, and what can be asked instead.
    pub fn in_zone(&self, zone: Tz) -> String {
        let time = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string();
        let until = time(self.until);
        let why = match self.reason {
            Reason::Begun => "nothing was written down before".to_owned(),
            Reason::Forgotten => "what was before is forgotten (store.keep_past)".to_owned(),
            Reason::TooMany(run) => {
                format!(
                    "run {run} changed more than {MOST_STEPS} objects then, or took some over from another directory, and it isn't kept how they were"
                )
            }
            Reason::Misfit(run) => {
                format!("what is kept of run {run}, which ended then, doesn't fit what was there after it")
            }
            Reason::Lost { since } => format!(
                "the store was rebuilt or restored then, and what happened after {} is lost; ask for a time before that, or",
                time(since)
            ),
            Reason::Unread => "no directory had been read before".to_owned(),
        };
        let join = if matches!(self.reason, Reason::Lost { .. }) { " " } else { "; " };
        format!("it isn't known how it was then: {why}{join}ask for a time from {until} on")
    }
}

/// What answers depend on of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Arrangement {
    /// The roles.
    pub roles: Vec<Role>,
    /// The lists that are believed, and the roles that each may give.
    pub lists: BTreeMap<ListName, Vec<RoleName>>,
}

impl Arrangement {
    /// As it is written down.
    pub fn to_text(&self) -> Box<str> {
        serde_json::to_string(self).unwrap_or_default().into()
    }

    /// From what was written down; None: it isn't understood.
    pub fn from_text(text: &str) -> Option<Arrangement> {
        serde_json::from_str(text).ok()
    }
}

/// How an organisation of the past came about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// The time that it is of.
    pub as_of: DateTime<Utc>,
    /// How many runs since then were taken back.
    pub runs: u32,
    /// How many edits since then, of assignments, absences, subjects, lists and the configuration.
    pub edits: u32,
    /// What isn't certain.
    pub notes: Vec<Note>,
}

/// What isn't certain of an organisation of the past.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// A directory was read for the first time later.
    Unread {
        /// Which one.
        directory: DirectoryName,
        /// When it was.
        until: DateTime<Utc>,
    },
    /// The roles were configured otherwise, in a way that this version doesn't understand; those of a later time are used.
    Roles {
        /// Until when they were.
        until: DateTime<Utc>,
    },
}

impl Note {
    /// In words, with the days as they are in a time zone: a full sentence.
    pub fn in_zone(&self, zone: Tz) -> String {
        let day = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%-d %b %Y").to_string();
        match self {
            Note::Unread { directory, until } => {
                format!(
                    "The directory {directory} was first read on {}: nobody in it is known before.",
                    day(until)
                )
            }
            Note::Roles { until } => format!(
                "The roles were configured otherwise until {}, in a way that isn't understood any more: this is by those of that day.",
                day(until)
            ),
        }
    }
}

/// An organisation of the past.
#[derive(Clone, Debug)]
pub struct Past {
    /// It. Of `gone` only the names are as they were, and those only as far as they are known now.
    pub organisation: Organisation,
    /// How it came about.
    pub told: Told,
}

/// A way back, from the present.
#[derive(Debug)]
pub struct Rewind {
    present: Arc<Organisation>,
    directory: Directory,
    touched: BTreeSet<Guid>,
    assignments: BTreeMap<AssignmentId, Assignment>,
    absences: BTreeMap<AbsenceId, Absence>,
    subjects: BTreeMap<SubjectName, Subject>,
    lists: BTreeMap<ListName, Arc<TakenList>>,
    arrangement: Arrangement,
    told: Told,
}

impl Rewind {
    /// From the present, the lists in force and the configuration, on the way to `as_of`.
    pub fn new(
        present: Arc<Organisation>,
        lists: BTreeMap<ListName, Arc<TakenList>>,
        arrangement: Arrangement,
        as_of: DateTime<Utc>,
    ) -> Rewind {
        let absences = present.absences.values().flatten();
        Rewind {
            directory: present.directory.clone(),
            touched: BTreeSet::new(),
            assignments: BTreeMap::clone(&present.assignments),
            absences: absences.map(|absence| (absence.id, absence.clone())).collect(),
            subjects: BTreeMap::clone(&present.subjects),
            lists,
            arrangement,
            told: Told { as_of, runs: 0, edits: 0, notes: Vec::new() },
            present,
        }
    }

    /// Takes back a change, which is the newest of those that aren't taken back yet; `steps` are those of its run.
    ///
    /// # Errors
    /// Before it nothing is known.
    pub fn take_back(&mut self, entry: Entry, steps: &[Step]) -> Result<(), Unknown> {
        let Entry { at, was } = entry;
        let unknown = |reason| Unknown { until: at, reason };
        match &was {
            Was::Run(_) | Was::Empty(_) => self.told.runs += 1,
            Was::Assignment(..) | Was::Absence(..) | Was::Subject(..) | Was::List(..) | Was::Arranged(_) => {
                self.told.edits += 1;
            }
            Was::Lost { .. } | Was::Unknown(_) => {}
        }
        match was {
            Was::Run(run) => {
                let undo::Reverse { delta, skipped } = undo::take_back(steps, &self.directory);
                if steps.is_empty() || !skipped.is_empty() {
                    return Err(unknown(Reason::Misfit(run)));
                }
                self.directory = delta::apply(&self.directory, &delta);
                self.touched.extend(steps.iter().map(|step| step.id));
            }
            Was::Empty(name) => self.empty(name, at),
            Was::Assignment(id, before) => put(&mut self.assignments, id, before),
            Was::Absence(id, before) => put(&mut self.absences, id, before),
            Was::Subject(name, before) => put(&mut self.subjects, name, before),
            Was::List(name, before) => put(&mut self.lists, name, before),
            Was::Arranged(text) => self.arrange(&text, at),
            Was::Lost { since } if since < self.told.as_of => return Err(unknown(Reason::Lost { since })),
            Was::Lost { .. } => {}
            Was::Unknown(reason) => return Err(self.unread().unwrap_or(unknown(reason))),
        }
        Ok(())
    }

    /// The organisation, when everything since its time is taken back.
    ///
    /// # Errors
    /// No directory had been read.
    pub fn end(self) -> Result<Past, Unknown> {
        if let Some(unread) = self.unread() {
            return Err(unread);
        }
        let Rewind { present, directory, touched, assignments, absences, subjects, lists, arrangement, told } =
            self;
        if (told.runs, told.edits) == (0, 0) {
            return Ok(Past { organisation: Organisation::clone(&present), told });
        }
        let delta = Delta {
            users: net(&touched, UserId, &present.directory.users, &directory.users),
            units: net(&touched, UnitId, &present.directory.units, &directory.units),
            groups: net(&touched, GroupId, &present.directory.groups, &directory.groups),
            containers: Changes::default(),
        };
        let mut organisation = present.updated(&delta);
        let listed = listed(&lists, &arrangement.lists);
        let Arrangement { roles, .. } = arrangement;
        organisation = organisation.maintained(roles, assignments, absences.into_values(), listed);
        organisation.subjects = Arc::new(subjects);
        // Who came back later had a name when they were gone.
        organisation.gone = Arc::new(with_names(&present, &delta, told.as_of));
        Ok(Past { organisation, told })
    }

    /// Takes away a whole directory.
    fn empty(&mut self, name: DirectoryName, at: DateTime<Utc>) {
        let Directory { users, units, groups, .. } = self.directory.part(&name);
        self.touched.extend(users.keys().map(|id| id.0));
        self.touched.extend(units.keys().map(|id| id.0));
        self.touched.extend(groups.keys().map(|id| id.0));
        let removed = Delta {
            users: removing(users),
            units: removing(units),
            groups: removing(groups),
            containers: Changes::default(),
        };
        self.directory = delta::apply(&self.directory, &removed);
        self.told.notes.push(Note::Unread { directory: name, until: at });
    }

    /// That there is nothing, since a directory was first read later.
    fn unread(&self) -> Option<Unknown> {
        let Directory { users, units, groups, .. } = &self.directory;
        let nothing = users.is_empty() && units.is_empty() && groups.is_empty();
        let mut notes = self.told.notes.iter().rev();
        let until = notes.find_map(|note| match note {
            Note::Unread { until, .. } => Some(*until),
            Note::Roles { .. } => None,
        });
        until.filter(|_| nothing).map(|until| Unknown { until, reason: Reason::Unread })
    }

    fn arrange(&mut self, text: &str, until: DateTime<Utc>) {
        self.told.notes.retain(|note| !matches!(note, Note::Roles { .. }));
        match Arrangement::from_text(text) {
            Some(arrangement) => self.arrangement = arrangement,
            None => self.told.notes.push(Note::Roles { until }),
        }
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

fn removing<K: Ord + Copy, T>(objects: Map<K, Arc<T>>) -> Changes<T> {
    Changes { removed: objects.values().cloned().collect(), ..Changes::default() }
}

/// What is different of those that were touched on the way from `now` back to `then`.
fn net<K: Ord + Copy, T: PartialEq>(
    touched: &BTreeSet<Guid>,
    key: impl Fn(Guid) -> K,
    now: &Map<K, Arc<T>>,
    then: &Map<K, Arc<T>>,
) -> Changes<T> {
    let mut changes = Changes::default();
    for id in touched.iter().map(|id| key(*id)) {
        match (now.get(&id), then.get(&id)) {
            (Some(now), None) => changes.removed.push(Arc::clone(now)),
            (None, Some(then)) => changes.added.push(Arc::clone(then)),
            (Some(now), Some(then)) if now != then => {
                changes.changed.push((Arc::clone(now), Arc::clone(then)));
            }
            _ => {}
        }
    }
    changes
}

/// Who was gone, with those who came later: these have a name, but nobody is told that they are gone.
fn with_names(present: &Organisation, delta: &Delta, as_of: DateTime<Utc>) -> Map<Guid, Arc<Gone>> {
    let mut names = Map::clone(&present.gone);
    let later = present.gone.values().filter(|gone| gone.since > as_of);
    names.extend(later.map(|gone| (gone.id, Arc::new(Gone { run: gone::TO_COME, ..Gone::clone(gone) }))));
    let users = delta.users.removed.iter().map(|u| (u.id.0, &u.directory, Object::User(Arc::clone(u))));
    let units = delta.units.removed.iter().map(|u| (u.id.0, &u.directory, Object::Unit(Arc::clone(u))));
    let groups = delta.groups.removed.iter().map(|g| (g.id.0, &g.directory, Object::Group(Arc::clone(g))));
    names.extend(users.chain(units).chain(groups).map(|(id, directory, object)| {
        let directory = directory.clone();
        (id, Arc::new(Gone { id, directory, unit: "".into(), since: as_of, run: gone::TO_COME, object }))
    }));
    names
}

#[cfg(test)]
mod tests;
