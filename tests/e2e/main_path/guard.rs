//! A third of the users is deleted at once: held, listed, told, and carried out only when approved.

use crate::servers::PATIENCE;
use crate::servers::ldif::Record;
use crate::site::{Site, outcome};
use crate::world::Organisation;

#[test]
fn a_mass_deletion_waits_for_a_person() {
    let site = Site::new(Organisation::generate(600, 60));
    let _daemon = site.start();
    site.assign_contacts();
    let world = &site.world;
    let keep = ["asa.oberg", "soren.odegard"];
    let gone: Vec<String> = world
        .people
        .iter()
        .filter(|p| !keep.contains(&p.account.as_str()))
        .step_by(3)
        .map(|p| world.dn(p))
        .collect();
    site.dc.delete(gone.iter().map(String::as_str));
    let users = || site.get("/v1/users?limit=10000")["items"].as_array().unwrap().len();
    let all = users();

    let held = site.sync(3);
    let id = held["run"]["id"].as_u64().unwrap();
    assert_eq!(outcome(&held["run"]), "held");
    assert_eq!(users(), all, "the old data stays in force");
    let removed =
        held["changes"].as_array().unwrap().iter().filter(|c| c["kind"] == "user" && c["what"] == "removed");
    assert_eq!(removed.count(), gone.len());
    let mail = site.post.wait_for("soren.odegard@kommun.example", 1, PATIENCE).remove(0);
    assert!(mail.subject().contains("waits for your approval"), "{}", mail.subject());
    assert!(mail.text().contains(&format!("budkavle sync approve {id}")), "{}", mail.text());

    // The next run wants the same: it waits under the same number, and nobody is mailed again.
    let again = site.sync(3);
    assert_eq!(again["run"]["outcome"]["held"]["same_as"].as_u64(), Some(id));
    assert_eq!(site.mails_when_quiet("soren.odegard@kommun.example"), 1);
    site.budkavle.run(&["sync", "reject", &id.to_string(), "--why", "not yet"]).success();
    assert!(
        site.budkavle
            .run(&["sync", "approve", &id.to_string()])
            .ended_with(1)
            .stderr
            .contains("doesn't wait")
    );
    // A rejection is no recovery: nobody hears that all is well.
    assert_eq!(site.mails_when_quiet("soren.odegard@kommun.example"), 1);
    let anew = site.sync(3)["run"]["id"].as_u64().unwrap();
    assert_ne!(anew, id);

    let approved = site.budkavle.run(&[
        "sync",
        "approve",
        &anew.to_string(),
        "--why",
        "the school has closed",
        "--json",
    ]);
    let report = approved.success().json();
    assert_eq!(outcome(&report[0]["run"]), "committed");
    assert_eq!(users(), all - gone.len());
    assert_eq!(outcome(&site.sync(0)["run"]), "unchanged");

    // Twelve go, which is less than 5 % of those who are left, and then twelve more.
    let left: Vec<String> = world
        .people
        .iter()
        // The first ones hold roles, which are counted by themselves.
        .skip(world.people.len() / 4)
        .filter(|p| !gone.contains(&world.dn(p)))
        .map(|p| world.dn(p))
        .collect();
    site.dc.delete(left[..12].iter().map(String::as_str));
    assert_eq!(outcome(&site.sync(0)["run"]), "committed", "what was approved doesn't count");
    site.dc.delete(left[12..24].iter().map(String::as_str));
    let held = site.sync(3)["run"].clone();
    let reason = &held["outcome"]["held"]["reasons"][0]["gradually"];
    assert_eq!((reason["removed"].as_u64(), reason["before"].as_u64()), (Some(12), Some(12)), "{held}");
    let id = held["id"].to_string();
    let shown = site.budkavle.run(&["sync", "show", &id]).success().stdout;
    assert!(shown.contains("12 more users would be lost after 12 within a day"), "{shown}");
    site.budkavle.run(&["sync", "approve", &id]).success();
    site.dc.delete(left[24..27].iter().map(String::as_str));
    assert_eq!(outcome(&site.sync(0)["run"]), "committed");
}

#[test]
fn half_of_all_mail_addresses_do_not_change_unseen() {
    let site = Site::new(Organisation::generate(120, 20));
    let _daemon = site.start();
    let world = &site.world;
    let with_mail: Vec<_> = world.people.iter().filter(|p| p.mail.is_some()).collect();
    let half: Vec<_> = with_mail.iter().take(with_mail.len() / 2).collect();
    let records: Vec<_> = half
        .iter()
        .map(|p| Record::modify(&world.dn(p), "replace", "mail", [format!("{}@new.example", p.account)]))
        .collect();
    site.dc.change(&records);
    let held = site.sync(3);
    let reason = &held["run"]["outcome"]["held"]["reasons"][0]["too_many"];
    assert_eq!((&reason["kind"], reason["removed"].as_u64()), (&"mails".into(), Some(half.len() as u64)));
    let id = held["run"]["id"].to_string();
    let shown = site.budkavle.run(&["sync", "show", &id]).success().stdout;
    assert!(shown.contains("would get another mail address"), "{shown}");
    assert_eq!(shown.matches("@new.example").count(), half.len(), "object by object: {shown}");
    let approved = site.budkavle.run(&["sync", "approve", &id, "--json"]).success().json();
    assert_eq!(outcome(&approved[0]["run"]), "committed");
}
