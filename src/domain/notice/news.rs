//! The facts of what contacts are told: that they are contacts now, or no longer, and what they are contacts for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::changes::Why;
use crate::domain::ids::RoleName;
use crate::domain::tree::{Index, UnitTree};

/// What somebody has to do with a change of contacts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// They answer now.
    New,
    /// They don't answer any more.
    Former,
    /// They own the system for the units.
    Owner,
}

/// All that one person is told of changed contacts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContactNews {
    /// Since when the changes are.
    pub since: DateTime<Utc>,
    /// The changes, the first of them.
    pub news: Vec<NewsFacts>,
    /// How many more there are.
    pub more: u32,
}

/// A change of contacts, as it concerns one person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewsFacts {
    /// What the person has to do with it.
    pub part: Part,
    /// In which role.
    pub role: RoleName,
    /// Whose deputy the person is in it.
    pub deputy_for: Option<Box<str>>,
    /// The first of the units.
    pub units: Vec<UnitsAt>,
    /// How many more units there are.
    pub more: u32,
    /// How many there are in all.
    pub all_units: u32,
    /// How many users belong to them.
    pub users: u32,
    /// Who answered, besides the person.
    pub before: Vec<Box<str>>,
    /// Who answers, besides the person.
    pub after: Vec<Box<str>>,
    /// Nobody of the role answers, but this one does.
    pub fallback: Option<Fallback>,
    /// Why, as far as it can be told.
    pub why: Vec<Why>,
}

/// Who answers when nobody nearer does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fallback {
    /// Which role.
    pub role: RoleName,
    /// Who it is now; nobody, when it isn't the same for all units.
    pub people: Vec<Box<str>>,
}

/// A unit, and how many of those below it go with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnitsAt {
    /// The path of the unit.
    pub path: Box<str>,
    /// So many below it.
    pub below: u32,
}

/// Units as people read them, at most so many lines, and how many units are on none of these: a unit stands for those below it. They are given in the
/// order of the tree.
pub fn units_at(tree: &UnitTree, units: &[Index], most: usize) -> (Vec<UnitsAt>, u32) {
    let mut tops: Vec<(Index, u32)> = Vec::new();
    for unit in units {
        match tops.last_mut().filter(|(top, _)| tree.subtree(*top).contains(unit)) {
            Some((_, below)) => *below = below.saturating_add(1),
            None => tops.push((*unit, 0)),
        }
    }
    let more = tops.iter().skip(most).map(|(_, below)| below.saturating_add(1)).fold(0, u32::saturating_add);
    let line = |(top, below): &(Index, u32)| UnitsAt { path: tree.path(*top).into(), below: *below };
    (tops.iter().take(most).map(line).collect(), more)
}

/// That contacts changed for more people than are told one by one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContactSummary {
    /// Since when.
    pub since: DateTime<Utc>,
    /// How many people would have got a mail.
    pub people: u32,
    /// How many units have other contacts.
    pub units: u32,
    /// How many users belong to them.
    pub users: u32,
    /// By role.
    pub roles: Vec<RoleSum>,
}

/// How much changed in one role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleSum {
    /// Which role.
    pub role: RoleName,
    /// How many units have other contacts.
    pub units: u32,
    /// How many users belong to them.
    pub users: u32,
    /// How many of the units have nobody now.
    pub without: u32,
}
