//! A list in CSV (RFC 4180): a line of names, a line per person. Spreadsheets write semicolons where the comma divides decimals, or tabs.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord};

use super::parse::{At, Field, MOST_PEOPLE, Notes, Raw, Row};

pub(super) fn read(text: &str, notes: &mut Notes<'_>) -> Raw<'static> {
    let mut raw = Raw::default();
    let head = text.lines().next().unwrap_or_default();
    let often = |c: &char| head.matches(*c).count();
    let delimiter = [',', ';', '\t'].into_iter().rev().max_by_key(often).unwrap_or(',');
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut names: Option<Vec<String>> = None;
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                notes.note(At::Cell(line, 1), "this is no CSV");
                break;
            }
        }
        let line = record.position().map_or(1, csv::Position::line);
        let Some(names) = &names else {
            names = Some(record.iter().map(|name| name.trim().to_lowercase()).collect());
            continue;
        };
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if record.len() > names.len() && record.iter().skip(names.len()).any(|cell| !cell.trim().is_empty()) {
            let what = format!("the line has {} columns, the first one {}", record.len(), names.len());
            notes.note(At::Cell(line, (1..).nth(names.len()).unwrap_or(1)), what);
        }
        let cells = (1..).zip(names.iter().zip(record.iter()));
        // An empty cell says nothing, whatever its column is called.
        let cells = cells.filter(|(_, (_, cell))| !cell.trim().is_empty());
        let fields = cells.map(|(column, (name, cell))| Field {
            key: Cow::Owned(name.clone()),
            value: Ok(Cow::Owned(cell.to_owned())),
            at: At::Cell(line, column),
        });
        raw.rows.push(Row { fields: fields.collect(), at: At::Cell(line, 1) });
        if raw.rows.len() > MOST_PEOPLE {
            break;
        }
    }
    if !names.is_some_and(|names| names.iter().any(|name| name == "mail")) {
        notes.note(At::Cell(1, 1), "the first line must name the columns: role, name, mail, phone …");
    }
    raw
}
