//! A mail as a delivery report: the fields of RFC 3464 and RFC 6533, and what shows that it speaks of a message of ours.
//!
//! The mail is anybody's. Only so much of it is read; nothing in it is followed, and what is kept is short and printable.

use std::borrow::Cow;

use mail_parser::{Message, MessageParser};

use super::super::mailbox::Address;
use super::parts::{self, Part};
use super::{HEADER, Ignored};

/// No more of a mail is looked at: reports are small, but some return the whole message behind what they have to say.
const LOOKED_AT: usize = 256 * 1024;
/// So many recipients of a report are looked at; ours has one.
const RECIPIENTS: usize = 20;
/// No longer is what is kept of a server's words.
const WORDS: usize = 400;

/// What a delivery report says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Everywhere that a sign of ours may stand: whom the report went to, the envelope's id, the header of the message itself.
    pub signs: Vec<Box<str>>,
    /// What became of the message, by recipient.
    pub returned: Vec<Returned>,
}

/// What became of a message for one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Returned {
    /// Whom it was for when it came to a standstill.
    pub recipient: Box<str>,
    /// Whom we sent it to, if the server knows.
    pub original: Option<Box<str>>,
    /// What was done.
    pub action: Action,
    /// Why.
    pub status: Option<Status>,
    /// What a server said; empty when none did.
    pub words: Box<str>,
}

/// What a server did with a message (RFC 3464 §2.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Gave it up.
    Failed,
    /// Couldn't deliver it yet.
    Delayed,
    /// Delivered it, or handed it on.
    Other,
}

/// A status (RFC 3463): class, subject, detail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(pub u8, pub u16, pub u16);

impl Status {
    /// The first one in a text.
    pub fn find(text: &str) -> Option<Status> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
            let mut parts = word.split('.');
            let class = parts.next().filter(|class| ["2", "4", "5"].contains(class))?.parse().ok()?;
            let mut number = || parts.next().filter(|n| (1..=3).contains(&n.len()))?.parse().ok();
            let status = Status(class, number()?, number()?);
            parts.next().is_none().then_some(status)
        })
    }

    /// Whether nothing more is said than that it failed.
    fn is_bare(self) -> bool {
        (self.1, self.2) == (0, 0)
    }

    /// Whether it says that the address is at fault, for good: no such mailbox (5.1.1), no such domain (5.1.2, 5.4.4), no address at all (5.1.3), moved away
    /// (5.1.6), a domain that takes no mail (5.1.10), a mailbox that is closed (5.2.1). Every other one is also said of the sender, of the message, or of a server
    /// that is in trouble.
    pub fn says_that_nobody_is_there(self) -> bool {
        let Status(class, subject, detail) = self;
        class == 5 && matches!((subject, detail), (1, 1 | 2 | 3 | 6 | 10) | (2, 1) | (4, 4))
    }

    /// Whether it leaves open what is at fault: Exim says 5.0.0 of whatever it gives up, Postfix of each 550 that comes without a status, and 5.1.0 of senders, too.
    fn leaves_it_open(self) -> bool {
        matches!(self, Status(5, 0 | 1, 0))
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Returned {
    /// Whether it is about this address.
    pub(super) fn is_about(&self, address: &Address) -> bool {
        let same = |text: &str| {
            text.parse::<Address>().is_ok_and(|parsed| parsed == *address)
                || ascii(text).is_some_and(|text| Some(text) == ascii(address.as_str()))
        };
        self.original.as_deref().is_some_and(same) || same(&self.recipient)
    }

    /// Whether nobody is there, for good: by its status, or, where that leaves it open, if a server refused it as such in words.
    pub fn says_that_nobody_is_there(&self) -> bool {
        let Some(status) = self.status else { return false };
        let words = || self.words.to_lowercase();
        status.says_that_nobody_is_there() || status.leaves_it_open() && speaks_of_nobody(&words())
    }

    /// The status, and the words of the server.
    pub(super) fn in_words(&self) -> Box<str> {
        let status = self.status.map(|status| status.to_string());
        match (status, &*self.words) {
            (Some(status), "") => status.into(),
            (Some(status), words) if words.contains(&status) => words.into(),
            (Some(status), words) => format!("{status} {words}").into(),
            (None, "") => "no reason was given".into(),
            (None, words) => words.into(),
        }
    }
}

/// How servers say that they know nobody of that name, in small letters.
const NOBODY: [&str; 16] = [
    "user unknown",
    "unknown user",
    "no such user",
    "user not found",
    "user does not exist",
    "user doesn't exist",
    "recipient unknown",
    "unknown recipient",
    "no such recipient",
    "recipient not found",
    "no such mailbox",
    "unknown mailbox",
    "mailbox not found",
    "mailbox does not exist",
    "no mailbox here",
    "no such address",
];

/// Whether a server refused an address with 550, 551 or 553, since it knows nobody of that name.
fn speaks_of_nobody(words: &str) -> bool {
    let refused =
        words.split(|c: char| !c.is_ascii_digit()).any(|code| ["550", "551", "553"].contains(&code));
    refused && NOBODY.iter().any(|said| words.contains(said))
}

/// An address as a server that knows only ASCII writes it: its domain as RFC 5891 has it, all of it in small letters.
fn ascii(address: &str) -> Option<String> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    Some(format!("{}@{}", local.to_lowercase(), idna::domain_to_ascii(domain).ok()?))
}

/// Reads a mail.
///
/// # Errors
/// [`Ignored::AutomaticAnswer`], [`Ignored::NoReport`].
pub fn read(mail: &[u8]) -> Result<Report, Ignored> {
    let mail = mail.get(..LOOKED_AT).unwrap_or(mail);
    let message = MessageParser::new().parse_headers(parts::split(mail).0).ok_or(Ignored::NoReport)?;
    let parts = parts::of(mail);
    let Some(fields) = parts.iter().find_map(delivery_status) else {
        return Err(if is_automatic(&message) { Ignored::AutomaticAnswer } else { Ignored::NoReport });
    };
    let mut blocks = blocks(&fields);
    let about_message = blocks.next().unwrap_or_default();
    let returned: Vec<Returned> = blocks.take(RECIPIENTS).filter_map(|block| recipient(&block)).collect();
    if returned.is_empty() {
        return Err(Ignored::NoReport);
    }
    let mut signs = sent_to(&message);
    signs.extend(field(&about_message, "Original-Envelope-Id").map(|id| clip(&xtext(id))));
    signs.extend(parts.iter().filter_map(returned_sign));
    Ok(Report { signs, returned })
}

/// The fields of a delivery report, if that is what the part is (RFC 3464 §2.1, RFC 6533 §4.1).
fn delivery_status<'m>(part: &'m Part<'_>) -> Option<Cow<'m, str>> {
    let is_one = ["message/delivery-status", "message/global-delivery-status"].contains(&&*part.kind);
    is_one.then(|| String::from_utf8_lossy(&part.body))
}

/// The blocks of fields of a report: the first is about the message, the others each about a recipient. A field that is folded is one line.
fn blocks(text: &str) -> impl Iterator<Item = Vec<String>> {
    let mut blocks: Vec<Vec<String>> = vec![Vec::new()];
    for line in text.lines() {
        let last = blocks.len() - 1;
        let Some(block) = blocks.get_mut(last) else { continue };
        if line.trim().is_empty() {
            if !block.is_empty() {
                if blocks.len() > RECIPIENTS {
                    break;
                }
                blocks.push(Vec::new());
            }
        } else if let (true, Some(before)) = (line.starts_with([' ', '\t']), block.last_mut()) {
            before.push(' ');
            before.push_str(line.trim());
        } else {
            block.push(line.trim_end().to_owned());
        }
    }
    // Some servers leave the block about the message out.
    let about_recipient = |block: &Vec<String>| field(block, "Final-Recipient").is_some();
    if blocks.first().is_some_and(about_recipient) {
        blocks.insert(0, Vec::new());
    }
    blocks.into_iter()
}

fn field<'b>(block: &'b [String], name: &str) -> Option<&'b str> {
    block.iter().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn recipient(block: &[String]) -> Option<Returned> {
    let address = |name| field(block, name).map(of_type).filter(|address| !address.is_empty());
    let action = field(block, "Action")?;
    let action = match action.split_whitespace().next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        _ => Action::Other,
    };
    let original = address("Original-Recipient");
    let words = field(block, "Diagnostic-Code")
        .map(|code| code.split_once(';').map_or(code, |(_, words)| words.trim()));
    let status = field(block, "Status").and_then(Status::find);
    // What the server itself said is often closer.
    let status = match (status, words.and_then(Status::find)) {
        (Some(status), Some(said)) if status.is_bare() && said.0 == status.0 => Some(said),
        (status, said) => status.or(said),
    };
    Some(Returned {
        recipient: address("Final-Recipient").or_else(|| original.clone())?,
        original,
        action,
        status,
        words: clip(words.unwrap_or_default()),
    })
}

/// An address behind its type (`rfc822; asa@example.org`), written as its type demands (RFC 3461 §4, RFC 6533 §3).
fn of_type(value: &str) -> Box<str> {
    let (kind, address) =
        value.split_once(';').map_or(("rfc822", value), |(kind, address)| (kind.trim(), address.trim()));
    let address = address.strip_prefix('<').and_then(|a| a.strip_suffix('>')).unwrap_or(address);
    clip(&if kind.eq_ignore_ascii_case("utf-8") { unicode(address) } else { xtext(address) })
}

/// `+40` stands for `@` (RFC 3461 §4). An address may have a `+` of its own, which isn't followed by two hexadecimal digits in capitals that stand for something
/// printable, or that servers leave as it is.
fn xtext(text: &str) -> Cow<'_, str> {
    let decoded = |pair: &str| {
        let is_xtext = pair.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
        let byte = u8::from_str_radix(pair, 16).ok().filter(|_| is_xtext)?;
        // Only these have to be written so; `+12` in an address is more likely the address itself.
        matches!(byte, b'+' | b'=' | b'@').then_some(char::from(byte))
    };
    replaced(text, "+", |rest| rest.get(..2).and_then(decoded).map(|c| (c, 2)))
}

/// `\x{E5}` stands for `å` (RFC 6533 §3).
fn unicode(text: &str) -> Cow<'_, str> {
    replaced(text, "\\x{", |rest| {
        // No character has more than six digits. Without a limit each mark would have the rest looked through.
        let end = rest.bytes().take(7).position(|byte| byte == b'}')?;
        let digits = rest.get(..end)?;
        let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
        Some((c, digits.len() + 1))
    })
}

/// The text with what `read` makes of what follows each `mark`, and how many bytes of it.
fn replaced<'t>(text: &'t str, mark: &str, read: impl Fn(&str) -> Option<(char, usize)>) -> Cow<'t, str> {
    if !text.contains(mark) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(mark) {
        out.push_str(before);
        match read(after) {
            Some((c, length)) => {
                out.push(c);
                rest = after.get(length..).unwrap_or_default();
            }
            None => {
                out.push_str(mark);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whom a report was sent to: the return path, with its sign.
fn sent_to(message: &Message<'_>) -> Vec<Box<str>> {
    const HEADERS: [&str; 5] = ["To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];
    let raw = message.headers_raw().filter(|(name, _)| HEADERS.iter().any(|h| name.eq_ignore_ascii_case(h)));
    raw.take(HEADERS.len() * 2).map(|(_, value)| clip(value)).collect()
}

/// The sign in the headers of the message that is returned: whole (`message/rfc822`), or its headers alone.
fn returned_sign(part: &Part<'_>) -> Option<Box<str>> {
    let (kind, subtype) = part.kind.split_once('/')?;
    let is_one = ["rfc822-headers", "global-headers", "rfc822", "global"].contains(&subtype)
        && ["message", "text"].contains(&kind);
    if !is_one {
        return None;
    }
    let headers = MessageParser::new().parse_headers(parts::split(&part.body).0)?;
    headers.header_raw(HEADER).map(clip)
}

/// Whether a machine answered by itself (RFC 3834 §5), or says that it did in another way that is in use.
fn is_automatic(message: &Message<'_>) -> bool {
    let header = |name: &str| message.header_raw(name).map(|value| value.trim().to_ascii_lowercase());
    header("Auto-Submitted").is_some_and(|value| value != "no")
        || ["X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"]
            .iter()
            .any(|name| header(name).is_some())
        || header("Precedence").is_some_and(|value| ["auto_reply", "bulk", "junk"].contains(&&*value))
}

/// Short, printable, on one line.
fn clip(text: &str) -> Box<str> {
    let mut clean = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if clean.len() + word.len() > WORDS {
            clean.extend(word.chars().take(WORDS.saturating_sub(clean.len())));
            break;
        }
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
    }
    clean.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_of_a_character_than_it_can_have() {
        assert_eq!(unicode("\\x{E5}sa \\x{01F525}"), "åsa \u{1F525}");
        // Who wrote thousands of these without an end would have the rest looked through for each.
        assert_eq!(unicode("\\x{00000E5}\\x{E5"), "\\x{00000E5}\\x{E5");
    }
}
