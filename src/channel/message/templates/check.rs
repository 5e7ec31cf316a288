//! Operators' templates against every sample in every language.

use std::path::Path;
use std::sync::Arc;

use super::{Broken, Custom};
use crate::channel::message::kind::Kind;
use crate::channel::message::samples;
use crate::channel::message::text::{Links, Writer};
use crate::domain::language::Language;
use crate::domain::locale::Locale;

/// What of the samples is from outside, and would be markup if it weren't escaped.
const FOREIGN: [&str; 5] = ["<from outside>", "<nord>", "<konsult>", "<old>", "<works>"];

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
            let locale = Locale::new(language, chrono_tz::Europe::Stockholm);
            let mut fails = |error: &Broken| {
                // The first mistake of a place is enough.
                let place = |of: &Broken| (of.file.clone(), of.line, of.spoils.clone());
                if broken.iter().all(|known| place(known) != place(error)) {
                    broken.push(error.clone());
                }
            };
            // What the built-in templates do is tested elsewhere.
            let Ok(text) =
                writer.write_telling(&sample.notice(), sample.why, locale, &Links::default(), &mut fails)
            else {
                continue;
            };
            let file = writer.custom().and_then(|custom| custom.file_for(kind, language, "html"));
            if let Some((file, markup)) = file.zip(FOREIGN.iter().find(|markup| text.html.contains(**markup)))
            {
                fails(&Broken::file(
                    file,
                    format!(
                        "what others wrote isn't escaped: {markup} of the sample {} is markup in it (is there a `safe`, or `autoescape false`?)",
                        sample.name
                    ),
                ));
            }
        }
    }
    broken.sort();
    Checked { custom: writer.into_custom().map(|custom| custom.without(&broken)), broken }
}
