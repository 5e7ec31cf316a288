//! The built-in templates as files to start from.

use crate::channel::message::kind::Kind;
use crate::channel::message::text::BUILT_IN;
use crate::channel::words::{Words, say};
use crate::domain::language::Language;
use crate::domain::locale::Locale;

/// A template to start from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// What its file is called.
    pub name: String,
    /// What stands in it.
    pub source: String,
}

/// The templates of these kinds as they are built in, in these languages, with the words of each, and the layout that they share.
pub fn export(kinds: &[Kind], languages: &[Language]) -> Vec<Exported> {
    let built_in = |name: &str| {
        BUILT_IN.iter().find(|(built_in, _)| *built_in == name).map_or("", |(_, source)| *source)
    };
    let mut files =
        vec![Exported { name: "layout.html".to_owned(), source: built_in("layout.html").to_owned() }];
    for kind in kinds {
        for language in languages {
            let words = Words::new(Locale { language: *language, ..Locale::default() });
            let file = |form: &str| format!("{}.{}.{form}", kind.name(), language.tag());
            let of = |form: &str| in_words(built_in(&format!("{}.{form}", kind.template())), &words);
            let subject = match kind {
                Kind::Outage => Some("outage-subject"),
                Kind::Maintenance => Some("maintenance-subject"),
                _ => None,
            };
            let subject = subject.map_or("{{ subject }}".to_owned(), |message| {
                say!(words, message, id = "{{ outage.id }}", title = "{{ outage.title }}")
            });
            files.push(Exported { name: file("html"), source: of("html") });
            files.push(Exported { name: file("txt"), source: format!("Subject: {subject}\n{}", of("txt")) });
        }
    }
    files
}

/// A template with the words in place of the calls that say nothing but a message.
fn in_words(source: &str, words: &Words) -> String {
    const CALL: &str = "{{ t(\"";
    const END: &str = "\") }}";
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, call)) = rest.split_once(CALL) {
        text.push_str(before);
        match call.split_once(END).filter(|(id, _)| words.knows(id)) {
            Some((id, after)) => {
                text.push_str(&words.say(id, &[]));
                rest = after;
            }
            None => {
                text.push_str(CALL);
                rest = call;
            }
        }
    }
    text.push_str(rest);
    text
}
