//! What goes to the terminal: tables for people, JSON for programs.

use std::io::{IsTerminal, Write};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    /// JSON is wanted.
    pub json: bool,
    zone: Tz,
}

impl Out {
    /// Standard output, with times in UTC.
    pub fn new(json: bool) -> Out {
        Out { json, zone: Tz::UTC }
    }

    /// The same with times as the clocks of the organisation show them, as they are read from what is typed: wherever this machine is.
    pub fn on_clocks_of(self, zone: Tz) -> Out {
        Out { zone, ..self }
    }

    /// A time as people read it.
    pub fn when(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// One line. A reader that has gone away (`| head`) is no error.
    pub fn line(&self, text: impl AsRef<str>) {
        self.raw(format!("{}\n", text.as_ref()).as_bytes());
    }

    /// Bytes as they are.
    pub fn raw(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// `value` as JSON, when that is wanted; else what `people` prints.
    pub fn answer<T: Serialize>(&self, value: &T, people: impl FnOnce(&Out, &T)) {
        if !self.json {
            return people(self, value);
        }
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.line(text),
            Err(error) => self.trouble(&format!("the answer can't be written as JSON: {error}")),
        }
    }

    /// A table, or `nothing` when it has no rows.
    pub fn table(&self, header: &[&str], rows: Vec<Vec<String>>, nothing: &str) {
        if rows.is_empty() {
            return self.line(nothing);
        }
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        // Piped into another program, a row stays one line.
        let arrangement = if std::io::stdout().is_terminal() {
            ContentArrangement::Dynamic
        } else {
            ContentArrangement::Disabled
        };
        table.set_content_arrangement(arrangement);
        table.set_header(header.iter().map(|h| h.to_uppercase()));
        for row in rows {
            table.add_row(row.into_iter().map(|cell| visible(&cell)));
        }
        for index in 0..header.len() {
            if let Some(column) = table.column_mut(index) {
                column.set_padding((0, 2));
            }
        }
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }

    /// Names and values, one a line; those without a value are left out.
    pub fn facts(&self, facts: &[(&str, Option<String>)]) {
        let width =
            facts.iter().filter(|(_, v)| v.is_some()).map(|(n, _)| n.chars().count()).max().unwrap_or(0);
        for (name, value) in facts {
            if let Some(value) = value {
                self.line(format!("{name:width$}  {}", visible(value)));
            }
        }
    }

    /// What went wrong, on stderr.
    pub fn trouble(&self, text: &str) {
        let text = if self.json {
            serde_json::json!({ "error": text }).to_string()
        } else {
            format!("budkavle: {text}")
        };
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Text from a directory or a server without what would command the terminal.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// How long ago, roughly.
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds().max(0);
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7_199 => format!("{} min ago", seconds / 60),
        7_200..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// An optional text, `–` for none.
pub fn or_dash(text: Option<impl AsRef<str>>) -> String {
    text.map_or_else(|| "–".to_owned(), |t| t.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_organisation_wherever_the_machine_is() {
        let at = "2026-07-06T05:40:00Z".parse().unwrap();
        let on = |zone| Out::new(false).on_clocks_of(zone).when(at);
        assert_eq!(on(chrono_tz::Europe::Helsinki), "2026-07-06 08:40:00");
        assert_eq!(on(chrono_tz::America::Bogota), "2026-07-06 00:40:00");
    }
}
