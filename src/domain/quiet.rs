//! Quiet hours: what isn't critical waits until people are up.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::calendar::OpeningHours;
use super::ids::ChannelName;
use super::notice::{NewNotice, NoticeKind, Recipient};
use super::outage::Severity;

/// When nobody is disturbed. The default: never.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quiet {
    /// When people may be told, on whichever clocks. None: always.
    pub awake: Option<OpeningHours>,
    /// Only these channels are quiet; empty: all that reach single people.
    pub channels: BTreeSet<ChannelName>,
}

impl Quiet {
    /// The notice with the time until which it waits for each of those who get it; `zone` tells on whose clocks. What would be too late then
    /// doesn't wait, nor what is critical, nor what somebody has just asked for.
    #[must_use]
    pub fn hold(&self, notice: NewNotice, zone: impl Fn(&Recipient) -> Tz, now: DateTime<Utc>) -> NewNotice {
        let wakes = notice.facts.severity() >= Severity::Critical;
        let asked_for = matches!(notice.facts.kind(), NoticeKind::Test);
        let Some(awake) = self.awake.as_ref().filter(|_| !wakes && !asked_for) else { return notice };
        let waits = |to: &Recipient| {
            let until = awake.on_clocks_of(zone(to)).next_open(now)?;
            (self.concerns(to) && now < until && until < notice.expires).then(|| (to.key(), until))
        };
        let held = notice.recipients.iter().filter_map(waits).collect();
        NewNotice { held, ..notice }
    }

    /// Whether a recipient may be disturbed at all: a place where people look when they like is not.
    fn concerns(&self, to: &Recipient) -> bool {
        let person = to.mail.is_some() || to.phone.is_some();
        person && (self.channels.is_empty() || self.channels.contains(&to.channel))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{TimeDelta, Weekday};
    use chrono_tz::America::New_York;
    use chrono_tz::Europe::{Helsinki, Stockholm};

    use super::*;
    use crate::domain::notice::{EventKey, Facts};
    use crate::domain::testing::outage_word;

    const WEEK: [Weekday; 7] =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

    fn quiet() -> Quiet {
        let usual = OpeningHours::usual(Tz::UTC, Arc::default());
        let awake = WEEK.into_iter().try_fold(usual, |hours, day| hours.with(day, "06:00-22:00")).unwrap();
        Quiet { awake: Some(awake), channels: BTreeSet::new() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn to(name: &str) -> Recipient {
        Recipient::by_mail(name, format!("{name}@org.example").parse().unwrap(), "outage")
    }

    /// Until when a notice waits for each of `to`, on the clocks of where they are.
    fn held(quiet: &Quiet, severity: Severity, to: Vec<Recipient>, now: &str, lives: i64) -> Vec<String> {
        let now = at(now);
        let facts = Facts::OutageWord(Box::new(outage_word(1, "x", "", severity, now)));
        let notice = NewNotice::new(EventKey("e".into()), facts, to, now + TimeDelta::hours(lives));
        let zone = |to: &Recipient| match &*to.name {
            "fi" => Helsinki,
            "us" => New_York,
            _ => Stockholm,
        };
        let line = |(key, until): (&String, &DateTime<Utc>)| {
            format!("{} {}", key.split('@').next().unwrap_or(""), until.format("%d %H:%M"))
        };
        quiet.hold(notice, zone, now).held.iter().map(line).collect()
    }

    #[test]
    fn each_is_left_alone_by_their_own_clocks() {
        let all = || vec![to("se"), to("fi"), to("us")];
        // 22:30 in Stockholm, 23:30 in Helsinki, 16:30 in New York.
        let night = held(&quiet(), Severity::Major, all(), "2026-07-06T20:30:00Z", 48);
        assert_eq!(night, ["fi 07 03:00", "se 07 04:00"]);
        // 21:30 in Stockholm: somebody is up.
        assert_eq!(held(&quiet(), Severity::Major, all(), "2026-07-06T19:30:00Z", 48), ["fi 07 03:00"]);
        assert_eq!(held(&quiet(), Severity::Critical, all(), "2026-07-06T20:30:00Z", 48), [""; 0]);
        assert_eq!(held(&Quiet::default(), Severity::Minor, all(), "2026-07-06T20:30:00Z", 48), [""; 0]);
    }

    #[test]
    fn the_night_ends_at_six_also_when_the_clocks_change_in_it() {
        let one = || vec![to("se")];
        assert_eq!(held(&quiet(), Severity::Minor, one(), "2026-03-28T22:00:00Z", 48), ["se 29 04:00"]);
        assert_eq!(held(&quiet(), Severity::Minor, one(), "2026-10-24T21:00:00Z", 48), ["se 25 05:00"]);
    }

    #[test]
    fn what_would_be_too_late_in_the_morning_does_not_wait() {
        assert_eq!(held(&quiet(), Severity::Major, vec![to("se")], "2026-07-06T20:30:00Z", 7), [""; 0]);
        assert_eq!(
            held(&quiet(), Severity::Major, vec![to("se")], "2026-07-06T20:30:00Z", 8),
            ["se 07 04:00"]
        );
    }

    #[test]
    fn a_place_is_never_quiet_and_only_the_named_channels_are() {
        let sms =
            Recipient { mail: None, phone: Some("+46701234567".into()), channel: "sms".into(), ..to("a") };
        let all = || vec![Recipient::place("team".into()), to("se"), sms.clone()];
        assert_eq!(held(&quiet(), Severity::Minor, all(), "2026-07-06T20:30:00Z", 48).len(), 2);
        let only = Quiet { channels: ["sms".into()].into(), ..quiet() };
        let lines = held(&only, Severity::Minor, all(), "2026-07-06T20:30:00Z", 48);
        assert_eq!(lines, ["sms\n+46701234567 07 04:00"]);
    }
}
