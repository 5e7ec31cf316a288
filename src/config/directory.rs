//! `[[directory]]`: where users and units come from. Everything here can be reloaded; what was read under a name stays with the name.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::durations::{self, DAY, MINUTE, SECOND};
use super::ldap::{self, Ldap};
use super::reader::{Mark, Problem, Section};
use super::schema;
use super::words::quoted;
use crate::domain::decode::Mapping;
use crate::domain::guard::Limits;
use crate::domain::ids::DirectoryName;
use crate::domain::run::WholeReads;
use crate::domain::schedule::Schedule;
use crate::domain::shape::UnitsFrom;

/// A directory that is synced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    /// What it is called here.
    pub name: DirectoryName,
    /// When it is synced.
    pub schedule: Schedule,
    /// When everything is read, though what changed would do.
    pub whole_reads: WholeReads,
    /// A run that takes longer has failed.
    pub run_timeout: Duration,
    /// How much may go in one run.
    pub guard: Limits,
    /// Which attribute means what there.
    pub mapping: Mapping,
    /// What its units are made of.
    pub units: UnitsFrom,
    /// Where it is read.
    pub source: Source,
    /// Who gets a sign of life after each good run.
    pub ping: Option<super::ping::Ping>,
}

/// Where a directory is read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a handful, and they live as long as the process")]
pub enum Source {
    /// From domain controllers, over LDAP.
    Ldap(Ldap),
    /// From a file in LDIF (RFC 2849).
    Ldif {
        /// Which.
        file: PathBuf,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ldap,
    Ldif,
}

/// The keys that go with `source = "ldif"`.
const LDIF_KEYS: [&str; 1] = ["file"];

/// Reads all of them; None when something is missing.
pub(super) fn read_all(root: &Section, timezone: Tz, above: &Limits) -> Option<Vec<Directory>> {
    root.require("directory", "a line [[directory]], and below it name = \"main\" and source = \"ldap\"");
    let tables = root.section("directory").named();
    // Each is read, also after one that is no good.
    let read: Vec<_> = tables.iter().map(|table| read(table, timezone, above)).collect();
    read.into_iter().collect()
}

fn read(table: &Section, timezone: Tz, above: &Limits) -> Option<Directory> {
    let name = name(table, "directory", "main");
    table.require("source", "source = \"ldap\"");
    let kind = table.choice("source", &[("ldap", Kind::Ldap), ("ldif", Kind::Ldif)], None);
    let schedule = schedule(table, "schedule", "*/15 * * * *", timezone);
    let chosen = table.is_set("whole_read_schedule");
    let blind = self::schedule(table, "whole_read_schedule", "30 3 * * *", timezone);
    let seeing = if chosen { blind.clone() } else { Schedule::parse("30 3 * * 0", timezone).ok() };
    let run_timeout = table.duration("run_timeout", SECOND * 10..=DAY, MINUTE * 30);
    let guard = super::guard::read(&table.section("guard"), above);
    let (mapping, filters) = schema::read(table);
    let ping = super::ping::read(&table.section("ping"));
    match kind {
        Some(Kind::Ldap) => table.refuse(&LDIF_KEYS, "source = \"ldif\""),
        Some(Kind::Ldif) => table.refuse(ldap::KEYS, "source = \"ldap\""),
        None => [&LDIF_KEYS[..], ldap::KEYS].into_iter().for_each(|keys| table.know(keys)),
    }
    let units = super::units::read(table);
    let source = match kind? {
        Kind::Ldap => {
            let ldap = ldap::read(table, run_timeout, &filters)?;
            super::units::judge_place(table, units.as_ref()?, &ldap.bases, &ldap.exclude);
            Source::Ldap(ldap)
        }
        Kind::Ldif => Source::Ldif { file: ldif_file(table)? },
    };
    Some(Directory {
        name: DirectoryName::from(name.as_str()),
        schedule: schedule?,
        whole_reads: WholeReads { blind: blind?, seeing: seeing? },
        run_timeout,
        guard,
        mapping,
        units: units?,
        source,
        ping,
    })
}

/// The name, which a variable gives in its own name, too.
pub(super) fn name(table: &Section, what: &str, example: &str) -> String {
    let hint = format!("a to z, 0 to 9 and hyphens, up to 40, a letter first: name = \"{example}\"");
    let fits = |name: &str| {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(letters) && name.len() <= 40
    };
    if !table.is_set("name") && !table.name().starts_with('#') {
        if !fits(table.name()) {
            let problem = Problem::new(format!("{} is no name for a {what}", quoted(table.name())));
            table.note(Mark::Key, problem.hint(hint));
        }
        return table.name().to_owned();
    }
    table.require("name", &format!("name = \"{example}\""));
    let name = table.parsed("name", |text| {
        let problem = || Problem::new(format!("can't be {}", quoted(text))).hint(&*hint);
        fits(text).then(|| text.to_owned()).ok_or_else(problem)
    });
    name.unwrap_or_default()
}

pub(super) fn schedule(table: &Section, key: &'static str, default: &str, timezone: Tz) -> Option<Schedule> {
    let parse = |text: &str| Schedule::parse(text, timezone);
    if !table.is_set(key) {
        table.set(key, default.into());
        return parse(default).ok();
    }
    table.parsed(key, |text| {
        parse(text).map_err(|error| {
            Problem::new(format!("can't be used: {error}")).hint(format!("for example: \"{default}\""))
        })
    })
}

fn ldif_file(table: &Section) -> Option<PathBuf> {
    table.require("file", "file = \"/var/lib/budkavle/export.ldif\"");
    let file = table.path("file")?;
    if !file.is_file() {
        let problem = Problem::new(format!("names {}, which isn't there now", file.display()));
        table
            .warn("file", problem.hint("without it every run fails; put the export there, or mend the name"));
    }
    Some(file)
}

/// Warns of an age that alerts though every run went well, since the runs are farther apart.
pub(super) fn warn_of_pauses(alerts: &Section, directories: &[Directory], stale_after: TimeDelta) {
    for directory in directories {
        let pause = longest_pause(&directory.schedule, stale_after);
        if let Some(pause) = pause.and_then(|pause| pause.to_std().ok()) {
            let problem = format!(
                "is {}, shorter than the pause of {} between two runs of the directory {} (\"{}\")",
                durations::text(stale_after.to_std().unwrap_or_default()),
                durations::text(pause),
                directory.name,
                directory.schedule.text()
            );
            let hint = "it would alert though every run went well: raise stale_after, or run more often";
            alerts.warn("stale_after", Problem::new(problem).hint(hint));
        }
    }
}

/// The longest pause between two runs in a week, when it is more than `limit`.
fn longest_pause(schedule: &Schedule, limit: TimeDelta) -> Option<TimeDelta> {
    /// A run each quarter of an hour has 672 in a week; where there are more, the first days will do.
    const RUNS: usize = 700;
    // Any week will do; this one begins on a Monday and is far from a change of the clocks.
    let start = DateTime::<Utc>::from_timestamp(1_767_571_200, 0)?;
    let runs =
        std::iter::successors(schedule.next_after(start), |last| schedule.next_after(*last)).take(RUNS);
    let (mut last, mut longest) = (None, TimeDelta::zero());
    for run in runs {
        longest = longest.max(last.map_or(longest, |last| run - last));
        if run - start > TimeDelta::days(8) && last.is_some() {
            break;
        }
        last = Some(run);
    }
    (longest > limit).then_some(longest)
}
