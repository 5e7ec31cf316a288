//! Every kind of notice as an example: what `budkavle notice preview` shows, what operators' templates are checked against, and what the tests look at.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::kind::Kind;
use crate::domain::alert::Trouble;
use crate::domain::alert::lasting::{Lasting, Small};
use crate::domain::audit::Actor;
use crate::domain::changes::{Loss, Why};
use crate::domain::climb::Rung;
use crate::domain::delta::{ObjectChange, ObjectKind, What};
use crate::domain::duties::{Duties, Duty, Planned, StandsIn};
use crate::domain::guard::{HoldReason, Kind as Lost, Limit};
use crate::domain::ids::{DirectoryName, Guid, MessageId, NoticeId, OutageId, RunId, SubscriberId};
use crate::domain::mailbox::Address;
use crate::domain::notice::{
    About, Climbed, ContactNews, ContactSummary, Corrected, CoverageFacts, EventKey, Facts, Fallback, Gap,
    GapDays, HeldFacts, Message, MessageState, NewsFacts, Notice, OutageWord, Part, PlanTold,
    QuarantineFacts, Recipient, RoleSum, SyncTrouble, Undelivered, UndeliveredFacts, UnitsAt,
};
use crate::domain::outage::said::Said;
use crate::domain::outage::{Severity, State, Update};
use crate::domain::warning::{Due, DueReason, Warning, WarningKind};

/// A notice that might be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// What it is called.
    pub name: &'static str,
    /// What it says.
    pub facts: Facts,
    /// Why somebody gets it.
    pub why: &'static str,
}

impl Sample {
    /// As a notice.
    pub fn notice(&self) -> Notice {
        let event = EventKey(format!("sample/{}", self.name).into());
        let at = at();
        Notice { id: NoticeId(0), thread: event.clone(), event, at, expires: at, facts: self.facts.clone() }
    }

    /// As a message to somebody.
    pub fn message(&self, name: &str, mail: Address) -> Message {
        let recipient = Recipient::by_mail(name, mail, self.why);
        let (at, state) = (at(), MessageState::Sending);
        let (id, notice) = (MessageId(0), NoticeId(0));
        let priority = self.facts.priority();
        Message {
            id,
            notice,
            recipient,
            priority,
            state,
            attempts: 1,
            at,
            due: at,
            changed: at,
            answer: None,
            together: None,
        }
    }
}

/// The sample of this name, or the first of the kind of this name.
pub fn named(name: &str) -> Option<Sample> {
    let samples = all();
    let of_kind = || samples.iter().find(|sample| Kind::of(&sample.facts).name() == name);
    samples.iter().find(|sample| sample.name == name).or_else(of_kind).cloned()
}

fn at() -> DateTime<Utc> {
    // 6 July 2026, 07:40 in Stockholm.
    DateTime::from_timestamp(1_783_316_400, 0).unwrap_or_default()
}

/// All of them.
pub fn all() -> &'static [Sample] {
    static ALL: LazyLock<Vec<Sample>> = LazyLock::new(make);
    &ALL
}

fn said(minutes: i64, state: State, text: &str) -> Update {
    let by = Actor::Local { uid: 1000, name: "ingrid".into() };
    Update { at: at() + TimeDelta::minutes(minutes), by, state, text: text.into(), said: None }
}

fn outage() -> OutageWord {
    OutageWord {
        id: OutageId(12),
        title: "No mail <from outside> arrives".into(),
        severity: Severity::Critical,
        state: State::Identified,
        services: names(&["mail", "calendar & rooms"]),
        dependent: vec![],
        units: vec![],
        updates: vec![
            said(0, State::Investigating, "Nobody can sign in.\n\nWe are looking; call 040-12 34 56."),
            said(20, State::Identified, "A disk is full."),
        ],
        earlier: 0,
        plan: None,
        about: About::Word,
    }
}

fn resolved() -> OutageWord {
    let mut outage = outage();
    outage.updates.push(by_system(said(75, State::Resolved, ""), Said::Now(State::Resolved)));
    let (state, severity) = (State::Resolved, Severity::Minor);
    OutageWord { state, severity, services: names(&["mail"]), ..outage }
}

/// The same, said by the system.
fn by_system(update: Update, said: Said) -> Update {
    Update { text: said.text(Tz::UTC).into(), said: Some(said), ..update }
}

fn maintained(state: State, said: Said) -> OutageWord {
    let word = maintenance(state, "");
    OutageWord { updates: word.updates.into_iter().map(|u| by_system(u, said.clone())).collect(), ..word }
}

/// Two hours of the night in which the clocks go back.
fn maintenance(state: State, text: &str) -> OutageWord {
    // 25 October 2026, 01:00 in Stockholm.
    let from = DateTime::from_timestamp(1_792_882_800, 0).unwrap_or_default();
    OutageWord {
        title: "New disks in the <old> store".into(),
        severity: Severity::Minor,
        state,
        dependent: names(&["journal"]),
        updates: vec![Update { by: Actor::System, ..said(0, state, text) }],
        plan: Some(PlanTold { from, until: from + TimeDelta::hours(2), sequence: 2 }),
        ..outage()
    }
}

/// What is told of outages and of maintenance.
fn words() -> [(&'static str, &'static str, OutageWord); 10] {
    let units = vec!["Vård & omsorg / Hemtjänst <nord>".into()];
    let depends =
        "outage contact for journal (outage of mail, on which journal depends; deputy for Åsa Öberg)";
    let of = vec![Corrected::Text(at()), Corrected::Title, Corrected::Severity];
    let planned = |text| maintenance(State::Planned, text);
    // 24 October 2026, 22:00 in Stockholm.
    let from = DateTime::from_timestamp(1_792_872_000, 0).unwrap_or_default();
    let moved = Said::Moved { from, until: from + TimeDelta::minutes(90) };
    [
        ("outage", "outage", OutageWord { earlier: 1, units, ..outage() }),
        ("outage-resolved", "outage contact for mail", resolved()),
        (
            "outage-corrected",
            "contact of IT, which owns mail",
            OutageWord { about: About::Corrected(of), ..outage() },
        ),
        ("outage-left", "outage", OutageWord { about: About::Left, ..outage() }),
        ("outage-silent", "whoever opened the outage", OutageWord { about: About::Silence(250), ..outage() }),
        ("maintenance", depends, planned("Nothing <works> for two hours.\nSave before that.")),
        ("maintenance-moved", "somebody who is told of all outages", maintained(State::Planned, moved)),
        (
            "maintenance-started",
            "somebody who is told of this outage",
            maintained(State::Started, Said::Begun),
        ),
        (
            "maintenance-completed",
            "outage, in place of IT, which owns mail",
            maintained(State::Completed, Said::DoneAsPlanned),
        ),
        ("maintenance-cancelled", "outage", maintained(State::Cancelled, Said::Cancelled)),
    ]
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
                kind: Lost::Users,
                removed: 670,
                of: 2000,
                limit: Limit { count: 500, percent: 5, floor: 5 },
            }],
            changes: vec![ObjectChange {
                kind: ObjectKind::User,
                id: Guid([1; 16]),
                name: "Åsa Öberg <konsult>".into(),
                what: What::Removed,
                fields: vec![],
            }],
            more: 669,
        }),
    }
}

fn make() -> Vec<Sample> {
    let told = |facts| Facts::SyncTrouble(trouble(facts, 0));
    let (main, since) = ("main".into(), at());
    let rebuilt = |damage: &str, export_from| Facts::StoreRebuilt {
        damage: damage.into(),
        export_from,
        aside: "/var/lib/budkavle/store.damaged".into(),
    };
    let no_duties = Duties { duties: vec![], more: 0, absences: vec![], stands_in: vec![], ..duties() };
    let all_covered = CoverageFacts { gaps: vec![], more: 0, ..coverage() };
    let sync = "ad-sync (deputy for Åsa Öberg)";
    let outages = words().map(|(name, why, word)| (name, why, Facts::OutageWord(Box::new(word))));
    let channel = "drift";
    let others = [
        ("sync-failing", sync, told(Trouble::Failing)),
        ("sync-stale", sync, Facts::SyncTrouble(trouble(Trouble::Stale, 2))),
        ("sync-held", sync, told(Trouble::Held)),
        (
            "sync-recovered",
            sync,
            Facts::SyncRecovered { directory: main, trouble: Trouble::Failing, since, at: at() },
        ),
        ("quarantine", sync, quarantine()),
        ("quarantine-over", sync, Facts::QuarantineOver { directory: "main".into(), objects: 2, since }),
        ("store-rebuilt", "global", rebuilt("a record doesn't match its digest", Some(at()))),
        ("store-rebuilt-empty", "global", rebuilt("it can't be opened", None)),
        ("test", "test", Facts::Test { by: "ingrid".into(), at: at() }),
        ("ending", "ad-sync", ending(WarningKind::Password, DueReason::Soon { days: 3 })),
        ("ending-over", "ad-sync", ending(WarningKind::ServerCertificate, DueReason::Over)),
        ("coverage", "system-owner", Facts::Coverage(coverage())),
        ("coverage-all", "global", Facts::Coverage(all_covered)),
        ("contact-news", "new local contact", news(vec![one_news(Part::New)], 0)),
        (
            "contact-news-former",
            "former local contact",
            news(vec![NewsFacts { after: vec![], ..one_news(Part::Former) }], 0),
        ),
        (
            "contact-news-several",
            "contact in several roles",
            news([Part::New, Part::Former, Part::Owner].map(one_news).to_vec(), 2),
        ),
        ("contact-news-owner", "global (there is no system owner)", news(vec![of_one_unit()], 0)),
        ("contact-summary", "global", Facts::ContactSummary(summary())),
        ("duties", "local", Facts::Duties(Box::new(duties()))),
        ("duties-none", "somebody who could be contact", Facts::Duties(Box::new(no_duties))),
        (
            "channel-broken",
            "ad-sync",
            Facts::ChannelBroken {
                channel: channel.into(),
                since,
                reason: "https://hooks.example answered 401 Unauthorized".into(),
            },
        ),
        ("channel-works", "ad-sync", Facts::ChannelWorks { channel: channel.into(), since, at: at() }),
        ("outage-climbed", "deputy for Åsa Öberg", climbed()),
        ("lasting", "ad-sync", lasting()),
        ("subscribe", "subscriber 12", Facts::Subscribe { subscriber: SubscriberId(12) }),
        ("undelivered", "ad-sync", Facts::Undelivered(undelivered())),
    ];
    outages.into_iter().chain(others).map(|(name, why, facts)| Sample { name, facts, why }).collect()
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
        units: vec![unit("Vård / Hemtjänst <nord>", 0), unit("Skola", 1)],
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
    let day = |text: &str| text.parse().unwrap_or_default();
    let days = |first, last, there: &[&str], missing: &[&str]| {
        let texts = |texts: &[&str]| texts.iter().map(|text| Box::from(*text)).collect();
        GapDays { first: day(first), last: day(last), there: texts(there), missing: texts(missing) }
    };
    let helper = Gap {
        role: "password-helper".into(),
        unit: Some("Vård / Åsas \"nya\" hus' <nord>".into()),
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

fn climbed() -> Facts {
    let told = names(&["Åsa Öberg", "Bo Ek (deputy for Li Ås)"]);
    let facts = Facts::OutageWord(Box::new(outage()));
    let asked = at() + TimeDelta::hours(1);
    Facts::Climbed(Box::new(Climbed { facts, asked, told, more: 3, rung: Rung::Deputy }))
}

fn lasting() -> Facts {
    let main = || DirectoryName::from("main");
    let error = "dc1.ekfors.example refused the connection; is it up?".into();
    let all = [
        Small::Failing { directory: main(), error },
        Small::Quarantined { directory: main(), objects: 12 },
        Small::Undone { directory: main(), runs: 1 },
        Small::Misplaced { units: 2 },
        Small::NoGroup { group: "Driftkontakter <gamla>".into() },
    ];
    let lasting = all.into_iter().map(|small| Lasting { small, since: at() - TimeDelta::days(2) });
    Facts::Lasting { lasting: lasting.collect(), more: 3 }
}

fn quarantine() -> Facts {
    let some = [
        ("CN=Åsa <old>,OU=Vård,DC=ekfors,DC=example", "It has no objectGUID."),
        ("", "3 more objects or values could not be understood either."),
    ];
    let some = some.map(|(name, reason)| (name.into(), reason.into())).into();
    Facts::Quarantine(QuarantineFacts {
        directory: "main".into(),
        objects: 42,
        before: 1,
        run: RunId(311),
        some,
    })
}

fn undelivered() -> UndeliveredFacts {
    let message = |id, to: &str, state, answer: &str| Undelivered {
        message: MessageId(id),
        channel: "mail".into(),
        to: to.into(),
        about: "outage 12 (identified): No mail <from outside> arrives".into(),
        state,
        answer: answer.into(),
    };
    let messages = vec![
        message(4711, "bo.ek@ekfors.example", MessageState::Failed, "550 5.1.1 no such user"),
        message(4712, "li.as@ekfors.example", MessageState::Expired, "451 4.7.1 try again later"),
    ];
    UndeliveredFacts { since: at(), messages, more: 3 }
}

fn ending(kind: WarningKind, reason: DueReason) -> Facts {
    let about = "CN=Budkavle,OU=Service accounts,DC=ekfors,DC=example".into();
    let warning = Warning { kind, about, at: at() + TimeDelta::days(3) };
    Facts::Ending { directory: "main".into(), due: Due { warning, reason } }
}
