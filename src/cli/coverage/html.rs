//! Coverage as a page that is whole in itself: a calendar of colours, with a sign in each cell that says the same.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};
use minijinja::{Environment, Value, context};

use crate::domain::coverage::State;
use crate::http::coverage::{CoverageAnswer, RoleAnswer, RunAnswer, UnitCover};

use super::words::Language;

/// With more cells than this, units where nobody holds the role are left out: they are as the unit above.
const MOST_CELLS: usize = 150_000;

/// The page.
pub(super) fn page(answer: &CoverageAnswer, language: Language) -> Result<String, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    // By its name, minijinja escapes everything that goes into it.
    templates.add_template("coverage.html", include_str!("../templates/coverage.html"))?;
    let days: Vec<NaiveDate> = answer.from.iter_days().take_while(|date| *date <= answer.to).collect();
    let closed: HashSet<NaiveDate> = answer.closed.iter().copied().collect();
    let roles: Vec<Value> = answer.roles.iter().map(|role| section(role, &days, &closed, language)).collect();
    let short: usize = answer.roles.iter().map(|role| role.short).sum();
    let page = context! {
        lang => language.tag(),
        sv => language == Language::Sv,
        organisation => &*answer.organisation,
        period => language.days(answer.from, answer.to),
        year => answer.to.year(),
        at => answer.at.with_timezone(&answer.zone).format("%Y-%m-%d %H:%M").to_string(),
        short => short,
        months => months(&days, language),
        days => days.iter().map(|date| day(*date, &closed, language)).collect::<Vec<_>>(),
        roles => roles,
    };
    templates.get_template("coverage.html")?.render(page)
}

fn months(days: &[NaiveDate], language: Language) -> Vec<Value> {
    let groups = days.chunk_by(|one, other| (one.year(), one.month()) == (other.year(), other.month()));
    let month = |days: &[NaiveDate]| {
        let name = days.first().map(|date| language.month(*date)).unwrap_or_default();
        context! { name => name, days => days.len() }
    };
    groups.map(month).collect()
}

fn day(date: NaiveDate, closed: &HashSet<NaiveDate>, language: Language) -> Value {
    context! {
        number => date.day(),
        weekday => language.weekday(date),
        closed => closed.contains(&date),
        first => date.day() == 1,
    }
}

fn section(role: &RoleAnswer, days: &[NaiveDate], closed: &HashSet<NaiveDate>, language: Language) -> Value {
    let all = role.units.len() * days.len() <= MOST_CELLS;
    let shown = || super::table::with_days(&role.units).filter(|(unit, _)| all || !unit.as_above);
    let top = shown().map(|(unit, _)| unit.depth).min().unwrap_or_default();
    let closed = |date: &NaiveDate| !role.always && closed.contains(date);
    let rows: Vec<Value> =
        shown().map(|(unit, runs)| row(role, (unit, &runs), top, days, &closed, language)).collect();
    context! {
        id => &*role.role.0,
        title => &*role.title,
        minimum => role.minimum,
        always => role.always,
        of_subjects => role.of_subjects,
        of_directories => role.of_directories,
        short => role.short,
        looked_at => role.looked_at,
        left_out => role.units.len() - rows.len(),
        gaps => gaps(role, language),
        rows => rows,
    }
}

/// What isn't covered, in words.
fn gaps(role: &RoleAnswer, language: Language) -> Vec<Value> {
    let below = super::table::same_below(&role.units);
    let short = |unit: &UnitCover| {
        let runs = unit.runs.iter().filter(|run| run.short);
        runs.map(|run| context! { days => language.days(run.from, run.to), there => language.there(run, role.minimum) })
            .collect::<Vec<_>>()
    };
    let units = role.units.iter().zip(below).filter(|(unit, _)| !unit.as_above);
    let gap = |(unit, below): (&UnitCover, usize)| context! { unit => unit.path.as_str(), below => below, runs => short(unit) };
    units.filter(|(unit, _)| unit.runs.iter().any(|run| run.short)).map(gap).collect()
}

fn row(
    role: &RoleAnswer,
    (unit, runs): (&UnitCover, &[RunAnswer]),
    top: usize,
    days: &[NaiveDate],
    closed: &dyn Fn(&NaiveDate) -> bool,
    language: Language,
) -> Value {
    let short = runs.iter().any(|run| run.short);
    let mut runs = runs.iter().peekable();
    let cells = days.iter().map(|date| {
        while runs.next_if(|run| run.to < *date).is_some() {}
        let run = runs.peek().copied().filter(|run| run.from <= *date && !closed(date));
        cell(role, run, *date, language)
    });
    context! {
        name => &*unit.name,
        level => (unit.depth - top).min(12),
        depth => unit.depth - top + 1,
        as_above => unit.as_above,
        short => short,
        cells => cells.collect::<Vec<_>>(),
    }
}

fn cell(role: &RoleAnswer, run: Option<&RunAnswer>, date: NaiveDate, language: Language) -> Value {
    let day = language.days(date, date);
    let Some(run) = run else {
        return context! { class => "c", sign => "·", short => false, says => format!("{day}: {}", language.say("not judged", "bedöms inte")) };
    };
    let class = match run.state {
        State::Nobody => "n",
        State::One if run.short => "f",
        State::One => "o",
        State::Few => "f",
        State::Enough => "e",
    };
    let sign = match run.people.len() {
        many @ 10.. => format!("{}+", many.min(99) / 10 * 10),
        few => few.to_string(),
    };
    context! { class => class, sign => sign, short => run.short, says => format!("{day}: {}", language.there(run, role.minimum)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::coverage::Person;
    use crate::domain::ids::UnitId;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn answer() -> CoverageAnswer {
        let run = |from: &str, to: &str, state, people: &[&str]| RunAnswer {
            from: date(from),
            to: date(to),
            state,
            short: state == State::Nobody,
            people: people
                .iter()
                .map(|name| Person { name: (*name).into(), user: None, deputy_for: None })
                .collect(),
            at: None,
            missing: if people.is_empty() {
                vec!["Bo <Ek>: away until 25 Jul 2026".into()]
            } else {
                Vec::new()
            },
        };
        let unit = |name: &str, depth, runs| UnitCover {
            subject: None,
            directory: None,
            unit: UnitId::ROOT,
            name: name.into(),
            path: name.to_owned(),
            depth,
            users: 3,
            as_above: false,
            runs,
        };
        let units = vec![
            unit("Ekfors", 0, vec![run("2026-07-30", "2026-08-03", State::Enough, &["Åsa", "Bo"])]),
            unit(
                "Vård <script>alert(1)</script>",
                1,
                vec![
                    run("2026-07-30", "2026-07-30", State::One, &["Åsa"]),
                    run("2026-07-31", "2026-08-03", State::Nobody, &[]),
                ],
            ),
        ];
        let closed = vec![date("2026-08-01"), date("2026-08-02")];
        let role = RoleAnswer {
            role: "local".into(),
            title: "local contact".into(),
            minimum: 1,
            always: false,
            of_subjects: false,
            of_directories: false,
            short: 1,
            looked_at: 2,
            units,
        };
        CoverageAnswer {
            organisation: "Ekfors".into(),
            from: date("2026-07-30"),
            to: date("2026-08-03"),
            zone: chrono_tz::Europe::Stockholm,
            at: "2026-05-01T08:00:00Z".parse().unwrap(),
            closed,
            roles: vec![role],
        }
    }

    #[test]
    fn every_day_has_a_sign_and_nothing_in_the_page_is_markup_of_others() {
        let page = page(&answer(), Language::En).unwrap();
        let signs: Vec<&str> = page
            .split("<td")
            .skip(1)
            .filter_map(|cell| cell.split_once('>')?.1.split(['<']).next())
            .collect();
        assert_eq!(signs, ["2", "2", "·", "·", "2", "1", "0", "·", "·", "0"]);
        assert!(!page.contains("<script") && !page.contains("<Ek>"), "{page}");
        assert!(!page.contains("http:") && !page.contains("https:"), "nothing is fetched");
        assert!(
            page.contains("31 Jul–3 Aug") && page.contains("colspan=\"2\"") && page.contains("colspan=\"3\"")
        );
    }

    #[test]
    fn it_can_be_had_in_swedish() {
        let page = page(&answer(), Language::Sv).unwrap();
        assert!(
            page.contains("<html lang=\"sv\">") && page.contains("Augusti 2026") && page.contains("ingen"),
            "{page}"
        );
        assert!(!page.contains("nobody"), "{page}");
    }
}
