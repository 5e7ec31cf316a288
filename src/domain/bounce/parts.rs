//! A mail taken apart, no deeper than reports are. A parser that follows whatever is nested in a hostile mail runs out of stack, which ends the process:
//! here only headers are parsed by one, and the levels are counted.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Message, MessageParser, MimeHeaders};

/// A report is a multipart, which a gateway or a mailing list may have put into one of its own. What is deeper isn't looked at.
const DEEPEST: usize = 3;
/// So many parts of a mail are looked at.
const PARTS: usize = 50;

/// A part that isn't made of parts itself.
#[derive(Debug)]
pub struct Part<'m> {
    /// Its kind in small letters, such as `message/delivery-status`; empty when it isn't said.
    pub kind: String,
    /// What it holds, decoded. A mail within the mail is one part.
    pub body: Cow<'m, [u8]>,
}

/// The headers of a mail or a part, the blank line behind them among them; and the rest.
pub fn split(entity: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in entity.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    entity.split_at_checked(at).unwrap_or((entity, &[]))
}

/// The parts of a mail, in their order.
pub fn of(mail: &[u8]) -> Vec<Part<'_>> {
    let (mut found, mut looked_at) = (Vec::new(), 0_usize);
    let mut waiting = vec![(mail, 0_usize)];
    while let Some((entity, depth)) = waiting.pop() {
        looked_at += 1;
        if looked_at > PARTS {
            break;
        }
        let (headers, body) = split(entity);
        let Some(headers) = MessageParser::new().parse_headers(headers) else { continue };
        let content = headers.content_type();
        let kind =
            content.map(|content| format!("{}/{}", content.ctype(), content.subtype().unwrap_or_default()));
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        match content.and_then(|content| content.attribute("boundary")) {
            Some(boundary) if kind.starts_with("multipart/") => {
                if depth < DEEPEST {
                    waiting.extend(sections(body, boundary).into_iter().rev().map(|part| (part, depth + 1)));
                }
            }
            _ => found.push(Part { body: decoded(&headers, body), kind }),
        }
    }
    found
}

/// What stands between the lines of a boundary (RFC 2046 §5.1.1). A mail that was cut off ends where it was.
fn sections<'m>(body: &'m [u8], boundary: &str) -> Vec<&'m [u8]> {
    let mark = format!("--{boundary}");
    let (mut sections, mut begun, mut at) = (Vec::new(), None::<usize>, 0_usize);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let next = at + line.len();
        let rest = line.strip_prefix(mark.as_bytes()).map(<[u8]>::trim_ascii_end);
        if let Some(rest @ (b"" | b"--")) = rest {
            sections.extend(begun.and_then(|begun| body.get(begun..at)));
            begun = rest.is_empty().then_some(next);
            if begun.is_none() || sections.len() >= PARTS {
                return sections;
            }
        }
        at = next;
    }
    sections.extend(begun.and_then(|begun| body.get(begun..)));
    sections
}

fn decoded<'m>(headers: &Message<'_>, body: &'m [u8]) -> Cow<'m, [u8]> {
    let encoding = headers.content_transfer_encoding().unwrap_or_default().trim().to_ascii_lowercase();
    let decoded = match encoding.as_str() {
        "base64" => base64_decode(body),
        "quoted-printable" => quoted_printable_decode(body),
        _ => None,
    };
    decoded.map_or(Cow::Borrowed(body), Cow::Owned)
}
