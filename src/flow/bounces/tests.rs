//! From a mail that comes back to what is told of it, and what isn't sent any more.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::channel::message::{Composer, From};
use crate::channel::{Channel, FileChannel};
use crate::domain::authority::Caller;
use crate::domain::bounce::Policy;
use crate::domain::ids::{ChannelName, MessageId};
use crate::domain::notice::{ContactSummary, EventKey, Facts, MessageState, NewNotice, Recipient};
use crate::domain::outage::{Opening, Severity, tests::opening};
use crate::domain::roles::{GLOBAL, Holder, OUTAGE, Place};
use crate::flow::assign::{NewAssignment, assign};
use crate::flow::channels::{self, Senders};
use crate::flow::core::Settings;
use crate::flow::deliver::{Sender, Terms};
use crate::flow::outage;
use crate::source::returned::{Maildir, Stopwatch};
use crate::store::{MessageDetail, SledSettings, Store};

struct World {
    core: Core,
    clock: Arc<Mutex<DateTime<Utc>>>,
    folder: tempfile::TempDir,
    bounces: Bounces,
    senders: Senders,
}

impl World {
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        for name in ["out", "back", "back/new", "back/cur"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let start: DateTime<Utc> = "2026-07-06T08:00:00Z".parse().unwrap();
        let clock = Arc::new(Mutex::new(start));
        let (store, _) = Store::open_sled(SledSettings::small(folder.path()), start).await.unwrap();
        let policy = Policy { window: TimeDelta::days(14), mark_for: TimeDelta::days(30) };
        let settings = Settings { bounces: Some(policy), ..Settings::default() };
        let time = Arc::clone(&clock);
        let core = Core::load(store, settings, Arc::new(move || *time.lock().unwrap())).await.unwrap();
        make_key(&core).await.unwrap();
        let back = ReturnedMails::Maildir(Maildir {
            folder: folder.path().join("back"),
            stopwatch: Stopwatch::new(|| Duration::ZERO),
        });
        let from = From { name: None, address: "it@x.example".parse().unwrap(), reply_to: None };
        let composer = Composer::new(from, "Org", "", None).unwrap();
        let channel = Channel::File(FileChannel::new(folder.path().join("out")));
        let sender = Sender::new(ChannelName::mail(), channel, composer, Terms::default());
        let world = World {
            core,
            clock,
            bounces: Bounces::new(Some(back)),
            senders: Senders::new(vec![sender]),
            folder,
        };
        for (role, name) in [(OUTAGE, "asa"), (GLOBAL, "bo")] {
            let mail = format!("{name}@x.example").parse().unwrap();
            let new =
                NewAssignment::new(role, Holder::Outside { name: name.into(), mail }, Place::Organisation);
            assign(&world.core, new, &Caller::system(), None).await.unwrap();
        }
        world
    }

    fn pass(&self, time: TimeDelta) {
        *self.clock.lock().unwrap() += time;
    }

    /// Tells Åsa something, sends all there is, and gives the message to her.
    async fn tell(&self, what: &str) -> MessageDetail {
        let since = self.core.now();
        let facts =
            Facts::ContactSummary(ContactSummary { since, people: 1, units: 1, users: 1, roles: vec![] });
        self.tell_of(what, facts).await
    }

    async fn tell_of(&self, what: &str, facts: Facts) -> MessageDetail {
        let to = Recipient::by_mail("Åsa", "asa@x.example".parse().unwrap(), "outage");
        let event = EventKey(what.into());
        let notice = NewNotice::new(event, facts, vec![to], self.core.now() + TimeDelta::days(2));
        let event = Event { at: self.core.now(), change: Change::None, notices: vec![notice], audit: None };
        let told = self.core.turn().await.commit(event, |_, _, _| {}).await.unwrap();
        self.send().await;
        let filter = crate::store::MessageFilter {
            notice: told.notices.first().copied(),
            limit: 1,
            ..Default::default()
        };
        let id = self.core.store.messages(filter).await.unwrap()[0].message.id;
        self.core.store.message(id).await.unwrap()
    }

    async fn send(&self) {
        let sender = Arc::clone(&self.senders.all()[&ChannelName::mail()]);
        sender
            .drain(&self.core, &CancellationToken::new(), &|| {}, &|_| Box::pin(std::future::ready(())))
            .await
            .unwrap();
    }

    /// The last mail that left, as the server that couldn't deliver it returns it.
    fn comes_back(&self, to: &str, action: &str, status: &str) {
        let mut files: Vec<_> =
            fs::read_dir(self.folder.path().join("out")).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        let mail = fs::read_to_string(files.last().unwrap()).unwrap();
        let headers = mail.split_once("\r\n\r\n").unwrap().0;
        let report = format!(
            "To: it@x.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n\
             Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\n{headers}\r\n\r\n--b--\r\n"
        );
        let name = format!("back/new/{}", self.core.now().timestamp_micros());
        let file = self.folder.path().join(name);
        fs::write(&file, report).unwrap();
        fs::File::options().write(true).open(file).unwrap().set_modified(self.core.now().into()).unwrap();
    }

    async fn look(&self) {
        self.bounces.look(&self.core, &SourceName::from(NAME)).await.unwrap();
    }

    async fn state_of(&self, id: MessageId) -> MessageState {
        self.core.store.message(id).await.unwrap().message.state
    }
}

#[tokio::test]
async fn a_mail_that_comes_back_fails_marks_the_address_and_is_told() {
    let world = World::new().await;
    // What was given up before anybody looked is no news.
    channels::tick(&world.core, &world.senders).await.unwrap();
    let first = world.tell("one").await;
    assert_eq!(first.message.state, MessageState::Sent);
    world.pass(TimeDelta::minutes(20));
    world.comes_back("asa@x.example", "failed", "5.1.1");
    world.look().await;
    let failed = world.core.store.message(first.message.id).await.unwrap();
    assert_eq!(failed.message.state, MessageState::Failed);
    assert!(
        failed.attempts.last().unwrap().answer.contains("it came back: 5.1.1 550 no such user"),
        "{failed:?}"
    );
    let state = world.bounces.state().unwrap();
    assert_eq!((state.read, state.bounces, state.trouble), (1, 1, None));
    assert_eq!(fs::read_dir(world.folder.path().join("back/new")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(world.folder.path().join("back/cur")).unwrap().count(), 1);

    // The next one isn't even tried; a restart knows that, too.
    let second = world.tell("two").await;
    assert_eq!(second.message.state, MessageState::Failed);
    assert!(second.message.answer.unwrap().contains("budkavle outbox address clear asa@x.example"));
    // A preview knows it, and that it is tried all the same when it is critical.
    for (severity, kept) in [(Severity::Major, true), (Severity::Critical, false)] {
        let order = outage::Order::Open(Opening { severity, ..opening("No mail") });
        let done = outage::carry_out(&world.core, None, order, &Actor::System, None, true).await.unwrap();
        let marks: Vec<bool> = done.leaving.iter().map(|one| one.mark.is_some()).collect();
        assert_eq!(marks, [kept], "{severity}");
    }
    let loaded = world.core.store.load().await.unwrap();
    assert_eq!(loaded.marks, world.core.view().marks);
    assert_eq!(loaded.marks.iter().map(|mark| mark.times).collect::<Vec<_>>(), [1]);
    assert_eq!(loaded.return_key, world.core.view().return_key);

    let address = |text: &str| text.parse::<Address>().unwrap();
    assert!(clear(&world.core, &address("bo@x.example"), &Actor::System).await.is_err());
    clear(&world.core, &address("ASA@x.example"), &Actor::System).await.unwrap();
    assert_eq!(world.tell("three").await.message.state, MessageState::Sent);
    assert!(world.core.store.audit(None, 9).await.unwrap().iter().any(|e| &*e.action == "address cleared"));
}

#[tokio::test]
async fn outages_that_came_back_are_told_to_those_who_answer_for_notices() {
    let world = World::new().await;
    channels::tick(&world.core, &world.senders).await.unwrap();
    let opening = Opening {
        title: "Mail is down".into(),
        text: "".into(),
        severity: Severity::Major,
        services: vec![],
        units: vec![],
        also: vec![],
        ack: false,
    };
    let order = outage::Order::Open(opening);
    outage::carry_out(&world.core, None, order, &Actor::System, None, false).await.unwrap();
    world.send().await;
    world.pass(TimeDelta::minutes(20));
    world.comes_back("asa@x.example", "failed", "5.1.1");
    world.look().await;
    world.pass(TimeDelta::minutes(2));
    channels::tick(&world.core, &world.senders).await.unwrap();
    let filter = crate::store::MessageFilter { limit: 9, ..Default::default() };
    let listed = world.core.store.messages(filter).await.unwrap();
    let told: Vec<_> = listed.iter().filter(|l| matches!(l.notice.facts, Facts::Undelivered(_))).collect();
    assert_eq!(told.len(), 1, "{listed:?}");
    assert_eq!(told[0].message.recipient.to_string(), "bo@x.example");
}

#[tokio::test]
async fn delays_and_full_mailboxes_mark_nothing_and_a_mark_ends_by_itself() {
    let world = World::new().await;
    let first = world.tell("one").await.message.id;
    world.comes_back("asa@x.example", "delayed", "4.2.2");
    world.look().await;
    assert_eq!(world.state_of(first).await, MessageState::Sent);
    world.pass(TimeDelta::seconds(1));
    world.comes_back("asa@x.example", "failed", "5.2.2");
    world.look().await;
    assert_eq!(world.state_of(first).await, MessageState::Failed);
    assert!(world.core.view().marks.is_empty());

    world.pass(TimeDelta::minutes(1));
    let second = world.tell("two").await.message.id;
    world.comes_back("bo@x.example", "failed", "5.1.1");
    world.look().await;
    assert_eq!(world.state_of(second).await, MessageState::Sent, "it speaks of somebody else");
    world.pass(TimeDelta::days(15));
    world.comes_back("asa@x.example", "failed", "5.1.1");
    world.look().await;
    assert_eq!(world.state_of(second).await, MessageState::Sent, "it comes too late");

    world.tell("three").await;
    world.comes_back("asa@x.example", "failed", "5.1.1");
    world.look().await;
    assert_eq!(world.core.view().marks.len(), 1);
    world.pass(TimeDelta::days(31));
    assert_eq!(world.tell("four").await.message.state, MessageState::Sent);
    // What isn't let go of yet keeps nothing from being sent, and isn't said to.
    assert_eq!((in_force(&world.core).len(), world.core.view().marks.len()), (0, 1));
    world.bounces.tidy(&world.core).await.unwrap();
    assert!(world.core.view().marks.is_empty());
}

#[tokio::test]
async fn a_marked_address_is_told_all_the_same_what_must_not_get_lost() {
    let world = World::new().await;
    world.tell("one").await;
    world.comes_back("asa@x.example", "failed", "5.1.1");
    world.look().await;
    assert_eq!(world.tell("two").await.message.state, MessageState::Failed);
    let since = world.core.now();
    let broken = Facts::ChannelBroken { channel: "sms".into(), since, reason: "down".into() };
    assert_eq!(world.tell_of("broken", broken).await.message.state, MessageState::Sent);
    let rebuilt = Facts::StoreRebuilt { damage: "bits".into(), export_from: None, aside: "/x".into() };
    assert_eq!(world.tell_of("rebuilt", rebuilt).await.message.state, MessageState::Sent);
}

#[tokio::test]
async fn without_a_mailbox_no_mark_counts_and_all_end_by_themselves() {
    let world = World::new().await;
    world.tell("one").await;
    world.comes_back("asa@x.example", "failed", "5.1.1");
    world.look().await;
    assert_eq!(in_force(&world.core).len(), 1);
    world.core.reload(Settings::default()).await;
    assert_eq!(in_force(&world.core).len(), 0);
    world.bounces.tidy(&world.core).await.unwrap();
    assert_eq!(world.core.view().marks.len(), 1, "there may be a mailbox again");
    world.pass(TimeDelta::days(31));
    world.bounces.tidy(&world.core).await.unwrap();
    assert!(world.core.view().marks.is_empty());
}

#[tokio::test]
async fn what_is_read_late_counts_and_what_comes_early_waits() {
    let world = World::new().await;
    let first = world.tell("one").await.message.id;
    world.comes_back("asa@x.example", "failed", "5.2.2");
    // The mailbox couldn't be read for a month.
    world.pass(TimeDelta::days(30));
    world.look().await;
    assert_eq!(world.state_of(first).await, MessageState::Failed);

    let again = crate::store::MessageOrder::Retry { lives: TimeDelta::days(2) };
    world.core.store.order_message(first, again, world.core.now(), None).await.unwrap();
    world.comes_back("asa@x.example", "failed", "5.2.2");
    world.look().await;
    let waits = || fs::read_dir(world.folder.path().join("back/new")).unwrap().count();
    assert_eq!((world.state_of(first).await, waits()), (MessageState::Queued, 1));
    world.send().await;
    assert_eq!(world.state_of(first).await, MessageState::Sent);
    world.look().await;
    assert_eq!((world.state_of(first).await, waits()), (MessageState::Failed, 0));
}

#[tokio::test]
async fn addresses_are_cleared_by_domain_or_all_at_once() {
    let world = World::new().await;
    world.tell("one").await;
    world.comes_back("asa@x.example", "failed", "5.1.1");
    world.look().await;
    assert_eq!(clear_all(&world.core, Some("y.example"), &Actor::System).await.unwrap().len(), 0);
    assert_eq!(clear_all(&world.core, Some("X.example"), &Actor::System).await.unwrap().len(), 1);
    assert!(world.core.view().marks.is_empty());
    let loaded = world.core.store.load().await.unwrap();
    assert!(loaded.marks.is_empty());
}

#[tokio::test]
async fn when_many_come_back_at_once_the_messages_fail_and_few_addresses_are_marked() {
    let world = World::new().await;
    let first = world.tell("one").await.message;
    let marks = (0..10).map(|n| Mark {
        address: format!("a{n}@x.example").parse().unwrap(),
        since: world.core.now(),
        last: world.core.now(),
        times: 1,
        message: first.id,
        status: "5.1.1".into(),
        answer: "550 5.1.1 unknown in relay recipient table".into(),
    });
    for mark in marks {
        let id = world.tell(&mark.address.to_string()).await.message.id;
        let bounce = Bounce {
            message: id,
            fate: Fate::Failed,
            answer: "it came back".into(),
            mark: Some(mark.clone()),
        };
        let change = Change::Bounce(Box::new(bounce));
        let event = Event { at: world.core.now(), change, notices: Vec::new(), audit: None };
        world.core.turn().await.commit(event, |view, _, _| view.marks.put(mark)).await.unwrap();
    }
    world.pass(TimeDelta::seconds(1));
    let last = world.tell("last").await.message.id;
    world.comes_back("asa@x.example", "failed", "5.1.1");
    world.look().await;
    assert_eq!(world.state_of(last).await, MessageState::Failed);
    assert_eq!(world.core.view().marks.len(), 10);
    assert_eq!(world.bounces.state().unwrap().unmarked, Some(world.core.now()));
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_trouble_and_comes_right() {
    let world = World::new().await;
    let back = world.folder.path().join("back");
    fs::rename(&back, world.folder.path().join("away")).unwrap();
    world.look().await;
    assert!(world.bounces.state().unwrap().trouble.unwrap().contains("can't be used"));
    assert!(world.bounces.last(&SourceName::from(NAME)).1);
    fs::rename(world.folder.path().join("away"), &back).unwrap();
    world.look().await;
    assert_eq!(world.bounces.state().unwrap().trouble, None);
}

/// Nested in a mail that is encoded, and in more than the stack of a thread holds; on a small one.
#[test]
fn no_nesting_is_too_deep() {
    let inner = format!("{}Subject: x\n\ny\n", "Content-Type:message/rfc822\n\n".repeat(6_000));
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, inner);
    let mails = [
        format!("Content-Type:message/rfc822\nContent-Transfer-Encoding:base64\n\n{encoded}"),
        "Content-Type:message/rfc822\n\n".repeat(9_039),
        "Content-Type:multipart/mixed; boundary=a\n\n--a\n".repeat(5_000),
    ];
    let reading =
        move || mails.iter().map(|mail| bounce::read(mail.as_bytes()).unwrap_err()).collect::<Vec<_>>();
    let small = std::thread::Builder::new().stack_size(256 * 1024).spawn(reading).unwrap();
    assert_eq!(small.join().unwrap(), [Ignored::NoReport, Ignored::NoReport, Ignored::NoReport]);
}
