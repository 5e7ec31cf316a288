use std::future::pending;

use tokio::sync::Notify;

use super::*;
use crate::flow::sync::bad_input::world::{How, World};
use crate::runtime::clock::ManualClock;
use crate::runtime::lifecycle::{Lifecycle, Signals};
use crate::runtime::systemd::Notifier;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// Three of which only the last one answers.
#[derive(Default)]
struct Servers {
    answered: Notify,
}

impl Looked for Servers {
    type Name = String;

    fn names(&self) -> Vec<String> {
        ["dead", "deaf", "well"].map(String::from).into()
    }

    fn last(&self, _: &String) -> (Option<DateTime<Utc>>, bool) {
        (None, false)
    }

    async fn look(&self, _: &Core, name: &String) -> Result<(), String> {
        if name != "well" {
            pending::<()>().await;
        }
        self.answered.notify_one();
        Ok(())
    }
}

#[tokio::test]
async fn a_server_that_never_answers_holds_up_no_other_and_no_stop() {
    let world = World::new(How::Whole).await;
    let clock = Clock::Manual(ManualClock::new(world.core.now()));
    let lifecycle = Lifecycle::new(clock.clone(), Signals::manual().1, Notifier::new(None, None), DEADLINE);
    let (tasks, servers) = (lifecycle.tasks(), Arc::new(Servers::default()));
    let heartbeat = tasks.heartbeat("looks", LOOP_WITHIN);
    let (core, schedules) = (Arc::clone(&world.core), Arc::default());
    let looking = tokio::spawn(looks(clock, tasks.clone(), heartbeat, core, Arc::clone(&servers), schedules));
    let answered = tokio::time::timeout(DEADLINE, servers.answered.notified()).await;
    assert!(answered.is_ok(), "the one that answers is looked at");
    tasks.soft().cancel();
    let ended = tokio::time::timeout(DEADLINE, looking).await;
    assert!(ended.expect("it ends when it is told to").unwrap().is_ok());
}
