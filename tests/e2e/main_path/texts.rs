//! Texts of notices: what is previewed is a mail as it should be, in every language, and is what arrives.

use std::fs;

use serde_json::Value;

use crate::servers::chromium::{self, Page};
use crate::servers::{PATIENCE, form};
use crate::site::Site;
use crate::world::Organisation;

#[test]
fn every_sample_in_every_language_is_a_mail_of_good_form() {
    let site = Site::new(Organisation::kommun());
    // No daemon runs.
    let list: Value =
        serde_json::from_str(&site.budkavle.run(&["--json", "template", "list"]).success().stdout).unwrap();
    let kinds = list["kinds"].as_array().unwrap();
    let samples: Vec<&str> = kinds
        .iter()
        .flat_map(|kind| kind["samples"].as_array().unwrap())
        .map(|s| s.as_str().unwrap())
        .collect();
    assert!(samples.len() >= 30, "{samples:?}");
    for sample in samples {
        for language in ["en", "sv", "nb", "nn", "da", "fi"] {
            let words = ["notice", "preview", sample, "--lang", language, "--format", "eml"];
            let mail = site.budkavle.run(&words).success().stdout;
            assert_eq!(form::checked(mail.as_bytes()), language, "{sample}");
            assert_eq!(mail.contains("text/calendar"), sample.starts_with("maintenance"), "{sample}");
        }
    }
    let unknown = site.budkavle.run(&["notice", "preview", "outtage"]).ended_with(2);
    assert!(
        unknown.stderr.contains("there is no sample \"outtage\"; there are: outage, "),
        "{}",
        unknown.stderr
    );
}

#[test]
fn mails_can_be_read_in_light_and_dark_and_on_a_phone() {
    let site = Site::new(Organisation::kommun());
    let list: Value =
        serde_json::from_str(&site.budkavle.run(&["--json", "template", "list"]).success().stdout).unwrap();
    // One of each kind.
    let kinds = list["kinds"].as_array().unwrap().iter();
    for sample in kinds.map(|kind| kind["samples"][0].as_str().unwrap()) {
        let file = site.path().join(format!("{sample}.html"));
        let to = file.display().to_string();
        let words = ["notice", "preview", sample, "--lang", "nb", "--format", "html", "--output", &to];
        site.budkavle.run(&words).success();
        let page = fs::read_to_string(&file).unwrap();
        assert!(!page.contains("<script") && !page.contains("src="), "{sample}");
        chromium::reads_well(&file, &page, Page::Mail);
    }
}

#[test]
fn what_arrives_is_in_the_readers_language_by_their_clocks_and_in_the_operators_words() {
    let site = Site::new(Organisation::kommun());
    let folder = site.path().join("templates");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("outage.fi.txt"),
        "Subject: Meiltä: {{ outage.title }}\n{{ heading }}\n{{ updates[0].at }}",
    )
    .unwrap();
    site.configure(&|text| {
        *text = format!(
            "{text}\n[[locale]]\nname = \"ekonomi\"\nunits = [\"Kommunen / Ekonomi\"]\nlanguage = \"fi\"\ntimezone = \"Europe/Helsinki\"\n\
             [templates]\nfolder = \"{}\"\n",
            folder.display()
        );
    });
    let mut daemon = site.start();
    site.assign_contacts();
    site.budkavle.run(&["contacts", "assign", "outage", "--user", "anna.svensson"]).success();
    site.budkavle.run(&["outage", "open", "E-posten är nere", "--severity", "major"]).success();
    let to = "anna.svensson@kommun.example";
    let mails = site.post.wait_for(to, 1, PATIENCE);
    assert_eq!(mails[0].subject(), "Meiltä: E-posten är nere");
    assert!(mails[0].text().contains(" klo ") && mails[0].text().contains(" EE"), "{}", mails[0].text());
    assert!(mails[0].html().contains("<html lang=\"fi\">"));
    let messages = site.get("/v1/messages");
    let notice = messages["items"][0]["notice"].to_string();
    let preview = site.budkavle.run(&["notice", "preview", &notice, "--to", to]).success().stdout;
    assert!(preview.starts_with("Subject: Meiltä: E-posten är nere\n"), "{preview}");
    let danish =
        site.budkavle.run(&["notice", "preview", &notice, "--to", to, "--lang", "da"]).success().stdout;
    assert!(danish.contains("Driftsforstyrrelse 1: E-posten"), "{danish}");
    let nobody = site.budkavle.run(&["notice", "preview", &notice, "--to", "x@y.example"]).ended_with(1);
    assert!(nobody.stderr.contains("went to nobody with the address x@y.example"), "{}", nobody.stderr);

    // A mistake is told with file and line, and stops nothing.
    fs::write(folder.join("outage.fi.txt"), "Subject: x\n\n{{ wrong }}").unwrap();
    let checked = site.budkavle.run(&["template", "check"]).ended_with(1);
    assert!(checked.stdout.contains("outage.fi.txt:3: `wrong` is undefined"), "{}", checked.stdout);
    daemon.reload();
    daemon.wait_for_log("was reloaded", PATIENCE);
    daemon.wait_for_log("outage.fi.txt:3: `wrong` is undefined", PATIENCE);
    site.budkavle.run(&["outage", "update", "1", "--text", "Vi letar."]).success();
    let mails = site.post.wait_for(to, 2, PATIENCE);
    let update = mails.iter().find(|mail| mail.text().contains("Vi letar.")).expect("the update arrived");
    assert_eq!(update.subject(), "Häiriö 1: E-posten är nere");
    assert!(update.text().contains("vakava") || update.text().contains("selvitetään"), "{}", update.text());
}
