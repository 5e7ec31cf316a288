//! One TOML file: its values, and where in its text each of them stands.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::value::{Dict, Tag, Value};
use toml_edit::{ImDocument, Item, TableLike};

use super::finding::{Finding, Place, Position, Severity};
use super::mask::mask;
use super::words::quoted;

/// The tables that there can be several of, each with a name.
pub(super) const LISTED: [&str; 10] = [
    "directory",
    "list",
    "absence_source",
    "administrator",
    "channel",
    "route",
    "locale",
    "night",
    "feed",
    "heartbeat",
];

/// The levels of a key, outermost first; an element of a list is `[0]`, `[1]` ….
pub(super) type KeyPath = Vec<String>;

/// A file that was parsed.
pub(super) struct Document {
    /// As it was named.
    pub path: PathBuf,
    /// What stands in it. The tables of `[[directory]]` are here as one table, by their names.
    pub values: Dict,
    /// What is wrong with how it is put.
    pub findings: Vec<Finding>,
    text: Arc<str>,
    spans: HashMap<KeyPath, Spans>,
}

/// Where something stands in the text.
#[derive(Clone, Default)]
struct Spans {
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
}

impl Document {
    /// Parses the text of a file.
    ///
    /// # Errors
    /// The first mistake in its syntax.
    pub fn parse(path: &Path, text: &str) -> Result<Document, Box<Finding>> {
        let shown: Arc<str> = mask(text).into();
        let toml = ImDocument::parse(text).map_err(|error| {
            let position = error.span().map(|span| Position::new(&shown, span));
            Box::new(Finding {
                severity: Severity::Error,
                place: Place::File(path.to_owned(), position),
                key: String::new(),
                problem: format!("this is no TOML: {}", error.message().trim().replace('\n', ", ")),
                hint: Some(
                    "texts stand in quotes, tables in brackets; https://toml.io shows the format".into(),
                ),
            })
        })?;
        let mut document = Document {
            path: path.to_owned(),
            values: Dict::new(),
            findings: Vec::new(),
            text: shown,
            spans: HashMap::new(),
        };
        document.values = document.table(&[], toml.as_table());
        Ok(document)
    }

    /// Where a key stands, None when the file hasn't got it (or has it only by implication).
    pub fn key(&self, path: &[String]) -> Option<Position> {
        let spans = self.spans.get(path)?;
        spans.key.clone().or_else(|| spans.value.clone()).map(|span| Position::new(&self.text, span))
    }

    /// Where its value stands.
    pub fn value(&self, path: &[String]) -> Option<Position> {
        let spans = self.spans.get(path)?;
        spans.value.clone().or_else(|| spans.key.clone()).map(|span| Position::new(&self.text, span))
    }

    fn table(&mut self, path: &[String], table: &dyn TableLike) -> Dict {
        let mut dict = Dict::new();
        for (name, item) in table.iter() {
            let below = child(path, name);
            let key = table.key(name).and_then(toml_edit::Key::span);
            // The span of a table is its header, or for one that is only implied nothing.
            let value = item.span();
            self.spans.insert(below.clone(), Spans { key, value });
            let value = if path.is_empty() && LISTED.contains(&name) {
                self.listed(name, &below, item)
            } else {
                self.item(&below, item)
            };
            dict.extend(value.map(|value| (name.to_owned(), value)));
        }
        dict
    }

    fn item(&mut self, path: &[String], item: &Item) -> Option<Value> {
        if let Some(table) = item.as_table_like() {
            return Some(Value::Dict(Tag::Default, self.table(path, table)));
        }
        if let Some(tables) = item.as_array_of_tables() {
            let tables: Vec<Item> = tables.iter().map(|t| Item::Table(t.clone())).collect();
            return Some(self.list(path, &tables));
        }
        Some(match item.as_value()? {
            toml_edit::Value::String(text) => Value::from(text.value().as_str()),
            toml_edit::Value::Integer(number) => Value::from(*number.value()),
            toml_edit::Value::Float(number) => Value::from(*number.value()),
            toml_edit::Value::Boolean(flag) => Value::from(*flag.value()),
            toml_edit::Value::Datetime(time) => Value::from(time.value().to_string()),
            toml_edit::Value::Array(list) => {
                let list: Vec<Item> = list.iter().map(|v| Item::Value(v.clone())).collect();
                self.list(path, &list)
            }
            toml_edit::Value::InlineTable(table) => Value::Dict(Tag::Default, self.table(path, table)),
        })
    }

    fn list(&mut self, path: &[String], items: &[Item]) -> Value {
        let mut values = Vec::new();
        for (n, item) in items.iter().enumerate() {
            let below = child(path, &format!("[{n}]"));
            self.spans.insert(below.clone(), Spans { key: None, value: item.span() });
            values.extend(self.item(&below, item));
        }
        Value::Array(Tag::Default, values)
    }

    /// `[[directory]]` as a table by name, so that a later layer can change one directory of an earlier one.
    fn listed(&mut self, what: &str, path: &[String], item: &Item) -> Option<Value> {
        let tables: Vec<Item> = if let Some(tables) = item.as_array_of_tables() {
            tables.iter().map(|t| Item::Table(t.clone())).collect()
        } else if let Some(list) = item.as_array() {
            list.iter().map(|v| Item::Value(v.clone())).collect()
        } else {
            let example = match what {
                "directory" => "main",
                "list" => "vendor",
                "channel" => "drift",
                "route" => "critical",
                "feed" => "cloud",
                "heartbeat" => "backup",
                _ => "school",
            };
            let hint = format!("begin each with a line [[{what}]], and name = \"{example}\" below it");
            self.complain(path, "there can be several: it takes double brackets".into(), hint);
            // What else is wrong with it is told at once, too.
            let named = item.as_table_like().is_some_and(|t| t.contains_key("name"));
            if named { vec![item.clone()] } else { Vec::new() }
        };
        let mut dict = Dict::new();
        let mut names = BTreeSet::new();
        for (n, item) in (1..).zip(&tables) {
            let name = item.get("name").and_then(Item::as_str).unwrap_or_default();
            let numbered = format!("#{n}");
            let unique = !name.is_empty() && names.insert(name.to_owned());
            let below = child(path, if unique { name } else { &numbered });
            self.spans.insert(below.clone(), Spans { key: None, value: item.span() });
            let value = self.item(&below, item);
            if !name.is_empty() && !unique {
                self.complain(
                    &child(&below, "name"),
                    format!("there is a {what} {} already in this file", quoted(name)),
                    format!("give each {what} a name of its own"),
                );
            }
            dict.extend(below.last().cloned().zip(value));
        }
        Some(Value::Dict(Tag::Default, dict))
    }

    fn complain(&mut self, path: &[String], problem: String, hint: String) {
        self.findings.push(Finding {
            severity: Severity::Error,
            place: Place::File(self.path.clone(), self.value(path)),
            key: super::words::key(path),
            problem,
            hint: Some(hint),
        });
    }
}

/// The path one level down.
pub(super) fn child(path: &[String], name: &str) -> KeyPath {
    path.iter().cloned().chain([name.to_owned()]).collect()
}
