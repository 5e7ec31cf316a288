//! Text from outside, made fit to be shown on one line.

use crate::domain::entry::Entry;

/// No text taken from a directory is longer than this, in characters.
pub const MAX_CHARS: usize = 1024;

/// A value that is longer, in bytes, is not about a person: something is wrong with it.
const MAX_BYTES: usize = 64 << 10;
/// So many values has no attribute of which one is meant.
const MAX_VALUES: usize = 1_000;

/// The text without control characters, without those that turn the direction of writing, without spaces around it, and at most
/// `max` characters long. A line break becomes a space.
pub fn clean(text: &str, max: usize) -> String {
    text.trim().chars().filter_map(shown).take(max).collect::<String>().trim().into()
}

/// What stands for a character; None for one that is left out.
fn shown(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// The first value of an attribute, as it stands there.
///
/// # Errors
/// When it is damaged rather than mistyped.
pub(super) fn raw<'e>(entry: &'e Entry, attribute: &'e str) -> Result<Option<&'e str>, String> {
    let mut values = entry.values(attribute);
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.nth(MAX_VALUES).is_some() {
        return Err(format!("Its {attribute} has more than {MAX_VALUES} values."));
    }
    readable(first, attribute).map(Some)
}

/// [`raw`], fit to be shown; None when nothing is left of it.
pub(super) fn of(entry: &Entry, attribute: &str) -> Result<Option<Box<str>>, String> {
    Ok(raw(entry, attribute)?.and_then(value))
}

/// A value as text.
pub(super) fn readable<'v>(value: &'v [u8], attribute: &str) -> Result<&'v str, String> {
    if value.len() > MAX_BYTES {
        let bytes = value.len();
        return Err(format!(
            "Its {attribute} has {bytes} bytes, more than anything that is said of a person."
        ));
    }
    str::from_utf8(value).map_err(|_| format!("Its {attribute} is not text in UTF-8."))
}

/// [`clean`] for the value of an attribute; None when nothing is left of it.
pub(super) fn value(text: &str) -> Option<Box<str>> {
    // Nearly every value is fine as it is.
    if text.len() <= MAX_CHARS && text.chars().all(|c| shown(c) == Some(c)) {
        let trimmed = text.trim();
        return (!trimmed.is_empty()).then(|| trimmed.into());
    }
    let cleaned = clean(text, MAX_CHARS);
    (!cleaned.is_empty()).then(|| cleaned.into())
}

/// The first language tag (BCP 47, RFC 5646 §2.1) in a text, which may be a list with weights (RFC 9110 §12.5.4). `sv_SE` is taken for `sv-SE`.
pub(super) fn language(text: &str) -> Option<Box<str>> {
    let first = text.split([',', ';']).next()?.trim().replace('_', "-");
    let mut parts = first.split('-');
    let is_language =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let is_more =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let fits = parts.next().is_some_and(is_language) && parts.all(is_more) && first.len() <= 35;
    fits.then(|| first.into())
}
