//! The files of a folder with templates, and what each is by its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{Broken, SHARED};
use crate::channel::message::kind::Kind;
use crate::channel::message::text::BUILT_IN;
use crate::domain::language::Language;

/// No template is longer than this.
const LONGEST: u64 = 256 * 1024;
/// No folder has more.
const MOST: usize = 500;

/// What a file is.
pub(super) enum Name {
    /// A template for notices of a kind, in a language or in all, and its form: `html` or `txt`.
    Own(Kind, Option<Language>, &'static str),
    /// What others are made of.
    Part,
    /// Neither.
    Wrong(String),
}

/// What a file is by its name.
pub(super) fn named(name: &str) -> Name {
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

/// The first line after `Subject:`, and the rest, in which each line keeps its number.
pub(super) fn split_subject(source: &str) -> (Option<String>, String) {
    let (first, rest) = source.split_once('\n').unwrap_or((source, ""));
    match first.strip_prefix("Subject:") {
        Some(subject) => (Some(subject.trim().to_owned()), format!("\n{rest}")),
        None => (None, source.to_owned()),
    }
}

/// The files of a folder by name.
pub(super) fn files_of(folder: &Path, broken: &mut Vec<Broken>) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    let mut fail = |file: &Path, what: String| broken.push(Broken::file(file, what));
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

/// What stands in a file of the folder, without the mark that some editors begin a file with (U+FEFF).
pub(super) fn read(file: &Path, folder: &Path) -> Result<String, String> {
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
    let text = fs::read_to_string(&real).map_err(can_not)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
