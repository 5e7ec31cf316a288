//! One entry of a directory as the server or a file gave it: a name and raw values, not yet understood.

use std::ops::Range;

/// No entry holds more bytes than this, names and values together: a group of about a million members.
pub const MAX_BYTES: usize = 256 << 20;

/// So many attributes has an entry as it is asked for, and not many more values.
const USUAL: usize = 16;

/// An entry with its attributes, several values each, as bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// The distinguished name (RFC 4514), as written by the other side.
    pub dn: String,
    // All names and values one behind the other, and where each lies: a million entries cost four million allocations so, not forty.
    bytes: Vec<u8>,
    attributes: Vec<Span>,
    values: Vec<Place>,
}

/// An attribute with its values.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'a> {
    entry: &'a Entry,
    span: &'a Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Span {
    name: Place,
    /// The length of the name without its options.
    base: u32,
    /// Which of the values are its own.
    values: Range<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    start: u32,
    end: u32,
}

/// An entry with more than [`MAX_BYTES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the entry is larger than {} MiB", MAX_BYTES >> 20)]
pub struct TooLarge;

impl Entry {
    /// An entry without attributes.
    pub fn new(dn: impl Into<String>) -> Entry {
        Entry { dn: dn.into(), ..Entry::default() }
    }

    /// An entry without attributes, with room for so many bytes of names and values.
    pub fn with_room(dn: impl Into<String>, bytes: usize) -> Entry {
        Entry {
            dn: dn.into(),
            bytes: Vec::with_capacity(bytes.min(MAX_BYTES)),
            attributes: Vec::with_capacity(USUAL),
            values: Vec::with_capacity(USUAL),
        }
    }

    /// Adds an attribute with its values. The name is an attribute description (RFC 4512 §2.5), perhaps with options:
    /// `member;range=0-1499`.
    ///
    /// # Errors
    /// When the entry grows beyond [`MAX_BYTES`]; it is no use then.
    pub fn add<'v>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = &'v [u8]>,
    ) -> Result<(), TooLarge> {
        let first = self.values.len();
        // In LDIF each value is a line of its own; those of one attribute stand together.
        let continued = self.attributes.last().is_some_and(|last| {
            last.values.end == first && self.at(last.name).eq_ignore_ascii_case(name.as_bytes())
        });
        if !continued {
            let base = name.bytes().position(|byte| byte == b';').unwrap_or(name.len());
            let base = u32::try_from(base).map_err(|_| TooLarge)?;
            let name = self.hold(name.as_bytes())?;
            self.attributes.push(Span { name, base, values: first..first });
        }
        for value in values {
            let place = self.hold(value)?;
            self.values.push(place);
        }
        let end = self.values.len();
        if let Some(last) = self.attributes.last_mut() {
            last.values.end = end;
        }
        Ok(())
    }

    /// All attributes, in the order they came.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.attributes.iter().map(|span| Attribute { entry: self, span })
    }

    /// The values of the attribute `name`, its name compared without case; with the option `binary` or a `range`, or without,
    /// but not those in one language (`;lang-sv`).
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.described(name).flat_map(Attribute::values)
    }

    /// The first value of the attribute `name`.
    pub fn first<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// From which value on the list of the attribute `name` is missing; None if it is whole.
    ///
    /// Active Directory gives a long list in parts, `member;range=0-1499`, of which the last ends in `*`
    /// ([MS-ADTS] 3.1.1.3.1.3.3). They may be here in any order.
    pub fn missing_from(&self, name: &str) -> Option<u32> {
        // A part that has fewer values than it says ends where they do.
        let part = |attribute: Attribute<'_>| {
            let Range { start, end } = attribute.range()?;
            let values = u32::try_from(attribute.values().count()).unwrap_or(u32::MAX);
            Some(start..if end == u32::MAX { end } else { end.min(start.saturating_add(values)) })
        };
        let mut parts: Vec<Range<u32>> = self.described(name).filter_map(part).collect();
        if parts.is_empty() {
            return None;
        }
        parts.sort_by_key(|part| (part.start, part.end));
        let mut next = 0;
        for part in parts {
            if part.start > next {
                break;
            }
            next = next.max(part.end);
        }
        (next != u32::MAX).then_some(next)
    }

    fn described<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Attribute<'a>> {
        self.attributes().filter(move |attribute| attribute.is(name))
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<Place, TooLarge> {
        let start = self.bytes.len();
        let end = start + bytes.len();
        // Where they lie costs memory, too.
        let places = self.values.len() * size_of::<Place>() + self.attributes.len() * size_of::<Span>();
        if end + places > MAX_BYTES {
            return Err(TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        let number = |n| u32::try_from(n).map_err(|_| TooLarge);
        Ok(Place { start: number(start)?, end: number(end)? })
    }

    fn at(&self, place: Place) -> &[u8] {
        self.bytes.get(place.start as usize..place.end as usize).unwrap_or_default()
    }
}

impl<'a> Attribute<'a> {
    /// Its name with its options, such as `member;range=0-1499`.
    pub fn name(self) -> &'a str {
        str::from_utf8(self.entry.at(self.span.name)).unwrap_or_default()
    }

    /// Its name without options.
    pub fn base(self) -> &'a str {
        self.name().get(..self.span.base as usize).unwrap_or_default()
    }

    /// Its options, such as `binary` or `range=0-1499`.
    pub fn options(self) -> impl Iterator<Item = &'a str> {
        self.name().split(';').skip(1)
    }

    /// Its values, in the order they came.
    pub fn values(self) -> impl Iterator<Item = &'a [u8]> {
        let places = self.entry.values.get(self.span.values.clone()).unwrap_or_default();
        places.iter().map(|place| self.entry.at(*place))
    }

    /// Which of all its values these are, when it is a part of a list. The end is exclusive, `u32::MAX` for `*`.
    pub fn range(self) -> Option<Range<u32>> {
        let text = self.options().find_map(|option| {
            let (key, range) = option.split_once('=')?;
            key.eq_ignore_ascii_case("range").then_some(range)
        })?;
        let (first, last) = text.split_once('-')?;
        let first = first.parse().ok()?;
        let end = if last == "*" { u32::MAX } else { last.parse::<u32>().ok()?.checked_add(1)? };
        (first < end).then_some(first..end)
    }

    fn is(self, name: &str) -> bool {
        let Place { start, end } = self.span.name;
        if end - start == self.span.base {
            // Most names differ in length already, and each is asked for among all.
            return self.span.base as usize == name.len()
                && self.entry.at(self.span.name).eq_ignore_ascii_case(name.as_bytes());
        }
        let harmless = |option: &str| option.eq_ignore_ascii_case("binary") || is_range(option);
        self.name().eq_ignore_ascii_case(name)
            || (self.base().eq_ignore_ascii_case(name) && self.options().all(harmless))
    }
}

fn is_range(option: &str) -> bool {
    option.get(..6).is_some_and(|key| key.eq_ignore_ascii_case("range="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> Entry {
        let mut entry = Entry::new("CN=x");
        for (name, values) in attributes {
            entry.add(name, values.iter().map(|v| v.as_bytes())).unwrap();
        }
        entry
    }

    #[test]
    fn attributes_are_found_without_case_and_with_harmless_options() {
        let entry = entry(&[
            ("displayname;lang-sv", &["Sven"]),
            ("DisplayName;binary", &["S"]),
            ("mail", &["a", "b"]),
        ]);
        assert_eq!(entry.first("displayName"), Some(&b"S"[..]));
        assert_eq!(entry.values("MAIL").count(), 2);
        assert_eq!(entry.first("displayName;lang-sv"), Some(&b"Sven"[..]));
        assert_eq!(entry.first("mai"), None);
        assert_eq!(entry.first("mailNickname"), None);
    }

    #[test]
    fn values_given_line_by_line_come_together() {
        let entry = entry(&[("member", &["a"]), ("Member", &["b"]), ("cn", &["x"]), ("member", &["c"])]);
        assert_eq!(entry.attributes().map(Attribute::name).collect::<Vec<_>>(), ["member", "cn", "member"]);
        assert_eq!(entry.values("member").collect::<Vec<_>>(), [b"a", b"b", b"c"]);
    }

    #[test]
    fn what_is_missing_of_a_list_is_known_in_whatever_order_its_parts_came() {
        assert_eq!(entry(&[("member", &["a"])]).missing_from("member"), None);
        assert_eq!(
            entry(&[("member", &[]), ("member;range=0-1", &["a", "b"])]).missing_from("member"),
            Some(2)
        );
        assert_eq!(
            entry(&[("member;Range=2-*", &["c"]), ("member;range=0-1", &["a", "b"])]).missing_from("member"),
            None
        );
        assert_eq!(
            entry(&[("member;range=3-*", &["c"]), ("member;range=0-1", &["a", "b"])]).missing_from("member"),
            Some(2)
        );
        assert_eq!(entry(&[("member;range=2-*", &["c"])]).missing_from("member"), Some(0));
        assert_eq!(entry(&[("member;range=0-*", &["c"])]).missing_from("member"), None);
        assert_eq!(entry(&[("member;range=0-1499", &["a", "b"])]).missing_from("member"), Some(2));
    }

    #[test]
    fn a_range_that_is_none_is_not_taken_for_one() {
        for name in [
            "member;range=5-3",
            "member;range=-",
            "member;range=a-b",
            "member;range=0-99999999999",
            "member;range",
        ] {
            let entry = entry(&[(name, &["x"])]);
            assert_eq!(entry.attributes().next().unwrap().range(), None, "{name}");
        }
    }

    #[test]
    fn an_entry_does_not_grow_without_end() {
        let mut entry = Entry::new("CN=x");
        let half = vec![0; MAX_BYTES / 2];
        assert_eq!(entry.add("a", [&half[..]]), Ok(()));
        assert_eq!(entry.add("a", [&half[..]]), Err(TooLarge));
        let mut entry = Entry::new("CN=x");
        assert_eq!(entry.add("a", std::iter::repeat_n(&b""[..], MAX_BYTES)), Err(TooLarge));
    }
}
