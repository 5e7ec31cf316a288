use super::*;
use crate::domain::delta::{apply, diff};
use crate::domain::directory::UserFields;
use crate::domain::testing::{DIRECTORIES, directory, directory_of, group, reading_of, unit, user, user_id};
use proptest::prelude::*;

/// What was held, what a run read, and what a later run read. As whatever is read: everybody in a unit that is there, no unit below itself.
fn two_runs() -> impl Strategy<Value = (Directory, Directory, Directory)> {
    let ours = |directory: Directory| sound(directory.part(&DIRECTORIES[0].into()));
    directory()
        .prop_map(ours)
        .prop_flat_map(|old| (Just(old.clone()), reading_of(old)))
        .prop_map(move |(old, read)| (old, ours(read)))
        .prop_flat_map(|(old, read)| (Just(old), Just(read.clone()), reading_of(read)))
        .prop_map(move |(old, read, later)| (old, read, ours(later)))
}

/// Whoever is in no unit that is there, and who is below itself, is at the root.
fn sound(mut directory: Directory) -> Directory {
    let units = directory.units.clone();
    let hangs = |id: UnitId| {
        let mut at = Some(id);
        for _ in 0..=units.len() {
            match at {
                Some(UnitId::ROOT) => return true,
                Some(unit) => at = units.get(&unit).map(|unit| unit.parent),
                None => return false,
            }
        }
        false
    };
    for id in units.keys().filter(|id| !hangs(**id)) {
        let unit = directory.units.get_mut(id).unwrap();
        *unit = Arc::new(Unit { parent: UnitId::ROOT, above: Guid::default(), ..Unit::clone(unit) });
    }
    let users: Vec<_> = directory.users.keys().copied().collect();
    for id in users {
        let user = directory.users.get_mut(&id).unwrap();
        if user.unit != UnitId::ROOT && !units.contains_key(&user.unit) {
            *user =
                Arc::new(UserFields { unit: UnitId::ROOT, above: Guid::default(), ..user.fields() }.into());
        }
    }
    directory
}

fn run(held: &Directory, read: Directory) -> Delta {
    diff(held, &DIRECTORIES[0].into(), &read.into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn undoing_the_last_run_gives_the_objects_back((old, read, _) in two_runs()) {
        let delta = run(&old, read);
        let new = apply(&old, &delta);
        let back = reverse(&steps(&delta), &new);
        prop_assert_eq!(back.skipped, []);
        prop_assert_eq!(&apply(&new, &back.delta), &old);
        // Undoing the undo does it again.
        let again = reverse(&steps(&back.delta), &old);
        prop_assert_eq!(again.skipped, []);
        prop_assert_eq!(apply(&old, &again.delta), new);
    }

    #[test]
    fn what_a_later_run_touched_is_left_alone((old, read, later) in two_runs()) {
        let first = run(&old, read);
        let between = apply(&old, &first);
        let second = run(&between, later);
        let now = apply(&between, &second);
        let kept = steps(&first);
        let back = reverse(&kept, &now);
        prop_assert_eq!(back.delta.len() + back.skipped.len(), kept.len());
        let after = apply(&now, &back.delta);
        for step in &kept {
            let id = UserId(step.id);
            if step.kind != ObjectKind::User {
                continue;
            }
            let skipped = back.skipped.iter().find(|s| s.kind == step.kind && s.id == step.id);
            if let Some(Skipped { reason: SkipReason::UnitGoneSince, .. }) = skipped {
                prop_assert_eq!(between.users.get(&id), now.users.get(&id), "{:?}", id);
                prop_assert!(!after.units.contains_key(&old.users[&id].unit));
            } else {
                prop_assert_eq!(skipped.is_some(), between.users.get(&id) != now.users.get(&id), "{:?}", id);
            }
            let expected = if skipped.is_some() { now.users.get(&id) } else { old.users.get(&id) };
            prop_assert_eq!(after.users.get(&id), expected);
        }
        prop_assert!(sound(after.clone()) == after, "somebody is in a unit that isn't there");
    }

    #[test]
    fn a_veto_forbids_what_was_undone_and_nothing_else((old, read, later) in two_runs()) {
        let delta = run(&old, read);
        let new = apply(&old, &delta);
        let back = reverse(&steps(&delta), &new);
        let veto = Veto::against(RunId(1), &back.delta);
        prop_assert!(veto.wishes.is_sorted());
        // The directory says the same again.
        let again = wishes(&delta);
        prop_assert_eq!(veto.forbidden(&again).count(), again.len());
        // It says something else: forbidden is what leads to the same values.
        let other = wishes(&run(&old, later));
        prop_assert_eq!(veto.forbidden(&other).count(), again.intersection(&other).count());
        // It was put right: nothing is wanted.
        prop_assert_eq!(veto.forbidden(&wishes(&Delta::default())).count(), 0);
    }
}

#[test]
fn a_veto_speaks_of_values_not_of_whole_objects() {
    let with = |mail: &str, phone: &str| UserFields {
        mail: Some(mail.into()),
        phone: Some(phone.into()),
        ..user(1, 0)
    };
    let delta = |before: UserFields, after: UserFields| {
        run(&directory_of([before], [], []), directory_of([after], [], []))
    };
    let wrong = delta(with("a", "1"), with("b", "1"));
    let after = directory_of([with("b", "1")], [], []);
    let veto = Veto::against(RunId(1), &reverse(&steps(&wrong), &after).delta);
    let forbids = |wanted: &Delta| veto.forbidden(&wishes(wanted)).count();
    assert_eq!(forbids(&delta(with("a", "1"), with("b", "2"))), 1, "the phone may change, the mail may not");
    assert_eq!(forbids(&delta(with("a", "1"), with("a", "2"))), 0);
    assert_eq!(forbids(&delta(with("a", "1"), with("c", "1"))), 0);
    assert_eq!(forbids(&run(&directory_of([with("a", "1")], [], []), Directory::default())), 0);
}

#[test]
fn a_cleared_value_and_a_member_that_left_are_wishes_too() {
    let old = directory_of([user(1, 1)], [unit(1, 0)], [group(1, &[1, 2], &[])]);
    let new = directory_of([UserFields { mail: None, ..user(1, 1) }], [unit(1, 0)], [group(1, &[1, 3], &[])]);
    let delta = run(&old, new.clone());
    assert_eq!(wishes(&delta).len(), 3);
    let veto = Veto::against(RunId(1), &reverse(&steps(&delta), &new).delta);
    assert_eq!(veto.forbidden(&wishes(&delta)).count(), 3);
}

#[test]
fn what_nobody_sees_is_not_kept() {
    let old = directory_of([user(1, 0)], [], []);
    let new = directory_of([UserFields { above: Guid([7; 16]), named: false, ..user(1, 0) }], [], []);
    let delta = run(&old, new);
    assert_eq!((delta.users.changed.len(), steps(&delta).len(), wishes(&delta).len()), (1, 0, 0));
}

#[test]
fn nobody_is_put_back_into_what_is_gone_and_nothing_taken_from_under_them() {
    let at = |unit: u8| directory_of([user(1, unit)], [], []);
    let units = |list: &[(u8, u8)]| directory_of([], list.iter().map(|(n, above)| unit(*n, *above)), []);
    let both = |users: Directory, units: Directory| Directory { units: units.units, ..users };
    type Case = (Directory, Directory, Directory, SkipReason);
    let cases: [Case; 3] = [
        // Everybody moves out of unit 1; later it goes.
        (
            both(at(1), units(&[(1, 0), (2, 0)])),
            both(at(2), units(&[(1, 0), (2, 0)])),
            both(at(2), units(&[(2, 0)])),
            SkipReason::UnitGoneSince,
        ),
        // Unit 1 is new; later somebody comes into it.
        (Directory::default(), units(&[(1, 0)]), both(at(1), units(&[(1, 0)])), SkipReason::InUseSince),
        // Unit 1 moves up from below unit 2; later unit 2 moves below it.
        (
            units(&[(1, 2), (2, 0)]),
            units(&[(1, 0), (2, 0)]),
            units(&[(1, 0), (2, 1)]),
            SkipReason::BelowItself,
        ),
    ];
    for (old, read, now, reason) in cases {
        let back = reverse(&steps(&run(&old, read)), &now);
        assert!(back.delta.is_empty(), "{reason:?}: {:?}", back.delta);
        assert_eq!(back.skipped.iter().map(|s| s.reason).collect::<Vec<_>>(), [reason]);
    }
}

#[test]
fn what_is_skipped_is_named() {
    let old = directory_of([user(1, 0), user(2, 0)], [], []);
    let new = directory_of([user(2, 0), user(3, 0)], [], []);
    let kept = steps(&run(&old, new));
    let now = directory_of([user(1, 0)], [], []);
    let back = reverse(&kept, &now);
    assert!(back.delta.is_empty());
    let said: Vec<_> = back.skipped.iter().map(|s| (s.id, s.name.as_deref(), s.reason)).collect();
    assert_eq!(
        said,
        [(user_id(1).0, Some("User 1"), SkipReason::ThereAgain), (user_id(3).0, None, SkipReason::GoneSince)]
    );
}
