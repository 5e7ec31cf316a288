//! What notices say, in each language: a catalogue of messages (Fluent), and times, days and numbers as each language writes them.
//!
//! The messages stand in `words/*.ftl`, a file per language, each with the same ones. `dates` writes times and days, `terms` what the domain names:
//! roles, states, reasons;
//! `intake` what Budkavle says of feeds and signs of life.

mod dates;
mod intake;
mod terms;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::memoizer::MemoizerKind;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use crate::domain::language::Language;
use crate::domain::locale::Locale;

/// The messages of one language.
struct Catalogue(FluentBundle<FluentResource>);

static CATALOGUES: LazyLock<[Catalogue; 6]> = LazyLock::new(|| Language::ALL.map(Catalogue::new));

/// What notices say to somebody: in their language, by their clocks.
#[derive(Clone, Copy)]
pub struct Words {
    /// Which.
    pub locale: Locale,
    catalogue: &'static Catalogue,
}

/// A message in somebody's words: `say!(words, "mail-of", name = name, count = 3)`.
macro_rules! say {
    ($words:expr, $id:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $words.say($id, &[$((stringify!($name), $value.into())),*])
    };
}
pub(crate) use say;

/// The catalogue of a language as it is written.
fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("words/en.ftl"),
        Language::Swedish => include_str!("words/sv.ftl"),
        Language::Bokmal => include_str!("words/nb.ftl"),
        Language::Nynorsk => include_str!("words/nn.ftl"),
        Language::Danish => include_str!("words/da.ftl"),
        Language::Finnish => include_str!("words/fi.ftl"),
    }
}

impl Catalogue {
    fn new(language: Language) -> Catalogue {
        let tag = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // No marks around what is filled in: nothing here is written from right to left, and people copy commands out of mails.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(match language {
            Language::English => number::<','>,
            Language::Danish => number::<'.'>,
            // U+00A0: a number isn't broken at the end of a line.
            Language::Swedish | Language::Bokmal | Language::Nynorsk | Language::Finnish => {
                number::<'\u{a0}'>
            }
        }));
        // What is wrong in it is found by the tests; what is right in it is used all the same.
        let (Ok(resource) | Err((resource, _))) = FluentResource::try_new(source(language).to_owned());
        let _ = bundle.add_resource(resource);
        Catalogue(bundle)
    }
}

/// A whole number in groups of three digits, from five digits on where a space parts them, as the languages of the north have it.
fn number<const MARK: char>(value: &FluentValue<'_>, _: &impl MemoizerKind) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    let digits = format!("{:.0}", number.value);
    let least = if MARK == '\u{a0}' { 5 } else { 4 };
    if digits.len() < least {
        return Some(digits);
    }
    let first = digits.len() % 3;
    let place = |(n, digit): (usize, char)| {
        let mark = (n > 0 && n % 3 == first).then_some(MARK);
        mark.into_iter().chain([digit])
    };
    Some(digits.chars().enumerate().flat_map(place).collect())
}

impl Words {
    /// The words for whoever is written to so.
    pub fn new(locale: Locale) -> Words {
        let [english, swedish, bokmal, nynorsk, danish, finnish] = &*CATALOGUES;
        let catalogue = match locale.language {
            Language::English => english,
            Language::Swedish => swedish,
            Language::Bokmal => bokmal,
            Language::Nynorsk => nynorsk,
            Language::Danish => danish,
            Language::Finnish => finnish,
        };
        Words { locale, catalogue }
    }

    /// Whether there is a message of this name.
    pub fn knows(&self, id: &str) -> bool {
        self.catalogue.0.has_message(id)
    }

    /// The message `id`, with these arguments. One that is missing, which the tests rule out, is said by its name, and logged.
    pub fn say(&self, id: &str, arguments: &[(&'static str, FluentValue<'_>)]) -> String {
        self.try_to_say(id, arguments.iter().cloned().collect()).unwrap_or_else(|wrong| {
            debug_assert!(false, "{wrong}");
            tracing::error!("In a notice {wrong}");
            id.to_owned()
        })
    }

    /// The same, or what is wrong, for a template that somebody else wrote.
    ///
    /// # Errors
    /// There is no such message, or it wants other arguments.
    pub fn try_to_say(&self, id: &str, arguments: FluentArgs<'_>) -> Result<String, String> {
        let language = self.locale.language;
        let message = self.catalogue.0.get_message(id).and_then(|message| message.value());
        let Some(pattern) = message else { return Err(format!("there is no message \"{id}\" ({language})")) };
        let mut errors = Vec::new();
        let text = self.catalogue.0.format_pattern(pattern, Some(&arguments), &mut errors).into_owned();
        match errors.first() {
            None => Ok(text),
            Some(error) => Err(format!("the message \"{id}\" ({language}) can't be said: {error}")),
        }
    }

    /// Things in a row: `Bo, Li and Åsa`.
    pub fn all(&self, things: &[String]) -> String {
        match things {
            [] => String::new(),
            [one] => one.clone(),
            [first @ .., last] => say!(self, "list", first = first.join(", "), last = last.as_str()),
        }
    }

    /// So many units.
    pub fn units(&self, n: u32) -> String {
        say!(self, "count-units", n = n)
    }

    /// So many people.
    pub fn people(&self, n: u32) -> String {
        say!(self, "count-people", n = n)
    }
}

/// A sentence begins so.
pub fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
