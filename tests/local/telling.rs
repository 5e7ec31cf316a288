//! What contacts are told, over restarts and `kill -9`: nothing is lost, and nothing comes twice.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use budkavle::domain::authority::Caller;
use budkavle::domain::changes::tell::{Mode, Policy};
use budkavle::domain::directory::Directory;
use budkavle::domain::ids::{AssignmentId, UnitId, UserId};
use budkavle::domain::notice::{Facts, Part};
use budkavle::domain::roles::{GLOBAL, Holder, LOCAL, Place};
use budkavle::domain::schedule::Schedule;
use budkavle::flow::assign::{NewAssignment, assign, revoke};
use budkavle::flow::core::{Core, Settings};
use budkavle::flow::{contacts, duties};
use budkavle::store::{Listed, MessageFilter, Store};
use chrono::{DateTime, TimeDelta, Utc};

use crate::store_samples::{at, guid, organisation, settings as store_settings, sync};

type Clock = Arc<Mutex<DateTime<Utc>>>;

fn set(clock: &Clock, time: &str) {
    *clock.lock().unwrap() = time.parse().unwrap();
}

fn at_seven() -> Mode {
    Mode::Daily(Schedule::parse("0 7 * * *", chrono_tz::UTC).unwrap())
}

fn telling(mode: Mode) -> Settings {
    let telling = Policy { mode, mails_per_day: 50, ..Policy::never() };
    Settings { organisation: "Kommunen".into(), telling, ..Settings::default() }
}

async fn load(folder: &Path, clock: &Clock, settings: Settings) -> Core {
    let (store, _) = Store::open_sled(store_settings(folder), at(0)).await.unwrap();
    let clock = Arc::clone(clock);
    Core::load(store, settings, Arc::new(move || *clock.lock().unwrap())).await.unwrap()
}

/// Somebody outside holds a role: the local contact of everything, the global one.
async fn appoint(core: &Core, role: &str, name: &str) -> AssignmentId {
    let mail = format!("{name}@kommun.example").parse().unwrap();
    let place = if role == LOCAL { Place::Unit(UnitId::ROOT) } else { Place::Organisation };
    give(core, role, Holder::Outside { name: name.into(), mail }, place).await
}

async fn give(core: &Core, role: &str, holder: Holder, place: Place) -> AssignmentId {
    let new = NewAssignment::new(role, holder, place);
    assign(core, new, &Caller::system(), None).await.unwrap().id
}

async fn messages(core: &Core) -> Vec<Listed> {
    let mut all =
        core.store.messages(MessageFilter { limit: 100_000, ..MessageFilter::default() }).await.unwrap();
    all.reverse();
    all
}

/// Who was told what, in order.
async fn told(core: &Core) -> Vec<String> {
    let parts = |facts: &Facts| match facts {
        Facts::ContactNews(facts) => {
            facts.news.iter().map(|news| format!("{:?}", news.part)).collect::<Vec<_>>().join("+")
        }
        Facts::ContactSummary(facts) => format!("summary of {}", facts.people),
        Facts::Duties(duties) => format!("{} duties", duties.duties.len()),
        other => panic!("{other:?}"),
    };
    let messages = messages(core).await;
    messages.iter().map(|m| format!("{} {}", m.message.recipient.name, parts(&m.notice.facts))).collect()
}

#[tokio::test]
async fn a_digest_that_was_missed_goes_once_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    set(&clock, "2026-07-06T06:00:00Z");
    let core = load(folder.path(), &clock, telling(at_seven())).await;
    appoint(&core, GLOBAL, "glo").await;
    let before = appoint(&core, LOCAL, "ann").await;
    // What was before the first look is history.
    contacts::tick(&core).await.unwrap();
    revoke(&core, before, &Caller::system(), None).await.unwrap();
    let bo = appoint(&core, LOCAL, "bo").await;
    let expected = ["bo New", "ann Former", "glo Owner"].map(String::from);
    for (time, mails) in [
        ("2026-07-06T06:59:00Z", 0),
        ("2026-07-06T07:00:00Z", 3),
        ("2026-07-06T08:00:00Z", 3),
        ("2026-07-07T07:00:00Z", 3),
    ] {
        set(&clock, time);
        contacts::tick(&core).await.unwrap();
        let mut told = told(&core).await;
        told.sort_by_key(|line| expected.iter().position(|other| other == line));
        assert_eq!(told, expected[..mails], "{time}");
    }
    set(&clock, "2026-07-07T12:00:00Z");
    revoke(&core, bo, &Caller::system(), None).await.unwrap();
    core.store.close().await;
    drop(core);
    // Down for two days, over seven o'clock.
    set(&clock, "2026-07-09T10:00:00Z");
    for _ in 0..2 {
        let core = load(folder.path(), &clock, telling(at_seven())).await;
        for _ in 0..2 {
            contacts::tick(&core).await.unwrap();
            let mut told = told(&core).await.split_off(3);
            told.sort();
            assert_eq!(told, ["bo Former", "glo Owner"]);
        }
        core.store.close().await;
    }
}

#[tokio::test]
async fn what_happens_while_it_is_off_is_never_told_and_too_much_is_told_in_one_word() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    set(&clock, "2026-07-06T06:00:00Z");
    let core = load(folder.path(), &clock, telling(Mode::AtOnce)).await;
    appoint(&core, GLOBAL, "glo").await;
    contacts::tick(&core).await.unwrap();
    core.reload(telling(Mode::Off)).await;
    contacts::tick(&core).await.unwrap();
    assert_eq!(core.view().contacts_told, None);
    appoint(&core, LOCAL, "ann").await;
    contacts::tick(&core).await.unwrap();
    core.reload(telling(Mode::AtOnce)).await;
    for _ in 0..2 {
        contacts::tick(&core).await.unwrap();
    }
    assert_eq!(told(&core).await, Vec::<String>::new());
    let few = |summary_over| {
        let settings = telling(Mode::AtOnce);
        Settings { telling: Policy { summary_over, ..settings.telling.clone() }, ..settings }
    };
    core.reload(few(2)).await;
    for name in ["bo", "cia"] {
        appoint(&core, LOCAL, name).await;
    }
    contacts::tick(&core).await.unwrap();
    assert_eq!(told(&core).await, ["glo summary of 3"]);
    let summary = core.view().contacts_told.as_ref().unwrap().summary.clone().unwrap();
    assert_eq!((summary.people, summary.units), (3, 1));
}

#[tokio::test]
async fn local_contacts_are_sent_what_they_are_contacts_for_when_the_schedule_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    set(&clock, "2026-07-06T08:00:00Z");
    let (store, _) = Store::open_sled(store_settings(folder.path()), at(0)).await.unwrap();
    let (delta, record, cursor) = sync(1, &Directory::default(), &organisation(400));
    store.commit_sync(delta, record, cursor).await.unwrap();
    store.close().await;
    let monthly = || Settings {
        duties: Some(Schedule::parse("0 8 1 * *", chrono_tz::UTC).unwrap()),
        ..telling(Mode::Off)
    };
    let core = load(folder.path(), &clock, monthly()).await;
    // More than go into one transaction; the last is disabled (every 17th is).
    for n in (1..=250).filter(|n| n % 17 != 0).chain([17]) {
        let event = budkavle::domain::roles::Assignment {
            id: AssignmentId(u64::from(n)),
            role: LOCAL.into(),
            holder: Holder::User(UserId(guid(1, n))),
            place: Place::OwnUnit,
            rank: 0,
            mail: None,
            phone: None,
            from: None,
            until: None,
            any_unit: false,
        };
        let change = budkavle::store::Change::Assign(event);
        let event = budkavle::store::Event { at: at(1), change, notices: vec![], audit: None };
        core.store.commit_event(event).await.unwrap();
    }
    core.store.close().await;
    drop(core);
    let core = load(folder.path(), &clock, monthly()).await;
    for (time, mails) in [
        ("2026-07-06T08:00:00Z", 0),
        ("2026-08-01T07:59:00Z", 0),
        ("2026-08-01T08:00:00Z", 236),
        ("2026-08-20T08:00:00Z", 236),
        ("2026-09-02T00:00:00Z", 472),
    ] {
        set(&clock, time);
        for _ in 0..2 {
            duties::tick(&core).await.unwrap();
            assert_eq!(messages(&core).await.len(), mails, "{time}");
        }
    }
    let to: BTreeSet<String> =
        messages(&core).await.iter().map(|m| m.message.recipient.to_string()).collect();
    assert_eq!(to.len(), 236);
    assert!(to.contains("asa.oberg5@kommun.example") && !to.contains("asa.oberg17@kommun.example"), "{to:?}");
    assert_eq!(told(&core).await[0].rsplit_once(' ').unwrap().1, "duties");
}

const FOLDER: &str = "BUDKAVLE_TEST_TELLING";
const BEGIN: &str = "BUDKAVLE_TEST_TELLING_BEGIN";
const ROUNDS: i64 = 10;

/// A process that changes contacts and tells of it as fast as it can is killed at ten different moments. Then each person was told that they are
/// contact before that they no longer are, each once; and after one more look, those who were told are those who are.
#[tokio::test]
async fn kills_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    for round in 0..ROUNDS {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "telling::changes_contacts_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(BEGIN, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let edits = lines
            .map_while(Result::ok)
            .filter(|line| line.starts_with("edit "))
            .take(3 + usize::try_from(round).unwrap());
        assert!(edits.count() > 2, "it ended by itself");
        process.kill().unwrap();
        process.wait().unwrap();

        *clock.lock().unwrap() = at(round * 10_000 + 9_999);
        let core = load(folder.path(), &clock, telling(Mode::AtOnce)).await;
        let told_before = messages(&core).await.len();
        contacts::tick(&core).await.unwrap();
        let mut known: BTreeSet<String> = BTreeSet::new();
        let messages = messages(&core).await;
        for message in &messages {
            let Facts::ContactNews(facts) = &message.notice.facts else { panic!("{:?}", message.notice) };
            let name = message.message.recipient.name.to_string();
            match facts.news.iter().map(|news| news.part).collect::<Vec<_>>()[..] {
                [Part::New] => assert!(known.insert(name.clone()), "{name} is told twice in round {round}"),
                [Part::Former] => assert!(known.remove(&name), "{name} wasn't told before in round {round}"),
                ref other => panic!("{other:?}"),
            }
        }
        let view = core.view();
        let holders = view.organisation.holders(&LOCAL.into()).all();
        let holders: BTreeSet<String> =
            holders.map(|h| view.organisation.holder_name(&h.holder).to_string()).collect();
        assert_eq!(known, holders, "round {round}");
        assert!(told_before > usize::try_from(round).unwrap(), "{told_before}: the kills come too early");
        core.store.close().await;
    }
}

#[tokio::test]
#[ignore = "a part of kills_lose_nothing_and_double_nothing"]
async fn changes_contacts_until_it_is_killed() {
    let folder = std::env::var(FOLDER).unwrap();
    let round: i64 = std::env::var(BEGIN).unwrap().parse().unwrap();
    let clock: Clock = Arc::new(Mutex::new(at(round * 10_000)));
    let core = load(Path::new(&folder), &clock, telling(Mode::AtOnce)).await;
    for n in 0..9_000 {
        *clock.lock().unwrap() += TimeDelta::minutes(1);
        contacts::tick(&core).await.unwrap();
        let last = core.view().organisation.assignments.keys().next_back().copied();
        appoint(&core, LOCAL, &format!("p{round}-{n}")).await;
        if let Some(last) = last {
            revoke(&core, last, &Caller::system(), None).await.unwrap();
        }
        writeln!(std::io::stdout(), "edit {n}").unwrap();
    }
}
