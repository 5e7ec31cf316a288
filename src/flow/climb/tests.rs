//! Over a store that is closed and opened again, on a clock that is moved.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use super::*;
use crate::domain::calendar::OpeningHours;
use crate::domain::climb::Policy;
use crate::domain::ids::UnitId;
use crate::domain::notice::{MessageState, NoticeKind};
use crate::domain::outage::{Severity, State};
use crate::domain::roles::{MESSAGE_READER, OUTAGE, Place};
use crate::domain::warning::{Due, DueReason, WarningKind};
use crate::flow::core::Settings;
use crate::flow::deliver::Terms;
use crate::flow::outage::{Order, carry_out};
use crate::flow::testing::{appoint, drain, mailer, open_outage};
use crate::store::{SledSettings, Store};

type Clock = Arc<Mutex<DateTime<Utc>>>;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00Z").parse().unwrap()
}

async fn start(folder: &Path, clock: &Clock) -> Core {
    let now = *clock.lock().unwrap();
    let (store, _) = Store::open_sled(SledSettings::small(folder), now).await.unwrap();
    let clock = Arc::clone(clock);
    let climbing = Policy {
        kinds: [NoticeKind::Outage, NoticeKind::Alert].into(),
        after: TimeDelta::minutes(30),
        hours: OpeningHours::usual(chrono_tz::Europe::Stockholm, Arc::default()),
        ..Policy::default()
    };
    let settings = Settings { climbing: Arc::new(climbing), ..Settings::default() };
    let core = Core::load(store, settings, Arc::new(move || *clock.lock().unwrap())).await.unwrap();
    if core.view().organisation.assignments.is_empty() {
        appoint(&core, OUTAGE, "asa", Place::Organisation).await;
        appoint(&core, MESSAGE_READER, "reader", Place::Unit(UnitId::ROOT)).await;
    }
    core
}

async fn update(core: &Core, state: State) {
    let order = Order::Update { text: "".into(), state: Some(state) };
    carry_out(core, Some(OutageId(1)), order, &Actor::System, None, false).await.unwrap();
}

/// To whom what was told, the first first.
async fn told(core: &Core) -> Vec<String> {
    let filter = MessageFilter { limit: 1000, ..MessageFilter::default() };
    let mut told = core.store.messages(filter).await.unwrap();
    told.sort_by_key(|listed| listed.message.id);
    told.iter().map(|l| format!("{}: {}", l.message.recipient.name, l.notice.facts.about())).collect()
}

#[tokio::test]
async fn what_nobody_takes_on_goes_on_once_over_restarts_and_says_how_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    // Monday, 9 o'clock in Stockholm.
    let clock = Clock::new(Mutex::new(at("07-06T07:00")));
    let mut core = start(folder.path(), &clock).await;
    open_outage(&core, "Mail is down", &[], Severity::Major).await;
    assert_eq!(next(&core, core.now()), Some(at("07-06T07:30")));
    update(&core, State::Identified).await;
    for time in ["07-06T07:29", "07-06T07:30", "07-06T07:31", "07-06T08:00", "07-06T09:00"] {
        *clock.lock().unwrap() = at(time);
        tick(&core).await.unwrap();
        tick(&core).await.unwrap();
        core.store.close().await;
        core = start(folder.path(), &clock).await;
    }
    let all = told(&core).await;
    assert_eq!(
        all,
        [
            "asa: outage 1 (investigating): Mail is down",
            "asa: outage 1 (identified): Mail is down",
            "reader: nobody has it: outage 1 (identified): Mail is down",
        ]
    );
    let climb = core.view().climbs.values().next().cloned().unwrap();
    assert!(climb.exhausted && climb.end.is_none(), "it can still be taken on: {climb:?}");
    assert_eq!(next(&core, core.now()), None);
    // One thread for all of it.
    let listed = core.store.messages(MessageFilter { limit: 9, ..MessageFilter::default() }).await.unwrap();
    assert!(listed.iter().all(|listed| &*listed.notice.thread.0 == "outage/1/0"));
}

#[tokio::test]
async fn what_a_read_warns_of_no_more_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T07:00")));
    let core = start(folder.path(), &clock).await;
    let (name, other) = (DirectoryName::from("corp"), DirectoryName::from("corp2"));
    let ends = |day| Warning {
        kind: WarningKind::ServerCertificate,
        about: "CN=dc1".into(),
        at: at("07-20T00:00") + TimeDelta::days(day),
    };
    for (name, day) in [(&name, 0), (&name, 1), (&other, 0)] {
        let due = Due { reason: DueReason::Soon { days: 14 }, warning: ends(day) };
        let thread = alert::ending(name, &due.warning);
        let facts = Facts::Ending { directory: name.clone(), due };
        let to = vec![Recipient::by_mail("asa", "asa@org.example".parse().unwrap(), "ad-sync")];
        let event = EventKey(format!("{thread}/14").into());
        let notice =
            NewNotice { thread, ..NewNotice::new(event, facts, to, core.now() + TimeDelta::days(2)) };
        let event = Event { at: core.now(), change: Change::None, notices: vec![notice], audit: None };
        let turn = core.turn().await;
        turn.commit(event, |_, _, _| {}).await.unwrap();
    }
    let waiting = || core.view().climbs.keys().cloned().collect::<Vec<_>>();
    assert_eq!(waiting().len(), 3);
    let turn = core.turn().await;
    renewed(&core, &turn, &name, &[ends(0), ends(1)]).await;
    assert_eq!(waiting().len(), 3);
    renewed(&core, &turn, &name, &[ends(1)]).await;
    drop(turn);
    assert_eq!(waiting(), [alert::ending(&name, &ends(1)), alert::ending(&other, &ends(0))]);
    let over = core.store.climb(&alert::ending(&name, &ends(0))).await.unwrap().unwrap();
    assert_eq!(over.end, Some(End::Over { at: core.now() }));
}

#[tokio::test]
async fn it_stops_at_once_when_somebody_has_it_and_asks_no_more_of_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T07:00")));
    let core = start(folder.path(), &clock).await;
    open_outage(&core, "Mail is down", &[], Severity::Major).await;
    let by = Actor::Local { uid: 1000, name: "bo".into() };
    let (first, _) = of_message(&core, MessageId(1)).await.unwrap();
    assert_eq!(first.notice, NoticeId(1));
    let Taken::Now(climb) = acknowledge(&core, NoticeId(1), "Bo", &by, None).await.unwrap() else { panic!() };
    let end = End::Taken { by: "Bo".into(), at: core.now() };
    assert_eq!(climb.end, Some(end.clone()));
    let second = acknowledge(&core, NoticeId(1), "Li", &by, None).await.unwrap();
    assert!(matches!(second, Taken::Before(climb) if climb.end == Some(end)), "the first has it");
    update(&core, State::Identified).await;
    *clock.lock().unwrap() = at("07-06T12:00");
    tick(&core).await.unwrap();
    assert_eq!(told(&core).await.len(), 2, "the outage's own two words");
    assert!(core.view().climbs.is_empty());
    let audit = core.store.audit(None, 10).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| &*entry.action == "notice taken on").count(), 1);
    let unknown = acknowledge(&core, NoticeId(99), "Bo", &by, None).await.unwrap_err();
    assert!(unknown.to_string().contains("notice 99 doesn't ask"), "{unknown}");
}

#[tokio::test]
async fn what_waits_to_be_sent_to_the_next_is_not_sent_once_somebody_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T07:00")));
    let core = start(folder.path(), &clock).await;
    open_outage(&core, "Mail is down", &[], Severity::Major).await;
    *clock.lock().unwrap() = at("07-06T07:30");
    tick(&core).await.unwrap();
    let sender = mailer(folder.path(), Terms::default());
    let waiting = |id: u64| core.store.message(MessageId(id));
    let notice = waiting(2).await.unwrap().notice;
    assert!(!is_idle(&core, &notice).await.unwrap());
    acknowledge(&core, NoticeId(1), "Bo", &Actor::System, None).await.unwrap();
    drain(&core, &sender).await;
    let states = [waiting(1).await.unwrap().message.state, waiting(2).await.unwrap().message.state];
    assert_eq!(states, [MessageState::Sent, MessageState::Cancelled]);
}

#[tokio::test]
async fn nobody_else_is_told_of_what_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T07:00")));
    let core = start(folder.path(), &clock).await;
    open_outage(&core, "Mail is down", &[], Severity::Critical).await;
    update(&core, State::Resolved).await;
    *clock.lock().unwrap() = at("07-06T07:31");
    tick(&core).await.unwrap();
    assert_eq!(told(&core).await.len(), 2);
    assert!(core.view().climbs.is_empty());
    let over = core.store.climb(&EventKey("outage/1/0".into())).await.unwrap().unwrap();
    assert!(matches!(over.end, Some(End::Over { .. })));
    let late = acknowledge(&core, NoticeId(1), "Bo", &Actor::System, None).await.unwrap();
    assert!(matches!(late, Taken::Before(_)));
}
