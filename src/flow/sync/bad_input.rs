//! Whatever a server does that no server should: the run fails or is held and says why, and nothing has changed, in memory or on disk.
//!
//! [`cases`] is the table. Each case is played to a run that reads everything, to one that reads what changed by DirSync, and to one that
//! goes by the controller's numbers, as far as it can happen there.

pub(crate) mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::domain::run::Mode;
use crate::source::ldap::tests::responder::*;
use world::{Bad, How, World, end, fifteenth, good, is_main, part, person};

/// What comes of a run.
enum Expected {
    /// It fails, with these words.
    Failed(String),
    /// It is held, with these words.
    Held(&'static str),
    /// The changes are of no use: everything is read in the same run, which says so, and finds all as it was.
    ReadWhole(ModeReason),
    /// One value can't be believed: what was known before stays, and that is told with these words.
    Kept(&'static str),
}

use Expected::*;

struct Case {
    what: String,
    bad: Arc<Bad>,
    expected: Expected,
}

/// A case in which the questions for objects are answered so: the number of the question, counted from 1, and of the message.
fn answered(
    what: impl Into<String>,
    how: How,
    expected: Expected,
    answer: impl Fn(usize, u32) -> Option<Reply> + Send + Sync + 'static,
) -> Case {
    let bad = move |asked: &Asked, n: usize| if is_main(asked, how) { answer(n, asked.id) } else { None };
    Case { what: what.into(), bad: Arc::new(bad), expected }
}

fn send(bytes: Vec<u8>) -> Option<Reply> {
    Some(Reply::Send(bytes))
}

fn failed(words: &str) -> Expected {
    Failed(words.to_owned())
}

fn cases(how: How) -> Vec<Case> {
    let mut cases = results(how);
    cases.extend(sign_in());
    cases.extend(pages(how));
    cases.extend(messages(how));
    cases.extend(match how {
        How::Whole => objects(),
        How::Changes | How::Numbers => circles(how),
    });
    cases
}

/// Results other than success, at once and after some objects.
fn results(how: How) -> Vec<Case> {
    let codes = [1, 3, 4, 10, 11, 12, 32, 50, 51, 52, 53, 80];
    let all = codes.iter().flat_map(|code| [(*code, 1), (*code, 2)]);
    all.map(|(code, at)| {
        let expected = match code {
            // The cookie may be to blame, so it is tried without.
            1 | 12 | 50 | 53 | 80 if how == How::Changes => ReadWhole(ModeReason::CookieRefused),
            10 => failed("refers to another server"),
            _ => Failed(format!("result {code} (")),
        };
        answered(format!("result {code} to question {at}"), how, expected, move |n, id| {
            let some = if how == How::Whole { part(id, 0) } else { person(id, 11, &[]) };
            let last = if n == at { done(id, SEARCH, code, "", "the reason") } else { end(how, id, b"2") };
            (n <= at).then(|| Reply::Send([some, last].concat()))
        })
    })
    .collect()
}

/// Every reason for which Active Directory lets nobody in.
fn sign_in() -> Vec<Case> {
    let codes = ["525", "52e", "530", "531", "532", "533", "701", "773", "775", "57"];
    codes
        .map(|data| {
            let text = format!(
                "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data {data}, v4563"
            );
            let bad = move |asked: &Asked, _: usize| match &asked.what {
                What::Bind { .. } => send(done(asked.id, BIND, 49, "", &text)),
                _ => None,
            };
            Case {
                what: format!("data {data}"),
                bad: Arc::new(bad),
                expected: Failed(format!("data {data}")),
            }
        })
        .into()
}

/// Pages and batches that have no end, or not the right one.
fn pages(how: How) -> Vec<Case> {
    let some = move |id: u32| if how == How::Whole { part(id, 0) } else { person(id, 11, &[]) };
    let mut cases = vec![
        answered("no mark of an end", how, failed("without the mark"), move |_, id| {
            send([some(id), done(id, SEARCH, 0, "", "")].concat())
        }),
        answered("no mark of an end in the middle", how, failed("without the mark"), move |n, id| {
            let last = if n == 1 { end(how, id, b"2") } else { done(id, SEARCH, 0, "", "") };
            send([some(id), last].concat())
        }),
        answered("the same for ever", how, failed("again and again"), move |_, id| {
            send([some(id), end(how, id, b"same")].concat())
        }),
        answered("nothing for ever", how, failed("again and again"), move |n, id| {
            send(end(how, id, n.to_string().as_bytes()))
        }),
    ];
    match how {
        How::Whole => {
            cases.push(answered("nobody", how, Held("all"), |_, id| send(page(id, 0, b""))));
            cases.push(answered("only the first page", how, Held("users"), |_, id| {
                send([part(id, 0), page(id, 0, b"")].concat())
            }));
        }
        How::Changes => {
            cases.push(answered("an empty cookie", how, failed("a cookie of 0 bytes"), |_, id| {
                send(batch(id, false, b""))
            }));
            cases.push(answered(
                "a cookie without bounds",
                how,
                failed("a cookie of 70000 bytes"),
                |_, id| send(batch(id, false, &[7; 70_000])),
            ));
        }
        How::Numbers => {}
    }
    cases
}

/// What isn't an answer.
fn messages(how: How) -> Vec<Case> {
    let notice = || {
        let end = [tlv(10, &[52]), tlv(4, b""), tlv(4, b"going down"), tlv(0x8a, b"1.3.6.1.4.1.1466.20036")];
        message(0, &tlv(EXTENDED, &end.concat()))
    };
    vec![
        answered("another message's number", how, failed("something else"), move |_, id| {
            send([person(id, 11, &[]), done(id + 7, SEARCH, 0, "", "")].concat())
        }),
        answered("an entry with another number", how, failed("something else"), move |_, id| {
            send([person(id + 1, 11, &[]), end(how, id, b"")].concat())
        }),
        answered("an answer to a sign-in", how, failed("something else"), |_, id| {
            send(done(id, BIND, 0, "", ""))
        }),
        answered("an extended answer", how, failed("no such control"), |_, id| {
            send(done(id, EXTENDED, 12, "", "no such control"))
        }),
        answered("a notice of disconnection", how, failed("going down"), move |_, _| {
            Some(Reply::SendAndClose(notice()))
        }),
        answered("2 GB announced", how, failed("too large"), |_, _| {
            send(vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff])
        }),
        answered("no LDAP", how, failed("not LDAP"), |_, _| {
            send(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())
        }),
        answered("the connection closed", how, failed("the server closed it"), |_, id| {
            Some(Reply::SendAndClose(person(id, 11, &[])))
        }),
    ]
}

/// Objects that make no sense; the first page is as it should be.
fn objects() -> Vec<Case> {
    let second = |what: &str, expected: Expected, entries: fn(u32) -> Vec<u8>| {
        answered(what, How::Whole, expected, move |n, id| {
            (n == 2).then(|| Reply::Send([entries(id), page(id, 0, b"")].concat()))
        })
    };
    // In place of the last person, who is known.
    fn but(id: u32, last: Vec<u8>) -> Vec<u8> {
        let fifteenth = fifteenth(id);
        let all = part(id, 1);
        let at = all.windows(fifteenth.len()).position(|w| w == fifteenth).unwrap();
        [&all[..at], &last, &all[at + fifteenth.len()..]].concat()
    }
    fn nameless(id: u32, guid: &[&[u8]]) -> Vec<u8> {
        let attributes = [
            ("objectClass", vec![b"user".to_vec()]),
            ("objectGUID", guid.iter().map(|guid| guid.to_vec()).collect()),
            ("sAMAccountName", vec![b"o15".to_vec()]),
        ];
        entry(id, &format!("CN=p15,OU=b,OU=a,{BASE}"), &attributes)
    }
    fn phone(id: u32, values: Vec<Vec<u8>>) -> Vec<u8> {
        but(id, person(id, 15, &[("telephoneNumber", values)]))
    }
    vec![
        second("no objectGUID", failed("has no objectGUID"), |id| but(id, nameless(id, &[]))),
        second("half an objectGUID", failed("has 8 bytes instead of 16"), |id| {
            but(id, nameless(id, &[&[15; 8]]))
        }),
        second("an objectGUID of zeros", failed("all zeros"), |id| but(id, nameless(id, &[&[0; 16]]))),
        second("two with one objectGUID", failed("is that of another entry"), |id| {
            but(id, nameless(id, &[&[14; 16]]))
        }),
        second("no text", Kept("telephoneNumber is not text in UTF-8"), |id| {
            phone(id, vec![b"\xff\xfe".to_vec()])
        }),
        second("10 MB", Kept("telephoneNumber has 10485760 bytes"), |id| {
            phone(id, vec![vec![b'1'; 10 << 20]])
        }),
        second("100,000 values", Kept("telephoneNumber has more than 1000 values"), |id| {
            phone(id, vec![b"1".to_vec(); 100_000])
        }),
    ]
}

/// A unit that stands below itself, or below what stands below it.
fn circles(how: How) -> Vec<Case> {
    [(4, 4), (3, 4)]
        .map(|(unit, above)| {
            let what = format!("unit {unit} below {above}");
            let told = move |id: u32| {
                let path = if unit == 3 { "OU=a,OU=b,OU=a" } else { "OU=b,OU=b,OU=a" };
                let attributes = [
                    ("objectClass", vec![b"organizationalUnit".to_vec()]),
                    ("objectGUID", vec![vec![unit; 16]]),
                    ("parentGUID", vec![vec![above; 16]]),
                    ("name", vec![b"c".to_vec()]),
                ];
                entry(id, &format!("<GUID={}>;{path},{BASE}", Guid([unit; 16])), &attributes)
            };
            // It is the same when it is fetched by itself: before everything is read, whose second page is asked for, too.
            let fetched = AtomicUsize::new(0);
            let bad = move |asked: &Asked, _: usize| match &asked.what {
                _ if is_main(asked, how) => send([told(asked.id), end(how, asked.id, b"")].concat()),
                What::Search { subtree: true, cookie: Some(_), attributes, .. }
                    if attributes.iter().any(|name| name == "parentGUID")
                        && fetched.fetch_add(1, Ordering::SeqCst) == 0 =>
                {
                    send([told(asked.id), page(asked.id, 0, b"")].concat())
                }
                _ => None,
            };
            Case { what, bad: Arc::new(bad), expected: ReadWhole(ModeReason::Untraceable) }
        })
        .into()
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed { error } => format!("failed: {error}"),
        Outcome::Held { reasons, .. } => {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            format!("held: {}", reasons.join("; "))
        }
        other => format!("{other:?}"),
    }
}

/// Plays a case; then the server behaves again.
async fn play(world: &World, case: &Case) {
    let (before, cursor) = (world.core.view(), world.cursor());
    let who = format!("{:?}, {}", world.how, case.what);
    world.misbehave(Some(Arc::clone(&case.bad)));
    let report = world.sync().await;
    world.misbehave(None);
    let said = words(&report.run.outcome);
    let after = world.core.view();
    match &case.expected {
        Failed(words) => assert!(said.starts_with("failed: ") && said.contains(words), "{who}: {said}"),
        Held(words) => assert!(said.starts_with("held: ") && said.contains(words), "{who}: {said}"),
        ReadWhole(reason) => {
            assert_eq!((report.run.mode, report.run.mode_reason), (Mode::Full, *reason), "{who}: {said}");
            assert_eq!(report.run.outcome, Outcome::Unchanged, "{who}");
        }
        Kept(words) => {
            assert!(report.quarantined.iter().any(|q| q.reason.contains(words)), "{who}: {report:?}");
            assert_eq!(report.run.outcome, Outcome::Unchanged, "{who}");
        }
    }
    assert_eq!(after.organisation.directory, before.organisation.directory, "{who}");
    if matches!(case.expected, Failed(_) | Held(_)) {
        assert_eq!(world.cursor(), cursor, "{who}");
    }
    // What was held isn't wanted any more, and whatever was taken goes again.
    for _ in 0..2 {
        let next = world.sync().await;
        assert!(
            matches!(next.run.outcome, Outcome::Unchanged | Outcome::Committed { .. }),
            "{who}: {next:?}"
        );
    }
    let healed = world.core.view();
    assert_eq!(healed.organisation.directory, before.organisation.directory, "{who}");
    assert!(healed.directory_state(&world::main_directory()).held.is_none(), "{who}");
}

async fn play_all(how: How) {
    let world = World::new(how).await;
    let before = world.core.view();
    for case in cases(how) {
        play(&world, &case).await;
    }
    let anew = world.started_anew().await.view();
    assert_eq!(anew.organisation.directory, before.organisation.directory);
}

#[tokio::test]
async fn a_whole_read_of_bad_input_changes_nothing() {
    play_all(How::Whole).await;
}

#[tokio::test]
async fn changes_told_badly_change_nothing() {
    play_all(How::Changes).await;
}

#[tokio::test]
async fn numbers_with_bad_answers_change_nothing() {
    play_all(How::Numbers).await;
}

#[tokio::test]
async fn a_server_that_stops_or_gives_byte_by_byte_is_not_waited_for() {
    for how in [How::Whole, How::Changes, How::Numbers] {
        let world = World::waiting(how, std::time::Duration::from_millis(200)).await;
        for at in [1, 2] {
            for slow in [false, true] {
                let words = failed("did not answer within 0.2 s");
                let case = answered(format!("question {at}, slow: {slow}"), how, words, move |n, id| {
                    let bytes = [person(id, 11, &[]), end(how, id, if n < at { b"2" } else { b"" })].concat();
                    match n.cmp(&at) {
                        std::cmp::Ordering::Less => send(bytes),
                        _ if slow => Some(Reply::Trickle(bytes)),
                        _ => Some(Reply::Silence),
                    }
                });
                play(&world, &case).await;
            }
        }
    }
}

/// From the sign-in on.
#[tokio::test]
async fn a_connection_cut_at_any_byte_fails_the_run() {
    for how in [How::Whole, How::Changes, How::Numbers] {
        let world = World::new(how).await;
        let sent = Arc::new(AtomicUsize::new(0));
        let cut = |limit: usize| -> Arc<Bad> {
            let sent = Arc::clone(&sent);
            sent.store(0, Ordering::SeqCst);
            Arc::new(move |asked, _| {
                let (Reply::Send(bytes) | Reply::SendAndClose(bytes)) = good(asked, how) else { return None };
                let before = sent.fetch_add(bytes.len(), Ordering::SeqCst);
                let left = limit.saturating_sub(before);
                Some(if bytes.len() <= left && !bytes.is_empty() {
                    Reply::Send(bytes)
                } else {
                    Reply::SendAndClose(bytes.get(..left).unwrap_or_default().to_vec())
                })
            })
        };
        world.misbehave(Some(cut(usize::MAX)));
        assert_eq!(world.try_out().await.run.outcome, Outcome::Unchanged);
        let whole = sent.load(Ordering::SeqCst);
        // All of the end, where the last answer says that it was the last; before that, here and there in every message: all of it takes
        // minutes.
        for limit in (0..whole).filter(|limit| whole - limit < 100 || limit % 11 == 0) {
            world.misbehave(Some(cut(limit)));
            let report = world.try_out().await;
            let said = words(&report.run.outcome);
            assert!(
                said.starts_with("failed: ") && said.contains("the connection to"),
                "{how:?}, {limit} of {whole}: {said}"
            );
        }
    }
}
