//! History that is old enough goes, a few records at a time, so that nobody else waits long.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::climb::Climb;
use crate::domain::ids::{DirectoryName, NoticeId, RunId};
use crate::domain::notice::Message;
use crate::domain::pace::Pace;
use crate::domain::run::{HeldRun, Run};

use super::super::error::StoreError;
use super::super::records::{Gathering, Kind, NoticeRow, key, number_key, run_of_key, thread_key};
use super::super::types::{Pruned, Retention};
use super::past;
use super::rows::Write;
use super::trouble::{Fault, Trouble};
use super::tx::Tx;

/// So many records are looked at in one transaction.
const STEP: usize = 200;

/// Looks at the records with some numbers and removes those from before a time; returns how many those are.
type Step = fn(&mut Tx<'_>, &[u64], DateTime<Utc>) -> Result<u64, Fault>;

/// Removes what is older than `keep`.
pub(in crate::store) async fn prune(
    store: &impl Write,
    now: DateTime<Utc>,
    keep: Retention,
) -> Result<Pruned, StoreError> {
    let before = |keep: TimeDelta| now.checked_sub_signed(keep).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let (runs, messages, steps) = (before(keep.runs), before(keep.messages), before(keep.steps));
    let past = past::prune(store, before(keep.past)).await?;
    Ok(Pruned {
        runs: prune_kind(store, Kind::Run, runs, prune_runs).await?,
        messages: prune_kind(store, Kind::Message, messages, prune_messages).await?,
        notices: prune_kind(store, Kind::Notice, messages, prune_notices).await?,
        undoable: prune_steps(store, steps).await?,
        past,
        contact_changes: prune_contact_changes(store, runs).await?,
        climbs: prune_some(store, Kind::Climb, move |tx, key| {
            let climb: Option<Climb> = tx.get(key)?;
            Ok(climb.is_some_and(|climb| climb.end.is_some() && climb.last < messages))
        })
        .await?,
        paces: prune_some(store, Kind::Pace, move |tx, key| {
            let pace: Option<Pace> = tx.get(key)?;
            Ok(pace.is_some_and(|pace| pace.is_over(now)))
        })
        .await?,
        gatherings: prune_some(store, Kind::Gathering, move |tx, key| {
            let gathering: Option<Gathering> = tx.get(key)?;
            Ok(gathering.is_some_and(|Gathering(groups)| groups.iter().all(|(leaves, _)| *leaves < now)))
        })
        .await?,
    })
}

/// Removes the steps of runs that ended before `limit`, and of runs that are gone, unless it takes them to tell how it was; a run at
/// a time.
async fn prune_steps(store: &impl Write, limit: DateTime<Utc>) -> Result<u64, StoreError> {
    let needed = store.write(|tx| past::first_run(tx)).await?.unwrap_or(u64::MAX);
    let (mut removed, mut after) = (0, Some(0));
    while let Some(from) = after {
        let looked_at = store.write(move |tx| {
            let Some(id) = tx.stored_run_with_steps(from)? else { return Ok((0, None)) };
            let run: Option<Run> = tx.get(&number_key(Kind::Run, id))?;
            // Their numbers follow the time.
            if id >= needed || run.is_some_and(|run| run.ended >= limit) {
                return Ok((0, None));
            }
            for key in tx.stored_keys(&number_key(Kind::RunSteps, id))? {
                tx.delete(key);
            }
            Ok((1, Some(id)))
        });
        let (some, last) = looked_at.await?;
        (removed, after) = (removed + some, last);
    }
    Ok(removed)
}

/// Removes changes of contacts from before `limit`.
async fn prune_contact_changes(store: &impl Write, limit: DateTime<Utc>) -> Result<u64, StoreError> {
    let mut removed = 0;
    loop {
        let some = store.write(move |tx| {
            let keys = tx.stored_before(Kind::ContactChange, limit.timestamp_millis(), STEP)?;
            let some = keys.len();
            keys.into_iter().for_each(|key| tx.delete(key));
            Ok(some)
        });
        let some = some.await?;
        removed += some as u64;
        if some < STEP {
            return Ok(removed);
        }
    }
}

/// Removes the records of a kind that are over, a few at a time.
async fn prune_some(
    store: &impl Write,
    kind: Kind,
    over: impl Fn(&Tx<'_>, &[u8]) -> Result<bool, Trouble> + Copy + Send + Sync + 'static,
) -> Result<u64, StoreError> {
    let (mut removed, mut from) = (0, Some(key(kind, &[])));
    while let Some(first) = from {
        let step = move |tx: &mut Tx<'_>| -> Result<(u64, Option<Vec<u8>>), Fault> {
            let keys = tx.stored_from(kind, &first, STEP)?;
            let mut removed = 0;
            for key in &keys {
                if over(tx, key)? {
                    tx.delete(key.clone());
                    removed += 1;
                }
            }
            // The first key after the last one that was looked at.
            let next = keys.last().filter(|_| keys.len() == STEP).map(|last| [&last[..], &[0]].concat());
            Ok((removed, next))
        };
        let (some, next) = store.write(step).await?;
        (removed, from) = (removed + some, next);
    }
    Ok(removed)
}

/// Goes through the records of a kind in steps, each a transaction of its own.
async fn prune_kind(
    store: &impl Write,
    kind: Kind,
    limit: DateTime<Utc>,
    step: Step,
) -> Result<u64, StoreError> {
    let (mut removed, mut after) = (0, Some(0));
    while let Some(from) = after {
        let looked_at = store.write(move |tx| {
            let ids = tx.stored_numbers(kind, from, limit, STEP)?;
            tx.expect(ids.iter().map(|id| number_key(kind, *id)).collect())?;
            Ok((step(tx, &ids, limit)?, ids.last().copied()))
        });
        let (some, last) = looked_at.await?;
        (removed, after) = (removed + some, last);
    }
    Ok(removed)
}

/// Removes runs that ended before `limit`, but not the last one of a directory, nor the one it holds.
fn prune_runs(tx: &mut Tx<'_>, ids: &[u64], limit: DateTime<Utc>) -> Result<u64, Fault> {
    let mut kept: HashMap<DirectoryName, [Option<RunId>; 2]> = HashMap::new();
    let mut removed = 0;
    for id in ids {
        let run: Option<Run> = tx.get(&number_key(Kind::Run, *id))?;
        let Some(run) = run.filter(|run| run.ended < limit) else { continue };
        if !kept.contains_key(&run.directory) {
            let held: Option<HeldRun> = tx.get(&key(Kind::Held, run.directory.0.as_bytes()))?;
            let last = tx.stored_last_run(&run.directory)?.map(RunId);
            kept.insert(run.directory.clone(), [last, held.map(|held| held.run)]);
        }
        if kept.get(&run.directory).is_some_and(|kept| kept.contains(&Some(run.id))) {
            continue;
        }
        tx.delete(number_key(Kind::Run, *id));
        tx.delete(number_key(Kind::RunChanges, *id));
        tx.delete(number_key(Kind::RunQuarantine, *id));
        tx.delete(run_of_key(&run.directory, *id));
        removed += 1;
    }
    Ok(removed)
}

/// Removes messages that came to a final state before `limit`, with their attempts.
fn prune_messages(tx: &mut Tx<'_>, ids: &[u64], limit: DateTime<Utc>) -> Result<u64, Fault> {
    let (mut removed, mut attempts) = (0, Vec::new());
    let mut asking: HashMap<NoticeId, bool> = HashMap::new();
    for id in ids {
        let message: Option<Message> = tx.get(&number_key(Kind::Message, *id))?;
        let Some(message) = message.filter(|m| m.state.is_final() && m.changed < limit) else { continue };
        let asks = match asking.get(&message.notice) {
            Some(asks) => *asks,
            None => asks(tx, message.notice)?,
        };
        asking.insert(message.notice, asks);
        // While it waits for somebody to take it on, it must be known what it says.
        if asks {
            continue;
        }
        attempts.push(number_key(Kind::Attempt, *id));
        if message.together == Some(message.id) {
            tx.delete(number_key(Kind::Together, *id));
        }
        tx.delete_message(&message);
        removed += 1;
    }
    for attempt in tx.stored_keys_of(&attempts)? {
        tx.delete(attempt);
    }
    Ok(removed)
}

/// Whether a notice waits for somebody to take it on.
fn asks(tx: &Tx<'_>, notice: NoticeId) -> Result<bool, Trouble> {
    let row: Option<NoticeRow> = tx.get(&number_key(Kind::Notice, notice.0))?;
    let Some(NoticeRow { notice, .. }) = row else { return Ok(false) };
    let climb: Option<Climb> = tx.get(&key(Kind::Climb, notice.thread.0.as_bytes()))?;
    Ok(climb.is_some_and(|climb| climb.end.is_none() && climb.notice == notice.id))
}

/// Removes notices from before `limit` that have no messages any more.
fn prune_notices(tx: &mut Tx<'_>, ids: &[u64], limit: DateTime<Utc>) -> Result<u64, Fault> {
    let mut old = Vec::new();
    for id in ids {
        let row: Option<NoticeRow> = tx.get(&number_key(Kind::Notice, *id))?;
        old.extend(row.filter(|row| row.notice.at < limit).map(|row| (*id, row)));
    }
    let messages = |row: &NoticeRow| row.first.0..row.first.0.saturating_add(row.messages);
    let told = tx.told(&old.iter().map(|(id, row)| (*id, messages(row))).collect::<Vec<_>>())?;
    let mut removed = 0;
    for (id, NoticeRow { notice, .. }) in old.into_iter().filter(|(id, _)| !told.contains(id)) {
        tx.delete(number_key(Kind::Notice, id));
        tx.delete(key(Kind::NoticeOf, notice.event.0.as_bytes()));
        tx.delete(thread_key(&notice.thread, id));
        removed += 1;
    }
    Ok(removed)
}
