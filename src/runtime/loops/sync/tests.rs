use std::net::TcpListener;

use super::*;
use crate::domain::run::Run;
use crate::domain::schedule::Schedule;
use crate::flow::sync::bad_input::world::{How, World, main_directory};
use crate::runtime::clock::ManualClock;
use crate::runtime::lifecycle::{Lifecycle, Signals};
use crate::runtime::systemd::Notifier;
use crate::source::Source;
use crate::source::ldap::Ldap;
use crate::source::ldap::tests::responder::BASE;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(20);
const MINUTE: Duration = Duration::from_secs(60);

fn slow() -> DirectoryName {
    "slow".into()
}

/// A directory that answers at once, and one whose server never says a word. Both are due every minute.
struct Stage {
    world: World,
    parts: Syncing,
    manual: ManualClock,
    /// Takes connections until it is dropped.
    silent: Option<TcpListener>,
}

impl Stage {
    async fn new() -> Stage {
        let world = World::new(How::Whole).await;
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ldap://{}", silent.local_addr().unwrap());
        let servers = vec![url.parse::<crate::source::ldap::Server>().unwrap().in_plain_text()];
        let mut ldap = Ldap::new(servers, "CN=reader", "secret".into(), vec![BASE.to_owned()]);
        ldap.operation_timeout = DEADLINE * 3;
        let mut settings = (*world.core.settings()).clone();
        let same = settings.directories[&main_directory()].clone();
        settings.directories.insert(slow(), same);
        world.core.reload(settings).await;
        let sources = [(main_directory(), Arc::clone(&world.source)), (slow(), Arc::new(Source::Ldap(ldap)))];
        let manual = ManualClock::new(world.core.now());
        let clock = Clock::Manual(manual.clone());
        let lifecycle = Lifecycle::new(clock.clone(), Signals::manual().1, Notifier::new(None, None), MINUTE);
        let every_minute = Schedule::parse("* * * * *", chrono_tz::UTC).unwrap();
        let schedules = [main_directory(), slow()].map(|name| (name, every_minute.clone()));
        let parts = Syncing {
            clock,
            tasks: lifecycle.tasks(),
            core: Arc::clone(&world.core),
            directories: Arc::new(Directories::new(sources.into())),
            schedules: Arc::new(Schedules::new(schedules.into())),
            hints: Arc::default(),
        };
        Stage { world, parts, manual, silent: Some(silent) }
    }

    fn begin(&self) -> tokio::task::JoinHandle<Result<(), StoreError>> {
        let heartbeat = self.parts.tasks.heartbeat("sync", LOOP_WITHIN);
        tokio::spawn(sync(self.parts.clone(), heartbeat, false))
    }

    fn last_run(&self, name: &DirectoryName) -> Option<Run> {
        self.world.core.view().directory_state(name).last_run
    }

    fn reads_the_slow_one(&self) -> bool {
        self.parts.directories.is_running(&slow())
    }

    async fn advance(&self, time: Duration) {
        self.manual.wait_for_sleepers(1).await;
        self.manual.advance(time);
    }

    /// A minute later, in which the other one is synced.
    async fn a_minute_later(&self) {
        let last = || self.last_run(&main_directory()).unwrap();
        let before = last().id;
        self.advance(MINUTE).await;
        self.until("the other one is synced by its schedule", || last().id > before).await;
        assert_eq!(last().trigger, Trigger::Schedule);
    }

    /// Waits until that is so.
    async fn until(&self, what: &str, is: impl Fn() -> bool) {
        let reached = async {
            while !is() {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(DEADLINE, reached).await.is_ok(), "{what}");
    }
}

#[tokio::test]
async fn a_server_that_takes_its_time_holds_up_no_other_directory() {
    let stage = Stage::new().await;
    let looping = stage.begin();
    stage.until("it was never read: it is overdue", || stage.reads_the_slow_one()).await;
    for _ in 0..3 {
        stage.a_minute_later().await;
        assert!(stage.reads_the_slow_one() && stage.last_run(&slow()).is_none());
    }
    // The loop moves. A run that takes longer than it may hangs, and the watchdog isn't fed.
    stage.advance(LOOP_WITHIN + stage.world.source.run_timeout() + MINUTE).await;
    let stale = || stage.parts.tasks.stale_heartbeats();
    stage.until("only the run has stopped moving", || stale() == ["sync of slow"]).await;

    stage.parts.tasks.soft().cancel();
    let ended = tokio::time::timeout(DEADLINE, looping).await;
    assert!(ended.expect("it ends when it is told to").unwrap().is_ok());
    assert!(!stage.reads_the_slow_one() && stage.last_run(&slow()).is_none(), "the read was broken off");
    assert!(stale().is_empty());
}

#[tokio::test]
async fn what_falls_due_during_a_run_follows_it() {
    let mut stage = Stage::new().await;
    let looping = stage.begin();
    stage.until("it is overdue", || stage.reads_the_slow_one()).await;
    stage.a_minute_later().await;
    stage.silent = None;
    let last = || stage.last_run(&slow()).map(|run| run.trigger);
    stage.until("the next one follows at once", || last() == Some(Trigger::Schedule)).await;
    stage.parts.tasks.soft().cancel();
    assert!(looping.await.unwrap().is_ok());
}

#[tokio::test]
async fn directories_come_and_go_with_a_reload() {
    let mut stage = Stage::new().await;
    stage.silent = None;
    let directories = Arc::clone(&stage.parts.directories);
    let all = [main_directory(), slow()].map(|name| (name.clone(), directories.source(&name).unwrap()));
    let [main, slow_one] = all;
    let looping = stage.begin();
    stage.until("it is overdue", || stage.last_run(&slow()).is_some()).await;
    directories.replace([main.clone()].into());
    stage.a_minute_later().await;
    let before = stage.last_run(&slow()).unwrap().id;
    stage.a_minute_later().await;
    assert_eq!(stage.last_run(&slow()).unwrap().id, before, "it isn't read any more");
    directories.replace([main, slow_one].into());
    stage.a_minute_later().await;
    stage.a_minute_later().await;
    stage.until("it is read again", || stage.last_run(&slow()).unwrap().id > before).await;
    stage.parts.tasks.soft().cancel();
    assert!(looping.await.unwrap().is_ok());
}
