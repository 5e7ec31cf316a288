use super::*;
use crate::flow::sync::bad_input::world::{How, World, main_directory};
use crate::runtime::clock::ManualClock;
use crate::source::ldap::tests::responder::{Asked, Reply, SEARCH, What, done};

fn name() -> DirectoryName {
    "main".into()
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

#[test]
fn a_directory_that_is_not_listened_to_any_more_forgets_its_hints() {
    let pauses = || BTreeMap::from([(name(), TimeDelta::seconds(30))]);
    let book = HintBook::new(pauses());
    book.note(&name(), at(0));
    assert!(book.is_wanted(&name()) && book.hints().contains_key(&name()));
    book.replace(BTreeMap::new());
    assert!(!book.is_wanted(&name()) && book.hints().is_empty());
    book.replace(pauses());
    assert_eq!(book.hints().get(&name()).and_then(|hints| hints.due(TimeDelta::zero())), None);
}

#[tokio::test]
async fn the_first_that_waits_wakes_and_the_others_do_not() {
    let book = HintBook::new(BTreeMap::new());
    for second in 0..3 {
        book.note(&name(), at(second));
    }
    book.woken.notified().await;
    let more = tokio::time::timeout(Duration::from_millis(10), book.woken.notified()).await;
    assert!(more.is_err(), "a flood of hints is no flood of work");
    book.begun(&name());
    book.note(&name(), at(9));
    book.woken.notified().await;
}

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until that is told of the directory.
async fn until(world: &World, book: &HintBook, is: impl Fn(&Telling) -> bool) -> Telling {
    let reached = async {
        loop {
            let telling = book.telling(&world.core, &name());
            if is(&telling) {
                return telling;
            }
            tokio::task::yield_now().await;
        }
    };
    let told = tokio::time::timeout(DEADLINE, reached).await;
    told.unwrap_or_else(|_| panic!("only {:?}", book.telling(&world.core, &name())))
}

/// A server that does this when it is asked to tell of changes.
fn asked_to_tell(world: &World, reply: impl Fn(u32) -> Reply + Send + Sync + 'static) {
    world.misbehave(Some(Arc::new(move |asked: &Asked, _| match asked.what {
        What::Search { notification: true, .. } => Some(reply(asked.id)),
        _ => None,
    })));
}

#[tokio::test]
async fn whether_changes_are_told_is_known() {
    let world = World::new(How::Changes).await;
    let manual = ManualClock::new(at(0));
    let book = Arc::new(HintBook::default());
    assert_eq!(book.telling(&world.core, &name()), Telling::Off);
    let pauses = || BTreeMap::from([(name(), TimeDelta::seconds(30))]);
    book.replace(pauses());
    assert_eq!(book.telling(&world.core, &name()), Telling::Connecting);

    let directories =
        Arc::new(Directories::new(BTreeMap::from([(main_directory(), Arc::clone(&world.source))])));
    let listener = || Listener {
        clock: Clock::Manual(manual.clone()),
        core: Arc::clone(&world.core),
        directories: Arc::clone(&directories),
        book: Arc::clone(&book),
        name: name(),
    };
    asked_to_tell(&world, |id| Reply::Send(done(id, SEARCH, 51, "", "too busy")));
    let listening = tokio::spawn(listener().listen());
    let Telling::Retrying { why, next } =
        until(&world, &book, |now| matches!(now, Telling::Retrying { .. })).await
    else {
        panic!()
    };
    assert!(why.contains("too busy") && next > at(3) && next < at(7), "{why} {next}");

    asked_to_tell(&world, |_| Reply::Silence);
    manual.wait_for_sleepers(1).await;
    manual.advance(Duration::from_secs(10));
    let on = until(&world, &book, |now| matches!(now, Telling::On { .. })).await;
    assert!(matches!(on, Telling::On { since, .. } if since == at(10)), "{on:?}");

    // It is asked anew now and then: nobody has missed anything.
    manual.wait_for_sleepers(1).await;
    manual.advance(RENEW);
    manual.wait_for_sleepers(1).await;
    assert_eq!(book.telling(&world.core, &name()), on);

    // After a failed run nobody listens.
    world.misbehave(Some(Arc::new(|asked: &Asked, _| match asked.what {
        What::Search { .. } => Some(Reply::Send(done(asked.id, SEARCH, 80, "", ""))),
        _ => None,
    })));
    world.sync().await;
    assert_eq!(book.telling(&world.core, &name()), Telling::Waiting { why: Unwatched::Failed });
    world.misbehave(None);
    world.sync().await;
    listening.abort();
    assert!(listening.await.unwrap_err().is_cancelled());
    assert_eq!(book.telling(&world.core, &name()), Telling::Connecting, "what has ended tells nothing");

    asked_to_tell(&world, |id| Reply::Send(done(id, SEARCH, 53, "", "never")));
    let listening = tokio::spawn(listener().listen());
    let refused = until(&world, &book, |now| matches!(now, Telling::NotOffered { .. })).await;
    assert!(matches!(&refused, Telling::NotOffered { why } if why.contains("never")), "{refused:?}");
    listening.abort();
    let json = serde_json::to_value(&on).unwrap();
    assert_eq!((&json["state"], &json["since"]), (&"on".into(), &"1970-01-01T00:00:10Z".into()));
}
