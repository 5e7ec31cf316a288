//! An administrator of one unit, by the kernel's word at the real socket: what is delegated is done, and nothing else.

use std::fs;

use serde_json::Value;

use crate::servers::PATIENCE;
use crate::site::Site;
use crate::world::Organisation;

/// A user of every Debian who is nobody to Budkavle unless the configuration names them.
const USER: &str = "daemon";

fn delegate(unit: &str) -> impl Fn(&mut String) {
    let text = format!(
        "[[administrator]]\nname = \"some\"\ngroups = [\"{USER}\"]\nunits = [\"{unit}\"]\nroles = [\"local\"]\nabsences = true\n"
    );
    move |config: &mut String| config.push_str(&text)
}

#[test]
fn an_administrator_of_a_unit_changes_that_unit_and_nothing_else() {
    let site = Site::new(Organisation::generate(120, 24));
    let path = |unit: &str| site.get(&format!("/v1/units/{unit}"))["path"].as_str().unwrap().to_owned();
    let mut daemon = site.start();
    let (economy, it) = (path("Ekonomi"), path("IT-avdelningen"));
    let of = |unit: &str| {
        let unit = site.world.unit(unit);
        let there = |p: &&crate::world::Person| p.unit == unit && !p.disabled && !p.in_container;
        site.world.people.iter().find(there).unwrap().account.as_str()
    };
    let (ours, theirs) = (of("Ekonomi"), of("IT-avdelningen"));
    let run = |words: &[&str]| site.budkavle.run_as(USER, words);
    let refused = |words: &[&str], says: &str| {
        let outcome = run(words).ended_with(1);
        assert!(outcome.stderr.contains(says), "{words:?}: {}", outcome.stderr);
    };

    // Nobody is named yet: who asks learns that much, and no more.
    let nobody = run(&["whoami"]).success().stdout;
    assert!(nobody.contains("daemon (uid 1), nobody whom the configuration names"), "{nobody}");
    refused(&["status"], "[api] readers");
    // Where the clocks are everybody may ask: a day is refused for what it is to do, too.
    for (from, until) in [("2031-07-01", "2031-07-05"), ("2031-07-01T08:00:00Z", "2031-07-05T08:00:00Z")] {
        refused(&["absence", "add", ours, "--from", from, "--until", until], "[[administrator]]");
    }

    site.configure(&delegate(&economy));
    daemon.reload();
    daemon.wait_for_log("The configuration was reloaded", PATIENCE);
    let whoami = run(&["whoami", "--json"]).success().json();
    assert_eq!(
        (&whoami["level"], &whoami["grants"][0]["units"][0]["path"]),
        (&"administrator".into(), &economy.as_str().into())
    );
    let words = run(&["whoami"]).success().stdout;
    assert!(words.contains(&format!("give and end local on {economy} and below")), "{words}");
    run(&["status"]).success();

    run(&["contacts", "assign", "local", "--user", ours, "--unit", "Ekonomi", "--why", "she knows it all"])
        .success();
    let number = site.get("/v1/contacts?role=local")[0]["assignment"].to_string();
    let only = format!("you administer {economy} only");
    refused(&["contacts", "assign", "local", "--user", theirs], &only);
    refused(
        &["contacts", "assign", "local", "--user", ours, "--unit", "IT-avdelningen", "--any-unit"],
        &only,
    );
    refused(&["contacts", "assign", "global", "--user", ours], "the role global isn't yours to give");
    refused(&["outage", "open", "Mail is down"], "[api] operators");
    refused(&["sync"], "[api] operators");
    refused(&["sync", "approve", "1"], "[api] operators");

    // Absences: their own people's; a list with somebody else on it is refused with the line.
    run(&["absence", "add", ours, "--from", "2031-07-01", "--until", "2031-07-05", "--why", "summer"])
        .success();
    refused(&["absence", "add", theirs, "--from", "2031-07-01", "--until", "2031-07-05"], &only);
    let folder = crate::servers::folder("delegation");
    let file = folder.path().join("leave.csv");
    fs::write(
        &file,
        format!("user,from,until\n{ours},2031-08-01,2031-08-05\n{theirs},2031-08-01,2031-08-05\n"),
    )
    .unwrap();
    let list = run(&["absence", "import", file.to_str().unwrap()]).ended_with(2);
    assert!(list.stderr.contains("line 3: the absence of") && list.stderr.contains(&only), "{}", list.stderr);
    assert_eq!(site.get("/v1/absences").as_array().unwrap().len(), 1);

    // The log of what was done, and by whom; what was refused is in the daemon's.
    let audit = site.get("/v1/audit");
    let entry = |action: &str| {
        let all = audit.as_array().unwrap();
        all.iter().find(|entry| entry["action"] == action).unwrap_or_else(|| panic!("no {action} in {audit}"))
    };
    let assigned = entry("role assigned");
    assert_eq!(
        (&assigned["by"]["local"]["name"], &assigned["why"]),
        (&USER.into(), &"she knows it all".into())
    );
    assert!(
        assigned["before"].is_null() && assigned["after"].as_str().unwrap().contains("local"),
        "{assigned}"
    );
    assert_eq!(
        (&entry("absence noted")["by"]["local"]["uid"], &entry("absence noted")["why"]),
        (&1.into(), &"summer".into())
    );
    let shown = site.budkavle.run(&["audit", "--full"]).success().stdout;
    let line = shown.lines().find(|line| line.contains("role assigned")).unwrap();
    assert!(line.contains(USER) && line.contains("she knows it all"), "{shown}");
    assert!(shown.contains("after: {\"id\":1,\"role\":\"local\""), "{shown}");
    assert!(daemon.log().contains("Refused a change over the socket: not delegated"), "{}", daemon.log());

    // With another configuration the rights are others, at once.
    site.configure(&delegate(&it));
    let log = daemon.log().len();
    daemon.reload();
    crate::servers::wait_until("the configuration is reloaded again", PATIENCE, || {
        daemon.log()[log..].contains("The configuration was reloaded").then_some(())
    });
    refused(&["contacts", "revoke", &number], &format!("you administer {it} only"));
    run(&["contacts", "assign", "local", "--user", theirs]).success();

    // A unit that is renamed takes the right with it, and the status says so.
    site.dc.rename(&site.world.unit_dn(site.world.unit("IT-avdelningen")), "Digitalisering");
    site.sync(0);
    refused(
        &["contacts", "assign", "local", "--user", theirs, "--unit", "Digitalisering"],
        "(which isn't there)",
    );
    let warnings = site.get("/v1/status")["warnings"].clone();
    let told = |w: &Value| w.as_str().unwrap().contains("[[administrator]] some delegates nothing there");
    assert!(warnings.as_array().unwrap().iter().any(told), "{warnings}");
}
