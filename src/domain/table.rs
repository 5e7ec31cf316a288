//! Reads tables that people made: comma-separated values (RFC 4180) as spreadsheets save them, in whichever encoding and with whichever
//! separator. What is wrong is said of each line, with its column and value.
//!
//! A reader names its [`Column`]s and gets [`Row`]s; what a cell means is its own to say:
//!
//! ```
//! use budkavle::domain::table::{Column, read};
//! let table = read("who;until\nåsa;2026-07-31\n".as_bytes(), &[Column::needed("who"), Column::optional("until")]).unwrap();
//! let row = &table.rows[0];
//! assert_eq!((row.line, row.get("who"), row.get("until")), (2, Some("åsa"), Some("2026-07-31")));
//! assert_eq!(row.wrong("until", "is over").to_string(), "line 2, column until: \"2026-07-31\" is over");
//! ```

mod bytes;
mod json;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use bytes::{Encoding, text_of};
pub(in crate::domain) use json::{Pairs, offset};

/// How a table is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values, as spreadsheets save them.
    #[default]
    Csv,
    /// A list of objects, whose keys are the columns.
    Json,
}

impl Format {
    /// Reads the lines of a table.
    ///
    /// # Errors
    /// Everything that isn't as it should be.
    pub fn read(self, bytes: &[u8], columns: &[Column]) -> Result<Vec<Row>, LineErrors> {
        match self {
            Format::Csv => read(bytes, columns).map(|table| table.rows),
            Format::Json => json::read(bytes, columns),
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
        }
    }
}

/// So many mistakes are told; who has more made one mistake many times.
pub const TOLD: usize = 100;

/// A column that a reader knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// What the header calls it, without regard to case.
    pub name: &'static str,
    /// Whether the table must have it.
    pub needed: bool,
}

impl Column {
    /// A table without it is refused.
    pub const fn needed(name: &'static str) -> Column {
        Column { name, needed: true }
    }

    /// A table can do without it.
    pub const fn optional(name: &'static str) -> Column {
        Column { name, needed: false }
    }
}

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Every line that says anything, below the header.
    pub rows: Vec<Row>,
    /// How its letters were written.
    pub encoding: Encoding,
    /// What stood between its cells: a comma, a semicolon or a tab.
    pub separator: char,
}

/// A line of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The line of the file that it begins on, from 1.
    pub line: u64,
    cells: Vec<Cell>,
}

/// What stands in a column of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Which column.
    pub column: &'static str,
    /// The place among the cells of the line, from 1.
    pub place: u64,
    /// What stands there, without the spaces around it; never empty.
    pub text: Box<str>,
}

impl Row {
    /// What stands in a column, without the spaces around it; None when nothing does.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|cell| cell.column == column).map(|cell| &*cell.text)
    }

    /// What stands there, in the order of the file.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Takes in what stands in a column.
    fn put(&mut self, column: &'static str, place: u64, text: &str) -> Result<(), LineError> {
        // A cell of several lines is a text of several lines; it is kept on one.
        let parts = text.split(['\r', '\n', '\t']).map(str::trim).filter(|part| !part.is_empty());
        let text: Box<str> = parts.collect::<Vec<_>>().join(" ").into();
        if text.is_empty() {
            return Ok(());
        }
        let controls = text.chars().any(char::is_control);
        self.cells.push(Cell { column, place, text });
        if controls { Err(self.wrong(column, "has a control character in it; take it out")) } else { Ok(()) }
    }

    /// A mistake in a column: `what` goes on from the value ("is no date; write 2026-07-31").
    pub fn wrong(&self, column: &str, what: impl Into<String>) -> LineError {
        LineError {
            line: self.line,
            column: Some(column.into()),
            value: self.get(column).map(shown),
            problem: what.into(),
        }
    }

    /// What stands in a column that must not be empty.
    pub fn need(&self, column: &str) -> Result<&str, LineError> {
        self.get(column).ok_or_else(|| self.wrong(column, "is empty; every line needs it"))
    }
}

/// What is wrong with a line, or with the file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, thiserror::Error)]
pub struct LineError {
    /// Which line of the file, from 1.
    pub line: u64,
    /// Which column, if one.
    pub column: Option<Box<str>>,
    /// What stands there, at most 80 characters of it.
    pub value: Option<Box<str>>,
    /// What is wrong and what to do; goes on from the value.
    pub problem: String,
}

impl LineError {
    /// A mistake of a line as a whole.
    pub fn of_line(line: u64, problem: impl Into<String>) -> LineError {
        LineError { line, column: None, value: None, problem: problem.into() }
    }

    /// What is wrong, without the line.
    pub fn without_line(&self) -> String {
        let column = self.column.as_ref().map(|column| format!("column {column}: ")).unwrap_or_default();
        match &self.value {
            Some(value) => format!("{column}\"{value}\" {}", self.problem),
            None => format!("{column}{}", self.problem),
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.column.is_some() { ", " } else { ": " };
        write!(f, "line {}{separator}{}", self.line, self.without_line())
    }
}

/// Everything that is wrong with a file, the first [`TOLD`] of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LineErrors {
    /// In order of lines.
    pub errors: Vec<LineError>,
    /// How many more there are.
    pub more: usize,
}

impl LineErrors {
    /// Notes one.
    pub fn push(&mut self, error: LineError) {
        if self.errors.len() < TOLD {
            self.errors.push(error);
        } else {
            self.more += 1;
        }
    }

    /// Takes the value, or notes what is wrong.
    pub fn take<T>(&mut self, result: Result<T, LineError>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// `value`, unless something is wrong.
    pub fn or<T>(mut self, value: T) -> Result<T, LineErrors> {
        self.errors.sort_by_key(|e| e.line);
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<LineError> for LineErrors {
    fn from(error: LineError) -> LineErrors {
        LineErrors { errors: vec![error], more: 0 }
    }
}

impl fmt::Display for LineErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))?;
        if self.more > 0 { write!(f, "\nand {} more", self.more) } else { Ok(()) }
    }
}

/// Reads a table with a header. The encoding and the separator are found out.
///
/// # Errors
/// Every line that isn't what its table says it is; a header without a needed column, or with one that isn't known.
pub fn read(bytes: &[u8], columns: &[Column]) -> Result<Table, LineErrors> {
    let (text, encoding) = text_of(bytes).map_err(|what| LineErrors::from(LineError::of_line(1, what)))?;
    // A spreadsheet may say the separator in a line of its own above the header.
    let (text, above, told) = match text.strip_prefix("sep=").map(|rest| rest.split_once('\n')) {
        Some(Some((told, rest))) => (rest, 1, told.trim_end_matches('\r').chars().next()),
        _ => (&*text, 0, None),
    };
    let separator = told.filter(char::is_ascii).unwrap_or_else(|| separator_of(text, columns));
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader
        .delimiter(u8::try_from(separator).unwrap_or(b','))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let unreadable = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line) + above;
        LineErrors::from(LineError::of_line(line, format!("can't be read: {error}")))
    };
    let mut lines = Lines { text, above, at: 0, line: 1 };
    let Some(header) = records.next().transpose().map_err(unreadable)? else {
        let names = names(columns);
        let what = format!("the file is empty; its first line names the columns: {names}");
        return Err(LineError::of_line(1, what).into());
    };
    let line = lines.of(&header);
    let header = header_of(&header, columns, line)?;
    let (mut rows, mut errors) = (Vec::new(), LineErrors::default());
    if let Some((line, what)) = stray_quotation(text, separator, header.len()) {
        return Err(LineError::of_line(line + above, what).into());
    }
    for record in records {
        let record = record.map_err(unreadable)?;
        let line = lines.of(&record);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        errors.take(row(&record, &header, line)).into_iter().for_each(|row| rows.push(row));
    }
    errors.or(Table { rows, encoding, separator })
}

/// A text in quotation marks has so many lines at most.
const MOST_LINES: usize = 50;

/// A line with a quotation mark that isn't closed where its text ends. It swallows the lines below it, to the next mark or to the end of the
/// file; that they are lines of the table is seen by their separators.
fn stray_quotation(text: &str, separator: char, columns: usize) -> Option<(u64, &'static str)> {
    /// Where a reader of RFC 4180 is.
    enum At {
        Start,
        Plain,
        Quoted,
        /// After a quotation mark within a quoted text: its end, or the first of two that stand for one.
        Closing,
    }
    const NOT_CLOSED: &str =
        "has a quotation mark that isn't closed; double one that belongs to the text: \"\"";
    let separator = u8::try_from(separator).unwrap_or(b',');
    let (mut at, mut line, mut opened) = (At::Start, 1, 1);
    let (mut lines, mut separators) = (0, 0);
    for byte in text.bytes() {
        at = match (at, byte) {
            (At::Start, b'"') => {
                (opened, lines) = (line, 0);
                At::Quoted
            }
            (At::Quoted, b'"') => At::Closing,
            (At::Closing, b'"') => At::Quoted,
            (At::Quoted, b'\n') => {
                (lines, separators) = (lines + 1, 0);
                if lines > MOST_LINES {
                    return Some((
                        opened,
                        "has a text of too many lines, or a quotation mark that isn't closed",
                    ));
                }
                At::Quoted
            }
            (At::Quoted, byte) if byte == separator && lines > 0 => {
                separators += 1;
                // A text of several lines may have a comma in one of them.
                if columns > 2 && separators + 1 >= columns {
                    return Some((opened, NOT_CLOSED));
                }
                At::Quoted
            }
            (At::Quoted, _) => At::Quoted,
            (_, byte) if byte == separator || byte == b'\r' || byte == b'\n' => At::Start,
            _ => At::Plain,
        };
        line += u64::from(byte == b'\n');
    }
    matches!(at, At::Quoted).then_some((opened, NOT_CLOSED))
}

/// Counts lines. What csv says is off after a line that ends in CR and LF, and after an empty one.
struct Lines<'t> {
    text: &'t str,
    above: u64,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line that a record begins on; records come in order.
    fn of(&mut self, record: &csv::StringRecord) -> u64 {
        let start = record.position().and_then(|p| usize::try_from(p.byte()).ok()).unwrap_or(self.at);
        let bytes = self.text.as_bytes();
        let ends = bytes.get(start..).unwrap_or_default().iter().take_while(|b| b"\r\n".contains(b)).count();
        let passed = bytes.get(self.at..start + ends).unwrap_or_default();
        self.line += passed.iter().filter(|b| **b == b'\n').count() as u64;
        self.at = self.at.max(start + ends);
        self.line + self.above
    }
}

/// What makes a spreadsheet take a cell for a formula when it begins with it.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// A cell that no spreadsheet takes for a formula: an apostrophe goes before what could be one. A phone number may begin with a plus.
fn harmless(cell: &str) -> Cow<'_, str> {
    let number = cell.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c));
    let formula = cell.trim_start_matches('\'').starts_with(FORMULA) && !number;
    if formula || cell.starts_with(['\t', '\r']) { format!("'{cell}").into() } else { cell.into() }
}

/// A cell without the apostrophe that [`harmless`] puts before it.
fn meant(cell: &str) -> &str {
    let inner = cell.strip_prefix('\'').filter(|rest| rest.trim_start_matches('\'').starts_with(FORMULA));
    inner.unwrap_or(cell)
}

/// Writes a table that [`read`] reads: UTF-8, commas. No cell is one that a spreadsheet takes for a formula: what stands in them is others' to
/// choose.
pub fn write<'a, R: AsRef<[&'a str]>>(header: &[&str], rows: impl IntoIterator<Item = R>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    // Writing into memory can't fail.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(row.as_ref().iter().map(|cell| harmless(cell).into_owned()));
    }
    writer.into_inner().unwrap_or_default()
}

/// Writes a table as a list of objects, which [`Format::Json`] reads: an object a line, so that programs that compare files see which changed.
pub fn objects<T: Serialize>(lines: &[T]) -> Vec<u8> {
    // Texts, numbers and flags can always be written.
    let lines: Vec<String> = lines.iter().filter_map(|line| serde_json::to_string(line).ok()).collect();
    format!("[\n{}\n]\n", lines.join(",\n")).into_bytes()
}

/// Which separator the header has: the one by which most of its names are known.
fn separator_of(text: &str, columns: &[Column]) -> char {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let known = |separator: &char| {
        let cells = || header.split(*separator).map(|cell| cell.trim().trim_matches('"'));
        let known = cells().filter(|cell| columns.iter().any(|c| c.name.eq_ignore_ascii_case(cell))).count();
        (known, cells().count())
    };
    [',', ';', '\t'].into_iter().rev().max_by_key(known).unwrap_or(',')
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|c| c.name).collect::<Vec<_>>().join(", ")
}

/// What to say of a column that isn't known.
fn unknown(name: &str, columns: &[Column]) -> String {
    let short = shown(name).to_lowercase();
    let distance = |column: &&Column| strsim::osa_distance(column.name, &short);
    let near = columns.iter().min_by_key(distance).filter(|column| distance(column) <= 2);
    let meant = near.map_or_else(
        || format!("there are: {}", names(columns)),
        |near| format!("did you mean {}?", near.name),
    );
    format!("is no column here; {meant}")
}

/// Which column each cell of a line is.
fn header_of(
    header: &csv::StringRecord,
    columns: &[Column],
    line: u64,
) -> Result<Vec<Option<&'static str>>, LineErrors> {
    let mut errors = LineErrors::default();
    let mut found: Vec<Option<&'static str>> = Vec::new();
    for cell in header {
        let cell = cell.trim();
        let known = columns.iter().find(|c| c.name.eq_ignore_ascii_case(cell)).map(|c| c.name);
        let problem = match known {
            Some(name) if found.contains(&Some(name)) => Some("stands there twice".to_owned()),
            None if !cell.is_empty() => Some(unknown(cell, columns)),
            _ => None,
        };
        if let Some(problem) = problem {
            errors.push(LineError { line, column: None, value: Some(shown(cell)), problem });
        }
        found.push(known);
    }
    for missing in columns.iter().filter(|c| c.needed && !found.contains(&Some(c.name))) {
        let problem = format!(
            "there is no column {}; the first line names the columns: {}",
            missing.name,
            names(columns)
        );
        errors.push(LineError::of_line(line, problem));
    }
    errors.or(found)
}

fn row(record: &csv::StringRecord, header: &[Option<&'static str>], line: u64) -> Result<Row, LineError> {
    let beyond = record.iter().skip(header.len()).find(|cell| !cell.trim().is_empty());
    if let Some(beyond) = beyond {
        let problem = format!(
            "has {} cells, more than the {} columns, of which one is \"{}\"; a separator in a text needs quotation marks around the text",
            record.len(),
            header.len(),
            shown(beyond)
        );
        return Err(LineError::of_line(line, problem));
    }
    let mut row = Row { line, cells: Vec::new() };
    for ((place, name), cell) in (1..).zip(header).zip(record) {
        if let Some(name) = name {
            row.put(name, place, meant(cell.trim()))?;
        }
    }
    Ok(row)
}

/// A text of others, fit for an error.
pub fn shown(text: &str) -> Box<str> {
    text.chars().filter(|c| !c.is_control()).take(80).collect::<String>().into()
}
