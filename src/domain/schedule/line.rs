//! The crontab line: five fields as in Debian's crontab(5), and the shorthands.
//!
//! | field | values |
//! | --- | --- |
//! | minute | 0–59 |
//! | hour | 0–23 |
//! | day of month | 1–31 |
//! | month | 1–12 or JAN–DEC |
//! | weekday | 0–7 (0 and 7 are Sunday) or SUN–SAT |
//!
//! A field is `*` or a list of values and ranges (`1,15`, `MON-FRI`); `*` and ranges take a step
//! (`*/15`, `8-18/2`). When neither the day of month nor the weekday begins with `*`, a day that matches
//! *either* of them counts; otherwise both must match. The `cron` crate always wants both, so such a line
//! becomes two of its schedules.

use std::str::FromStr;

/// Why a schedule can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The line hasn't got five fields.
    #[error(
        "the schedule `{line}` has {found} fields, but five are needed: minute, hour, day of month, month \
         and weekday, for example `*/15 * * * *` (there is no field for seconds or years)"
    )]
    FieldCount {
        /// The whole line.
        line: String,
        /// How many fields were found.
        found: usize,
    },
    /// One field holds something that may not stand there.
    #[error("the {field} field `{text}` of the schedule `{line}` {problem}; it takes {allowed}")]
    Field {
        /// The whole line.
        line: String,
        /// Which field: `minute`, `hour`, `day of month`, `month` or `weekday`.
        field: &'static str,
        /// What stands in the field.
        text: String,
        /// What is wrong with it.
        problem: String,
        /// What may stand in the field.
        allowed: &'static str,
    },
    /// A line that begins with `@` and isn't one of the shorthands.
    #[error(
        "`{line}` is not a known shorthand; use @hourly, @daily (or @midnight), @weekly, @monthly, @yearly (or \
         @annually), or five fields such as `0 6 * * MON-FRI`"
    )]
    Shorthand {
        /// The whole line.
        line: String,
    },
    /// Each field is right, but no date has them all.
    #[error(
        "the schedule `{line}` never fires: no year has a day that fits its day of month, month and weekday; \
         check the day of month against the length of the month"
    )]
    NeverFires {
        /// The whole line.
        line: String,
    },
    /// The `cron` crate refuses what was derived from the line.
    #[error(
        "the schedule `{line}` can't be computed ({cause}); this is a defect, please report it with the line"
    )]
    Calendar {
        /// The whole line.
        line: String,
        /// What the crate said.
        cause: String,
    },
}

/// A parsed line: for each field the values that match.
pub(super) struct Line {
    text: String,
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

impl Line {
    pub(super) fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let expanded = if text.starts_with('@') { expand_shorthand(text)? } else { text };
        let fields: Vec<&str> = expanded.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = *fields else {
            return Err(ScheduleError::FieldCount { line: text.to_owned(), found: fields.len() });
        };
        let field = |kind: &'static Kind, field: &str| {
            Field::parse(kind, field).map_err(|problem| ScheduleError::Field {
                line: text.to_owned(),
                field: kind.name,
                text: field.to_owned(),
                problem,
                allowed: kind.allowed,
            })
        };
        Ok(Self {
            text: text.to_owned(),
            minutes: field(&MINUTE, minutes)?,
            hours: field(&HOUR, hours)?,
            days: field(&DAY, days)?,
            months: field(&MONTH, months)?,
            weekdays: field(&WEEKDAY, weekdays)?,
        })
    }

    /// Whether the line fires in each hour of the day, so that it means an interval and not a time of day.
    pub(super) fn is_every_hour(&self) -> bool {
        self.hours.values.len() == 24
    }

    /// The same line for the `cron` crate: one schedule, or two when either kind of day will do.
    pub(super) fn calendars(&self) -> Result<Vec<cron::Schedule>, ScheduleError> {
        let either = !self.days.starred && !self.weekdays.starred;
        let (days, weekdays) = (self.days.to_list(0), self.weekdays.to_list(1));
        let pairs = if either { vec![(&*days, "*"), ("*", &*weekdays)] } else { vec![(&*days, &*weekdays)] };
        pairs.into_iter().map(|(days, weekdays)| self.calendar(days, weekdays)).collect()
    }

    fn calendar(&self, days: &str, weekdays: &str) -> Result<cron::Schedule, ScheduleError> {
        let (minutes, hours, months) =
            (self.minutes.to_list(0), self.hours.to_list(0), self.months.to_list(0));
        cron::Schedule::from_str(&format!("0 {minutes} {hours} {days} {months} {weekdays}"))
            .map_err(|error| ScheduleError::Calendar { line: self.text.clone(), cause: error.to_string() })
    }
}

fn expand_shorthand(text: &str) -> Result<&'static str, ScheduleError> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => return Err(ScheduleError::Shorthand { line: text.to_owned() }),
    })
}

/// What a field of the line may hold.
struct Kind {
    name: &'static str,
    allowed: &'static str,
    /// What `*` stands for.
    all: (u8, u8),
    /// The highest number that may be written.
    highest: u8,
    names: &'static [&'static str],
    first_name: u8,
}

static MINUTE: Kind = Kind {
    name: "minute",
    allowed: "`*` or numbers from 0 to 59, with ranges, lists and steps such as `0,30`, `10-20` or `*/15`",
    all: (0, 59),
    highest: 59,
    names: &[],
    first_name: 0,
};
static HOUR: Kind = Kind {
    name: "hour",
    allowed: "`*` or numbers from 0 to 23, with ranges, lists and steps such as `6,18`, `8-17` or `*/2`",
    all: (0, 23),
    highest: 23,
    names: &[],
    first_name: 0,
};
static DAY: Kind = Kind {
    name: "day of month",
    allowed: "`*` or numbers from 1 to 31, with ranges, lists and steps such as `1,15` or `1-7`",
    all: (1, 31),
    highest: 31,
    names: &[],
    first_name: 0,
};
static MONTH: Kind = Kind {
    name: "month",
    allowed: "`*`, numbers from 1 to 12 or names from JAN to DEC, with ranges, lists and steps such as `1-6` or \
              `JUN,DEC`",
    all: (1, 12),
    highest: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    first_name: 1,
};
static WEEKDAY: Kind = Kind {
    name: "weekday",
    allowed: "`*`, numbers from 0 to 7 (0 and 7 are Sunday) or names from MON to SUN, with ranges, lists and steps \
              such as `MON-FRI` or `0,6`",
    all: (0, 6),
    highest: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    first_name: 0,
};

/// The values of one field in ascending order, Sunday being 0.
struct Field {
    values: Vec<u8>,
    /// Whether the field begins with `*`, which is what crontab(5) calls unrestricted.
    starred: bool,
}

impl Field {
    fn parse(kind: &Kind, text: &str) -> Result<Self, String> {
        let mut values = Vec::new();
        for item in text.split(',') {
            values.extend(parse_item(kind, item)?);
        }
        if kind.highest > kind.all.1 {
            values.iter_mut().filter(|value| **value == kind.highest).for_each(|value| *value = kind.all.0);
        }
        values.sort_unstable();
        values.dedup();
        Ok(Self { values, starred: text.starts_with('*') })
    }

    /// The values as the `cron` crate reads them, each raised by `shift` (it counts Sunday as 1).
    fn to_list(&self, shift: u8) -> String {
        let values: Vec<String> = self.values.iter().map(|value| (value + shift).to_string()).collect();
        values.join(",")
    }
}

/// One item of a list: `*`, a value or a range, each but the value with a step if wanted.
fn parse_item(kind: &Kind, item: &str) -> Result<impl Iterator<Item = u8> + use<>, String> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(parse_step(kind, step)?)),
        None => (item, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => kind.all,
        Some((first, last)) => parse_range(kind, range, first, last)?,
        None => {
            let value = parse_value(kind, range)?;
            if step.is_some() {
                return Err(format!(
                    "has a step after the single value `{range}` (write a range, such as `{range}-{}/{}`)",
                    kind.all.1,
                    step.unwrap_or(1)
                ));
            }
            (value, value)
        }
    };
    Ok((first..=last).step_by(usize::from(step.unwrap_or(1))))
}

fn parse_range(kind: &Kind, range: &str, first: &str, last: &str) -> Result<(u8, u8), String> {
    let first_value = parse_value(kind, first)?;
    let mut last_value = parse_value(kind, last)?;
    if last.eq_ignore_ascii_case("sun") && first_value > 0 {
        last_value = kind.highest; // MON-SUN: at the end of a range Sunday is the seventh day
    }
    if first_value > last_value {
        return Err(format!("has the range `{range}`, which runs backwards (split it in two at the turn)"));
    }
    Ok((first_value, last_value))
}

fn parse_step(kind: &Kind, text: &str) -> Result<u8, String> {
    parse_number(text)
        .filter(|step| (1..=kind.all.1).contains(step))
        .ok_or_else(|| format!("has the step `{text}` (a step is a number from 1 to {})", kind.all.1))
}

fn parse_value(kind: &Kind, text: &str) -> Result<u8, String> {
    if let Some(index) = kind.names.iter().position(|name| text.eq_ignore_ascii_case(name)) {
        return Ok(kind.first_name.saturating_add(u8::try_from(index).unwrap_or(u8::MAX)));
    }
    parse_number(text).filter(|value| (kind.all.0..=kind.highest).contains(value)).ok_or_else(|| {
        if text.is_empty() { "lacks a value".to_owned() } else { format!("can't hold `{text}`") }
    })
}

/// Digits only: `u8::from_str` alone would take `+5`.
fn parse_number(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
