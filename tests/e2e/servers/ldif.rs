//! LDIF (RFC 2849) and distinguished names (RFC 4514), as far as the tests write and read them. It is kept apart
//! from Budkavle's own code, so that the one can show a mistake in the other.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// One change to a directory.
#[derive(Debug, Clone)]
pub struct Record(String);

impl Record {
    /// Adds an object of this class.
    pub fn add(dn: &str, object_class: &str) -> Self {
        Self(line("dn", dn.as_bytes()) + "changetype: add\n").value("objectClass", object_class)
    }

    /// Adds values (`how` is `add`), takes them away (`delete`) or puts them in place of all others (`replace`, which
    /// without a value removes the attribute).
    pub fn modify(
        dn: &str,
        how: &str,
        attribute: &str,
        values: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Self {
        let head = line("dn", dn.as_bytes()) + "changetype: modify\n" + how + ": " + attribute + "\n";
        Self(head).values(attribute, values)
    }

    /// One more modification of the same object, made together with those before.
    pub fn and(self, how: &str, attribute: &str, values: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        Self(self.0 + "-\n" + how + ": " + attribute + "\n").values(attribute, values)
    }

    /// Removes an object.
    pub fn delete(dn: &str) -> Self {
        Self(line("dn", dn.as_bytes()) + "changetype: delete\n")
    }

    /// Removes an object with all that is below it, by the control for that (MS-ADTS 3.1.1.3.4.1.15).
    pub fn delete_with_all_below(dn: &str) -> Self {
        Self(line("dn", dn.as_bytes()) + "control: 1.2.840.113556.1.4.805 true\nchangetype: delete\n")
    }

    /// Brings a deleted object back as `dn`, by the control that shows what is deleted.
    pub fn undelete(tombstone: &str, dn: &str) -> Self {
        let how = "control: 1.2.840.113556.1.4.417 true\nchangetype: modify\ndelete: isDeleted\n";
        Self(line("dn", tombstone.as_bytes()) + how).and("replace", "distinguishedName", [dn])
    }

    /// Gives an object another RDN, another parent, or both.
    pub fn rename(dn: &str, rdn: &str, parent: &str) -> Self {
        let rdn = line("newrdn", rdn.as_bytes());
        let parent = line("newsuperior", parent.as_bytes());
        Self(line("dn", dn.as_bytes()) + "changetype: modrdn\n" + &rdn + "deleteoldrdn: 1\n" + &parent)
    }

    /// One more value.
    pub fn value(self, attribute: &str, value: &str) -> Self {
        self.values(attribute, [value])
    }

    /// More values of an attribute; from an `Option`, one or none.
    pub fn values(mut self, attribute: &str, values: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        self.0.extend(values.into_iter().map(|value| line(attribute, value.as_ref())));
        self
    }

    /// The record and the empty line that ends it.
    pub fn to_ldif(&self) -> String {
        format!("{}\n", self.0)
    }
}

/// What LDIF allows in clear stays readable, anything else goes as base64.
fn line(attribute: &str, value: &[u8]) -> String {
    let in_clear = value.iter().all(|byte| (b' '..=b'~').contains(byte))
        && !value.starts_with(b" ")
        && !value.starts_with(b":")
        && !value.starts_with(b"<")
        && !value.ends_with(b" ");
    match std::str::from_utf8(value) {
        Ok(text) if in_clear => format!("{attribute}: {text}\n"),
        _ => format!("{attribute}:: {}\n", BASE64.encode(value)),
    }
}

/// An object as `ldapsearch` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub dn: String,
    /// The names are in lower case.
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// The first value as text.
    pub fn text(&self, attribute: &str) -> Option<String> {
        self.texts(attribute).into_iter().next()
    }

    /// All values as text.
    pub fn texts(&self, attribute: &str) -> Vec<String> {
        let values = self.attributes.get(&attribute.to_lowercase()).into_iter().flatten();
        values.map(|value| String::from_utf8(value.clone()).expect("the value is text")).collect()
    }

    /// The first value as it is, for `objectGUID`.
    pub fn bytes(&self, attribute: &str) -> Option<&[u8]> {
        Some(self.attributes.get(&attribute.to_lowercase())?.first()?)
    }
}

/// Reads what `ldapsearch -LLL -o ldif-wrap=no` writes: every line is whole, and an empty one ends each entry.
pub fn parse(ldif: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for block in ldif.split("\n\n") {
        let mut dn = None;
        let mut attributes: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for line in block.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("not a line of LDIF: {line}"));
            let value = match value.strip_prefix(':') {
                Some(encoded) => BASE64.decode(encoded.trim()).expect("base64 after ::"),
                None => value.trim_start().as_bytes().to_vec(),
            };
            if name == "dn" {
                dn = Some(String::from_utf8(value).expect("a DN is UTF-8"));
            } else {
                attributes.entry(name.to_lowercase()).or_default().push(value);
            }
        }
        entries.extend(dn.map(|dn| Entry { dn, attributes }));
    }
    entries
}

/// A value as it stands in a distinguished name (RFC 4514 section 2.4).
pub fn escape_rdn(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(value.len());
    for (position, letter) in value.chars().enumerate() {
        let special = matches!(letter, '"' | '+' | ',' | ';' | '<' | '>' | '=' | '\\')
            || (letter == '#' && position == 0)
            || (letter == ' ' && (position == 0 || position == last));
        if special {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// The RDN and what is above it: splits at the first comma that isn't escaped.
pub fn split_rdn(dn: &str) -> (&str, &str) {
    let mut escaped = false;
    for (position, letter) in dn.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => return (&dn[..position], &dn[position + 1..]),
            _ => {}
        }
    }
    (dn, "")
}

/// A distinguished name without its escapes, which can be written in more than one way: Samba gives `\3B` where Active
/// Directory gives `\;`. Each part is as in `("OU", "Drift, jour")`.
pub fn decode_dn(dn: &str) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    let mut rest = dn;
    while !rest.is_empty() {
        let (rdn, above) = split_rdn(rest);
        let (kind, value) = rdn.split_once('=').unwrap_or_else(|| panic!("not a distinguished name: {dn}"));
        parts.push((kind.to_uppercase(), unescape(value)));
        rest = above;
    }
    parts
}

fn unescape(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        let code = rest.as_slice().get(..2).filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        match code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()) {
            _ if byte != b'\\' => bytes.push(byte),
            Some(coded) => {
                bytes.push(coded);
                rest.nth(1);
            }
            None => bytes.extend(rest.next()),
        }
    }
    String::from_utf8(bytes).expect("a DN is UTF-8")
}
