//! Maintenance as an entry for people's calendars (iCalendar, RFC 5545; as a message RFC 5546).

use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType};
use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::domain::content_lines::{escaped, fold};
use crate::domain::mailbox::Address;
use crate::domain::notice::{About, OutageWord, PlanTold};
use crate::domain::outage::State;

/// A calendar that says one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// What is done with it: `PUBLISH`, or `CANCEL`.
    pub method: &'static str,
    /// The calendar.
    pub text: String,
}

/// What an entry says to whoever reads it, in their language and by their clocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its line in a calendar.
    pub summary: String,
    /// The last word, and what is concerned.
    pub description: String,
    /// The clocks that its times are on.
    pub zone: Tz,
}

/// The entry of maintenance, as of a word that was said `at`, of the installation `instance`, by `organizer`. None for an incident.
///
/// Whoever it doesn't concern any more is to take it out. The entry has the same identity from the first word to the last, so that one that is moved or cancelled takes the place of the
/// one before.
pub fn part(
    word: &OutageWord,
    at: DateTime<Utc>,
    instance: u64,
    organizer: &Address,
    entry: &Entry,
) -> Option<Part> {
    let plan = word.plan.as_ref()?;
    let cancelled = word.state == State::Cancelled || word.about == About::Left;
    let method = if cancelled { "CANCEL" } else { "PUBLISH" };
    let mut text = String::new();
    let mut line = |line: &str| fold(&mut text, line);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//Budkavle//Maintenance//EN");
    line("CALSCALE:GREGORIAN");
    line(&format!("METHOD:{method}"));
    let (zone, [from, until]) = times(plan, entry.zone);
    zone.lines().for_each(&mut line);
    line("BEGIN:VEVENT");
    line(&format!("UID:budkavle-{instance:016x}-maintenance-{}", word.id));
    line(&format!("SEQUENCE:{}", plan.sequence));
    line(&format!("DTSTAMP:{}", utc(at)));
    line(&format!("DTSTART{from}"));
    line(&format!("DTEND{until}"));
    line(&format!("ORGANIZER:{}", mailto(organizer)));
    line(&format!("SUMMARY:{}", escaped(&entry.summary)));
    line(&format!("DESCRIPTION:{}", escaped(&entry.description)));
    line(if cancelled { "STATUS:CANCELLED" } else { "STATUS:CONFIRMED" });
    // It takes nobody's time: who reads it can be booked all the same.
    line("TRANSP:TRANSPARENT");
    line("END:VEVENT");
    line("END:VCALENDAR");
    Some(Part { method, text })
}

/// How the zone's clocks go, and when it begins and ends by them.
///
/// In UTC, without a zone, where those are the clocks, and where they show one of the times twice: programs differ in which they take.
fn times(plan: &PlanTold, zone: Tz) -> (String, [String; 2]) {
    let times = [plan.from, plan.until];
    let is_once = |at: &DateTime<Utc>| {
        let wall = at.with_timezone(&zone).naive_local();
        matches!(zone.from_local_datetime(&wall), LocalResult::Single(_))
    };
    let described = (zone != Tz::UTC && times.iter().all(is_once)).then(|| described(zone, plan)).flatten();
    let Some(described) = described else { return (String::new(), times.map(|at| format!(":{}", utc(at)))) };
    let wall = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y%m%dT%H%M%S");
    (described, times.map(|at| format!(";TZID={}:{}", zone.name(), wall(at))))
}

/// The zone as a component of the calendar (§3.6.5), for readers that don't know it by its name. Of whole years, from that before the entry to that after it: then its
/// rules are seen to go on, and have no end, which not every reader understands.
fn described(zone: Tz, plan: &PlanTold) -> Option<String> {
    let new_year =
        |year| Some(NaiveDate::from_yo_opt(year, 1)?.and_time(NaiveTime::MIN).and_utc().timestamp());
    let (from, until) = (new_year(plan.from.year() - 1)?, new_year(plan.until.year() + 2)?);
    let root = ICalendarComponent::new(ICalendarComponentType::VCalendar);
    let mut calendar = ICalendar { components: vec![root] };
    calendar.add_timezone(zone.name(), from, until)?;
    let text = calendar.to_string();
    let (_, text) = text.split_once("BEGIN:VCALENDAR")?;
    Some(text.split_once("END:VCALENDAR")?.0.trim().to_owned())
}

/// An address as a URI (RFC 6068 §2): what isn't one of its characters is percent-encoded.
fn mailto(address: &Address) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$'*+@".contains(&b);
    let octet = |b: u8| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    format!("mailto:{}", address.as_str().bytes().map(octet).collect::<String>())
}

fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ical::{Busy, Window, read};
    use crate::domain::notice::PlanTold;
    use crate::domain::outage::tests::now;
    use crate::domain::outage::{Severity, Update};
    use crate::domain::{audit::Actor, ids::OutageId};

    fn word(state: State, title: &str, text: &str) -> OutageWord {
        OutageWord {
            id: OutageId(7),
            title: title.into(),
            severity: Severity::Minor,
            state,
            services: vec!["Storage".into()],
            dependent: vec!["E-mail".into()],
            units: vec![],
            updates: vec![Update { at: now(), by: Actor::System, state, text: text.into(), said: None }],
            earlier: 0,
            plan: Some(PlanTold { from: now(), until: now() + TimeDelta::hours(2), sequence: 3 }),
            about: About::Word,
        }
    }

    fn calendar(word: &OutageWord) -> Part {
        calendar_in(word, Tz::UTC)
    }

    fn calendar_in(word: &OutageWord, zone: Tz) -> Part {
        let entry = Entry {
            zone,
            summary: format!("Maintenance: {}", word.title),
            description: format!("{}\nServices: {}", word.updates[0].text, word.services.join(", ")),
        };
        part(word, now(), 7, &"it@kommun.example".parse().unwrap(), &entry).unwrap()
    }

    #[test]
    fn it_says_what_is_planned_and_what_is_cancelled() {
        let planned =
            calendar(&word(State::Planned, "New disks; storage, mail", "Two hours.\nNothing works."));
        assert_eq!(planned.method, "PUBLISH");
        insta::assert_snapshot!(planned.text.replace("\r\n", "\n"), @r"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//Budkavle//Maintenance//EN
        CALSCALE:GREGORIAN
        METHOD:PUBLISH
        BEGIN:VEVENT
        UID:budkavle-0000000000000007-maintenance-7
        SEQUENCE:3
        DTSTAMP:20260706T080000Z
        DTSTART:20260706T080000Z
        DTEND:20260706T100000Z
        ORGANIZER:mailto:it@kommun.example
        SUMMARY:Maintenance: New disks\; storage\, mail
        DESCRIPTION:Two hours.\nNothing works.\nServices: Storage
        STATUS:CONFIRMED
        TRANSP:TRANSPARENT
        END:VEVENT
        END:VCALENDAR
        ");
        let cancelled = calendar(&word(State::Cancelled, "New disks", "Not today."));
        assert_eq!(cancelled.method, "CANCEL");
        assert!(
            cancelled.text.contains("METHOD:CANCEL\r\n") && cancelled.text.contains("STATUS:CANCELLED\r\n")
        );
        let left =
            calendar(&OutageWord { about: About::Left, ..word(State::Planned, "New disks", "Two hours.") });
        assert_eq!(left.method, "CANCEL", "it concerns somebody else");
        let uid = |part: &Part| part.text.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned();
        assert_eq!(uid(&planned), uid(&cancelled));
        let incident = OutageWord { plan: None, ..word(State::Resolved, "x", "x") };
        let entry = Entry { summary: String::new(), description: String::new(), zone: Tz::UTC };
        assert_eq!(part(&incident, now(), 7, &"it@kommun.example".parse().unwrap(), &entry), None);
    }

    /// An entry of this time on the clocks of a zone.
    fn entry(zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> String {
        let plan = Some(PlanTold { from, until, sequence: 0 });
        calendar_in(&OutageWord { plan, ..word(State::Planned, "x", "x") }, zone).text
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().unwrap()
    }

    #[test]
    fn it_is_on_the_readers_clocks_and_says_how_they_go() {
        // The clocks go back while it lasts.
        let text = entry(Tz::Europe__Stockholm, at("2026-10-24T23:00:00Z"), at("2026-10-25T02:00:00Z"));
        let of_zone = |line: &&str| !line.starts_with("SUMMARY") && !line.starts_with("DESCRIPTION");
        let lines: Vec<&str> = text.lines().skip(5).filter(of_zone).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        BEGIN:VTIMEZONE
        TZID:Europe/Stockholm
        BEGIN:STANDARD
        DTSTART:20250101T010000
        TZOFFSETFROM:+0100
        TZOFFSETTO:+0100
        TZNAME:CET
        END:STANDARD
        BEGIN:DAYLIGHT
        DTSTART:20250330T020000
        TZOFFSETFROM:+0100
        TZOFFSETTO:+0200
        TZNAME:CEST
        RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
        END:DAYLIGHT
        BEGIN:STANDARD
        DTSTART:20251026T030000
        TZOFFSETFROM:+0200
        TZOFFSETTO:+0100
        TZNAME:CET
        RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
        END:STANDARD
        END:VTIMEZONE
        BEGIN:VEVENT
        UID:budkavle-0000000000000007-maintenance-7
        SEQUENCE:0
        DTSTAMP:20260706T080000Z
        DTSTART;TZID=Europe/Stockholm:20261025T010000
        DTEND;TZID=Europe/Stockholm:20261025T030000
        ORGANIZER:mailto:it@kommun.example
        STATUS:CONFIRMED
        TRANSP:TRANSPARENT
        END:VEVENT
        END:VCALENDAR
        ");
        for (zone, times) in [
            ("Asia/Kolkata", ["20261025T043000", "20261025T073000"]),
            ("Atlantic/Reykjavik", ["20261024T230000", "20261025T020000"]),
            ("Australia/Lord_Howe", ["20261025T100000", "20261025T130000"]),
        ] {
            let text = entry(zone.parse().unwrap(), at("2026-10-24T23:00:00Z"), at("2026-10-25T02:00:00Z"));
            let [from, until] = times.map(|time| format!("TZID={zone}:{time}\r\n"));
            assert!(text.contains(&format!("DTSTART;{from}DTEND;{until}")), "{text}");
            assert!(text.contains("BEGIN:STANDARD\r\n"), "{text}");
            assert_eq!(text.contains("BEGIN:DAYLIGHT\r\n"), zone.starts_with("Australia"), "{text}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_is_in_utc() {
        for (from, until) in [
            ("2026-10-25T01:30:00Z", "2026-10-25T04:00:00Z"),
            ("2026-10-24T20:00:00Z", "2026-10-25T00:30:00Z"),
        ] {
            let text = entry(Tz::Europe__Stockholm, at(from), at(until));
            let [from, until] = [from, until].map(|time| time.replace(['-', ':'], ""));
            assert!(text.contains(&format!("DTSTART:{from}\r\nDTEND:{until}\r\n")), "{text}");
            assert!(!text.contains("VTIMEZONE") && !text.contains("TZID"), "{text}");
        }
    }

    #[test]
    fn the_organizer_is_a_uri() {
        for (address, uri) in [
            ("it@kommun.example", "mailto:it@kommun.example"),
            ("a%b#c?d/e@x.example", "mailto:a%25b%23c%3Fd%2Fe@x.example"),
            ("it+drift@växjö.example", "mailto:it+drift@v%C3%A4xj%C3%B6.example"),
        ] {
            assert_eq!(mailto(&address.parse().unwrap()), uri);
        }
    }

    proptest! {
        /// By the project's own reader of calendars.
        #[test]
        fn what_is_written_is_read_again(title in "\\PC{1,120}", text in "(\\PC|\n){0,300}") {
            let part = calendar(&word(State::Planned, &title, &text));
            let window = Window { from: now() - TimeDelta::days(1), until: now() + TimeDelta::days(1) };
            let events = read(part.text.as_bytes(), Tz::UTC, window, |_, _| true).unwrap();
            let [event] = events.as_slice() else { panic!("{} events", events.len()) };
            prop_assert_eq!((event.from, event.until), (now(), now() + TimeDelta::hours(2)));
            prop_assert_eq!(event.busy, Busy::Free);
            prop_assert!(part.text.split("\r\n").all(|line| line.len() <= 75));
        }

        /// By the zone's name, and by a reader that only has its description.
        #[test]
        fn every_zone_keeps_the_moments(
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS),
            // From 1972, since when offsets are whole minutes but for Liberia's.
            from in 63_072_000_i64..4_070_000_000,
            long in 1_i64..60 * 86_400,
        ) {
            let from = DateTime::from_timestamp(from, 0).unwrap();
            let until = from + TimeDelta::seconds(long);
            let text = entry(zone, from, until);
            let described = text.replace(&format!("TZID:{}", zone.name()), "TZID:Ours");
            let described = described.replace(&format!("TZID={}", zone.name()), "TZID=Ours");
            prop_assert_eq!(text.contains("TZID"), described.contains("Ours"));
            let window = Window { from: from - TimeDelta::days(1), until: until + TimeDelta::days(1) };
            for text in [text, described] {
                let events = read(text.as_bytes(), Tz::Pacific__Apia, window, |_, _| true).unwrap();
                let [event] = events.as_slice() else { panic!("{} events: {text}", events.len()) };
                prop_assert_eq!((event.from, event.until), (from, until), "{}", text);
            }
        }
    }
}
