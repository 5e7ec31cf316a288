//! The words of a notice: subject, text and HTML from its facts, in the language and by the clocks of whoever reads it.

mod channels;
mod contacts;
mod coverage;
mod links;
mod markup;
mod outage;
mod sync;
mod together;

use std::sync::Arc;

use fluent_bundle::{FluentArgs, FluentValue};
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, State, Value, context};

use super::kind::Kind;
use super::templates::{Broken, Custom};
use crate::channel::clean_header;
use crate::channel::words::{Words, say};
use crate::domain::language::Language;
use crate::domain::locale::Locale;
use crate::domain::notice::{Facts, Notice, OutageWord};

pub use links::Links;
pub use together::Part;

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What kind of word it is, such as `Alert`.
    pub label: String,
    /// The same for programs, in no language: `alert`, `outage-resolved`.
    pub tag: &'static str,
    /// The colour of the label, as in HTML.
    pub colour: &'static str,
    /// What stands in its first line.
    pub heading: String,
    /// The subject, the same for all mails of an outage.
    pub subject: String,
    /// What there is to say, without why somebody gets it.
    pub said: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// Writes notices in words.
pub struct Writer {
    templates: Environment<'static>,
    custom: Option<Arc<Custom>>,
    organisation: String,
    subject_prefix: String,
}

/// What the templates have in common: what it is called, and how it looks.
struct Page {
    template: &'static str,
    subject: String,
    heading: String,
    /// The message that says what kind of word it is.
    label: &'static str,
    colour: &'static str,
    /// What a list of mails shows beside the subject. None: the first that is said.
    preheader: Option<String>,
    content: Value,
}

/// What stands around what there is to say: before it, after it, and why somebody gets it, in the footer.
struct Around {
    before: String,
    after: Vec<String>,
    why: String,
}

fn log(error: &Broken) {
    tracing::error!("A template can't be used, the built-in one is used instead: {error}");
}

const RED: &str = "#b3261e";
const AMBER: &str = "#b26a00";
const GREEN: &str = "#1a7f37";
const BLUE: &str = "#0b5cad";

/// The templates that come with Budkavle.
pub(super) const BUILT_IN: [(&str, &str); 14] = [
    ("layout.html", include_str!("../templates/layout.html")),
    ("outage.html", include_str!("../templates/outage.html")),
    ("outage.txt", include_str!("../templates/outage.txt")),
    ("sync_trouble.html", include_str!("../templates/sync_trouble.html")),
    ("sync_trouble.txt", include_str!("../templates/sync_trouble.txt")),
    ("coverage.html", include_str!("../templates/coverage.html")),
    ("coverage.txt", include_str!("../templates/coverage.txt")),
    ("contacts.html", include_str!("../templates/contacts.html")),
    ("contacts.txt", include_str!("../templates/contacts.txt")),
    ("plain.html", include_str!("../templates/plain.html")),
    ("plain.txt", include_str!("../templates/plain.txt")),
    ("together.html", include_str!("../templates/together.html")),
    ("together.txt", include_str!("../templates/together.txt")),
    ("footer.txt", include_str!("../templates/footer.txt")),
];

/// What a template may do: everything in memory, no file read, an end to every loop.
pub(super) fn environment() -> Environment<'static> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    templates.set_fuel(Some(200_000));
    templates.set_recursion_limit(50);
    templates.add_filter("commands", markup::commands);
    templates.add_filter("linked", markup::linked);
    templates.add_filter("command", markup::command);
    templates.add_function("t", translated);
    templates
}

/// `t("what-to-do")`, `t("sync-more", n=3)`: a message in the language of the mail.
fn translated(state: &State<'_, '_>, id: &str, arguments: Kwargs) -> Result<String, Error> {
    let tag = state.lookup("lang");
    let language = tag.as_ref().and_then(Value::as_str).and_then(Language::of_tag);
    // Were it said in English then, only its readers would find that.
    let language = language.ok_or_else(|| {
        let what = "t() doesn't know the language here: is there another `lang`?";
        Error::new(ErrorKind::InvalidOperation, what)
    })?;
    let mut filled = FluentArgs::new();
    for name in arguments.args() {
        let value: Value = arguments.get(name)?;
        let value = value.as_i64().map_or_else(|| FluentValue::from(value.to_string()), FluentValue::from);
        filled.set(name.to_owned(), value);
    }
    let words = Words::new(Locale { language, ..Locale::default() });
    words.try_to_say(id, filled).map_err(|wrong| Error::new(ErrorKind::InvalidOperation, wrong))
}

impl Writer {
    /// A writer for `organisation`, with `subject_prefix` before every subject, and an operator's own templates.
    pub fn new(
        organisation: &str,
        subject_prefix: &str,
        custom: Option<Arc<Custom>>,
    ) -> Result<Writer, Error> {
        let mut templates = environment();
        for (name, source) in BUILT_IN {
            templates.add_template(name, source)?;
        }
        let (organisation, subject_prefix) = (organisation.to_owned(), subject_prefix.to_owned());
        Ok(Writer { templates, custom, organisation, subject_prefix })
    }

    /// Whose notices these are.
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// Writes `notice` for somebody who gets it for the reason `why`; for a place without any. An operator's template that fails is told in the log, and the built-in one is
    /// used: no notice stops for it.
    pub fn write(&self, notice: &Notice, why: &str, locale: Locale) -> Result<Rendered, Error> {
        self.write_with(notice, why, locale, &Links::default())
    }

    /// The same, with what only one of those who get it has.
    pub fn write_with(
        &self,
        notice: &Notice,
        why: &str,
        locale: Locale,
        links: &Links,
    ) -> Result<Rendered, Error> {
        self.write_telling(notice, why, locale, links, &mut log)
    }

    /// The same; what is wrong with an operator's template goes to `broken`.
    pub(super) fn write_telling(
        &self,
        notice: &Notice,
        why: &str,
        locale: Locale,
        links: &Links,
        broken: &mut dyn FnMut(&Broken),
    ) -> Result<Rendered, Error> {
        let words = Words::new(locale);
        let page = Self::page(&notice.facts, &words);
        let (before, after) = (words.before(&notice.facts), words.after(links));
        let kind = Kind::of(&notice.facts);
        let custom = self.custom.as_ref().is_some_and(|custom| custom.is_for(kind));
        let own = custom.then(|| {
            let known = context! {
                facts => facts(about(&notice.facts)),
                kind => kind.name(),
                notice => notice.id.0,
                at => words.time(notice.at),
            };
            (kind, known)
        });
        self.on_page(page, Around { before, after, why: words.why(why) }, own, locale, broken)
    }

    /// A page as it is sent. An operator's templates of the kind, if there are any, know more.
    fn on_page(
        &self,
        page: Page,
        Around { before, after, why }: Around,
        own: Option<(Kind, Value)>,
        locale: Locale,
        broken: &mut dyn FnMut(&Broken),
    ) -> Result<Rendered, Error> {
        let label = Words::new(locale).say(page.label, &[]);
        let mut context = context! {
            heading => page.heading.as_str(),
            label => label.as_str(),
            colour => page.colour,
            organisation => self.organisation.as_str(),
            lang => locale.language.tag(),
            why,
            subject => page.subject.as_str(),
            before => before.as_str(),
            after => after.clone(),
            ..page.content
        };
        let of = own.map(|(kind, known)| {
            context = context! { ..known, ..context.clone() };
            (kind, locale.language)
        });
        let subject = self.own(of, "subject", &context, broken).map(|subject| clean_header(&subject));
        let subject = subject.filter(|subject| !subject.is_empty()).unwrap_or(page.subject);
        let subject = match self.subject_prefix.as_str() {
            "" => subject,
            prefix => format!("{prefix} {subject}"),
        };
        let context = context! { subject => subject.as_str(), ..context };
        let said = match self.own(of, "txt", &context, broken) {
            Some(text) => text,
            None => self.built_in(&format!("{}.txt", page.template), &context, broken)?,
        };
        let said = links::around(&page.heading, &before, said.trim(), &after);
        let footer = self.built_in("footer.txt", &context, broken)?;
        let text = format!("{said}\n{}\n", footer.trim_end_matches('\n'));
        let preheader = page.preheader.unwrap_or_else(|| markup::first_words(&said, &page.heading));
        let context = context! { preheader => markup::short(&preheader), ..context };
        let html = match self.own(of, "html", &context, broken) {
            Some(html) => html,
            None => self.built_in(&format!("{}.html", page.template), &context, broken)?,
        };
        let html = links::into_html(html, &before, &after);
        let Page { colour, heading, .. } = page;
        let tag = page.label.trim_start_matches("label-");
        Ok(Rendered { label, tag, colour, heading, subject, said, text, html })
    }

    /// What an operator's template makes of it, if there is one that works.
    fn own(
        &self,
        of: Option<(Kind, Language)>,
        form: &str,
        context: &Value,
        broken: &mut dyn FnMut(&Broken),
    ) -> Option<String> {
        let (kind, language) = of?;
        let rendered = self.custom.as_ref()?.render(kind, language, form, context)?;
        rendered.map_err(|error| broken(&error)).ok()
    }

    /// What a built-in template makes of it, in an operator's layout, if there is one that works.
    fn built_in(
        &self,
        name: &str,
        context: &Value,
        broken: &mut dyn FnMut(&Broken),
    ) -> Result<String, Error> {
        match self.custom.as_ref().and_then(|custom| custom.render_shared(name, context)) {
            Some(Ok(text)) => return Ok(text),
            Some(Err(error)) => broken(&error),
            None => {}
        }
        self.templates.get_template(name)?.render(context)
    }

    /// The operator's templates.
    pub(super) fn custom(&self) -> Option<&Custom> {
        self.custom.as_deref()
    }

    /// The operator's templates back, if nobody else uses them.
    pub(super) fn into_custom(self) -> Option<Custom> {
        self.custom.and_then(Arc::into_inner)
    }

    /// What stands in the first line of a notice.
    pub fn heading(facts: &Facts, words: &Words) -> String {
        Self::page(facts, words).heading
    }

    fn page(facts: &Facts, words: &Words) -> Page {
        match facts {
            Facts::Outage { outage, earlier, units } => {
                words.outage(&OutageWord::from((outage, *earlier, units.as_slice())))
            }
            Facts::OutageTold(word) => words.outage(&(**word).clone().into()),
            Facts::OutageWord(word) => words.outage(word),
            Facts::Subscribe { .. } => words.subscribe(),
            Facts::Lasting { lasting, more } => words.lasting(lasting, *more),
            Facts::Quarantine(facts) => words.quarantine(facts),
            Facts::QuarantineOver { directory, objects, since } => {
                words.quarantine_over(directory, *objects, *since)
            }
            Facts::Climbed(climbed) => Self::page(&climbed.facts, words),
            Facts::SyncTrouble(trouble) => words.sync_trouble(trouble),
            Facts::SyncRecovered { directory, trouble, since, at } => {
                words.sync_recovered(directory, *trouble, *since, *at)
            }
            Facts::StoreRebuilt { damage, export_from, aside } => {
                let title = say!(words, "rebuilt-title");
                let lines = [
                    say!(words, "rebuilt-noticed", damage = &**damage),
                    match export_from {
                        Some(at) => say!(words, "rebuilt-from", at = words.time(*at)),
                        None => say!(words, "rebuilt-empty", command = "budkavle restore FILE"),
                    },
                    say!(words, "rebuilt-aside", aside = &**aside),
                ];
                plain(title, "label-alert", RED, lines.to_vec())
            }
            Facts::Test { by, at } => Page {
                heading: say!(words, "test-heading"),
                ..plain(
                    say!(words, "test-subject"),
                    "label-test",
                    BLUE,
                    vec![say!(words, "test-line", by = &**by, at = words.time(*at))],
                )
            },
            Facts::Coverage(facts) => words.coverage(facts),
            Facts::ContactNews(facts) => words.contact_news(facts),
            Facts::ContactSummary(facts) => words.contact_summary(facts),
            Facts::Duties(facts) => words.duties(facts),
            Facts::Ending { directory, due } => words.ending(directory, due),
            Facts::ChannelBroken { channel, since, reason } => words.channel_broken(channel, *since, reason),
            Facts::ChannelWorks { channel, since, at } => words.channel_works(channel, *since, *at),
            Facts::Undelivered(facts) => words.undelivered(facts),
        }
    }
}

/// What a notice is about: of one that nobody has taken on, what that is about.
fn about(facts: &Facts) -> &Facts {
    match facts {
        Facts::Climbed(climbed) => &climbed.facts,
        other => other,
    }
}

/// The fields of what a notice says, without the name of its kind.
fn facts(facts: &Facts) -> Value {
    // What was told of an incident before there was maintenance, in the same form as since.
    if let Facts::Outage { outage, earlier, units } = facts {
        return Value::from(Serde(OutageWord::from((outage, *earlier, units.as_slice()))));
    }
    let facts = Value::from(Serde(facts));
    let name = facts.try_iter().ok().and_then(|mut names| names.next());
    name.and_then(|name| facts.get_item(&name).ok()).unwrap_or(facts)
}

/// A page of paragraphs.
fn plain(title: String, label: &'static str, colour: &'static str, lines: Vec<String>) -> Page {
    Page {
        template: "plain",
        subject: title.clone(),
        heading: title,
        label,
        colour,
        preheader: None,
        content: context! { lines },
    }
}

fn texts(texts: &[Box<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
