//! Mails that came back: read by a schedule, judged, and noted with the message and its address.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::core::{Core, audit_entry};
use super::kept::{Kept, Looked};
use crate::domain::audit::Actor;
use crate::domain::bounce::{self, Bounce, Fate, Ignored, Mark, Marks, Policy, ReturnKey};
use crate::domain::ids::SourceName;
use crate::domain::mailbox::Address;
use crate::domain::notice::{Facts, NoticeKind, Priority};
use crate::source::returned::{LOOK_WITHIN, Mail, Name, Opened, ReturnedError, ReturnedMails, Terms};
use crate::store::{Change, Event, StoreError};

/// What the mailbox is called in the log.
pub const NAME: &str = "bounces";

/// So many mails are looked at at once; what is left waits for the next time.
const MOST: usize = 1_000;
/// After trouble with so many mails the trouble is the mailbox's, and the look is over.
const TROUBLES: usize = 20;
/// So long marks last when the configuration doesn't say it, since there is no mailbox any more.
const MARKED_FOR: TimeDelta = TimeDelta::days(30);

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
    /// When an address was last left without a mark, since too many came back at once.
    #[serde(default)]
    pub unmarked: Option<DateTime<Utc>>,
}

/// What came of a look.
#[derive(Default)]
struct Found {
    read: u64,
    bounces: u64,
    /// How many addresses were left without a mark, since too many came back at once.
    unmarked: u64,
}

/// What a report did.
pub struct Taken {
    /// To the message and its address.
    pub bounce: Bounce,
    /// Whether its address would have been marked, had not too many come back at once.
    pub unmarked: bool,
}

/// The mailbox into which mails come back, if there is one.
#[derive(Default)]
pub struct Bounces {
    mailbox: Kept<SourceName, ReturnedMails, MailboxState>,
    /// Mails that made trouble, or that it was too early for: they are looked at after all the others.
    last: Mutex<BTreeSet<Name>>,
}

impl Bounces {
    /// This one.
    pub fn new(mailbox: Option<ReturnedMails>) -> Bounces {
        Bounces { mailbox: Kept::new(named(mailbox)), last: Mutex::default() }
    }

    /// Takes that of another configuration.
    pub fn replace(&self, mailbox: Option<ReturnedMails>) {
        self.mailbox.replace(named(mailbox));
        self.suspects().clear();
    }

    /// How it is doing; None: there is none.
    pub fn state(&self) -> Option<MailboxState> {
        let (name, mailbox) =
            self.mailbox.settings().iter().next().map(|(n, m)| (n.clone(), m.to_string()))?;
        let state = self.mailbox.states().get(&name).cloned().unwrap_or_default();
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

    fn suspects(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a mail made trouble, or that it was too early for it.
    fn put_last(&self, name: Name) {
        let mut last = self.suspects();
        if last.len() >= MOST {
            last.clear();
        }
        last.insert(name);
    }

    /// Looks at what has come since.
    async fn work(&self, core: &Core, mailbox: &ReturnedMails) -> (Found, Result<(), String>) {
        let mut found = Found::default();
        let worked = self.work_on(core, mailbox, &mut found).await;
        if found.unmarked > 0 {
            tracing::error!(
                addresses = found.unmarked,
                "Many mails came back at once as if nobody were there, so not all of the addresses are marked: see whether a mail server is in trouble"
            );
        }
        (found, worked)
    }

    async fn work_on(&self, core: &Core, mailbox: &ReturnedMails, found: &mut Found) -> Result<(), String> {
        let terms = Terms { most: MOST, within: LOOK_WITHIN, last: self.suspects().clone() };
        let mut opened = mailbox.open_for(terms).await.map_err(|e| e.to_string())?;
        let (mut troubles, mut first) = (0, None);
        loop {
            let trouble = match opened.next().await {
                Ok(None) => break,
                Ok(Some(mail)) => match self.one(core, &mut opened, mail, found).await? {
                    Ok(()) => continue,
                    Err(trouble) => trouble,
                },
                Err(trouble) => trouble,
            };
            let name = trouble.concerns().cloned().ok_or_else(|| trouble.to_string())?;
            self.put_last(name);
            troubles += 1;
            if troubles >= TROUBLES {
                return Err(trouble.to_string());
            }
            first.get_or_insert_with(|| trouble.to_string());
        }
        opened.close().await;
        match first {
            None => Ok(()),
            Some(first) => Err(format!("{troubles} mails made trouble, the others were read; {first}")),
        }
    }

    /// Takes one mail, and marks it as seen. Outside: what ends the look.
    async fn one(
        &self,
        core: &Core,
        opened: &mut Opened,
        mut mail: Mail,
        found: &mut Found,
    ) -> Result<Result<(), ReturnedError>, String> {
        let bytes = std::mem::take(&mut mail.bytes);
        let taken = take(core, bytes, mail.arrived).await.map_err(|e| e.to_string())?;
        match taken {
            Ok(taken) => {
                found.bounces += 1;
                found.unmarked += u64::from(taken.unmarked);
                tell(&taken.bounce);
            }
            Err(Ignored::TooEarly(_)) => {
                self.put_last(mail.name);
                return Ok(Ok(()));
            }
            Err(ignored) => tracing::debug!("A mail in the mailbox for bounces is left alone: {ignored}"),
        }
        found.read += 1;
        let name = mail.name.clone();
        let done = opened.done(mail).await;
        if done.is_ok() {
            self.suspects().remove(&name);
        }
        Ok(done)
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
        self.mailbox.names()
    }

    fn last(&self, name: &SourceName) -> (Option<DateTime<Utc>>, bool) {
        let states = self.mailbox.states();
        states.get(name).map_or((None, false), |state| (state.checked, state.trouble.is_some()))
    }

    async fn look(&self, core: &Core, name: &SourceName) -> Result<(), String> {
        let _alone = self.mailbox.alone(name).await;
        let all = self.mailbox.settings();
        let Some(mailbox) = all.get(name) else { return Ok(()) };
        let (found, worked) = self.work(core, mailbox).await;
        if let Err(trouble) = &worked {
            tracing::error!("The mails that came back can't be read: {trouble}");
        }
        if Arc::ptr_eq(&all, &self.mailbox.settings()) {
            let mut states = self.mailbox.states();
            let state = states.entry(name.clone()).or_default();
            (state.checked, state.trouble) = (Some(core.now()), worked.err());
            state.read += found.read;
            state.bounces += found.bounces;
            if found.unmarked > 0 {
                state.unmarked = Some(core.now());
            }
        }
        Ok(())
    }

    /// Lets go of the marks that are over, whether there is a mailbox or not.
    async fn tidy(&self, core: &Core) -> Result<(), StoreError> {
        let now = core.now();
        let holds = core.settings().bounces.map_or(MARKED_FOR, |policy| policy.mark_for);
        let over = those(core, |mark| mark.is_over(now, holds));
        clear_those(core, over, &Actor::System).await.map(|_| ())
    }
}

/// Reads a mail that `arrived` then (now, when that isn't known), and notes what it says of a message of ours.
///
/// # Errors
/// Those of the store.
pub async fn take(
    core: &Core,
    mail: Vec<u8>,
    arrived: Option<DateTime<Utc>>,
) -> Result<Result<Taken, Ignored>, StoreError> {
    let mut bounce = match judged(core, mail, arrived).await? {
        Ok(bounce) => bounce,
        Err(ignored) => return Ok(Err(ignored)),
    };
    let turn = core.turn().await;
    let unmarked = bounce.mark.take_if(|mark| core.view().marks.overflow_with(mark)).is_some();
    let change = Change::Bounce(Box::new(bounce.clone()));
    let event = Event { at: core.now(), change, notices: Vec::new(), audit: None };
    let mark = bounce.mark.clone();
    let noted = turn
        .commit(event, |view, _, _| {
            if let Some(mark) = mark {
                let mark = Mark::after(view.marks.get(&mark.address), mark);
                view.marks.put(mark);
            }
        })
        .await;
    match noted {
        Ok(_) => Ok(Ok(Taken { bounce, unmarked })),
        // Somebody ordered it to be sent again since it was judged.
        Err(StoreError::NotNow(_)) => Ok(Err(Ignored::TooEarly(bounce.message))),
        Err(error) => Err(error),
    }
}

async fn judged(
    core: &Core,
    mail: Vec<u8>,
    arrived: Option<DateTime<Utc>>,
) -> Result<Result<Bounce, Ignored>, StoreError> {
    // Hostile bytes go through several parsers: one that panics, or takes long, does so by itself.
    let report = match tokio::task::spawn_blocking(move || bounce::read(&mail)).await {
        Ok(Ok(report)) => report,
        Ok(Err(ignored)) => return Ok(Err(ignored)),
        Err(error) => {
            tracing::error!(
                "A mail in the mailbox for bounces can't be read, which is a fault of Budkavle: {error}"
            );
            return Ok(Err(Ignored::Broken));
        }
    };
    let (view, settings) = (core.view(), core.settings());
    let signs = report.signs.iter().map(|sign| &**sign);
    let (Some(policy), Some(id)) =
        (settings.bounces, view.return_key.as_ref().and_then(|key| key.find(signs)))
    else {
        return Ok(Err(Ignored::Unproven));
    };
    match core.store.message(id).await {
        Ok(detail) => {
            let now = core.now();
            let arrived = arrived.map_or(now, |arrived| arrived.min(now));
            Ok(bounce::judge(&report, &detail.message, now, arrived, policy.window))
        }
        Err(StoreError::NotFound(_)) => Ok(Err(Ignored::UnknownMessage(id))),
        Err(error) => Err(error),
    }
}

/// The marks that keep mails from being sent now: none without a mailbox for what comes back, and none that is over.
pub fn in_force(core: &Core) -> Marks {
    let now = core.now();
    match core.settings().bounces {
        Some(policy) => core.view().marks.only(|mark| counts(mark, policy, now)),
        None => Marks::default(),
    }
}

/// The mark that keeps mails to an address from being sent now; see [`in_force`].
pub fn mark_in_force(core: &Core, address: &Address, now: DateTime<Utc>) -> Option<Mark> {
    let policy = core.settings().bounces?;
    core.view().marks.get(address).filter(|mark| counts(mark, policy, now)).cloned()
}

/// The mark that keeps a mail that says this from being sent to an address now. A test is what shows whether they still come back; and an alert, a word of
/// messages that don't arrive, or a critical outage is tried all the same: the marked one may be the only one who'd learn of it, and a mail too many costs
/// nothing.
pub fn keeps_back(core: &Core, facts: &Facts, address: &Address, now: DateTime<Utc>) -> Option<Mark> {
    let is_tried = [NoticeKind::Test, NoticeKind::Alert, NoticeKind::Delivery].contains(&facts.kind())
        || facts.priority() == Priority::Urgent;
    if is_tried { None } else { mark_in_force(core, address, now) }
}

fn counts(mark: &Mark, policy: Policy, now: DateTime<Utc>) -> bool {
    !mark.is_over(now, policy.mark_for)
}

/// Takes the marks from all addresses, or from those of a domain; the marks.
///
/// # Errors
/// Those of the store.
pub async fn clear_all(core: &Core, domain: Option<&str>, by: &Actor) -> Result<Vec<Mark>, StoreError> {
    let of = |mark: &Mark| domain.is_none_or(|domain| mark.address.domain().eq_ignore_ascii_case(domain));
    clear_those(core, those(core, of), by).await
}

fn those(core: &Core, which: impl Fn(&Mark) -> bool) -> Vec<Address> {
    core.view().marks.iter().filter(|mark| which(mark)).map(|mark| mark.address.clone()).collect()
}

async fn clear_those(core: &Core, addresses: Vec<Address>, by: &Actor) -> Result<Vec<Mark>, StoreError> {
    let mut cleared = Vec::new();
    for address in addresses {
        match clear(core, &address, by).await {
            Ok(mark) => cleared.push(mark),
            // Somebody was faster.
            Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(cleared)
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
    match turn.commit(event, |view, _, _| view.return_key = Some(key)).await {
        // Another node was faster, and its key is everybody's.
        Err(StoreError::Conflict(_)) => core.follow().await,
        done => done.map(drop),
    }
}

#[cfg(test)]
mod tests;
