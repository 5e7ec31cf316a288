//! Tell contacts that they are contacts now, or no longer, and system owners that their units have others.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::core::{Core, Settings, Turn, audit_entry};
use crate::domain::audit::Actor;
use crate::domain::changes::open::{Note, Told};
use crate::domain::changes::tell::{self, Decision, Due, Mode};
use crate::domain::notice::{EventKey, Facts, NewNotice, Recipient};
use crate::domain::organisation::Organisation;
use crate::store::{Change, Event, StoreError};

/// A change speaks of the time when it was decided, and is noted a moment later: so far back it is looked for those that aren't told.
const LOOK_BACK: TimeDelta = TimeDelta::days(1);

/// Looks whether it is time to tell changes of contacts, and enqueues what is to be told. How far it was told is noted in the same
/// transaction: after a crash, what wasn't enqueued is told, and what was isn't told again.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let turn = core.turn().await;
    let (settings, view, now) = (core.settings(), core.view(), core.now());
    let Some(told) = view.contacts_told.clone() else {
        if settings.telling.mode == Mode::Off {
            return Ok(());
        }
        // From now on: what was before is history.
        let told = Told::up_to(core.store.last_contact_note().await?, now);
        return note(&turn, now, Some(told), Vec::new()).await;
    };
    if settings.telling.mode == Mode::Off {
        return note(&turn, now, None, Vec::new()).await;
    }
    if told.at > now {
        // The clock was ahead once.
        return note(&turn, now, Some(Told { at: now, ..Told::clone(&told) }), Vec::new()).await;
    }
    if matches!(tell::due(&settings.telling, &told, true, now), Due::Later | Due::Off) {
        return Ok(());
    }
    if view.organisation.differs_by_time(view.contacts_seen, now) {
        // What time has changed isn't noted yet; in a minute it is.
        return Ok(());
    }
    let notes = core.store.contact_notes(told.note, told.at - LOOK_BACK).await?;
    if tell::due(&settings.telling, &told, !notes.is_empty(), now) != Due::Now {
        return Ok(());
    }
    let organisation = Arc::clone(&view.organisation);
    let (of, before) = (Arc::clone(&settings), Arc::clone(&told));
    // In a large organisation it takes a while: not on a thread that serves others.
    let work = move || decide(&organisation, &of, &before, &notes, now);
    let Ok((decision, notices)) = tokio::task::spawn_blocking(work).await else {
        tracing::error!("Who is to be told of other contacts could not be worked out");
        return Ok(());
    };
    for (name, reason) in &decision.unreached {
        tracing::debug!(name = &**name, "Somebody isn't told of other contacts: {reason}");
    }
    if !decision.unreached.is_empty() {
        let people = decision.unreached.len();
        tracing::info!(
            people,
            "Some aren't told of other contacts, since they can't be written to; at the level debug it says who"
        );
    }
    if let Some((summary, to)) = &decision.summary {
        tracing::warn!(
            people = summary.people,
            units = summary.units,
            "Contacts changed for more people than are told one by one: a summary goes to the global contacts"
        );
        if to.is_empty() {
            tracing::error!(
                "The summary of changed contacts goes to nobody: no global contact counts; assign one with `budkavle contacts assign global`"
            );
        }
    }
    let mails = notices.len();
    note(&turn, now, Some(decision.told), notices).await?;
    if mails > 0 {
        tracing::info!(mails, "Changes of contacts are told");
    }
    Ok(())
}

/// Commits how far it has been told, with what is to be told by that.
async fn note(
    turn: &Turn<'_>,
    now: DateTime<Utc>,
    told: Option<Told>,
    notices: Vec<NewNotice>,
) -> Result<(), StoreError> {
    let told = told.map(Arc::new);
    let audit = (!notices.is_empty()).then(|| {
        let object = format!("{} notices", notices.len());
        audit_entry::<u64>(now, &Actor::System, "changes of contacts told", object, None, None, None)
    });
    let event = Event { at: now, change: Change::ContactsTold(told.clone()), notices, audit };
    turn.commit(event, |view, _, _| view.contacts_told = told).await?;
    Ok(())
}

/// What is to be told, and as which notices.
fn decide(
    organisation: &Organisation,
    settings: &Settings,
    told: &Told,
    notes: &[Note],
    now: DateTime<Utc>,
) -> (Decision, Vec<NewNotice>) {
    let decision = tell::decide(organisation, now, &settings.telling, told, notes);
    let expires = now + settings.expires_after;
    let notice = |key: String, facts: Facts, recipients: Vec<Recipient>| {
        let event = EventKey(format!("contacts/{}/{key}", now.timestamp_millis()).into());
        NewNotice::new(event, facts, recipients, expires)
    };
    let letters = decision.letters.iter().map(|letter| {
        let facts = tell::facts(organisation, letter, told, now);
        notice(letter.who.to_string(), Facts::ContactNews(facts), vec![letter.to.clone()])
    });
    let mut notices: Vec<NewNotice> = letters.collect();
    if let Some((summary, to)) = &decision.summary {
        notices.push(notice("summary".to_owned(), Facts::ContactSummary(summary.clone()), to.clone()));
    }
    (decision, notices)
}
