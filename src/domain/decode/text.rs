//! Text from outside, made fit to be shown on one line.

/// No text taken from a directory is longer than this, in characters.
pub const MAX_CHARS: usize = 1024;

/// The text without control characters, without those that turn the direction of writing, without spaces around it, and at most
/// `max` characters long. A line break becomes a space.
pub fn clean(text: &str, max: usize) -> String {
    text.trim()
        .chars()
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => None,
            c if c.is_control() => None,
            c => Some(c),
        })
        .take(max)
        .collect::<String>()
        .trim()
        .into()
}

/// [`clean`] for the value of an attribute; None when nothing is left of it.
pub(super) fn value(text: &str) -> Option<Box<str>> {
    // Nearly every value is fine as it is.
    if text.len() <= MAX_CHARS && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        let trimmed = text.trim();
        return (!trimmed.is_empty()).then(|| trimmed.into());
    }
    let cleaned = clean(text, MAX_CHARS);
    (!cleaned.is_empty()).then(|| cleaned.into())
}
