//! Where users and units come from: a directory over LDAP, or its export in a file.
//!
//! Both end in the same decoding ([`crate::domain::decode`]) and give everything or nothing: a read that broke off, or that can't
//! be shown to be whole, is an error.

mod error;
pub mod ldap;
pub mod ldif;

use xxhash_rust::xxh3::xxh3_64;

pub use crate::domain::decode::Progress;
use crate::domain::directory::Objects;
use crate::domain::ids::DirectoryName;
use crate::domain::run::Cursor;
pub use error::{Answer, BindProblem, ErrorKind, SourceError};

/// A directory that can be read.
#[derive(Debug)]
pub enum Source {
    /// From servers.
    Ldap(ldap::Ldap),
    /// From a file.
    Ldif(ldif::Ldif),
}

/// What one whole read gave.
#[derive(Debug)]
pub struct Reading {
    /// What was understood of it, and what not.
    pub objects: Objects,
    /// What the next read has to know of this one.
    pub cursor: Cursor,
    /// Where it was read: the server's URL or the file.
    pub server: Box<str>,
}

/// Is told now and then how far a read has come.
pub type Tell<'a> = &'a (dyn Fn(Progress) + Send + Sync);

impl Source {
    /// Reads everything. Dropping the future ends the read.
    ///
    /// # Errors
    /// When the directory can't be read, or not for certain whole.
    pub async fn read(&self, directory: &DirectoryName, tell: Tell<'_>) -> Result<Reading, SourceError> {
        match self {
            Source::Ldap(ldap) => ldap.read(directory, tell).await,
            Source::Ldif(ldif) => ldif.read(directory, tell).await,
        }
    }
}

impl std::fmt::Display for Source {
    /// Where it would be read: the servers' URLs, or the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Ldap(ldap) => {
                let servers: Vec<String> = ldap.servers.iter().map(ToString::to_string).collect();
                f.write_str(&servers.join(", "))
            }
            Source::Ldif(ldif) => ldif.file.display().fmt(f),
        }
    }
}

/// A digest of what is read: two reads with the same one can be compared. It must not change between versions of this program.
fn scope<'a>(words: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut text = String::new();
    for word in words {
        text.push_str(word);
        text.push('\0');
    }
    xxh3_64(text.as_bytes())
}
