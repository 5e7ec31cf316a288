//! Every point of the dialogue at which something can go wrong, against the scripted server: the outcome, and how often the
//! server got the message.

mod connections;
mod properties;
mod reports;
mod tls;

use std::time::Duration;

use tokio::task::JoinSet;

use super::fake::{Act, Fake, Log, Script};
use std::sync::Arc;

use super::super::web::tests::Server;
use super::super::{TokenSettings, Tokens};
use super::*;
use crate::channel::Outcome;
use crate::tls::TlsTrust;

const MIME: &[u8] = b"Subject: Hej\r\n\r\nThe mail server is down.\r\n.dot\r\n";
const OFFERS: &[&str] = &["PIPELINING", "SIZE 10240000", "8BITMIME", "AUTH PLAIN LOGIN"];

/// A server that takes MAIL, RCPT and DATA in one write, and one that doesn't.
const SERVERS: [&[&str]; 2] = [OFFERS, &["SIZE 10240000", "8BITMIME", "AUTH PLAIN LOGIN"]];

/// Long enough for any machine; no test waits it out.
const PATIENCE: Duration = Duration::from_secs(30);
/// For a server that never answers, and still long enough for the answers that come.
const IMPATIENCE: Duration = Duration::from_secs(1);

fn envelope() -> Envelope {
    Envelope::new("budkavle@corp.example".parse().unwrap(), "asa@corp.example".parse().unwrap())
}

/// Plain text with a sign-in, so that every verb but STARTTLS occurs.
fn settings(fake: &Fake) -> SmtpSettings {
    SmtpSettings {
        security: Security::PlainText { sign_in: true },
        trust: TlsTrust::Pinned([0; 32]),
        sign_in: Some(SignIn { user: "budkavle".to_owned(), password: "se cret".to_owned().into() }),
        hello: Some("here.example".to_owned()),
        limits: TimeLimits {
            connect: PATIENCE,
            reply: PATIENCE,
            before_message: PATIENCE,
            message: PATIENCE,
        },
        ..SmtpSettings::new("127.0.0.1", fake.address.port())
    }
}

fn impatient(fake: &Fake) -> SmtpSettings {
    let limits = TimeLimits { reply: IMPATIENCE, message: IMPATIENCE, ..settings(fake).limits };
    SmtpSettings { limits, ..settings(fake) }
}

fn channel(settings: SmtpSettings) -> SmtpChannel {
    SmtpChannel::new(settings).unwrap()
}

fn reply(code: u16) -> Vec<u8> {
    let class = code / 100;
    format!("{code}-{class}.0.0 no,\r\n{code} {class}.0.0 really not\r\n").into_bytes()
}

/// The outcome in one word.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Deferred { perhaps_sent: false, .. } => "deferred",
        Outcome::Deferred { perhaps_sent: true, .. } => "perhaps sent",
        Outcome::Refused { .. } => "refused",
        Outcome::RefusesUs { .. } => "refuses us",
        Outcome::ChannelBroken { .. } => "broken",
    }
}

/// Sends one message to each of `SERVERS`, acting so at that verb: the outcome, the words, and what the server saw.
async fn send_with(verb: &'static str, act: Act, patient: bool) -> Vec<(&'static str, String, Log)> {
    let mut results = Vec::new();
    for offers in SERVERS {
        let fake = Fake::start(vec![Script::new(offers).at(verb, 1, act.clone())]).await;
        let channel = channel(if patient { settings(&fake) } else { impatient(&fake) });
        let outcome = channel.send(&envelope(), MIME).await;
        results.push((word(&outcome), format!("{outcome:?}"), fake.log()));
    }
    results
}

#[tokio::test]
async fn a_message_is_accepted_as_it_was_written() {
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let channel = channel(settings(&fake));
    let answer = "250 2.0.0 queued as FA4E".to_owned();
    assert_eq!(channel.send(&envelope(), MIME).await, Outcome::Accepted { answer });
    let log = fake.log();
    assert_eq!(log.received, [MIME]);
    let expected = [
        "EHLO here.example",
        "AUTH PLAIN AGJ1ZGthdmxlAHNlIGNyZXQ=",
        "MAIL FROM:<budkavle@corp.example> SIZE=48",
        "RCPT TO:<asa@corp.example>",
        "DATA",
    ];
    assert_eq!(log.commands, expected);
}

#[tokio::test]
async fn each_refusal_at_each_verb_has_its_outcome() {
    // verb, what 4xx means, what 5xx means
    let verbs = [
        ("greeting", "deferred", "broken"),
        ("EHLO", "deferred", "broken"),
        ("AUTH", "deferred", "broken"),
        ("MAIL", "deferred", "broken"),
        ("RCPT", "deferred", "refused"),
        ("DATA", "deferred", "refused"),
        (".", "deferred", "refused"),
    ];
    for (verb, transient, permanent) in verbs {
        let cases = [
            (Act::Say(reply(451)), transient),
            (Act::Say(reply(421)), transient),
            (Act::SayAndCut(reply(421)), transient),
            (Act::Say(reply(554)), permanent),
            (Act::SayAndCut(reply(554)), permanent),
        ];
        for (act, expected) in cases {
            for (word, words, log) in send_with(verb, act.clone(), true).await {
                assert_eq!(word, expected, "{verb} {act:?}: {words}");
                assert!(words.contains(".0.0 no, really not"), "{verb} {act:?}: {words}");
                assert_eq!((log.accepted, log.connections), (0, 1), "{verb} {act:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_permanent_no_that_is_not_about_the_recipient_breaks_the_channel() {
    for (verb, code, expected) in
        [("RCPT", 530, "broken"), ("RCPT", 503, "broken"), ("DATA", 503, "broken"), ("MAIL", 552, "refused")]
    {
        for (word, words, _) in send_with(verb, Act::Say(reply(code)), true).await {
            assert_eq!(word, expected, "{verb} {code}: {words}");
        }
    }
}

#[tokio::test]
async fn a_cut_at_each_point_is_deferred_and_after_the_dot_perhaps_sent() {
    for verb in ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."] {
        for bytes in [&b""[..], b"2", b"250", b"250-half\r\n", b"250-half\r\n250"] {
            let act = Act::SayAndCut(bytes.to_vec());
            for (word, words, log) in send_with(verb, act.clone(), true).await {
                let expected = if verb == "." { "perhaps sent" } else { "deferred" };
                assert_eq!(word, expected, "{verb} {act:?}: {words}");
                assert_eq!(log.connections, 1, "{verb} {act:?}: tried again over a second connection");
            }
        }
    }
}

#[tokio::test]
async fn a_cut_within_the_message_is_not_perhaps_sent() {
    let fake = Fake::start(vec![Script::new(&[]).at("body", 1, Act::Hush)]).await;
    let settings = SmtpSettings { sign_in: None, ..settings(&fake) };
    // More than fits into the buffers on the way, so that the dot is still here when the server goes.
    let large = b"A line of the message.\r\n".repeat(1_000_000);
    let outcome = channel(settings).send(&envelope(), &large).await;
    assert_eq!(word(&outcome), "deferred", "{outcome:?}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_deferred_and_after_the_dot_perhaps_sent() {
    let mut waiting = JoinSet::new();
    for verb in ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."] {
        for act in [Act::Hush, Act::Say(b"250-and so on\r\n".to_vec()), Act::Say(b"250 no end".to_vec())] {
            waiting.spawn(async move {
                for (word, words, log) in send_with(verb, act.clone(), false).await {
                    let expected = if verb == "." { "perhaps sent" } else { "deferred" };
                    assert_eq!(word, expected, "{verb} {act:?}: {words}");
                    assert_eq!(verb == "greeting", words.contains("implicit TLS"), "{verb}: {words}");
                    if matches!(act, Act::Hush) {
                        assert!(words.contains("nothing came within 1s"), "{verb} {act:?}: {words}");
                    }
                    assert_eq!(log.connections, 1, "{verb} {act:?}");
                }
            });
        }
    }
    waiting.join_all().await;
}

#[tokio::test]
async fn answers_that_lettre_alone_would_not_take_are_understood() {
    let answers: [(&str, &[u8]); 8] = [
        (".", b"250\r\n"),
        (".", b"250 \xc5terst\xe4llt\r\n"), // Latin-1
        (".", b"250 bare line feed\n"),
        (".", b"250-one\r\n250-\r\n250 three\r\n"),
        (".", b"250 bell\x07 and \x1b[31mred\r\n"),
        ("EHLO", b"250-fake.example\r\n250-   \r\n250 auth=plain\r\n"),
        ("EHLO", b"250-fake.example\r\n250-\r\n250 Auth Plain\r\n"),
        ("MAIL", b"250-\r\n250 ok\r\n"),
    ];
    for (verb, bytes) in answers {
        for (word, words, log) in send_with(verb, Act::Say(bytes.to_vec()), true).await {
            assert_eq!(word, "accepted", "{verb} {:?}: {words}", String::from_utf8_lossy(bytes));
            assert_eq!(log.received.len(), 1);
            assert!(!words.contains("\\u{7}") && !words.contains("\\u{1b}"), "{words}");
        }
    }
}

#[tokio::test]
async fn answers_may_come_one_byte_at_a_time() {
    let mut script = Script::new(OFFERS);
    for (verb, answer) in [
        ("greeting", "220-be\r\n220 patient\r\n"),
        ("EHLO", "250-fake.example\r\n250-AUTH LOGIN\r\n250 SIZE 1000\r\n"),
        ("MAIL", "250 ok\r\n"),
        ("DATA", "354-go\r\n354 ahead\r\n"),
        (".", "250-queued\r\n250 as 1\r\n"),
    ] {
        script = script.at(verb, 1, Act::Drip(answer.as_bytes().to_vec()));
    }
    let fake = Fake::start(vec![script]).await;
    let outcome = channel(settings(&fake)).send(&envelope(), MIME).await;
    assert_eq!(outcome, Outcome::Accepted { answer: "250 queued as 1".to_owned() });
    let log = fake.log();
    assert_eq!(log.received, [MIME]);
    assert_eq!(log.commands[1..4], ["AUTH LOGIN", "YnVka2F2bGU=", "c2UgY3JldA=="]);
}

#[tokio::test]
async fn what_is_no_answer_or_does_not_fit_is_deferred_and_ends_the_connection() {
    let answers: [&[u8]; 10] = [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\r\n",
        b"25\r\n",
        b"250-one\r\n550 two\r\n",
        b"99 red balloons\r\n",
        b"999 red balloons\r\n",
        b"150 preliminary\r\n",
        b"334 challenge\r\n",
        b"\xff\xfe\x00\r\n",
        b"250~what\r\n",
    ];
    for verb in ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."] {
        for bytes in answers {
            // lettre takes any positive answer for a greeting, and an EHLO without offers for one.
            if bytes.starts_with(b"334") && ["greeting", "EHLO"].contains(&verb) {
                continue;
            }
            for (word, words, log) in send_with(verb, Act::SayAndCut(bytes.to_vec()), true).await {
                let expected = if verb == "." { "perhaps sent" } else { "deferred" };
                assert_eq!(word, expected, "{verb} {:?}: {words}", String::from_utf8_lossy(bytes));
                assert_eq!(log.accepted, 0);
            }
        }
    }
}

#[tokio::test]
async fn data_answered_with_250_or_a_message_with_354_fits_nowhere() {
    for (word, words, _) in send_with("DATA", Act::Say(b"250 ok\r\n".to_vec()), true).await {
        assert_eq!(word, "deferred", "{words}");
    }
    for (word, words, _) in send_with(".", Act::Say(b"354 go on\r\n".to_vec()), true).await {
        assert_eq!(word, "perhaps sent", "{words}");
    }
}

#[tokio::test]
async fn a_surplus_answer_is_never_taken_for_the_next_one() {
    for verb in ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
        let twice: &[u8] = match verb {
            "EHLO" => b"250-fake.example\r\n250 AUTH PLAIN\r\n250 ok\r\n",
            "DATA" => b"354 go ahead\r\n250 queued\r\n",
            _ => b"250 ok\r\n250 ok\r\n",
        };
        for (word, words, log) in send_with(verb, Act::Say(twice.to_vec()), true).await {
            assert_eq!(word, "deferred", "{verb}: {words}");
            assert_eq!(log.received.len(), 0, "{verb}: {words}");
        }
    }
}

#[tokio::test]
async fn a_surplus_answer_after_the_message_ends_the_connection_but_not_the_acceptance() {
    let surplus = Act::Say(b"250 queued\r\n250 and again\r\n".to_vec());
    let fake = Fake::start(vec![Script::new(OFFERS).at(".", 1, surplus), Script::new(OFFERS)]).await;
    let channel = channel(settings(&fake));
    for _ in 0..2 {
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    }
    let log = fake.log();
    assert_eq!((log.connections, log.received.len()), (2, 2));
}

#[tokio::test]
async fn ten_megabytes_of_answer_are_not_collected() {
    let endless_line = b"2".repeat(10_000_000);
    let endless_reply = b"250-and another thing\r\n".repeat(400_000);
    for verb in ["greeting", "EHLO", "MAIL", "."] {
        for flood in [&endless_line, &endless_reply] {
            for (word, words, _) in send_with(verb, Act::SayAndCut(flood.clone()), true).await {
                let expected = if verb == "." { "perhaps sent" } else { "deferred" };
                assert_eq!(word, expected, "{verb}: {words}");
                assert!(words.contains("end"), "{verb}: {words}");
            }
        }
    }
}

#[tokio::test]
async fn a_long_answer_is_kept_in_part() {
    let long = format!("250 {}\r\n", "å".repeat(900));
    for (word, words, _) in send_with(".", Act::Say(long.into_bytes()), true).await {
        assert_eq!(word, "accepted");
        assert!(words.len() < 1100, "{} bytes", words.len());
    }
}

#[tokio::test]
async fn a_message_larger_than_the_server_takes_is_refused_unasked() {
    let fake = Fake::start(vec![Script::new(&["SIZE 40"])]).await;
    let channel = channel(SmtpSettings { sign_in: None, ..settings(&fake) });
    let outcome = channel.send(&envelope(), MIME).await;
    let answer = "the message has 48 bytes, and the mail server takes at most 40".to_owned();
    assert_eq!(outcome, Outcome::Refused { answer, recipient: false });
    // The connection is none the worse for it.
    assert_eq!(word(&channel.send(&envelope(), b"Subject: short\r\n\r\n").await), "accepted");
    let log = fake.log();
    assert_eq!((log.connections, log.count("MAIL"), log.received.len()), (1, 1, 1));
}

#[tokio::test]
async fn what_the_server_lacks_is_refused_in_words_and_what_it_offers_is_used() {
    let utf8 = Envelope { to: "åsa@corp.example".parse().unwrap(), ..envelope() };
    let idn = Envelope { to: "asa@blåbær.example".parse().unwrap(), ..envelope() };
    let eight_bit = "Subject: Hej\r\n\r\nBlåbær\r\n".as_bytes();
    let plain = envelope();
    let cases = [
        ("", &utf8, MIME, "refused", "SMTPUTF8"),
        ("SMTPUTF8", &utf8, MIME, "accepted", "RCPT TO:<åsa@corp.example>"),
        ("smtputf8", &utf8, MIME, "accepted", "MAIL FROM:<budkavle@corp.example> SMTPUTF8"),
        ("", &idn, MIME, "accepted", "RCPT TO:<asa@xn--blbr-roah.example>"),
        ("", &plain, eight_bit, "refused", "8BITMIME"),
        ("8BITMIME", &plain, eight_bit, "accepted", "BODY=8BITMIME"),
        ("SIZE", &plain, MIME, "accepted", "SIZE=48"),
        ("SIZE 0", &plain, MIME, "accepted", "SIZE=48"),
    ];
    for (offer, envelope, mime, expected, told) in cases {
        let fake = Fake::start(vec![Script::new(&[offer])]).await;
        let outcome = channel(SmtpSettings { sign_in: None, ..settings(&fake) }).send(envelope, mime).await;
        assert_eq!(word(&outcome), expected, "{offer:?} {envelope:?}: {outcome:?}");
        let seen = format!("{outcome:?} {}", fake.log().commands.join("\n"));
        assert!(seen.contains(told), "{offer:?} {envelope:?}: {seen}");
    }
}

#[tokio::test]
async fn no_known_way_to_sign_in_breaks_the_channel() {
    for (offers, told) in [(&["AUTH GSSAPI NTLM"][..], "GSSAPI NTLM"), (&[], "no sign-in at all")] {
        let fake = Fake::start(vec![Script::new(offers)]).await;
        let outcome = channel(settings(&fake)).send(&envelope(), MIME).await;
        assert_eq!(word(&outcome), "broken");
        assert!(format!("{outcome:?}").contains(told), "{outcome:?}");
        assert_eq!(fake.log().count("AUTH"), 0);
    }
}

#[tokio::test]
async fn line_ends_that_are_none_cannot_smuggle_a_second_message() {
    let smuggled = b"Subject: one\n\nbody\n.\nMAIL FROM:<a@b.example>\r.\rlast\r\n.\r\nno".to_vec();
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    assert_eq!(word(&channel(settings(&fake)).send(&envelope(), &smuggled).await), "accepted");
    let log = fake.log();
    let expected = b"Subject: one\r\n\r\nbody\r\n.\r\nMAIL FROM:<a@b.example>\r\n.\r\nlast\r\n.\r\nno\r\n";
    assert_eq!(log.received, [expected]);
    assert_eq!(log.count("MAIL"), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_a_name_that_is_not() {
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for (host, port, told) in [
        ("127.0.0.1", nobody, "Connection refused"),
        ("no-such-host.invalid", fake.address.port(), "could not be resolved"),
    ] {
        let outcome = channel(SmtpSettings { host: host.to_owned(), port, ..settings(&fake) })
            .send(&envelope(), MIME)
            .await;
        assert_eq!(word(&outcome), "deferred");
        assert!(format!("{outcome:?}").contains(told), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_slow_throughout_is_given_up_before_the_message() {
    let fake = Fake::start(vec![Script::new(OFFERS).at("DATA", 1, Act::Hush)]).await;
    let limits = TimeLimits { before_message: IMPATIENCE, ..settings(&fake).limits };
    let outcome = channel(SmtpSettings { limits, ..settings(&fake) }).send(&envelope(), MIME).await;
    assert_eq!(word(&outcome), "deferred");
    assert!(format!("{outcome:?}").contains("took longer than 1s"), "{outcome:?}");
}

#[tokio::test]
async fn a_token_signs_in_and_a_refused_one_breaks_the_channel_and_is_forgotten() {
    let granted = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t0ken"}"#;
    let granted =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{granted}", granted.len());
    let authority = Server::start(Server::says(granted)).await;
    let tokens = TokenSettings {
        url: authority.url(),
        client_id: "app".into(),
        client_secret: "geheim".to_owned().into(),
        scope: "smtp".into(),
    };
    let tokens = Arc::new(Tokens::new(tokens, authority.settings()).unwrap());
    let bearer = || Some(Bearer { user: "it@x.example".into(), tokens: Arc::clone(&tokens) });
    let by_token = |fake: &Fake| SmtpSettings { sign_in: None, bearer: bearer(), ..settings(fake) };
    let script = || Script::new(&["AUTH PLAIN XOAUTH2"]);

    let fake = Fake::start(vec![script()]).await;
    assert_eq!(word(&channel(by_token(&fake)).send(&envelope(), MIME).await), "accepted");
    // base64 of "user=it@x.example^Aauth=Bearer t0ken^A^A"
    assert_eq!(fake.log().count("AUTH XOAUTH2 dXNlcj1pdEB4LmV4YW1wbGUBYXV0aD1CZWFyZXIgdDBrZW4BAQ=="), 1);

    // One that is held may have been taken back: a fresh one is asked for within the same try.
    let refusal = || Act::Say(b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n".to_vec());
    let fake = Fake::start(vec![script().at("AUTH", 1, refusal())]).await;
    assert_eq!(word(&channel(by_token(&fake)).send(&envelope(), MIME).await), "accepted");
    assert_eq!((fake.log().count("AUTH"), fake.log().connections, authority.asked().len()), (2, 1, 2));

    let fake = Fake::start(vec![script().at("AUTH", 1, refusal()).at("AUTH", 2, refusal())]).await;
    let outcome = channel(by_token(&fake)).send(&envelope(), MIME).await;
    assert_eq!(word(&outcome), "broken");
    assert!(format!("{outcome:?}").contains("535"), "{outcome:?}");
    assert_eq!((fake.log().count("MAIL"), authority.asked().len()), (0, 3), "the first token was held");
    tokens.token().await.unwrap();
    assert_eq!(authority.asked().len(), 4);

    let fake = Fake::start(vec![Script::new(&["AUTH PLAIN"])]).await;
    assert_eq!(word(&channel(by_token(&fake)).send(&envelope(), MIME).await), "broken");
}
