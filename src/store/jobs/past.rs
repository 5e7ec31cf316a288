//! How things were: written beside what changes them, in its transaction; read, and forgotten, from one end.

use chrono::{DateTime, Utc};

use crate::domain::delta::Delta;
use crate::domain::ids::{AbsenceId, AssignmentId, Generation, ListName, SubjectName};
use crate::domain::lists::TakenList;
use crate::domain::past::{Entry, Reason, Was};
use crate::domain::run::Run;
use crate::domain::undo::{self, Kept};

use super::super::error::StoreError;
use super::super::records::{Arranged, Kind, PastRow, Record, WasRow, key, number_of, past_key, steps_key};
use super::rows::Write;
use super::trouble::{Fault, Trouble};
use super::tx::{Changed, Tx, decode};

/// So many steps of a run go into one record.
const STEPS: usize = 100;
/// So many entries are looked at in one transaction.
const LOOKED_AT: usize = 1_000;
/// What people and others maintain, of which each record is kept as it was before it changed.
const EDITED: [Kind; 5] = [Kind::Assignment, Kind::Absence, Kind::Subject, Kind::List, Kind::Arranged];

/// Keeps how the objects were that a run changed.
pub(in crate::store) fn keep_run(
    tx: &mut Tx<'_>,
    made: Generation,
    run: &Run,
    kept: Kept,
    delta: &Delta,
) -> Result<(), Fault> {
    let was = match kept {
        // Only what nobody sees may change without any steps.
        Kept::Steps(steps) if steps.is_empty() && undo::steps(delta).is_empty() => return Ok(()),
        Kept::Steps(steps) if steps.is_empty() => WasRow::TooMany(run.id),
        Kept::Steps(steps) => {
            for (part, steps) in (0..).zip(steps.chunks(STEPS)) {
                tx.put(steps_key(run.id.0, part), &steps.to_vec())?;
            }
            WasRow::Run(run.id)
        }
        Kept::Empty => WasRow::Empty(run.directory.clone()),
        Kept::Nothing => WasRow::TooMany(run.id),
    };
    Ok(tx.put(past_key(made.0, 0), &PastRow { at: run.ended, was })?)
}

/// Keeps the records as they were that the transaction changes, whatever it is that changes them.
pub(in crate::store) fn keep_edits(
    tx: &mut Tx<'_>,
    made: Generation,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    // 0 is the run's.
    let mut part = 1;
    for kind in EDITED {
        for changed in tx.changed(kind)? {
            if kind == Kind::List && says_the_same(&changed)? {
                continue;
            }
            let Changed { key, before, .. } = changed;
            let was = WasRow::Record { key: key.into(), before: before.map(Into::into) };
            tx.put(past_key(made.0, part), &PastRow { at, was })?;
            part += 1;
        }
    }
    Ok(())
}

/// Whether a list has the same people as before, though it was taken anew.
fn says_the_same(changed: &Changed) -> Result<bool, Trouble> {
    let read = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(decode::<TakenList>).transpose();
    let (before, after) = (read(&changed.before)?, read(&changed.after)?);
    Ok(before.map(|list| list.listing) == after.map(|list| list.listing))
}

/// Forgets how it was before `limit`; returns how many changes that were.
pub(super) async fn prune(store: &impl Write, limit: DateTime<Utc>) -> Result<u64, StoreError> {
    let (mut removed, mut from) = (0, Some(key(Kind::Past, &[])));
    while let Some(first) = from {
        let step = move |tx: &mut Tx<'_>| -> Result<(u64, Option<Vec<u8>>), Fault> {
            let mut old = Vec::new();
            for key in tx.stored_from(Kind::Past, &first, LOOKED_AT)? {
                let row: Option<PastRow> = tx.get(&key)?;
                match row {
                    Some(row) if row.at < limit => old.push((key, row)),
                    _ => break,
                }
            }
            let full = old.len() == LOOKED_AT;
            if let [(_, PastRow { was: WasRow::Forgotten, .. })] = old[..] {
                return Ok((0, None));
            }
            let some = old.iter().filter(|(_, row)| row.was != WasRow::Forgotten).count();
            // The last one stays, to say that there was something before.
            let Some((key, row)) = old.pop() else { return Ok((0, None)) };
            old.into_iter().for_each(|(key, _)| tx.delete(key));
            tx.put(key.clone(), &PastRow { was: WasRow::Forgotten, ..row })?;
            // When others are behind it that are as old, it goes, too.
            Ok((some as u64, full.then_some(key)))
        };
        let (some, next) = store.write(step).await?;
        (removed, from) = (removed + some, next);
    }
    Ok(removed)
}

/// The first run whose steps it takes to tell how it was; None: none does.
pub(super) fn first_run(tx: &Tx<'_>) -> Result<Option<u64>, Fault> {
    let mut from = key(Kind::Past, &[]);
    loop {
        let keys = tx.stored_from(Kind::Past, &from, LOOKED_AT)?;
        for key in &keys {
            if let Some(PastRow { was: WasRow::Run(run), .. }) = tx.get(key)? {
                return Ok(Some(run.0));
            }
        }
        match keys.last() {
            Some(last) if keys.len() == LOOKED_AT => from.clone_from(last),
            _ => return Ok(None),
        }
        // The one right behind it.
        from.push(0);
    }
}

/// What changed after `at`, up to the generation `until`, the newest first. `rows` are the records of the past, the newest first, with
/// their keys.
pub(in crate::store) fn entries<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    rows: impl Iterator<Item = Result<(K, V), Trouble>>,
    at: DateTime<Utc>,
    until: Generation,
) -> Result<Vec<Entry>, Trouble> {
    let mut entries = Vec::new();
    // How far back there is anything; nothing at all is known of the time before.
    let mut oldest = None;
    for row in rows {
        let (key, value) = row?;
        let generation = key.as_ref().get(1..9).and_then(number_of).unwrap_or_default();
        let row: PastRow = decode(value.as_ref())?;
        oldest = Some(row.at);
        if generation > until.0 {
            continue;
        }
        if row.at <= at {
            return Ok(entries);
        }
        let entry = Entry { at: row.at, was: was(row.was)? };
        let ends = matches!(entry.was, Was::Unknown(_));
        entries.push(entry);
        if ends {
            return Ok(entries);
        }
    }
    let until = oldest.unwrap_or(DateTime::<Utc>::MAX_UTC);
    entries.push(Entry { at: until, was: Was::Unknown(Reason::Begun) });
    Ok(entries)
}

fn was(row: WasRow) -> Result<Was, Trouble> {
    Ok(match row {
        WasRow::Run(run) => Was::Run(run),
        WasRow::Empty(directory) => Was::Empty(directory),
        WasRow::Lost { since } => Was::Lost { since },
        WasRow::Forgotten => Was::Unknown(Reason::Forgotten),
        WasRow::TooMany(run) => Was::Unknown(Reason::TooMany(run)),
        WasRow::Record { key, before } => record(&key, before.as_deref())?,
    })
}

fn record(key: &[u8], before: Option<&[u8]>) -> Result<Was, Trouble> {
    fn read<R: Record>(bytes: Option<&[u8]>) -> Result<Option<R>, Trouble> {
        bytes.map(decode).transpose()
    }
    let number = || number_of(key).unwrap_or_default();
    let name = || String::from_utf8_lossy(key.get(1..).unwrap_or_default());
    Ok(match key.first().and_then(|byte| Kind::from_byte(*byte)) {
        Some(Kind::Assignment) => Was::Assignment(AssignmentId(number()), read(before)?),
        Some(Kind::Absence) => Was::Absence(AbsenceId(number()), read(before)?),
        Some(Kind::Subject) => Was::Subject(SubjectName::from(&*name()), read(before)?),
        Some(Kind::List) => Was::List(ListName::from(&*name()), read::<TakenList>(before)?.map(Into::into)),
        Some(Kind::Arranged) => match read::<Arranged>(before)? {
            Some(Arranged(text)) => Was::Arranged(text),
            // The first time that it was written down, and everything else with it.
            None => Was::Unknown(Reason::Begun),
        },
        _ => return Err(Trouble::Damaged("it keeps how a record was of a kind that isn't kept so".into())),
    })
}
