use super::*;
use crate::domain::contacts::Asker;
use crate::domain::directory::UserFields;
use crate::domain::ids::UnitId;
use crate::domain::roles::{AD_SYNC, GLOBAL, REPORT};
use crate::domain::testing::{self, World, directory_of, hour, unit, unit_id, user, user_id, world};
use proptest::prelude::*;

/// It wants two.
const REMOTE_ACCESS: &str = "remote-access";

proptest! {
    #[test]
    fn the_units_that_are_listed_are_those_that_nobody_answers_for(world in world(), now in testing::now()) {
        let organisation = world.organisation();
        let tree = &organisation.tree;
        let role = Role { fallback: None, ..organisation.role(LOCAL).unwrap().clone() };
        let mut listed = vec![0; tree.len()];
        for found in uncovered(&organisation, &role, &recompute(&organisation, &role, now)) {
            let place = tree.index(found.unit).unwrap();
            let below = if found.units == 1 { place..place + 1 } else { tree.subtree(place) };
            prop_assert_eq!(found.units as usize, below.len());
            let users: usize = below.clone().map(|place| organisation.count_users(place, false)).sum();
            prop_assert_eq!(found.users as usize, users);
            below.for_each(|place| listed[place as usize] += 1);
        }
        for place in tree.indices() {
            let asker = Asker::Unit(tree.id(place));
            let alone = contacts::resolve(&organisation, &role, &asker, now).contacts.is_empty();
            let times = listed[place as usize];
            prop_assert!(times <= 1);
            prop_assert!(alone || times == 0, "{} is listed and answered for", tree.path(place));
            let has_users = organisation.count_users(place, false) > 0;
            prop_assert!(!alone || !has_users || times == 1, "{} is missing", tree.path(place));
        }
    }
}

fn municipality() -> World {
    // 1 above 2 and 3; 4 below 3.
    let units = [unit(1, 0), unit(2, 1), unit(3, 1), unit(4, 3)];
    World::new(directory_of([user(1, 1), user(2, 2), user(3, 3), user(4, 4)], units, []))
}

fn units(world: &World) -> Vec<(UnitId, u32, u32)> {
    let orphans = find(&world.organisation(), hour(12));
    let local = orphans.units.into_iter().filter(|found| &*found.role.0 == LOCAL);
    local.map(|found| (found.unit, found.units, found.users)).collect()
}

#[test]
fn of_a_subtree_without_any_contact_the_top_is_told() {
    let mut world = municipality();
    assert_eq!(units(&world), [(UnitId::ROOT, 5, 4)]);
    world.assign(LOCAL, 3, Place::OwnUnit);
    assert_eq!(units(&world), [(unit_id(1), 1, 1), (unit_id(2), 1, 1)]);
    world.assign(LOCAL, 1, Place::OwnUnit);
    assert_eq!(units(&world), []);
}

#[test]
fn whoever_holds_a_role_in_vain_is_told_with_the_reason() {
    let mut world = municipality();
    world.assign(LOCAL, 2, Place::Unit(unit_id(3)));
    world.assign(LOCAL, 3, Place::Unit(unit_id(3))).from = Some(hour(13));
    world.assign(LOCAL, 9, Place::Unit(unit_id(2)));
    world.assign(LOCAL, 9, Place::OwnUnit);
    world.assign(LOCAL, 4, Place::Unit(unit_id(8)));
    world.assign("no-such-role", 4, Place::Organisation);
    let disabled = UserFields { enabled: false, ..user(1, 1) };
    world.directory.users.insert(user_id(1), std::sync::Arc::new(disabled.into()));
    world.assign(GLOBAL, 1, Place::Organisation);
    let orphans = find(&world.organisation(), hour(12));
    let holders: Vec<(String, String)> =
        orphans.holders.iter().map(|h| (h.path.clone(), h.reason.to_string())).collect();
    let told = |path: &str, reason: &str| (path.to_owned(), reason.to_owned());
    assert_eq!(
        holders,
        [
            told("Unit 1 / Unit 2", "no longer in the directory"),
            told("Unit 1 / Unit 3", "moved to Unit 2"),
            told("Org", "disabled")
        ]
    );
    let nowhere: Vec<String> = orphans.assignments.iter().map(|a| a.why.to_string()).collect();
    assert_eq!(
        nowhere,
        [
            "the person is no longer in the directory",
            "the unit is gone",
            "the role is gone, or isn't held at such a place any more"
        ]
    );
}

#[test]
fn a_role_that_too_few_hold_is_short() {
    let mut world = municipality();
    let short = |world: &World| lines(&find(&world.organisation(), hour(12)).short);
    let told = |there| format!("{REMOTE_ACCESS}: {there} of at least 2 people count");
    assert_eq!(short(&world), [told(0)]);
    world.assign(REMOTE_ACCESS, 1, Place::Organisation);
    world.assign(GLOBAL, 2, Place::Organisation);
    assert_eq!(short(&world), [told(1)], "who answers in its place doesn't count");
    world.assign(REMOTE_ACCESS, 2, Place::Organisation);
    assert_eq!(short(&world), Vec::<String>::new());
}

fn lines(short: &[Short]) -> Vec<String> {
    short.iter().map(ToString::to_string).collect()
}

fn at_least_two(world: &mut World, role: &str) {
    world.roles.iter_mut().find(|known| &*known.name.0 == role).unwrap().minimum = 2;
    world.roles.retain(|known| [role, LOCAL, GLOBAL].contains(&&*known.name.0));
}

#[test]
fn a_role_of_units_is_short_where_a_single_person_answers_though_two_should() {
    let mut world = municipality();
    at_least_two(&mut world, LOCAL);
    world.assign(LOCAL, 1, Place::OwnUnit);
    world.assign(LOCAL, 3, Place::OwnUnit);
    world.assign(LOCAL, 4, Place::Unit(unit_id(3))).any_unit = true;
    world.assign(LOCAL, 4, Place::OwnUnit);
    let orphans = find(&world.organisation(), hour(12));
    let short = lines(&orphans.short);
    let expected = [
        "local for Unit 1: 1 of at least 2 people count, for 2 units with 2 users",
        "local for Unit 1 / Unit 3 / Unit 4: 1 of at least 2 people count, for one unit with 1 users",
    ];
    assert_eq!(short, expected);
    assert_eq!(orphans.units, [], "somebody answers everywhere");
}

#[test]
fn each_directory_and_each_subject_is_looked_at_by_itself() {
    let mut world = municipality();
    at_least_two(&mut world, REPORT);
    world.assign(GLOBAL, 4, Place::Organisation);
    for name in ["a", "b", "c"] {
        let subject = Subject::new(name, None, None).unwrap();
        world.subjects.insert(subject.name.clone(), subject);
    }
    for (user, subject) in [(1, "a"), (2, "a"), (1, "b")] {
        world.assign(REPORT, user, Place::Subject(subject.into()));
    }
    let orphans = find(&world.organisation(), hour(12));
    assert_eq!(lines(&orphans.short), ["report for b: 1 of at least 2 people count"]);
    let nobody = orphans.subjects.iter().filter(|it| !it.unanswered.is_empty());
    assert_eq!(nobody.map(|it| it.subject.to_string()).collect::<Vec<_>>(), ["c"]);

    let mut world = municipality();
    let branch = UserFields { directory: testing::DIRECTORIES[1].into(), ..user(5, 0) };
    world.directory.users.insert(user_id(5), std::sync::Arc::new(branch.into()));
    at_least_two(&mut world, AD_SYNC);
    world.assign(AD_SYNC, 1, Place::Organisation);
    world.assign(AD_SYNC, 2, Place::Directory(testing::DIRECTORIES[0].into()));
    let short = find(&world.organisation(), hour(12)).short;
    assert_eq!(lines(&short), ["ad-sync for branch: 1 of at least 2 people count"]);
}

#[test]
fn a_subject_without_an_owner_or_anybody_near_is_told() {
    let mut world = municipality();
    let subject = |name: &str, owner: Option<u8>| Subject::new(name, None, owner.map(unit_id)).unwrap();
    for subject in [subject("a", None), subject("b", Some(9)), subject("c", Some(4)), subject("d", Some(2))] {
        world.subjects.insert(subject.name.clone(), subject);
    }
    world.assign(GLOBAL, 1, Place::Organisation);
    world.assign(LOCAL, 2, Place::Unit(unit_id(2)));
    world.assign(REPORT, 3, Place::Subject("a".into()));
    world.assign(REPORT, 3, Place::Subject("z".into()));
    let told = |world: &World| {
        let orphans = find(&world.organisation(), hour(12));
        let line = |s: &OrphanSubject| (s.subject.to_string(), s.owner.clone(), s.unanswered.len());
        orphans.subjects.iter().map(line).collect::<Vec<_>>()
    };
    let gone = OwnerTrouble::Gone { name: None };
    let expected = [
        ("a".to_owned(), Some(OwnerTrouble::None), 0),
        ("b".to_owned(), Some(gone), 1),
        ("c".to_owned(), None, 1),
    ];
    assert_eq!(told(&world), expected);
    let nowhere = find(&world.organisation(), hour(12)).assignments;
    assert_eq!(nowhere.iter().map(|a| &a.why).collect::<Vec<_>>(), [&Nowhere::Subject { name: "z".into() }]);
    // Its own contact is away for a while: who answers for everything answers, and that is told.
    world.away(3, 0, 24, None);
    assert_eq!(told(&world)[0], ("a".to_owned(), Some(OwnerTrouble::None), 1));
}

#[test]
fn a_group_that_gives_a_role_to_too_many_is_told_and_nobody_is_dropped() {
    let mut world = World::new(directory_of(
        [user(1, 0), user(2, 0), user(3, 0)],
        [],
        [testing::group(1, &[1, 2, 3], &[])],
    ));
    let role = world.roles.iter_mut().find(|role| &*role.name.0 == GLOBAL).unwrap();
    (role.quota, role.grants.groups) = (Some(3), vec!["g1".into()]);
    world.assign(GLOBAL, 1, Place::Organisation);
    assert_eq!(find(&world.organisation(), hour(12)).over, []);
    world.roles.iter_mut().find(|role| &*role.name.0 == GLOBAL).unwrap().quota = Some(2);
    let organisation = world.organisation();
    let over = find(&organisation, hour(12)).over;
    assert_eq!((over[0].people, over[0].quota, over[0].holders.len()), (3, 2, 3));
    let said = over[0].to_string();
    assert!(said.contains("User 1 (assignment 1)") && said.contains("User 3 (group Group 1)"), "{said}");
    let role = organisation.role(GLOBAL).unwrap();
    assert_eq!(contacts::resolve(&organisation, role, &Asker::Organisation, hour(12)).contacts.len(), 3);
}
