//! `budkavle template`: an operator's own texts.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::exit::{Exit, Trouble};
use super::notice::{self, How};
use super::print::{Out, visible};
use crate::domain::language::Language;
use crate::runtime::texts::{self, Checked, Kind, Own, Setting};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle template list\n  budkavle template export /etc/budkavle/templates --kind outage --lang sv --lang fi\n  budkavle template check\n  budkavle template preview outage --lang sv --format html --output outage.html\n\nThe folder is the one that [templates] in the configuration names, or --folder. See docs/texts.md."
)]
pub struct Args {
    /// The folder with the templates, if not the configuration's
    #[arg(long, global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The kinds of notices, and which have templates of your own
    List,
    /// Try every template with samples of every kind; tells each mistake with file and line
    Check,
    /// Show a sample with your templates
    Preview {
        /// A kind of notice, or a sample
        what: String,
        #[command(flatten)]
        how: How,
    },
    /// Write the built-in templates, to start from
    Export {
        /// Where to
        into: PathBuf,
        /// Only of this kind; can be given several times
        #[arg(long, value_parser = kind)]
        kind: Vec<Kind>,
        /// In this language; can be given several times; without it in all
        #[arg(long, value_parser = notice::language)]
        lang: Vec<Language>,
        /// Write over what is there
        #[arg(long)]
        force: bool,
    },
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::named(text).ok_or_else(|| {
        let names = Kind::ALL.map(Kind::name).join(", ");
        format!("there is no kind \"{text}\"; there are {names}")
    })
}

pub fn run(args: Args, config: &Path, out: &Out) -> Exit {
    work(args, config, out).unwrap_or_else(|trouble| trouble.tell(out))
}

fn work(args: Args, config: &Path, out: &Out) -> Result<Exit, Trouble> {
    let folder = args.folder;
    let setting = || -> Result<Setting, Trouble> {
        let mut setting = match &folder {
            // Then the configuration is only for the words around.
            Some(_) if !config.is_file() => Setting::of(None),
            _ => notice::setting(config, out)?,
        };
        setting.templates = folder.clone().or(setting.templates);
        Ok(setting)
    };
    match args.verb {
        Verb::List => list(&setting()?, out),
        Verb::Check => check(&setting()?, out),
        Verb::Preview { what, how } => notice::show_sample(&what, &setting()?, &how, out),
        Verb::Export { into, kind, lang, force } => {
            let kinds = if kind.is_empty() { Kind::ALL.to_vec() } else { kind };
            let languages = if lang.is_empty() { Language::ALL.to_vec() } else { lang };
            let written = texts::write(&texts::export(&kinds, &languages), &into, force)
                .map_err(|error| Trouble::failed(format!("the templates can't be written: {error}")))?;
            out.answer(&json!({ "written": written }), |out, _| {
                written.iter().for_each(|path| out.line(path.display().to_string()));
            });
            Ok(Exit::Done)
        }
    }
}

fn list(setting: &Setting, out: &Out) -> Result<Exit, Trouble> {
    let Checked { custom, .. } = checked(setting);
    let own: &[Own] = custom.as_ref().map_or(&[], |custom| custom.own());
    let files = |kind: Kind| -> Vec<String> {
        let of = own.iter().filter(|own| own.kind == kind);
        of.filter_map(|own| Some(own.file.file_name()?.to_string_lossy().into_owned())).collect()
    };
    let samples = |kind: Kind| -> Vec<&str> {
        texts::samples().filter(|(_, of)| *of == kind).map(|(name, _)| name).collect()
    };
    let kinds: Vec<_> = Kind::ALL
        .iter()
        .map(|kind| json!({ "kind": kind.name(), "about": kind.about(), "samples": samples(*kind), "own": files(*kind) }))
        .collect();
    out.answer(&json!({ "folder": setting.templates, "kinds": kinds }), |out, _| {
        let row = |kind: &Kind| {
            let own = files(*kind);
            let own = if own.is_empty() { "–".to_owned() } else { own.join(", ") };
            vec![kind.name().to_owned(), kind.about().to_owned(), samples(*kind).join(", "), own]
        };
        out.table(&["kind", "when", "samples", "your templates"], Kind::ALL.iter().map(row).collect(), "");
    });
    Ok(Exit::Done)
}

fn check(setting: &Setting, out: &Out) -> Result<Exit, Trouble> {
    let Some(folder) = &setting.templates else {
        return Err(Trouble::usage(
            "there are no templates to check: [templates] in the configuration names no folder; --folder does, too",
        ));
    };
    let Checked { custom, broken } = checked(setting);
    let right = custom.map_or(0, |custom| custom.own().len());
    let mistakes: Vec<_> = broken
        .iter()
        .map(|broken| json!({ "file": broken.file, "line": broken.line, "problem": broken.what }))
        .collect();
    out.answer(&json!({ "folder": folder, "right": right, "mistakes": mistakes }), |out, _| {
        for broken in &broken {
            out.line(format!("✗ {}", visible(&broken.to_string())));
        }
        let templates = if right == 1 { "1 template".to_owned() } else { format!("{right} templates") };
        out.line(format!("{templates} in {} can be used, tried with every sample.", folder.display()));
    });
    Ok(if broken.is_empty() { Exit::Done } else { Exit::Failed })
}

fn checked(setting: &Setting) -> Checked {
    match &setting.templates {
        Some(folder) => texts::check(folder),
        None => Checked { custom: None, broken: Vec::new() },
    }
}
