//! Who waits for whom when something fails: one message, a domain, a server, the sender.

use super::faults::{OFFERS, details, settings};
use super::*;
use crate::channel::SmtpChannel;
use crate::domain::audit::Actor;
use crate::domain::calendar::OpeningHours;
use crate::domain::ids::OutageId;
use crate::domain::locale::{Locale, Locales};
use crate::domain::outage::State;
use crate::domain::quiet::Quiet;
use crate::flow::outage;
use crate::store::MessageDetail;

/// A mail channel to a scripted server.
pub(super) fn mail_to(fake: &Fake) -> Sender {
    let channel = Channel::Smtp(SmtpChannel::new(settings(fake)).unwrap());
    Sender::new(ChannelName::mail(), channel, composer(), Terms::default())
}

/// A server that says this to the first so many of a verb.
async fn says(verb: &'static str, times: usize, line: &str) -> Fake {
    let act = Act::Say(format!("{line}\r\n").into_bytes());
    let script = (1..=times).fold(Script::new(OFFERS), |script, n| script.at(verb, n, act.clone()));
    Fake::start(vec![script]).await
}

/// Tells people of y.example something, by a channel.
async fn tell(world: &World, channel: &str, names: &[&str], is_urgent: bool) {
    let facts = match is_urgent {
        true => Facts::StoreRebuilt { damage: "".into(), export_from: None, aside: "".into() },
        false => Facts::Test { by: "asa".into(), at: start() },
    };
    let person = |name: &&str| Recipient {
        channel: channel.into(),
        ..Recipient::by_mail(*name, format!("{name}@y.example").parse().unwrap(), "test")
    };
    let event = EventKey(format!("{channel}/{}", names.join("/")).into());
    let expires = world.core.now() + TimeDelta::days(2);
    let notice = NewNotice::new(event, facts, names.iter().map(person).collect(), expires);
    let event = Event { at: world.core.now(), change: Change::None, notices: vec![notice], audit: None };
    world.core.store.commit_event(event).await.unwrap();
}

fn states(details: &[MessageDetail]) -> Vec<(&str, MessageState)> {
    details.iter().map(|d| (&*d.message.recipient.name, d.message.state)).collect()
}

/// Lets a minute pass so many times, with what is to be done in each.
async fn minutes(world: &World, senders: &Senders, count: usize) {
    for _ in 0..count {
        for sender in senders.all().values() {
            world.drain(sender).await;
        }
        channels::tick(&world.core, senders).await.unwrap();
        world.pass(TimeDelta::minutes(1));
    }
}

#[tokio::test]
async fn a_refused_sender_breaks_the_channel_loses_nothing_and_is_told_by_another() {
    for (verb, line) in [
        ("RCPT", "554 5.7.1 <p@y.example>: Relay access denied"),
        ("RCPT", "553 5.7.1 <budkavle@x.example>: Sender address rejected: not owned by user it"),
        (".", "554 5.2.252 SendAsDenied; it@x.example not allowed to send as budkavle@x.example"),
        ("DATA", "550 relay not permitted"),
    ] {
        let world = World::with(outages_by(&["one"])).await;
        let fake = says(verb, 4, line).await;
        let senders = Senders::new(vec![mail_to(&fake), world.command("one")]);
        let mail = Arc::clone(&senders.all()[&ChannelName::mail()]);
        world.tell("refused", "y.example", 5).await;
        assert_eq!(world.drain(&mail).await, Sent { sent: 0, deferred: 5, failed: 0 });
        assert_eq!(fake.log().count("MAIL"), 3, "several in a row are enough");
        let pause = mail.pause(world.core.now()).unwrap();
        assert!(line.contains(&*pause.reason), "{}", pause.reason);
        channels::tick(&world.core, &senders).await.unwrap();
        let told = world.messages().await;
        assert_eq!(told[5..], ["one by one: the channel mail works for nobody, queued"]);
        // It is no better for the next one, and then it is mended.
        world.pass(TimeDelta::minutes(10));
        assert_eq!(world.drain(&mail).await.sent, 0);
        world.pass(TimeDelta::minutes(10));
        assert_eq!(world.drain(&mail).await.sent, 5, "{line}");
        channels::tick(&world.core, &senders).await.unwrap();
        let told = world.messages().await;
        assert_eq!(told[6..], ["bo by mail: the channel mail works again, queued"]);
    }
}

#[tokio::test]
async fn one_stuck_mailbox_holds_up_nobody_of_its_domain() {
    let world = World::with(Routing::default()).await;
    let fake = says("RCPT", 100, "452 4.2.2 mailbox full").await;
    let senders = Senders::new(vec![mail_to(&fake)]);
    let mail = Arc::clone(&senders.all()[&ChannelName::mail()]);
    tell(&world, "mail", &["full"], false).await;
    for _ in 0..7 {
        assert_eq!(world.drain(&mail).await.deferred, 1);
        world.pass(TimeDelta::hours(2));
    }
    assert!(!matches!(mail.condition(), Condition::Broken { .. }), "one that is stuck is no channel");
    tell(&world, "mail", &["new"], false).await;
    let tried = fake.log().count("RCPT");
    world.drain(&mail).await;
    assert_eq!(fake.log().count("RCPT"), tried + 2, "it isn't put back");
}

#[tokio::test]
async fn one_number_that_a_gateway_fails_at_holds_up_no_other() {
    let world = World::with(outages_by(&["one"])).await;
    let lines = format!("grep -q bad@ && exit 75; echo x >> {}", world.log("one").display());
    let one = script("one", lines, Terms::default());
    tell(&world, "one", &["bad"], false).await;
    for _ in 0..7 {
        assert_eq!(world.drain(&one).await.deferred, 1);
        world.pass(TimeDelta::hours(2));
    }
    assert_eq!((one.pause(world.core.now()), one.condition()), (None, Condition::Unknown));
    tell(&world, "one", &["good"], false).await;
    assert_eq!(world.drain(&one).await, Sent { sent: 1, deferred: 1, failed: 0 });
}

#[tokio::test]
async fn a_server_that_defers_everything_is_told_as_broken() {
    for (verb, line) in [
        ("RCPT", "450 4.7.25 Client host rejected: cannot find your hostname"),
        ("MAIL", "452 4.3.1 Insufficient system storage"),
        (".", "451 4.3.0 try again"),
    ] {
        let world = World::with(outages_by(&["one"])).await;
        let fake = says(verb, 1_000, line).await;
        let senders = Senders::new(vec![mail_to(&fake), world.command("one")]);
        world.tell("deferred", "y.example", 4).await;
        minutes(&world, &senders, 14).await;
        assert_eq!(world.messages().await.len(), 4, "{verb}");
        minutes(&world, &senders, 20).await;
        let told = world.messages().await;
        assert_eq!(told[4..], ["one by one: the channel mail works for nobody, sent"], "{verb}");
    }
}

#[tokio::test]
async fn what_is_urgent_finds_out_at_once_whether_the_other_side_is_back() {
    let world = World::with(outages_by(&["one"])).await;
    let one = world.command("one");
    fs::write(world.act("one"), "75").unwrap();
    world.tell_by("one", 20).await;
    // It has rested often enough to rest for long.
    for _ in 0..8 {
        world.drain(&one).await;
        let until = one.resumes(world.core.now()).unwrap();
        assert!(until - world.core.now() <= TimeDelta::minutes(6));
        *world.clock.lock().unwrap() = until;
    }
    world.drain(&one).await;
    let tried = || world.ids("one").len();
    let before = tried();
    tell(&world, "one", &["u1", "u2", "u3"], true).await;
    for (passed, probes) in [(0, 1), (0, 1), (30, 1), (31, 2), (59, 2)] {
        world.pass(TimeDelta::seconds(passed));
        world.drain(&one).await;
        assert_eq!(tried(), before + probes, "one a minute, and none of the others");
    }
    assert!(one.looks_again(world.core.now()).unwrap() <= world.core.now() + TimeDelta::minutes(1));
    fs::write(world.act("one"), "0").unwrap();
    world.pass(TimeDelta::seconds(2));
    assert!(world.drain(&one).await.sent > 0);
    assert_eq!(one.resumes(world.core.now()), None);
    world.pass(TimeDelta::minutes(1));
    world.drain(&one).await;
    let all = details(&world).await;
    let urgent = states(&all)[20..].to_vec();
    assert!(urgent.iter().all(|(_, state)| *state == MessageState::Sent), "{urgent:?}");
}

#[tokio::test]
async fn what_an_operator_orders_is_tried_at_once_and_no_pause_is_long() {
    let world = World::with(outages_by(&["one"])).await;
    let one = world.command("one");
    fs::write(world.act("one"), "78").unwrap();
    world.tell_by("one", 20).await;
    for _ in 0..9 {
        world.drain(&one).await;
        let until = one.pause(world.core.now()).unwrap().until;
        assert!(until - world.core.now() <= TimeDelta::minutes(6), "{until}");
        *world.clock.lock().unwrap() = until;
    }
    world.drain(&one).await;
    fs::write(world.act("one"), "0").unwrap();
    assert_eq!(world.drain(&one).await, Sent::default());
    // A test, say.
    tell(&world, "one", &["ordered"], false).await;
    assert_eq!(world.drain(&one).await, Sent::default());
    one.lift(world.core.now());
    assert_eq!(world.drain(&one).await.sent, 1);
    assert_eq!(one.condition(), Condition::Works { at: world.core.now() });
}

#[tokio::test]
async fn that_something_is_being_looked_into_does_not_arrive_after_that_it_is_resolved() {
    let world = World::with(outages_by(&["one", "two"])).await;
    let (one, two) = (world.command("one"), world.command("two"));
    fs::write(world.act("one"), "75").unwrap();
    world.open(Severity::Major).await;
    world.drain(&one).await;
    world.drain(&two).await;
    world.pass(TimeDelta::minutes(1));
    let resolved = outage::Order::Update { text: "".into(), state: Some(State::Resolved) };
    outage::carry_out(&world.core, Some(OutageId(1)), resolved, &Actor::System, None, false).await.unwrap();
    fs::write(world.act("one"), "0").unwrap();
    for _ in 0..3 {
        world.drain(&one).await;
        world.drain(&two).await;
        world.pass(TimeDelta::hours(2));
    }
    let about = |state| format!("outage 1 ({state}): Mail is down");
    assert_eq!(
        world.messages().await,
        [
            format!("one by one: {}, cancelled", about("investigating")),
            format!("two by two: {}, sent", about("investigating")),
            format!("one by one: {}, sent", about("resolved")),
            format!("two by two: {}, sent", about("resolved")),
        ]
    );
}

#[tokio::test]
async fn the_urgent_does_not_wait_for_the_end_of_a_batch_that_goes_slowly() {
    let world = World::with(outages_by(&["one"])).await;
    let (log, go) = (world.log("one"), world.folder.path().join("go"));
    let lines = format!(
        "grep -o '\"name\":\"[^\"]*' >> {0}; [ \"$(wc -l < {0})\" = 1 ] && while [ ! -e {1} ]; do :; done; exit 0",
        log.display(),
        go.display()
    );
    let one = script("one", lines, Terms::default());
    tell(&world, "one", &["a", "b", "c"], false).await;
    let others = async {
        world.begun("one").await;
        world.pass(TimeDelta::seconds(10));
        tell(&world, "one", &["urgent"], true).await;
        fs::write(&go, "").unwrap();
    };
    let (sent, ()) = tokio::join!(world.drain(&one), others);
    assert_eq!(sent.sent, 4);
    let names: Vec<String> = world.ids("one").iter().map(|line| line.replace("\"name\":\"", "")).collect();
    assert_eq!(names, ["a", "urgent", "b", "c"]);
    assert_eq!(
        one.batch.load(Ordering::Relaxed),
        BATCH / 2,
        "what came between says nothing of how fast it goes"
    );
}

#[tokio::test]
async fn what_is_claimed_goes_on_when_the_urgent_can_not_be_looked_for() {
    let world = World::with(outages_by(&["one"])).await;
    let one = world.command("one");
    tell(&world, "one", &["a", "b"], false).await;
    let (core, never) = (&world.core, CancellationToken::new());
    let next = async |waiting| one.next(core, &never, &|_| Box::pin(std::future::pending()), waiting).await;
    let (first, _, waiting) = next(VecDeque::new()).await.unwrap().unwrap();
    world.pass(TimeDelta::seconds(10));
    world.core.store.close().await;
    let (second, _, waiting) = next(waiting).await.unwrap().unwrap();
    assert_eq!([&*first.message.recipient.name, &*second.message.recipient.name], ["a", "b"]);
    assert!(waiting.is_empty());
}

#[tokio::test]
async fn after_a_reload_the_limit_of_the_last_minute_holds() {
    let world = World::with(Routing::default()).await;
    world.tell("many", "y.example", 7).await;
    let terms = || Terms { per_minute: Some(3), ..Terms::default() };
    let senders = Senders::new(vec![world.mail(terms())]);
    let mail = || Arc::clone(&senders.all()[&ChannelName::mail()]);
    assert_eq!(world.drain(&mail()).await.sent, 3);
    senders.replace(vec![world.mail(terms())]);
    assert_eq!(world.drain(&mail()).await.sent, 0);
    world.pass(TimeDelta::minutes(1));
    assert_eq!(world.drain(&mail()).await.sent, 3);
}

#[tokio::test]
async fn what_is_not_critical_is_tried_again_in_the_morning_and_not_in_the_night() {
    for (severity, expires_after, again) in [
        (Severity::Major, TimeDelta::days(2), "2026-07-07T04:00:00Z"),
        (Severity::Critical, TimeDelta::days(2), "2026-07-06T"),
        // It would be given up before.
        (Severity::Major, TimeDelta::hours(8), "2026-07-06T"),
    ] {
        let world = World::with(Routing::default()).await;
        let usual = OpeningHours::usual(chrono_tz::Europe::Stockholm, Arc::default());
        let awake = [chrono::Weekday::Mon, chrono::Weekday::Tue]
            .into_iter()
            .try_fold(usual, |hours, day| hours.with(day, "06:00-22:00"))
            .unwrap();
        let quiet = Quiet { awake: Some(awake), ..Quiet::default() };
        let zone = chrono_tz::Europe::Stockholm;
        let locales = Locales { organisation: Locale { zone, ..Locale::default() }, rules: vec![] };
        world.core.reload(Settings { quiet, zone, locales, expires_after, ..Settings::default() }).await;
        // A second before ten in the evening, on their clocks.
        world.pass("2026-07-06T19:59:59Z".parse::<DateTime<Utc>>().unwrap() - start());
        let fake = says("RCPT", 1, "451 4.7.1 come back later").await;
        world.open(severity).await;
        assert_eq!(world.drain(&mail_to(&fake)).await.deferred, 1);
        let due = details(&world).await[0].message.due;
        assert!(
            due.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).starts_with(again),
            "{severity}: {due}"
        );
    }
}
