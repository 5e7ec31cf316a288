//! `budkavle notice`: notices as those who get them see them.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::Out;
use crate::config::{self, Environment};
use crate::domain::language::Language;
use crate::domain::mailbox::Address;
use crate::flow::preview::Preview;
use crate::runtime::texts::{self, Setting};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle notice preview outage                                how a mail about an outage reads\n  budkavle notice preview sync-held --lang nn\n  budkavle notice preview outage --lang sv --format html --output outage.html\n  budkavle notice preview 4711 --to asa.oberg@ekfors.example    a notice that was sent, as she gets it\n\n`budkavle template list` shows the kinds of notices."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show a notice as it is sent: a sample of a kind, or one that there is
    Preview {
        /// A kind of notice, a sample, or the number of a notice
        what: String,
        /// Of a notice by number: as this recipient gets it; without it the first one
        #[arg(long, value_name = "ADDRESS")]
        to: Option<Address>,
        #[command(flatten)]
        how: How,
    },
}

/// In which language and form.
#[derive(Debug, Clone, clap::Args)]
pub struct How {
    /// The language: en, sv, nb, nn, da or fi; without it the reader's
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    pub lang: Option<Language>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write it into this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The subject and the text
    Text,
    /// The page, for a browser
    Html,
    /// The whole mail
    Eml,
}

/// A language by its tag.
pub fn language(text: &str) -> Result<Language, String> {
    Language::of_tag(text).ok_or_else(|| {
        let tags = Language::ALL.map(Language::tag).join(", ");
        format!("there is no language \"{text}\"; there are {tags}")
    })
}

impl Args {
    /// Whether it can be answered without the daemon.
    pub fn needs_no_daemon(&self) -> bool {
        let Verb::Preview { what, .. } = &self.verb;
        what.parse::<u64>().is_err()
    }
}

/// Shows a sample.
pub fn sample(args: &Args, config: &Path, out: &Out) -> Exit {
    let Verb::Preview { what, to, how } = &args.verb;
    let shown = match to {
        Some(_) => {
            Err(Trouble::usage("--to goes with the number of a notice; a sample goes to somebody invented"))
        }
        None => setting(config, out).and_then(|setting| show_sample(what, &setting, how, out)),
    };
    shown.unwrap_or_else(|trouble| trouble.tell(out))
}

/// Shows a notice that there is.
pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let Verb::Preview { what, to, how } = args.verb;
    let query = [("to", to.map(|to| to.to_string())), ("lang", how.lang.map(|lang| lang.to_string()))];
    let preview: Preview = client.get(&format!("/v1/notices/{what}/preview"), &query).await?;
    show(&preview, &how, out)
}

/// The configuration's words for samples. Without a configuration that can be read, somebody's who there isn't; that is told.
pub fn setting(config: &Path, out: &Out) -> Result<Setting, Trouble> {
    if let Err(error) = std::fs::metadata(config).and_then(|_| std::fs::File::open(config)) {
        out.trouble(&format!(
            "the configuration {} can't be read ({error}); this is how it would be for Ekfors kommun",
            config.display()
        ));
        return Ok(Setting::of(None));
    }
    match config::load(config, &Environment::of_process()) {
        Ok((config, _)) => Ok(Setting::of(Some(&config))),
        Err(mistakes) => Err(Trouble::usage(mistakes)),
    }
}

/// Shows a sample, and what is wrong with an operator's template for it.
pub fn show_sample(what: &str, setting: &Setting, how: &How, out: &Out) -> Result<Exit, Trouble> {
    let (preview, broken) = texts::sample(what, setting, how.lang).map_err(|error| match error {
        texts::SampleError::Unknown(..) => Trouble::usage(error),
        other => Trouble::failed(other),
    })?;
    for broken in broken {
        out.trouble(&format!("a template can't be used, the built-in one is shown instead: {broken}"));
    }
    show(&preview, how, out)
}

fn show(preview: &Preview, how: &How, out: &Out) -> Result<Exit, Trouble> {
    let text = match how.format {
        Format::Text => format!("Subject: {}\n\n{}", preview.subject, preview.text),
        Format::Html => preview.html.clone(),
        Format::Eml => preview.eml.clone().ok_or_else(|| {
            Trouble::failed(format!(
                "{} is a place, which gets no mail; --format text shows what it gets",
                preview.to
            ))
        })?,
    };
    match &how.output {
        Some(file) => {
            std::fs::write(file, text)
                .map_err(|error| Trouble::failed(format!("{} can't be written: {error}", file.display())))?;
            out.answer(preview, |out, _| out.line(format!("Written to {}.", file.display())));
        }
        None => out.answer(preview, |out, _| match how.format {
            // A terminal is commanded by nothing in it.
            Format::Text => out.raw(super::print::visible(&text).as_bytes()),
            _ => out.raw(text.as_bytes()),
        }),
    }
    Ok(Exit::Done)
}
