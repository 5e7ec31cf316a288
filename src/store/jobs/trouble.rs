//! What can go wrong below the store's contract.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::super::error::StoreError;
use super::super::records::RecordError;

/// Why the engine or the disk didn't do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::store) enum Trouble {
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
    /// Somebody else was in the way: what was to be done can be done anew from its beginning.
    Again(String),
    /// Said already as the caller of the store is to hear it.
    Said(Box<StoreError>),
}

impl Trouble {
    /// The same for the caller of the store.
    pub(in crate::store) fn at(self, path: &Path) -> StoreError {
        let path = path.display().to_string();
        match self {
            Trouble::InUse(by) => StoreError::InUse { path, by },
            Trouble::DiskFull => StoreError::DiskFull { path },
            Trouble::Damaged(what) => StoreError::Damaged { path, what },
            Trouble::TooNew(what) => StoreError::TooNew { path, what },
            Trouble::Io(verb, cause) => StoreError::Io { path, verb, cause },
            Trouble::Again(cause) => StoreError::Io { path, verb: "written", cause },
            Trouble::Said(error) => *error,
            Trouble::Closed => StoreError::Io { path, verb: "used", cause: "it is closed".into() },
        }
    }

    /// An error of the disk, while trying to `verb`.
    pub(in crate::store) fn io(verb: &'static str, e: &io::Error) -> Trouble {
        match e.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::DiskFull,
            _ => Trouble::Io(verb, e.to_string()),
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
pub(in crate::store) enum Fault {
    Refused(StoreError),
    Trouble(Trouble),
}

impl Fault {
    /// The same for the caller of the store.
    pub(in crate::store) fn at(self, path: &Path) -> StoreError {
        match self {
            Fault::Refused(e) => e,
            Fault::Trouble(t) => t.at(path),
        }
    }
}

impl Fault {
    /// The same for the caller of a store that is a database.
    pub(in crate::store) fn at_database(self, place: &str) -> StoreError {
        self.at(Path::new(&format!("in the database {place}")))
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
