//! A server that isn't Active Directory and tells its changes badly (RFC 4533): what no OpenLDAP can be made to say.

use std::time::Duration;

use super::*;
use crate::domain::decode::Schema;
use crate::domain::directory::Update;
use crate::source::ldap::standard::sync::{DONE, INFO, STATE};

type Answer = fn(u32) -> Vec<u8>;

fn uuid(number: u8) -> [u8; 16] {
    [number; 16]
}

type Attributes = Vec<(&'static str, Vec<Vec<u8>>)>;

fn person(number: u8) -> (String, Attributes) {
    let id = Guid::from_uuid(uuid(number)).to_string().into_bytes();
    let attributes = vec![
        ("objectClass", vec![b"inetOrgPerson".to_vec()]),
        ("entryUUID", vec![id]),
        ("uid", vec![format!("u{number}").into_bytes()]),
        ("modifyTimestamp", vec![b"19691231230000Z".to_vec()]),
    ];
    (format!("cn=u{number},{BASE}"), attributes)
}

fn plain(id: u32, number: u8) -> Vec<u8> {
    let (dn, attributes) = person(number);
    entry(id, &dn, &attributes)
}

/// An entry that is told as new or changed, with the identity of another one if that is said.
fn told(id: u32, number: u8, said: u8) -> Vec<u8> {
    let (dn, attributes) = person(number);
    let value = tlv(0x30, &[tlv(10, &[2]), tlv(4, &uuid(said))].concat());
    stated(id, &dn, &attributes, &control(STATE, &value))
}

fn end(id: u32, cookie: &[u8], only_deleted: bool) -> Vec<u8> {
    let only_deleted = if only_deleted { tlv(1, &[0xff]) } else { Vec::new() };
    let cookie = if cookie.is_empty() { Vec::new() } else { tlv(4, cookie) };
    done_with(id, 0, &control(DONE, &tlv(0x30, &[cookie, only_deleted].concat())))
}

/// Names these as deleted, or as present.
fn ids(id: u32, deleted: bool, numbers: &[u8]) -> Vec<u8> {
    let ids: Vec<u8> = numbers.iter().flat_map(|number| tlv(4, &uuid(*number))).collect();
    intermediate(id, INFO, &tlv(0xa3, &[tlv(1, &[if deleted { 0xff } else { 0 }]), tlv(0x31, &ids)].concat()))
}

/// A server with two users that does as `changes` says when it is asked what changed; those `left` can be found by their identity.
fn server(
    changes: impl Fn(u32) -> Reply + Send + Sync + 'static,
    left: &'static [u8],
) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    move |asked| {
        let id = asked.id;
        match &asked.what {
            What::Search { sync: Some(cookie), .. } if cookie.is_empty() => {
                Reply::Send(end(id, b"first", true))
            }
            What::Search { sync: Some(_), .. } => changes(id),
            What::Search { base, subtree: false, .. } if base.is_empty() => {
                let oids =
                    ["1.2.840.113556.1.4.319", "1.3.6.1.4.1.4203.1.9.1.1"].map(|oid| oid.as_bytes().to_vec());
                let root =
                    [("namingContexts", vec![BASE.as_bytes().to_vec()]), ("supportedControl", oids.to_vec())];
                send(&[entry(id, "", &root), done(id, SEARCH, 0, "", "")])
            }
            What::Search { base, subtree: false, .. } if base == BASE => {
                let root = [
                    ("objectClass", vec![b"organization".to_vec()]),
                    ("entryUUID", vec![Guid::from_uuid(uuid(0xb)).to_string().into_bytes()]),
                ];
                send(&[entry(id, BASE, &root), done(id, SEARCH, 0, "", "")])
            }
            What::Search { subtree: false, .. } => Reply::Send(done(id, SEARCH, 32, "", "")),
            // All of it is wanted with the time of the last change.
            What::Search { attributes, .. }
                if attributes.len() > 5 && attributes.iter().any(|a| a == "modifyTimestamp") =>
            {
                send(&[plain(id, 1), plain(id, 2), page(id, 0, b"")])
            }
            What::Search { .. } => {
                let found: Vec<u8> = left.iter().flat_map(|number| plain(id, *number)).collect();
                send(&[found, page(id, 0, b"")])
            }
            _ => Reply::Usual,
        }
    }
}

/// Reads everything, then what changed.
async fn read_on(changes: Answer, left: &'static [u8]) -> Result<Reading, SourceError> {
    read_patiently(move |id| Reply::Send(changes(id)), left, Duration::from_secs(10)).await
}

/// The same of a server that may do anything, with this time for each answer and three times as much for all.
async fn read_patiently(
    changes: impl Fn(u32) -> Reply + Send + Sync + 'static,
    left: &'static [u8],
    patience: Duration,
) -> Result<Reading, SourceError> {
    let responder = Responder::start(server(changes, left)).await;
    let mut ldap = settings(vec![responder.server().in_plain_text()]);
    ldap.mapping = Schema::InetOrgPerson.mapping();
    (ldap.operation_timeout, ldap.run_timeout) = (patience, patience * 3);
    let first = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    assert_eq!((first.mode, first.reason), (Mode::Full, ModeReason::First));
    assert!(matches!(first.cursor.position, Position::ContentSync { .. }));
    assert!(!first.cursor.sees_deletions, "references are mended untold: whole reads stay due");
    assert_eq!(objects(&first).directory.users.len(), 2);
    let ask = Ask { known: &objects(&first).directory, cursor: Some(&first.cursor), ..ask() };
    ldap.read(&"main".into(), &ask, &|_| {}).await
}

fn update(reading: &Reading) -> &Update {
    match &reading.found {
        Found::Changes(update) => update,
        Found::Whole(_) => panic!("everything was read: {:?}", reading.reason),
    }
}

fn removed(reading: &Reading) -> Vec<u8> {
    update(reading).removed.iter().map(|id| id.0[0]).collect()
}

#[tokio::test]
async fn who_is_deleted_is_gone_when_a_search_does_not_find_them_either() {
    let cases: [(Answer, &[u8], &[u8]); 5] = [
        (|id| [ids(id, true, &[2]), end(id, b"next", true)].concat(), &[], &[2]),
        (|id| [ids(id, true, &[2]), end(id, b"next", true)].concat(), &[2], &[]),
        // Not named present: gone. Nobody named at all: a search says otherwise.
        (|id| [ids(id, false, &[0xb, 1]), end(id, b"next", false)].concat(), &[], &[2]),
        (|id| end(id, b"next", false), &[1, 2], &[]),
        (|id| end(id, b"", true), &[], &[]),
    ];
    for (changes, left, gone) in cases {
        let reading = read_on(changes, left).await.unwrap();
        assert_eq!((reading.mode, reading.reason), (Mode::ContentSync, ModeReason::Continued));
        assert_eq!(removed(&reading), gone);
        assert!(matches!(&reading.cursor.position, Position::ContentSync { cookie } if !cookie.is_empty()));
    }
}

#[tokio::test]
async fn a_cookie_that_stays_the_same_is_told_again_and_changes_nothing() {
    let reading = read_on(|id| [told(id, 1, 1), end(id, b"first", true)].concat(), &[1]).await.unwrap();
    assert_eq!(reading.reason, ModeReason::Continued);
    assert_eq!(removed(&reading), [0; 0]);
}

#[tokio::test]
async fn what_can_not_be_gone_on_from_is_read_whole_and_says_why() {
    use ModeReason::*;
    let newer = |id| done(id, SEARCH, 53, "", "consumer state is newer than provider!");
    let cases: [(Answer, ModeReason); 5] = [
        // 4096 takes two bytes.
        (
            |id| {
                let code = [tlv(10, &[0x10, 0]), tlv(4, b""), tlv(4, b"")].concat();
                message(id, &tlv(SEARCH, &code))
            },
            CookieRefused,
        ),
        (|id| done(id, SEARCH, 12, "", ""), CookieRefused),
        (newer, Restored),
        (|id| done(id, SEARCH, 4, "", ""), TooMuch),
        (|id| [told(id, 1, 2), end(id, b"next", true)].concat(), Untraceable),
    ];
    for (changes, expected) in cases {
        let reading = read_on(changes, &[1, 2]).await.unwrap();
        assert_eq!((reading.mode, reading.reason), (Mode::Full, expected));
    }
}

#[tokio::test]
async fn changes_that_make_no_sense_are_none() {
    use ErrorKind::*;
    let cases: [(Answer, ErrorKind, &str); 8] = [
        (|id| [told(id, 1, 1), done(id, SEARCH, 0, "", "")].concat(), Incomplete, "without the mark"),
        (|id| [plain(id, 1), end(id, b"next", true)].concat(), Protocol, "without a state"),
        (|id| end(id, &[7; 70_000], true), Incomplete, "70000 bytes"),
        (|id| [intermediate(id, INFO, b"x"), end(id, b"next", true)].concat(), Protocol, "makes no sense"),
        (
            |id| [intermediate(id, INFO, &tlv(0xa7, b"")), end(id, b"next", true)].concat(),
            Protocol,
            "makes no sense",
        ),
        (
            |id| {
                [intermediate(id, INFO, &tlv(0xa3, &tlv(0x31, &tlv(4, b"short")))), end(id, b"next", true)]
                    .concat()
            },
            Protocol,
            "makes no sense",
        ),
        (|id| [ids(id, true, &[0]), end(id, b"next", true)].concat(), Protocol, "makes no sense"),
        (|id| done(id, SEARCH, 3, "", ""), LimitExceeded, "result 3"),
    ];
    for (changes, expected, words) in cases {
        let (kind, text) = kind(read_on(changes, &[1, 2]).await);
        assert_eq!(kind, expected, "{text}");
        assert!(text.contains(words), "{text}");
    }
    // One of another kind says nothing.
    let other = |id| [intermediate(id, "1.2.3", b"x"), end(id, b"next", true)].concat();
    assert_eq!(read_on(other, &[]).await.unwrap().reason, ModeReason::Continued);
}

#[tokio::test]
async fn a_conversation_that_breaks_ends_with_an_error() {
    use ErrorKind::*;
    fn notice() -> Vec<u8> {
        let end = [tlv(10, &[52]), tlv(4, b""), tlv(4, b"going down"), tlv(0x8a, b"1.3.6.1.4.1.1466.20036")];
        message(0, &tlv(EXTENDED, &end.concat()))
    }
    type Case = (fn(u32) -> Reply, ErrorKind, &'static str);
    let cases: [Case; 9] = [
        (|_| Reply::Silence, Timeout, "within 0.5 s"),
        (
            |id| Reply::Trickle([told(id, 1, 1).repeat(50), end(id, b"next", true)].concat()),
            Timeout,
            "within 0.5 s",
        ),
        (|id| Reply::SendAndClose(told(id, 1, 1)), Disconnected, "the server closed it"),
        (|_| Reply::SendAndClose(notice()), Refused, "going down"),
        (
            |id| Reply::Send([told(id, 1, 1), done(id + 7, SEARCH, 0, "", "")].concat()),
            Protocol,
            "something else",
        ),
        (|id| Reply::Send([told(id + 1, 1, 1), end(id, b"next", true)].concat()), Protocol, "something else"),
        (|id| Reply::Send(done(id, EXTENDED, 12, "", "no such control")), Refused, "no such control"),
        (|_| Reply::Send(vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]), Protocol, "too large"),
        (|_| Reply::Send(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), Protocol, "not LDAP"),
    ];
    for (changes, expected, words) in cases {
        let (kind, text) = kind(read_patiently(changes, &[1, 2], Duration::from_millis(500)).await);
        assert_eq!(kind, expected, "{text}");
        assert!(text.contains(words), "{text}");
    }
    // Cut at any byte: each seventh, since each takes a third of a second.
    let whole = |id| [told(id, 1, 1), ids(id, true, &[2]), end(id, b"next", true)].concat();
    let cuts = (0..whole(7).len()).step_by(7).map(async |at| {
        let cut = move |id| Reply::SendAndClose(whole(id)[..at].to_vec());
        let (kind, text) = kind(read_patiently(cut, &[1, 2], Duration::from_secs(60)).await);
        assert_eq!(kind, Disconnected, "after {at} bytes: {text}");
    });
    futures_util::future::join_all(cuts).await;
}
