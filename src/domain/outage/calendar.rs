//! Maintenance as an entry for people's calendars (iCalendar, RFC 5545; as a message RFC 5546).

use chrono::{DateTime, Utc};

use crate::domain::content_lines::{escaped, fold};
use crate::domain::mailbox::Address;
use crate::domain::notice::{About, OutageWord};
use crate::domain::outage::State;

/// A calendar that says one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// What is done with it: `PUBLISH`, or `CANCEL`.
    pub method: &'static str,
    /// The calendar.
    pub text: String,
}

/// What an entry says to whoever reads it, in their language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its line in a calendar.
    pub summary: String,
    /// The last word, and what is concerned.
    pub description: String,
}

/// The entry of maintenance, as of a word that was said `at`, of the installation `instance`, by `organizer`. None for an incident.
///
/// Whoever it doesn't concern any more is to take it out. The entry has the same identity from the first word to the last, so that one that is moved or cancelled takes the place of the
/// one before. Its times are in UTC: no calendar needs to know the zone to show it right.
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
    line("BEGIN:VEVENT");
    line(&format!("UID:budkavle-{instance:016x}-maintenance-{}", word.id));
    line(&format!("SEQUENCE:{}", plan.sequence));
    line(&format!("DTSTAMP:{}", utc(at)));
    line(&format!("DTSTART:{}", utc(plan.from)));
    line(&format!("DTEND:{}", utc(plan.until)));
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
            updates: vec![Update { at: now(), by: Actor::System, state, text: text.into() }],
            earlier: 0,
            plan: Some(PlanTold { from: now(), until: now() + TimeDelta::hours(2), sequence: 3 }),
            about: About::Word,
        }
    }

    fn calendar(word: &OutageWord) -> Part {
        let entry = Entry {
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
        let entry = Entry { summary: String::new(), description: String::new() };
        assert_eq!(part(&incident, now(), 7, &"it@kommun.example".parse().unwrap(), &entry), None);
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
    }
}
