//! Distinguished names as text (RFC 4514): read, written, compared without case.
//!
//! Read a little more generously than RFC 4514 §3 has it, since people write them into configurations: spaces around `,`, `=` and
//! `+` don't count, and `;`, `<`, `>` need no backslash. Names in quotation marks (RFC 1779) are refused.

use std::fmt;
use std::str::FromStr;

#[cfg(test)]
mod tests;

/// No name is longer than this, in bytes.
pub const MAX_BYTES: usize = 16 << 10;
/// No name has more parts than this.
pub const MAX_DEPTH: usize = 128;

/// A distinguished name: relative names from the object up to the top. Equal without regard to case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dn {
    rdns: Vec<Rdn>,
}

/// A relative distinguished name: `OU=Drift`, or several such with `+`, whose order doesn't matter.
#[derive(Clone, Debug)]
pub struct Rdn {
    // Never empty.
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    kind: Box<str>,
    value: Box<str>,
}

/// A text that is no distinguished name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("\"{text}\" is not a distinguished name such as OU=Drift,DC=example,DC=org: {reason}")]
pub struct NotADn {
    text: String,
    reason: &'static str,
}

impl NotADn {
    pub(super) fn new(text: &str, reason: &'static str) -> NotADn {
        NotADn { text: text.chars().filter(|c| !c.is_control()).take(200).collect(), reason }
    }

    /// What is wrong, without the name itself.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl Dn {
    /// The relative names, the object's own first.
    pub fn rdns(&self) -> &[Rdn] {
        &self.rdns
    }

    /// The name without its first part; None for the empty name.
    pub fn parent(&self) -> Option<Dn> {
        let (_, above) = self.rdns.split_first()?;
        Some(Dn { rdns: above.to_vec() })
    }

    /// Whether this is `other` or below it.
    pub fn is_within(&self, other: &Dn) -> bool {
        self.rdns.ends_with(&other.rdns)
    }
}

impl FromStr for Dn {
    type Err = NotADn;

    fn from_str(text: &str) -> Result<Dn, NotADn> {
        let mut rdns = Vec::new();
        let mut rest = text.trim_start_matches(' ');
        if !rest.is_empty() {
            loop {
                let whole = |error: NotADn| NotADn::new(text, error.reason);
                let (first, above) = split_first(rest).map_err(whole)?;
                if rdns.len() == MAX_DEPTH {
                    return Err(NotADn::new(text, "it has too many parts"));
                }
                rdns.push(first.parse().map_err(whole)?);
                match above {
                    Some(above) => rest = above,
                    None => break,
                }
            }
        }
        Ok(Dn { rdns })
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, rdn) in self.rdns.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            rdn.fmt(f)?;
        }
        Ok(())
    }
}

/// Parts a name behind its first relative name, unread; the second is None when there is nothing above.
///
/// # Errors
/// When the name is longer than [`MAX_BYTES`] or empty.
pub fn split_first(dn: &str) -> Result<(&str, Option<&str>), NotADn> {
    if dn.len() > MAX_BYTES {
        return Err(NotADn::new(dn, "it is too long"));
    }
    if dn.is_empty() {
        return Err(NotADn::new(dn, "it is empty, or ends in a comma"));
    }
    Ok(match unescaped(dn, b',') {
        Some(comma) => (dn.get(..comma).unwrap_or(dn), dn.get(comma + 1..)),
        None => (dn, None),
    })
}

impl Rdn {
    /// The value, unescaped: what people see. Of several, the first.
    pub fn value(&self) -> &str {
        self.parts.first().map_or("", |part| &part.value)
    }

    /// The attribute's name, such as `OU`. Of several, the first.
    pub fn kind(&self) -> &str {
        self.parts.first().map_or("", |part| &part.kind)
    }

    /// Appends to `key` a text that is the same for two relative names only if they are equal.
    pub fn write_key(&self, key: &mut String) {
        if let [part] = self.parts.as_slice() {
            part.write_key(key);
            return;
        }
        let mut keys: Vec<String> = self
            .parts
            .iter()
            .map(|part| {
                let mut key = String::new();
                part.write_key(&mut key);
                key
            })
            .collect();
        keys.sort_unstable();
        for each in keys {
            // No single part begins with NUL, and the length tells where each ends.
            key.push('\0');
            key.push_str(&each.len().to_string());
            key.push(':');
            key.push_str(&each);
        }
    }

    fn key(&self) -> String {
        let mut key = String::new();
        self.write_key(&mut key);
        key
    }
}

impl Part {
    fn write_key(&self, key: &mut String) {
        lower(&self.kind, key);
        key.push('=');
        lower(&self.value, key);
    }
}

fn lower(text: &str, to: &mut String) {
    if text.is_ascii() {
        to.extend(text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
    } else {
        to.extend(text.chars().flat_map(char::to_lowercase));
    }
}

impl PartialEq for Rdn {
    fn eq(&self, other: &Rdn) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Rdn {}

impl FromStr for Rdn {
    type Err = NotADn;

    fn from_str(text: &str) -> Result<Rdn, NotADn> {
        let mut parts = Vec::with_capacity(1);
        let mut rest = Some(text);
        while let Some(these) = rest {
            let (first, others) = match unescaped(these, b'+') {
                Some(plus) => (these.get(..plus).unwrap_or(these), these.get(plus + 1..)),
                None => (these, None),
            };
            if parts.len() == MAX_DEPTH {
                return Err(NotADn::new(text, "it has too many parts"));
            }
            parts.push(part(first).map_err(|reason| NotADn::new(text, reason))?);
            rest = others;
        }
        Ok(Rdn { parts })
    }
}

impl fmt::Display for Rdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, part) in self.parts.iter().enumerate() {
            let plus = if n > 0 { "+" } else { "" };
            write!(f, "{plus}{}={}", part.kind, escape(&part.value))?;
        }
        Ok(())
    }
}

/// A value as it stands in a distinguished name (RFC 4514 §2.4), control characters in hexadecimal.
pub fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let last = value.len().saturating_sub(1);
    for (at, c) in value.char_indices() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => escaped.extend(['\\', c]),
            '#' if at == 0 => escaped.push_str("\\#"),
            ' ' if at == 0 || at == last => escaped.push_str("\\ "),
            c if c.is_ascii_control() => escaped.push_str(&format!("\\{:02X}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Where `wanted` first stands without a backslash before it.
fn unescaped(text: &str, wanted: u8) -> Option<usize> {
    let mut escape = false;
    text.bytes().position(|byte| {
        let found = byte == wanted && !escape;
        escape = byte == b'\\' && !escape;
        found
    })
}

fn part(text: &str) -> Result<Part, &'static str> {
    let (kind, value) = text.split_once('=').ok_or("there is no = in it")?;
    let kind = kind.trim_matches(' ');
    let letter = kind.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !letter || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
        return Err("what stands before = is no attribute's name");
    }
    let value = trim_value(value);
    let value = match value.strip_prefix('#') {
        Some(hex) => ber_text(hex)?,
        None if !value.contains(['\\', '"', '\0']) => value.to_owned(),
        None => unescape(value)?,
    };
    Ok(Part { kind: kind.into(), value: value.into() })
}

/// Without the spaces around it, but with the last one when a backslash stands before it.
fn trim_value(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let trimmed = value.trim_end_matches(' ');
    let backslashes = trimmed.bytes().rev().take_while(|byte| *byte == b'\\').count();
    if backslashes % 2 == 1 { value.get(..trimmed.len() + 1).unwrap_or(trimmed) } else { trimmed }
}

fn unescape(value: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return Err("there is a quotation mark without a backslash in it"),
            0 => return Err("there is a NUL in it"),
            b'\\' => match rest.next() {
                Some(c @ (b' ' | b'#' | b'=' | b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\')) => {
                    bytes.push(c);
                }
                Some(high) => {
                    let low = rest.next().ok_or("a backslash at its end escapes nothing")?;
                    bytes.push(hex(high, low).ok_or("a backslash in it escapes nothing")?);
                }
                None => return Err("a backslash at its end escapes nothing"),
            },
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| "it is not in UTF-8 once unescaped")
}

/// The text in a value that is given as the BER encoding of a string (RFC 4514 §2.4).
fn ber_text(digits: &str) -> Result<String, &'static str> {
    const BAD: &str = "what stands behind # is no string in BER";
    if !digits.len().is_multiple_of(2) {
        return Err(BAD);
    }
    let bytes: Vec<u8> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => hex(*high, *low),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or(BAD)?;
    // OCTET STRING, UTF8String, PrintableString, IA5String; longer ones than 127 bytes are not met with.
    match bytes.split_first_chunk() {
        Some(([0x04 | 0x0c | 0x13 | 0x16, length], text))
            if usize::from(*length) == text.len() && *length < 0x80 =>
        {
            String::from_utf8(text.to_vec()).map_err(|_| BAD)
        }
        _ => Err(BAD),
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}
