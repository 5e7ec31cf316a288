//! Whether somebody is there, day by day, and what would be if somebody weren't.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::App;
use super::error::ApiError;
use super::look::{place_of, role_named};
use crate::domain::coverage::{
    self, Day, DirectoryCover, Period, Person, RoleCover, Run, State as Cover, SubjectCover, Wanted,
};
use crate::domain::ids::{DirectoryName, UnitId};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{RoleName, Scope};
use crate::domain::subject::{Subject, SubjectName, owner_of};
use crate::domain::tree::{self, Index};
use crate::domain::whatif::{self, People, Step};

/// What to look at.
#[derive(Debug, Deserialize)]
pub struct CoverageQuery {
    from: NaiveDate,
    to: NaiveDate,
    /// Names of roles, with commas between.
    role: Option<String>,
    /// Only this unit and below.
    unit: Option<String>,
    /// Only units and days on which a minimum isn't met.
    #[serde(default)]
    gaps: bool,
}

/// Who is there in a period.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CoverageAnswer {
    /// What the organisation is called.
    pub organisation: Box<str>,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// Where the days are meant.
    pub zone: Tz,
    /// As of when.
    pub at: DateTime<Utc>,
    /// The days that aren't worked.
    pub closed: Vec<NaiveDate>,
    /// Role by role.
    pub roles: Vec<RoleAnswer>,
}

/// One role in a period.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoleAnswer {
    /// Which.
    pub role: RoleName,
    /// What it is.
    pub title: Box<str>,
    /// So many should be there.
    pub minimum: u16,
    /// Whether days that aren't worked are judged, too.
    pub always: bool,
    /// Whether its rows are those of subjects, not of units.
    #[serde(default)]
    pub of_subjects: bool,
    /// Whether its rows are those of directories, not of units.
    #[serde(default)]
    pub of_directories: bool,
    /// How many units or subjects have a day on which the minimum isn't met.
    pub short: usize,
    /// How many were looked at.
    pub looked_at: usize,
    /// Unit by unit, parents before children; with `gaps` only those that are short.
    pub units: Vec<UnitCover>,
}

/// One unit in a period, or one subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitCover {
    /// Which subject. None: it is a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectName>,
    /// Which directory, for a role of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectoryName>,
    /// Which unit; of a subject the one that it belongs to, the root for none.
    pub unit: UnitId,
    /// What it is called.
    pub name: Box<str>,
    /// Its whole path.
    pub path: String,
    /// How many steps it is up to the root.
    pub depth: usize,
    /// How many users belong to it.
    pub users: usize,
    /// Nobody holds the role there, so that it is as with the unit above.
    pub as_above: bool,
    /// Days in a row, in order; empty where it is as above.
    pub runs: Vec<RunAnswer>,
}

/// Days in a row on which the same people are there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunAnswer {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// How many are there.
    pub state: Cover,
    /// Whether that is fewer than the minimum.
    pub short: bool,
    /// Who is there.
    pub people: Vec<Person>,
    /// The unit whose holders they are, when it is one above, or a subject's.
    pub at: Option<String>,
    /// When nobody is there: who would be, and why they aren't.
    pub missing: Vec<String>,
}

/// `GET /v1/coverage`.
pub async fn coverage(
    State(app): State<Arc<App>>,
    Query(query): Query<CoverageQuery>,
) -> Result<Json<CoverageAnswer>, ApiError> {
    let (settings, at) = (app.core.settings(), app.core.now());
    let zone = settings.zone;
    let period = Period::new(query.from, query.to, zone, |date| settings.day(date)).map_err(ApiError::bad)?;
    let organisation = Arc::clone(&app.core.view().organisation);
    // A large organisation takes seconds: not on a thread that serves others.
    let work = move || answer(&organisation, &query, &period, zone, at);
    let answer = tokio::task::spawn_blocking(work).await;
    answer
        .map_err(|_| ApiError::conflict("the question broke off in the daemon; its log says why"))?
        .map(Json)
}

fn answer(
    organisation: &Organisation,
    query: &CoverageQuery,
    period: &Period,
    zone: Tz,
    at: DateTime<Utc>,
) -> Result<CoverageAnswer, ApiError> {
    let tree = &organisation.tree;
    let top = query.unit.as_deref().map_or(Ok(tree::ROOT), |unit| place_of(organisation, unit))?;
    let wanted = match query.role.as_deref().filter(|roles| !roles.is_empty()) {
        None => Wanted::usual(organisation),
        Some(names) => {
            let named = names.split(',').map(|name| role_named(organisation, name.trim()).map(Wanted::of));
            named.collect::<Result<_, _>>()?
        }
    };
    let one = |wanted: Wanted<'_>| {
        if wanted.role.scope == Scope::Subject {
            return of_subjects(organisation, wanted, period, top, query.gaps, zone);
        }
        if wanted.role.scope == Scope::Directory && organisation.directories().next().is_some() {
            return of_directories(organisation, wanted, period, query.gaps, zone);
        }
        let covered = coverage::cover(organisation, wanted, period);
        // What is looked at for the organisation as a whole concerns each of its units.
        let within = tree.subtree(if covered.per_unit { top } else { tree::ROOT });
        let places = || covered.places().filter(|place| within.contains(place));
        let told = places().filter(|place| !query.gaps || covered.is_short(*place));
        RoleAnswer {
            role: covered.role.clone(),
            title: wanted.role.title.clone(),
            minimum: covered.minimum,
            always: covered.always,
            of_subjects: false,
            of_directories: false,
            short: places().filter(|place| covered.is_short(*place)).count(),
            looked_at: places().count(),
            units: told.map(|place| unit(organisation, &covered, place, top, query.gaps, zone)).collect(),
        }
    };
    let closed = period.days().iter().filter(|(_, day)| *day == Day::Closed).map(|(date, _)| *date);
    Ok(CoverageAnswer {
        organisation: tree.name(tree::ROOT).into(),
        from: query.from,
        to: query.to,
        zone,
        at,
        closed: closed.collect(),
        roles: wanted.into_iter().map(one).collect(),
    })
}

fn unit(
    organisation: &Organisation,
    covered: &RoleCover,
    place: Index,
    top: Index,
    gaps: bool,
    zone: Tz,
) -> UnitCover {
    let tree = &organisation.tree;
    let run = |run: &Run| run_answer(organisation, run, run.there.at.filter(|at| *at != place), zone);
    let as_above = place != top && covered.as_above(tree, place);
    // Ten thousands of units may share one row.
    let runs = if as_above { &[] } else { covered.of_unit(place) };
    UnitCover {
        subject: None,
        directory: None,
        unit: tree.id(place),
        name: tree.name(place).into(),
        path: tree.path(place),
        depth: tree.depth(place),
        users: organisation.count_users(place, false),
        as_above,
        runs: runs.iter().filter(|run| run.short || !gaps).map(run).collect(),
    }
}

fn run_answer(organisation: &Organisation, run: &Run, at: Option<Index>, zone: Tz) -> RunAnswer {
    let missing = run.there.missing.iter().map(|s| format!("{}: {}", s.name, s.reason.in_zone(zone)));
    RunAnswer {
        from: run.first,
        to: run.last,
        state: run.state,
        short: run.short,
        people: run.there.people.clone(),
        at: at.map(|at| organisation.tree.path(at)),
        missing: missing.collect(),
    }
}

/// A role of subjects, each a row: all of them, or those that belong to a unit or one below it.
fn of_subjects(
    organisation: &Organisation,
    wanted: Wanted<'_>,
    period: &Period,
    top: Index,
    gaps: bool,
    zone: Tz,
) -> RoleAnswer {
    let tree = &organisation.tree;
    let within = tree.subtree(top);
    let concerns = |cover: &(&Subject, SubjectCover)| {
        top == tree::ROOT || owner_of(organisation, cover.0).is_ok_and(|owner| within.contains(&owner))
    };
    let known = |cover: SubjectCover| Some((organisation.subjects.get(&cover.subject)?, cover));
    let covers = coverage::cover_subjects(organisation, wanted, period).into_iter();
    let covers: Vec<(&Subject, SubjectCover)> = covers.filter_map(known).filter(concerns).collect();
    let row = |(subject, cover): &(&Subject, SubjectCover)| UnitCover {
        subject: Some(subject.name.clone()),
        directory: None,
        unit: owner_of(organisation, subject).map_or(UnitId::ROOT, |owner| tree.id(owner)),
        name: subject.title.clone(),
        path: subject.name.to_string(),
        depth: 0,
        users: 0,
        as_above: false,
        runs: (cover.runs.iter().filter(|run| run.short || !gaps))
            .map(|run| run_answer(organisation, run, run.there.at, zone))
            .collect(),
    };
    RoleAnswer {
        role: wanted.role.name.clone(),
        title: wanted.role.title.clone(),
        minimum: wanted.minimum,
        always: wanted.role.always,
        of_subjects: true,
        of_directories: false,
        short: covers.iter().filter(|(_, cover)| cover.is_short()).count(),
        looked_at: covers.len(),
        units: covers.iter().filter(|(_, cover)| !gaps || cover.is_short()).map(row).collect(),
    }
}

/// A role of directories, each a row.
fn of_directories(
    organisation: &Organisation,
    wanted: Wanted<'_>,
    period: &Period,
    gaps: bool,
    zone: Tz,
) -> RoleAnswer {
    let covers = coverage::cover_directories(organisation, wanted, period);
    let row = |cover: &DirectoryCover| UnitCover {
        subject: None,
        directory: Some(cover.directory.clone()),
        unit: UnitId::ROOT,
        name: cover.directory.0.as_ref().into(),
        path: cover.directory.to_string(),
        depth: 0,
        users: 0,
        as_above: false,
        runs: (cover.runs.iter().filter(|run| run.short || !gaps))
            .map(|run| run_answer(organisation, run, None, zone))
            .collect(),
    };
    RoleAnswer {
        role: wanted.role.name.clone(),
        title: wanted.role.title.clone(),
        minimum: wanted.minimum,
        always: wanted.role.always,
        of_subjects: false,
        of_directories: true,
        short: covers.iter().filter(|cover| cover.is_short()).count(),
        looked_at: covers.len(),
        units: covers.iter().filter(|cover| !gaps || cover.is_short()).map(row).collect(),
    }
}

/// Something that could happen, as people name things.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepRequest {
    /// Somebody is away.
    Away(String),
    /// Somebody's main unit is another one: who, and which.
    Move(String, String),
    /// Somebody is no longer in the directory.
    Gone(String),
    /// A unit hangs elsewhere: which, and under which.
    MoveUnit(String, String),
}

/// What could happen, and when.
#[derive(Debug, Deserialize)]
pub struct WhatifQuery {
    /// [`StepRequest`]s as JSON.
    steps: String,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

/// What would be different.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WhatifAnswer {
    /// The moment that was looked at.
    pub at: DateTime<Utc>,
    /// Role by role; those in which nothing would change are left out.
    pub roles: Vec<RoleShift>,
    /// The last day of the period that was looked at. None: only the moment was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_to: Option<NaiveDate>,
    /// Where, at any time of the period, fewer than the minimum would be there, and wouldn't otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncovered: Vec<UncoveredAnswer>,
}

/// Days on which fewer than the minimum would be there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UncoveredAnswer {
    /// In which role.
    pub role: RoleName,
    /// The path of the unit, the directory or the subject.
    pub place: String,
    /// How many units that are, with those below it.
    pub units: usize,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// Who would be there.
    pub there: People,
}

/// What would be different in one role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoleShift {
    /// Which role.
    pub role: RoleName,
    /// Who answers when nobody of the role does.
    pub fallback: Option<RoleName>,
    /// So many should be there.
    pub minimum: u16,
    /// Who would turn to others.
    pub shifts: Vec<ShiftAnswer>,
    /// How many users nobody of the role would answer for, who have somebody now.
    pub uncovered_users: usize,
    /// Units and subjects where fewer than the minimum would be there, and how many.
    pub broken: Vec<(String, usize)>,
    /// Subjects that others would answer for.
    #[serde(default)]
    pub subjects: Vec<SubjectShiftAnswer>,
}

/// Users who would turn to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShiftAnswer {
    /// Who answers for them now; empty: the fallback.
    pub before: People,
    /// Who would; empty: the fallback.
    pub after: People,
    /// How many users.
    pub users: usize,
    /// The paths of the units concerned.
    pub units: Vec<String>,
}

/// A subject that others would answer for: its own contacts, or those of its unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectShiftAnswer {
    /// Which.
    pub subject: SubjectName,
    /// What it is.
    pub title: Box<str>,
    /// Who answers for it now; empty: only who answers for everything.
    pub before: People,
    /// Who would; empty: only who answers for everything.
    pub after: People,
}

/// `GET /v1/whatif`: it changes nothing.
pub async fn whatif(
    State(app): State<Arc<App>>,
    Query(query): Query<WhatifQuery>,
) -> Result<Json<WhatifAnswer>, ApiError> {
    let requests: Vec<StepRequest> = serde_json::from_str(&query.steps)
        .map_err(|e| ApiError::bad(format!("`steps` isn't understood: {e}")))?;
    if requests.is_empty() {
        return Err(ApiError::bad("say what is to be imagined: somebody away, gone or elsewhere"));
    }
    let at = query.from.unwrap_or_else(|| app.core.now());
    let until = query.until.unwrap_or(DateTime::<Utc>::MAX_UTC);
    let organisation = Arc::clone(&app.core.view().organisation);
    let settings = app.core.settings();
    let period = query.until.filter(|until| at < *until).map(|until| {
        let day = |at: DateTime<Utc>| at.with_timezone(&settings.zone).date_naive();
        let (first, last) = (day(at), day(until - TimeDelta::nanoseconds(1)));
        // An absence without an end is looked at for as long as can be.
        let last = last.min(first + TimeDelta::days(coverage::LONGEST - 1));
        Period::new(first, last, settings.zone, |date| settings.day(date)).map(|period| (period, last))
    });
    let period = period.transpose().map_err(ApiError::bad)?;
    let work = move || {
        let steps = requests.iter().map(|request| step(&organisation, request, at, until));
        let steps: Vec<Step> = steps.collect::<Result<_, ApiError>>()?;
        let after = whatif::imagine(&organisation, &steps).map_err(ApiError::bad)?;
        let shifts = whatif::compare(&organisation, &after, at);
        let roles = shifts.into_iter().map(|shifts| shift(&organisation, &after, shifts)).collect();
        let found = period.as_ref().map(|(period, _)| whatif::uncovered(&organisation, &after, period));
        let uncovered = found.into_iter().flatten().map(|it| UncoveredAnswer {
            role: it.role,
            place: it.place,
            units: it.units,
            from: it.first,
            to: it.last,
            there: it.there,
        });
        let looked_to = period.as_ref().map(|(_, last)| *last);
        Ok(WhatifAnswer { at, roles, looked_to, uncovered: uncovered.collect() })
    };
    let answer = tokio::task::spawn_blocking(work).await;
    answer
        .map_err(|_| ApiError::conflict("the question broke off in the daemon; its log says why"))?
        .map(Json)
}

fn step(
    organisation: &Organisation,
    request: &StepRequest,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Step, ApiError> {
    let user = |text: &String| organisation.find_user(text).map(|user| user.id);
    let unit = |text: &String| place_of(organisation, text).map(|place| organisation.tree.id(place));
    Ok(match request {
        StepRequest::Away(who) => Step::Away { user: user(who)?, from, until },
        StepRequest::Move(who, to) => Step::Move { user: user(who)?, unit: unit(to)? },
        StepRequest::Gone(who) => Step::Gone(user(who)?),
        StepRequest::MoveUnit(which, into) => Step::MoveUnit { unit: unit(which)?, into: unit(into)? },
    })
}

fn shift(organisation: &Organisation, after: &Organisation, shifts: whatif::RoleShifts) -> RoleShift {
    let path = |place: Index| after.tree.path(place);
    let uncovered = |shift: &&whatif::Shift| shift.after.is_empty();
    let minimum = usize::from(shifts.minimum);
    let fewer = |shift: &whatif::SubjectShift| {
        let broken = shift.before.len() >= minimum && shift.after.len() < minimum;
        broken.then(|| (shift.subject.to_string(), shift.after.len()))
    };
    RoleShift {
        fallback: organisation.role(&shifts.role.0).and_then(|role| role.fallback.clone()),
        role: shifts.role,
        minimum: shifts.minimum,
        uncovered_users: shifts.shifts.iter().filter(uncovered).map(|shift| shift.users).sum(),
        broken: (shifts.broken.into_iter().map(|(place, there)| (path(place), there)))
            .chain(shifts.subjects.iter().filter_map(fewer))
            .collect(),
        subjects: (shifts.subjects.into_iter())
            .map(|whatif::SubjectShift { subject, title, before, after }| SubjectShiftAnswer {
                subject,
                title,
                before,
                after,
            })
            .collect(),
        shifts: shifts
            .shifts
            .into_iter()
            .map(|shift| ShiftAnswer {
                before: shift.before,
                after: shift.after,
                users: shift.users,
                units: shift.units.into_iter().map(path).collect(),
            })
            .collect(),
    }
}
