//! What the tests of the store put into it.

use std::collections::BTreeSet;
use std::path::Path;

use budkavle::domain::alert::Health;
use budkavle::domain::audit::{Actor, Entry};
use budkavle::domain::delta::{Delta, describe, diff};
use budkavle::domain::directory::{Container, Directory, Group, Tally, Unit, User, UserFields};
use budkavle::domain::gone::{self, AllGone};
use budkavle::domain::guard::{
    CheckedDelta, Circumstances, Lately, Limit, Limits, Verdict, approval_of, judge,
};
use budkavle::domain::ids::{DirectoryName, Generation, GroupId, Guid, OutageId, RunId, UnitId, UserId};
use budkavle::domain::map::Map;
use budkavle::domain::notice::{EventKey, Facts, NewNotice, Recipient};
use budkavle::domain::outage::{Opening, Outage, Severity};
use budkavle::domain::run::{Counts, Cursor, Mode, ModeReason, Outcome, Position, Run, Trigger, UsnPosition};
use budkavle::domain::undo::Kept;
use budkavle::store::{Change, Event, RunRecord, SledSettings};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};

/// So many minutes after the beginning of all tests.
pub fn at(minute: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 6, 8, 0, 0).unwrap() + TimeDelta::minutes(minute)
}

pub fn main_directory() -> DirectoryName {
    "main".into()
}

/// Identities that are counted up: what Samba and LDIF files of tests have, and no hash does.
pub fn guid(kind: u8, n: u32) -> Guid {
    let mut bytes = [0; 16];
    bytes[0] = kind;
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    Guid(bytes)
}

pub fn user(n: u32, phone: &str) -> User {
    let fields = UserFields {
        id: UserId(guid(1, n)),
        directory: main_directory(),
        unit: UnitId(guid(2, n % 50)),
        above: guid(2, n % 50),
        rdn: format!("Öberg, Åsa {n}").into(),
        account: format!("asaob{n}").into(),
        upn: Some(format!("asaob{n}@kommun.example").into()),
        name: format!("Åsa Öberg {n}").into(),
        named: true,
        mail: Some(format!("asa.oberg{n}@kommun.example").into()),
        phone: Some(phone.into()),
        mobile: None,
        title: Some("Handläggare".into()),
        manager: (n > 0).then(|| UserId(guid(1, n / 10))),
        language: Some("sv".into()),
        enabled: !n.is_multiple_of(17),
        expires: n.is_multiple_of(13).then(|| at(1_000_000)),
        unit_path: None,
        marks: None,
        away: None,
    };
    fields.into()
}

pub fn unit(n: u32) -> Unit {
    let parent = if n == 0 { UnitId::ROOT } else { UnitId(guid(2, n / 5)) };
    Unit {
        id: UnitId(guid(2, n)),
        directory: main_directory(),
        parent,
        above: parent.0,
        name: format!("Enhet {n}").into(),
        managed_by: None,
    }
}

pub fn group(n: u32, members: u32) -> Group {
    let name = format!("grp-{n}");
    let members = (0..members).map(|n| guid(1, n)).collect();
    Group {
        id: GroupId(guid(3, n)),
        directory: main_directory(),
        name: (&*name).into(),
        account: name.into(),
        above: guid(4, 0),
        members,
    }
}

/// So many users in 50 units, with two groups.
pub fn organisation(users: u32) -> Directory {
    let mut directory = Directory::default();
    directory.users.extend((0..users).map(|n| (UserId(guid(1, n)), user(n, "+46 8 123").into())));
    directory.units.extend((0..50).map(|n| (UnitId(guid(2, n)), unit(n).into())));
    let users_folder = Container {
        id: guid(4, 0),
        directory: main_directory(),
        above: Guid::default(),
        name: "Users".into(),
    };
    directory.containers.insert(users_folder.id, users_folder.into());
    directory.groups.extend((0..2).map(|n| (GroupId(guid(3, n)), group(n, users / (n + 1)).into())));
    directory
}

/// The guard passes what is approved, and here everything is.
pub fn checked(delta: Delta) -> CheckedDelta {
    let nothing = BTreeSet::new();
    let limit = Limit { count: 0, percent: 0, floor: 0 };
    let limits = Limits::same(limit);
    let (before, users, nobody) = (Tally::default(), Map::new(), BTreeSet::new());
    let nothing_approved = Circumstances {
        directory: &main_directory(),
        before: &before,
        users: &users,
        limits: &limits,
        holders: &nobody,
        holders_after: &nobody,
        approved: &nothing,
        scope_changed: false,
        vetoes: &[],
        lately: Lately::default(),
    };
    let approved = approval_of(&delta, &nothing_approved);
    match judge(delta, &Circumstances { approved: &approved, ..nothing_approved }) {
        Verdict::Checked(delta) => delta,
        Verdict::Held { reasons, .. } => panic!("held: {reasons:?}"),
    }
}

pub fn cursor(usn: u64) -> Cursor {
    let at = UsnPosition { controller: Some(guid(6, 0)), invocation: Some(guid(5, 0)), highest: usn };
    Cursor {
        scope: u64::MAX - 5,
        server: "ldaps://dc1.kommun.example".into(),
        position: Position::DirSync { at, cookie: Box::from([7; 100]) },
        read_at: Some(self::at(0)),
        whole_at: Some(self::at(0)),
        sees_deletions: true,
    }
}

pub fn run(id: u64, directory: &str, outcome: Outcome) -> Run {
    let minute = i64::try_from(id).unwrap();
    Run {
        id: RunId(id),
        directory: directory.into(),
        trigger: Trigger::Schedule,
        mode: Mode::Full,
        mode_reason: ModeReason::OnlyFull,
        server: "ldaps://dc1.kommun.example".into(),
        started: at(minute),
        ended: at(minute) + TimeDelta::seconds(20),
        outcome,
        counts: Counts::default(),
    }
}

pub fn record(run: Run) -> RunRecord {
    let health = Health::new(run.started).after(&run);
    RunRecord::new(run, health)
}

/// A sync from one directory to another, as the flow hands it in.
pub fn sync(id: u64, before: &Directory, after: &Directory) -> (CheckedDelta, RunRecord, Cursor) {
    let delta = diff(before, &main_directory(), &after.clone().into());
    let mut run = run(id, "main", Outcome::Committed { generation: Generation(0) });
    run.counts = Counts::default().with_delta(&delta);
    let (changes, kept) = (describe(&delta, |_| None), Kept::of(&delta, false));
    let record = RunRecord { changes, kept, ..record(run) };
    (checked(delta), record, cursor(id))
}

/// The same, with what it makes of what is gone.
pub fn sync_with_gone(
    id: u64,
    before: &Directory,
    after: &Directory,
    gone: &AllGone,
) -> (CheckedDelta, RunRecord, Cursor) {
    let (delta, record, cursor) = sync(id, before, after);
    let ended = record.run.ended;
    let gone = gone::changes(gone, delta.delta(), RunId(id), ended, |_| "Vård".into());
    (delta, RunRecord { gone, ..record }, cursor)
}

pub fn recipient(n: u32) -> Recipient {
    let mail = format!("soren{n}@kommun.example").parse().unwrap();
    Recipient::by_mail(format!("Søren Ødegård {n}"), mail, "outage")
}

pub fn notice(event: &str, recipients: u32) -> NewNotice {
    let facts = Facts::Test { by: "root".into(), at: at(0) };
    NewNotice::new(EventKey(event.into()), facts, (0..recipients).map(recipient).collect(), at(1000))
}

pub fn audit_entry(minute: i64, object: &str) -> Entry {
    Entry {
        at: at(minute),
        by: Actor::Local { uid: 1000, name: "asa".into() },
        action: "tested".into(),
        object: object.into(),
        before: None,
        after: Some("{}".into()),
        why: None,
    }
}

pub fn outage(id: u64) -> Outage {
    let opening = Opening {
        title: "Mail is down".into(),
        text: "".into(),
        severity: Severity::Major,
        services: vec!["mail".into()],
        units: vec![],
        also: vec![],
        ack: false,
    };
    Outage::open(OutageId(id), opening, Actor::System, at(0)).unwrap()
}

/// An event that changes nothing but what it tells.
pub fn tell(minute: i64, notices: Vec<NewNotice>) -> Event {
    event(minute, Change::None, notices)
}

pub fn event(minute: i64, change: Change, notices: Vec<NewNotice>) -> Event {
    Event { at: at(minute), change, notices, audit: None }
}

pub fn settings(folder: &Path) -> SledSettings {
    SledSettings {
        path: folder.join("state"),
        cache_bytes: 16 << 20,
        exports: folder.join("exports"),
        keep_exports: 3,
        reserve_bytes: 1 << 20,
    }
}
