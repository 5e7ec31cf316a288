//! What is told to whom at which minute: a month, and the rules one by one.

mod month;
mod together;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Weekday};
use chrono_tz::Europe::Stockholm;
use futures_util::future::BoxFuture;

use super::*;
use crate::domain::alert::Health;
use crate::domain::audit::Actor;
use crate::domain::calendar::OpeningHours;
use crate::domain::climb;
use crate::domain::ids::{ChannelName, OutageId, SilenceId, UnitId};
use crate::domain::locale::{Locale, Locales};
use crate::domain::notice::{MessageState, NoticeKind, Recipient};
use crate::domain::outage::maintenance::Window;
use crate::domain::outage::policy::Policy;
use crate::domain::outage::{self, Opening, Severity, State};
use crate::domain::quiet::Quiet;
use crate::domain::roles::{GLOBAL, MESSAGE_READER, OUTAGE, Place};
use crate::domain::route::{Reach, Route, Routing};
use crate::domain::schedule::Schedule;
use crate::domain::silence::Matcher;
use crate::domain::testing::service;
use crate::flow::channels::{self, Senders};
use crate::flow::core::Settings;
use crate::flow::deliver::Terms;
use crate::flow::outage::{Done, Leaving, Order, carry_out, clock, inhibit};
use crate::flow::silence::NewSilence;
use crate::flow::testing::{appoint, drain, mailer, open_outage};
use crate::flow::{alert as alerts, climb as climbs, lasting, silence as silences, subscribers};
use crate::store::{Change, Event, MessageDetail, MessageFilter, SledSettings, Store};

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00Z").parse().unwrap()
}

fn settings() -> Settings {
    let week =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let usual = OpeningHours::usual(Stockholm, Arc::default());
    let awake =
        week.into_iter().try_fold(usual.clone(), |hours, day| hours.with(day, "06:00-22:00")).unwrap();
    let services = [service("net", &[]), service("mail", &["net"])].into_iter().collect();
    Settings {
        zone: Stockholm,
        locales: Locales { organisation: Locale { zone: Stockholm, ..Locale::default() }, rules: vec![] },
        quiet: Quiet { awake: Some(awake), ..Quiet::default() },
        climbing: Arc::new(climb::Policy {
            kinds: [NoticeKind::Outage].into(),
            hours: usual,
            ..climb::Policy::default()
        }),
        lasting: Schedule::parse("0 7 * * *", Stockholm).ok(),
        outages: Arc::new(Policy {
            services: Arc::new(services),
            remind: vec![TimeDelta::days(7), TimeDelta::days(1)],
            ..Policy::default()
        }),
        ..Settings::default()
    }
}

/// An organisation on a clock that is moved.
struct Town {
    core: Core,
    clock: Arc<Mutex<DateTime<Utc>>>,
    folder: PathBuf,
    senders: Senders,
}

impl Town {
    async fn new(folder: &Path, now: &str) -> Town {
        let town = Town::with(folder, now, settings()).await;
        appoint(&town.core, OUTAGE, "asa", Place::Organisation).await;
        appoint(&town.core, GLOBAL, "boss", Place::Organisation).await;
        appoint(&town.core, MESSAGE_READER, "reader", Place::Unit(UnitId::ROOT)).await;
        town
    }

    /// Where nobody holds a role.
    async fn with(folder: &Path, now: &str, settings: Settings) -> Town {
        let clock = Arc::new(Mutex::new(at(now)));
        let core = load(folder, &clock, settings).await;
        let senders = Senders::new(vec![mailer(folder, Terms::default())]);
        Town { core, clock, folder: folder.to_owned(), senders }
    }

    /// The same as a daemon that knows only what is stored.
    async fn started_anew(self) -> Town {
        let settings = Settings::clone(&self.core.settings());
        self.core.store.close().await;
        Town { core: load(&self.folder, &self.clock, settings).await, ..self }
    }

    async fn order(&self, id: Option<u64>, order: Order) -> Done {
        let by = Actor::System;
        Box::pin(carry_out(&self.core, id.map(OutageId), order, &by, None, false)).await.unwrap()
    }

    async fn open(&self, title: &str, services: &[&str], severity: Severity) -> Done {
        Box::pin(open_outage(&self.core, title, services, severity)).await
    }

    async fn update(&self, id: u64, state: State) {
        self.order(Some(id), Order::Update { text: "".into(), state: Some(state) }).await;
    }

    /// How often the runs of a directory fail.
    async fn failing(&self, failures: u32) {
        let error = (failures > 0).then(|| "away".into());
        let health = Health { failures, last_error: error, ..Health::new(self.core.now()) };
        let change = Change::Health("main".into(), health.clone());
        let event = Event { at: self.core.now(), change, notices: vec![], audit: None };
        let turn = self.core.turn().await;
        turn.commit(event, |view, _, _| {
            view.directories.entry("main".into()).or_default().health = Some(health);
        })
        .await
        .unwrap();
    }

    /// Everything that a minute brings, as the loops of the daemon do it, and what leaves in it. Apart, since it is large.
    fn minute(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.everything())
    }

    async fn everything(&self) {
        channels::tick(&self.core, &self.senders).await.unwrap();
        alerts::tick(&self.core).await.unwrap();
        self.core.recompute().await.unwrap();
        subscribers::tick(&self.core).await.unwrap();
        lasting::tick(&self.core).await.unwrap();
        clock::tick(&self.core).await.unwrap();
        inhibit::release(&self.core).await.unwrap();
        climbs::tick(&self.core).await.unwrap();
        silences::tick(&self.core).await.unwrap();
        for sender in self.senders.all().values() {
            drain(&self.core, sender).await;
        }
    }

    fn tick(&self) {
        *self.clock.lock().unwrap() += TimeDelta::minutes(1);
    }

    /// Goes on minute by minute.
    async fn until(&self, time: &str) {
        while self.core.now() < at(time) {
            self.minute().await;
            self.tick();
        }
    }

    /// Every try to send so far, as "when, to whom, what"; what wasn't taken and goes otherwise than by mail is said.
    async fn told(&self) -> Vec<String> {
        let filter = MessageFilter { limit: 1000, ..MessageFilter::default() };
        let mut told = Vec::new();
        for listed in self.core.store.messages(filter).await.unwrap() {
            let MessageDetail { message, notice, attempts, .. } =
                self.core.store.message(listed.message.id).await.unwrap();
            let Recipient { name, channel, .. } = message.recipient;
            let by = if channel == ChannelName::mail() { String::new() } else { format!(" by {channel}") };
            for attempt in attempts {
                let came = match attempt.state {
                    MessageState::Sent => String::new(),
                    state => format!(" ({state})"),
                };
                let time = attempt.at.format("%m-%dT%H:%M");
                let line = format!("{time} {name}{by} {}{came}", notice.facts.about());
                told.push((attempt.at, message.id, line));
            }
        }
        told.sort();
        told.into_iter().map(|(_, _, line)| line).collect()
    }
}

async fn load(folder: &Path, clock: &Arc<Mutex<DateTime<Utc>>>, settings: Settings) -> Core {
    let (time, now) = (Arc::clone(clock), *clock.lock().unwrap());
    let (store, _) = Store::open_sled(SledSettings::small(folder), now).await.unwrap();
    Core::load(store, settings, Arc::new(move || *time.lock().unwrap())).await.unwrap()
}

fn opening(title: &str, services: &[&str], severity: Severity) -> Opening {
    let services = services.iter().map(|name| Box::from(*name)).collect();
    Opening { services, severity, ..outage::tests::opening(title) }
}

#[tokio::test]
async fn what_follows_from_an_incident_is_told_only_to_those_who_are_not_told_of_that_until_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut town = Town::new(folder.path(), "10-06T07:00").await;
    appoint(&town.core, OUTAGE, "mia", Place::Subject("mail".into())).await;
    town.open("The net is down", &["net"], Severity::Major).await;
    let mut mail = opening("Mail is down", &["mail"], Severity::Major);
    mail.also = vec!["desk@org.example".parse().unwrap()];
    let order = || Order::Open(mail.clone());
    let seen = carry_out(&town.core, None, order(), &Actor::System, None, true).await.unwrap();
    let told: Vec<&str> = seen.audience.told.iter().map(|told| &*told.name).collect();
    assert_eq!((told, seen.audience.not_told.len()), (vec!["desk@org.example"], 2), "the preview says so");
    town.order(None, order()).await;
    town.until("10-06T07:30").await;
    town.update(2, State::Identified).await;
    town.until("10-06T08:00").await;
    town = town.started_anew().await;
    town.update(1, State::Resolved).await;
    town.until("10-06T08:20").await;
    town.update(2, State::Resolved).await;
    town.until("10-06T08:21").await;
    let about = |state: &str| format!("outage 2 ({state}): Mail is down");
    let mut of_mail = town.told().await;
    of_mail.retain(|line| line.contains(" outage 2 (") && !line.contains("nobody"));
    assert_eq!(
        of_mail,
        [
            format!("10-06T07:00 desk@org.example {}", about("investigating")),
            format!("10-06T07:30 desk@org.example {}", about("identified")),
            format!("10-06T08:10 asa {}", about("identified")),
            format!("10-06T08:10 mia {}", about("identified")),
            format!("10-06T08:20 asa {}", about("resolved")),
            format!("10-06T08:20 desk@org.example {}", about("resolved")),
            format!("10-06T08:20 mia {}", about("resolved")),
        ]
    );
    assert!(town.core.view().inhibited.is_empty());
}

#[tokio::test]
async fn a_silence_holds_over_a_restart_until_it_ends_and_what_was_silent_is_not_told_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T07:00").await;
    let matcher = Matcher { services: ["mail".into()].into(), ..Matcher::default() };
    let until = at("10-06T08:00");
    let new = || NewSilence { matcher: matcher.clone(), from: None, until, why: "known".into() };
    let silence = silences::add(&town.core, new(), &Actor::System).await.unwrap();
    let second = silences::add(&town.core, new(), &Actor::System).await.unwrap();
    assert_eq!((silence.id, second.id), (SilenceId(1), SilenceId(2)));
    silences::remove(&town.core, second.id, &Actor::System, None).await.unwrap();
    let order = Order::Open(opening("Mail", &["mail"], Severity::Critical));
    let seen = carry_out(&town.core, None, order, &Actor::System, None, true).await.unwrap();
    assert_eq!((seen.audience.told.len(), seen.audience.not_told.len()), (0, 1));
    let done = town.open("Mail", &["mail"], Severity::Critical).await;
    assert_eq!(done.committed.unwrap().messages, 0);
    assert!(town.core.view().climbs.is_empty(), "nobody was told, so nobody can have it");
    let state = town.core.store.load().await.unwrap();
    assert_eq!(state.silences.keys().collect::<Vec<_>>(), [&SilenceId(1)]);
    town.until("10-06T08:01").await;
    assert!(town.core.view().silences.is_empty());
    assert_eq!(town.told().await, [""; 0]);
    town.update(1, State::Resolved).await;
    town.until("10-06T08:02").await;
    assert_eq!(town.told().await, ["10-06T08:01 asa outage 1 (resolved): Mail"]);
}

#[tokio::test]
async fn of_a_burst_of_words_the_first_is_told_at_once_and_then_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T07:00").await;
    let outages = Policy { gather: TimeDelta::minutes(2), ..Policy::clone(&settings().outages) };
    town.core.reload(Settings { outages: Arc::new(outages), ..settings() }).await;
    town.open("Mail is slow", &["mail"], Severity::Major).await;
    town.until("10-06T07:01").await;
    town.update(1, State::Identified).await;
    town.until("10-06T07:02").await;
    town.update(1, State::Monitoring).await;
    town.until("10-06T07:10").await;
    town.open("All is down", &[], Severity::Critical).await;
    town.until("10-06T07:11").await;
    town.update(2, State::Identified).await;
    town.until("10-06T07:12").await;
    assert_eq!(
        town.told().await,
        [
            "10-06T07:00 asa outage 1 (investigating): Mail is slow",
            "10-06T07:03 asa outage 1 (monitoring): Mail is slow",
            "10-06T07:10 asa outage 2 (investigating): All is down",
            "10-06T07:11 asa outage 2 (identified): All is down",
        ]
    );
    // Maintenance is told on the minute of its plan.
    let window = Window {
        from: town.core.now() + TimeDelta::minutes(10),
        until: town.core.now() + TimeDelta::hours(1),
    };
    let plan = opening("New disks", &["net"], Severity::Minor);
    town.order(None, Order::Plan { opening: plan, window, by_hand: None }).await;
    town.until("10-06T07:30").await;
    assert_eq!(
        town.told().await[4..],
        [
            "10-06T07:12 asa maintenance 3 (planned): New disks",
            "10-06T07:22 asa maintenance 3 (started): New disks",
        ]
    );
}

#[tokio::test]
async fn what_waits_in_the_evening_does_not_leave_in_the_night_unless_it_is_critical() {
    let folder = tempfile::tempdir().unwrap();
    // Half past nine in the evening, in Stockholm; it is night from ten to six.
    let town = Town::new(folder.path(), "10-06T19:30").await;
    let quiet = Quiet { per_hour: Some(2), ..settings().quiet };
    town.core.reload(Settings { quiet, ..settings() }).await;
    for title in ["A", "B", "C", "D", "E"] {
        town.open(title, &[], Severity::Major).await;
    }
    town.open("All is down", &[], Severity::Critical).await;
    town.until("10-07T07:00").await;
    let of = |title: &str, n: u32| format!("outage {n} (investigating): {title}");
    let mut told = town.told().await;
    told.retain(|line| line.contains(" asa outage "));
    assert_eq!(
        told,
        [
            format!("10-06T19:30 asa {}", of("A", 1)),
            format!("10-06T19:30 asa {}", of("B", 2)),
            format!("10-06T19:30 asa {}", of("All is down", 6)),
            format!("10-07T04:00 asa {}", of("C", 3)),
            format!("10-07T04:00 asa {}", of("D", 4)),
            format!("10-07T05:00 asa {}", of("E", 5)),
        ]
    );
}

#[tokio::test]
async fn what_waits_for_more_until_the_night_waits_for_the_morning_and_is_tried_as_long_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T19:59").await;
    let wait = TimeDelta::minutes(2);
    let outages = Policy { gather: wait, first_waits: wait, ..Policy::clone(&settings().outages) };
    town.core.reload(Settings { outages: Arc::new(outages), ..settings() }).await;
    town.open("Mail is slow", &["mail"], Severity::Major).await;
    town.open("Mail is down", &["mail"], Severity::Critical).await;
    town.until("10-07T04:01").await;
    let filter = MessageFilter { limit: 9, ..MessageFilter::default() };
    let listed = town.core.store.messages(filter).await.unwrap();
    let slow = listed.iter().find(|listed| listed.notice.facts.about().contains("slow")).unwrap();
    assert_eq!(slow.notice.expires, at("10-07T04:00") + settings().expires_after);
    let mut told = town.told().await;
    told.retain(|line| line.contains(" asa outage "));
    assert_eq!(
        told,
        [
            "10-06T19:59 asa outage 2 (investigating): Mail is down",
            "10-07T04:00 asa outage 1 (investigating): Mail is slow",
        ]
    );
}

#[tokio::test]
async fn a_preview_says_by_which_way_and_when_it_leaves() {
    let folder = tempfile::tempdir().unwrap();
    // Three in the morning, in Stockholm.
    let town = Town::new(folder.path(), "10-06T01:00").await;
    let (hook, team) = (ChannelName::from("hook"), ChannelName::from("team"));
    let route = |severity, channels: &[&ChannelName]| Route {
        kinds: [NoticeKind::Outage].into(),
        severity,
        channels: channels.iter().copied().cloned().collect(),
        contacts: vec![],
    };
    let mail = ChannelName::mail();
    let seen = async |severity, routes: Vec<Route>| {
        let channels = [(hook.clone(), Reach::Person), (team.clone(), Reach::Place)].into();
        let routing = Routing { routes, channels, expires: [].into() };
        let quiet = Quiet { channels: [mail.clone()].into(), ..settings().quiet };
        town.core.reload(Settings { routing, quiet, ..settings() }).await;
        let order = Order::Open(Opening { severity, ..outage::tests::opening("No mail") });
        let done = Box::pin(carry_out(&town.core, None, order, &Actor::System, None, true)).await.unwrap();
        let told = |one: &Leaving| done.audience.told.iter().filter(|told| one.reaches(told)).count();
        let line = |one: &Leaving| {
            let until = one.from.map_or("now".to_owned(), |from| from.format("%m-%dT%H:%M").to_string());
            format!("{} by {} {until}, {} told", one.to.name, one.to.channel, told(one))
        };
        done.leaving.iter().map(line).collect::<Vec<_>>()
    };
    let all = || vec![route(Severity::Minor, &[&mail, &hook, &team])];
    let waits = ["asa by mail 10-06T04:00, 1 told", "asa by hook now, 1 told", "team by team now, 0 told"];
    assert_eq!(seen(Severity::Major, all()).await, waits);
    assert_eq!(seen(Severity::Critical, all()).await[0], "asa by mail now, 1 told");
    assert_eq!(
        seen(Severity::Major, vec![route(Severity::Minor, &[&team])]).await,
        ["team by team now, 0 told"]
    );
    assert!(town.told().await.is_empty() && town.core.view().outages.is_empty());
}
