//! `budkavle notice`: notices as those who get them see them, and those that wait for somebody to take them on.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, visible};
use crate::config::{self, Environment};
use crate::domain::climb::End;
use crate::domain::language::Language;
use crate::domain::mailbox::Address;
use crate::flow::preview::Preview;
use crate::http::notices::{Acknowledged, Waiting};
use crate::runtime::texts::{self, Setting};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle notice preview outage                                how a mail about an outage reads\n  budkavle notice preview sync-held --lang nn\n  budkavle notice preview outage --lang sv --format html --output outage.html\n  budkavle notice preview 4711 --to asa.oberg@ekfors.example    a notice that was sent, as she gets it, but for links\n  budkavle notice list                                          what waits for somebody to take it on\n  budkavle notice ack 4711                                      you have it\n\n`budkavle template list` shows the kinds of notices."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Those that wait for somebody to take them on, and when they go to others
    List,
    /// You take it on: nobody else is told
    Ack {
        /// The number of the notice
        notice: u64,
    },
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
        matches!(&self.verb, Verb::Preview { what, .. } if what.parse::<u64>().is_err())
    }
}

/// Shows a sample.
pub fn sample(args: &Args, config: &Path, out: &Out) -> Exit {
    let Verb::Preview { what, to, how } = &args.verb else { return Exit::Usage };
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
    let (what, to, how) = match args.verb {
        Verb::Preview { what, to, how } => (what, to, how),
        Verb::List => return list(client, out).await,
        Verb::Ack { notice } => return acknowledge(notice, client, out).await,
    };
    let query = [("to", to.map(|to| to.to_string())), ("lang", how.lang.map(|lang| lang.to_string()))];
    let preview: Preview = client.get(&format!("/v1/notices/{what}/preview"), &query).await?;
    show(&preview, &how, out)
}

async fn list(client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let all: Vec<Waiting> = client.get("/v1/notices", &[]).await?;
    out.answer(&all, |out, all| {
        let row = |Waiting { climb, goes_on }: &Waiting| {
            let told: Vec<&str> = climb.told.iter().map(|told| &*told.name).collect();
            let next = goes_on.map_or_else(|| "nobody is left".to_owned(), |at| out.when(at));
            vec![
                climb.notice.to_string(),
                out.when(climb.asked),
                climb.severity.to_string(),
                climb.about.to_string(),
                told.join(", "),
                next,
            ]
        };
        let header = ["no", "since", "severity", "about", "told", "goes on"];
        out.table(&header, all.iter().map(row).collect(), "no notice waits for anybody");
    });
    Ok(Exit::Done)
}

async fn acknowledge(notice: u64, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let answer: Acknowledged = client.post(&format!("/v1/notices/{notice}/acknowledge"), &()).await?;
    out.answer(&answer, |out, answer| {
        let about = visible(&answer.climb.about);
        out.line(match &answer.climb.end {
            Some(End::Taken { by, at }) if !answer.now => {
                format!("{} has it since {}: {about}", visible(by), out.when(*at))
            }
            Some(End::Over { at }) => format!("It has been over since {}: {about}", out.when(*at)),
            _ => format!("You have it, and nobody else is told: {about}"),
        });
    });
    Ok(Exit::Done)
}

/// The configuration's words for samples. Without a configuration that can be read, somebody's who there isn't; that is told.
pub fn setting(config: &Path, out: &Out) -> Result<Setting, Trouble> {
    if let Err(error) = std::fs::File::open(config) {
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
            Format::Text => out.raw(visible(&text).as_bytes()),
            _ => out.raw(text.as_bytes()),
        }),
    }
    Ok(Exit::Done)
}
