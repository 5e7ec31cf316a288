//! Syncs and events: what changes the directory, what people maintain, and what must be told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::absence::Absence;
use crate::domain::alert::Health;
use crate::domain::audit;
use crate::domain::changes::{Cause, ChangeAt, ContactChange};
use crate::domain::delta::{Changes, Delta};
use crate::domain::entitled::GivenOut;
use crate::domain::guard::CheckedDelta;
use crate::domain::ids::{DirectoryName, Generation, OutageId, RunId};
use crate::domain::intake;
use crate::domain::outage::Outage;
use crate::domain::run::{Cursor, HeldRun, Outcome};

use super::super::error::StoreError;
use super::super::records::{
    Arranged, ContactsSeen, DutiesSent, Kind, Numbers, Pack, Packed, Record, RunOf, followed_key, key,
    number_key, run_of_key, time_key,
};
use super::super::types::{Change, Committed, Event, RunRecord, Sequence};
use super::enqueue::{enqueue, write_inhibited};
use super::trouble::Fault;
use super::tx::Tx;
use super::{outbox, past};

/// Hands out the next `count` numbers; returns the first.
pub(in crate::store) fn allocate(tx: &mut Tx<'_>, sequence: Sequence, count: u64) -> Result<u64, Fault> {
    let numbers = match sequence {
        Sequence::Run => Numbers::Run,
        Sequence::Outage => Numbers::Outage,
        Sequence::Assignment => Numbers::Assignment,
        Sequence::Absence => Numbers::Absence,
        Sequence::Silence => Numbers::Silence,
        Sequence::Subscriber => Numbers::Subscriber,
    };
    let first = tx.next(numbers)?;
    for _ in 1..count {
        tx.next(numbers)?;
    }
    Ok(first)
}

/// Commits a sync.
pub(in crate::store) fn sync(
    tx: &mut Tx<'_>,
    delta: &CheckedDelta,
    record: RunRecord,
    cursor: &Cursor,
) -> Result<Committed, Fault> {
    write_delta(tx, delta.delta())?;
    write_run(tx, record, Some(cursor), delta.delta())
}

/// Commits a run that changed no object.
pub(in crate::store) fn run(
    tx: &mut Tx<'_>,
    record: RunRecord,
    cursor: Option<&Cursor>,
) -> Result<Committed, Fault> {
    write_run(tx, record, cursor, &Delta::default())
}

/// Commits an event.
pub(in crate::store) fn event(
    tx: &mut Tx<'_>,
    event: Event,
    contacts: Vec<ContactChange>,
) -> Result<Committed, Fault> {
    let Event { at, change, notices, audit } = event;
    tx.speaks_of(at);
    let cause = match change {
        Change::TimePassed => Cause::Time,
        Change::Arranged(_) => Cause::Configuration,
        _ => Cause::Edit,
    };
    // Whoever notes what others got by an edit has looked what time did before.
    if cause == Cause::Time || !contacts.is_empty() {
        tx.put(key(Kind::ContactsSeen, &[]), &ContactsSeen(at))?;
    }
    write_contacts(tx, at, cause, contacts)?;
    tx.effect.precious = is_precious(&change) || !notices.is_empty();
    let generation = match change {
        Change::None | Change::TimePassed => None,
        change => {
            make(tx, change, at)?;
            let made = next_generation(tx)?;
            past::keep_edits(tx, made, at)?;
            Some(made)
        }
    };
    if let Some(entry) = audit {
        write_audit(tx, &entry)?;
    }
    Ok(Committed { generation, ..enqueue(tx, at, notices)? })
}

/// What nobody may want any more, or is read again, needn't be saved in a hurry.
fn is_precious(change: &Change) -> bool {
    match change {
        Change::Forget(_) | Change::TimePassed | Change::ContactsTold(_) | Change::Arranged(_) => false,
        // A page is read again, and the next sign of life comes soon. What is followed must not be opened twice.
        Change::Intake(changes) => !changes.followed.is_empty(),
        // A server may say at each look that its calendar is another one.
        Change::Calendar { taken: Some(_), put, removed, .. } => !put.is_empty() || !removed.is_empty(),
        _ => true,
    }
}

/// Writes an entry of the audit log.
pub(in crate::store) fn write_audit(tx: &mut Tx<'_>, entry: &audit::Entry) -> Result<(), Fault> {
    let number = tx.next(Numbers::Audit)?;
    tx.speaks_of(entry.at);
    tx.effect.precious = true;
    Ok(tx.put(time_key(Kind::Audit, entry.at.timestamp_millis(), number), entry)?)
}

/// Writes who got other contacts.
fn write_contacts(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    by: Cause,
    contacts: Vec<ContactChange>,
) -> Result<(), Fault> {
    for change in contacts {
        let number = tx.next(Numbers::ContactChange)?;
        tx.put(time_key(Kind::ContactChange, at.timestamp_millis(), number), &ChangeAt { at, by, change })?;
    }
    Ok(())
}

fn next_generation(tx: &mut Tx<'_>) -> Result<Generation, Fault> {
    Ok(Generation(tx.next(Numbers::Generation)?))
}

fn write_run(
    tx: &mut Tx<'_>,
    record: RunRecord,
    cursor: Option<&Cursor>,
    delta: &Delta,
) -> Result<Committed, Fault> {
    let RunRecord {
        mut run,
        changes,
        quarantined,
        health,
        held,
        notices,
        kept,
        gone,
        vetoes,
        audit,
        contacts,
        absences,
        lease: _,
    } = record;
    tx.expect([Kind::Health, Kind::Held, Kind::Vetoes].map(|kind| name_key(kind, &run.directory)).to_vec())?;
    tx.expect(
        absences.put.iter().chain(&absences.removed).map(|a| number_key(Kind::Absence, a.id.0)).collect(),
    )?;
    for absence in &absences.put {
        tx.put(number_key(Kind::Absence, absence.id.0), absence)?;
    }
    for Absence { id, .. } in &absences.removed {
        remove(tx, number_key(Kind::Absence, id.0), || format!("absence {id}"))?;
    }
    write_contacts(tx, run.ended, Cause::Run(run.id), contacts)?;
    let made = next_generation(tx)?;
    if let Outcome::Committed { generation } = &mut run.outcome {
        *generation = made;
    }
    tx.speaks_of(run.ended);
    tx.put(number_key(Kind::Run, run.id.0), &run)?;
    tx.put(run_of_key(&run.directory, run.id.0), &RunOf)?;
    if !changes.is_empty() {
        tx.put(number_key(Kind::RunChanges, run.id.0), &changes)?;
    }
    if !quarantined.is_empty() {
        tx.put(number_key(Kind::RunQuarantine, run.id.0), &quarantined)?;
    }
    past::keep_run(tx, made, &run, kept, delta)?;
    write_changes(tx, &gone)?;
    tx.put(name_key(Kind::Health, &run.directory), &health)?;
    if let Some(cursor) = cursor {
        tx.put(name_key(Kind::Cursor, &run.directory), cursor)?;
    }
    let held_before = tx.has(&name_key(Kind::Held, &run.directory))?;
    let vetoes_at = name_key(Kind::Vetoes, &run.directory);
    let vetoed_before = tx.has(&vetoes_at)?;
    // A sync can be repeated; a word to people can't, nor a word of theirs.
    tx.effect.precious |= !notices.is_empty() || held_before != held.is_some();
    tx.effect.precious |= vetoed_before || !vetoes.is_empty();
    if vetoes.is_empty() {
        tx.delete(vetoes_at);
    } else {
        tx.put(vetoes_at, &vetoes)?;
    }
    if let Some(entry) = audit {
        write_audit(tx, &entry)?;
    }
    match held {
        Some(held) => tx.put(name_key(Kind::Held, &run.directory), &held)?,
        None => tx.delete(name_key(Kind::Held, &run.directory)),
    }
    past::keep_edits(tx, made, run.ended)?;
    Ok(Committed { generation: Some(made), ..enqueue(tx, run.ended, notices)? })
}

fn make(tx: &mut Tx<'_>, change: Change, at: DateTime<Utc>) -> Result<(), Fault> {
    match change {
        Change::None | Change::TimePassed => {}
        Change::Outage(outage) => write_outage(tx, &outage)?,
        Change::OutageTold(outage, changes) => {
            if outage.version() == 0 {
                refuse_twice(tx, &changes)?;
            }
            write_outage(tx, &outage)?;
            write_intake(tx, *changes)?;
        }
        Change::Intake(changes) => write_intake(tx, *changes)?,
        Change::Assign(assignment) => tx.put(number_key(Kind::Assignment, assignment.id.0), &assignment)?,
        Change::Revoke(id) => remove(tx, number_key(Kind::Assignment, id.0), || format!("assignment {id}"))?,
        Change::Absence(absence) => tx.put(number_key(Kind::Absence, absence.id.0), &absence)?,
        Change::Absences(all) => {
            tx.expect(all.iter().map(|(absence, _)| number_key(Kind::Absence, absence.id.0)).collect())?;
            for (absence, entry) in all {
                tx.put(number_key(Kind::Absence, absence.id.0), &absence)?;
                write_audit(tx, &entry)?;
            }
        }
        Change::Assignments { put, end } => {
            let ids = put.iter().map(|(assignment, _)| assignment.id).chain(end.iter().map(|(id, _)| *id));
            tx.expect(ids.map(|id| number_key(Kind::Assignment, id.0)).collect())?;
            for (assignment, entry) in put {
                tx.put(number_key(Kind::Assignment, assignment.id.0), &assignment)?;
                write_audit(tx, &entry)?;
            }
            for (id, entry) in end {
                remove(tx, number_key(Kind::Assignment, id.0), || format!("assignment {id}"))?;
                write_audit(tx, &entry)?;
            }
        }
        Change::Subject(subject) => tx.put(key(Kind::Subject, subject.name.0.as_bytes()), &subject)?,
        Change::RemoveSubject(name) => {
            remove(tx, key(Kind::Subject, name.0.as_bytes()), || format!("subject {name}"))?;
        }
        Change::RemoveAbsence(id) => remove(tx, number_key(Kind::Absence, id.0), || format!("absence {id}"))?,
        Change::Calendar { name, taken, put, removed } => {
            let ids = put.iter().map(|(absence, _)| absence.id).chain(removed.iter().map(|(id, _)| *id));
            tx.expect(ids.map(|id| number_key(Kind::Absence, id.0)).collect())?;
            for (absence, entry) in put {
                tx.put(number_key(Kind::Absence, absence.id.0), &absence)?;
                write_audit(tx, &entry)?;
            }
            for (id, entry) in removed {
                remove(tx, number_key(Kind::Absence, id.0), || format!("absence {id}"))?;
                write_audit(tx, &entry)?;
            }
            let at = key(Kind::AbsenceSource, name.0.as_bytes());
            match taken {
                Some(taken) => tx.put(at, &*taken)?,
                None => tx.delete(at),
            }
        }
        Change::List(list) => tx.put(key(Kind::List, list.name.0.as_bytes()), &*list)?,
        Change::GivenOut(given) => {
            tx.put(key(Kind::GivenOut, GivenOut::key(&given.roles).as_bytes()), &*given)?;
        }
        Change::CoverageTold(period, told) => tx.put(key(Kind::CoverageTold, period.as_bytes()), &told)?,
        Change::ContactsTold(told) => put_or_delete(tx, Kind::ContactsTold, told.as_deref())?,
        Change::DutiesSent(at) => put_or_delete(tx, Kind::DutiesSent, at.map(DutiesSent).as_ref())?,
        Change::Subscriber(subscriber) => {
            tx.put(number_key(Kind::Subscriber, subscriber.id.0), &*subscriber)?;
        }
        Change::RemoveSubscriber(id) => {
            remove(tx, number_key(Kind::Subscriber, id.0), || format!("subscriber {id}"))?;
        }
        Change::Silence(silence) => tx.put(number_key(Kind::Silence, silence.id.0), &*silence)?,
        Change::RemoveSilence(id) => remove(tx, number_key(Kind::Silence, id.0), || format!("silence {id}"))?,
        Change::Inhibited(outage, held) => write_inhibited(tx, outage, held.as_ref())?,
        Change::Lasting(seen) => tx.put(key(Kind::Lasting, &[]), &*seen)?,
        Change::Climb(climb) => {
            let at = key(Kind::Climb, climb.thread.0.as_bytes());
            if !tx.has(&at)? {
                return Err(StoreError::NotFound(format!(
                    "notice that asks to be taken on: {}",
                    climb.about
                ))
                .into());
            }
            tx.put(at, &*climb)?;
        }
        Change::Delivery(delivery) => tx.put(key(Kind::Delivery, &[]), &*delivery)?,
        Change::Bounce(bounce) => outbox::came_back(tx, &bounce, at)?,
        Change::Unmark(address) => {
            remove(tx, key(Kind::Mark, address.key().as_bytes()), || format!("marked address {address}"))?;
        }
        Change::ReturnKey(own) => tx.put(key(Kind::ReturnKey, &[]), &own)?,
        Change::Health(directory, health) => tx.put(name_key(Kind::Health, &directory), &health)?,
        Change::Held(directory, run, word) => decide_held(tx, &directory, run, word)?,
        Change::Arranged(text) => tx.put(key(Kind::Arranged, &[]), &Arranged(text))?,
        Change::Forget(gone) => write_changes(tx, &gone)?,
    }
    Ok(())
}

fn write_outage(tx: &mut Tx<'_>, outage: &Outage) -> Result<(), Fault> {
    let at = number_key(Kind::Outage, outage.id.0);
    let before: Option<Outage> = tx.get(&at)?;
    if before.map(|b| b.version() + 1).unwrap_or_default() != outage.version() {
        return Err(StoreError::Conflict(format!("outage {}", outage.id)).into());
    }
    Ok(tx.put(at, outage)?)
}

/// Another node may have opened an outage for the same report, or the same job, just now.
fn refuse_twice(tx: &mut Tx<'_>, changes: &intake::Changes) -> Result<(), Fault> {
    for (teller, report, _) in &changes.followed {
        let known: Option<intake::Followed> = tx.get(&followed_key(teller, report))?;
        let outage = known.filter(|known| known.over.is_none()).and_then(|known| known.outage);
        refuse_open(tx, outage)?;
    }
    for (name, _) in &changes.beats {
        let known: Option<intake::heartbeat::Beat> = tx.get(&key(Kind::Beat, name.0.as_bytes()))?;
        refuse_open(tx, known.and_then(|known| known.outage))?;
    }
    Ok(())
}

fn refuse_open(tx: &mut Tx<'_>, outage: Option<OutageId>) -> Result<(), Fault> {
    let Some(id) = outage else { return Ok(()) };
    let known: Option<Outage> = tx.get(&number_key(Kind::Outage, id.0))?;
    match known {
        Some(known) if known.ended_at().is_none() => Err(StoreError::Conflict(format!("outage {id}")).into()),
        _ => Ok(()),
    }
}

fn write_intake(tx: &mut Tx<'_>, changes: intake::Changes) -> Result<(), Fault> {
    let intake::Changes { feeds, followed, beats } = changes;
    for (name, feed) in feeds {
        put_or_delete_at(tx, key(Kind::Feed, name.0.as_bytes()), feed.as_ref())?;
    }
    for (teller, report, followed) in followed {
        put_or_delete_at(tx, followed_key(&teller, &report), followed.as_ref())?;
    }
    for (name, beat) in beats {
        put_or_delete_at(tx, key(Kind::Beat, name.0.as_bytes()), beat.as_ref())?;
    }
    Ok(())
}

/// Writes what there is one of, or takes it away.
fn put_or_delete<R: Record>(tx: &mut Tx<'_>, kind: Kind, record: Option<&R>) -> Result<(), Fault> {
    put_or_delete_at(tx, key(kind, &[]), record)
}

fn put_or_delete_at<R: Record>(tx: &mut Tx<'_>, at: Vec<u8>, record: Option<&R>) -> Result<(), Fault> {
    match record {
        Some(record) => tx.put(at, record)?,
        None => tx.delete(at),
    }
    Ok(())
}

fn remove(tx: &mut Tx<'_>, key: Vec<u8>, name: impl Fn() -> String) -> Result<(), Fault> {
    if !tx.has(&key)? {
        return Err(StoreError::NotFound(name()).into());
    }
    tx.delete(key);
    Ok(())
}

fn decide_held(
    tx: &mut Tx<'_>,
    directory: &DirectoryName,
    run: RunId,
    word: Option<HeldRun>,
) -> Result<(), Fault> {
    let at = name_key(Kind::Held, directory);
    let waits: Option<HeldRun> = tx.get(&at)?;
    if waits.is_none_or(|held| held.run != run) {
        return Err(StoreError::Conflict(format!("the run that {directory} holds for approval")).into());
    }
    match word {
        Some(held) => tx.put(at, &held)?,
        None => {
            tx.delete(at);
            let health: Option<Health> = tx.get(&name_key(Kind::Health, directory))?;
            if let Some(health) = health {
                tx.put(name_key(Kind::Health, directory), &health.rejected())?;
            }
        }
    }
    Ok(())
}

fn write_delta(tx: &mut Tx<'_>, delta: &Delta) -> Result<(), Fault> {
    write_changes(tx, &delta.users)?;
    write_changes(tx, &delta.units)?;
    write_changes(tx, &delta.groups)?;
    write_changes(tx, &delta.containers)
}

/// Writes the records that a delta touches; refused when what it starts from isn't what is stored.
fn write_changes<T: Packed>(tx: &mut Tx<'_>, changes: &Changes<T>) -> Result<(), Fault> {
    type Step<'a, T> = (Option<&'a Arc<T>>, Option<&'a Arc<T>>);
    let mut places: BTreeMap<Vec<u8>, Vec<Step<'_, T>>> = BTreeMap::new();
    let added = changes.added.iter().map(|after| (None, Some(after)));
    let changed = changes.changed.iter().map(|(before, after)| (Some(before), Some(after)));
    let removed = changes.removed.iter().map(|before| (Some(before), None));
    for step in removed.chain(changed).chain(added) {
        let (before, after) = step;
        if let Some(object) = before.or(after) {
            places.entry(tx.object_key(T::KIND, object.guid())).or_default().push(step);
        }
    }
    tx.expect(places.keys().cloned().collect())?;
    for (at, steps) in places {
        let Pack(mut objects): Pack<T> = tx.get(&at)?.unwrap_or(Pack(Vec::new()));
        for (before, after) in steps {
            let Some(id) = before.or(after).map(|object| object.guid()) else { continue };
            let place = objects.binary_search_by_key(&id, |object| object.guid());
            let stored = place.ok().and_then(|n| objects.get(n));
            if stored != before {
                return Err(StoreError::Conflict(format!("the object {id}")).into());
            }
            match (place, after) {
                (Ok(n), None) => drop(objects.remove(n)),
                (Ok(n), Some(after)) => objects.splice(n..=n, [Arc::clone(after)]).for_each(drop),
                (Err(n), Some(after)) => objects.insert(n, Arc::clone(after)),
                (Err(_), None) => {}
            }
        }
        if objects.is_empty() { tx.delete(at) } else { tx.put(at, &Pack(objects))? }
    }
    Ok(())
}

/// The key of what there is one of per directory.
fn name_key(kind: Kind, directory: &DirectoryName) -> Vec<u8> {
    key(kind, directory.0.as_bytes())
}
