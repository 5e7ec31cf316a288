//! Times as people type them.

use chrono::{DateTime, Datelike, Days, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

/// A time: `2026-07-15`, `2026-07-15 08:00`, both on this machine's clocks, or RFC 3339 with an offset.
pub fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    let time = read(text)?;
    if (1970..10_000).contains(&time.year()) { Ok(time) } else { Err(format!("{text} is too far away")) }
}

fn read(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
        return Ok(exact.to_utc());
    }
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    let naive = formats.iter().find_map(|f| NaiveDateTime::parse_from_str(text, f).ok());
    let naive = naive
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|d| d.and_time(NaiveTime::MIN)));
    let naive = naive.ok_or_else(|| {
        format!("\"{text}\" is no time; write 2026-07-15, \"2026-07-15 08:00\" or 2026-07-15T08:00:00+02:00")
    })?;
    // In the hour that comes twice, the first; a time that the clocks skip doesn't exist.
    Local
        .from_local_datetime(&naive)
        .earliest()
        .map(|t| t.to_utc())
        .ok_or_else(|| format!("{text} doesn't exist: the clocks skip that hour"))
}

/// The end of a period: a mere date means the whole of that day.
pub fn parse_end(text: &str) -> Result<DateTime<Utc>, String> {
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(day) => {
            let next = day.checked_add_days(Days::new(1)).ok_or_else(|| format!("{text} is too far away"))?;
            parse(&next.format("%Y-%m-%d").to_string())
        }
        Err(_) => parse(text),
    }
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
