//! The signals that steer the process: SIGTERM and SIGINT stop it, SIGHUP reloads its configuration.

use std::fmt;
use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::mpsc;

/// A signal that the daemon answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: read the configuration again.
    Hangup,
    /// SIGINT, as from Ctrl-C: stop.
    Interrupt,
    /// SIGTERM, as from `systemctl stop`: stop.
    Terminate,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// Where the signals come from.
#[derive(Debug)]
pub enum Signals {
    /// The operating system.
    Process {
        /// SIGHUP.
        hangup: Stream,
        /// SIGINT.
        interrupt: Stream,
        /// SIGTERM.
        terminate: Stream,
    },
    /// A channel, for tests and the demo. A closed channel means that no signal comes any more.
    Manual(mpsc::UnboundedReceiver<Signal>),
}

impl Signals {
    /// Takes over SIGHUP, SIGINT and SIGTERM of this process, for as long as it lives.
    ///
    /// # Errors
    /// When the operating system refuses the handlers.
    pub fn listen() -> io::Result<Self> {
        Ok(Self::Process {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Signals that are sent by hand.
    #[must_use]
    pub fn manual() -> (mpsc::UnboundedSender<Signal>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self::Manual(receiver))
    }

    /// Waits until a signal asks for a stop; before the start there is nothing to reload.
    pub(in super::super) async fn stop(&mut self) {
        while self.next().await == Signal::Hangup {}
    }

    /// The next signal. Dropping the future loses none.
    pub(super) async fn next(&mut self) -> Signal {
        match self {
            Self::Process { hangup, interrupt, terminate } => tokio::select! {
                Some(()) = terminate.recv() => Signal::Terminate,
                Some(()) = interrupt.recv() => Signal::Interrupt,
                Some(()) = hangup.recv() => Signal::Hangup,
                else => std::future::pending().await,
            },
            Self::Manual(receiver) => match receiver.recv().await {
                Some(signal) => signal,
                None => std::future::pending().await,
            },
        }
    }

    /// The next signal that asks to stop; the others are passed over.
    pub(super) async fn next_stop(&mut self) -> Signal {
        loop {
            match self.next().await {
                Signal::Hangup => tracing::info!("SIGHUP is ignored while the daemon stops"),
                stop => return stop,
            }
        }
    }
}
