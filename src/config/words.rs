//! How keys, values and good advice are put into words.

use figment::value::Value;

use super::document::LISTED;

/// A text from outside, in quotes: without control characters, and not for pages.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    format!("\"{}\"", shown.replace("\\\"", "\"").replace("\\'", "'"))
}

/// A key with the levels above it: `directory.main.bases[1]`.
pub(super) fn key(path: &[String]) -> String {
    let mut shown = String::new();
    for name in path {
        if !shown.is_empty() && !name.starts_with('[') {
            shown.push('.');
        }
        let plain = name.chars().all(|c| c.is_alphanumeric() || "_-[]#*".contains(c)) && name.len() <= 80;
        shown.push_str(&if plain && !name.is_empty() { name.clone() } else { quoted(name) });
    }
    shown
}

/// How the table of this path is begun in a file.
pub(super) fn header(path: &[String]) -> String {
    match path {
        [table] | [table, _] if LISTED.contains(&table.as_str()) => format!("[[{table}]]"),
        [table, _, rest @ ..] if LISTED.contains(&table.as_str()) => format!("[{table}.{}]", key(rest)),
        _ => format!("[{}]", key(path)),
    }
}

/// A value as it was written, with what it is.
pub(super) fn kind_of(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("the text {}", quoted(text)),
        Value::Char(_, c) => format!("the text {}", quoted(&c.to_string())),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Num(_, number) => match number.to_i128() {
            Some(number) => format!("the number {number}"),
            None => format!("the number {}", number.to_f64().unwrap_or_default()),
        },
        Value::Empty(..) => "nothing".into(),
        Value::Dict(..) => "a table".into(),
        Value::Array(..) => "a list".into(),
    }
}

/// The one of `candidates` that was probably meant by `word`.
pub(super) fn meant<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let far = match word.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    let distances = candidates.into_iter().map(|c| (strsim::osa_distance(&word, &c.to_lowercase()), c));
    distances.filter(|(distance, _)| *distance <= far).min().map(|(_, candidate)| candidate)
}

/// What may stand there, as a hint: what was probably meant, else all.
pub(super) fn choose(word: &str, candidates: &[&str]) -> String {
    match meant(word, candidates.iter().copied()) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None => format!("it can be {}", either(candidates)),
    }
}

/// `"a"`, `"b"` or `"c"`.
pub(super) fn either(words: &[&str]) -> String {
    match words {
        [] => "nothing".into(),
        [one] => format!("\"{one}\""),
        [first @ .., last] => format!("\"{}\" or \"{last}\"", first.join("\", \"")),
    }
}
