//! Tell, weeks ahead of a period that is watched, where too few people will be there.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::core::{Core, Settings, audit_entry};
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
/// So many places are named in a mail, and so many runs of days and people for each.
const NAMED: (usize, usize, usize) = (60, 6, 3);

/// Looks whether a warning is due of any period, and enqueues it. What was told is noted in the same transaction.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let settings = core.settings();
    let now = core.now();
    let local = now.with_timezone(&settings.zone);
    if local.hour() < HOUR {
        return Ok(());
    }
    for watched in &settings.watched {
        let told = core.view().coverage_told.get(&watched.name).copied();
        let Decision::Warn { told, last, is_last } = watch::decide(watched, local.date_naive(), told) else {
            continue;
        };
        let organisation = Arc::clone(&core.view().organisation);
        let (watched, settings) = (watched.clone(), Arc::clone(&settings));
        let name = watched.name.clone();
        // In a large organisation it takes a while: not on a thread that serves others.
        let work = move || notices(&organisation, &settings, &watched, (told, last, is_last), now);
        let Ok(notices) = tokio::task::spawn_blocking(work).await else {
            tracing::error!(period = &*name, "Whether a period is covered could not be worked out");
            continue;
        };
        let turn = core.turn().await;
        let object = format!("period {name} {}", told.first);
        let audit = audit_entry(now, &Actor::System, "coverage told", object, None, Some(&told), None);
        let change = Change::CoverageTold(name.clone(), told);
        let event = Event { at: now, change, notices, audit: Some(audit) };
        turn.commit(event, |view, _, _| {
            view.coverage_told.insert(name.clone(), told);
        })
        .await?;
        tracing::info!(period = &*name, first = %told.first, weeks = told.weeks, "Looked whether a period is covered");
    }
    Ok(())
}

/// What is to be told of a period: all of it to the global contacts, and to each system owner what concerns the owner's units.
pub fn notices(
    organisation: &Organisation,
    settings: &Settings,
    watched: &Watched,
    (told, last, is_last): (Told, NaiveDate, bool),
    now: DateTime<Utc>,
) -> Vec<NewNotice> {
    let zone = settings.zone;
    let Ok(period) = Period::new(told.first, last, zone, |date| settings.day(date)) else {
        return Vec::new();
    };
    let wanted: Vec<Wanted<'_>> = match watched.roles.as_slice() {
        [] => Wanted::usual(organisation),
        names => names.iter().filter_map(|name| organisation.role(&name.0)).map(Wanted::of).collect(),
    };
    let mut whole: Vec<Gap> = Vec::new();
    let mut by_owner: BTreeMap<String, (Recipient, Vec<Gap>)> = BTreeMap::new();
    // Of subjects nobody is told.
    for wanted in wanted.into_iter().filter(|wanted| wanted.role.scope != Scope::Subject) {
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
            let gap = gap(organisation, &covered, place, zone);
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
    if global.is_empty() {
        tracing::error!(
            period = &*watched.name,
            "Nobody can be told whether a period is covered: no global contact counts"
        );
    }
    let reached: Vec<String> = global.iter().map(Recipient::key).collect();
    let mut notices = Vec::new();
    if !global.is_empty() && (is_last || !whole.is_empty()) {
        notices.push(notice("all".to_owned(), whole, global, false));
    }
    for (key, (owner, gaps)) in by_owner {
        // Who gets the whole needn't get a part.
        if !reached.contains(&key) {
            notices.push(notice(key, gaps, vec![owner], true));
        }
    }
    notices
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

fn gap(organisation: &Organisation, covered: &RoleCover, place: Index, zone: Tz) -> Gap {
    let tree = &organisation.tree;
    let short: Vec<&coverage::Run> = covered.of_unit(place).iter().filter(|run| run.short).collect();
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
    let below = tree.subtree(place).skip(1).filter(|below| covered.row_of(*below) == covered.row_of(place));
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Gap {
        role: covered.role.clone(),
        unit: (covered.per_unit && place != tree::ROOT).then(|| tree.path(place).into()),
        below: if covered.per_unit { count(below.count()) } else { 0 },
        minimum: covered.minimum,
        could: could(organisation, &short, place),
        more: count(short.len().saturating_sub(NAMED.1)),
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
