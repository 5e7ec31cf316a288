//! What contacts are told by mail: that they are contacts now, or no longer; what they are contacts for; where nobody will be.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Timelike as _, Utc};
use serde_json::Value;

use crate::servers::PATIENCE;
use crate::site::Site;
use crate::world::Organisation;

/// A time zone in which the day has begun, as it must have for a warning, and the days around today as Budkavle writes them there.
pub(super) fn by_day() -> (&'static str, impl Fn(i64) -> chrono::NaiveDate) {
    #[expect(clippy::disallowed_methods, reason = "Budkavle's clock is that of the machine")]
    let now = Utc::now();
    let (zone, local) =
        if (7..21).contains(&now.hour()) { ("UTC", now) } else { ("Etc/GMT-10", now + TimeDelta::hours(10)) };
    (zone, move |days| (local + TimeDelta::days(days)).date_naive())
}

fn mail(account: &str) -> String {
    format!("{account}@kommun.example")
}

fn each_one(accounts: &[&str]) -> BTreeMap<String, usize> {
    accounts.iter().map(|account| (mail(account), 1)).collect()
}

/// Anna is local contact of Ekonomi, Liam of everything, Søren owns the system; Åsa is global contact. Nobody was told of that.
fn staffed() -> Site {
    let site = Site::new(Organisation::generate(120, 24));
    site.configure(&|text| *text = text.replace("name = \"Kommunen\"", "name = \"Ekfors\""));
    let daemon = site.start();
    site.assign_contacts();
    let assign = |words: &[&str]| site.budkavle.run(&[&["contacts", "assign"], words].concat()).success();
    assign(&["local", "--user", "anna.svensson", "--unit", "Ekonomi"]);
    assign(&["local", "--user", "obrien", "--unit", "Kommunen", "--any-unit"]);
    assign(&["system-owner", "--user", "soren.odegard", "--unit", "Kommunen", "--any-unit"]);
    daemon.terminate(PATIENCE);
    site
}

#[test]
fn a_contact_who_moves_is_told_with_the_new_one_and_the_owner_in_one_digest_each() {
    let site = staffed();
    let every_minute =
        "[contact_changes]\ndigest = \"daily\"\nschedule = \"* * * * *\"\nmails_per_day = 20\n";
    site.configure(&|text| {
        *text = text.replace("name = \"Kommunen\"", "name = \"Ekfors\"");
        *text = text.replace("[contact_changes]\ndigest = \"off\"\n", every_minute);
    });
    let daemon = site.start();
    let told = || site.get("/v1/status")["contact_changes"].clone();
    crate::servers::wait_until("it is known from when on it is told", PATIENCE, || {
        told()["last"].as_str().map(drop)
    });
    assert_eq!(told()["digest"], "daily");

    let world = &site.world;
    let at_home = world.dn(world.person("anna.svensson"));
    site.dc.move_to(&at_home, &world.unit_dn(world.unit("IT-avdelningen")));
    site.sync(0);
    let liam = "liam.o'brien";
    let everybody = ["anna.svensson", liam, "soren.odegard"];
    let [former, new, owner] =
        everybody.map(|account| site.post.wait_for(&mail(account), 1, PATIENCE).remove(0));
    assert_eq!(site.post.delivered(), each_one(&everybody));
    let ekonomi = "Kommunen / Ekonomi";
    assert!(new.subject().starts_with("You are now local contact for"), "{}", new.subject());
    for line in [ekonomi, "Before: Anna Svensson. Now: you.", "Why: Anna Svensson moved to IT-avdelningen."] {
        assert!(new.text().contains(line), "{line}: {}", new.text());
    }
    assert!(new.text().contains("new local contact of Ekfors"), "{}", new.text());
    assert!(former.subject().starts_with("You are no longer local contact for"), "{}", former.subject());
    for line in [ekonomi, "Before: you. Now: Liam O'Brien."] {
        assert!(former.text().contains(line), "{line}: {}", former.text());
    }
    for line in [ekonomi, "Before: Anna Svensson. Now: Liam O'Brien.", "budkavle contacts changes --since"] {
        assert!(owner.text().contains(line), "{line}: {}", owner.text());
    }
    assert!(owner.html().contains("Ekonomi") && owner.text().contains("system owner of Ekfors"));

    // A kill and another digest later, nobody has got anything more.
    let last = told()["last"].clone();
    daemon.kill();
    let _daemon = site.start();
    crate::servers::wait_until("another digest's time has come", PATIENCE, || {
        (told()["last"] != last).then_some(())
    });
    site.mails_when_quiet(&mail(liam));
    assert_eq!(site.post.delivered(), each_one(&everybody));
    assert_eq!(told()["open"], 0);
}

#[test]
fn what_somebody_is_contact_for_is_shown_and_sent() {
    let site = staffed();
    let _daemon = site.start();
    site.budkavle
        .run(&[
            "absence",
            "add",
            "anna.svensson",
            "--from",
            "2099-07-01",
            "--until",
            "2099-07-31",
            "--deputy",
            "john.smith",
        ])
        .success();
    let shown = site.budkavle.run(&["contacts", "digest", "anna.svensson"]).success().stdout;
    for line in [
        "Anna Svensson is contact for:",
        "local at Kommunen / Ekonomi: ",
        "deputy: John Smith",
        "above: Liam O'Brien (local)",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let json = site.budkavle.json(&["contacts", "digest", "john.smith"]);
    assert_eq!(
        (json["duties"].as_array().map(Vec::len), &json["sent_to"]),
        (Some(0), &Value::Null),
        "{json}"
    );
    assert_eq!(json["stands_in"][0]["name"], "Anna Svensson");
    assert_eq!(site.post.delivered(), BTreeMap::new());

    let sent = site.budkavle.run(&["contacts", "digest", "anna.svensson", "--mail"]).success().stdout;
    assert!(sent.contains("On its way to anna.svensson@kommun.example"), "{sent}");
    let got = site.post.wait_for(&mail("anna.svensson"), 1, PATIENCE).remove(0);
    assert_eq!(got.subject(), "What you are contact for");
    for line in ["Kommunen / Ekonomi", "John Smith is your deputy", "Above you: Liam O'Brien"] {
        assert!(got.text().contains(line), "{line}: {}", got.text());
    }
    let refused = site.budkavle.run(&["contacts", "digest", "no.mail", "--mail"]).ended_with(2);
    assert!(refused.stderr.contains("no mail address"), "{}", refused.stderr);
    site.budkavle.run(&["contacts", "digest", "nobody.at.all"]).ended_with(1);
    assert_eq!(site.post.delivered(), each_one(&["anna.svensson"]));
}

#[test]
fn who_owns_a_unit_and_the_global_contact_are_warned_of_a_period_without_anybody() {
    let site = staffed();
    let (zone, today) = by_day();
    let date = |days| today(days).to_string();
    let (from, to) = (today(2).format("%m-%d"), today(8).format("%m-%d"));
    // Nobody but John, who is away, may reset passwords, and that only at Ekonomi. Two people own the system.
    let daemon = site.start();
    let run = |words: &[&str]| site.budkavle.run(words).success();
    run(&[
        "contacts",
        "assign",
        "password-helper",
        "--user",
        "john.smith",
        "--unit",
        "Kommunen",
        "--any-unit",
    ]);
    run(&[
        "contacts",
        "assign",
        "system-owner",
        "--user",
        "thora.jonsdottir",
        "--unit",
        "Ekonomi",
        "--any-unit",
    ]);
    run(&["absence", "add", "john.smith", "--from", &date(0), "--until", &date(20)]);
    daemon.terminate(PATIENCE);
    site.configure(&|text| {
        *text = text.replace("name = \"Kommunen\"", "name = \"Ekfors\"");
        *text = text.replace("\"Europe/Stockholm\"", &format!("\"{zone}\""));
        text.push_str(&format!(
            "\n[coverage.test]\nfrom = \"{from}\"\nto = \"{to}\"\nroles = [\"password-helper\"]\nweeks_ahead = [2]\n"
        ));
    });
    let _daemon = site.start();
    let warned = ["asa.oberg", "soren.odegard", "thora.jonsdottir"];
    let [global, owner, of_unit] =
        warned.map(|account| site.post.wait_for(&mail(account), 1, PATIENCE).remove(0));
    assert_eq!(site.post.delivered(), each_one(&warned));
    for got in [&global, &owner, &of_unit] {
        assert!(got.subject().starts_with("Not covered in one place: test"), "{}", got.subject());
        assert!(got.text().contains("John Smith: away until"), "{}", got.text());
    }
    assert!(global.text().contains("Password helper for Kommunen and"), "{}", global.text());
    assert!(of_unit.text().contains("Password helper for Kommunen / Ekonomi"), "{}", of_unit.text());
    assert!(of_unit.html().contains("Ekonomi"));
}
