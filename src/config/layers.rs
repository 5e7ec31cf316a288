//! The layers of a configuration, merged: the file, `conf.d/*.toml` beside it in the order of their names, and variables.
//!
//! A later layer wins, key by key. Lists are replaced, not added to. The built-in defaults are below all of them; they stand where
//! a key is read, since those of a directory apply to each.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};

use super::document::Document;
use super::environment::Environment;
use super::finding::{Finding, Place, Position, Severity};

/// No configuration is larger; what is larger is something else.
const LARGEST: u64 = 1 << 20;

/// The merged layers, each value with where it came from.
pub(super) struct Layers {
    /// The file that was named.
    pub file: PathBuf,
    /// What holds.
    pub values: Dict,
    /// The files, the one that was named first.
    pub documents: Vec<Document>,
    /// What is wrong with the files.
    pub findings: Vec<Finding>,
    figment: Figment,
}

/// Where a value came from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// No layer has it.
    Default,
    /// A file.
    File(&'a Document),
    /// A variable.
    Variable(&'a str),
}

impl Layers {
    /// Reads the files and merges them with the variables.
    pub fn gather(file: &Path, environment: &Environment) -> Layers {
        let mut findings = Vec::new();
        let mut texts = Vec::new();
        for path in files(file, &mut findings) {
            match read(&path) {
                Ok(text) => texts.push((path, text)),
                Err(finding) => findings.push(*finding),
            }
        }
        Layers::merge(file, &texts, findings, environment)
    }

    /// Merges texts, as they stand in files, with the variables.
    pub fn merge(
        file: &Path,
        texts: &[(PathBuf, String)],
        mut findings: Vec<Finding>,
        environment: &Environment,
    ) -> Layers {
        let mut documents = Vec::new();
        for (path, text) in texts {
            match Document::parse(path, text) {
                Ok(document) => documents.push(document),
                Err(finding) => findings.push(*finding),
            }
        }
        let files = documents.iter().map(|d| (Source::File(d.path.clone()), d.values.clone()));
        let variables = environment
            .settings()
            .map(|(name, path, value)| (Source::Custom(name.to_owned()), nest(&path, value)));
        let layers = files.chain(variables).map(|(source, values)| Layer { source, values });
        let figment = layers.fold(Figment::new(), Figment::merge);
        let values =
            figment.data().ok().and_then(|mut data| data.remove(&Profile::Default)).unwrap_or_default();
        Layers { file: file.to_owned(), values, documents, findings, figment }
    }

    /// The value of a key.
    pub fn find(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let mut value = self.values.get(first)?;
        for name in rest {
            value = match value {
                Value::Dict(_, dict) => dict.get(name)?,
                Value::Array(_, list) => {
                    let index = name.strip_prefix('[')?.strip_suffix(']')?.parse::<usize>().ok()?;
                    list.get(index)?
                }
                _ => return None,
            };
        }
        Some(value)
    }

    /// Which layer a key's value is from.
    pub fn origin(&self, path: &[String]) -> Origin<'_> {
        let source =
            self.find(path).and_then(|v| self.figment.get_metadata(v.tag())).and_then(|m| m.source.as_ref());
        match source {
            Some(Source::Custom(name)) => Origin::Variable(name),
            Some(Source::File(file)) => {
                self.documents.iter().find(|d| d.path == *file).map_or(Origin::Default, Origin::File)
            }
            _ => Origin::Default,
        }
    }
}

struct Layer {
    source: Source,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("layer").source(self.source.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

fn nest(path: &[String], value: &str) -> Dict {
    let Some((first, rest)) = path.split_first() else { return Dict::new() };
    let value =
        if rest.is_empty() { Value::from(value) } else { Value::Dict(Tag::Default, nest(rest, value)) };
    Dict::from([(first.clone(), value)])
}

/// The file, and those of `conf.d` beside it whose names end in `.toml`, in order.
fn files(file: &Path, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new("")).join("conf.d");
    let listed = fs::read_dir(&folder).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<io::Result<Vec<_>>>()
    });
    let mut more = match listed {
        Ok(paths) => paths,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            findings.push(whole_file(&folder, format!("this folder can't be read: {error}"), None));
            Vec::new()
        }
    };
    more.retain(|path| {
        path.extension().is_some_and(|e| e == "toml") && path.file_stem().is_some_and(not_hidden)
    });
    more.sort();
    [file.to_owned()].into_iter().chain(more).collect()
}

fn not_hidden(stem: &std::ffi::OsStr) -> bool {
    !stem.as_encoded_bytes().starts_with(b".")
}

fn read(path: &Path) -> Result<String, Box<Finding>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "name the configuration with --config FILE",
            io::ErrorKind::PermissionDenied => "run this as root or as the service's user (sudo -u budkavle)",
            _ => "this must be a file with the configuration in TOML",
        };
        return Err(Box::new(whole_file(
            path,
            format!("this file can't be read: {error}"),
            Some(hint.into()),
        )));
    }
    if bytes.len() as u64 > LARGEST {
        return Err(Box::new(whole_file(
            path,
            "this file is larger than 1 MiB; that is no configuration".into(),
            None,
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text: Arc<str> = super::mask::mask(&String::from_utf8_lossy(error.as_bytes())).into();
        let position = Position::new(&text, at..at + 1);
        let problem = "this is not UTF-8".to_owned();
        let hint = Some("save the file in UTF-8; `iconv -f latin1 -t utf-8` converts an older one".into());
        Box::new(Finding {
            place: Place::File(path.to_owned(), Some(position)),
            ..whole_file(path, problem, hint)
        })
    })
}

fn whole_file(path: &Path, problem: String, hint: Option<String>) -> Finding {
    Finding {
        severity: Severity::Error,
        place: Place::File(path.to_owned(), None),
        key: String::new(),
        problem,
        hint,
    }
}
