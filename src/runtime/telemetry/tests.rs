//! What is logged, in which form, at which level.

use std::sync::{Arc, Mutex};

use super::*;

/// Collects what is logged.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

fn logged(format: Format, level: &str, work: impl FnOnce(&LevelHandle)) -> Vec<String> {
    logged_with_override(format, level, None, work)
}

fn logged_with_override(
    format: Format,
    level: &str,
    level_override: Option<&str>,
    work: impl FnOnce(&LevelHandle),
) -> Vec<String> {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let output = output(format, move || writer.clone(), false).unwrap();
    let (subscriber, handle) = subscriber(level, level_override, output).unwrap();
    tracing::subscriber::with_default(subscriber, || work(&handle));
    buffer.lines()
}

#[test]
fn text_has_the_sentence_and_its_fields() {
    let lines = logged(Format::Text, "info", |_| {
        tracing::info!(target: "budkavle::flow", run = 7, "the sync is done");
        tracing::debug!(target: "budkavle::flow", "not at this level");
        tracing::info!(target: "ldap3", "a library speaks at warn only");
        tracing::warn!(target: "ldap3", "a warning of a library");
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].ends_with("INFO budkavle::flow: the sync is done run=7"), "{lines:?}");
    assert!(lines[1].ends_with("WARN ldap3: a warning of a library"), "{lines:?}");
}

#[test]
fn json_is_one_object_a_line() {
    let lines = logged(Format::Json, "info", |_| {
        let span = tracing::info_span!(target: "budkavle::flow", "sync", directory = "corp");
        let _entered = span.enter();
        tracing::info!(target: "budkavle::flow", run = 7, "two\nlines");
    });
    assert_eq!(lines.len(), 1);
    let object: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(object["message"], "two\nlines");
    assert_eq!(object["run"], 7);
    assert_eq!(object["level"], "INFO");
    assert_eq!(object["span"]["directory"], "corp");
}

#[test]
fn the_level_can_be_changed_while_running_and_a_mistake_keeps_the_old_one() {
    let lines = logged(Format::Text, "warn", |level| {
        tracing::info!(target: "budkavle", "one");
        level.set("debug").unwrap();
        tracing::debug!(target: "budkavle", "two");
        assert!(level.set("loud").is_err());
        tracing::debug!(target: "budkavle", "three");
        level.set("off").unwrap();
        tracing::error!(target: "budkavle", "four");
        level.set("off,budkavle::store=trace").unwrap();
        tracing::trace!(target: "budkavle::store", "five");
    });
    let words: Vec<_> = lines.iter().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(words, ["two", "three", "five"]);
}

#[test]
fn the_variable_wins_over_the_configuration_also_after_a_reload() {
    let lines = logged_with_override(Format::Text, "error", Some("debug"), |level| {
        tracing::debug!(target: "budkavle", "one");
        level.set("error").unwrap();
        tracing::debug!(target: "budkavle", "two");
        assert!(level.set("loud").is_err());
    });
    assert_eq!(lines.len(), 2);
}

#[test]
fn levels_are_checked() {
    for level in ["info", "DEBUG", "off", " warn ", "warn,budkavle=debug", "budkavle::store=trace"] {
        assert!(filter(level).is_ok(), "{level}");
    }
    let message = |level: &str| filter(level).unwrap_err().to_string();
    assert!(message("loud").starts_with("`loud` is not a log level (no such level); use off"));
    assert!(message("").contains("it is empty"));
    assert!(message("budkavle=loud").contains("`budkavle=loud` is not a log level"));
}

#[test]
fn formats_are_checked() {
    assert_eq!("json".parse::<Format>().unwrap(), Format::Json);
    assert_eq!(
        "xml".parse::<Format>().unwrap_err().to_string(),
        "`xml` is not a log format; use auto, text, journal or json"
    );
}

#[test]
fn the_journal_is_used_only_when_stderr_leads_there() {
    assert_eq!(detect(Some("9:1234"), Some((9, 1234))), Format::Journal);
    assert_eq!(detect(Some("9:1234"), Some((9, 99))), Format::Text);
    assert_eq!(detect(Some("nonsense"), Some((9, 99))), Format::Text);
    assert_eq!(detect(Some("9:1234"), None), Format::Text);
    assert_eq!(detect(None, None), Format::Text);
}

#[test]
fn stderr_has_an_identity() {
    assert!(stderr_identity().is_some());
}
