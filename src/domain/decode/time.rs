//! Points in time, as directories write them.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Utc};

/// Generalized time (RFC 4517 §3.3.13): `20261122230000Z`, minutes and seconds at will, a fraction, `Z` or a difference to it such as `+0100`. None when it is none.
pub fn generalized_time(text: &str) -> Option<DateTime<Utc>> {
    let zone = text.find(['Z', '+', '-'])?;
    let (time, zone) = text.split_at_checked(zone)?;
    let (digits, fraction) = match time.split_once(['.', ',']) {
        Some((digits, fraction)) => (digits, Some(fraction)),
        None => (time, None),
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(digits) || !fraction.is_none_or(|f| are_digits(f) && f.len() <= 9) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u32>().ok();
    let unit = match digits.len() {
        10 => TimeDelta::hours(1),
        12 => TimeDelta::minutes(1),
        14 => TimeDelta::seconds(1),
        _ => return None,
    };
    // There was no year 0; directories write it for what is no time at all.
    let year = digits.get(..4)?.parse().ok().filter(|year| *year > 0)?;
    let date = NaiveDate::from_ymd_opt(year, number(4..6)?, number(6..8)?)?;
    // A leap second is the last one before it.
    let second = number(12..14).unwrap_or(0);
    let second = if second == 60 { 59 } else { second };
    let time = date.and_hms_opt(number(8..10)?, number(10..12).unwrap_or(0), second)?;
    let rest = fraction.map_or(Some(TimeDelta::zero()), |fraction| part(fraction, unit))?;
    let time: NaiveDateTime = time.checked_add_signed(rest)?;
    Some(time.and_local_timezone(offset(zone)?).single()?.with_timezone(&Utc))
}

fn part(fraction: &str, unit: TimeDelta) -> Option<TimeDelta> {
    let value: i64 = fraction.parse().ok()?;
    let scale = 10_i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let nanoseconds = i128::from(unit.num_nanoseconds()?) * i128::from(value) / i128::from(scale);
    i64::try_from(nanoseconds).ok().map(TimeDelta::nanoseconds)
}

fn offset(zone: &str) -> Option<FixedOffset> {
    if zone == "Z" {
        return FixedOffset::east_opt(0);
    }
    let (sign, digits) = zone.split_at_checked(1)?;
    let fits = matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i32>().ok();
    let seconds = number(0..2).filter(|_| fits)? * 3600 + number(2..4).unwrap_or(0) * 60;
    FixedOffset::east_opt(if sign == "-" { -seconds } else { seconds })
}

/// Days since 1970 (shadow(5)): from then on the account is of no use. None: never, which a negative number means.
pub(super) fn from_days(days: i64) -> Option<DateTime<Utc>> {
    let seconds = days.checked_mul(86_400).filter(|seconds| *seconds >= 0)?;
    DateTime::from_timestamp(seconds, 0)
}

const SECONDS_FROM_1601_TO_1970: i64 = 11_644_473_600;

/// 100 nanoseconds since 1601 ([MS-DTYP] 2.3.3); None when it is negative.
pub fn from_filetime(filetime: i64) -> Option<DateTime<Utc>> {
    let filetime = u64::try_from(filetime).ok()?;
    let seconds = i64::try_from(filetime / 10_000_000).ok()? - SECONDS_FROM_1601_TO_1970;
    let rest = TimeDelta::nanoseconds(i64::try_from(filetime % 10_000_000).ok()? * 100);
    DateTime::from_timestamp(seconds, 0)?.checked_add_signed(rest)
}

/// The same back; None when it can't be said so.
pub fn to_filetime(time: DateTime<Utc>) -> Option<i64> {
    let seconds = time.timestamp().checked_add(SECONDS_FROM_1601_TO_1970)?;
    seconds.checked_mul(10_000_000)?.checked_add(i64::from(time.timestamp_subsec_nanos() / 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        for (text, expected) in [
            ("20261122230000Z", "2026-11-22T23:00:00Z"),
            ("2026112223Z", "2026-11-22T23:00:00Z"),
            ("202611222315Z", "2026-11-22T23:15:00Z"),
            ("2026112223.25Z", "2026-11-22T23:15:00Z"),
            ("20261122230000.5Z", "2026-11-22T23:00:00.500Z"),
            ("20261123003000,0+0130", "2026-11-22T23:00:00Z"),
            ("20261122220000-01", "2026-11-22T23:00:00Z"),
            ("20161231235960Z", "2016-12-31T23:59:59Z"),
        ] {
            assert_eq!(generalized_time(text), Some(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_not_taken_for_one() {
        for text in [
            "",
            "Z",
            "20261122230000",
            "000001010000Z",
            "20261322230000Z",
            "2026112223000Z",
            "20261122230000.Z",
            "20261122230000.1234567890Z",
            "20261122230000+1",
            "20261122230000+ab",
            "20261122230000+9900",
            "+0100",
            "2026112å2300Z",
        ] {
            assert_eq!(generalized_time(text), None, "{text}");
        }
    }
}
