mod outages;
mod policy;
mod told;

use std::fmt::Write;

use chrono::{DateTime, TimeZone, Utc};

use self::outages::{also, incident, maintenance, outage, said};
use super::*;
use crate::domain::absence::Origin;
use crate::domain::alert::aside::{Aside, Grown};
use crate::domain::alert::{OpenAlert, Trouble};
use crate::domain::audit::Actor;
use crate::domain::changes::{Answerers, Cause, ContactChange, Loss, Person, Who, Why};
use crate::domain::delta::{FieldChange, ObjectKind, What};
use crate::domain::directory::UserFields;
use crate::domain::duties::{Duties, Duty, Planned, StandsIn};
use crate::domain::guard::{HoldReason, Kind as Counted, Limit};
use crate::domain::ids::{
    AbsenceId, AssignmentId, ChannelName, Generation, GroupId, OutageId, RunId, UnitId, UserId,
};
use crate::domain::mailbox::Address;
use crate::domain::notice::{
    About, ContactNews, ContactSummary, Corrected, CoverageFacts, EventKey, Facts, Fallback, Gap, GapDays,
    HeldFacts, MessageState, NewsFacts, OutageWord, Part, PlanTold, Priority, QuarantineFacts, Recipient,
    RoleSum, SyncTrouble, Undelivered, UndeliveredFacts, UnitsAt,
};
use crate::domain::outage::said::{PlainUpdate, Said};
use crate::domain::outage::{Severity, State, Update};
use crate::domain::roles::{Holder, Place};
use crate::domain::run::{Counts, KindCounts, Mode, ModeReason, Outcome, Position, Trigger, UsnPosition};
use crate::domain::undo::Object;
use crate::domain::warning::{Due, DueReason, Warning, WarningKind};

/// One line per sample: its name and its bytes. A line is never changed; a new shape gets new lines.
const GOLDEN: &str = include_str!("golden.txt");

fn at(second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 6, 8, 0, second).unwrap()
}

fn guid(n: u8) -> Guid {
    Guid([n; 16])
}

fn mail() -> Address {
    "asa@kommun.example".parse().unwrap()
}

fn text(text: &str) -> Option<Box<str>> {
    Some(text.into())
}

/// Checks samples against the golden lines, and collects what the lines would have to be.
#[derive(Default)]
struct Frozen {
    lines: String,
    samples: usize,
    wrong: Vec<String>,
}

impl Frozen {
    fn check<R: Record + PartialEq + std::fmt::Debug>(&mut self, name: &str, sample: &R) {
        let bytes = sample.encode().unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        writeln!(self.lines, "{name} {hex}").unwrap();
        self.samples += 1;
        if self.compare(name, sample).is_some_and(|golden| golden != hex) {
            self.wrong.push(format!("{name}: is written as {hex}"));
        }
        assert_eq!(check_schema(R::KIND, &bytes), Ok(()), "{name}");
    }

    /// A line of a shape that isn't written any more is read as `sample`.
    fn read<R: Record + PartialEq + std::fmt::Debug>(&mut self, name: &str, sample: &R) {
        self.samples += 1;
        if let Some(golden) = self.compare(name, sample) {
            writeln!(self.lines, "{name} {golden}").unwrap();
        }
    }

    fn compare<R: Record + PartialEq + std::fmt::Debug>(
        &mut self,
        name: &str,
        sample: &R,
    ) -> Option<&'static str> {
        let golden = GOLDEN.lines().filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == name);
        let Some((_, golden)) = golden else {
            self.wrong.push(format!("{name} is new"));
            return None;
        };
        let old: Vec<u8> = (0..golden.len() / 2)
            .map(|n| u8::from_str_radix(&golden[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        if R::decode(&old).as_ref() != Ok(sample) {
            self.wrong.push(format!("{name}: what is stored is read as {:?}", R::decode(&old)));
        }
        Some(golden)
    }
}

#[test]
fn the_bytes_of_every_record_are_frozen() {
    let mut frozen = Frozen::default();
    frozen.check("instance", &Instance(u64::MAX));
    frozen.check("last-number", &LastNumber(300));
    frozen.check("run-of", &RunOf);
    frozen.check("in-thread", &InThread { waits: true });
    frozen.check("notice-of", &NoticeOf(NoticeId(300)));
    objects(&mut frozen);
    maintained(&mut frozen);
    told::lists(&mut frozen);
    past(&mut frozen);
    runs(&mut frozen);
    told::notices(&mut frozen);
    policy::climbs(&mut frozen);
    assert!(
        frozen.wrong.is_empty() && GOLDEN.lines().count() == frozen.samples,
        "the shape of a record has changed. Stores that are in use hold the old one: keep reading it under its schema, and write the \
         new one under the next (see the head of records.rs). {:#?}\nThe lines as of now:\n{}",
        frozen.wrong,
        frozen.lines
    );
}

fn past(frozen: &mut Frozen) {
    frozen.check("arranged", &Arranged("{}".into()));
    let record = |before: Option<&[u8]>| WasRow::Record {
        key: number_key(Kind::Assignment, 7).into(),
        before: before.map(Into::into),
    };
    for (name, was) in [
        ("run", WasRow::Run(RunId(300))),
        ("empty", WasRow::Empty("main".into())),
        ("record", record(Some(&[0, 1, 255]))),
        ("no-record", record(None)),
        ("lost", WasRow::Lost { since: at(1) }),
        ("forgotten", WasRow::Forgotten),
        ("too-many", WasRow::TooMany(RunId(300))),
    ] {
        frozen.check(&format!("past-{name}"), &PastRow { at: at(2), was });
    }
}

fn objects(frozen: &mut Frozen) {
    let full = UserFields {
        id: UserId(guid(1)),
        directory: "main".into(),
        unit: UnitId(guid(2)),
        above: guid(9),
        rdn: "Smith, John".into(),
        account: "jsmith".into(),
        upn: text("jsmith@kommun.example"),
        name: "John Smith".into(),
        named: true,
        mail: text("john@kommun.example"),
        phone: text("+46 1"),
        mobile: text("+46 2"),
        title: text("Ingenjör"),
        manager: Some(UserId(guid(3))),
        language: text("sv-SE"),
        enabled: true,
        expires: Some(at(1)),
        unit_path: text("Drift\u{1f}IT"),
        marks: text("extensionattribute1=budkavle-local"),
        away: text("2026-07-06..2026-07-31 deputy=soren"),
    };
    let bare = UserFields {
        id: UserId(guid(4)),
        upn: None,
        mail: None,
        phone: None,
        mobile: None,
        title: None,
        manager: None,
        language: None,
        enabled: false,
        expires: None,
        unit_path: None,
        marks: None,
        away: None,
        named: false,
        ..full.clone()
    };
    let second = UserFields { marks: None, away: None, ..full.clone() };
    let two = |full: &UserFields| {
        Pack(vec![Arc::new(User::from(full.clone())), Arc::new(User::from(bare.clone()))])
    };
    frozen.check("users-3", &two(&full));
    frozen.read("users-2", &two(&second));
    let once = |user: UserFields, named| {
        Arc::new(User::from(UserFields { above: user.unit.0, named, unit_path: None, ..user }))
    };
    frozen.read("users", &Pack(vec![once(second.clone(), true), once(bare, true)]));
    let unit = unit_of_objects();
    let managed = Unit {
        id: UnitId(guid(5)),
        parent: unit.id,
        above: guid(2),
        managed_by: Some(UserId(guid(1))),
        ..unit.clone()
    };
    let units = Pack(vec![Arc::new(unit), Arc::new(managed)]);
    frozen.check("units-2", &units);
    frozen.read("units", &units);
    let group = group_of_objects();
    frozen.check("groups-2", &Pack(vec![Arc::new(group.clone())]));
    frozen.read("groups", &Pack(vec![Arc::new(Group { above: Guid::default(), ..group })]));
    let object = |object| {
        let (joined, left) = (vec![guid(1)], vec![guid(2), guid(3)]);
        Step { kind: ObjectKind::User, id: guid(1), before: object, after: Some(300), joined, left }
    };
    let objects = |user: UserFields| {
        let group = Group { members: [].into(), ..group_of_objects() };
        let user = Object::User(Arc::new(user.into()));
        [user, Object::Unit(Arc::new(unit_of_objects())), Object::Group(Arc::new(group))]
    };
    let steps = |user| {
        let all = objects(user).into_iter().map(|o| Step { kind: o.kind(), ..object(Some(o)) });
        all.chain([Step { after: None, ..object(None) }]).collect::<Vec<Step>>()
    };
    frozen.check("run-steps-2", &steps(full.clone()));
    frozen.read("run-steps", &steps(second.clone()));
    let gone = |(n, object): (u8, Object)| {
        let (directory, unit) = ("main".into(), "Drift / IT".into());
        Arc::new(Gone { id: guid(n), directory, unit, since: at(1), run: RunId(8), object })
    };
    let all_gone = |user| Pack((1..).zip(objects(user)).map(gone).collect());
    frozen.check("gone-2", &all_gone(full));
    frozen.read("gone", &all_gone(second));
    let container =
        Container { id: guid(9), directory: "main".into(), above: guid(10), name: "Users".into() };
    frozen.check("containers", &Pack(vec![Arc::new(container)]));
}

fn unit_of_objects() -> Unit {
    Unit {
        id: UnitId(guid(2)),
        directory: "main".into(),
        parent: UnitId::ROOT,
        above: UnitId::ROOT.0,
        name: "IT".into(),
        managed_by: None,
    }
}

fn group_of_objects() -> Group {
    Group {
        id: GroupId(guid(6)),
        directory: "main".into(),
        name: "Jour".into(),
        account: "jour".into(),
        above: guid(9),
        members: [guid(1), guid(4), guid(7)].into(),
    }
}

fn maintained(frozen: &mut Frozen) {
    let assignment = Assignment {
        id: AssignmentId(1),
        role: "local".into(),
        holder: Holder::User(UserId(guid(1))),
        place: Place::Organisation,
        rank: 500,
        mail: Some(mail()),
        phone: text("+46 3"),
        from: Some(at(1)),
        until: Some(at(2)),
        any_unit: true,
    };
    for (name, place) in [
        ("organisation", Place::Organisation),
        ("unit", Place::Unit(UnitId(guid(2)))),
        ("own-unit", Place::OwnUnit),
        ("directory", Place::Directory("main".into())),
        ("subject", Place::Subject("Heroma".into())),
    ] {
        frozen.check(&format!("assignment-{name}"), &Assignment { place, ..assignment.clone() });
    }
    let holder = Holder::Outside { name: "Växeln".into(), mail: mail() };
    let outside = Assignment {
        holder,
        mail: None,
        phone: None,
        from: None,
        until: None,
        any_unit: false,
        ..assignment
    };
    frozen.check("assignment-outside", &outside);
    let (from, until) = (at(0), at(9));
    let absence = Absence {
        id: AbsenceId(2),
        user: UserId(guid(1)),
        from,
        until,
        deputy: Some(UserId(guid(4))),
        note: text("leave"),
        origin: Origin::ByHand,
    };
    let bare = Absence { deputy: None, note: None, ..absence.clone() };
    for (name, origin) in [
        ("hand", Origin::ByHand),
        ("source", Origin::Source("asa".into())),
        ("directory", Origin::Directory("main".into())),
    ] {
        frozen.check(&format!("absence-2-{name}"), &Absence { origin, ..bare.clone() });
    }
    frozen.read("absence", &absence);
    frozen.read("absence-bare", &bare);
    let taken = TakenCalendar {
        name: "asa".into(),
        taken: at(1),
        terms: 300,
        etag: text("\"1\""),
        modified: text("Mon, 06 Jul 2026 08:00:00 GMT"),
        unknown: 2,
    };
    frozen.check("absence-source", &taken);
    told::intake(frozen);
    let subject = Subject { name: "Heroma".into(), title: "Lön".into(), owner: Some(UnitId(guid(2))) };
    frozen.check("subject", &subject);
    frozen.check("subject-bare", &Subject { owner: None, ..subject });
    frozen.read("outage", &Outage::from(incident()));
    for (name, outage) in [("2", outage()), ("also", also()), ("maintenance", maintenance())] {
        frozen.read(&format!("outage-{name}"), &outage);
        frozen.read(&format!("outage-3-{name}"), &outage);
        frozen.check(&format!("outage-4-{name}"), &outage);
    }
    frozen.read("outage-asks", &Outage { ack: true, ..outage() });
    frozen.check("outage-4-asks", &Outage { ack: true, ..outage() });
    frozen.check("outage-said", &said());
    let entry = audit::Entry {
        at: at(3),
        by: local(),
        action: "outage opened".into(),
        object: "outage 3".into(),
        before: text("{}"),
        after: text("{\"id\":3}"),
        why: text("asked"),
    };
    frozen.check("audit", &entry);
    told::contact_changes(frozen);
    frozen.check(
        "audit-bare",
        &audit::Entry { by: Actor::System, before: None, after: None, why: None, ..entry.clone() },
    );
    frozen.check("audit-source", &audit::Entry { by: Actor::Source("feed cloud".into()), ..entry });
}

fn local() -> Actor {
    Actor::Local { uid: 1000, name: "asa".into() }
}

fn reasons() -> Vec<HoldReason> {
    let limit = Limit { count: 50, percent: 10, floor: 3 };
    let mut reasons =
        vec![HoldReason::All { kind: Counted::Users, of: 9 }, HoldReason::ScopeChanged { removed: 4 }];
    for kind in [Counted::Users, Counted::Units, Counted::Memberships, Counted::Holders] {
        reasons.push(HoldReason::TooMany { kind, removed: 7, of: 300, limit });
    }
    reasons
}

fn changes() -> Vec<ObjectChange> {
    let fields = vec![FieldChange { field: "phone".into(), before: None, after: text("+46 1") }];
    let change =
        |kind, what| ObjectChange { kind, id: guid(1), name: "Åsa".into(), what, fields: fields.clone() };
    vec![
        change(ObjectKind::User, What::Added),
        change(ObjectKind::Unit, What::Changed),
        change(ObjectKind::Group, What::Removed),
    ]
}

fn runs(frozen: &mut Frozen) {
    let counts = KindCounts { read: 1, added: 2, changed: 3, removed: 4 };
    let run = Run {
        id: RunId(8),
        directory: "main".into(),
        trigger: Trigger::Schedule,
        mode: Mode::Full,
        mode_reason: ModeReason::OnlyFull,
        server: "ldaps://dc1.kommun.example".into(),
        started: at(1),
        ended: at(2),
        outcome: Outcome::Committed { generation: Generation(5) },
        counts: Counts { users: counts, units: counts, groups: counts, quarantined: 5 },
    };
    frozen.check("run-committed", &run);
    let held = Outcome::Held { reasons: reasons(), same_as: Some(RunId(7)) };
    for (name, trigger, mode_reason, outcome) in [
        ("unchanged", Trigger::Start, ModeReason::First, Outcome::Unchanged),
        ("held", Trigger::Manual(local()), ModeReason::ScopeChanged, held),
        ("failed", Trigger::Approval(RunId(7)), ModeReason::Asked, Outcome::Failed { error: "away".into() }),
    ] {
        frozen.check(&format!("run-{name}"), &Run { trigger, mode_reason, outcome, ..run.clone() });
    }
    frozen.check("run-changes", &changes());
    let undo = Trigger::Undo { run: RunId(7), by: local() };
    let (mode, mode_reason) = (Mode::Nothing, ModeReason::Undone);
    frozen.check("run-undo", &Run { trigger: undo, mode, mode_reason, ..run.clone() });
    frozen.check("run-hint", &Run { trigger: Trigger::ChangeNotification, ..run.clone() });
    let back = ObjectChange { what: What::CameBack, fields: Vec::new(), ..changes().remove(0) };
    frozen.check("run-changes-came-back", &vec![back]);
    frozen.check("vetoes", &vec![Veto { run: RunId(7), wishes: vec![guid(1), guid(2)] }]);
    let nameless = Quarantined { id: Some(guid(1)), dn: "CN=?".into(), reason: "It has no name.".into() };
    frozen.check("run-quarantine-2", &vec![nameless.clone()]);
    frozen.read("run-quarantine", &vec![Quarantined { id: None, ..nameless }]);
    let held = HeldRun {
        run: RunId(8),
        directory: "main".into(),
        since: at(1),
        reasons: reasons(),
        objects: vec![guid(1), guid(2)],
        approved: Some(local()),
    };
    frozen.check("held", &held);
    let limit = Limit { count: 50, percent: 10, floor: 3 };
    let mut reasons: Vec<HoldReason> = [Counted::Mails, Counted::Phones, Counted::Moves]
        .map(|kind| HoldReason::TooMany { kind, removed: 7, of: 300, limit })
        .into();
    reasons.push(HoldReason::Undone { run: RunId(7), changes: 300 });
    frozen.check("held-for-changes", &HeldRun { reasons, ..held.clone() });
    let gradually = HoldReason::Gradually { kind: Counted::Units, removed: 7, before: 8, of: 300, limit };
    frozen.check("held-after-others", &HeldRun { reasons: vec![gradually], ..held });
    cursors(frozen);
    for trouble in [Trouble::Held, Trouble::Failing, Trouble::Stale] {
        let alert = OpenAlert { trouble, since: at(1), last_told: at(2), reminders: 3 };
        let health = Health {
            known_since: at(0),
            last_good: Some(at(1)),
            failures: 4,
            failing_since: Some(at(2)),
            last_error: text("away"),
            held: Some(RunId(8)),
            alert: Some(alert),
            aside: Aside::default(),
        };
        frozen.read(&format!("health-{trouble:?}"), &health);
        frozen.check(&format!("health-{trouble:?}-2"), &health);
    }
    frozen.read("health-new", &Health::new(at(0)));
    frozen.check("health-new-2", &Health::new(at(0)));
    let whole = Run { mode: Mode::Full, outcome: Outcome::Unchanged, ..run };
    let aside = Quarantined { id: Some(guid(1)), dn: "CN=?".into(), reason: "odd".into() };
    let aside = Aside::default().after(&whole, &[aside]);
    let mut aside = aside;
    (aside.told, aside.grown) = (Some(301), Some(Grown { since: at(1), before: 300 }));
    frozen.check("health-aside", &Health { aside, ..Health::new(at(0)) });
}

fn cursors(frozen: &mut Frozen) {
    let bare = Cursor {
        scope: 1,
        server: "file.ldif".into(),
        position: Position::None,
        read_at: None,
        whole_at: None,
        sees_deletions: false,
    };
    let usn = UsnPosition { controller: Some(guid(4)), invocation: Some(guid(3)), highest: 300 };
    let cookie = Box::from(*b"cookie");
    for (name, position) in [
        ("none", Position::None),
        ("usn", Position::Usn(UsnPosition { controller: None, invocation: None, highest: 300 })),
        ("dirsync", Position::DirSync { at: usn, cookie }),
        ("content-sync", Position::ContentSync { cookie: Box::from(*b"rid=1") }),
        ("modify-timestamp", Position::ModifyTimestamp { since: "20261122230000Z".into() }),
    ] {
        let cursor = Cursor {
            position,
            read_at: Some(at(2)),
            whole_at: Some(at(1)),
            sees_deletions: true,
            ..bare.clone()
        };
        frozen.check(&format!("cursor-{name}"), &cursor);
    }
    frozen.read("cursor", &Cursor { scope: u64::MAX, server: "ldap://dc1".into(), ..bare.clone() });
    frozen.read("cursor-bare", &bare);
}

#[test]
fn a_newer_schema_and_nonsense_are_told_apart() {
    let mut bytes = Instance(7).encode().unwrap();
    assert_eq!(Instance::decode(&bytes), Ok(Instance(7)));
    bytes.push(0);
    assert!(matches!(Instance::decode(&bytes), Err(RecordError::Unreadable { .. })));
    bytes[1] = 2;
    let newer = RecordError::TooNew { kind: Kind::Instance, schema: 2 };
    assert_eq!(Instance::decode(&bytes), Err(newer.clone()));
    assert_eq!(check_schema(Kind::Instance, &bytes), Err(newer));
    for nonsense in [&[][..], &[0], &[0, 0, 7], &[0, 1]] {
        assert!(matches!(Instance::decode(nonsense), Err(RecordError::Unreadable { .. })), "{nonsense:?}");
    }
}

#[test]
fn the_kinds_keep_their_numbers() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_byte(*kind as u8), Some(*kind));
        // Below are the engine's own rows, above the chunks of long values.
        assert!((0x10..0xf0).contains(&(*kind as u8)));
    }
    assert_eq!(Numbers::Subscriber as usize + 1, NUMBERS);
}

#[test]
fn keys_sort_as_what_they_stand_for() {
    assert!(
        time_key(Kind::Audit, -1, 9) < time_key(Kind::Audit, 0, 1)
            && time_key(Kind::Audit, 0, 1) < time_key(Kind::Audit, 0, 2)
            && time_key(Kind::Audit, i64::MIN, 9) < time_key(Kind::Audit, -1, 1)
    );
    assert!(number_key(Kind::Run, 255) < number_key(Kind::Run, 256));
    let of_ab = run_of_key(&"ab".into(), 1);
    assert!(!of_ab.starts_with(&runs_of(&"a".into())) && of_ab.starts_with(&runs_of(&"ab".into())));
    assert_eq!(number_of(&of_ab), Some(1));
}

#[test]
fn identities_that_are_counted_up_spread_over_the_buckets() {
    let mut used = std::collections::HashSet::new();
    for n in 0..10_000_u32 {
        let mut bytes = [0; 16];
        bytes[12..].copy_from_slice(&n.to_be_bytes());
        used.insert(bucket(Guid(bytes)));
    }
    assert!(used.len() > 9000, "{}", used.len());
}

#[test]
fn a_pack_counts_its_objects() {
    let unit = |n| Unit {
        id: UnitId(guid(n)),
        directory: "main".into(),
        parent: UnitId::ROOT,
        above: UnitId::ROOT.0,
        name: "IT".into(),
        managed_by: None,
    };
    let pack = Pack((0..200).map(|n| Arc::new(unit(n))).collect());
    assert_eq!(things(Kind::Units, &pack.encode().unwrap()), 200);
    assert_eq!(things(Kind::Instance, &Instance(7).encode().unwrap()), 1);
}
