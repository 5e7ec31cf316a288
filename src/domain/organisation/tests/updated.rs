//! What is arranged step by step is what is arranged at once.

use super::*;
use crate::domain::contacts::{Asker, recompute, resolve};
use crate::domain::delta::diff;
use crate::domain::testing::{self, DIRECTORIES, Step, reread, steps};

/// Every name that anybody or anything has, or had.
fn names_of(directory: &Directory) -> Vec<Box<str>> {
    let of_user = |u: &Arc<User>| {
        let UserFields { account, upn, mail, name, .. } = u.fields();
        [Some(account), upn, mail, Some(name)]
    };
    let users = directory.users.values().flat_map(of_user).flatten();
    users.chain(directory.units.values().map(|u| u.name.clone())).collect()
}

/// Everything that can be asked, with both answers.
fn assert_same(new: &Organisation, whole: &Organisation, names: &[Box<str>], now: DateTime<Utc>) {
    assert_eq!(new.directory, whole.directory);
    assert_eq!((&new.assignments, &new.absences), (&whole.assignments, &whole.absences));
    assert_eq!(new.tree.indices(), whole.tree.indices());
    assert_eq!(new.tree.misplaced(), whole.tree.misplaced());
    for name in DIRECTORIES {
        assert_eq!(new.tally(&name.into()), whole.tally(&name.into()), "{name}");
    }
    for place in whole.tree.indices() {
        let unit = |o: &Organisation| {
            (o.tree.id(place), o.tree.path(place), o.tree.subtree(place), o.tree.parent(place))
        };
        assert_eq!(unit(new), unit(whole));
        assert_eq!(new.tree.index(whole.tree.id(place)), Some(place));
        for below in [false, true] {
            assert!(new.users_in(place, below).eq(whole.users_in(place, below)));
            assert_eq!(new.count_users(place, below), whole.users_in(place, below).count());
        }
    }
    assert_eq!(new.holding_users(), whole.holding_users());
    assert_eq!(new.unknown_groups, whole.unknown_groups);
    let users = whole.directory.users.keys().map(|id| Asker::User(*id));
    let units = whole.directory.units.keys().map(|id| Asker::Unit(*id));
    let askers: Vec<Asker> =
        users.chain(units).chain([Asker::Organisation, Asker::User(user_id(99))]).collect();
    for role in &whole.roles {
        let holders = |o: &Organisation| o.holders(&role.name).all().cloned().collect::<Vec<_>>();
        assert_eq!(holders(new), holders(whole));
        assert_eq!(recompute(new, role, now), recompute(whole, role, now));
        for asker in &askers {
            assert_eq!(resolve(new, role, asker, now), resolve(whole, role, asker, now));
        }
    }
    for name in names {
        assert_eq!(new.find_user(name), whole.find_user(name), "{name}");
        assert_eq!(new.find_unit(name), whole.find_unit(name), "{name}");
        assert_eq!(new.search_users(name, 3), whole.search_users(name, 3), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn it_answers_like_one_that_is_arranged_anew(world in world(), steps in steps(), now in testing::now()) {
        let mut world = world;
        let mut organisation = world.organisation();
        let mut names = names_of(&world.directory);
        let mut local = recompute(&organisation, &world.roles[0], now);
        for Step { name, other, keep, ask } in steps {
            if ask {
                // The index of names is there, and is carried on.
                let _ = organisation.find_user("u1");
            }
            let delta = diff(&organisation.directory, &name, &reread(&world.directory, &name, &other, keep).into());
            let new = organisation.updated(&delta);
            world.directory = delta::apply(&world.directory, &delta);
            names.extend(names_of(&world.directory));
            assert_same(&new, &world.organisation(), &names, now);
            // What is said to be known of the contacts is.
            let recomputed = recompute(&new, &world.roles[0], now);
            prop_assert!(!new.answers_like(&organisation) || local == recomputed);
            local = recomputed;
            organisation = new;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn other_assignments_and_absences_are_as_if_they_had_been_there(
        world in world(), other in world(), now in testing::now(), ask in any::<bool>()
    ) {
        let organisation = world.organisation();
        if ask {
            let _ = organisation.find_user("u1");
        }
        let new = organisation.with_assignments(other.assignments.clone()).with_absences(other.absences.clone());
        let names = names_of(&world.directory);
        let (assignments, absences) = (other.assignments, other.absences);
        assert_same(&new, &World { assignments, absences, ..world }.organisation(), &names, now);
    }
}

/// Somebody who answers for nobody, and what happens to them, leaves everything in place that doesn't speak of them.
#[test]
fn a_change_of_somebody_without_a_role_is_small() {
    let mut world = World::new(directory_of([user(1, 1), user(2, 1), user(3, 1)], [unit(1, 0)], []));
    world.assign(LOCAL, 1, Place::OwnUnit);
    world.away(1, 0, 24, Some(2));
    let organisation = world.organisation();
    let after = |changed: UserFields| {
        let mut read = world.directory.clone();
        read.users.insert(changed.id, Arc::new(changed.into()));
        organisation.updated(&diff(&organisation.directory, &DIRECTORIES[0].into(), &read.into()))
    };
    let phone = |n| UserFields { phone: Some("1".into()), ..user(n, 1) };
    let out = |n| UserFields { enabled: false, ..user(n, 1) };
    assert!(after(phone(1)).answers_like(&organisation));
    assert!(after(out(3)).answers_like(&organisation));
    assert!(after(user(4, 1)).answers_like(&organisation));
    assert!(after(user(3, 0)).answers_like(&organisation));
    // The holder, and the deputy.
    assert!(!after(out(1)).answers_like(&organisation));
    assert!(!after(out(2)).answers_like(&organisation));
}

#[test]
fn an_index_of_names_that_grew_too_far_is_built_anew() {
    let organisation = World::new(directory_of([user(1, 0)], [], [])).organisation();
    assert!(organisation.find_user("u1").is_ok());
    let named = |n: u32| Arc::new(User::from(UserFields { account: format!("now{n}").into(), ..user(1, 0) }));
    let names = organisation.names.get().unwrap();
    let few: Vec<_> = (0..5).map(named).collect();
    let many: Vec<_> = (0..2_000).map(named).collect();
    assert!(names.with(few.iter()).is_some_and(|names| names.find("now3").eq([user_id(1)])));
    assert!(names.with(many.iter()).is_none());
}
