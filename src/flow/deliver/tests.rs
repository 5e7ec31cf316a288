//! What leaves when: channels that don't wait for each other, limits, rests, and what is told of them.

mod failing;
mod faults;
mod later;
mod together;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::faults::OFFERS;
use super::*;
use crate::channel::CommandChannel;
use crate::channel::fake::{Act, Fake, Script};
use crate::domain::delivery::Condition;
use crate::domain::notice::{EventKey, Facts, NewNotice, NoticeKind, Recipient};
use crate::domain::outage::Severity;
use crate::domain::roles::{GLOBAL, OUTAGE, Place};
use crate::domain::route::{Reach, Route, Routing};
use crate::flow::channels::{self, Senders};
use crate::flow::core::Settings;
use crate::flow::testing::{appoint, composer, drain, mailer, open_outage};
use crate::store::{Change, Event, MessageFilter, SledSettings, Store};

type Clock = Arc<Mutex<DateTime<Utc>>>;

fn start() -> DateTime<Utc> {
    "2026-07-06T08:00:00Z".parse().unwrap()
}

struct World {
    core: Core,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl World {
    async fn with(routing: Routing) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Mutex::new(start()));
        let settings = SledSettings::small(folder.path());
        let (store, _) = Store::open_sled(settings, start()).await.unwrap();
        let time = Arc::clone(&clock);
        let settings = Settings { routing, ..Settings::default() };
        let core = Core::load(store, settings, Arc::new(move || *time.lock().unwrap())).await.unwrap();
        let world = World { core, clock, folder };
        appoint(&world.core, OUTAGE, "asa", Place::Organisation).await;
        appoint(&world.core, GLOBAL, "bo", Place::Organisation).await;
        world
    }

    fn pass(&self, time: TimeDelta) {
        *self.clock.lock().unwrap() += time;
    }

    async fn open(&self, severity: Severity) {
        open_outage(&self.core, "Mail is down", &[], severity).await;
    }

    /// Tells so many people of `domain` something.
    async fn tell(&self, event: &str, domain: &str, people: usize) {
        let mail = |n| format!("p{n}@{domain}").parse().unwrap();
        let event = EventKey(event.into());
        let notice = NewNotice::new(
            event,
            Facts::Test { by: "asa".into(), at: start() },
            (0..people).map(|n| Recipient::by_mail("P", mail(n), "test")).collect(),
            start() + TimeDelta::days(2),
        );
        let event = Event { at: self.core.now(), change: Change::None, notices: vec![notice], audit: None };
        self.core.store.commit_event(event).await.unwrap();
    }

    /// Tells so many people something by a channel.
    async fn tell_by(&self, channel: &str, people: usize) {
        let event = EventKey("by".into());
        let person = |n| Recipient {
            channel: channel.into(),
            ..Recipient::by_mail("P", format!("p{n}@x.example").parse().unwrap(), "test")
        };
        let notice = NewNotice::new(
            event,
            Facts::Test { by: "asa".into(), at: start() },
            (0..people).map(person).collect(),
            start() + TimeDelta::days(2),
        );
        let event = Event { at: self.core.now(), change: Change::None, notices: vec![notice], audit: None };
        self.core.store.commit_event(event).await.unwrap();
    }

    /// How often each message was tried, and how many tries are in its log; the first message first.
    async fn tries(&self) -> Vec<(u32, usize)> {
        let filter = MessageFilter { limit: 1000, ..MessageFilter::default() };
        let mut tries = Vec::new();
        for listed in self.core.store.messages(filter).await.unwrap().iter().rev() {
            let detail = self.core.store.message(listed.message.id).await.unwrap();
            tries.push((detail.message.attempts, detail.attempts.len()));
        }
        tries
    }

    fn mail(&self, terms: Terms) -> Sender {
        mailer(self.folder.path(), terms)
    }

    /// A program that notes the id of each message and does as the file `act` beside it says.
    fn command(&self, name: &str) -> Sender {
        let (act, log) = (self.act(name), self.log(name));
        fs::write(&act, "0").unwrap();
        let lines = format!(
            "cat > /dev/null; echo \"$BUDKAVLE_MESSAGE_ID\" >> {}; exit $(cat {})",
            log.display(),
            act.display()
        );
        script(name, lines, Terms::default())
    }

    fn act(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{name}.act"))
    }

    fn log(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn ids(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.log(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until a channel that is a program has begun with a message.
    async fn begun(&self, name: &str) {
        let begun = async {
            while self.ids(name).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), begun).await.unwrap();
    }

    async fn drain(&self, sender: &Sender) -> Sent {
        drain(&self.core, sender).await
    }

    /// Every message as "recipient by channel: what, state", the oldest first.
    async fn messages(&self) -> Vec<String> {
        let filter = MessageFilter { limit: 1000, ..MessageFilter::default() };
        let mut all: Vec<String> = self
            .core
            .store
            .messages(filter)
            .await
            .unwrap()
            .iter()
            .map(|l| {
                let r = &l.message.recipient;
                format!("{} by {}: {}, {}", r.name, r.channel, l.notice.facts.about(), l.message.state)
            })
            .collect();
        all.reverse();
        all
    }
}

/// Lines for a shell as a channel.
fn script(name: &str, lines: String, terms: Terms) -> Sender {
    let command = CommandChannel::new("/bin/sh".into(), vec!["-c".into(), lines], Duration::from_secs(60));
    Sender::new(name.into(), Channel::Command(command), composer(), terms)
}

fn mails(folder: &Path) -> usize {
    fs::read_dir(folder.join("mails")).map(Iterator::count).unwrap_or(0)
}

fn outages_by(channels: &[&str]) -> Routing {
    let route = Route {
        kinds: [NoticeKind::Outage].into(),
        severity: Severity::Minor,
        contacts: vec![],
        channels: channels.iter().map(|name| ChannelName::from(*name)).collect(),
    };
    let reach = channels.iter().filter(|name| **name != "mail");
    let channels = reach.map(|name| (ChannelName::from(*name), Reach::Place)).collect();
    Routing { routes: vec![route], channels, expires: BTreeMap::new() }
}

#[tokio::test]
async fn a_channel_that_fails_repeats_no_other_and_its_message_comes_once_with_the_same_id() {
    let world = World::with(outages_by(&["mail", "one", "two"])).await;
    world.open(Severity::Major).await;
    let (mail, one, two) = (world.mail(Terms::default()), world.command("one"), world.command("two"));
    fs::write(world.act("two"), "75").unwrap();
    for sender in [&mail, &one, &two] {
        world.drain(sender).await;
    }
    assert_eq!((mails(world.folder.path()), world.ids("one").len(), world.ids("two").len()), (1, 1, 1));
    fs::write(world.act("two"), "0").unwrap();
    world.pass(TimeDelta::minutes(5));
    for sender in [&mail, &one, &two] {
        world.drain(sender).await;
    }
    assert_eq!((mails(world.folder.path()), world.ids("one").len()), (1, 1));
    let ids = world.ids("two");
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
    assert_ne!(world.ids("one")[0], ids[0]);
    let about = "outage 1 (investigating): Mail is down, sent";
    assert_eq!(
        world.messages().await,
        [format!("asa by mail: {about}"), format!("one by one: {about}"), format!("two by two: {about}")]
    );
}

#[tokio::test]
async fn no_more_leave_in_a_minute_than_are_allowed() {
    let world = World::with(Routing::default()).await;
    for (round, connections) in [(1, 2), (2, 100)] {
        world.tell(&format!("many{round}"), "y.example", 7).await;
        let mail = world.mail(Terms { per_minute: Some(3), connections, ..Terms::default() });
        for sent in [3, 3, 1, 0] {
            assert_eq!(world.drain(&mail).await.sent, sent);
            assert_eq!(world.drain(&mail).await.sent, 0);
            world.pass(TimeDelta::seconds(60));
        }
        assert_eq!(mails(world.folder.path()), round * 7);
    }
}

#[tokio::test]
async fn a_broken_channel_pauses_and_is_told_once_by_another_and_its_recovery_once() {
    let world = World::with(outages_by(&["one"])).await;
    world.open(Severity::Major).await;
    let senders = Senders::new(vec![world.mail(Terms::default()), world.command("one")]);
    fs::write(world.act("one"), "78").unwrap();
    let drain = async || {
        for sender in senders.all().values() {
            world.drain(sender).await;
        }
        channels::tick(&world.core, &senders).await.unwrap();
    };
    for _ in 0..3 {
        drain().await;
    }
    assert_eq!(world.ids("one").len(), 1, "it pauses");
    let one = Arc::clone(&senders.all()[&ChannelName::from("one")]);
    let since = one.pause(world.core.now()).unwrap().since;
    world.pass(TimeDelta::minutes(10));
    drain().await;
    assert_eq!((world.ids("one").len(), one.pause(world.core.now()).unwrap().since), (2, since));
    fs::write(world.act("one"), "0").unwrap();
    world.pass(TimeDelta::minutes(30));
    for _ in 0..3 {
        drain().await;
    }
    assert_eq!(
        world.messages().await,
        [
            "one by one: outage 1 (investigating): Mail is down, sent",
            "bo by mail: the channel one works for nobody, sent",
            "bo by mail: the channel one works again, sent",
        ]
    );
}

#[tokio::test]
async fn what_is_given_up_is_told_in_one_notice_and_that_is_not_told_of_itself() {
    let world = World::with(outages_by(&["one"])).await;
    let senders = Senders::new(vec![world.mail(Terms::default()), world.command("one")]);
    fs::write(world.act("one"), "65").unwrap();
    let fail = async |outages| {
        for _ in 0..outages {
            world.open(Severity::Major).await;
        }
        world.drain(&senders.all()[&ChannelName::from("one")]).await;
    };
    // What was given up before anybody looked is no news.
    fail(1).await;
    world.pass(TimeDelta::minutes(2));
    channels::tick(&world.core, &senders).await.unwrap();
    world.pass(TimeDelta::minutes(20));
    fail(3).await;
    channels::tick(&world.core, &senders).await.unwrap();
    assert_eq!(world.messages().await.len(), 4, "not before others of the burst can be there");
    for _ in 0..12 {
        world.pass(TimeDelta::minutes(2));
        channels::tick(&world.core, &senders).await.unwrap();
    }
    let told = world.messages().await;
    assert_eq!(told[4..], ["bo by mail: 3 messages that were given up, queued"]);
    // Nobody takes the mail with it, and it expires: that is told once by another channel, and when that is given up as well, nobody is told any more.
    world.pass(TimeDelta::days(3));
    world.drain(&senders.all()[&ChannelName::mail()]).await;
    for _ in 0..6 {
        world.pass(TimeDelta::minutes(20));
        channels::tick(&world.core, &senders).await.unwrap();
        world.drain(&senders.all()[&ChannelName::from("one")]).await;
    }
    let told = world.messages().await;
    assert_eq!(
        told[4..],
        [
            "bo by mail: 3 messages that were given up, expired",
            "one by one: a message that was given up, failed",
        ]
    );
}

#[tokio::test]
async fn a_message_that_finds_the_channel_broken_holds_up_no_other() {
    let world = World::with(outages_by(&["one"])).await;
    world.tell_by("one", 5).await;
    let lines = format!("grep -q p0@ && exit 78; echo x >> {}", world.log("one").display());
    let one = script("one", lines, Terms::default());
    assert_eq!(world.drain(&one).await, Sent { sent: 0, deferred: 5, failed: 0 });
    assert!(one.pause(world.core.now()).is_some());
    world.pass(TimeDelta::minutes(5));
    assert_eq!(world.drain(&one).await, Sent { sent: 4, deferred: 1, failed: 0 });
    assert_eq!(world.ids("one").len(), 4);
    // The channel has shown that it works: it is the message that doesn't.
    assert!(one.pause(world.core.now()).is_none());
    assert_eq!(one.condition(), Condition::Works { at: world.core.now() });
    assert_eq!(world.tries().await, [(2, 2), (1, 1), (1, 1), (1, 1), (1, 1)]);
}

#[tokio::test]
async fn while_the_other_side_takes_nothing_one_at_a_time_is_tried_and_the_rest_left_alone() {
    let world = World::with(Routing::default()).await;
    world.tell("away", "y.example", 6).await;
    let hangs_up = Script::new(OFFERS).at("greeting", 1, Act::SayAndCut(Vec::new()));
    let fake = Fake::start(vec![hangs_up]).await;
    let one = failing::mail_to(&fake);
    for tried in [3, 4, 5] {
        world.drain(&one).await;
        assert_eq!(world.drain(&one).await, Sent::default());
        assert_eq!(fake.log().connections, tried);
        let until = one.resumes(world.core.now()).unwrap();
        assert_eq!(one.pause(world.core.now()).unwrap().until, until);
        *world.clock.lock().unwrap() = until;
    }
    // Nobody was claimed only to be put back, and what was is as if it hadn't been.
    let tries = world.tries().await;
    assert_eq!(tries.iter().map(|(count, _)| *count).sum::<u32>(), 5, "{tries:?}");
    assert!(tries.iter().all(|(count, logged)| usize::try_from(*count).unwrap() == *logged), "{tries:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_told_as_broken_and_what_is_given_up_by_what_works() {
    let mut routing = outages_by(&["one"]);
    routing.routes[0].kinds.insert(NoticeKind::Delivery);
    routing.expires = BTreeMap::from([(NoticeKind::Outage, TimeDelta::hours(1))]);
    let world = World::with(routing).await;
    let senders = Senders::new(vec![world.mail(Terms::default()), world.command("one")]);
    channels::tick(&world.core, &senders).await.unwrap();
    world.open(Severity::Major).await;
    fs::write(world.act("one"), "75").unwrap();
    let minutes = async |count| {
        for _ in 0..count {
            for sender in senders.all().values() {
                world.drain(sender).await;
            }
            channels::tick(&world.core, &senders).await.unwrap();
            world.pass(TimeDelta::minutes(1));
        }
    };
    minutes(14).await;
    let outage = "one by one: outage 1 (investigating): Mail is down";
    assert_eq!(world.messages().await, [format!("{outage}, deferred")]);
    minutes(120).await;
    assert_eq!(
        world.messages().await,
        [
            &format!("{outage}, expired"),
            "bo by mail: the channel one works for nobody, sent",
            "bo by mail: a message that was given up, sent",
        ]
    );
    let since = start()..start() + TimeDelta::minutes(1);
    let condition = senders.all()[&ChannelName::from("one")].condition();
    assert!(matches!(&condition, Condition::Broken { since: at, .. } if since.contains(at)), "{condition:?}");
}

#[tokio::test]
async fn after_a_reload_the_old_sender_begins_with_nothing_more() {
    let world = World::with(outages_by(&["one"])).await;
    world.tell_by("one", 3).await;
    let go = world.folder.path().join("go");
    let lines = format!(
        "cat > /dev/null; echo x >> {}; while [ ! -e {} ]; do :; done",
        world.log("one").display(),
        go.display()
    );
    let senders = Senders::new(vec![script("one", lines, Terms::default())]);
    let name = ChannelName::from("one");
    let old = Arc::clone(&senders.all()[&name]);
    let others = async {
        tokio::time::timeout(Duration::from_secs(60), async {
            while world.ids("one").is_empty() {
                tokio::task::yield_now().await;
            }
            let lines = format!("cat > /dev/null; echo x >> {}", world.log("two").display());
            senders.replace(vec![script("one", lines, Terms::default())]);
            while world.core.store.queue_counts().await.unwrap().get(&MessageState::Queued) != Some(&2) {
                tokio::task::yield_now().await;
            }
            let new = Arc::clone(&senders.all()[&name]);
            assert_eq!(world.drain(&new).await.sent, 2, "while the old one still sends its last");
            fs::write(&go, "").unwrap();
        })
        .await
        .unwrap();
    };
    let (old, ()) = tokio::join!(world.drain(&old), others);
    assert_eq!((old.sent, old.deferred, world.ids("one").len(), world.ids("two").len()), (1, 2, 1, 2));
    assert_eq!(world.tries().await, [(1, 1), (1, 1), (1, 1)]);
}

#[tokio::test]
async fn what_becomes_due_goes_beside_what_is_stuck() {
    let world = World::with(outages_by(&["one"])).await;
    world.open(Severity::Major).await;
    // The first one waits for a file; the others don't.
    let (log, go) = (world.log("one"), world.folder.path().join("go"));
    let lines = format!(
        "cat > /dev/null; echo x >> {0}; [ \"$(wc -l < {0})\" = 1 ] && while [ ! -e {1} ]; do :; done; exit 0",
        log.display(),
        go.display()
    );
    let one = script("one", lines, Terms { connections: 2, ..Terms::default() });
    let (one, stop) = (Arc::new(one), CancellationToken::new());
    let woken = Arc::clone(&one);
    let idle = move |_| -> BoxFuture<'static, ()> {
        let one = Arc::clone(&woken);
        Box::pin(async move { one.wake.notified().await })
    };
    let draining = one.drain(&world.core, &stop, &|| {}, &idle);
    let others = async {
        let counts = async |count: u64| {
            tokio::time::timeout(Duration::from_secs(60), async {
                while world
                    .core
                    .store
                    .queue_counts()
                    .await
                    .unwrap()
                    .get(&MessageState::Sent)
                    .copied()
                    .unwrap_or(0)
                    < count
                {
                    tokio::task::yield_now().await;
                }
            })
            .await
            .unwrap();
        };
        while world.ids("one").is_empty() {
            tokio::task::yield_now().await;
        }
        world.open(Severity::Major).await;
        one.wake.notify_one();
        counts(1).await;
        assert_eq!(world.ids("one").len(), 2, "the second one didn't wait");
        fs::write(&go, "").unwrap();
        counts(2).await;
    };
    let (sent, ()) = tokio::join!(draining, others);
    assert_eq!(sent.unwrap().sent, 2);
}
