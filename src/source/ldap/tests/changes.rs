//! What changed, told by a controller that tells it badly: in batches, without an end, not at all.

use std::sync::atomic::AtomicBool;

use chrono::TimeDelta;

use super::*;
use crate::domain::directory::Update;
use crate::domain::run::UsnPosition;

const CONTROLLER: u8 = 0xd0;
const INVOCATION: u8 = 0xe0;

/// A domain controller with two users whose answers to DirSync, by their cookie, are scripted.
fn controller(
    changes: impl Fn(u32, &[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    move |asked| {
        let (id, bytes) = (asked.id, |text: &str| text.as_bytes().to_vec());
        let found = |dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]| {
            send(&[entry(id, dn, attributes), done(id, SEARCH, 0, "", "")])
        };
        match &asked.what {
            What::Search { dirsync: Some(cookie), .. } => Reply::Send(changes(id, cookie)),
            // One level below the container of the deleted.
            What::Search { subtree: false, cookie: Some(_), .. } => {
                let attributes = [("objectGUID", vec![vec![2; 16]]), ("isDeleted", vec![bytes("TRUE")])];
                send(&[entry(id, "CN=u2\\0ADEL:2,CN=Deleted", &attributes), page(id, 0, b"")])
            }
            What::Search { base, subtree: false, .. } => match base.as_str() {
                "" => {
                    let oids =
                        ["319", "417", "529", "841"].map(|n| bytes(&format!("1.2.840.113556.1.4.{n}")));
                    found(
                        "",
                        &[
                            ("namingContexts", vec![bytes(BASE)]),
                            ("supportedControl", oids.to_vec()),
                            ("dsServiceName", vec![bytes("CN=NTDS,DC=org")]),
                            ("highestCommittedUSN", vec![bytes("4711")]),
                        ],
                    )
                }
                "CN=NTDS,DC=org" => found(
                    base,
                    &[
                        ("objectGUID", vec![vec![CONTROLLER; 16]]),
                        ("invocationId", vec![vec![INVOCATION; 16]]),
                    ],
                ),
                BASE => found(
                    &format!("<GUID={}>;{BASE}", Guid([0xb; 16])),
                    &[("objectClass", vec![bytes("domainDNS")]), ("objectGUID", vec![vec![0xb; 16]])],
                ),
                deleted if deleted.starts_with("<WKGUID=") => {
                    found("CN=Deleted", &[("objectClass", vec![bytes("container")])])
                }
                _ => Reply::Send(done(id, SEARCH, 32, "", "")),
            },
            What::Search { attributes, .. } if attributes.len() > 5 => {
                send(&[user(id, 1), user(id, 2), page(id, 0, b"")])
            }
            _ => Reply::Usual,
        }
    }
}

fn changed(id: u32, number: u8, phone: &str) -> Vec<u8> {
    let dn = format!("<GUID={}>;CN=u{number},{BASE}", Guid([number; 16]));
    let phone = ("telephoneNumber", vec![phone.as_bytes().to_vec()]);
    entry(id, &dn, &[("objectGUID", vec![vec![number; 16]]), phone])
}

/// Reads everything, then what changed since, with this done to the cursor.
async fn read_on(
    changes: impl Fn(u32, &[u8]) -> Vec<u8> + Send + Sync + 'static,
    change: impl FnOnce(&mut Cursor, &mut UsnPosition),
) -> Result<Reading, SourceError> {
    let responder = Responder::start(controller(changes)).await;
    let ldap = settings(vec![responder.server().in_plain_text()]);
    let first = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    assert_eq!((first.mode, first.reason), (Mode::Full, ModeReason::First));
    assert!(first.cursor.sees_deletions);
    let Position::Usn(mut at) = first.cursor.position else { panic!("{:?}", first.cursor) };
    assert_eq!(at.highest, 4711);
    let mut cursor = first.cursor.clone();
    cursor.position = Position::None;
    change(&mut cursor, &mut at);
    if cursor.position == Position::None {
        cursor.position = Position::DirSync { at, cookie: Box::from(*b"last") };
    }
    let ask = Ask { known: &objects(&first).directory, cursor: Some(&cursor), ..ask() };
    ldap.read(&"main".into(), &ask, &|_| {}).await
}

fn update(reading: &Reading) -> &Update {
    match &reading.found {
        Found::Changes(update) => update,
        Found::Whole(_) => panic!("everything was read: {:?}", reading.reason),
    }
}

fn phones(reading: &Reading) -> Vec<Option<&str>> {
    update(reading).written.users.values().map(|user| user.phone()).collect()
}

fn nothing(id: u32, _: &[u8]) -> Vec<u8> {
    batch(id, false, b"next")
}

#[tokio::test]
async fn batches_are_taken_until_the_last() {
    let reading = read_on(
        |id, cookie| match cookie {
            b"last" => [changed(id, 2, "22"), batch(id, true, b"a")].concat(),
            b"a" => batch(id, true, b"b"),
            b"b" => [changed(id, 1, "11"), batch(id, false, b"next")].concat(),
            other => panic!("{other:?}"),
        },
        |_, _| {},
    )
    .await
    .unwrap();
    assert_eq!((reading.mode, reading.reason), (Mode::DirSync, ModeReason::Continued));
    assert_eq!(phones(&reading), [Some("11"), Some("22")]);
    assert!(matches!(&reading.cursor.position, Position::DirSync { cookie, .. } if &**cookie == b"next"));
}

#[tokio::test]
async fn changes_that_can_not_be_shown_to_be_whole_are_none() {
    type Case = (fn(u32, &[u8]) -> Vec<u8>, &'static str);
    let cases: [Case; 5] = [
        (|id, _| [changed(id, 1, "1"), done(id, SEARCH, 0, "", "")].concat(), "without the mark"),
        (|id, _| [changed(id, 1, "1"), page(id, 0, b"")].concat(), "without the mark"),
        (|id, _| [changed(id, 1, "1"), batch(id, true, b"same")].concat(), "again and again"),
        (|id, _| batch(id, false, b""), "a cookie of 0 bytes"),
        (|id, _| batch(id, false, &[7; 70_000]), "a cookie of 70000 bytes"),
    ];
    for (changes, expected) in cases {
        let (kind, words) = kind(read_on(changes, |_, _| {}).await);
        assert_eq!(kind, ErrorKind::Incomplete, "{words}");
        assert!(words.contains(expected), "{words}");
    }
    let (kind, _) = kind(read_on(|id, _| done(id, SEARCH, 3, "", ""), |_, _| {}).await);
    assert_eq!(kind, ErrorKind::LimitExceeded);
}

#[tokio::test]
async fn a_cookie_that_is_refused_makes_a_whole_read() {
    for code in [12, 50, 53, 80] {
        let reading = read_on(move |id, _| done(id, SEARCH, code, "", ""), |_, _| {}).await.unwrap();
        assert_eq!((reading.mode, reading.reason), (Mode::Full, ModeReason::CookieRefused));
        assert_eq!(numbers(&reading), [1, 2]);
    }
}

#[tokio::test]
async fn without_dirsync_the_numbers_tell() {
    let at = UsnPosition {
        controller: Some(Guid([CONTROLLER; 16])),
        invocation: Some(Guid([INVOCATION; 16])),
        highest: 4711,
    };
    let refused = |id: u32, _: &[u8]| done(id, SEARCH, 53, "", "");
    let reading = read_on(refused, |cursor, _| cursor.position = Position::Usn(at)).await.unwrap();
    assert_eq!((reading.mode, reading.reason), (Mode::Usn, ModeReason::Continued));
    assert_eq!(reading.cursor.position, Position::Usn(at));
    assert_eq!(update(&reading).removed.iter().collect::<Vec<_>>(), [&Guid([2; 16])]);
}

#[tokio::test]
async fn where_dirsync_was_refused_it_is_asked_for_again_after_a_whole_read() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let refused = controller(move |id, _| {
        *count.lock().unwrap() += 1;
        done(id, SEARCH, 50, "", "")
    });
    let responder = Responder::start(refused).await;
    let ldap = settings(vec![responder.server().in_plain_text()]);
    let first = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    let mut cursor = first.cursor.clone();
    for (whole, times) in [(None, 1), (None, 1), (Some(ModeReason::Asked), 1), (None, 2), (None, 2)] {
        let ask = Ask { known: &objects(&first).directory, cursor: Some(&cursor), whole, ..ask() };
        let next = ldap.read(&"main".into(), &ask, &|_| {}).await.unwrap();
        assert_eq!(*asked.lock().unwrap(), times);
        assert_eq!(next.mode, if whole.is_some() { Mode::Full } else { Mode::Usn });
        cursor = next.cursor;
    }
}

#[tokio::test]
async fn of_a_unit_with_thousands_below_only_the_first_pages_are_read_before_everything_is() {
    let unit = |id: u32| {
        let attributes = [
            ("objectClass", vec![b"organizationalUnit".to_vec()]),
            ("objectGUID", vec![vec![9; 16]]),
            ("parentGUID", vec![vec![0xb; 16]]),
            ("name", vec![b"new".to_vec()]),
        ];
        entry(id, &format!("<GUID={}>;OU=new,{BASE}", Guid([9; 16])), &attributes)
    };
    let pages = Arc::new(Mutex::new(0));
    let count = Arc::clone(&pages);
    let rest = controller(move |id, _| [unit(id), batch(id, false, b"next")].concat());
    let responder = Responder::start(move |asked| {
        let id = asked.id;
        match &asked.what {
            What::Search { subtree: true, wanted, .. } if wanted.ids == [[9; 16]] => {
                send(&[unit(id), page(id, 0, b"")])
            }
            What::Search { subtree: true, base, cookie: Some(_), .. } if base.starts_with("<GUID=09") => {
                let mut count = count.lock().unwrap();
                *count += 1;
                let name = |n: u8| format!("<GUID={}>;CN=u{n},OU={count},{BASE}", Guid([n; 16]));
                let some: Vec<u8> = (0..=255).flat_map(|n| entry(id, &name(n), &[])).collect();
                send(&[some, page(id, 0, if *count < 10 { b"more" } else { b"" })])
            }
            _ => rest(asked),
        }
    })
    .await;
    let ldap = settings(vec![responder.server().in_plain_text()]);
    let first = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    let ask = Ask { known: &objects(&first).directory, cursor: Some(&first.cursor), ..ask() };
    let reading = ldap.read(&"main".into(), &ask, &|_| {}).await.unwrap();
    assert_eq!((reading.mode, reading.reason), (Mode::Full, ModeReason::TooMuch));
    assert_eq!(*pages.lock().unwrap(), 4, "a thousand may be followed");
}

#[tokio::test]
async fn what_does_not_go_on_from_the_last_read_is_read_whole_and_says_why() {
    use ModeReason::*;
    let other = Some(Guid([1; 16]));
    type Change = fn(&mut Cursor, &mut UsnPosition);
    let cases: [(Change, ModeReason); 7] = [
        (|_, at| at.highest = 4712, Restored),
        (|_, at| at.invocation = Some(Guid([1; 16])), Restored),
        (|_, at| at.controller = None, NoPosition),
        (|cursor, _| cursor.scope += 1, ScopeChanged),
        (|cursor, _| cursor.read_at = Some(DateTime::UNIX_EPOCH - TimeDelta::days(59)), TooOld),
        (|cursor, _| cursor.read_at = None, TooOld),
        (|cursor, _| cursor.sees_deletions = false, SeesDeletions),
    ];
    for (change, expected) in cases {
        let reading = read_on(nothing, change).await.unwrap();
        assert_eq!((reading.mode, reading.reason), (Mode::Full, expected));
    }
    // Another controller's cookie is as good as its own; its numbers aren't.
    let reading = read_on(nothing, |_, at| at.controller = other).await.unwrap();
    assert_eq!(reading.reason, Continued);
    let numbers = |cursor: &mut Cursor, at: &mut UsnPosition| {
        cursor.position = Position::Usn(UsnPosition { controller: other, ..*at });
    };
    assert_eq!(read_on(nothing, numbers).await.unwrap().reason, OtherServer);
}

#[tokio::test]
async fn who_hides_that_it_is_a_domain_controller_is_read_whole_and_says_why() {
    let hidden = Arc::new(AtomicBool::new(false));
    let (hides, rest) = (Arc::clone(&hidden), controller(nothing));
    let responder = Responder::start(move |asked| match &asked.what {
        What::Search { base, .. } if base.is_empty() && hides.load(Ordering::SeqCst) => {
            Reply::Send(done(asked.id, SEARCH, 50, "", ""))
        }
        _ => rest(asked),
    })
    .await;
    let ldap = settings(vec![responder.server().in_plain_text()]);
    let first = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    hidden.store(true, Ordering::SeqCst);
    let ask = Ask { known: &objects(&first).directory, cursor: Some(&first.cursor), ..ask() };
    let reading = ldap.read(&"main".into(), &ask, &|_| {}).await.unwrap();
    assert_eq!((reading.mode, reading.reason), (Mode::Full, ModeReason::NoController));
}

#[tokio::test]
async fn a_change_without_identity_may_be_anybodys_so_everything_is_read() {
    let reading = read_on(
        |id, _| {
            let nobody = entry(id, &format!("CN=x,{BASE}"), &[("title", vec![b"y".to_vec()])]);
            [nobody, changed(id, 1, "1"), batch(id, false, b"next")].concat()
        },
        |_, _| {},
    )
    .await
    .unwrap();
    assert_eq!((reading.mode, reading.reason), (Mode::Full, ModeReason::Untraceable));
}
