//! How often it is tried again what the database couldn't do, and for how long.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::super::cluster::{Moment, moment};
use super::super::error::StoreError;
use super::super::jobs::trouble::{Fault, Trouble};
use super::connect::Connections;
use super::said;

/// So long it is tried again what the database was away for.
const SHORT: Duration = Duration::from_secs(15);
/// The same for what must not be forgotten: that a message was accepted.
const LONG: Duration = Duration::from_secs(120);
/// So long what somebody else was in the way of: one may wait for as long as a large commit takes.
const IN_THE_WAY: Duration = Duration::from_secs(60);

/// What is left of it.
pub(super) struct Patience {
    length: Duration,
    since: Moment,
    pauses: ExponentialBackoff,
}

impl Patience {
    /// For what people wait for.
    pub(super) fn short() -> Patience {
        Patience::new(SHORT)
    }

    /// For what must not be forgotten.
    pub(super) fn long() -> Patience {
        Patience::new(LONG)
    }

    fn new(length: Duration) -> Patience {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(Duration::from_secs(1))
            .with_factor(1.5)
            .with_jitter()
            .without_max_times()
            .build();
        Patience { length, since: moment(), pauses }
    }

    /// As much of it, from now on.
    pub(super) fn again(&self) -> Patience {
        Patience::new(self.length)
    }

    /// Whether it also waits for a database that is known to be away.
    pub(super) fn is_long(&self) -> bool {
        self.length >= LONG
    }

    /// Waits before the next try; when there is no use in one, or no more patience, it is an error.
    pub(super) async fn pause(&mut self, connections: &Connections, fault: Fault) -> Result<(), StoreError> {
        let limit = match &fault {
            Fault::Trouble(Trouble::Again(_)) => self.length.max(IN_THE_WAY),
            fault if said::is_away(fault) => self.length,
            // Somebody has to make room first; what was accepted is noted then.
            fault if self.is_long() && said::is_full(fault) => self.length,
            _ => Duration::ZERO,
        };
        match self.pauses.next() {
            Some(pause) if self.since.elapsed() < limit && !connections.is_closed() => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            _ => Err(fault.at_database(&connections.place())),
        }
    }
}
