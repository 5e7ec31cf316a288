//! Times as people write them.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
};

/// What was written, before it is known what the clocks make of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spelled {
    /// A moment, with its offset.
    Exact(DateTime<Utc>),
    /// A day.
    Day(NaiveDate),
    /// A time on a clock.
    Clock(NaiveDateTime),
}

/// Reads `2026-07-15`, `2026-07-15 08:00`, with seconds and a `T` at will, or RFC 3339 with an offset. None for anything else.
pub fn spelled(text: &str) -> Option<Spelled> {
    if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
        return Some(Spelled::Exact(exact.to_utc()));
    }
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    let clock = formats.iter().find_map(|f| NaiveDateTime::parse_from_str(text, f).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    clock.map(Spelled::Clock).or_else(|| day().map(Spelled::Day))
}

/// A time: `2026-07-15`, `2026-07-15 08:00`, both on the clocks of `zone`, or RFC 3339 with an offset.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse<Z: TimeZone>(text: &str, zone: &Z) -> Result<DateTime<Utc>, String> {
    let time = read(text, zone)?;
    if (1970..10_000).contains(&time.year()) { Ok(time) } else { Err(format!("{text} is too far away")) }
}

fn read<Z: TimeZone>(text: &str, zone: &Z) -> Result<DateTime<Utc>, String> {
    let naive = match spelled(text) {
        Some(Spelled::Exact(exact)) => return Ok(exact),
        Some(Spelled::Day(day)) => {
            return first_moment(day, zone)
                .ok_or_else(|| format!("{text} doesn't exist: the clocks skip that day"));
        }
        Some(Spelled::Clock(naive)) => naive,
        None => {
            return Err(format!(
                "\"{text}\" is no time; write 2026-07-15, \"2026-07-15 08:00\" or 2026-07-15T08:00:00+02:00"
            ));
        }
    };
    // In the hour that comes twice, the first; a time that the clocks skip doesn't exist.
    zone.from_local_datetime(&naive)
        .earliest()
        .map(|t| t.to_utc())
        .ok_or_else(|| format!("{text} doesn't exist: the clocks skip that hour"))
}

/// That a time on the clocks of `zone` comes twice, and which one is meant; None for one that doesn't.
pub fn comes_twice<Z: TimeZone>(text: &str, zone: &Z) -> Option<String> {
    let Some(Spelled::Clock(naive)) = spelled(text) else { return None };
    let (first, second) = match zone.from_local_datetime(&naive) {
        LocalResult::Ambiguous(first, second) => (first.to_rfc3339(), second.to_rfc3339()),
        LocalResult::Single(_) | LocalResult::None => return None,
    };
    Some(format!(
        "{text} comes twice, since the clocks go back: {first} is meant; for the second write {second}"
    ))
}

/// When a day begins: where the clocks skip midnight, later than then. None for a day that they skip as a whole.
fn first_moment<Z: TimeZone>(day: NaiveDate, zone: &Z) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..24 * 4).find_map(|quarters| {
        let clock = midnight.checked_add_signed(TimeDelta::minutes(15 * quarters))?;
        zone.from_local_datetime(&clock).earliest().map(|at| at.to_utc())
    })
}

/// The end of a period: a mere date means the whole of that day.
///
/// # Errors
/// As [`parse`].
pub fn parse_end<Z: TimeZone>(text: &str, zone: &Z) -> Result<DateTime<Utc>, String> {
    match spelled(text) {
        Some(Spelled::Day(day)) => {
            let next = day.checked_add_days(Days::new(1)).ok_or_else(|| format!("{text} is too far away"))?;
            parse(&next.format("%Y-%m-%d").to_string(), zone)
        }
        _ => parse(text, zone),
    }
}

/// A beginning as [`parse`] reads it: a day when it is the first moment of one, else a time with its offset.
pub fn written_start<Z: TimeZone>(at: DateTime<Utc>, zone: &Z) -> String
where
    Z::Offset: std::fmt::Display,
{
    let day = at.with_timezone(zone).format("%Y-%m-%d").to_string();
    if parse(&day, zone) == Ok(at) { day } else { at.with_timezone(zone).to_rfc3339() }
}

/// An end as [`parse_end`] reads it: a day when it is the first moment after one, else a time with its offset.
pub fn written_end<Z: TimeZone>(at: DateTime<Utc>, zone: &Z) -> String
where
    Z::Offset: std::fmt::Display,
{
    let before = at.with_timezone(zone).date_naive().pred_opt();
    let day = before.map(|day| day.format("%Y-%m-%d").to_string());
    day.filter(|day| parse_end(day, zone) == Ok(at)).unwrap_or_else(|| at.with_timezone(zone).to_rfc3339())
}

/// A period as [`parse`] and [`parse_end`] read it: days when it is made of whole days, else times with their offset.
pub fn written<Z: TimeZone>(from: DateTime<Utc>, until: DateTime<Utc>, zone: &Z) -> (String, String)
where
    Z::Offset: std::fmt::Display,
{
    let (start, end) = (written_start(from, zone), written_end(until, zone));
    let is_day = |text: &str| matches!(spelled(text), Some(Spelled::Day(_)));
    if is_day(&start) && is_day(&end) && from < until {
        return (start, end);
    }
    (from.with_timezone(zone).to_rfc3339(), until.with_timezone(zone).to_rfc3339())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Stockholm;

    #[test]
    fn a_period_is_read_as_it_is_written() {
        for (from, until, said) in [
            ("2026-07-06", "2026-07-31", "2026-07-06 2026-07-31"),
            ("2026-07-06 13:00", "2026-07-06", "2026-07-06T13:00:00+02:00 2026-07-07T00:00:00+02:00"),
            (
                "2026-10-25T02:30:00+01:00",
                "2026-10-25",
                "2026-10-25T02:30:00+01:00 2026-10-26T00:00:00+01:00",
            ),
        ] {
            let (start, end) = (parse(from, &Stockholm).unwrap(), parse_end(until, &Stockholm).unwrap());
            let (from, until) = written(start, end, &Stockholm);
            assert_eq!(format!("{from} {until}"), said);
            assert_eq!((parse(&from, &Stockholm), parse_end(&until, &Stockholm)), (Ok(start), Ok(end)));
        }
    }

    #[test]
    fn it_is_said_which_of_two_hours_is_meant() {
        let said = comes_twice("2026-10-25 02:30", &Stockholm).unwrap();
        assert!(
            said.contains("2026-10-25T02:30:00+02:00 is meant") && said.contains("02:30:00+01:00"),
            "{said}"
        );
        for once in ["2026-10-25 03:00", "2026-10-25", "2026-10-25T02:30:00+01:00", "x"] {
            assert_eq!(comes_twice(once, &Stockholm), None, "{once}");
        }
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_make_it() {
        let day = |text| parse_end(text, &Stockholm).unwrap() - parse(text, &Stockholm).unwrap();
        assert_eq!(day("2026-03-29"), TimeDelta::hours(23));
        assert_eq!(day("2026-10-25"), TimeDelta::hours(25));
        assert!(parse("2026-03-29 02:30", &Stockholm).unwrap_err().contains("skip"));
        // 2022-03-27 began at 01:00 in Beirut, and Samoa had no 30 December 2011.
        let beirut = |day| parse(day, &chrono_tz::Asia::Beirut).map(|at| at.to_rfc3339());
        assert_eq!(beirut("2022-03-27").as_deref(), Ok("2022-03-26T22:00:00+00:00"));
        assert_eq!(
            parse_end("2022-03-26", &chrono_tz::Asia::Beirut).map(|at| at.to_rfc3339()),
            beirut("2022-03-27")
        );
        assert!(parse("2011-12-30", &chrono_tz::Pacific::Apia).unwrap_err().contains("skip that day"));
    }
}
