//! Tables in JSON: a list of objects, whose keys are the columns. Values are kept as the pieces of text that they are, which tells where they stand.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Column, LineError, LineErrors, Row, names, shown, text_of, unknown};

/// Reads a table that is a list of objects, each with texts, numbers, `true` or `false`; `null` says nothing.
///
/// # Errors
/// What isn't such a list; each object with a key that isn't known, or with something else in it.
pub(super) fn read(bytes: &[u8], columns: &[Column]) -> Result<Vec<Row>, LineErrors> {
    let (text, _) = text_of(bytes).map_err(|what| LineErrors::from(LineError::of_line(1, what)))?;
    let objects: Vec<&RawValue> = serde_json::from_str(&text).map_err(|error| {
        let line = u64::try_from(error.line()).unwrap_or(u64::MAX).max(1);
        let words = error.to_string();
        let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
        let what =
            format!("this is no list in JSON: {words}; it begins with [, and has {{ … }} for each line");
        LineErrors::from(LineError::of_line(line, what))
    })?;
    let (mut rows, mut errors) = (Vec::with_capacity(objects.len()), LineErrors::default());
    let (mut passed, mut line) = (0, 1);
    for object in objects {
        let at = offset(&text, object.get());
        let between = text.as_bytes().get(passed..at).unwrap_or_default();
        line += between.iter().filter(|byte| **byte == b'\n').count() as u64;
        passed = at;
        errors.take(row(object, columns, line)).into_iter().for_each(|row| rows.push(row));
    }
    errors.or(rows)
}

fn row(object: &RawValue, columns: &[Column], line: u64) -> Result<Row, LineError> {
    let Ok(Pairs(pairs)) = serde_json::from_str::<Pairs<'_>>(object.get()) else {
        let what = format!("must be an object with these keys: {}", names(columns));
        return Err(LineError { value: Some(shown(object.get())), ..LineError::of_line(line, what) });
    };
    let mut row = Row { line, cells: Vec::new() };
    for (place, (key, value)) in (1..).zip(pairs) {
        let of_key = |what: String| LineError { value: Some(shown(&key)), ..LineError::of_line(line, what) };
        let known = columns.iter().find(|column| column.name.eq_ignore_ascii_case(&key));
        let column = known.ok_or_else(|| of_key(unknown(&key, columns)))?.name;
        if row.get(column).is_some() {
            return Err(of_key("stands there twice".to_owned()));
        }
        let text = value.get();
        let of_value =
            |what: &str| LineError { column: Some(column.into()), ..LineError::of_line(line, what) };
        match text.bytes().next() {
            Some(b'"') => {
                let text: String =
                    serde_json::from_str(text).map_err(|_| of_value("has half a character in it"))?;
                row.put(column, place, &text)?;
            }
            Some(b'n') => {}
            Some(b'[' | b'{') => return Err(of_value("must be a text, not a list or an object")),
            _ => row.put(column, place, text)?,
        }
    }
    Ok(row)
}

/// Where a piece of `text` begins in it.
pub(in crate::domain) fn offset(text: &str, piece: &str) -> usize {
    piece.as_ptr().addr().saturating_sub(text.as_ptr().addr()).min(text.len())
}

/// The keys and values of an object, also of one that has a key twice.
pub(in crate::domain) struct Pairs<'t>(pub(in crate::domain) Vec<(String, &'t RawValue)>);

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
