//! History that is old enough goes, a few records at a time, so that nobody else waits long.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::ids::NoticeId;
use crate::domain::notice::Message;
use crate::domain::run::{HeldRun, Run};

use super::super::error::StoreError;
use super::super::records::{Kind, NoticeRow, key, number_key, run_of_key};
use super::super::types::{Pruned, Retention};
use super::SledStore;
use super::state::last_run;
use super::trouble::Fault;
use super::tx::{Tx, decode};

/// So many runs or messages go in one transaction.
const STEP: usize = 100;

impl SledStore {
    pub(in super::super) async fn prune(
        &self,
        now: DateTime<Utc>,
        keep: Retention,
    ) -> Result<Pruned, StoreError> {
        let before = |keep: TimeDelta| now.checked_sub_signed(keep).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let mut pruned = Pruned::default();
        let runs = self.old_runs(before(keep.runs)).await?;
        for step in runs.chunks(STEP) {
            let step = step.to_vec();
            pruned.runs += self.write(move |tx| remove_runs(tx, &step)).await?;
        }
        let limit = before(keep.messages);
        let messages = self.old_messages(limit).await?;
        for step in messages.chunks(STEP) {
            let step = step.to_vec();
            pruned.messages += self.write(move |tx| remove_messages(tx, &step, limit)).await?;
        }
        let notices = self.old_notices(limit).await?;
        for step in notices.chunks(STEP) {
            let step = step.to_vec();
            pruned.notices += self.write(move |tx| remove_notices(tx, &step)).await?;
        }
        Ok(pruned)
    }

    /// Runs that ended before `limit`, without the last one of each directory and what it holds.
    async fn old_runs(&self, limit: DateTime<Utc>) -> Result<Vec<Run>, StoreError> {
        self.read(move |view| {
            let mut old = Vec::new();
            for row in view.rows(&[Kind::Run as u8]) {
                let run: Run = decode(&row?.1)?;
                let held = view.get(&key(Kind::Held, run.directory.0.as_bytes()))?;
                let held = held.map(|held| decode::<HeldRun>(&held)).transpose()?;
                if run.ended < limit
                    && held.is_none_or(|held| held.run != run.id)
                    && last_run(view, &run.directory)?.is_none_or(|last| last.id != run.id)
                {
                    old.push(run);
                }
            }
            Ok(old)
        })
        .await
    }

    async fn old_messages(&self, limit: DateTime<Utc>) -> Result<Vec<u64>, StoreError> {
        self.read(move |view| {
            let mut old = Vec::new();
            for row in view.rows(&[Kind::Message as u8]) {
                let message: Message = decode(&row?.1)?;
                if is_old(&message, limit) {
                    old.push(message.id.0);
                }
            }
            Ok(old)
        })
        .await
    }

    /// Notices from before `limit`; whether they have messages left is seen when they are removed.
    async fn old_notices(&self, limit: DateTime<Utc>) -> Result<Vec<NoticeId>, StoreError> {
        self.read(move |view| {
            let mut old = Vec::new();
            for row in view.rows(&[Kind::Notice as u8]) {
                let NoticeRow { notice, .. } = decode(&row?.1)?;
                if notice.at < limit {
                    old.push(notice.id);
                }
            }
            Ok(old)
        })
        .await
    }
}

fn is_old(message: &Message, limit: DateTime<Utc>) -> bool {
    message.state.is_final() && message.changed < limit
}

fn remove_runs(tx: &mut Tx<'_>, runs: &[Run]) -> Result<u64, Fault> {
    for run in runs {
        tx.delete(number_key(Kind::Run, run.id.0));
        tx.delete(number_key(Kind::RunChanges, run.id.0));
        tx.delete(number_key(Kind::RunQuarantine, run.id.0));
        tx.delete(run_of_key(&run.directory, run.id.0));
    }
    Ok(runs.len() as u64)
}

fn remove_messages(tx: &mut Tx<'_>, ids: &[u64], limit: DateTime<Utc>) -> Result<u64, Fault> {
    let mut removed = 0;
    for id in ids {
        let message: Option<Message> = tx.get(&number_key(Kind::Message, *id))?;
        // It may have been sent off again since it was looked at.
        let Some(message) = message.filter(|message| is_old(message, limit)) else { continue };
        for attempt in tx.stored_keys(&number_key(Kind::Attempt, *id), usize::MAX)? {
            tx.delete(attempt);
        }
        tx.delete_message(&message);
        removed += 1;
    }
    Ok(removed)
}

fn remove_notices(tx: &mut Tx<'_>, ids: &[NoticeId]) -> Result<u64, Fault> {
    let mut removed = 0;
    for id in ids {
        let row: Option<NoticeRow> = tx.get(&number_key(Kind::Notice, id.0))?;
        let Some(NoticeRow { notice, first, messages }) = row else { continue };
        let mut left = false;
        for number in first.0..first.0.saturating_add(messages) {
            left = left || tx.has(&number_key(Kind::Message, number))?;
        }
        if !left {
            tx.delete(number_key(Kind::Notice, id.0));
            tx.delete(key(Kind::NoticeOf, notice.event.0.as_bytes()));
            removed += 1;
        }
    }
    Ok(removed)
}
