//! Several notices in one mail, for somebody for whom they waited.

use minijinja::{Error, context};

use super::{AMBER, Around, Links, Page, Rendered, Writer, log, markup};
use crate::channel::words::{Words, say};
use crate::domain::locale::Locale;
use crate::domain::notice::{Message, Notice};

/// A message that stands in a mail with others.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// What it says.
    pub notice: &'a Notice,
    /// To whom, and why.
    pub message: &'a Message,
    /// What only it has.
    pub links: &'a Links,
}

impl Part<'_> {
    /// How whoever gets them all gets no more, if one of them says it.
    pub(in super::super) fn unsubscribe(parts: &[Part<'_>]) -> Option<String> {
        parts.iter().find_map(|part| part.links.unsubscribe.clone())
    }
}

impl Writer {
    /// Writes all parts as one, each as it would be by itself, for the recipient of the first. How to get no more of the kind is said once.
    pub(in super::super) fn write_together(
        &self,
        parts: &[Part<'_>],
        locale: Locale,
    ) -> Result<Rendered, Error> {
        let words = Words::new(locale);
        let (mut contents, mut headings, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            let why = &part.message.recipient.why;
            let one = self.write(part.notice, why, locale)?;
            let text = one.said.strip_prefix(&one.heading).unwrap_or(&one.said).trim().to_owned();
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let lines: Vec<String> = lines.map(str::to_owned).collect();
            let after = words.after(&Links { unsubscribe: None, ..part.links.clone() });
            // What others say of an outage is no command of ours.
            let ours = part.notice.facts.outage().is_none();
            let heading = one.heading.as_str();
            contents.push(context! { label => one.label, heading, text, lines, ours, after });
            headings.push(one.heading);
            reasons.push(words.why(why));
        }
        // Each once, in the order in which they come.
        let mut seen = std::collections::HashSet::new();
        reasons.retain(|reason| seen.insert(reason.clone()));
        let n = parts.len();
        let heading = say!(words, "together-heading", n = n);
        let subject = say!(words, "together-subject", n = n, what = markup::short(&headings.join("; ")));
        let page = Page {
            template: "together",
            subject,
            heading,
            label: "label-together",
            colour: AMBER,
            preheader: Some(headings.join("; ")),
            content: context! { parts => contents },
        };
        let unsubscribe = Part::unsubscribe(parts);
        let after = words.after(&Links { unsubscribe, ..Links::default() });
        let around = Around { before: String::new(), after, why: words.all(&reasons) };
        self.on_page(page, around, None, locale, &mut log)
    }
}
