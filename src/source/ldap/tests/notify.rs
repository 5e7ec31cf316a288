//! Being told of changes, by servers that end it, say nothing, or never stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use chrono::TimeDelta;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::domain::run::UsnPosition;
use crate::source::ldap::screen::{Ended, Found, carry};

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// The last read, at this server, when its numbers had come so far. The usual server's have come to 4711.
fn read_at(responder: &Responder, highest: u64) -> Cursor {
    let at = UsnPosition { controller: None, invocation: None, highest };
    Cursor {
        scope: 1,
        server: responder.server().in_plain_text().to_string().into(),
        position: Position::Usn(at),
        read_at: None,
        whole_at: None,
        sees_deletions: true,
    }
}

/// What was heard.
#[derive(Default)]
struct Told {
    listening: AtomicUsize,
    changes: AtomicUsize,
    more: tokio::sync::Notify,
}

impl Told {
    fn note(&self, heard: Heard) {
        match heard {
            Heard::Listening => self.listening.fetch_add(1, Ordering::SeqCst),
            Heard::Change => self.changes.fetch_add(1, Ordering::SeqCst),
        };
        self.more.notify_one();
    }

    fn counts(&self) -> (usize, usize) {
        (self.listening.load(Ordering::SeqCst), self.changes.load(Ordering::SeqCst))
    }

    async fn until(&self, done: impl Fn((usize, usize)) -> bool) {
        let reached = async {
            while !done(self.counts()) {
                self.more.notified().await;
            }
        };
        tokio::time::timeout(DEADLINE, reached).await.unwrap_or_else(|_| panic!("only {:?}", self.counts()));
    }
}

/// Listens until that ends.
async fn watch(ldap: &Ldap, cursor: &Cursor, told: &Told) -> WatchEnded {
    let ask = Ask { cursor: Some(cursor), by_hand: false, ..ask() };
    tokio::time::timeout(DEADLINE, ldap.watch(&ask, &|heard| told.note(heard))).await.expect("it should end")
}

/// Answers what is asked to go on for ever, and leaves the rest to the usual server.
fn asked_to_tell(
    answer: impl Fn(u32) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Reply + Send + Sync {
    move |asked| match asked.what {
        What::Search { notification: true, subtree, ref base, .. } => {
            assert!(subtree && base == BASE, "a whole naming context is asked for");
            answer(asked.id)
        }
        _ => Reply::Usual,
    }
}

fn changed(id: u32, number: u64) -> Vec<u8> {
    let number = number.to_string().into_bytes();
    entry(
        id,
        "CN=x,DC=example,DC=org",
        &[("uSNChanged", vec![number]), ("objectClass", vec![b"user".to_vec()])],
    )
}

#[tokio::test]
async fn a_change_is_a_hint_and_the_end_of_the_connection_none() {
    let responder = Responder::start(asked_to_tell(|id| {
        Reply::Send([changed(id, 4711), changed(id, 4712), changed(id, 4712)].concat())
    }))
    .await;
    let (ldap, told) = (settings(vec![responder.server().in_plain_text()]), Told::default());
    let cursor = read_at(&responder, 4711);
    tokio::select! {
        ended = watch(&ldap, &cursor, &told) => panic!("{ended:?}"),
        () = told.until(|(_, changes)| changes > 0) => {}
    }
    assert_eq!(told.counts(), (1, 1), "what had been read before and what comes twice are no hints");

    let closing = Responder::start(asked_to_tell(|_| Reply::SendAndClose(Vec::new()))).await;
    let (ldap, told) = (settings(vec![closing.server().in_plain_text()]), Told::default());
    let ended = watch(&ldap, &read_at(&closing, 4711), &told).await;
    assert!(matches!(&ended, WatchEnded::Broken(SourceError::Disconnected { .. })), "{ended:?}");
    assert_eq!(told.counts(), (1, 0));
}

#[tokio::test]
async fn what_may_have_been_missed_is_a_hint_by_itself() {
    for (highest, hints) in [(4711, 0), (4000, 1), (5000, 1)] {
        let told = Arc::new(Told::default());
        let seen = Arc::clone(&told);
        let responder = Responder::start(asked_to_tell(move |_| {
            assert_eq!(seen.counts().0, 1);
            Reply::SendAndClose(Vec::new())
        }))
        .await;
        let ldap = settings(vec![responder.server().in_plain_text()]);
        watch(&ldap, &read_at(&responder, highest), &told).await;
        assert_eq!(told.counts(), (1, hints), "read at {highest}, and now it is 4711");
    }
}

#[tokio::test]
async fn a_server_that_does_not_offer_it_is_not_asked_again() {
    type Case = (fn(u32) -> Vec<u8>, &'static str);
    let cases: [Case; 4] = [
        (|id| done(id, SEARCH, 0, "", ""), "success"),
        (|id| done(id, SEARCH, 12, "", "no such control"), "unavailableCriticalExtension"),
        (|id| done(id, SEARCH, 53, "", "too complex"), "unwillingToPerform"),
        (
            |id| message(id, &tlv(EXTENDED, &[tlv(10, &[12]), tlv(4, b""), tlv(4, b"unknown")].concat())),
            "unavailableCriticalExtension",
        ),
    ];
    for (reply, word) in cases {
        let responder = Responder::start(asked_to_tell(move |id| Reply::Send(reply(id)))).await;
        let ldap = settings(vec![responder.server().in_plain_text()]);
        match watch(&ldap, &read_at(&responder, 4711), &Told::default()).await {
            WatchEnded::NotOffered(why) => assert!(why.contains(word), "{why}"),
            other => panic!("{word}: {other:?}"),
        }
    }
    let busy = Responder::start(asked_to_tell(|id| Reply::Send(done(id, SEARCH, 51, "", "")))).await;
    let ldap = settings(vec![busy.server().in_plain_text()]);
    let ended = watch(&ldap, &read_at(&busy, 4711), &Told::default()).await;
    assert!(matches!(ended, WatchEnded::Broken(_)), "{ended:?}");
}

#[tokio::test]
async fn silence_is_no_failure_however_short_the_patience() {
    let asked = Arc::new(tokio::sync::Notify::new());
    let was_asked = Arc::clone(&asked);
    let responder = Responder::start(asked_to_tell(move |_| {
        was_asked.notify_one();
        Reply::Silence
    }))
    .await;
    let mut ldap = settings(vec![responder.server().in_plain_text()]);
    ldap.operation_timeout = Duration::from_millis(200);
    let (cursor, told) = (read_at(&responder, 4711), Told::default());
    let ask = Ask { cursor: Some(&cursor), by_hand: false, ..ask() };
    let heard = |heard| told.note(heard);
    let watch = ldap.watch(&ask, &heard);
    tokio::pin!(watch);
    tokio::select! {
        ended = &mut watch => panic!("{ended:?}"),
        () = asked.notified() => {}
    }
    let patience = tokio::time::timeout(Duration::from_secs(1), &mut watch).await;
    assert!(patience.is_err(), "five times the patience for any other answer, and it waits: {patience:?}");
    assert_eq!(told.counts(), (1, 0));
}

#[tokio::test]
async fn a_flood_is_shown_one_by_one_and_not_kept() {
    const MANY: u64 = 100_000;
    let (mut server, theirs) = tokio::io::duplex(64 << 10);
    let (ours, mut ldap3) = tokio::net::UnixStream::pair().unwrap();
    let found = Found::default();
    let shown = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&shown);
    found.show_to(Box::new(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    let talk = async {
        // A search, as far as the screen looks at it.
        let mut request = message(1, &tlv(0x63, b""));
        ldap3.write_all(&request).await.unwrap();
        server.read_exact(&mut request).await.unwrap();
        for number in 0..MANY {
            server.write_all(&changed(1, number)).await.unwrap();
        }
        drop(server);
    };
    let (ended, ()) = tokio::join!(carry(theirs, ours, &found), talk);
    assert!(matches!(ended, Ended::ByServer), "{ended:?}");
    assert_eq!(shown.load(Ordering::SeqCst), usize::try_from(MANY).unwrap());
    assert!(found.take().entries.is_empty());
}

#[tokio::test]
async fn of_a_flood_one_hint_at_a_time_waits_to_be_told() {
    let responder = Responder::start(asked_to_tell(|id| {
        Reply::SendAndClose((5_000..55_000).flat_map(|number| changed(id, number)).collect())
    }))
    .await;
    let (ldap, told) = (settings(vec![responder.server().in_plain_text()]), Told::default());
    let ended = watch(&ldap, &read_at(&responder, 4711), &told).await;
    assert!(matches!(ended, WatchEnded::Broken(SourceError::Disconnected { .. })), "{ended:?}");
    assert!(told.counts().1 < 5_000, "{:?}", told.counts());
}

#[tokio::test]
async fn what_makes_no_sense_breaks_it() {
    for nonsense in
        [b"HTTP/1.1 400\r\n\r\n".to_vec(), changed(99, 5000), vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]]
    {
        let responder = Responder::start(asked_to_tell(move |_| Reply::Send(nonsense.clone()))).await;
        let ldap = settings(vec![responder.server().in_plain_text()]);
        let ended = watch(&ldap, &read_at(&responder, 4711), &Told::default()).await;
        assert!(matches!(ended, WatchEnded::Broken(SourceError::Protocol { .. })), "{ended:?}");
    }
}

#[tokio::test]
async fn refused_credentials_are_tried_once_by_all_together() {
    let refuse = Arc::new(AtomicBool::new(true));
    let tries = Arc::new(AtomicUsize::new(0));
    let (refused, tried) = (Arc::clone(&refuse), Arc::clone(&tries));
    let responder = Responder::start(move |asked| match asked.what {
        What::Bind { .. } => {
            tried.fetch_add(1, Ordering::SeqCst);
            let code = if refused.load(Ordering::SeqCst) { 49 } else { 0 };
            Reply::Send(done(asked.id, BIND, code, "", "data 52e"))
        }
        _ => Reply::Usual,
    })
    .await;
    let ldap = settings(vec![responder.server().in_plain_text()]);
    let cursor = read_at(&responder, 4711);
    for _ in 0..3 {
        let ended = watch(&ldap, &cursor, &Told::default()).await;
        assert!(matches!(ended, WatchEnded::Broken(_)), "{ended:?}");
    }
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    // A run doesn't try them again either, and is told why.
    let scheduled = Ask { by_hand: false, now: ask().now + TimeDelta::minutes(29), ..ask() };
    let (kind, _) = kind(ldap.read(&"main".into(), &scheduled, &|_| {}).await);
    assert_eq!((kind, tries.load(Ordering::SeqCst)), (ErrorKind::SignInPaused, 1));
}

#[tokio::test]
async fn only_the_server_that_was_read_last_is_listened_to() {
    let (first, last) = (Responder::start(|_| Reply::Usual).await, Responder::start(|_| Reply::Usual).await);
    let urls = [&first, &last].map(|responder| responder.server().in_plain_text());
    let ldap = settings(urls.to_vec());
    let ended = watch(&ldap, &read_at(&last, 4711), &Told::default()).await;
    // The usual server ends any search at once.
    assert!(matches!(ended, WatchEnded::NotOffered(_)), "{ended:?}");
    let connections = |responder: &Responder| responder.connections.load(Ordering::SeqCst);
    assert_eq!((connections(&first), connections(&last)), (0, 1));
    let elsewhere = Cursor { server: "ldaps://gone".into(), ..read_at(&last, 4711) };
    let ended = watch(&ldap, &elsewhere, &Told::default()).await;
    assert!(matches!(ended, WatchEnded::Broken(SourceError::Settings(_))), "{ended:?}");
}
