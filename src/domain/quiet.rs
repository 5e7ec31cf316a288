//! Quiet hours: what isn't critical waits until people are up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::calendar::OpeningHours;
use super::ids::ChannelName;
use super::notice::{Facts, NewNotice, Notice, NoticeKind, Recipient};
use super::outage::Severity;

/// When nobody is disturbed. The default: never.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quiet {
    /// When people may be told, on whichever clocks. None: always.
    pub awake: Option<OpeningHours>,
    /// Only these channels are quiet; empty: all that reach single people.
    pub channels: BTreeSet<ChannelName>,
    /// So many that aren't critical are sent to a recipient within an hour; what is too much waits. None: it isn't counted.
    pub per_hour: Option<u32>,
    /// What waits for the same recipient leaves as one mail.
    pub together: bool,
    /// The nights of some people, and of those in some units.
    pub nights: Vec<Night>,
}

/// By whose clocks it is night for somebody, and which night it is: one of [`Quiet::nights`], by its place there, or that of all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// The clocks.
    pub zone: Tz,
    /// The night.
    pub night: Option<usize>,
}

impl Quiet {
    /// The notice with the time until which it waits for each of those who get it, and with their nights: what waits anyhow doesn't end in one, either.
    /// `clocks` tells on whose clocks. What comes with a time of its own doesn't wait when it would be too late then, nor what is critical, nor what somebody has
    /// just asked for. All else is tried for as long as usual, counted from when the night is over.
    #[must_use]
    pub fn hold(
        &self,
        mut notice: NewNotice,
        clocks: impl Fn(&Recipient) -> Clocks,
        now: DateTime<Utc>,
    ) -> NewNotice {
        if !self.spares(&notice.facts) {
            return notice;
        }
        let brief = has_its_time(&notice.facts);
        let (mut nights, mut longest) = (HashMap::new(), None);
        for to in notice.recipients.iter().filter(|to| self.concerns(to)) {
            let own = clocks(to);
            let awake =
                nights.entry((own.night, own.zone)).or_insert_with(|| self.awake_by(own).map(Arc::new));
            let (Some(awake), key) = (awake.as_ref(), to.key()) else { continue };
            let leaves = notice.held.get(&key).copied().unwrap_or(now);
            let Some(until) = awake.next_open(leaves) else { continue };
            if leaves < until {
                if brief && until + TRIES >= notice.expires {
                    continue;
                }
                longest = longest.max(Some(until));
                notice.held.insert(key.clone(), until);
            }
            notice.awake.insert(key, awake);
        }
        let longer =
            longest.filter(|_| !brief).and_then(|until| notice.expires.checked_add_signed(until - now));
        notice.expires = longer.unwrap_or(notice.expires);
        notice
    }

    /// Whether anybody's night is spared what there is to say.
    fn spares(&self, facts: &Facts) -> bool {
        let wakes = facts.severity() >= Severity::Critical;
        let asked_for = matches!(facts.kind(), NoticeKind::Test);
        let has_nights = self.awake.is_some() || !self.nights.is_empty();
        has_nights && !wakes && !asked_for
    }

    /// When what would be tried again at `at` is: not in the night of whoever gets it, unless it had no time left then.
    pub fn again(
        &self,
        notice: &Notice,
        to: &Recipient,
        clocks: impl FnOnce(&Recipient) -> Clocks,
        at: DateTime<Utc>,
    ) -> DateTime<Utc> {
        if !self.spares(&notice.facts) || !self.concerns(to) {
            return at;
        }
        let until = self.awake_by(clocks(to)).and_then(|awake| awake.next_open(at));
        until.filter(|until| *until + TRIES < notice.expires).unwrap_or(at)
    }

    /// When somebody may be told; None: always.
    fn awake_by(&self, Clocks { zone, night }: Clocks) -> Option<OpeningHours> {
        let own = night.and_then(|night| self.nights.get(night));
        let awake = own.map_or(self.awake.as_ref(), |own| own.awake.as_ref())?;
        Some(awake.on_clocks_of(zone))
    }

    /// When the first of those who get a notice is told.
    pub fn first_told(
        &self,
        notice: &NewNotice,
        clocks: impl Fn(&Recipient) -> Clocks,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let held = self.hold(notice.clone(), clocks, now).held;
        notice.recipients.iter().map(|to| held.get(&to.key()).copied().unwrap_or(now)).min().unwrap_or(now)
    }

    /// How many of such may be sent to a recipient within an hour. What is critical, what somebody asked for and what goes on since nobody has it don't count.
    pub fn limit(&self, facts: &Facts) -> Option<u32> {
        let counts = facts.severity() < Severity::Critical
            && facts.kind() != NoticeKind::Test
            && !matches!(facts, Facts::Climbed(_));
        self.per_hour.filter(|_| counts)
    }

    /// Whether what waits may stand in one mail with other things. What has an entry for calendars, asks whether somebody subscribes, or goes on since nobody has it,
    /// and a test, is a mail of its own.
    pub fn gathers(&self, facts: &Facts) -> bool {
        let by_itself = matches!(facts, Facts::Climbed(_) | Facts::Subscribe { .. } | Facts::Test { .. });
        self.together && !by_itself && !has_its_time(facts)
    }

    /// Whether anything ever waits.
    pub fn holds(&self) -> bool {
        self.awake.is_some() || self.per_hour.is_some() || self.nights.iter().any(|own| own.awake.is_some())
    }

    /// Whether a recipient may be disturbed at all: a place where people look when they like is not.
    fn concerns(&self, to: &Recipient) -> bool {
        !to.is_place() && (self.channels.is_empty() || self.channels.contains(&to.channel))
    }
}

/// What leaves in the morning must have so much time left, for a second and a third try.
pub const TRIES: TimeDelta = TimeDelta::minutes(30);

/// Whether what is told is true only until a certain time: what is planned.
pub fn has_its_time(facts: &Facts) -> bool {
    matches!(facts, Facts::OutageWord(word) if word.plan.is_some())
}

/// When those who get a notice may be told, by [`Recipient::key`]; who isn't there may be at any time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Awake(BTreeMap<String, Arc<OpeningHours>>);

impl Awake {
    /// The first time from `at` on at which one of them may be told.
    pub fn next(&self, to: &str, at: DateTime<Utc>) -> DateTime<Utc> {
        self.0.get(to).and_then(|awake| awake.next_open(at)).unwrap_or(at)
    }

    fn insert(&mut self, to: String, awake: &Arc<OpeningHours>) {
        self.0.insert(to, Arc::clone(awake));
    }
}

mod night;
pub use night::{Arranged, Night, unknown_units};

#[cfg(test)]
mod tests {
    use chrono::Weekday;
    use chrono_tz::America::New_York;
    use chrono_tz::Europe::{Helsinki, Stockholm};

    use super::*;
    use crate::domain::notice::{EventKey, PlanTold};
    use crate::domain::testing::outage_word;

    const WEEK: [Weekday; 7] =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

    fn quiet() -> Quiet {
        let usual = OpeningHours::usual(Tz::UTC, Arc::default());
        let awake = WEEK.into_iter().try_fold(usual, |hours, day| hours.with(day, "06:00-22:00")).unwrap();
        Quiet { awake: Some(awake), ..Quiet::default() }
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
        let clocks =
            |to: &Recipient| Clocks { zone: zone(to), night: Some(0).filter(|_| &*to.name == "owl") };
        quiet.hold(notice, clocks, now).held.iter().map(line).collect()
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
    fn who_has_a_night_of_their_own_is_left_alone_in_that_one_by_their_own_clocks() {
        let usual = OpeningHours::usual(Tz::UTC, Arc::default());
        let late = WEEK.into_iter().try_fold(usual, |hours, day| hours.with(day, "10:00-24:00")).unwrap();
        let night = |awake| Night { name: "owl".into(), contacts: vec![], units: vec![], awake };
        let with = |awake| Quiet { nights: vec![night(awake)], ..quiet() };
        let all = || vec![to("se"), to("owl"), to("fi")];
        // 22:30 in Stockholm, 23:30 in Helsinki; and 06:30 and 07:30.
        let held = |quiet: &Quiet, now| held(quiet, Severity::Major, all(), now, 48);
        assert_eq!(held(&with(Some(late.clone())), "2026-07-06T20:30:00Z"), ["fi 07 03:00", "se 07 04:00"]);
        assert_eq!(held(&with(Some(late.clone())), "2026-07-06T04:30:00Z"), ["owl 06 08:00"]);
        assert_eq!(held(&with(None), "2026-07-06T20:30:00Z"), ["fi 07 03:00", "se 07 04:00"], "never");
        let only = Quiet { awake: None, ..with(Some(late)) };
        assert_eq!(held(&only, "2026-07-06T23:30:00Z"), ["owl 07 08:00"]);
    }

    #[test]
    fn the_night_ends_at_six_also_when_the_clocks_change_in_it() {
        let one = || vec![to("se")];
        assert_eq!(held(&quiet(), Severity::Minor, one(), "2026-03-28T22:00:00Z", 48), ["se 29 04:00"]);
        assert_eq!(held(&quiet(), Severity::Minor, one(), "2026-10-24T21:00:00Z", 48), ["se 25 05:00"]);
    }

    #[test]
    fn what_waits_is_tried_as_long_afterwards_but_for_what_is_over_by_then() {
        let now = at("2026-07-06T20:30:00Z");
        let plan = |lives: TimeDelta, planned: bool| {
            let mut word = outage_word(1, "x", "", Severity::Minor, now);
            word.plan = planned.then_some(PlanTold { from: now, until: now, sequence: 0 });
            let facts = Facts::OutageWord(Box::new(word));
            let notice = NewNotice::new(EventKey("e".into()), facts, vec![to("se")], now + lives);
            let held = quiet().hold(notice, |_| Clocks { zone: Stockholm, night: None }, now);
            (held.held.len(), held.expires - now)
        };
        let (night, day) = (TimeDelta::minutes(7 * 60 + 30), TimeDelta::hours(24));
        assert_eq!(plan(TimeDelta::hours(1), false), (1, TimeDelta::hours(1) + night));
        assert_eq!(plan(day, true), (1, day));
        assert_eq!(plan(night + TRIES, true), (0, night + TRIES), "no time would be left");
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
