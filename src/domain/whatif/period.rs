//! What would be uncovered at any time of a period, and isn't now.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::{People, involved};
use crate::domain::contacts::named;
use crate::domain::coverage::{self, Day, Period, RoleCover, Run, There, Wanted};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{Role, RoleName, Scope};
use crate::domain::tree;

/// Days in a row on which fewer than the minimum would be there, and wouldn't otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Uncovered {
    /// Which role.
    pub role: RoleName,
    /// The path of the unit, the directory or the subject.
    pub place: String,
    /// How many units that are, with those below it that are covered in the same way.
    pub units: usize,
    /// The first day.
    pub first: NaiveDate,
    /// The last day.
    pub last: NaiveDate,
    /// Who would be there.
    pub there: People,
}

/// Compares on which days the minimum is met, in the roles that are looked at usually; where nothing can be different it isn't looked.
pub fn uncovered(before: &Organisation, after: &Organisation, period: &Period) -> Vec<Uncovered> {
    let wanted = Wanted::usual(before).into_iter();
    let wanted = wanted.filter(|wanted| may_differ(before, after, wanted.role));
    wanted.flat_map(|wanted| of_role(before, after, wanted, period)).collect()
}

/// Whether who is there may be different: the units hang elsewhere, or somebody who holds the role, or stands in for one who does, is different.
fn may_differ(before: &Organisation, after: &Organisation, role: &Role) -> bool {
    // A subject is also answered for by roles that its own falls back to.
    if role.scope == Scope::Subject || !before.tree.has_places_of(&after.tree) {
        return true;
    }
    let is_other =
        |id| before.user(id) != after.user(id) || before.absences.get(&id) != after.absences.get(&id);
    involved(before, role).chain(involved(after, role)).any(is_other)
}

fn of_role(
    before: &Organisation,
    after: &Organisation,
    wanted: Wanted<'_>,
    period: &Period,
) -> Vec<Uncovered> {
    let days = Days { period, wanted };
    let each = |places: Vec<(String, Vec<Run>, Vec<Run>)>| {
        let one =
            |(place, was, is): (String, Vec<Run>, Vec<Run>)| days.told(&place, 1, days.newly(&was, &is));
        places.into_iter().flat_map(one).collect()
    };
    match wanted.role.scope {
        Scope::Subject => {
            let was = coverage::cover_subjects(before, wanted, period);
            let is = coverage::cover_subjects(after, wanted, period);
            let both = was.into_iter().zip(is).filter(|(was, is)| was.subject == is.subject);
            each(both.map(|(was, is)| (is.subject.to_string(), was.runs, is.runs)).collect())
        }
        Scope::Directory => {
            let is = coverage::cover_directories(after, wanted, period);
            let mut was = coverage::cover_directories(before, wanted, period).into_iter();
            let both =
                is.into_iter().filter_map(|is| Some((was.find(|was| was.directory == is.directory)?, is)));
            each(both.map(|(was, is)| (is.directory.to_string(), was.runs, is.runs)).collect())
        }
        Scope::Unit | Scope::Organisation => {
            let was = coverage::cover(before, wanted, period);
            let is = coverage::cover(after, wanted, period);
            at_places((before, &was), (after, &is), &days)
        }
    }
}

/// Units that have the same days on either side are worked out once, and told with the one above them that has, too.
fn at_places(
    (before, was): (&Organisation, &RoleCover),
    (after, is): (&Organisation, &RoleCover),
    days: &Days<'_>,
) -> Vec<Uncovered> {
    type Rows = (Option<u32>, Option<u32>);
    let mut known: HashMap<Rows, Vec<(NaiveDate, NaiveDate, Arc<There>)>> = HashMap::new();
    let rows_of = |place: tree::Index| -> Option<(tree::Index, Rows)> {
        let old = before.tree.index(after.tree.id(place))?;
        Some((old, (was.row_of(old), is.row_of(place))))
    };
    let mut told: Vec<Uncovered> = Vec::new();
    // Where what is told of the units above begins in `told`, and how long it is, by the rows.
    let mut of_above: HashMap<tree::Index, (Rows, std::ops::Range<usize>)> = HashMap::new();
    for place in is.places() {
        let Some((old, rows)) = rows_of(place) else { continue };
        let above = after.tree.parent(place).and_then(|above| of_above.get(&above)).cloned();
        if let Some((same, range)) = above.filter(|(above, _)| *above == rows) {
            told.get_mut(range.clone()).into_iter().flatten().for_each(|one| one.units += 1);
            of_above.insert(place, (same, range));
            continue;
        }
        let new = known.entry(rows).or_insert_with(|| days.newly(was.of_unit(old), is.of_unit(place)));
        let first = told.len();
        if !new.is_empty() {
            told.extend(days.told(&after.tree.path(place), 1, new.clone()));
        }
        of_above.insert(place, (rows, first..told.len()));
    }
    told
}

struct Days<'a> {
    period: &'a Period,
    wanted: Wanted<'a>,
}

impl Days<'_> {
    /// The days on which it would be short and isn't now, in a row while the same people would be there.
    fn newly(&self, was: &[Run], is: &[Run]) -> Vec<(NaiveDate, NaiveDate, Arc<There>)> {
        let mut found: Vec<(NaiveDate, NaiveDate, Arc<There>)> = Vec::new();
        let (mut was, mut is) = (was.iter().peekable(), is.iter().peekable());
        // Whether what was found last goes on.
        let mut goes_on = false;
        for (date, day) in self.period.days() {
            if *day == Day::Closed && !self.wanted.role.always {
                continue;
            }
            while was.next_if(|run| run.last < *date).is_some() {}
            while is.next_if(|run| run.last < *date).is_some() {}
            let short = |run: &Run| run.first <= *date && run.short;
            let is_anyhow = was.peek().is_some_and(|run| short(run));
            let Some(then) = is.peek().filter(|run| short(run) && !is_anyhow) else {
                goes_on = false;
                continue;
            };
            match found.last_mut().filter(|(_, _, there)| goes_on && *there == then.there) {
                Some((_, last, _)) => *last = *date,
                None => found.push((*date, *date, Arc::clone(&then.there))),
            }
            goes_on = true;
        }
        found
    }

    fn told(
        &self,
        place: &str,
        units: usize,
        days: Vec<(NaiveDate, NaiveDate, Arc<There>)>,
    ) -> Vec<Uncovered> {
        let told = |(first, last, there): (NaiveDate, NaiveDate, Arc<There>)| Uncovered {
            role: self.wanted.role.name.clone(),
            place: place.to_owned(),
            units,
            first,
            last,
            there: there.people.iter().map(|p| named(&p.name, p.deputy_for.as_deref())).collect(),
        };
        days.into_iter().map(told).collect()
    }
}
