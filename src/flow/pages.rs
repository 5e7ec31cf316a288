//! What the links in messages lead to: a page that shows what it is about and does nothing, and what is done when its form is sent.
//!
//! Programs that look at mails follow the links in them: so looking changes nothing.

use std::collections::BTreeSet;

use super::climb::{self, NotTaken, Taken};
use super::core::Core;
use super::subscribers::{self, SubscriberError, Wanted};
use crate::channel::page::Page;
use crate::domain::audit::Actor;
use crate::domain::bounce::ReturnKey;
use crate::domain::climb::{Climb, End};
use crate::domain::ids::{MessageId, SubscriberId};
use crate::domain::link::{BadLink, Link, Purpose};
use crate::domain::locale::Locale;
use crate::domain::mailbox::Address;
use crate::domain::notice::Recipient;
use crate::domain::outage::Severity;
use crate::domain::subscriber::mailbox_number;

/// A page that was written, and how it is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// HTML.
    pub html: String,
    /// Whether there is something behind it.
    pub state: State,
}

/// Whether there is something behind a page's address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// There is.
    Found,
    /// There isn't, and never was.
    Unknown,
    /// There isn't any more.
    Gone,
    /// It can't be told now: whoever asks may ask again.
    Failed,
}

/// What is behind a link; with `act`, what comes of the form. None: there are no pages.
pub async fn open(core: &Core, purpose: Purpose, text: &str, act: bool) -> Option<Shown> {
    let settings = core.settings();
    settings.public.as_ref()?;
    let (page, locale) = match read(core, purpose, text) {
        Ok(Link { purpose: Purpose::Acknowledge, id, .. }) => take_on(core, MessageId(id), act).await,
        Ok(link) => subscription(core, &link, act).await,
        Err(bad) => (bad, settings.locales.organisation),
    };
    Some(shown(core, &page, locale))
}

fn shown(core: &Core, page: &Page, locale: Locale) -> Shown {
    let state = match page {
        Page::BadLink => State::Unknown,
        Page::Expired => State::Gone,
        Page::Failed => State::Failed,
        _ => State::Found,
    };
    let html = page.html(&core.settings().organisation, locale);
    let html = html.inspect_err(|error| tracing::error!("A page can't be written: {error}"));
    Shown { html: html.unwrap_or_default(), state }
}

fn read(core: &Core, purpose: Purpose, text: &str) -> Result<Link, Page> {
    let key = core.view().return_key.as_ref().map(ReturnKey::for_links).ok_or(Page::Failed)?;
    let link = key.read(text, core.now()).map_err(|bad| match bad {
        BadLink::Unreadable => Page::BadLink,
        BadLink::Expired(_) => Page::Expired,
    })?;
    if link.purpose == purpose { Ok(link) } else { Err(Page::BadLink) }
}

async fn take_on(core: &Core, message: MessageId, act: bool) -> (Page, Locale) {
    let (climb, to) = match climb::of_message(core, message).await {
        Ok(found) => found,
        Err(error) => return (failed(&error), core.settings().locales.organisation),
    };
    let locale = core.locale_of(&to);
    if climb.end.is_some() {
        return (ended(&climb), locale);
    }
    if !act {
        let page = match climb::facts(core, &climb).await {
            Ok(facts) => Page::TakeOn(Box::new(facts)),
            Err(error) => failed(&error.into()),
        };
        return (page, locale);
    }
    let why = format!("by the link in the message to {to}");
    let taken = climb::acknowledge(core, climb.notice, &to.name, &Actor::System, Some(&why)).await;
    let page = match taken {
        Ok(Taken::Now(_)) => Page::TakenOn,
        Ok(Taken::Before(climb)) => ended(&climb),
        Err(error) => failed(&error),
    };
    (page, locale)
}

async fn subscription(core: &Core, link: &Link, act: bool) -> (Page, Locale) {
    let confirms = link.purpose == Purpose::Confirm;
    let view = core.view();
    let known = match confirms {
        true => view.subscribers.get(&SubscriberId(link.id)).cloned(),
        // Of whichever number the mailbox has now.
        false => view.subscribers.values().find(|s| mailbox_number(&s.mail) == link.id).cloned(),
    };
    let Some(subscriber) = known else {
        // Whoever isn't one any more needn't be taken off again.
        let page = if confirms { Page::Expired } else { Page::Unsubscribed };
        return (page, core.settings().locales.organisation);
    };
    let id = subscriber.id;
    let mail = Box::from(subscriber.mail.as_str());
    let locale = core.locale_of(&Recipient::by_mail(subscriber.mail.as_str(), subscriber.mail.clone(), ""));
    if !act {
        return (if confirms { Page::Confirm(mail) } else { Page::Unsubscribe(mail) }, locale);
    }
    let done = match confirms {
        true => subscribers::confirm(core, id).await.map(|_| Page::Confirmed),
        false => {
            let removed = subscribers::remove(core, id, &Actor::System, Some("by their own link")).await;
            removed.map(|_| Page::Unsubscribed)
        }
    };
    (done.unwrap_or_else(|error| failed(&error.into())), locale)
}

/// Where everybody may ask to be told of outages; with an address, what comes of it. None: nobody may. Whether somebody is one already isn't said.
pub async fn subscribe(core: &Core, mail: Option<&str>) -> Option<Shown> {
    let settings = core.settings();
    settings.public.as_ref().filter(|public| public.subscribe)?;
    let page = match mail.map(|mail| mail.trim().parse::<Address>()) {
        None => Page::Subscribe,
        Some(Err(_)) => Page::NoAddress,
        Some(Ok(mail)) => {
            let wanted = Wanted { mail, services: BTreeSet::new(), severity: Severity::Minor };
            match subscribers::ask(core, wanted, &Actor::System).await {
                Ok(_) => Page::SubscribeSent,
                Err(SubscriberError::TooMany) => Page::TooMany,
                Err(error) => {
                    tracing::error!("Somebody's wish to subscribe can't be noted: {error}");
                    Page::Failed
                }
            }
        }
    };
    Some(shown(core, &page, settings.locales.organisation))
}

fn ended(climb: &Climb) -> Page {
    match &climb.end {
        Some(End::Taken { by, at }) => Page::TakenBefore { by: by.clone(), at: *at },
        _ => Page::Over,
    }
}

fn failed(error: &NotTaken) -> Page {
    match error {
        NotTaken::AsksNothing(_) | NotTaken::Store(crate::store::StoreError::NotFound(_)) => Page::BadLink,
        NotTaken::Store(error) => {
            tracing::error!("What is behind a link can't be looked up: {error}");
            Page::Failed
        }
    }
}
