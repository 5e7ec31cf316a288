//! Putting back what a run changed, and keeping the next run from doing the same again unasked.
//!
//! A run leaves [`Step`]s: each object as it was before it, and a digest of what the run made of it. [`reverse`] makes of them the
//! delta that puts everything back that still is as the run left it. The directory goes on saying otherwise: a [`Veto`] holds the
//! next run that wants any of it.

mod digest;
mod sound;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::delta::{Changes, Delta, ObjectKind};
use super::directory::{Directory, Group, Unit, User};
use super::ids::{GroupId, Guid, RunId, UnitId, UserId};
use digest::Visible;

/// Of a run that changes more objects than this no [`Step`]s are kept: it can't be undone.
pub const MOST_STEPS: usize = 200_000;

/// A user, unit or group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// A user.
    User(Arc<User>),
    /// A unit.
    Unit(Arc<Unit>),
    /// A group.
    Group(Arc<Group>),
}

impl Object {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Object::User(user) => user.name(),
            Object::Unit(unit) => &unit.name,
            Object::Group(group) => &group.name,
        }
    }

    /// Its kind.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Object::User(_) => ObjectKind::User,
            Object::Unit(_) => ObjectKind::Unit,
            Object::Group(_) => ObjectKind::Group,
        }
    }
}

/// What a run did to one object, as far as it takes to undo it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The object's kind.
    pub kind: ObjectKind,
    /// Its identity.
    pub id: Guid,
    /// The object before the run; None: it wasn't there. A group that changed stands here without its members: a group of everybody
    /// would be kept whole for everybody who comes or goes.
    pub before: Option<Object>,
    /// A digest of the object after the run; None: it was gone.
    pub after: Option<u64>,
    /// For a group that changed: the members that joined it in the run.
    pub joined: Vec<Guid>,
    /// The members that left it.
    pub left: Vec<Guid>,
}

/// What is kept of how objects were before a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kept {
    /// What it did, object by object; empty when nobody sees what it did.
    Steps(Vec<Step>),
    /// That nothing of its directory had been read.
    Empty,
    /// Nothing: it would be too much.
    Nothing,
}

impl Kept {
    /// What to keep of a run that makes these changes; `first`: to a directory of which nothing had been read before.
    pub fn of(delta: &Delta, first: bool) -> Kept {
        let adds_only = || {
            let Delta { users, units, groups, .. } = delta;
            adds_only(users) && adds_only(units) && adds_only(groups)
        };
        match first {
            true if adds_only() => Kept::Empty,
            // What was of another directory before comes over: rare, and nothing that could be undone.
            true => Kept::Nothing,
            false if delta.len() > MOST_STEPS => Kept::Nothing,
            false => Kept::Steps(steps(delta)),
        }
    }
}

fn adds_only<T>(changes: &Changes<T>) -> bool {
    changes.changed.is_empty() && changes.removed.is_empty()
}

/// Why an object isn't put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// A later run changed it.
    ChangedSince,
    /// The run changed or added it, and a later run removed it.
    GoneSince,
    /// The run removed it, and a later run brought it back.
    ThereAgain,
    /// The unit in which it would be is gone since.
    UnitGoneSince,
    /// A unit that the run added: somebody or something that stays is in it since.
    InUseSince,
    /// A unit that would be below itself, since others have moved.
    BelowItself,
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SkipReason::ChangedSince => "it has changed since",
            SkipReason::GoneSince => "it is gone since",
            SkipReason::ThereAgain => "it is there again",
            SkipReason::UnitGoneSince => "the unit that it was in is gone since",
            SkipReason::InUseSince => "others have come into it since",
            SkipReason::BelowItself => "it would be below itself, since units have moved",
        })
    }
}

/// An object that isn't put back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its identity.
    pub id: Guid,
    /// What it is or was called; None: not known any more.
    pub name: Option<Box<str>>,
    /// Why.
    pub reason: SkipReason,
}

/// What undoing a run would do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reverse {
    /// What it puts back.
    pub delta: Delta,
    /// What it leaves as it is.
    pub skipped: Vec<Skipped>,
}

/// Changes that a person has undone: a run that wants any of them is held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Veto {
    /// The run that was undone.
    pub run: RunId,
    /// What isn't to be done again, as [`wishes`] gives it, in order.
    pub wishes: Vec<Guid>,
}

impl Veto {
    /// Against doing again what `reverse` takes back of `run`.
    pub fn against(run: RunId, reverse: &Delta) -> Veto {
        let again = Delta {
            users: inverse(&reverse.users),
            units: inverse(&reverse.units),
            groups: inverse(&reverse.groups),
            containers: Changes::default(),
        };
        Veto { run, wishes: wishes(&again).into_iter().collect() }
    }

    /// Those of `wishes` that this speaks against.
    pub fn forbidden<'a>(&'a self, wishes: &'a BTreeSet<Guid>) -> impl Iterator<Item = Guid> + 'a {
        self.wishes.iter().filter(|wish| wishes.contains(wish)).copied()
    }
}

/// What to keep of a run that makes these changes. What nobody sees ([`super::directory::Container`]s, what stands right above an
/// object) is not kept: the read after an undo is a whole one and brings it.
pub fn steps(delta: &Delta) -> Vec<Step> {
    let mut steps = Vec::new();
    steps_of(&mut steps, &delta.units, Object::Unit);
    steps_of(&mut steps, &delta.users, Object::User);
    steps_of(&mut steps, &delta.groups, Object::Group);
    steps
}

/// What puts back the objects of `steps` that are in `now` as the run left them, but for those that would be in no unit then.
pub fn reverse(steps: &[Step], now: &Directory) -> Reverse {
    let mut back = take_back(steps, now);
    sound::leave_out(&mut back, now);
    back
}

/// What puts back the objects of `steps` that are in `now` as the run left them. Of the last run that is all of them, and what was there before
/// it, sound or not.
pub fn take_back(steps: &[Step], now: &Directory) -> Reverse {
    let mut back = Reverse::default();
    for step in steps {
        let id = step.id;
        let before = step.before.as_ref();
        let skip = match step.kind {
            ObjectKind::User => {
                let before = before.and_then(|b| if let Object::User(user) = b { Some(user) } else { None });
                put_back(&mut back.delta.users, now.users.get(&UserId(id)), before, step)
            }
            ObjectKind::Unit => {
                let before = before.and_then(|b| if let Object::Unit(unit) = b { Some(unit) } else { None });
                put_back(&mut back.delta.units, now.units.get(&UnitId(id)), before, step)
            }
            ObjectKind::Group => {
                let before =
                    before.and_then(|b| if let Object::Group(group) = b { Some(group) } else { None });
                put_back(&mut back.delta.groups, now.groups.get(&GroupId(id)), before, step)
            }
        };
        if let Some(reason) = skip {
            let name = name_in(now, step.kind, id).or_else(|| before.map(|b| b.name().into()));
            back.skipped.push(Skipped { kind: step.kind, id, name, reason });
        }
    }
    back
}

/// Everything that a delta does, change by change, each as a digest of what the object would be: gone, there, or with this value in
/// that field. Two deltas that do the same to an object have the same wish, whatever else they do to it.
pub fn wishes(delta: &Delta) -> BTreeSet<Guid> {
    let mut wishes = BTreeSet::new();
    wishes_of(&mut wishes, &delta.users);
    wishes_of(&mut wishes, &delta.units);
    wishes_of(&mut wishes, &delta.groups);
    wishes
}

/// Those of `these`, in order, that are not among `those`, in order too.
fn except<'a>(these: &'a [Guid], those: &'a [Guid]) -> impl Iterator<Item = Guid> + 'a {
    these.iter().filter(|id| those.binary_search(id).is_err()).copied()
}

fn steps_of<T: Visible>(steps: &mut Vec<Step>, changes: &Changes<T>, object: impl Fn(Arc<T>) -> Object) {
    let step =
        |id, before, after| Step { kind: T::KIND, id, before, after, joined: Vec::new(), left: Vec::new() };
    let removed = changes.removed.iter();
    steps.extend(removed.map(|before| step(before.guid(), Some(object(Arc::clone(before))), None)));
    steps.extend(changes.added.iter().map(|after| step(after.guid(), None, Some(after.digest()))));
    for (before, after) in &changes.changed {
        let digest = after.digest();
        if before.digest() != digest {
            steps.push(Step {
                joined: except(after.members(), before.members()).collect(),
                left: except(before.members(), after.members()).collect(),
                ..step(before.guid(), Some(object(T::emptied(before))), Some(digest))
            });
        }
    }
}

fn put_back<T: Visible>(
    delta: &mut Changes<T>,
    now: Option<&Arc<T>>,
    before: Option<&Arc<T>>,
    step: &Step,
) -> Option<SkipReason> {
    match (now, before, step.after) {
        (None, Some(before), None) => delta.added.push(Arc::clone(before)),
        (Some(_), _, None) => return Some(SkipReason::ThereAgain),
        (None, _, Some(_)) => return Some(SkipReason::GoneSince),
        (Some(now), _, Some(after)) if now.digest() != after => return Some(SkipReason::ChangedSince),
        (Some(now), Some(before), Some(_)) => {
            let mut members: Vec<Guid> =
                except(now.members(), &step.joined).chain(step.left.iter().copied()).collect();
            members.sort_unstable();
            delta.changed.push((Arc::clone(now), T::with_members(before, members)));
        }
        (Some(now), None, Some(_)) => delta.removed.push(Arc::clone(now)),
        (None, None, None) => {}
    }
    None
}

fn name_in(now: &Directory, kind: ObjectKind, id: Guid) -> Option<Box<str>> {
    match kind {
        ObjectKind::User => now.users.get(&UserId(id)).map(|u| u.name().into()),
        ObjectKind::Unit => now.units.get(&UnitId(id)).map(|u| u.name.clone()),
        ObjectKind::Group => now.groups.get(&GroupId(id)).map(|g| g.name.clone()),
    }
}

fn inverse<T>(changes: &Changes<T>) -> Changes<T> {
    Changes {
        added: changes.removed.clone(),
        changed: changes
            .changed
            .iter()
            .map(|(before, after)| (Arc::clone(after), Arc::clone(before)))
            .collect(),
        removed: changes.added.clone(),
    }
}

fn wishes_of<T: Visible>(wishes: &mut BTreeSet<Guid>, changes: &Changes<T>) {
    wishes.extend(changes.removed.iter().map(|o| wish(o.guid(), "gone", None)));
    wishes.extend(changes.added.iter().map(|o| wish(o.guid(), "there", None)));
    for (before, after) in &changes.changed {
        let id = before.guid();
        let (had, has) = (before.fields(), after.fields());
        let differing = has.into_iter().zip(had).filter(|(has, had)| has != had);
        wishes.extend(differing.map(|(f, _)| wish(id, f.name, f.value.as_deref())));
        let joined = except(after.members(), before.members());
        wishes.extend(joined.map(|member| wish(id, "member", Some(&member.0))));
        let left = except(before.members(), after.members());
        wishes.extend(left.map(|member| wish(id, "no member", Some(&member.0))));
    }
}

fn wish(id: Guid, what: &str, value: Option<&[u8]>) -> Guid {
    let given = [u8::from(value.is_some())];
    let bytes = [b"wish\0", &id.0[..], what.as_bytes(), b"\0", &given, value.unwrap_or_default()].concat();
    Guid(xxh3_128(&bytes).to_le_bytes())
}

#[cfg(test)]
mod tests;
