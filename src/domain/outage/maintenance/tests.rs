//! What the clock brings to maintenance, and what people do with it.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::outage::Severity;
use crate::domain::outage::tests::{now, opening};

const WEEK_AND_DAY: [TimeDelta; 2] = [TimeDelta::days(7), TimeDelta::days(1)];

fn at(hours: i64) -> DateTime<Utc> {
    now() + TimeDelta::hours(hours)
}

fn plan(from: i64, until: i64, by_hand: bool) -> Result<Outage, Refused> {
    let window = Window { from: at(from), until: at(until) };
    Outage::plan(OutageId(7), opening("New disks"), window, by_hand, &WEEK_AND_DAY, Actor::System, now())
}

/// Everything that the clock brings until `until`, looked at every hour.
fn run(outage: &mut Outage, from: i64, until: i64) -> Vec<(i64, Due)> {
    let mut brought = Vec::new();
    for hour in from..until {
        while let Some(due) = outage.due(&WEEK_AND_DAY, at(hour)) {
            *outage = outage.by_clock(due, at(hour));
            brought.push((hour, due));
        }
    }
    brought
}

#[test]
fn it_is_reminded_of_begun_and_completed_at_its_time() {
    let mut outage = plan(240, 242, false).unwrap();
    assert_eq!((outage.state(), outage.version()), (State::Planned, 0));
    let brought = run(&mut outage, 0, 400);
    let day = 24 * 60;
    assert_eq!(
        brought,
        [(72, Due::Remind(7 * day)), (216, Due::Remind(day)), (240, Due::Start), (242, Due::Complete)]
    );
    assert_eq!((outage.state(), outage.ended_at(), outage.version()), (State::Completed, Some(at(242)), 4));
}

#[test]
fn what_is_announced_late_is_not_reminded_of_what_is_past() {
    let mut outage = plan(48, 50, false).unwrap();
    let brought = run(&mut outage, 0, 48);
    assert_eq!(brought, [(24, Due::Remind(24 * 60))], "the announcement came after a week before it");
    assert_eq!(run(&mut plan(10, 11, false).unwrap(), 0, 12), [(10, Due::Start), (11, Due::Complete)]);
}

#[test]
fn after_a_standstill_only_how_it_stands_is_told() {
    let planned = plan(240, 242, false).unwrap();
    assert_eq!(planned.due(&WEEK_AND_DAY, at(220)), Some(Due::Remind(24 * 60)), "not the week's, too");
    assert_eq!(planned.due(&WEEK_AND_DAY, at(241)), Some(Due::Start));
    assert_eq!(planned.due(&WEEK_AND_DAY, at(999)), Some(Due::Complete));
    assert_eq!(plan(240, 242, true).unwrap().due(&WEEK_AND_DAY, at(999)), Some(Due::Overdue));
}

#[test]
fn completed_by_hand_it_is_overdue_once_and_a_new_end_makes_it_due_again() {
    let mut outage = plan(2, 4, true).unwrap();
    assert_eq!(run(&mut outage, 0, 100), [(2, Due::Start), (4, Due::Overdue)]);
    assert_eq!(outage.state(), State::Started);
    let window = Window { from: at(2), until: at(110) };
    let mut longer = outage.move_to(window, ("", Tz::UTC), &WEEK_AND_DAY, Actor::System, at(100)).unwrap();
    assert_eq!(longer.state(), State::Started, "it goes on");
    assert_eq!(run(&mut longer, 100, 200), [(110, Due::Overdue)]);
    let done = longer.step(Step::Complete, "", Actor::System, at(111)).unwrap();
    assert_eq!((done.due(&WEEK_AND_DAY, at(999)), done.next_due(&WEEK_AND_DAY, at(0))), (None, None));
}

#[test]
fn moved_it_is_announced_and_reminded_of_anew() {
    let mut outage = plan(48, 50, false).unwrap();
    assert_eq!(run(&mut outage, 0, 40).len(), 1);
    let window = Window { from: at(100), until: at(101) };
    let mut moved = outage.move_to(window, ("", Tz::UTC), &WEEK_AND_DAY, Actor::System, at(40)).unwrap();
    assert_eq!((moved.state(), moved.plan.as_ref().unwrap().sequence), (State::Planned, 1));
    let brought = run(&mut moved, 40, 200);
    assert_eq!(brought, [(76, Due::Remind(24 * 60)), (100, Due::Start), (101, Due::Complete)]);
    let same =
        outage.move_to(Window { from: at(48), until: at(50) }, ("", Tz::UTC), &[], Actor::System, at(40));
    assert_eq!(same, Err(Refused::Same(OutageId(7))));
}

#[test]
fn what_has_begun_keeps_its_beginning_and_what_is_over_stays_over() {
    let started = plan(48, 50, false).unwrap().step(Step::Start, "", Actor::System, at(1)).unwrap();
    assert_eq!(started.due(&WEEK_AND_DAY, at(30)), None, "no reminder of what is under way");
    let moved =
        started.move_to(Window { from: at(49), until: at(60) }, ("", Tz::UTC), &[], Actor::System, at(2));
    assert_eq!(moved, Err(Refused::Time(BadTime::Begun(at(1)))));
    // It began before its time: it can end before the time at which it was to begin.
    let sooner = started
        .move_to(Window { from: at(1), until: at(4) }, ("", Tz::UTC), &[], Actor::System, at(2))
        .unwrap();
    let plan = sooner.plan.as_ref().unwrap();
    assert_eq!((plan.from, plan.until, plan.sequence), (at(1), at(4), 2));
    assert_eq!(sooner.due(&WEEK_AND_DAY, at(4)), Some(Due::Complete));
    assert_eq!(started.step(Step::Start, "", Actor::System, at(2)), Err(Refused::Same(OutageId(7))));
    let cancelled = started.step(Step::Cancel, "No disks.", Actor::System, at(3)).unwrap();
    assert_eq!(cancelled.plan.as_ref().unwrap().sequence, 2, "its entry in calendars is another one");
    for step in [Step::Start, Step::Complete, Step::Cancel] {
        let over = Refused::Over(OutageId(7), State::Cancelled, at(3));
        assert_eq!(cancelled.step(step, "", Actor::System, at(4)), Err(over));
    }
    let resolved = started.update("x", Some(State::Resolved), Actor::System, at(2));
    assert_eq!(resolved, Err(Refused::OtherKind { id: OutageId(7), state: State::Resolved }));
    assert_eq!(started.update("On it.", None, Actor::System, at(2)).unwrap().state(), State::Started);
}

#[test]
fn times_that_are_none_are_refused() {
    assert_eq!(plan(2, 2, false), Err(Refused::Time(BadTime::Backwards(at(2), at(2)))));
    assert_eq!(plan(-2, 0, false), Err(Refused::Time(BadTime::Past(at(0)))));
    assert_eq!(plan(0, 24 * 61, false), Err(Refused::Time(BadTime::Long(61))));
    let running = plan(-1, 1, false).unwrap();
    assert_eq!(
        (running.state(), running.due(&[], at(0))),
        (State::Started, None),
        "one that is under way is told once"
    );
    let planned = plan(2, 4, false).unwrap();
    let moved = planned
        .move_to(Window { from: at(0), until: at(4) }, ("", Tz::UTC), &[], Actor::System, at(1))
        .unwrap();
    assert_eq!(
        (moved.state(), moved.due(&[], at(1))),
        (State::Started, None),
        "so is one that is moved there"
    );
    assert_eq!(running.severity, Severity::Major);
}

proptest! {
    /// Each step is told once and in order, whenever it is looked; between `next_due` and the next look nothing is missed; no reminder
    /// comes after the beginning, and in the end it is completed or overdue.
    #[test]
    fn it_comes_to_its_end_whenever_it_is_looked(
        from in 0_i64..300,
        long in 1_i64..50,
        by_hand: bool,
        mut looks in prop::collection::vec(0_i64..400, 0..40),
    ) {
        looks.sort_unstable();
        looks.push(1000);
        let mut outage = plan(from, from + long, by_hand).unwrap();
        let mut leads = Vec::new();
        let mut told = Vec::new();
        let mut last = 0;
        for hour in looks {
            let next = outage.next_due(&WEEK_AND_DAY, at(last));
            if let Some(due) = outage.due(&WEEK_AND_DAY, at(hour)) {
                prop_assert!(last == 0 || next.is_some_and(|next| next <= at(hour)), "{due:?} at {hour}");
                prop_assert!(!matches!(due, Due::Remind(_)) || hour < from);
                if let Due::Remind(lead) = due { leads.push(lead); }
                outage = outage.by_clock(due, at(hour));
                told.push(due);
            }
            prop_assert_eq!(outage.due(&WEEK_AND_DAY, at(hour)), None, "told once");
            last = hour;
        }
        prop_assert!(leads.is_sorted_by(|a, b| a > b));
        prop_assert_eq!(told.last(), Some(&if by_hand { Due::Overdue } else { Due::Complete }));
        prop_assert_eq!(outage.state().is_end(), !by_hand);
        prop_assert_eq!(usize::try_from(outage.version()).unwrap(), told.len());
    }
}
