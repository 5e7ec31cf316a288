//! Operators' templates against every sample in every language.

use std::path::Path;
use std::sync::Arc;

use super::{Broken, Custom};
use crate::channel::message::kind::Kind;
use crate::channel::message::samples;
use crate::channel::message::text::Writer;
use crate::domain::language::Language;
use crate::domain::locale::Locale;

/// What came of a check.
pub struct Checked {
    /// The templates that can be used. None: not even the built-in ones could be, which the tests rule out.
    pub custom: Option<Custom>,
    /// What is wrong with the others.
    pub broken: Vec<Broken>,
}

/// Reads the templates of a folder and writes every sample that each is for. What fails is told and left out.
pub fn check(folder: &Path) -> Checked {
    let (custom, mut broken) = Custom::read(folder);
    let for_all = custom.is_for_all();
    let used: Vec<(Kind, Language)> = custom
        .own()
        .iter()
        .flat_map(|own| {
            let languages = own.language.map_or(Language::ALL.to_vec(), |language| vec![language]);
            languages.into_iter().map(|language| (own.kind, language))
        })
        .collect();
    let samples = samples::all();
    let Ok(writer) = Writer::new("Ekfors kommun", "", Some(Arc::new(custom))) else {
        return Checked { custom: None, broken };
    };
    for sample in samples {
        let kind = Kind::of(&sample.facts);
        for language in
            Language::ALL.into_iter().filter(|language| for_all || used.contains(&(kind, *language)))
        {
            let locale = Locale { language, zone: chrono_tz::Europe::Stockholm };
            let mut fails = |error: &Broken| {
                // The first mistake of a place is enough.
                let known = broken.iter().any(|b| (&b.file, b.line) == (&error.file, error.line));
                if !known {
                    broken.push(error.clone());
                }
            };
            // What the built-in templates do is tested elsewhere.
            let _ = writer.write_telling(&sample.notice(), sample.why, locale, &mut fails);
        }
    }
    broken.sort();
    Checked { custom: writer.into_custom().map(|custom| custom.without(&broken)), broken }
}
