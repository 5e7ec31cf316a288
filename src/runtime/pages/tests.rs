use std::time::Duration;

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::runtime::clock::{Clock, ManualClock};
use crate::runtime::lifecycle::{Lifecycle, Signals};
use crate::runtime::systemd::Notifier;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// A free place, with a listener at it.
async fn place() -> Moved {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Moved { at: Some(listener.local_addr().unwrap()), listener: Some(listener) }
}

/// What is answered there; None: nobody listens.
async fn asked(at: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(at).await.ok()?;
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    (!answer.is_empty()).then_some(answer)
}

#[tokio::test]
async fn it_is_served_where_the_last_reload_says_and_nowhere_else() {
    let clock = Clock::Manual(ManualClock::new(crate::domain::testing::hour(0)));
    let lifecycle = Lifecycle::new(clock, Signals::manual().1, Notifier::new(None, None), DEADLINE);
    let (pages, moves) = Pages::new();
    let router = Router::new().route("/x", get(async || "here"));
    let serving = tokio::spawn(serve(moves, router, lifecycle.tasks()));
    let (first, second) = (place().await, place().await);
    let (one, two) = (first.at.unwrap(), second.at.unwrap());
    let all = async {
        pages.take(Some(first));
        assert!(asked(one).await.unwrap().ends_with("here"));
        pages.take(Some(second));
        assert!(asked(two).await.unwrap().ends_with("here"));
        while asked(one).await.is_some() {
            tokio::task::yield_now().await;
        }
        pages.take(None);
        assert!(asked(two).await.is_some());
        pages.take(Some(Moved { at: None, listener: None }));
        while asked(two).await.is_some() {
            tokio::task::yield_now().await;
        }
        lifecycle.tasks().soft().cancel();
        serving.await.unwrap().unwrap();
    };
    tokio::time::timeout(DEADLINE, all).await.unwrap();
}
