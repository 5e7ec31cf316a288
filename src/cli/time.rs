//! Times as people type them: on the organisation's clocks, which the daemon knows, wherever this machine's are.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::client::Client;
use super::exit::{Exit, Trouble};
use crate::domain::moment::{self, Spelled, spelled};

/// A time as it was typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Typed {
    text: String,
    /// A mere date means the whole of that day.
    end: bool,
}

/// A time: `2026-07-15`, `2026-07-15 08:00`, both on the organisation's clocks, or RFC 3339 with an offset.
pub fn parse(text: &str) -> Result<Typed, String> {
    moment::parse(text, &Utc).map(|_| Typed { text: text.to_owned(), end: false })
}

/// The end of a period: a mere date means the whole of that day.
pub fn parse_end(text: &str) -> Result<Typed, String> {
    moment::parse_end(text, &Utc).map(|_| Typed { text: text.to_owned(), end: true })
}

impl Typed {
    /// Which moment it is.
    ///
    /// # Errors
    /// The daemon doesn't say where the organisation's clocks are, or they never show that time.
    pub async fn at(&self, client: &Client) -> Result<DateTime<Utc>, Trouble> {
        let zone = match spelled(&self.text) {
            Some(Spelled::Exact(_)) => Tz::UTC,
            _ => client.zone().await?,
        };
        self.in_zone(zone).map_err(|text| Trouble { exit: Exit::Usage, text })
    }

    fn in_zone(&self, zone: Tz) -> Result<DateTime<Utc>, String> {
        if self.end { moment::parse_end(&self.text, &zone) } else { moment::parse(&self.text, &zone) }
    }
}

/// Which moment it is, if one was typed.
///
/// # Errors
/// As [`Typed::at`].
pub async fn at(time: Option<&Typed>, client: &Client) -> Result<Option<DateTime<Utc>>, Trouble> {
    match time {
        Some(time) => time.at(client).await.map(Some),
        None => Ok(None),
    }
}

/// The same for a query.
///
/// # Errors
/// As [`Typed::at`].
pub async fn text(time: Option<&Typed>, client: &Client) -> Result<Option<String>, Trouble> {
    Ok(at(time, client).await?.map(|time| time.to_rfc3339()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America, Europe};

    #[test]
    fn times_are_read_on_the_clocks_of_the_organisation() {
        let start = |text, zone| parse(text).unwrap().in_zone(zone).unwrap().to_rfc3339();
        let end = |text, zone| parse_end(text).unwrap().in_zone(zone).unwrap().to_rfc3339();
        let (stockholm, bogota) = (Europe::Stockholm, America::Bogota);
        assert_eq!(start("2026-07-15T08:00:00+02:00", bogota), "2026-07-15T06:00:00+00:00");
        assert_eq!(start("2026-07-15 08:00", stockholm), "2026-07-15T06:00:00+00:00");
        assert_eq!(start("2026-07-15", stockholm), "2026-07-14T22:00:00+00:00");
        assert_eq!(start("2026-07-15", bogota), "2026-07-15T05:00:00+00:00");
        assert_eq!(end("2026-07-15", bogota), "2026-07-16T05:00:00+00:00");
        assert_eq!(end("2026-07-15 12:00", stockholm), start("2026-07-15T12:00", stockholm));
        for nonsense in ["", "tomorrow", "2026-13-01", "15.7.2026", "+262142-12-31"] {
            assert!(parse(nonsense).is_err() && parse_end(nonsense).is_err(), "{nonsense}");
        }
    }
}
