//! What is only looked at: the state, runs, outages, messages, the audit log.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::audit;
use crate::domain::changes::ChangeAt;
use crate::domain::changes::open::Note;
use crate::domain::climb::Climb;
use crate::domain::ids::{DirectoryName, Generation, MessageId, NoticeId, OutageId, RunId};
use crate::domain::notice::{EventKey, Message, MessageState, Notice, Recipient};
use crate::domain::outage::Outage;
use crate::domain::past::Entry;
use crate::domain::run::Run;
use crate::domain::undo::Step;

use super::super::error::StoreError;
use super::super::jobs::trouble::{Fault, Trouble};
use super::super::jobs::tx::decode;
use super::super::jobs::{past, state};
use super::super::records::{
    Kind, LastNumber, NoticeRow, Numbers, Record, Together, audit_time, key, number_key, number_of, runs_of,
    threads_of,
};
use super::super::types::{AttemptLog, Listed, MessageDetail, MessageFilter, RunDetail, State};
use super::engine::{Value, View};
use super::{SledStore, Slot};

impl SledStore {
    pub(in super::super) async fn load(&self) -> Result<State, StoreError> {
        let shared = Arc::clone(&self.shared);
        super::blocking(&self.shared.path, move || {
            let first = shared.first.lock().unwrap_or_else(PoisonError::into_inner).take();
            let commit = match &*shared.slot() {
                Slot::Open(engine) => {
                    engine.ledger().map_err(|t| t.at(&shared.path))?.map(|ledger| ledger.commit)
                }
                Slot::Down(trouble) => return Err(trouble.clone().at(&shared.path)),
            };
            match first {
                Some((of, state)) if Some(of) == commit => Ok(state),
                _ => shared.read(|view| Ok(load(view)?)),
            }
        })
        .await
    }

    pub(in super::super) async fn past(
        &self,
        at: DateTime<Utc>,
        until: Generation,
    ) -> Result<Vec<Entry>, StoreError> {
        self.read(move |view| Ok(past::entries(view.rows(&[Kind::Past as u8]).rev(), at, until)?)).await
    }

    pub(in super::super) async fn messages(&self, filter: MessageFilter) -> Result<Vec<Listed>, StoreError> {
        // Those that aren't at an end are few among many that are; the queue knows them.
        let waiting = !filter.states.is_empty() && !filter.states.iter().any(|state| state.is_final());
        let known: Option<Vec<MessageId>> = waiting.then(|| {
            let mut ids: Vec<_> = self.shared.queue().open().collect();
            ids.sort_unstable_by(|a, b| b.cmp(a));
            ids
        });
        self.read(move |view| list_messages(view, &filter, known)).await
    }

    pub(in super::super) async fn listed(&self, ids: Vec<MessageId>) -> Result<Vec<Listed>, StoreError> {
        self.read(move |view| {
            let mut listed = Vec::new();
            for id in ids {
                if let Some(message) = get::<Message>(view, Kind::Message, id.0)? {
                    listed.push(Listed { notice: Arc::new(notice(view, message.notice)?), message });
                }
            }
            Ok(listed)
        })
        .await
    }

    pub(in super::super) async fn message(&self, id: MessageId) -> Result<MessageDetail, StoreError> {
        self.read(move |view| {
            let message: Option<Message> = get(view, Kind::Message, id.0)?;
            let message = message.ok_or_else(|| StoreError::NotFound(format!("message {id}")))?;
            let attempts =
                view.rows(&number_key(Kind::Attempt, id.0)).map(|row| decode::<AttemptLog>(&row?.1));
            let attempts: Result<_, Trouble> = attempts.collect();
            let notice = notice(view, message.notice)?;
            Ok(MessageDetail { notice, message, attempts: attempts?, with: Vec::new() })
        })
        .await
    }

    pub(in super::super) async fn together(&self, first: MessageId) -> Result<Vec<MessageId>, StoreError> {
        let all: Option<Together> = self.read(move |view| Ok(get(view, Kind::Together, first.0)?)).await?;
        Ok(all.map(|Together(all)| all).unwrap_or_default())
    }

    pub(in super::super) async fn runs(
        &self,
        directory: Option<DirectoryName>,
        limit: usize,
    ) -> Result<Vec<Run>, StoreError> {
        self.read(move |view| {
            let Some(directory) = directory else { return newest(view, Kind::Run, limit, |_: &Run| true) };
            let keys = view.keys(&runs_of(&directory)).rev().take(limit);
            let runs = keys.filter_map(|key| match key {
                Ok(key) => get(view, Kind::Run, number_of(&key).unwrap_or_default()).transpose(),
                Err(trouble) => Some(Err(trouble)),
            });
            Ok(runs.collect::<Result<_, Trouble>>()?)
        })
        .await
    }

    pub(in super::super) async fn run(&self, id: RunId) -> Result<RunDetail, StoreError> {
        self.read(move |view| {
            let run: Option<Run> = get(view, Kind::Run, id.0)?;
            let run = run.ok_or_else(|| StoreError::NotFound(format!("run {id}")))?;
            let changes = get(view, Kind::RunChanges, id.0)?.unwrap_or_default();
            let quarantined = get(view, Kind::RunQuarantine, id.0)?.unwrap_or_default();
            Ok(RunDetail { run, changes, quarantined })
        })
        .await
    }

    pub(in super::super) async fn steps(&self, id: RunId) -> Result<Vec<Step>, StoreError> {
        self.read(move |view| {
            let mut steps = Vec::new();
            for row in view.rows(&number_key(Kind::RunSteps, id.0)) {
                steps.extend(decode::<Vec<Step>>(&row?.1)?);
            }
            Ok(steps)
        })
        .await
    }

    pub(in super::super) async fn outages(
        &self,
        limit: usize,
        open_only: bool,
    ) -> Result<Vec<Outage>, StoreError> {
        let wanted = move |outage: &Outage| !open_only || outage.ended_at().is_none();
        self.read(move |view| newest(view, Kind::Outage, limit, wanted)).await
    }

    pub(in super::super) async fn outage(&self, id: OutageId) -> Result<Outage, StoreError> {
        self.read(move |view| {
            let outage: Option<Outage> = get(view, Kind::Outage, id.0)?;
            Ok(outage.ok_or_else(|| StoreError::NotFound(format!("outage {id}")))?)
        })
        .await
    }

    pub(in super::super) async fn climb(&self, thread: &EventKey) -> Result<Option<Climb>, StoreError> {
        let at = key(Kind::Climb, thread.0.as_bytes());
        self.read(move |view| Ok(view.get(&at)?.as_deref().map(decode).transpose()?)).await
    }

    pub(in super::super) async fn thread(&self, thread: &EventKey) -> Result<Vec<NoticeId>, StoreError> {
        let of = threads_of(thread);
        self.read(move |view| {
            let ids = view.keys(&of).map(|key| Ok(NoticeId(number_of(&key?).unwrap_or_default())));
            Ok(ids.collect::<Result<_, Trouble>>()?)
        })
        .await
    }

    pub(in super::super) async fn audit(
        &self,
        since: Option<DateTime<Utc>>,
        limit: usize,
    ) -> Result<Vec<audit::Entry>, StoreError> {
        self.read(move |view| since_then(view, since, limit)).await
    }

    pub(in super::super) async fn contact_changes(
        &self,
        since: Option<DateTime<Utc>>,
        limit: usize,
    ) -> Result<Vec<ChangeAt>, StoreError> {
        self.read(move |view| since_then(view, since, limit)).await
    }

    pub(in super::super) async fn contact_notes(
        &self,
        after: u64,
        since: DateTime<Utc>,
    ) -> Result<Vec<Note>, StoreError> {
        self.read(move |view| notes_after(view, after, since)).await
    }

    pub(in super::super) async fn last_contact_note(&self) -> Result<u64, StoreError> {
        self.read(|view| {
            let last = view.get(&key(Kind::Numbers, &[Numbers::ContactChange as u8]))?;
            Ok(last.map(|value| decode::<LastNumber>(&value)).transpose()?.map_or(0, |last| last.0))
        })
        .await
    }
}

/// Reads the state by itself.
fn load(view: &View<'_>) -> Result<State, Trouble> {
    let mut builder = state::StateBuilder::default();
    for kind in state::KINDS {
        for row in view.rows(&[kind as u8]) {
            let (key, value) = row?;
            builder.take(kind, &key, &value)?;
        }
    }
    builder.end(|name| last_run(view, name))
}

/// The last run of a directory.
pub(super) fn last_run(view: &View<'_>, name: &DirectoryName) -> Result<Option<Run>, Trouble> {
    let Some(key) = view.keys(&runs_of(name)).next_back().transpose()? else { return Ok(None) };
    let number = number_of(&key).unwrap_or_default();
    view.get(&number_key(Kind::Run, number))?.map(|value| decode(&value)).transpose()
}

/// The changes of contacts after a number, in its order. Their keys begin with the time that they speak of, which isn't quite that order.
fn notes_after(view: &View<'_>, number: u64, since: DateTime<Utc>) -> Result<Vec<Note>, Fault> {
    let oldest = audit_time(since.timestamp_millis());
    let mut notes: Vec<Note> = Vec::new();
    for row in view.rows(&[Kind::ContactChange as u8]).rev() {
        let (key, value) = row?;
        if key.get(1..9).is_none_or(|time| *time < oldest[..]) {
            break;
        }
        if let Some(number) = number_of(&key).filter(|n| *n > number) {
            notes.push(Note { number, change: decode(&value)? });
        }
    }
    notes.sort_by_key(|note| note.number);
    Ok(notes)
}

/// The records of a kind whose keys are times, the newest first.
fn since_then<R: Record>(
    view: &View<'_>,
    since: Option<DateTime<Utc>>,
    limit: usize,
) -> Result<Vec<R>, Fault> {
    let oldest = since.map(|since| audit_time(since.timestamp_millis()));
    let new_enough =
        |key: &[u8]| oldest.is_none_or(|oldest| key.get(1..9).is_some_and(|time| *time >= oldest[..]));
    let rows = view.rows(&[R::KIND as u8]).rev();
    let wanted = rows.take_while(|row| row.as_ref().map_or(true, |(key, _)| new_enough(key)));
    let records = wanted.take(limit).map(|row| decode(&row?.1));
    Ok(records.collect::<Result<_, Trouble>>()?)
}

fn list_messages(
    view: &View<'_>,
    filter: &MessageFilter,
    known: Option<Vec<MessageId>>,
) -> Result<Vec<Listed>, Fault> {
    let row: Option<NoticeRow> = match filter.notice {
        Some(id) => get(view, Kind::Notice, id.0)?,
        None => None,
    };
    let by_id = |id: u64| get::<Message>(view, Kind::Message, id).transpose();
    let messages: Box<dyn Iterator<Item = Result<Message, Trouble>>> = match (filter.notice, row, known) {
        (Some(_), None, _) => Box::new(std::iter::empty()),
        (Some(_), Some(row), _) => {
            Box::new((row.first.0..row.first.0.saturating_add(row.messages)).rev().filter_map(by_id))
        }
        (None, _, Some(known)) => Box::new(known.into_iter().filter_map(move |id| by_id(id.0))),
        (None, _, None) => Box::new(view.rows(&[Kind::Message as u8]).rev().map(|row| decode(&row?.1))),
    };
    let wanted = |state: MessageState| filter.states.is_empty() || filter.states.contains(&state);
    let to = filter.to.as_ref().map(|to| to.to_lowercase());
    let is_to = |recipient: &Recipient| {
        to.as_ref().is_none_or(|to| {
            recipient.to_string().to_lowercase() == *to || recipient.name.to_lowercase() == *to
        })
    };
    let mut notices: HashMap<NoticeId, Arc<Notice>> = HashMap::new();
    let mut listed = Vec::new();
    for message in messages {
        let message = message?;
        let by_it = filter.channel.as_ref().is_none_or(|channel| *channel == message.recipient.channel);
        if !by_it || !wanted(message.state) || !is_to(&message.recipient) {
            continue;
        }
        if listed.len() >= filter.limit {
            break;
        }
        let notice = match notices.get(&message.notice) {
            Some(notice) => Arc::clone(notice),
            None => {
                let notice = Arc::new(notice(view, message.notice)?);
                notices.insert(message.notice, Arc::clone(&notice));
                notice
            }
        };
        listed.push(Listed { message, notice });
    }
    Ok(listed)
}

/// The records of a kind, the highest number first.
fn newest<R: Record>(
    view: &View<'_>,
    kind: Kind,
    limit: usize,
    wanted: impl Fn(&R) -> bool,
) -> Result<Vec<R>, Fault> {
    let records = view.rows(&[kind as u8]).rev().map(|row| decode::<R>(&row?.1));
    let records = records.filter(|record| record.as_ref().map_or(true, &wanted));
    Ok(records.take(limit).collect::<Result<_, Trouble>>()?)
}

fn notice(view: &View<'_>, id: NoticeId) -> Result<Notice, Trouble> {
    let row: Option<NoticeRow> = get(view, Kind::Notice, id.0)?;
    Ok(row.ok_or_else(|| Trouble::Damaged(format!("notice {id} is gone, but not its messages")))?.notice)
}

fn get<R: Record>(view: &View<'_>, kind: Kind, number: u64) -> Result<Option<R>, Trouble> {
    let value: Option<Value> = view.get(&number_key(kind, number))?;
    value.map(|value| decode(&value)).transpose()
}
