//! The mailbox into which mails come back: a maildir on this machine, or a folder on an IMAP server. What was looked at is marked as seen; nothing is
//! ever deleted.

mod imap;
mod maildir;
#[cfg(test)]
mod tests;

use std::fmt;

pub use imap::{AskToken, Credential, Imap, ImapError, ImapSecurity};
pub use maildir::{Maildir, MaildirError};

/// No more of a mail is read: what a report has to say stands before the message that it returns.
const LONGEST: usize = 256 * 1024;

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
    name: Name,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
enum Name {
    File(std::ffi::OsString),
    Uid(u32),
}

impl ReturnedMails {
    /// Opens it, and finds the mails that weren't looked at yet, the oldest first, at most `most`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn open(&self, most: usize) -> Result<Opened, ReturnedError> {
        Ok(match self {
            ReturnedMails::Maildir(maildir) => Opened::Maildir(maildir.open(most)?),
            ReturnedMails::Imap(imap) => Opened::Imap(imap.open(most).await?),
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

    /// The next mail; None: there are no more.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn next(&mut self) -> Result<Option<Mail>, ReturnedError> {
        match self {
            Opened::Maildir(maildir) => Ok(maildir.next()?),
            Opened::Imap(imap) => Ok(imap.next().await?),
        }
    }

    /// Marks a mail as seen, so that it isn't looked at again.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn done(&mut self, mail: Mail) -> Result<(), ReturnedError> {
        match (self, mail.name) {
            (Opened::Maildir(maildir), Name::File(name)) => Ok(maildir.done(&name)?),
            (Opened::Imap(imap), Name::Uid(uid)) => Ok(imap.done(uid).await?),
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
