//! A message as it crosses the wire (RFC 5321 §4.5.2): every line ends with CRLF, a leading dot is doubled, a single dot ends it.

/// An encoded message. Made once, whatever number of connections it is tried over.
pub(super) struct Encoded {
    bytes: Vec<u8>,
    size: usize,
}

impl Encoded {
    /// Encodes a message. A bare CR or LF becomes CRLF: in SMTP it is no line end (RFC 5321 §2.3.8), and servers that take it for
    /// one can be made to see two messages in one.
    pub(super) fn new(mime: &[u8]) -> Encoded {
        let mut bytes = Vec::with_capacity(mime.len() + mime.len() / 32 + 16);
        let mut dots = 0;
        let mut push = |line: &[u8]| {
            if line.starts_with(b".") {
                bytes.push(b'.');
                dots += 1;
            }
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
        };
        let mut rest = mime;
        while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
            let (line, ending) = rest.split_at(end);
            push(line);
            rest = ending.strip_prefix(b"\r\n").or_else(|| ending.get(1..)).unwrap_or_default();
        }
        if !rest.is_empty() || mime.is_empty() {
            push(rest);
        }
        let size = bytes.len() - dots;
        bytes.extend_from_slice(b".\r\n");
        Encoded { bytes, size }
    }

    /// What goes out after 354.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What counts for SIZE (RFC 1870 §5): the message in bytes, without what encoding added.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether it can go without 8BITMIME.
    pub(super) fn is_ascii(&self) -> bool {
        self.bytes.is_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_ends_in_crlf_and_a_leading_dot_is_doubled() {
        for (mime, expected, size) in [
            ("", "\r\n.\r\n", 2),
            ("a", "a\r\n.\r\n", 3),
            ("a\r\n", "a\r\n.\r\n", 3),
            ("a\nb\rc\r\n", "a\r\nb\r\nc\r\n.\r\n", 9),
            ("a\r\r\n\n\r", "a\r\n\r\n\r\n\r\n.\r\n", 9),
            (".\r\n..b\n.", "..\r\n...b\r\n..\r\n.\r\n", 11),
            ("a.\r\n", "a.\r\n.\r\n", 4),
        ] {
            let encoded = Encoded::new(mime.as_bytes());
            let text = String::from_utf8_lossy(encoded.bytes());
            assert_eq!((&*text, encoded.size()), (expected, size), "{mime:?}");
        }
    }
}
