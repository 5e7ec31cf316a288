//! Services, previews and maintenance: who is told, and when, by a clock that is set ahead between two starts of the daemon.

use std::io::Write as _;
use std::process::{Command, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::servers::PATIENCE;
use crate::servers::budkavle::Daemon;
use crate::servers::mail::ParsedMail;
use crate::site::Site;
use crate::world::Organisation;

const ANNA: &str = "anna.svensson@kommun.example";
const JOHN: &str = "john.smith@kommun.example";
const ASA: &str = "asa.oberg@kommun.example";

/// Nobody is contact for all outages: Anna is for mail, which depends on the storage; John is for his unit; Åsa is for everything else.
fn site() -> (Site, Daemon) {
    let site = Site::new(Organisation::generate(120, 24));
    site.configure(&|text| {
        *text =
            text.replace("[roles.outage]\ngroups = [\"outage-contacts\"]\n", "[roles.outage]\ngroups = []\n");
        text.push_str(
            r#"
[maintenance]
remind = ["7d", "1d"]
[service.storage]
title = "Lagringen"
[service.mail]
title = "E-posten"
depends_on = ["storage"]
[service.phones]
units = ["Kommunen / Ekonomi"]
[outage_template.disk]
title = "En disk är full"
severity = "critical"
services = ["storage"]
"#,
        );
    });
    let daemon = site.start();
    let assign = |words: &[&str]| site.budkavle.run(&[&["contacts", "assign"], words].concat()).success();
    assign(&["global", "--user", "asa.oberg"]);
    assign(&["outage", "--user", "anna.svensson", "--service", "mail"]);
    assign(&["outage", "--user", "john.smith", "--unit", "Kommunen / Ekonomi"]);
    (site, daemon)
}

/// The entry for calendars of a mail, as Python's `email`, with its strict policy, and `icalendar` understand it: by the names of time zones, and by the entry's own description of them.
fn entry(mail: &ParsedMail) -> Value {
    read_entry(&mail.raw)
}

fn read_entry(mail: &str) -> Value {
    const SCRIPT: &str = r#"
import email, email.policy, icalendar, json, re, sys
mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.strict)
kinds = [part.get_content_type() for part in mail.walk()]
assert kinds == ["multipart/alternative", "text/plain", "text/html", "text/calendar"], kinds
part = list(mail.walk())[-1]
def read(text):
    calendar = icalendar.Calendar.from_ical(text)
    [event] = calendar.walk("VEVENT")
    assert not calendar.errors and not event.errors
    return calendar, event
text = part.get_content()
calendar, event = read(text)
_, described = read(re.sub(r"\bTZID([:=])", r"TZID\1Ours/", text))
for key in "DTSTART", "DTEND":
    assert described[key].dt == event[key].dt, (key, text)
assert part["content-type"].params["method"] == calendar["METHOD"]
print(json.dumps({
    "method": calendar["METHOD"], "uid": event["UID"], "sequence": event["SEQUENCE"], "status": event["STATUS"],
    "summary": event["SUMMARY"], "from": event["DTSTART"].dt.isoformat(), "until": event["DTEND"].dt.isoformat(),
    "zone": event["DTSTART"].params.get("TZID"),
}))
"#;
    // The one that the package belongs to.
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    python.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
    let done = python.wait_with_output().unwrap();
    assert!(done.status.success(), "{mail}");
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn the_entry_is_on_the_readers_clocks() {
    let site = Site::new(Organisation::kommun());
    for zone in [
        "Europe/Stockholm",
        "America/New_York",
        "Asia/Kolkata",
        "Atlantic/Reykjavik",
        "Africa/Casablanca",
        "Australia/Lord_Howe",
    ] {
        site.configure(&|text| *text = text.replace("Europe/Stockholm", zone));
        let words = ["notice", "preview", "maintenance", "--format", "eml"];
        let entry = read_entry(&site.budkavle.run(&words).success().stdout);
        // It ends in the hour that comes twice in Sweden.
        let expected = if zone == "Europe/Stockholm" { Value::Null } else { json!(zone) };
        assert_eq!(entry["zone"], expected, "{entry}");
        let moment = |key: &str| DateTime::parse_from_rfc3339(entry[key].as_str().unwrap()).unwrap().to_utc();
        let [from, until] = ["2026-10-24T23:00:00Z", "2026-10-25T01:00:00Z"].map(|at| at.parse().unwrap());
        assert_eq!((moment("from"), moment("until")), (from, until), "{entry}");
    }
}

fn names(people: &Value) -> Vec<String> {
    people.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_outage_is_previewed_and_told_to_those_it_concerns_each_once() {
    let (site, _daemon) = site();
    let open = ["outage", "open", "--template", "disk", "--unit", "Kommunen / Personal"];
    let preview = site.budkavle.json(&[&open[..], &["--also", "Drift@kommun.example", "--preview"]].concat());
    let (told, not) = (&preview["preview"]["told"], &preview["preview"]["not_told"]);
    assert_eq!(names(told), ["Anna Svensson", "Drift@kommun.example"], "{preview}");
    assert_eq!(
        told[0]["why"],
        "outage contact for E-posten (outage of Lagringen, on which E-posten depends)"
    );
    assert_eq!(
        (&not[0]["name"], &not[0]["reason"]),
        (&json!("John Smith"), &json!("other_unit")),
        "{preview}"
    );
    let shown = site.budkavle.run(&[&open[..], &["--preview"]].concat()).success().stdout;
    assert!(shown.contains("nobody is told") && shown.contains("which isn't concerned"), "{shown}");
    assert_eq!(site.budkavle.json(&["outage", "list", "--all"]), json!([]));

    let opened = site.budkavle.json(&open);
    assert_eq!(
        (&opened["id"], &opened["messages"], &opened["severity"]),
        (&json!(1), &json!(1), &json!("critical"))
    );
    let mail = &site.post.wait_for(ANNA, 1, PATIENCE)[0];
    assert_eq!(mail.subject(), "Outage 1: En disk är full");
    for line in [
        "Services: Lagringen",
        "Depending on them: E-posten",
        "outage contact for E-posten (it depends on Lagringen)",
    ] {
        assert!(mail.text().contains(line) && mail.html().contains(line), "{line}: {}", mail.text());
    }
    // Everybody is concerned when no unit is named; John holds it for his, and through the phones.
    site.budkavle.run(&["outage", "open", "Allt", "--service", "lagringen", "--service", "phones"]).success();
    site.post.wait_for(ANNA, 2, PATIENCE);
    site.post.wait_for(JOHN, 1, PATIENCE);
    assert_eq!(
        (site.mails_when_quiet(ANNA), site.mails_when_quiet(JOHN), site.mails_when_quiet(ASA)),
        (2, 1, 0)
    );

    let unknown = site.budkavle.run(&["outage", "open", "X", "--service", "storag"]).ended_with(1);
    assert!(unknown.stderr.contains("did you mean storage?"), "{}", unknown.stderr);
    let unknown = ["contacts", "assign", "outage", "--user", "anna.svensson", "--service", "maill"];
    let unknown = site.budkavle.run(&unknown).ended_with(1);
    assert!(unknown.stderr.contains("did you mean mail?"), "{}", unknown.stderr);
    let service = site.budkavle.json(&["service", "show", "mail"]);
    assert_eq!(
        (&service["outages"], &service["holds"][0]["holder"]),
        (&json!([1, 2]), &json!("Anna Svensson"))
    );
    assert_eq!(site.budkavle.json(&["contacts", "orphans"])["assignments"], json!([]));

    // A correction is told only when asked for, and what was there before is kept.
    site.budkavle
        .run(&["outage", "edit", "1", "--title", "Två diskar är fulla", "--why", "miscounted"])
        .success();
    let text = ["outage", "edit", "1", "--update", "0", "--text", "Två är fulla.", "--tell"];
    site.budkavle.run(&text).success();
    let corrected = site.post.wait_for(ANNA, 3, PATIENCE);
    assert!(
        corrected[2].text().contains("has been corrected") && corrected[2].text().contains("Två är fulla.")
    );
    let shown = site.budkavle.run(&["outage", "show", "1"]).success().stdout;
    assert!(shown.contains("the title, which was: En disk är full"), "{shown}");
    let audit = site.budkavle.json(&["audit"]);
    let entry = audit.as_array().unwrap().iter().find(|e| e["why"] == "miscounted").unwrap();
    assert!(entry["before"].as_str().unwrap().contains("En disk är full"), "{entry}");
}

#[test]
fn maintenance_is_told_at_its_times_and_each_time_once() {
    let (site, daemon) = site();
    #[expect(clippy::disallowed_methods, reason = "the daemon is ahead of the machine's clock")]
    let now = Utc::now();
    let at = |days: i64| now + TimeDelta::days(days);
    let time = |days: i64| at(days).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let plan = |title: &str, from: i64| {
        let (from, until) = (time(from), time(from + 1));
        site.budkavle.json(&[
            "maintenance",
            "plan",
            title,
            "--from",
            &from,
            "--until",
            &until,
            "--service",
            "storage",
        ])
    };
    assert_eq!(plan("Nya diskar", 10)["messages"], 2, "Anna by the mail, John as everybody is served");
    site.budkavle
        .run(&["outage", "open", "Något annat", "--service", "mail", "--severity", "minor"])
        .success();
    site.post.wait_for(ANNA, 2, PATIENCE);
    let mut daemon = Some(daemon);
    let mut ahead = |by: &str| {
        assert!(daemon.take().unwrap().terminate(PATIENCE).success());
        let mut next = site.budkavle.start_ahead(by);
        next.wait_for_log("is ready", PATIENCE);
        daemon = Some(next);
    };
    let about = |count: usize| -> Vec<ParsedMail> {
        let mails = site.post.wait_for(ANNA, count + 1, PATIENCE);
        let mut mails: Vec<_> =
            mails.into_iter().filter(|m| m.subject().starts_with("Maintenance 1:")).collect();
        mails.sort_by_key(|mail| mail.message.date().map(mail_parser::DateTime::to_timestamp));
        assert_eq!(mails.len(), count);
        mails
    };
    for (by, count, word) in [
        ("+73h", 2, "Soon"),
        ("+217h", 3, "Soon"),
        // A restart at the same time tells nothing anew.
        ("+218h", 3, "Soon"),
        ("+241h", 4, "Under way"),
        ("+265h", 5, "Completed"),
    ] {
        ahead(by);
        let mails = about(count);
        let last = mails.last().unwrap();
        assert!(last.text().contains(&format!("{word} · minor · maintenance 1")), "{by}: {}", last.text());
        assert_eq!(last.references(), [mails[0].message_id()]);
        let entry = entry(last);
        assert_eq!((&entry["method"], &entry["sequence"]), (&json!("PUBLISH"), &json!(0)), "{by}: {entry}");
        assert_eq!(entry["uid"], self::entry(&mails[0])["uid"]);
        let from = DateTime::parse_from_rfc3339(entry["from"].as_str().unwrap()).unwrap();
        assert_eq!(from.timestamp(), at(10).timestamp());
    }
    // Nobody has said a word on the incident meanwhile: whoever opened it is no user of the directory, so the global contact is asked.
    let nags = site.post.mails_for(ASA);
    let nags = nags.iter().filter(|mail| mail.subject() == "Not a word for long on outage 2: Något annat");
    assert_eq!(nags.count(), 2, "after three days and after nine");

    let second = plan("Fler diskar", 20)["id"].to_string();
    site.budkavle.run(&["maintenance", "move", &second, "--from", &time(21)]).success();
    site.budkavle.run(&["maintenance", "cancel", &second, "--text", "Inga diskar."]).success();
    let mails = site.post.wait_for(ANNA, 9, PATIENCE);
    let mut mails: Vec<_> =
        mails.iter().filter(|m| m.subject() == "Maintenance 3: Fler diskar").map(entry).collect();
    mails.sort_by_key(|entry| entry["sequence"].as_u64());
    let said = |key: &str| mails.iter().map(|entry| entry[key].clone()).collect::<Vec<_>>();
    assert_eq!(said("method"), ["PUBLISH", "PUBLISH", "CANCEL"]);
    assert_eq!(said("sequence"), [0, 1, 2]);
    assert_eq!(said("status"), ["CONFIRMED", "CONFIRMED", "CANCELLED"]);
    assert!(said("uid").windows(2).all(|two| two[0] == two[1]));
    assert_eq!(site.budkavle.json(&["maintenance", "list"]), json!([]));
    let odd = ["maintenance", "plan", "X", "--from", "2027-03-28 02:30", "--until", "2027-03-28 05:00"];
    let odd = site.budkavle.run(&odd).ended_with(2);
    assert!(odd.stderr.contains("clocks skip"), "{}", odd.stderr);
    let twice = [
        "maintenance",
        "plan",
        "X",
        "--from",
        "2027-10-31 02:30",
        "--until",
        "2027-10-31 05:00",
        "--preview",
    ];
    let twice = site.budkavle.run(&twice).success();
    assert!(
        twice.stdout.contains("comes twice") && twice.stdout.contains("it takes 3 h 30 min"),
        "{}",
        twice.stdout
    );
}
