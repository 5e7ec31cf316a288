//! A list in JSON: `{"issued": "…", "people": [{…}]}`. Values are kept as the pieces of text that they are, which tells where they stand.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::parse::{At, Field, Notes, Raw, Row};

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

/// Where a piece of `text` begins in it.
fn offset(text: &str, piece: &str) -> usize {
    piece.as_ptr().addr().saturating_sub(text.as_ptr().addr()).min(text.len())
}

fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// The keys and values of an object, also of one that has a key twice.
struct Pairs<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<'t>(PhantomData<&'t ()>);

        impl<'de> Visitor<'de> for Collect<'de> {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Collect(PhantomData))
    }
}
