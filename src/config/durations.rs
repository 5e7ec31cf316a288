//! Spans of time as people write them: `30s`, `15m`, `6h`, `2d`.

use std::time::Duration;

use super::reader::Problem;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a span of time.
pub(super) fn parse(text: &str) -> Result<Duration, Problem> {
    humantime::parse_duration(text.trim()).map_err(|_| {
        let problem = format!("{} is no span of time", super::words::quoted(text));
        let hint = match text.trim().parse() {
            Ok(number) => with_unit(number),
            Err(_) => "write a number and s, m, h or d, such as \"30s\", \"15m\", \"6h\" or \"2d\"".into(),
        };
        Problem::new(problem).hint(hint)
    })
}

/// Advice for a number alone.
pub(super) fn with_unit(number: i128) -> String {
    format!("the unit is missing: \"{number}s\", \"{number}m\", \"{number}h\" or \"{number}d\"")
}

/// Writes it in the largest unit that it is a whole number of.
pub(super) fn text(span: Duration) -> String {
    let seconds = span.as_secs();
    if span.subsec_nanos() != 0 || seconds == 0 {
        return humantime::format_duration(span).to_string();
    }
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m")];
    let whole = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(unit.as_secs()));
    whole.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit.as_secs()))
}

/// For the domain, which calculates with signed spans. Spans come bounded from [`super::reader::Section::duration`].
pub(super) fn delta(span: Duration) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(span).unwrap_or(chrono::TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_and_written() {
        for (text_in, seconds, text_out) in [
            ("30s", 30, "30s"),
            ("90s", 90, "90s"),
            ("15m", 900, "15m"),
            ("1h 30m", 5400, "90m"),
            ("2d", 172_800, "2d"),
            ("2 weeks", 1_209_600, "14d"),
            ("0s", 0, "0s"),
        ] {
            let span = parse(text_in).unwrap();
            assert_eq!((span.as_secs(), text(span).as_str()), (seconds, text_out));
        }
        for bad in ["", "30", "s", "30 parsecs", "-5m", "1e9d", "99999999999999999999d"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
