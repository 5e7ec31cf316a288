//! Samples of what is told, given out and noted of others.

use super::*;
use crate::domain::alert::lasting::{Lasting, Small};
use crate::domain::climb::Rung;
use crate::domain::ids::SubscriberId;
use crate::domain::intake::{Over, Pace, Teller};
use crate::domain::notice::Climbed;

pub(super) fn lists(frozen: &mut Frozen) {
    use crate::domain::entitled::{Entitled, Period};
    use crate::domain::lists::{ListedPerson, Listing};
    let full = ListedPerson {
        role: "account-manager".into(),
        name: "Eva".into(),
        mail: mail(),
        phone: text("+46 8"),
        title: text("Key account"),
        about: text("licences"),
        note: text("by mail"),
        from: Some(at(1)),
        until: Some(at(2)),
    };
    let bare = ListedPerson {
        phone: None,
        title: None,
        about: None,
        note: None,
        from: None,
        until: None,
        ..full.clone()
    };
    let list = TakenList {
        name: "vendor".into(),
        listing: Listing { issued: Some(at(3)), people: vec![full, bare] },
        taken: at(4),
        from: "https://vendor.example/list.toml".into(),
        sha256: [7; 32],
        terms: u64::MAX,
        etag: text("\"1\""),
        modified: text("Mon, 06 Jul 2026 08:00:00 GMT"),
    };
    frozen.check("list", &list);
    let listing = Listing::default();
    frozen.check("list-empty", &TakenList { listing, etag: None, modified: None, ..list });
    let person = Entitled {
        user: Some(UserId(guid(1))),
        roles: vec!["support".into()],
        name: "Eva".into(),
        title: text("x"),
        unit: text("A / B"),
        mail: text("e@x.example"),
        phone: text("1"),
    };
    let outside = Entitled { user: None, title: None, unit: None, mail: None, phone: None, ..person.clone() };
    let by = Actor::Local { uid: 1000, name: "asa".into() };
    let period = Period { from: at(1), until: at(2) };
    let roles = vec!["support".into(), "remote-access".into()];
    frozen.check("given-out", &GivenOut { roles, period, at: at(3), by, people: vec![person, outside] });
}

pub(super) fn contact_changes(frozen: &mut Frozen) {
    let person = |deputy_for: Option<&str>| Person {
        name: "Åsa Öberg".into(),
        user: Some(UserId(guid(1))),
        mail: mail(),
        deputy_for: deputy_for.map(Into::into),
    };
    let reasons = [
        Loss::Disabled,
        Loss::Expired,
        Loss::Gone,
        Loss::NoAddress,
        Loss::Away { until: at(9) },
        Loss::Moved { to: "Skola".into() },
        Loss::Ended,
        Loss::Elsewhere,
    ];
    let name = || "Åsa Öberg".into();
    let lost = reasons.map(|reason| Why::Lost { name: name(), reason });
    let others =
        [Why::Revoked { name: name() }, Why::Gained { name: name() }, Why::UnitMoved, Why::UserMoved];
    let change = ContactChange {
        role: "local".into(),
        units: vec![UnitId(guid(2)), UnitId(guid(3))],
        all_units: 2,
        users: 17,
        before: Answerers { unit: Some(UnitId(guid(2))), people: vec![person(None), person(Some("Bo"))] },
        after: Answerers { unit: None, people: vec![] },
        why: lost.into_iter().chain(others).collect(),
    };
    for (name, by) in [
        ("run", Cause::Run(RunId(4))),
        ("edit", Cause::Edit),
        ("time", Cause::Time),
        ("configuration", Cause::Configuration),
    ] {
        frozen.check(&format!("contact-change-{name}"), &ChangeAt { at: at(3), by, change: change.clone() });
    }
    frozen.check("contacts-seen", &ContactsSeen(at(3)));
    let open = |only| open::Open {
        role: "local".into(),
        only,
        before: change.before.clone(),
        why: vec![Why::UnitMoved],
        units: vec![UnitId(guid(2))],
    };
    let (user, outside) = (Who::User(UserId(guid(1))), Who::Outside("desk@vendor.example".into()));
    let told = open::Told {
        at: at(3),
        note: 300,
        open: vec![open(None), open(Some(outside.clone()))],
        day: at(3).date_naive(),
        mails: vec![(user, 1), (outside, 3)],
        summary: Some(open::SummaryTold { at: at(2), since: at(1), people: 300, units: 400 }),
    };
    frozen.check("contacts-told", &told);
    frozen.check("contacts-told-new", &open::Told::up_to(7, at(3)));
    frozen.check("duties-sent", &DutiesSent(at(3)));
}

pub(super) fn notices(frozen: &mut Frozen) {
    use MessageState::{Cancelled, Deferred, Expired, Failed, Queued, Sending, Sent};
    let trouble = SyncTrouble {
        directory: "main".into(),
        trouble: Trouble::Held,
        reminder: 1,
        since: at(0),
        last_good: Some(at(1)),
        failures: 2,
        error: text("away"),
        held: Some(HeldFacts { run: RunId(8), reasons: reasons(), changes: changes(), more: 3 }),
    };
    let recovered =
        Facts::SyncRecovered { directory: "main".into(), trouble: Trouble::Failing, since: at(1), at: at(2) };
    let quarantine = Facts::Quarantine(QuarantineFacts {
        directory: "main".into(),
        objects: 300,
        before: 3,
        run: RunId(7),
        some: vec![("CN=?".into(), "It has no name.".into())],
    });
    let quarantine_over = Facts::QuarantineOver { directory: "main".into(), objects: 3, since: at(1) };
    let warning = Warning { kind: WarningKind::ClientCertificate, about: "CN=reader".into(), at: at(1) };
    let due = Due { warning, reason: DueReason::Soon { days: 3 } };
    let ending = Facts::Ending { directory: "main".into(), due };
    let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 7, day).unwrap();
    let days = GapDays {
        first: day(6),
        last: day(24),
        there: vec!["Bo".into()],
        missing: vec!["Åsa: disabled".into()],
    };
    let gap = Gap {
        role: "local".into(),
        unit: text("IT"),
        below: 2,
        minimum: 1,
        days: vec![days],
        more: 3,
        could: vec![("li.as".into(), "Li Ås".into())],
    };
    let (first, last) = (day(1), day(31));
    let coverage =
        Facts::Coverage(CoverageFacts { period: "summer".into(), first, last, gaps: vec![gap], more: 4 });
    frozen.check("coverage-told", &Told { first, weeks: 8 });
    let rebuilt = Facts::StoreRebuilt {
        damage: "a page".into(),
        export_from: Some(at(1)),
        aside: "/var/lib/budkavle/store.damaged".into(),
    };
    let units = vec![UnitsAt { path: "IT".into(), below: 2 }];
    let news = |part| NewsFacts {
        part,
        role: "local".into(),
        deputy_for: text("Bo"),
        units: units.clone(),
        more: 1,
        all_units: 4,
        users: 17,
        before: vec!["Åsa".into()],
        after: vec![],
        fallback: Some(Fallback { role: "global".into(), people: vec!["Li".into()] }),
        why: vec![Why::UnitMoved],
    };
    let news = [Part::New, Part::Former, Part::Owner].map(news).to_vec();
    let news = Facts::ContactNews(ContactNews { since: at(0), news, more: 2 });
    let roles = vec![RoleSum { role: "local".into(), units: 400, users: 5000, without: 3 }];
    let summary = ContactSummary { since: at(0), people: 300, units: 400, users: 5000, roles };
    let duty = Duty {
        role: "local".into(),
        title: "local contact".into(),
        place: text("IT"),
        skipped: text("disabled"),
        deputy: text("Bo"),
        units,
        more: 1,
        all_units: 4,
        users: 17,
        beside: vec!["Li".into()],
        above: Some(Fallback { role: "global".into(), people: vec![] }),
    };
    let duties = Duties {
        name: "Åsa".into(),
        account: "asa.oberg".into(),
        at: at(1),
        duties: vec![duty],
        more: 3,
        absences: vec![Planned { from: at(1), until: at(2), deputy: None }],
        stands_in: vec![StandsIn { name: "Bo".into(), from: at(1), until: at(2) }],
        turns_to: vec!["Li".into()],
    };
    let corrected = [
        Corrected::Text(at(3)),
        Corrected::Title,
        Corrected::Severity,
        Corrected::Services,
        Corrected::Units,
    ];
    let channel = || ChannelName::from("team");
    let broken = Facts::ChannelBroken { channel: channel(), since: at(1), reason: "401".into() };
    let works = Facts::ChannelWorks { channel: channel(), since: at(1), at: at(2) };
    let undelivered = Undelivered {
        message: MessageId(5),
        channel: channel(),
        to: "asa@kommun.example".into(),
        about: "outage 3".into(),
        state: Failed,
        answer: "550".into(),
    };
    let undelivered =
        Facts::Undelivered(UndeliveredFacts { since: at(1), messages: vec![undelivered], more: 300 });
    let climbed = Facts::Climbed(Box::new(Climbed {
        facts: outage_word(About::Word),
        asked: at(1),
        told: vec!["Åsa".into()],
        more: 2,
        rung: Rung::Above(2),
    }));
    let directory = || DirectoryName::from("main");
    let small = [
        Small::Failing { directory: directory(), error: "away".into() },
        Small::Quarantined { directory: directory(), objects: 300 },
        Small::Undone { directory: directory(), runs: 1 },
        Small::Misplaced { units: 2 },
        Small::NoGroup { group: "g".into() },
    ];
    let small = small.map(|small| Lasting { small, since: at(1) });
    let lasting = Facts::Lasting { lasting: small.into(), more: 300 };
    for (name, facts) in [
        ("climbed", climbed),
        ("lasting", lasting),
        ("subscribe", Facts::Subscribe { subscriber: SubscriberId(300) }),
        ("contact-news", news),
        ("contact-summary", Facts::ContactSummary(summary)),
        ("duties", Facts::Duties(Box::new(duties))),
        ("outage", Facts::Outage { outage: incident(), earlier: 2, units: vec!["IT".into()] }),
        ("trouble", Facts::SyncTrouble(trouble)),
        ("recovered", recovered),
        ("rebuilt", rebuilt),
        ("test", Facts::Test { by: "asa".into(), at: at(1) }),
        ("ending", ending),
        ("coverage", coverage),
        ("outage-word", outage_word(About::Word)),
        ("outage-correction", outage_word(About::Correction)),
        ("outage-corrected", outage_word(About::Corrected(corrected.into()))),
        ("outage-left", outage_word(About::Left)),
        ("outage-silence", outage_word(About::Silence(300))),
        ("channel-broken", broken),
        ("channel-works", works),
        ("undelivered", undelivered),
        ("quarantine", quarantine),
        ("quarantine-over", quarantine_over),
    ] {
        let (event, thread) = (EventKey("outage/3/1".into()), EventKey("outage/3/0".into()));
        let notice = Notice { id: NoticeId(4), event, thread, at: at(1), expires: at(9), facts };
        let row = NoticeRow { notice, first: MessageId(5), messages: 6 };
        let is_word = |facts: &Facts| match facts {
            Facts::Climbed(climbed) => matches!(climbed.facts, Facts::OutageWord(_)),
            facts => matches!(facts, Facts::OutageWord(_)),
        };
        if is_word(&row.notice.facts) {
            frozen.read(&format!("notice-{name}"), &row);
            frozen.check(&format!("notice-2-{name}"), &row);
        } else {
            frozen.check(&format!("notice-{name}"), &row);
        }
    }
    for state in [Queued, Sending, Sent, Deferred, Failed, Expired, Cancelled] {
        let message = Message {
            id: MessageId(5),
            notice: NoticeId(4),
            recipient: Recipient::by_mail("Åsa", mail(), "outage"),
            priority: Priority::Normal,
            state,
            attempts: 2,
            at: at(1),
            due: at(2),
            changed: at(3),
            answer: text("250 2.0.0 Ok"),
            together: None,
        };
        frozen.read(&format!("message-{state}"), &message);
        frozen.read(&format!("message-2-{state}"), &message);
        frozen.read(&format!("message-3-{state}"), &message);
        frozen.read(&format!("message-4-{state}"), &message);
        frozen.read(&format!("message-5-{state}"), &message);
        frozen.check(&format!("message-6-{state}"), &message);
        frozen.check(
            &format!("attempt-{state}"),
            &AttemptLog { at: at(4), state, answer: "250 2.0.0 Ok".into() },
        );
    }
    for (name, priority) in [("urgent", Priority::Urgent), ("high", Priority::High), ("low", Priority::Low)] {
        let recipient = Recipient {
            mail: None,
            phone: text("070"),
            channel: "sms".into(),
            ..Recipient::by_mail("Åsa", mail(), "outage")
        };
        let message = Message {
            id: MessageId(5),
            notice: NoticeId(4),
            recipient,
            priority,
            state: Queued,
            attempts: 0,
            at: at(1),
            due: at(2),
            changed: at(3),
            answer: None,
            together: None,
        };
        frozen.read(&format!("message-2-{name}"), &message);
        let recipient = Recipient { user: Some(UserId(Guid([7; 16]))), ..message.recipient };
        let message = Message { recipient, ..message };
        frozen.read(&format!("message-3-{name}"), &message);
        frozen.read(&format!("message-4-{name}"), &message);
        let message = Message { together: Some(MessageId(4)), ..message };
        frozen.read(&format!("message-5-{name}"), &message);
        let at = at(1) + chrono::TimeDelta::nanoseconds(123_456_789);
        frozen.check(&format!("message-6-{name}"), &Message { at, ..message });
    }
    // Which subscriber it is was only in the reason once.
    let subscriber = Some(SubscriberId(7));
    let message = Message {
        id: MessageId(5),
        notice: NoticeId(4),
        recipient: Recipient { subscriber, ..Recipient::by_mail("Åsa", mail(), "subscriber 7") },
        priority: Priority::Normal,
        state: Queued,
        attempts: 0,
        at: at(1),
        due: at(2),
        changed: at(3),
        answer: None,
        together: None,
    };
    frozen.read("message-3-subscriber", &message);
    frozen.read("message-4-subscriber", &message);
    frozen.read("message-5-subscriber", &message);
    frozen.check("message-6-subscriber", &message);
    let broken = [("team".into(), at(1))].into();
    frozen.check("delivery", &Delivery { broken, given_up_told: Some(at(2)) });
    frozen.check("delivery-empty", &Delivery::default());
    let mark = Mark {
        address: mail(),
        since: at(1),
        last: at(2),
        times: 3,
        message: MessageId(5),
        status: "5.1.1".into(),
        answer: "550 5.1.1 no such user".into(),
    };
    frozen.check("mark", &mark);
    frozen.check("return-key", &ReturnKey::new([7; 32]));
}

fn outage_word(about: About) -> Facts {
    let update = Update { at: at(1), by: local(), state: State::Planned, text: "Ord.".into(), said: None };
    Facts::OutageWord(Box::new(OutageWord {
        id: OutageId(3),
        title: "Mail is down".into(),
        severity: Severity::Critical,
        state: State::Planned,
        services: vec!["mail".into()],
        dependent: vec!["journal".into()],
        units: vec!["IT".into()],
        updates: vec![update],
        earlier: 2,
        plan: Some(PlanTold { from: at(1), until: at(2), sequence: 300 }),
        about,
    }))
}

/// What others tell of incidents.
pub(super) fn intake(frozen: &mut Frozen) {
    let (etag, modified) = (text("\"1\""), text("Mon, 06 Jul 2026 08:00:00 GMT"));
    let feed = TakenFeed { name: "cloud".into(), taken: at(1), terms: 300, etag, modified, entries: 2 };
    frozen.check("feed", &feed);
    let followed = Followed {
        teller: Teller::Feed("cloud".into()),
        key: "k1".into(),
        outage: Some(OutageId(3)),
        said: 300,
        severity: Some(Severity::Major),
        missing: Some(at(2)),
        misses: 2,
        pace: Pace {
            state: Some(State::Identified),
            spoke: Some(at(3)),
            opened: Some(at(1)),
            words: 300,
            turns: 1,
        },
        over: None,
    };
    frozen.check("followed", &followed);
    for (name, over) in
        [("told", Over::Told), ("gone", Over::Gone), ("by-hand", Over::ByHand), ("lapsed", Over::Lapsed)]
    {
        let teller = Teller::Alertmanager;
        let ended = Followed { teller, outage: None, severity: None, over: Some(over), ..followed.clone() };
        frozen.check(&format!("followed-{name}"), &ended);
    }
    let (last, outage, spared) = (Some(at(2)), Some(OutageId(3)), Some(at(3)));
    let beat = Beat { name: "backup".into(), since: at(1), last, outage, spared };
    frozen.check("beat", &beat);
    frozen.check("beat-bare", &Beat { last: None, outage: None, spared: None, ..beat });
}
