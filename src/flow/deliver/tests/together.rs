//! What waits for the same recipient leaves as one mail.

use super::faults::{OFFERS, details, ids};
use super::*;
use crate::domain::outage::policy::Policy;
use crate::domain::quiet::Quiet;

/// Where the first word on an outage waits for more, and what waits is gathered.
async fn world() -> World {
    let world = World::with(Routing::default()).await;
    let outages = Policy { first_waits: TimeDelta::minutes(2), ..Policy::default() };
    let quiet = Quiet { together: true, ..Quiet::default() };
    world.core.reload(Settings { outages: outages.into(), quiet, ..Settings::default() }).await;
    world
}

async fn outage(world: &World, title: &str, severity: Severity) {
    open_outage(&world.core, title, &[], severity).await;
}

fn subjects(folder: &Path) -> Vec<String> {
    let files =
        fs::read_dir(folder.join("mails")).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    let parser = mail_parser::MessageParser::default();
    let mut all: Vec<String> =
        files.map(|mail| parser.parse(&mail).unwrap().subject().unwrap().to_owned()).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_burst_of_outages_is_one_mail_and_what_is_critical_one_of_its_own() {
    let world = world().await;
    let mail = world.mail(Terms { per_minute: Some(2), ..Terms::default() });
    for title in ["Mail is down", "Files are slow", "Printers stand still"] {
        outage(&world, title, Severity::Major).await;
        world.pass(TimeDelta::seconds(10));
    }
    outage(&world, "No network", Severity::Critical).await;
    assert_eq!(world.drain(&mail).await.sent, 1);
    world.pass(TimeDelta::minutes(2));
    // One mail, of which three messages know; and so it counts once.
    assert_eq!(world.drain(&mail).await, Sent { sent: 3, deferred: 0, failed: 0 });
    assert_eq!(
        subjects(world.folder.path()),
        ["3 messages: Mail is down; Files are slow; Printers stand still", "Outage 4: No network"]
    );
    let told = details(&world).await;
    let answers: Vec<_> = told[..3].iter().map(|one| one.message.answer.clone().unwrap()).collect();
    assert!(
        answers[0].contains("mails") && answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert!(told.iter().all(|one| (one.message.state, one.attempts.len()) == (MessageState::Sent, 1)));
}

#[tokio::test]
async fn what_was_perhaps_sent_together_comes_again_with_the_same_id_and_without_what_is_over_with_another() {
    let world = world().await;
    let cut = || Script::new(OFFERS).at(".", 1, Act::SayAndCut(Vec::new()));
    let fake = Fake::start(vec![cut(), cut(), Script::new(OFFERS)]).await;
    let mail = failing::mail_to(&fake);
    for title in ["Mail is down", "Files are slow", "Printers stand still"] {
        outage(&world, title, Severity::Major).await;
    }
    for tried in 1..=2 {
        world.pass(TimeDelta::hours(1));
        assert_eq!(world.drain(&mail).await, Sent { sent: 0, deferred: 3, failed: 0 });
        assert_eq!(world.tries().await, [(tried, tried as usize); 3]);
    }
    let update = crate::flow::outage::Order::Update {
        text: "All is well.".into(),
        state: Some(crate::domain::outage::State::Resolved),
    };
    let (id, by) = (crate::domain::ids::OutageId(2), crate::domain::audit::Actor::System);
    crate::flow::outage::carry_out(&world.core, Some(id), update, &by, None, false).await.unwrap();
    world.pass(TimeDelta::hours(1));
    // The last word on the second is a mail of its own.
    assert_eq!(world.drain(&mail).await.sent, 3);
    let ids = ids(&fake);
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert_eq!(ids[0], ids[1]);
    let different: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 3, "{ids:?}");
}

#[tokio::test]
async fn what_is_refused_together_is_tried_by_itself() {
    let world = world().await;
    let too_big = || Act::Say(b"552 5.3.4 Message too big\r\n".to_vec());
    let fake = Fake::start(vec![Script::new(OFFERS).at(".", 1, too_big()).at(".", 3, too_big())]).await;
    let mail = failing::mail_to(&fake);
    for title in ["Mail is down", "Files are slow", "Printers stand still"] {
        outage(&world, title, Severity::Major).await;
    }
    world.pass(TimeDelta::minutes(3));
    assert_eq!(world.drain(&mail).await, Sent { sent: 0, deferred: 3, failed: 0 });
    assert_eq!(world.drain(&mail).await, Sent { sent: 2, deferred: 0, failed: 1 });
    let all = details(&world).await;
    let states: Vec<_> = all.iter().map(|one| one.message.state).collect();
    assert_eq!(states, [MessageState::Sent, MessageState::Failed, MessageState::Sent]);
    for one in all {
        let first = &one.attempts[0].answer;
        assert!(first.starts_with("552 5.3.4 Message too big; each of the 3 messages"), "{first}");
        assert_eq!((one.attempts.len(), one.with.len()), (2, 0));
    }
    assert_eq!(ids(&fake).len(), 4);
}

#[tokio::test]
async fn whoever_is_refused_is_not_asked_for_once_for_each_of_a_mail() {
    let world = world().await;
    let nobody = Act::Say(b"550 5.1.1 no such user\r\n".to_vec());
    let fake = Fake::start(vec![Script::new(OFFERS).at("RCPT", 1, nobody)]).await;
    let mail = failing::mail_to(&fake);
    for title in ["Mail is down", "Files are slow"] {
        outage(&world, title, Severity::Major).await;
    }
    world.pass(TimeDelta::minutes(3));
    assert_eq!(world.drain(&mail).await, Sent { sent: 0, deferred: 0, failed: 2 });
    assert_eq!(world.drain(&mail).await, Sent::default());
    assert_eq!(fake.log().count("RCPT"), 1);
}
