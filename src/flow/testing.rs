//! What the tests of several flows begin with: people who hold roles, outages, and a sender into a folder.

use std::path::Path;

use super::assign::{NewAssignment, assign};
use super::core::Core;
use super::deliver::{Sender, Terms};
use super::outage::{Done, Order, carry_out};
use crate::channel::message::{Composer, From};
use crate::channel::{Channel, FileChannel};
use crate::domain::audit::Actor;
use crate::domain::authority::Caller;
use crate::domain::ids::ChannelName;
use crate::domain::outage::{Opening, Severity, tests::opening};
use crate::domain::roles::{Holder, Place};

/// Gives a role to somebody outside, who is called `name`, as is their mailbox.
pub(crate) async fn appoint(core: &Core, role: &str, name: &str, place: Place) {
    let mail = format!("{name}@org.example").parse().unwrap();
    let holder = Holder::Outside { name: name.into(), mail };
    assign(core, NewAssignment::new(role, holder, place), &Caller::system(), None).await.unwrap();
}

/// Opens an incident that concerns the whole organisation.
pub(crate) async fn open_outage(core: &Core, title: &str, services: &[&str], severity: Severity) -> Done {
    let services = services.iter().map(|name| Box::from(*name)).collect();
    let order = Order::Open(Opening { services, severity, ..opening(title) });
    carry_out(core, None, order, &Actor::System, None, false).await.unwrap()
}

/// Who writes the mails.
pub(crate) fn composer() -> Composer {
    let from = From { name: None, address: "budkavle@org.example".parse().unwrap(), reply_to: None };
    Composer::new(from, "Org", "", None).unwrap()
}

/// Mails as files in this folder.
pub(crate) fn mailer(folder: &Path, terms: Terms) -> Sender {
    let files = Channel::File(FileChannel::new(folder.join("mails")));
    Sender::new(ChannelName::mail(), files, composer(), terms)
}

/// Sends what is due.
pub(crate) async fn drain(core: &Core, sender: &Sender) -> super::deliver::Sent {
    let stop = Default::default();
    sender.drain(core, &stop, &|| {}, &|_| Box::pin(std::future::pending())).await.unwrap()
}
