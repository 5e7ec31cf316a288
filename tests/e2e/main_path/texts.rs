//! Texts of notices: what is previewed is a mail as it should be, in every language, and is what arrives.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::servers::PATIENCE;
use crate::servers::chromium::{self, Scheme};
use crate::site::Site;
use crate::world::Organisation;

/// Python's strict policy raises an error at each defect of form; beside it what RFC 5322 §2.1.1 and RFC 2045 demand.
const CHECK: &str = r#"
import email, email.policy, sys
raw = sys.stdin.buffer.read()
assert raw.isascii() and max(map(len, raw.split(b"\r\n"))) <= 998 and b"\n" not in raw.replace(b"\r\n", b"")
mail = email.message_from_bytes(raw, policy=email.policy.strict)
for part in mail.walk():
    assert not part.defects, part.defects
    for name, value in part.items():
        assert not getattr(value, "defects", ()), (name, value.defects)
for name in "From To Subject Date Message-ID MIME-Version Content-Language Auto-Submitted".split():
    assert len(mail.get_all(name)) == 1, name
assert mail.get_content_type() == "multipart/alternative"
text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
assert mail["Subject"] and "\n" not in mail["Subject"] and "�" not in text + html
assert f'<html lang="{mail["Content-Language"]}">' in html
entries = [part for part in mail.iter_parts() if part.get_content_type() == "text/calendar"]
assert len(list(mail.iter_parts())) == 2 + len(entries)
for entry in entries:
    lines = entry.get_content().splitlines()
    assert lines[0] == "BEGIN:VCALENDAR" and "METHOD:" + entry["Content-Type"].params["method"] in lines
    assert max(len(line.encode()) for line in lines) <= 75
print(mail["Content-Language"])
"#;

fn python(mail: &str) -> String {
    let mut python = Command::new("python3");
    python.args(["-c", CHECK]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut python = python.spawn().expect("python3 is installed by tests/run, with Samba");
    python.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{mail}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

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
            assert_eq!(python(&mail), language, "{sample}");
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

/// One of each look: an incident, a plan, an alert with commands, a list of what isn't covered, somebody who is asked whether they want to be told.
const LOOKS: [&str; 5] = ["outage", "maintenance", "sync-held", "coverage", "subscribe"];

#[test]
fn mails_can_be_read_in_light_and_dark_and_on_a_phone() {
    let site = Site::new(Organisation::kommun());
    for sample in LOOKS {
        let file = site.path().join(format!("{sample}.html"));
        let to = file.display().to_string();
        let words = ["notice", "preview", sample, "--lang", "nb", "--format", "html", "--output", &to];
        site.budkavle.run(&words).success();
        let page = fs::read_to_string(&file).unwrap();
        assert!(!page.contains("<script") && !page.contains("src="), "{sample}");
        for scheme in [Scheme::Light, Scheme::Dark] {
            // Colours with too little contrast are among what is looked for.
            let mut violations = chromium::violations(&file, &page, scheme);
            // A mail stands within the page of a program, which has the landmarks.
            let of_pages = |one: &Value| one[0] == "landmark-one-main" || one[0] == "region";
            violations.as_array_mut().unwrap().retain(|one| !of_pages(one));
            assert_eq!(violations, serde_json::json!([]), "{sample} {scheme:?}: {violations:#}");
        }
        chromium::picture(&file, (700, 900), Scheme::Light);
        chromium::picture(&file, (390, 800), Scheme::Dark);
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
