//! Against a server that answers as it is told.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::channel::{PingMethod, Reached, WebSettings};
use crate::domain::alert::Health;
use crate::flow::core::Settings;
use crate::store::{Change, Event, SledSettings, Store};

fn at(minute: i64) -> DateTime<Utc> {
    crate::domain::testing::hour(0) + TimeDelta::minutes(minute)
}

/// Answers so many requests with these statuses, and returns the first line of each.
async fn server(answers: &'static [&'static str]) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sign/s3cret", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let mut lines = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 2048];
            let read = stream.read(&mut bytes).await.unwrap();
            lines.push(String::from_utf8_lossy(&bytes[..read]).lines().next().unwrap().to_owned());
            let head = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
        }
        lines
    });
    (url, asked)
}

fn ping(url: &str, method: PingMethod) -> Arc<Ping> {
    Arc::new(Ping::inside(url, method))
}

async fn ran(core: &Core, last_good: DateTime<Utc>) {
    let health = Health { last_good: Some(last_good), ..Health::new(at(0)) };
    let change = Change::Health("main".into(), health.clone());
    let event = Event { at: last_good, change, notices: vec![], audit: None };
    let turn = core.turn().await;
    turn.commit(event, |view, _, _| {
        view.directories.entry("main".into()).or_default().health = Some(health);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn each_good_run_gives_one_sign_and_one_that_is_not_taken_is_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Mutex::new(at(1)));
    let (store, _) = Store::open_sled(SledSettings::small(folder.path()), at(0)).await.unwrap();
    let time = Arc::clone(&clock);
    let core = Core::load(store, Settings::default(), Arc::new(move || *time.lock().unwrap())).await.unwrap();
    ran(&core, at(0)).await;
    let (url, asked) = server(&["200 OK", "503 Busy", "200 OK"]).await;
    let all = |method| BTreeMap::from([("main".into(), ping(&url, method))]);
    let pings = Pings::new(all(PingMethod::Get), &core.view());
    assert_eq!(pings.tick(&core).await, None, "of a run from before the start nothing is given");
    ran(&core, at(1)).await;
    assert_eq!(pings.tick(&core).await, None);
    assert_eq!(pings.tick(&core).await, None, "each run once");
    let state = || pings.state(&"main".into()).unwrap();
    assert_eq!((state().given, state().trouble), (Some(at(1)), None));
    pings.replace(all(PingMethod::Post));
    ran(&core, at(2)).await;
    *clock.lock().unwrap() = at(2);
    assert_eq!(pings.tick(&core).await, Some(at(2) + AGAIN));
    assert!(state().failing_since == Some(at(2)) && state().trouble.unwrap().contains("503"));
    *clock.lock().unwrap() = at(2) + AGAIN;
    assert_eq!(pings.tick(&core).await, None);
    assert_eq!(state(), PingState { given: Some(at(2) + AGAIN), ..PingState::default() });
    assert_eq!(pings.state(&"other".into()), None);
    // Nobody listens any more, and it would be too late.
    ran(&core, at(3)).await;
    *clock.lock().unwrap() = at(19);
    assert_eq!(pings.tick(&core).await, None);
    assert_eq!(
        asked.await.unwrap(),
        ["GET /sign/s3cret HTTP/1.1", "POST /sign/s3cret HTTP/1.1", "POST /sign/s3cret HTTP/1.1"]
    );
}

#[tokio::test]
async fn to_be_reached_is_no_sign_of_life() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sign/s3cret", listener.local_addr().unwrap());
    let hears = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        heard
    };
    let inside = ping(&url, PingMethod::Post);
    let (reached, heard) = tokio::join!(inside.reach(), hears);
    let server = listener.local_addr().unwrap().to_string();
    assert!(matches!(reached.unwrap(), Reached::Server { server: it, tls: false } if it.contains(&server)));
    assert_eq!(heard, b"");
    let outside = WebSettings {
        trust: crate::channel::fake::TlsTrust::SystemRoots,
        timeout: std::time::Duration::from_secs(20),
        allow_private: false,
        proxy: None,
        credential: None,
    };
    let guarded = Ping::new(url.parse().unwrap(), PingMethod::Get, outside).unwrap();
    assert!(guarded.reach().await.unwrap_err().contains("allow_private"));
    drop(listener);
    let error = inside.reach().await.unwrap_err();
    assert!(error.contains("can't be reached") && !error.contains("s3cret"), "{error}");
}
