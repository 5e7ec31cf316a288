//! `[acknowledge]`: which notices ask to be taken on, and when they go to others. Everything here can be reloaded.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::json;

use super::durations::{DAY, HOUR, delta};
use super::outages::SEVERITIES;
use super::reader::{Mark, Problem, Section};
use super::support::hours;
use super::words::{choose, quoted};
use crate::domain::calendar::Calendar;
use crate::domain::climb::Policy;
use crate::domain::notice::NoticeKind;
use crate::domain::outage::Severity;

/// The kinds that may demand something of somebody.
const KINDS: [(&str, NoticeKind); 4] = [
    ("outage", NoticeKind::Outage),
    ("alert", NoticeKind::Alert),
    ("coverage", NoticeKind::Coverage),
    ("delivery", NoticeKind::Delivery),
];

pub(super) fn read(table: &Section, zone: Tz, calendar: &Arc<Calendar>) -> Policy {
    let words = KINDS.map(|(word, _)| word);
    let kinds = table.list("kinds", |text| {
        let known = KINDS.iter().find(|(word, _)| *word == text).map(|(_, kind)| *kind);
        let problem = || Problem::new(format!("can't be {}", quoted(text))).hint(choose(text, &words));
        known.ok_or_else(problem)
    });
    if !table.is_set("kinds") {
        table.set("kinds", json!(["alert"]));
    }
    let least = Duration::from_secs(60);
    let working = table.section("hours");
    let hours = hours(&working, zone, calendar);
    if hours.next_open(DateTime::UNIX_EPOCH).is_none() {
        let problem = Problem::new("has no working time: nobody would ever be given any");
        working.note(Mark::Key, problem.hint("for example: monday = \"08:00-16:00\""));
    }
    Policy {
        kinds: kinds.unwrap_or_else(|| vec![NoticeKind::Alert]).into_iter().collect(),
        severity: table.choice("severity", &SEVERITIES, Some("major")).unwrap_or(Severity::Major),
        after: delta(table.duration("after", least..=30 * DAY, HOUR)),
        hours,
        critical_always: table.flag("critical_at_any_hour", true),
        widest: Some(table.number("widest", 0..=10_000, 20))
            .filter(|most| *most > 0)
            .map(|most| most as usize),
    }
}
