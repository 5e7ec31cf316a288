//! Mails as the tests look at them, and the one way in which they send some.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use mail_parser::{HeaderValue, Message, MessageParser};

/// A mail that has arrived.
#[derive(Debug, Clone)]
pub struct ParsedMail {
    /// As it lies in the mailbox.
    pub raw: String,
    /// As `mail_parser` understands it, for what has no method here.
    pub message: Message<'static>,
}

impl ParsedMail {
    /// Reads one mail from its file.
    pub fn read(file: &Path) -> Self {
        Self::parse(&fs::read(file).unwrap())
    }

    /// Reads one mail.
    pub fn parse(bytes: &[u8]) -> Self {
        let raw = String::from_utf8_lossy(bytes).into_owned();
        let message = MessageParser::default().parse(bytes);
        let message = message.unwrap_or_else(|| panic!("not a mail: {raw}")).into_owned();
        Self { raw, message }
    }

    /// The first header of this name, unfolded, encoded words as they came.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.message.header_raw(name.to_owned())?;
        Some(value.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned())
    }

    /// The subject, decoded.
    pub fn subject(&self) -> String {
        self.message.subject().unwrap_or_default().to_owned()
    }

    /// The address of the sender that people see.
    pub fn from(&self) -> String {
        let first = self.message.from().and_then(|from| from.first());
        first.and_then(|address| address.address()).unwrap_or_default().to_owned()
    }

    /// The addresses that people see in To.
    pub fn to(&self) -> Vec<String> {
        let addresses = self.message.to().into_iter().flat_map(|to| to.iter());
        addresses.filter_map(|address| address.address()).map(str::to_owned).collect()
    }

    /// The Message-ID without its angle brackets.
    pub fn message_id(&self) -> String {
        self.message.message_id().unwrap_or_default().to_owned()
    }

    /// The Message-IDs in References, without their angle brackets.
    pub fn references(&self) -> Vec<String> {
        match self.message.references() {
            HeaderValue::Text(one) => vec![one.to_string()],
            HeaderValue::TextList(many) => many.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    }

    /// The plain text, decoded.
    pub fn text(&self) -> String {
        self.message.body_text(0).unwrap_or_default().into_owned()
    }

    /// The HTML, decoded; empty when there is none.
    pub fn html(&self) -> String {
        let part = self.message.html_part(0).filter(|part| part.is_text_html());
        part.and_then(|part| part.text_contents()).unwrap_or_default().to_owned()
    }
}

/// How many mails can come twice when a daemon ends in the middle: those that can be on their way, which it takes up first. A mail is, until the server's
/// answer is on the disk.
pub const IN_FLIGHT: usize = 32;

/// Who was told what, and under which Message-ID.
#[derive(Default)]
pub struct Told(BTreeMap<(String, String), String>);

impl Told {
    /// Notes a mail, which is for one person. What comes again must be the same mail. Whether it did.
    pub fn note(&mut self, mail: &ParsedMail) -> bool {
        let [to] = &mail.to()[..] else { panic!("for one person: {}", mail.raw) };
        let id = mail.message_id();
        assert!(!id.is_empty(), "no Message-ID: {}", mail.raw);
        let known = self.0.insert((mail.subject(), to.clone()), id.clone());
        if let Some(known) = &known {
            assert_eq!(known, &id, "{to} got {:?} as two mails", mail.subject());
        }
        known.is_some()
    }

    /// Notes all of them; how many came again.
    pub fn note_all<'m>(&mut self, mails: impl IntoIterator<Item = &'m ParsedMail>) -> usize {
        mails.into_iter().filter(|mail| self.note(mail)).count()
    }

    /// Of what whom, in order.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &(String, String)> {
        self.0.keys()
    }
}

/// Sends one mail over plain SMTP, to prove that a server takes mail. Gives the last reply.
pub fn send(server: (Ipv4Addr, u16), from: &str, to: &str, mail: &str) -> String {
    let stream = TcpStream::connect(server).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap());
    let mut reply = read_reply(&mut replies);
    let commands = [
        "HELO test.example".to_owned(),
        format!("MAIL FROM:<{from}>"),
        format!("RCPT TO:<{to}>"),
        "DATA".to_owned(),
        format!("{}\r\n.", mail.replace('\n', "\r\n")),
    ];
    for command in commands {
        if !reply.starts_with(['2', '3']) {
            break;
        }
        (&stream).write_all(format!("{command}\r\n").as_bytes()).unwrap();
        reply = read_reply(&mut replies);
    }
    let _ = (&stream).write_all(b"QUIT\r\n");
    reply
}

fn read_reply(replies: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    replies.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
#[should_panic(expected = "asa@x.example got \"Down\" as two mails")]
fn what_comes_again_under_another_id_is_another_mail() {
    let mail = |id: &str| {
        ParsedMail::parse(
            format!("To: asa@x.example\r\nSubject: Down\r\nMessage-ID: <{id}@x>\r\n\r\nx").as_bytes(),
        )
    };
    let mut told = Told::default();
    assert_eq!(told.note_all([&mail("1"), &mail("1")]), 1);
    told.note(&mail("2"));
}
