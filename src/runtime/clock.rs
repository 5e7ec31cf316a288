//! The one place that reads the time.
//!
//! Everything else takes `now` as a parameter, or a [`Clock`] where it has to wait; clippy refuses the
//! reading functions elsewhere. Tests hold a [`ManualClock`] and move it: nothing in them sleeps.
//!
//! Two times exist side by side. The *wall* time ([`Clock::now`]) is what people and schedules mean; it
//! can jump when NTP corrects it or the machine was suspended. The *monotonic* time
//! ([`Clock::monotonic`]) only measures how long something took; it never goes back.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// The longest single step of a wait for a wall time. After a jump of the wall clock a sleeper is late
/// by at most this, whatever the length of its wait.
const RECHECK: Duration = Duration::from_secs(60);

/// Where the time comes from. Cloning is cheap and gives the same clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's own clock.
    System,
    /// A clock that stands still until it is moved, for tests and for playing a story through.
    Manual(ManualClock),
}

impl Clock {
    /// The wall time. It may be earlier than at the call before.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Manual(manual) => manual.now(),
        }
    }

    /// A point on the monotonic time line, for measuring durations. On Linux it stands still while the
    /// machine is suspended.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    pub fn monotonic(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            Self::Manual(manual) => manual.monotonic(),
        }
    }

    /// Waits for `duration` of monotonic time.
    pub async fn sleep(&self, duration: Duration) {
        match self {
            Self::System => tokio::time::sleep(duration).await,
            Self::Manual(manual) => manual.sleep(duration).await,
        }
    }

    /// Waits until the wall clock shows `until` or later; returns at once if it already does.
    ///
    /// When the wall clock is set forward past `until`, this returns within a minute. When it is set
    /// back, the wait grows accordingly.
    pub async fn sleep_until(&self, until: DateTime<Utc>) {
        match self {
            Self::System => {
                while let Some(step) = next_step(until, self.now()) {
                    tokio::time::sleep(step).await;
                }
            }
            Self::Manual(manual) => manual.sleep_until(until).await,
        }
    }
}

/// How long to sleep before looking at the wall clock again, or `None` when the time has come.
fn next_step(until: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    let left = (until - now).to_std().ok()?;
    (!left.is_zero()).then(|| left.min(RECHECK))
}

/// A clock that is moved by hand. Cloning gives another handle to the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    // A watch, and not a notification: a sleeper that comes after the move sees the moved time.
    reading: watch::Sender<Reading>,
}

#[derive(Debug)]
struct Reading {
    wall: DateTime<Utc>,
    elapsed: Duration,
    sleeps: BTreeMap<u64, Wake>,
    next_sleep: u64,
}

/// What a sleep waits for.
#[derive(Clone, Copy, Debug)]
enum Wake {
    Elapsed(Duration),
    Wall(DateTime<Utc>),
}

impl Reading {
    fn is_due(&self, wake: Wake) -> bool {
        match wake {
            Wake::Elapsed(at) => self.elapsed >= at,
            Wake::Wall(at) => self.wall >= at,
        }
    }
}

impl ManualClock {
    /// A clock that shows `start` until it is moved.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "an origin for instants; its value is never looked at")]
    pub fn new(start: DateTime<Utc>) -> Self {
        let reading =
            Reading { wall: start, elapsed: Duration::ZERO, sleeps: BTreeMap::new(), next_sleep: 0 };
        Self { shared: Arc::new(Shared { origin: Instant::now(), reading: watch::Sender::new(reading) }) }
    }

    /// Lets `duration` pass on both the wall and the monotonic time, and wakes whoever is due.
    pub fn advance(&self, duration: Duration) {
        self.shared.reading.send_modify(|reading| {
            reading.elapsed = reading.elapsed.saturating_add(duration);
            let moved = TimeDelta::from_std(duration).ok().and_then(|d| reading.wall.checked_add_signed(d));
            reading.wall = moved.unwrap_or(DateTime::<Utc>::MAX_UTC);
        });
    }

    /// Sets the wall time alone, forward or back, as NTP or an administrator does.
    pub fn set_wall(&self, wall: DateTime<Utc>) {
        self.shared.reading.send_modify(|reading| reading.wall = wall);
    }

    /// Waits until at least `count` sleeps are waiting for a time that has not come yet.
    ///
    /// A test calls this before it moves the clock, so that what it tests has had its turn.
    pub async fn wait_for_sleepers(&self, count: usize) {
        let asleep =
            |reading: &Reading| reading.sleeps.values().filter(|wake| !reading.is_due(**wake)).count();
        // The sender lives in `self`, so the channel can't be closed.
        let _ = self.shared.reading.subscribe().wait_for(|reading| asleep(reading) >= count).await;
    }

    fn now(&self) -> DateTime<Utc> {
        self.shared.reading.borrow().wall
    }

    fn monotonic(&self) -> Instant {
        let elapsed = self.shared.reading.borrow().elapsed;
        self.shared.origin.checked_add(elapsed).unwrap_or(self.shared.origin)
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.shared.reading.borrow().elapsed.saturating_add(duration);
        self.wait_for(Wake::Elapsed(until)).await;
    }

    async fn sleep_until(&self, until: DateTime<Utc>) {
        self.wait_for(Wake::Wall(until)).await;
    }

    async fn wait_for(&self, wake: Wake) {
        let _entry = SleepEntry::new(self.shared.clone(), wake);
        // The sender lives in `self`, so the channel can't be closed.
        let _ = self.shared.reading.subscribe().wait_for(|reading| reading.is_due(wake)).await;
    }
}

/// Lists a sleep for as long as it is waited for, also when its task is cancelled.
struct SleepEntry {
    shared: Arc<Shared>,
    id: u64,
}

impl SleepEntry {
    fn new(shared: Arc<Shared>, wake: Wake) -> Self {
        let mut id = 0;
        shared.reading.send_modify(|reading| {
            id = reading.next_sleep;
            reading.next_sleep = id.wrapping_add(1);
            reading.sleeps.insert(id, wake);
        });
        Self { shared, id }
    }
}

impl Drop for SleepEntry {
    fn drop(&mut self) {
        self.shared.reading.send_modify(|reading| {
            reading.sleeps.remove(&self.id);
        });
    }
}
