//! From the bytes of a file to a [`Listing`], or to every mistake in it with its place. The file may be anything.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{ListedPerson, Listing, json, toml};
use crate::domain::decode::clean;
use crate::domain::mailbox::Address;
use crate::domain::moment;
use crate::domain::roles::RoleName;
use crate::domain::table::{self, Column};

/// The most bytes a list may have.
pub const LARGEST: usize = 1 << 20;
/// The most people a list may have.
pub const MOST_PEOPLE: usize = 2_000;
/// So many mistakes are told; the others are counted.
const MOST_MISTAKES: usize = 50;

/// How a list is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `[[people]]` with keys below.
    Toml,
    /// `{"people": [{…}]}`.
    Json,
    /// A line per person under a line with the names of the columns, as [`table`] reads them.
    Csv,
}

/// What a list may say.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The roles that it may give. With one alone, a list needn't name it.
    pub roles: &'a [RoleName],
    /// Where its days begin and end.
    pub zone: Tz,
}

/// A mistake in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mistake {
    /// The line, from 1.
    pub line: u64,
    /// The character in the line, from 1; in CSV the number of the column, or 1 for the line as a whole.
    pub column: u64,
    /// What is wrong and how to mend it.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

/// What is wrong with a list: the first mistakes, and how many there are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mistakes {
    /// The first of them, in the order of the file.
    pub first: Vec<Mistake>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.first.iter().map(ToString::to_string).collect();
        f.write_str(&told.join("; "))?;
        if self.more > 0 { write!(f, "; and {} more", self.more) } else { Ok(()) }
    }
}

impl std::error::Error for Mistakes {}

/// Where something stands in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum At {
    /// At this byte.
    Byte(usize),
    /// In this line and column.
    Cell(u64, u64),
}

/// A value of a person.
pub(super) struct Field<'t> {
    pub key: Cow<'t, str>,
    /// The text, or what else it is.
    pub value: Result<Cow<'t, str>, &'static str>,
    pub at: At,
}

/// What a file says of one person.
pub(super) struct Row<'t> {
    pub fields: Vec<Field<'t>>,
    pub at: At,
}

/// What a file says, before it is checked.
#[derive(Default)]
pub(super) struct Raw<'t> {
    pub issued: Option<Field<'t>>,
    pub rows: Vec<Row<'t>>,
}

/// Collects mistakes.
pub(super) struct Notes<'t> {
    text: &'t str,
    mistakes: Mistakes,
}

impl Notes<'_> {
    pub fn note(&mut self, at: At, what: impl Into<String>) {
        if self.mistakes.first.len() >= MOST_MISTAKES {
            self.mistakes.more += 1;
            return;
        }
        let (line, column) = match at {
            At::Cell(line, column) => (line, column),
            At::Byte(byte) => position(self.text.as_bytes(), byte),
        };
        self.mistakes.first.push(Mistake { line, column, what: what.into() });
    }
}

/// The line and the character of a byte, from 1.
fn position(text: &[u8], byte: usize) -> (u64, u64) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.iter().filter(|b| **b == b'\n').count();
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    // The bytes that go on with a character don't begin one.
    let column = before.get(start..).unwrap_or_default().iter().filter(|b| **b & 0xc0 != 0x80).count();
    (count(line) + 1, count(column) + 1)
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Reads a list.
///
/// # Errors
/// Every mistake. A list with a mistake is no list: whom it leaves out, or for how long, is anybody's guess.
pub fn parse(bytes: &[u8], format: Format, rules: Rules<'_>) -> Result<Listing, Mistakes> {
    let only =
        |line, column, what: String| Err(Mistakes { first: vec![Mistake { line, column, what }], more: 0 });
    if bytes.len() > LARGEST {
        return only(1, 1, format!("the file has {} bytes; a list may have {LARGEST}", bytes.len()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Of a table the lines are counted where it is read.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) if format == Format::Csv => "",
        Err(error) => {
            let (line, column) = position(bytes, error.valid_up_to());
            return only(line, column, "this is no text in UTF-8".into());
        }
    };
    let mut notes = Notes { text, mistakes: Mistakes { first: Vec::new(), more: 0 } };
    let raw = match format {
        Format::Toml => toml::read(text, &mut notes),
        Format::Json => json::read(text, &mut notes),
        Format::Csv => from_table(bytes, &mut notes),
    };
    let issued = raw.issued.as_ref().and_then(|field| {
        let time = text_of(field).and_then(|text| date_or_time(text, rules.zone, false));
        time.map_err(|what| notes.note(field.at, format!("issued {what}"))).ok()
    });
    if let Some(row) = raw.rows.get(MOST_PEOPLE) {
        notes.note(row.at, format!("there are {} people; a list may have {MOST_PEOPLE}", raw.rows.len()));
    }
    let mut people: Vec<ListedPerson> = Vec::new();
    let mut periods: HashMap<_, Vec<_>> = HashMap::new();
    for row in raw.rows.iter().take(MOST_PEOPLE) {
        let Some(person) = person(row, rules, &mut notes) else { continue };
        let (from, until) = period(&person);
        let others = periods.entry((person.role.clone(), person.mail.key())).or_default();
        let twice = others.iter().any(|(start, end)| *start < until && from < *end);
        others.push((from, until));
        if twice {
            notes.note(row.at, format!("{} is on the list for {} already", person.mail, person.role));
        } else {
            people.push(person);
        }
    }
    let mut mistakes = notes.mistakes;
    if mistakes.first.is_empty() {
        return Ok(Listing { issued, people });
    }
    mistakes.first.sort_by_key(|mistake| (mistake.line, mistake.column));
    Err(mistakes)
}

/// The columns of a list in CSV.
const COLUMNS: [Column; 9] = [
    Column::optional("role"),
    Column::optional("name"),
    Column::needed("mail"),
    Column::optional("phone"),
    Column::optional("title"),
    Column::optional("for"),
    Column::optional("note"),
    Column::optional("from"),
    Column::optional("until"),
];

/// A list in CSV: a line of names, a line per person.
fn from_table(bytes: &[u8], notes: &mut Notes<'_>) -> Raw<'static> {
    let table = match table::read(bytes, &COLUMNS) {
        Ok(table) => table,
        Err(errors) => {
            for error in &errors.errors {
                notes.note(At::Cell(error.line, 1), error.without_line());
            }
            notes.mistakes.more += errors.more;
            return Raw::default();
        }
    };
    let field = |line, cell: &table::Cell| Field {
        key: Cow::Borrowed(cell.column),
        value: Ok(Cow::Owned(cell.text.to_string())),
        at: At::Cell(line, cell.place),
    };
    let row = |row: &table::Row| Row {
        fields: row.cells().iter().map(|cell| field(row.line, cell)).collect(),
        at: At::Cell(row.line, 1),
    };
    Raw { issued: None, rows: table.rows.iter().map(row).collect() }
}

fn period(person: &ListedPerson) -> (DateTime<Utc>, DateTime<Utc>) {
    (person.from.unwrap_or(DateTime::<Utc>::MIN_UTC), person.until.unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// What a person may have, and the most characters of it.
const KEYS: [(&str, usize); 9] = [
    ("role", 40),
    ("name", 120),
    ("mail", 254),
    ("phone", 60),
    ("title", 120),
    ("for", 240),
    ("note", 1_000),
    ("from", 40),
    ("until", 40),
];

fn person(row: &Row<'_>, rules: Rules<'_>, notes: &mut Notes<'_>) -> Option<ListedPerson> {
    let before = notes.mistakes.first.len() + notes.mistakes.more;
    let mut found: [Option<(String, At)>; KEYS.len()] = [const { None }; KEYS.len()];
    for field in &row.fields {
        let place = KEYS.iter().zip(&mut found).find(|((key, _), _)| *key == field.key);
        let Some(((key, longest), slot)) = place else {
            let all: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
            notes.note(field.at, format!("there is no {}; there are {}", shown(&field.key), all.join(", ")));
            continue;
        };
        let text = match text_of(field) {
            Ok(text) => text,
            Err(what) => {
                notes.note(field.at, format!("{key} {what}"));
                continue;
            }
        };
        if slot.is_some() {
            notes.note(field.at, format!("{key} is there twice"));
        } else {
            if text.chars().count() > *longest {
                notes.note(field.at, format!("{key} has more than {longest} characters"));
            }
            let cleaned = clean(text, *longest);
            *slot = (!cleaned.is_empty()).then_some((cleaned, field.at));
        }
    }
    let [role, name, mail, phone, title, about, note, from, until] = found;
    let role = match (role, rules.roles) {
        (Some((role, at)), all) => {
            let role = RoleName::from(role.as_str());
            if !all.contains(&role) {
                let all: Vec<&str> = all.iter().map(|role| &*role.0).collect();
                let what =
                    format!("this list may not give the role {}, only {}", shown(&role.0), all.join(", "));
                notes.note(at, what);
            }
            Some(role)
        }
        (None, [only]) => Some(only.clone()),
        (None, _) => {
            notes.note(row.at, "role is missing");
            None
        }
    };
    if name.is_none() {
        notes.note(row.at, "name is missing");
    }
    let mail = match mail {
        Some((mail, at)) => mail.parse::<Address>().map_err(|e| notes.note(at, format!("mail: {e}"))).ok(),
        None => {
            notes.note(row.at, "mail is missing: everybody has to be reachable");
            None
        }
    };
    if let Some((phone, at)) = &phone
        && !phone.chars().any(|c| c.is_ascii_digit())
    {
        notes.note(*at, format!("phone: {} has no digit in it", shown(phone)));
    }
    let mut time = |field: &Option<(String, At)>, key: &str, end| {
        let (text, at) = field.as_ref()?;
        date_or_time(text, rules.zone, end).map_err(|what| notes.note(*at, format!("{key} {what}"))).ok()
    };
    let (starts, ends) = (time(&from, "from", false), time(&until, "until", true));
    if let (Some(starts), Some(ends), Some((_, at))) = (starts, ends, &until)
        && ends <= starts
    {
        notes.note(*at, "until is before from");
    }
    let text = |field: Option<(String, At)>| field.map(|(text, _)| text.into_boxed_str());
    let clean_so_far = notes.mistakes.first.len() + notes.mistakes.more == before;
    let person = ListedPerson {
        role: role?,
        name: text(name)?,
        mail: mail?,
        phone: text(phone),
        title: text(title),
        about: text(about),
        note: text(note),
        from: starts,
        until: ends,
    };
    clean_so_far.then_some(person)
}

fn text_of<'f>(field: &'f Field<'_>) -> Result<&'f str, String> {
    field.value.as_deref().map_err(|kind| format!("must be a text, not {kind}"))
}

/// A text from a list in quotes, short and on one line.
fn shown(text: &str) -> String {
    format!("\"{}\"", clean(text, 60))
}

/// A day (`2026-07-15`), a time (`2026-07-15 08:00`) on the clocks of `zone`, or RFC 3339 with an offset. A day begins at its first moment; as
/// an end it means the whole of it.
///
/// # Errors
/// That it is none, in words that follow the name of the key.
pub fn date_or_time(text: &str, zone: Tz, end: bool) -> Result<DateTime<Utc>, String> {
    let read = if end { moment::parse_end(text, &zone) } else { moment::parse(text, &zone) };
    read.map_err(|_| match moment::spelled(text) {
        None => format!("is no day: {}; write 2026-07-15 or 2026-07-15T08:00:00+02:00", shown(text)),
        Some(_) => format!("is too far away, or no time that clocks show: {}", shown(text)),
    })
}
