//! How a SIGHUP reaches whoever reloads the configuration, and how the answer reaches systemd.

use tokio::sync::watch;

use crate::runtime::systemd::Notifier;

/// Hands out the reloads that were asked for. Several requests that come while one is being carried out
/// count as one.
#[derive(Debug)]
pub struct Reloads {
    pub(super) requests: watch::Receiver<u64>,
    pub(super) notifier: Notifier,
}

impl Reloads {
    /// Waits for the next request, and tells systemd that the reload begins. Never ends once the
    /// lifecycle is gone.
    pub async fn next(&mut self) -> Reload {
        if self.requests.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.notifier.reloading();
        Reload { notifier: self.notifier.clone(), outcome: None }
    }
}

/// A reload that is being carried out. When it is dropped, systemd hears that the daemon is ready again:
/// a refused configuration leaves the old one in force.
#[derive(Debug)]
pub struct Reload {
    notifier: Notifier,
    outcome: Option<String>,
}

impl Reload {
    /// Ends the reload; `outcome` is shown by `systemctl status`.
    pub fn done(mut self, outcome: impl Into<String>) {
        self.outcome = Some(outcome.into());
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.notifier
            .ready(self.outcome.as_deref().unwrap_or("the reload was broken off; nothing has changed"));
    }
}
