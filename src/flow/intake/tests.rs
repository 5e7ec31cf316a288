use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::What;
use super::alertmanager::Alertmanager;
use super::feeds::{FeedSettings, Feeds, Polled};
use super::heartbeats::{HeartbeatError, Heartbeats};
use crate::domain::audit::Actor;
use crate::domain::authority::Caller;
use crate::domain::ids::{FeedName, OutageId};
use crate::domain::intake::decide::Why;
use crate::domain::intake::heartbeat::{Job, Life};
use crate::domain::intake::{Component, Policy, alertmanager};
use crate::domain::notice::Facts;
use crate::domain::outage::edit::Correction;
use crate::domain::outage::said::Said;
use crate::domain::outage::{Outage, Severity, State, Update};
use crate::domain::roles::{Holder, OUTAGE, Place};
use crate::domain::testing::service;
use crate::flow::assign::{NewAssignment, assign};
use crate::flow::core::{Core, Settings};
use crate::flow::kept::Looked;
use crate::flow::outage::{Order, carry_out};
use crate::source::feed::{FeedFormat, FeedSource};
use crate::source::fetch::web::Server;
use crate::store::{MessageFilter, SledSettings, Store};

type Clock = Arc<Mutex<DateTime<Utc>>>;

fn clock() -> Clock {
    Clock::new(Mutex::new("2026-07-06T08:00:00Z".parse().unwrap()))
}

fn pass(clock: &Clock, minutes: i64) {
    *clock.lock().unwrap() += TimeDelta::minutes(minutes);
}

async fn start(folder: &Path, clock: &Clock) -> Core {
    let now = *clock.lock().unwrap();
    let (store, _) = Store::open_sled(SledSettings::small(folder), now).await.unwrap();
    let services = [service("mail", &[]), service("storage", &[])].into_iter().collect();
    let policy = crate::domain::outage::policy::Policy { services: Arc::new(services), ..Default::default() };
    let settings = Settings { outages: Arc::new(policy), ..Settings::default() };
    let clock = Arc::clone(clock);
    Core::load(store, settings, Arc::new(move || *clock.lock().unwrap())).await.unwrap()
}

async fn contact(core: &Core) {
    let holder = Holder::Outside { name: "asa".into(), mail: "asa@org.example".parse().unwrap() };
    assign(core, NewAssignment::new(OUTAGE, holder, Place::Organisation), &Caller::system(), None)
        .await
        .unwrap();
}

/// What was told, the first first: which state of which outage.
async fn told(core: &Core) -> Vec<String> {
    let mut all =
        core.store.messages(MessageFilter { limit: 1000, ..MessageFilter::default() }).await.unwrap();
    all.sort_by_key(|listed| listed.message.id);
    let line = |listed: crate::store::Listed| match &listed.notice.facts {
        Facts::OutageWord(word) => format!("{} {}", word.id, word.state),
        other => panic!("{other:?}"),
    };
    all.into_iter().map(line).collect()
}

async fn outage(core: &Core, id: u64) -> Outage {
    core.store.outage(OutageId(id)).await.unwrap()
}

/// Every one of them, however it ended.
async fn outages(core: &Core) -> usize {
    core.store.outages(1000, false).await.unwrap().len()
}

fn name() -> FeedName {
    "cloud".into()
}

fn feeds(server: &Server, path: &str, format: FeedFormat) -> Feeds {
    let source = FeedSource {
        location: server.at(path),
        format,
        tls: server.trust(),
        timeout: Duration::from_secs(20),
    };
    let components = vec![Component { name: "API".into(), service: Some("mail".into()) }];
    let policy = Policy { components, most: 3, ..Policy::default() };
    Feeds::new([(name(), FeedSettings { source, policy })].into())
}

async fn poll(core: &Core, feeds: &Feeds) -> Polled {
    feeds.poll(core, &name(), false).await.unwrap()
}

/// A page with incidents: key, state, what is said, and when.
fn page(incidents: &[(&str, &str, &str, &str)]) -> Vec<u8> {
    let incident = |(id, status, body, at): &(&str, &str, &str, &str)| {
        serde_json::json!({
            "id": id, "name": format!("API {id}"), "status": status, "impact": "critical", "updated_at": at,
            "incident_updates": [{ "body": body, "created_at": at }], "components": [{ "name": "API" }],
            "shortlink": "https://s.example/x",
        })
    };
    let incidents: Vec<_> = incidents.iter().map(incident).collect();
    serde_json::json!({ "incidents": incidents }).to_string().into_bytes()
}

const NOW: &str = "2026-07-06T07:55:00Z";

#[tokio::test]
async fn a_server_that_only_knows_when_it_changed_is_asked_for_what_has() {
    let (server, folder, clock) = (Server::start().await, tempfile::tempdir().unwrap(), clock());
    let core = start(folder.path(), &clock).await;
    let feed = feeds(&server, "/summary.json", FeedFormat::Statuspage);
    let says = |time: &str, said: &str| {
        let headers = [("last-modified", time)];
        server.says("/summary.json", 200, &headers, &page(&[("a", "investigating", said, NOW)]));
    };
    says("Mon, 06 Jul 2026 07:55:00 GMT", "We look.");
    assert!(!poll(&core, &feed).await.unchanged);
    assert!(poll(&core, &feed).await.unchanged);
    assert_eq!(server.asked().last().unwrap()["if-modified-since"], "Mon, 06 Jul 2026 07:55:00 GMT");
    says("Mon, 06 Jul 2026 07:59:00 GMT", "Better.");
    assert!(!poll(&core, &feed).await.unchanged);
}

#[tokio::test]
async fn an_incident_of_a_feed_is_told_once_over_restarts_with_its_words_and_its_end() {
    let (server, folder, clock) = (Server::start().await, tempfile::tempdir().unwrap(), clock());
    let mut core = start(folder.path(), &clock).await;
    contact(&core).await;
    let feed = || feeds(&server, "/summary.json", FeedFormat::Statuspage);
    server.says(
        "/summary.json",
        200,
        &[("etag", "\"1\"")],
        &page(&[("a", "investigating", "We look.", NOW)]),
    );

    let dry = feed().poll(&core, &name(), true).await.unwrap();
    assert_eq!((dry.taken.done.len(), outages(&core).await, dry.dry_run), (1, 0, true), "{dry:?}");
    let first = poll(&core, &feed()).await;
    assert_eq!(
        (first.taken.done[0].outage, first.taken.done[0].messages),
        (Some(OutageId(1)), 1),
        "{first:?}"
    );
    for _ in 0..2 {
        core.store.close().await;
        core = start(folder.path(), &clock).await;
        let again = poll(&core, &feed()).await;
        assert_eq!((again.unchanged, again.taken.done.len(), &again.trouble), (true, 0, &None), "{again:?}");
    }
    assert_eq!(server.asked().last().unwrap()["if-none-match"], "\"1\"");
    let opened = outage(&core, 1).await;
    assert_eq!((&*opened.title, opened.severity), ("API a", Severity::Critical));
    assert_eq!(
        (&*opened.services, opened.updates[0].by.to_string()),
        (&["mail".into()][..], "feed cloud".into())
    );
    assert_eq!(&*opened.updates[0].text, "We look.\n\nhttps://s.example/x");

    server.says("/summary.json", 200, &[("etag", "\"2\"")], &page(&[("a", "monitoring", "Better.", NOW)]));
    poll(&core, &feed()).await;
    server.says("/summary.json", 200, &[("etag", "\"3\"")], &page(&[]));
    poll(&core, &feed()).await;
    pass(&clock, 29);
    assert!(poll(&core, &feed()).await.taken.done.is_empty());
    pass(&clock, 1);
    assert!(poll(&core, &feed()).await.unchanged);
    assert_eq!(told(&core).await, ["1 investigating", "1 monitoring", "1 resolved"]);
    let audit = core.store.audit(None, 10).await.unwrap();
    assert!(audit.iter().filter(|entry| entry.by.to_string() == "feed cloud").count() == 3, "{audit:?}");
}

#[tokio::test]
async fn whatever_a_server_answers_nothing_is_opened_or_closed_by_accident() {
    let (server, folder, clock) = (Server::start().await, tempfile::tempdir().unwrap(), clock());
    let core = start(folder.path(), &clock).await;
    let feeds = feeds(&server, "/s", FeedFormat::Statuspage);
    server.says("/s", 200, &[], &page(&[("a", "investigating", "We look.", NOW)]));
    poll(&core, &feeds).await;
    let mut large = page(&[("b", "investigating", "x", NOW)]);
    large.resize(10 << 20, b' ');
    server.says("/round", 302, &[("location", "/round")], b"");
    let flood: Vec<String> = (0..900).map(|n| format!("k{n}")).collect();
    let flood: Vec<_> = flood.iter().map(|key| (&**key, "investigating", "x", NOW)).collect();
    let away = "https://127.0.0.1:1/elsewhere";
    for (status, headers, body, words) in [
        (200, vec![], large, "more than 2097152 bytes"),
        (200, vec![], b"<!doctype html><title>Down for maintenance</title>".to_vec(), "a page for people"),
        (
            200,
            vec![],
            page(&[("b", "investigating", "x", NOW)])[..60].to_vec(),
            "not the JSON of a Statuspage",
        ),
        (500, vec![], page(&[]), "answered 500"),
        (204, vec![], vec![], "answered 204"),
        (304, vec![], vec![], "answered 304"),
        (302, vec![("location", "/round")], vec![], "from address to address"),
        (302, vec![("location", away)], vec![], "another host"),
    ] {
        server.says("/s", status, &headers, &body);
        let polled = poll(&core, &feeds).await;
        assert!(polled.trouble.as_ref().unwrap().contains(words), "{words}: {polled:?}");
        assert_eq!(feeds.state(&name()).trouble, polled.trouble);
        pass(&clock, 60);
        assert_eq!((core.view().outages.len(), outages(&core).await), (1, 1), "{words}");
    }
    // Nor is what the server says well, but can't be meant.
    server.says("/s", 200, &[("etag", "\"1\"")], &page(&flood));
    let polled = poll(&core, &feeds).await;
    assert!(polled.trouble.unwrap().contains("900 more outages"), "{:?}", polled.taken);
    assert_eq!(outages(&core).await, 1);
    let ahead = [
        ("c", "investigating", "x", "2036-01-01T00:00:00Z"),
        ("d", "investigating", "x", "2016-01-01T00:00:00Z"),
    ];
    server.says("/s", 200, &[("etag", "\"2\"")], &page(&ahead));
    let polled = poll(&core, &feeds).await;
    let why: Vec<Why> = polled.taken.left.iter().map(|left| left.why).collect();
    assert_eq!(
        (why, polled.unchanged),
        (vec![Why::Future, Why::Old], false),
        "the flood isn't taken for read"
    );
    assert_eq!(outages(&core).await, 1);
    assert!(!poll(&core, &feeds).await.unchanged, "what lies in the future is looked at again");
    server.says("/s", 200, &[], &page(&[("a", "resolved", "Done.", NOW)]));
    poll(&core, &feeds).await;
    assert_eq!((core.view().outages.len(), feeds.state(&name()).trouble), (0, None));
}

#[tokio::test]
async fn a_feed_that_is_gone_from_the_configuration_leaves_its_outages_to_people() {
    let (server, folder, clock) = (Server::start().await, tempfile::tempdir().unwrap(), clock());
    let core = start(folder.path(), &clock).await;
    let feeds = feeds(&server, "/s", FeedFormat::Statuspage);
    server.says("/s", 200, &[], &page(&[("a", "investigating", "We look.", NOW)]));
    poll(&core, &feeds).await;
    let before = [(name(), feeds.settings_of(&name()).unwrap())];
    feeds.replace([].into());
    for _ in 0..2 {
        feeds.tidy(&core).await.unwrap();
        assert_eq!((core.view().intake.feeds.len(), core.view().outages.len()), (0, 1));
    }
    // Put back it goes on, and opens nothing beside what is open.
    feeds.replace(before.into());
    feeds.tidy(&core).await.unwrap();
    assert_eq!((poll(&core, &feeds).await.taken.done.len(), outages(&core).await), (0, 1));
    server.says("/s", 200, &[], &page(&[("a", "identified", "More.", NOW)]));
    assert_eq!(poll(&core, &feeds).await.taken.done[0].outage, Some(OutageId(1)));
    feeds.replace([].into());
    close(&core, 1).await;
    feeds.tidy(&core).await.unwrap();
    assert_eq!(*core.view().intake, Default::default(), "of what is closed nothing is left");
    core.store.close().await;
    assert_eq!(*start(folder.path(), &clock).await.view().intake, Default::default());
}

/// A person closes it.
async fn close(core: &Core, id: u64) {
    let order = Order::Update { text: "Not ours.".into(), state: Some(State::Resolved) };
    carry_out(core, Some(OutageId(id)), order, &Actor::System, None, false).await.unwrap();
}

#[tokio::test]
async fn a_component_that_a_vendor_adds_brings_its_service_once_and_not_against_people() {
    let (server, folder, clock) = (Server::start().await, tempfile::tempdir().unwrap(), clock());
    let core = start(folder.path(), &clock).await;
    contact(&core).await;
    let feeds = feeds(&server, "/s", FeedFormat::Statuspage);
    let mut settings = feeds.settings_of(&name()).unwrap();
    settings.policy.components.push(Component { name: "Disks".into(), service: Some("storage".into()) });
    feeds.replace([(name(), settings)].into());
    let says = |components: &[&str]| {
        let text = String::from_utf8(page(&[("a", "investigating", "We look.", NOW)])).unwrap();
        let mut page: serde_json::Value = serde_json::from_str(&text).unwrap();
        page["incidents"][0]["components"] =
            components.iter().map(|name| serde_json::json!({ "name": name })).collect();
        server.says("/s", 200, &[], page.to_string().as_bytes());
    };
    says(&["API"]);
    poll(&core, &feeds).await;
    assert_eq!(&*outage(&core, 1).await.services, ["mail".into()]);
    says(&["API", "Disks"]);
    let dry = feeds.poll(&core, &name(), true).await.unwrap().taken.done;
    assert_eq!((dry[0].what, &*dry[0].services), (What::Widened, &["storage".into()][..]));
    assert_eq!(outage(&core, 1).await.services.len(), 1);
    let widened = poll(&core, &feeds).await.taken.done;
    assert_eq!((widened[0].what, widened[0].messages), (What::Widened, 1));
    assert_eq!(&*outage(&core, 1).await.services, ["mail".into(), "storage".into()]);
    assert_eq!(poll(&core, &feeds).await.taken.done, []);
    // Somebody here knows better.
    let correction = Correction { services: Some(vec!["mail".into()]), ..Correction::default() };
    carry_out(&core, Some(OutageId(1)), Order::Edit { correction, tell: false }, &Actor::System, None, false)
        .await
        .unwrap();
    assert_eq!(poll(&core, &feeds).await.taken.done, []);
    assert_eq!(&*outage(&core, 1).await.services, ["mail".into()]);
}

#[tokio::test]
async fn what_somebody_closed_here_is_not_opened_again() {
    let (server, folder, clock) = (Server::start().await, tempfile::tempdir().unwrap(), clock());
    let core = start(folder.path(), &clock).await;
    let feeds = feeds(&server, "/s", FeedFormat::Statuspage);
    server.says("/s", 200, &[], &page(&[("a", "investigating", "We look.", NOW)]));
    poll(&core, &feeds).await;
    close(&core, 1).await;
    server.says("/s", 200, &[], &page(&[("a", "identified", "More.", NOW)]));
    let polled = poll(&core, &feeds).await;
    assert_eq!(polled.taken.left[0].why, Why::ClosedByHand);
    assert_eq!((outages(&core).await, polled.trouble), (1, None));
}

fn job() -> Job {
    Job {
        name: "backup".into(),
        title: "the backup".into(),
        every: TimeDelta::hours(24),
        grace: TimeDelta::hours(2),
        severity: Severity::Major,
        services: vec!["storage".into()],
        units: vec![],
    }
}

#[tokio::test]
async fn a_sign_of_life_that_does_not_come_is_told_once_and_so_is_its_return() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let mut core = start(folder.path(), &clock).await;
    contact(&core).await;
    let jobs = || [("backup".into(), job())].into();
    let mut beats = Heartbeats::new(jobs(), core.now());
    beats.tick(&core).await.unwrap();
    assert_eq!(beats.next(&core), Some(core.now() + TimeDelta::hours(26)));
    beats.heard(&core, "backup").await.unwrap();
    pass(&clock, 26 * 60 - 1);
    beats.tick(&core).await.unwrap();
    assert_eq!(outages(&core).await, 0);
    pass(&clock, 1);
    for _ in 0..3 {
        beats.tick(&core).await.unwrap();
        core.store.close().await;
        core = start(folder.path(), &clock).await;
        beats = Heartbeats::new(jobs(), core.now());
    }
    assert_eq!(told(&core).await, ["1 investigating"]);
    let opened = outage(&core, 1).await;
    assert_eq!(
        (&*opened.title, &*opened.services),
        ("No sign of life from the backup", &["storage".into()][..])
    );
    assert_eq!(
        &*opened.updates[0].text,
        "the backup should give a sign of life every 1day. The last one came 6 Jul 2026 08:00 UTC."
    );
    assert_eq!(opened.updates[0].by.to_string(), "heartbeat backup");
    let said = |update: &Update| update.said.clone().unwrap();
    let Said::NoSign { job, every: 86_400, last, .. } = said(&opened.updates[0]) else {
        panic!("{opened:?}")
    };
    assert_eq!((&*job, last), ("the backup", Some(*clock.lock().unwrap() - TimeDelta::hours(26))));
    let line = beats.heard(&core, "backup").await.unwrap();
    assert!(matches!(line.life, Life::Due(_)) && line.outage.is_none(), "{line:?}");
    let back = Said::Sign { job, before: last };
    assert_eq!(said(&outage(&core, 1).await.updates[1]), back);
    assert_eq!(told(&core).await, ["1 investigating", "1 resolved"]);
    // Once more is a new incident.
    pass(&clock, 26 * 60);
    beats.tick(&core).await.unwrap();
    assert_eq!(told(&core).await[2..], ["2 investigating"]);
    let unknown = beats.heard(&core, "bakcup").await.unwrap_err();
    assert!(matches!(unknown, HeartbeatError::NoJob(..)), "{unknown}");
    assert!(unknown.to_string().contains("there are: backup"));
}

#[tokio::test]
async fn a_daemon_that_was_away_does_not_blame_the_jobs() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let core = start(folder.path(), &clock).await;
    let jobs = || [("backup".into(), job())].into();
    let beats = Heartbeats::new(jobs(), core.now());
    beats.tick(&core).await.unwrap();
    beats.heard(&core, "backup").await.unwrap();
    core.store.close().await;
    pass(&clock, 3 * 24 * 60);
    let core = start(folder.path(), &clock).await;
    let beats = Heartbeats::new(jobs(), core.now());
    beats.tick(&core).await.unwrap();
    assert_eq!(outages(&core).await, 0);
    pass(&clock, 2 * 60);
    beats.tick(&core).await.unwrap();
    assert_eq!(outages(&core).await, 1);
    // A job that isn't waited for any more is forgotten.
    beats.replace([].into());
    beats.tick(&core).await.unwrap();
    assert!(core.view().intake.beats.is_empty());
}

/// What Alertmanager posts of a group.
fn group(key: &str, status: &str, word: &str) -> Vec<u8> {
    serde_json::json!({
        "version": "4", "groupKey": key, "status": status, "receiver": "budkavle", "truncatedAlerts": 0,
        "groupLabels": { "alertname": "Down" }, "commonLabels": { "alertname": "Down", "service": "storage" },
        "commonAnnotations": {}, "externalURL": "http://am.example",
        "alerts": [{ "status": status, "labels": { "alertname": "Down", "severity": "critical" }, "annotations": { "summary": word },
            "startsAt": NOW, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": word }],
    })
    .to_string()
    .into_bytes()
}

#[tokio::test]
async fn a_group_of_alerts_is_one_outage_and_a_storm_of_groups_is_held_back() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let core = start(folder.path(), &clock).await;
    contact(&core).await;
    let (am, policy) = (Alertmanager::default(), Policy { most: 2, ..Policy::default() });
    let post = async |key: &str, status: &str, word: &str| {
        let report = alertmanager::parse(&group(key, status, word), None, core.now()).unwrap();
        am.post(&core, &policy, report).await.unwrap()
    };
    for _ in 0..3 {
        post("a", "firing", "Disk full").await;
    }
    let held = post("a", "firing", "Disks full").await;
    assert!(held.ripens && held.done.is_empty(), "so soon it waits for the next try: {held:?}");
    pass(&clock, 15);
    post("a", "firing", "Disks full").await;
    assert_eq!(
        &*outage(&core, 1).await.services,
        ["storage".into()],
        "a label that is the name of a service"
    );
    post("b", "firing", "x").await;
    let third = post("c", "firing", "x").await;
    assert!(third.ripens && third.troubles[0].contains("`most`"), "{third:?}");
    assert_eq!(am.trouble().as_deref(), Some(&*third.troubles[0]));
    post("a", "resolved", "Disk full").await;
    assert_eq!(post("c", "firing", "x").await.done.len(), 1, "there is room again");
    assert_eq!(am.trouble(), None);
    let expected = ["1 investigating", "1 investigating", "2 investigating", "1 resolved", "3 investigating"];
    assert_eq!(told(&core).await, expected);
    for key in ["b", "c"] {
        post(key, "resolved", "x").await;
    }
    pass(&clock, 25 * 60);
    post("d", "resolved", "x").await;
    assert_eq!(*core.view().intake, Default::default(), "nothing is left of what is over");
}

#[tokio::test]
async fn a_group_that_was_closed_by_hand_is_opened_when_only_new_alerts_fire() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let core = start(folder.path(), &clock).await;
    let (am, policy) = (Alertmanager::default(), Policy::default());
    let post = async |starts: &str| {
        let text = String::from_utf8(group("a", "firing", "x")).unwrap().replace(NOW, starts);
        let report = alertmanager::parse(text.as_bytes(), None, core.now()).unwrap();
        am.post(&core, &policy, report).await.unwrap().done.len()
    };
    assert_eq!(post(NOW).await, 1);
    pass(&clock, 10);
    close(&core, 1).await;
    pass(&clock, 60);
    assert_eq!(post(NOW).await, 0, "it fires on");
    assert_eq!(post("2026-07-06T09:05:00Z").await, 1);
    assert_eq!(outages(&core).await, 2);
}

#[tokio::test]
async fn a_clock_that_was_ahead_at_the_start_hides_no_job_for_long() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    pass(&clock, 365 * 24 * 60);
    let core = start(folder.path(), &clock).await;
    let beats = Heartbeats::new([("backup".into(), job())].into(), core.now());
    beats.tick(&core).await.unwrap();
    beats.heard(&core, "backup").await.unwrap();
    pass(&clock, -365 * 24 * 60);
    beats.tick(&core).await.unwrap();
    pass(&clock, 26 * 60);
    beats.tick(&core).await.unwrap();
    assert_eq!(outages(&core).await, 1);
}
