//! The words on a period that is near: where it isn't covered, and what to do.

use chrono::NaiveDate;
use minijinja::{Value, context};

use super::markup::shell_word;
use super::{AMBER, GREEN, Page};
use crate::channel::words::{Words, first_upper, say};
use crate::domain::notice::{CoverageFacts, Gap, GapDays, GapPlace};

impl Words {
    pub(super) fn coverage(&self, facts: &CoverageFacts) -> Page {
        let CoverageFacts { period, first, last, gaps, more } = facts;
        let places = u32::try_from(gaps.len()).unwrap_or(u32::MAX).saturating_add(*more);
        let (period, days) = (self.period(period), self.dates(*first, *last));
        let title = match places {
            0 => say!(self, "coverage-all", period = period, days = days),
            n => say!(self, "coverage-gaps", n = n, period = period, days = days),
        };
        let calendar = format!("budkavle coverage --from {first} --to {last} --format html > coverage.html");
        Page {
            template: "coverage",
            subject: title.clone(),
            heading: title,
            label: if places == 0 { "label-covered" } else { "label-warning" },
            colour: if places == 0 { GREEN } else { AMBER },
            preheader: None,
            content: context! {
                gaps => gaps.iter().map(|gap| self.gap(gap, (*first, *last))).collect::<Vec<_>>(),
                more => more,
                todo => [
                    say!(self, "coverage-todo-deputy", list = "budkavle absence list", option = "--deputy"),
                    say!(self, "coverage-todo-assign"),
                ],
                calendar => say!(self, "coverage-calendar", command = calendar),
            },
        }
    }

    fn gap(&self, gap: &Gap, whole: (NaiveDate, NaiveDate)) -> Value {
        let (unit, at) = match gap.place() {
            GapPlace::Organisation => (say!(self, "coverage-organisation"), String::new()),
            GapPlace::Unit(path) => (path.to_owned(), format!(" --unit {}", shell_word(path))),
            GapPlace::Directory(name) => (name.to_owned(), format!(" --directory {}", shell_word(name))),
        };
        let role = self.role(&gap.role.0);
        let title = match gap.below {
            0 => say!(self, "coverage-gap", role = role, unit = unit, minimum = gap.minimum),
            n => say!(self, "coverage-gap-below", n = n, role = role, unit = unit, minimum = gap.minimum),
        };
        let span = gap.days.iter().map(|run| run.first).min().zip(gap.days.iter().map(|run| run.last).max());
        let (from, until) = span.unwrap_or(whole);
        let who = gap.could.first().map_or("USER".to_owned(), |(account, _)| shell_word(account));
        let could: Vec<Box<str>> = gap.could.iter().map(|(_, name)| name.clone()).collect();
        context! {
            title => first_upper(&title),
            days => gap.days.iter().map(|run| self.gap_days(run)).collect::<Vec<_>>(),
            more => gap.more,
            could => (!could.is_empty()).then(|| say!(self, "coverage-could", people = could.join(", "))),
            command => format!("budkavle contacts assign {} --user {who}{at} --from {from} --until {until}", gap.role),
        }
    }

    fn gap_days(&self, run: &GapDays) -> String {
        let there = match run.there.as_slice() {
            [] if run.missing.is_empty() => say!(self, "nobody"),
            [] => {
                let missing: Vec<String> = run.missing.iter().map(|missing| self.missing(missing)).collect();
                format!("{} ({})", say!(self, "nobody"), missing.join("; "))
            }
            people => say!(
                self,
                "only",
                people = people.iter().map(|p| self.person(p)).collect::<Vec<_>>().join(", ")
            ),
        };
        format!("{}: {there}", self.days(run.first, run.last))
    }
}
