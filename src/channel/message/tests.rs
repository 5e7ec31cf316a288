//! Every kind of notice in words, and the headers around them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;
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
    Locale::new(language, Stockholm)
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
        together: None,
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
fn several_notices_stand_in_one_mail_each_as_it_would_by_itself() {
    let composer = composer();
    let samples = ["outage", "sync-held", "undelivered"].map(|name| samples::named(name).unwrap());
    let notices = samples.each_ref().map(samples::Sample::notice);
    let messages = samples.each_ref().map(|sample| Message {
        recipient: Recipient { why: sample.why.into(), ..message("Åsa").recipient },
        ..message("Åsa")
    });
    let take_on = Some((NoticeId(7), Some("https://b.example/take-on/x".to_owned())));
    let stop = Some("https://b.example/unsubscribe/x".to_owned());
    let links = Links { take_on, unsubscribe: stop, ..Links::default() };
    let parts: Vec<Part<'_>> = std::iter::zip(&notices, &messages)
        .map(|(notice, message)| Part { notice, message, links: &links })
        .collect();
    let mut texts = String::new();
    for language in Language::ALL {
        let text = composer.writer.write_together(&parts, locale(language)).unwrap();
        texts += &format!("=== {language}\nSubject: {}\n\n{}\n", text.subject, text.text);
        assert_eq!(text.html.matches("unsubscribe/x\"").count(), 1, "it is said once");
        assert_eq!(text.html.matches("take-on/x\"").count(), 3);
        for one in &notices {
            let alone = composer.writer.write(one, "outage", locale(language)).unwrap();
            assert!(
                text.html.contains(&minijinja::HtmlEscape(&alone.heading).to_string()),
                "{}",
                alone.heading
            );
        }
        for foreign in ["<from outside>", "<nord>", "<konsult>"] {
            assert!(!text.html.contains(foreign), "{}", text.html);
        }
    }
    insta::assert_snapshot!("together", texts);
    let write = |parts: &[Part<'_>]| composer.compose_together(parts, in_english(), 7).unwrap().bytes;
    assert!(write(&parts) == write(&parts), "a repeat is the same to the byte");
    let mail = write(&parts);
    let mail = MessageParser::default().parse(&mail).unwrap();
    assert_eq!(mail.header("List-Unsubscribe-Post").unwrap().as_text(), Some("List-Unsubscribe=One-Click"));
    assert_eq!(mail.references().as_text(), None);
    // Whichever of them is for a subscriber.
    let none = Links::default();
    let mixed = [Part { links: &none, ..parts[0] }, parts[1]];
    let mail = write(&mixed);
    let mail = MessageParser::default().parse(&mail).unwrap();
    let stop = "<https://b.example/unsubscribe/x>";
    assert_eq!(mail.header_raw("List-Unsubscribe").map(str::trim), Some(stop));
}

#[test]
fn a_text_message_says_that_nobody_has_it_and_how_to_take_it_on() {
    let composer = composer();
    let channel = Channel::Command(crate::channel::CommandChannel::new("/x".into(), vec![], Duration::ZERO));
    let brief = |sample: &str, language, link: Option<&str>| {
        let notice = samples::named(sample).unwrap().notice();
        let take_on = Some((NoticeId(7), link.map(str::to_owned)));
        let links = Links { take_on, ..Links::default() };
        let parcel =
            composer.parcel_with(&channel, &notice, &message("Åsa"), locale(language), 7, &links).unwrap();
        let Parcel::Post(post) = parcel else { panic!() };
        post.brief
    };
    let mut texts = String::new();
    for language in Language::ALL {
        let link = brief("outage", language, Some("https://b.example/take-on/x"));
        let climbed = brief("outage-climbed", language, None);
        assert!(link.ends_with(": https://b.example/take-on/x"), "{link}");
        assert!(climbed.ends_with(": budkavle notice ack 7"), "{climbed}");
        texts += &format!("=== {language}\n{link}\n\n{climbed}\n");
    }
    insta::assert_snapshot!("text_messages", texts);
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
    let (_, finnish) = write(Locale::new(Language::Finnish, chrono_tz::Europe::Helsinki));
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
    let (_, elsewhere) = part(&write("maintenance", Locale::new(Language::English, New_York)));
    for line in ["TZID:America/New_York", "DTSTART;TZID=America/New_York:20261024T190000"] {
        assert!(elsewhere.contains(&format!("{line}\r\n")), "{line}: {elsewhere}");
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

#[test]
fn a_time_in_a_command_means_the_same_on_all_clocks() {
    let locale = Locale { language: Language::Finnish, zone: chrono_tz::Europe::Helsinki, days: Stockholm };
    for name in ["contact-news", "contact-summary"] {
        let sample = samples::named(name).unwrap();
        let text = composer().writer.write(&sample.notice(), sample.why, locale).unwrap().text;
        let since = text.split_once("--since ").unwrap().1.split('`').next().unwrap();
        // The command line reads it on the organisation's.
        assert_eq!(crate::domain::moment::parse(since, &Stockholm), Ok(at()), "{name}: {since}");
    }
}

#[test]
fn the_texts_of_a_burst_are_kept_and_a_preview_keeps_none() {
    let composer = composer();
    let kept = || composer.written.lock().unwrap().texts.len();
    let notice = notice(outage(), "e", "e");
    composer.compose_once(&notice, &message("Åsa"), in_english(), 7).unwrap();
    assert_eq!(kept(), 0);
    let write = |n: usize| {
        let mut message = message("Åsa");
        message.recipient.why = format!("reason {n}").into();
        composer.compose(&notice, &message, in_english(), 7).unwrap();
    };
    (0..KEPT + 3).for_each(write);
    assert_eq!(kept(), KEPT);
    let oldest = composer.written.lock().unwrap().order.front().unwrap().1.clone();
    assert_eq!(&*oldest, "reason 3", "the oldest went, not all");
}

/// What is put into English when it is decided is understood and said in the reader's language.
#[test]
fn nothing_that_is_ours_stays_in_english() {
    // What people, servers and the operating system said.
    let others = [
        "No mail <from outside> arrives",
        "New disks in the <old> store",
        "Save before that.",
        "a record doesn't match its digest",
        "dc1.ekfors.example refused the connection; is it up?",
    ];
    let english = [
        "the", "of", "was", "were", "has", "been", "with", "which", "you", "your", "isn", "aren", "this",
        "that", "who", "from",
    ];
    let composer = composer();
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        for sample in samples::all() {
            let text = composer.writer.write(&sample.notice(), sample.why, locale(language)).unwrap();
            let mut text = format!("{}\n{}", text.subject, text.text);
            others.iter().for_each(|said| text = text.replace(said, ""));
            // Commands are the same in all languages.
            let text = text.split('`').step_by(2).collect::<Vec<_>>().join(" ");
            let lines = text.lines().filter(|line| !line.contains("budkavle contacts assign "));
            for line in lines {
                let words = line.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase);
                let found: Vec<String> = words.filter(|word| english.contains(&word.as_str())).collect();
                assert!(found.is_empty(), "{language}, {}: {found:?} in {line:?}", sample.name);
            }
        }
    }
}
