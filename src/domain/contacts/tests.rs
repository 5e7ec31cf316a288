mod slow;

use super::*;
use crate::domain::directory::UserFields;
use crate::domain::roles::{AD_SYNC, GLOBAL, LOCAL, REPORT};
use crate::domain::subject::Subject;
use crate::domain::testing::{
    self, HELPER, NAME, World, directory_of, group, hour, unit, unit_id, user, user_id, world,
};
use proptest::prelude::*;

/// Every question one can ask of a world.
fn askers(world: &World) -> Vec<Asker> {
    let users = world.directory.users.keys().map(|id| Asker::User(*id));
    let units = world.directory.units.keys().map(|id| Asker::Unit(*id));
    let others = [
        Asker::Organisation,
        Asker::Unit(UnitId::ROOT),
        Asker::Directory(testing::DIRECTORIES[0].into()),
        Asker::Directory(testing::DIRECTORIES[1].into()),
        Asker::Subject("pay".into()),
        Asker::Subject("Heroma".into()),
        Asker::Subject("gone".into()),
        Asker::User(user_id(99)),
        Asker::Unit(unit_id(99)),
    ];
    users.chain(units).chain(others).collect()
}

/// An answer in the form of the slow computation.
fn plain(answer: &Answer) -> slow::Answer {
    let contact = |c: &Contact| slow::Contact {
        user: c.user,
        mail: c.mail.key(),
        deputy_for: c.deputy_for.as_deref().map(str::to_owned),
        role: c.role.to_string(),
    };
    let step = |s: &Step| slow::Step {
        role: s.role.to_string(),
        unit: s.unit,
        skipped: s.skipped.iter().map(|s| format!("{}: {}", s.name, s.reason)).collect(),
        found: s.found as usize,
    };
    slow::Answer {
        contacts: answer.contacts.iter().map(contact).collect(),
        trail: answer.trail.iter().map(step).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_answer_is_that_of_the_slow_computation(world in world(), now in testing::now()) {
        let organisation = world.organisation();
        for role in &organisation.roles {
            for asker in askers(&world) {
                let answer = resolve(&organisation, role, &asker, now);
                prop_assert_eq!(plain(&answer), slow::answer(&world, &role.name.0, &asker, now), "{} for {:?}", role.name, asker);
            }
        }
    }

    #[test]
    fn it_ends_at_the_nearest_who_counts_and_never_returns_one_who_does_not(world in world(), now in testing::now()) {
        let organisation = world.organisation();
        for role in &organisation.roles {
            for asker in askers(&world) {
                let answer = resolve(&organisation, role, &asker, now);
                for contact in &answer.contacts {
                    let Some(id) = contact.user else { continue };
                    let user = &world.directory.users[&id];
                    prop_assert!(user.is_active(now));
                    prop_assert!(asker != Asker::User(id));
                    prop_assert!(!world.absences.iter().any(|a| a.user == id && a.from <= now && now < a.until));
                }
                // Only the last place has anybody, and the places before it lead up to it.
                let found: Vec<u32> = answer.trail.iter().map(|s| s.found).collect();
                let (last, before) = found.split_last().unwrap_or((&0, &[]));
                prop_assert!(before.iter().all(|n| *n == 0));
                prop_assert_eq!(*last as usize, answer.contacts.len());
                for pair in answer.trail.windows(2) {
                    let above = organisation.tree.index(pair[0].unit).and_then(|p| organisation.tree.parent(p));
                    let goes_up = above.map(|p| organisation.tree.id(p)) == Some(pair[1].unit) && pair[0].role == pair[1].role;
                    let falls_back = pair[0].unit == UnitId::ROOT && pair[0].role != pair[1].role;
                    prop_assert!(goes_up || falls_back);
                }
            }
        }
    }

    #[test]
    fn recompute_agrees_with_resolve(world in world(), now in testing::now()) {
        let organisation = world.organisation();
        for role in organisation.roles.iter().filter(|r| r.pick == Pick::Nearest) {
            let place = |asker: &Asker| {
                let answer = resolve(&organisation, role, asker, now);
                let last = answer.trail.last().filter(|s| s.found > 0 && s.role == role.name);
                last.and_then(|s| organisation.tree.index(s.unit))
            };
            let map = recompute(&organisation, role, now);
            let units: Vec<_> = organisation.tree.indices().map(|p| place(&Asker::Unit(organisation.tree.id(p)))).collect();
            prop_assert!(organisation.tree.indices().map(|p| map.of_unit(p)).eq(units));
            let users: Vec<_> = organisation.directory.users.keys().map(|id| place(&Asker::User(*id))).collect();
            prop_assert!(organisation.directory.users.values().map(|u| map.of_user(&organisation, u)).eq(users.iter().copied()));
            prop_assert_eq!(map.uncovered_users(&organisation), users.iter().filter(|at| at.is_none()).count());
        }
    }
}

// The words of the rule, one by one. The tree of the examples: Org > Unit 1 > Unit 2 > Unit 3. User 9 asks, from Unit 3.

fn example() -> World {
    let users = [user(1, 1), user(2, 2), user(3, 3), user(4, 3), user(5, 0), user(9, 3)];
    World::new(directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 2)], []))
}

fn at(n: u8) -> Place {
    Place::Unit(unit_id(n))
}

fn change(world: &mut World, n: u8, change: impl FnOnce(&mut UserFields)) {
    let user = world.directory.users.get_mut(&user_id(n)).unwrap();
    let mut fields = user.fields();
    change(&mut fields);
    *user = std::sync::Arc::new(fields.into());
}

/// Who answers user 9 in `local` at noon of the first day, by name, and the trail as lines.
fn ask(world: &World) -> (Vec<String>, Vec<String>) {
    ask_as(world, LOCAL, &Asker::User(user_id(9)), hour(12))
}

fn ask_as(world: &World, role: &str, asker: &Asker, now: DateTime<Utc>) -> (Vec<String>, Vec<String>) {
    let organisation = world.organisation();
    let answer = resolve(&organisation, organisation.role(role).unwrap(), asker, now);
    let name = |c: &Contact| match &c.deputy_for {
        Some(absent) => format!("{} for {absent}", c.name),
        None => c.name.to_string(),
    };
    let line = |s: &Step| {
        let skipped: Vec<String> = s.skipped.iter().map(|s| format!("{} {}", s.name, s.reason)).collect();
        format!("{} at {}: {} [{}]", s.role, s.unit_name, s.found, skipped.join(", "))
    };
    (answer.contacts.iter().map(name).collect(), answer.trail.iter().map(line).collect())
}

#[test]
fn the_holder_at_ones_own_unit_answers() {
    let mut world = example();
    world.assign(LOCAL, 3, at(3));
    world.assign(LOCAL, 2, at(2));
    assert_eq!(ask(&world), (vec!["User 3".into()], vec!["local at Unit 3: 1 []".into()]));
}

#[test]
fn nobody_there_the_nearest_unit_above_answers_and_the_trail_names_every_unit_passed() {
    let mut world = example();
    world.assign(LOCAL, 1, at(1));
    let trail = ["local at Unit 3: 0 []", "local at Unit 2: 0 []", "local at Unit 1: 1 []"];
    assert_eq!(ask(&world), (vec!["User 1".into()], trail.map(String::from).to_vec()));
}

#[test]
fn several_at_one_unit_come_in_order_of_rank_then_name() {
    let mut world = example();
    world.directory.users.insert(user_id(6), user(6, 3).into());
    world.assign(LOCAL, 4, at(3));
    world.assign(LOCAL, 3, at(3));
    world.assign(LOCAL, 6, at(3)).rank = 1;
    assert_eq!(ask(&world).0, ["User 6", "User 3", "User 4"]);
}

#[test]
fn everyone_skipped_is_listed_with_the_reason() {
    let mut world = example();
    for n in [1, 2, 5] {
        change(&mut world, n, |u| u.unit = unit_id(3));
    }
    for n in [1, 2, 3, 4, 5, 9] {
        world.assign(LOCAL, n, at(3));
    }
    change(&mut world, 1, |u| u.enabled = false);
    change(&mut world, 2, |u| u.mail = None);
    change(&mut world, 3, |u| u.unit = unit_id(1));
    change(&mut world, 5, |u| u.expires = Some(hour(12)));
    world.away(4, 0, 24 * 37 + 7, None);
    let (contacts, trail) = ask(&world);
    assert_eq!(contacts, [""; 0]);
    assert_eq!(
        trail[0],
        "local at Unit 3: 0 [User 1 disabled, User 2 no mail address, User 3 moved to Unit 1, \
         User 4 away until 12 Aug 2026, User 5 account expired 6 Jul 2026, User 9 is you]"
    );
}

#[test]
fn an_address_that_cannot_be_mailed_to_is_none() {
    let mut world = example();
    world.assign(LOCAL, 3, at(3));
    change(&mut world, 3, |u| u.mail = Some("see the intranet".into()));
    assert_eq!(ask(&world).1[0], "local at Unit 3: 0 [User 3 no mail address]");
    // The assignment's own address stands in for the person's.
    world.assignments.values_mut().for_each(|a| a.mail = Some("desk@org.example".parse().unwrap()));
    assert_eq!(ask(&world).0, ["User 3"]);
}

#[test]
fn the_deputy_stands_in_for_whoever_is_away_and_only_then() {
    let mut world = example();
    world.assign(LOCAL, 3, at(3));
    world.away(3, 10, 20, Some(4));
    let at_hour = |h| ask_as(&world, LOCAL, &Asker::User(user_id(9)), hour(h)).0;
    assert_eq!(
        [at_hour(9), at_hour(10), at_hour(19), at_hour(20)].concat(),
        ["User 3", "User 4 for User 3", "User 4 for User 3", "User 3"]
    );
}

#[test]
fn the_deputy_stands_in_also_while_the_account_is_closed_and_for_the_absent_themselves() {
    let mut world = example();
    world.assign(LOCAL, 3, at(3));
    world.away(3, 10, 20, Some(4));
    assert_eq!(ask_as(&world, LOCAL, &Asker::User(user_id(3)), hour(12)).0, ["User 4 for User 3"]);
    change(&mut world, 3, |u| u.enabled = false);
    assert_eq!(ask(&world).0, ["User 4 for User 3"]);
    change(&mut world, 4, |u| u.enabled = false);
    assert_eq!(ask(&world).1[0], "local at Unit 3: 0 [User 3 disabled]");
}

#[test]
fn a_deputy_who_does_not_count_is_named_with_the_reason() {
    let mut world = example();
    world.assign(LOCAL, 3, at(3));
    world.away(3, 10, 20, Some(4));
    change(&mut world, 4, |u| u.enabled = false);
    assert_eq!(
        ask(&world).1[0],
        "local at Unit 3: 0 [User 3 away until 6 Jul 2026; deputy User 4: disabled]"
    );
    world.absences[0].deputy = Some(user_id(9));
    assert_eq!(ask(&world).1[0], "local at Unit 3: 0 [User 3 away until 6 Jul 2026; deputy User 9: is you]");
    world.absences[0].deputy = Some(user_id(77));
    assert!(ask(&world).1[0].ends_with("no longer in the directory]"));
}

#[test]
fn a_circle_of_deputies_ends() {
    let mut world = example();
    world.assign(LOCAL, 3, at(3));
    world.away(3, 10, 20, Some(4));
    world.away(4, 10, 48, Some(3));
    let (contacts, trail) = ask(&world);
    assert_eq!(contacts, [""; 0]);
    assert_eq!(
        trail[0],
        "local at Unit 3: 0 [User 3 away until 6 Jul 2026; deputy User 4: away until 8 Jul 2026]"
    );
}

#[test]
fn the_deputy_of_two_is_one_contact() {
    let mut world = example();
    world.directory.users.insert(user_id(6), user(6, 3).into());
    world.assign(LOCAL, 3, at(3));
    world.assign(LOCAL, 4, at(3));
    world.away(3, 0, 24, Some(6));
    world.away(4, 0, 24, Some(6));
    assert_eq!(ask(&world), (vec!["User 6 for User 3".into()], vec!["local at Unit 3: 1 []".into()]));
}

#[test]
fn whoever_moves_away_is_suspended_and_counts_again_when_back() {
    let mut world = example();
    world.assign(LOCAL, 3, at(3));
    world.assign(LOCAL, 1, at(1));
    change(&mut world, 3, |u| u.unit = unit_id(2));
    assert_eq!(ask(&world).0, ["User 1"]);
    assert_eq!(ask(&world).1[0], "local at Unit 3: 0 [User 3 moved to Unit 2]");
    change(&mut world, 3, |u| u.unit = unit_id(3));
    assert_eq!(ask(&world).0, ["User 3"]);
}

#[test]
fn any_unit_lets_a_holder_of_another_unit_count() {
    let mut world = example();
    world.assign(LOCAL, 1, at(3)).any_unit = true;
    assert_eq!(ask(&world).0, ["User 1"]);
}

#[test]
fn a_flag_follows_the_person() {
    let mut world = example();
    world.assign(LOCAL, 3, Place::OwnUnit);
    world.assign(LOCAL, 1, at(1));
    assert_eq!(ask(&world).0, ["User 3"]);
    change(&mut world, 3, |u| u.unit = unit_id(2));
    assert_eq!(ask(&world).1[..2], ["local at Unit 3: 0 []", "local at Unit 2: 1 []"]);
}

#[test]
fn at_the_root_the_fallback_answers() {
    let mut world = example();
    world.assign(GLOBAL, 5, Place::Organisation);
    let (contacts, trail) = ask(&world);
    assert_eq!(contacts, ["User 5"]);
    assert_eq!(trail[3..], [format!("local at {NAME}: 0 []"), format!("global at {NAME}: 1 []")]);
    // A chain of fallbacks, and one that bites its tail.
    assert_eq!(ask_as(&world, HELPER, &Asker::User(user_id(9)), hour(12)).0, ["User 5"]);
    world.assignments.clear();
    world.roles[1].fallback = Some(HELPER.into());
    let (contacts, trail) = ask_as(&world, HELPER, &Asker::Unit(unit_id(3)), hour(12));
    assert_eq!((contacts.len(), trail.len()), (0, 9));
}

#[test]
fn somebody_outside_can_hold_a_role() {
    let mut world = example();
    let desk = Holder::Outside { name: "Service desk".into(), mail: "desk@vendor.example".parse().unwrap() };
    world.assign(GLOBAL, 1, Place::Organisation).holder = desk.clone();
    world.assign(LOCAL, 1, at(2)).holder = desk;
    assert_eq!(ask(&world).0, ["Service desk"]);
    assert_eq!(ask_as(&world, GLOBAL, &Asker::Organisation, hour(12)).0, ["Service desk"]);
}

#[test]
fn an_assignment_has_its_time() {
    let mut world = example();
    let assignment = world.assign(LOCAL, 3, at(3));
    (assignment.from, assignment.until) = (Some(hour(10)), Some(hour(20)));
    let at_hour = |h| ask_as(&world, LOCAL, &Asker::User(user_id(9)), hour(h)).1[0].clone();
    assert_eq!(at_hour(9), "local at Unit 3: 0 [User 3 from 6 Jul 2026]");
    assert_eq!(at_hour(10), "local at Unit 3: 1 []");
    assert_eq!(at_hour(20), "local at Unit 3: 0 [User 3 ended 6 Jul 2026]");
}

#[test]
fn one_person_may_answer_for_several_directories() {
    let mut world = example();
    let [main, branch] = testing::DIRECTORIES;
    world.assign(AD_SYNC, 1, Place::Directory(main.into()));
    world.assign(AD_SYNC, 1, Place::Directory(branch.into()));
    world.assign(AD_SYNC, 2, Place::Directory(branch.into()));
    let of = |directory: &str| ask_as(&world, AD_SYNC, &Asker::Directory(directory.into()), hour(12));
    let not_for_it = |who: &str| format!("ad-sync at {NAME}: {who} for another directory]");
    assert_eq!(of(main), (vec!["User 1".into()], vec![not_for_it("1 [User 2")]));
    assert_eq!(of(branch).0, ["User 1", "User 2"]);
    assert_eq!(of("third").0, [""; 0]);
    // Whoever asks for themselves asks for the directory they are in.
    assert_eq!(ask_as(&world, AD_SYNC, &Asker::User(user_id(9)), hour(12)).0, ["User 1"]);
}

#[test]
fn a_suspended_assignment_does_not_hide_what_the_directory_grants() {
    let mut world = example();
    let unit = world.directory.units.get_mut(&unit_id(3)).unwrap();
    std::sync::Arc::make_mut(unit).managed_by = Some(user_id(1));
    world.roles[0].grants.managed_by = true;
    world.assign(LOCAL, 1, at(3));
    assert_eq!(ask(&world), (vec!["User 1".into()], vec!["local at Unit 3: 1 []".into()]));
}

#[test]
fn members_of_a_group_hold_the_role_where_they_are() {
    let mut world = example();
    world.roles[0].grants.groups = vec!["G1".into()];
    let groups = [group(1, &[1], &[2]), group(2, &[3], &[1])];
    world.directory.groups = directory_of([], [], groups).groups;
    let (contacts, trail) = ask(&world);
    assert_eq!((contacts, trail.len()), (vec!["User 3".to_owned()], 1));
}

#[test]
fn an_unknown_asker_gets_no_answer_rather_than_a_farther_one() {
    let mut world = example();
    world.assign(GLOBAL, 5, Place::Organisation);
    for asker in [Asker::User(user_id(77)), Asker::Unit(unit_id(77))] {
        assert_eq!(ask_as(&world, LOCAL, &asker, hour(12)), (vec![], vec![]));
    }
}

#[test]
fn the_days_are_those_of_the_time_zone() {
    let skip = Skip::Away { absence: AbsenceId(1), until: hour(22), deputy: None };
    assert_eq!(skip.to_string(), "away until 6 Jul 2026");
    assert_eq!(skip.in_zone(Tz::Europe__Stockholm), "away until 7 Jul 2026");
}

#[test]
fn an_answer_is_read_back_from_json() {
    let mut world = example();
    world.assign(LOCAL, 3, at(3));
    world.away(3, 10, 20, Some(9));
    let organisation = world.organisation();
    let answer = resolve(&organisation, &organisation.roles[0], &Asker::User(user_id(9)), hour(12));
    let json = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
}

#[test]
fn a_subject_turns_to_its_own_then_to_those_of_its_unit_then_to_everybodys() {
    // 1 above 2.
    let units = [unit(1, 0), unit(2, 1)];
    let mut world = World::new(directory_of([user(1, 0), user(2, 1), user(3, 2), user(4, 2)], units, []));
    for (name, owner) in [("pay", Some(2)), ("wiki", None)] {
        let subject = Subject::new(name, None, owner.map(unit_id)).unwrap();
        world.subjects.insert(subject.name.clone(), subject);
    }
    world.assign(GLOBAL, 1, Place::Organisation);
    world.assign(LOCAL, 2, Place::Unit(unit_id(1)));
    world.assign(REPORT, 3, Place::Subject("pay".into()));
    world.assign(REPORT, 4, Place::Subject("wiki".into()));
    let ask = |world: &World, subject: &str| {
        let organisation = world.organisation();
        let role = organisation.role(REPORT).unwrap();
        let answer = resolve(&organisation, role, &Asker::Subject(subject.into()), hour(1));
        let names: Vec<String> = answer.contacts.iter().map(|c| c.name.to_string()).collect();
        let step = |s: &Step| {
            let subject = s.subject.as_ref().map_or("", |name| &name.0);
            format!("{} {}{subject} {}", s.role, s.unit_name, s.skipped.len())
        };
        (names.join(","), answer.trail.iter().map(step).collect::<Vec<_>>())
    };
    assert_eq!(ask(&world, "pay"), ("User 3".into(), vec!["report Orgpay 0".into()]));
    assert_eq!(ask(&world, "gone"), (String::new(), Vec::new()));
    world.away(3, 0, 9, None);
    let trail = ["report Orgpay 1", "local Unit 2 0", "local Unit 1 0"].map(str::to_owned);
    assert_eq!(ask(&world, "pay"), ("User 2".into(), trail.to_vec()));
    world.away(4, 0, 9, None);
    let trail = ["report Orgwiki 1", "local Org 0", "global Org 0"].map(str::to_owned);
    assert_eq!(ask(&world, "wiki"), ("User 1".into(), trail.to_vec()));
}
