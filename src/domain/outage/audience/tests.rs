//! Who is told of what.

use super::*;
use crate::domain::outage::tests::{now as day, opening};
use crate::domain::outage::{Opening, Outage};
use crate::domain::service::{Service, Services};
use crate::domain::testing::{World, directory_of, hour, unit, unit_id, user};
use crate::domain::{audit::Actor, ids::OutageId};

/// Units 1 (with 2 below, and 3 below that) and 4; user n belongs to unit 1 for all n.
fn world() -> World {
    World::new(directory_of(
        (1..=8).map(|n| user(n, 1)),
        [unit(1, 0), unit(2, 1), unit(3, 2), unit(4, 0)],
        [],
    ))
}

fn service(name: &str, on: &[&str], owner: Option<&str>, units: &[&str]) -> Service {
    Service {
        name: name.into(),
        title: format!("The {name}").into(),
        depends_on: on.iter().map(|name| SubjectName::from(*name)).collect(),
        owner: owner.map(Into::into),
        units: units.iter().map(|unit| Box::from(*unit)).collect(),
    }
}

fn policy(services: impl IntoIterator<Item = Service>) -> Policy {
    let services: Services = services.into_iter().collect();
    Policy { services: services.into(), ..Policy::default() }
}

fn outage(services: &[&str], units: &[u8]) -> Outage {
    let opening = Opening {
        services: services.iter().map(|s| Box::from(*s)).collect(),
        units: units.iter().map(|n| unit_id(*n)).collect(),
        ..opening("Out")
    };
    Outage::open(OutageId(1), opening, Actor::System, day()).unwrap()
}

fn lines(world: &World, policy: &Policy, outage: &Outage) -> (Vec<String>, Vec<String>) {
    let audience = Audience::of(outage, &world.organisation(), policy, hour(1));
    let not = |not: &NotTold| match &not.why {
        WhyNot::Skipped(skip) => format!("{}: {skip}", not.name),
        WhyNot::OtherUnit(unit) => format!("{}: contact for {unit}", not.name),
        WhyNot::OtherService(service) => format!("{}: contact for {service}", not.name),
        WhyNot::Inhibited(_) | WhyNot::Silenced(_) => panic!("{not:?}"),
    };
    (
        audience.told.iter().map(|t| format!("{}: {}", t.name, t.why())).collect(),
        audience.not_told.iter().map(not).collect(),
    )
}

fn told(world: &World, policy: &Policy, outage: &Outage) -> Vec<String> {
    lines(world, policy, outage).0
}

#[test]
fn contacts_of_units_are_told_of_what_is_at_above_or_below_theirs() {
    let mut world = world();
    world.assign("outage", 1, Place::Organisation);
    world.assign("outage", 2, Place::Unit(unit_id(2)));
    world.assign("outage", 4, Place::Unit(unit_id(4)));
    let policy = Policy::default();
    let (whole, second) = ("User 1: outage", "User 2: outage contact for Unit 1 / Unit 2");
    let fourth = "User 4: outage contact for Unit 4";
    assert_eq!(told(&world, &policy, &outage(&[], &[])), [whole, second, fourth]);
    for concerned in [1, 2, 3] {
        let (told, not) = lines(&world, &policy, &outage(&[], &[concerned]));
        assert_eq!(told, [whole, second], "{concerned}");
        assert_eq!(not, ["User 4: contact for Unit 4"], "{concerned}");
    }
    assert_eq!(told(&world, &policy, &outage(&[], &[4])), [whole, fourth]);
    assert_eq!(told(&world, &policy, &outage(&[], &[3, 4])), [whole, second, fourth]);
}

#[test]
fn contacts_of_a_service_are_told_of_what_it_depends_on_and_each_once() {
    let mut world = world();
    world.assign("outage", 1, Place::Subject("journal".into()));
    world.assign("outage", 2, Place::Subject("storage".into()));
    world.assign("outage", 3, Place::Subject("phone".into()));
    // Holds it three times, and is told once, for what says most.
    world.assign("outage", 2, Place::Organisation);
    world.assign("outage", 2, Place::Subject("mail".into()));
    let policy = policy([
        service("storage", &[], None, &[]),
        service("mail", &["storage"], None, &[]),
        service("journal", &["mail"], None, &[]),
        service("phone", &[], None, &[]),
    ]);
    let (told_of, not) = lines(&world, &policy, &outage(&["storage"], &[]));
    assert_eq!(
        told_of,
        [
            "User 1: outage contact for The journal (outage of The storage, on which The journal depends)",
            "User 2: outage contact for The storage",
        ]
    );
    assert_eq!(not, ["User 3: contact for phone"]);
    let all = Audience::of(&outage(&["storage"], &[]), &world.organisation(), &policy, hour(1));
    assert_eq!(all.told[1].reasons.len(), 3);
    assert_eq!(
        told(&world, &policy, &outage(&["journal"], &[])),
        ["User 1: outage contact for The journal", "User 2: outage"]
    );
}

#[test]
fn a_service_concerns_the_units_that_it_serves_and_so_do_those_that_depend_on_it() {
    let mut world = world();
    world.assign("outage", 1, Place::Unit(unit_id(3)));
    world.assign("outage", 4, Place::Unit(unit_id(4)));
    let policy = policy([
        service("till", &[], None, &["Unit 4"]),
        service("lab", &[], None, &["Unit 1"]),
        service("scales", &["lab"], None, &["Unit 4"]),
        service("net", &[], None, &[]),
    ]);
    let names = |services: &[&str], units: &[u8]| -> Vec<u8> {
        let told = told(&world, &policy, &outage(services, units));
        told.iter().map(|line| line.as_bytes()[5] - b'0').collect()
    };
    assert_eq!(names(&["till"], &[]), [4]);
    assert_eq!(names(&["lab"], &[]), [1, 4], "the scales of unit 4 stand still, too");
    assert_eq!(names(&["lab"], &[3]), [1], "what is named goes before what it serves");
    assert_eq!(names(&["net"], &[]), [1, 4]);
    assert_eq!(names(&["till", "net"], &[]), [1, 4]);
    assert_eq!(names(&["till", "gone"], &[]), [1, 4], "whom a service served that was taken out isn't known");
}

#[test]
fn the_owner_stands_in_for_a_service_without_a_contact_who_counts() {
    let mut world = world();
    world.assign("local", 5, Place::Unit(unit_id(1)));
    world.assign("outage", 6, Place::Subject("mail".into()));
    let policy = policy([
        service("storage", &[], Some("Unit 1 / Unit 2"), &[]),
        service("mail", &["storage"], Some("Unit 4"), &[]),
    ]);
    let mail = "User 6: outage contact for The mail (outage of The storage, on which The mail depends)";
    let owner = "User 5: contact of Unit 1 / Unit 2, which owns The storage";
    assert_eq!(told(&world, &policy, &outage(&["storage"], &[])), [owner, mail]);
    world.assign("local", 7, Place::Unit(unit_id(4))).any_unit = true;
    world.away(6, 0, 48, None);
    let now = lines(&world, &policy, &outage(&["storage"], &[]));
    assert!(now.0.contains(&"User 7: contact of Unit 4, which owns The mail (outage of The storage, on which The mail depends)".to_owned()), "{now:?}");
    assert_eq!(now.1, ["User 6: away until 8 Jul 2026"]);
}

#[test]
fn deputies_are_told_for_the_absent_and_who_does_not_count_is_named_with_the_reason() {
    let mut world = world();
    for n in 1..=4 {
        world.assign("outage", n, Place::Organisation);
    }
    world.away(1, 0, 48, Some(5));
    world.away(2, 0, 48, None);
    let mut users: Vec<_> = (1..=8).map(|n| user(n, 1)).collect();
    users[2].enabled = false;
    users[3].mail = None;
    world.directory = directory_of(users, [unit(1, 0)], []);
    let (told, not) = lines(&world, &Policy::default(), &outage(&[], &[]));
    assert_eq!(told, ["User 5: outage (deputy for User 1)"]);
    assert_eq!(not, ["User 2: away until 8 Jul 2026", "User 3: disabled", "User 4: no mail address"]);
}

#[test]
fn nobody_is_told_twice_and_others_are_told_besides() {
    let mut world = world();
    world.assign("outage", 1, Place::Organisation);
    world.assign("global", 2, Place::Organisation);
    let policy = Policy {
        also: vec!["U1@org.example".parse().unwrap(), "it@org.example".parse().unwrap()],
        ..Policy::default()
    };
    let also = vec!["it@org.example".parse().unwrap(), "vendor@x.example".parse().unwrap()];
    let outage = Outage { also, ..outage(&[], &[]) };
    assert_eq!(
        told(&world, &policy, &outage),
        [
            "it@org.example: somebody who is told of this outage",
            "User 1: outage",
            "vendor@x.example: somebody who is told of this outage",
        ]
    );
    // Nobody of the role counts: its fallback is told.
    world.away(1, 0, 48, None);
    assert_eq!(told(&world, &Policy::default(), &outage)[1], "User 2: global");
}

#[test]
fn a_unit_that_is_gone_meanwhile_concerned_somebody() {
    let mut world = world();
    world.assign("outage", 4, Place::Unit(unit_id(4)));
    assert_eq!(told(&world, &Policy::default(), &outage(&[], &[9])), ["User 4: outage contact for Unit 4"]);
}

#[test]
fn a_service_of_which_one_unit_was_renamed_concerns_everybody_until_it_is_named_anew() {
    let mut world = world();
    world.assign("outage", 1, Place::Unit(unit_id(1)));
    world.assign("outage", 4, Place::Unit(unit_id(4)));
    let lab = policy([service("lab", &[], None, &["Unit 1", "Was unit 4"])]);
    assert_eq!(
        told(&world, &lab, &outage(&["lab"], &[])),
        ["User 1: outage contact for Unit 1", "User 4: outage contact for Unit 4",]
    );
}

#[test]
fn a_deputy_is_told_for_whom_and_why_together() {
    let mut world = world();
    // 1 holds it in person for the organisation, and stands in for 2, who holds it for mail.
    world.assign("outage", 1, Place::Organisation);
    world.assign("outage", 2, Place::Subject("mail".into()));
    world.away(2, 0, 48, Some(1));
    let policy = policy([service("mail", &[], None, &[])]);
    let concerned = outage(&["mail"], &[]);
    assert_eq!(
        told(&world, &policy, &concerned),
        ["User 1: outage contact for The mail (deputy for User 2)"]
    );
    // 5 stands in for 3 of a unit and for 4 of mail.
    world.assign("outage", 3, Place::Unit(unit_id(1)));
    world.assign("outage", 4, Place::Subject("mail".into()));
    world.away(3, 0, 48, Some(5));
    world.away(4, 0, 48, Some(5));
    assert_eq!(
        told(&world, &policy, &concerned)[1..],
        ["User 5: outage contact for The mail (deputy for User 4)"]
    );
    // In person goes before as a deputy, for the same reason.
    world.assign("outage", 5, Place::Subject("mail".into()));
    assert_eq!(told(&world, &policy, &concerned)[1..], ["User 5: outage contact for The mail"]);
}

#[test]
fn brackets_in_a_title_are_its_own() {
    let mut world = world();
    world.assign("outage", 2, Place::Subject("mail".into()));
    world.away(2, 0, 48, Some(1));
    let mail = Service { title: "E-mail (Exchange)".into(), ..service("mail", &[], None, &[]) };
    assert_eq!(
        told(&world, &policy([mail]), &outage(&["mail"], &[])),
        ["User 1: outage contact for E-mail (Exchange) (deputy for User 2)"]
    );
}

#[test]
fn for_an_owner_without_contacts_or_that_is_gone_those_answer_who_stand_in_for_it() {
    let mut world = world();
    world.assign("outage", 6, Place::Subject("storage".into()));
    world.assign("global", 7, Place::Organisation);
    let policy =
        |owner| policy([service("storage", &[], None, &[]), service("mail", &["storage"], Some(owner), &[])]);
    let line = |owner: &str| {
        let out = "outage of The storage, on which The mail depends";
        [
            "User 6: outage contact for The storage".to_owned(),
            format!("User 7: global, in place of {owner}, which owns The mail ({out})"),
        ]
    };
    for owner in ["Unit 4", "Renamed"] {
        assert_eq!(told(&world, &policy(owner), &outage(&["storage"], &[])), line(owner), "{owner}");
    }
}

#[test]
fn whom_a_correction_no_longer_concerns_is_known() {
    let mut world = world();
    world.assign("outage", 1, Place::Subject("mail".into()));
    world.assign("outage", 2, Place::Subject("phones".into()));
    world.assign("outage", 3, Place::Subject("till".into()));
    let policy = policy(["mail", "phones", "till"].map(|name| service(name, &[], None, &[])));
    let slip = Outage { also: vec!["slip@x.example".parse().unwrap()], ..outage(&["mail"], &[]) };
    let after = outage(&["phones"], &[]);
    let found = Audience::of_correction(&slip, &after, &world.organisation(), &policy, hour(1));
    let names = |all: &[Told]| -> Vec<String> { all.iter().map(|told| told.name.to_string()).collect() };
    assert_eq!(
        (names(&found.told), names(&found.left)),
        (vec!["User 2".to_owned()], vec!["User 1".to_owned()])
    );
    assert_eq!(found.not_told.iter().map(|not| &*not.name).collect::<Vec<_>>(), ["User 3"]);
}
