//! A maildir (<https://cr.yp.to/proto/maildir.html>): what is in `new` wasn't looked at yet, and goes to `cur`, marked as seen.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{LONGEST, Mail, Name};

/// A maildir.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Maildir {
    /// The folder that holds `new` and `cur`.
    pub folder: PathBuf,
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
}

/// A maildir, and what of it is still to be looked at.
pub struct Opened {
    maildir: Maildir,
    names: VecDeque<OsString>,
}

impl Maildir {
    pub(super) fn open(&self, most: usize) -> Result<Opened, MaildirError> {
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
        names.truncate(most);
        Ok(Opened { maildir: self.clone(), names: names.into() })
    }

    fn error(&self, what: &'static str, path: &Path, cause: io::Error) -> MaildirError {
        MaildirError { folder: self.folder.clone(), path: path.to_owned(), what, cause }
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
            let path = self.maildir.folder.join("new").join(&name);
            let mut bytes = Vec::new();
            match File::open(&path).and_then(|file| file.take(LONGEST as u64).read_to_end(&mut bytes)) {
                Ok(_) => return Ok(Some(Mail { name: Name::File(name), bytes })),
                // Another program has taken it.
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(self.maildir.error("reading", &path, cause)),
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
                Err(self.maildir.error("moving", &from, cause))
            }
            _ => Ok(()),
        }
    }
}
