//! Which words wait, for whom, and what takes their place.

use std::sync::Mutex;

use chrono_tz::Europe::Stockholm;

use super::*;
use crate::domain::audit::Actor;
use crate::domain::authority::Caller;
use crate::domain::calendar::OpeningHours;
use crate::domain::climb;
use crate::domain::ids::{ChannelName, SubscriberId};
use crate::domain::notice::{MessageState, NoticeKind};
use crate::domain::outage::edit::Correction;
use crate::domain::outage::policy::Policy;
use crate::domain::outage::{Opening, Severity, State};
use crate::domain::quiet::Quiet;
use crate::domain::roles::{Holder, OUTAGE, Place};
use crate::domain::route::{Reach, Route, Routing};
use crate::domain::subscriber::{Standing, Subscriber};
use crate::domain::testing::service;
use crate::flow::assign::{NewAssignment, assign};
use crate::flow::core::Settings;
use crate::flow::outage::{Done, Order, carry_out};
use crate::flow::testing::appoint;
use crate::store::{SledSettings, Store};

fn settings(policy: Policy, quiet: Quiet) -> Settings {
    let services = [service("net", &[]), service("mail", &["net"]), service("journal", &["mail"])];
    let services = Arc::new(services.into_iter().collect());
    let outages = Arc::new(Policy { services, ..policy });
    Settings { zone: Stockholm, outages, quiet, ..Settings::default() }
}

struct Town {
    core: Core,
    clock: Arc<Mutex<DateTime<Utc>>>,
    _folder: tempfile::TempDir,
}

/// So many minutes after the start.
fn at(minute: i64) -> DateTime<Utc> {
    "2026-10-06T08:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
}

impl Town {
    async fn new(policy: Policy, quiet: Quiet) -> Town {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Mutex::new(at(0)));
        let (store, _) = Store::open_sled(SledSettings::small(folder.path()), at(0)).await.unwrap();
        let time = Arc::clone(&clock);
        let now = Arc::new(move || *time.lock().unwrap());
        let core = Core::load(store, settings(policy, quiet), now).await.unwrap();
        let town = Town { core, clock, _folder: folder };
        town.holds("asa", Place::Organisation).await;
        town
    }

    async fn holds(&self, name: &str, place: Place) {
        appoint(&self.core, OUTAGE, name, place).await;
    }

    async fn order(&self, id: Option<u64>, order: Order) -> Done {
        carry_out(&self.core, id.map(OutageId), order, &Actor::System, None, false).await.unwrap()
    }

    async fn open(&self, service: &str, severity: Severity) -> Done {
        self.order(None, Order::Open(opening(service, severity))).await
    }

    async fn say(&self, id: u64, text: &str, state: Option<State>) {
        self.order(Some(id), Order::Update { text: text.into(), state }).await;
    }

    /// Begins to send what is due, for nine minutes.
    async fn claim(&self) {
        self.claim_by("mail").await;
    }

    async fn claim_by(&self, channel: &str) {
        let (channel, now) = (ChannelName::from(channel), self.core.now());
        self.core.store.claim_due(&channel, now, now + TimeDelta::minutes(9), 9).await.unwrap();
    }

    fn set(&self, minute: i64) {
        *self.clock.lock().unwrap() = at(minute);
    }

    /// Everything that there is to send: to whom, of which outage, and when it is due in minutes, or that it isn't sent.
    async fn all(&self) -> Vec<String> {
        let filter = MessageFilter { limit: 100, ..MessageFilter::default() };
        let mut all = self.core.store.messages(filter).await.unwrap();
        all.sort_by_key(|listed| listed.message.id);
        let line = |listed: crate::store::Listed| {
            let (message, facts) = (listed.message, &listed.notice.facts);
            let when = match message.state {
                MessageState::Cancelled => "not".to_owned(),
                _ => (message.due - at(0)).num_minutes().to_string(),
            };
            format!("{} {} {when}", message.recipient.name, facts.outage().unwrap_or(OutageId(0)))
        };
        all.into_iter().map(line).collect()
    }
}

fn opening(service: &str, severity: Severity) -> Opening {
    Opening {
        title: service.into(),
        text: "".into(),
        severity,
        services: vec![service.into()],
        units: vec![],
        also: vec![],
        ack: false,
    }
}

fn waiting() -> Policy {
    Policy { first_waits: TimeDelta::minutes(2), ..Policy::default() }
}

#[tokio::test]
async fn a_symptom_that_was_reported_before_its_cause_is_not_told_to_those_who_are_told_of_that() {
    let town = Town::new(waiting(), Quiet::default()).await;
    town.holds("desk", Place::Subject("journal".into())).await;
    town.open("mail", Severity::Minor).await;
    town.set(1);
    town.open("net", Severity::Major).await;
    // Whoever is told of what lies below isn't told of what is reported after it, either.
    town.open("journal", Severity::Major).await;
    assert_eq!(town.all().await, ["asa 1 not", "desk 1 not", "asa 2 3", "desk 2 3"]);
    assert_eq!(town.core.view().inhibited.len(), 2);
    town.say(1, "Still.", None).await;
    assert_eq!(town.all().await.len(), 4, "nor of its later words");
    town.set(5);
    town.say(2, "Over.", Some(State::Resolved)).await;
    town.set(14);
    release(&town.core).await.unwrap();
    assert_eq!(town.all().await.len(), 6);
    town.set(15);
    release(&town.core).await.unwrap();
    let all = town.all().await;
    assert_eq!(all.len(), 10);
    assert!(all[6..].iter().all(|line| !line.contains(" 2 ")), "what isn't over is told: {all:?}");
    assert!(town.core.view().inhibited.is_empty());
}

#[tokio::test]
async fn who_has_heard_of_it_hears_of_it_to_its_end_and_who_comes_later_is_told_of_the_cause_alone() {
    let town = Town::new(Policy::default(), Quiet::default()).await;
    town.open("mail", Severity::Major).await;
    town.claim().await;
    town.set(1);
    town.open("net", Severity::Minor).await;
    assert!(town.core.view().inhibited.is_empty(), "it isn't as bad");
    town.holds("late", Place::Organisation).await;
    let worse = Correction { severity: Some(Severity::Major), ..Correction::default() };
    town.order(Some(2), Order::Edit { correction: worse, tell: true }).await;
    town.say(1, "We are looking.", None).await;
    assert_eq!(town.all().await, ["asa 1 9", "asa 2 1", "asa 2 1", "late 2 1", "asa 1 1"]);
}

#[tokio::test]
async fn a_later_word_takes_the_place_of_what_waits_also_of_what_was_released() {
    let quiet = Quiet { per_hour: Some(1), ..Quiet::default() };
    let town = Town::new(Policy::default(), quiet).await;
    town.open("mail", Severity::Major).await;
    town.claim().await;
    for text in ["One.", "Two.", "Three."] {
        town.say(1, text, None).await;
    }
    assert_eq!(
        town.all().await,
        ["asa 1 9", "asa 1 not", "asa 1 not", "asa 1 60"],
        "in the turn of the first"
    );
    town.open("net", Severity::Critical).await;
    town.open("journal", Severity::Major).await;
    assert_eq!(town.all().await[4..], ["asa 2 0"], "what is critical doesn't wait");
    town.say(1, "", Some(State::Resolved)).await;
    town.say(2, "", Some(State::Resolved)).await;
    town.set(10);
    release(&town.core).await.unwrap();
    assert_eq!(town.all().await[5..], ["asa 1 60", "asa 2 0", "asa 3 120"]);
    town.say(3, "", Some(State::Resolved)).await;
    assert_eq!(town.all().await[7..], ["asa 3 not", "asa 3 120"]);
}

#[tokio::test]
async fn a_correction_takes_the_place_of_the_word_that_waits() {
    let quiet = Quiet { per_hour: Some(1), ..Quiet::default() };
    let town = Town::new(Policy::default(), quiet).await;
    town.open("mail", Severity::Major).await;
    town.claim().await;
    town.say(1, "Since noon.", None).await;
    assert_eq!(town.all().await, ["asa 1 9", "asa 1 60"]);
    let correction = Correction { title: Some("Mail is slow".into()), ..Correction::default() };
    town.order(Some(1), Order::Edit { correction, tell: true }).await;
    assert_eq!(town.all().await, ["asa 1 9", "asa 1 not", "asa 1 60"], "in its turn");
}

#[tokio::test]
async fn who_was_told_by_a_text_message_has_heard_of_it() {
    let town = Town::new(Policy::default(), Quiet::default()).await;
    let sms = Route {
        kinds: [NoticeKind::Outage].into(),
        severity: Severity::Minor,
        contacts: vec![],
        channels: vec!["sms".into()],
    };
    let channels = [("sms".into(), Reach::Phone)].into();
    let routing = Routing { routes: vec![sms], channels, ..Routing::default() };
    town.core.reload(Settings { routing, ..settings(Policy::default(), Quiet::default()) }).await;
    let bo = Holder::Outside { name: "bo".into(), mail: "bo@org.example".parse().unwrap() };
    let new = NewAssignment {
        phone: Some("+46701234567".into()),
        ..NewAssignment::new(OUTAGE, bo, Place::Organisation)
    };
    assign(&town.core, new, &Caller::system(), None).await.unwrap();
    town.open("mail", Severity::Major).await;
    town.claim_by("sms").await;
    town.open("net", Severity::Minor).await;
    let worse = Correction { severity: Some(Severity::Major), ..Correction::default() };
    town.order(Some(2), Order::Edit { correction: worse, tell: true }).await;
    town.say(1, "We are looking.", None).await;
    let all = town.all().await;
    assert_eq!(all.iter().filter(|line| line.starts_with("bo 1 ")).count(), 2, "{all:?}");
}

#[tokio::test]
async fn who_waits_for_their_turn_is_tried_as_long_as_the_others() {
    let quiet = Quiet { per_hour: Some(1), ..Quiet::default() };
    let town = Town::new(Policy { inhibit: false, ..Policy::default() }, quiet).await;
    for _ in 0..3 {
        town.open("mail", Severity::Minor).await;
    }
    let filter = MessageFilter { limit: 9, ..MessageFilter::default() };
    let listed = town.core.store.messages(filter).await.unwrap();
    let lives: Vec<i64> = listed.iter().map(|l| (l.notice.expires - l.message.due).num_hours()).collect();
    assert_eq!(lives, [48; 3]);
    assert!(listed[0].message.answer.as_ref().unwrap().contains("quiet_hours.per_hour"));
}

#[tokio::test]
async fn an_outage_may_ask_to_be_taken_on_whatever_is_said_of_its_kind() {
    let policy = || Policy { inhibit: false, ..Policy::default() };
    let town = Town::new(policy(), Quiet::default()).await;
    let usual = OpeningHours::usual(Stockholm, Arc::default());
    let kinds = [NoticeKind::Alert].into();
    let climbing = Arc::new(climb::Policy { kinds, hours: usual, ..climb::Policy::default() });
    town.core.reload(Settings { climbing, ..settings(policy(), Quiet::default()) }).await;
    town.open("mail", Severity::Critical).await;
    assert!(town.core.view().climbs.is_empty());
    let asking = Order::Open(Opening { ack: true, ..opening("journal", Severity::Minor) });
    let preview = carry_out(&town.core, None, asking.clone(), &Actor::System, None, true).await.unwrap();
    assert!(crate::flow::outage::way(&town.core, &preview.outage, &preview.audience, at(0)).is_some());
    let done = town.order(None, asking).await;
    let climbs = town.core.view().climbs.clone();
    assert_eq!(climbs.keys().collect::<Vec<_>>(), [&thread(done.outage.id)]);
    let message = town.core.store.messages(MessageFilter { limit: 1, ..Default::default() }).await.unwrap();
    let links = crate::flow::links::of(&town.core, &message[0].notice, &message[0].message).await.unwrap();
    assert!(links.take_on.is_some(), "the message says how");
    town.say(done.outage.id.0, "", Some(State::Resolved)).await;
    crate::flow::climb::tick(&town.core).await.unwrap();
    assert!(town.core.view().climbs.is_empty());
}

#[tokio::test]
async fn who_asked_for_it_from_outside_and_has_had_a_word_is_told_when_it_is_corrected() {
    let town = Town::new(Policy::default(), Quiet::default()).await;
    let subscribe = async |id, minute| {
        let subscriber = Subscriber {
            id: SubscriberId(id),
            mail: format!("out{id}@out.example").parse().unwrap(),
            services: [].into(),
            severity: Severity::Minor,
            standing: Standing::Confirmed { at: at(minute) },
        };
        let change = Change::Subscriber(Box::new(subscriber.clone()));
        let event = Event { at: town.core.now(), change, notices: vec![], audit: None };
        let shown = |view: &mut crate::flow::core::View| {
            Arc::make_mut(&mut view.subscribers).insert(subscriber.id, subscriber.clone());
        };
        town.core.turn().await.commit(event, |view, _, _| shown(view)).await.unwrap();
    };
    subscribe(1, 0).await;
    town.open("mail", Severity::Major).await;
    town.set(5);
    subscribe(2, 5).await;
    let correction = || Correction { title: Some("Mail is down".into()), ..Correction::default() };
    town.order(Some(1), Order::Edit { correction: correction(), tell: true }).await;
    let all = ["asa 1 0", "out1@out.example 1 0", "asa 1 5", "out1@out.example 1 5"];
    assert_eq!(town.all().await, all);
}
