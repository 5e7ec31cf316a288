//! Texts as the configuration has them: languages, an operator's own templates; and without the daemon, samples of every kind of notice.

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::channel::message::{Broken, Checked, Exported, Kind, Own, check, export};
use crate::channel::message::{ComposeError, Composer, Custom, From, samples};
use crate::config::Config;
use crate::domain::language::Language;
use crate::domain::locale::{Locale, Locales};
use crate::domain::mailbox::NotAnAddress;
use crate::flow::preview::{self, Preview};

/// In whose name samples are written.
#[derive(Debug, Clone)]
pub struct Setting {
    organisation: String,
    subject_prefix: String,
    from: String,
    from_name: Option<Box<str>>,
    locale: Locale,
    /// The folder with the operator's own templates.
    pub templates: Option<PathBuf>,
}

/// Why there is no sample to look at.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// There is none of this name.
    #[error("there is no sample \"{0}\"; there are: {1}")]
    Unknown(String, String),
    /// It can't be written.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// An address of ours, which the tests rule out.
    #[error(transparent)]
    Address(#[from] NotAnAddress),
}

impl Setting {
    /// As the configuration has it; without one, in the name of an organisation that there isn't.
    pub fn of(config: Option<&Config>) -> Setting {
        match config {
            Some(config) => Setting {
                organisation: config.organisation.name.clone(),
                subject_prefix: config.mail.subject_prefix.clone(),
                from: config.mail.from.address.as_str().to_owned(),
                from_name: config.mail.from.name.as_deref().map(Box::from),
                locale: locales(config).organisation,
                templates: config.templates.clone(),
            },
            None => Setting {
                organisation: "Ekfors kommun".to_owned(),
                subject_prefix: String::new(),
                from: "budkavle@ekfors.example".to_owned(),
                from_name: Some("Budkavle".into()),
                locale: Locale { language: Language::English, zone: chrono_tz::Europe::Stockholm },
                templates: None,
            },
        }
    }
}

/// In which language, and by whose clocks, people are written to.
pub fn locales(config: &Config) -> Locales {
    let organisation = &config.organisation;
    Locales {
        organisation: Locale { language: organisation.language, zone: organisation.timezone },
        rules: config.locales.clone(),
    }
}

/// The operator's own templates that can be used; the mistakes in the others are told.
pub fn custom(config: &Config) -> Option<Custom> {
    let Checked { custom, broken } = check(config.templates.as_deref()?);
    for broken in &broken {
        tracing::error!("A template can't be used, the built-in one is used instead: {broken}");
    }
    custom
}

/// The samples: what each is called, and what kind it is.
pub fn samples() -> impl Iterator<Item = (&'static str, Kind)> {
    samples::all().iter().map(|sample| (sample.name, Kind::of(&sample.facts)))
}

/// A sample as somebody would get it, with the mistakes in the operator's templates.
///
/// # Errors
/// There is no sample of this name or kind, or it can't be written.
pub fn sample(
    what: &str,
    setting: &Setting,
    language: Option<Language>,
) -> Result<(Preview, Vec<Broken>), SampleError> {
    let sample = samples::named(what).ok_or_else(|| {
        let names: Vec<&str> = samples().map(|(name, _)| name).collect();
        SampleError::Unknown(what.to_owned(), names.join(", "))
    })?;
    let Checked { custom, broken } = match setting.templates.as_deref() {
        Some(folder) => check(folder),
        None => Checked { custom: None, broken: Vec::new() },
    };
    let from = From { name: setting.from_name.clone(), address: setting.from.parse()?, reply_to: None };
    let composer = Composer::new(from, &setting.organisation, &setting.subject_prefix, custom.map(Arc::new))?;
    let locale = Locale { language: language.unwrap_or(setting.locale.language), ..setting.locale };
    let message = sample.message("Åsa Öberg", "asa.oberg@ekfors.example".parse()?);
    Ok((preview::of(&composer, &sample.notice(), &message, locale, 0)?, broken))
}

/// Writes files into a folder, which is made if need be; what is there stays, unless `force` says otherwise.
///
/// # Errors
/// The disk; or a file that is there.
pub fn write(files: &[Exported], folder: &Path, force: bool) -> std::io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(&file.name)).collect();
    if let Some(there) = paths.iter().find(|path| !force && path.exists()) {
        let text = format!("{} is there already; --force writes over it", there.display());
        return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, text));
    }
    for (file, path) in files.iter().zip(&paths) {
        std::fs::write(path, &file.source)?;
    }
    Ok(paths)
}
