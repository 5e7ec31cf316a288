//! The clock by hand, and the step of the system clock.

use super::*;

/// How long a test waits for an event before it fails; never reached when all is well.
const DEADLINE: Duration = Duration::from_secs(20);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn manual() -> (ManualClock, Clock) {
    let manual = ManualClock::new(at("2026-03-01T12:00:00Z"));
    (manual.clone(), Clock::Manual(manual))
}

async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, event).await.expect("the event should have come")
}

#[test]
fn a_long_wait_looks_at_the_wall_clock_every_minute() {
    let now = at("2026-03-01T12:00:00Z");
    assert_eq!(next_step(now + TimeDelta::hours(9), now), Some(RECHECK));
    assert_eq!(next_step(now + TimeDelta::seconds(7), now), Some(Duration::from_secs(7)));
    assert_eq!(next_step(now, now), None);
    assert_eq!(next_step(now - TimeDelta::hours(1), now), None);
}

#[tokio::test]
async fn the_system_clock_does_not_wait_for_the_past() {
    let clock = Clock::System;
    soon(clock.sleep_until(clock.now() - TimeDelta::days(1))).await;
    soon(clock.sleep(Duration::ZERO)).await;
}

#[tokio::test]
async fn advancing_moves_both_times_and_wakes_only_those_who_are_due() {
    let (manual, clock) = manual();
    let started = clock.monotonic();
    let (near, far) = (clock.clone(), clock.clone());
    let near = tokio::spawn(async move { near.sleep(Duration::from_secs(60)).await });
    let far = tokio::spawn(async move { far.sleep_until(at("2026-03-01T13:00:00Z")).await });
    soon(manual.wait_for_sleepers(2)).await;

    manual.advance(Duration::from_secs(60));
    soon(near).await.unwrap();
    assert_eq!(clock.now(), at("2026-03-01T12:01:00Z"));
    assert_eq!(clock.monotonic() - started, Duration::from_secs(60));
    assert!(!far.is_finished());

    manual.advance(Duration::from_secs(59 * 60));
    soon(far).await.unwrap();
}

#[tokio::test]
async fn a_jump_of_the_wall_clock_wakes_wall_waits_and_leaves_durations_alone() {
    let (manual, clock) = manual();
    let (wall, length) = (clock.clone(), clock.clone());
    let wall = tokio::spawn(async move { wall.sleep_until(at("2026-03-01T22:00:00Z")).await });
    let length = tokio::spawn(async move { length.sleep(Duration::from_secs(60)).await });
    soon(manual.wait_for_sleepers(2)).await;

    manual.set_wall(at("2026-03-02T00:00:00Z"));
    soon(wall).await.unwrap();
    assert!(!length.is_finished());
    soon(manual.wait_for_sleepers(1)).await;
    manual.advance(Duration::from_secs(60));
    soon(length).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_when_sleeping_and_advancing_race() {
    let (manual, clock) = manual();
    let until = clock.now() + TimeDelta::seconds(500);
    let sleepers: Vec<_> = (0..500)
        .map(|_| {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep_until(until).await })
        })
        .collect();
    for _ in 0..500 {
        manual.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    for sleeper in sleepers {
        soon(sleeper).await.unwrap();
    }
}

#[tokio::test]
async fn a_cancelled_sleep_is_no_longer_counted() {
    let (manual, clock) = manual();
    let sleeper = tokio::spawn(async move { clock.sleep(Duration::from_secs(60)).await });
    soon(manual.wait_for_sleepers(1)).await;
    sleeper.abort();
    assert!(soon(sleeper).await.unwrap_err().is_cancelled());
    assert!(manual.shared.reading.borrow().sleeps.is_empty());
}
