//! A later word comes while an earlier one waits in a batch.

use super::*;
use crate::domain::audit::Actor;
use crate::domain::ids::OutageId;
use crate::domain::outage::State;
use crate::flow::outage::{Order, carry_out};

#[tokio::test]
async fn what_was_claimed_before_a_later_word_is_not_sent_after_it_to_whoever_gets_that() {
    let world = World::with(outages_by(&["one"])).await;
    for _ in 0..3 {
        world.open(Severity::Major).await;
    }
    let (log, go) = (world.log("one"), world.folder.path().join("go"));
    let lines =
        format!("cat > /dev/null; echo x >> {}; while [ ! -e {} ]; do :; done", log.display(), go.display());
    let one = script("one", lines, Terms::default());
    let others = async {
        world.begun("one").await;
        let sending = world.core.store.queue_counts().await.unwrap().get(&MessageState::Sending).copied();
        assert_eq!(sending, Some(3), "they are claimed together");
        let resolve = async |id| {
            let order = Order::Update { text: "".into(), state: Some(State::Resolved) };
            carry_out(&world.core, Some(OutageId(id)), order, &Actor::System, None, false).await.unwrap();
        };
        resolve(2).await;
        // Of the third only others hear the end.
        world.core.reload(Settings { routing: outages_by(&["two"]), ..Settings::default() }).await;
        resolve(3).await;
        fs::write(&go, "").unwrap();
    };
    let (sent, ()) = tokio::join!(world.drain(&one), others);
    assert_eq!((sent.sent, world.ids("one").len()), (3, 3));
    assert_eq!(
        world.messages().await,
        [
            "one by one: outage 1 (investigating): Mail is down, sent",
            "one by one: outage 2 (investigating): Mail is down, cancelled",
            "one by one: outage 3 (investigating): Mail is down, sent",
            "one by one: outage 2 (resolved): Mail is down, sent",
            "two by two: outage 3 (resolved): Mail is down, queued",
        ]
    );
}
