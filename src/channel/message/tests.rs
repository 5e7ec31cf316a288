//! Every kind of notice in words, and the headers around them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Stockholm;
use mail_parser::{MessageParser, MimeHeaders};

use super::*;
use crate::domain::duties::Duties;
use crate::domain::ids::MessageId;
use crate::domain::notice::{EventKey, MessageState, Priority, Recipient};

fn at() -> DateTime<Utc> {
    "2026-07-06T05:40:00Z".parse().unwrap()
}

fn locale(language: Language) -> Locale {
    Locale { language, zone: Stockholm }
}

fn in_english() -> Locale {
    locale(Language::English)
}

fn outage() -> Facts {
    samples::named("outage").unwrap().facts
}

fn composer() -> Composer {
    let from = From {
        name: Some("Budkavle".into()),
        address: "budkavle@ekfors.example".parse().unwrap(),
        reply_to: None,
    };
    Composer::new(from, "Ekfors kommun", "", None).unwrap()
}

fn notice(facts: Facts, event: &str, thread: &str) -> Notice {
    let key = |k: &str| EventKey(k.into());
    Notice { id: NoticeId(1), event: key(event), thread: key(thread), at: at(), expires: at(), facts }
}

fn message(name: &str) -> Message {
    Message {
        id: MessageId(1),
        notice: NoticeId(1),
        recipient: Recipient::by_mail(name, "asa.oberg@ekfors.example".parse().unwrap(), "outage"),
        priority: Priority::Normal,
        state: MessageState::Sending,
        attempts: 1,
        at: at(),
        due: at(),
        changed: at(),
        answer: None,
    }
}

#[test]
fn every_kind_of_notice_reads_well_in_every_language() {
    let composer = composer();
    for language in Language::ALL {
        let one = |sample: &samples::Sample| {
            let text = composer.writer.write(&sample.notice(), sample.why, locale(language)).unwrap();
            format!("=== {}\nSubject: {}\n\n{}\n", sample.name, text.subject, text.text)
        };
        let text: String = samples::all().iter().map(one).collect();
        insta::assert_snapshot!(format!("texts_{language}"), text);
    }
}

#[test]
fn html_says_the_same_and_nothing_in_it_is_markup_of_others() {
    let composer = composer();
    for language in Language::ALL {
        for sample in samples::all() {
            let text = composer.writer.write(&sample.notice(), "outage", locale(language)).unwrap();
            let (name, html) = (sample.name, text.html);
            assert!(html.contains(&format!("<html lang=\"{language}\">")), "{name}");
            assert!(html.contains("Ekfors kommun"), "{name}");
            for foreign in ["<from outside>", "<nord>", "<konsult>"] {
                assert!(!html.contains(foreign), "{name}: {html}");
            }
            // Outlook knows neither; nothing is fetched, and nothing runs. What a server said is text.
            let html = html.replace("https:&#x2f;&#x2f;hooks.example answered 401", "");
            for bad in
                ["display:flex", "display:grid", "<script", "http", "src=", "href=", "url(", "position:"]
            {
                assert!(!html.contains(bad), "{name}: {bad}");
            }
        }
    }
    let of = |account: &str| {
        let Facts::Duties(duties) = samples::named("duties").unwrap().facts else { panic!() };
        let duties = Facts::Duties(Box::new(Duties { account: account.into(), ..*duties }));
        composer.writer.write(&notice(duties, "e", "e"), "local", in_english()).unwrap().html
    };
    assert!(of("bo.ek").contains("<span style=\"white-space:nowrap\">--until</span>"), "{}", of("bo.ek"));
    assert!(!of("bo`<ek>").contains("<ek>"), "{}", of("bo`<ek>"));
    let sample = samples::named("outage").unwrap();
    insta::assert_snapshot!(composer.writer.write(&sample.notice(), "outage", in_english()).unwrap().html);
}

#[test]
fn a_text_is_written_for_each_language_and_clock() {
    let composer = composer();
    let write = |locale| {
        let mail = composer.compose(&notice(outage(), "e", "e"), &message("Åsa Öberg"), locale, 7).unwrap();
        let mail = MessageParser::default().parse(&mail.bytes).unwrap().into_owned();
        (
            mail.header("Content-Language").unwrap().as_text().unwrap().to_owned(),
            mail.body_text(0).unwrap().into_owned(),
        )
    };
    let (tag, swedish) = write(locale(Language::Swedish));
    assert_eq!(tag, "sv");
    assert!(swedish.contains("6 juli 2026 kl. 08:00 CEST"), "{swedish}");
    let (_, finnish) = write(Locale { language: Language::Finnish, zone: chrono_tz::Europe::Helsinki });
    assert!(finnish.contains("6.7.2026 klo 9.00 EEST"), "{finnish}");
    let (_, again) = write(locale(Language::Swedish));
    assert_eq!(again, swedish);
}

#[test]
fn the_mail_is_addressed_threaded_and_quiet() {
    let facts = outage;
    let (first, later) =
        (notice(facts(), "outage/12/0", "outage/12/0"), notice(facts(), "outage/12/1", "outage/12/0"));
    let composer = composer();
    let write = |n: &Notice| composer.compose(n, &message("Åsa Öberg"), in_english(), 7).unwrap().bytes;
    let (opening, update) = (write(&first), write(&later));
    assert!(write(&later) == update, "a repeat is the same to the byte");
    let parser = MessageParser::default();
    let (opening, update) = (parser.parse(&opening).unwrap(), parser.parse(&update).unwrap());
    assert_eq!(opening.to().unwrap().first().unwrap().name(), Some("Åsa Öberg"));
    assert_eq!(opening.header("Auto-Submitted").unwrap().as_text(), Some("auto-generated"));
    assert_eq!(opening.header("X-Auto-Response-Suppress").unwrap().as_text(), Some("All"));
    assert_eq!(opening.references().as_text(), None);
    assert_eq!(update.references().as_text(), opening.message_id());
    assert_eq!(update.in_reply_to().as_text(), opening.message_id());
    assert_eq!(update.subject(), opening.subject());
    assert_ne!(update.message_id(), opening.message_id());
    assert!(opening.body_text(0).unwrap().contains("Nobody can sign in.") && opening.body_html(0).is_some());
}

#[test]
fn a_name_that_would_break_the_header_is_made_harmless() {
    for name in [
        "x\r\nBcc: all@x.example",
        "\u{0}",
        "",
        "a\tb",
        "\"quoted\" (comment) <x@y.example>",
        &"long ".repeat(200),
    ] {
        let mail = composer().compose(&notice(outage(), "e", "e"), &message(name), in_english(), 7).unwrap();
        let parsed = MessageParser::default().parse(&mail.bytes).unwrap();
        assert!(parsed.bcc().is_none(), "{name:?}");
        assert_eq!(
            parsed.to().unwrap().first().unwrap().address(),
            Some("asa.oberg@ekfors.example"),
            "{name:?}"
        );
    }
}

#[test]
fn maintenance_comes_with_an_entry_for_the_calendar() {
    let write = |name: &str, locale| {
        let sample = samples::named(name).unwrap();
        let message = message("Åsa Öberg");
        composer().compose(&notice(sample.facts, name, "e"), &message, locale, 7).unwrap().bytes
    };
    let part = |bytes: &[u8]| {
        let mail = MessageParser::default().parse(bytes).unwrap();
        assert_eq!(mail.parts.len(), 4, "the alternatives, and three of them");
        let entry = mail.parts.last().unwrap();
        let kind = entry.content_type().unwrap();
        assert_eq!((kind.ctype(), kind.subtype()), ("text", Some("calendar")));
        let text = entry.text_contents().unwrap().replace("\r\n ", "");
        (kind.attribute("method").unwrap().to_owned(), text)
    };
    let (method, planned) = part(&write("maintenance", in_english()));
    assert_eq!(method, "PUBLISH");
    for line in [
        "METHOD:PUBLISH",
        "SEQUENCE:2",
        "ORGANIZER:mailto:budkavle@ekfors.example",
        "DTSTART:20261024T230000Z",
        "SUMMARY:Maintenance: New disks in the <old> store",
        "DESCRIPTION:Nothing <works> for two hours.\\nSave before that.\\nServices: mail\\, calendar & rooms\\nDepending on them: journal",
    ] {
        assert!(planned.contains(&format!("{line}\r\n")), "{line}: {planned}");
    }
    let (_, swedish) = part(&write("maintenance", locale(Language::Swedish)));
    assert!(
        swedish.contains("SUMMARY:Underhåll: New disks") && swedish.contains("Tjänster: mail"),
        "{swedish}"
    );
    let (method, cancelled) = part(&write("maintenance-cancelled", in_english()));
    assert_eq!(method, "CANCEL");
    let uid = |text: &str| text.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned();
    assert_eq!(uid(&planned), uid(&cancelled));
    assert_eq!(uid(&planned), uid(&swedish));
    let again = write("maintenance", in_english());
    assert!(again == write("maintenance", in_english()), "a repeat is the same to the byte");
    assert!(!String::from_utf8(write("outage", in_english())).unwrap().contains("text/calendar"));
}

#[test]
fn what_programs_get_is_in_the_readers_language_but_for_its_tag() {
    let channel = Channel::Command(crate::channel::CommandChannel::new("/x".into(), vec![], Duration::ZERO));
    let sample = samples::named("maintenance-started").unwrap();
    let parcel = composer()
        .parcel(&channel, &sample.notice(), &message("drift"), locale(Language::Finnish), 7)
        .unwrap();
    let Parcel::Post(post) = parcel else { panic!() };
    assert_eq!((post.label.as_str(), post.tag), ("Huolto on käynnissä", "maintenance-started"));
    assert_eq!(post.brief, "Huolto 12: New disks in the <old> store\nkäynnissä, vähäinen. Se on alkanut.");
    let json: serde_json::Value = serde_json::from_slice(&post.json()).unwrap();
    assert_eq!((&json["language"], &json["severity"]), (&"fi".into(), &"minor".into()));
    // It says what is known of every kind of notice, to a place as well.
    for sample in samples::all() {
        let parcel = composer().parcel(&channel, &sample.notice(), &message("x"), in_english(), 7).unwrap();
        let Parcel::Post(post) = parcel else { panic!() };
        assert!(post.text.starts_with(&post.heading) && !post.body().is_empty(), "{}", sample.name);
    }
}
