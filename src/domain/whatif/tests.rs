use proptest::prelude::*;

use super::*;
use crate::domain::coverage::{Day, Period, RoleCover, Wanted, cover};
use crate::domain::roles::{GLOBAL, LOCAL, Place, REPORT};
use crate::domain::testing::{self, World, directory_of, hour, unit, unit_id, user, user_id, world};

/// Unit 1 above unit 2 and unit 3; user 1 is contact at unit 1, user 2 at unit 2; users 4 and 5 are in unit 2, user 6 in unit 3.
fn office() -> World {
    let users = [user(1, 1), user(2, 2), user(4, 2), user(5, 2), user(6, 3)];
    let mut world = World::new(directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 1)], []));
    world.assign(LOCAL, 1, Place::Unit(unit_id(1)));
    world.assign(LOCAL, 2, Place::Unit(unit_id(2)));
    world
}

fn told(world: &World, steps: &[Step]) -> Vec<String> {
    let before = world.organisation();
    let after = imagine(&before, steps).unwrap();
    let line = |shift: &Shift| {
        let names = |people: &People| people.join("+");
        let units: Vec<String> = shift.units.iter().map(|place| after.tree.path(*place)).collect();
        format!(
            "{} -> {}: {} in {}",
            names(&shift.before),
            names(&shift.after),
            shift.users,
            units.join(", ")
        )
    };
    let mut lines = Vec::new();
    for role in compare(&before, &after, hour(1)).iter().filter(|role| &*role.role.0 == LOCAL) {
        lines.extend(role.shifts.iter().map(line));
        lines.extend(
            role.broken
                .iter()
                .map(|(place, n)| format!("{} has {n} of {}", after.tree.name(*place), role.minimum)),
        );
    }
    lines
}

#[test]
fn whoever_is_away_gone_or_elsewhere_is_replaced_by_the_next() {
    let away = |n| Step::Away { user: user_id(n), from: hour(0), until: hour(2) };
    // User 2 themselves turns to user 1 before and after: they are never their own contact.
    let to_above = ["User 2 -> User 1: 2 in Unit 1 / Unit 2"];
    assert_eq!(told(&office(), &[away(2)]), to_above);
    assert_eq!(told(&office(), &[Step::Gone(user_id(2))]), to_above);
    let moved = told(&office(), &[Step::Move { user: user_id(2), unit: unit_id(3) }]);
    assert_eq!(moved, to_above, "who belongs elsewhere is suspended");
    let both = told(&office(), &[away(2), away(1)]);
    // User 2 and user 6 turned to user 1.
    let all =
        ["User 1 -> : 2 in Unit 1, Unit 1 / Unit 2, Unit 1 / Unit 3", "User 2 -> : 2 in Unit 1 / Unit 2"];
    assert_eq!(both, all);
    assert_eq!(told(&office(), &[Step::Away { user: user_id(2), from: hour(2), until: hour(3) }]), [""; 0]);
}

#[test]
fn whoever_is_on_a_list_stays_there() {
    let mut world = office();
    world.list(GLOBAL, "Vera", "vera@vendor.example");
    let before = world.organisation();
    let after = imagine(&before, &[Step::Gone(user_id(6))]).unwrap();
    assert_eq!(compare(&before, &after, hour(1)), []);
}

#[test]
fn a_subject_that_nobody_near_would_answer_for_is_told() {
    let mut world = office();
    let subject = Subject::new("pay", Some("Pay and staff"), Some(unit_id(2))).unwrap();
    world.subjects.insert(subject.name.clone(), subject);
    world.assign(REPORT, 4, Place::Subject("pay".into()));
    world.assign(GLOBAL, 6, Place::Organisation);
    let before = world.organisation();
    let told = |gone: &[u8]| {
        let steps: Vec<Step> = gone.iter().map(|n| Step::Gone(user_id(*n))).collect();
        let compared = compare(&before, &imagine(&before, &steps).unwrap(), hour(1));
        let of_reports = compared.into_iter().find(|role| &*role.role.0 == REPORT);
        let line = |s: SubjectShift| format!("{} {}->{}", s.title, s.before.join("+"), s.after.join("+"));
        of_reports.map_or(Vec::new(), |role| role.subjects.into_iter().map(line).collect::<Vec<_>>())
    };
    assert_eq!(told(&[2]), [""; 0]);
    assert_eq!(told(&[4]), ["Pay and staff User 4->User 2"]);
    assert_eq!(told(&[4, 2, 1]), ["Pay and staff User 4->"], "who answers for everything isn't near");
}

#[test]
fn a_unit_that_is_moved_takes_its_people_along() {
    let steps = [Step::MoveUnit { unit: unit_id(3), into: unit_id(2) }];
    assert_eq!(told(&office(), &steps), ["User 1 -> User 2: 1 in Unit 1 / Unit 2 / Unit 3"]);
}

#[test]
fn a_minimum_that_breaks_is_told_and_one_that_was_broken_is_not() {
    let mut world = office();
    world.roles[0].minimum = 1;
    let lines = told(&world, &[Step::Gone(user_id(1))]);
    assert!(lines.contains(&"Unit 3 has 0 of 1".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("Org has")), "nobody was there before: {lines:?}");
}

#[test]
fn what_can_not_be_is_refused() {
    let organisation = office().organisation();
    let refused = |step| imagine(&organisation, &[step]).map(|_| ()).unwrap_err();
    let into = |unit, into| Step::MoveUnit { unit: unit_id(unit), into: unit_id(into) };
    assert_eq!(refused(into(1, 2)), Impossible::IntoItself("Unit 1".into()));
    assert_eq!(refused(into(1, 1)), Impossible::IntoItself("Unit 1".into()));
    assert_eq!(refused(into(0, 1)), Impossible::Root);
    assert_eq!(
        refused(Step::Away { user: user_id(1), from: hour(1), until: hour(1) }),
        Impossible::Backwards
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_user_whose_contacts_would_be_others_is_counted_and_nobody_else(
        world in world(), who in 1..15_u8, n in 1..10_u8, kind in 0..4_u8, minimum in 0..3_u16, now in testing::now()
    ) {
        let mut world = world;
        world.roles.iter_mut().for_each(|role| role.minimum = minimum);
        let before = world.organisation();
        let step = match kind {
            0 => Step::Away { user: user_id(who), from: hour(0), until: hour(24) },
            1 => Step::Move { user: user_id(who), unit: unit_id(n) },
            2 => Step::Gone(user_id(who)),
            _ => Step::MoveUnit { unit: unit_id(n), into: unit_id(who % 9) },
        };
        let Ok(after) = imagine(&before, &[step]) else { return Ok(()) };
        let compared = compare(&before, &after, now);
        for role in &before.roles {
            let alone = Role { fallback: None, ..role.clone() };
            let of = |organisation: &Organisation, asker| {
                let answer = contacts::resolve(organisation, &alone, &asker, now);
                names(&answer.contacts)
            };
            let told = compared.iter().find(|shifts| shifts.role == role.name);
            if role.scope == Scope::Subject {
                let near = |organisation: &Organisation, name: &SubjectName| {
                    let answer = contacts::resolve(organisation, role, &Asker::Subject(name.clone()), now);
                    let near = |contact: &Contact| {
                        let role = organisation.role(&contact.role.0).unwrap();
                        role.scope == Scope::Subject || role.scope == Scope::Unit
                    };
                    names(&answer.contacts.into_iter().filter(near).collect::<Vec<_>>())
                };
                let expected = before.subjects.keys().map(|name| (name, near(&before, name), near(&after, name)));
                let expected: Vec<_> = expected.filter(|(_, was, is)| was != is).collect();
                let shifts = told.map_or(&[][..], |told| &told.subjects);
                let shifts: Vec<_> = shifts.iter().map(|s| (&s.subject, s.before.clone(), s.after.clone())).collect();
                prop_assert_eq!(shifts, expected, "{}", &role.name);
                continue;
            }
            let differs = |asker: Asker| of(&before, asker.clone()) != of(&after, asker);
            let known = |id: &&UserId| before.user(**id).is_some();
            let expected = match role.pick {
                Pick::Nearest => {
                    after.directory.users.keys().filter(known).filter(|id| differs(Asker::User(**id))).count()
                }
                Pick::All if differs(Asker::Organisation) => after.directory.users.len(),
                Pick::All => 0,
            };
            let counted: usize = told.map_or(0, |told| told.shifts.iter().map(|shift| shift.users).sum());
            prop_assert_eq!(counted, expected, "{}", &role.name);
            let places = after.tree.indices().filter(|place| role.pick == Pick::Nearest || *place == tree::ROOT);
            let broken = places.filter_map(|place| {
                let there = |organisation| of(organisation, Asker::Unit(after.tree.id(place))).len();
                let minimum = usize::from(role.minimum);
                (there(&before) >= minimum && there(&after) < minimum).then(|| (place, there(&after)))
            });
            prop_assert_eq!(told.map_or(Vec::new(), |told| told.broken.clone()), broken.collect::<Vec<_>>());
        }
    }
}

fn july(first: u32, last: u32) -> Period {
    let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 7, day).unwrap();
    let weekdays = |date: chrono::NaiveDate| match chrono::Datelike::weekday(&date) {
        chrono::Weekday::Sat | chrono::Weekday::Sun => Day::Closed,
        _ => Day::Work,
    };
    Period::new(day(first), day(last), chrono_tz::UTC, weekdays).unwrap()
}

fn uncovered_in_july(world: &World, steps: &[Step]) -> Vec<String> {
    let before = world.organisation();
    let after = imagine(&before, steps).unwrap();
    let line = |it: Uncovered| {
        let (first, last) = (it.first.format("%-d"), it.last.format("%-d"));
        format!("{} {}+{} {first}-{last} {}", it.role, it.place, it.units - 1, it.there.join(","))
    };
    uncovered(&before, &after, &july(6, 20)).into_iter().map(line).collect()
}

#[test]
fn what_becomes_uncovered_at_any_time_of_the_period_is_told_and_what_is_anyhow_is_not() {
    let mut world = office();
    let away = |n, from: i64, until: i64| Step::Away {
        user: user_id(n),
        from: hour(24 * from),
        until: hour(24 * until),
    };
    // At its first moment both are there. Monday is the 6th: from the 14th on user 1 is away already.
    world.away(1, 24 * 8, 24 * 11, None);
    assert_eq!(uncovered_in_july(&world, &[away(2, 9, 12)]), ["local Unit 1 / Unit 2+0 15-16 "]);
    // Over a weekend it is one: from Friday to Monday.
    assert_eq!(uncovered_in_july(&office(), &[away(1, 4, 8)]), ["local Unit 1+1 10-13 "]);
    assert_eq!(uncovered_in_july(&office(), &[away(2, 0, 9)]), [""; 0], "user 1 answers above");
    assert_eq!(uncovered_in_july(&office(), &[away(6, 0, 9)]), [""; 0], "who holds nothing");
    // Of a role that wants two, one would be left.
    world.roles.iter_mut().filter(|role| &*role.name.0 == "remote-access").for_each(|role| role.minimum = 2);
    world.assign("remote-access", 2, Place::Organisation);
    world.assign("remote-access", 6, Place::Organisation);
    let left = uncovered_in_july(&world, &[away(6, 1, 2)]);
    assert_eq!(left, ["remote-access Org+0 7-7 User 2"]);
}

proptest! {
    /// As looking at both sides unit by unit and day by day tells.
    #[test]
    fn each_day_that_becomes_short_is_told_once(world in world(), n in 0..14_u8, from in 0..24_i64, hours in 1..60_i64) {
        let before = world.organisation();
        let step = Step::Away { user: user_id(n), from: hour(from), until: hour(from + hours) };
        let after = imagine(&before, &[step]).unwrap();
        let period = july(5, 9);
        let units = |role: &Role| !matches!(role.scope, Scope::Subject | Scope::Directory);
        let mut told = 0;
        for it in uncovered(&before, &after, &period) {
            if !before.role(&it.role.0).is_some_and(units) {
                continue;
            }
            let days = period.days().iter().filter(|(date, day)| {
                (it.first..=it.last).contains(date) && *day == Day::Work
            });
            told += it.units * days.count();
        }
        let mut expected = 0;
        for wanted in Wanted::usual(&before).into_iter().filter(|wanted| units(wanted.role)) {
            let (was, is) = (cover(&before, wanted, &period), cover(&after, wanted, &period));
            for place in is.places() {
                for (date, _) in period.days().iter().filter(|(_, day)| *day == Day::Work) {
                    let short = |covered: &RoleCover| {
                        covered.of_unit(place).iter().any(|run| run.short && (run.first..=run.last).contains(date))
                    };
                    expected += usize::from(short(&is) && !short(&was));
                }
            }
        }
        prop_assert_eq!(told, expected);
    }
}
