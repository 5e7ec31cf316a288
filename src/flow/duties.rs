//! Tell contacts what they are contacts for: all of some roles by a schedule, and one of them when somebody asks.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::core::{Core, audit_entry};
use crate::domain::audit::Actor;
use crate::domain::changes::Who;
use crate::domain::duties::{Book, Duties};
use crate::domain::mailbox::Address;
use crate::domain::notice::{EventKey, Facts, NewNotice, Recipient};
use crate::domain::organisation::Organisation;
use crate::store::{Change, Committed, Event, StoreError};

/// So many are enqueued in one transaction.
const AT_ONCE: usize = 200;

/// Looks whether the schedule says to send every contact of some roles what they are contact for, and enqueues it.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let (settings, view, now) = (core.settings(), core.view(), core.now());
    let due = match (&settings.duties, view.duties_sent) {
        (None, None) => return Ok(()),
        // Switched off; or on, and then from now on.
        (None, Some(_)) => return note(core, now, None, Vec::new()).await.map(|_| ()),
        (Some(_), None) => return note(core, now, Some(now), Vec::new()).await.map(|_| ()),
        (Some(schedule), Some(sent)) => schedule.next_after(sent.min(now)),
    };
    let Some(due) = due.filter(|due| *due <= now) else { return Ok(()) };
    let organisation = Arc::clone(&view.organisation);
    let (zone, roles) = (settings.zone, settings.duties_of.clone());
    let work = move || {
        let book = Book::new(&organisation, now, zone);
        let written = |who: &Who| Some((who.clone(), book.address_of(who)?, book.of(who)?));
        book.holders(&roles).map(written).collect::<Vec<_>>()
    };
    // In a large organisation it takes a while: not on a thread that serves others.
    let Ok(all) = tokio::task::spawn_blocking(work).await else {
        tracing::error!("What contacts are contacts for could not be worked out");
        return Ok(());
    };
    let unreached = all.iter().filter(|written| written.is_none()).count();
    if unreached > 0 {
        tracing::info!(
            people = unreached,
            "Some contacts aren't sent what they are contacts for: no mail address, or a closed account"
        );
    }
    let expires = now + settings.expires_after;
    // Named by when it was due: begun again after a crash, what was enqueued isn't enqueued again.
    let event = |who: &Who| EventKey(format!("duties/{}/{who}", due.timestamp()).into());
    let mut notices = all
        .into_iter()
        .flatten()
        .map(|(who, mail, duties)| notice(event(&who), &who, mail, duties, expires))
        .peekable();
    let mut mails = 0;
    loop {
        let part: Vec<NewNotice> = notices.by_ref().take(AT_ONCE).collect();
        mails += part.len();
        let is_last = notices.peek().is_none();
        note(core, now, if is_last { Some(now) } else { view.duties_sent }, part).await?;
        if is_last {
            break;
        }
    }
    tracing::info!(mails, "Contacts are sent what they are contacts for");
    Ok(())
}

/// What one person is contact for, and where to write to. None: it is no user, and nobody outside who holds a role.
pub fn of_person(
    organisation: &Organisation,
    who: &Who,
    now: DateTime<Utc>,
    zone: chrono_tz::Tz,
) -> Option<(Duties, Option<Address>)> {
    let book = Book::new(organisation, now, zone);
    Some((book.of(who)?, book.address_of(who)))
}

/// Sends one person what they are contact for, now.
pub async fn send(
    core: &Core,
    who: &Who,
    mail: Address,
    duties: Duties,
    by: &Actor,
) -> Result<Committed, StoreError> {
    let now = core.now();
    let key = format!("duties/now/{}/{}", now.timestamp_micros(), mail.key());
    let object = match who {
        Who::User(_) => format!("user {}", duties.account),
        Who::Outside(mail) => format!("contact {mail}"),
    };
    let audit = audit_entry::<u64>(now, by, "digest sent", object, None, None, None);
    let notice = notice(EventKey(key.into()), who, mail, duties, now + core.settings().expires_after);
    let event = Event { at: now, change: Change::None, notices: vec![notice], audit: Some(audit) };
    core.turn().await.commit(event, |_, _, _| {}).await
}

fn notice(event: EventKey, who: &Who, mail: Address, duties: Duties, expires: DateTime<Utc>) -> NewNotice {
    let mut roles: Vec<&str> = duties.duties.iter().map(|duty| &*duty.role.0).collect();
    roles.dedup();
    let why = match roles.as_slice() {
        [] => "somebody who could be contact".to_owned(),
        [one] => (*one).to_owned(),
        _ => "contact in several roles".to_owned(),
    };
    let user = match who {
        Who::User(id) => Some(*id),
        Who::Outside(_) => None,
    };
    let to = Recipient { user, ..Recipient::by_mail(duties.name.clone(), mail, why) };
    let facts = Facts::Duties(Box::new(duties));
    NewNotice::new(event, facts, vec![to], expires)
}

async fn note(
    core: &Core,
    now: DateTime<Utc>,
    sent: Option<DateTime<Utc>>,
    notices: Vec<NewNotice>,
) -> Result<Committed, StoreError> {
    let event = Event { at: now, change: Change::DutiesSent(sent), notices, audit: None };
    core.turn().await.commit(event, |view, _, _| view.duties_sent = sent).await
}
