//! One table of the configuration: a getter for each kind of value.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::value::{Dict, Value};
use serde_json::{Value as Json, json};

use super::document::{KeyPath, child};
use super::durations;
use super::finding::Severity;
use super::layers::Origin;
use super::reader::{Mark, Problem, Reader, join};
use super::words::{choose, kind_of, quoted};

/// A table, there or not.
#[derive(Clone)]
pub(super) struct Section<'r> {
    reader: &'r Reader<'r>,
    path: KeyPath,
    /// The path with `*` for names.
    pattern: String,
    table: Option<&'r Dict>,
    /// Something else stands in its place; what is missing in it is not worth a word.
    broken: bool,
}

impl<'r> Section<'r> {
    /// The top level.
    pub fn root(reader: &'r Reader<'r>) -> Section<'r> {
        let table = Some(&reader.layers.values);
        Section { reader, path: Vec::new(), pattern: String::new(), table, broken: false }
    }

    /// The reader, for what isn't of one section.
    pub fn reader(&self) -> &'r Reader<'r> {
        self.reader
    }

    /// The last level of its path: the name of a directory or role.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// The table below.
    pub fn section(&self, key: &str) -> Section<'r> {
        let pattern = join(&self.pattern, key);
        self.reader.know(pattern.clone());
        self.below(key, pattern)
    }

    fn below(&self, name: &str, pattern: String) -> Section<'r> {
        let value = self.table.and_then(|table| table.get(name));
        let table = value.and_then(Value::as_dict);
        let broken = value.is_some() && table.is_none();
        let section = Section { reader: self.reader, path: child(&self.path, name), pattern, table, broken };
        if let Some(value) = value.filter(|_| broken) {
            let hint = match self.reader.layers.origin(&section.path) {
                Origin::Variable(variable) => format!("name a key of it, too: {variable}__KEY"),
                _ => format!("write {} on a line and its keys below", super::words::header(&section.path)),
            };
            section.note(
                Mark::Value,
                Problem::new(format!("must be a table, not {}", kind_of(value))).hint(hint),
            );
        }
        section
    }

    /// The tables below whose keys are names.
    pub fn named(&self) -> Vec<Section<'r>> {
        let names: Vec<&String> = self.table.map(|table| table.keys().collect()).unwrap_or_default();
        names.into_iter().map(|name| self.one(name)).collect()
    }

    /// The keys that stand in it.
    pub fn keys(&self) -> Vec<&'r str> {
        self.table.map(|table| table.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// The table below that has this name.
    pub fn one(&self, name: &str) -> Section<'r> {
        let pattern = join(&self.pattern, "*");
        self.reader.know(pattern.clone());
        self.below(name, pattern)
    }

    /// Whether any layer has the key.
    pub fn is_set(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A mistake at the value of a key.
    pub fn mistake(&self, key: &str, problem: Problem) {
        self.reader.note(Severity::Error, &child(&self.path, key), Mark::Value, problem);
    }

    /// Something doubtful about a key.
    pub fn warn(&self, key: &str, problem: Problem) {
        self.reader.note(Severity::Warning, &child(&self.path, key), Mark::Value, problem);
    }

    /// Something about one element of a list.
    pub fn note_element(&self, key: &str, n: usize, severity: Severity, problem: Problem) {
        let list = child(&self.path, key);
        let element = child(&list, &format!("[{n}]"));
        let in_file = matches!(self.reader.layers.origin(&element), Origin::File(_));
        self.reader.note(severity, if in_file { &element } else { &list }, Mark::Value, problem);
    }

    /// A mistake of the table itself.
    pub fn note(&self, mark: Mark, problem: Problem) {
        self.reader.note(Severity::Error, &self.path, mark, problem);
    }

    /// Says better than "there is no such key" what is wrong with a key that there isn't. Whether it stands there all the same.
    pub fn explain(&self, key: &str, problem: Problem) -> bool {
        let is_there = self.table.is_some_and(|table| table.contains_key(key));
        if is_there {
            let path = child(&self.path, key);
            self.reader.note(Severity::Error, &path, Mark::Key, problem);
            self.reader.explain(path);
        }
        is_there
    }

    /// Makes keys known that aren't asked for.
    pub fn know(&self, keys: &[&str]) {
        keys.iter().for_each(|key| self.reader.know(join(&self.pattern, key)));
    }

    /// A mistake when no layer has the key.
    pub fn require(&self, key: &str, example: &str) {
        if !self.broken && !self.is_set(key) {
            let problem = Problem::new("is missing").hint(format!("for example: {example}"));
            self.reader.note(Severity::Error, &child(&self.path, key), Mark::Key, problem);
        }
    }

    /// A warning when no layer has the key.
    pub fn warn_unset(&self, key: &str, problem: Problem) {
        if !self.broken && !self.is_set(key) {
            self.warn(key, problem);
        }
    }

    /// A mistake for each of `keys` that is set, since they only make sense with something else.
    pub fn refuse(&self, keys: &[&str], only_with: &str) {
        for key in keys.iter().filter(|key| self.is_set(key)) {
            let problem = Problem::new(format!("makes no sense here: it goes with {only_with}"));
            self.reader.note(
                Severity::Error,
                &child(&self.path, key),
                Mark::Key,
                problem.hint("take it out"),
            );
        }
    }

    /// Notes the value in force, for keys whose value isn't noted by the getter.
    pub fn set(&self, key: &str, value: Json) {
        self.reader.set(&child(&self.path, key), value);
    }

    /// A text that isn't empty.
    pub fn text(&self, key: &str) -> Option<String> {
        self.parsed(key, |text| Ok(text.to_owned()))
    }

    /// A text that may be empty.
    pub fn any_text(&self, key: &str, default: &str) -> String {
        let text = self.read(key, |value, _| plain_text(value));
        let text = text.unwrap_or_else(|| default.to_owned());
        self.set(key, json!(text));
        text
    }

    /// A text of several lines, which may be empty and is when it isn't set.
    pub fn lines(&self, key: &str) -> String {
        let text = self
            .read(key, |value, _| value.as_str().map(str::to_owned).ok_or_else(|| not_a("a text", value)));
        let text = text.unwrap_or_default();
        self.set(key, json!(text));
        text
    }

    /// A text that means something.
    pub fn parsed<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T, Problem>) -> Option<T> {
        let mut shown = Json::Null;
        let parsed = self.read(key, |value, _| {
            let text = full_text(value)?;
            shown = json!(text);
            parse(&text)
        });
        self.set(key, shown);
        parsed
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)], default: Option<&str>) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let find = |text: &str| choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if !self.is_set(key) {
            self.set(key, json!(default));
            return default.and_then(find);
        }
        self.parsed(key, |text| {
            let problem = || Problem::new(format!("can't be {}", quoted(text))).hint(choose(text, &words));
            find(text).ok_or_else(problem)
        })
    }

    /// True or false.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        let flag = self.read(key, |value, variable| match value {
            Value::Bool(_, flag) => Ok(*flag),
            Value::String(_, text) if variable => {
                text.trim().parse().map_err(|_| not_a("true or false", value))
            }
            _ => Err(without_quotes(not_a("true or false", value), value)),
        });
        let flag = flag.unwrap_or(default);
        self.set(key, json!(flag));
        flag
    }

    /// A whole number within bounds.
    pub fn number<T: Copy + Into<i64> + TryFrom<i64>>(
        &self,
        key: &str,
        bounds: RangeInclusive<T>,
        default: T,
    ) -> T {
        let (least, most): (i64, i64) = ((*bounds.start()).into(), (*bounds.end()).into());
        let number = self.read(key, |value, variable| {
            let number = match value {
                Value::Num(_, number) => {
                    number.to_i128().or(number.to_u128().and_then(|n| n.try_into().ok()))
                }
                Value::String(_, text) if variable => text.trim().parse().ok(),
                _ => None,
            };
            let number = number.ok_or_else(|| without_quotes(not_a("a whole number", value), value))?;
            let within = i64::try_from(number).ok().filter(|n| (least..=most).contains(n));
            let within = within.and_then(|n| T::try_from(n).ok());
            within.ok_or_else(|| {
                let hint = format!("it can be {least} to {most}; without the key it is {}", default.into());
                Problem::new(format!("can't be {number}")).hint(hint)
            })
        });
        let number = number.unwrap_or(default);
        self.set(key, json!(number.into()));
        number
    }

    /// A span of time within bounds.
    pub fn duration(&self, key: &str, bounds: RangeInclusive<Duration>, default: Duration) -> Duration {
        let span = self.read(key, |value, _| span_of_time(value, &bounds));
        let span = span.unwrap_or(default);
        self.set(key, json!(durations::text(span)));
        span
    }

    /// A list of spans of time within bounds.
    pub fn durations(
        &self,
        key: &str,
        bounds: RangeInclusive<Duration>,
        default: Vec<Duration>,
    ) -> Vec<Duration> {
        let spans = self.elements(key, |value| span_of_time(value, &bounds)).unwrap_or(default);
        self.set(key, json!(spans.iter().map(|span| durations::text(*span)).collect::<Vec<_>>()));
        spans
    }

    /// A list of whole numbers within bounds.
    pub fn numbers(&self, key: &str, bounds: RangeInclusive<u32>, default: &[u32]) -> Vec<u32> {
        let numbers = self.elements(key, |value| {
            let number = match value {
                Value::Num(_, number) => {
                    number.to_i128().or(number.to_u128().and_then(|n| n.try_into().ok()))
                }
                Value::String(_, text) => text.trim().parse().ok(),
                _ => None,
            };
            let number = number.ok_or_else(|| not_a("a whole number", value))?;
            let within = u32::try_from(number).ok().filter(|n| bounds.contains(n));
            let hint = format!("it can be {} to {}", bounds.start(), bounds.end());
            within.ok_or_else(|| Problem::new(format!("can't be {number}")).hint(hint))
        });
        let numbers = numbers.unwrap_or_else(|| default.to_vec());
        self.set(key, json!(numbers));
        numbers
    }

    /// A list of texts that mean something. None when it isn't set, or a mistake is in it.
    pub fn list<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, Problem>) -> Option<Vec<T>> {
        let mut shown = Vec::new();
        let list = self.elements(key, |value| {
            let text = full_text(value)?;
            shown.push(text.clone());
            parse(&text)
        });
        self.set(key, if self.is_set(key) { json!(shown) } else { Json::Null });
        list
    }

    /// A list of texts; the default, when it isn't set.
    pub fn texts(&self, key: &str, default: &[&str]) -> Vec<String> {
        let list = self.list(key, |text| Ok(text.to_owned()));
        if !self.is_set(key) {
            self.set(key, json!(default));
        }
        list.unwrap_or_else(|| default.iter().map(|text| (*text).to_owned()).collect())
    }

    /// The path of a file or folder; a relative one starts at the folder of the file that names it.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        let origin = self.reader.layers.origin(&child(&self.path, key));
        let path = self.parsed(key, |text| located(text, &origin));
        if let Some(path) = &path {
            self.set(key, json!(path.display().to_string()));
        }
        path
    }

    /// A list of such paths.
    pub fn paths(&self, key: &str) -> Vec<PathBuf> {
        let origin = self.reader.layers.origin(&child(&self.path, key));
        let paths = self.list(key, |text| located(text, &origin)).unwrap_or_default();
        self.set(key, json!(paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()));
        paths
    }

    fn get(&self, key: &str) -> Option<&'r Value> {
        self.reader.know(join(&self.pattern, key));
        self.table?.get(key)
    }

    /// The value of a key, read; after noting what is wrong with it, None.
    fn read<T>(&self, key: &str, read: impl FnOnce(&Value, bool) -> Result<T, Problem>) -> Option<T> {
        let value = self.get(key)?;
        let variable = matches!(self.reader.layers.origin(&child(&self.path, key)), Origin::Variable(_));
        read(value, variable).map_err(|problem| self.mistake(key, problem)).ok()
    }

    /// The elements of a list, each read; a variable may hold one alone, without brackets.
    fn elements<T>(&self, key: &str, mut read: impl FnMut(&Value) -> Result<T, Problem>) -> Option<Vec<T>> {
        let list = self.read(key, |value, variable| match value {
            Value::Array(_, list) => Ok(list.clone()),
            Value::String(_, text) if variable => list_of_variable(text),
            _ => Err(not_a("a list", value).hint(format!("write it in brackets: {key} = [\"…\"]"))),
        })?;
        let mut elements = Vec::new();
        for (n, value) in list.iter().enumerate() {
            match read(value) {
                Ok(element) => elements.push(element),
                Err(problem) => self.note_element(key, n, Severity::Error, problem),
            }
        }
        (elements.len() == list.len()).then_some(elements)
    }
}

/// A path, which is relative to the folder of the file that names it.
fn located(text: &str, origin: &Origin<'_>) -> Result<PathBuf, Problem> {
    let path = Path::new(text);
    match origin {
        _ if path.is_absolute() => Ok(path.to_owned()),
        Origin::File(document) => Ok(document.path.parent().unwrap_or(Path::new("")).join(path)),
        _ => Err(Problem::new(format!("must be an absolute path, not {}", quoted(text)))
            .hint("only in a file a path can be relative: to the folder of that file")),
    }
}

fn not_a(wanted: &str, value: &Value) -> Problem {
    Problem::new(format!("must be {wanted}, not {}", kind_of(value)))
}

fn without_quotes(problem: Problem, value: &Value) -> Problem {
    match value.as_str() {
        Some(text) if text.parse::<i64>().is_ok() || text.parse::<bool>().is_ok() => {
            problem.hint(format!("write it without quotes: {text}"))
        }
        _ => problem,
    }
}

fn plain_text(value: &Value) -> Result<String, Problem> {
    let Some(text) = value.as_str() else {
        let problem = not_a("a text", value);
        return Err(match value {
            Value::Num(_, number) if number.to_i128().is_some() => {
                problem.hint(format!("write it in quotes: \"{}\"", number.to_i128().unwrap_or_default()))
            }
            Value::Num(..) | Value::Bool(..) => problem.hint("write it in quotes"),
            _ => problem,
        });
    };
    if text.chars().any(char::is_control) {
        return Err(
            Problem::new("has a line break or another control character in it").hint("write it on one line")
        );
    }
    Ok(text.to_owned())
}

fn full_text(value: &Value) -> Result<String, Problem> {
    let text = plain_text(value)?;
    if text.trim().is_empty() {
        return Err(Problem::new("is empty").hint("give it a value, or leave it out"));
    }
    Ok(text)
}

fn span_of_time(value: &Value, bounds: &RangeInclusive<Duration>) -> Result<Duration, Problem> {
    let span = match value {
        Value::String(_, text) => durations::parse(text)?,
        _ => {
            let problem = not_a("a span of time such as \"30s\"", value);
            let number = value.to_i128();
            return Err(number.map_or(problem.clone(), |number| problem.hint(durations::with_unit(number))));
        }
    };
    if bounds.contains(&span) {
        return Ok(span);
    }
    let (least, most) = (durations::text(*bounds.start()), durations::text(*bounds.end()));
    Err(Problem::new(format!("can't be {}", durations::text(span)))
        .hint(format!("it can be {least} to {most}")))
}

fn list_of_variable(text: &str) -> Result<Vec<Value>, Problem> {
    if !text.trim_start().starts_with('[') {
        return Ok(vec![Value::from(text)]);
    }
    let list = text.trim().parse::<toml_edit::Value>().ok();
    let list = list.as_ref().and_then(toml_edit::Value::as_array);
    let texts = list.and_then(|list| list.iter().map(toml_edit::Value::as_str).collect::<Option<Vec<_>>>());
    let texts = texts.ok_or_else(|| Problem::new("is no list of texts").hint("write [\"one\", \"two\"]"))?;
    Ok(texts.into_iter().map(Value::from).collect())
}
