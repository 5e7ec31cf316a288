//! Lines of iCalendar and vCard as they are written: escaped, and folded (RFC 5545 §3.1 and §3.3.11, RFC 6350 §3.2 and §3.4).

/// The most octets of a line, without its end.
pub const LINE: usize = 75;

/// A text as a value or a part of one.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Adds a line, cut between characters so that no part is longer than it may be.
pub fn fold(text: &mut String, line: &str) {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LINE {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(c);
        length += c.len_utf8();
    }
    text.push_str("\r\n");
}
