//! What runs have removed: remembered, and forgotten when its time is over.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::core::Core;
use crate::domain::delta::{Changes, Delta};
use crate::domain::gone::{self, Gone};
use crate::domain::guard::{DAY, Lately};
use crate::domain::ids::{DirectoryName, RunId};
use crate::domain::organisation::Organisation;
use crate::domain::run::{Outcome, Run, Trigger};
use crate::domain::undo::Object;
use crate::store::{Change, Event, StoreError};

/// A directory that tells of its changes isn't read more often than each half minute.
const RUNS_OF_A_DAY: usize = 3_000;

/// What a run that makes these changes to `organisation` makes of what is gone.
pub fn changes(organisation: &Organisation, delta: &Delta, run: RunId, now: DateTime<Utc>) -> Changes<Gone> {
    let tree = &organisation.tree;
    let path = |unit| tree.index(unit).map(|place| tree.path(place)).unwrap_or_default();
    gone::changes(&organisation.gone, delta, run, now, |object| {
        match object {
            Object::User(user) => path(user.unit),
            Object::Unit(unit) => path(unit.parent),
            Object::Group(_) => String::new(),
        }
        .into()
    })
}

/// What runs of a directory took within a day, since a person last approved one.
pub(super) async fn lately(
    core: &Core,
    organisation: &Organisation,
    directory: &DirectoryName,
    now: DateTime<Utc>,
) -> Result<Lately, StoreError> {
    let since = now - DAY;
    let all = gone::lately(&organisation.gone, directory, since, None);
    if all == Lately::default() {
        return Ok(all);
    }
    let runs = core.store.runs(Some(directory.clone()), RUNS_OF_A_DAY).await?;
    let mut recent = runs.iter().take_while(|run| run.ended > since);
    // One that failed, or was held again, let nothing pass.
    let passed = |run: &&Run| {
        matches!(run.trigger, Trigger::Approval(_)) && matches!(run.outcome, Outcome::Committed { .. })
    };
    let approved = recent.find(passed).map(|run| run.id);
    Ok(gone::lately(&organisation.gone, directory, since, approved))
}

/// Forgets what has been gone since before `limit`; returns how much that was.
pub async fn forget(core: &Core, limit: DateTime<Utc>) -> Result<usize, StoreError> {
    let turn = core.turn().await;
    let view = core.view();
    let changes = gone::expired(&view.organisation.gone, limit);
    let forgotten = changes.len();
    if forgotten == 0 {
        return Ok(0);
    }
    let left = Arc::new(gone::apply(&view.organisation.gone, &changes));
    let event = Event { at: core.now(), change: Change::Forget(changes), notices: Vec::new(), audit: None };
    turn.commit(event, |view, _, _| {
        let mut organisation = Organisation::clone(&view.organisation);
        organisation.gone = left;
        view.organisation = Arc::new(organisation);
    })
    .await?;
    Ok(forgotten)
}
