//! Every kind of notice in words, and the headers around them.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use mail_parser::{MessageParser, MimeHeaders};

use super::*;
use crate::domain::alert::Trouble;
use crate::domain::audit::Actor;
use crate::domain::changes::{Loss, Why};
use crate::domain::delta::{ObjectChange, ObjectKind, What};
use crate::domain::duties::{Duties, Duty, Planned, StandsIn};
use crate::domain::guard::{HoldReason, Kind, Limit};
use crate::domain::ids::{Guid, MessageId, OutageId, RunId};
use crate::domain::notice::{
    About, ContactNews, ContactSummary, Corrected, CoverageFacts, EventKey, Facts, Fallback, Gap, GapDays,
    HeldFacts, MessageState, NewsFacts, OutageWord, Part, PlanTold, Priority, Recipient, RoleSum,
    SyncTrouble, Undelivered, UndeliveredFacts, UnitsAt,
};
use crate::domain::outage::{Opening, Outage, Severity, State, Update};
use crate::domain::warning::{Due, DueReason, Warning, WarningKind};

fn at() -> DateTime<Utc> {
    "2026-07-06T05:40:00Z".parse().unwrap()
}

fn composer() -> Composer {
    let from = From {
        name: Some("Budkavle".into()),
        address: "budkavle@ekfors.example".parse().unwrap(),
        reply_to: None,
    };
    Composer::new(from, "Ekfors kommun", chrono_tz::Europe::Stockholm, "").unwrap()
}

fn outage() -> Outage {
    let opening = Opening {
        title: "Mail <b>is</b> down".into(),
        text: "Nobody can sign in.\n\nWe are looking; call 040-12 34 56.".into(),
        severity: Severity::Critical,
        services: vec!["mail".into(), "calendar & rooms".into()],
        units: vec![],
        also: vec![],
    };
    let by = Actor::Local { uid: 1000, name: "ingrid".into() };
    let open = Outage::open(OutageId(12), opening, by.clone(), at()).unwrap();
    open.update("A disk is full.", Some(State::Identified), by, at() + TimeDelta::minutes(20)).unwrap()
}

/// As a notice says it, with so many updates before.
fn word(outage: &Outage, earlier: u32, units: Vec<Box<str>>) -> OutageWord {
    OutageWord {
        id: outage.id,
        title: outage.title.clone(),
        severity: outage.severity,
        state: outage.state(),
        services: outage.services.clone(),
        dependent: vec![],
        units,
        updates: outage.updates.clone(),
        earlier,
        plan: None,
        about: About::Word,
    }
}

/// Two hours of the night in which the clocks go back.
fn maintenance(state: State) -> OutageWord {
    let from = Utc.with_ymd_and_hms(2026, 10, 24, 23, 0, 0).unwrap();
    let update = Update { at: at(), by: Actor::System, state, text: "Nothing <works>.".into() };
    OutageWord {
        state,
        severity: Severity::Minor,
        dependent: vec!["journal".into()],
        updates: vec![update],
        plan: Some(PlanTold { from, until: from + TimeDelta::hours(2), sequence: 2 }),
        ..word(&outage(), 0, vec![])
    }
}

fn trouble(trouble: Trouble, reminder: u32) -> SyncTrouble {
    SyncTrouble {
        directory: "main".into(),
        trouble,
        reminder,
        since: at(),
        last_good: Some(at() - TimeDelta::hours(2)),
        failures: 3,
        error: Some("dc1.ekfors.example refused the connection; is it up?".into()),
        held: (trouble == Trouble::Held).then(|| HeldFacts {
            run: RunId(17),
            reasons: vec![HoldReason::TooMany {
                kind: Kind::Users,
                removed: 670,
                of: 2000,
                limit: Limit { count: 500, percent: 5, floor: 5 },
            }],
            changes: vec![ObjectChange {
                kind: ObjectKind::User,
                id: Guid([1; 16]),
                name: "Åsa <Öberg>".into(),
                what: What::Removed,
                fields: vec![],
            }],
            more: 669,
        }),
    }
}

fn all_facts() -> Vec<(&'static str, Facts)> {
    let units = vec!["Vård / Hemtjänst".into()];
    vec![
        ("outage", Facts::OutageWord(Box::new(word(&outage(), 1, units)))),
        ("maintenance", Facts::OutageWord(Box::new(maintenance(State::Planned)))),
        ("maintenance over", Facts::OutageWord(Box::new(maintenance(State::Completed)))),
        (
            "corrected",
            Facts::OutageWord(Box::new(OutageWord {
                about: About::Corrected(vec![Corrected::Text(at()), Corrected::Title]),
                ..word(&outage(), 0, vec![])
            })),
        ),
        (
            "left",
            Facts::OutageWord(Box::new(OutageWord { about: About::Left, ..maintenance(State::Planned) })),
        ),
        (
            "silent",
            Facts::OutageWord(Box::new(OutageWord {
                about: About::Silence(250),
                ..word(&outage(), 0, vec![])
            })),
        ),
        ("failing", Facts::SyncTrouble(trouble(Trouble::Failing, 0))),
        ("stale", Facts::SyncTrouble(trouble(Trouble::Stale, 2))),
        ("held", Facts::SyncTrouble(trouble(Trouble::Held, 0))),
        (
            "recovered",
            Facts::SyncRecovered {
                directory: "main".into(),
                trouble: Trouble::Failing,
                since: at(),
                at: at(),
            },
        ),
        (
            "rebuilt",
            Facts::StoreRebuilt {
                damage: "a record doesn't match its digest".into(),
                export_from: Some(at()),
                aside: "/var/lib/budkavle/store.damaged".into(),
            },
        ),
        (
            "rebuilt empty",
            Facts::StoreRebuilt {
                damage: "it can't be opened".into(),
                export_from: None,
                aside: "/x".into(),
            },
        ),
        ("test", Facts::Test { by: "ingrid".into(), at: at() }),
        (
            "channel broken",
            Facts::ChannelBroken {
                channel: "drift".into(),
                since: at(),
                reason: "https://hooks.example answered 401 Unauthorized".into(),
            },
        ),
        ("channel works", Facts::ChannelWorks { channel: "drift".into(), since: at(), at: at() }),
        ("undelivered", Facts::Undelivered(undelivered())),
        ("password ends", ending(WarningKind::Password, DueReason::Soon { days: 3 })),
        ("not covered", Facts::Coverage(coverage())),
        ("covered", Facts::Coverage(CoverageFacts { gaps: vec![], more: 0, ..coverage() })),
        ("contact now", news(vec![one_news(Part::New)], 0)),
        ("contact no longer", news(vec![NewsFacts { after: vec![], ..one_news(Part::Former) }], 0)),
        ("other contacts", news([Part::New, Part::Former, Part::Owner].map(one_news).to_vec(), 2)),
        ("owner of one unit", news(vec![of_one_unit()], 0)),
        ("too many contacts", Facts::ContactSummary(summary())),
        ("duties", Facts::Duties(Box::new(duties()))),
        (
            "no duties",
            Facts::Duties(Box::new(Duties {
                duties: vec![],
                more: 0,
                absences: vec![],
                stands_in: vec![],
                ..duties()
            })),
        ),
        ("certificate over", ending(WarningKind::ServerCertificate, DueReason::Over)),
    ]
}

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| Box::from(*name)).collect()
}

fn one_news(part: Part) -> NewsFacts {
    let unit = |path: &str, below| UnitsAt { path: path.into(), below };
    NewsFacts {
        part,
        role: "local".into(),
        deputy_for: (part == Part::Owner).then(|| "nobody".into()),
        units: vec![unit("Vård / Hemtjänst <b>", 0), unit("Skola", 1)],
        more: 1,
        all_units: 4,
        users: 120,
        before: if part == Part::Former { vec![] } else { names(&["Åsa Öberg"]) },
        after: names(&["Bo Ek", "Li Ås (deputy for Per Ek)"]),
        fallback: None,
        why: vec![
            Why::Lost { name: "Åsa Öberg".into(), reason: Loss::Moved { to: "IT".into() } },
            Why::Gained { name: "Bo Ek".into() },
        ],
    }
}

fn of_one_unit() -> NewsFacts {
    let fallback = Fallback { role: "global".into(), people: names(&["Eva Ek"]) };
    let units = vec![UnitsAt { path: "Skola".into(), below: 0 }];
    let lost = Why::Lost { name: "Åsa Öberg".into(), reason: Loss::Away { until: at() } };
    NewsFacts {
        units,
        more: 0,
        all_units: 1,
        users: 1,
        after: vec![],
        fallback: Some(fallback),
        why: vec![lost],
        ..one_news(Part::Owner)
    }
}

fn news(news: Vec<NewsFacts>, more: u32) -> Facts {
    Facts::ContactNews(ContactNews { since: at(), news, more })
}

fn summary() -> ContactSummary {
    let role = |role: &str, units, without| RoleSum { role: role.into(), units, users: units * 10, without };
    let roles = vec![role("local", 412, 0), role("superuser", 12, 1), role("password-helper", 1, 3)];
    ContactSummary { since: at(), people: 1234, units: 420, users: 5000, roles }
}

fn duties() -> Duties {
    let unit = |path: &str, below| UnitsAt { path: path.into(), below };
    let local = Duty {
        role: "local".into(),
        title: "local contact: whom a user turns to first".into(),
        place: Some("Vård".into()),
        skipped: None,
        deputy: None,
        units: vec![unit("Vård", 3), unit("Skola", 0)],
        more: 2,
        all_units: 7,
        users: 340,
        beside: names(&["Li Ås"]),
        above: Some(Fallback { role: "global".into(), people: names(&["Eva Ek", "Per Ek"]) }),
    };
    let elsewhere = Duty {
        role: "superuser".into(),
        title: "superuser: helps colleagues with the system".into(),
        place: Some("Skola".into()),
        skipped: Some("moved to Vård".into()),
        units: vec![],
        more: 0,
        all_units: 0,
        users: 0,
        beside: vec![],
        above: Some(Fallback { role: "superuser".into(), people: names(&["Åsa Öberg"]) }),
        ..local.clone()
    };
    let support = Duty {
        role: "support".into(),
        title: "support contact: entitled to turn to the vendor's support".into(),
        place: None,
        skipped: None,
        deputy: Some("Li Ås".into()),
        ..elsewhere.clone()
    };
    let day = |n| at() + TimeDelta::days(n);
    Duties {
        name: "Bo Ek".into(),
        account: "bo.ek".into(),
        at: at(),
        duties: vec![local, elsewhere, support],
        more: 1,
        absences: vec![
            Planned { from: day(1), until: day(15), deputy: Some("Li Ås".into()) },
            Planned { from: day(20), until: day(20) + TimeDelta::hours(4), deputy: None },
        ],
        stands_in: vec![StandsIn { name: "Åsa Öberg".into(), from: day(30), until: day(40) }],
        turns_to: names(&["Li Ås"]),
    }
}

fn coverage() -> CoverageFacts {
    let day = |text: &str| text.parse().unwrap();
    let days = |first, last, there: &[&str], missing: &[&str]| {
        let texts = |texts: &[&str]| texts.iter().map(|text| Box::from(*text)).collect();
        GapDays { first: day(first), last: day(last), there: texts(there), missing: texts(missing) }
    };
    let helper = Gap {
        role: "password-helper".into(),
        unit: Some("Vård / Hemtjänst <b>\"$(reboot)' ".into()),
        below: 3,
        minimum: 1,
        days: vec![days("2026-07-06", "2026-07-24", &[], &["Åsa Öberg: away until 25 Jul 2026"])],
        more: 2,
        could: vec![("bo.ek".into(), "Bo Ek".into()), ("li.as".into(), "Li Ås".into())],
    };
    let remote = Gap {
        role: "remote-access".into(),
        unit: None,
        below: 0,
        minimum: 2,
        days: vec![days("2026-07-13", "2026-07-13", &["Bo Ek"], &[])],
        more: 0,
        could: vec![],
    };
    let (first, last) = (day("2026-06-22"), day("2026-08-16"));
    CoverageFacts { period: "summer".into(), first, last, gaps: vec![helper, remote], more: 7 }
}

fn undelivered() -> UndeliveredFacts {
    let message = Undelivered {
        message: MessageId(4711),
        channel: "mail".into(),
        to: "bo.ek@ekfors.example".into(),
        about: "outage 12 (identified): Mail is down".into(),
        state: MessageState::Failed,
        answer: "550 5.1.1 no such user".into(),
    };
    UndeliveredFacts { since: at(), messages: vec![message], more: 3 }
}

fn ending(kind: WarningKind, reason: DueReason) -> Facts {
    let about = "CN=Budkavle,OU=Service accounts,DC=ekfors,DC=example".into();
    let warning = Warning { kind, about, at: at() + TimeDelta::days(3) };
    Facts::Ending { directory: "main".into(), due: Due { warning, reason } }
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
fn every_kind_of_notice_reads_well() {
    let composer = composer();
    let text: String = all_facts()
        .into_iter()
        .map(|(name, facts)| {
            let text = composer.writer.write(&notice(facts, "e", "e"), "ad-sync (deputy for Åsa)").unwrap();
            format!("=== {name}\nSubject: {}\n\n{}\n", text.subject, text.text)
        })
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn html_says_the_same_and_nothing_in_it_is_markup_of_others() {
    let composer = composer();
    for (name, facts) in all_facts() {
        let text = composer.writer.write(&notice(facts, "e", "e"), "outage").unwrap();
        assert!(text.html.contains("outage contact of Ekfors kommun"), "{name}");
        assert!(!text.html.contains("<b>") && !text.html.contains("<Öberg>"), "{name}: {}", text.html);
    }
    let of = |account: &str| {
        let duties = Facts::Duties(Box::new(Duties { account: account.into(), ..duties() }));
        composer.writer.write(&notice(duties, "e", "e"), "local").unwrap().html
    };
    assert!(of("bo.ek").contains("<span style=\"white-space:nowrap\">--until</span>"), "{}", of("bo.ek"));
    assert!(!of("bo`<ek>").contains("<ek>"), "{}", of("bo`<ek>"));
    insta::assert_snapshot!(
        composer.writer.write(&notice(all_facts().remove(0).1, "e", "e"), "outage").unwrap().html
    );
}

#[test]
fn the_mail_is_addressed_threaded_and_quiet() {
    let facts = || all_facts().remove(0).1;
    let (first, later) =
        (notice(facts(), "outage/12/0", "outage/12/0"), notice(facts(), "outage/12/1", "outage/12/0"));
    let composer = composer();
    let write = |n: &Notice| composer.compose(n, &message("Åsa Öberg"), 7).unwrap().bytes;
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
        let mail = composer().compose(&notice(all_facts().remove(0).1, "e", "e"), &message(name), 7).unwrap();
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
    let write = |state| {
        let facts = Facts::OutageWord(Box::new(maintenance(state)));
        composer().compose(&notice(facts, &state.to_string(), "e"), &message("Åsa Öberg"), 7).unwrap().bytes
    };
    let part = |bytes: &[u8]| {
        let mail = MessageParser::default().parse(bytes).unwrap();
        assert_eq!(mail.parts.len(), 4, "the alternatives, and three of them");
        let entry = mail.parts.last().unwrap();
        let kind = entry.content_type().unwrap();
        assert_eq!((kind.ctype(), kind.subtype()), ("text", Some("calendar")));
        (kind.attribute("method").unwrap().to_owned(), entry.text_contents().unwrap().to_owned())
    };
    let (method, planned) = part(&write(State::Planned));
    assert_eq!(method, "PUBLISH");
    assert!(planned.contains("METHOD:PUBLISH\r\n") && planned.contains("SEQUENCE:2\r\n"), "{planned}");
    assert!(planned.contains("ORGANIZER:mailto:budkavle@ekfors.example\r\n"), "{planned}");
    let (method, cancelled) = part(&write(State::Cancelled));
    assert_eq!(method, "CANCEL");
    let uid = |text: &str| text.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned();
    assert_eq!(uid(&planned), uid(&cancelled));
    assert!(write(State::Planned) == write(State::Planned), "a repeat is the same to the byte");
    let plain = composer().compose(&notice(all_facts().remove(0).1, "e", "e"), &message("Åsa"), 7).unwrap();
    assert!(!String::from_utf8(plain.bytes).unwrap().contains("text/calendar"));
}
