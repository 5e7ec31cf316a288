mod updated;

use super::*;
use crate::domain::directory::{Group, UserFields};
use crate::domain::roles::{GLOBAL, LOCAL, OUTAGE, Place};
use crate::domain::testing::{World, directory_of, group, hour, unit, unit_id, user, user_id, world};
use proptest::prelude::*;

/// Org > Care > Home care > Norr, and IT > Home care.
fn example() -> World {
    let unit = |n, parent, name: &str| Unit { name: name.into(), ..unit(n, parent) };
    let units = [
        unit(1, 0, "Care"),
        unit(2, 1, "Home care"),
        unit(3, 2, "Norr"),
        unit(4, 0, "IT"),
        unit(5, 4, "Home care"),
    ];
    let person = |n, unit, account: &str, name: &str| UserFields {
        account: account.into(),
        name: name.into(),
        upn: Some(format!("{account}@ad.example").into()),
        mail: Some(format!("{}@org.example", name.to_lowercase().replace(' ', ".")).into()),
        ..user(n, unit)
    };
    let users = [
        person(1, 2, "aobe", "Åsa Öberg"),
        person(2, 3, "boek", "Bo Ek"),
        person(3, 5, "boek2", "Bo Ek"),
        person(4, 0, "sode", "Søren Ødegård"),
        // Somebody whose account is another one's name.
        person(5, 1, "åsa öberg", "Li Ås"),
    ];
    World::new(directory_of(users, units, []))
}

fn found(organisation: &Organisation, text: &str) -> Result<u8, String> {
    organisation.find_user(text).map(|u| u.id.0.0[7]).map_err(|e| e.to_string())
}

#[test]
fn a_user_is_found_by_guid_account_principal_name_mail_and_name() {
    let organisation = example().organisation();
    for text in ["AOBE", " aobe ", "aobe@ad.example", "ÅSA.öberg@org.example", &user_id(1).to_string()] {
        assert_eq!(found(&organisation, text), Ok(1), "{text}");
    }
    assert_eq!(found(&organisation, "SØREN ødegård"), Ok(4));
    // An account comes before a name.
    assert_eq!(found(&organisation, "Åsa Öberg"), Ok(5));
}

#[test]
fn two_of_one_name_are_both_named() {
    let organisation = example().organisation();
    assert_eq!(
        found(&organisation, "bo ek").unwrap_err(),
        "\"bo ek\" fits 2 users: boek (Bo Ek, Care / Home care / Norr); boek2 (Bo Ek, IT / Home care); \
         give the account, the user principal name, the mail address or the GUID"
    );
}

#[test]
fn of_many_ten_are_named_and_those_who_look_alike_with_their_guid() {
    let alike = |n| UserFields { account: "same".into(), ..user(n, 0) };
    let organisation = World::new(directory_of((1..=13).map(alike), [], [])).organisation();
    let Err(error) = organisation.find_user("same") else { panic!("found") };
    assert!(matches!(&error, LookupError::Ambiguous { candidates, count: 13, .. } if candidates.len() == 10));
    assert!(error.to_string().contains("; and 3 more;"), "{error}");
    let twins = [user(1, 0), UserFields { name: "User 1".into(), account: "u1".into(), ..user(2, 0) }];
    let organisation = World::new(directory_of(twins, [], [])).organisation();
    let error = found(&organisation, "u1").unwrap_err();
    assert!(
        error.contains(&format!("u1 (User 1, Org) {}; u1 (User 1, Org) {}", user_id(1), user_id(2))),
        "{error}"
    );
}

#[test]
fn nobody_found_suggests_who_may_be_meant() {
    let organisation = example().organisation();
    let suggests = |text: &str, who: &str| {
        let error = found(&organisation, text).unwrap_err();
        assert!(error.starts_with(&format!("there is no user \"{text}\"; did you mean ")), "{error}");
        assert!(error.contains(who), "{error}");
    };
    suggests("oberg", "aobe (Åsa Öberg, Care / Home care)");
    suggests("Soren Odegard", "sode (Søren Ødegård, Org)");
    suggests("aboe", "aobe");
    suggests("Bo Ekk", "boek (Bo Ek, Care / Home care / Norr), or boek2");
    suggests("boek3@ad.example", "boek");
    assert_eq!(
        found(&organisation, "nobody at all").unwrap_err(),
        "there is no user \"nobody at all\"; give the account, the user principal name, the mail address or the GUID"
    );
    assert!(found(&organisation, "").is_err());
    assert!(found(&organisation, &user_id(77).to_string()).is_err());
    let long = found(&organisation, &format!("\u{1b}[2J{}", "x".repeat(1_000_000))).unwrap_err();
    assert!(long.len() < 300 && !long.contains('\u{1b}'));
}

#[test]
fn a_unit_is_found_by_guid_path_and_name() {
    let organisation = example().organisation();
    let path = |text: &str| {
        organisation.find_unit(text).map(|p| organisation.tree.path(p)).map_err(|e| e.to_string())
    };
    for text in
        ["norr", "Care/Home care/Norr", " care / HOME CARE /norr", "home care/norr", &unit_id(3).to_string()]
    {
        assert_eq!(path(text).as_deref(), Ok("Care / Home care / Norr"), "{text}");
    }
    assert_eq!(path("IT/Home care").as_deref(), Ok("IT / Home care"));
    assert_eq!(path("org").as_deref(), Ok("Org"));
    assert_eq!(
        path("home care"),
        Err("\"home care\" fits 2 units: Care / Home care; IT / Home care; give the whole path or the GUID"
            .into())
    );
    assert_eq!(
        path("home").unwrap_err(),
        "there is no unit \"home\"; did you mean Care / Home care, or IT / Home care?"
    );
    assert_eq!(path("Nor").unwrap_err(), "there is no unit \"Nor\"; did you mean Care / Home care / Norr?");
    assert_eq!(path("Nrr").unwrap_err(), "there is no unit \"Nrr\"; did you mean Care / Home care / Norr?");
    assert_eq!(
        path("Care/Norr").unwrap_err(),
        "there is no unit \"Care/Norr\"; give the whole path or the GUID"
    );
    assert_eq!(path("/").unwrap_err(), "there is no unit \"/\"; give the whole path or the GUID");
}

#[test]
fn a_topmost_unit_is_meant_before_one_further_down() {
    let units =
        [unit(1, 0), Unit { name: "Unit 1".into(), ..unit(2, 1) }, Unit { name: "A/B".into(), ..unit(3, 2) }];
    let organisation = World::new(directory_of([], units, [])).organisation();
    let id = |text: &str| organisation.find_unit(text).map(|p| organisation.tree.id(p));
    assert_eq!(id("unit 1"), Ok(unit_id(1)));
    assert_eq!(id("unit 1/unit 1"), Ok(unit_id(2)));
    // A name with a stroke in it.
    assert_eq!(id("A/B"), Ok(unit_id(3)));
}

#[test]
fn a_search_finds_every_word_anywhere_the_best_first() {
    let organisation = example().organisation();
    let search = |text: &str, limit| -> Vec<u8> {
        organisation.search_users(text, limit).iter().map(|u| u.id.0.0[7]).collect()
    };
    assert_eq!(search("oberg", 10), [5, 1]);
    assert_eq!(search("ÖBERG åsa", 10), [5, 1]);
    assert_eq!(search("boek", 10), [2, 3], "the whole account before the beginning of one");
    assert_eq!(search("boek", 1), [2]);
    assert_eq!(search("org.example", 10).len(), 5);
    assert_eq!(search("org.example", 0), [0; 0]);
    assert_eq!(search("oberg boek", 10), [0; 0]);
    assert_eq!(search("  ", 10), [0; 0]);
    // A word doesn't reach from one field into the next.
    assert_eq!(search("ekboek", 10), [0; 0]);
}

#[test]
fn a_group_of_the_configuration_is_meant_by_account_else_by_name_alone() {
    let holding = |configured: &str, groups: [Group; 2]| {
        let users = [user(1, 0), user(2, 0)];
        let mut world = World::new(directory_of(users, [], groups));
        world.roles[2].grants.groups = vec![configured.into()];
        let organisation = world.organisation();
        let unknown = organisation.unknown_groups.len();
        (organisation.holding_users().iter().map(|u| u.0.0[7]).collect::<Vec<_>>(), unknown)
    };
    let named = |n: u8, name: &str| Group { name: name.into(), ..group(n, &[n], &[]) };
    // Who may make groups could make one with another's account as its name.
    assert_eq!(holding("G1", [named(1, "On duty"), named(2, "g1")]), (vec![1], 0));
    assert_eq!(holding("on duty", [named(1, "On duty"), named(2, "Other")]), (vec![1], 0));
    assert_eq!(holding("on duty", [named(1, "On duty"), named(2, "On Duty")]), (vec![], 1));
    let of_branch = Group { directory: "branch".into(), ..named(2, "On duty") };
    assert_eq!(holding("on duty", [named(1, "On duty"), of_branch]), (vec![1, 2], 0));
    assert_eq!(holding("nothing", [named(1, "On duty"), named(2, "Other")]), (vec![], 1));
}

#[test]
fn who_holds_a_role_twice_at_one_place_is_listed_once() {
    let mut world = World::new(directory_of([user(1, 0)], [], [group(1, &[1], &[]), group(2, &[1], &[])]));
    world.roles[2].grants.groups = vec!["g1".into(), "g2".into()];
    let origins = |world: &World| -> Vec<Origin> {
        world.organisation().holders(&OUTAGE.into()).all().map(|h| h.origin.clone()).collect()
    };
    assert_eq!(origins(&world), [Origin::Group("Group 1".into())]);
    world.assign(OUTAGE, 1, Place::Organisation);
    assert_eq!(origins(&world), [Origin::Assigned(AssignmentId(1))]);
    // What an administrator gave for a time doesn't take away what the group gives for good.
    world.assignments.get_mut(&AssignmentId(1)).unwrap().until = Some(hour(1));
    assert_eq!(origins(&world).len(), 2);
}

#[test]
fn an_assignment_that_does_not_fit_its_role_counts_nowhere() {
    let mut world = World::new(directory_of([user(1, 1)], [unit(1, 0)], []));
    world.assign(LOCAL, 1, Place::Organisation);
    world.assign(GLOBAL, 1, Place::Unit(unit_id(1)));
    world.assign("gone", 1, Place::Organisation);
    let organisation = world.organisation();
    assert!(organisation.holding_users().is_empty());
    assert!(organisation.holders(&"gone".into()).all().next().is_none());
}

#[test]
fn the_manager_is_a_user() {
    let employee = UserFields { manager: Some(user_id(2)), ..user(1, 0) };
    let orphan = UserFields { manager: Some(user_id(9)), ..user(3, 0) };
    let organisation = World::new(directory_of([employee, user(2, 0), orphan], [], [])).organisation();
    let manager = |n| organisation.manager_of(organisation.user(user_id(n)).unwrap()).map(|u| u.id);
    assert_eq!([manager(1), manager(2), manager(3)], [Some(user_id(2)), None, None]);
}

proptest! {
    #[test]
    fn each_user_is_in_one_unit_and_in_all_above(world in world()) {
        let organisation = world.organisation();
        let users: Vec<_> = organisation.directory.users.values().collect();
        prop_assert_eq!(organisation.count_users(tree::ROOT, true), users.len());
        for place in organisation.tree.indices() {
            let mut direct: Vec<_> = users.iter().filter(|u| organisation.place_of(u) == place).collect();
            direct.sort_by_key(|u| u.id);
            prop_assert!(organisation.users_in(place, false).eq(direct.iter().map(|u| **u)));
            let below: Vec<UserId> = organisation.users_in(place, true).map(|u| u.id).collect();
            let under = |u: &User| organisation.tree.upwards(organisation.place_of(u)).any(|p| p == place);
            let mut expected: Vec<UserId> = users.iter().filter(|u| under(u)).map(|u| u.id).collect();
            prop_assert_eq!(below.len(), expected.len());
            prop_assert_eq!((organisation.count_users(place, false), organisation.count_users(place, true)), (direct.len(), below.len()));
            expected.retain(|id| !below.contains(id));
            prop_assert!(expected.is_empty());
        }
        for (nowhere, below) in [(9_999, true), (u32::MAX, false)] {
            prop_assert!(organisation.users_in(nowhere, below).next().is_none());
            prop_assert_eq!(organisation.count_users(nowhere, below), 0);
        }
    }

    #[test]
    fn everybody_is_found_by_everything_they_are_called_or_the_error_names_them(world in world()) {
        let organisation = world.organisation();
        for user in organisation.directory.users.values() {
            let names = [Some(user.account()), user.upn(), user.mail(), Some(user.name())];
            for name in names.into_iter().flatten() {
                let found = organisation.find_user(&name.to_uppercase());
                prop_assert_eq!(organisation.user_called(&name.to_uppercase()), found.as_ref().ok().copied());
                match found {
                    Ok(found) => prop_assert!(found.id == user.id || [Some(found.account()), found.upn(), found.mail()].contains(&Some(name))),
                    Err(LookupError::Ambiguous { candidates, count, .. }) => {
                        prop_assert!(count > 1);
                        prop_assert!(count > 10 || candidates.iter().any(|c| c.id == user.id.0));
                    }
                    Err(error) => prop_assert!(false, "{}", error),
                }
            }
            prop_assert_eq!(organisation.find_user(&user.id.to_string()).map(|u| u.id), Ok(user.id));
        }
    }

    #[test]
    fn every_unit_is_found_by_its_path_or_the_error_names_it(world in world()) {
        let organisation = world.organisation();
        for place in organisation.tree.indices() {
            let path = organisation.tree.path(place);
            match organisation.find_unit(&path.to_uppercase()) {
                Ok(found) => prop_assert_eq!(found, place),
                Err(LookupError::Ambiguous { candidates, .. }) => {
                    prop_assert!(candidates.iter().any(|c| c.id == organisation.tree.id(place).0));
                }
                Err(error) => prop_assert!(false, "{}", error),
            }
            prop_assert_eq!(organisation.find_unit(&organisation.tree.id(place).to_string()), Ok(place));
        }
    }

    #[test]
    fn whatever_is_typed_nothing_panics(world in world(), text in ".{0,40}") {
        let organisation = world.organisation();
        prop_assert_eq!(organisation.user_called(&text), organisation.find_user(&text).ok());
        let _ = (organisation.find_unit(&text), organisation.search_users(&text, 3));
    }
}
