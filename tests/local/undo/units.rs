//! Units that are made of an attribute: a directory that is read in another way than before, and runs that are undone.

use budkavle::domain::ids::UnitId;
use budkavle::domain::shape::UnitsFrom;

use super::*;

impl World {
    /// From the next run on its units come from there.
    fn units_from(&self, units: UnitsFrom) {
        let mapping = Mapping { units, ..Mapping::default() };
        let source = Source::Ldif(Ldif::new(self.file(), mapping));
        self.directories.replace(BTreeMap::from([(main_directory(), Arc::new(source))]));
    }

    fn unit_of(&self, n: u32) -> Option<UnitId> {
        self.core.view().organisation.user(self.id(n)).map(|user| user.unit)
    }

    /// The names of all units.
    fn units(&self) -> Vec<String> {
        let view = self.core.view();
        let mut names: Vec<String> =
            view.organisation.directory.units.values().map(|unit| unit.name.to_string()).collect();
        names.sort_unstable();
        names
    }

    /// Who is there for the person with this number.
    fn contacts_of(&self, n: u32) -> Vec<String> {
        let view = self.core.view();
        let role = view.organisation.role(roles::LOCAL).unwrap();
        let asker = Asker::User(self.id(n));
        let answer = contacts::resolve(&view.organisation, role, &asker, self.core.now());
        answer.contacts.iter().map(|contact| contact.name.to_string()).collect()
    }
}

fn departments() -> UnitsFrom {
    UnitsFrom::Attribute { attribute: "department".into(), separator: None }
}

/// Half of the people are in the north, half in the south.
async fn north_and_south() -> World {
    let mut world = World::new().await;
    world.departments = (1..=20).map(|n| (n, if n <= 10 { "Nord" } else { "Syd" })).collect();
    world
}

#[tokio::test]
async fn other_units_are_held_and_the_assignments_at_the_old_ones_wait_for_these() {
    let world = north_and_south().await;
    let ward = world.unit_of(7).unwrap();
    let mut world = world.with_seven_as(roles::LOCAL, Place::Unit(ward)).await;
    assert_eq!(world.contacts_of(12), ["Person 7"]);

    world.units_from(departments());
    let held = world.sync().await;
    assert_eq!(held.run.mode_reason, ModeReason::ScopeChanged);
    let why = reasons(&held);
    assert!(why.contains(&HoldReason::ScopeChanged { removed: 1 }), "{why:?}");
    assert!(why.contains(&HoldReason::All { kind: Kind::Moves, of: 20 }), "{why:?}");
    assert_eq!((world.units(), world.unit_of(7)), (vec!["Vård".to_owned()], Some(ward)));
    let again = world.sync().await;
    assert_eq!(again.run.mode_reason, ModeReason::ScopeChanged, "a held run doesn't make it an old thing");
    assert_eq!(world.contacts_of(12), ["Person 7"]);

    assert!(committed(&world.approve(held.run.id).await));
    assert_eq!(world.units(), ["Nord", "Syd"]);
    assert!(world.unit_of(7) != Some(ward) && world.unit_of(7) != world.unit_of(12));
    assert!(world.contacts_of(12).is_empty(), "nobody answers for a unit that isn't there");
    assert_eq!(world.sync().await.run.outcome, Outcome::Unchanged);

    let mut world = world.restart().await;
    world.units_from(UnitsFrom::Ous);
    let back = world.sync().await;
    assert_eq!(back.run.mode_reason, ModeReason::ScopeChanged);
    assert!(reasons(&back).contains(&HoldReason::ScopeChanged { removed: 2 }), "{back:?}");
    assert!(committed(&world.approve(back.run.id).await));
    assert_eq!((world.units(), world.unit_of(7)), (vec!["Vård".to_owned()], Some(ward)));
    assert_eq!(world.contacts_of(12), ["Person 7"], "the assignment was kept");
}

#[tokio::test]
async fn a_run_that_made_units_of_an_attribute_is_undone_with_them() {
    let mut world = north_and_south().await;
    world.units_from(departments());
    let held = world.sync().await;
    assert!(committed(&world.approve(held.run.id).await));
    let (north, before) = (world.unit_of(1).unwrap(), world.core.view().organisation.directory.clone());

    world.departments.extend([(1, "Väst"), (2, "Väst")]);
    let wrong = world.sync().await;
    assert!(committed(&wrong));
    assert_eq!(world.units(), ["Nord", "Syd", "Väst"]);
    world.undo(wrong.run.id, false).await.unwrap();
    assert_eq!(world.core.view().organisation.directory, before, "people are back and the new unit is gone");
    assert_eq!((world.units(), world.unit_of(1)), (vec!["Nord".into(), "Syd".into()], Some(north)));

    let mut world = world.restart().await;
    let again = world.sync().await;
    assert!(matches!(reasons(&again), [HoldReason::Undone { run, .. }] if *run == wrong.run.id), "{again:?}");
    assert_eq!(world.unit_of(1), Some(north));
    assert!(committed(&world.approve(again.run.id).await));
    assert_eq!(world.units(), ["Nord", "Syd", "Väst"]);
}
