//! What is told to whom at which minute: a month, and the rules one by one.

mod together;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Weekday};
use chrono_tz::Europe::Stockholm;

use super::*;
use crate::domain::alert::Health;
use crate::domain::audit::Actor;
use crate::domain::authority::Caller;
use crate::domain::calendar::OpeningHours;
use crate::domain::climb;
use crate::domain::ids::{ChannelName, NoticeId, OutageId, SilenceId, UnitId};
use crate::domain::locale::{Locale, Locales};
use crate::domain::mailbox::Address;
use crate::domain::notice::{MessageState, NoticeKind};
use crate::domain::outage::maintenance::Window;
use crate::domain::outage::policy::Policy;
use crate::domain::outage::{Opening, Severity, State};
use crate::domain::quiet::Quiet;
use crate::domain::roles::{GLOBAL, Holder, MESSAGE_READER, OUTAGE, Place};
use crate::domain::schedule::Schedule;
use crate::domain::service::Service;
use crate::domain::silence::Matcher;
use crate::flow::assign::{NewAssignment, assign};
use crate::flow::core::Settings;
use crate::flow::outage::{Done, Order, carry_out, clock, inhibit};
use crate::flow::silence::NewSilence;
use crate::flow::{climb as climbs, lasting, silence as silences};
use crate::store::{Attempt, Change, Event, SledSettings, Store};

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00Z").parse().unwrap()
}

fn settings() -> Settings {
    let week =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let usual = OpeningHours::usual(Stockholm, Arc::default());
    let awake =
        week.into_iter().try_fold(usual.clone(), |hours, day| hours.with(day, "06:00-22:00")).unwrap();
    let service = |name: &str, on: &[&str]| Service {
        name: name.into(),
        title: name.into(),
        depends_on: on.iter().map(|name| (*name).into()).collect(),
        owner: None,
        units: vec![],
    };
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
    told: Vec<String>,
}

impl Town {
    async fn new(folder: &Path, now: &str) -> Town {
        let clock = Arc::new(Mutex::new(at(now)));
        let (store, _) = Store::open_sled(SledSettings::small(folder), at(now)).await.unwrap();
        let time = Arc::clone(&clock);
        let core = Core::load(store, settings(), Arc::new(move || *time.lock().unwrap())).await.unwrap();
        let town = Town { core, clock, told: Vec::new() };
        town.holds(OUTAGE, "asa", Place::Organisation).await;
        town.holds(GLOBAL, "boss", Place::Organisation).await;
        town.holds(MESSAGE_READER, "reader", Place::Unit(UnitId::ROOT)).await;
        town
    }

    async fn holds(&self, role: &str, name: &str, place: Place) {
        let mail: Address = format!("{name}@org.example").parse().unwrap();
        let holder = Holder::Outside { name: name.into(), mail };
        assign(&self.core, NewAssignment::new(role, holder, place), &Caller::system(), None).await.unwrap();
    }

    async fn order(&self, id: Option<u64>, order: Order) -> Done {
        carry_out(&self.core, id.map(OutageId), order, &Actor::System, None, false).await.unwrap()
    }

    async fn open(&self, title: &str, services: &[&str], severity: Severity) -> Done {
        self.order(None, Order::Open(opening(title, services, severity))).await
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

    /// Everything that a minute brings, and what leaves in it.
    async fn minute(&mut self) {
        clock::tick(&self.core).await.unwrap();
        inhibit::release(&self.core).await.unwrap();
        climbs::tick(&self.core).await.unwrap();
        lasting::tick(&self.core).await.unwrap();
        silences::tick(&self.core).await.unwrap();
        let (now, mail) = (self.core.now(), ChannelName::mail());
        if self.core.store.next_due(&mail).await.unwrap().is_none_or(|due| due > now) {
            return;
        }
        let claimed = self.core.store.claim_due(&mail, now, now + TimeDelta::hours(1), 100).await.unwrap();
        let mut attempts = Vec::new();
        for claimed in claimed {
            let (message, number) = (claimed.message.id, claimed.message.attempts);
            let to = &claimed.message.recipient.name;
            let idle = climbs::is_idle(&self.core, &claimed.notice).await.unwrap();
            let state = if idle { MessageState::Cancelled } else { MessageState::Sent };
            if !idle {
                self.told.push(format!(
                    "{} {to} {}",
                    now.format("%m-%dT%H:%M"),
                    claimed.notice.facts.about()
                ));
            }
            attempts.push(Attempt { message, number, at: now, state, answer: "".into(), due: None });
        }
        self.core.store.record_attempts(attempts).await.unwrap();
    }

    /// Goes on minute by minute.
    async fn until(&mut self, time: &str) {
        while self.core.now() < at(time) {
            self.minute().await;
            *self.clock.lock().unwrap() += TimeDelta::minutes(1);
        }
    }
}

fn opening(title: &str, services: &[&str], severity: Severity) -> Opening {
    let services = services.iter().map(|name| Box::from(*name)).collect();
    Opening {
        title: title.into(),
        text: "".into(),
        severity,
        services,
        units: vec![],
        also: vec![],
        ack: false,
    }
}

#[tokio::test]
async fn a_month_with_everything_at_its_minute() {
    let folder = tempfile::tempdir().unwrap();
    let mut town = Town::new(folder.path(), "10-05T06:59").await;
    town.until("10-05T07:00").await;
    // From midnight to four by the clocks of the night in which they go back: five hours.
    let window = Window { from: at("10-24T22:00"), until: at("10-25T03:00") };
    let plan = opening("New disks", &["net"], Severity::Minor);
    town.order(None, Order::Plan { opening: plan, window, by_hand: None }).await;
    town.until("10-07T14:30").await;
    town.open("Mail is slow", &["mail"], Severity::Major).await;
    town.until("10-08T10:00").await;
    town.update(2, State::Resolved).await;
    // Saturday, two o'clock in the night.
    town.until("10-10T00:00").await;
    town.open("All is down", &[], Severity::Critical).await;
    town.until("10-10T01:30").await;
    climbs::acknowledge(&town.core, NoticeId(6), "reader", &Actor::System, None).await.unwrap();
    town.until("10-10T03:00").await;
    town.update(3, State::Resolved).await;
    // One o'clock in the night.
    town.until("10-12T23:00").await;
    town.open("A printer", &[], Severity::Minor).await;
    town.until("10-12T23:20").await;
    town.update(4, State::Identified).await;
    town.until("10-12T23:50").await;
    town.update(4, State::Resolved).await;
    town.until("10-14T08:00").await;
    town.failing(1).await;
    town.until("10-17T08:00").await;
    town.failing(0).await;
    town.until("11-01T00:00").await;
    let told = [
        "10-05T07:00 asa maintenance 1 (planned): New disks",
        "10-07T14:30 asa outage 2 (investigating): Mail is slow",
        // An hour of working time: to four, and from eight on.
        "10-08T07:00 reader nobody has it: outage 2 (investigating): Mail is slow",
        "10-08T10:00 asa outage 2 (resolved): Mail is slow",
        "10-10T00:00 asa outage 3 (investigating): All is down",
        "10-10T01:00 reader nobody has it: outage 3 (investigating): All is down",
        "10-10T03:00 asa outage 3 (resolved): All is down",
        // Six in the morning, and of three words the last.
        "10-13T04:00 asa outage 4 (resolved): A printer",
        "10-16T05:00 boss 1 small things that last",
        "10-17T05:00 boss 1 small things that last",
        "10-18T04:00 asa maintenance 1 (reminded): New disks",
        "10-24T04:00 asa maintenance 1 (reminded): New disks",
        // In the morning it would be over.
        "10-24T22:00 asa maintenance 1 (started): New disks",
        "10-25T05:00 asa maintenance 1 (completed): New disks",
    ];
    assert_eq!(town.told, told);
    assert!(town.core.view().climbs.is_empty() && town.core.view().outages.is_empty());
}

#[tokio::test]
async fn what_follows_from_an_incident_is_told_only_to_those_who_are_not_told_of_that_until_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut town = Town::new(folder.path(), "10-06T07:00").await;
    town.holds(OUTAGE, "mia", Place::Subject("mail".into())).await;
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
    // A daemon that knows only what is stored.
    town.core.store.close().await;
    let told = std::mem::take(&mut town.told);
    let (clock, now) = (Arc::clone(&town.clock), town.core.now());
    let (store, _) = Store::open_sled(SledSettings::small(folder.path()), now).await.unwrap();
    let core = Core::load(store, settings(), Arc::new(move || *clock.lock().unwrap())).await.unwrap();
    town = Town { core, clock: town.clock, told };
    town.update(1, State::Resolved).await;
    town.until("10-06T08:20").await;
    town.update(2, State::Resolved).await;
    town.until("10-06T08:21").await;
    let about = |state: &str| format!("outage 2 ({state}): Mail is down");
    let of_mail: Vec<String> = town
        .told
        .iter()
        .filter(|line| line.contains(" outage 2 (") && !line.contains("nobody"))
        .map(ToString::to_string)
        .collect();
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
    let mut town = Town::new(folder.path(), "10-06T07:00").await;
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
    assert!(town.core.view().silences.is_empty() && town.told.is_empty(), "{:?}", town.told);
    town.update(1, State::Resolved).await;
    town.until("10-06T08:02").await;
    assert_eq!(town.told, ["10-06T08:01 asa outage 1 (resolved): Mail"]);
}

#[tokio::test]
async fn of_a_burst_of_words_the_first_is_told_at_once_and_then_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut town = Town::new(folder.path(), "10-06T07:00").await;
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
        town.told,
        [
            "10-06T07:00 asa outage 1 (investigating): Mail is slow",
            "10-06T07:04 asa outage 1 (monitoring): Mail is slow",
            "10-06T07:10 asa outage 2 (investigating): All is down",
            "10-06T07:11 asa outage 2 (identified): All is down",
        ]
    );
    // Maintenance is told on the minute of its plan.
    town.told.clear();
    let window = Window {
        from: town.core.now() + TimeDelta::minutes(10),
        until: town.core.now() + TimeDelta::hours(1),
    };
    let plan = opening("New disks", &["net"], Severity::Minor);
    town.order(None, Order::Plan { opening: plan, window, by_hand: None }).await;
    town.until("10-06T07:30").await;
    assert_eq!(
        town.told,
        [
            "10-06T07:12 asa maintenance 3 (planned): New disks",
            "10-06T07:22 asa maintenance 3 (started): New disks",
        ]
    );
}
