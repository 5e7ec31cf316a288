//! Schedules against examples, and against a second computation that walks minute by minute.

use std::collections::HashSet;

use chrono::{Datelike, TimeDelta, Timelike};
use chrono_tz::{Africa, America, Australia, Europe};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Zones with different habits: an hour at night, half an hour, an offset of half an hour, and a pause
/// of summer time in Ramadan.
const ZONES: [Tz; 5] =
    [Europe::Stockholm, Europe::London, America::St_Johns, Australia::Lord_Howe, Africa::Casablanca];

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The next `count` times in Stockholm, as its clock shows them.
fn stockholm(line: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(line, Europe::Stockholm).unwrap();
    successors(schedule.next_after(at(after)), |t| schedule.next_after(*t))
        .take(count)
        .map(|t| t.with_timezone(&Europe::Stockholm).format("%a %d %b %H:%M %Z").to_string())
        .collect()
}

#[test]
fn ordinary_lines() {
    let from = "2026-06-03T12:10:00+02:00"; // a Wednesday
    assert_eq!(
        stockholm("*/15 * * * *", from, 3),
        ["Wed 03 Jun 12:15 CEST", "Wed 03 Jun 12:30 CEST", "Wed 03 Jun 12:45 CEST"]
    );
    assert_eq!(
        stockholm("0 6 * * MON-FRI", from, 3).join(", "),
        "Thu 04 Jun 06:00 CEST, Fri 05 Jun 06:00 CEST, Mon 08 Jun 06:00 CEST"
    );
    assert_eq!(stockholm("0 0 * * 0", from, 1), stockholm("0 0 * * 7", from, 1));
    assert_eq!(stockholm("0 0 * * sun", from, 1), ["Sun 07 Jun 00:00 CEST"]);
    assert_eq!(stockholm("@weekly", from, 1), ["Sun 07 Jun 00:00 CEST"]);
    assert_eq!(stockholm("@hourly", from, 1), ["Wed 03 Jun 13:00 CEST"]);
    assert_eq!(stockholm("@Daily", from, 1), ["Thu 04 Jun 00:00 CEST"]);
    assert_eq!(stockholm("@yearly", from, 1), ["Fri 01 Jan 00:00 CET"]);
    assert_eq!(stockholm("0 12 * jan,DEC *", from, 1), ["Tue 01 Dec 12:00 CET"]);
    assert_eq!(stockholm("  0\t12  1 7-8 * ", from, 2), ["Wed 01 Jul 12:00 CEST", "Sat 01 Aug 12:00 CEST"]);
}

#[test]
fn steps_in_the_weekday_field() {
    let from = "2026-06-06T12:00:00+02:00"; // a Saturday
    let days = |line| stockholm(line, from, 4).iter().map(|t| t[..3].to_owned()).collect::<Vec<_>>();
    assert_eq!(days("0 0 * * */2"), ["Sun", "Tue", "Thu", "Sat"]);
    assert_eq!(days("0 0 * * 1-5/2"), ["Mon", "Wed", "Fri", "Mon"]);
    assert_eq!(days("0 0 * * 1-7/3"), ["Sun", "Mon", "Thu", "Sun"]);
    assert_eq!(days("0 0 * * SAT-SUN"), ["Sun", "Sat", "Sun", "Sat"]);
    assert_eq!(days("0 0 * * SUN-SUN"), ["Sun", "Sun", "Sun", "Sun"]);
    assert_eq!(days("0 0 * * 0-7"), ["Sun", "Mon", "Tue", "Wed"]);
}

#[test]
fn either_kind_of_day_counts_when_both_are_restricted() {
    let from = "2026-06-03T12:00:00+02:00";
    assert_eq!(
        stockholm("30 4 1,15 * 5", from, 4).join(", "),
        "Fri 05 Jun 04:30 CEST, Fri 12 Jun 04:30 CEST, Mon 15 Jun 04:30 CEST, Fri 19 Jun 04:30 CEST"
    );
    // A field that begins with `*` is not restricted, so both must match: the first Monday of a month.
    assert_eq!(
        stockholm("0 8 */31,2-7 * MON", from, 3).join(", "),
        "Mon 06 Jul 08:00 CEST, Mon 03 Aug 08:00 CEST, Mon 07 Sep 08:00 CEST"
    );
    assert_eq!(stockholm("0 8 13 * */5", from, 2).join(", "), "Sun 13 Sep 08:00 CEST, Fri 13 Nov 08:00 CET");
}

#[test]
fn a_time_of_day_in_the_missing_hour_comes_right_after_it() {
    let from = "2026-03-28T12:00:00+01:00";
    assert_eq!(
        stockholm("30 2 * * *", from, 3).join(", "),
        "Sun 29 Mar 03:00 CEST, Mon 30 Mar 02:30 CEST, Tue 31 Mar 02:30 CEST"
    );
    assert_eq!(
        stockholm("0,20,40 2,3 * * *", from, 5).join(", "),
        "Sun 29 Mar 03:00 CEST, Sun 29 Mar 03:20 CEST, Sun 29 Mar 03:40 CEST, Mon 30 Mar 02:00 CEST, Mon 30 Mar 02:20 CEST"
    );
}

#[test]
fn a_time_of_day_in_the_repeated_hour_comes_once() {
    assert_eq!(
        stockholm("30 2 * * *", "2026-10-24T12:00:00+02:00", 2),
        ["Sun 25 Oct 02:30 CEST", "Mon 26 Oct 02:30 CET"]
    );
    // A daemon started in the second pass doesn't catch up on the first one.
    assert_eq!(stockholm("30 2 * * *", "2026-10-25T02:05:00+01:00", 1), ["Mon 26 Oct 02:30 CET"]);
    assert_eq!(stockholm("*/15 2-3 * * *", "2026-10-25T02:05:00+01:00", 1), ["Sun 25 Oct 03:00 CET"]);
}

#[test]
fn an_interval_goes_on_through_the_repeated_and_the_missing_hour() {
    assert_eq!(
        stockholm("*/30 * * * *", "2026-10-25T01:30:00+02:00", 6).join(", "),
        "Sun 25 Oct 02:00 CEST, Sun 25 Oct 02:30 CEST, Sun 25 Oct 02:00 CET, Sun 25 Oct 02:30 CET, Sun 25 Oct 03:00 CET, Sun 25 Oct 03:30 CET"
    );
    assert_eq!(
        stockholm("25,55 * * * *", "2026-03-29T01:30:00+01:00", 3).join(", "),
        "Sun 29 Mar 01:55 CET, Sun 29 Mar 03:25 CEST, Sun 29 Mar 03:55 CEST"
    );
}

#[test]
fn leap_days_and_the_end_of_the_calendar() {
    let schedule = Schedule::parse("0 0 29 2 *", Tz::UTC).unwrap();
    assert_eq!(schedule.next_after(at("2026-01-01T00:00:00Z")), Some(at("2028-02-29T00:00:00Z")));
    assert_eq!(schedule.next_after(at("2101-01-01T00:00:00Z")), None);
}

#[test]
fn mistakes_are_named() {
    let error = |line: &str| Schedule::parse(line, Tz::UTC).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            "",
            "* * * *",
            "0 */15 * * * *",
            "@reboot",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "* * * * MONDAY",
            "* * ? * *",
            "* * L * *",
            "1,,2 * * * *",
            "*/0 * * * *",
            "*/90 * * * *",
            "*/x * * * *",
            "5/15 * * * *",
            "22-2 * * * *",
            "* * * * FRI-MON",
            "+5 * * * *",
            "5- * * * *",
            "* * jan * *",
            "1-2-3 * * * *",
            "99999999999 * * * *",
            "0 0 31 2 *",
            "0 0 30 FEB *",
            "0 0 31 4,6,9,11 *",
            "å * * * *",
        ]
        .map(|line| format!("{line:?}: {}", error(line)))
        .join("\n")
    );
}

/// Whether a line can fire on some day, not whether it does in a given year.
#[test]
fn a_rare_day_is_not_a_mistake() {
    for line in ["0 0 31 2 MON", "0 0 29 2 */6", "0 0 31 * *", "0 0 31 1-2 *"] {
        assert!(Schedule::parse(line, Tz::UTC).is_ok(), "{line}");
    }
}

/// One item of a field, kept apart from the parser so that the two can be compared.
#[derive(Clone, Copy, Debug)]
enum Item {
    All(u32),
    Value(u32),
    Range(u32, u32, u32),
}

#[derive(Clone, Debug)]
struct Spec {
    /// Minute, hour, day of month, month, weekday.
    fields: [Vec<Item>; 5],
}

const LIMITS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

impl Spec {
    fn line(&self) -> String {
        let item = |item: &Item| match *item {
            Item::All(1) => "*".to_owned(),
            Item::All(step) => format!("*/{step}"),
            Item::Value(value) => value.to_string(),
            Item::Range(first, last, 1) => format!("{first}-{last}"),
            Item::Range(first, last, step) => format!("{first}-{last}/{step}"),
        };
        self.fields.each_ref().map(|items| items.iter().map(item).collect::<Vec<_>>().join(",")).join(" ")
    }

    fn field_matches(&self, field: usize, value: u32) -> bool {
        let lowest = LIMITS[field].0;
        self.fields[field].iter().any(|item| match *item {
            Item::All(step) => (value - lowest).is_multiple_of(step),
            Item::Value(only) => value == only,
            Item::Range(first, last, step) => {
                (first..=last).contains(&value) && (value - first).is_multiple_of(step)
            }
        })
    }

    fn matches(&self, wall: NaiveDateTime) -> bool {
        let weekday = wall.weekday().num_days_from_sunday();
        let day = self.field_matches(2, wall.day());
        // Seven is another name of Sunday, but `*` doesn't count up to it.
        let written_seven = |item: &Item| match *item {
            Item::All(_) => false,
            Item::Value(only) => only == 7,
            Item::Range(first, last, step) => last == 7 && (7 - first).is_multiple_of(step),
        };
        let weekday =
            self.field_matches(4, weekday) || weekday == 0 && self.fields[4].iter().any(written_seven);
        let starred = |field: usize| matches!(self.fields[field][0], Item::All(_));
        let either = !starred(2) && !starred(4);
        self.field_matches(0, wall.minute())
            && self.field_matches(1, wall.hour())
            && self.field_matches(3, wall.month())
            && if either { day || weekday } else { day && weekday }
    }

    fn is_every_hour(&self) -> bool {
        (0..24).all(|hour| self.field_matches(1, hour))
    }

    /// The second computation: every minute of real time after `from` up to `to`, one by one.
    fn walk(&self, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let wall = |t: DateTime<Utc>| t.with_timezone(&zone).naive_local();
        let minute = TimeDelta::minutes(1);
        let interval = self.is_every_hour();
        let mut seen = HashSet::new();
        let mut fired = Vec::new();
        // From a little earlier, so that the first pass of a repeated hour has been seen.
        let mut t = from - TimeDelta::hours(2);
        while t <= to {
            let (before, now) = (wall(t - minute), wall(t));
            let mut due = self.matches(now) && (interval || !seen.contains(&now));
            let mut skipped = before + minute;
            while skipped < now && !interval {
                due |= self.matches(skipped);
                skipped += minute;
            }
            if due && t > from {
                fired.push(t);
            }
            seen.insert(now);
            t += minute;
        }
        fired
    }
}

fn field(index: usize) -> impl Strategy<Value = Vec<Item>> {
    let (low, high) = LIMITS[index];
    let step = 1..=high.min(6);
    let range =
        (low..=high, low..=high, step.clone()).prop_map(|(a, b, step)| Item::Range(a.min(b), a.max(b), step));
    let item =
        prop_oneof![2 => (low..=high).prop_map(Item::Value), 2 => range, 1 => step.prop_map(Item::All)];
    prop_oneof![2 => Just(vec![Item::All(1)]), 3 => prop::collection::vec(item, 1..4)]
}

fn spec() -> impl Strategy<Value = Spec> {
    (field(0), field(1), field(2), field(3), field(4))
        .prop_map(|(a, b, c, d, e)| Spec { fields: [a, b, c, d, e] })
}

/// Lines that fire often enough at night to meet the changes of the clock.
fn nightly() -> impl Strategy<Value = Spec> {
    let hour =
        prop_oneof![Just(vec![Item::All(1)]), prop::collection::vec((0u32..5).prop_map(Item::Value), 1..4)];
    let all = || Just(vec![Item::All(1)]);
    (field(0), hour, all(), all(), prop_oneof![all(), field(4)])
        .prop_map(|(a, b, c, d, e)| Spec { fields: [a, b, c, d, e] })
}

/// The whole hours at which the clock of `zone` has been changed since the hour before, in 2026 and 2027.
fn changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let offset = |t: &DateTime<Utc>| t.with_timezone(&zone).naive_local() - t.naive_utc();
    let start = at("2026-01-01T00:00:00Z");
    (0..2 * 365 * 24)
        .map(|hour| start + TimeDelta::hours(hour))
        .filter(|t| offset(t) != offset(&(*t - TimeDelta::hours(1))))
        .collect()
}

fn fired(schedule: &Schedule, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    successors(schedule.next_after(from), |t| schedule.next_after(*t)).take_while(|t| *t <= to).collect()
}

#[test]
fn every_zone_changes_its_clock_four_times_in_two_years() {
    for zone in ZONES {
        assert_eq!(changes(zone).len(), 4, "{zone}");
    }
}

/// Fixed lines over every change, so that none is left to chance.
#[test]
fn each_change_of_the_clock_agrees_with_the_slow_walk() {
    let all = || vec![Item::All(1)];
    let values = |values: &[u32]| values.iter().copied().map(Item::Value).collect::<Vec<_>>();
    let minutes = [all(), vec![Item::All(15)], values(&[0]), values(&[5, 40]), values(&[30])];
    let hours = [all(), vec![Item::All(2)], values(&[0]), values(&[1]), values(&[2]), values(&[1, 2, 3])];
    for zone in ZONES {
        for change in changes(zone) {
            let (from, to) = (change - TimeDelta::hours(4), change + TimeDelta::hours(6));
            for minute in &minutes {
                for hour in &hours {
                    let spec = Spec { fields: [minute.clone(), hour.clone(), all(), all(), all()] };
                    let schedule = Schedule::parse(&spec.line(), zone).unwrap();
                    assert_eq!(
                        fired(&schedule, from, to),
                        spec.walk(zone, from, to),
                        "{schedule} around {change}"
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_line_around_a_change_agrees_with_the_slow_walk(
        spec in nightly(),
        zone in select(&ZONES[..]),
        change in any::<Index>(),
        seconds in -40 * 3600i64..10 * 3600,
    ) {
        let change = *change.get(&changes(zone));
        let from = change + TimeDelta::seconds(seconds);
        let to = change + TimeDelta::hours(20);
        let schedule = Schedule::parse(&spec.line(), zone).unwrap();
        let whole_minute = from.with_second(0).unwrap();
        let mut expected = spec.walk(zone, whole_minute, to);
        expected.retain(|t| *t > from);
        prop_assert_eq!(fired(&schedule, from, to), expected, "{}", schedule);
    }

    #[test]
    fn any_line_on_any_days_agrees_with_the_slow_walk(
        spec in spec(),
        zone in select(&ZONES[..]),
        hours in 0..2 * 365 * 24i64,
    ) {
        let from = at("2026-01-01T00:00:00Z") + TimeDelta::hours(hours);
        let to = from + TimeDelta::days(4);
        let Ok(schedule) = Schedule::parse(&spec.line(), zone) else {
            return Err(TestCaseError::reject("a date that never comes"));
        };
        prop_assert_eq!(fired(&schedule, from, to), spec.walk(zone, from, to), "{}", schedule);
    }

    #[test]
    fn the_answer_is_later_and_fits_the_line_or_ends_a_gap(
        spec in spec(),
        zone in select(&ZONES[..]),
        millis in 1_700_000_000_000..4_000_000_000_000i64,
    ) {
        let Ok(schedule) = Schedule::parse(&spec.line(), zone) else {
            return Err(TestCaseError::reject("a date that never comes"));
        };
        let mut now = DateTime::from_timestamp_millis(millis).unwrap();
        for _ in 0..20 {
            let next = schedule.next_after(now).unwrap();
            prop_assert!(next > now);
            let wall = |t: DateTime<Utc>| t.with_timezone(&zone).naive_local();
            let after_gap = wall(next) - wall(next - TimeDelta::minutes(1)) > TimeDelta::minutes(1);
            prop_assert!(spec.matches(wall(next)) || after_gap, "{} gave {}", schedule, next);
            now = next;
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = Schedule::parse(&text, Tz::UTC);
    }

    #[test]
    fn nothing_made_of_the_right_characters_panics(text in "[-0-9*/,@ A-Za-z]{0,40}") {
        let _ = Schedule::parse(&text, Tz::UTC);
    }
}
