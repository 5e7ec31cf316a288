//! The connections that wait for the next message. Only one that ended its last dialogue in step gets in; one that lies idle
//! too long is sent goodbye.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::session::Session;

pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Idle>>>,
    limit: Duration,
    sweeper: OnceLock<AbortOnDropHandle<()>>,
}

struct Idle {
    session: Session,
    /// How many sweeps it has lain through.
    sweeps: u32,
}

impl Pool {
    /// A pool whose connections may lie idle for about this long.
    pub(super) fn new(limit: Duration) -> Pool {
        Pool { idle: Arc::default(), limit, sweeper: OnceLock::new() }
    }

    /// The connection that was used last, if it is still as it was left; others are dropped.
    pub(super) fn take(&self) -> Option<Session> {
        loop {
            let Idle { session, .. } = lock(&self.idle).pop()?;
            if session.is_quiet() {
                return Some(session);
            }
        }
    }

    /// Keeps a connection for the next message.
    pub(super) fn put(&self, session: Session) {
        lock(&self.idle).push(Idle { session, sweeps: 0 });
        // Not before the first connection: the pool may be made where no runtime is.
        self.sweeper.get_or_init(|| {
            AbortOnDropHandle::new(tokio::spawn(sweep(Arc::clone(&self.idle), self.limit / 2)))
        });
    }

    /// Says goodbye to all that are idle now.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        let goodbyes: JoinSet<()> = idle.into_iter().map(|one| one.session.quit()).collect();
        goodbyes.join_all().await;
    }
}

/// Twice per limit, says goodbye to those that have lain through a whole one. Counting sweeps needs no clock.
async fn sweep(idle: Arc<Mutex<Vec<Idle>>>, pause: Duration) {
    loop {
        sleep(pause).await;
        let old: Vec<Idle> = {
            let mut idle = lock(&idle);
            idle.iter_mut().for_each(|one| one.sweeps += 1);
            idle.extract_if(.., |one| one.sweeps > 2).collect()
        };
        for one in old {
            one.session.quit().await;
        }
    }
}

fn lock(idle: &Mutex<Vec<Idle>>) -> MutexGuard<'_, Vec<Idle>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
