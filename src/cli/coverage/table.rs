//! Coverage for the terminal and for spreadsheets.

use std::borrow::Cow;

use crate::cli::print::Out;
use crate::domain::coverage::State;
use crate::domain::table;
use crate::http::coverage::{CoverageAnswer, RoleAnswer, RunAnswer, UnitCover};

use super::words::Language;

/// For the terminal: a line for each run of days that there is something to tell of, and one for all other units.
pub(super) fn print(out: &Out, answer: &CoverageAnswer) {
    for (n, role) in answer.roles.iter().enumerate() {
        if n > 0 {
            out.line("");
        }
        out.line(format!(
            "{} (at least {}{})",
            role.title,
            role.minimum,
            if role.always { ", at any time" } else { "" }
        ));
        let below = same_below(&role.units);
        let mut rows = Vec::new();
        let mut told = 0;
        for (unit, below) in role.units.iter().zip(&below) {
            let lines: Vec<Vec<String>> = lines(role, unit, *below);
            // What is as above is counted there.
            if !lines.is_empty() && !unit.as_above {
                told += 1 + below;
                rows.extend(lines);
            }
        }
        if !rows.is_empty() {
            out.table(&[one_of(role), "days", "there"], rows, "");
        }
        out.line(summary(role, role.looked_at - told.min(role.looked_at)));
    }
}

fn lines(role: &RoleAnswer, unit: &UnitCover, below: usize) -> Vec<Vec<String>> {
    let name = if below > 0 { format!("{} (and {below} below)", unit.path) } else { unit.path.clone() };
    let told = unit.runs.iter().filter(|run| run.state != State::Enough);
    let line = |run: &RunAnswer| {
        vec![name.clone(), Language::En.days(run.from, run.to), Language::En.there(run, role.minimum)]
    };
    told.map(line).collect()
}

/// What there is a row for.
fn one_of(role: &RoleAnswer) -> &'static str {
    match role {
        RoleAnswer { of_subjects: true, .. } => "subject",
        RoleAnswer { of_directories: true, .. } => "directory",
        _ => "unit",
    }
}

fn summary(role: &RoleAnswer, quiet: usize) -> String {
    let one = one_of(role);
    let several = if role.of_directories { "directories".to_owned() } else { format!("{one}s") };
    let units = |n: usize| if n == 1 { format!("1 {one}") } else { format!("{n} {several}") };
    let short = match role.short {
        0 => "The minimum is met everywhere.".to_owned(),
        n => format!("The minimum isn't met in {}.", units(n)),
    };
    match quiet {
        0 => short,
        n => format!("{short} Nothing to tell of {}.", units(n)),
    }
}

/// For each unit, how many units below share its row.
pub(super) fn same_below(units: &[UnitCover]) -> Vec<usize> {
    let mut counts = vec![0; units.len()];
    for (_, row) in row_of(units).into_iter().enumerate().filter(|(n, row)| n != row) {
        if let Some(count) = counts.get_mut(row) {
            *count += 1;
        }
    }
    counts
}

/// For each unit, the place in the list of the one that has its days: itself, or the unit above that it is as.
fn row_of(units: &[UnitCover]) -> Vec<usize> {
    // The units on the way up, each with the one whose row it has.
    let mut way: Vec<(usize, usize)> = Vec::new();
    let row = |(n, unit): (usize, &UnitCover)| {
        while way.last().is_some_and(|(depth, _)| *depth >= unit.depth) {
            way.pop();
        }
        let row = way.last().filter(|_| unit.as_above).map_or(n, |(_, row)| *row);
        way.push((unit.depth, row));
        row
    };
    units.iter().enumerate().map(row).collect()
}

/// Every unit with its days, also those that are as with the unit above.
pub(super) fn with_days(units: &[UnitCover]) -> impl Iterator<Item = (&UnitCover, Cow<'_, [RunAnswer]>)> {
    units.iter().zip(row_of(units)).map(|(unit, row)| {
        let Some(above) = units.get(row).filter(|_| unit.as_above) else {
            return (unit, Cow::Borrowed(&*unit.runs));
        };
        let mut runs = above.runs.clone();
        for run in runs.iter_mut().filter(|run| run.at.is_none() && !run.people.is_empty()) {
            run.at = Some(above.path.clone());
        }
        (unit, Cow::Owned(runs))
    })
}

const HEADER: [&str; 14] = [
    "role",
    "unit",
    "unit_id",
    "from",
    "to",
    "state",
    "minimum",
    "short",
    "count",
    "people",
    "at",
    "missing",
    "subject",
    "directory",
];

/// For spreadsheets.
pub(super) fn csv(answer: &CoverageAnswer) -> Vec<u8> {
    let mut rows: Vec<[String; 14]> = Vec::new();
    for role in &answer.roles {
        for (unit, runs) in with_days(&role.units) {
            rows.extend(runs.iter().map(|run| cells(role, unit, run)));
        }
    }
    table::write(&HEADER, rows.iter().map(|row| row.each_ref().map(String::as_str)))
}

fn cells(role: &RoleAnswer, unit: &UnitCover, run: &RunAnswer) -> [String; 14] {
    let people: Vec<&str> = run.people.iter().map(|person| &*person.name).collect();
    let state = match run.state {
        State::Nobody => "nobody",
        State::One => "one",
        State::Few => "few",
        State::Enough => "enough",
    };
    let of_unit = unit.subject.is_none() && unit.directory.is_none();
    [
        role.role.to_string(),
        if of_unit { unit.path.clone() } else { String::new() },
        if of_unit { unit.unit.to_string() } else { String::new() },
        run.from.to_string(),
        run.to.to_string(),
        state.to_owned(),
        role.minimum.to_string(),
        run.short.to_string(),
        run.people.len().to_string(),
        people.join("; "),
        run.at.clone().unwrap_or_default(),
        run.missing.join("; "),
        unit.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        unit.directory.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::coverage::Person;

    #[test]
    fn units_that_are_as_the_one_above_are_counted_there() {
        let unit = |depth, as_above| UnitCover {
            subject: None,
            directory: None,
            unit: crate::domain::ids::UnitId::ROOT,
            name: "".into(),
            path: String::new(),
            depth,
            users: 0,
            as_above,
            runs: Vec::new(),
        };
        let units =
            [unit(0, false), unit(1, true), unit(2, false), unit(3, true), unit(3, true), unit(1, true)];
        assert_eq!(same_below(&units), [2, 0, 2, 0, 0, 0]);
    }

    #[test]
    fn a_unit_that_is_as_above_has_the_days_of_the_one_above() {
        let run = |name: &str, at: Option<&str>| RunAnswer {
            from: chrono::NaiveDate::default(),
            to: chrono::NaiveDate::default(),
            state: State::One,
            short: false,
            people: vec![Person { name: name.into(), user: None, deputy_for: None }],
            at: at.map(str::to_owned),
            missing: Vec::new(),
        };
        let unit = |path: &str, depth, runs: &[RunAnswer]| UnitCover {
            subject: None,
            directory: None,
            unit: crate::domain::ids::UnitId::ROOT,
            name: "".into(),
            path: path.to_owned(),
            depth,
            users: 0,
            as_above: runs.is_empty(),
            runs: runs.to_vec(),
        };
        let care = [run("Åsa", None), run("Bo", Some("Org"))];
        let units = [unit("Org", 0, &[run("Bo", None)]), unit("Care", 1, &care), unit("Home", 2, &[])];
        let days: Vec<_> = with_days(&units).map(|(unit, runs)| (&*unit.path, runs.into_owned())).collect();
        assert_eq!(days[1].1.iter().map(|run| run.at.as_deref()).collect::<Vec<_>>(), [None, Some("Org")]);
        assert_eq!(
            days[2].1.iter().map(|run| run.at.as_deref()).collect::<Vec<_>>(),
            [Some("Care"), Some("Org")]
        );
    }
}
