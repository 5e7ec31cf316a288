//! Coverage for the terminal and for spreadsheets.

use crate::cli::print::Out;
use crate::domain::coverage::State;
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
            out.table(&["unit", "days", "there"], rows, "");
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

fn summary(role: &RoleAnswer, quiet: usize) -> String {
    let units = |n: usize| if n == 1 { "1 unit".to_owned() } else { format!("{n} units") };
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
    // The units on the way up, each with the one whose row it has.
    let mut way: Vec<(usize, usize)> = Vec::new();
    for (n, unit) in units.iter().enumerate() {
        while way.last().is_some_and(|(depth, _)| *depth >= unit.depth) {
            way.pop();
        }
        let row = match way.last() {
            Some((_, row)) if unit.as_above => *row,
            _ => n,
        };
        if row != n
            && let Some(count) = counts.get_mut(row)
        {
            *count += 1;
        }
        way.push((unit.depth, row));
    }
    counts
}

/// For spreadsheets: RFC 4180, UTF-8.
pub(super) fn csv(answer: &CoverageAnswer) -> String {
    let mut text = String::from("role,unit,unit_id,from,to,state,minimum,short,count,people,at,missing\r\n");
    for role in &answer.roles {
        for unit in &role.units {
            for run in &unit.runs {
                let people: Vec<&str> = run.people.iter().map(|person| &*person.name).collect();
                let state = match run.state {
                    State::Nobody => "nobody",
                    State::One => "one",
                    State::Few => "few",
                    State::Enough => "enough",
                };
                let fields = [
                    role.role.to_string(),
                    unit.path.clone(),
                    unit.unit.to_string(),
                    run.from.to_string(),
                    run.to.to_string(),
                    state.to_owned(),
                    role.minimum.to_string(),
                    run.short.to_string(),
                    run.people.len().to_string(),
                    people.join("; "),
                    run.at.clone().unwrap_or_default(),
                    run.missing.join("; "),
                ];
                text.push_str(&fields.map(|field| quoted(&field)).join(","));
                text.push_str("\r\n");
            }
        }
    }
    text
}

/// A field in quotes where it needs them. What a spreadsheet would take for a formula gets an apostrophe: names are others' to choose.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains(['"', ',', ';', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_must_be_and_is_never_a_formula() {
        assert_eq!(quoted("Vård / Hemtjänst"), "Vård / Hemtjänst");
        assert_eq!(quoted("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
    }

    #[test]
    fn units_that_are_as_the_one_above_are_counted_there() {
        let unit = |depth, as_above| UnitCover {
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
}
