//! A mail server that errs at each point of the dialogue: what becomes of the message in the outbox, what its log says, and how often the server
//! took it once it was well again. Never twice, but where it may have had it the first time, and then under the same Message-ID.

use std::collections::HashSet;

use super::*;
use crate::channel::fake::{Authority, TlsTrust};
use crate::channel::{Security, SignIn, SmtpChannel, SmtpSettings, TimeLimits};
use crate::store::MessageDetail;

pub(super) const OFFERS: &[&str] = &["PIPELINING", "SIZE 10240000", "8BITMIME"];
/// Long enough for the answers that come, and short enough to wait for one that doesn't.
const IMPATIENCE: Duration = Duration::from_secs(1);

/// What becomes of a message, then and when the server is well again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// It arrived at once, once.
    Delivered,
    /// It waited, and then arrived, once.
    Deferred,
    /// It waited, and the server may have two of it, with one Message-ID.
    PerhapsTwice,
    /// It was given up.
    Dead,
    /// It waited with all others, as the channel was broken, and then arrived, once.
    Broken,
}

/// A fault, and what comes of it.
struct Case {
    name: String,
    script: Script,
    fate: Fate,
    /// What its log says.
    said: String,
}

fn case(name: impl Into<String>, script: Script, fate: Fate, said: impl Into<String>) -> Case {
    Case { name: name.into(), script, fate, said: said.into() }
}

fn at(verb: &'static str, act: Act) -> Script {
    Script::new(OFFERS).at(verb, 1, act)
}

/// An answer of 10 MB.
fn flood() -> Act {
    Act::SayAndCut(b"250-and another thing\r\n".repeat(450_000))
}

/// One byte a second would take half a minute.
fn slow() -> Act {
    Act::Trickle(b"250 one byte at a time\r\n".to_vec(), Duration::from_millis(200))
}

pub(super) fn settings(fake: &Fake) -> SmtpSettings {
    let limits =
        TimeLimits { reply: IMPATIENCE, message: IMPATIENCE, connect: IMPATIENCE, ..TimeLimits::default() };
    SmtpSettings {
        security: Security::PlainText { sign_in: false },
        trust: TlsTrust::Pinned([0; 32]),
        limits,
        ..SmtpSettings::new("127.0.0.1", fake.address.port())
    }
}

/// Sends to these people while the server errs, and again when it is well.
async fn run(world: &World, fake: &Fake, settings: SmtpSettings, people: usize) -> [Vec<MessageDetail>; 2] {
    let channel = Channel::Smtp(SmtpChannel::new(settings).unwrap());
    let sender = Sender::new(ChannelName::mail(), channel, composer(), Terms::default());
    world.tell("fault", "y.example", people).await;
    world.drain(&sender).await;
    let first = details(world).await;
    world.pass(TimeDelta::hours(2));
    world.drain(&sender).await;
    assert!(fake.log().connections > 0);
    [first, details(world).await]
}

pub(super) async fn details(world: &World) -> Vec<MessageDetail> {
    let filter = MessageFilter { limit: 1000, ..MessageFilter::default() };
    let mut all = Vec::new();
    for listed in world.core.store.messages(filter).await.unwrap().iter().rev() {
        all.push(world.core.store.message(listed.message.id).await.unwrap());
    }
    all
}

/// The Message-IDs of what the server was sent up to the dot.
pub(super) fn ids(fake: &Fake) -> Vec<String> {
    let log = fake.log();
    let texts = log.received.iter().map(|mail| String::from_utf8_lossy(mail).into_owned());
    texts.map(|text| text.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned()).collect()
}

async fn check(case: Case, well: Script, settings: impl FnOnce(&Fake) -> SmtpSettings) {
    let Case { name, script, fate, said } = case;
    let world = World::with(Routing::default()).await;
    let fake = Fake::start(vec![script, well]).await;
    let [first, then] = run(&world, &fake, settings(&fake), 1).await;
    let ([first], [then]) = (&*first, &*then) else { panic!("{name}: {first:?}") };
    let states = (first.message.state, then.message.state);
    let expected = match fate {
        Fate::Delivered => (MessageState::Sent, MessageState::Sent),
        Fate::Dead => (MessageState::Failed, MessageState::Failed),
        Fate::Deferred | Fate::PerhapsTwice | Fate::Broken => (MessageState::Deferred, MessageState::Sent),
    };
    assert_eq!(states, expected, "{name}: {first:?}");
    let tries: Vec<_> = first.attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(tries, [states.0], "{name}: each try is logged");
    assert!(first.attempts[0].answer.contains(&said), "{name}: {} lacks {said}", first.attempts[0].answer);
    let ids = ids(&fake);
    match fate {
        Fate::Dead => assert_eq!(fake.log().accepted, 0, "{name}"),
        Fate::PerhapsTwice => assert!(ids.len() == 2 && ids[0] == ids[1], "{name}: {ids:?}"),
        _ => assert_eq!(
            (fake.log().accepted, then.attempts.last().unwrap().state),
            (1, MessageState::Sent),
            "{name}"
        ),
    }
}

#[tokio::test]
async fn each_fault_at_each_point_ends_as_the_log_says() {
    let mut cases = Vec::new();
    let say = |code: u16| format!("{code} {}.0.0 no\r\n", code / 100).into_bytes();
    for verb in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let refused = if ["RCPT", "DATA", "."].contains(&verb) { Fate::Dead } else { Fate::Broken };
        let in_doubt = if verb == "." { Fate::PerhapsTwice } else { Fate::Deferred };
        // A refused message was received up to its dot, and once more when it was accepted.
        let not_now = if verb == "." { Fate::PerhapsTwice } else { Fate::Deferred };
        cases.push(case(format!("{verb} 451"), at(verb, Act::Say(say(451))), not_now, "451 4.0.0 no"));
        cases.push(case(format!("{verb} 421"), at(verb, Act::SayAndCut(say(421))), not_now, "421 4.0.0 no"));
        cases.push(case(format!("{verb} 554"), at(verb, Act::Say(say(554))), refused, "554 5.0.0 no"));
        for cut in ["", "2", "250-half\r\n"] {
            let act = Act::SayAndCut(cut.into());
            cases.push(case(
                format!("{verb} cut after {cut:?}"),
                at(verb, act),
                in_doubt,
                "no usable answer",
            ));
        }
        cases.push(case(format!("{verb} 10 MB"), at(verb, flood()), in_doubt, "endless"));
    }
    cases.push(case(
        "one byte after the other",
        at("greeting", Act::Drip(b"220 patient.example\r\n".to_vec())),
        Fate::Delivered,
        "250",
    ));
    cases.push(case("without SIZE and 8BITMIME", Script::new(&[]), Fate::Delivered, "250"));
    cases.push(case("without PIPELINING", Script::new(&["SIZE", "8BITMIME"]), Fate::Delivered, "250"));
    for case in cases {
        check(case, Script::new(OFFERS), settings).await;
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_or_too_slowly_is_not_waited_for() {
    let mut all = tokio::task::JoinSet::new();
    for verb in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let fate = if verb == "." { Fate::PerhapsTwice } else { Fate::Deferred };
        for (name, act) in [("silent", Act::Hush), ("slow", slow())] {
            let case = case(format!("{verb} {name}"), at(verb, act), fate, "nothing came within 1s");
            all.spawn(check(case, Script::new(OFFERS), settings));
        }
    }
    all.join_all().await;
}

#[tokio::test]
async fn nothing_goes_in_clear_where_tls_is_demanded() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("Corp CA");
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    let identity = authority.issue("127.0.0.1");
    let well = || Script {
        offers_in_tls: Some(OFFERS.to_vec()),
        tls: Some(identity.server()),
        ..Script::new(&["STARTTLS"])
    };
    let starttls = |act| Script { tls: None, ..well() }.at("STARTTLS", 1, act);
    let injected = Act::Say(b"220 go\r\n250 AUTH PLAIN\r\n".to_vec());
    let cases = [
        case("STARTTLS not offered", Script::new(OFFERS), Fate::Broken, "does not offer STARTTLS"),
        case("in clear after 220", well().at("STARTTLS", 1, injected), Fate::Broken, "sent more in clear"),
        case(
            "STARTTLS 454",
            starttls(Act::Say(b"454 4.7.0 no\r\n".to_vec())),
            Fate::Deferred,
            "454 4.7.0 no",
        ),
        case(
            "STARTTLS 421",
            starttls(Act::SayAndCut(b"421 4.3.2 bye\r\n".to_vec())),
            Fate::Deferred,
            "421 4.3.2 bye",
        ),
        case("STARTTLS silent", starttls(Act::Hush), Fate::Deferred, "nothing came within 1s"),
        case("STARTTLS slow", starttls(slow()), Fate::Deferred, "nothing came within 1s"),
        case("STARTTLS 10 MB", starttls(flood()), Fate::Deferred, "endless"),
        case("STARTTLS 554", starttls(Act::Say(b"554 5.7.0 no\r\n".to_vec())), Fate::Broken, "554 5.7.0 no"),
        case(
            "STARTTLS cut",
            starttls(Act::SayAndCut(vec![])),
            Fate::Deferred,
            "no usable answer to STARTTLS",
        ),
    ];
    for case in cases {
        let trust = TlsTrust::CaFile(ca.clone());
        let tls = |fake: &Fake| SmtpSettings { security: Security::StartTls, trust, ..settings(fake) };
        check(case, well(), tls).await;
    }
}

#[tokio::test]
async fn each_fault_at_the_sign_in_ends_as_the_log_says() {
    const SIGN_IN: &[&str] = &["AUTH PLAIN", "PIPELINING"];
    let at = |act| Script::new(SIGN_IN).at("AUTH", 1, act);
    let say = |text: &str| at(Act::Say(text.as_bytes().to_vec()));
    let cases = [
        case("AUTH 535", say("535 5.7.8 bad password\r\n"), Fate::Broken, "535 5.7.8 bad password"),
        case("AUTH 454", say("454 4.7.0 not now\r\n"), Fate::Deferred, "454 4.7.0 not now"),
        case("AUTH 421", at(Act::SayAndCut(b"421 4.3.2 bye\r\n".to_vec())), Fate::Deferred, "421 4.3.2 bye"),
        case("AUTH 10 MB", at(flood()), Fate::Deferred, "endless"),
        case("AUTH slow", at(slow()), Fate::Deferred, "nothing came within 1s"),
        case("AUTH cut", at(Act::SayAndCut(vec![])), Fate::Deferred, "no usable answer to the sign-in"),
        case("AUTH silent", at(Act::Hush), Fate::Deferred, "nothing came within 1s"),
        case("no AUTH", Script::new(OFFERS), Fate::Broken, "no way to sign in"),
    ];
    for case in cases {
        let signing_in = |fake: &Fake| SmtpSettings {
            security: Security::PlainText { sign_in: true },
            sign_in: Some(SignIn { user: "it".into(), password: "geheim".to_owned().into() }),
            ..settings(fake)
        };
        check(case, Script::new(SIGN_IN), signing_in).await;
    }
}

#[tokio::test]
async fn whom_a_server_refuses_to_write_to_as_others_are_taken_is_given_up_and_nobody_else() {
    for verb in ["RCPT", "DATA", "."] {
        let world = World::with(Routing::default()).await;
        let no = || Act::Say(b"550 5.7.1 not allowed to write to this list\r\n".to_vec());
        // The second one, and once more when it is tried again after all others. What wasn't agreed to has no DATA.
        let script = Script::new(OFFERS).at(verb, 2, no()).at(verb, 5, no());
        let fake = Fake::start(vec![script]).await;
        let [first, then] = run(&world, &fake, settings(&fake), 4).await;
        let states = |all: &[MessageDetail]| all.iter().map(|d| d.message.state).collect::<Vec<_>>();
        use MessageState::{Deferred, Failed, Sent};
        assert_eq!(states(&first), [Sent, Deferred, Sent, Sent], "{verb}");
        assert_eq!(states(&then), [Sent, Failed, Sent, Sent], "{verb}");
        assert!(then[1].message.answer.as_ref().unwrap().contains("5.7.1 not allowed"), "{verb}");
    }
}

#[tokio::test]
async fn refused_recipients_take_no_good_ones_along() {
    let world = World::with(Routing::default()).await;
    let (never, not_now) = (b"550 5.1.1 no such user\r\n".to_vec(), b"450 4.2.1 later\r\n".to_vec());
    let script = Script::new(OFFERS).at("RCPT", 2, Act::Say(never)).at("RCPT", 4, Act::Say(not_now));
    let fake = Fake::start(vec![script]).await;
    let [first, then] = run(&world, &fake, settings(&fake), 5).await;
    let states = |all: &[MessageDetail]| all.iter().map(|d| d.message.state).collect::<Vec<_>>();
    use MessageState::{Deferred, Failed, Sent};
    assert_eq!(states(&first), [Sent, Failed, Sent, Deferred, Sent]);
    assert_eq!(states(&then), [Sent, Failed, Sent, Sent, Sent]);
    assert_eq!(first[1].attempts[0].answer.as_ref(), "550 5.1.1 no such user");
    assert!(first[3].attempts[0].answer.contains("450 4.2.1 later"));
    let ids = ids(&fake);
    assert_eq!((fake.log().accepted, ids.iter().collect::<HashSet<_>>().len()), (4, 4));
}

#[tokio::test]
async fn nothing_comes_back_to_nobody() {
    let world = World::with(Routing::default()).await;
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let channel = Channel::Smtp(SmtpChannel::new(settings(&fake)).unwrap());
    let sender = Sender::new(ChannelName::mail(), channel, composer(), Terms::default());
    world.tell("one", "y.example", 1).await;
    assert_eq!(world.drain(&sender.returning(ReturnPath::Nobody)).await.sent, 1);
    assert!(
        fake.log().commands.iter().any(|line| line.starts_with("MAIL FROM:<>")),
        "{:?}",
        fake.log().commands
    );
    let mail = String::from_utf8(fake.log().received[0].clone()).unwrap();
    assert!(mail.contains("From: budkavle@org.example"), "{mail}");
}
