//! Over HTTP, as mail programs, link scanners and people come.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::domain::audit::Actor;
use crate::domain::authority::Caller;
use crate::domain::climb::{End, Policy};
use crate::domain::ids::{MessageId, SubscriberId};
use crate::domain::link::{Link, LinkKey};
use crate::domain::notice::{EventKey, NoticeKind};
use crate::domain::outage::{Opening, Severity};
use crate::domain::roles::{Holder, OUTAGE, Place};
use crate::domain::subscriber::Standing;
use crate::flow::assign::{NewAssignment, assign};
use crate::flow::bounces;
use crate::flow::core::Settings;
use crate::flow::links::{self, Public};
use crate::flow::outage::{Order, carry_out};
use crate::flow::subscribers::{self, Wanted};
use crate::store::{SledSettings, Store};

fn now() -> DateTime<Utc> {
    "2026-07-06T07:00:00Z".parse().unwrap()
}

struct Site {
    core: Arc<Core>,
    clock: Arc<Mutex<DateTime<Utc>>>,
    url: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open_sled(SledSettings::small(folder.path()), now()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let public = Public { url: url.as_str().into(), lives: TimeDelta::days(7), subscribe: true };
        let climbing = Policy { kinds: [NoticeKind::Outage].into(), ..Policy::default() };
        let settings = Settings {
            organisation: "Ekfors".into(),
            public: Some(public),
            climbing: Arc::new(climbing),
            ..Settings::default()
        };
        let clock = Arc::new(Mutex::new(now()));
        let time = Arc::clone(&clock);
        let core = Core::load(store, settings, Arc::new(move || *time.lock().unwrap())).await.unwrap();
        let core = Arc::new(core);
        bounces::make_key(&core).await.unwrap();
        let router = router(Arc::clone(&core));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mail = "asa@org.example".parse().unwrap();
        let asa = Holder::Outside { name: "Åsa".into(), mail };
        let new = NewAssignment::new(OUTAGE, asa, Place::Organisation);
        assign(&core, new, &Caller::system(), None).await.unwrap();
        Site { core, clock, url, http, _folder: folder }
    }

    async fn open(&self) {
        let opening = Opening {
            title: "Mail <b>is</b> down".into(),
            text: "".into(),
            severity: Severity::Major,
            services: vec![],
            units: vec![],
            also: vec![],
            ack: false,
        };
        carry_out(&self.core, None, Order::Open(opening), &Actor::System, None, false).await.unwrap();
    }

    /// The links that a message carries.
    async fn links(&self, id: u64) -> links::Links {
        let detail = self.core.store.message(MessageId(id)).await.unwrap();
        links::of(&self.core, &detail.notice, &detail.message).await.unwrap()
    }

    async fn get(&self, url: &str) -> (u16, String) {
        let answer = self.http.get(url).send().await.unwrap();
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        assert!(!headers.contains_key("set-cookie"));
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post(&self, url: &str, body: &'static str) -> (u16, String) {
        let form = "application/x-www-form-urlencoded";
        let sent = self.http.post(url).header("content-type", form).body(body).send().await.unwrap();
        (sent.status().as_u16(), sent.text().await.unwrap())
    }
}

#[tokio::test]
async fn looking_at_a_link_changes_nothing_and_sending_its_form_takes_it_on() {
    let site = Site::new().await;
    site.open().await;
    let (notice, link) = site.links(1).await.take_on.unwrap();
    let link = link.unwrap();
    assert_eq!(notice.0, 1);
    for _ in 0..3 {
        let (status, page) = site.get(&link).await;
        assert_eq!(status, 200);
        assert!(page.contains("Mail &lt;b&gt;is") && page.contains("<form method=\"post\">"), "{page}");
    }
    assert_eq!(site.core.view().climbs.len(), 1, "scanners follow links");
    let (status, page) = site.post(&link, "").await;
    assert!(status == 200 && page.contains("You have it") && !page.contains("<form"), "{page}");
    let climb = site.core.store.climb(&EventKey("outage/1/0".into())).await.unwrap().unwrap();
    assert_eq!(climb.end, Some(End::Taken { by: "Åsa".into(), at: now() }));
    let (_, again) = site.post(&link, "").await;
    assert!(again.contains("Åsa has it since"), "{again}");
    assert_eq!(site.links(1).await.take_on, None, "what is sent later asks no more");
    let audit = site.core.store.audit(None, 10).await.unwrap();
    let entry = audit.iter().find(|entry| &*entry.action == "notice taken on").unwrap();
    assert!(entry.why.as_ref().unwrap().contains("the link in the message to asa@org.example"), "{entry:?}");
}

#[tokio::test]
async fn a_link_that_is_old_made_up_or_for_something_else_does_nothing() {
    let site = Site::new().await;
    site.open().await;
    let link = site.links(1).await.take_on.unwrap().1.unwrap();
    let token = link.rsplit('/').next().unwrap();
    for wrong in [
        format!("{}/confirm/{token}", site.url),
        format!("{}/unsubscribe/{token}", site.url),
        format!("{link}x"),
        format!("{}/take-on/x", site.url),
        format!("{}/elsewhere", site.url),
    ] {
        assert_eq!(site.post(&wrong, "").await.0, 404, "{wrong}");
    }
    let other = LinkKey::new(&[8; 32]);
    let forged = Link { purpose: Purpose::Acknowledge, id: 1, expires: now() + TimeDelta::days(1) };
    assert_eq!(site.post(&format!("{}/take-on/{}", site.url, other.sign(&forged)), "").await.0, 404);
    *site.clock.lock().unwrap() += TimeDelta::days(7);
    let (status, page) = site.post(&link, "").await;
    assert!(status == 410 && page.contains("expired"), "{page}");
    assert_eq!(site.core.view().climbs.len(), 1);
}

#[tokio::test]
async fn who_asks_to_subscribe_is_told_once_they_have_confirmed_and_is_off_with_one_click() {
    let site = Site::new().await;
    let form = format!("{}/subscribe", site.url);
    assert!(site.get(&form).await.1.contains("type=\"email\""));
    assert!(site.post(&form, "mail=no+address").await.1.contains("no mail address"));
    let (_, first) = site.post(&form, "mail=out%40partner.example").await;
    let (_, second) = site.post(&form, "mail=out%40partner.example").await;
    assert_eq!(first, second, "nobody learns who is subscribed");
    let links = site.links(1).await;
    let confirm = links.confirm.unwrap();
    assert_eq!(links.unsubscribe, None);
    assert!(site.core.store.message(MessageId(2)).await.is_err(), "asked once");
    assert!(site.get(&confirm).await.1.contains("out@partner.example"));
    site.open().await;
    assert!(site.core.store.message(MessageId(3)).await.is_err(), "only the contact: not confirmed yet");
    assert!(site.post(&confirm, "").await.1.contains("You are told"));
    let standing = site.core.view().subscribers[&SubscriberId(1)].standing;
    assert_eq!(standing, Standing::Confirmed { at: now() });
    site.open().await;
    let (to, unsubscribe) = {
        let detail = site.core.store.message(MessageId(4)).await.unwrap();
        (detail.message.recipient, site.links(4).await.unsubscribe.unwrap())
    };
    assert_eq!((&*to.name, &*to.why), ("out@partner.example", "subscriber 1"));
    assert_eq!(site.links(4).await.take_on, None, "who is outside takes on nothing");
    // As a mail program does (RFC 8058 §3.1).
    assert_eq!(site.get(&unsubscribe).await.0, 200);
    assert_eq!(site.core.view().subscribers.len(), 1);
    assert_eq!(site.post(&unsubscribe, "List-Unsubscribe=One-Click").await.0, 200);
    assert!(site.core.view().subscribers.is_empty());
    assert_eq!(site.post(&unsubscribe, "List-Unsubscribe=One-Click").await.0, 200, "twice is as good");
    let state = site.core.store.load().await.unwrap();
    assert!(state.subscribers.is_empty());
    // Who comes back has another number; what they got before takes them off all the same.
    *site.clock.lock().unwrap() += TimeDelta::hours(2);
    site.post(&form, "mail=out%40partner.example").await;
    let back = *site.core.view().subscribers.keys().next().unwrap();
    assert_ne!(back, SubscriberId(1));
    assert_eq!(site.post(&unsubscribe, "List-Unsubscribe=One-Click").await.0, 200);
    assert!(site.core.view().subscribers.is_empty());
}

#[tokio::test]
async fn who_never_confirms_is_forgotten() {
    let site = Site::new().await;
    let mail = "out@partner.example".parse().unwrap();
    let wanted = Wanted { mail, services: Default::default(), severity: Severity::Minor };
    subscribers::ask(&site.core, wanted, &Actor::System).await.unwrap();
    *site.clock.lock().unwrap() += TimeDelta::days(7) - TimeDelta::seconds(1);
    subscribers::tick(&site.core).await.unwrap();
    assert_eq!(site.core.view().subscribers.len(), 1);
    *site.clock.lock().unwrap() += TimeDelta::seconds(1);
    subscribers::tick(&site.core).await.unwrap();
    assert!(site.core.view().subscribers.is_empty());
}
