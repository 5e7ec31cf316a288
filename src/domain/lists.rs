//! Lists of people that somebody else keeps, such as the vendor's account managers: what a file says, and whether it may be believed
//! after what was believed before.
//!
//! A list grants its roles and nothing else. What isn't right in every line is refused as a whole: the last good list stays in force.

mod json;
mod parse;
#[cfg(test)]
mod tests;
mod toml;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use super::ids::ListName;
use super::mailbox::Address;
use super::roles::RoleName;
pub use parse::{Format, LARGEST, MOST_PEOPLE, Mistake, Mistakes, Rules, date_or_time, parse};

/// Somebody on a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListedPerson {
    /// Which role they hold by it.
    pub role: RoleName,
    /// What they are called.
    pub name: Box<str>,
    /// Where to write to.
    pub mail: Address,
    /// Where to call.
    pub phone: Option<Box<str>>,
    /// Title.
    pub title: Option<Box<str>>,
    /// What they answer for, such as `licences and contracts`.
    pub about: Option<Box<str>>,
    /// For people.
    pub note: Option<Box<str>>,
    /// From when on it counts. None: since ever.
    pub from: Option<DateTime<Utc>>,
    /// The first moment at which it doesn't count any more. None: for good.
    pub until: Option<DateTime<Utc>>,
}

/// What a file says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Listing {
    /// When it was issued, if it says so.
    pub issued: Option<DateTime<Utc>>,
    /// Who is on it, in its order.
    pub people: Vec<ListedPerson>,
}

impl Listing {
    /// How many people it has for a role.
    pub fn count(&self, role: &RoleName) -> usize {
        self.people.iter().filter(|person| person.role == *role).count()
    }
}

/// A list that was believed, with when and where it was taken. It is kept until a newer one is believed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenList {
    /// Which list.
    pub name: ListName,
    /// What it says.
    pub listing: Listing,
    /// When it was taken.
    pub taken: DateTime<Utc>,
    /// The address or file that it was taken from.
    pub from: Box<str>,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// A digest of where it was taken from and why it was trusted: when the configuration says another thing, it isn't enough that the
    /// server says that nothing has changed.
    pub terms: u64,
    /// The server's `ETag` (RFC 9110 §8.8.3).
    pub etag: Option<Box<str>>,
    /// The server's `Last-Modified` (RFC 9110 §8.8.2), as it was sent.
    pub modified: Option<Box<str>>,
}

/// What becomes of a file that was read and is trusted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It takes the place of the one before.
    Take,
    /// It says the same as the one in force.
    Same,
    /// It was issued before the one in force: somebody sends an old one again. A person may accept that.
    Older {
        /// When it was issued.
        issued: DateTime<Utc>,
        /// When the one in force was.
        in_force: DateTime<Utc>,
    },
    /// It doesn't say when it was issued, and the one in force does: it may be an old one. A person may accept that.
    Undated {
        /// When the one in force was issued.
        in_force: DateTime<Utc>,
    },
    /// It was issued on a day that is still to come, and would shut out those that come until then.
    Ahead {
        /// That day.
        issued: DateTime<Utc>,
    },
    /// It has nobody any more for roles that had somebody. A person has to accept that.
    Emptied {
        /// Those roles.
        roles: Vec<RoleName>,
    },
}

/// So far clocks and time zones may be apart.
const APART: TimeDelta = TimeDelta::days(1);

/// Judges what a file says by what is in force; `roles` are those that the list may give.
pub fn judge(before: Option<&Listing>, found: &Listing, roles: &[RoleName], now: DateTime<Utc>) -> Verdict {
    if let Some(issued) = found.issued.filter(|issued| now + APART < *issued) {
        return Verdict::Ahead { issued };
    }
    let Some(before) = before else { return Verdict::Take };
    if before == found {
        return Verdict::Same;
    }
    match (before.issued, found.issued) {
        (Some(in_force), Some(issued)) if issued < in_force => return Verdict::Older { issued, in_force },
        (Some(in_force), None) => return Verdict::Undated { in_force },
        _ => {}
    }
    let emptied = roles.iter().filter(|role| before.count(role) > 0 && found.count(role) == 0);
    let mut roles: Vec<RoleName> = emptied.cloned().collect();
    roles.sort();
    if roles.is_empty() { Verdict::Take } else { Verdict::Emptied { roles } }
}

/// Who holds a role by the lists that are configured, and only what those may give now.
pub fn listed(
    taken: &BTreeMap<ListName, Arc<TakenList>>,
    lists: &BTreeMap<ListName, Vec<RoleName>>,
) -> Arc<Vec<(ListName, ListedPerson)>> {
    let of = |(name, roles): (&ListName, &Vec<RoleName>)| {
        let listing = taken.get(name).map(|list| &list.listing);
        let people = listing.into_iter().flat_map(|listing: &Listing| &listing.people);
        let people = people.filter(|person| roles.contains(&person.role));
        people.map(|person| (name.clone(), person.clone())).collect::<Vec<_>>()
    };
    Arc::new(lists.iter().flat_map(of).collect())
}
