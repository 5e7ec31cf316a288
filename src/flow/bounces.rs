//! Mails that came back: read by a schedule, judged, and noted with the message and its address.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::core::{Core, audit_entry};
use super::kept::{Kept, Looked};
use crate::domain::audit::Actor;
use crate::domain::bounce::{self, Bounce, Fate, Ignored, Mark, ReturnKey};
use crate::domain::ids::SourceName;
use crate::domain::mailbox::Address;
use crate::source::returned::ReturnedMails;
use crate::store::{Change, Event, StoreError};

/// What the mailbox is called in the log.
pub const NAME: &str = "bounces";

/// So many mails are looked at at once; what is left waits for the next time.
const MOST: usize = 1_000;

/// How the mailbox is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MailboxState {
    /// Where it is.
    pub place: String,
    /// When it was last looked at.
    pub checked: Option<DateTime<Utc>>,
    /// Why that went wrong; a full sentence.
    pub trouble: Option<String>,
    /// How many mails were looked at since the start.
    pub read: u64,
    /// How many of them said of a message that it came back or is delayed.
    pub bounces: u64,
}

/// The mailbox into which mails come back, if there is one.
#[derive(Default)]
pub struct Bounces(Kept<SourceName, ReturnedMails, MailboxState>);

impl Bounces {
    /// This one.
    pub fn new(mailbox: Option<ReturnedMails>) -> Bounces {
        Bounces(Kept::new(named(mailbox)))
    }

    /// Takes that of another configuration.
    pub fn replace(&self, mailbox: Option<ReturnedMails>) {
        self.0.replace(named(mailbox));
    }

    /// How it is doing; None: there is none.
    pub fn state(&self) -> Option<MailboxState> {
        let (name, mailbox) = self.0.settings().iter().next().map(|(n, m)| (n.clone(), m.to_string()))?;
        let state = self.0.states().get(&name).cloned().unwrap_or_default();
        Some(MailboxState { place: mailbox, ..state })
    }

    /// Looks at what has come since, now; how it is doing then. None: there is no mailbox.
    ///
    /// # Errors
    /// When what is over can't be let go.
    pub async fn look_now(&self, core: &Core) -> Result<Option<MailboxState>, String> {
        self.look(core, &SourceName::from(NAME)).await?;
        Ok(self.state())
    }

    /// Looks at what has come since.
    async fn work(&self, core: &Core, mailbox: &ReturnedMails) -> (u64, u64, Result<(), String>) {
        let (mut read, mut bounces) = (0, 0);
        let working = async {
            let mut opened = mailbox.open(MOST).await.map_err(|e| e.to_string())?;
            while let Some(mail) = opened.next().await.map_err(|e| e.to_string())? {
                match take(core, &mail.bytes).await.map_err(|e| e.to_string())? {
                    Ok(bounce) => {
                        bounces += 1;
                        tell(&bounce);
                    }
                    Err(ignored) => {
                        tracing::debug!("A mail in the mailbox for bounces is left alone: {ignored}");
                    }
                }
                read += 1;
                opened.done(mail).await.map_err(|e| e.to_string())?;
            }
            opened.close().await;
            Ok(())
        };
        let worked = working.await;
        (read, bounces, worked)
    }
}

fn named(mailbox: Option<ReturnedMails>) -> BTreeMap<SourceName, ReturnedMails> {
    mailbox.map(|mailbox| (SourceName::from(NAME), mailbox)).into_iter().collect()
}

fn tell(bounce: &Bounce) {
    let message = bounce.message.0;
    match (bounce.fate, &bounce.mark) {
        (Fate::Delayed, _) => tracing::info!(message, "A message is delayed on its way"),
        (Fate::Failed, None) => tracing::warn!(message, "A message came back"),
        (Fate::Failed, Some(_)) => tracing::warn!(message, "A message came back, and its address is marked"),
    }
}

impl Looked for Bounces {
    type Name = SourceName;

    fn names(&self) -> Vec<SourceName> {
        self.0.names()
    }

    fn last(&self, name: &SourceName) -> (Option<DateTime<Utc>>, bool) {
        let states = self.0.states();
        states.get(name).map_or((None, false), |state| (state.checked, state.trouble.is_some()))
    }

    async fn look(&self, core: &Core, name: &SourceName) -> Result<(), String> {
        let _alone = self.0.alone(name).await;
        let all = self.0.settings();
        let Some(mailbox) = all.get(name) else { return Ok(()) };
        let (read, bounces, worked) = self.work(core, mailbox).await;
        if let Err(trouble) = &worked {
            tracing::error!("The mails that came back can't be read: {trouble}");
        }
        if Arc::ptr_eq(&all, &self.0.settings()) {
            let mut states = self.0.states();
            let state = states.entry(name.clone()).or_default();
            (state.checked, state.trouble) = (Some(core.now()), worked.err());
            state.read += read;
            state.bounces += bounces;
        }
        let_go(core).await.map_err(|e| e.to_string())
    }
}

/// Reads a mail, and notes what it says of a message of ours.
pub async fn take(core: &Core, mail: &[u8]) -> Result<Result<Bounce, Ignored>, StoreError> {
    let bounce = match judged(core, mail).await? {
        Ok(bounce) => bounce,
        Err(ignored) => return Ok(Err(ignored)),
    };
    let change = Change::Bounce(Box::new(bounce.clone()));
    let event = Event { at: core.now(), change, notices: Vec::new(), audit: None };
    let mark = bounce.mark.clone();
    let turn = core.turn().await;
    turn.commit(event, |view, _, _| {
        if let Some(mark) = mark {
            let mark = Mark::after(view.marks.get(&mark.address), mark);
            view.marks.put(mark);
        }
    })
    .await?;
    Ok(Ok(bounce))
}

async fn judged(core: &Core, mail: &[u8]) -> Result<Result<Bounce, Ignored>, StoreError> {
    let report = match bounce::read(mail) {
        Ok(report) => report,
        Err(ignored) => return Ok(Err(ignored)),
    };
    let (view, settings) = (core.view(), core.settings());
    let signs = report.signs.iter().map(|sign| &**sign);
    let (Some(policy), Some(id)) =
        (settings.bounces, view.return_key.as_ref().and_then(|key| key.find(signs)))
    else {
        return Ok(Err(Ignored::Unproven));
    };
    match core.store.message(id).await {
        Ok(detail) => Ok(bounce::judge(&report, &detail.message, core.now(), policy.window)),
        Err(StoreError::NotFound(_)) => Ok(Err(Ignored::UnknownMessage(id))),
        Err(error) => Err(error),
    }
}

/// Lets go of the marks that are over: the addresses are tried again.
async fn let_go(core: &Core) -> Result<(), StoreError> {
    let Some(policy) = core.settings().bounces else { return Ok(()) };
    let (view, now) = (core.view(), core.now());
    for mark in view.marks.iter().filter(|mark| mark.is_over(now, policy.mark_for)) {
        match clear(core, &mark.address, &Actor::System).await {
            // Somebody was faster.
            Ok(_) | Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes the mark from an address, which is written to again; the mark.
///
/// # Errors
/// [`StoreError::NotFound`] when it isn't marked.
pub async fn clear(core: &Core, address: &Address, by: &Actor) -> Result<Mark, StoreError> {
    let turn = core.turn().await;
    let (view, now) = (core.view(), core.now());
    let not_marked = || StoreError::NotFound(format!("mark on the address {address}"));
    let mark = view.marks.get(address).cloned().ok_or_else(not_marked)?;
    let audit = audit_entry(now, by, "address cleared", address.to_string(), Some(&mark), None, None);
    let change = Change::Unmark(address.clone());
    let event = Event { at: now, change, notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, _| view.marks.remove(address)).await?;
    Ok(mark)
}

/// Makes the key that messages are signed with, at the first start.
pub async fn make_key(core: &Core) -> Result<(), StoreError> {
    let turn = core.turn().await;
    if core.view().return_key.is_some() {
        return Ok(());
    }
    let key = ReturnKey::new(rand::random());
    let change = Change::ReturnKey(key.clone());
    let event = Event { at: core.now(), change, notices: Vec::new(), audit: None };
    turn.commit(event, |view, _, _| view.return_key = Some(key)).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
