//! A real HTTPS server that answers as told, and what becomes of a notice with each of its answers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::channel::message::{Composer, From};
use crate::channel::{Channel, Parcel};
use crate::domain::ids::{MessageId, NoticeId};
use crate::domain::locale::Locale;
use crate::domain::notice::{EventKey, Facts, Message, MessageState, Notice, Priority, Recipient};
use crate::domain::outage::Severity;
use crate::domain::testing::outage_word;
use crate::tls::TlsTrust;
use crate::tls::pki::Authority;

pub(super) fn at() -> DateTime<Utc> {
    "2026-07-06T05:40:00Z".parse().unwrap()
}

/// An outage, told to somebody with a phone.
pub(in crate::channel) fn post() -> Post {
    let text = "Nobody can sign in.\n\nWe are looking.";
    let word = outage_word(12, "Mail <b>is</b> *down* @all", text, Severity::Critical, at());
    let facts = Facts::OutageWord(Box::new(word));
    let event = EventKey("outage/12/0".into());
    let notice =
        Notice { id: NoticeId(1), event: event.clone(), thread: event, at: at(), expires: at(), facts };
    let recipient = Recipient {
        phone: Some("+46 (0)70-123 45 67".into()),
        channel: "hook".into(),
        ..Recipient::by_mail("Åsa", "asa@x.example".parse().unwrap(), "outage")
    };
    let message = Message {
        id: MessageId(1),
        notice: NoticeId(1),
        recipient,
        priority: Priority::Urgent,
        state: MessageState::Sending,
        attempts: 1,
        at: at(),
        due: at(),
        changed: at(),
        answer: None,
        together: None,
    };
    let from = From { name: None, address: "budkavle@ekfors.example".parse().unwrap(), reply_to: None };
    let composer = Composer::new(from, "Ekfors kommun", "", None).unwrap();
    let channel = Channel::Command(crate::channel::CommandChannel::new("/x".into(), vec![], Duration::ZERO));
    let Parcel::Post(post) = composer.parcel(&channel, &notice, &message, Locale::default(), 7).unwrap()
    else {
        panic!()
    };
    post
}

/// What the server does with a request.
#[derive(Clone)]
pub(in crate::channel) enum Act {
    Answer(String),
    /// These, one for each request; the last one from then on.
    InTurn(Vec<Act>),
    /// Says nothing, and closes.
    Close,
    /// Says nothing, for ever.
    Silence,
    /// Answers without end.
    Flood,
}

pub(in crate::channel) struct Server {
    pub port: u16,
    ca: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Server {
    pub async fn start(act: Act) -> Server {
        let authority = Authority::new("hooks");
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).unwrap();
        let acceptor = TlsAcceptor::from(authority.issue("localhost").server());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, act, noted) = (acceptor.clone(), act.clone(), Arc::clone(&noted));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Some(request) = read(&mut stream).await else { return };
                    let turn = {
                        let mut asked = noted.lock().unwrap();
                        asked.push(request);
                        asked.len() - 1
                    };
                    let act = match act {
                        Act::InTurn(acts) => acts[turn.min(acts.len() - 1)].clone(),
                        act => act,
                    };
                    match act {
                        Act::InTurn(_) => unreachable!("a turn within a turn"),
                        Act::Answer(answer) => {
                            let _ = stream.write_all(answer.as_bytes()).await;
                            let _ = stream.shutdown().await;
                        }
                        Act::Close => {}
                        Act::Silence => std::future::pending().await,
                        Act::Flood => {
                            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                            while stream.write_all(&[b'x'; 10_000]).await.is_ok() {}
                        }
                    }
                });
            }
        });
        Server { port, ca, asked, _folder: folder }
    }

    /// Exactly these bytes.
    pub fn says(answer: String) -> Act {
        Act::Answer(answer)
    }

    pub fn settings(&self) -> WebSettings {
        WebSettings {
            trust: TlsTrust::CaFile(self.ca.clone()),
            timeout: Duration::from_secs(20),
            allow_private: true,
            proxy: None,
            credential: None,
        }
    }

    pub fn url(&self) -> Url {
        format!("https://localhost:{}/hook?key=secret", self.port).parse().unwrap()
    }

    fn channel(&self, form: Form) -> WebChannel {
        WebChannel::new(self.url(), form, self.settings()).unwrap()
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        let mut more = [0; 4096];
        let n = stream.read(&mut more).await.ok().filter(|n| *n > 0)?;
        request.extend_from_slice(&more[..n]);
    }
}

pub(in crate::channel) fn answer(status: &str, headers: &str) -> Act {
    Act::Answer(format!("HTTP/1.1 {status}\r\n{headers}content-length: 5\r\nconnection: close\r\n\r\nhello"))
}

async fn outcome(act: Act) -> Outcome {
    let server = Server::start(act).await;
    server.channel(Form::Webhook { secret: None }).send(&post(), at()).await
}

#[tokio::test]
async fn each_status_means_one_of_four_things() {
    for (status, expected) in [
        ("200 OK", "accepted"),
        ("202 Accepted", "accepted"),
        ("204 No Content", "accepted"),
        ("408 Request Timeout", "deferred"),
        ("429 Too Many Requests", "deferred"),
        ("500 Oh", "deferred for one"),
        ("503 Busy", "deferred for one"),
        ("504 Gateway Timeout", "perhaps sent"),
        ("400 Bad Request", "refused"),
        ("413 Too Large", "refused"),
        ("422 No", "refused"),
        ("401 Unauthorized", "broken"),
        ("403 Forbidden", "broken"),
        ("404 Not Found", "broken"),
        ("410 Gone", "broken"),
    ] {
        let kind = match outcome(answer(status, "")).await {
            Outcome::Accepted { answer } => {
                assert!(answer.starts_with(&status[..3]), "{answer}");
                "accepted"
            }
            Outcome::Deferred { perhaps_sent: true, .. } => "perhaps sent",
            Outcome::Deferred { whole: true, .. } => "deferred",
            Outcome::Deferred { .. } => "deferred for one",
            Outcome::Refused { .. } | Outcome::RefusesUs { .. } => "refused",
            Outcome::ChannelBroken { .. } => "broken",
        };
        assert_eq!(kind, expected, "{status}");
    }
}

#[tokio::test]
async fn nobody_is_followed_elsewhere() {
    let elsewhere = Server::start(answer("200 OK", "")).await;
    let location = format!("location: https://localhost:{}/x\r\n", elsewhere.port);
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let outcome = outcome(answer(status, &location)).await;
        assert!(matches!(outcome, Outcome::ChannelBroken { .. }), "{outcome:?}");
    }
    assert_eq!(elsewhere.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn it_is_left_alone_for_as_long_as_it_asks() {
    for (value, seconds) in [("120", 120), ("Mon, 06 Jul 2026 05:41:30 GMT", 90)] {
        let outcome = outcome(answer("429 Slow down", &format!("retry-after: {value}\r\n"))).await;
        let Outcome::Deferred { retry_after, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(retry_after, Some(Duration::from_secs(seconds)));
    }
}

#[tokio::test]
async fn a_lost_answer_is_perhaps_sent_and_an_endless_one_is_no_harm() {
    let closed = outcome(Act::Close).await;
    assert!(matches!(closed, Outcome::Deferred { perhaps_sent: true, whole: false, .. }), "{closed:?}");
    let flooded = outcome(Act::Flood).await;
    assert!(matches!(&flooded, Outcome::Accepted { answer } if answer.len() < 300), "{flooded:?}");
    let server = Server::start(Act::Silence).await;
    let settings = WebSettings { timeout: Duration::from_millis(300), ..server.settings() };
    let channel = WebChannel::new(server.url(), Form::Webhook { secret: None }, settings).unwrap();
    let silent = channel.send(&post(), at()).await;
    assert!(
        matches!(&silent, Outcome::Deferred { perhaps_sent: true, reason, .. } if reason.contains("too long"))
    );
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/key=secret", listener.local_addr().unwrap().port());
    drop(listener);
    let channel = WebChannel::new(url.parse().unwrap(), Form::Teams, server.settings()).unwrap();
    let away = channel.send(&post(), at()).await;
    let Outcome::Deferred { perhaps_sent: false, whole: true, reason, .. } = away else { panic!("{away:?}") };
    assert!(!reason.contains("secret"), "{reason}");
}

#[tokio::test]
async fn inner_addresses_are_refused_unless_they_are_allowed_and_strangers_are_not_believed() {
    let server = Server::start(answer("200 OK", "")).await;
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let url: Url = format!("https://{host}:{}/", server.port).parse().unwrap();
        let settings = WebSettings { allow_private: false, ..server.settings() };
        let channel = WebChannel::new(url, Form::Slack, settings).unwrap();
        let outcome = channel.send(&post(), at()).await;
        let Outcome::ChannelBroken { reason } = &outcome else { panic!("{host}: {outcome:?}") };
        assert!(reason.contains("allow_private"), "{host}: {reason}");
        assert!(channel.probe().await.is_err());
    }
    let others = Server::start(answer("200 OK", "")).await;
    let settings = WebSettings { trust: TlsTrust::CaFile(others.ca.clone()), ..server.settings() };
    let channel = WebChannel::new(server.url(), Form::Slack, settings).unwrap();
    let outcome = channel.send(&post(), at()).await;
    assert!(matches!(outcome, Outcome::ChannelBroken { .. }), "{outcome:?}");
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_repeat_has_the_same_id_and_body_and_a_signature_of_its_time() {
    let server = Server::start(answer("200 OK", "")).await;
    let channel = server.channel(Form::Webhook { secret: Some("0123456789abcdef".to_owned().into()) });
    for minutes in [0, 5] {
        let outcome = channel.send(&post(), at() + TimeDelta::minutes(minutes)).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    let asked = server.asked();
    let header = |n: usize, name: &str| {
        let line = asked[n].lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", asked[n])).split_once(": ").unwrap().1.to_owned()
    };
    let body = |n: usize| asked[n].split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body(0), body(1));
    for name in ["webhook-id", "idempotency-key"] {
        assert_eq!((header(0, name), header(1, name)), (post().id, post().id));
    }
    assert_eq!(header(1, "webhook-timestamp"), (at() + TimeDelta::minutes(5)).timestamp().to_string());
    assert_ne!(header(0, "webhook-signature"), header(1, "webhook-signature"));
    assert!(header(0, "webhook-signature").starts_with("v1,"));
    let json: serde_json::Value = serde_json::from_str(&body(0)).unwrap();
    for (at, expected) in [
        ("/version", serde_json::json!(1)),
        ("/kind", "outage".into()),
        ("/severity", "critical".into()),
        ("/priority", "urgent".into()),
        ("/event", "outage/12/0".into()),
        ("/organisation", "Ekfors kommun".into()),
        ("/recipient/mail", "asa@x.example".into()),
        ("/facts/outage_word/title", "Mail <b>is</b> *down* @all".into()),
    ] {
        assert_eq!(json.pointer(at), Some(&expected), "{at}");
    }
    assert!(!json["text"].as_str().unwrap().contains("You get this"), "{json}");
}

#[tokio::test]
async fn who_we_are_is_told_in_the_way_that_is_wanted_but_not_at_a_probe() {
    let token = || "geheim".to_owned().into();
    for (credential, expected) in [
        (Credential::Bearer(token()), "authorization: Bearer geheim"),
        (Credential::Basic("asa".into(), token()), "authorization: Basic YXNhOmdlaGVpbQ=="),
        (Credential::Header("X-Api-Key".into(), token()), "x-api-key: geheim"),
    ] {
        let server = Server::start(answer("200 OK", "")).await;
        let settings = WebSettings { credential: Some(credential), ..server.settings() };
        let form = Form::Ntfy { topic: "drift".into() };
        let channel = WebChannel::new(server.url(), form, settings).unwrap();
        channel.probe().await.unwrap();
        channel.send(&post(), at()).await;
        let asked = server.asked();
        assert!(asked[0].starts_with("HEAD / HTTP/1.1") && !asked[0].contains(expected), "{}", asked[0]);
        assert!(asked[1].starts_with("POST /hook") && asked[1].contains(expected), "{}", asked[1]);
    }
}
