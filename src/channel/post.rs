//! A notice for one recipient as programs take it: its words and its facts, in one JSON object that only grows.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::message::{Links, Rendered};
use super::words::{Words, say};
use crate::domain::language::Language;
use crate::domain::locale::Locale;
use crate::domain::notice::{
    Facts, Message, Notice, NoticeKind, OutageWord, Priority, Recipient, message_id,
};
use crate::domain::outage::Severity;

/// The version of the shape: raised only if a field ever changes its meaning or goes. Fields may be added at any time.
const VERSION: u32 = 1;
/// A text message has no more than three parts (GSM 03.40): of 153 characters when all are of its own alphabet, else of 67.
const BRIEF: (usize, usize) = (3 * 153, 3 * 67);
/// The alphabet of text messages (GSM 03.38, the default table).
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Those that take two places in it.
const GSM_TWICE: &str = "\u{c}^{}\\[~]|€";

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
        links: &Links,
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
            brief: brief(&subject, &notice.facts, links, &said),
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

/// The subject, of an outage where it stands and what was said last, and how to take it on, if it asks for that.
fn brief(subject: &str, facts: &Facts, links: &Links, words: &Words) -> String {
    let (about, subject) = match facts {
        Facts::Climbed(climbed) => (&climbed.facts, say!(words, "about-climbed", about = subject)),
        _ => (facts, subject.to_owned()),
    };
    let more = match about {
        Facts::Outage { outage, earlier, units } => {
            Some(words.brief(&OutageWord::from((outage, *earlier, units.as_slice()))))
        }
        Facts::OutageWord(word) => Some(words.brief(word)),
        _ => None,
    };
    let text = more.map_or(subject.clone(), |more| format!("{subject}\n{more}"));
    let end = links.take_on().map(|how| say!(words, "brief-take-on", how = how));
    short(&text, &end.map(|end| format!("\n{end}")).unwrap_or_default())
}

/// As much of a text as a text message takes, and all of what stands at its end: its parts are smaller when one character isn't of its alphabet, as the
/// ellipsis isn't.
fn short(text: &str, end: &str) -> String {
    let whole = format!("{text}{end}");
    let places = |c: char| if GSM.contains(c) { Some(1) } else { GSM_TWICE.contains(c).then_some(2) };
    let gsm = |text: &str| -> Option<usize> { text.chars().map(places).sum() };
    if let (Some(all), Some(last)) = (gsm(&whole), gsm(end)) {
        if all <= BRIEF.0 {
            return whole;
        }
        return cut(text, BRIEF.0.saturating_sub(last + 3), |c| places(c).unwrap_or(2)) + "..." + end;
    }
    if whole.encode_utf16().count() <= BRIEF.1 {
        return whole;
    }
    cut(text, BRIEF.1.saturating_sub(end.encode_utf16().count() + 1), char::len_utf16) + "…" + end
}

/// The beginning of a text that takes no more than so many places.
fn cut(text: &str, most: usize, places: impl Fn(char) -> usize) -> String {
    let mut taken = 0;
    let fits = |c: &char| {
        taken += places(*c);
        taken <= most
    };
    text.chars().take_while(fits).collect()
}

/// A text of at most so many characters, with an ellipsis where it was cut.
pub(super) fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_message_has_no_more_than_three_parts() {
        let long = "Åsa är här! ".repeat(50);
        let said = short(&long, "");
        assert_eq!((said.chars().count(), said.ends_with("...")), (459, true));
        // With one character that isn't of its alphabet each part has 67.
        let said = short(&format!("č{long}"), "");
        assert_eq!((said.encode_utf16().count(), said.ends_with('…')), (201, true));
        let said = short(&"\u{1F525}".repeat(200), "");
        assert_eq!(said.encode_utf16().count(), 201);
        assert_eq!(short(&"[".repeat(459), "").chars().count(), 228 + 3);
        // What is at its end is whole.
        let said = short(&long, "\nhttps://x.example/[1]");
        assert!(said.ends_with("...\nhttps://x.example/[1]"), "{said}");
        assert_eq!(said.chars().count() + 2, 459, "brackets take two places");
        let said = short(&format!("č{long}"), "\nhttps://x.example/1");
        assert!(said.ends_with("…\nhttps://x.example/1") && said.chars().count() == 201, "{said}");
        for whole in ["Outage 1: Mail", &"x".repeat(459), &"č".repeat(201)] {
            assert_eq!(short(whole, ""), whole);
        }
    }
}
