//! An outbox with many messages of one notice, and who sends them.

use std::path::Path;
use std::sync::Arc;

use budkavle::channel::message::{Composer, From};
use budkavle::channel::{Channel, Security, SmtpChannel, SmtpSettings};
use budkavle::domain::ids::ChannelName;
use budkavle::domain::notice::{EventKey, Facts, NewNotice, Recipient};
use budkavle::flow::core::Core;
use budkavle::flow::deliver::{Sender, Terms};
use budkavle::store::{Change, Event, SledSettings, Store};
use chrono::{TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

/// An embedded store in this folder.
pub fn settings(folder: &Path) -> SledSettings {
    SledSettings {
        path: folder.join("state"),
        cache_bytes: 64 << 20,
        exports: folder.join("exports"),
        keep_exports: 1,
        reserve_bytes: 0,
    }
}

/// Tells so many people, counted from `first`, something.
pub async fn tell(store: &Store, first: usize, count: usize) {
    let recipient = |n: usize| {
        let mail = format!("person.{n}@y.example").parse().unwrap();
        Recipient::by_mail(format!("Person {n}"), mail, "outage")
    };
    let notice = NewNotice::new(
        EventKey(format!("outage/{first}/0").into()),
        Facts::Test { by: "somebody".into(), at: Utc::now() },
        (first..first + count).map(recipient).collect(),
        Utc::now() + TimeDelta::days(2),
    );
    let event = Event { at: Utc::now(), change: Change::None, notices: vec![notice], audit: None };
    store.commit_event(event).await.unwrap();
}

/// How a server on this port is reached, by so many connections, each of which is kept to the end, as `smtp-source` does.
pub fn smtp(port: u16, connections: usize) -> SmtpSettings {
    SmtpSettings {
        security: Security::PlainText { sign_in: false },
        connections,
        messages_per_connection: u32::MAX,
        ..SmtpSettings::new("127.0.0.1", port)
    }
}

/// Who sends to there.
pub fn sender(port: u16, connections: usize) -> Sender {
    let from =
        From { name: Some("Budkavle".into()), address: "a@x.example".parse().unwrap(), reply_to: None };
    let composer = Composer::new(from, "Ekfors", "", None).unwrap();
    let channel = Channel::Smtp(SmtpChannel::new(smtp(port, connections)).unwrap());
    Sender::new(ChannelName::mail(), channel, composer, Terms { connections, ..Terms::default() })
}

/// Sends what is due, in a task, as the daemon does; how many were.
pub async fn drain(core: &Arc<Core>, sender: &Arc<Sender>) -> usize {
    let (core, sender) = (Arc::clone(core), Arc::clone(sender));
    let sent = tokio::spawn(async move {
        let never = CancellationToken::new();
        sender.drain(&core, &never, &|| {}, &|_| Box::pin(std::future::pending())).await
    });
    sent.await.unwrap().unwrap().sent
}
