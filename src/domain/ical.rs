//! Reads iCalendar (RFC 5545): what Exchange, Google and others publish of a person's calendar.
//!
//! Only what says who is away is understood: events, their repetitions, and time zones by IANA's or Windows' name. Whatever else stands in a
//! calendar is passed over. It is hostile until parsed: lines, nesting, events and repetitions have limits, and a mistake has its line.

mod lines;
mod repeat;
#[cfg(test)]
mod tests;
mod time;
mod zone;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use super::table::{LineError, LineErrors, text_of};
use lines::{Component, Line, components};
use time::{When, duration, instant, when};
use zone::Zones;

/// The largest calendar that is read, in bytes.
pub const LARGEST: usize = 10 * 1024 * 1024;
/// So many events are read at most, repetitions included.
const MOST_EVENTS: usize = 100_000;
/// After so many mistakes no further rule is followed.
const HOPELESS: usize = 3;
/// No event of a calendar of holidays has more days.
const LONGEST: i64 = 730;
/// So many of them may repeat.
const MOST_RULES: usize = 2_000;

/// Whether an event takes its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Busy {
    /// It doesn't: `TRANSP:TRANSPARENT`, or Exchange's `FREE`, `TENTATIVE` and `WORKINGELSEWHERE`.
    Free,
    /// It does.
    Busy,
    /// Exchange's `OOF`: its person isn't there at all.
    OutOfOffice,
}

/// One event, or one of its repetitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The line that it begins on.
    pub line: u64,
    /// Its first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// When it is of whole days: the first and the last of them.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// What it is called.
    pub summary: Box<str>,
    /// Whether it takes its time.
    pub busy: Busy,
    /// The addresses of those who take part; of the organiser when nobody is named.
    pub people: Vec<Box<str>>,
}

/// From when to when events are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// What has ended before this is left out.
    pub from: DateTime<Utc>,
    /// So far repetitions are followed.
    pub until: DateTime<Utc>,
}

/// Reads a calendar. Times without a zone are those of `zone`, unless the calendar names one.
///
/// # Errors
/// What isn't a calendar, and each event that isn't understood.
pub fn read(bytes: &[u8], zone: Tz, window: Window) -> Result<Vec<Event>, LineErrors> {
    if bytes.len() > LARGEST {
        let what = format!("this is larger than {} MiB; publish a shorter period", LARGEST / 1024 / 1024);
        return Err(LineError::of_line(1, what).into());
    }
    let (text, _) = text_of(bytes).map_err(|what| LineErrors::from(LineError::of_line(1, what)))?;
    let calendar = components(&text).map_err(LineErrors::from)?;
    let zone = calendar.zone.as_deref().and_then(time::zone_named).unwrap_or(zone);
    let zones = Zones::new(zone, &calendar.zones, window);
    let (mut errors, mut read) = (LineErrors::default(), Vec::new());
    for component in &calendar.events {
        read.extend(errors.take(raw(component, &zones)).flatten());
    }
    if read.iter().filter(|raw| raw.rule.is_some()).count() > MOST_RULES {
        let what = format!("more than {MOST_RULES} events repeat; publish a shorter period");
        errors.push(LineError::of_line(1, what));
        return errors.or(Vec::new());
    }
    // A repetition that was moved or changed stands there as an event of its own.
    let mut moved: HashMap<&str, BTreeSet<DateTime<Utc>>> = HashMap::new();
    for (uid, at) in read.iter().filter_map(|raw| Some((&*raw.uid, raw.in_place_of?))) {
        moved.entry(uid).or_default().insert(at);
    }
    let (none, mut events) = (BTreeSet::new(), Vec::new());
    for raw in &read {
        let left_out = if raw.in_place_of.is_some() { &none } else { moved.get(&*raw.uid).unwrap_or(&none) };
        let Some(found) = errors.take(raw.events(window, left_out)) else {
            // To find that a rule never comes true takes a while.
            if errors.errors.len() >= HOPELESS {
                break;
            }
            continue;
        };
        events.extend(found);
        if events.len() > MOST_EVENTS {
            errors.push(LineError::of_line(raw.line, "is one event too many; publish a shorter period"));
            break;
        }
    }
    events.retain(|event| event.from < event.until && event.until > window.from && event.from < window.until);
    errors.or(events)
}

/// A day that a calendar closes, with its line and title.
pub type ClosedDay = (u64, NaiveDate, Box<str>);

/// The days of all events of whole days, as a calendar of holidays has them, from the year `from` to before the year `until`.
///
/// # Errors
/// As [`read`], and an event of more than two years.
pub fn closed_days(bytes: &[u8], from: i32, until: i32) -> Result<Vec<ClosedDay>, LineErrors> {
    let new_year = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    let (first, end) = (new_year(from), new_year(until));
    let at = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let (mut days, mut errors) = (Vec::new(), LineErrors::default());
    for event in read(bytes, Tz::UTC, Window { from: at(first), until: at(end) })? {
        let Some((from, until)) = event.days else { continue };
        if (until - from).num_days() > LONGEST {
            errors.push(LineError::of_line(event.line, "closes more than two years"));
            continue;
        }
        let all = from.iter_days().take_while(|day| *day <= until && *day < end).filter(|day| first <= *day);
        days.extend(all.map(|day| (event.line, day, event.summary.clone())));
    }
    errors.or(days)
}

/// An event as it stands there, with its repetitions still to come.
struct Raw {
    line: u64,
    uid: Box<str>,
    start: When,
    end: When,
    rule: Option<(u64, Box<str>)>,
    /// Further starts.
    also: Vec<When>,
    except: BTreeSet<DateTime<Utc>>,
    in_place_of: Option<DateTime<Utc>>,
    cancelled: bool,
    summary: Box<str>,
    busy: Busy,
    people: Vec<Box<str>>,
}

/// None for an event without a start, which takes no time.
fn raw(component: &Component, zones: &Zones) -> Result<Option<Raw>, LineError> {
    let find = |name: &str| component.lines.iter().find(|line| line.name == name);
    let all = |name: &'static str| component.lines.iter().filter(move |line| line.name == name);
    let text = |name: &str| find(name).map(|line| line.text()).unwrap_or_default();
    let Some(start) = find("DTSTART") else { return Ok(None) };
    let start = when(start, &start.value, zones)?;
    let end = match (find("DTEND"), find("DURATION")) {
        (Some(end), _) => when(end, &end.value, zones)?,
        (None, Some(line)) => start.after(duration(line)?),
        (None, None) if start.whole_day => start.after(chrono::TimeDelta::days(1)),
        (None, None) => start.clone(),
    };
    let list = |line: &Line| -> Result<Vec<When>, LineError> {
        line.value.split(',').map(|value| when(line, value, zones)).collect()
    };
    let (mut also, mut except) = (Vec::new(), BTreeSet::new());
    for line in all("EXDATE") {
        except.extend(list(line)?.iter().filter_map(instant));
    }
    for line in all("RDATE").filter(|line| line.parameter("VALUE") != Some("PERIOD")) {
        also.extend(list(line)?);
    }
    let moved = find("RECURRENCE-ID").map(|line| when(line, &line.value, zones)).transpose()?;
    let mails = |name| all(name).filter_map(|line: &Line| mail(&line.value)).collect::<Vec<Box<str>>>();
    let attendees = mails("ATTENDEE");
    Ok(Some(Raw {
        line: component.line,
        uid: text("UID").into(),
        start,
        end,
        rule: find("RRULE").map(|line| (line.line, line.value.as_str().into())),
        also,
        except,
        in_place_of: moved.as_ref().and_then(instant),
        cancelled: text("STATUS").eq_ignore_ascii_case("CANCELLED"),
        summary: super::table::shown(&text("SUMMARY")),
        busy: busy(&text("X-MICROSOFT-CDO-BUSYSTATUS"), &text("TRANSP")),
        people: if attendees.is_empty() { mails("ORGANIZER") } else { attendees },
    }))
}

/// Exchange says more than the standard, which knows only whether time is taken ([MS-OXCICAL] 2.1.3.1.1.20.31).
fn busy(exchange: &str, standard: &str) -> Busy {
    match exchange.to_ascii_uppercase().as_str() {
        "OOF" => Busy::OutOfOffice,
        "FREE" | "TENTATIVE" | "WORKINGELSEWHERE" => Busy::Free,
        "" if standard.eq_ignore_ascii_case("TRANSPARENT") => Busy::Free,
        _ => Busy::Busy,
    }
}

fn mail(value: &str) -> Option<Box<str>> {
    let (scheme, address) = value.split_once(':')?;
    (scheme.eq_ignore_ascii_case("mailto") && address.contains('@')).then(|| address.trim().into())
}

impl Raw {
    /// The event and its repetitions, but for those in `left_out`.
    fn events(&self, window: Window, left_out: &BTreeSet<DateTime<Utc>>) -> Result<Vec<Event>, LineError> {
        if self.cancelled {
            return Ok(Vec::new());
        }
        let mut starts: Vec<NaiveDateTime> = vec![self.start.wall];
        if let (Some((line, rule)), None) = (&self.rule, self.in_place_of) {
            starts = repeat::starts(rule, &self.start, window).map_err(|what| LineError {
                value: Some(super::table::shown(rule)),
                ..LineError::of_line(*line, what)
            })?;
        }
        starts.extend(self.also.iter().map(|also| also.wall));
        starts.sort_unstable();
        starts.dedup();
        // In wall time, so that eight to four stays eight to four when the clocks change in between.
        let long = self.end.wall.signed_duration_since(self.start.wall);
        let zones_differ = self.end.zone != self.start.zone;
        let event = |wall: NaiveDateTime| {
            let start = When { wall, ..self.start.clone() };
            let from = instant(&start)?;
            let until = if zones_differ {
                let long = instant(&self.end)?.signed_duration_since(instant(&self.start)?);
                from.checked_add_signed(long)?
            } else {
                instant(&start.after(long))?
            };
            let wanted = !self.except.contains(&from) && !left_out.contains(&from);
            let (line, summary, people) = (self.line, self.summary.clone(), self.people.clone());
            let last = wall.checked_add_signed(long).and_then(|end| end.date().pred_opt());
            let days =
                last.filter(|_| self.start.whole_day && self.end.whole_day).map(|last| (wall.date(), last));
            wanted.then_some(Event { line, from, until, days, summary, busy: self.busy, people })
        };
        Ok(starts.into_iter().filter_map(event).collect())
    }
}
