//! A notice for one recipient as a mail: text and HTML from the facts, and the headers that keep it in its thread and quiet
//! the auto-responders.

mod kind;
pub mod samples;
mod templates;
mod text;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use lettre::message::header::{self, Date, Header, HeaderName, HeaderValue, Headers};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};
use xxhash_rust::xxh3::xxh3_64;

use super::words::Words;
use super::{Address as Path, Channel, Envelope, Parcel, Post, clean_header};
use crate::domain::ids::NoticeId;
use crate::domain::language::Language;
use crate::domain::locale::Locale;
use crate::domain::mailbox::Address;
use crate::domain::notice::{EventKey, Facts, Message, Notice, message_id, together};
use crate::domain::outage::calendar;

pub use kind::Kind;
pub use templates::{Broken, Checked, Custom, Exported, Own, check, export};
pub use text::{Links, Part, Rendered, Writer};

/// A mail that is ready to be sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Who it is from and to, for the server.
    pub envelope: Envelope,
    /// RFC 5322 headers and MIME body.
    pub bytes: Vec<u8>,
}

/// Why a mail can't be written.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A template.
    #[error("the text can't be written: {0}")]
    Text(#[from] minijinja::Error),
    /// A place gets no mail.
    #[error("the recipient has no mail address")]
    NoAddress,
    /// A header.
    #[error("the mail can't be put together: {0}")]
    Mail(String),
}

/// Who a mail is from.
#[derive(Debug, Clone)]
pub struct From {
    /// Name to show.
    pub name: Option<Box<str>>,
    /// The address, also for the envelope.
    pub address: Address,
    /// Where answers go, when not there.
    pub reply_to: Option<Address>,
}

/// Writes mails. The text of a notice is written once for all who get it for the same reason, in the same language, by the same clocks.
pub struct Composer {
    from: From,
    writer: Writer,
    written: Mutex<Written>,
}

/// By notice, by why somebody gets it, by how they are written to, and whether they are asked to take it on.
type Key = (NoticeId, Box<str>, Locale, bool);

/// The texts that were written last.
#[derive(Default)]
struct Written {
    texts: HashMap<Key, Arc<Body>>,
    /// The oldest first.
    order: VecDeque<Key>,
}

impl Written {
    fn keep(&mut self, key: Key, text: Arc<Body>) {
        if self.texts.insert(key.clone(), text).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > KEPT {
            self.order.pop_front().and_then(|oldest| self.texts.remove(&oldest));
        }
    }
}

/// So many texts are kept: a burst concerns one notice or a few, and each is told for some reasons in some languages.
const KEPT: usize = 512;

impl Composer {
    /// A composer for mails from `from`, in the name of `organisation`, with an operator's own templates.
    pub fn new(
        from: From,
        organisation: &str,
        subject_prefix: &str,
        custom: Option<Arc<Custom>>,
    ) -> Result<Composer, ComposeError> {
        let writer = Writer::new(organisation, &clean_header(subject_prefix), custom)?;
        Ok(Composer { from, writer, written: Mutex::default() })
    }

    /// What it writes with.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Writes the mail of `notice` to the recipient of `message`, who is written to in this language and by these clocks. The same input gives the
    /// same headers, in a repeat too.
    pub fn compose(
        &self,
        notice: &Notice,
        message: &Message,
        locale: Locale,
        instance: u64,
    ) -> Result<Mail, ComposeError> {
        self.compose_with(notice, message, locale, instance, &Links::default())
    }

    /// The same, with what only this message has.
    pub fn compose_with(
        &self,
        notice: &Notice,
        message: &Message,
        locale: Locale,
        instance: u64,
        links: &Links,
    ) -> Result<Mail, ComposeError> {
        let text = self.text(notice, &message.recipient.why, locale, instance, links)?;
        self.addressed(&text, Head::from(notice), message, locale, instance, links)
    }

    /// One mail for all that waits for the recipient of the first message. The same messages give the same headers.
    pub fn compose_together(
        &self,
        parts: &[Part<'_>],
        locale: Locale,
        instance: u64,
    ) -> Result<Mail, ComposeError> {
        let first = parts.first().ok_or(ComposeError::NoAddress)?;
        let event = together(parts.iter().map(|part| part.message.id));
        let at = parts.iter().map(|part| part.notice.at).max().unwrap_or(first.notice.at);
        let body = Body::of(self.writer.write_together(parts, locale)?, None)?;
        let head = Head { event: &event, thread: &event, at };
        let links = Links { unsubscribe: Part::unsubscribe(parts), ..first.links.clone() };
        self.addressed(&body, head, first.message, locale, instance, &links)
    }

    /// The same, and what it says in all forms, of something that is written only once.
    pub fn compose_once(
        &self,
        notice: &Notice,
        message: &Message,
        locale: Locale,
        instance: u64,
    ) -> Result<(Rendered, Mail), ComposeError> {
        let words = self.writer.write(notice, &message.recipient.why, locale)?;
        let body = self.body(notice, words.clone(), locale, instance)?;
        Ok((words, self.addressed(&body, Head::from(notice), message, locale, instance, &Links::default())?))
    }

    fn addressed(
        &self,
        text: &Body,
        head: Head<'_>,
        message: &Message,
        locale: Locale,
        instance: u64,
        links: &Links,
    ) -> Result<Mail, ComposeError> {
        let recipient = &message.recipient;
        let to = recipient.mail.as_ref().ok_or(ComposeError::NoAddress)?;
        let broken = |e: &dyn std::fmt::Display| ComposeError::Mail(e.to_string());
        let path = |address: &Address| address.as_str().parse::<Path>().map_err(|e| broken(&e));
        let mailbox = |name: Option<&str>, address: &Address| -> Result<Mailbox, ComposeError> {
            let name = name.map(clean_header).filter(|n| !n.is_empty());
            Ok(Mailbox::new(name, path(address)?.as_lettre()))
        };
        let domain = self.from.address.domain();
        let id = |event| message_id(instance, event, recipient, domain);
        let mut headers = Headers::new();
        headers.set(header::From::from(Mailboxes::from(mailbox(
            self.from.name.as_deref(),
            &self.from.address,
        )?)));
        headers.set(header::To::from(Mailboxes::from(mailbox(Some(&message.recipient.name), to)?)));
        headers.set(header::Subject::from(clean_header(&text.subject)));
        headers.set(header::MessageId::from(id(head.event)));
        headers.set(Date::from(std::time::SystemTime::from(head.at)));
        // RFC 3834 §5: no automatic answer to an automatic mail; Exchange wants its own word for it ([MS-OXCMAIL] 2.2.3.2.14).
        headers.set(AutoSubmitted);
        headers.set(SuppressResponses);
        if let Some(reply_to) = &self.from.reply_to {
            headers.set(header::ReplyTo::from(Mailboxes::from(mailbox(None, reply_to)?)));
        }
        if head.thread != head.event {
            let first = id(head.thread);
            headers.set(header::InReplyTo::from(first.clone()));
            headers.set(header::References::from(first));
        }
        headers.set(ContentLanguage(locale.language));
        if let Some(link) = &links.unsubscribe {
            // RFC 8058 §3.1: a program that shows mails can do it with one click.
            headers.set(ListUnsubscribe(format!("<{link}>")));
            headers.set(OneClick);
        }
        headers.set(header::MIME_VERSION_1_0);
        let mut bytes = headers.to_string().into_bytes();
        bytes.extend_from_slice(&text.body);
        let envelope = Envelope::new(path(&self.from.address)?, path(to)?);
        Ok(Mail { envelope, bytes })
    }

    /// Writes `notice` for the recipient of `message` as `channel` takes it.
    pub fn parcel(
        &self,
        channel: &Channel,
        notice: &Notice,
        message: &Message,
        locale: Locale,
        instance: u64,
    ) -> Result<Parcel, ComposeError> {
        self.parcel_with(channel, notice, message, locale, instance, &Links::default())
    }

    /// The same, with what only this message has.
    pub fn parcel_with(
        &self,
        channel: &Channel,
        notice: &Notice,
        message: &Message,
        locale: Locale,
        instance: u64,
        links: &Links,
    ) -> Result<Parcel, ComposeError> {
        if channel.takes_mails() {
            return Ok(Parcel::Mail(self.compose_with(notice, message, locale, instance, links)?));
        }
        let words = self.writer.write_with(notice, &message.recipient.why, locale, links)?;
        let of = (instance, self.from.address.domain());
        Ok(Parcel::Post(Post::new(notice, message, words, links, locale, self.writer.organisation(), of)))
    }

    fn text(
        &self,
        notice: &Notice,
        why: &str,
        locale: Locale,
        instance: u64,
        links: &Links,
    ) -> Result<Arc<Body>, ComposeError> {
        // What asks by a command is the same for all who get it; a link is one person's alone.
        let asks = links.take_on.is_some();
        let key = (notice.id, Box::from(why), locale, asks);
        let lock = || self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let shared = Links { take_on: None, ..links.clone() }.is_empty()
            && links.take_on.as_ref().is_none_or(|(_, link)| link.is_none());
        if let Some(text) = lock().texts.get(&key).filter(|_| shared) {
            return Ok(Arc::clone(text));
        }
        let words = self.writer.write_with(notice, why, locale, links)?;
        let text = Arc::new(self.body(notice, words, locale, instance)?);
        if shared {
            lock().keep(key, Arc::clone(&text));
        }
        Ok(text)
    }

    fn body(
        &self,
        notice: &Notice,
        words: Rendered,
        locale: Locale,
        instance: u64,
    ) -> Result<Body, ComposeError> {
        let entry = match &notice.facts {
            Facts::OutageWord(word) => {
                let entry = Words::new(locale).calendar_entry(word);
                calendar::part(word, notice.at, instance, &self.from.address, &entry)
            }
            _ => None,
        };
        Body::of(words, entry)
    }
}

/// What the headers of a mail say of where it belongs.
#[derive(Clone, Copy)]
struct Head<'a> {
    event: &'a EventKey,
    thread: &'a EventKey,
    at: DateTime<Utc>,
}

impl<'a> std::convert::From<&'a Notice> for Head<'a> {
    fn from(notice: &'a Notice) -> Head<'a> {
        Head { event: &notice.event, thread: &notice.thread, at: notice.at }
    }
}

/// What the mails of a notice have in common: encoding it takes far longer than the headers of each.
struct Body {
    subject: String,
    /// MIME, its own headers included.
    body: Vec<u8>,
}

impl Body {
    /// Text, HTML, and the same as an entry for a calendar, if there is one: the best form comes last (RFC 2046 §5.1.4), and programs look
    /// for the `method` of an entry there (RFC 6047 §2.4).
    fn of(text: Rendered, entry: Option<calendar::Part>) -> Result<Body, ComposeError> {
        // The boundary must not occur in the parts (RFC 2046 §5.1.1); a fixed one makes a repeat the same to the byte.
        let boundary = format!("=_{:016x}", xxh3_64(text.html.as_bytes()));
        let parts = MultiPart::alternative().boundary(boundary);
        let mut parts =
            parts.singlepart(SinglePart::plain(text.text)).singlepart(SinglePart::html(text.html));
        if let Some(calendar::Part { method, text }) = entry {
            let kind = format!("text/calendar; charset=utf-8; method={method}");
            let kind = header::ContentType::parse(&kind).map_err(|e| ComposeError::Mail(e.to_string()))?;
            parts = parts.singlepart(SinglePart::builder().header(kind).body(text));
        }
        Ok(Body { subject: text.subject, body: parts.formatted() })
    }
}

macro_rules! fixed_header {
    ($(#[$doc:meta])* $type:ident, $name:literal, $value:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $type;

        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok($type)
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), $value.to_owned())
            }
        }
    };
}

fixed_header!(
    /// RFC 3834 §5.
    AutoSubmitted,
    "Auto-Submitted",
    "auto-generated"
);
fixed_header!(
    /// [MS-OXCMAIL] 2.2.3.2.14.
    SuppressResponses,
    "X-Auto-Response-Suppress",
    "All"
);

fixed_header!(
    /// RFC 8058 §3.1.
    OneClick,
    "List-Unsubscribe-Post",
    "List-Unsubscribe=One-Click"
);

/// RFC 2369 §3.2.
#[derive(Clone)]
struct ListUnsubscribe(String);

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(ListUnsubscribe(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// RFC 3282: for programs that read aloud, and for rules.
#[derive(Clone, Copy)]
struct ContentLanguage(Language);

impl Header for ContentLanguage {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Language")
    }

    fn parse(tag: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Language::of_tag(tag).map(ContentLanguage).ok_or_else(|| "no language of ours".into())
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.tag().to_owned())
    }
}

#[cfg(test)]
mod tests;
