//! A list in TOML: `[[people]]` with texts and dates below, and `issued` above if it likes.

use std::borrow::Cow;

use toml_edit::{ImDocument, Item, TableLike, Value};

use super::parse::{At, Field, Notes, Raw, Row};

pub(super) fn read<'t>(text: &'t str, notes: &mut Notes<'_>) -> Raw<'t> {
    let document = match ImDocument::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let at = At::Byte(error.span().map_or(0, |span| span.start));
            notes.note(at, format!("this is no TOML: {}", error.message().trim().replace('\n', ", ")));
            return Raw::default();
        }
    };
    let mut raw = Raw::default();
    let mut has_people = false;
    for (key, item) in document.as_table().iter() {
        match key {
            "issued" => raw.issued = Some(field(document.as_table(), key, item)),
            "people" => {
                has_people = true;
                read_people(item, &mut raw, notes);
            }
            _ => notes.note(at(document.as_table(), key, item), "there are only issued and [[people]] here"),
        }
    }
    if !has_people {
        notes.note(At::Byte(0), "people is missing; a list of nobody says people = []");
    }
    raw
}

fn read_people(item: &Item, raw: &mut Raw<'_>, notes: &mut Notes<'_>) {
    if let Some(tables) = item.as_array_of_tables() {
        raw.rows.extend(tables.iter().map(|table| row(table, table.span().map_or(0, |span| span.start))));
    } else if let Some(list) = item.as_array() {
        for value in list.iter() {
            let start = value.span().map_or(0, |span| span.start);
            match value.as_inline_table() {
                Some(table) => raw.rows.push(row(table, start)),
                None => notes.note(At::Byte(start), "must be a table: { name = \"…\", mail = \"…\" }"),
            }
        }
    } else {
        let start = item.span().map_or(0, |span| span.start);
        notes.note(At::Byte(start), "begin each person with a line [[people]]");
    }
}

fn row(table: &dyn TableLike, start: usize) -> Row<'static> {
    let fields = table.iter().map(|(key, item)| field(table, key, item)).collect();
    Row { fields, at: At::Byte(start) }
}

fn field(table: &dyn TableLike, key: &str, item: &Item) -> Field<'static> {
    let value = match item.as_value() {
        Some(Value::String(text)) => Ok(Cow::Owned(text.value().clone())),
        Some(Value::Datetime(time)) => Ok(Cow::Owned(time.value().to_string())),
        Some(Value::Integer(_) | Value::Float(_)) => Err("a number; put it in quotes"),
        Some(Value::Boolean(_)) => Err("true or false"),
        Some(Value::Array(_)) => Err("a list"),
        Some(Value::InlineTable(_)) | None => Err("a table"),
    };
    Field { key: Cow::Owned(key.to_owned()), value, at: at(table, key, item) }
}

fn at(table: &dyn TableLike, key: &str, item: &Item) -> At {
    let span = item.span().or_else(|| table.key(key).and_then(toml_edit::Key::span));
    At::Byte(span.map_or(0, |span| span.start))
}
