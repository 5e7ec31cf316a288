//! Tell the AD-sync contacts of a directory when its sync is in trouble, remind them, and tell when it is well again.

mod aside;

use chrono::{DateTime, Utc};

pub use aside::quarantine;

use super::core::{Core, audit_entry};
use super::silence;
use crate::domain::alert::{Decision, Health};
use crate::domain::audit::Actor;
use crate::domain::contacts::Asker;
use crate::domain::delta::{ObjectChange, What};
use crate::domain::ids::DirectoryName;
use crate::domain::notice::{EventKey, Facts, HeldFacts, NewNotice, SyncTrouble};
use crate::domain::roles;
use crate::domain::run::HeldRun;
use crate::domain::warning::{self, Warning};
use crate::store::{Change, Event, StoreError};

/// Decides what is to be told of a directory at `now`: the health with that noted, and the notice to enqueue with it.
pub fn judge(
    core: &Core,
    name: &DirectoryName,
    health: Health,
    held: Option<&HeldRun>,
    changes: &[ObjectChange],
    now: DateTime<Utc>,
) -> (Health, Option<NewNotice>) {
    let settings = core.settings();
    let Some(directory) = settings.directories.get(name) else { return (health, None) };
    let decision = health.decide(&directory.policy, now);
    let told = health.told(&decision, now);
    let since = match (&decision, &told.alert) {
        (Decision::Quiet(_), _) => return (told, None),
        (Decision::Recovered { since, .. }, _) => *since,
        (_, Some(alert)) => alert.since,
        (_, None) => now,
    };
    let facts = match &decision {
        Decision::Quiet(_) => return (told, None),
        Decision::Recovered { trouble, since } => {
            let at = told.last_good.unwrap_or(now);
            Facts::SyncRecovered { directory: name.clone(), trouble: *trouble, since: *since, at }
        }
        Decision::Alert(trouble) | Decision::Remind(trouble, _) => Facts::SyncTrouble(SyncTrouble {
            directory: name.clone(),
            trouble: *trouble,
            reminder: told.alert.as_ref().map_or(0, |a| a.reminders),
            since,
            last_good: told.last_good,
            failures: told.failures,
            error: told.last_error.clone(),
            held: held.map(|held| held_facts(held, changes)),
        }),
    };
    // All that is told of one trouble goes into one thread, named by when it was first told.
    let thread = format!("alert/{name}/{}", since.timestamp_millis());
    let event = match &decision {
        Decision::Recovered { .. } => format!("{thread}/recovered"),
        Decision::Remind(_, n) => format!("{thread}/reminder/{n}"),
        _ => thread.clone(),
    };
    let recipients = core.recipients(roles::AD_SYNC, &Asker::Directory(name.clone()));
    if recipients.is_empty() {
        tracing::error!(
            directory = &*name.0,
            "Nobody can be alerted: no contact for ad-sync or global counts; assign one with `budkavle contacts assign ad-sync`"
        );
        // Nobody was told, so it isn't noted as told: it is tried again, as soon as there is somebody.
        return (health, None);
    }
    if silence::reaches_nobody(core, &facts, &recipients, now) {
        // Nor was anybody told who mustn't be for a while: it is, when that is over and it still is so.
        return (health, None);
    }
    let expires = now + settings.expires_after;
    (
        told,
        Some(NewNotice {
            thread: EventKey(thread.into()),
            ..NewNotice::new(EventKey(event.into()), facts, recipients, expires)
        }),
    )
}

/// What is to be told of what will end one day. Each stage of each is told once: the store knows the event.
pub fn endings(
    core: &Core,
    name: &DirectoryName,
    warnings: &[Warning],
    now: DateTime<Utc>,
) -> Vec<NewNotice> {
    let due = warning::due(now, warnings, warning::BEFORE);
    if due.is_empty() {
        return Vec::new();
    }
    let recipients = core.recipients(roles::AD_SYNC, &Asker::Directory(name.clone()));
    let expires = now + core.settings().expires_after;
    due.into_iter()
        .filter(|_| !recipients.is_empty())
        .map(|due| {
            let thread = ending(name, &due.warning);
            let event = EventKey(format!("{thread}/{}", due.stage()).into());
            let facts = Facts::Ending { directory: name.clone(), due };
            NewNotice { thread, ..NewNotice::new(event, facts, recipients.clone(), expires) }
        })
        // A stage that nobody may be told of isn't used up by that.
        .filter(|notice| !silence::reaches_nobody(core, &notice.facts, &notice.recipients, now))
        .collect()
}

/// The event whose messages those on something that ends follow.
pub fn ending(name: &DirectoryName, warning: &Warning) -> EventKey {
    let Warning { kind, about, at } = warning;
    let about: String = about.chars().take(200).collect();
    EventKey(format!("ending/{name}/{kind:?}/{}/{about}", at.timestamp()).into())
}

/// Looks at every directory: time alone makes data stale and reminders due.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let names: Vec<DirectoryName> = core.settings().directories.keys().cloned().collect();
    for name in names {
        let turn = core.turn().await;
        let now = core.now();
        let state = core.view().directory_state(&name);
        // A directory that was never tried ages from the first look at it.
        let known = state.health.clone().unwrap_or_else(|| Health::new(now));
        let judged = judge(core, &name, known.clone(), state.held.as_ref(), &[], now);
        let (health, notice) = match (&state.held, &judged.1) {
            // Only who is told is told what the run would lose: that may be long, and nobody may decide anything meanwhile.
            (Some(held), Some(_)) => {
                let changes = core.store.run(held.run).await.map(|detail| detail.changes).unwrap_or_default();
                judge(core, &name, known, Some(held), &changes, now)
            }
            _ => judged,
        };
        if notice.is_none() && state.health.as_ref() == Some(&health) {
            continue;
        }
        let audit = notice.as_ref().map(|n| {
            audit_entry(
                now,
                &Actor::System,
                "alert told",
                format!("directory {name}"),
                None,
                Some(&n.event),
                None,
            )
        });
        let change = Change::Health(name.clone(), health.clone());
        let event = Event { at: now, change, notices: notice.into_iter().collect(), audit };
        turn.commit(event, |view, _, _| {
            view.directories.entry(name.clone()).or_default().health = Some(health);
        })
        .await?;
    }
    Ok(())
}

/// So many objects are listed in a mail; the command line lists all.
const LISTED: usize = 30;

fn held_facts(held: &HeldRun, changes: &[ObjectChange]) -> HeldFacts {
    let mut losses: Vec<&ObjectChange> =
        changes.iter().filter(|c| matches!(c.what, What::Removed | What::Changed)).collect();
    losses.sort_by_key(|c| c.what != What::Removed);
    HeldFacts {
        run: held.run,
        reasons: held.reasons.clone(),
        more: u32::try_from(losses.len().saturating_sub(LISTED)).unwrap_or(u32::MAX),
        // A mail names them; all that they have and had is in the history.
        changes: losses
            .into_iter()
            .take(LISTED)
            .map(|c| ObjectChange { fields: Vec::new(), ..c.clone() })
            .collect(),
    }
}
