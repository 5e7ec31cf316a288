//! Who outside wants to be told of outages: asked whether they do, taken when they say so, gone with one click.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::core::{Core, Turn, View, audit_entry};
use crate::domain::audit::Actor;
use crate::domain::ids::{SubjectName, SubscriberId};
use crate::domain::mailbox::Address;
use crate::domain::notice::{EventKey, Facts, NewNotice, Recipient};
use crate::domain::outage::Severity;
use crate::domain::subscriber::{
    CONFIRM_WITHIN, MANY, Standing, Subscriber, Subscribers, Wish, forgotten, wish,
};
use crate::store::{Change, Event, Sequence, StoreError};

/// Why somebody isn't asked to confirm.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// There is nowhere that they could say so.
    #[error(
        "nobody can confirm that they want it: [public] in the configuration names no address for the page"
    )]
    NoPages,
    /// Too many at once.
    #[error("too many want to subscribe at once, or there are {MANY}; try again in an hour")]
    TooMany,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody wants to be told of.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where.
    pub mail: Address,
    /// Only of these services; empty: of all.
    pub services: BTreeSet<SubjectName>,
    /// At least so bad.
    pub severity: Severity,
}

/// Asks somebody to confirm that they want to be told; who is known already isn't asked. Returns how they stand.
///
/// # Errors
/// [`SubscriberError`].
pub async fn ask(core: &Core, wanted: Wanted, by: &Actor) -> Result<Subscriber, SubscriberError> {
    if core.settings().public.is_none() {
        return Err(SubscriberError::NoPages);
    }
    let key = wanted.mail.key();
    let decide = || {
        let view = core.view();
        match wish(&view.subscribers, &wanted.mail, *by != Actor::System, core.now()) {
            Wish::TooMany => Err(SubscriberError::TooMany),
            Wish::Known(id) => {
                let known = view.subscribers.get(&id).cloned();
                let known = known.ok_or_else(|| StoreError::NotFound(format!("subscriber {id}")));
                known.map(Some).map_err(SubscriberError::from)
            }
            Wish::Ask => Ok(None),
        }
    };
    // Most of what strangers ask takes nobody's turn.
    if let Some(known) = decide()? {
        return Ok(known);
    }
    let turn = core.turn().await;
    if let Some(known) = decide()? {
        return Ok(known);
    }
    let (view, now) = (core.view(), core.now());
    let before = view.subscribers.values().find(|subscriber| subscriber.mail.key() == key).map(|s| s.id);
    let id = match before {
        Some(id) => id,
        None => SubscriberId(core.store.allocate(Sequence::Subscriber).await?),
    };
    let Wanted { mail, services, severity } = wanted;
    let subscriber = Subscriber { id, mail, services, severity, standing: Standing::Asked { at: now } };
    let event = EventKey(format!("subscribe/{id}/{}", now.timestamp()).into());
    let name = subscriber.mail.as_str();
    let to = Recipient::by_mail(name, subscriber.mail.clone(), subscriber.why());
    let to = Recipient { subscriber: Some(id), ..to };
    let facts = Facts::Subscribe { subscriber: id };
    let notice = NewNotice::new(event, facts, vec![to], now + CONFIRM_WITHIN);
    put(core, &turn, subscriber.clone(), vec![notice], by, "subscriber asked").await?;
    Ok(subscriber)
}

/// Somebody confirms that they want it, and has before, perhaps.
///
/// # Errors
/// [`StoreError::NotFound`] when nobody of that number was asked, or it was too long ago.
pub async fn confirm(core: &Core, id: SubscriberId) -> Result<Subscriber, StoreError> {
    let turn = core.turn().await;
    let known = core.view().subscribers.get(&id).cloned();
    let known = known.ok_or_else(|| StoreError::NotFound(format!("subscriber {id}")))?;
    if matches!(known.standing, Standing::Confirmed { .. }) {
        return Ok(known);
    }
    let after = Subscriber { standing: Standing::Confirmed { at: core.now() }, ..known };
    put(core, &turn, after.clone(), Vec::new(), &Actor::System, "subscriber confirmed").await?;
    Ok(after)
}

/// Somebody doesn't want it any more, or isn't to have it.
///
/// # Errors
/// [`StoreError::NotFound`] when there is nobody of that number.
pub async fn remove(
    core: &Core,
    id: SubscriberId,
    by: &Actor,
    why: Option<&str>,
) -> Result<Subscriber, StoreError> {
    let turn = core.turn().await;
    let known = core.view().subscribers.get(&id).cloned();
    let known = known.ok_or_else(|| StoreError::NotFound(format!("subscriber {id}")))?;
    let now = core.now();
    let object = format!("subscriber {id}");
    let audit = audit_entry(now, by, "subscriber removed", object, Some(&known), None, why);
    let change = Change::RemoveSubscriber(id);
    let event = Event { at: now, change, notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, _| edit(view, |all| drop(all.remove(&id)))).await?;
    Ok(known)
}

/// Forgets those who were asked and never confirmed.
///
/// # Errors
/// The store.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    for id in forgotten(&core.view().subscribers, core.now()) {
        match remove(core, id, &Actor::System, Some("never confirmed")).await {
            Ok(_) | Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn put(
    core: &Core,
    turn: &Turn<'_>,
    subscriber: Subscriber,
    notices: Vec<NewNotice>,
    by: &Actor,
    action: &str,
) -> Result<(), StoreError> {
    let now = core.now();
    let object = format!("subscriber {}", subscriber.id);
    let audit = audit_entry(now, by, action, object, None, Some(&subscriber), None);
    let change = Change::Subscriber(Box::new(subscriber.clone()));
    let event = Event { at: now, change, notices, audit: Some(audit) };
    turn.commit(event, |view, _, _| edit(view, |all| drop(all.insert(subscriber.id, subscriber)))).await?;
    Ok(())
}

fn edit(view: &mut View, change: impl FnOnce(&mut Subscribers)) {
    change(Arc::make_mut(&mut view.subscribers));
}
