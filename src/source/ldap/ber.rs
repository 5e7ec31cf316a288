//! Just enough of BER (X.690) to look at a message without taking it apart.
//!
//! ldap3's own parser calls itself for every level of nesting, and a reply of 50 KB with enough of them ends the whole process. What
//! this reader accepts is well formed down to the last element and not deep.

/// No LDAP message nests deeper: a referral inside a control inside a message has 6 levels.
const MAX_DEPTH: usize = 16;

/// The class bits of an element that is an operation.
pub(super) const APPLICATION: u8 = 0x40;
/// The class bits of an element whose meaning depends on where it stands.
pub(super) const CONTEXT: u8 = 0x80;

/// One element: what it is and what is in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Element<'a> {
    /// The class bits.
    pub class: u8,
    /// Whether it consists of elements.
    pub constructed: bool,
    /// The tag's number.
    pub number: u8,
    /// The content.
    pub content: &'a [u8],
}

/// Reads elements one after another.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element; None at the end and when there is no well-formed one.
    pub(super) fn next(&mut self) -> Option<Element<'a>> {
        let Header::Known { header, length } = header(self.0) else {
            return None;
        };
        let first = *self.0.first()?;
        let (content, rest) = self.0.get(header..)?.split_at_checked(length)?;
        self.0 = rest;
        Some(Element { class: first & 0xc0, constructed: first & 0x20 != 0, number: first & 0x1f, content })
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Element<'a> {
    /// What is in it, when it consists of elements.
    pub(super) fn inside(self) -> Option<Reader<'a>> {
        self.constructed.then_some(Reader(self.content))
    }

    /// Its bytes, when it is primitive.
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        (!self.constructed).then_some(self.content)
    }

    /// Its text, when it is primitive and in UTF-8.
    pub(super) fn text(self) -> Option<&'a str> {
        str::from_utf8(self.bytes()?).ok()
    }

    /// Its number, when it is a primitive integer of 1 to 4 bytes that isn't negative.
    pub(super) fn unsigned(self) -> Option<u32> {
        let bytes = self.bytes()?;
        if bytes.is_empty() || bytes.len() > 4 || bytes.first()? & 0x80 != 0 {
            return None;
        }
        Some(bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }

    /// Whether everything in it is well formed and no deeper than a message may be.
    pub(super) fn is_sound(self) -> bool {
        self.is_sound_within(MAX_DEPTH)
    }

    fn is_sound_within(self, depth: usize) -> bool {
        let Some(mut inside) = self.inside() else {
            return true;
        };
        while let Some(element) = inside.next() {
            if depth == 0 || !element.is_sound_within(depth - 1) {
                return false;
            }
        }
        inside.is_empty()
    }
}

/// What the first bytes of an element tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Header {
    /// How many bytes the header has, and the content.
    Known {
        /// Of the header.
        header: usize,
        /// Of the content.
        length: usize,
    },
    /// More bytes are needed to tell.
    Cut,
    /// It is none that occurs in LDAP: lengths are definite (RFC 4511 §5.1), tags are below 31.
    Bad,
}

/// Reads the header of an element.
pub(super) fn header(bytes: &[u8]) -> Header {
    let &[first, second, ref rest @ ..] = bytes else {
        return Header::Cut;
    };
    if first & 0x1f == 0x1f {
        return Header::Bad;
    }
    if second < 0x80 {
        return Header::Known { header: 2, length: second.into() };
    }
    let count = usize::from(second & 0x7f);
    if count == 0 || count > 8 {
        return Header::Bad;
    }
    let Some(digits) = rest.get(..count) else {
        return Header::Cut;
    };
    let length =
        digits.iter().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()));
    length.map_or(Header::Bad, |length| Header::Known { header: 2 + count, length })
}

/// An element with its content, its length in as few bytes as it takes (X.690 §8.1).
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let significant = length.get(zeros..).unwrap_or_default();
    let mut element = vec![tag];
    match (significant, u8::try_from(significant.len())) {
        ([], _) => element.push(0),
        ([short], _) if *short < 0x80 => element.push(*short),
        (long, count) => {
            element.push(0x80 | count.unwrap_or_default());
            element.extend(long);
        }
    }
    element.extend(content);
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_as_few_bytes_as_they_take() {
        for (size, head) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (70_000, &[4, 0x83, 1, 0x11, 0x70]),
        ] {
            let element = tlv(4, &vec![7; size]);
            assert_eq!(&element[..head.len()], head);
            assert_eq!(element.len(), head.len() + size);
        }
    }

    #[test]
    fn elements_are_read_one_by_one() {
        let mut reader = Reader(&[0x02, 1, 5, 0x30, 0x81, 3, 0x04, 1, b'x']);
        assert_eq!(reader.next().unwrap().unsigned(), Some(5));
        let sequence = reader.next().unwrap();
        assert_eq!(sequence.inside().unwrap().next().unwrap().text(), Some("x"));
        assert!(reader.next().is_none() && reader.is_empty());
    }

    #[test]
    fn what_is_cut_or_has_no_length_is_no_element() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 2, 0],
            &[0x30, 0x80, 0, 0],
            &[0x1f, 1, 0],
            &[0x30, 0x89],
            &[0x30, 0x82, 1],
        ] {
            assert_eq!(Reader(bytes).next(), None, "{bytes:?}");
        }
        assert_eq!(Reader(&[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).next(), None);
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |depth| {
            (0..depth).fold(vec![0x04, 0], |inner: Vec<u8>, _| {
                [&[0x30, 0x82, 0, u8::try_from(inner.len()).unwrap()][..], &inner].concat()
            })
        };
        assert!(Reader(&nested(MAX_DEPTH)).next().unwrap().is_sound());
        assert!(!Reader(&nested(MAX_DEPTH + 2)).next().unwrap().is_sound());
        assert!(!Reader(&[0x30, 3, 0x30, 5, 0]).next().unwrap().is_sound());
    }
}
