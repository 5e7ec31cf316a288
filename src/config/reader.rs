//! Reads the merged layers section by section, and notes every mistake instead of stopping at the first.
//!
//! A getter of [`Section`] always returns something to go on with: None, or the default, after a mistake. What comes of it is thrown
//! away if there was any mistake, so a placeholder never gets out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use figment::value::{Dict, Value};
use serde::Serialize;

use super::document::child;
use super::environment::{Environment, variable_of};
use super::finding::{Finding, Findings, Place, Severity};
use super::layers::{Layers, Origin};
use super::mask::is_secret;
use super::words;

pub(super) use super::section::Section;

/// The tables whose keys are names that people choose.
pub(super) const NAMED: [&str; 15] = [
    "directory",
    "roles",
    "list",
    "absence_source",
    "coverage",
    "administrator",
    "service",
    "outage_template",
    "channel",
    "route",
    "feed",
    "feed.*.component",
    "heartbeat",
    "locale",
    "night",
];

/// What is wrong with a value.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    what: String,
    hint: Option<String>,
}

impl Problem {
    /// A sentence that goes on from the key: `must be …`.
    pub fn new(what: impl Into<String>) -> Problem {
        Problem { what: what.into(), hint: None }
    }

    /// With what to do about it.
    pub fn hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }
}

/// A setting as it is in force, for `budkavle check`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Setting {
    /// The key with the levels above: `mail.port`.
    pub key: String,
    /// Its value; null when it isn't set and has no default. Of a secret only where it is from.
    pub value: serde_json::Value,
    /// `default`, the file and line, or the variable.
    pub from: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.value.is_null() { "(not set)".to_owned() } else { self.value.to_string() };
        write!(f, "{} = {value}", self.key)
    }
}

/// The merged layers while they are read.
pub(super) struct Reader<'a> {
    pub layers: &'a Layers,
    pub environment: &'a Environment,
    notes: RefCell<Notes>,
}

#[derive(Default)]
struct Notes {
    findings: Vec<Finding>,
    settings: Vec<Setting>,
    /// Every key that was asked for, names replaced by `*`.
    known: BTreeSet<String>,
    /// Unknown keys that something better than "unknown" was said of.
    explained: BTreeSet<Vec<String>>,
    /// Variables that a key names.
    used_variables: BTreeSet<String>,
}

/// What is to be marked.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    Key,
    Value,
}

impl<'a> Reader<'a> {
    pub fn new(layers: &'a Layers, environment: &'a Environment) -> Reader<'a> {
        let of_documents = layers.documents.iter().flat_map(|document| &document.findings);
        let findings = layers.findings.iter().chain(of_documents).cloned().collect();
        let notes = Notes { findings, ..Notes::default() };
        Reader { layers, environment, notes: RefCell::new(notes) }
    }

    /// The top level.
    pub fn root(&'a self) -> Section<'a> {
        Section::root(self)
    }

    pub fn know(&self, pattern: String) {
        self.notes.borrow_mut().known.insert(pattern);
    }

    pub fn explain(&self, path: Vec<String>) {
        self.notes.borrow_mut().explained.insert(path);
    }

    pub fn use_variable(&self, name: &str) {
        self.notes.borrow_mut().used_variables.insert(name.to_owned());
    }

    /// Notes what is wrong with a key, or with what is missing there.
    pub fn note(&self, severity: Severity, path: &[String], mark: Mark, problem: Problem) {
        let finding = Finding {
            severity,
            place: self.place(path, mark),
            key: words::key(path),
            problem: problem.what,
            hint: problem.hint,
        };
        self.notes.borrow_mut().findings.push(finding);
    }

    /// Notes the value in force of a key.
    pub fn set(&self, path: &[String], value: serde_json::Value) {
        let from = match self.layers.origin(path) {
            Origin::Default => "default".to_owned(),
            Origin::Variable(name) => format!("${name}"),
            Origin::File(document) => {
                let line = document.value(path).map_or_else(String::new, |at| format!(":{}", at.line));
                format!("{}{line}", document.path.display())
            }
        };
        let setting = Setting { key: words::key(path), value, from };
        let settings = &mut self.notes.borrow_mut().settings;
        settings.retain(|s| s.key != setting.key);
        settings.push(setting);
    }

    /// Where a key stands; for one that is missing, the table that it is missing in.
    fn place(&self, path: &[String], mark: Mark) -> Place {
        match self.layers.origin(path) {
            Origin::Variable(name) => return Place::Variable(name.to_owned()),
            Origin::File(document) => {
                let at = if matches!(mark, Mark::Key) { document.key(path) } else { document.value(path) };
                return Place::File(document.path.clone(), at);
            }
            Origin::Default => {}
        }
        for above in (1..path.len()).rev().filter_map(|levels| path.get(..levels)) {
            let document = self.layers.documents.iter().find_map(|d| Some((d, d.key(above)?)));
            if let Some((document, at)) = document {
                return Place::File(document.path.clone(), Some(at));
            }
            if let Origin::Variable(name) = self.layers.origin(above) {
                return Place::Variable(name.to_owned());
            }
        }
        Place::File(self.layers.file.clone(), None)
    }

    /// Everything that was found, unknown keys included, the settings in force, and the keys that there are.
    pub fn finish(self) -> (Findings, Vec<Setting>, BTreeSet<String>) {
        self.note_unknown(&self.layers.values, &[], "");
        self.note_stray_variables();
        self.found()
    }

    /// What was found so far, in order.
    pub fn found(self) -> (Findings, Vec<Setting>, BTreeSet<String>) {
        let mut notes = self.notes.into_inner();
        let order: BTreeMap<_, _> =
            self.layers.documents.iter().enumerate().map(|(n, d)| (&d.path, n)).collect();
        notes.findings.sort_by_cached_key(|finding| {
            let (file, line) = match &finding.place {
                Place::File(file, at) => (
                    order.get(file).copied().unwrap_or(0),
                    at.as_ref().map_or((0, 0), |at| (at.line, at.column)),
                ),
                Place::Variable(_) => (usize::MAX, (0, 0)),
            };
            (finding.severity, file, line)
        });
        notes.findings.dedup();
        (Findings(notes.findings), notes.settings, notes.known)
    }

    fn note_unknown(&self, table: &Dict, above: &[String], pattern: &str) {
        for (name, value) in table {
            let path = child(above, name);
            let wild = NAMED.contains(&pattern);
            let below = join(pattern, if wild { "*" } else { name });
            let known = self.notes.borrow().known.contains(&below);
            let explained = self.notes.borrow().explained.contains(&path);
            match value {
                _ if explained => {}
                Value::Dict(_, table) if known => {
                    let has_keys =
                        self.notes.borrow().known.iter().any(|k| k.starts_with(&format!("{below}.")));
                    if has_keys {
                        self.note_unknown(table, &path, &below);
                    }
                }
                _ if known => {}
                _ => {
                    let problem = self.unknown(name, above, pattern);
                    self.note(Severity::Error, &path, Mark::Key, problem);
                }
            }
        }
    }

    fn unknown(&self, name: &str, above: &[String], pattern: &str) -> Problem {
        let notes = self.notes.borrow();
        let siblings = notes.known.iter().filter_map(|known| {
            let (table, key) = known.rsplit_once('.').unwrap_or(("", known));
            (table == pattern).then_some(key)
        });
        let siblings: Vec<&str> = siblings.filter(|key| *key != "*").collect();
        let problem = Problem::new("there is no such key");
        if is_secret(name) {
            let hint = "secrets don't stand in the configuration: name a file, a variable or a credential that holds it";
            let named = [format!("{name}_file"), format!("{name}_env"), format!("{name}_credential")];
            let named: Vec<&str> =
                named.iter().map(String::as_str).filter(|key| siblings.contains(key)).collect();
            let keys = if named.is_empty() { String::new() } else { format!(" ({})", words::either(&named)) };
            return problem.hint(format!("{hint}{keys}"));
        }
        if let Some(meant) = words::meant(name, siblings.iter().copied()) {
            return problem.hint(format!("did you mean {}?", words::key(&child(above, meant))));
        }
        let elsewhere = notes.known.iter().filter_map(|known| known.rsplit_once('.'));
        let elsewhere: Vec<String> = elsewhere
            .filter(|(_, key)| *key == name)
            .map(|(table, _)| words::header(&split(table)).replace('*', "NAME"))
            .collect();
        if !elsewhere.is_empty() && elsewhere.len() <= 3 {
            return problem.hint(format!("this key belongs into the table {}", elsewhere.join(" or ")));
        }
        let all = siblings.join(", ");
        let table = if above.is_empty() { "the top level".to_owned() } else { words::key(above) };
        problem.hint(format!("{table} takes: {all}"))
    }

    fn note_stray_variables(&self) {
        let known: Vec<String> = {
            let notes = self.notes.borrow();
            notes
                .known
                .iter()
                .filter(|k| k.contains('.') && !k.contains('*'))
                .map(|k| variable_of(&split(k)))
                .collect()
        };
        for name in self.environment.strays() {
            if self.notes.borrow().used_variables.contains(name) {
                continue;
            }
            let plain = |name: &str| name.replace("__", "_");
            let meant = known.iter().find(|known| plain(known) == *name).cloned();
            let meant =
                meant.or_else(|| words::meant(name, known.iter().map(String::as_str)).map(str::to_owned));
            let hint = meant.map_or_else(
                || {
                    "between the levels of a key stand two underscores: BUDKAVLE_MAIL__HOST is mail.host"
                        .to_owned()
                },
                |meant| format!("did you mean {meant}? Two underscores stand between the levels of a key"),
            );
            self.notes.borrow_mut().findings.push(Finding {
                severity: Severity::Warning,
                place: Place::Variable(name.to_owned()),
                key: String::new(),
                problem: "this variable sets nothing".into(),
                hint: Some(hint),
            });
        }
    }
}

/// The pattern one level down.
pub(super) fn join(pattern: &str, name: &str) -> String {
    if pattern.is_empty() { name.to_owned() } else { format!("{pattern}.{name}") }
}

fn split(pattern: &str) -> Vec<String> {
    pattern.split('.').map(str::to_owned).collect()
}
