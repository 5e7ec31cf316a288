//! What can go wrong below the store's contract, and how sled says it.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::super::error::StoreError;
use super::super::records::RecordError;

/// Why the engine or the disk didn't do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    /// Another process holds the lock.
    InUse(String),
    /// There is no space left.
    DiskFull,
    /// What is stored isn't what was written.
    Damaged(String),
    /// A whole record that this version can't read.
    TooNew(String),
    /// Anything else: rights, a disk that fails.
    Io(&'static str, String),
    /// It was closed.
    Closed,
}

impl Trouble {
    /// The same for the caller of the store.
    pub(super) fn at(self, path: &Path) -> StoreError {
        let path = path.display().to_string();
        match self {
            Trouble::InUse(by) => StoreError::InUse { path, by },
            Trouble::DiskFull => StoreError::DiskFull { path },
            Trouble::Damaged(what) => StoreError::Damaged { path, what },
            Trouble::TooNew(what) => StoreError::TooNew { path, what },
            Trouble::Io(verb, cause) => StoreError::Io { path, verb, cause },
            Trouble::Closed => StoreError::Io { path, verb: "used", cause: "it is closed".into() },
        }
    }

    /// An error of the disk, while trying to `verb`.
    pub(super) fn io(verb: &'static str, e: &io::Error) -> Trouble {
        match e.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::DiskFull,
            _ => Trouble::Io(verb, e.to_string()),
        }
    }
}

impl From<sled::Error> for Trouble {
    fn from(e: sled::Error) -> Self {
        match e {
            sled::Error::Io(e) if e.to_string().contains("could not acquire lock") => {
                Trouble::InUse(String::new())
            }
            // A file that is shorter than its own references, or says nonsense, is damage; the rest is the disk's or the rights'.
            sled::Error::Io(e)
                if matches!(
                    e.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput
                ) =>
            {
                Trouble::Damaged(format!("the engine met {e}"))
            }
            sled::Error::Io(e) => Trouble::io("read or written", &e),
            sled::Error::Corruption { at, .. } => Trouble::Damaged(match at {
                Some(at) => format!("the engine met corruption at {at}"),
                None => "the engine met corruption".into(),
            }),
            other => Trouble::Damaged(format!("the engine said: {other}")),
        }
    }
}

impl From<RecordError> for Trouble {
    fn from(e: RecordError) -> Self {
        Trouble::TooNew(e.to_string())
    }
}

/// Why a job wasn't done: the contract refuses it, or there is trouble below.
#[derive(Debug)]
pub(super) enum Fault {
    Refused(StoreError),
    Trouble(Trouble),
}

impl Fault {
    /// The same for the caller of the store.
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Fault::Refused(e) => e,
            Fault::Trouble(t) => t.at(path),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(e: StoreError) -> Self {
        Fault::Refused(e)
    }
}

impl From<Trouble> for Fault {
    fn from(t: Trouble) -> Self {
        Fault::Trouble(t)
    }
}
