//! The nearest contact of everybody, compared with a slow, obvious second computation.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::site::{Site, escape};
use crate::world::{Organisation, Person};

#[test]
fn everybody_turns_to_the_nearest_who_counts() {
    let site = Site::new(Organisation::kommun());
    let _daemon = site.start();
    let world = &site.world;
    site.assign_contacts();
    // The first two people of every third unit, whoever they are: some have no address, some are expired.
    let mut local: BTreeSet<usize> = BTreeSet::new();
    for unit in (0..world.units.len()).step_by(3) {
        let people =
            (0..world.people.len()).filter(|p| world.people[*p].unit == unit && !world.people[*p].disabled);
        local.extend(people.take(2));
    }
    for holder in &local {
        site.budkavle
            .run(&["contacts", "assign", "local", "--user", &world.people[*holder].account])
            .success();
    }
    let away = *local.iter().find(|p| counts(&world.people[**p])).unwrap();
    let words =
        ["absence", "add", &world.people[away].account, "--from", "2020-01-01", "--until", "2090-01-01"];
    site.budkavle.run(&words).success();

    let mut fallen_back = 0;
    for (asker, person) in world.people.iter().enumerate() {
        let expected = nearest(world, &local, away, asker);
        let answer = site.get(&format!("/v1/contacts/of?user={}", escape(&person.account)));
        let found: BTreeSet<String> = names(&answer);
        if expected.is_empty() {
            fallen_back += 1;
            // Nobody is their own contact, the global one neither.
            let global = if person.account == "asa.oberg" {
                BTreeSet::new()
            } else {
                BTreeSet::from(["asa.oberg@kommun.example".to_owned()])
            };
            assert_eq!(found, global, "{} falls back: {answer}", person.account);
        } else {
            assert_eq!(found, expected, "{}: {answer}", person.account);
        }
    }
    assert!(
        fallen_back > 0 && fallen_back < world.people.len() / 2,
        "{fallen_back} have no local contact: the test says too little"
    );

    let why = site.budkavle.run(&["contacts", "of", &world.people[away].account, "--why"]).success();
    assert!(why.stdout.contains("is you"), "{}", why.stdout);
}

#[test]
fn who_can_not_be_a_contact_is_refused_with_the_reason() {
    let site = Site::new(Organisation::generate(120, 24));
    let _daemon = site.start();
    let refused = |words: &[&str], code: i32, says: &str| {
        let outcome = site.budkavle.run(words).ended_with(code);
        assert!(outcome.stderr.contains(says), "{words:?}: {}", outcome.stderr);
    };
    refused(&["contacts", "assign", "local", "--user", "disabled"], 2, "disabled account");
    refused(&["contacts", "assign", "local", "--user", "john.smith", "--unit", "Personal"], 2, "belongs to");
    refused(&["contacts", "assign", "local", "--mail", "x@y.example"], 2, "--unit");
    refused(&["contacts", "assign", "global", "--user", "Anna Svensson"], 1, "anna.svensson2");
    refused(&["contacts", "assign", "global", "--user", "nobody.at.all"], 1, "nobody.at.all");
    refused(&["contacts", "assign", "locale", "--user", "asa.oberg"], 1, "local, global, outage, ad-sync");
    refused(&["contacts", "assign", "global", "--mail", "no address"], 2, "no @");
    refused(&["contacts", "revoke", "99"], 1, "assignment 99");
    site.budkavle.run(&["contacts", "assign", "local", "--user", "john.smith"]).success();
    refused(&["contacts", "assign", "local", "--user", "john.smith"], 1, "already");
    refused(
        &["absence", "add", "john.smith", "--from", "2026-07-31", "--until", "2026-07-01"],
        2,
        "before it starts",
    );
    refused(
        &[
            "absence",
            "add",
            "john.smith",
            "--from",
            "2026-07-01",
            "--until",
            "2026-07-31",
            "--deputy",
            "john.smith",
        ],
        2,
        "own deputy",
    );
    refused(&["contacts", "of", "john.smith", "--at", "July"], 2, "2026-07-15");
}

#[test]
fn a_contact_who_moves_away_is_suspended_and_comes_back() {
    let site = Site::new(Organisation::generate(120, 24));
    let _daemon = site.start();
    site.assign_contacts();
    let world = &site.world;
    let at_home = world.dn(world.person("anna.svensson"));
    site.budkavle
        .run(&["contacts", "assign", "local", "--user", "anna.svensson", "--unit", "Ekonomi"])
        .success();
    let answer = || site.get("/v1/contacts/of?user=john.smith");
    assert_eq!(names(&answer()), BTreeSet::from(["anna.svensson@kommun.example".to_owned()]));

    let elsewhere = site.dc.move_to(&at_home, &world.unit_dn(world.unit("IT-avdelningen")));
    site.sync(0);
    assert_eq!(names(&answer()), BTreeSet::from(["asa.oberg@kommun.example".to_owned()]));
    let skipped = &answer()["trail"][0]["skipped"][0];
    assert_eq!((skipped["reason"].as_str(), skipped["to"].as_str()), (Some("moved"), Some("IT-avdelningen")));
    // The run says whom else the unit turns to now, and who holds a role in vain.
    let orphans = site.get("/v1/contacts/orphans?role=local");
    let holder = &orphans["holders"][0];
    assert_eq!((holder["name"].as_str(), holder["reason"].as_str()), (Some("Anna Svensson"), Some("moved")));
    let told = site.budkavle.run(&["contacts", "orphans"]).success().stdout;
    assert!(told.contains("moved to IT-avdelningen"), "{told}");
    let changes = || site.get("/v1/contacts/changes?role=local&unit=Ekonomi")["items"].clone();
    // Beside the one that tells of her own move.
    let of_units = || {
        let all = changes();
        let of_units = all.as_array().unwrap().iter().find(|change| change["all_units"].as_u64() > Some(0));
        of_units.unwrap().clone()
    };
    let change = of_units();
    assert_eq!(
        change["why"][0]["lost"]["reason"]["moved"]["to"].as_str(),
        Some("IT-avdelningen"),
        "{change}"
    );
    assert!(change["by"]["run"].is_u64() && change["users"].as_u64() > Some(0), "{change}");
    let told = site.budkavle.run(&["contacts", "changes", "--unit", "Ekonomi"]).success().stdout;
    assert!(told.contains("Anna Svensson moved to IT-avdelningen"), "{told}");

    site.dc.move_to(&elsewhere, &world.unit_dn(world.unit("Ekonomi")));
    site.sync(0);
    assert_eq!(names(&answer()), BTreeSet::from(["anna.svensson@kommun.example".to_owned()]));
    let back = of_units();
    assert_eq!(back["why"][0]["gained"]["name"].as_str(), Some("Anna Svensson"), "{back}");
    // The assignment itself was the first of the changes.
    let all = changes();
    assert_eq!(all.as_array().unwrap().iter().filter(|change| change["by"] == "edit").count(), 1, "{all}");
    assert_eq!(site.get("/v1/contacts/orphans?role=local")["holders"], serde_json::json!([]));
}

/// The second computation: from the asker's unit upwards, the first unit where any holder counts.
fn nearest(world: &Organisation, local: &BTreeSet<usize>, away: usize, asker: usize) -> BTreeSet<String> {
    let mut unit = Some(world.people[asker].unit);
    while let Some(here) = unit {
        let there =
            local.iter().copied().filter(|p| world.people[*p].unit == here && *p != asker && *p != away);
        let found: BTreeSet<String> = there
            .map(|p| &world.people[p])
            .filter(|p| counts(p))
            .map(|p| p.mail.clone().unwrap().to_lowercase())
            .collect();
        if !found.is_empty() {
            return found;
        }
        unit = world.units[here].parent;
    }
    BTreeSet::new()
}

fn counts(person: &Person) -> bool {
    let expired = person
        .expires
        .is_some_and(|end| end < "2026-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    !person.disabled && person.mail.is_some() && !expired
}

fn names(answer: &Value) -> BTreeSet<String> {
    answer["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["mail"].as_str().unwrap().to_lowercase())
        .collect()
}
