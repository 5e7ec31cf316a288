//! Absences that are changed, and many of them at once.

mod events;

use std::collections::HashMap;

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::assign::{AssignError, NewAbsence};
use super::core::{Core, Turn, all_absences, audit_entry};
use crate::domain::absence::import::{Plan, Wanted, plan};
use crate::domain::absence::{Absence, Origin};
use crate::domain::audit;
use crate::domain::authority::Caller;
use crate::domain::decode::clean;
use crate::domain::ical::{self, Busy, Window};
use crate::domain::ids::{AbsenceId, UserId};
use crate::domain::moment;
use crate::domain::organisation::Organisation;
use crate::domain::roles::Holder;
use crate::domain::roles::sheet::{Namer, People};
use crate::domain::table::{self, Column, Format, LineError, LineErrors, Row};
use crate::store::{Change, Event, Sequence, StoreError};
pub(super) use events::{Whose, of_events};

/// The most characters of a note.
const LONGEST_NOTE: usize = 1_000;

/// A note as it is kept; None for one that says nothing.
pub fn note(text: &str) -> Option<Box<str>> {
    Some(clean(text, LONGEST_NOTE)).filter(|text| !text.is_empty()).map(Box::from)
}

/// The columns of a table of absences.
pub const COLUMNS: [Column; 5] = [
    Column::needed("user"),
    Column::needed("from"),
    Column::needed("until"),
    Column::optional("deputy"),
    Column::optional("note"),
];

/// Why a list of absences wasn't taken. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Lines that can't be.
    #[error("nothing was imported:\n{0}")]
    Lines(LineErrors),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a list of absences came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Imported {
    /// Those that are new; without numbers when nothing was done.
    pub added: Vec<Absence>,
    /// Those that were changed: as they were, and as they are.
    pub changed: Vec<(Absence, Absence)>,
    /// How many were there already.
    pub unchanged: usize,
}

/// Changes an absence to what `new` says; its number stays. Returns it as it is then.
pub async fn change(
    core: &Core,
    id: AbsenceId,
    by: &Caller,
    why: Option<&str>,
    new: impl FnOnce(&Absence) -> NewAbsence,
) -> Result<Absence, AssignError> {
    let turn = core.turn().await;
    let view = core.view();
    let all = all_absences(&view.organisation);
    let Some(before) = all.iter().find(|a| a.id == id) else {
        return Err(AssignError::Missing(format!(
            "absence {id}; `budkavle absence list` shows their numbers"
        )));
    };
    by_hand(core, before)?;
    let NewAbsence { user, from, until, deputy, note } = new(before);
    let after = Absence { id, user, from, until, deputy, note, origin: Origin::ByHand };
    by.over(&view.organisation).may_change(Some(before), Some(&after))?;
    after.check(view.organisation.absences.get(&user).into_iter().flatten())?;
    if after != *before {
        let entry = entry(core, by, why, Some(before), &after);
        commit(&turn, core, vec![(after.clone(), entry)]).await?;
    }
    Ok(after)
}

/// Whether people may change an absence: of what a directory said that is read no longer, nobody else would.
pub(super) fn by_hand(core: &Core, absence: &Absence) -> Result<(), AssignError> {
    let may = match &absence.origin {
        Origin::ByHand => true,
        Origin::Directory(name) => !core.settings().directories.contains_key(name),
        Origin::Source(_) => false,
    };
    let elsewhere = || AssignError::NotHere { id: absence.id, origin: absence.origin.clone() };
    may.then_some(()).ok_or_else(elsewhere)
}

/// Gives those that are new their numbers.
pub(super) async fn number(core: &Core, absences: &mut [Absence]) -> Result<(), StoreError> {
    let count = absences.iter().filter(|a| a.id == AbsenceId(0)).count();
    if count > 0 {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let first = core.store.allocate_many(Sequence::Absence, count).await?;
        let new = absences.iter_mut().filter(|a| a.id == AbsenceId(0));
        new.zip(first..).for_each(|(absence, id)| absence.id = AbsenceId(id));
    }
    Ok(())
}

/// Takes a table of absences, all of it or nothing; with `dry_run` it only says what it would come to.
///
/// # Errors
/// Every line that can't be.
pub async fn import_table(
    core: &Core,
    bytes: Vec<u8>,
    format: Format,
    dry_run: bool,
    by: &Caller,
    why: Option<&str>,
) -> Result<Imported, ImportError> {
    let rows = apart(move || format.read(&bytes, &COLUMNS)).await?;
    let turn = core.turn().await;
    let view = core.view();
    let zone = core.settings().zone;
    let wanted = wanted(&view.organisation, &rows, zone).map_err(ImportError::Lines)?;
    take(&turn, core, wanted, dry_run, by, why).await
}

/// Reads what may be large where nobody else waits.
pub(super) async fn apart<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, LineErrors> + Send + 'static,
) -> Result<T, ImportError> {
    let broken = || LineErrors::from(LineError::of_line(1, "can't be read; the daemon's log says why"));
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| Err(broken())).map_err(ImportError::Lines)
}

/// Whose absences a calendar has, and which of its events are some.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CalendarOf {
    /// Whose it is; without one, each event is of those who take part in it.
    pub user: Option<UserId>,
    /// Take what takes time at all, not only what is out of office.
    pub busy: bool,
    /// Take what has one of these in its title, without case, whatever it says of its time.
    pub titles: Vec<Box<str>>,
}

impl CalendarOf {
    fn wants(&self, busy: Busy, title: &str) -> bool {
        let named = |part: &str| title.to_lowercase().contains(&part.to_lowercase());
        busy == Busy::OutOfOffice
            || (self.busy && busy == Busy::Busy)
            || self.titles.iter().any(|part| named(part))
    }
}

/// How far back and ahead a calendar is read.
const BACK: TimeDelta = TimeDelta::days(30);
const AHEAD: TimeDelta = TimeDelta::days(730);

/// The absences of a calendar at a time.
pub(super) async fn events(
    core: &Core,
    bytes: Vec<u8>,
    of: &CalendarOf,
) -> Result<Vec<ical::Event>, ImportError> {
    let now = core.now();
    let (window, zone) = (Window { from: now - BACK, until: now + AHEAD }, core.settings().zone);
    let of = of.clone();
    apart(move || ical::read(&bytes, zone, window, |busy, title| of.wants(busy, title))).await
}

/// Takes the absences of a calendar (iCalendar), all of them or none.
///
/// # Errors
/// Every event that isn't understood, and every person who isn't known.
pub async fn import_calendar(
    core: &Core,
    bytes: Vec<u8>,
    of: &CalendarOf,
    dry_run: bool,
    by: &Caller,
    why: Option<&str>,
) -> Result<Imported, ImportError> {
    let events = events(core, bytes, of).await?;
    let turn = core.turn().await;
    let view = core.view();
    let whose = of.user.map_or(Whose::Named, Whose::Of);
    let (wanted, _) = apart(move || of_events(&view.organisation, &events, whose)).await?;
    take(&turn, core, wanted, dry_run, by, why).await
}

/// Takes a list, all of it or nothing.
async fn take(
    turn: &Turn<'_>,
    core: &Core,
    wanted: Vec<Wanted>,
    dry_run: bool,
    by: &Caller,
    why: Option<&str>,
) -> Result<Imported, ImportError> {
    let view = core.view();
    let wanted = permitted(&view.organisation, wanted, by).map_err(ImportError::Lines)?;
    let Plan { mut added, changed, unchanged } =
        plan(&view.organisation.absences, wanted).map_err(ImportError::Lines)?;
    let nothing = added.is_empty() && changed.is_empty();
    if !dry_run && !nothing {
        number(core, &mut added).await?;
        let new = added.iter().map(|a| (a.clone(), entry(core, by, why, None, a)));
        let other = changed.iter().map(|(before, a)| (a.clone(), entry(core, by, why, Some(before), a)));
        commit(turn, core, new.chain(other).collect()).await?;
        tracing::info!(added = added.len(), changed = changed.len(), unchanged, "Absences imported");
    }
    Ok(Imported { added, changed, unchanged })
}

/// The same list, if each line of it is the caller's to note.
fn permitted(
    organisation: &Organisation,
    wanted: Vec<Wanted>,
    by: &Caller,
) -> Result<Vec<Wanted>, LineErrors> {
    let authority = by.over(organisation);
    let mut errors = LineErrors::default();
    for Wanted { line, absence } in &wanted {
        let there = organisation.absences.get(&absence.user).into_iter().flatten();
        let mut there = there.filter(|a| (a.from, a.until) == (absence.from, absence.until));
        if let Err(refusal) = authority.may_change(there.next(), Some(absence)) {
            errors.push(LineError::of_line(*line, refusal.to_string()));
        }
    }
    errors.or(wanted)
}

fn entry(
    core: &Core,
    by: &Caller,
    why: Option<&str>,
    before: Option<&Absence>,
    after: &Absence,
) -> audit::Entry {
    let action = if before.is_some() { "absence changed" } else { "absence noted" };
    audit_entry(core.now(), &by.actor, action, format!("absence {}", after.id), before, Some(after), why)
}

async fn commit(turn: &Turn<'_>, core: &Core, all: Vec<(Absence, audit::Entry)>) -> Result<(), StoreError> {
    let written: HashMap<AbsenceId, Absence> = all.iter().map(|(a, _)| (a.id, a.clone())).collect();
    let event = Event { at: core.now(), change: Change::Absences(all), notices: Vec::new(), audit: None };
    turn.commit(event, |view, _, now| {
        let old = view.organisation.clone();
        let mut absences = all_absences(&old);
        absences.retain(|a| !written.contains_key(&a.id));
        absences.extend(written.into_values());
        view.take(old.with_absences(absences), now);
    })
    .await?;
    Ok(())
}

/// What the rows of a table mean.
fn wanted(organisation: &Organisation, rows: &[Row], zone: Tz) -> Result<Vec<Wanted>, LineErrors> {
    let mut people = People::of(organisation);
    let (mut all, mut errors) = (Vec::with_capacity(rows.len()), LineErrors::default());
    for (n, row) in rows.iter().enumerate() {
        all.extend(errors.take(one(&mut people, row, zone)));
        // To look for whom a mistyped name may mean takes a look at everybody.
        if errors.errors.len() >= table::TOLD {
            errors.more += rows.len() - n - 1;
            break;
        }
    }
    errors.or(all)
}

fn one(people: &mut People<'_>, row: &Row, zone: Tz) -> Result<Wanted, LineError> {
    row.need("user")?;
    let from = moment::parse(row.need("from")?, &zone);
    let until = moment::parse_end(row.need("until")?, &zone);
    let wrong =
        |column: &'static str| move |reason: String| LineError { value: None, ..row.wrong(column, reason) };
    let user = people.find(row, "user")?;
    let absence = Absence {
        id: AbsenceId(0),
        user: user.ok_or_else(|| row.wrong("user", "is empty"))?,
        from: from.map_err(wrong("from"))?,
        until: until.map_err(wrong("until"))?,
        deputy: people.find(row, "deputy")?,
        note: row.get("note").and_then(note),
        origin: Origin::ByHand,
    };
    Ok(Wanted { line: row.line, absence })
}

/// An absence as people name things: what [`COLUMNS`] are called.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Who.
    pub user: String,
    /// The first day, or the first moment.
    pub from: String,
    /// The last day, or the first moment after it.
    pub until: String,
    /// Who stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deputy: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A table of absences that [`import_table`] takes without a change. People who are gone are left out: a list can't name them; so is what
/// wasn't entered by hand, which its source says.
pub fn export_table(organisation: &Organisation, absences: &[Absence], format: Format, zone: Tz) -> Vec<u8> {
    let mut namer = Namer::new(organisation, zone);
    let mut name = |id: UserId| organisation.user(id).map(|_| namer.user(id));
    let line = |absence: &Absence| {
        let (from, until) = moment::written(absence.from, absence.until, &zone);
        let (user, deputy) = (name(absence.user)?, absence.deputy.and_then(&mut name));
        Some(Line { user, from, until, deputy, note: absence.note.as_deref().map(str::to_owned) })
    };
    let lines: Vec<Line> = absences.iter().filter(|a| a.origin.is_by_hand()).filter_map(line).collect();
    match format {
        Format::Json => table::objects(&lines),
        Format::Csv => {
            let text = |cell: &Option<String>| cell.clone().unwrap_or_default();
            let cells = |line: &Line| {
                [
                    line.user.clone(),
                    line.from.clone(),
                    line.until.clone(),
                    text(&line.deputy),
                    text(&line.note),
                ]
            };
            let rows: Vec<[String; 5]> = lines.iter().map(cells).collect();
            let header = COLUMNS.map(|column| column.name);
            table::write(&header, rows.iter().map(|row| row.each_ref().map(String::as_str)))
        }
    }
}

/// What somebody should know of an absence that is noted all the same: its deputy may be nobody to turn to.
pub fn warnings(organisation: &Organisation, absence: &Absence, zone: Tz) -> Vec<String> {
    let Some(deputy) = absence.deputy else { return Vec::new() };
    let name = organisation.holder_name(&Holder::User(deputy));
    let Some(user) = organisation.user(deputy) else {
        return vec![format!("{name} is gone, and can't stand in")];
    };
    let mut warnings = Vec::new();
    if !user.is_active(absence.from) {
        warnings.push(format!("{name} has an account that is disabled or expired then, and can't stand in"));
    }
    if user.mail().is_none() {
        warnings.push(format!("{name} has no mail address, and can't stand in"));
    }
    let away = organisation.absences.get(&deputy).into_iter().flatten();
    for other in away.filter(|a| a.from < absence.until && absence.from < a.until) {
        let (from, until) = moment::written(other.from, other.until, &zone);
        warnings.push(format!("{name} is away, too, from {from} until {until}; nobody stands in then"));
    }
    warnings
}
