//! The named tasks of the daemon. A task that ends before it was asked to is a failure of the process:
//! a daemon that runs on without its delivery loop is worse than one that is restarted.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::heartbeat::{Heartbeat, Heartbeats};
use crate::runtime::clock::Clock;

/// How a task ended that should not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskFailure {
    /// It gave up with an error.
    #[error("the task `{task}` failed: {cause}")]
    Failed {
        /// The task's name.
        task: String,
        /// The error with everything that caused it.
        cause: String,
    },
    /// It panicked.
    #[error("the task `{task}` panicked: {message}; this is a defect, please report it")]
    Panicked {
        /// The task's name.
        task: String,
        /// What the panic said.
        message: String,
    },
    /// It ended without an error, though nothing had asked it to.
    #[error("the task `{task}` ended although nothing had asked it to; this is a defect, please report it")]
    Returned {
        /// The task's name.
        task: String,
    },
}

/// Starts tasks and tells them when to stop. Cloning gives another handle to the same tasks.
#[derive(Clone, Debug)]
pub struct Tasks {
    soft: CancellationToken,
    hard: CancellationToken,
    failed: CancellationToken,
    tracker: TaskTracker,
    heartbeats: Heartbeats,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    running: BTreeMap<u64, String>,
    failures: Vec<TaskFailure>,
}

impl Tasks {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            failed: CancellationToken::new(),
            tracker: TaskTracker::new(),
            heartbeats: Heartbeats::new(clock),
            state: Arc::default(),
        }
    }

    /// Runs a task that lasts as long as the daemon.
    ///
    /// It should end with `Ok` soon after [`Tasks::soft`] is cancelled. If it ends earlier, fails or
    /// panics, the whole process stops with an error that names it. When [`Tasks::hard`] is cancelled, it
    /// is dropped where it waits.
    pub fn spawn<F, E>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let (all, name) = (self.clone(), name.into());
        let id = self.with_state(|state| {
            let id = state.running.last_key_value().map_or(0, |(last, _)| last.wrapping_add(1));
            state.running.insert(id, name.clone());
            id
        });
        self.tracker.spawn(async move {
            // A task of its own, so that a panic ends up here and not in the runtime.
            let mut running = tokio::spawn(task);
            let ended = tokio::select! {
                ended = &mut running => ended,
                () = all.hard.cancelled() => {
                    running.abort();
                    running.await
                }
            };
            all.ended(id, judge(name, ended, all.soft.is_cancelled()));
        });
    }

    /// A heartbeat for a loop that moves at least every `within`; while it doesn't, the watchdog is not fed.
    pub fn heartbeat(&self, name: impl Into<String>, within: Duration) -> Heartbeat {
        self.heartbeats.add(name.into(), within)
    }

    /// Cancelled when the daemon should finish what it does and take on nothing new. Cancelling it is the
    /// way to ask for a stop from within.
    #[must_use]
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when time is up. Waiting tasks are dropped then; blocking work has to look at this itself.
    #[must_use]
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Waits for the first failure of a task.
    pub(super) async fn first_failure(&self) -> TaskFailure {
        self.failed.cancelled().await;
        match self.with_state(|state| state.failures.first().cloned()) {
            Some(failure) => failure,
            None => std::future::pending().await, // the failure is stored before the token is cancelled
        }
    }

    pub(super) async fn all_ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    pub(super) fn failures(&self) -> Vec<TaskFailure> {
        self.with_state(|state| state.failures.clone())
    }

    pub(super) fn running(&self) -> Vec<String> {
        self.with_state(|state| state.running.values().cloned().collect())
    }

    pub(in crate::runtime) fn stale_heartbeats(&self) -> Vec<String> {
        self.heartbeats.stale()
    }

    fn ended(&self, id: u64, failure: Option<TaskFailure>) {
        let failed = failure.is_some();
        self.with_state(|state| {
            state.running.remove(&id);
            state.failures.extend(failure);
        });
        if failed {
            self.failed.cancel();
        }
    }

    fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // No panic can happen while the lock is held, so a poisoned lock still guards a whole state.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn judge<E>(task: String, ended: Result<Result<(), E>, JoinError>, stopping: bool) -> Option<TaskFailure>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    match ended {
        Ok(Ok(())) => (!stopping).then_some(TaskFailure::Returned { task }),
        Ok(Err(error)) => Some(TaskFailure::Failed { task, cause: chain(&*error.into()) }),
        Err(error) if error.is_panic() => {
            Some(TaskFailure::Panicked { task, message: panic_message(&*error.into_panic()) })
        }
        Err(_dropped) => None, // by the hard stop; `Exit::unfinished` names it
    }
}

/// An error with its causes in one line, each said once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            let _ = write!(text, ": {cause_text}"); // writing to a String can't fail
        }
        source = cause.source();
    }
    text
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it left no message".to_owned())
}
