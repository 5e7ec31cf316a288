//! Rung by rung, over nights and weekends.

use chrono::TimeZone;
use chrono_tz::Europe::Stockholm;
use proptest::prelude::*;

use super::*;
use crate::domain::alert::Trouble;
use crate::domain::calendar::{Calendar, Country};
use crate::domain::ids::SubscriberId;
use crate::domain::notice::About;
use crate::domain::notice::SyncTrouble;
use crate::domain::outage::State;
use crate::domain::roles::{AD_SYNC, GLOBAL, LOCAL, MESSAGE_READER, OUTAGE, Place};
use crate::domain::testing::{World, directory_of, hour, outage_word, unit, unit_id, user, world};

/// Unit 3 is below 2, that below 1. Users 1 and 2 in 3, user 3 in 2, user 4 in 1, 5 and 6 in 4, which is beside.
fn made() -> World {
    let users = [user(1, 3), user(2, 3), user(3, 2), user(4, 1), user(5, 4), user(6, 4)];
    let units = [unit(1, 0), unit(2, 1), unit(3, 2), unit(4, 0)];
    let mut world = World::new(directory_of(users, units, []));
    world.assign(LOCAL, 2, Place::Unit(unit_id(3)));
    world.assign(LOCAL, 4, Place::Unit(unit_id(1)));
    world.assign(MESSAGE_READER, 5, Place::OwnUnit).any_unit = true;
    world.assign(GLOBAL, 6, Place::Organisation);
    world
}

fn policy() -> Policy {
    let calendar = Calendar { countries: vec![Country::Sweden], ..Calendar::default() };
    Policy {
        kinds: [NoticeKind::Outage, NoticeKind::Alert].into(),
        after: TimeDelta::minutes(30),
        hours: OpeningHours::usual(Stockholm, std::sync::Arc::new(calendar)),
        ..Policy::default()
    }
}

fn local(text: &str) -> DateTime<Utc> {
    let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    Stockholm.from_local_datetime(&time).unwrap().to_utc()
}

fn notice(severity: Severity, to: &[&str], now: DateTime<Utc>) -> NewNotice {
    let facts = Facts::OutageWord(Box::new(outage_word(1, "Mail is down", "", severity, now)));
    let to = to
        .iter()
        .map(|name| Recipient::by_mail(*name, format!("{name}@org.example").parse().unwrap(), OUTAGE));
    NewNotice::new(EventKey("outage/1/0".into()), facts, to.collect(), now + TimeDelta::days(2))
}

/// Each step with its time on the wall, until nothing follows.
fn climbed(policy: &Policy, organisation: &Organisation, mut climb: Climb) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some(due) = policy.due(&climb) {
        let before = climb.decide(policy, organisation, false, due - TimeDelta::seconds(1));
        assert_eq!(before, Step::Wait, "not a second too early");
        let at = due.with_timezone(&Stockholm).format("%a %H:%M").to_string();
        match climb.decide(policy, organisation, false, due) {
            Step::Tell(Next { reached, recipients, .. }) => {
                assert_eq!(reached.len(), recipients.len());
                let names: Vec<String> =
                    recipients.iter().map(|to| format!("{} as {}", to.name, to.why)).collect();
                steps.push(format!("{at} {:?} {}", reached[0].rung, names.join(", ")));
                climb = climb.telling(reached, due);
            }
            Step::Exhausted => {
                steps.push(format!("{at} nobody is left"));
                climb.exhausted = true;
            }
            other => panic!("{other:?}"),
        }
    }
    steps
}

#[test]
fn it_climbs_by_working_time_to_the_reader_and_passes_rungs_where_nobody_stands() {
    let mut world = made();
    // That is to come; whoever stood in last month isn't asked.
    world.away(1, 240, 264, Some(3));
    world.away(1, -48, -24, Some(4));
    let organisation = world.organisation();
    // Friday afternoon, in the week of 6 July 2026.
    let now = local("2026-07-10 15:45");
    let climb = policy().begin(&notice(Severity::Major, &["u1"], now), &organisation, now).unwrap();
    assert_eq!(
        climbed(&policy(), &organisation, climb),
        [
            "Mon 08:15 Deputy User 3 as deputy for User 1",
            "Mon 08:45 Colleague User 2 as local",
            "Mon 09:15 Above(2) User 4 as local",
            "Mon 09:45 Reader User 6 as global",
            "Mon 10:15 nobody is left",
        ]
    );
}

#[test]
fn a_rung_on_which_too_many_stand_is_passed_over_but_for_the_last() {
    let users = (1..=12).map(|n| user(n, if n < 9 { 3 } else { 1 }));
    let mut world = World::new(directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 2)], []));
    for n in 2..=8 {
        world.assign(LOCAL, n, Place::Unit(unit_id(3)));
    }
    world.assign(LOCAL, 9, Place::Unit(unit_id(1)));
    for n in 9..=12 {
        world.assign(MESSAGE_READER, n, Place::OwnUnit);
    }
    let organisation = world.organisation();
    let now = local("2026-07-06 09:00");
    let policy = Policy { widest: Some(3), ..policy() };
    let climb = policy.begin(&notice(Severity::Major, &["u1"], now), &organisation, now).unwrap();
    let way = [(Rung::Colleague, 7), (Rung::Above(2), 1), (Rung::Reader, 4)];
    assert_eq!(climb.way(&organisation, now), way);
    let steps = climbed(&policy, &organisation, climb.clone());
    assert_eq!(steps[0], "Mon 09:30 Above(2) User 9 as local");
    assert!(steps[1].starts_with("Mon 10:00 Reader User 10"), "{steps:?}");
    assert!(steps[2].starts_with("Mon 10:30 Colleague User 2 as local, User 3"), "{steps:?}");
    assert_eq!(steps[3..], ["Mon 11:00 nobody is left"]);
    let whole = climbed(&Policy { widest: None, ..policy }, &organisation, climb);
    assert!(whole[0].starts_with("Mon 09:30 Colleague User 2"), "{whole:?}");
}

#[test]
fn those_who_were_passed_over_are_told_when_nobody_is_left_above() {
    let users = (1..=12).map(|n| user(n, if n < 7 { 3 } else { 2 }));
    let mut world = World::new(directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 2)], []));
    for n in 2..=12 {
        world.assign(LOCAL, n, Place::Unit(unit_id(if n < 7 { 3 } else { 2 })));
    }
    world.assign(MESSAGE_READER, 1, Place::OwnUnit).any_unit = true;
    let organisation = world.organisation();
    let now = local("2026-07-06 09:00");
    let policy = Policy { widest: Some(3), ..policy() };
    let climb = policy.begin(&notice(Severity::Major, &["u1"], now), &organisation, now).unwrap();
    let Step::Tell(next) = climb.decide(&policy, &organisation, false, now + policy.after) else { panic!() };
    assert_eq!((next.reached.len(), &*next.passed), (5, &[][..]), "nothing is passed over then");
    let steps = climbed(&policy, &organisation, climb);
    assert!(steps[0].starts_with("Mon 09:30 Colleague User 2"), "the nearest first: {steps:?}");
    assert!(steps[1].starts_with("Mon 10:00 Above(1) User 10 "), "{steps:?}");
    assert_eq!(steps[2..], ["Mon 10:30 nobody is left"]);
}

#[test]
fn of_the_units_above_the_highest_with_a_reader_gets_it_at_last() {
    let mut world = made();
    world.assign(MESSAGE_READER, 3, Place::OwnUnit);
    world.assign(MESSAGE_READER, 4, Place::OwnUnit);
    world.assignments.retain(|_, assignment| &*assignment.role.0 != LOCAL);
    let organisation = world.organisation();
    let now = local("2026-07-06 09:00");
    let climb = policy().begin(&notice(Severity::Major, &["u1"], now), &organisation, now).unwrap();
    assert_eq!(climbed(&policy(), &organisation, climb)[0], "Mon 09:30 Reader User 4 as message-reader");
}

#[test]
fn a_critical_one_climbs_at_night_too_unless_told_not_to() {
    let organisation = made().organisation();
    let now = local("2026-07-04 23:00");
    let climb = policy().begin(&notice(Severity::Critical, &["u1"], now), &organisation, now).unwrap();
    assert_eq!(policy().due(&climb), Some(now + TimeDelta::minutes(30)));
    let by_day = Policy { critical_always: false, ..policy() };
    assert_eq!(by_day.due(&climb), Some(local("2026-07-06 08:30")));
}

#[test]
fn an_alert_goes_to_the_deputy_and_then_to_the_global_contacts() {
    let mut world = made();
    world.assign(AD_SYNC, 5, Place::Organisation);
    let organisation = world.organisation();
    let now = local("2026-07-06 09:00");
    let trouble = SyncTrouble {
        directory: "main".into(),
        trouble: Trouble::Failing,
        reminder: 0,
        since: now,
        last_good: None,
        failures: 3,
        error: None,
        held: None,
    };
    let facts = Facts::SyncTrouble(trouble);
    let alert = NewNotice { facts, ..notice(Severity::Major, &["u5"], now) };
    let climb = policy().begin(&alert, &organisation, now).unwrap();
    let steps = climbed(&policy(), &organisation, climb);
    assert_eq!(steps, ["Mon 09:30 Global User 6 as global", "Mon 10:00 nobody is left"]);
}

#[test]
fn what_demands_nothing_of_anybody_does_not_ask() {
    let now = hour(8);
    let word = |change: fn(&mut crate::domain::notice::OutageWord)| {
        let mut word = outage_word(1, "x", "", Severity::Critical, now);
        change(&mut word);
        policy().asks(&Facts::OutageWord(Box::new(word)))
    };
    assert!(word(|_| {}));
    assert!(!word(|word| word.state = State::Resolved));
    assert!(!word(|word| word.about = About::Left));
    assert!(!word(|word| word.severity = Severity::Minor));
    assert!(!policy().asks(&Facts::Test { by: "x".into(), at: now }));
    assert!(!Policy::default().asks(&Facts::Undelivered(crate::domain::notice::UndeliveredFacts {
        since: now,
        messages: vec![],
        more: 0
    })));
    let mut outside = notice(Severity::Major, &["x"], now);
    outside.recipients[0].subscriber = Some(SubscriberId(12));
    assert_eq!(policy().begin(&outside, &made().organisation(), now), None, "outside nobody is asked");
    let nobody = notice(Severity::Major, &[], now);
    assert_eq!(
        policy().begin(&nobody, &made().organisation(), now),
        None,
        "with nobody told nobody can have it"
    );
}

#[test]
fn it_stops_when_somebody_has_it_and_when_it_is_over() {
    let organisation = made().organisation();
    let now = local("2026-07-06 09:00");
    let climb = policy().begin(&notice(Severity::Major, &["u1"], now), &organisation, now).unwrap();
    let later = now + TimeDelta::hours(1);
    assert_eq!(climb.decide(&policy(), &organisation, true, later), Step::End);
    let taken = climb.clone().ended(End::Taken { by: "Bo".into(), at: now });
    assert_eq!(taken.decide(&policy(), &organisation, false, later), Step::Wait);
    assert_eq!(policy().due(&taken), None);
    assert_eq!(climb.decide(&policy(), &organisation, false, now + TimeDelta::days(30)), Step::End);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the organisation is like: nobody is told twice, the rungs only go up, and it comes to an end.
    #[test]
    fn nobody_is_told_twice_and_every_climb_ends(world in world(), first in 1u8..14, whole in any::<bool>()) {
        let organisation = world.organisation();
        let now = hour(0);
        let name = format!("u{first}");
        let mut climb = policy().begin(&notice(Severity::Critical, &[&name], now), &organisation, now).unwrap();
        climb.ladder = if whole { Ladder::Whole } else { Ladder::Units };
        let mut steps = 0;
        while let Some(due) = policy().due(&climb) {
            let rung = climb.rung();
            match climb.decide(&policy(), &organisation, false, due) {
                Step::Tell(Next { reached, .. }) => {
                    prop_assert!(reached.iter().all(|told| told.rung > rung));
                    let known = climb.told.len();
                    let new = reached.len();
                    climb = climb.telling(reached, due);
                    prop_assert_eq!(climb.told.len(), known + new, "somebody was told twice");
                }
                _ => climb.exhausted = true,
            }
            steps += 1;
            prop_assert!(steps < 40);
        }
    }
}
