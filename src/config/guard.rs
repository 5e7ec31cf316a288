//! `[guard]` and `[directory.guard]`: how much may go, or change, in one run without a person's word. Everything here can be reloaded.

use super::reader::{Problem, Section};
use crate::domain::guard::{Limit, Limits};

/// What holds without `[guard]`.
///
/// Above the floor both bounds count: of 2,000 users 100 pass (5 %), of 100,000 users 500. People change groups in larger numbers and at
/// less risk; of the few who hold a contact role, more than one at a time is worth a look unless they are many.
pub const DEFAULT: Limits = Limits {
    users: Limit { count: 500, percent: 5, floor: 5 },
    units: Limit { count: 50, percent: 10, floor: 2 },
    memberships: Limit { count: 5000, percent: 10, floor: 50 },
    holders: Limit { count: 5, percent: 20, floor: 1 },
    mails: CHANGES,
    phones: CHANGES,
    moves: CHANGES,
};

/// A third of the people whose mail address, phone or unit changes at once is no normal day; nor are 2,000 in one run of a large
/// organisation. A reorganisation is held, and approved by somebody who knows of it.
const CHANGES: Limit = Limit { count: 2000, percent: 30, floor: 20 };

/// The limits of a table; what it doesn't say is as in `above`.
pub(super) fn read(section: &Section, above: &Limits) -> Limits {
    Limits {
        users: limit(&section.section("users"), above.users),
        units: limit(&section.section("units"), above.units),
        memberships: limit(&section.section("memberships"), above.memberships),
        holders: limit(&section.section("holders"), above.holders),
        mails: limit(&section.section("mails"), above.mails),
        phones: limit(&section.section("phones"), above.phones),
        moves: limit(&section.section("moves"), above.moves),
    }
}

fn limit(section: &Section, above: Limit) -> Limit {
    let limit = Limit {
        count: section.number("count", 0..=u32::MAX, above.count),
        percent: section.number("percent", 0..=100, above.percent),
        floor: section.number("floor", 0..=u32::MAX, above.floor),
    };
    // What is inherited was judged above.
    if limit.floor > limit.count && (section.is_set("floor") || section.is_set("count")) {
        let key = if section.is_set("floor") { "floor" } else { "count" };
        let problem = format!(
            "contradicts itself: so few are never held ({}), and so many always ({})",
            limit.floor, limit.count
        );
        section.mistake(key, Problem::new(problem).hint("floor must not be above count"));
    }
    limit
}
