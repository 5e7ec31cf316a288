//! `[quiet_hours]`: when nobody is disturbed by what isn't critical. Everything here can be reloaded.

use std::sync::Arc;

use chrono::Weekday;
use chrono_tz::Tz;
use serde_json::json;

use super::channel::Channel;
use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::calendar::{Calendar, OpeningHours};
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
    Quiet { awake, channels: only.unwrap_or_default().into_iter().collect(), per_hour, nights }
}

/// The hours outside of a night such as `22:00-06:00`. On which clocks they are is said by whoever asks.
pub(super) fn awake(night: &str, days_off: bool, calendar: &Arc<Calendar>) -> Result<OpeningHours, Problem> {
    let example = "for example: night = \"22:00-06:00\"";
    let problem = || Problem::new(format!("{} is no night", quoted(night))).hint(example);
    let (from, until) = night.split_once(['-', '–']).ok_or_else(problem)?;
    let (from, until) = (from.trim(), until.trim());
    // Over midnight the rest is one span; within a day, two.
    let rest = if from > until {
        format!("{until}-{from}")
    } else {
        let before = (from != "00:00").then(|| format!("00:00-{from}"));
        let after = (until != "24:00").then(|| format!("{until}-24:00"));
        before.into_iter().chain(after).collect::<Vec<_>>().join(", ")
    };
    let calendar = if days_off { Arc::clone(calendar) } else { Arc::default() };
    let usual = OpeningHours::usual(Tz::UTC, calendar);
    let hours = WEEK.into_iter().try_fold(usual, |hours, day| {
        let off = days_off && matches!(day, Weekday::Sat | Weekday::Sun);
        hours.with(day, if off { "" } else { &rest })
    });
    hours.map_err(|_| problem())
}
