//! A summer: who is there, where nobody is, what would be, on the terminal and in a browser.

use std::fs;

use crate::servers::chromium::{self, Page, Scheme};
use crate::site::Site;
use crate::world::Organisation;

/// The organisation isn't called like its topmost unit, so that a name means one of them. Ekonomi has Anna as its local contact and her colleague John as password helper; the whole has Åsa for everything.
fn summer() -> Site {
    let site = Site::new(Organisation::generate(120, 24));
    site.configure(&|text| *text = text.replace("name = \"Kommunen\"", "name = \"Ekfors\""));
    site
}

fn staff(site: &Site) {
    site.assign_contacts();
    let assign = |words: &[&str]| site.budkavle.run(&[&["contacts", "assign"], words].concat()).success();
    assign(&["local", "--user", "anna.svensson", "--unit", "Ekonomi"]);
    assign(&["password-helper", "--user", "john.smith", "--unit", "Ekonomi"]);
    for role in ["local", "password-helper", "system-owner"] {
        assign(&[role, "--user", "asa.oberg", "--unit", "Kommunen", "--any-unit"]);
    }
    for account in ["asa.oberg", "soren.odegard"] {
        assign(&["remote-access", "--user", account]);
    }
}

const WEEKS: [&str; 4] = ["--from", "2026-06-29", "--to", "2026-07-31"];

#[test]
fn a_week_of_absence_is_seen_ahead_and_ends_with_1() {
    let site = summer();
    let _daemon = site.start();
    staff(&site);
    let coverage = |more: &[&str]| site.budkavle.run(&[&["coverage"], &WEEKS[..], more].concat());
    let covered = coverage(&[]).success();
    assert!(covered.stdout.contains("only Anna Svensson"), "{}", covered.stdout);

    // Away over a summer week: Ekonomi turns to the whole's contact, and that is no gap.
    let away = |who: &str, from: &str, until: &str, more: &[&str]| {
        site.budkavle
            .run(&[&["absence", "add", who, "--from", from, "--until", until], more].concat())
            .success();
    };
    away("anna.svensson", "2026-07-06", "2026-07-12", &[]);
    let covered = coverage(&[]).success();
    let line = covered.stdout.lines().find(|line| line.contains("6–10 Jul")).unwrap_or_default();
    assert!(line.ends_with("only Åsa Öberg (at Kommunen)"), "{}", covered.stdout);
    // Both away on some days, so that only the fallback answers; and one of two who can open the remote connection is missing.
    away("asa.oberg", "2026-07-08", "2026-07-09", &[]);
    let gaps = coverage(&["--only", "gaps"]).ended_with(1);
    for line in
        ["8–9 Jul", "nobody (Anna Svensson: away until", "only Søren Ødegård", "The minimum isn't met in"]
    {
        assert!(gaps.stdout.contains(line), "{line}: {}", gaps.stdout);
    }
    let json = coverage(&["--role", "local", "--unit", "Ekonomi", "--format", "json"]).ended_with(1).json();
    let states: Vec<&str> = json["roles"][0]["units"][0]["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["one", "one", "nobody", "one", "one"], "{json}");
    let csv = coverage(&["--role", "local", "--format", "csv"]).ended_with(1).stdout;
    assert!(csv.contains(",2026-07-08,2026-07-09,nobody,1,true,0,,"), "{csv}");

    // A deputy mends it.
    let list = site.budkavle.json(&["absence", "list", "--user", "asa.oberg", "--past"]);
    site.budkavle.run(&["absence", "remove", &list[0]["id"].to_string()]).success();
    away("asa.oberg", "2026-07-08", "2026-07-09", &["--deputy", "soren.odegard"]);
    let local = coverage(&["--role", "local"]).success();
    assert!(local.stdout.contains("only Søren Ødegård"), "{}", local.stdout);

    let wrong = site.budkavle.run(&["coverage", "--from", "2026-07-31", "--to", "2026-07-01"]).ended_with(2);
    assert!(wrong.stderr.contains("before it begins"), "{}", wrong.stderr);
    site.budkavle.run(&["coverage", "--from", "July", "--to", "2026-07-01"]).ended_with(2);
}

#[test]
fn what_would_be_is_told_and_nothing_is_changed() {
    let site = summer();
    let _daemon = site.start();
    staff(&site);
    let before = site.get("/v1/contacts");
    let whatif = |words: &[&str]| site.budkavle.run(&[&["whatif"], words].concat());
    let away = whatif(&["--away", "anna.svensson,asa.oberg", "--from", "2026-07-06", "--to", "2026-07-10"])
        .success()
        .stdout;
    for line in [
        "would turn to nobody (global answers) instead of Anna Svensson",
        "Ekonomi",
        "users would have nobody in this role",
    ] {
        assert!(away.contains(line), "{line}: {away}");
    }
    let later =
        whatif(&["--away", "anna.svensson", "--from", "2026-07-04", "--to", "2026-07-10"]).success().stdout;
    assert!(later.contains("Until 2026-07-10 no minimum would break"), "{later}");
    let gone = whatif(&["--gone", "john.smith"]).success().stdout;
    assert!(gone.contains("would turn to Åsa Öberg instead of John Smith"), "{gone}");
    let moved = site.budkavle.json(&["whatif", "--move", "anna.svensson", "IT-avdelningen"]);
    let local = moved["roles"].as_array().unwrap().iter().find(|role| role["role"] == "local").unwrap();
    assert_eq!(local["shifts"][0]["after"], serde_json::json!(["Åsa Öberg"]), "{moved}");
    let unit = whatif(&["--move-unit", "Personal", "Ekonomi"]).success().stdout;
    assert!(unit.contains("would turn to Anna Svensson instead of Åsa Öberg"), "{unit}");
    let into_itself = whatif(&["--move-unit", "Ekonomi", "Ekonomi"]).ended_with(2);
    assert!(into_itself.stderr.contains("into itself"), "{}", into_itself.stderr);
    whatif(&["--away", "nobody.at.all"]).ended_with(1);
    whatif(&[]).ended_with(2);
    assert_eq!(site.get("/v1/contacts"), before);
}

#[test]
fn the_page_is_whole_in_itself_and_accessible() {
    let site = summer();
    let _daemon = site.start();
    staff(&site);
    for (who, from, until) in [
        ("anna.svensson", "2026-07-06", "2026-07-24"),
        ("asa.oberg", "2026-07-13", "2026-07-17"),
        ("soren.odegard", "2026-06-30", "2026-07-03"),
    ] {
        site.budkavle.run(&["absence", "add", who, "--from", from, "--until", until]).success();
    }
    for language in ["en", "sv"] {
        let words = ["--format", "html", "--lang", language];
        let page = site.budkavle.run(&[&["coverage"], &WEEKS[..], &words[..]].concat()).ended_with(1).stdout;
        assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("url("));
        let file = site.path().join(format!("coverage-{language}.html"));
        fs::write(&file, &page).unwrap();
        let light = Scheme::Light;
        chromium::picture((&file, Page::Whole), (1500, 1700), light);
        let violations = chromium::violations((&file, Page::Whole), &page, (1500, 1700), light);
        assert_eq!(violations, serde_json::json!([]), "{language}: {violations:#}");
    }
}
