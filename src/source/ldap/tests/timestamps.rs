//! A server that tells nothing but when each object last changed (`modifyTimestamp`), and tells that badly.

use std::sync::Arc;

use chrono::TimeDelta;

use super::*;
use crate::domain::decode::Schema;

/// 1 January 1970, 12:00.
fn noon() -> DateTime<chrono::Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(12)
}

fn stamped(id: u32, number: u8, identity: bool, stamp: Option<&str>) -> Vec<u8> {
    let uuid = Guid::from_uuid([number; 16]).to_string().into_bytes();
    let mut attributes = vec![
        ("objectClass", vec![b"inetOrgPerson".to_vec()]),
        ("uid", vec![format!("u{number}").into_bytes()]),
    ];
    if identity {
        attributes.push(("entryUUID", vec![uuid]));
    }
    if let Some(stamp) = stamp {
        attributes.push(("modifyTimestamp", vec![stamp.as_bytes().to_vec()]));
    }
    entry(id, &format!("cn=u{number},{BASE}"), &attributes)
}

type Answer = fn(u32) -> Vec<u8>;

/// What it was asked to tell since when.
type Since = Arc<Mutex<Vec<String>>>;

/// Two users, the second of whom was changed at that time; `changes` answers for what changed.
fn server(
    second: &'static str,
    changes: Answer,
    since: Since,
) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    move |asked| {
        let id = asked.id;
        match &asked.what {
            What::Search { wanted, .. } if wanted.since.is_some() => {
                since.lock().unwrap().extend(wanted.since.clone());
                Reply::Send(changes(id))
            }
            What::Search { base, subtree: false, .. } if base == BASE => {
                let uuid = Guid::from_uuid([0xb; 16]).to_string().into_bytes();
                let root = [("objectClass", vec![b"organization".to_vec()]), ("entryUUID", vec![uuid])];
                send(&[entry(id, BASE, &root), done(id, SEARCH, 0, "", "")])
            }
            What::Search { base, subtree: false, .. } if !base.is_empty() => {
                Reply::Send(done(id, SEARCH, 32, "", ""))
            }
            What::Search { subtree: true, .. } => {
                let first = stamped(id, 1, true, Some("19700101110000Z"));
                send(&[first, stamped(id, 2, true, Some(second)), page(id, 0, b"")])
            }
            _ => Reply::Usual,
        }
    }
}

async fn start(second: &'static str, changes: Answer) -> (Ldap, Since) {
    let since = Since::default();
    let responder = Responder::start(server(second, changes, Arc::clone(&since))).await;
    let mut ldap = settings(vec![responder.server().in_plain_text()]);
    ldap.mapping = Schema::InetOrgPerson.mapping();
    (ldap, since)
}

fn position(reading: &Reading) -> &str {
    match &reading.cursor.position {
        Position::ModifyTimestamp { since } => since,
        other => panic!("{other:?}"),
    }
}

/// Reads everything, then what changed, from where this word says, if it says so.
async fn read_on(changes: Answer, from: Option<&str>) -> Result<Reading, SourceError> {
    let (ldap, _) = start("19700101113000Z", changes).await;
    let ask = Ask { now: noon(), ..ask() };
    let first = ldap.read(&"main".into(), &ask, &|_| {}).await.unwrap();
    assert_eq!(position(&first), "19700101113000Z");
    let mut cursor = first.cursor.clone();
    if let Some(from) = from {
        cursor.position = Position::ModifyTimestamp { since: from.into() };
    }
    let ask = Ask { known: &objects(&first).directory, cursor: Some(&cursor), ..ask };
    ldap.read(&"main".into(), &ask, &|_| {}).await
}

#[tokio::test]
async fn a_time_in_the_future_hides_no_change() {
    // In a whole read, told as a change, and in a cursor that was written down before.
    let later: Answer = |id| [stamped(id, 2, true, Some("19700101235900Z")), page(id, 0, b"")].concat();
    let (ldap, since) = start("19700101130000Z", later).await;
    let ask = Ask { now: noon(), ..ask() };
    let first = ldap.read(&"main".into(), &ask, &|_| {}).await.unwrap();
    assert_eq!(position(&first), "19700101110000Z");
    let known = &objects(&first).directory;
    let mut cursor = first.cursor.clone();
    for (from, asked, next) in [
        (None, "19700101105000Z", "19700101110000Z"),
        (Some("19700101200000Z"), "19700101115000Z", "19700101120000Z"),
    ] {
        if let Some(from) = from {
            cursor.position = Position::ModifyTimestamp { since: from.into() };
        }
        let ask = Ask { known, cursor: Some(&cursor), ..ask };
        let reading = ldap.read(&"main".into(), &ask, &|_| {}).await.unwrap();
        assert_eq!((reading.mode, position(&reading)), (Mode::ModifyTimestamp, next));
        assert_eq!(std::mem::take(&mut *since.lock().unwrap()), [asked], "ten minutes before");
    }
}

#[tokio::test]
async fn a_time_that_is_none_or_missing_stops_nothing() {
    let cases: [Answer; 3] = [
        |id| [stamped(id, 2, true, None), page(id, 0, b"")].concat(),
        |id| [stamped(id, 2, true, Some("yesterday")), page(id, 0, b"")].concat(),
        |id| [stamped(id, 2, true, Some("19691231000000Z")), page(id, 0, b"")].concat(),
    ];
    for changes in cases {
        let reading = read_on(changes, None).await.unwrap();
        assert_eq!((reading.mode, reading.reason), (Mode::ModifyTimestamp, ModeReason::Continued));
        assert_eq!(position(&reading), "19700101113000Z", "it never goes back");
    }
}

#[tokio::test]
async fn changes_that_can_not_be_followed_are_read_whole_and_broken_ones_are_none() {
    let nobody: Answer = |id| [stamped(id, 2, false, None), page(id, 0, b"")].concat();
    let nothing: Answer = |id| page(id, 0, b"");
    for (changes, from, expected) in [
        (nobody, None, ModeReason::Untraceable),
        (nothing, Some("yesterday"), ModeReason::NoPosition),
        (nothing, Some(""), ModeReason::NoPosition),
    ] {
        let reading = read_on(changes, from).await.unwrap();
        assert_eq!((reading.mode, reading.reason), (Mode::Full, expected));
        assert_eq!(numbers(&reading).len(), 2);
    }
    let cases: [(Answer, ErrorKind); 5] = [
        (|id| [stamped(id, 2, true, None), done(id, SEARCH, 0, "", "")].concat(), ErrorKind::Incomplete),
        (|id| [stamped(id, 2, true, None), page(id, 0, b"same")].concat(), ErrorKind::Incomplete),
        (|id| [stamped(id, 2, true, None), page(id, 4, b"")].concat(), ErrorKind::LimitExceeded),
        (|id| [stamped(id, 2, true, None), done(id, SEARCH, 80, "", "")].concat(), ErrorKind::Refused),
        (|id| [message(id, b"x"), page(id, 0, b"")].concat(), ErrorKind::Protocol),
    ];
    for (n, (changes, expected)) in cases.into_iter().enumerate() {
        let (kind, words) = kind(read_on(changes, None).await);
        assert_eq!(kind, expected, "case {n}: {words}");
    }
}
