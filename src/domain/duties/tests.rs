use super::*;
use crate::domain::roles::{GLOBAL, LOCAL};
use crate::domain::testing::{World, directory_of, hour, unit, unit_id, user, user_id};

/// Unit 1 with 2 and 3 below it; user 1 and 4 answer for all, user 2 for unit 2, user 5 for everything.
fn municipality() -> World {
    let people = [(1, 1), (2, 2), (3, 2), (4, 1), (5, 0)].map(|(n, unit)| user(n, unit));
    let mut world = World::new(directory_of(people, [unit(1, 0), unit(2, 1), unit(3, 1)], []));
    world.assign(LOCAL, 1, Place::Unit(unit_id(1)));
    world.assign(LOCAL, 4, Place::OwnUnit);
    world.assign(LOCAL, 2, Place::Unit(unit_id(2)));
    world.assign(GLOBAL, 5, Place::Organisation);
    world
}

fn of(world: &World, n: u8) -> Duties {
    let organisation = world.organisation();
    let book = Book::new(&organisation, hour(1), Tz::UTC);
    book.of(&Who::User(user_id(n))).unwrap()
}

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| Box::from(*name)).collect()
}

#[test]
fn it_tells_the_units_the_people_and_who_is_beside_and_above() {
    let all = of(&municipality(), 1);
    let [duty] = all.duties.as_slice() else { panic!("{all:?}") };
    assert_eq!((duty.place.as_deref(), duty.all_units, duty.users, duty.more), (Some("Unit 1"), 2, 2, 0));
    // Unit 2 has a contact of its own: unit 1 and one below it are left.
    assert_eq!(duty.units, [UnitsAt { path: "Unit 1".into(), below: 1 }]);
    assert_eq!(duty.beside, names(&["User 4"]));
    assert_eq!(duty.above, Some(Fallback { role: GLOBAL.into(), people: names(&["User 5"]) }));
    assert_eq!(all.turns_to, names(&["User 4"]));
    let part = of(&municipality(), 2);
    assert_eq!((part.duties[0].all_units, part.duties[0].users), (1, 2));
    let above = Fallback { role: LOCAL.into(), people: names(&["User 1", "User 4"]) };
    assert_eq!(part.duties[0].above, Some(above));
    let global = of(&municipality(), 5);
    assert_eq!((global.duties[0].place.as_deref(), global.duties[0].all_units), (None, 0));
    assert_eq!(of(&municipality(), 3).duties, []);
}

#[test]
fn it_tells_who_stands_in_for_whom_and_why_somebody_does_not_count() {
    let mut world = municipality();
    world.away(2, 0, 5, Some(3));
    world.away(2, 10, 12, None);
    world.away(2, -5, 0, None);
    let away = of(&world, 2);
    assert_eq!((away.duties[0].deputy.as_deref(), away.duties[0].skipped.as_deref()), (Some("User 3"), None));
    assert_eq!((away.duties[0].all_units, away.duties[0].beside.len()), (1, 0));
    let planned: Vec<_> =
        away.absences.iter().map(|planned| (planned.from, planned.deputy.as_deref())).collect();
    assert_eq!(planned, [(hour(0), Some("User 3")), (hour(10), None)]);
    let deputy = of(&world, 3);
    assert_eq!(deputy.stands_in, [StandsIn { name: "User 2".into(), from: hour(0), until: hour(5) }]);
    let mut moved = user(2, 3);
    moved.name = "User 2".into();
    world.absences.clear();
    world.directory.users.insert(user_id(2), std::sync::Arc::new(moved.into()));
    let suspended = of(&world, 2);
    assert_eq!(suspended.duties[0].skipped.as_deref(), Some("moved to Unit 3"));
    assert_eq!(suspended.duties[0].all_units, 0);
}

#[test]
fn only_those_who_hold_the_role_are_in_the_book() {
    let world = municipality();
    let organisation = world.organisation();
    let book = Book::new(&organisation, hour(1), Tz::UTC);
    let holders: Vec<Who> = book.holders(&[LOCAL.into()]).cloned().collect();
    assert_eq!(holders, [1, 2, 4].map(|n| Who::User(user_id(n))));
}

#[test]
fn an_address_of_the_assignment_goes_before_the_own_one_while_they_answer_by_it() {
    let mut world = municipality();
    let desk: Address = "desk@org.example".parse().unwrap();
    world.assign(LOCAL, 3, Place::Unit(unit_id(2))).mail = Some(desk);
    let address = |world: &World, n: u8| {
        let organisation = world.organisation();
        let book = Book::new(&organisation, hour(1), Tz::UTC);
        book.address_of(&Who::User(user_id(n))).map(|mail| mail.to_string())
    };
    assert_eq!(address(&world, 3).as_deref(), Some("desk@org.example"));
    assert_eq!(address(&world, 2).as_deref(), Some("u2@org.example"));
    // While somebody stands in, and when it has ended, it isn't theirs to be written to.
    world.away(3, 0, 5, Some(2));
    assert_eq!(address(&world, 3).as_deref(), Some("u3@org.example"));
}

#[test]
fn somebody_outside_has_duties_too_and_is_found_by_any_role() {
    let mut world = municipality();
    let mail: Address = "Help@vendor.example".parse().unwrap();
    world.assign(LOCAL, 1, Place::Unit(unit_id(3))).holder =
        Holder::Outside { name: "Helpdesk".into(), mail: mail.clone() };
    let organisation = world.organisation();
    let book = Book::new(&organisation, hour(1), Tz::UTC);
    let who = Who::new(None, &mail);
    let duties = book.of(&who).unwrap();
    assert_eq!((&*duties.name, &*duties.account, duties.turns_to.len()), ("Helpdesk", "", 0));
    assert_eq!((duties.duties[0].all_units, duties.duties[0].skipped.as_deref()), (1, None));
    assert_eq!((duties.duties[0].beside.len(), book.address_of(&who)), (0, Some(mail)));
    assert_eq!(book.of(&Who::Outside("nobody@vendor.example".into())), None);
    // Those of `local` are users 1, 2 and 4 and the help desk; user 5 is global contact alone.
    let count = |roles: &[&str]| {
        let roles: Vec<RoleName> = roles.iter().map(|role| RoleName::from(*role)).collect();
        book.holders(&roles).count()
    };
    assert_eq!((count(&[LOCAL]), count(&[GLOBAL]), count(&[])), (4, 1, 5));
}
