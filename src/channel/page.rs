//! The pages that links in messages lead to. Nothing on them but a form without a script: what is done is done by sending it.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use minijinja::{Environment, UndefinedBehavior, context};

use super::message::Writer;
use super::words::{Words, say};
use crate::domain::locale::Locale;
use crate::domain::notice::Facts;

/// What a page says.
#[derive(Clone, PartialEq, Debug)]
pub enum Page {
    /// Whoever reads it may take on what this tells.
    TakeOn(Box<Facts>),
    /// They have it now.
    TakenOn,
    /// Somebody had it before.
    TakenBefore {
        /// Who.
        by: Box<str>,
        /// Since when.
        at: DateTime<Utc>,
    },
    /// Whoever reads it may say that they want to be told of outages: what the address is.
    Confirm(Box<str>),
    /// They are told now.
    Confirmed,
    /// Whoever reads it may say that they don't want to be told any more.
    Unsubscribe(Box<str>),
    /// They aren't told any more.
    Unsubscribed,
    /// Everybody may ask to be told.
    Subscribe,
    /// If they gave an address of theirs, they get a mail there.
    SubscribeSent,
    /// What they gave is no address.
    NoAddress,
    /// Too many ask.
    TooMany,
    /// It is over.
    Over,
    /// The link isn't one of ours.
    BadLink,
    /// The link's time is over.
    Expired,
    /// Something went wrong in here.
    Failed,
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // It is a part of the program, and a test writes every page.
    if let Err(error) = templates.add_template("page.html", include_str!("templates/page.html")) {
        unreachable!("page.html: {error}");
    }
    templates
});

impl Page {
    /// The page in somebody's words.
    ///
    /// # Errors
    /// The template's.
    pub fn html(&self, organisation: &str, locale: Locale) -> Result<String, minijinja::Error> {
        let words = Words::new(locale);
        let (title, lines, button): (String, Vec<String>, Option<String>) = match self {
            Page::TakeOn(facts) => {
                let lines = vec![Writer::heading(facts, &words), say!(words, "page-take-on")];
                (say!(words, "page-take-on-title"), lines, Some(say!(words, "page-take-on-button")))
            }
            Page::TakenOn => (say!(words, "page-taken-title"), vec![say!(words, "page-taken")], None),
            Page::TakenBefore { by, at } => {
                let line = say!(words, "page-taken-before", by = &**by, at = words.time(*at));
                (say!(words, "page-taken-before-title"), vec![line], None)
            }
            Page::Confirm(mail) => {
                let line = say!(words, "page-confirm", mail = &**mail);
                (say!(words, "page-confirm-title"), vec![line], Some(say!(words, "page-confirm-button")))
            }
            Page::Confirmed => {
                (say!(words, "page-confirmed-title"), vec![say!(words, "page-confirmed")], None)
            }
            Page::Unsubscribe(mail) => {
                let line = say!(words, "page-unsubscribe", mail = &**mail);
                let button = say!(words, "page-unsubscribe-button");
                (say!(words, "page-unsubscribe-title"), vec![line], Some(button))
            }
            Page::Unsubscribed => {
                (say!(words, "page-unsubscribed-title"), vec![say!(words, "page-unsubscribed")], None)
            }
            Page::Subscribe => {
                let button = say!(words, "page-subscribe-button");
                (say!(words, "page-subscribe-title"), vec![say!(words, "page-subscribe")], Some(button))
            }
            Page::SubscribeSent => {
                (say!(words, "page-subscribe-sent-title"), vec![say!(words, "page-subscribe-sent")], None)
            }
            Page::NoAddress => {
                let button = say!(words, "page-subscribe-button");
                (say!(words, "page-no-address-title"), vec![say!(words, "page-subscribe")], Some(button))
            }
            Page::TooMany => (say!(words, "page-too-many-title"), vec![say!(words, "page-failed")], None),
            Page::Over => (say!(words, "page-over-title"), vec![say!(words, "page-over")], None),
            Page::BadLink => (say!(words, "page-bad-title"), vec![say!(words, "page-bad")], None),
            Page::Expired => (say!(words, "page-expired-title"), vec![say!(words, "page-expired")], None),
            Page::Failed => (say!(words, "page-failed-title"), vec![say!(words, "page-failed")], None),
        };
        let asks = matches!(self, Page::Subscribe | Page::NoAddress);
        let field: Option<String> = asks.then(|| say!(words, "page-subscribe-field"));
        let page = context! { lang => locale.language.tag(), organisation, title, lines, button, field };
        TEMPLATES.get_template("page.html")?.render(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::language::Language;
    use crate::domain::outage::Severity;
    use crate::domain::testing::{hour, outage_word};

    #[test]
    fn every_page_can_be_written_in_every_language_and_holds_nobodys_markup() {
        let word = outage_word(1, "<script>alert(1)</script>", "", Severity::Major, hour(0));
        let pages = [
            Page::TakeOn(Box::new(Facts::OutageWord(Box::new(word)))),
            Page::TakenOn,
            Page::TakenBefore { by: "Åsa <b>".into(), at: hour(0) },
            Page::Confirm("a<b>@x.example".into()),
            Page::Confirmed,
            Page::Unsubscribe("a@x.example".into()),
            Page::Unsubscribed,
            Page::Subscribe,
            Page::SubscribeSent,
            Page::NoAddress,
            Page::TooMany,
            Page::Over,
            Page::BadLink,
            Page::Expired,
            Page::Failed,
        ];
        for language in Language::ALL {
            for page in &pages {
                let html = page.html("Ekfors & Co", Locale { language, ..Locale::default() }).unwrap();
                assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
                assert!(html.contains("Ekfors &amp; Co"), "{html}");
                let asks = matches!(
                    page,
                    Page::TakeOn(_)
                        | Page::Confirm(_)
                        | Page::Unsubscribe(_)
                        | Page::Subscribe
                        | Page::NoAddress
                );
                assert_eq!(html.contains("<form method=\"post\">"), asks, "{html}");
            }
        }
    }
}
