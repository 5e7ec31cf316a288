//! The listener with real connections, as others would make them.

use std::path::Path;
use std::sync::atomic::AtomicI64;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;
use crate::domain::intake::Policy;
use crate::domain::intake::heartbeat::Job;
use crate::domain::outage::Severity;
use crate::flow::core::{Core, Settings};
use crate::flow::intake::alertmanager::Alertmanager;
use crate::flow::intake::heartbeats::Heartbeats;
use crate::http::intake::IntakeSettings;
use crate::runtime::clock::{Clock, ManualClock};
use crate::runtime::lifecycle::{Lifecycle, Signal, Signals};
use crate::runtime::systemd::tests::Manager;
use crate::store::{SledSettings, Store};
use crate::tls::pki::Authority;
use crate::tls::{Identity, TlsTrust, client_config};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

struct Stage {
    address: SocketAddr,
    core: Arc<Core>,
    intake: Arc<Intake>,
    speech: Speech,
    /// Dropped, nobody serves any more.
    _signals: tokio::sync::mpsc::UnboundedSender<Signal>,
    _lifecycle: Lifecycle,
    _manager: Manager,
}

async fn stage(folder: &Path, tls: Option<Arc<ServerConfig>>) -> Stage {
    let time: Arc<Mutex<DateTime<Utc>>> = Arc::new(Mutex::new("2026-07-06T08:00:00Z".parse().unwrap()));
    let now = *time.lock().unwrap();
    let (store, _) = Store::open_sled(SledSettings::small(folder), now).await.unwrap();
    let clock = Arc::new(move || *time.lock().unwrap());
    let core = Arc::new(Core::load(store, Settings::default(), clock).await.unwrap());
    let job = Job {
        name: "backup".into(),
        title: "the backup".into(),
        every: TimeDelta::hours(24),
        grace: TimeDelta::hours(2),
        severity: Severity::Major,
        services: vec![],
        units: vec![],
    };
    let settings = settings(TOKEN, None);
    let intake = Arc::new(Intake {
        core: Arc::clone(&core),
        heartbeats: Arc::new(Heartbeats::new([("backup".into(), job)].into(), now)),
        alertmanager: Arc::new(Alertmanager::default()),
        settings: ArcSwap::from_pointee(settings),
        logged: AtomicI64::default(),
    });
    let (manager, notifier) = Manager::start(None);
    let (signals, listens) = Signals::manual();
    let manual = ManualClock::new(now);
    let lifecycle = Lifecycle::new(Clock::Manual(manual), listens, notifier, Duration::from_secs(1));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let speech: Speech = Arc::new(ArcSwap::from_pointee(tls));
    let serving = {
        let (router, told) = (router(Arc::clone(&intake)), Arc::clone(&intake));
        let full = move || told.heartbeats.deaf(told.core.now());
        serve(listener, router, full, Arc::clone(&speech), lifecycle.tasks().soft().clone())
    };
    lifecycle.tasks().spawn("intake", serving);
    Stage { address, core, intake, speech, _signals: signals, _lifecycle: lifecycle, _manager: manager }
}

fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> String {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\n{token}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Sends something; gives all that comes back.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> String {
    // Who refuses what is too large needn't read it to its end.
    let _ = stream.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
    let _ = read.expect("an answer, or an end");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn plain(stage: &Stage, text: &str) -> String {
    exchange(TcpStream::connect(stage.address).await.unwrap(), text).await
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

#[tokio::test]
async fn nobody_is_let_in_without_the_token_and_nothing_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path(), None).await;
    let other = "f".repeat(32);
    for (method, path, token, expected) in [
        ("POST", "/heartbeat/backup", None, "401"),
        ("POST", "/heartbeat/backup", Some(""), "401"),
        ("POST", "/heartbeat/backup", Some(&*other), "401"),
        ("POST", "/heartbeat/backup", Some(&TOKEN[..31]), "401"),
        ("GET", "/v1/status", None, "401"),
        ("GET", "/v1/status", Some(TOKEN), "404"),
        ("GET", "/heartbeat/backup", Some(TOKEN), "405"),
        ("POST", "/heartbeat/other", Some(TOKEN), "404"),
        ("POST", "/alertmanager", Some(TOKEN), "400"),
    ] {
        let answer = plain(&stage, &request(method, path, token, "{}")).await;
        assert_eq!(status(&answer), expected, "{method} {path} {token:?}: {answer}");
    }
    assert!(stage.core.view().intake.beats.is_empty());
    let answer = plain(&stage, &request("POST", "/heartbeat/backup", Some(TOKEN), "")).await;
    assert_eq!(status(&answer), "200", "{answer}");
    assert_eq!(stage.core.view().intake.beats.len(), 1);
    // Another token from now on.
    stage.intake.settings.store(Arc::new(settings(&other, None)));
    assert_eq!(status(&plain(&stage, &request("POST", "/heartbeat/backup", Some(TOKEN), "")).await), "401");
    assert_eq!(status(&plain(&stage, &request("POST", "/heartbeat/backup", Some(&other), "")).await), "200");
    // One of their own for jobs: each opens its own door only.
    stage.intake.settings.store(Arc::new(settings(TOKEN, Some(&other))));
    for (path, token, expected) in [
        ("/heartbeat/backup", &*other, "200"),
        ("/heartbeat/backup", TOKEN, "401"),
        ("/alertmanager", &other, "401"),
        ("/alertmanager/prod", &other, "401"),
        ("/alertmanager/prod", TOKEN, "400"),
        ("/heartbeat", &other, "401"),
    ] {
        assert_eq!(
            status(&plain(&stage, &request("POST", path, Some(token), "{}")).await),
            expected,
            "{path}"
        );
    }
}

fn settings(token: &str, heartbeat_token: Option<&str>) -> IntakeSettings {
    let heartbeat_token = heartbeat_token.map(Into::into);
    IntakeSettings { token: Some(token.into()), heartbeat_token, alertmanager: Policy::default() }
}

#[tokio::test]
async fn what_is_too_large_or_no_http_is_refused_and_others_are_served_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path(), None).await;
    // One who never ends the head of a request.
    let mut slow = TcpStream::connect(stage.address).await.unwrap();
    slow.write_all(b"POST /heartbeat/backup HTTP/1.1\r\nx: ").await.unwrap();
    let large = "x".repeat(2 << 20);
    let answer = plain(&stage, &request("POST", "/alertmanager", Some(TOKEN), &large)).await;
    assert!(["413", ""].contains(&status(&answer)), "{answer}");
    let head = format!("GET / HTTP/1.1\r\nx: {large}\r\n\r\n");
    assert!(["431", "400", ""].contains(&status(&plain(&stage, &head).await)));
    assert_eq!(status(&plain(&stage, "\u{0}\u{1}nonsense\r\n\r\n").await), "400");
    let answer = plain(&stage, &request("POST", "/heartbeat/backup", Some(TOKEN), "")).await;
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(stage.core.view().outages.is_empty());
    drop(slow);
}

#[tokio::test]
async fn in_tls_it_shows_its_certificate_and_the_next_one_after_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("Test CA");
    let identity = || {
        let (certificate, key) = authority.issue("localhost").pem();
        let paths = [("c.pem", certificate), ("k.pem", key)].map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
        Identity::read(&paths[0], &paths[1]).unwrap().server().unwrap()
    };
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let stage = stage(folder.path(), Some(identity())).await;
    let ask = async || {
        let connector = TlsConnector::from(client_config(&TlsTrust::CaFile(ca.clone())).unwrap());
        let stream = TcpStream::connect(stage.address).await.unwrap();
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        let text = request("POST", "/heartbeat/backup", Some(TOKEN), "");
        assert_eq!(status(&exchange(stream, &text).await), "200");
        certificate
    };
    let first = ask().await;
    // Whoever speaks in plain text is told nothing.
    let answer = plain(&stage, &request("POST", "/heartbeat/backup", Some(TOKEN), "")).await;
    assert!(!answer.starts_with("HTTP"), "{answer}");
    stage.speech.store(Arc::new(Some(identity())));
    assert_ne!(ask().await, first);
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_and_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path(), None).await;
    let door = Arc::new(Door::default());
    let tasks = stage._lifecycle.tasks();
    let speech = Arc::clone(&stage.speech);
    let trying = run(stage.address, Arc::clone(&stage.intake), speech, tasks, Arc::clone(&door));
    tokio::select! {
        biased;
        done = trying => panic!("somebody else listens there: {done:?}"),
        () = std::future::ready(()) => {}
    }
    assert!(door.trouble().unwrap().contains("nobody can call at"), "{:?}", door.trouble());
}

#[test]
fn one_address_has_not_all_the_places_and_a_proxy_on_this_machine_may() {
    let peers = Peers::default();
    let far: IpAddr = "192.0.2.1".parse().unwrap();
    let seats: Vec<_> = (0..EACH).map(|_| Seat::take(&peers, far).unwrap()).collect();
    assert!(Seat::take(&peers, far).is_none());
    assert!(Seat::take(&peers, "192.0.2.2".parse().unwrap()).is_some());
    let near: Vec<_> = (0..CONNECTIONS).map(|_| Seat::take(&peers, "127.0.0.1".parse().unwrap())).collect();
    assert!(near.iter().all(Option::is_some));
    drop((seats, near));
    assert!(peers.lock().unwrap().is_empty());
}
