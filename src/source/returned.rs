//! The mailbox into which mails come back: a maildir on this machine, or a folder on an IMAP server. What was looked at is marked as seen; nothing is
//! ever deleted.

mod imap;
mod maildir;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use imap::{AskToken, Credential, Imap, ImapError, ImapSecurity};
pub use maildir::{Maildir, MaildirError};

/// No more of a mail is read: what a report has to say stands before the message that it returns.
const LONGEST: usize = 256 * 1024;

/// So long a look may take, however many mails there are and however slow the server is; what is left waits for the next.
pub const LOOK_WITHIN: Duration = Duration::from_secs(300);

/// By what it is measured how long a look takes: time that only goes forward, counted from whenever.
#[derive(Clone)]
pub struct Stopwatch(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Stopwatch {
    /// One that is read so.
    pub fn new(read: impl Fn() -> Duration + Send + Sync + 'static) -> Stopwatch {
        Stopwatch(Arc::new(read))
    }

    fn read(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stopwatch").field(&self.read()).finish()
    }
}

/// Where they are.
#[derive(Clone, Debug)]
pub enum ReturnedMails {
    /// A maildir.
    Maildir(Maildir),
    /// An IMAP server.
    Imap(Imap),
}

/// Why they can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReturnedError {
    /// The maildir.
    #[error(transparent)]
    Maildir(#[from] MaildirError),
    /// The server.
    #[error(transparent)]
    Imap(#[from] ImapError),
}

impl ReturnedError {
    /// Which mail alone is concerned, so that the others can be read; None: it is the mailbox.
    pub fn concerns(&self) -> Option<&Name> {
        match self {
            ReturnedError::Maildir(error) => error.concerns(),
            ReturnedError::Imap(error) => error.concerns(),
        }
    }
}

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// So many mails at most.
    pub most: usize,
    /// So long at most.
    pub within: Duration,
    /// Mails that made trouble before: they are read after all the others.
    pub last: BTreeSet<Name>,
}

/// A mailbox that is being read.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Opened {
    /// A maildir.
    Maildir(maildir::Opened),
    /// A connection to an IMAP server.
    Imap(imap::Opened),
}

/// A mail, or as much of it as is looked at.
#[derive(Debug)]
pub struct Mail {
    /// What it is called there.
    pub name: Name,
    /// When it came, if that is known.
    pub arrived: Option<DateTime<Utc>>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a mail is called in its mailbox.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Name {
    /// A file.
    File(std::ffi::OsString),
    /// A number.
    Uid(u32),
}

impl ReturnedMails {
    /// Opens it, and finds the mails that weren't looked at yet, the oldest first, at most `most`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn open(&self, most: usize) -> Result<Opened, ReturnedError> {
        self.open_for(Terms { most, within: LOOK_WITHIN, last: BTreeSet::new() }).await
    }

    /// Opens it on these terms.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn open_for(&self, terms: Terms) -> Result<Opened, ReturnedError> {
        Ok(match self {
            ReturnedMails::Maildir(maildir) => Opened::Maildir(maildir.open(&terms)?),
            ReturnedMails::Imap(imap) => Opened::Imap(imap.open(&terms).await?),
        })
    }
}

impl fmt::Display for ReturnedMails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReturnedMails::Maildir(maildir) => maildir.fmt(f),
            ReturnedMails::Imap(imap) => imap.fmt(f),
        }
    }
}

impl Opened {
    /// How many mails are still to be looked at.
    pub fn left(&self) -> usize {
        match self {
            Opened::Maildir(maildir) => maildir.left(),
            Opened::Imap(imap) => imap.left(),
        }
    }

    /// The next mail; None: there are no more, or the time is up.
    ///
    /// # Errors
    /// What is wrong, in words; when it [concerns](ReturnedError::concerns) one mail alone, the next can be asked for.
    pub async fn next(&mut self) -> Result<Option<Mail>, ReturnedError> {
        match self {
            Opened::Maildir(maildir) => Ok(maildir.next()?),
            Opened::Imap(imap) => Ok(imap.next().await?),
        }
    }

    /// Marks a mail as seen, so that it isn't looked at again.
    ///
    /// # Errors
    /// What is wrong, in words; see [`Opened::next`].
    pub async fn done(&mut self, mail: Mail) -> Result<(), ReturnedError> {
        match (self, &mail.name) {
            (Opened::Maildir(maildir), Name::File(name)) => Ok(maildir.done(name)?),
            (Opened::Imap(imap), Name::Uid(uid)) => Ok(imap.done(*uid).await?),
            // A mail of another mailbox: there is none.
            (Opened::Maildir(_), Name::Uid(_)) | (Opened::Imap(_), Name::File(_)) => Ok(()),
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        if let Opened::Imap(imap) = self {
            imap.close().await;
        }
    }
}
