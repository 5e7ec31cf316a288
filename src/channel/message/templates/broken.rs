//! What is wrong with templates, in words.

use std::borrow::Cow;
use std::error::Error as _;
use std::path::{Path, PathBuf};

use minijinja::{Error, ErrorKind};

/// What is wrong with a template, or with the folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Broken {
    /// Which file.
    pub file: PathBuf,
    /// In which of its lines.
    pub line: Option<usize>,
    /// What.
    pub what: String,
    /// The template that can't be used for it, when that is another file.
    pub spoils: Option<PathBuf>,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)?;
        match self.spoils.as_ref().and_then(|spoiled| spoiled.file_name()) {
            Some(spoiled) => write!(f, " (which {} needs)", spoiled.display()),
            None => Ok(()),
        }
    }
}

impl Broken {
    /// That something is wrong with a file as a whole.
    pub(super) fn file(file: &Path, what: impl Into<String>) -> Broken {
        Broken { file: file.to_owned(), line: None, what: what.into(), spoils: None }
    }

    /// That nothing stands in what is made with it.
    pub(super) fn blank(file: &Path) -> Broken {
        Broken::file(file, "is blank: nothing would be said")
    }

    /// A mistake that shows when the template in `file` is read or used; it may be in another file of the folder, from which that takes a part.
    pub(super) fn told(file: &Path, folder: &Path, error: &Error) -> Broken {
        let mut error = error;
        // The error of an include says where the include is; its cause, where the mistake is.
        while let Some(cause) = error.source().and_then(|cause| cause.downcast_ref::<Error>()) {
            error = cause;
        }
        let at = error.name().map(|name| folder.join(name.split('#').next().unwrap_or(name)));
        let at = at.filter(|at| at.is_file()).unwrap_or_else(|| file.to_owned());
        let what = match (error.kind(), error.detail()) {
            (ErrorKind::UndefinedError, Some(detail)) => detail.to_owned(),
            (ErrorKind::OutOfFuel, _) => "it takes too long: is there a loop without end?".to_owned(),
            (ErrorKind::TemplateNotFound, Some(detail)) if detail.contains(".txt") && is_html(&at) => {
                format!(
                    "{}: {detail}; in an HTML file there are only parts from .html files, since in others nothing is escaped",
                    error.kind()
                )
            }
            (kind, Some(detail)) => format!("{kind}: {detail}"),
            (kind, None) => kind.to_string(),
        };
        let spoils = (at != file).then(|| file.to_owned());
        Broken { file: at, line: error.line(), what, spoils }
    }

    /// Whether the template in this file can't be used for it.
    pub(super) fn breaks(&self, file: &Path) -> bool {
        self.file == file || self.spoils.as_deref() == Some(file)
    }
}

fn is_html(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "html")
}

/// The name by which a template finds what it includes, extends or imports. Whether values are escaped goes by the ending of what is taken, so
/// that an HTML template takes only HTML.
pub(super) fn part<'a>(name: &'a str, by: &str) -> Cow<'a, str> {
    if by.ends_with(".html") && !name.ends_with(".html") {
        // No template has this name.
        return Cow::Owned(format!("{name} in HTML"));
    }
    Cow::Borrowed(name)
}

/// Whether a reader would see nothing in it.
pub(super) fn is_blank(form: &str, text: &str) -> bool {
    if form != "html" {
        return text.trim().is_empty();
    }
    // What isn't shown: the head, and comments.
    let text = text.split_once("</head>").map_or(text, |(_, shown)| shown);
    let mut outside = String::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        outside.push_str(before);
        let end = if tag.starts_with("!--") { "-->" } else { ">" };
        rest = tag.split_once(end).map_or("", |(_, after)| after);
    }
    outside.push_str(rest);
    outside.replace("&nbsp;", "").trim().is_empty()
}
