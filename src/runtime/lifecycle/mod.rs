//! The life of the process: its tasks, its signals, and a stop that ends in time.
//!
//! There is one [`Lifecycle`]. Whatever runs is spawned through it; [`Lifecycle::run`] then waits for a
//! reason to stop, lets the tasks finish within a deadline, and says how it went. The stop is *soft*
//! first (finish what you do, take on nothing new) and *hard* after the deadline or a second signal
//! (tasks are dropped where they wait).

mod heartbeat;
mod reload;
mod signals;
mod tasks;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use super::systemd::Notifier;

pub use heartbeat::Heartbeat;
pub use reload::{Reload, Reloads};
pub use signals::{Signal, Signals};
pub use tasks::{TaskFailure, Tasks};

/// How long the dropped tasks get to disappear after the hard stop.
const AFTER_HARD_STOP: Duration = Duration::from_secs(1);

/// Owns the signals and the tasks of the process.
#[derive(Debug)]
pub struct Lifecycle {
    clock: Clock,
    notifier: Notifier,
    signals: Signals,
    drain_within: Duration,
    tasks: Tasks,
    reload: watch::Sender<u64>,
}

/// Why the process stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A signal asked for it.
    Signal(Signal),
    /// Something inside asked for it, by cancelling [`Tasks::soft`].
    Asked,
    /// A task ended that should not have.
    Task(TaskFailure),
}

/// How the process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Why it stopped.
    pub cause: Cause,
    /// Every task that failed, before or during the stop.
    pub failures: Vec<TaskFailure>,
    /// The tasks that had not ended when time was up, and were dropped.
    pub unfinished: Vec<String>,
}

impl Lifecycle {
    /// A lifecycle without tasks. On a stop they get `drain_within` to finish; the service manager's own
    /// limit (`TimeoutStopSec`) must be longer.
    #[must_use]
    pub fn new(clock: Clock, signals: Signals, notifier: Notifier, drain_within: Duration) -> Self {
        let tasks = Tasks::new(clock.clone());
        Self { clock, notifier, signals, drain_within, tasks, reload: watch::Sender::new(0) }
    }

    /// A handle for starting tasks, also while [`Lifecycle::run`] waits.
    #[must_use]
    pub fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Starts a task: see [`Tasks::spawn`].
    pub fn spawn<F, E>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        self.tasks.spawn(name, task);
    }

    /// The requests to reload that come by SIGHUP. While nobody holds one of these, SIGHUP does nothing.
    #[must_use]
    pub fn reloads(&self) -> Reloads {
        Reloads { requests: self.reload.subscribe(), notifier: self.notifier.clone() }
    }

    /// Waits until a signal, a task or the program itself ends the work; then stops all tasks.
    ///
    /// Meanwhile it feeds the watchdog, as long as every heartbeat is fresh. Blocking work that ignores
    /// the hard stop may still run when this returns; the caller shuts the runtime down with a time limit.
    pub async fn run(mut self) -> Exit {
        let (notifier, clock, tasks) = (self.notifier.clone(), self.clock.clone(), self.tasks.clone());
        tokio::select! {
            biased;
            exit = self.serve_and_stop() => exit,
            never = feed_watchdog(&notifier, &clock, &tasks) => match never {},
        }
    }

    async fn serve_and_stop(&mut self) -> Exit {
        let cause = self.serve().await;
        match &cause {
            Cause::Task(_) => tracing::error!("stopping: {cause}"),
            _ => tracing::info!("stopping: {cause}"),
        }
        self.notifier.stopping(&format!("stopping: {cause}"));
        let unfinished = self.drain().await;
        Exit { cause, failures: self.tasks.failures(), unfinished }
    }

    async fn serve(&mut self) -> Cause {
        loop {
            tokio::select! {
                biased;
                failure = self.tasks.first_failure() => return Cause::Task(failure),
                () = self.tasks.soft().cancelled() => return Cause::Asked,
                signal = self.signals.next() => match signal {
                    Signal::Hangup if self.reload.is_closed() => {
                        tracing::warn!("SIGHUP is ignored: nothing here can be reloaded");
                    }
                    Signal::Hangup => self.reload.send_modify(|requests| *requests = requests.wrapping_add(1)),
                    stop => return Cause::Signal(stop),
                },
            }
        }
    }

    /// The names of the tasks that did not end in time.
    async fn drain(&mut self) -> Vec<String> {
        self.tasks.soft().cancel();
        let hurry = tokio::select! {
            biased;
            () = self.tasks.all_ended() => return Vec::new(),
            signal = self.signals.next_stop() => format!("{signal} came a second time"),
            () = self.clock.sleep(self.drain_within) => format!("{:?} have passed", self.drain_within),
        };
        let unfinished = self.tasks.running();
        tracing::warn!(tasks = unfinished.join(", "), "{hurry}: these tasks are dropped");
        self.tasks.hard().cancel();
        tokio::select! {
            biased;
            () = self.tasks.all_ended() => {}
            () = self.clock.sleep(AFTER_HARD_STOP) => {
                tracing::warn!(tasks = self.tasks.running().join(", "), "these tasks are blocked and can't be dropped");
            }
        }
        unfinished
    }
}

/// Feeds the watchdog twice in its time while every loop moves. Does nothing when no watchdog waits.
async fn feed_watchdog(notifier: &Notifier, clock: &Clock, tasks: &Tasks) -> Infallible {
    let Some(interval) = notifier.watchdog_interval() else { return std::future::pending().await };
    loop {
        let stale = tasks.stale_heartbeats();
        if stale.is_empty() {
            notifier.feed_watchdog();
        } else {
            tracing::error!(
                loops = stale.join(", "),
                "these loops have stopped moving; unless they go on, the watchdog restarts the daemon"
            );
        }
        clock.sleep(interval).await;
    }
}

impl Exit {
    /// Whether the process stopped because it was asked to, with nothing failed or left unfinished.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !matches!(self.cause, Cause::Task(_)) && self.failures.is_empty() && self.unfinished.is_empty()
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped: {}", self.cause)?;
        let others = self.failures.iter().filter(|failure| Cause::Task((*failure).clone()) != self.cause);
        for failure in others {
            write!(f, "; {failure}")?;
        }
        if !self.unfinished.is_empty() {
            write!(f, "; not finished in time: {}", self.unfinished.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => write!(f, "{signal} was received"),
            Self::Asked => f.write_str("the program asked for it"),
            Self::Task(failure) => write!(f, "{failure}"),
        }
    }
}
