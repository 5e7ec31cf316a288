//! The templates that an operator writes: read once, checked against every sample, and never the reason that a notice isn't sent.
//!
//! A folder holds a file for a kind of notice and a language: `outage.sv.html`, `outage.sv.txt`; without a language (`outage.txt`) for all. The subject is the
//! first line of the text, after `Subject:`. Other files (`layout.html`, `signature.html`) are parts, which the others may extend and include; nothing outside the
//! folder can be read, since a template only knows what was read here.

mod broken;
mod check;
mod export;
mod folder;

use std::path::{Path, PathBuf};

use minijinja::{Environment, Value};

use self::broken::is_blank;
use self::folder::{Name, files_of, named, read, split_subject};
use super::kind::Kind;
use super::text::{BUILT_IN, environment};
use crate::domain::language::Language;

pub use broken::Broken;
pub use check::{Checked, check};
pub use export::{Exported, export};

/// A template that an operator wrote.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Own {
    /// For which notices.
    pub kind: Kind,
    /// In which language. None: in all that have none of their own.
    pub language: Option<Language>,
    /// `html` or `txt`.
    pub form: &'static str,
    /// Where it is.
    pub file: PathBuf,
}

/// The templates of a folder.
pub struct Custom {
    folder: PathBuf,
    templates: Environment<'static>,
    own: Vec<Own>,
    /// What all notices are written with, layout and footer: name and file.
    shared: Vec<(String, PathBuf)>,
}

/// The built-in templates that an operator's take the place of for all notices.
const SHARED: [&str; 2] = ["layout.html", "footer.txt"];

impl Custom {
    /// Reads a folder. What can't be used is left out, and told.
    pub fn read(folder: &Path) -> (Custom, Vec<Broken>) {
        let mut wrong = Vec::new();
        let mut templates = environment();
        templates.set_path_join_callback(broken::part);
        for (name, source) in BUILT_IN {
            // They are known to be right.
            let _ = templates.add_template_owned(built_in(name), source);
        }
        let mut custom = Custom { folder: folder.to_owned(), templates, own: Vec::new(), shared: Vec::new() };
        let files = files_of(folder, &mut wrong);
        for (name, file) in files {
            match read(&file, folder) {
                Ok(source) => custom.add(&name, &file, source, &mut wrong),
                Err(what) => wrong.push(Broken::file(&file, what)),
            }
        }
        (custom, wrong)
    }

    fn add(&mut self, name: &str, file: &Path, source: String, broken: &mut Vec<Broken>) {
        let own = match named(name) {
            Name::Own(kind, language, form) => Some((kind, language, form)),
            Name::Part => None,
            Name::Wrong(what) => {
                broken.push(Broken::file(file, what));
                return;
            }
        };
        let mut wrong = None;
        let mut add = |name: String, source: String| {
            if let Err(error) = self.templates.add_template_owned(name, source) {
                wrong = Some(Broken::told(file, &self.folder, &error));
            }
        };
        match own {
            Some((_, _, "txt")) => {
                let (subject, text) = split_subject(&source);
                // With a subject alone, the text stays as it is built in.
                if subject.is_none() || !text.trim().is_empty() {
                    add(name.to_owned(), text);
                }
                if let Some(subject) = subject {
                    add(subject_of(name), subject);
                }
            }
            _ => add(name.to_owned(), source),
        }
        match (wrong, own) {
            (Some(wrong), _) => broken.push(wrong),
            (None, Some((kind, language, form))) => {
                self.own.push(Own { kind, language, form, file: file.to_owned() });
            }
            (None, None) if SHARED.contains(&name) => self.shared.push((name.to_owned(), file.to_owned())),
            (None, None) => {}
        }
    }

    /// Which templates there are.
    pub fn own(&self) -> &[Own] {
        &self.own
    }

    /// How many templates can be used: those of kinds, and what all notices are written with.
    pub fn count(&self) -> usize {
        self.own.len() + self.shared.len()
    }

    /// Leaves out those that can't be used.
    pub fn without(mut self, broken: &[Broken]) -> Custom {
        let is_right = |file: &Path| !broken.iter().any(|broken| broken.breaks(file));
        self.own.retain(|own| is_right(&own.file));
        let (right, wrong) = self.shared.into_iter().partition(|(_, file)| is_right(file));
        self.shared = right;
        for (name, _) in wrong {
            if let Some((name, source)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
                let _ = self.templates.add_template(name, source);
            }
        }
        self
    }

    /// Whether all notices are written with something of it.
    pub(super) fn is_for_all(&self) -> bool {
        !self.shared.is_empty()
    }

    /// Whether notices of this kind are written with something of it.
    pub(super) fn is_for(&self, kind: Kind) -> bool {
        self.is_for_all() || self.own.iter().any(|own| own.kind == kind)
    }

    /// Which file the form of a notice is written with, if any.
    fn file_for(&self, kind: Kind, language: Language, form: &str) -> Option<&Path> {
        let own = self.find(kind, language, form).map(|own| own.file.as_path());
        own.or_else(|| self.shared_for(&format!("x.{form}")))
    }

    /// What of an operator's stands around a built-in template.
    fn shared_for(&self, name: &str) -> Option<&Path> {
        let shared = |(shared, _): &&(String, PathBuf)| {
            *shared == name || (shared == "layout.html" && name.ends_with(".html"))
        };
        self.shared.iter().find(shared).map(|(_, file)| file.as_path())
    }

    /// Writes with a built-in template, when the layout or the footer that it has is an operator's.
    pub(super) fn render_shared(&self, name: &str, context: &Value) -> Option<Result<String, Broken>> {
        let file = self.shared_for(name)?;
        let within = built_in(name);
        let text = self.templates.get_template(&within).and_then(|template| template.render(context));
        Some(match text {
            Err(error) => Err(Broken::told(file, &self.folder, &error)),
            // A text may well end without a footer.
            Ok(text) if name.ends_with(".html") && is_blank("html", &text) => Err(Broken::blank(file)),
            Ok(text) => Ok(text),
        })
    }

    fn find(&self, kind: Kind, language: Language, form: &str) -> Option<&Own> {
        let of = |language| {
            self.own.iter().find(|own| (own.kind, own.language, own.form) == (kind, language, form))
        };
        of(Some(language)).or_else(|| of(None))
    }

    /// Writes with the template for this, if there is one; `form` can be `subject`, too.
    pub(super) fn render(
        &self,
        kind: Kind,
        language: Language,
        form: &str,
        context: &Value,
    ) -> Option<Result<String, Broken>> {
        let own = self.find(kind, language, if form == "subject" { "txt" } else { form })?;
        let name = own.file.file_name()?.to_str()?;
        let name = if form == "subject" { subject_of(name) } else { name.to_owned() };
        // A text file needn't have a subject, nor more than one.
        let template = self.templates.get_template(&name).ok()?;
        Some(match template.render(context) {
            Err(error) => {
                let broken = Broken::told(&own.file, &self.folder, &error);
                // Without the operator's layout it can be used.
                let shared = self.shared.iter().any(|(_, file)| *file == broken.file);
                Err(Broken { spoils: broken.spoils.filter(|_| !shared), ..broken })
            }
            Ok(text) if form != "subject" && is_blank(form, &text) => Err(Broken::blank(&own.file)),
            Ok(text) => Ok(text),
        })
    }
}

/// The name of the template for the subject that a text file begins with.
fn subject_of(name: &str) -> String {
    format!("{name}#subject")
}

/// The name that a built-in template has here: no file can take its place, but for those that all notices share.
fn built_in(name: &str) -> String {
    if SHARED.contains(&name) { name.to_owned() } else { format!("built-in/{name}") }
}

#[cfg(test)]
mod tests;
