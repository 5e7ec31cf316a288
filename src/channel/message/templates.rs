//! The templates that an operator writes: read once, checked against every sample, and never the reason that a notice isn't sent.
//!
//! A folder holds a file for a kind of notice and a language: `outage.sv.html`, `outage.sv.txt`; without a language (`outage.txt`) for all. The subject is the
//! first line of the text, after `Subject:`. Other files (`layout.html`, `signature.html`) are parts, which the others may extend and include; nothing outside the
//! folder can be read, since a template only knows what was read here.

mod check;
mod export;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use minijinja::{Environment, Error, ErrorKind, Value};

use super::kind::Kind;
use super::text::{BUILT_IN, environment};
use crate::domain::language::Language;

pub use check::{Checked, check};
pub use export::{Exported, export};

/// No template is longer than this.
const LONGEST: u64 = 256 * 1024;
/// No folder has more.
const MOST: usize = 500;

/// What is wrong with a template, or with the folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Broken {
    /// Which file.
    pub file: PathBuf,
    /// In which of its lines.
    pub line: Option<usize>,
    /// What.
    pub what: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

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
        let mut broken = Vec::new();
        let mut templates = environment();
        for (name, source) in BUILT_IN {
            // They are known to be right.
            let _ = templates.add_template(name, source);
        }
        let mut custom = Custom { folder: folder.to_owned(), templates, own: Vec::new(), shared: Vec::new() };
        let files = files_of(folder, &mut broken);
        for (name, file) in files {
            match read(&file, folder) {
                Ok(source) => custom.add(&name, &file, source, &mut broken),
                Err(what) => broken.push(Broken { file, line: None, what }),
            }
        }
        (custom, broken)
    }

    fn add(&mut self, name: &str, file: &Path, source: String, broken: &mut Vec<Broken>) {
        let own = match named(name) {
            Name::Own(kind, language, form) => Some((kind, language, form)),
            Name::Part => None,
            Name::Wrong(what) => {
                broken.push(Broken { file: file.to_owned(), line: None, what });
                return;
            }
        };
        let mut wrong = None;
        let mut add = |name: String, source: String| {
            if let Err(error) = self.templates.add_template_owned(name, source) {
                wrong = Some(told(file, &error));
            }
        };
        match own {
            Some((_, _, "txt")) => {
                let (subject, text) = split_subject(&source);
                if let Some(subject) = subject {
                    add(subject_of(name), subject);
                }
                add(name.to_owned(), text);
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

    /// Leaves out those in these files.
    pub fn without(mut self, broken: &[Broken]) -> Custom {
        let is_right = |file: &Path| broken.iter().all(|broken| broken.file != file);
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

    /// Writes with a built-in template, when the layout or the footer that it has is an operator's.
    pub(super) fn render_shared(&self, name: &str, context: &Value) -> Option<Result<String, Broken>> {
        let shared = |(shared, _): &&(String, PathBuf)| {
            *shared == name || (shared == "layout.html" && name.ends_with(".html"))
        };
        let (_, file) = self.shared.iter().find(shared)?;
        let text = self.templates.get_template(name).and_then(|template| template.render(context));
        Some(text.map_err(|error| told(file, &error)))
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
        let template = match self.templates.get_template(&name) {
            Err(_) if form == "subject" => return None,
            Err(error) => return Some(Err(told(&own.file, &error))),
            Ok(template) => template,
        };
        Some(template.render(context).map_err(|error| {
            // The mistake may be in a part that it includes.
            let at = error.name().filter(|at| *at != name).map(|at| self.folder.join(at));
            told(at.as_deref().filter(|at| at.is_file()).unwrap_or(&own.file), &error)
        }))
    }
}

enum Name {
    Own(Kind, Option<Language>, &'static str),
    Part,
    Wrong(String),
}

/// What a file is by its name.
fn named(name: &str) -> Name {
    let forms = [".html", ".txt"];
    let Some((stem, form)) = forms.iter().find_map(|form| Some((name.strip_suffix(form)?, &form[1..])))
    else {
        return Name::Wrong("is no template: its name must end in .html or .txt".to_owned());
    };
    let (kind, tag) = stem.split_once('.').map_or((stem, None), |(kind, tag)| (kind, Some(tag)));
    match (Kind::named(kind), tag.map(Language::of_tag)) {
        (Some(kind), None) => Name::Own(kind, None, form),
        (Some(kind), Some(Some(language))) => Name::Own(kind, Some(language), form),
        (Some(_), Some(None)) => {
            let tags = Language::ALL.map(Language::tag).join(", ");
            Name::Wrong(format!("is in no language: between the kind and the ending stands one of {tags}"))
        }
        (None, _) if BUILT_IN.iter().any(|(built_in, _)| *built_in == name) && !SHARED.contains(&name) => {
            Name::Wrong("has the name of a built-in template that no notice alone is written with; `budkavle template list` shows the kinds".to_owned())
        }
        (None, None) => Name::Part,
        (None, Some(_)) => {
            Name::Wrong(format!("is for no kind of notice: there is no \"{kind}\" (`budkavle template list` shows them)"))
        }
    }
}

fn subject_of(name: &str) -> String {
    format!("{name}#subject")
}

/// The first line after `Subject:`, and the rest, in which each line keeps its number.
fn split_subject(source: &str) -> (Option<String>, String) {
    let (first, rest) = source.split_once('\n').unwrap_or((source, ""));
    match first.trim_start_matches('\u{feff}').strip_prefix("Subject:") {
        Some(subject) => (Some(subject.trim().to_owned()), format!("\n{rest}")),
        None => (None, source.to_owned()),
    }
}

/// The files of a folder by name.
fn files_of(folder: &Path, broken: &mut Vec<Broken>) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    let mut fail =
        |file: &Path, what: String| broken.push(Broken { file: file.to_owned(), line: None, what });
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            fail(folder, format!("the folder can't be read: {error}"));
            return files;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        // What editors and configuration management leave beside.
        if name.starts_with('.') || name.ends_with('~') || path.is_dir() {
            continue;
        }
        if files.len() == MOST {
            fail(folder, format!("has more than {MOST} files; the rest isn't read"));
            break;
        }
        files.insert(name, path);
    }
    files
}

fn read(file: &Path, folder: &Path) -> Result<String, String> {
    let outside = "is a link that leads out of the folder".to_owned();
    let can_not = |error: io::Error| format!("can't be read: {error}");
    let (real, home) = (file.canonicalize().map_err(can_not)?, folder.canonicalize().map_err(can_not)?);
    if !real.starts_with(&home) {
        return Err(outside);
    }
    let meta = fs::metadata(&real).map_err(can_not)?;
    if !meta.is_file() {
        return Err("is no file".to_owned());
    }
    if meta.len() > LONGEST {
        return Err(format!("is longer than {} KiB", LONGEST / 1024));
    }
    fs::read_to_string(&real).map_err(can_not)
}

/// A mistake of a template in words.
fn told(file: &Path, error: &Error) -> Broken {
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::UndefinedError, Some(detail)) => detail.to_owned(),
        (ErrorKind::OutOfFuel, _) => "it takes too long: is there a loop without end?".to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    Broken { file: file.to_owned(), line: error.line(), what }
}

#[cfg(test)]
mod tests;
