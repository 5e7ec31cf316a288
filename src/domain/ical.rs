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

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use super::table::{LineError, LineErrors, text_of};
use lines::{Component, Line, components};
use repeat::Effort;
use time::{Span, When, duration, instant, when};
use zone::Zones;

/// The largest calendar that is read, in bytes.
pub const LARGEST: usize = 10 * 1024 * 1024;
/// So many events are read of a calendar at most, repetitions included.
pub const MOST_EVENTS: usize = 100_000;
/// After so many mistakes no further rule is followed.
const HOPELESS: usize = 3;
/// No holiday, and no other time that is closed, has more days: nobody closes for two years.
pub const LONGEST: i64 = 730;
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

/// The addresses of those who take part in an event. All its repetitions share them: a calendar of 10 MiB can name 300,000 people, and repeat.
pub type People = Arc<[Box<str>]>;

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
    /// Those who take part; the organiser when nobody is named.
    pub people: People,
}

/// From when to when events are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// What has ended before this is left out.
    pub from: DateTime<Utc>,
    /// So far repetitions are followed.
    pub until: DateTime<Utc>,
}

/// Reads the events of a calendar that are `wanted`, by whether they take their time and by what they are called. Times without a zone are
/// those of `zone`, unless the calendar names one.
///
/// # Errors
/// What isn't a calendar, and each event that is wanted and isn't understood.
pub fn read(
    bytes: &[u8],
    zone: Tz,
    window: Window,
    wanted: impl Fn(Busy, &str) -> bool,
) -> Result<Vec<Event>, LineErrors> {
    if bytes.len() > LARGEST {
        let what = format!("this is larger than {} MiB; publish a shorter period", LARGEST / 1024 / 1024);
        return Err(LineError::of_line(1, what).into());
    }
    let (file, _) = text_of(bytes).map_err(|what| LineErrors::from(LineError::of_line(1, what)))?;
    let calendar = components(&file).map_err(LineErrors::from)?;
    let zone = calendar.zone.as_deref().and_then(time::zone_named).unwrap_or(zone);
    let mut effort = Effort::default();
    let zones = Zones::new(zone, &calendar.zones, window, &mut effort);
    let (mut errors, mut read) = (LineErrors::default(), Vec::new());
    // A repetition that was moved or changed stands there as an event of its own.
    let mut moved: HashMap<Box<str>, BTreeSet<DateTime<Utc>>> = HashMap::new();
    let wanted = |component: &&Component| {
        let cancelled = text(component, "STATUS").eq_ignore_ascii_case("CANCELLED");
        !cancelled && wanted(busy(component), &summary(component))
    };
    let wanted: Vec<&Component> = calendar.events.iter().filter(wanted).collect();
    let theirs: HashSet<String> = wanted.iter().map(|component| text(component, "UID")).collect();
    for component in calendar.events.iter().filter(|component| theirs.contains(&text(component, "UID"))) {
        if let Some(at) = errors.take(in_place_of(component, &zones)).flatten() {
            moved.entry(text(component, "UID").into()).or_default().insert(at);
        }
    }
    for component in wanted {
        read.extend(errors.take(raw(component, &zones)).flatten());
    }
    if read.iter().filter(|raw| raw.rule.is_some()).count() > MOST_RULES {
        let what = format!("more than {MOST_RULES} events repeat; publish a shorter period");
        errors.push(LineError::of_line(1, what));
        return errors.or(Vec::new());
    }
    let (none, mut events) = (BTreeSet::new(), Vec::new());
    for raw in &read {
        let left_out = if raw.moved { &none } else { moved.get(&raw.uid).unwrap_or(&none) };
        let Some(found) = errors.take(raw.events(window, left_out, &mut effort)) else {
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

/// The days of all events of whole days with their titles, as a calendar of holidays has them, from the year `from` to before the year `until`.
///
/// # Errors
/// As [`read`], and an event of more than two years.
pub fn closed_days(bytes: &[u8], from: i32, until: i32) -> Result<BTreeMap<NaiveDate, Box<str>>, LineErrors> {
    let new_year = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    let (first, end) = (new_year(from), new_year(until));
    let at = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let window = Window { from: at(first), until: at(end) };
    let (mut days, mut errors) = (BTreeMap::new(), LineErrors::default());
    for event in read(bytes, Tz::UTC, window, |_, _| true)? {
        let Some((from, until)) = event.days else { continue };
        if (until - from).num_days() > LONGEST {
            errors.push(LineError::of_line(event.line, "closes more than two years"));
            continue;
        }
        let all = from.iter_days().take_while(|day| *day <= until && *day < end).filter(|day| first <= *day);
        days.extend(all.map(|day| (day, event.summary.clone())));
    }
    errors.or(days)
}

/// When an event ends.
enum End {
    At(When),
    After(Span),
}

/// An event as it stands there, with its repetitions still to come.
struct Raw {
    line: u64,
    uid: Box<str>,
    start: When,
    end: End,
    rule: Option<(u64, Box<str>)>,
    /// Further starts.
    also: Vec<DateTime<Utc>>,
    /// Further starts with their ends.
    periods: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    except: BTreeSet<DateTime<Utc>>,
    /// It takes the place of a repetition of another one.
    moved: bool,
    summary: Box<str>,
    busy: Busy,
    people: People,
}

/// None for an event without a start, which takes no time.
fn raw(component: &Component, zones: &Zones) -> Result<Option<Raw>, LineError> {
    let find = |name: &str| find(component, name);
    let all = |name: &'static str| component.lines.iter().filter(move |line| line.name == name);
    let Some(start) = find("DTSTART") else { return Ok(None) };
    let start = when(start, &start.value, zones)?;
    let end = match (find("DTEND"), find("DURATION")) {
        (Some(end), _) => End::At(when(end, &end.value, zones)?),
        (None, Some(line)) => End::After(duration(line, &line.value)?),
        (None, None) => End::After(Span::days(start.whole_day.into())),
    };
    let list = |line: &Line| -> Result<Vec<When>, LineError> {
        line.value.split(',').map(|value| when(line, value, zones)).collect()
    };
    let (mut also, mut periods, mut except) = (Vec::new(), Vec::new(), BTreeSet::new());
    for line in all("EXDATE") {
        except.extend(list(line)?.iter().filter_map(instant));
    }
    for line in all("RDATE") {
        if is(line, "VALUE", "PERIOD") {
            let all = line.value.split(',').map(|value| period(line, value, zones));
            periods.extend(all.collect::<Result<Vec<_>, _>>()?);
        } else {
            also.extend(list(line)?.iter().filter_map(instant));
        }
    }
    let goes = |line: &&Line| !is(line, "PARTSTAT", "DECLINED");
    let mails = |name| all(name).filter(goes).filter_map(|line| mail(&line.value)).collect::<Vec<Box<str>>>();
    let attendees = mails("ATTENDEE");
    Ok(Some(Raw {
        line: component.line,
        uid: text(component, "UID").into(),
        start,
        end,
        rule: find("RRULE").map(|line| (line.line, line.value.as_str().into())),
        also,
        periods,
        except,
        moved: find("RECURRENCE-ID").is_some(),
        summary: summary(component),
        busy: busy(component),
        people: if attendees.is_empty() { mails("ORGANIZER") } else { attendees }.into(),
    }))
}

fn find<'c>(component: &'c Component, name: &str) -> Option<&'c Line> {
    component.lines.iter().find(|line| line.name == name)
}

fn text(component: &Component, name: &str) -> String {
    find(component, name).map(Line::text).unwrap_or_default()
}

fn summary(component: &Component) -> Box<str> {
    super::table::shown(&text(component, "SUMMARY"))
}

fn is(line: &Line, parameter: &str, value: &str) -> bool {
    line.parameter(parameter).is_some_and(|found| found.eq_ignore_ascii_case(value))
}

/// The repetition that an event takes the place of.
fn in_place_of(component: &Component, zones: &Zones) -> Result<Option<DateTime<Utc>>, LineError> {
    let Some(line) = find(component, "RECURRENCE-ID") else { return Ok(None) };
    if is(line, "RANGE", "THISANDFUTURE") {
        return Err(line.wrong(
            "changes all repetitions from there on, which isn't understood; end the repetition there, and begin another",
        ));
    }
    Ok(instant(&when(line, &line.value, zones)?))
}

/// From one moment until another, or so long (RFC 5545 §3.3.9).
fn period(line: &Line, value: &str, zones: &Zones) -> Result<(DateTime<Utc>, DateTime<Utc>), LineError> {
    let wrong =
        || line.wrong("is no period; 20260706T060000Z/20260706T140000Z and 20260706T060000Z/PT8H are");
    let (from, until) = value.trim().split_once('/').ok_or_else(wrong)?;
    let from = when(line, from, zones)?;
    let until = if until.starts_with('P') {
        duration(line, until)?.end(&from)
    } else {
        instant(&when(line, until, zones)?)
    };
    instant(&from).zip(until).ok_or_else(wrong)
}

/// Exchange says more than the standard, which knows only whether time is taken ([MS-OXCICAL] 2.1.3.1.1.20.31).
fn busy(component: &Component) -> Busy {
    match text(component, "X-MICROSOFT-CDO-BUSYSTATUS").to_ascii_uppercase().as_str() {
        "OOF" => Busy::OutOfOffice,
        "FREE" | "TENTATIVE" | "WORKINGELSEWHERE" => Busy::Free,
        "" if text(component, "TRANSP").eq_ignore_ascii_case("TRANSPARENT") => Busy::Free,
        _ => Busy::Busy,
    }
}

fn mail(value: &str) -> Option<Box<str>> {
    let (scheme, address) = value.split_once(':')?;
    (scheme.eq_ignore_ascii_case("mailto") && address.contains('@')).then(|| address.trim().into())
}

impl Raw {
    /// The event and its repetitions, but for those in `left_out`.
    fn events(
        &self,
        window: Window,
        left_out: &BTreeSet<DateTime<Utc>>,
        effort: &mut Effort,
    ) -> Result<Vec<Event>, LineError> {
        let mut starts: Vec<NaiveDateTime> = vec![self.start.wall];
        if let (Some((line, rule)), false) = (&self.rule, self.moved) {
            starts = repeat::starts(rule, &self.start, window, effort).map_err(|what| LineError {
                value: Some(super::table::shown(rule)),
                ..LineError::of_line(*line, what)
            })?;
        }
        starts.extend(self.also.iter().map(|at| self.start.zone.wall(*at)));
        starts.sort_unstable();
        starts.dedup();
        let one = |wall: NaiveDateTime| {
            let start = When { wall, ..self.start.clone() };
            Some((instant(&start)?, self.end_of(&start)?))
        };
        let periods = starts.into_iter().filter_map(one).chain(self.periods.iter().copied());
        let wanted = periods.filter(|(from, _)| !self.except.contains(from) && !left_out.contains(from));
        let event = |(from, until)| {
            let (line, summary, people) = (self.line, self.summary.clone(), Arc::clone(&self.people));
            Event { line, from, until, days: self.days(from, until), summary, busy: self.busy, people }
        };
        // One more than may be, so that it is seen to be too many.
        Ok(wanted.map(event).take(MOST_EVENTS + 1).collect())
    }

    /// The first and the last day of one of whole days.
    fn days(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<(NaiveDate, NaiveDate)> {
        let day = |at| self.start.zone.wall(at).date();
        self.start.whole_day.then_some(())?;
        Some((day(from), day(until).pred_opt()?))
    }

    /// When the one that begins at `start` ends.
    fn end_of(&self, start: &When) -> Option<DateTime<Utc>> {
        match &self.end {
            End::After(span) => span.end(start),
            // In wall time, so that eight to four stays eight to four when the clocks change in between.
            End::At(end) if end.zone == self.start.zone => {
                instant(&start.after(end.wall.signed_duration_since(self.start.wall)))
            }
            End::At(end) => {
                let long = instant(end)?.signed_duration_since(instant(&self.start)?);
                instant(start)?.checked_add_signed(long)
            }
        }
    }
}
