//! A vendor's status page: fetched within limits, from one host, and read in the form that the configuration names.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::fetch::{Client, FetchError, Known, Location};
use crate::domain::intake::mapped::Mapping;
use crate::domain::intake::{LARGEST, Listed, TakenFeed, Unreadable, mapped, statuspage, syndication};
use crate::tls::TlsTrust;

/// How a status page is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FeedFormat {
    /// The JSON of a Statuspage.
    Statuspage,
    /// RSS or Atom.
    Syndication,
    /// Other JSON.
    Json(Box<Mapping>),
}

impl FeedFormat {
    /// Reads it.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn parse(&self, bytes: &[u8]) -> Result<Listed, Unreadable> {
        match self {
            FeedFormat::Statuspage => statuspage::parse(bytes),
            FeedFormat::Syndication => syndication::parse(bytes),
            FeedFormat::Json(mapping) => mapped::parse(bytes, mapping),
        }
    }
}

/// Where a status page is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedSource {
    /// Where it is.
    pub location: Location,
    /// How it is written.
    pub format: FeedFormat,
    /// Which servers are believed.
    pub tls: TlsTrust,
    /// How long it may take.
    pub timeout: Duration,
}

/// What a look brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetched {
    /// The server says that it is what it was.
    Same,
    /// It was read.
    New {
        /// What it says.
        listed: Listed,
        /// The server's `ETag`.
        etag: Option<Box<str>>,
        /// The server's `Last-Modified`.
        modified: Option<Box<str>>,
    },
}

/// Why there is nothing to take.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// It can't be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It is something else.
    #[error("what is at {0} can't be used: {1}")]
    Unreadable(String, Unreadable),
    /// Reading it broke off: a fault of the parser, which harms nothing else.
    #[error("what is at {0} can't be read: the parser broke off")]
    BrokeOff(String),
}

impl FeedSource {
    /// A digest of where it is and how it is read, and of what else is to tell one reading from another.
    pub fn terms(&self, more: &str) -> u64 {
        xxh3_64(format!("{:?} {:?} {:?} {more}", self.location, self.tls, self.format).as_bytes())
    }

    /// Reads it, unless the server says that it is still what was `taken`.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn read(&self, taken: Option<&TakenFeed>) -> Result<Fetched, FeedError> {
        let client = Client::new(&self.tls, self.timeout)?;
        // Without a mark of its version there is nothing to compare with.
        let taken = taken.filter(|taken| taken.etag.is_some() || taken.modified.is_some());
        let known = taken.map(|t| Known { etag: t.etag.as_deref(), modified: t.modified.as_deref() });
        let Some(file) = client.get(&self.location, known, LARGEST).await? else { return Ok(Fetched::Same) };
        let (format, bytes) = (self.format.clone(), file.bytes);
        // It may take a while, and a parser that panics must take nothing with it.
        let parsed = tokio::task::spawn_blocking(move || format.parse(&bytes)).await;
        let location = || self.location.to_string();
        let listed = parsed
            .map_err(|_| FeedError::BrokeOff(location()))?
            .map_err(|error| FeedError::Unreadable(location(), error))?;
        Ok(Fetched::New { listed, etag: file.etag, modified: file.modified })
    }
}
