mod changes;
mod connecting;
pub(super) mod dns;
mod failover;
mod moved;
mod notify;
mod ranges;
pub(crate) mod responder;
mod signing_in;
mod standard;
mod timestamps;

use std::sync::atomic::Ordering;
use std::sync::{LazyLock, Mutex};

use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::domain::directory::{Directory, Objects};
use crate::domain::ids::{Guid, UserId};
use crate::domain::shape::UnitsFrom;
use crate::source::{BindProblem, ErrorKind, Progress};
use crate::tls::pki::Authority;
use responder::*;

fn settings(servers: Vec<Server>) -> Ldap {
    let mut ldap = Ldap::new(servers, "CN=reader,DC=example,DC=org", "secret".into(), vec![BASE.to_owned()]);
    ldap.operation_timeout = Duration::from_secs(10);
    ldap
}

async fn read_from(responder: &Responder) -> Result<Reading, SourceError> {
    settings(vec![responder.server().in_plain_text()]).read(&"main".into(), &ask(), &|_| {}).await
}

async fn read(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Result<Reading, SourceError> {
    read_from(&Responder::start(script).await).await
}

/// Answers the searches of the whole tree, `n` counting them, and leaves the rest to the usual server.
fn searched(
    answer: impl Fn(usize, u32, &[u8]) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Reply + Send + Sync {
    let count = Mutex::new(0);
    move |asked| match &asked.what {
        What::Search { subtree: true, cookie, .. } => {
            let mut count = count.lock().unwrap();
            *count += 1;
            answer(*count, asked.id, cookie.as_deref().expect("the search is paged"))
        }
        _ => Reply::Usual,
    }
}

fn send(parts: &[Vec<u8>]) -> Reply {
    Reply::Send(parts.concat())
}

/// Nothing is known.
fn ask() -> Ask<'static> {
    static NOTHING: LazyLock<Directory> = LazyLock::new(Directory::default);
    Ask::first(&NOTHING, DateTime::UNIX_EPOCH)
}

fn objects(reading: &Reading) -> &Objects {
    match &reading.found {
        Found::Whole(objects) => objects,
        Found::Changes(_) => panic!("only changes were read"),
    }
}

fn numbers(reading: &Reading) -> Vec<u8> {
    objects(reading).directory.users.keys().map(|UserId(Guid(bytes))| bytes[0]).collect()
}

fn kind(result: Result<Reading, SourceError>) -> (ErrorKind, String) {
    let error = result.expect_err("the read is refused");
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn pages_are_read_until_the_server_has_no_more() {
    let told = Mutex::new(Vec::new());
    let responder = Responder::start(searched(|n, id, cookie| match (n, cookie) {
        (1, b"") => send(&[user(id, 1), reference(id, "ldap://other/"), user(id, 2), page(id, 0, b"a")]),
        (2, b"a") => send(&[page(id, 0, b"b")]),
        (3, b"b") => send(&[user(id, 3), page(id, 0, b"")]),
        other => panic!("{other:?}"),
    }))
    .await;
    let ldap = settings(vec![responder.server().in_plain_text()]);
    let reading =
        ldap.read(&"main".into(), &ask(), &|p: Progress| told.lock().unwrap().push(p.users)).await.unwrap();
    assert_eq!(numbers(&reading), [1, 2, 3]);
    assert_eq!(*told.lock().unwrap(), [2, 2, 3]);
    assert_eq!((reading.cursor.scope, &reading.cursor.position), (ldap.scope(), &Position::None));
    assert_eq!(reading.cursor.server, reading.server);
    assert_eq!(&*reading.server, format!("ldap://{}", responder.address));
}

#[tokio::test]
async fn the_cookie_may_stay_the_same_while_the_pages_go_on() {
    let reading = read(searched(|n, id, _| {
        let number = u8::try_from(n).unwrap();
        send(&[user(id, number), page(id, 0, if n < 4 { b"same" } else { b"" })])
    }));
    assert_eq!(numbers(&reading.await.unwrap()), [1, 2, 3, 4]);
}

#[tokio::test]
async fn nobody_found_is_a_read_of_nobody() {
    let reading = read(|_| Reply::Usual).await.unwrap();
    assert_eq!(*objects(&reading), Objects::default());
}

#[tokio::test]
async fn any_result_but_success_fails_the_read_on_whatever_page_it_comes() {
    use ErrorKind::*;
    let codes = [
        (3, LimitExceeded),
        (4, LimitExceeded),
        (11, LimitExceeded),
        (12, Refused),
        (32, BaseNotFound),
        (50, Refused),
        (51, Refused),
        (52, Refused),
        (53, Refused),
        (1, Refused),
        (80, Refused),
    ];
    for (code, expected) in codes {
        for failing in [1, 2] {
            let (kind, words) = kind(
                read(searched(move |n, id, _| {
                    let end = if n == failing {
                        done(id, 0x65, code, "", "the \0reason\n")
                    } else {
                        page(id, 0, b"more")
                    };
                    send(&[user(id, 1), end])
                }))
                .await,
            );
            assert_eq!(kind, expected, "{words}");
            assert!(
                words.contains(&format!("result {code} (")) && words.contains("\"the reason\""),
                "{words}"
            );
        }
    }
}

#[tokio::test]
async fn a_referral_is_told_and_not_followed() {
    let other = Responder::start(|_| Reply::Usual).await;
    let to = format!("ldap://{}/{BASE}", other.address);
    let (kind, words) = kind(
        read(searched({
            let to = to.clone();
            move |_, id, _| Reply::Send(referral(id, &to))
        }))
        .await,
    );
    assert_eq!(kind, ErrorKind::Referral);
    assert!(words.contains(&to), "{words}");
    assert_eq!(other.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_base_that_is_not_there_or_not_shown_is_told() {
    let at_base = |reply: fn(u32) -> Vec<u8>| {
        move |asked: &Asked| match &asked.what {
            What::Search { base, subtree: false, .. } if base == BASE => Reply::Send(reply(asked.id)),
            _ => Reply::Usual,
        }
    };
    let (not_shown, words) = kind(read(at_base(|id| done(id, SEARCH, 0, "", ""))).await);
    assert_eq!(not_shown, ErrorKind::BaseNotVisible);
    assert!(words.contains("give the account the right"), "{words}");
    let (not_there, words) = kind(read(at_base(|id| done(id, SEARCH, 32, "DC=org", "gone"))).await);
    assert_eq!(not_there, ErrorKind::BaseNotFound);
    assert!(
        words.contains("the nearest it has is \"DC=org\"") && words.contains(&format!("it holds {BASE}")),
        "{words}"
    );
}

#[tokio::test]
async fn a_read_that_can_not_be_shown_to_be_whole_is_none() {
    let no_mark = |failing: usize| {
        searched(move |n, id, _| {
            let end = if n == failing { done(id, SEARCH, 0, "", "") } else { page(id, 0, b"more") };
            send(&[user(id, u8::try_from(n).unwrap()), end])
        })
    };
    for failing in [1, 2] {
        let (kind, words) = kind(read(no_mark(failing)).await);
        assert_eq!(kind, ErrorKind::Incomplete);
        assert!(words.contains("without the mark"), "{words}");
    }
    let (same_page, words) = kind(read(searched(|_, id, _| send(&[user(id, 1), page(id, 0, b"x")]))).await);
    assert_eq!(same_page, ErrorKind::Incomplete);
    assert!(words.contains("again and again"), "{words}");
    let (empty_pages, _) = kind(read(searched(|_, id, _| Reply::Send(page(id, 0, b"x")))).await);
    assert_eq!(empty_pages, ErrorKind::Incomplete);
}

#[tokio::test]
async fn a_connection_that_ends_early_fails_the_read() {
    let (cut, words) = kind(read(searched(|_, id, _| Reply::SendAndClose(user(id, 1)))).await);
    assert_eq!(cut, ErrorKind::Disconnected);
    assert!(words.contains("the server closed it") && words.contains(BASE), "{words}");
    let (torn, words) = kind(
        read(searched(|_, id, _| {
            let end = page(id, 0, b"");
            Reply::SendAndClose([user(id, 1), end[..end.len() - 1].to_vec()].concat())
        }))
        .await,
    );
    assert_eq!(torn, ErrorKind::Disconnected);
    assert!(words.contains("in the middle of a message"), "{words}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for() {
    for silent_at in ["bind", "search"] {
        let responder = Responder::start(move |asked| match &asked.what {
            What::Bind { .. } if silent_at == "bind" => Reply::Silence,
            What::Search { subtree: true, .. } => Reply::Send(user(asked.id, 1)),
            _ => Reply::Usual,
        })
        .await;
        let mut ldap = settings(vec![responder.server().in_plain_text()]);
        ldap.operation_timeout = Duration::from_millis(200);
        let (kind, words) = kind(ldap.read(&"main".into(), &ask(), &|_| {}).await);
        assert_eq!(kind, ErrorKind::Timeout);
        assert!(words.contains("did not answer within 0.2 s"), "{words}");
    }
}

#[tokio::test]
async fn a_run_has_an_end_even_if_every_answer_comes() {
    let count = std::sync::atomic::AtomicU8::new(0);
    let responder = Responder::start(searched(move |_, id, _| {
        send(&[user(id, count.fetch_add(1, Ordering::Relaxed).wrapping_add(1)), page(id, 0, b"x")])
    }))
    .await;
    let mut ldap = settings(vec![responder.server().in_plain_text()]);
    ldap.run_timeout = Duration::from_millis(300);
    let (kind, words) = kind(ldap.read(&"main".into(), &ask(), &|_| {}).await);
    assert_eq!(kind, ErrorKind::Timeout);
    assert!(words.contains("the limit of a whole run"), "{words}");
}

#[tokio::test]
async fn what_makes_no_sense_neither_brings_anything_down_nor_counts() {
    fn deep() -> Vec<u8> {
        // Outermost first: each holds all that follow.
        (0..60_000_u32)
            .rev()
            .flat_map(|left| [&[0x30, 0x84][..], &(left * 6).to_be_bytes()].concat())
            .collect()
    }
    type Case = (&'static str, fn(u32) -> Vec<u8>);
    let cases: [Case; 10] = [
        ("not LDAP", |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("not LDAP", |_| vec![0x30, 0x80, 0, 0]),
        ("too large", |_| vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]),
        ("malformed", |_| deep()),
        ("malformed", |id| {
            message(id, &tlv(SEARCH, &[tlv(10, &[0]), tlv(4, b""), tlv(4, b""), deep()].concat()))
        }),
        ("malformed", |_| tlv(0x30, b"\x02\x01")),
        ("malformed", |id| message(id, &tlv(SEARCH, &tlv(10, &[])))),
        ("something else", |id| done(id + 7, SEARCH, 0, "", "")),
        ("something else", |id| done(id, BIND, 0, "", "")),
        ("malformed", |id| [message(id, &tlv(0x64, &[])), page(id, 0, b"")].concat()),
    ];
    for (reason, reply) in cases {
        let (kind, words) = kind(read(searched(move |_, id, _| Reply::Send(reply(id)))).await);
        assert_eq!(kind, ErrorKind::Protocol, "{words}");
        assert!(words.contains(reason), "{words}");
    }
}

#[tokio::test]
async fn an_extended_answer_to_a_search_says_why() {
    // Samba's answer to a critical control that it doesn't know, and a Notice of Disconnection as Active Directory makes it.
    let (kind_of_samba, words) =
        kind(read(searched(|_, id, _| Reply::Send(done(id, EXTENDED, 12, "", "no such control")))).await);
    assert_eq!(kind_of_samba, ErrorKind::Refused);
    assert!(words.contains("result 12") && words.contains("no such control"), "{words}");
    let notice = |_: usize, _: u32, _: &[u8]| {
        let end = tlv(EXTENDED, &[tlv(10, &[52]), tlv(4, b""), tlv(4, b"going down")].concat());
        Reply::SendAndClose(message(0, &[end, tlv(0x8a, b"1.3.6.1.4.1.1466.20036")].concat()))
    };
    let (kind_of_notice, words) = kind(read(searched(notice)).await);
    assert_eq!(kind_of_notice, ErrorKind::Refused);
    assert!(words.contains("going down") && words.contains("tried again at the next run"), "{words}");
}

/// A group whose members come in parts, `asked` telling from which number on.
fn in_parts(
    parts: impl Fn(u32, u32) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Reply + Send + Sync {
    move |asked| match &asked.what {
        What::Search { subtree: true, .. } => {
            let users = (1..=5).map(|n| user(asked.id, n)).collect::<Vec<_>>().concat();
            let cut = group(asked.id, 9, &[("member", &[]), ("member;range=0-1", &[1, 2])]);
            send(&[cut, users, page(asked.id, 0, b"")])
        }
        What::Search { base, attributes, .. } if base.starts_with("CN=g9") => {
            let from = attributes[0].strip_prefix("member;range=").unwrap().strip_suffix("-*").unwrap();
            parts(asked.id, from.parse().unwrap())
        }
        _ => Reply::Usual,
    }
}

#[tokio::test]
async fn a_list_of_members_that_comes_in_parts_is_fetched_whole_in_any_order() {
    let reading = read(in_parts(|id, from| match from {
        2 => {
            send(&[group(id, 9, &[("member;range=2-2", &[3]), ("member", &[])]), done(id, SEARCH, 0, "", "")])
        }
        3 => send(&[
            group(id, 9, &[("member;range=4-*", &[5]), ("member;range=3-3", &[4])]),
            done(id, SEARCH, 0, "", ""),
        ]),
        _ => panic!("{from} was asked for"),
    }))
    .await
    .unwrap();
    let group = objects(&reading).directory.groups.values().next().unwrap();
    assert_eq!(group.members.iter().map(|Guid(id)| id[0]).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(objects(&reading).quarantined, []);
}

#[tokio::test]
async fn members_that_do_not_come_fail_the_read() {
    let cases: [fn(u32, u32) -> Reply; 4] = [
        |id, _| send(&[group(id, 9, &[("member", &[3])]), done(id, SEARCH, 0, "", "")]),
        |id, _| send(&[group(id, 9, &[("member;range=3-*", &[3])]), done(id, SEARCH, 0, "", "")]),
        |id, _| Reply::Send(done(id, SEARCH, 0, "", "")),
        |id, _| Reply::Send(done(id, SEARCH, 32, "", "")),
    ];
    for parts in cases {
        let (kind, words) = kind(read(in_parts(parts)).await);
        assert_eq!(kind, ErrorKind::Incomplete);
        assert!(words.contains("CN=g9") && words.contains("from number 2 on"), "{words}");
    }
}

#[test]
fn the_scope_changes_with_what_is_read_and_with_nothing_else() {
    let ldap = settings(vec!["ldaps://dc1".parse().unwrap()]);
    let mut same = ldap.clone();
    let other = Password::Fixed("other".into());
    same.sign_in = SignIn::Simple { bind_dn: "other".into(), password: other };
    (same.servers, same.page_size) = (Servers::Listed(vec!["ldaps://dc2".parse().unwrap()]), 7);
    same.bases = vec!["dc=EXAMPLE, dc=org".to_owned()];
    assert_eq!(same.scope(), ldap.scope());
    assert_eq!(
        ldap.scope(),
        12_257_986_016_160_245_591,
        "a new digest makes every directory's next run one with a changed scope"
    );
    let changes: [fn(&mut Ldap); 7] = [
        |l| l.bases.push("DC=other".to_owned()),
        |l| l.user_filter = "(objectClass=user)".into(),
        |l| l.mapping.phone = "otherTelephone".into(),
        |l| l.mapping.user_classes.push("contact".into()),
        |l| l.mapping.exclude.push("OU=x,DC=example,DC=org".parse().unwrap()),
        |l| l.mapping.units = UnitsFrom::Groups { below: None, named: None },
        |l| l.mapping.units = UnitsFrom::Attribute { attribute: "title".into(), separator: None },
    ];
    for change in changes {
        let mut other = ldap.clone();
        change(&mut other);
        assert_ne!(other.scope(), ldap.scope());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn whatever_bytes_come_ldap3_stays_up(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), at_bind in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let result = runtime.block_on(read(move |asked| {
            let mut bytes = match &asked.what {
                What::Bind { .. } if at_bind => done(asked.id, BIND, 0, "DC=x", "text"),
                What::Search { subtree: true, .. } if !at_bind => {
                    let parts = [user(asked.id, 1), reference(asked.id, "ldap://x"), user(asked.id, 2), page(asked.id, 0, b"")];
                    parts.concat()
                }
                _ => return Reply::Usual,
            };
            for (index, byte) in &changes {
                let index = index.index(bytes.len());
                bytes[index] = *byte;
            }
            Reply::SendAndClose(bytes)
        }));
        if let Err(error) = result {
            prop_assert!(!error.to_string().contains("brought the LDAP library down"), "{}", error);
        }
    }
}
#[test]
fn the_digest_of_what_is_read_by_default_never_changes() {
    assert_eq!(settings(Vec::new()).scope(), 12_257_986_016_160_245_591);
}

#[tokio::test]
async fn what_is_left_out_is_not_read_and_must_be_there() {
    let out = "OU=Out,DC=example,DC=org";
    let script = move |there: bool| {
        move |asked: &Asked| match &asked.what {
            What::Search { base, subtree: false, .. } if base == out && there => {
                let id = ("objectGUID", vec![vec![9; 16]]);
                send(&[entry(asked.id, out, &[id]), done(asked.id, SEARCH, 0, "", "")])
            }
            What::Search { base, subtree: false, .. } if base == out => {
                Reply::Send(done(asked.id, SEARCH, 32, BASE, ""))
            }
            What::Search { subtree: true, .. } => {
                let account = ("sAMAccountName", vec![b"x".to_vec()]);
                let class = ("objectClass", vec![b"user".to_vec()]);
                let id = ("objectGUID", vec![vec![7; 16]]);
                let below = entry(asked.id, &format!("CN=x,ou=OUT,{BASE}"), &[account, class, id]);
                send(&[user(asked.id, 1), below, page(asked.id, 0, b"")])
            }
            _ => Reply::Usual,
        }
    };
    for there in [true, false] {
        let responder = Responder::start(script(there)).await;
        let mut ldap = settings(vec![responder.server().in_plain_text()]);
        ldap.mapping.exclude = vec![out.parse().unwrap()];
        let read = ldap.read(&"main".into(), &ask(), &|_| {}).await;
        if there {
            assert_eq!(numbers(&read.unwrap()), [1]);
        } else {
            let (kind, words) = kind(read);
            assert_eq!(kind, ErrorKind::BaseNotFound);
            assert!(words.contains(out) && words.contains("`exclude` names"), "{words}");
        }
    }
}
