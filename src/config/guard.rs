//! `[guard]` and `[directory.guard]`: how much may go, or change, in one run without a person's word. Everything here can be reloaded.

use super::reader::{Problem, Section};
use crate::domain::guard::{Limit, Limits};

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
        absences: limit(&section.section("absences"), above.absences),
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
