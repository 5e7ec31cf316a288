//! Tell, weeks ahead of a period that is watched, where too few people will be there.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::climb;
use super::core::{Core, Settings, audit_entry};
use super::silence;
use crate::domain::audit::Actor;
use crate::domain::contacts::{self, Asker};
use crate::domain::coverage::watch::{self, Decision, Told, Watched};
use crate::domain::coverage::{self, Period, RoleCover, Wanted};
use crate::domain::notice::{CoverageFacts, EventKey, Facts, Gap, GapDays, NewNotice, Recipient, once_each};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{GLOBAL, SYSTEM_OWNER, Scope};
use crate::domain::tree::{self, Index};
use crate::store::{Change, Event, StoreError};

/// From this hour on, by the organisation's clocks, a warning goes on its day.
const HOUR: u32 = 7;
/// What nobody could be told is looked at again this often: in a large organisation it takes a while.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);
/// So many places are named in a mail, and so many runs of days and people for each.
const NAMED: (usize, usize, usize) = (60, 6, 3);

/// What nobody could be told, and when that was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Untold {
    what: Told,
    at: DateTime<Utc>,
}

/// Looks whether a warning is due of any period, and enqueues it. What was told is noted in the same transaction.
///
/// A warning waits until each directory has been read, and until there is somebody to be told of what isn't covered.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let settings = core.settings();
    let now = core.now();
    let local = now.with_timezone(&settings.zone);
    if local.hour() < HOUR {
        return Ok(());
    }
    let view = core.view();
    let is_read = |name| view.directory_state(name).health.is_some_and(|health| health.last_good.is_some());
    if !settings.directories.keys().all(is_read) {
        return Ok(());
    }
    for watched in &settings.watched {
        let told = core.view().coverage_told.get(&watched.name).copied();
        let Decision::Warn { told, last, is_last } = watch::decide(watched, local.date_naive(), told) else {
            continue;
        };
        let waits = core.coverage_untold.lock().await.get(&watched.name).copied();
        let is_recent = |at| (at..at + LOOK_AGAIN).contains(&now);
        if waits.is_some_and(|untold: Untold| untold.what == told && is_recent(untold.at)) {
            continue;
        }
        let organisation = Arc::clone(&core.view().organisation);
        let (watched, settings) = (watched.clone(), Arc::clone(&settings));
        let name = watched.name.clone();
        // In a large organisation it takes a while: not on a thread that serves others.
        let work = move || notices(&organisation, &settings, &watched, (told, last, is_last), now);
        let Ok(notices) = tokio::task::spawn_blocking(work).await else {
            tracing::error!(period = &*name, "Whether a period is covered could not be worked out");
            continue;
        };
        let Ok(notices) = notices else {
            tracing::error!(
                period = &*name,
                "Nobody can be told that a period isn't covered: no global contact and no system owner counts; it is looked at again in an hour"
            );
            core.coverage_untold.lock().await.insert(name, Untold { what: told, at: now });
            continue;
        };
        let silent = |n: &NewNotice| silence::reaches_nobody(core, &n.facts, &n.recipients, now);
        if !notices.is_empty() && notices.iter().all(silent) {
            // It is told within the hour after that is over.
            core.coverage_untold.lock().await.insert(name, Untold { what: told, at: now });
            continue;
        }
        let open: Vec<EventKey> =
            notices.iter().filter(|n| lacks(&n.facts)).map(|n| n.thread.clone()).collect();
        let turn = core.turn().await;
        let object = format!("period {name} {}", told.first);
        let audit = audit_entry(now, &Actor::System, "coverage told", object, None, Some(&told), None);
        let change = Change::CoverageTold(name.clone(), told);
        let event = Event { at: now, change, notices, audit: Some(audit) };
        turn.commit(event, |view, _, _| {
            view.coverage_told.insert(name.clone(), told);
        })
        .await?;
        // What is covered by now, and what was of an earlier one, needs nobody any more.
        climb::end_others(core, &turn, &format!("coverage/{name}/"), &open).await;
        tracing::info!(period = &*name, first = %told.first, weeks = told.weeks, "Looked whether a period is covered");
    }
    Ok(())
}

/// Whether it says that something isn't covered.
fn lacks(facts: &Facts) -> bool {
    matches!(facts, Facts::Coverage(facts) if !facts.gaps.is_empty())
}

/// There is something to be told, and nobody who can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nobody;

/// What is to be told of a period: all of it to the global contacts, and to each system owner what concerns the owner's units.
///
/// # Errors
/// Some of it isn't covered, and there is nobody to be told.
pub fn notices(
    organisation: &Organisation,
    settings: &Settings,
    watched: &Watched,
    (told, last, is_last): (Told, NaiveDate, bool),
    now: DateTime<Utc>,
) -> Result<Vec<NewNotice>, Nobody> {
    let zone = settings.zone;
    let Ok(period) = Period::new(told.first, last, zone, |date| settings.day(date)) else {
        return Ok(Vec::new());
    };
    let wanted: Vec<Wanted<'_>> = match watched.roles.as_slice() {
        [] => Wanted::usual(organisation),
        names => names.iter().filter_map(|name| organisation.role(&name.0)).map(Wanted::of).collect(),
    };
    let mut whole: Vec<Gap> = Vec::new();
    let mut by_owner: BTreeMap<String, (Recipient, Vec<Gap>)> = BTreeMap::new();
    // Of subjects nobody is told.
    for wanted in wanted.into_iter().filter(|wanted| wanted.role.scope != Scope::Subject) {
        if wanted.role.scope == Scope::Directory && organisation.directories().next().is_some() {
            let covers = coverage::cover_directories(organisation, wanted, &period);
            whole.extend(covers.iter().filter(|cover| cover.is_short()).map(|cover| {
                let unit = Some(Gap::of_directory(&cover.directory));
                gap(organisation, (wanted, unit), &cover.runs, tree::ROOT, zone)
            }));
            continue;
        }
        let covered = coverage::cover(organisation, wanted, &period);
        for place in covered.places().filter(|place| covered.is_short(*place)) {
            // Below the unit it is told of, for those who own that, too.
            let owners = owners(organisation, place, now);
            let as_above = covered.as_above(&organisation.tree, place);
            let above = organisation.tree.parent(place).filter(|_| as_above);
            let told_above = above.is_some_and(|above| self::owners(organisation, above, now) == owners);
            if told_above {
                continue;
            }
            let unit = covered.per_unit.then(|| organisation.tree.path(place).into());
            let gap = Gap {
                below: if covered.per_unit { below(organisation, &covered, place) } else { 0 },
                ..gap(organisation, (wanted, unit), covered.of_unit(place), place, zone)
            };
            for owner in owners.into_iter().filter(|_| covered.per_unit) {
                by_owner.entry(owner.key()).or_insert_with(|| (owner, Vec::new())).1.push(gap.clone());
            }
            if !as_above {
                whole.push(gap);
            }
        }
    }
    let thread = format!("coverage/{}/{}", watched.name, told.first);
    let notice = |key: String, gaps: Vec<Gap>, recipients: Vec<Recipient>, personal: bool| {
        let more = u32::try_from(gaps.len().saturating_sub(NAMED.0)).unwrap_or(u32::MAX);
        let gaps = gaps.into_iter().take(NAMED.0).collect();
        let facts = CoverageFacts { period: watched.name.clone(), first: told.first, last, gaps, more };
        let event = EventKey(format!("{thread}/{}/{key}", told.weeks).into());
        let thread = EventKey(format!("{thread}/{key}").into());
        let expires = now + settings.expires_after;
        NewNotice { thread, personal, ..NewNotice::new(event, Facts::Coverage(facts), recipients, expires) }
    };
    let global = role_recipients(organisation, GLOBAL, &Asker::Organisation, now);
    let reached: Vec<String> = global.iter().map(Recipient::key).collect();
    let mut notices = Vec::new();
    if global.is_empty() && by_owner.is_empty() && !whole.is_empty() {
        return Err(Nobody);
    }
    if global.is_empty() {
        tracing::warn!(
            period = &*watched.name,
            "The whole of whether a period is covered is told to nobody: no global contact counts"
        );
    } else if is_last || !whole.is_empty() {
        notices.push(notice("all".to_owned(), whole, global, false));
    }
    for (key, (owner, gaps)) in by_owner {
        // Who gets the whole needn't get a part.
        if !reached.contains(&key) {
            notices.push(notice(key, gaps, vec![owner], true));
        }
    }
    Ok(notices)
}

/// The nearest system owners of a unit.
fn owners(organisation: &Organisation, place: Index, now: DateTime<Utc>) -> Vec<Recipient> {
    role_recipients(organisation, SYSTEM_OWNER, &Asker::Unit(organisation.tree.id(place)), now)
}

fn role_recipients(
    organisation: &Organisation,
    role: &str,
    asker: &Asker,
    now: DateTime<Utc>,
) -> Vec<Recipient> {
    let Some(role) = organisation.role(role) else { return Vec::new() };
    let answer = contacts::resolve(organisation, role, asker, now);
    once_each(answer.contacts.iter().map(Recipient::from_contact))
}

/// How many units below are covered as the one at `place` is.
fn below(organisation: &Organisation, covered: &RoleCover, place: Index) -> u32 {
    let below = organisation.tree.subtree(place).skip(1);
    let same = below.filter(|below| covered.row_of(*below) == covered.row_of(place));
    u32::try_from(same.count()).unwrap_or(u32::MAX)
}

/// What is short of these days; `unit` is what it is told as, `place` where somebody may be who could be asked.
fn gap(
    organisation: &Organisation,
    (wanted, unit): (Wanted<'_>, Option<Box<str>>),
    runs: &[coverage::Run],
    place: Index,
    zone: Tz,
) -> Gap {
    let short: Vec<&coverage::Run> = runs.iter().filter(|run| run.short).collect();
    let days = |run: &&coverage::Run| GapDays {
        first: run.first,
        last: run.last,
        there: run.there.people.iter().map(|person| person.name.clone()).collect(),
        missing: run
            .there
            .missing
            .iter()
            .map(|skipped| format!("{}: {}", skipped.name, skipped.reason.in_zone(zone)).into())
            .collect(),
    };
    Gap {
        role: wanted.role.name.clone(),
        unit,
        below: 0,
        minimum: wanted.minimum,
        could: could(organisation, &short, place),
        more: u32::try_from(short.len().saturating_sub(NAMED.1)).unwrap_or(u32::MAX),
        days: short.iter().take(NAMED.1).map(days).collect(),
    }
}

/// People of a unit who are there on all the days that aren't covered, and aren't among those who are there in the role anyway.
fn could(organisation: &Organisation, short: &[&coverage::Run], place: Index) -> Vec<(Box<str>, Box<str>)> {
    let Some((first, last)) = short.first().zip(short.last()) else { return Vec::new() };
    // A day more on each side: time zones.
    let from = first.first.and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::days(1);
    let until = last.last.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::days(2);
    let people = organisation.users_in(place, false).filter(|user| {
        let absences = organisation.absences.get(&user.id).map_or(&[][..], Vec::as_slice);
        let holds =
            short.iter().any(|run| run.there.people.iter().any(|person| person.user == Some(user.id)));
        user.is_active(until)
            && user.mailable().is_some()
            && !holds
            && absences.iter().all(|absence| absence.until <= from || until <= absence.from)
    });
    people.take(NAMED.2).map(|user| (user.account().into(), user.name().into())).collect()
}

#[cfg(test)]
mod tests;
