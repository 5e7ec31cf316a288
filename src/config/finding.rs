//! What is wrong with a configuration, or only doubtful, and where: told to people and to programs.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// Whether Budkavle can run with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A mistake: it can't.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// A point in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The bytes of `text` that are meant.
    span: Range<usize>,
    /// The whole file as it may be shown.
    text: Arc<str>,
}

impl Position {
    /// The place of `span` (in bytes, cut to what there is) in `text`, which holds no secret.
    pub(super) fn new(text: &Arc<str>, span: Range<usize>) -> Position {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            span: start..end,
            text: Arc::clone(text),
        }
    }

    /// The line it begins in, as it is written.
    fn source_line(&self) -> &str {
        self.text.lines().nth(self.line - 1).unwrap_or_default()
    }
}

/// Where a finding is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In a file; without a position when the whole file is meant, or something that isn't in it.
    File(PathBuf, Option<Position>),
    /// In an environment variable.
    Variable(String),
}

/// One mistake, or one warning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// Which key, with the levels above (`mail.port`, `directory.main.bases[1]`); empty when none is meant.
    pub key: String,
    /// What is wrong, a sentence that goes on from the key.
    pub problem: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// The key and what is wrong with it.
    fn headline(&self) -> String {
        let key = if self.key.is_empty() { String::new() } else { format!("{}: ", self.key) };
        format!("{key}{}", self.problem)
    }

    fn position(&self) -> Option<&Position> {
        match &self.place {
            Place::File(_, position) => position.as_ref(),
            Place::Variable(_) => None,
        }
    }

    fn write_plain(&self, out: &mut String) -> fmt::Result {
        match &self.place {
            Place::File(file, None) => write!(out, "{}", file.display())?,
            Place::File(file, Some(at)) => write!(out, "{}:{}:{}", file.display(), at.line, at.column)?,
            Place::Variable(name) => write!(out, "${name}")?,
        }
        let severity = if self.severity == Severity::Error { "error" } else { "warning" };
        writeln!(out, ": {severity}: {}", self.headline())?;
        if let Some(at) = self.position() {
            writeln!(out, "  | {}", at.source_line().trim_end())?;
        }
        if let Some(hint) = &self.hint {
            writeln!(out, "  hint: {hint}")?;
        }
        Ok(())
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (file, variable) = match &self.place {
            Place::File(file, _) => (Some(file.display().to_string()), None),
            Place::Variable(name) => (None, Some(name)),
        };
        let mut out = serializer.serialize_struct("Finding", 8)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("file", &file)?;
        out.serialize_field("line", &self.position().map(|at| at.line))?;
        out.serialize_field("column", &self.position().map(|at| at.column))?;
        out.serialize_field("variable", &variable)?;
        out.serialize_field("key", &self.key)?;
        out.serialize_field("problem", &self.problem)?;
        out.serialize_field("hint", &self.hint)?;
        out.end()
    }
}

/// How findings are shown to people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// With the piece of the file, drawn, in colours.
    Coloured,
    /// Drawn, without colours.
    Drawn,
    /// A line for each that begins `file:line:column:`, as compilers write and editors read.
    Plain,
}

impl Look {
    /// What suits the output. `no_color`: whether the variable `NO_COLOR` is set to something (<https://no-color.org>).
    #[must_use]
    pub fn suited(terminal: bool, no_color: bool) -> Look {
        match (terminal, no_color) {
            (false, _) => Look::Plain,
            (true, true) => Look::Drawn,
            (true, false) => Look::Coloured,
        }
    }
}

/// Everything that was found: mistakes first, each kind in the order of the files and lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings(pub(super) Vec<Finding>);

impl Findings {
    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many mistakes there are, warnings not counted.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|f| f.severity == Severity::Error).count()
    }

    /// For people: every finding, and how many there were. Empty without findings.
    #[must_use]
    pub fn render(&self, look: Look) -> String {
        let mut out = String::new();
        for finding in &self.0 {
            let written = match look {
                Look::Plain => finding.write_plain(&mut out),
                Look::Drawn => draw(finding, GraphicalTheme::unicode_nocolor(), &mut out),
                Look::Coloured => draw(finding, GraphicalTheme::unicode(), &mut out),
            };
            debug_assert!(written.is_ok(), "writing into a String can't fail");
            out.push('\n');
        }
        if !self.is_empty() {
            let (errors, warnings) = (self.errors(), self.0.len() - self.errors());
            out.push_str(&format!("{}, {}\n", count(errors, "error"), count(warnings, "warning")));
        }
        out
    }

    /// For programs: a list of `{severity, file, line, column, variable, key, problem, hint}`, null where there is none.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Look::Plain))
    }
}

impl std::error::Error for Findings {}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn draw(finding: &Finding, theme: GraphicalTheme, out: &mut String) -> fmt::Result {
    let handler =
        GraphicalReportHandler::new_themed(theme).with_links(false).with_width(100).with_context_lines(1);
    let headline = match &finding.place {
        Place::File(_, Some(_)) => finding.headline(),
        Place::File(file, None) => format!("{}: {}", file.display(), finding.headline()),
        Place::Variable(name) => format!("${name}: {}", finding.headline()),
    };
    let source = match &finding.place {
        Place::File(file, Some(at)) => {
            Some(NamedSource::new(file.display().to_string(), Arc::clone(&at.text)).with_language("toml"))
        }
        _ => None,
    };
    handler.render_report(out, &Drawing { finding, headline, source })
}

/// A finding as miette wants it.
#[derive(Debug)]
struct Drawing<'a> {
    finding: &'a Finding,
    headline: String,
    source: Option<NamedSource<Arc<str>>>,
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)
    }
}

impl std::error::Error for Drawing<'_> {}

impl miette::Diagnostic for Drawing<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.finding.hint.as_ref().map(|hint| Box::new(hint) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let at = self.finding.position()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, at.span.clone()))))
    }
}
