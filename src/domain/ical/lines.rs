//! Content lines (RFC 5545 §3.1), and which component each belongs to. Nothing here calls itself: a calendar may nest as deep as it likes.

use std::borrow::Cow;

use crate::domain::table::{LineError, shown};

/// Components within components, more of which no calendar has.
const DEEPEST: usize = 16;

/// What is read of an event or an observance, each once.
const READ: [&str; 12] = [
    "UID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RECURRENCE-ID",
    "SUMMARY",
    "STATUS",
    "TRANSP",
    "X-MICROSOFT-CDO-BUSYSTATUS",
    "TZOFFSETFROM",
    "TZOFFSETTO",
];
/// What may stand there several times.
const READ_ALL: [&str; 4] = ["RDATE", "EXDATE", "ATTENDEE", "ORGANIZER"];

/// A line, unfolded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// Where it begins, from 1.
    pub(super) line: u64,
    /// Its property, in capitals.
    pub(super) name: String,
    parameters: Vec<(String, String)>,
    /// As it stands there.
    pub(super) value: String,
}

impl Line {
    /// A parameter, by its name in capitals.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value as a text (§3.3.11).
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut letters = self.value.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some('n' | 'N') => text.push(' '),
                    Some(other) => text.push(other),
                    None => {}
                },
                letter => text.push(letter),
            }
        }
        text
    }

    /// A mistake in it.
    pub(super) fn wrong(&self, what: impl Into<String>) -> LineError {
        LineError {
            line: self.line,
            column: Some(self.name.as_str().into()),
            value: Some(shown(&self.value)),
            problem: what.into(),
        }
    }
}

/// A component with its own lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Component {
    pub(super) line: u64,
    pub(super) lines: Vec<Line>,
    /// Which of [`READ`] there are already, a bit for each.
    seen: u16,
}

impl Component {
    /// Keeps a line that is read; 10 MiB of others would take 300 MB.
    fn keep(&mut self, line: &Line) {
        let bit = READ.iter().position(|name| *name == line.name).map_or(0, |n| 1 << n);
        if self.seen & bit < bit || READ_ALL.contains(&&*line.name) {
            self.seen |= bit;
            self.lines.push(line.clone());
        }
    }
}

/// What of a calendar is understood.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Calendar {
    /// What it says of its zone: `X-WR-TIMEZONE`, which Google and Exchange write.
    pub(super) zone: Option<String>,
    pub(super) events: Vec<Component>,
    /// The zones that it describes.
    pub(super) zones: Vec<VTimeZone>,
}

/// A zone as it is described.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct VTimeZone {
    pub(super) name: String,
    /// `STANDARD` and `DAYLIGHT`.
    pub(super) observances: Vec<Component>,
}

/// Within which component a line stands.
#[derive(Clone, Copy)]
enum Place {
    Event,
    Zone,
    Observance,
    Elsewhere,
}

impl Place {
    fn of(within: &[String]) -> Place {
        let mut names = within.iter().map(String::as_str);
        match (names.next(), names.next(), names.next(), names.next()) {
            (Some("VCALENDAR"), Some("VEVENT"), None, None) => Place::Event,
            (Some("VCALENDAR"), Some("VTIMEZONE"), None, None) => Place::Zone,
            (Some("VCALENDAR"), Some("VTIMEZONE"), Some("STANDARD" | "DAYLIGHT"), None) => Place::Observance,
            _ => Place::Elsewhere,
        }
    }
}

pub(super) fn components(text: &str) -> Result<Calendar, LineError> {
    let (mut calendar, mut within, mut seen) = (Calendar::default(), Vec::<String>::new(), false);
    let mut place = Place::Elsewhere;
    for (number, text) in unfolded(text) {
        if text.trim().is_empty() {
            continue;
        }
        let line = parsed(number, &text);
        if !seen
            && line.as_ref().is_none_or(|l| l.name != "BEGIN" || !l.value.eq_ignore_ascii_case("VCALENDAR"))
        {
            return Err(LineError::of_line(
                number,
                "this is no iCalendar file: it doesn't begin with BEGIN:VCALENDAR",
            ));
        }
        seen = true;
        // What isn't understood stops nobody: others read on, too.
        let Some(line) = line else { continue };
        match line.name.as_str() {
            "BEGIN" => {
                if within.len() >= DEEPEST {
                    return Err(line.wrong(format!("is nested more than {DEEPEST} deep")));
                }
                within.push(line.value.trim().to_ascii_uppercase());
                let component = Component { line: number, lines: Vec::new(), seen: 0 };
                place = Place::of(&within);
                match place {
                    Place::Event => calendar.events.push(component),
                    Place::Zone => calendar.zones.push(VTimeZone::default()),
                    Place::Observance => {
                        calendar
                            .zones
                            .last_mut()
                            .into_iter()
                            .for_each(|z| z.observances.push(component.clone()));
                    }
                    Place::Elsewhere => {}
                }
            }
            "END" => {
                let name = within.pop().unwrap_or_default();
                if !name.eq_ignore_ascii_case(line.value.trim()) {
                    return Err(line.wrong("ends what didn't begin last; the file is damaged"));
                }
                place = Place::of(&within);
            }
            "X-WR-TIMEZONE" if within.len() == 1 => calendar.zone = Some(line.text()),
            _ => match place {
                Place::Event => {
                    calendar.events.last_mut().into_iter().for_each(|event| event.keep(&line));
                }
                Place::Zone if line.name == "TZID" => {
                    calendar.zones.last_mut().into_iter().for_each(|zone| zone.name = line.text());
                }
                Place::Observance => {
                    let observance = calendar.zones.last_mut().and_then(|zone| zone.observances.last_mut());
                    observance.into_iter().for_each(|observance| observance.keep(&line));
                }
                Place::Zone | Place::Elsewhere => {}
            },
        }
    }
    match within.last() {
        None if seen => Ok(calendar),
        None => Err(LineError::of_line(1, "this is no iCalendar file: it is empty")),
        Some(open) => {
            let last = u64::try_from(text.lines().count()).unwrap_or(u64::MAX);
            Err(LineError::of_line(last, format!("the file ends within {open}; it was cut short")))
        }
    }
}

/// Lines with their numbers, folded ones put together.
fn unfolded(text: &str) -> impl Iterator<Item = (u64, Cow<'_, str>)> {
    let mut lines = (1..).zip(text.lines()).peekable();
    std::iter::from_fn(move || {
        let (number, first) = lines.next()?;
        let mut line = Cow::Borrowed(first);
        while let Some((_, more)) = lines.next_if(|(_, next)| next.starts_with([' ', '\t'])) {
            line.to_mut().push_str(more.get(1..).unwrap_or_default());
        }
        Some((number, line))
    })
}

/// `NAME;PARAMETER="VALUE":VALUE`; None for what isn't such a line.
fn parsed(number: u64, text: &str) -> Option<Line> {
    let end = text.find([';', ':'])?;
    let (name, mut rest) = text.split_at_checked(end)?;
    let mut parameters = Vec::new();
    while let Some(parameter) = rest.strip_prefix(';') {
        let (key, after) = parameter.split_once('=')?;
        let mut quoted = false;
        let end = after.find(|c| {
            quoted ^= c == '"';
            !quoted && matches!(c, ';' | ':')
        })?;
        let (value, next) = after.split_at_checked(end)?;
        parameters.push((key.to_ascii_uppercase(), value.trim_matches('"').to_owned()));
        rest = next;
    }
    let value = rest.strip_prefix(':')?.to_owned();
    let name = name.trim().to_ascii_uppercase();
    Some(Line { line: number, name, parameters, value })
}
