use chrono::Weekday;
use proptest::prelude::*;

use super::*;
use crate::domain::contacts::{Asker, Contact, resolve};
use crate::domain::roles::{GLOBAL, Place, REPORT};
use crate::domain::subject::{Subject, SubjectName};
use crate::domain::testing::{World, directory_of, hour, unit, unit_id, user, world};

const ZONE: Tz = chrono_tz::Europe::Stockholm;

/// Monday to Friday are worked, Tuesdays until noon.
fn weekdays(date: NaiveDate) -> Day {
    match date.weekday() {
        Weekday::Sat | Weekday::Sun => Day::Closed,
        Weekday::Tue => Day::Half,
        _ => Day::Work,
    }
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}

fn period(first: u32, last: u32) -> Period {
    Period::new(july(first), july(last), ZONE, weekdays).unwrap()
}

/// Who is there on one day, the slow way: every hour is asked, all changes being at whole hours.
fn slowly(
    organisation: &Organisation,
    role: &Role,
    place: Index,
    date: NaiveDate,
    hours: (i64, i64),
) -> Vec<Person> {
    let alone = Role { fallback: None, ..role.clone() };
    let asker = Asker::Unit(organisation.tree.id(place));
    worst(date, hours, |at| resolve(organisation, &alone, &asker, at).contacts)
}

/// The same near a subject: nobody of a role of the whole organisation.
fn slowly_near(
    organisation: &Organisation,
    role: &Role,
    subject: &SubjectName,
    date: NaiveDate,
    hours: (i64, i64),
) -> Vec<Person> {
    let near = |contact: &Contact| {
        let role = organisation.role(&contact.role.0).unwrap();
        role.scope == Scope::Subject || role.scope == Scope::Unit
    };
    worst(date, hours, |at| {
        let mut contacts = resolve(organisation, role, &Asker::Subject(subject.clone()), at).contacts;
        contacts.retain(near);
        contacts
    })
}

fn worst(date: NaiveDate, hours: (i64, i64), there: impl Fn(DateTime<Utc>) -> Vec<Contact>) -> Vec<Person> {
    let midnight = ZONE.from_local_datetime(&date.and_time(NaiveTime::MIN)).unwrap().to_utc();
    let person = |c: Contact| Person { name: c.name, user: c.user, deputy_for: c.deputy_for };
    let people = |hour| there(midnight + TimeDelta::hours(hour)).into_iter().map(person).collect::<Vec<_>>();
    (hours.0..hours.1).map(people).min_by_key(Vec::len).unwrap()
}

/// From when until when a day is judged.
fn hours(always: bool, day: Day) -> (i64, i64) {
    match day {
        _ if always => (0, 24),
        Day::Half => (8, 12),
        _ => (8, 16),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn each_day_of_each_unit_is_as_asking_every_hour_says(world in world(), always in any::<bool>()) {
        let mut world = world;
        world.roles.iter_mut().for_each(|role| role.always = always);
        let organisation = world.organisation();
        // A Sunday to a Wednesday; what happens in these worlds happens on Monday and Tuesday.
        let period = period(5, 8);
        for role in &organisation.roles {
            if role.scope == Scope::Subject {
                for covered in cover_subjects(&organisation, Wanted { role, minimum: 2 }, &period) {
                    for (date, day) in period.days().iter().filter(|(_, day)| always || *day != Day::Closed) {
                        let expected = slowly_near(&organisation, role, &covered.subject, *date, hours(always, *day));
                        let run = covered.runs.iter().find(|run| run.first <= *date && *date <= run.last);
                        let run = run.expect("each day is in a run");
                        prop_assert_eq!(&run.there.people, &expected, "{} on {}", &covered.subject, date);
                        prop_assert_eq!(run.short, expected.len() < 2);
                        prop_assert!(run.there.missing.is_empty() || expected.is_empty());
                    }
                }
                continue;
            }
            if role.scope == Scope::Directory {
                for covered in cover_directories(&organisation, Wanted { role, minimum: 2 }, &period) {
                    let alone = Role { fallback: None, ..role.clone() };
                    let asker = Asker::Directory(covered.directory.clone());
                    for (date, day) in period.days().iter().filter(|(_, day)| always || *day != Day::Closed) {
                        let there = |at| resolve(&organisation, &alone, &asker, at).contacts;
                        let expected = worst(*date, hours(always, *day), there);
                        let run = covered.runs.iter().find(|run| run.first <= *date && *date <= run.last);
                        let run = run.expect("each day is in a run");
                        prop_assert_eq!(&run.there.people, &expected, "{} on {}", &covered.directory, date);
                        prop_assert_eq!(run.short, expected.len() < 2);
                    }
                }
            }
            let covered = cover(&organisation, Wanted { role, minimum: 2 }, &period);
            for place in covered.places() {
                let runs = covered.of_unit(place);
                for (date, day) in period.days() {
                    let run = runs.iter().find(|run| run.first <= *date && *date <= run.last);
                    if !always && *day == Day::Closed {
                        prop_assert!(run.is_none_or(|run| run.first < *date && *date < run.last));
                        continue;
                    }
                    let expected = slowly(&organisation, role, place, *date, hours(always, *day));
                    let run = run.expect("each day is in a run");
                    prop_assert_eq!(&run.there.people, &expected, "{} at {} on {}", &role.name, place, date);
                    prop_assert_eq!(run.short, expected.len() < 2);
                    prop_assert_eq!(run.there.at.is_some(), !expected.is_empty());
                }
                for pair in runs.windows(2) {
                    prop_assert!(pair[0].last < pair[1].first);
                    prop_assert!(pair[0].there != pair[1].there);
                }
            }
        }
    }
}

/// Unit 1 above unit 2 above unit 3; user 1 is contact at unit 1, users 2 and 3 at unit 2.
fn summer() -> World {
    let users = [user(1, 1), user(2, 2), user(3, 2), user(4, 2)];
    let mut world = World::new(directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 2)], []));
    world.assign(LOCAL, 1, Place::Unit(unit_id(1)));
    world.assign(LOCAL, 2, Place::Unit(unit_id(2)));
    world.assign(LOCAL, 3, Place::Unit(unit_id(2)));
    world
}

fn told(organisation: &Organisation, unit: u8, period: &Period) -> Vec<String> {
    let covered = cover(organisation, Wanted::of(organisation.role(LOCAL).unwrap()), period);
    let place = organisation.tree.index(unit_id(unit)).unwrap();
    let line = |run: &Run| {
        let names: Vec<&str> = run.there.people.iter().map(|p| &*p.name).collect();
        format!("{}-{} {:?} {}", run.first.day(), run.last.day(), run.state, names.join(" "))
    };
    covered.of_unit(place).iter().map(line).collect()
}

#[test]
fn a_weekend_does_not_break_a_run_and_the_unit_above_shows_through() {
    let mut world = summer();
    // From Wednesday 8 July, 00:00 in Stockholm, to Wednesday 15 July: user 2; user 3 from the 9th to the 14th.
    world.away(2, 46, 46 + 7 * 24, None);
    world.away(3, 70, 70 + 5 * 24, None);
    let organisation = world.organisation();
    let all = [
        "6-7 Enough User 2 User 3",
        "8-8 One User 3",
        "9-13 One User 1",
        "14-14 One User 3",
        "15-17 Enough User 2 User 3",
    ];
    assert_eq!(told(&organisation, 2, &period(6, 17)), all);
    assert_eq!(
        told(&organisation, 3, &period(6, 17)),
        all,
        "below, where nobody holds the role, it is the same"
    );
    assert_eq!(told(&organisation, 1, &period(6, 17)), ["6-17 One User 1"]);
}

#[test]
fn an_hour_within_working_hours_counts_and_one_outside_does_not() {
    let mut world = summer();
    // 6 July, 15:00 to 16:00 in Stockholm; then 16:00 to 18:00.
    world.away(1, 13, 14, None);
    assert_eq!(told(&world.organisation(), 1, &period(6, 7)), ["6-6 Nobody ", "7-7 One User 1"]);
    world.absences.clear();
    world.away(1, 14, 16, None);
    assert_eq!(told(&world.organisation(), 1, &period(6, 7)), ["6-7 One User 1"]);
    world.roles[0].always = true;
    assert_eq!(told(&world.organisation(), 1, &period(6, 7)), ["6-6 Nobody ", "7-7 One User 1"]);
}

#[test]
fn a_deputy_is_there_until_they_are_away_too_and_it_says_who_is_missing() {
    let mut world = summer();
    world.away(1, 0, 96, Some(4));
    world.away(4, 46, 70, None);
    let organisation = world.organisation();
    assert_eq!(
        told(&organisation, 1, &period(6, 10)),
        ["6-7 One User 4", "8-8 Nobody ", "9-9 One User 4", "10-10 One User 1"]
    );
    let covered = cover(&organisation, Wanted::of(organisation.role(LOCAL).unwrap()), &period(8, 8));
    let place = organisation.tree.index(unit_id(1)).unwrap();
    let [run] = covered.of_unit(place) else { panic!("one run") };
    let missing = run.there.missing[0].reason.to_string();
    assert!(missing.contains("deputy User 4: away"), "{missing}");
    assert!(covered.is_short(place));
}

#[test]
fn a_role_of_the_organisation_has_one_row_and_a_minimum_of_two_is_told() {
    let mut world = summer();
    world.assign(GLOBAL, 1, Place::Organisation);
    let organisation = world.organisation();
    let role = organisation.role(GLOBAL).unwrap();
    let covered = cover(&organisation, Wanted { role, minimum: 2 }, &period(4, 5));
    assert_eq!(covered.of_unit(tree::ROOT), [], "a weekend isn't judged");
    let covered = cover(&organisation, Wanted { role, minimum: 2 }, &period(6, 10));
    assert_eq!(covered.places().collect::<Vec<_>>(), [tree::ROOT]);
    let [run] = covered.of_unit(tree::ROOT) else { panic!("one run") };
    assert_eq!((run.state, run.short, run.last), (State::One, true, july(10)));
}

#[test]
fn a_subject_has_a_row_with_its_own_contacts_then_those_of_its_unit() {
    let mut world = summer();
    let subject = Subject::new("pay", None, Some(unit_id(1))).unwrap();
    assert!(!Wanted::usual(&world.organisation()).iter().any(|wanted| &*wanted.role.name.0 == REPORT));
    world.subjects.insert(subject.name.clone(), subject);
    world.assign(GLOBAL, 3, Place::Organisation);
    world.assign(REPORT, 4, Place::Subject("pay".into()));
    // In Stockholm, 4 is away on 8 and 9 July, 1 from the 9th to the 14th.
    world.away(4, 46, 46 + 48, None);
    world.away(1, 70, 70 + 6 * 24, None);
    let organisation = world.organisation();
    let usual = Wanted::usual(&organisation);
    let wanted = *usual.iter().find(|wanted| &*wanted.role.name.0 == REPORT).unwrap();
    let [covered] = &cover_subjects(&organisation, wanted, &period(6, 10))[..] else { panic!("one subject") };
    let line = |run: &Run| {
        let names: Vec<&str> = run.there.people.iter().map(|p| &*p.name).collect();
        let missing: Vec<&str> = run.there.missing.iter().map(|p| &*p.name).collect();
        let at = run.there.at.map_or("-", |at| organisation.tree.name(at));
        format!(
            "{}-{} {} at {at}; missing {}",
            run.first.day(),
            run.last.day(),
            names.join(" "),
            missing.join(" ")
        )
    };
    assert_eq!(
        covered.runs.iter().map(line).collect::<Vec<_>>(),
        [
            "6-7 User 4 at -; missing ",
            "8-8 User 1 at Unit 1; missing ",
            "9-9  at -; missing User 4",
            "10-10 User 4 at -; missing "
        ]
    );
    assert!(covered.is_short());
}

#[test]
fn what_is_no_period_is_refused() {
    let of = |first, last| Period::new(first, last, ZONE, weekdays);
    assert_eq!(of(july(7), july(6)), Err(InvalidPeriod::Backwards { first: july(7), last: july(6) }));
    assert!(matches!(
        of(july(1), NaiveDate::from_ymd_opt(2036, 1, 1).unwrap()),
        Err(InvalidPeriod::TooLong(_))
    ));
    assert!(matches!(of(NaiveDate::MAX, NaiveDate::MAX), Err(InvalidPeriod::TooFar(_))));
    assert!(of(july(6), july(6)).is_ok_and(|p| p.days().len() == 1));
}

#[test]
fn the_day_the_clocks_change_has_its_own_length() {
    let spring = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
    let [(_, Some((from, until)))] = Period::new(spring, spring, ZONE, weekdays).unwrap().windows(true)[..]
    else {
        panic!("one day")
    };
    assert_eq!(until - from, TimeDelta::hours(23));
    // In Beirut the clocks skip midnight.
    let beirut = Period::new(spring, spring, chrono_tz::Asia::Beirut, weekdays).unwrap().windows(true);
    assert_eq!(beirut[0].1.map(|(from, until)| until - from), Some(TimeDelta::hours(23)));
    assert_eq!(hour(0).date_naive(), july(6));
}
