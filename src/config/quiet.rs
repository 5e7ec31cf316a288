//! `[quiet_hours]`: when nobody is disturbed by what isn't critical. Everything here can be reloaded.

use std::sync::Arc;

use chrono::Weekday;
use chrono_tz::Tz;
use serde_json::json;

use super::channel::Channel;
use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::calendar::{Calendar, DAY, OpeningHours, minutes};
use crate::domain::ids::ChannelName;
use crate::domain::quiet::{Night, Quiet};
use crate::domain::route::Reach;

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

pub(super) fn read(
    table: &Section,
    calendar: &Arc<Calendar>,
    channels: &[Channel],
    nights: Vec<Night>,
) -> Quiet {
    let days_off = table.flag("days_off", false);
    let single = channels.iter().filter(|channel| channel.reach != Reach::Place);
    let names: Vec<&str> = ["mail"].into_iter().chain(single.map(|channel| &*channel.name.0)).collect();
    let only = table.list("channels", |text| {
        let problem = || Problem::new(format!("there is no channel {} for single people", quoted(text)));
        let known = names.contains(&text).then(|| ChannelName::from(text));
        known.ok_or_else(|| problem().hint(choose(text, &names)))
    });
    if !table.is_set("channels") {
        table.set("channels", json!([]));
    }
    let awake = table.parsed("night", |text| awake(text, days_off, calendar));
    let per_hour = Some(table.number("per_hour", 0..=500, 0)).filter(|most| *most > 0);
    let together = table.flag("together", true);
    Quiet { awake, channels: only.unwrap_or_default().into_iter().collect(), per_hour, together, nights }
}

/// The hours outside of a night such as `22:00-06:00`. On which clocks they are is said by whoever asks.
pub(super) fn awake(night: &str, days_off: bool, calendar: &Arc<Calendar>) -> Result<OpeningHours, Problem> {
    let example = "for example: night = \"22:00-06:00\"";
    let problem = || Problem::new(format!("{} is no night", quoted(night))).hint(example);
    let (from, until) = minutes(night).ok_or_else(problem)?;
    if from == until || until.saturating_sub(from) == DAY {
        let problem = Problem::new(format!("{} leaves no time, or all of it", quoted(night)));
        return Err(problem.hint(example));
    }
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    // Over midnight the rest is one span; within a day, two.
    let rest = if from > until { vec![(until, from)] } else { vec![(0, from), (until, DAY)] };
    let rest = rest.into_iter().filter(|(from, until)| from < until);
    let rest: Vec<String> = rest.map(|(from, until)| format!("{}-{}", clock(from), clock(until))).collect();
    let rest = rest.join(", ");
    let calendar = if days_off { Arc::clone(calendar) } else { Arc::default() };
    let usual = OpeningHours::usual(Tz::UTC, calendar);
    let hours = WEEK.into_iter().try_fold(usual, |hours, day| {
        let off = days_off && matches!(day, Weekday::Sat | Weekday::Sun);
        hours.with(day, if off { "" } else { &rest })
    });
    hours.map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The minutes of a day at which people may be told.
    fn rest(night: &str) -> Option<Vec<(u16, u16)>> {
        let hours = awake(night, false, &Arc::default()).ok()?;
        Some(hours.of_day(chrono::NaiveDate::from_ymd_opt(2026, 7, 6)?))
    }

    #[test]
    fn a_night_is_its_minutes_however_it_is_written() {
        let usual = Some(vec![(6 * 60, 22 * 60)]);
        for night in ["22:00-06:00", "22:00-6:00", "22-6", "22.00 – 6", "22:00 - 06:00"] {
            assert_eq!(rest(night), usual, "{night}");
        }
        assert_eq!(
            rest("1-9:30"),
            Some(vec![(0, 60), (570, DAY)]),
            "9:30 is later than 1, and as a text earlier"
        );
        assert_eq!(rest("0-6"), Some(vec![(360, DAY)]));
        assert_eq!(rest("22:00-24:00"), Some(vec![(0, 22 * 60)]));
        assert_eq!(rest("24-6"), rest("0-6"));
        for none in ["22:00-22:00", "22-22:00", "0-24", "22:00", "25-6", "22:00-x", ""] {
            assert_eq!(rest(none), None, "{none}");
        }
    }
}
