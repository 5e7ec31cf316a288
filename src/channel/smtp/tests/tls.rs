//! TLS from the first byte and by STARTTLS: what is refused, what is said about it, and that nothing crosses in clear.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::channel::SmtpError;
use crate::tls::pki::{Authority, Identity};

const STARTTLS: &[&str] = &["STARTTLS", "SIZE 10240000"];

/// A folder with the CA file, and the authority itself.
fn authority() -> (TempDir, Authority, TlsTrust) {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("Corp CA");
    let file = folder.path().join("ca.pem");
    fs::write(&file, authority.pem()).unwrap();
    (folder, authority, TlsTrust::CaFile(file))
}

fn script(identity: &Identity, security: Security) -> Script {
    Script {
        offers_in_tls: Some(OFFERS.to_vec()),
        tls: Some(identity.server()),
        implicit: security == Security::ImplicitTls,
        ..Script::new(STARTTLS)
    }
}

fn over_tls(fake: &Fake, security: Security, trust: &TlsTrust) -> SmtpSettings {
    SmtpSettings { security, trust: trust.clone(), ..settings(fake) }
}

#[tokio::test]
async fn sign_in_and_message_go_through_tls() {
    let (_folder, authority, trust) = authority();
    let identity = authority.issue("127.0.0.1");
    for (security, ehlos) in [(Security::ImplicitTls, 1), (Security::StartTls, 2)] {
        let fake = Fake::start(vec![script(&identity, security)]).await;
        let channel = channel(over_tls(&fake, security, &trust));
        for _ in 0..3 {
            assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
        }
        let log = fake.log();
        // SIZE and AUTH are taken from what was offered inside TLS.
        assert_eq!((log.connections, log.accepted, log.count("AUTH PLAIN")), (1, 3, 1));
        assert_eq!((log.count("EHLO"), log.received[2].as_slice()), (ehlos, MIME));
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_breaks_the_channel_before_anything_is_said() {
    let (_folder, authority, trust) = authority();
    let cases = [
        (authority.issue("mail.example"), "not valid for 127.0.0.1 but for mail.example"),
        (authority.issue_expired("127.0.0.1"), "expired on 31 Dec 2001"),
        (Authority::new("Strange CA").issue("127.0.0.1"), "leads to CN=Strange CA"),
        (Identity::self_signed("127.0.0.1", false), "signed by itself"),
        (Identity::self_signed("127.0.0.1", true), "marked as a certification authority's"),
    ];
    for (identity, told) in cases {
        for security in [Security::ImplicitTls, Security::StartTls] {
            let fake = Fake::start(vec![script(&identity, security)]).await;
            let outcome = channel(over_tls(&fake, security, &trust)).send(&envelope(), MIME).await;
            assert_eq!(word(&outcome), "broken", "{told}");
            assert!(format!("{outcome:?}").contains(told), "{outcome:?}");
            let log = fake.log();
            assert_eq!((log.connections, log.count("AUTH"), log.count("MAIL")), (1, 0, 0));
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_where_starttls_is_missing_or_refused() {
    let (_folder, authority, trust) = authority();
    let identity = authority.issue("127.0.0.1");
    let friendly = script(&identity, Security::StartTls);
    let cases = [
        (Script::new(OFFERS), "broken", "does not offer STARTTLS"),
        (friendly.clone().at("STARTTLS", 1, Act::Say(reply(454))), "deferred", "answered STARTTLS with 454"),
        (friendly.clone().at("STARTTLS", 1, Act::Say(reply(421))), "deferred", "answered STARTTLS with 421"),
        (friendly.clone().at("STARTTLS", 1, Act::Say(reply(554))), "broken", "answered STARTTLS with 554"),
        (friendly.clone().at("STARTTLS", 1, Act::SayAndCut(Vec::new())), "deferred", "STARTTLS"),
        (friendly.clone().at("STARTTLS", 1, Act::SayAndCut(b"220 go\r\n".to_vec())), "deferred", "while TLS"),
        (
            friendly.clone().at("STARTTLS", 1, Act::SayAndCut(b"HTTP/1.1 400 no\r\n".to_vec())),
            "deferred",
            "no SMTP",
        ),
    ];
    for (script, expected, told) in cases {
        let fake = Fake::start(vec![Script { tls: None, ..script }]).await;
        let outcome = channel(over_tls(&fake, Security::StartTls, &trust)).send(&envelope(), MIME).await;
        assert_eq!(word(&outcome), expected, "{outcome:?}");
        assert!(format!("{outcome:?}").contains(told), "{outcome:?}");
        let log = fake.log();
        assert_eq!((log.connections, log.count("AUTH"), log.count("MAIL")), (1, 0, 0), "{told}");
    }
}

#[tokio::test]
async fn what_comes_in_clear_after_the_answer_to_starttls_is_refused() {
    let (_folder, authority, trust) = authority();
    let identity = authority.issue("127.0.0.1");
    let injected: [&[u8]; 3] = [
        b"220 go ahead\r\n250-evil.example\r\n250 AUTH PLAIN\r\n",
        b"220 go ahead\r\n250",
        b"220-go\r\n220 ahead\r\n\n",
    ];
    for bytes in injected {
        let script = script(&identity, Security::StartTls).at("STARTTLS", 1, Act::Say(bytes.to_vec()));
        let fake = Fake::start(vec![script]).await;
        let outcome = channel(over_tls(&fake, Security::StartTls, &trust)).send(&envelope(), MIME).await;
        assert_eq!(word(&outcome), "broken", "{outcome:?}");
        assert!(format!("{outcome:?}").contains("sent more in clear"), "{outcome:?}");
        let log = fake.until(|log| log.closed == 1).await;
        assert_eq!((log.count("EHLO"), log.count("AUTH"), log.count("MAIL")), (1, 0, 0));
    }
}

#[tokio::test]
async fn a_server_that_stays_in_clear_after_starttls_is_refused() {
    let (_folder, _authority, trust) = authority();
    // It says 220 and then, without TLS, waits for the handshake as if it were a command, and answers that.
    let fake = Fake::start(vec![Script::new(STARTTLS)]).await;
    let outcome = channel(over_tls(&fake, Security::StartTls, &trust)).send(&envelope(), MIME).await;
    assert!(["broken", "deferred"].contains(&word(&outcome)), "{outcome:?}");
    assert_eq!(fake.log().count("MAIL"), 0);
}

#[tokio::test]
async fn a_server_that_speaks_plain_text_where_tls_is_expected_breaks_the_channel() {
    let (_folder, _authority, trust) = authority();
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let outcome = channel(over_tls(&fake, Security::ImplicitTls, &trust)).send(&envelope(), MIME).await;
    assert_eq!(word(&outcome), "broken", "{outcome:?}");
    assert!(format!("{outcome:?}").contains("did not answer in TLS"), "{outcome:?}");
}

#[tokio::test]
async fn a_certificate_of_our_own_is_shown_to_a_server_that_asks_for_one() {
    let (folder, authority, trust) = authority();
    let ours = Authority::new("Client CA");
    let own = |authority: &Authority| {
        let (certificate, key) = authority.issue("budkavle").pem();
        let paths = ["own.pem", "own.key"].map(|name| folder.path().join(name));
        fs::write(&paths[0], certificate).unwrap();
        fs::write(&paths[1], key).unwrap();
        let [certificate, key] = paths;
        Some((certificate, key))
    };
    let server = authority.issue("127.0.0.1").server_for_clients_of(&ours);
    for security in [Security::ImplicitTls, Security::StartTls] {
        let script = || Script {
            offers_in_tls: Some(OFFERS.to_vec()),
            tls: Some(Arc::clone(&server)),
            implicit: security == Security::ImplicitTls,
            ..Script::new(STARTTLS)
        };
        for shown in [Some(&ours), Some(&authority), None] {
            let fake = Fake::start(vec![script()]).await;
            let certificate = shown.and_then(own);
            let settings = SmtpSettings { certificate, ..over_tls(&fake, security, &trust) };
            let outcome = channel(settings).send(&envelope(), MIME).await;
            let is_ours = shown.is_some_and(|shown| std::ptr::eq(shown, &ours));
            let refused = match security {
                // What was said meanwhile may cost the server's last words.
                Security::StartTls => &["broken", "deferred"][..],
                _ => &["broken"],
            };
            let expected = if is_ours { &["accepted"][..] } else { refused };
            assert!(expected.contains(&word(&outcome)), "{outcome:?}");
            assert_eq!(
                (fake.log().accepted, fake.log().count("MAIL")),
                (usize::from(is_ours), usize::from(is_ours))
            );
        }
    }
    let missing = SmtpSettings {
        certificate: Some((folder.path().join("none"), folder.path().join("none"))),
        trust,
        ..SmtpSettings::new("mail.example", 587)
    };
    assert!(SmtpChannel::new(missing).unwrap_err().to_string().contains("none could not be read"));
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_deferred() {
    let (_folder, authority, trust) = authority();
    let identity = authority.issue("127.0.0.1");
    let script = script(&identity, Security::StartTls).at("STARTTLS", 1, Act::Say(b"220 go\r\n".to_vec()));
    let fake = Fake::start(vec![Script { hush_in_handshake: true, ..script }]).await;
    let limits = TimeLimits { connect: IMPATIENCE, ..settings(&fake).limits };
    let settings = SmtpSettings { limits, ..over_tls(&fake, Security::StartTls, &trust) };
    let outcome = channel(settings).send(&envelope(), MIME).await;
    assert_eq!(word(&outcome), "deferred", "{outcome:?}");
    assert!(format!("{outcome:?}").contains("nothing came within 1s"), "{outcome:?}");
}

#[tokio::test]
async fn inside_tls_too_a_cut_is_deferred_and_after_the_dot_perhaps_sent() {
    let (_folder, authority, trust) = authority();
    let identity = authority.issue("127.0.0.1");
    for verb in ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."] {
        let occurrence = if verb == "EHLO" { 2 } else { 1 };
        for act in [Act::SayAndCut(Vec::new()), Act::SayAndCut(b"25".to_vec())] {
            let script = script(&identity, Security::StartTls).at(verb, occurrence, act);
            let fake = Fake::start(vec![script]).await;
            let outcome = channel(over_tls(&fake, Security::StartTls, &trust)).send(&envelope(), MIME).await;
            let expected = if verb == "." { "perhaps sent" } else { "deferred" };
            assert_eq!(word(&outcome), expected, "{verb}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_in_tls_that_died_while_idle_costs_nothing() {
    let (_folder, authority, trust) = authority();
    let identity = authority.issue("127.0.0.1");
    let parting = Act::SayAndCut(b"250 queued\r\n421 idle too long\r\n".to_vec());
    let friendly = script(&identity, Security::ImplicitTls);
    let fake = Fake::start(vec![friendly.clone().at(".", 1, parting), friendly]).await;
    let channel = channel(over_tls(&fake, Security::ImplicitTls, &trust));
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    fake.until(|log| log.closed == 1).await;
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    assert_eq!((fake.log().connections, fake.log().accepted), (2, 1)); // the first was answered in `parting`
}

#[test]
fn settings_that_contradict_each_other_make_no_channel() {
    let sign_in = |user: &str| Some(SignIn { user: user.to_owned(), password: "x".to_owned().into() });
    let plain = Security::PlainText { sign_in: false };
    let base = || SmtpSettings { trust: TlsTrust::Pinned([0; 32]), ..SmtpSettings::new("mail.example", 587) };
    let cases = [
        (SmtpSettings { security: plain, sign_in: sign_in("a"), ..base() }, "show the password"),
        (SmtpSettings { sign_in: sign_in("a\0b"), ..base() }, "NUL"),
        (SmtpSettings { hello: Some("here\r\nRSET".to_owned()), ..base() }, "EHLO"),
        (SmtpSettings { host: "mail example".to_owned(), ..base() }, "no host name"),
        (
            SmtpSettings { trust: TlsTrust::CaFile("/does/not/exist.pem".into()), ..base() },
            "/does/not/exist.pem",
        ),
    ];
    for (settings, told) in cases {
        let error = SmtpChannel::new(settings).unwrap_err().to_string();
        assert!(error.contains(told), "{error:?} lacks {told:?}");
    }
    SmtpChannel::new(base()).unwrap();
}

#[tokio::test]
async fn a_probe_tells_what_the_server_is_and_sends_nothing() {
    let (_folder, authority, trust) = authority();
    let identity = authority.issue("127.0.0.1");
    let fake = Fake::start(vec![script(&identity, Security::StartTls)]).await;
    let report =
        channel(over_tls(&fake, Security::StartTls, &trust)).probe(envelope().from.as_ref()).await.unwrap();
    let words = report.to_string();
    for told in [
        "fake.example at 127.0.0.1:",
        "TLSv1_3, TLS13_AES",
        "CN=127.0.0.1",
        "issued by CN=Corp CA",
        "signed in",
    ] {
        assert!(words.contains(told), "{words:?} lacks {told:?}");
    }
    assert_eq!((report.largest_message, report.pipelining, report.smtputf8), (Some(10_240_000), true, false));
    let log = fake.until(|log| log.closed == 1).await;
    assert_eq!((log.count("MAIL"), log.count("RCPT"), log.count("RSET"), log.count("QUIT")), (1, 0, 1, 1));
}

#[tokio::test]
async fn a_probe_tells_what_is_wrong() {
    let cases = [
        (
            "AUTH",
            Verb::Auth,
            "535 5.7.8 bad credentials",
            "the sign-in (AUTH) with 535 5.7.8 bad credentials",
        ),
        ("MAIL", Verb::Mail, "553 5.7.1 not yours", "the sender (MAIL FROM) with 553 5.7.1 not yours"),
        ("greeting", Verb::Greeting, "554 not for you", "the connection with 554 not for you"),
    ];
    for (at, asked, said, told) in cases {
        let act = Act::Say(format!("{said}\r\n").into_bytes());
        let fake = Fake::start(vec![Script::new(OFFERS).at(at, 1, act)]).await;
        let error = channel(settings(&fake)).probe(envelope().from.as_ref()).await.unwrap_err();
        assert!(matches!(error, SmtpError::Said { verb, .. } if verb == asked), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}
