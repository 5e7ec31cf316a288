//! A notice for one recipient as programs take it: its words and its facts, in one JSON object that only grows.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::message::Rendered;
use super::words::Words;
use crate::domain::language::Language;
use crate::domain::locale::Locale;
use crate::domain::notice::{
    Facts, Message, Notice, NoticeKind, OutageWord, Priority, Recipient, message_id,
};
use crate::domain::outage::Severity;

/// The version of the shape: raised only if a field ever changes its meaning or goes. Fields may be added at any time.
const VERSION: u32 = 1;
/// A text message has no more characters than this: three parts of 153 (GSM 03.40).
const BRIEF: usize = 459;

/// A notice for one recipient. See `docs/channels.md` for its JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Post {
    /// The version of this shape, 1.
    pub version: u32,
    /// The same in every repeat, and of no other message.
    pub id: String,
    /// What it is about.
    pub kind: NoticeKind,
    /// How bad that is.
    pub severity: Severity,
    /// What goes before it.
    pub priority: Priority,
    /// The event it speaks of.
    pub event: Box<str>,
    /// The event that it follows.
    pub thread: Box<str>,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Whose Budkavle it is from.
    pub organisation: String,
    /// In which language its words are.
    pub language: Language,
    /// What kind of word it is, such as `Alert`.
    pub label: String,
    /// The same in no language: `alert`, `outage-resolved`.
    pub tag: &'static str,
    /// The colour that goes with it, as in HTML.
    pub colour: &'static str,
    /// As the subject of a mail.
    pub subject: String,
    /// Its first line.
    pub heading: String,
    /// All of it.
    pub text: String,
    /// As a text message has it.
    pub brief: String,
    /// Who gets it.
    pub recipient: Recipient,
    /// What there is to say.
    pub facts: Facts,
    /// The severity in words.
    #[serde(skip)]
    pub(super) how_bad: String,
}

impl Post {
    /// The notice in these words, for the recipient of `message`.
    pub(super) fn new(
        notice: &Notice,
        message: &Message,
        words: Rendered,
        locale: Locale,
        organisation: &str,
        (instance, domain): (u64, &str),
    ) -> Post {
        let said = Words::new(locale);
        let Rendered { label, tag, colour, heading, subject, said: text, .. } = words;
        let id = message_id(instance, &notice.event, &message.recipient, domain);
        Post {
            version: VERSION,
            id: id.trim_matches(['<', '>']).to_owned(),
            kind: notice.facts.kind(),
            severity: notice.facts.severity(),
            priority: message.priority,
            event: notice.event.0.clone(),
            thread: notice.thread.0.clone(),
            at: notice.at,
            organisation: organisation.to_owned(),
            language: locale.language,
            label,
            tag,
            colour,
            brief: brief(&subject, &notice.facts, &said),
            subject,
            heading,
            text,
            recipient: message.recipient.clone(),
            facts: notice.facts.clone(),
            how_bad: said.severity(notice.facts.severity()),
        }
    }

    /// What stands below its first line.
    pub(super) fn body(&self) -> &str {
        self.text.strip_prefix(&self.heading).unwrap_or(&self.text).trim()
    }

    /// As bytes of JSON.
    pub(super) fn json(&self) -> Vec<u8> {
        // Nothing in it can't be JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The subject, and of an outage where it stands and what was said last.
fn brief(subject: &str, facts: &Facts, words: &Words) -> String {
    let more = match facts {
        Facts::Outage { outage, earlier, units } => {
            words.brief(&OutageWord::from((outage, *earlier, units.as_slice())))
        }
        Facts::OutageWord(word) => words.brief(word),
        _ => return clip(subject, BRIEF),
    };
    clip(&format!("{subject}\n{more}"), BRIEF)
}

/// A text of at most so many characters, with an ellipsis where it was cut.
pub(super) fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
