//! Proof that each loop still moves, for the watchdog.
//!
//! A loop says either "I did something" ([`Heartbeat::beat`]) or "I have nothing to do until then"
//! ([`Heartbeat::idle_until`]). It is stale once it has said nothing for longer than it promised.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::runtime::clock::Clock;

/// The heartbeats of all loops.
#[derive(Clone, Debug)]
pub(super) struct Heartbeats {
    clock: Clock,
    entries: Arc<Mutex<BTreeMap<u64, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    /// The loop is fresh as long as either of these has not passed. Both are needed: the wall clock can
    /// jump forward while a loop rightly sleeps, and a wait for a wall time that is set back grows longer
    /// than was thought when it began.
    until: Instant,
    until_wall: Option<DateTime<Utc>>,
}

impl Heartbeats {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, entries: Arc::default() }
    }

    /// A heartbeat that is fresh for `within` to begin with.
    pub(super) fn add(&self, name: String, within: Duration) -> Heartbeat {
        let until = after(self.clock.monotonic(), within);
        let id = self.with_entries(|entries| {
            let id = entries.last_key_value().map_or(0, |(last, _)| last.wrapping_add(1));
            entries.insert(id, Entry { name, until, until_wall: None });
            id
        });
        Heartbeat { all: self.clone(), id, within }
    }

    /// The names of the loops that have been silent for longer than they promised.
    pub(super) fn stale(&self) -> Vec<String> {
        let (now, wall) = (self.clock.monotonic(), self.clock.now());
        let is_stale = |entry: &Entry| now > entry.until && entry.until_wall.is_none_or(|until| wall > until);
        self.with_entries(|entries| {
            entries.values().filter(|entry| is_stale(entry)).map(|entry| entry.name.clone()).collect()
        })
    }

    fn with_entries<T>(&self, work: impl FnOnce(&mut BTreeMap<u64, Entry>) -> T) -> T {
        // No panic can happen while the lock is held, so a poisoned lock still guards whole entries.
        work(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The sign of life of one loop. Dropping it takes the loop off the list: that its task has ended is for
/// the lifecycle to judge.
#[derive(Debug)]
pub struct Heartbeat {
    all: Heartbeats,
    id: u64,
    within: Duration,
}

impl Heartbeat {
    /// The loop has just moved, and will again within its time.
    pub fn beat(&self) {
        self.set(after(self.all.clock.monotonic(), self.within), None);
    }

    /// The loop sleeps until the wall clock shows `until`, and will beat within its time after that.
    pub fn idle_until(&self, until: DateTime<Utc>) {
        let sleep = (until - self.all.clock.now()).to_std().unwrap_or_default();
        let within = TimeDelta::from_std(self.within).unwrap_or(TimeDelta::MAX);
        let until_wall = until.checked_add_signed(within).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let awake = sleep.saturating_add(self.within);
        self.set(after(self.all.clock.monotonic(), awake), Some(until_wall));
    }

    fn set(&self, until: Instant, until_wall: Option<DateTime<Utc>>) {
        self.all.with_entries(|entries| {
            if let Some(entry) = entries.get_mut(&self.id) {
                entry.until = until;
                entry.until_wall = until_wall;
            }
        });
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.all.with_entries(|entries| entries.remove(&self.id));
    }
}

/// A duration too long for an `Instant` counts as a century.
fn after(start: Instant, duration: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    start.checked_add(duration.min(CENTURY)).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::clock::ManualClock;

    const MINUTE: Duration = Duration::from_secs(60);

    fn heartbeats() -> (ManualClock, Heartbeats) {
        let manual = ManualClock::new("2026-03-01T12:00:00Z".parse().unwrap());
        (manual.clone(), Heartbeats::new(Clock::Manual(manual)))
    }

    #[test]
    fn a_loop_is_stale_after_its_time_and_fresh_after_a_beat() {
        let (clock, all) = heartbeats();
        let deliver = all.add("deliver".into(), MINUTE);
        let _sync = all.add("sync".into(), 3 * MINUTE);
        clock.advance(MINUTE);
        assert!(all.stale().is_empty());
        clock.advance(Duration::from_millis(1));
        assert_eq!(all.stale(), ["deliver"]);
        deliver.beat();
        assert!(all.stale().is_empty());
        clock.advance(2 * MINUTE);
        assert_eq!(all.stale(), ["deliver", "sync"]);
        drop(deliver);
        assert_eq!(all.stale(), ["sync"]);
    }

    #[test]
    fn an_idle_loop_is_fresh_until_its_time_and_a_little_longer() {
        let (clock, all) = heartbeats();
        let sync = all.add("sync".into(), MINUTE);
        sync.idle_until(all.clock.now() + TimeDelta::hours(6));
        clock.advance(6 * 60 * MINUTE + MINUTE);
        assert!(all.stale().is_empty());
        clock.advance(Duration::from_secs(1));
        assert_eq!(all.stale(), ["sync"]);
    }

    #[test]
    fn being_idle_until_the_past_gives_one_time_more() {
        let (clock, all) = heartbeats();
        let sync = all.add("sync".into(), MINUTE);
        sync.idle_until(all.clock.now() - TimeDelta::hours(6));
        assert!(all.stale().is_empty());
        clock.advance(MINUTE + Duration::from_secs(1));
        assert_eq!(all.stale(), ["sync"]);
    }

    #[test]
    fn a_jump_of_the_wall_clock_makes_no_sleeping_loop_stale() {
        let (clock, all) = heartbeats();
        let sync = all.add("sync".into(), MINUTE);
        let noon = all.clock.now();
        sync.idle_until(noon + TimeDelta::hours(1));
        clock.set_wall(noon + TimeDelta::days(30));
        assert!(all.stale().is_empty());
        clock.set_wall(noon - TimeDelta::hours(5));
        clock.advance(3 * 60 * MINUTE);
        assert!(all.stale().is_empty());
        clock.advance(4 * 60 * MINUTE);
        assert_eq!(all.stale(), ["sync"]);
    }
}
