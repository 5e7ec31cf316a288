//! Units that are no OUs, what is left out, and two directories on one controller: what changed leads where a whole read leads.

use serde_json::Value;

use super::incremental::{followed, user};
use crate::servers::ldif::Record;
use crate::site::{Site, outcome};
use crate::world::Organisation;

/// A site whose directory has these lines besides, not started.
fn site(lines: &str) -> Site {
    let site = Site::new(Organisation::generate(80, 20));
    configure(&site, lines);
    site
}

fn configure(site: &Site, lines: &str) {
    let schedule = "schedule = \"0 3 1 1 *\"";
    site.configure(&|text| *text = text.replace(schedule, &format!("{schedule}\n{lines}")));
}

fn person(site: &Site, n: usize) -> String {
    site.world.dn(&site.world.people[n])
}

/// What changed of units.
fn units_changed(site: &Site) -> Vec<String> {
    followed(site).into_iter().filter(|line| line.starts_with("unit ")).collect()
}

/// The unit of a user, by its path.
fn unit_of(site: &Site, n: usize) -> String {
    let account = &site.world.people[n].account;
    let users = site.get("/v1/users?limit=10000");
    let users = users["items"].as_array().unwrap();
    users.iter().find(|u| u["account"] == **account).unwrap()["unit_path"].as_str().unwrap().to_owned()
}

#[test]
fn units_from_a_path_come_and_go_with_their_users() {
    let site = site("units = { from = \"path\", attribute = \"department\", separator = \"/\" }");
    let dc = &site.dc;
    dc.set(&person(&site, 10), "department", "Vård / Norr");
    dc.set(&person(&site, 11), "department", "Vård/NORR");
    let _daemon = site.start();
    assert_eq!(units_changed(&site), [""; 0]);
    assert_eq!(unit_of(&site, 10).to_lowercase(), unit_of(&site, 11).to_lowercase());
    assert!(unit_of(&site, 10).to_lowercase().ends_with("vård / norr"), "{}", unit_of(&site, 10));

    dc.set(&person(&site, 12), "department", "Vård / Söder");
    assert_eq!(units_changed(&site), ["unit added Söder"]);
    dc.set(&person(&site, 12), "telephoneNumber", "+46 8 1");
    assert_eq!(units_changed(&site), [""; 0]);
    dc.clear(&person(&site, 12), "department");
    assert_eq!(units_changed(&site), ["unit removed Söder"]);
    dc.set(&person(&site, 12), "department", "Skola");
    assert_eq!(units_changed(&site), ["unit added Skola"]);
    dc.delete([person(&site, 12).as_str()]);
    assert_eq!(units_changed(&site), ["unit removed Skola"]);

    // OUs are no units, but what is in them moves with them.
    let unit = site.world.unit_dn(site.world.people[10].unit);
    let moved = dc.rename(&unit, "Ombildad");
    assert_eq!(units_changed(&site), [""; 0]);
    dc.change(&[user(&format!("CN=Ny,{moved}"), "ny.i.ombildad").value("department", "IT")]);
    assert_eq!(units_changed(&site), ["unit added IT"]);
    let tree = site.budkavle.run(&["unit", "tree"]).success();
    assert!(tree.stdout.contains("IT"), "{}", tree.stdout);
}

#[test]
fn units_from_codes_hang_by_the_code_above() {
    let site =
        site("units = { from = \"code\", code = \"company\", parent = \"division\", name = \"department\" }");
    let dc = &site.dc;
    let say = |n: usize, code: &str, above: &str, name: &str| {
        for (attribute, value) in [("company", code), ("division", above), ("department", name)] {
            dc.set(&person(&site, n), attribute, value);
        }
    };
    say(10, "1", "1", "Kommunen");
    say(11, "10", "1", "Vård");
    say(12, "10", "1", "Vård");
    let _daemon = site.start();
    assert_eq!(units_changed(&site), [""; 0]);
    assert!(unit_of(&site, 11).ends_with("Kommunen / Vård"), "{}", unit_of(&site, 11));

    // One by one to another name: the same unit, called by the one or the other.
    dc.set(&person(&site, 11), "department", "Omsorg");
    units_changed(&site);
    dc.set(&person(&site, 12), "department", "Omsorg");
    units_changed(&site);
    assert!(unit_of(&site, 12).ends_with("Kommunen / Omsorg"), "{}", unit_of(&site, 12));

    say(13, "77", "7", "Skola");
    assert_eq!(units_changed(&site), ["unit added 7", "unit added Skola"]);
    say(14, "7", "1", "Barn");
    assert_eq!(units_changed(&site), ["unit changed Barn"]);
    dc.clear(&person(&site, 14), "company");
    assert_eq!(units_changed(&site), ["unit changed 7"]);
    dc.clear(&person(&site, 13), "company");
    assert_eq!(units_changed(&site), ["unit removed 7", "unit removed Skola"]);
    // A circle is cut, and mended.
    dc.set(&person(&site, 10), "division", "10");
    units_changed(&site);
    dc.set(&person(&site, 10), "division", "1");
    units_changed(&site);
    assert!(unit_of(&site, 12).ends_with("Kommunen / Omsorg"), "{}", unit_of(&site, 12));
}

#[test]
fn units_from_groups_follow_their_members() {
    let world = Organisation::generate(80, 20);
    let place = world.unit_dn(world.unit("Grupper"));
    let site = site(&format!("units = {{ from = \"groups\", base = {place:?}, names = \"org-*\" }}"));
    let dc = &site.dc;
    let group = |name: &str| {
        let dn = format!("CN={name},{place}");
        dc.change(&[Record::add(&dn, "group").value("sAMAccountName", name)]);
        dn
    };
    let (care, north) = (group("org-vård"), group("org-norr"));
    dc.add_member(&care, &north);
    dc.add_member(&north, &person(&site, 10));
    let _daemon = site.start();
    assert!(unit_of(&site, 10).ends_with("org-vård / org-norr"), "{}", unit_of(&site, 10));
    assert_eq!(units_changed(&site), [""; 0]);

    dc.add_member(&care, &person(&site, 11));
    assert_eq!(followed(&site).len(), 2);
    assert!(unit_of(&site, 11).ends_with("org-vård"), "{}", unit_of(&site, 11));
    let south = group("org-söder");
    dc.add_member(&care, &south);
    assert_eq!(units_changed(&site), ["unit added org-söder"]);
    dc.remove_member(&care, &person(&site, 11));
    dc.add_member(&south, &person(&site, 11));
    assert_eq!(units_changed(&site), [""; 0]);
    assert!(unit_of(&site, 11).ends_with("org-vård / org-söder"), "{}", unit_of(&site, 11));
    let renamed = dc.rename(&south, "org-sydväst");
    assert_eq!(units_changed(&site), ["unit changed org-sydväst"]);
    let renamed = dc.rename(&renamed, "sydväst");
    assert_eq!(units_changed(&site), ["unit removed org-sydväst"]);
    dc.rename(&renamed, "org-väst");
    assert_eq!(units_changed(&site), ["unit came_back org-väst"]);
    dc.delete([care.as_str()]);
    assert!(units_changed(&site).contains(&"unit removed org-vård".to_owned()));
}

#[test]
fn what_is_left_out_stays_out_whatever_moves() {
    let world = Organisation::generate(80, 20);
    let deepest = |n: &usize| world.depth(*n);
    let out = (1..world.units.len())
        .filter(|n| world.people.iter().any(|p| p.unit == *n))
        .max_by_key(deepest)
        .unwrap();
    let dn = world.unit_dn(out);
    let site = site(&format!("exclude = [{dn:?}]"));
    let dc = &site.dc;
    let _daemon = site.start();
    let within = world.people.iter().position(|p| p.unit == out).unwrap();
    let without = world.people.iter().position(|p| p.unit != out && !p.in_container && p.unit != 0).unwrap();
    let check = site.budkavle.run(&["check", "--online"]).success();
    assert!(check.stdout.contains("is there ("), "{}", check.stdout);

    let home = site.world.unit_dn(site.world.people[without].unit);
    assert_eq!(followed(&site), [""; 0]);
    dc.set(&person(&site, within), "telephoneNumber", "+46 8 1");
    assert_eq!(followed(&site), [""; 0]);
    let moved = dc.move_to(&person(&site, without), &dn);
    assert!(followed(&site)[0].starts_with("user removed"));
    dc.move_to(&moved, &home);
    assert!(followed(&site)[0].starts_with("user came_back"));
    let moved = dc.move_to(&person(&site, within), &home);
    assert!(followed(&site)[0].starts_with("user added"));
    dc.move_to(&moved, &dn);
    followed(&site);

    // A unit with somebody in it goes in, and comes out.
    let unit = format!("OU=Nybildad,{home}");
    dc.change(&[Record::add(&unit, "organizationalUnit")]);
    dc.change(&[user(&format!("CN=Nyanställd,{unit}"), "nyanstalld")]);
    assert_eq!(followed(&site).len(), 2);
    let unit = dc.move_to(&unit, &dn);
    assert_eq!(followed(&site), ["unit removed Nybildad", "user removed Nyanställd"]);
    dc.move_to(&unit, &home);
    assert_eq!(followed(&site), ["unit came_back Nybildad", "user came_back Nyanställd"]);

    // Renamed, its name means nothing: nothing is read until somebody says what is meant.
    let before = site.get("/v1/status")["directories"][0]["users"].clone();
    dc.rename(&dn, "Avvecklas");
    let report = site.sync(1);
    let text = report.to_string();
    assert!(outcome(&report["run"]) == "failed" && text.contains("exclude"), "{text}");
    assert_eq!(site.get("/v1/status")["directories"][0]["users"], before);
    let check = site.budkavle.run(&["check", "--online"]).ended_with(1);
    assert!(check.stdout.contains("`exclude` names"), "{}", check.stdout);
}

#[test]
fn two_directories_on_one_controller_make_one_tree() {
    let world = Organisation::generate(80, 20);
    let populated = |n: &usize| world.people.iter().any(|p| p.unit == *n);
    let tops: Vec<usize> =
        (0..world.units.len()).filter(|n| world.depth(*n) == 2).filter(populated).collect();
    let (one, other) = (tops[0], tops[1]);
    let (first, second) = (world.unit_dn(one), world.unit_dn(other));
    let site = Site::new(world);
    let person_in =
        |unit: usize| site.world.people.iter().position(|p| p.unit == unit && !p.in_container).unwrap();
    site.dc.set(&person(&site, person_in(other)), "department", "Skola");
    site.configure(&|text| {
        let start = text.find("[[directory]]").unwrap();
        let end = text.find("[mail]").unwrap();
        let table = text[start..end].to_owned();
        let bases = |table: &str, base: &str| {
            let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
            lines.retain(|line| !line.starts_with("bases"));
            lines.push(format!("bases = [{base:?}]\n"));
            lines.join("\n")
        };
        let second = bases(&table, &second).replace("\"main\"", "\"school\"")
            + "units = { from = \"attribute\", attribute = \"department\" }\nuser_filter = \"(&(objectCategory=person)(objectClass=user)(department=*))\"\n";
        *text = format!("{}{}{second}{}", &text[..start], bases(&table, &first), &text[end..]);
    });
    let mut daemon = site.budkavle.start();
    daemon.wait_for_log("is ready", crate::servers::PATIENCE);
    crate::servers::wait_until("both have been read", crate::servers::PATIENCE, || {
        (site.get("/v1/runs").as_array().unwrap().len() >= 2).then_some(())
    });
    site.budkavle.run(&["sync", "--json"]).success();
    assert!(unit_of(&site, person_in(other)).ends_with("Skola"), "{}", unit_of(&site, person_in(other)));
    assert!(!unit_of(&site, person_in(one)).is_empty());

    // Moved from the one to the other: one person, who has another directory now.
    let moved = person_in(one);
    let dn = site.dc.move_to(&person(&site, moved), &second);
    site.dc.set(&dn, "department", "Skola");
    site.budkavle.run(&["sync", "--json"]).success();
    site.budkavle.run(&["sync", "--json"]).success();
    assert!(unit_of(&site, moved).ends_with("Skola"), "{}", unit_of(&site, moved));
    let again = site.budkavle.run(&["sync", "--json", "--dry-run", "--full"]).ended_with(0).json();
    for report in again.as_array().unwrap() {
        assert_eq!(report["changes"], Value::Array(Vec::new()), "{report}");
    }
}
