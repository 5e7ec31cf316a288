//! What a controller says is weighed by what another one said before: one that lags, one that takes over, one that was put back.

use serde_json::Value;

use super::servers::Place;
use crate::servers::ldif::Record;
use crate::servers::samba::rights::Right;
use crate::site::{Site, outcome};
use crate::world::Organisation;

fn user(dn: &str, account: &str) -> Record {
    Record::add(dn, "user").value("sAMAccountName", account).value("userAccountControl", "544")
}

/// Both controllers named, the first first; deletions can be seen at either.
fn with_both(world: &Organisation) -> Place {
    let place = Place::new(world);
    for dc in [place.forest.first(), place.forest.second()] {
        dc.grant(Right::ReadDeletions);
    }
    place.name_both();
    place
}

/// How a run read, and why so.
fn how(run: &Value) -> (&str, &str) {
    (run["mode"].as_str().unwrap(), run["mode_reason"].as_str().unwrap())
}

/// Where a run read, what came of it, and how it read.
fn ended(report: &Value) -> (usize, &str, (&str, &str)) {
    let run = &report["run"];
    (Place::read_from(run).0, outcome(run), how(run))
}

#[test]
fn a_cookie_goes_over_to_a_controller_that_lags_and_nothing_is_taken_back() {
    const GOES_ON: (&str, &str) = ("dir_sync", "continued");
    let world = Organisation::generate(120, 20);
    let mut place = with_both(&world);
    let _daemon = place.start();
    // By the numbers first; then there is a cookie.
    assert_eq!(ended(&place.sync_changes(0)), (0, "unchanged", GOES_ON));
    assert_eq!(ended(&place.sync_changes(0)), (0, "unchanged", GOES_ON));

    // The second doesn't learn of somebody who is new, of a new number, of a new member, of somebody who left.
    let person = |n: usize| world.dn(&world.people[n]);
    let unit = world.unit_dn(2);
    let group = world.group_dn(world.groups[0].name);
    let new = format!("CN=Ny,{unit}");
    place.forest.lag();
    let first = place.forest.first();
    first.change(&[user(&new, "ny")]);
    first.set(&person(40), "telephoneNumber", "+46 8 1");
    first.add_member(&group, &new);
    first.delete([person(41).as_str()]);
    assert_eq!(ended(&place.sync_changes(0)), (0, "committed", GOES_ON));
    let before = place.names();

    place.forest.first_mut().stop();
    assert_eq!(ended(&place.sync_changes(0)), (1, "unchanged", GOES_ON));
    // What changes there is told, and nothing else: also of whom and where the second knows less.
    let second = place.forest.second();
    second.set(&person(40), "title", "Vikarie");
    second.change(&[user(&format!("CN=Nyare,{unit}"), "nyare")]);
    second.remove_member(&group, &world.dn(&world.people[world.groups[0].members[0]]));
    let report = place.sync_changes(0);
    assert_eq!(ended(&report), (1, "committed", GOES_ON));
    assert_eq!(report["run"]["counts"]["users"]["removed"], 0, "{report}");
    assert_eq!(place.names().len(), before.len() + 1);
    assert!(place.budkavle.run(&["user", "show", "ny"]).code == Some(0), "who is new is still known");

    // Once it knows everything, it says nothing of what is known.
    place.forest.first_mut().resume();
    place.forest.catch_up();
    let report = place.sync_changes(0);
    assert_eq!((ended(&report).0, ended(&report).2), (1, GOES_ON));
    assert_eq!(report["changes"], Value::Array(Vec::new()), "{report}");
    let whole = place.dry_run_of_everything();
    assert_eq!(whole["changes"], Value::Array(Vec::new()), "{whole}");
    // And what the first says now goes on from there.
    place.forest.second_mut().stop();
    place.forest.first().set(&person(42), "title", "Efteråt");
    assert_eq!(ended(&place.sync_changes(0)), (0, "committed", GOES_ON));
    let whole = place.dry_run_of_everything();
    assert_eq!(whole["changes"], Value::Array(Vec::new()), "{whole}");
}

#[test]
fn numbers_do_not_go_over_and_what_a_lagging_controller_would_take_away_is_held() {
    let world = Organisation::generate(120, 20);
    let mut place = with_both(&world);
    let _daemon = place.start();
    place.forest.lag();
    let unit = world.unit_dn(2);
    let new = |n: usize| user(&format!("CN=Ny {n},{unit}"), &format!("ny{n}"));
    place.forest.first().change(&(0..20).map(new).collect::<Vec<_>>());
    // A whole read leaves numbers, no cookie.
    assert_eq!(outcome(&place.sync(0)), "committed");
    let before = place.names();

    place.forest.first_mut().stop();
    let report = place.sync_changes(3);
    assert_eq!(ended(&report), (1, "held", ("full", "other_server")), "{report}");
    assert_eq!(place.names(), before, "a held run changes nothing");

    // The run that waits is over as soon as the second has everything.
    place.forest.first_mut().resume();
    place.forest.catch_up();
    let report = place.sync_changes(0);
    assert_eq!((ended(&report).0, ended(&report).1), (1, "unchanged"), "{report}");
    assert_eq!(place.names(), before);
    let status = place.budkavle.json(&["status"]);
    assert_eq!(status["directories"][0]["held"], Value::Null, "{status}");
    assert_eq!(how(&place.sync_changes(0)["run"]), ("dir_sync", "continued"));
}

#[test]
fn a_controller_that_was_put_back_is_read_whole_and_the_run_says_why() {
    let mut site = Site::new(Organisation::generate(80, 20));
    let backup = site.dc.backup();
    let _daemon = site.start();
    let person = |site: &Site, n: usize| site.world.dn(&site.world.people[n]);
    for n in 0..3 {
        site.dc.set(&person(&site, 10), "title", &format!("Titel {n}"));
        let run = site.sync(0)["run"].clone();
        assert_eq!(how(&run), ("dir_sync", "continued"));
    }
    // By DirSync alone nobody would hear that the last titles are gone.
    site.dc.roll_back(&backup);
    let report = site.sync(0);
    assert_eq!(how(&report["run"]), ("full", "restored"), "{report}");
    assert_eq!(report["changes"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(how(&site.sync(0)["run"]), ("dir_sync", "continued"));

    site.dc.set(&person(&site, 11), "title", "Efteråt");
    assert_eq!(outcome(&site.sync(0)["run"]), "committed");
    site.dc.restore(&backup);
    // It counts further than it had come under its other id.
    for n in 0..20 {
        site.dc.set(&person(&site, 12), "title", &format!("Titel {n}"));
    }
    let report = site.sync(0);
    assert_eq!(how(&report["run"]), ("full", "restored"), "{report}");
    assert_eq!(report["changes"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(how(&site.sync(0)["run"]), ("dir_sync", "continued"));
}
