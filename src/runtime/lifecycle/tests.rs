//! The lifecycle with signals by hand, a clock by hand and a real notification socket.

use std::io;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::runtime::clock::ManualClock;
use crate::runtime::systemd::tests::Manager;

/// How long a test waits for an event before it fails; never reached when all is well.
const DEADLINE: Duration = Duration::from_secs(20);
const DRAIN: Duration = Duration::from_secs(45);

async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, event).await.expect("the event should have come")
}

async fn exit_of(running: JoinHandle<Exit>) -> Exit {
    soon(running).await.unwrap()
}

struct Stage {
    lifecycle: Lifecycle,
    tasks: Tasks,
    signals: mpsc::UnboundedSender<Signal>,
    manual: ManualClock,
    manager: Manager,
}

/// A lifecycle in which every outside part is in the test's hands; its watchdog waits for a minute.
fn stage() -> Stage {
    let manual = ManualClock::new("2026-03-01T12:00:00Z".parse().unwrap());
    let (manager, notifier) = Manager::start(Some(Duration::from_secs(60)));
    let (sender, signals) = Signals::manual();
    let lifecycle = Lifecycle::new(Clock::Manual(manual.clone()), signals, notifier, DRAIN);
    Stage { tasks: lifecycle.tasks(), lifecycle, signals: sender, manual, manager }
}

/// A task that ends when it is asked to.
async fn polite(tasks: Tasks) -> Result<(), io::Error> {
    tasks.soft().cancelled().await;
    Ok(())
}

/// A task that never ends by itself.
async fn stubborn() -> Result<(), io::Error> {
    std::future::pending().await
}

#[tokio::test]
async fn a_signal_stops_the_tasks_and_leaves_a_clean_exit() {
    for signal in [Signal::Terminate, Signal::Interrupt] {
        let stage = stage();
        stage.lifecycle.spawn("sync", polite(stage.tasks.clone()));
        stage.lifecycle.spawn("deliver", polite(stage.tasks.clone()));
        let running = tokio::spawn(stage.lifecycle.run());
        assert_eq!(stage.manager.next().await, ["WATCHDOG=1"]);
        stage.signals.send(signal).unwrap();
        let exit = exit_of(running).await;
        assert_eq!(exit, Exit { cause: Cause::Signal(signal), failures: vec![], unfinished: vec![] });
        assert!(exit.is_clean());
        let status = format!("STATUS=stopping: {signal} was received");
        assert_eq!(stage.manager.next().await, ["STOPPING=1", &status]);
    }
}

#[tokio::test]
async fn a_stop_can_be_asked_for_from_within() {
    let stage = stage();
    stage.tasks.spawn("sync", polite(stage.tasks.clone()));
    let running = tokio::spawn(stage.lifecycle.run());
    stage.tasks.soft().cancel();
    let exit = exit_of(running).await;
    assert!(exit.is_clean());
    assert_eq!(exit.to_string(), "stopped: the program asked for it");
}

#[derive(Debug, thiserror::Error)]
#[error("the store can't be written")]
struct StoreError(#[source] io::Error);

#[tokio::test]
async fn a_task_that_fails_panics_or_returns_stops_the_process_and_is_named() {
    type Task = std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;
    let failed: Task = Box::pin(async { Err(StoreError(io::Error::other("disk full"))) });
    let panicked: Task = Box::pin(async { panic!("index {} of nothing", 3) });
    let returned: Task = Box::pin(async { Ok(()) });
    for (task, sentence) in [
        (failed, "stopped: the task `deliver` failed: the store can't be written: disk full"),
        (
            panicked,
            "stopped: the task `deliver` panicked: index 3 of nothing; this is a defect, please report it",
        ),
        (
            returned,
            "stopped: the task `deliver` ended although nothing had asked it to; this is a defect, please report it",
        ),
    ] {
        let stage = stage();
        stage.lifecycle.spawn("sync", polite(stage.tasks.clone()));
        stage.lifecycle.spawn("deliver", task);
        let exit = exit_of(tokio::spawn(stage.lifecycle.run())).await;
        assert!(!exit.is_clean());
        assert_eq!(exit.unfinished, Vec::<String>::new());
        assert_eq!(exit.to_string(), sentence);
    }
}

#[tokio::test]
async fn an_error_during_the_stop_is_reported_beside_its_cause() {
    let stage = stage();
    let soft = stage.tasks.soft().clone();
    stage.lifecycle.spawn("deliver", async move {
        soft.cancelled().await;
        Err("the last commit failed")
    });
    stage.signals.send(Signal::Terminate).unwrap();
    let exit = exit_of(tokio::spawn(stage.lifecycle.run())).await;
    assert!(!exit.is_clean());
    assert_eq!(
        exit.to_string(),
        "stopped: SIGTERM was received; the task `deliver` failed: the last commit failed"
    );
}

#[tokio::test]
async fn a_task_that_does_not_end_in_time_is_dropped_and_named() {
    let stage = stage();
    stage.lifecycle.spawn("sync", polite(stage.tasks.clone()));
    stage.lifecycle.spawn("deliver", stubborn());
    let running = tokio::spawn(stage.lifecycle.run());
    stage.signals.send(Signal::Terminate).unwrap();
    assert_eq!(stage.manager.next().await, ["STOPPING=1", "STATUS=stopping: SIGTERM was received"]);
    assert_eq!(stage.manager.next().await, ["WATCHDOG=1"]);
    soon(stage.manual.wait_for_sleepers(2)).await; // the drain and the watchdog
    stage.manual.advance(Duration::from_secs(30));
    assert_eq!(stage.manager.next().await, ["WATCHDOG=1"]); // so it has seen the new time
    assert!(!running.is_finished());
    stage.manual.advance(Duration::from_secs(15));
    let exit = exit_of(running).await;
    assert_eq!(exit.unfinished, ["deliver"]);
    assert!(!exit.is_clean());
    assert_eq!(exit.to_string(), "stopped: SIGTERM was received; not finished in time: deliver");
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_the_deadline() {
    let stage = stage();
    stage.lifecycle.spawn("deliver", stubborn());
    let running = tokio::spawn(stage.lifecycle.run());
    stage.signals.send(Signal::Terminate).unwrap();
    soon(stage.manual.wait_for_sleepers(2)).await;
    stage.signals.send(Signal::Hangup).unwrap();
    stage.signals.send(Signal::Interrupt).unwrap();
    assert_eq!(exit_of(running).await.unfinished, ["deliver"]);
}

#[tokio::test]
async fn blocking_work_that_ignores_the_stop_can_not_hold_up_the_exit() {
    let stage = stage();
    let (release, held) = std::sync::mpsc::channel::<()>();
    stage.lifecycle.spawn("store", async move {
        let held = std::sync::Mutex::new(held);
        // The blocking part of a task can't be dropped: its future is never given back to the runtime.
        tokio::task::spawn_blocking(move || held.lock().unwrap().recv())
            .await
            .unwrap()
            .map_err(|e| e.to_string())
    });
    let hard = stage.tasks.hard().clone();
    stage.signals.send(Signal::Terminate).unwrap();
    stage.signals.send(Signal::Terminate).unwrap();
    let exit = exit_of(tokio::spawn(stage.lifecycle.run())).await;
    assert!(hard.is_cancelled());
    assert_eq!(exit.unfinished, ["store"]);
    drop(release);
}

#[tokio::test]
async fn a_reload_is_announced_carried_out_and_ended() {
    let mut stage = stage();
    let (manager, notifier) = Manager::start(None);
    stage.lifecycle.notifier = notifier;
    let mut reloads = stage.lifecycle.reloads();
    let running = tokio::spawn(stage.lifecycle.run());

    stage.signals.send(Signal::Hangup).unwrap();
    let reload = soon(reloads.next()).await;
    assert_eq!(manager.next().await[0], "RELOADING=1");
    assert!(manager.is_silent());
    reload.done("2 schedules changed");
    assert_eq!(manager.next().await, ["READY=1", "STATUS=2 schedules changed"]);

    stage.signals.send(Signal::Hangup).unwrap();
    drop(soon(reloads.next()).await);
    assert_eq!(manager.next().await[0], "RELOADING=1");
    assert_eq!(manager.next().await[0], "READY=1");

    drop(reloads);
    stage.signals.send(Signal::Hangup).unwrap(); // nobody reloads any more; it does no harm
    stage.signals.send(Signal::Terminate).unwrap();
    assert!(exit_of(running).await.is_clean());
}

#[tokio::test]
async fn the_watchdog_is_fed_only_while_every_loop_moves() {
    let stage = stage();
    let (beat, mut beats) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    let heartbeat = stage.tasks.heartbeat("deliver", Duration::from_secs(45));
    stage.lifecycle.spawn::<_, io::Error>("deliver", async move {
        while let Some(done) = beats.recv().await {
            heartbeat.beat();
            done.send(()).unwrap();
        }
        Ok(())
    });
    let tasks = stage.tasks.clone();
    let running = tokio::spawn(stage.lifecycle.run());
    let half = Duration::from_secs(30);

    assert_eq!(stage.manager.next().await, ["WATCHDOG=1"]);
    soon(stage.manual.wait_for_sleepers(1)).await;
    stage.manual.advance(half);
    assert_eq!(stage.manager.next().await, ["WATCHDOG=1"]);
    soon(stage.manual.wait_for_sleepers(1)).await;
    stage.manual.advance(half); // 60 s without a beat
    soon(stage.manual.wait_for_sleepers(1)).await;
    assert!(stage.manager.is_silent());
    assert_eq!(tasks.stale_heartbeats(), ["deliver"]);

    let (done, beaten) = oneshot::channel();
    beat.send(done).unwrap();
    soon(beaten).await.unwrap();
    stage.manual.advance(half);
    assert_eq!(stage.manager.next().await, ["WATCHDOG=1"]);

    tasks.soft().cancel();
    drop(beat);
    assert!(exit_of(running).await.is_clean());
}

/// The only test in this process that sends itself real signals: they reach every listener in it.
#[tokio::test]
async fn the_signals_of_the_operating_system_arrive() {
    let mut signals = Signals::listen().unwrap();
    for (name, expected) in [
        ("HUP", Signal::Hangup),
        ("INT", Signal::Interrupt),
        ("TERM", Signal::Terminate),
        ("HUP", Signal::Hangup),
    ] {
        let kill = format!("kill -{name} {}", std::process::id());
        let sent = std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
        assert_eq!(soon(signals.next()).await, expected);
    }
}
