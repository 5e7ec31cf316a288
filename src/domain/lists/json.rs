//! A list in JSON: `{"issued": "…", "people": [{…}]}`. Values are kept as the pieces of text that they are, which tells where they stand.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::parse::{At, Field, Notes, Raw, Row};
use crate::domain::table::{Pairs, offset};

pub(super) fn read<'t>(text: &'t str, notes: &mut Notes<'_>) -> Raw<'t> {
    let whole: &RawValue = match serde_json::from_str(text) {
        Ok(whole) => whole,
        Err(error) => {
            let at = At::Cell(to_u64(error.line()).max(1), to_u64(error.column()).max(1));
            let words = error.to_string();
            let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
            notes.note(at, format!("this is no JSON: {words}"));
            return Raw::default();
        }
    };
    let at = |value: &RawValue| At::Byte(offset(text, value.get()));
    let Ok(Pairs(top)) = serde_json::from_str::<Pairs<'_>>(whole.get()) else {
        notes.note(at(whole), "a list is an object: { \"people\": [ … ] }");
        return Raw::default();
    };
    let mut raw = Raw::default();
    let mut people = None;
    for (key, value) in top {
        match key.as_str() {
            "issued" => raw.issued = Some(field(key, value, at(value))),
            "people" => {
                if people.is_some() {
                    notes.note(at(value), "people is there twice");
                } else {
                    people = Some(value);
                }
            }
            _ => notes.note(at(value), "there are only issued and people here"),
        }
    }
    let Some(people) = people else {
        notes.note(at(whole), "people is missing; a list of nobody says \"people\": []");
        return raw;
    };
    let Ok(rows) = serde_json::from_str::<Vec<&RawValue>>(people.get()) else {
        notes.note(at(people), "people must be a list of objects");
        return raw;
    };
    for row in rows {
        match serde_json::from_str::<Pairs<'_>>(row.get()) {
            Ok(Pairs(fields)) => {
                let fields = fields.into_iter().map(|(key, value)| field(key, value, at(value))).collect();
                raw.rows.push(Row { fields, at: at(row) });
            }
            Err(_) => notes.note(at(row), "must be an object: { \"name\": \"…\", \"mail\": \"…\" }"),
        }
    }
    raw
}

fn field<'t>(key: String, value: &'t RawValue, at: At) -> Field<'t> {
    let text = value.get();
    let value = match text.bytes().next() {
        Some(b'"') => serde_json::from_str::<String>(text)
            .map(Cow::Owned)
            .map_err(|_| "one with half a character in it"),
        // Programs write it for what there isn't.
        Some(b'n') => Ok(Cow::Borrowed("")),
        Some(b't' | b'f') => Err("true or false"),
        Some(b'[') => Err("a list"),
        Some(b'{') => Err("an object"),
        _ => Err("a number; put it in quotes"),
    };
    Field { key: Cow::Owned(key), value, at }
}

fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
