use super::*;
use crate::domain::absence::{Absence, Origin};
use crate::domain::directory::UserFields;
use crate::domain::ids::AbsenceId;
use crate::domain::roles::{LOCAL, Place, Role};
use crate::domain::testing::{self, World, directory_of, hour, unit, unit_id, user, user_id, world};
use proptest::prelude::*;

/// Who answers for a unit in a role itself, by resolving.
fn told(
    organisation: &Organisation,
    role: &Role,
    id: UnitId,
    now: DateTime<Utc>,
) -> BTreeSet<(Option<UserId>, Option<String>)> {
    let role = Role { fallback: None, ..role.clone() };
    let answer = contacts::resolve(organisation, &role, &Asker::Unit(id), now);
    answer.contacts.into_iter().map(|c| (c.user, c.user.is_none().then(|| c.mail.key()))).collect()
}

fn check(
    (old, then): (&Organisation, DateTime<Utc>),
    (new, now): (&Organisation, DateTime<Utc>),
) -> Result<(), TestCaseError> {
    let changes = between((old, then), (new, now), &[]);
    for role in new.roles.iter().filter(|role| role.scope != Scope::Subject) {
        let Some(was) = old.role(&role.name.0) else { continue };
        let all = if role.pick == Pick::Nearest { new.tree.indices() } else { tree::ROOT..tree::ROOT + 1 };
        for place in all {
            let id = new.tree.id(place);
            let mentioned =
                changes.iter().filter(|c| c.role == role.name && c.units.contains(&id)).collect::<Vec<_>>();
            let differs =
                old.tree.index(id).is_some() && told(old, was, id, then) != told(new, role, id, now);
            prop_assert_eq!(mentioned.len(), usize::from(differs), "{} {}", role.name, new.tree.path(place));
            for change in mentioned {
                prop_assert!(!change.why.is_empty());
                prop_assert_eq!(change.units.len(), change.all_units as usize);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_unit_is_told_of_exactly_when_others_answer_for_it(
        (one, other) in (world(), world()),
        (then, now) in (testing::now(), testing::now()),
        some in any::<u64>(),
    ) {
        let (old, new) = (one.organisation(), other.organisation());
        check((&old, then), (&new, now))?;
        prop_assert_eq!(between((&new, now), (&new, now), &[]), []);
        // What an edit changes: some assignments and absences, and nothing else.
        let stays = |n: usize| some >> (n % 64) & 1 == 1;
        let assignments = other.organisation().assignments;
        let kept = old.assignments.iter().chain(&*assignments).enumerate().filter(|(n, _)| stays(*n));
        let edited = old.with_assignments(kept.map(|(_, (id, a))| (*id, a.clone())).collect());
        check((&old, now), (&edited, now))?;
        let (before, after) = (old.absences.values().flatten(), new.absences.values().flatten());
        let kept = before.chain(after).enumerate().filter(|(n, _)| stays(*n)).map(|(_, a)| a.clone());
        let away = edited.with_absences(kept.collect::<Vec<_>>());
        check((&edited, now), (&away, now))?;
    }
}

fn municipality() -> World {
    let units = [unit(1, 0), unit(2, 1), unit(3, 1)];
    let mut world = World::new(directory_of([user(1, 1), user(2, 2), user(3, 2), user(4, 3)], units, []));
    world.assign(LOCAL, 1, Place::OwnUnit);
    world.assign(LOCAL, 2, Place::Unit(unit_id(2)));
    world
}

#[test]
fn whoever_holds_a_role_of_the_whole_organisation_is_told_of_as_its_contact() {
    let before = municipality();
    let mut after = before.clone();
    after.assign("global", 4, Place::Organisation);
    let (old, new) = (before.organisation(), after.organisation());
    // Somebody belongs to another unit meanwhile: of this role that is no change.
    let moved = [(Arc::clone(old.user(user_id(4)).unwrap()), Arc::new(user(4, 1).into()))];
    let changes = between((&old, hour(0)), (&new, hour(0)), &moved);
    let global: Vec<_> = changes.iter().filter(|change| &*change.role.0 == "global").collect();
    let [change] = global.as_slice() else { panic!("{changes:?}") };
    assert_eq!((&*change.units, change.all_units, change.users), (&[UnitId::ROOT][..], 1, 4));
    assert_eq!((change.before.people.len(), &*change.after.people[0].name), (0, "User 4"));
    assert_eq!(change.why, [Why::Gained { name: "User 4".into() }]);
}

fn local(before: (&World, i64), after: (&World, i64)) -> Vec<ContactChange> {
    let (old, new) = (before.0.organisation(), after.0.organisation());
    let changed = old.directory.users.iter().filter_map(|(id, was)| {
        let is = new.user(*id)?;
        (was != is).then(|| (Arc::clone(was), Arc::clone(is)))
    });
    let all = between((&old, hour(before.1)), (&new, hour(after.1)), &changed.collect::<Vec<_>>());
    all.into_iter().filter(|change| &*change.role.0 == LOCAL).collect()
}

fn names(answerers: &Answerers) -> Vec<&str> {
    answerers.people.iter().map(|person| &*person.name).collect()
}

#[test]
fn time_alone_changes_who_answers_and_the_reason_is_the_absence() {
    let mut world = municipality();
    let (from, until) = (hour(6), hour(9));
    let away = Absence {
        id: AbsenceId(1),
        user: user_id(2),
        from,
        until,
        deputy: None,
        note: None,
        origin: Origin::ByHand,
    };
    world.absences.push(away);
    let [change] = &local((&world, 5), (&world, 6))[..] else { panic!() };
    assert_eq!((names(&change.before), names(&change.after)), (vec!["User 2"], vec!["User 1"]));
    assert_eq!((&*change.units, change.all_units, change.users), (&[unit_id(2)][..], 1, 2));
    assert_eq!(change.why, [Why::Lost { name: "User 2".into(), reason: Loss::Away { until } }]);
    let [back] = &local((&world, 8), (&world, 9))[..] else { panic!() };
    assert_eq!(back.why, [Why::Gained { name: "User 2".into() }]);
    assert_eq!(local((&world, 6), (&world, 8)), []);
}

#[test]
fn whoever_is_gone_or_loses_the_role_is_told_as_such() {
    let world = municipality();
    let mut without = world.clone();
    without.directory.users.remove(&user_id(2));
    let [change] = &local((&world, 5), (&without, 5))[..] else { panic!() };
    assert_eq!(change.why, [Why::Lost { name: "User 2".into(), reason: Loss::Gone }]);
    let mut revoked = world.clone();
    revoked.assignments.pop_last();
    let [change] = &local((&world, 5), (&revoked, 5))[..] else { panic!() };
    assert_eq!(change.why, [Why::Revoked { name: "User 2".into() }]);
}

#[test]
fn a_unit_that_moves_and_a_user_who_moves_get_other_contacts() {
    let world = municipality();
    let mut moved = world.clone();
    moved.directory.units.insert(unit_id(3), Arc::new(unit(3, 2)));
    let [change] = &local((&world, 5), (&moved, 5))[..] else { panic!() };
    assert_eq!((&*change.units, &*change.why), (&[unit_id(3)][..], &[Why::UnitMoved][..]));
    assert_eq!((change.before.unit, change.after.unit), (Some(unit_id(1)), Some(unit_id(2))));
    let mut moved = world.clone();
    moved.directory.users.insert(user_id(4), Arc::new(UserFields { unit: unit_id(2), ..user(4, 3) }.into()));
    let [change] = &local((&world, 5), (&moved, 5))[..] else { panic!() };
    assert_eq!((change.users, &*change.why), (1, &[Why::UserMoved][..]));
    assert_eq!(names(&change.after), ["User 2"]);
}

#[test]
fn somebody_stands_in_since_the_contact_is_away_and_no_longer_for_the_deputys_own_reason() {
    let mut world = municipality();
    let mut away = world.clone();
    away.away(2, 6, 9, Some(3));
    let [change] = &local((&world, 7), (&away, 7))[..] else { panic!() };
    let lost = Why::Lost { name: "User 2".into(), reason: Loss::Away { until: hour(9) } };
    let gained = Why::Gained { name: "User 3".into() };
    assert_eq!(change.why, [lost, gained]);
    assert_eq!(change.after.people[0].deputy_for.as_deref(), Some("User 2"));
    // The deputy can't any more; and the contact is back.
    let closed = UserFields { enabled: false, ..user(3, 2) };
    let mut without = away.clone();
    without.directory.users.insert(user_id(3), Arc::new(closed.into()));
    let [change] = &local((&away, 7), (&without, 7))[..] else { panic!() };
    assert_eq!(change.why, [Why::Lost { name: "User 3".into(), reason: Loss::Disabled }]);
    let [change] = &local((&away, 8), (&away, 9))[..] else { panic!() };
    assert_eq!(change.why, [Why::Gained { name: "User 2".into() }]);
    world.assignments.pop_last();
    world.absences = away.absences.clone();
    let [change] = &local((&away, 7), (&world, 7))[..] else { panic!() };
    assert_eq!(change.why, [Why::Revoked { name: "User 2".into() }]);
}

/// Unit 1 with 249 units below it, and user 1, who answers for all of them.
pub(crate) fn many_units() -> World {
    let units = std::iter::once(unit(1, 0)).chain((2..=250).map(|n| unit(n, 1)));
    let mut world = World::new(directory_of([user(1, 1), user(2, 7)], units, []));
    world.assign(LOCAL, 1, Place::OwnUnit);
    world
}

#[test]
fn of_many_units_each_is_named() {
    let (some, mut none) = (many_units(), many_units());
    none.assignments.clear();
    let changes = local((&some, 1), (&none, 1));
    assert_eq!(changes.iter().map(|change| change.units.len()).collect::<Vec<_>>(), [100, 100, 50]);
    let all: BTreeSet<UnitId> = changes.iter().flat_map(|change| change.units.iter().copied()).collect();
    assert_eq!(all.len(), 250);
    assert_eq!(
        changes
            .iter()
            .map(|change| (change.all_units, change.users))
            .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (250, 2)
    );
}
