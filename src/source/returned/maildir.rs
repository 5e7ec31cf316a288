//! A maildir (<https://cr.yp.to/proto/maildir.html>): what is in `new` wasn't looked at yet, and goes to `cur`, marked as seen.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use nix::fcntl::OFlag;

use super::{LONGEST, Mail, Name, Stopwatch, Terms};

/// A maildir.
#[derive(Clone, Debug)]
pub struct Maildir {
    /// The folder that holds `new` and `cur`.
    pub folder: PathBuf,
    /// How long a look takes.
    pub stopwatch: Stopwatch,
}

/// Why a maildir can't be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the maildir {} can't be used: {what} {}: {cause}; its folders new and cur must be there, and the daemon's user may read and move what is in them",
    folder.display(), path.display()
)]
pub struct MaildirError {
    folder: PathBuf,
    path: PathBuf,
    what: &'static str,
    cause: io::Error,
    /// The one mail that is concerned.
    mail: Option<Name>,
}

impl MaildirError {
    pub(super) fn concerns(&self) -> Option<&Name> {
        self.mail.as_ref()
    }
}

/// A maildir, and what of it is still to be looked at.
pub struct Opened {
    maildir: Maildir,
    names: VecDeque<OsString>,
    until: Duration,
}

impl Maildir {
    pub(super) fn open(&self, terms: &Terms) -> Result<Opened, MaildirError> {
        let new = self.folder.join("new");
        let cannot = |cause| self.error("reading", &new, cause);
        let mut names = Vec::new();
        for entry in fs::read_dir(&new).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            // A link could lead anywhere.
            if entry.file_type().map_err(cannot)?.is_file() {
                names.push(entry.file_name());
            }
        }
        let cur = self.folder.join("cur");
        fs::read_dir(&cur).map_err(|cause| self.error("reading", &cur, cause))?;
        // They begin with the time.
        names.sort_unstable();
        if !terms.last.is_empty() {
            names.sort_by_cached_key(|name| terms.last.contains(&Name::File(name.clone())));
        }
        names.truncate(terms.most);
        let until = self.stopwatch.read().saturating_add(terms.within);
        Ok(Opened { maildir: self.clone(), names: names.into(), until })
    }

    fn error(&self, what: &'static str, path: &Path, cause: io::Error) -> MaildirError {
        MaildirError { folder: self.folder.clone(), path: path.to_owned(), what, cause, mail: None }
    }
}

impl fmt::Display for Maildir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the maildir {}", self.folder.display())
    }
}

impl Opened {
    pub(super) fn left(&self) -> usize {
        self.names.len()
    }

    pub(super) fn next(&mut self) -> Result<Option<Mail>, MaildirError> {
        while let Some(name) = self.names.pop_front() {
            if self.until <= self.maildir.stopwatch.read() {
                return Ok(None);
            }
            let path = self.maildir.folder.join("new").join(&name);
            match read(&path) {
                Ok((bytes, arrived)) => return Ok(Some(Mail { name: Name::File(name), arrived, bytes })),
                // Another program has taken it.
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(self.one("reading", &path, cause, &name)),
            }
        }
        Ok(None)
    }

    pub(super) fn done(&mut self, name: &OsString) -> Result<(), MaildirError> {
        let folder = &self.maildir.folder;
        let from = folder.join("new").join(name);
        let mut seen = name.clone();
        seen.push(":2,S");
        match fs::rename(&from, folder.join("cur").join(seen)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(self.one("moving", &from, cause, name))
            }
            _ => Ok(()),
        }
    }

    fn one(&self, what: &'static str, path: &Path, cause: io::Error, name: &OsString) -> MaildirError {
        MaildirError { mail: Some(Name::File(name.clone())), ..self.maildir.error(what, path, cause) }
    }
}

/// As much of a mail as is looked at, and when it came. It may have become a link since it was listed, which could lead anywhere, or a pipe, for which one
/// would wait for ever.
fn read(path: &Path) -> io::Result<(Vec<u8>, Option<DateTime<Utc>>)> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST as u64).read_to_end(&mut bytes)?;
    Ok((bytes, about.modified().ok().map(DateTime::from)))
}
