//! The gate between what was read and what is believed: a directory that lies can't wipe anybody out.
//!
//! Only [`judge`] builds a [`CheckedDelta`], and only a [`CheckedDelta`] can be committed.

mod changes;
mod limits;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::delta::Delta;
use super::directory::{Group, Tally, User};
use super::ids::{DirectoryName, Guid, RunId, UserId};
use super::map::Map;
use super::undo::{Veto, wishes};
pub use limits::{Limit, Limits};

/// What a limit counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Users.
    Users,
    /// Units.
    Units,
    /// Memberships of groups.
    Memberships,
    /// Holders of a contact role.
    Holders,
    /// Mail addresses that change.
    Mails,
    /// Phones that change or go.
    Phones,
    /// People who move to another unit.
    Moves,
    /// Absences that the directory says.
    Absences,
}

impl Kind {
    /// What becomes of one, in words.
    fn fate(self) -> &'static str {
        match self {
            Kind::Users => "be lost (gone, disabled or without a mail address)",
            Kind::Holders => "be lost (gone, disabled, without a mail address, or no longer in the role)",
            Kind::Units | Kind::Memberships => "be lost",
            Kind::Mails => "get another mail address",
            Kind::Phones => "get other phone numbers, or lose them",
            Kind::Moves => "move to another unit",
            Kind::Absences => "no longer have one",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Users => "users",
            Kind::Units => "units",
            Kind::Memberships => "group memberships",
            Kind::Holders => "holders of a contact role",
            Kind::Mails => "users with a mail address",
            Kind::Phones => "users with a phone",
            Kind::Moves => "users in units",
            Kind::Absences => "users with an absence",
        })
    }
}

/// Why a run is held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// More would be lost, or changed, than the limit lets pass.
    TooMany {
        /// Of what.
        kind: Kind,
        /// How many, those already approved not counted.
        removed: u32,
        /// How many there are.
        of: u32,
        /// The limit in force.
        limit: Limit,
    },
    /// Everything would be lost, or changed.
    All {
        /// Of what.
        kind: Kind,
        /// How many there are.
        of: u32,
    },
    /// The configuration's base, scope or filter changed since the last run, and something would go.
    ScopeChanged {
        /// How many users, units and groups would go, those already approved not counted.
        removed: u32,
    },
    /// It would do again what a person has undone.
    Undone {
        /// The run that was undone.
        run: RunId,
        /// How many of its changes would be made again, those already approved not counted.
        changes: u32,
    },
    /// With what earlier runs took within a day, a few each, more would be lost than the limit lets pass at once.
    Gradually {
        /// Of what.
        kind: Kind,
        /// How many would go now, those already approved not counted.
        removed: u32,
        /// How many went before, within a day.
        before: u32,
        /// How many there were.
        of: u32,
        /// The limit in force.
        limit: Limit,
    },
}

impl std::fmt::Display for HoldReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HoldReason::TooMany { kind, removed, of, limit } => write!(
                f,
                "{removed} of {of} {kind} would {}; up to {} and {} % pass without approval",
                kind.fate(),
                limit.count,
                limit.percent
            ),
            HoldReason::All { kind, of } => write!(f, "all {of} {kind} would {}", kind.fate()),
            HoldReason::ScopeChanged { removed } => write!(
                f,
                "the configured base or filter has changed since the last run, and {removed} users, units and groups would be lost"
            ),
            HoldReason::Undone { run, changes } => {
                write!(f, "{changes} changes of run {run}, which was undone, would be made again")
            }
            HoldReason::Gradually { kind, removed, before, of, limit } => write!(
                f,
                "{removed} more {kind} would be lost after {before} within a day, of {of}; up to {} and {} % pass without approval",
                limit.count, limit.percent
            ),
        }
    }
}

/// A delta that may be committed. Can't be built elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedDelta(Delta);

impl CheckedDelta {
    /// What will change.
    pub fn delta(&self) -> &Delta {
        &self.0
    }
}

/// What the guard says of a delta.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may be committed.
    Checked(CheckedDelta),
    /// It waits for a person's approval; the old data stays in force.
    Held {
        /// What it would have done.
        delta: Delta,
        /// Why it is held, at least one reason.
        reasons: Vec<HoldReason>,
    },
}

/// What the guard knows besides the delta.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Which directory the delta is of.
    pub directory: &'a DirectoryName,
    /// How much of it there is before the delta.
    pub before: &'a Tally,
    /// Users of all directories, before the delta.
    pub users: &'a Map<UserId, Arc<User>>,
    /// The limits in force.
    pub limits: &'a Limits,
    /// The users who can be turned to in some role now (`Organisation::holding_users`).
    pub holders: &'a BTreeSet<UserId>,
    /// The same, of the organisation with the delta applied.
    pub holders_after: &'a BTreeSet<UserId>,
    /// The losses that a person has approved, as [`approval_of`] gave them.
    pub approved: &'a BTreeSet<Guid>,
    /// Whether base, scope or filter differ from those of the last committed run.
    pub scope_changed: bool,
    /// What people have undone of this directory.
    pub vetoes: &'a [Veto],
    /// What went within a day and nobody was asked about.
    pub lately: Lately,
}

/// What earlier runs removed within [`DAY`], since a person last approved one: runs that take a few each take everything, too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lately {
    /// Users.
    pub users: usize,
    /// Units.
    pub units: usize,
}

/// So long what went is counted in.
pub const DAY: TimeDelta = TimeDelta::days(1);

/// Judges a delta: may it be committed, or must a person look first?
///
/// What was approved doesn't count; what came in addition since the approval does. What is merely new passes, however much it is: no
/// data that people rely on is lost by it.
pub fn judge(delta: Delta, given: &Circumstances<'_>) -> Verdict {
    let losses = Losses::of(&delta, given);
    let limits = given.limits;
    let mut reasons: Vec<HoldReason> = [
        (Kind::Users, &losses.users, limits.users, given.lately.users),
        (Kind::Units, &losses.units, limits.units, given.lately.units),
        (Kind::Memberships, &losses.memberships, limits.memberships, 0),
        (Kind::Holders, &losses.holders, limits.holders, 0),
    ]
    .into_iter()
    .filter_map(|(kind, loss, limit, lately)| {
        exceeds(kind, loss, limit, given.approved)
            .or_else(|| gradually(kind, loss, limit, given.approved, lately))
    })
    .collect();
    let changes = changes::of(&delta, given);
    reasons.extend(
        changes.iter().filter_map(|(kind, many, limit)| exceeds(*kind, many, *limit, given.approved)),
    );
    let removed = removed(&delta).filter(|id| !given.approved.contains(id)).count();
    if given.scope_changed && removed > 0 {
        reasons.push(HoldReason::ScopeChanged { removed: clamp(removed) });
    }
    if !given.vetoes.is_empty() {
        let wishes = wishes(&delta);
        reasons.extend(given.vetoes.iter().filter_map(|veto| {
            let again = veto.forbidden(&wishes).filter(|wish| !given.approved.contains(wish)).count();
            (again > 0).then(|| HoldReason::Undone { run: veto.run, changes: clamp(again) })
        }));
    }
    if reasons.is_empty() { Verdict::Checked(CheckedDelta(delta)) } else { Verdict::Held { delta, reasons } }
}

/// What a person approves by approving this delta: every single loss in it, every change of the kinds that change more than a few
/// times, and what was undone and is done again.
///
/// A user, unit or group stands there by its identity; a membership, a holder's loss of the role, and a change to a certain value by a
/// digest.
pub fn approval_of(delta: &Delta, given: &Circumstances<'_>) -> BTreeSet<Guid> {
    let losses = Losses::of(delta, given);
    let lost =
        [losses.users, losses.units, losses.memberships, losses.holders].into_iter().flat_map(|l| l.lost);
    let changed = changes::of(delta, given).into_iter().flat_map(|(_, many, _)| many.lost);
    let wishes = if given.vetoes.is_empty() { BTreeSet::new() } else { wishes(delta) };
    let again = given.vetoes.iter().flat_map(|veto| veto.forbidden(&wishes));
    lost.chain(removed(delta)).chain(changed).chain(again).collect()
}

fn exceeds(kind: Kind, loss: &Loss, limit: Limit, approved: &BTreeSet<Guid>) -> Option<HoldReason> {
    let fresh = loss.lost.iter().filter(|id| !approved.contains(id)).count();
    if fresh == 0 {
        return None;
    }
    // A single object or membership, or the few that hold a role, come and go; the floor speaks for those.
    let all = (loss.lost.len() >= loss.of).then_some(loss.of).or(loss.none_left_of).filter(|of| *of > 1);
    if let Some(of) = all
        && (fresh > limit.floor as usize || matches!(kind, Kind::Users | Kind::Units))
    {
        return Some(HoldReason::All { kind, of: clamp(of) });
    }
    let over = limit.is_exceeded(fresh, loss.of);
    over.then(|| HoldReason::TooMany { kind, removed: clamp(fresh), of: clamp(loss.of), limit })
}

/// The same, of what goes now and what went before.
fn gradually(
    kind: Kind,
    loss: &Loss,
    limit: Limit,
    approved: &BTreeSet<Guid>,
    before: usize,
) -> Option<HoldReason> {
    let fresh = loss.lost.iter().filter(|id| !approved.contains(id)).count();
    let of = loss.of + before;
    let over = fresh > 0 && before > 0 && limit.is_exceeded(fresh + before, of);
    over.then(|| HoldReason::Gradually {
        kind,
        removed: clamp(fresh),
        before: clamp(before),
        of: clamp(of),
        limit,
    })
}

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What is lost of one kind.
#[derive(Default)]
struct Loss {
    /// Each loss, once.
    lost: Vec<Guid>,
    /// How many there were to lose.
    of: usize,
    /// How many users could be turned to, when none of them can any more. Who was disabled before stays, and saves nobody.
    none_left_of: Option<usize>,
}

/// What a delta takes away, of every kind, approved or not.
struct Losses {
    users: Loss,
    units: Loss,
    memberships: Loss,
    holders: Loss,
}

impl Losses {
    fn of(delta: &Delta, given: &Circumstances<'_>) -> Losses {
        let before = given.before;
        // What came over from another directory is not in `before`, but can be lost on the way all the same.
        let ours = given.directory;
        let users_over = delta.users.changed.iter().filter(|(b, _)| b.directory != *ours);
        let groups_over = delta.groups.changed.iter().filter(|(b, _)| b.directory != *ours);
        let units_over = delta.units.changed.iter().filter(|(b, _)| b.directory != *ours);
        let silenced = || delta.users.changed.iter().filter(|(b, a)| is_silenced(b, a)).map(|(b, _)| b);
        let lost = || delta.users.removed.iter().chain(silenced());
        let reachable = before.reachable + users_over.clone().filter(|(b, _)| b.is_reachable()).count();
        let none_left = lost().filter(|user| user.is_reachable()).count() >= reachable;
        // Most deltas have nothing to do with the holders: then both are one set.
        let same = std::ptr::eq(given.holders, given.holders_after);
        let no_longer: Vec<UserId> =
            if same { Vec::new() } else { given.holders.difference(given.holders_after).copied().collect() };
        let here = |id: &&UserId| given.users.get(id).is_some_and(|u| u.directory == *ours);
        let elsewhere = no_longer.iter().filter(|id| !here(id)).count();
        // Of what there was is asked only when something is lost.
        let holders_here = if no_longer.is_empty() { 0 } else { given.holders.iter().filter(here).count() };
        Losses {
            users: Loss {
                lost: lost().map(|user| user.id.0).collect(),
                of: before.users + users_over.count(),
                none_left_of: none_left.then_some(reachable),
            },
            units: Loss {
                lost: delta.units.removed.iter().map(|u| u.id.0).collect(),
                of: before.units + units_over.count(),
                ..Loss::default()
            },
            memberships: Loss {
                lost: lost_memberships(delta),
                of: before.memberships + groups_over.map(|(b, _)| b.members.len()).sum::<usize>(),
                ..Loss::default()
            },
            holders: Loss {
                lost: no_longer.iter().map(|id| digest("holder", id.0, id.0)).collect(),
                of: holders_here + elsewhere,
                ..Loss::default()
            },
        }
    }
}

/// The users, units and groups that go.
fn removed(delta: &Delta) -> impl Iterator<Item = Guid> + '_ {
    let users = delta.users.removed.iter().map(|u| u.id.0);
    let units = delta.units.removed.iter().map(|u| u.id.0);
    let groups = delta.groups.removed.iter().map(|g| g.id.0);
    users.chain(units).chain(groups)
}

/// Whether a user who stays can't be turned to any more. Disabling everybody, or hiding everybody's mail address, is as bad as
/// deleting everybody.
fn is_silenced(before: &User, after: &User) -> bool {
    before.enabled && (!after.enabled || (before.mail().is_some() && after.mail().is_none()))
}

/// The members that leave groups, and all of groups that go. A membership that goes with its user is counted with the user.
fn lost_memberships(delta: &Delta) -> Vec<Guid> {
    let gone: BTreeSet<UserId> = delta.users.removed.iter().map(|u| u.id).collect();
    let mut lost = Vec::new();
    let mut compare = |before: &Group, after: Option<&Group>| {
        let left = |member: &&Guid| after.is_none_or(|a| a.members.binary_search(member).is_err());
        let members = before.members.iter().filter(|member| !gone.contains(&UserId(**member))).filter(left);
        lost.extend(members.map(|member| digest("member", before.id.0, *member)));
    };
    delta.groups.removed.iter().for_each(|g| compare(g, None));
    delta.groups.changed.iter().for_each(|(b, a)| compare(b, Some(a)));
    lost
}

/// A name for the tie between two objects.
fn digest(what: &str, of: Guid, to: Guid) -> Guid {
    Guid(xxh3_128(&[what.as_bytes(), &of.0, &to.0].concat()).to_le_bytes())
}

#[cfg(test)]
mod tests;
