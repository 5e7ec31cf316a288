//! What the service manager is told, by the protocol of sd_notify(3).
//!
//! Outside systemd there is nobody to tell, and everything here does nothing. A message that can't be
//! delivered is logged and never stops the daemon.

#[cfg(test)]
pub(super) mod tests;

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;
use std::{env, io};

use sd_notify::NotifyState;

use super::clock::Clock;

/// The longest status that is sent, in characters: systemd drops datagrams over 4096 bytes.
const STATUS_LIMIT: usize = 500;

/// How long a send may block when the service manager's queue is full.
const SEND_LIMIT: Duration = Duration::from_secs(1);

/// How much time [`Notifier::while_starting`] asks for at a time, and how often it asks.
const EXTENSION: Duration = Duration::from_secs(30);
const EXTEND_EVERY: Duration = Duration::from_secs(10);

/// Speaks to the service manager. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Notifier {
    socket: Option<PathBuf>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Takes the socket (`NOTIFY_SOCKET`) and the watchdog's time (`WATCHDOG_USEC`, unless
    /// `WATCHDOG_PID` is another process) from the environment; silent when there is no socket.
    #[must_use]
    pub fn from_environment() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty());
        Self::new(socket.map(PathBuf::from), sd_notify::watchdog_enabled())
    }

    /// Speaks to `socket`, a path or, with a leading `@`, an abstract name. `watchdog` is the time after
    /// which the service manager takes a silent process for dead.
    #[must_use]
    pub fn new(socket: Option<PathBuf>, watchdog: Option<Duration>) -> Self {
        let watchdog = watchdog.filter(|limit| !limit.is_zero() && socket.is_some());
        Self { socket, watchdog }
    }

    /// The start, or a reload, is finished; `status` is shown by `systemctl status`.
    pub fn ready(&self, status: &str) {
        self.send(&[NotifyState::Ready, NotifyState::Status(&shown(status))]);
    }

    /// What the daemon is doing, for `systemctl status`.
    pub fn status(&self, status: &str) {
        self.send(&[NotifyState::Status(&shown(status))]);
    }

    /// A reload begins. [`Notifier::ready`] must follow, also when the new configuration was refused.
    pub fn reloading(&self) {
        // Type=notify-reload compares this time with that of its signal. It is systemd's clock that is
        // asked for, and not ours, so it does not come from the Clock.
        match NotifyState::monotonic_usec_now() {
            Ok(time) => self.send(&[NotifyState::Reloading, time]),
            Err(error) => {
                tracing::warn!(%error, "the monotonic time can't be read; the reload isn't announced");
            }
        }
    }

    /// The stop begins.
    pub fn stopping(&self, status: &str) {
        self.send(&[NotifyState::Stopping, NotifyState::Status(&shown(status))]);
    }

    /// The process is alive and makes progress.
    pub fn feed_watchdog(&self) {
        self.send(&[NotifyState::Watchdog]);
    }

    /// How often to call [`Notifier::feed_watchdog`]: half of the watchdog's time, as
    /// sd_watchdog_enabled(3) asks for. `None` when no watchdog waits.
    #[must_use]
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 2)
    }

    /// Asks for `more` time, counted from now, before the current start or stop is taken for hung.
    pub fn extend_timeout(&self, more: Duration) {
        self.send(&[extension(more)]);
    }

    /// Runs a long step of the start, such as the recovery of the store, and keeps asking the service
    /// manager for more time while it runs.
    ///
    /// It asks for no more once `at_most` has passed: a step that hangs still ends in a restart.
    pub async fn while_starting<T>(
        &self,
        clock: &Clock,
        status: &str,
        at_most: Duration,
        step: impl Future<Output = T>,
    ) -> T {
        let extend = async {
            let started = clock.monotonic();
            while clock.monotonic().saturating_duration_since(started) < at_most {
                self.send(&[NotifyState::Status(&shown(status)), extension(EXTENSION)]);
                clock.sleep(EXTEND_EVERY).await;
            }
        };
        let mut step = pin!(step);
        tokio::select! {
            biased;
            result = &mut step => return result,
            () = extend => {}
        }
        tracing::warn!(status, limit = ?at_most, "this step of the start takes too long; no more time is asked for");
        step.await
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let message: String = states.iter().map(|state| format!("{state}\n")).collect();
        if let Err(error) = send_datagram(socket.as_os_str(), message.as_bytes()) {
            tracing::warn!(socket = %socket.display(), %error, "the service manager can't be told anything");
        }
    }
}

/// `sd_notify::notify` takes the socket from the environment alone and knows no abstract names.
fn send_datagram(name: &OsStr, message: &[u8]) -> io::Result<()> {
    let address = match name.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(SEND_LIMIT))?;
    socket.send_to_addr(message, &address)?;
    Ok(())
}

fn extension(more: Duration) -> NotifyState<'static> {
    NotifyState::ExtendTimeoutUsec(u32::try_from(more.as_micros()).unwrap_or(u32::MAX))
}

/// A line break in a status would begin a field of its own.
fn shown(status: &str) -> String {
    status.chars().take(STATUS_LIMIT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
