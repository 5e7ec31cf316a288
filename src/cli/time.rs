//! Times as people type them: on this machine's clocks.

use chrono::{DateTime, Local, Utc};

use crate::domain::moment;

/// A time: `2026-07-15`, `2026-07-15 08:00`, both on this machine's clocks, or RFC 3339 with an offset.
pub fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    moment::parse(text, &Local)
}

/// The end of a period: a mere date means the whole of that day.
pub fn parse_end(text: &str) -> Result<DateTime<Utc>, String> {
    moment::parse_end(text, &Local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn times_are_read_as_people_type_them() {
        assert_eq!(parse("2026-07-15T08:00:00+02:00").unwrap().to_rfc3339(), "2026-07-15T06:00:00+00:00");
        assert_eq!(parse("2026-07-15 08:00").unwrap() - parse("2026-07-15").unwrap(), TimeDelta::hours(8));
        assert_eq!(parse_end("2026-07-15").unwrap(), parse("2026-07-16").unwrap());
        assert_eq!(parse_end("2026-07-15 12:00").unwrap(), parse("2026-07-15T12:00").unwrap());
        for nonsense in ["", "tomorrow", "2026-13-01", "15.7.2026", "+262142-12-31"] {
            assert!(parse(nonsense).is_err() && parse_end(nonsense).is_err(), "{nonsense}");
        }
    }
}
