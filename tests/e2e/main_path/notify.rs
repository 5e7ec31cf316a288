//! A change in the directory is in Budkavle within seconds, though no schedule fires and nobody asks.

use serde_json::Value;

use crate::servers::budkavle::Daemon;
use crate::servers::{PATIENCE, wait_until};
use crate::site::{Site, outcome};
use crate::world::Organisation;

const OFF: &str = "change_notification = false";
const ON: &str = "change_notification = true\nchange_notification_pause = \"1s\"";
const LISTENING: &str = "The server tells of changes";

fn listening(site: &Site) {
    site.configure(&|text| *text = text.replace(OFF, ON));
}

/// Waits until a text stands so often in the daemon's log.
fn wait_for(daemon: &Daemon, text: &str, times: usize) {
    wait_until(&format!("the daemon has logged {text:?} {times} times"), PATIENCE, || {
        (daemon.log().matches(text).count() >= times).then_some(())
    });
}

/// The newest run, once it has changed an object with this name; it must have been told of.
fn told_of(site: &Site, name: &str) -> Value {
    let run = wait_until(&format!("a run has changed {name}"), PATIENCE, || {
        let run = site.get("/v1/runs")[0].clone();
        let detail = site.get(&format!("/v1/runs/{}", run["id"]));
        detail["changes"].as_array().unwrap().iter().any(|c| c["name"] == name).then_some(detail)
    });
    assert_eq!((run["trigger"].as_str(), outcome(&run)), (Some("change_notification"), "committed"), "{run}");
    assert_eq!((&run["mode"], &run["mode_reason"]), (&"dir_sync".into(), &"continued".into()));
    run
}

#[test]
fn a_change_is_there_within_seconds_and_nothing_but_changes_makes_a_run() {
    let mut site = Site::new(Organisation::generate(80, 20));
    listening(&site);
    let daemon = site.start();
    wait_for(&daemon, LISTENING, 1);
    let on = site.get("/v1/status")["directories"][0]["change_notification"].clone();
    assert!(on["state"] == "on" && on["since"].is_string(), "{on}");
    let status = site.budkavle.run(&["status"]).success().stdout;
    assert!(status.contains("CHANGES TOLD") && status.contains("since 20"), "{status}");
    let person = |n: usize| (site.world.dn(&site.world.people[n]), site.world.people[n].display_name.clone());
    let ((first, name), (second, other), (gone, third)) = (person(10), person(11), person(12));

    site.dc.set(&first, "telephoneNumber", "+46 8 111 111");
    let run = told_of(&site, &name);
    assert_eq!(run["changes"][0]["fields"][0]["after"], "+46 8 111 111");
    site.dc.set(&second, "telephoneNumber", "+46 8 222 222");
    told_of(&site, &other);
    site.dc.delete([gone.as_str()]);
    let run = told_of(&site, &third);
    assert_eq!(run["counts"]["users"]["removed"], 1, "what the account sees of deletions is told, too");
    let history = site.budkavle.run(&["sync", "history"]).success().stdout;
    assert_eq!(history.matches("change notification").count(), 3, "its own reading woke nobody: {history}");

    // The controller goes and comes back; what was changed meanwhile is found when the daemon listens again.
    site.dc.stop();
    wait_for(&daemon, "no changes are told", 1);
    site.dc.resume();
    site.dc.set(&first, "telephoneNumber", "+46 8 333 333");
    told_of(&site, &name);
    wait_for(&daemon, LISTENING, 2);
    site.dc.set(&second, "telephoneNumber", "+46 8 444 444");
    told_of(&site, &other);

    // A reload ends it, and so does a stop, at once.
    site.configure(&|_| {});
    daemon.reload();
    wait_for(&daemon, "No changes are told any more", 1);
    assert_eq!(site.get("/v1/status")["directories"][0]["change_notification"]["state"], "off");
    site.dc.set(&second, "telephoneNumber", "+46 8 555 555");
    let report = site.sync(0);
    assert_eq!(report["changes"][0]["fields"][0]["after"], "+46 8 555 555");
    listening(&site);
    daemon.reload();
    wait_for(&daemon, LISTENING, 3);
    assert!(daemon.terminate(PATIENCE).success());
}

#[test]
fn nobody_listens_while_a_run_is_held_and_again_once_it_has_passed() {
    let site = Site::new(Organisation::generate(80, 20));
    site.configure(&|text| {
        *text = text.replace(OFF, &format!("{ON}\nguard.users = {{ count = 0, percent = 0, floor = 0 }}"));
    });
    let daemon = site.start();
    wait_for(&daemon, LISTENING, 1);
    let person = |n: usize| (site.world.dn(&site.world.people[n]), site.world.people[n].display_name.clone());
    let ((gone, _), (stays, name)) = (person(12), person(13));
    site.dc.delete([gone.as_str()]);
    let held = wait_until("the run is held", PATIENCE, || {
        let run = site.get("/v1/runs")[0].clone();
        (outcome(&run) == "held").then_some(run)
    });
    assert_eq!(held["trigger"], "change_notification");
    // Told to nobody: the next runs are the one that approval makes, and the one that is told of after it.
    site.dc.set(&stays, "telephoneNumber", "+46 8 111 111");
    site.budkavle.run(&["sync", "approve", &held["id"].to_string()]).success();
    wait_for(&daemon, LISTENING, 2);
    site.dc.set(&stays, "telephoneNumber", "+46 8 222 222");
    site.wait_for_runs(4);
    assert_eq!(told_of(&site, &name)["changes"][0]["fields"][0]["after"], "+46 8 222 222");
    let triggers: Vec<Value> =
        site.get("/v1/runs").as_array().unwrap().iter().rev().map(|run| run["trigger"].clone()).collect();
    assert_eq!(triggers.len(), 4, "{triggers:?}");
    assert!(triggers[2]["approval"].is_number(), "{triggers:?}");
}
