//! A run that was wrong is undone, though the directory goes on saying otherwise; and who is gone is remembered.

use serde_json::Value;

use crate::site::{Site, escape, outcome};
use crate::world::{BASE, Organisation};

#[test]
fn an_undone_run_is_put_back_and_waits_for_a_person_to_be_done_again() {
    let site = Site::new(Organisation::generate(80, 20));
    let daemon = site.start();
    site.assign_contacts();
    let world = &site.world;
    let (asa, leaver) = (world.dn(world.person("asa.oberg")), world.dn(world.person("obrien")));
    let phone = |site: &Site| site.get("/v1/users/asa.oberg")["phone"].clone();
    let right = phone(&site);
    site.dc.set(&asa, "telephoneNumber", "+46 0");
    site.dc.delete([leaver.as_str()]);
    let wrong = site.sync(0)["run"]["id"].to_string();

    let undo =
        |more: &[&str]| site.budkavle.run(&[&["sync", "undo", &wrong], more].concat()).success().stdout;
    let dry = undo(&["--dry-run"]);
    assert!(dry.contains("Dry run") && dry.contains("phone +46 0 →"), "{dry}");
    assert_eq!(phone(&site), "+46 0");
    let done = undo(&["--why", "the import had old numbers"]);
    assert!(done.contains(&format!("Run {wrong} is undone")) && done.contains("(came back)"), "{done}");
    assert_eq!(phone(&site), right);
    assert_eq!(site.get("/v1/users/obrien")["gone"], Value::Null);
    let history = site.budkavle.run(&["sync", "history"]).success().stdout;
    assert!(history.contains(&format!("undoing {wrong}")) && history.contains("everything"), "{history}");
    let audit = site.budkavle.run(&["audit"]).success().stdout;
    assert!(audit.contains("run undone") && audit.contains("old numbers"), "{audit}");
    let again = site.budkavle.run(&["sync", "undo", &wrong]).ended_with(1).stderr;
    assert!(again.contains("nothing was undone"), "{again}");

    // The directory says the same as before, also to a daemon that was started anew.
    daemon.kill();
    let mut daemon = site.budkavle.start();
    daemon.wait_for_log("is ready", crate::servers::PATIENCE);
    let held = site.sync(3);
    assert_eq!(held["run"]["mode_reason"], "undone");
    assert_eq!(held["run"]["outcome"]["held"]["reasons"][0]["undone"]["run"].to_string(), wrong);
    assert_eq!(phone(&site), right);
    let id = held["run"]["id"].to_string();
    let shown = site.budkavle.run(&["sync", "show", &id]).success().stdout;
    assert!(shown.contains("since a run was undone") && shown.contains("− user"), "{shown}");
    let approved = site.budkavle.run(&["sync", "approve", &id, "--json"]).success().json();
    assert_eq!(outcome(&approved[0]["run"]), "committed");
    assert_eq!(phone(&site), "+46 0");
    assert_eq!(outcome(&site.sync(0)["run"]), "unchanged");
}

#[test]
fn who_is_gone_has_a_name_and_comes_back_with_what_was_assigned() {
    let site = Site::new(Organisation::generate(80, 20));
    let _daemon = site.start();
    site.assign_contacts();
    site.budkavle.run(&["contacts", "assign", "global", "--user", "obrien"]).success();
    let person = site.world.person("obrien");
    let name = person.display_name.clone();
    let dn = site.world.dn(person);
    let globals = || {
        let holders = site.get("/v1/contacts?role=global");
        let line = |h: &Value| (h["holder"].as_str().unwrap().to_owned(), h["skipped"].is_null());
        holders.as_array().unwrap().iter().map(line).collect::<Vec<_>>()
    };
    assert!(globals().contains(&(name.clone(), true)));

    // Out of what is read, not out of the directory.
    let unit = dn.split_once(",OU=").map(|(_, unit)| format!("OU={unit}")).unwrap();
    let outside = site.dc.move_to(&dn, &format!("CN=Users,{BASE}"));
    let run = site.sync(0)["run"]["id"].to_string();
    assert!(globals().contains(&(name.clone(), false)), "by name, though gone: {:?}", globals());
    let shown = site.budkavle.run(&["user", "show", "obrien"]).success().stdout;
    assert!(shown.contains(&format!("(run {run})")) && shown.contains(&name), "{shown}");
    assert_eq!(site.get(&format!("/v1/users/{}", escape(&name)))["gone"]["run"].to_string(), run);
    let list = site.budkavle.run(&["user", "list", "--gone"]).success().stdout;
    assert!(list.lines().count() == 2 && list.contains("obrien"), "{list}");

    site.dc.move_to(&outside, &unit);
    let back = site.sync(0);
    let what = |c: &Value| c["kind"] == "user" && c["what"] == "came_back" && c["name"] == name.as_str();
    assert!(back["changes"].as_array().unwrap().iter().any(what), "{back}");
    assert!(globals().contains(&(name, true)), "the assignment counts again");
    assert_eq!(site.budkavle.run(&["user", "list", "--gone"]).success().stdout, "nobody\n");
}
