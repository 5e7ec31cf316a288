//! How much may go, or change, in one run without a person's word; of users and units, also within a day.

use serde::{Deserialize, Serialize};

/// How many losses, or changes, of one kind pass without being asked about.
///
/// A loss of `floor` or fewer always passes (a small organisation loses one of three people, too), unless it is all the
/// users or all the units, of which there were several. Above the floor a run is held when more than `count` are lost, or
/// more than `percent` of those that were there, or all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limit {
    /// At most so many objects, whatever the size.
    pub count: u32,
    /// At most so many percent of what was there, 0 to 100.
    pub percent: u8,
    /// So few are never held.
    pub floor: u32,
}

impl Limit {
    /// Whether so many of `of` are more than pass.
    pub fn is_exceeded(self, many: usize, of: usize) -> bool {
        let over_percent = (many as u128) * 100 > (of as u128) * u128::from(self.percent);
        many > self.floor as usize && (many > self.count as usize || over_percent)
    }
}

/// The limits of every kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Users put out of action: removed, disabled, or left without a mail address.
    pub users: Limit,
    /// Units removed.
    pub units: Limit,
    /// Memberships lost: members that leave groups that stay, and all of groups that go.
    pub memberships: Limit,
    /// People who can be turned to in some role, and can't be afterwards: removed, disabled, without an address, moved away from
    /// the unit they answer for, or without the group or the `managedBy` that made them a contact.
    pub holders: Limit,
    /// Users whose mail address becomes another one.
    pub mails: Limit,
    /// Users one of whose phones becomes another one, or goes.
    pub phones: Limit,
    /// Users who move from a unit to another one, or to none.
    pub moves: Limit,
    /// Users of whom an attribute of the directory said absences, and says none any more.
    pub absences: Limit,
}

impl Limits {
    /// The same for every kind.
    #[must_use]
    pub const fn same(limit: Limit) -> Limits {
        Limits {
            users: limit,
            units: limit,
            memberships: limit,
            holders: limit,
            mails: limit,
            phones: limit,
            moves: limit,
            absences: limit,
        }
    }
}

/// A third of the people whose mail address, phone or unit changes, or whose absence goes, at once is no normal day; nor are 2,000 in one run of a large
/// organisation. A reorganisation is held, and approved by somebody who knows of it.
const CHANGES: Limit = Limit { count: 2000, percent: 30, floor: 20 };

/// What holds where nothing else is said.
///
/// Above the floor both bounds count: of 2,000 users 100 pass (5 %), of 100,000 users 500. People change groups in larger numbers and at
/// less risk; of the few who hold a contact role, more than one at a time is worth a look unless they are many.
impl Default for Limits {
    fn default() -> Limits {
        Limits {
            users: Limit { count: 500, percent: 5, floor: 5 },
            units: Limit { count: 50, percent: 10, floor: 2 },
            memberships: Limit { count: 5000, percent: 10, floor: 50 },
            holders: Limit { count: 5, percent: 20, floor: 1 },
            ..Limits::same(CHANGES)
        }
    }
}
