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
        let mime = mime.strip_suffix(b"\n").unwrap_or(mime);
        for line in mime.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            for line in line.split(|byte| *byte == b'\r') {
                if line.starts_with(b".") {
                    bytes.push(b'.');
                    dots += 1;
                }
                bytes.extend_from_slice(line);
                bytes.extend_from_slice(b"\r\n");
            }
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
