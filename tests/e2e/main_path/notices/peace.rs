//! What keeps a mail from leaving, by the command line: a silence, and somebody's word that they have it.

use super::*;

#[test]
fn what_is_silent_does_not_leave_until_the_silence_is_ended() {
    let place = Place::new("");
    #[expect(clippy::disallowed_methods, reason = "the daemon goes by the machine's clock")]
    let soon = (Utc::now() + TimeDelta::days(2)).format("%Y-%m-%d").to_string();
    let add =
        ["silence", "add", "--kind", "outage", "--severity", "major", "--why", "känt", "--until", &soon];
    let id = place.budkavle.json(&add)["id"].to_string();
    let listed = place.budkavle.run(&["silence", "list"]).success().stdout;
    assert!(
        listed.contains("kinds outage") && listed.contains("up to major") && listed.contains("känt"),
        "{listed}"
    );
    let status = place.budkavle.run(&["status"]).success().stdout;
    assert!(status.contains("silent") && status.contains(&format!("silence {id})")), "{status}");

    let opened = place.budkavle.json(&["outage", "open", "Tyst", "--severity", "major"]);
    assert_eq!(opened["messages"], 0, "{opened}");
    place.open("Värre än så", "critical");
    assert_eq!(place.subjects(ANNA, 1), ["Outage 2: Värre än så"]);

    place.budkavle.run(&["silence", "remove", &id, "--why", "klart"]).success();
    assert_eq!(place.budkavle.json(&["silence", "list"]), serde_json::json!([]));
    assert_eq!(place.budkavle.json(&["status"])["notices"]["silences"], serde_json::json!([]));
    place.open("Hörs", "major");
    assert_eq!(place.subjects(ANNA, 2), ["Outage 2: Värre än så", "Outage 3: Hörs"]);
    // What was silent comes with its next word.
    place.budkavle.run(&["outage", "resolve", "1"]).success();
    assert_eq!(place.subjects(ANNA, 3), ["Outage 1: Tyst", "Outage 2: Värre än så", "Outage 3: Hörs"]);
    let last = place.post.mails_for(ANNA).into_iter().find(|mail| mail.subject().ends_with("Tyst")).unwrap();
    assert!(last.text().to_lowercase().contains("resolved"), "{}", last.text());
    let audit = place.budkavle.json(&["audit"]).to_string();
    assert!(audit.contains("silence added") && audit.contains("silence removed"), "{audit}");
}

#[test]
fn whoever_says_by_command_that_they_have_it_stops_the_climb() {
    let mut place = Place::new("[acknowledge]\nkinds = [\"outage\"]\nafter = \"1h\"");
    place.open("E-posten är nere", "critical");
    place.subjects(ANNA, 1);
    let notices = || place.budkavle.json(&["status"])["notices"].clone();
    let waiting = notices();
    assert_eq!(
        (&waiting["waiting"], &waiting["longest_waiting"][0]["told"]),
        (&1.into(), &1.into()),
        "{waiting}"
    );
    assert!(waiting["longest_waiting"][0]["goes_on"].is_string(), "{waiting}");
    let notice = waiting["longest_waiting"][0]["notice"].to_string();
    let status = place.budkavle.run(&["status"]).success().stdout;
    assert!(status.contains("waits for somebody") && status.contains("E-posten är nere"), "{status}");

    place.budkavle.run(&["notice", "ack", &notice]).success();
    assert_eq!(notices()["waiting"], 0);
    let again = place.budkavle.json(&["notice", "ack", &notice]);
    assert_eq!(again["now"], false, "{again}");
    place.ahead("+26h");
    // What follows is told, and so would have been what was due before.
    place.open("Skrivaren är trasig", "minor");
    place.subjects(ANNA, 2);
    assert_eq!(place.post.delivered().get(BO), None);
    assert_eq!(place.post.delivered().get(CILLA), None);
}

#[test]
fn a_burst_is_one_mail_in_which_each_can_be_taken_on() {
    let acknowledge = "[acknowledge]\nkinds = [\"outage\"]\nseverity = \"major\"\nafter = \"1h\"";
    let mut place = Place::new(&format!("[outages]\nfirst_waits = \"10m\"\n{acknowledge}"));
    for title in ["E-posten är nere", "Filerna är långsamma", "Skrivaren är trasig"] {
        place.open(title, "major");
    }
    place.ahead("+11m");
    let subjects = place.subjects(ANNA, 1);
    let all = "E-posten är nere; Filerna är långsamma; Skrivaren är trasig";
    assert_eq!(subjects, [format!("3 messages: {all}")]);
    let mail = &place.post.mails_for(ANNA)[0];
    place.reads_well("together", &mail.html(), Page::Mail);
    assert_eq!(place.post.check_form(), 1);
    let text = mail.text();
    let links: Vec<&str> = text.split_whitespace().filter(|word| word.starts_with(URL)).collect();
    assert_eq!(links.len(), 3, "{text}");
    let (status, _, page) = place.ask("POST", links[1], "");
    assert_eq!(status, 200, "{page}");
    let waiting = place.waiting().iter().map(|one| one["about"].to_string()).collect::<Vec<_>>();
    assert!(waiting.len() == 2 && !waiting.iter().any(|about| about.contains("Filerna")), "{waiting:?}");

    let shown = place.budkavle.json(&["outbox", "show", "2"]);
    assert_eq!((&shown["state"], &shown["with"]), (&"sent".into(), &serde_json::json!([1, 3])), "{shown}");
    assert_eq!(Some(shown["message_id"].as_str().unwrap()), mail.header("Message-ID").as_deref());
    let shown = place.budkavle.run(&["outbox", "show", "2"]).success().stdout;
    assert!(shown.contains("in one mail with") && shown.contains("1, 3"), "{shown}");
    // What comes by itself stays by itself.
    place.open("Telefonerna är nere", "critical");
    assert_eq!(place.subjects(ANNA, 2)[1], "Outage 4: Telefonerna är nere");
}
