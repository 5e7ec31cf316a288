//! `[log]`: what is logged, and how. `format` needs a restart, `level` can be reloaded.

use tracing_subscriber::EnvFilter;

use super::reader::{Problem, Section};
use super::words::{choose, quoted};

/// The log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// How it is written. Restart.
    pub format: LogFormat,
    /// How much: a level, or a filter of tracing-subscriber such as `info,budkavle::source=debug`.
    pub level: String,
}

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// To the journal when the standard error is connected to it, else as text.
    Auto,
    /// Lines for people, to the standard error.
    Text,
    /// To the journal, with its fields.
    Journal,
    /// A JSON object a line, to the standard error.
    Json,
}

const FORMATS: [(&str, LogFormat); 4] = [
    ("auto", LogFormat::Auto),
    ("text", LogFormat::Text),
    ("journal", LogFormat::Journal),
    ("json", LogFormat::Json),
];

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

pub(super) fn read(section: &Section) -> Log {
    let format = section.choice("format", &FORMATS, Some("auto")).unwrap_or(LogFormat::Auto);
    let level = section.parsed("level", level).unwrap_or_else(|| {
        section.set("level", "info".into());
        "info".to_owned()
    });
    Log { format, level }
}

impl Log {
    pub(super) fn restart(&self, new: &Log) -> impl Iterator<Item = &'static str> {
        (self.format != new.format).then_some("log.format").into_iter()
    }
}

fn level(text: &str) -> Result<String, Problem> {
    // The parser of filters takes a misspelt level for the name of a module, and logs nothing.
    let is_word = text.chars().all(|c| c.is_ascii_alphabetic());
    if is_word && !LEVELS.contains(&text) {
        let problem = Problem::new(format!("{} is no level", quoted(text)));
        return Err(problem.hint(choose(text, &LEVELS)));
    }
    EnvFilter::builder().parse(text).map(|_| text.to_owned()).map_err(|error| {
        let problem = Problem::new(format!("{} is no filter: {error}", quoted(text)));
        problem.hint("write a level, or levels by module such as \"info,budkavle::source=debug\"")
    })
}
