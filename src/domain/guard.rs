//! The gate between what was read and what is believed: a directory that lies can't wipe anybody out.
//!
//! Only [`judge`] builds a [`CheckedDelta`], and only a [`CheckedDelta`] can be committed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::delta::Delta;
use super::directory::Directory;
use super::ids::{Guid, UserId};

/// How many removals of one kind pass without being asked about.
///
/// A removal of `floor` objects or fewer always passes (a small organisation loses one of three people, too), unless it
/// is all there is. Above the floor a run is held when it removes more than `count` objects, or more than `percent` of
/// those that were there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limit {
    /// At most so many objects, whatever the size.
    pub count: u32,
    /// At most so many percent of what was there, 0 to 100.
    pub percent: u8,
    /// So few are never held.
    pub floor: u32,
}

/// The limits of every kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Users removed.
    pub users: Limit,
    /// Units removed.
    pub units: Limit,
    /// Memberships lost: members that leave groups that stay, and all of groups that go.
    pub memberships: Limit,
    /// People removed or disabled who hold a contact role.
    pub holders: Limit,
}

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
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Users => "users",
            Kind::Units => "units",
            Kind::Memberships => "group memberships",
            Kind::Holders => "holders of a contact role",
        })
    }
}

/// Why a run is held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum HoldReason {
    /// More would go than the limit lets pass.
    TooMany {
        /// Of what.
        kind: Kind,
        /// How many would go, those already approved not counted.
        removed: u32,
        /// How many there are.
        of: u32,
        /// The limit in force.
        limit: Limit,
    },
    /// Everything would go.
    All {
        /// Of what.
        kind: Kind,
        /// How many there are.
        of: u32,
    },
    /// The configuration's base, scope or filter changed since the last run, and somebody would go.
    ScopeChanged {
        /// How many users and units would go.
        removed: u32,
    },
}

impl std::fmt::Display for HoldReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HoldReason::TooMany { kind, removed, of, limit } => write!(
                f,
                "{removed} of {of} {kind} would be lost; up to {} and {} % pass without approval",
                limit.count, limit.percent
            ),
            HoldReason::All { kind, of } => write!(f, "all {of} {kind} would be lost"),
            HoldReason::ScopeChanged { removed } => write!(
                f,
                "the configured base or filter has changed since the last run, and {removed} users and units would be lost"
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
    /// The part of the directory that the delta changes, before it.
    pub before: &'a Directory,
    /// The limits in force.
    pub limits: &'a Limits,
    /// The users who hold a contact role now.
    pub holders: &'a BTreeSet<UserId>,
    /// Objects whose removal (or, for a group, change of members; for a holder, disabling) a person has approved.
    pub approved: &'a BTreeSet<Guid>,
    /// Whether base, scope or filter differ from those of the last committed run.
    pub scope_changed: bool,
}

/// Judges a delta: may it be committed, or must a person look first?
///
/// What was approved doesn't count; what came in addition since the approval does.
pub fn judge(delta: Delta, given: &Circumstances<'_>) -> Verdict {
    let lost = Lost::of(&delta, given);
    let limits = given.limits;
    let mut reasons: Vec<HoldReason> = [
        (Kind::Users, lost.users, given.before.users.len(), limits.users),
        (Kind::Units, lost.units, given.before.units.len(), limits.units),
        (Kind::Memberships, lost.memberships, given.before.memberships(), limits.memberships),
        (Kind::Holders, lost.holders, lost.holders_before, limits.holders),
    ]
    .into_iter()
    .filter_map(|(kind, removed, of, limit)| exceeds(kind, removed, of, limit))
    .collect();
    if given.scope_changed && lost.users + lost.units > 0 {
        reasons.push(HoldReason::ScopeChanged { removed: clamp(lost.users + lost.units) });
    }
    if reasons.is_empty() { Verdict::Checked(CheckedDelta(delta)) } else { Verdict::Held { delta, reasons } }
}

/// What a person approves by approving this delta: every object that it removes, every group that loses members and
/// every holder whom it disables.
pub fn approval_of(delta: &Delta) -> BTreeSet<Guid> {
    let users = delta.users.removed.iter().map(|u| u.id.0);
    let disabled = delta.users.changed.iter().filter(|(b, a)| b.enabled && !a.enabled).map(|(_, a)| a.id.0);
    let units = delta.units.removed.iter().map(|u| u.id.0);
    let groups = delta.groups.removed.iter().map(|g| g.id.0);
    let shrunk = delta.groups.changed.iter().map(|(_, a)| a.id.0);
    users.chain(disabled).chain(units).chain(groups).chain(shrunk).collect()
}

fn exceeds(kind: Kind, removed: usize, of: usize, limit: Limit) -> Option<HoldReason> {
    if removed == 0 {
        return None;
    }
    // "All" is meant for the wiping of a whole kind. A single object or membership, or the few that hold a role, come and go;
    // the floor speaks for those.
    let wiped = removed >= of && (matches!(kind, Kind::Users | Kind::Units) || removed > limit.floor as usize);
    if wiped && of > 1 {
        return Some(HoldReason::All { kind, of: clamp(of) });
    }
    let over_percent = (removed as u128) * 100 > (of as u128) * u128::from(limit.percent);
    let over = removed > limit.floor as usize && (removed > limit.count as usize || over_percent);
    over.then(|| HoldReason::TooMany { kind, removed: clamp(removed), of: clamp(of), limit })
}

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// How much of each kind a delta takes away, what is approved not counted.
struct Lost {
    users: usize,
    units: usize,
    memberships: usize,
    holders: usize,
    holders_before: usize,
}

impl Lost {
    fn of(delta: &Delta, given: &Circumstances<'_>) -> Lost {
        let fresh = |id: &Guid| !given.approved.contains(id);
        let gone: BTreeSet<UserId> = delta.users.removed.iter().map(|u| u.id).collect();
        let disabled = delta.users.changed.iter().filter(|(b, a)| b.enabled && !a.enabled).map(|(_, a)| a.id);
        let out_of_action = gone.iter().copied().chain(disabled);
        // A membership that goes with its user is counted with the user, not twice.
        let left = |before: &super::directory::Group, after: Option<&super::directory::Group>| {
            let users = before.users.iter().filter(|u| {
                !gone.contains(u) && after.is_none_or(|a| a.users.binary_search(u).is_err())
            });
            let groups = before.groups.iter().filter(|g| after.is_none_or(|a| a.groups.binary_search(g).is_err()));
            users.count() + groups.count()
        };
        let removed_groups = delta.groups.removed.iter().filter(|g| fresh(&g.id.0)).map(|g| left(g, None));
        let changed_groups =
            delta.groups.changed.iter().filter(|(_, a)| fresh(&a.id.0)).map(|(b, a)| left(b, Some(a)));
        Lost {
            users: gone.iter().filter(|id| fresh(&id.0)).count(),
            units: delta.units.removed.iter().filter(|u| fresh(&u.id.0)).count(),
            memberships: removed_groups.chain(changed_groups).sum(),
            holders: out_of_action.filter(|id| given.holders.contains(id) && fresh(&id.0)).count(),
            holders_before: given.holders.iter().filter(|id| given.before.users.contains_key(id)).count(),
        }
    }
}

#[cfg(test)]
mod tests;
