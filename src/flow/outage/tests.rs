//! Orders and the clock, over a store that is closed and opened again.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use super::*;
use crate::domain::authority::Caller;
use crate::domain::notice::OutageWord;
use crate::domain::outage::Severity;
use crate::domain::outage::policy::Nag;
use crate::domain::roles::{GLOBAL, Holder, OUTAGE, Place};
use crate::domain::testing::{World, directory_of, service, unit, user};
use crate::flow::assign::{NewAssignment, assign};
use crate::store::{MessageFilter, SledSettings, Store};

type Clock = Arc<Mutex<DateTime<Utc>>>;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}Z").parse().unwrap()
}

fn policy() -> Policy {
    let services = [service("storage", &[]), service("mail", &["storage"])];
    Policy {
        services: Arc::new(services.into_iter().collect()),
        nag: Nag { major: Some(TimeDelta::hours(4)), ..Nag::default() },
        remind: vec![TimeDelta::days(7), TimeDelta::days(1)],
        ..Policy::default()
    }
}

async fn start(folder: &Path, clock: &Clock) -> Core {
    let store = SledSettings::small(folder);
    let now = *clock.lock().unwrap();
    let (store, _) = Store::open_sled(store, now).await.unwrap();
    let clock = Arc::clone(clock);
    let zone = chrono_tz::Europe::Stockholm;
    let settings = Settings { outages: Arc::new(policy()), zone, ..Settings::default() };
    Core::load(store, settings, Arc::new(move || *clock.lock().unwrap())).await.unwrap()
}

async fn holds(core: &Core, role: &str, name: &str, place: Place) {
    let mail = format!("{name}@org.example").parse().unwrap();
    let holder = Holder::Outside { name: name.into(), mail };
    let new = NewAssignment::new(role, holder, place);
    assign(core, new, &Caller::system(), None).await.unwrap();
}

fn opening(title: &str, services: &[&str]) -> Opening {
    Opening {
        title: title.into(),
        text: "".into(),
        severity: Severity::Major,
        services: services.iter().map(|name| Box::from(*name)).collect(),
        units: vec![],
        also: vec![],
        ack: false,
    }
}

async fn order(core: &Core, id: Option<u64>, order: Order) -> Result<Done, OutageError> {
    carry_out(core, id.map(OutageId), order, &Actor::System, None, false).await
}

/// Everything that was told, the first first: to whom, and in which state of what.
async fn told(core: &Core) -> Vec<String> {
    let filter = MessageFilter { limit: 1000, ..MessageFilter::default() };
    let mut told: Vec<_> = core.store.messages(filter).await.unwrap();
    told.sort_by_key(|listed| listed.message.id);
    let line = |listed: crate::store::Listed| {
        let Facts::OutageWord(word) = &listed.notice.facts else { panic!("{:?}", listed.notice.facts) };
        let OutageWord { id, state, about, .. } = &**word;
        let about = match about {
            About::Word => String::new(),
            About::Correction | About::Corrected(_) => " corrected".to_owned(),
            About::Left => " left".to_owned(),
            About::Silence(minutes) => format!(" silent for {minutes}"),
        };
        format!("{} {id} {state}{about}", listed.message.recipient.name)
    };
    told.into_iter().map(line).collect()
}

#[tokio::test]
async fn a_preview_finds_whom_the_order_tells_and_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let core = start(folder.path(), &clock).await;
    holds(&core, OUTAGE, "whole", Place::Organisation).await;
    holds(&core, OUTAGE, "mail", Place::Subject("mail".into())).await;
    let order = || Order::Open(opening("Out", &["Storage"]));
    let seen = carry_out(&core, None, order(), &Actor::System, None, true).await.unwrap();
    assert!(seen.committed.is_none() && core.view().outages.is_empty() && told(&core).await.is_empty());
    let why: Vec<String> = seen.audience.told.iter().map(Told::why).collect();
    assert_eq!(why, ["outage contact for mail (outage of storage, on which mail depends)", "outage"]);
    let done = self::order(&core, None, order()).await.unwrap();
    assert_eq!((done.outage.id, done.audience == seen.audience), (OutageId(1), true), "no number is lost");
    assert_eq!(&*done.outage.services, ["storage".into()]);
    assert_eq!(told(&core).await, ["mail 1 investigating", "whole 1 investigating"]);
    let unknown = self::order(&core, None, Order::Open(opening("Out", &["mial"]))).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no service \"mial\"; did you mean mail?");
}

#[tokio::test]
async fn maintenance_goes_by_the_clock_over_restarts_and_each_step_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("10-12T08:00:00")));
    let set = |time: &str| *clock.lock().unwrap() = at(time);
    let mut core = start(folder.path(), &clock).await;
    holds(&core, OUTAGE, "asa", Place::Organisation).await;
    // Over the night in which the clocks go back.
    let window = Window { from: at("10-24T22:00:00"), until: at("10-25T03:00:00") };
    let plan = |by_hand| Order::Plan { opening: opening("New disks", &["storage"]), window, by_hand };
    order(&core, None, plan(None)).await.unwrap();
    assert_eq!(clock::next(&core, core.now()), Some(at("10-17T22:00:00")));
    for (time, next) in [
        ("10-17T22:00:00", Some("10-23T22:00:00")),
        ("10-23T22:00:00", Some("10-24T22:00:00")),
        ("10-24T22:00:00", Some("10-25T03:00:00")),
        ("10-25T03:00:00", None),
    ] {
        set(time);
        // Looked at twice, and by a daemon that knows only what is stored.
        clock::tick(&core).await.unwrap();
        core.store.close().await;
        core = start(folder.path(), &clock).await;
        clock::tick(&core).await.unwrap();
        assert_eq!(clock::next(&core, core.now()), next.map(at), "{time}");
    }
    let states = ["planned", "reminded", "reminded", "started", "completed"];
    assert_eq!(told(&core).await, states.map(|state| format!("asa 1 {state}")));
    assert!(core.view().outages.is_empty());

    // Planned, moved, and then nobody was there until after its end: only that it is over is told.
    set("11-01T08:00:00");
    let window = Window { from: at("11-05T20:00:00"), until: at("11-05T22:00:00") };
    let plan = Order::Plan { opening: opening("Again", &[]), window, by_hand: None };
    order(&core, None, plan).await.unwrap();
    let later = Order::Move { from: Some(at("11-06T20:00:00")), until: None, text: "".into() };
    let moved = order(&core, Some(2), later).await.unwrap().outage;
    assert_eq!(moved.plan.as_ref().unwrap().until, at("11-06T22:00:00"));
    assert!(moved.updates[1].text.contains("5 Nov 2026 21:00 CET to 5 Nov 2026 23:00 CET"), "{moved:?}");
    let before = Said::Moved { from: at("11-05T20:00:00"), until: at("11-05T22:00:00") };
    assert_eq!(moved.updates[1].said, Some(before));
    set("11-20T08:00:00");
    clock::tick(&core).await.unwrap();
    clock::tick(&core).await.unwrap();
    assert_eq!(told(&core).await[5..], ["asa 2 planned", "asa 2 planned", "asa 2 completed"]);
}

#[tokio::test]
async fn what_says_that_something_begins_is_not_sent_after_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let core = start(folder.path(), &clock).await;
    holds(&core, OUTAGE, "asa", Place::Organisation).await;
    let window = Window { from: at("07-06T10:00:00"), until: at("07-06T11:00:00") };
    order(&core, None, Order::Plan { opening: opening("New disks", &[]), window, by_hand: None })
        .await
        .unwrap();
    let listed = core.store.messages(MessageFilter { limit: 9, ..MessageFilter::default() }).await.unwrap();
    assert_eq!(listed[0].notice.expires, window.from);
    // That it is under way isn't worth sending once the clock has ended it.
    *clock.lock().unwrap() = window.from;
    clock::tick(&core).await.unwrap();
    let listed = core.store.messages(MessageFilter { limit: 9, ..MessageFilter::default() }).await.unwrap();
    let begun = listed.iter().find(|listed| listed.notice.at == window.from).unwrap();
    assert_eq!(begun.notice.expires, window.until);
}

#[tokio::test]
async fn what_waits_to_be_sent_is_not_sent_after_a_word_that_takes_its_place() {
    use crate::domain::notice::MessageState::{Cancelled, Queued};
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let core = start(folder.path(), &clock).await;
    holds(&core, OUTAGE, "asa", Place::Organisation).await;
    let window = Window { from: at("07-08T10:00:00"), until: at("07-08T11:00:00") };
    let states = async || {
        let filter = MessageFilter { limit: 9, ..MessageFilter::default() };
        let mut all = core.store.messages(filter).await.unwrap();
        all.sort_by_key(|listed| listed.message.id);
        all.into_iter().map(|listed| listed.message.state).collect::<Vec<_>>()
    };
    order(&core, None, Order::Plan { opening: opening("New disks", &[]), window, by_hand: None })
        .await
        .unwrap();
    order(&core, Some(1), Order::Update { text: "Bring tea.".into(), state: None }).await.unwrap();
    assert_eq!(states().await, [Queued, Queued], "one adds to the other");
    order(&core, Some(1), Order::Step { step: Step::Cancel, text: "".into() }).await.unwrap();
    assert_eq!(states().await, [Cancelled, Cancelled, Queued]);
}

#[tokio::test]
async fn maintenance_that_has_begun_when_it_is_planned_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let core = start(folder.path(), &clock).await;
    holds(&core, OUTAGE, "asa", Place::Organisation).await;
    let window = Window { from: at("07-06T00:00:00"), until: at("07-06T22:00:00") };
    order(&core, None, Order::Plan { opening: opening("New disks", &[]), window, by_hand: None })
        .await
        .unwrap();
    clock::tick(&core).await.unwrap();
    assert_eq!(told(&core).await, ["asa 1 started"]);
}

#[tokio::test]
async fn whom_a_correction_does_not_concern_any_more_is_told_that() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let core = start(folder.path(), &clock).await;
    holds(&core, OUTAGE, "asa", Place::Subject("mail".into())).await;
    holds(&core, OUTAGE, "bo", Place::Subject("storage".into())).await;
    let edit = |service: &str, tell| {
        let correction = Correction { services: Some(vec![service.into()]), ..Correction::default() };
        Order::Edit { correction, tell }
    };
    order(&core, None, Order::Open(opening("Down", &["storage"]))).await.unwrap();
    let silent = order(&core, Some(1), edit("mail", false)).await.unwrap();
    let left: Vec<&str> = silent.audience.left.iter().map(|left| &*left.name).collect();
    assert_eq!((left, silent.committed.unwrap().messages), (vec!["bo"], 0), "the answer says who isn't told");
    order(&core, Some(1), edit("storage", false)).await.unwrap();
    order(&core, Some(1), edit("mail", true)).await.unwrap();
    assert_eq!(told(&core).await[2..], ["asa 1 investigating corrected", "bo 1 investigating left"]);
}

#[tokio::test]
async fn silence_is_pointed_out_to_the_role_until_the_next_word() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let set = |time: &str| *clock.lock().unwrap() = at(time);
    let mut core = start(folder.path(), &clock).await;
    holds(&core, OUTAGE, "asa", Place::Organisation).await;
    holds(&core, GLOBAL, "boss", Place::Organisation).await;
    order(&core, None, Order::Open(opening("Mail is down", &["mail"]))).await.unwrap();
    assert_eq!(clock::next(&core, core.now()), Some(at("07-06T12:00:00")));
    for time in ["07-06T11:59:00", "07-06T12:00:00", "07-06T12:01:00", "07-06T20:00:00"] {
        set(time);
        clock::tick(&core).await.unwrap();
        core.store.close().await;
        core = start(folder.path(), &clock).await;
    }
    let silent = ["boss 1 investigating silent for 240", "boss 1 investigating silent for 720"];
    assert_eq!(told(&core).await[1..], silent);
    let text = "We know.".into();
    order(&core, Some(1), Order::Update { text, state: Some(State::Identified) }).await.unwrap();
    assert_eq!(clock::next(&core, core.now()), Some(at("07-07T00:00:00")));
}

#[tokio::test]
async fn with_nobody_to_ask_it_is_noted_once_until_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let core = start(folder.path(), &clock).await;
    order(&core, None, Order::Open(opening("Mail is down", &["mail"]))).await.unwrap();
    *clock.lock().unwrap() = at("07-06T12:00:00");
    clock::tick(&core).await.unwrap();
    clock::tick(&core).await.unwrap();
    assert_eq!(clock::next(&core, core.now()), Some(at("07-06T20:00:00")));
    let audit = core.store.audit(None, 10).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| &*entry.action == "outage pointed out").count(), 1);
}

#[tokio::test]
async fn whoever_opened_it_is_asked_and_while_they_are_away_the_role_too() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let core = start(folder.path(), &clock).await;
    holds(&core, GLOBAL, "boss", Place::Organisation).await;
    let mut world = World::new(directory_of([user(1, 1)], [unit(1, 0)], []));
    let asks = |world: &World| {
        let by = Actor::Local { uid: 1000, name: "u1".into() };
        let opened = Outage::open(OutageId(1), opening("Mail is down", &[]), by, core.now()).unwrap();
        let asked = clock::answerable(&core, &world.organisation(), &opened, 1, core.now());
        asked.into_iter().map(|recipient| recipient.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(asks(&world), ["User 1"]);
    world.away(1, 0, 48, None);
    assert_eq!(asks(&world), ["User 1", "boss"]);
}

#[tokio::test]
async fn a_correction_is_told_only_when_asked_for_and_the_log_has_both() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(Mutex::new(at("07-06T08:00:00")));
    let core = start(folder.path(), &clock).await;
    holds(&core, OUTAGE, "asa", Place::Organisation).await;
    order(&core, None, Order::Open(opening("Mial is down", &["mail"]))).await.unwrap();
    let edit = |title: &str, tell| {
        let correction = Correction { title: Some(title.into()), ..Correction::default() };
        Order::Edit { correction, tell }
    };
    order(&core, Some(1), edit("Mail is down", false)).await.unwrap();
    assert_eq!(told(&core).await, ["asa 1 investigating"]);
    order(&core, Some(1), edit("E-mail is down", true)).await.unwrap();
    assert_eq!(told(&core).await[1..], ["asa 1 investigating corrected"]);
    let audit = core.store.audit(None, 10).await.unwrap();
    let entry = audit.iter().find(|entry| &*entry.action == "outage corrected").unwrap();
    assert!(entry.before.as_ref().unwrap().contains("Mail is down"), "{entry:?}");
    assert!(entry.after.as_ref().unwrap().contains("E-mail is down"), "{entry:?}");
    // It is over, and can be corrected, but not told of any more as open.
    order(&core, Some(1), Order::Update { text: "".into(), state: Some(State::Resolved) }).await.unwrap();
    order(&core, Some(1), edit("Mail was down", false)).await.unwrap();
    assert!(core.view().outages.is_empty());
    assert_eq!(core.store.outage(OutageId(1)).await.unwrap().edits.len(), 3);
}
