//! A calendar at an address or in a file: fetched within limits, and believed because it comes from there.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::fetch::{Client, FetchError, File, Known, Location};
use crate::domain::absence::source::TakenCalendar;
use crate::domain::ical::LARGEST;
use crate::tls::TlsTrust;

/// Where a calendar is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CalendarSource {
    /// Where it is.
    pub location: Location,
    /// Which servers are believed.
    pub tls: TlsTrust,
    /// How long it may take.
    pub timeout: Duration,
}

#[cfg(test)]
impl CalendarSource {
    /// One in a file.
    pub(crate) fn file(path: std::path::PathBuf) -> CalendarSource {
        let (tls, timeout) = (TlsTrust::SystemRoots, Duration::from_secs(60));
        CalendarSource { location: Location::File(path), tls, timeout }
    }
}

impl CalendarSource {
    /// A digest of where it is, and of what else is to tell one reading from another.
    pub fn terms(&self, more: &str) -> u64 {
        xxh3_64(format!("{:?} {:?} {more}", self.location, self.tls).as_bytes())
    }

    /// Reads it; None when the server says that it is still what was `taken`.
    ///
    /// # Errors
    /// It can't be fetched.
    pub async fn read(&self, taken: Option<&TakenCalendar>) -> Result<Option<File>, FetchError> {
        let client = Client::new(&self.tls, self.timeout)?;
        let known = taken.map(|t| Known { etag: t.etag.as_deref(), modified: t.modified.as_deref() });
        client.get(&self.location, known, LARGEST).await
    }
}
