//! Absences as a calendar (iCalendar, RFC 5545) that programs of people can show.

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;

use super::Absence;
use crate::domain::content_lines::{escaped, fold};
use crate::domain::ids::UserId;
use crate::domain::moment::{self, Spelled};
use crate::domain::organisation::Organisation;
use crate::domain::roles::Holder;

/// A calendar with an event for each absence, of the installation `instance`. An event is out of office as Exchange says it, and free as the
/// standard does, so that it doesn't take the time of whoever shows the calendar.
pub fn calendar(
    organisation: &Organisation,
    absences: &[Absence],
    zone: Tz,
    instance: u64,
    now: DateTime<Utc>,
) -> String {
    let mut text = String::new();
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Budkavle//Absences//EN"] {
        fold(&mut text, line);
    }
    for absence in absences {
        event(&mut text, organisation, absence, zone, &format!("{instance:016x}"), now);
    }
    fold(&mut text, "END:VCALENDAR");
    text
}

fn event(
    text: &mut String,
    organisation: &Organisation,
    absence: &Absence,
    zone: Tz,
    instance: &str,
    now: DateTime<Utc>,
) {
    let name = |id: UserId| organisation.holder_name(&Holder::User(id));
    let who = name(absence.user);
    let note = absence.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let [start, end] = times(absence, zone);
    let mut line = |line: &str| fold(text, line);
    line("BEGIN:VEVENT");
    line(&format!("UID:budkavle-{instance}-absence-{}", absence.id));
    line(&format!("DTSTAMP:{}", utc(now)));
    line(&format!("DTSTART{start}"));
    line(&format!("DTEND{end}"));
    line(&format!("SUMMARY:{}", escaped(&format!("{who} is away{note}"))));
    if let Some(deputy) = absence.deputy {
        line(&format!("DESCRIPTION:{}", escaped(&format!("{} stands in.", name(deputy)))));
    }
    if let Some(mail) = organisation.user(absence.user).and_then(|user| user.address()) {
        // Quotation marks can't stand in a parameter (§3.2).
        let name: String = who.chars().filter(|c| *c != '"' && !c.is_control()).collect();
        line(&format!("ATTENDEE;CN=\"{name}\":mailto:{mail}"));
    }
    line("TRANSP:TRANSPARENT");
    line("X-MICROSOFT-CDO-BUSYSTATUS:OOF");
    line("END:VEVENT");
}

/// The start and the end: days when it is made of whole ones, of which the last doesn't belong to it (§3.6.1).
fn times(absence: &Absence, zone: Tz) -> [String; 2] {
    let (from, until) = moment::written(absence.from, absence.until, &zone);
    if let (Some(Spelled::Day(first)), Some(Spelled::Day(last))) =
        (moment::spelled(&from), moment::spelled(&until))
        && let Some(after) = last.checked_add_days(Days::new(1))
    {
        return [first, after].map(|day| format!(";VALUE=DATE:{}", day.format("%Y%m%d")));
    }
    [absence.from, absence.until].map(|at| format!(":{}", utc(at)))
}

fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::absence::Origin;
    use crate::domain::ical::{Busy, Window, read};
    use crate::domain::ids::AbsenceId;
    use crate::domain::testing::{World, directory_of, hour, user, user_id};

    #[test]
    fn it_says_who_is_away_and_who_stands_in() {
        let mut world = World::new(directory_of([user(1, 0), user(2, 0)], [], []));
        world.away(1, 0, 48, Some(2));
        world.away(2, 8, 16, None);
        world.absences[1].note = Some("dentist, at nine; \"again\"".into());
        let organisation = world.organisation();
        let text = calendar(&organisation, &world.absences, Tz::UTC, 7, hour(0));
        insta::assert_snapshot!(text.replace("\r\n", "\n"), @r#"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//Budkavle//Absences//EN
        BEGIN:VEVENT
        UID:budkavle-0000000000000007-absence-1
        DTSTAMP:20260706T000000Z
        DTSTART;VALUE=DATE:20260706
        DTEND;VALUE=DATE:20260708
        SUMMARY:User 1 is away
        DESCRIPTION:User 2 stands in.
        ATTENDEE;CN="User 1":mailto:u1@org.example
        TRANSP:TRANSPARENT
        X-MICROSOFT-CDO-BUSYSTATUS:OOF
        END:VEVENT
        BEGIN:VEVENT
        UID:budkavle-0000000000000007-absence-2
        DTSTAMP:20260706T000000Z
        DTSTART:20260706T080000Z
        DTEND:20260706T160000Z
        SUMMARY:User 2 is away (dentist\, at nine\; "again")
        ATTENDEE;CN="User 2":mailto:u2@org.example
        TRANSP:TRANSPARENT
        X-MICROSOFT-CDO-BUSYSTATUS:OOF
        END:VEVENT
        END:VCALENDAR
        "#);
    }

    proptest! {
        /// By the reader of calendars.
        #[test]
        fn what_is_written_is_read_again(
            periods in prop::collection::vec((-400_i64..400, 1_i64..200, prop::option::of("\\PC{1,80}")), 0..6),
            zone in prop::sample::select(&[Tz::UTC, Tz::Europe__Stockholm, Tz::America__Havana]),
        ) {
            let world = World::new(directory_of([user(1, 0)], [], []));
            let absence = |(n, (from, long, note)): (u64, (i64, i64, Option<String>))| Absence {
                id: AbsenceId(n),
                user: user_id(1),
                from: hour(from),
                until: hour(from + long),
                deputy: None,
                note: note.map(Box::from),
                origin: Origin::ByHand,
            };
            let absences: Vec<Absence> = (1..).zip(periods).map(absence).collect();
            let text = calendar(&world.organisation(), &absences, zone, 7, hour(0));
            let window = Window { from: hour(-10_000), until: hour(10_000) };
            let events = read(text.as_bytes(), zone, window, |_, _| true).unwrap();
            prop_assert_eq!(events.len(), absences.len());
            for (event, absence) in events.iter().zip(&absences) {
                prop_assert_eq!((event.from, event.until, event.busy), (absence.from, absence.until, Busy::OutOfOffice));
                prop_assert_eq!(&*event.people, &[Box::from("u1@org.example")]);
            }
            let longest = text.split("\r\n").map(str::len).max();
            prop_assert!(longest <= Some(75));
        }
    }
}
