//! Where the log goes and how much of it: the journal under systemd, text or JSON on stderr otherwise.
//!
//! Nothing is ever logged to stdout, which belongs to the output of commands.

#[cfg(test)]
mod tests;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic;
use std::str::FromStr;

use nix::sys::stat::fstat;
use tracing::Subscriber;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The environment variable that overrides the configured level, so that one run can say more.
pub const LEVEL_VARIABLE: &str = "BUDKAVLE_LOG";

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// [`Format::Journal`] when stderr is connected to the journal, otherwise [`Format::Text`].
    #[default]
    Auto,
    /// Lines for people, on stderr.
    Text,
    /// Records with fields, to systemd's journal.
    Journal,
    /// One JSON object a line, on stderr.
    Json,
}

/// Why logging can't be set up as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The format isn't one of ours.
    #[error("`{0}` is not a log format; use auto, text, journal or json")]
    Format(String),
    /// The level can't be understood.
    #[error(
        "`{level}` is not a log level ({cause}); use off, error, warn, info, debug or trace, or a list such as \
         `warn,budkavle=debug`, in the configuration or in BUDKAVLE_LOG"
    )]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The journal was asked for and isn't there.
    #[error(
        "the log can't be sent to systemd's journal; use the log format text or json where there is no journal"
    )]
    Journal(#[source] io::Error),
    /// The process logs already.
    #[error("the log has already been set up in this process")]
    Twice(#[source] TryInitError),
    /// The log has been shut down.
    #[error("the log level can't be changed any more")]
    Gone(#[source] reload::Error),
}

impl FromStr for Format {
    type Err = TelemetryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "journal" => Ok(Self::Journal),
            "json" => Ok(Self::Json),
            other => Err(TelemetryError::Format(other.to_owned())),
        }
    }
}

/// Changes the level of the log while the process runs.
#[derive(Clone, Debug)]
pub struct LevelHandle {
    handle: reload::Handle<EnvFilter, Registry>,
    /// Whether `BUDKAVLE_LOG` has set the level.
    overridden: bool,
}

impl LevelHandle {
    /// Logs at the configured `level` from now on (see [`init`] for what it may be), unless
    /// `BUDKAVLE_LOG` has set another one for this process.
    ///
    /// # Errors
    /// When the level can't be understood; the old one stays in force.
    pub fn set(&self, level: &str) -> Result<(), TelemetryError> {
        let filter = filter(level)?;
        if self.overridden {
            return Ok(());
        }
        self.handle.reload(filter).map_err(TelemetryError::Gone)
    }
}

/// Sets up the log of the process, and sends panics there too.
///
/// `level` is one of the six levels, which is then that of Budkavle while its libraries log warnings
/// only, or a list of directives in the syntax of `tracing_subscriber::EnvFilter`. `BUDKAVLE_LOG`
/// overrides it ([`LEVEL_VARIABLE`]).
///
/// # Errors
/// When the level can't be understood, the journal is asked for and isn't there, or it was called before.
pub fn init(format: Format, level: &str) -> Result<LevelHandle, TelemetryError> {
    let level_override = std::env::var(LEVEL_VARIABLE).ok();
    let journal_stream = std::env::var("JOURNAL_STREAM").ok();
    let is_auto = format == Format::Auto;
    let wanted = if is_auto { detect(journal_stream.as_deref(), stderr_identity()) } else { format };
    let (output, problem) = match output(wanted, io::stderr, colours()) {
        Err(error) if is_auto => (output(Format::Text, io::stderr, colours())?, Some(error)),
        other => (other?, None),
    };
    let (subscriber, handle) = subscriber(level, level_override.as_deref(), output)?;
    subscriber.try_init().map_err(TelemetryError::Twice)?;
    panic::set_hook(Box::new(log_panic));
    if let Some(error) = problem {
        tracing::warn!(error = &error as &dyn std::error::Error, "logging to stderr instead of the journal");
    }
    Ok(handle)
}

type Output = Box<dyn Layer<Filtered> + Send + Sync>;
type Filtered = tracing_subscriber::layer::Layered<reload::Layer<EnvFilter, Registry>, Registry>;

fn subscriber(
    level: &str,
    level_override: Option<&str>,
    output: Output,
) -> Result<(impl Subscriber + Send + Sync, LevelHandle), TelemetryError> {
    let (filter, handle) = reload::Layer::new(filter(level_override.unwrap_or(level))?);
    let handle = LevelHandle { handle, overridden: level_override.is_some() };
    Ok((tracing_subscriber::registry().with(filter).with(output), handle))
}

fn output<W>(format: Format, writer: W, colours: bool) -> Result<Output, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    Ok(match format {
        Format::Auto | Format::Text => lines.boxed(),
        Format::Json => lines.with_ansi(false).json().flatten_event(true).with_span_list(false).boxed(),
        Format::Journal => {
            let journal = tracing_journald::layer().map_err(TelemetryError::Journal)?;
            // The crate would log info as notice and debug as info, against the custom of daemons.
            let priorities = PriorityMappings {
                info: Priority::Informational,
                debug: Priority::Debug,
                ..PriorityMappings::new()
            };
            // `journalctl BUDKAVLE_RUN=…` finds what a field `run` was logged with.
            journal
                .with_priority_mappings(priorities)
                .with_syslog_identifier("budkavle".to_owned())
                .with_field_prefix(Some("BUDKAVLE".to_owned()))
                .boxed()
        }
    })
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let level = level.trim();
    let refused = |cause: String| TelemetryError::Level { level: level.to_owned(), cause };
    if level.is_empty() {
        return Err(refused("it is empty".to_owned()));
    }
    let plain = level.to_ascii_lowercase();
    if LEVELS.contains(&plain.as_str()) {
        // The libraries' own debug output holds addresses and names, and there is a lot of it.
        let libraries = if matches!(plain.as_str(), "off" | "error") { &plain } else { "warn" };
        return Ok(EnvFilter::new(format!("{libraries},budkavle={plain}")));
    }
    if !level.contains(['=', ',', '[']) {
        return Err(refused("no such level".to_owned())); // EnvFilter would take it for the name of a module
    }
    EnvFilter::try_new(level).map_err(|error| refused(error.to_string()))
}

/// systemd sets JOURNAL_STREAM to the device and inode of the stream that it connected to the journal.
/// If stderr is another one, it was redirected, and the redirection is respected (systemd.exec(5)).
fn detect(journal_stream: Option<&str>, stderr: Option<(u64, u64)>) -> Format {
    let announced = journal_stream.and_then(|text| {
        let (device, inode) = text.split_once(':')?;
        Some((device.parse::<u64>().ok()?, inode.parse::<u64>().ok()?))
    });
    if announced.is_some() && announced == stderr { Format::Journal } else { Format::Text }
}

fn stderr_identity() -> Option<(u64, u64)> {
    let stat = fstat(io::stderr()).ok()?;
    Some((stat.st_dev, stat.st_ino))
}

/// Colours only for a terminal, and not against the reader's wish (<https://no-color.org>).
fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The standard hook would write plain lines between those of the journal or of JSON.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let backtrace = Backtrace::capture(); // only when RUST_BACKTRACE asks for it
    tracing::error!(
        thread = thread.name().unwrap_or("unnamed"),
        location = info.location().map(tracing::field::display),
        backtrace =
            (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(&backtrace)),
        "panic: {}",
        info.payload_as_str().unwrap_or("without a message"),
    );
}
