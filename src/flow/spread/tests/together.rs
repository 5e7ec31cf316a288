//! What keeps people in peace, one beside the other: nobody loses by it what they must know.

use super::*;
use crate::domain::alert;
use crate::domain::guard::Limits;
use crate::domain::outage::edit::Correction;
use crate::domain::run::WholeReads;
use crate::flow::core::DirectorySettings;

async fn silent(town: &Town, matcher: Matcher, from: Option<&str>, until: &str) {
    let new = NewSilence { matcher, from: from.map(at), until: at(until), why: "known".into() };
    silences::add(&town.core, new, &Actor::System).await.unwrap();
}

fn service(name: &str) -> Matcher {
    Matcher { services: [name.into()].into(), ..Matcher::default() }
}

#[tokio::test]
async fn whoever_was_told_of_the_beginning_is_told_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T07:00").await;
    town.open("The net is slow", &["net"], Severity::Minor).await;
    town.open("Mail is down", &["mail"], Severity::Major).await;
    town.until("10-06T07:01").await;
    // Now it would speak for the other.
    let correction = Correction { severity: Some(Severity::Major), ..Correction::default() };
    town.order(Some(1), Order::Edit { correction, tell: false }).await;
    town.update(2, State::Resolved).await;
    town.until("10-06T07:02").await;
    assert_eq!(
        town.told().await,
        [
            "10-06T07:00 asa outage 1 (investigating): The net is slow",
            "10-06T07:00 asa outage 2 (investigating): Mail is down",
            "10-06T07:01 asa outage 2 (resolved): Mail is down",
        ]
    );
}

#[tokio::test]
async fn what_was_silent_speaks_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T07:00").await;
    silent(&town, service("net"), None, "10-06T09:00").await;
    town.open("The net is down", &["net"], Severity::Major).await;
    town.open("Mail is down", &["mail"], Severity::Major).await;
    town.until("10-06T07:01").await;
    assert_eq!(town.told().await, ["10-06T07:00 asa outage 2 (investigating): Mail is down"]);
}

#[tokio::test]
async fn a_silence_lets_nothing_climb_until_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T07:00").await;
    town.open("Mail is down", &["mail"], Severity::Critical).await;
    silent(&town, service("mail"), Some("10-06T07:10"), "10-06T10:00").await;
    town.until("10-06T10:02").await;
    assert_eq!(
        town.told().await,
        [
            "10-06T07:00 asa outage 1 (investigating): Mail is down",
            "10-06T10:00 reader nobody has it: outage 1 (investigating): Mail is down",
        ]
    );
}

#[tokio::test]
async fn who_sleeps_has_their_time_in_the_morning_before_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T20:30").await;
    let week =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let always = OpeningHours::usual(Stockholm, Arc::default());
    let always = week.into_iter().try_fold(always, |hours, day| hours.with(day, "00:00-24:00")).unwrap();
    let climbing = climb::Policy { hours: always, ..climb::Policy::clone(&settings().climbing) };
    town.core.reload(Settings { climbing: Arc::new(climbing), ..settings() }).await;
    town.open("Mail is slow", &["mail"], Severity::Major).await;
    town.until("10-07T05:01").await;
    assert_eq!(
        town.told().await,
        [
            "10-07T04:00 asa outage 1 (investigating): Mail is slow",
            "10-07T05:00 reader nobody has it: outage 1 (investigating): Mail is slow",
        ]
    );
}

#[tokio::test]
async fn a_silence_for_one_person_leaves_the_place_where_all_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T07:00").await;
    let route = Route {
        kinds: BTreeSet::new(),
        severity: Severity::Minor,
        contacts: vec![],
        channels: vec![ChannelName::mail(), "team".into()],
    };
    let routing = Routing {
        routes: vec![route],
        channels: [("team".into(), Reach::Place)].into(),
        ..Routing::default()
    };
    town.core.reload(Settings { routing, ..settings() }).await;
    let messages =
        async |title| town.open(title, &["mail"], Severity::Major).await.committed.unwrap().messages;
    assert_eq!(messages("Mail").await, 2);
    let contacts = vec!["asa@org.example".parse().unwrap()];
    silent(&town, Matcher { contacts, ..Matcher::default() }, None, "10-06T09:00").await;
    assert_eq!(messages("Mail again").await, 1, "the place");
    silent(&town, service("mail"), None, "10-06T09:00").await;
    assert_eq!(messages("And again").await, 0);
}

#[tokio::test]
async fn an_alert_that_was_silent_is_told_when_the_silence_is_over_and_it_still_is_so() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T07:00").await;
    let policy = alert::Policy { remind_after: vec![], ..alert::Policy::default() };
    let schedule = Schedule::parse("0 3 * * *", Stockholm).unwrap();
    let whole_reads = WholeReads { blind: schedule.clone(), seeing: schedule };
    let directory = DirectorySettings { limits: Limits::default(), policy, whole_reads };
    let directories = [("main".into(), directory)].into();
    town.core.reload(Settings { directories, ..settings() }).await;
    let directories = ["main".into()].into();
    silent(&town, Matcher { directories, ..Matcher::default() }, None, "10-06T09:00").await;
    town.failing(3).await;
    let mut told = Vec::new();
    for time in ["10-06T07:30", "10-06T08:59", "10-06T09:00", "10-06T09:01"] {
        *town.clock.lock().unwrap() = at(time);
        alerts::tick(&town.core).await.unwrap();
        let filter = MessageFilter { limit: 9, ..Default::default() };
        told.push(town.core.store.messages(filter).await.unwrap().len());
    }
    assert_eq!(told, [0, 0, 1, 1]);
}

#[tokio::test]
async fn small_things_that_last_and_were_silent_are_told_when_the_silence_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let town = Town::new(folder.path(), "10-06T04:00").await;
    town.failing(1).await;
    let matcher = Matcher { kinds: [NoticeKind::Alert].into(), ..Matcher::default() };
    silent(&town, matcher, Some("10-06T05:01"), "10-07T06:30").await;
    town.until("10-07T07:00").await;
    assert_eq!(
        town.told().await,
        ["10-06T05:00 boss 1 small things that last", "10-07T06:30 boss 1 small things that last"]
    );
}
