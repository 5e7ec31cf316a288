//! A controller with more than two pages of users, read in ranges of its numbers: what can go wrong on one of several connections.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;

/// Active Directory's limit.
const PAGE: usize = 1000;
const USERS: u16 = 4_000;

/// A controller with users whose `uSNCreated` is told by `number`; `hidden` ones don't show it. `other` may answer in its place.
#[derive(Clone)]
struct Crowd {
    highest: u64,
    number: fn(u16) -> u64,
    hidden: fn(u16) -> bool,
    other: fn(&Asked) -> Option<Reply>,
}

/// Spread evenly.
const EVEN: Crowd =
    Crowd { highest: 30_000, number: |n| u64::from(n) * 5, hidden: |_| false, other: |_| None };

/// Where the controller's searches for ranges, and for identities alone, can be told from others.
fn range(asked: &Asked) -> Option<&Wanted> {
    match &asked.what {
        What::Search { wanted, .. } if wanted.from.is_some() || wanted.to.is_some() => Some(wanted),
        _ => None,
    }
}

impl Crowd {
    fn answer(&self, asked: &Asked) -> Reply {
        if let Some(reply) = (self.other)(asked) {
            return reply;
        }
        let (id, bytes) = (asked.id, |text: &str| text.as_bytes().to_vec());
        let found = |dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]| {
            send(&[entry(id, dn, attributes), done(id, SEARCH, 0, "", "")])
        };
        let What::Search { base, subtree, wanted, attributes, cookie, .. } = &asked.what else {
            return Reply::Usual;
        };
        match (base.as_str(), subtree) {
            ("", _) => found(
                "",
                &[
                    ("namingContexts", vec![bytes(BASE)]),
                    (
                        "supportedControl",
                        vec![bytes("1.2.840.113556.1.4.319"), bytes("1.2.840.113556.1.4.529")],
                    ),
                    ("dsServiceName", vec![bytes("CN=NTDS,DC=org")]),
                    ("highestCommittedUSN", vec![bytes(&self.highest.to_string())]),
                ],
            ),
            ("CN=NTDS,DC=org", _) => {
                found(base, &[("objectGUID", vec![vec![1; 16]]), ("invocationId", vec![vec![2; 16]])])
            }
            (BASE, false) => found(
                &format!("<GUID={}>;{BASE}", Guid([0xb; 16])),
                &[("objectClass", vec![bytes("domainDNS")]), ("objectGUID", vec![vec![0xb; 16]])],
            ),
            (_, false) => Reply::Send(done(id, SEARCH, 32, "", "")),
            (_, true) => {
                let cookie = str::from_utf8(cookie.as_ref().unwrap()).unwrap();
                let from: usize = cookie.parse().unwrap_or(0);
                let all: Vec<u16> = (0..USERS).filter(|n| self.is_wanted(*n, wanted)).collect();
                let mut reply: Vec<u8> =
                    all.iter().skip(from).take(PAGE).flat_map(|n| self.user(id, *n, attributes)).collect();
                let next = if from + PAGE < all.len() { (from + PAGE).to_string() } else { String::new() };
                reply.extend(page(id, 0, next.as_bytes()));
                Reply::Send(reply)
            }
        }
    }

    fn is_wanted(&self, n: u16, wanted: &Wanted) -> bool {
        let number = (self.number)(n);
        let by_number = wanted.from.is_some() || wanted.to.is_some() || wanted.without;
        let within = !wanted.without
            && wanted.from.is_none_or(|from| from <= number)
            && wanted.to.is_none_or(|to| number <= to);
        (!by_number || (within && !(self.hidden)(n)))
            && (wanted.ids.is_empty() || wanted.ids.contains(&guid(n).0))
    }

    fn user(&self, id: u32, n: u16, attributes: &[String]) -> Vec<u8> {
        let mut all = vec![
            ("objectClass", vec![b"user".to_vec()]),
            ("objectGUID", vec![guid(n).0.to_vec()]),
            ("sAMAccountName", vec![format!("u{n}").into_bytes()]),
            ("userAccountControl", vec![b"512".to_vec()]),
        ];
        if !(self.hidden)(n) {
            all.push(("uSNCreated", vec![(self.number)(n).to_string().into_bytes()]));
        }
        all.retain(|(name, _)| attributes.iter().any(|wanted| wanted == name));
        entry(id, &format!("<GUID={}>;CN=u{n},{BASE}", guid(n)), &all)
    }

    async fn start(self) -> Responder {
        Responder::start(move |asked| self.answer(asked)).await
    }

    /// Reads it over so many connections: whom it gave, and over how many connections in the end.
    async fn read(self, connections: Option<u8>) -> (Result<BTreeSet<Guid>, SourceError>, usize) {
        let responder = self.start().await;
        let ldap = over(&responder, connections);
        let reading = ldap.read(&"main".into(), &ask(), &|_| {}).await;
        (reading.map(|reading| ids(&reading)), responder.connections.load(Ordering::SeqCst))
    }
}

fn over(responder: &Responder, connections: Option<u8>) -> Ldap {
    Ldap { connections, ..settings(vec![responder.server().in_plain_text()]) }
}

fn guid(n: u16) -> Guid {
    let [high, low] = n.to_be_bytes();
    Guid([7, high, low, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7])
}

fn ids(reading: &Reading) -> BTreeSet<Guid> {
    let objects = objects(reading);
    assert_eq!(objects.quarantined, []);
    objects.directory.users.keys().map(|id| id.0).collect()
}

fn everybody() -> BTreeSet<Guid> {
    (0..USERS).map(guid).collect()
}

#[tokio::test]
async fn however_the_numbers_lie_and_over_however_many_connections_everybody_is_read() {
    type Case = (fn(u16) -> u64, u64);
    let numbers: [Case; 5] = [
        (EVEN.number, EVEN.highest),
        // The controller came late into a domain that was full.
        (|n| 700 + u64::from(n), 3_000_000),
        (|n| 2_990_000 + u64::from(n), 3_000_000),
        // Came while it was read.
        (|n| 29_000 + u64::from(n), 30_000),
        (|n| u64::from(n) * 5, u64::MAX),
    ];
    for (case, (number, highest)) in numbers.into_iter().enumerate() {
        let settings = if case == 0 { vec![Some(1), Some(3), Some(16), None] } else { vec![Some(3)] };
        for connections in settings {
            let (read, open) = Crowd { number, highest, ..EVEN }.read(connections).await;
            assert!(read.unwrap() == everybody(), "{highest} {connections:?}");
            match connections {
                Some(set) => assert!(open <= usize::from(set) && (open > 1) == (set > 1), "{open} of {set}"),
                None => assert!((2..=4).contains(&open), "{open}"),
            }
        }
    }
}

#[tokio::test]
async fn a_small_directory_is_read_over_one_connection() {
    let small = Crowd {
        other: |asked| {
            assert!(range(asked).is_none(), "{asked:?}");
            match &asked.what {
                // The second page is the last.
                What::Search { subtree: true, cookie: Some(cookie), .. } if cookie == b"1000" => {
                    Some(Reply::Send(page(asked.id, 0, b"")))
                }
                _ => None,
            }
        },
        ..EVEN
    };
    let (read, open) = small.read(None).await;
    assert_eq!((read.unwrap().len(), open), (1_000, 1));
    let (read, open) = Crowd { highest: 19_999, ..EVEN }.read(None).await;
    assert_eq!((read.unwrap().len(), open), (4_000, 1));
}

#[tokio::test]
async fn a_range_that_fails_in_the_middle_fails_the_read() {
    type Other = fn(&Asked) -> Option<Reply>;
    /// The second page of a range.
    fn second(asked: &Asked) -> Option<&Wanted> {
        range(asked)
            .filter(|_| matches!(&asked.what, What::Search { cookie: Some(cookie), .. } if cookie == b"1000"))
    }
    let cases: [(Other, ErrorKind); 4] = [
        (|a| second(a).map(|_| Reply::Send(done(a.id, SEARCH, 4, "", ""))), ErrorKind::LimitExceeded),
        (|a| second(a).map(|_| Reply::SendAndClose(Vec::new())), ErrorKind::Disconnected),
        (|a| second(a).map(|_| Reply::Send(done(a.id, SEARCH, 0, "", ""))), ErrorKind::Incomplete),
        (|a| range(a).map(|_| Reply::Send(done(a.id, SEARCH, 50, "", ""))), ErrorKind::Refused),
    ];
    for (other, expected) in cases {
        // In few ranges, so that each has several pages.
        let crowd = Crowd { highest: 22_000, number: |n| u64::from(n) / 4, other, ..EVEN };
        let (read, _) = crowd.read(Some(3)).await;
        assert_eq!(read.unwrap_err().kind(), expected);
    }
}

#[tokio::test]
async fn a_busy_server_is_read_over_fewer_connections() {
    let busy = Crowd {
        other: |asked| {
            let busy = asked.connection == 2 && range(asked).is_some();
            busy.then(|| Reply::Send(done(asked.id, SEARCH, 51, "", "")))
        },
        ..EVEN
    };
    for connections in [Some(4), None] {
        let (read, _) = busy.clone().read(connections).await;
        assert!(read.unwrap() == everybody());
    }
    let always = Crowd {
        other: |asked| range(asked).map(|_| Reply::Send(done(asked.id, SEARCH, 51, "", ""))),
        ..EVEN
    };
    let (read, _) = always.read(Some(4)).await;
    assert!(matches!(read, Err(SourceError::Refused { answer, .. }) if answer.code == 51));
}

#[tokio::test]
async fn a_connection_that_is_not_to_be_had_is_done_without() {
    type Other = fn(&Asked) -> Option<Reply>;
    let refusals: [Other; 3] = [
        |asked| {
            let refused = asked.connection > 1 && matches!(asked.what, What::Bind { .. });
            refused.then(|| Reply::Send(done(asked.id, BIND, 51, "", "")))
        },
        |asked| (asked.connection > 1).then(|| Reply::SendAndClose(Vec::new())),
        // Another controller answers.
        |asked| match &asked.what {
            What::Search { base, .. } if asked.connection > 1 && base == "CN=NTDS,DC=org" => Some(send(&[
                entry(
                    asked.id,
                    base,
                    &[("objectGUID", vec![vec![9; 16]]), ("invocationId", vec![vec![9; 16]])],
                ),
                done(asked.id, SEARCH, 0, "", ""),
            ])),
            _ => {
                assert!(asked.connection == 1 || range(asked).is_none());
                None
            }
        },
    ];
    for other in refusals {
        let (read, open) = Crowd { other, ..EVEN }.read(Some(4)).await;
        assert!(read.unwrap() == everybody());
        assert_eq!(open, 2, "it is tried once");
    }
}

#[tokio::test]
async fn nobody_is_lost_whose_number_is_not_to_be_seen() {
    let hidden: [fn(u16) -> bool; 5] =
        [|_| true, |n| n == 7, |n| n == 3_321, |n| n > 2_500, |n| n % 5 == 4 && n > 2_000];
    for hidden in hidden {
        for connections in [Some(4), None] {
            let (read, _) = Crowd { hidden, ..EVEN }.read(connections).await;
            assert!(read.unwrap() == everybody());
        }
    }
}

#[tokio::test]
async fn who_stops_showing_a_number_is_looked_for_before_being_lost() {
    static HIDDEN: Mutex<Option<u16>> = Mutex::new(None);
    static ALONE: Mutex<usize> = Mutex::new(0);
    let crowd = Crowd {
        hidden: |n| *HIDDEN.lock().unwrap() == Some(n),
        other: |asked| {
            if matches!(&asked.what, What::Search { attributes, subtree: true, .. } if *attributes == ["1.1"])
            {
                *ALONE.lock().unwrap() += 1;
            }
            None
        },
        ..EVEN
    };
    let responder = crowd.start().await;
    let ldap = over(&responder, Some(4));
    let name = "main".into();
    let first = ldap.read(&name, &ask(), &|_| {}).await.unwrap();
    let asked_alone = || *ALONE.lock().unwrap();
    // The first read asked for the identities of all: four pages.
    assert_eq!(asked_alone(), 4);
    let known = Arc::new(objects(&first).directory.clone());
    let again = Ask { known: &known, ..ask() };
    assert!(ids(&ldap.read(&name, &again, &|_| {}).await.unwrap()) == everybody());
    assert_eq!(asked_alone(), 4);
    *HIDDEN.lock().unwrap() = Some(3_000);
    assert!(ids(&ldap.read(&name, &again, &|_| {}).await.unwrap()) == everybody());
    // From now on they are asked for again.
    assert!(ids(&ldap.read(&name, &again, &|_| {}).await.unwrap()) == everybody());
    assert_eq!(asked_alone(), 8);
}
