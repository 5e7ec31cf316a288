//! What the store keeps survives a format that doesn't describe itself: postcard writes no names, so an enum with an inner tag or a
//! flattened struct is written, and can't be read back.

use std::fmt::Debug;

use chrono::TimeDelta;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::alert::{Health, OpenAlert, Trouble};
use super::audit::{Actor, Entry};
use super::delta::{Changes, Delta, describe, diff};
use super::directory::{Directory, Found, Quarantined};
use super::gone::{self, AllGone};
use super::guard::{HoldReason, Kind, Limit};
use super::ids::{Generation, Guid, MessageId, NoticeId, OutageId, RunId};
use super::notice::{
    About, CoverageFacts, EventKey, Facts, Gap, GapDays, HeldFacts, Message, MessageState, Notice,
    OutageWord, PlanTold, Priority, Recipient, SyncTrouble,
};
use super::outage::edit::Correction;
use super::outage::maintenance::Window;
use super::outage::said::PlainUpdate;
use super::outage::{Incident, Opening, Outage, Severity, Update};
use super::run::{Counts, Cursor, HeldRun, Mode, ModeReason, Outcome, Position, Run, Trigger, UsnPosition};
use super::testing::{DIRECTORIES, hour, unit_id, world};
use super::undo::{Veto, steps};
use super::warning::{Due, DueReason, Warning, WarningKind};

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let bytes = postcard::to_stdvec(value).unwrap();
    assert_eq!(&postcard::from_bytes::<T>(&bytes).unwrap(), value);
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
}

fn actor() -> Actor {
    Actor::Local { uid: 1000, name: "asa".into() }
}

fn reasons() -> Vec<HoldReason> {
    let limit = Limit { count: 1, percent: 2, floor: 3 };
    vec![
        HoldReason::TooMany { kind: Kind::Memberships, removed: 4, of: 5, limit },
        HoldReason::All { kind: Kind::Holders, of: 6 },
        HoldReason::ScopeChanged { removed: 7 },
        HoldReason::Undone { run: RunId(8), changes: 9 },
        HoldReason::Gradually { kind: Kind::Users, removed: 10, before: 11, of: 12, limit },
    ]
}

proptest! {
    #[test]
    fn an_organisation(world in world()) {
        world.directory.users.values().for_each(|u| survives(&**u));
        world.directory.units.values().for_each(|u| survives(&**u));
        world.directory.groups.values().for_each(|g| survives(&**g));
        world.assignments.values().for_each(survives);
        world.absences.iter().for_each(survives);
        world.subjects.values().for_each(survives);
        world.roles.iter().for_each(survives);
        let found = Found::from(world.directory);
        let delta = diff(&Directory::default(), &DIRECTORIES[0].into(), &found);
        survives(&describe(&delta, |_| None));
        survives(&steps(&delta));
        let back = Delta { users: Changes { removed: delta.users.added, ..Changes::default() }, ..Delta::default() };
        survives(&steps(&back));
        for gone in gone::changes(&AllGone::new(), &back, RunId(1), hour(1), |_| "Care".into()).added {
            survives(&gone);
        }
    }
}

#[test]
fn runs() {
    let outcomes = [
        Outcome::Committed { generation: Generation(9) },
        Outcome::Unchanged,
        Outcome::Held { reasons: reasons(), same_as: Some(RunId(8)) },
        Outcome::Failed { error: "no".into() },
        Outcome::Unchanged,
        Outcome::Unchanged,
    ];
    for (outcome, trigger) in outcomes.into_iter().zip([
        Trigger::Schedule,
        Trigger::Start,
        Trigger::Manual(actor()),
        Trigger::Approval(RunId(2)),
        Trigger::Undo { run: RunId(1), by: actor() },
        Trigger::ChangeNotification,
    ]) {
        survives(&Run {
            id: RunId(1),
            directory: "main".into(),
            trigger,
            mode: Mode::Full,
            mode_reason: ModeReason::Asked,
            server: "ldaps://dc1".into(),
            started: hour(1),
            ended: hour(2),
            outcome,
            counts: Counts::default(),
        });
    }
    let at = UsnPosition { controller: Some(Guid([8; 16])), invocation: Some(Guid([7; 16])), highest: 2 };
    for position in [
        Position::None,
        Position::Usn(at),
        Position::DirSync { at, cookie: Box::from(*b"cookie") },
        Position::ContentSync { cookie: Box::from(*b"cookie") },
        Position::ModifyTimestamp { since: "20261122230000Z".into() },
    ] {
        survives(&Cursor {
            scope: 1,
            server: "ldaps://dc1".into(),
            position,
            read_at: Some(hour(2)),
            whole_at: Some(hour(1)),
            sees_deletions: true,
        });
    }
    survives(&Veto { run: RunId(1), wishes: vec![Guid([7; 16])] });
    survives(&HeldRun {
        run: RunId(1),
        directory: "main".into(),
        since: hour(1),
        reasons: reasons(),
        objects: vec![Guid([7; 16])],
        approved: Some(actor()),
    });
    survives(&Quarantined { id: None, dn: "CN=x".into(), reason: "odd".into() });
    let alert = OpenAlert { trouble: Trouble::Stale, since: hour(1), last_told: hour(2), reminders: 3 };
    survives(&Health {
        alert: Some(alert),
        held: Some(RunId(1)),
        last_error: Some("no".into()),
        ..Health::new(hour(0))
    });
}

#[test]
fn notices_and_messages() {
    let opening = Opening {
        title: "Mail is down".into(),
        text: "".into(),
        severity: Severity::Major,
        services: vec!["mail".into()],
        units: vec![unit_id(1)],
        also: vec!["it@x.example".parse().unwrap()],
        ack: false,
    };
    let outage = Outage::open(OutageId(1), opening.clone(), actor(), hour(1)).unwrap();
    let title = Correction { title: Some("Mail is out".into()), ..Correction::default() };
    let outage = outage.edit(title, &actor(), hour(2)).unwrap().nagged(1);
    survives(&outage);
    let window = Window { from: hour(3), until: hour(4) };
    let planned = Outage::plan(OutageId(2), opening, window, true, &[TimeDelta::days(1)], actor(), hour(1));
    survives(&planned.unwrap());
    let held = HeldFacts { run: RunId(1), reasons: reasons(), changes: Vec::new(), more: 3 };
    let trouble = SyncTrouble {
        directory: "main".into(),
        trouble: Trouble::Held,
        reminder: 0,
        since: hour(1),
        last_good: Some(hour(0)),
        failures: 2,
        error: Some("no".into()),
        held: Some(held),
    };
    let recovered = Facts::SyncRecovered {
        directory: "main".into(),
        trouble: Trouble::Failing,
        since: hour(1),
        at: hour(2),
    };
    let rebuilt =
        Facts::StoreRebuilt { damage: "a flipped bit".into(), export_from: None, aside: "/x".into() };
    let test = Facts::Test { by: "asa".into(), at: hour(1) };
    let word = PlanTold { from: hour(1), until: hour(2), sequence: 1 };
    let word = OutageWord { plan: Some(word), about: About::Silence(90), ..old_word(&outage) };
    survives(&Facts::OutageWord(Box::new(word)));
    let outage = Facts::Outage { outage: incident(&outage), earlier: 0, units: vec!["Care".into()] };
    let ending = |kind, reason| {
        let warning = Warning { kind, about: "CN=reader".into(), at: hour(2) };
        Facts::Ending { directory: "main".into(), due: Due { warning, reason } }
    };
    let first = hour(0).date_naive();
    let days =
        GapDays { first, last: first, there: vec!["Bo".into()], missing: vec!["Åsa: disabled".into()] };
    let gap = Gap {
        role: "local".into(),
        unit: None,
        below: 2,
        minimum: 1,
        days: vec![days],
        more: 0,
        could: vec![("li".into(), "Li".into())],
    };
    let coverage = CoverageFacts { period: "summer".into(), first, last: first, gaps: vec![gap], more: 0 };
    survives(&Facts::Coverage(coverage));
    survives(&super::coverage::watch::Told { first, weeks: 4 });
    survives(&ending(WarningKind::Password, DueReason::Soon { days: 3 }));
    survives(&ending(WarningKind::ClientCertificate, DueReason::Over));
    let broken =
        Facts::ChannelBroken { channel: "team".into(), since: hour(1), reason: "401 Unauthorized".into() };
    for facts in [outage, Facts::SyncTrouble(trouble), recovered, rebuilt, test, broken] {
        let event = EventKey("outage/1/0".into());
        survives(&Notice {
            id: NoticeId(1),
            event: event.clone(),
            thread: event,
            at: hour(1),
            expires: hour(9),
            facts,
        });
    }
    let recipient = Recipient {
        phone: Some("070".into()),
        channel: "sms".into(),
        ..Recipient::by_mail("Åsa", "asa@org.example".parse().unwrap(), "outage")
    };
    survives(&Message {
        id: MessageId(1),
        notice: NoticeId(1),
        recipient,
        priority: Priority::High,
        state: MessageState::Deferred,
        attempts: 2,
        at: hour(1),
        due: hour(2),
        changed: hour(1),
        answer: Some("451 later".into()),
        together: Some(MessageId(1)),
    });
    survives(&Entry {
        at: hour(1),
        by: Actor::System,
        action: "outage opened".into(),
        object: "outage 1".into(),
        before: None,
        after: Some("{}".into()),
        why: None,
    });
}

fn incident(outage: &Outage) -> Incident {
    let Outage { id, title, severity, services, units, updates, .. } = outage.clone();
    let plain = |Update { at, by, state, text, .. }| PlainUpdate { at, by, state, text };
    let updates = updates.into_iter().map(plain).collect();
    Incident { id, title, severity, services, units, updates }
}

fn old_word(outage: &Outage) -> OutageWord {
    OutageWord::from((&incident(outage), 0, &["Care".into()][..]))
}
