//! Records as they were once written, and what they are now.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::absence::{Absence, Origin};
use crate::domain::alert::aside::Aside;
use crate::domain::alert::{Health, OpenAlert};
use crate::domain::delta::ObjectKind;
use crate::domain::directory::{Group, Quarantined, Unit, User, UserFields};
use crate::domain::gone::Gone;
use crate::domain::ids::{
    AbsenceId, ChannelName, DirectoryName, GroupId, Guid, MessageId, NoticeId, OutageId, RunId, UnitId,
    UserId,
};
use crate::domain::mailbox::Address;
use crate::domain::notice::{Message, MessageState, Priority, Recipient};
use crate::domain::outage::edit::Edit;
use crate::domain::outage::maintenance::Plan;
use crate::domain::outage::said::PlainUpdate;
use crate::domain::outage::{Outage, Severity, Update};
use crate::domain::run::{Cursor, Position};
use crate::domain::subscriber;
use crate::domain::undo::{Object, Step};

/// A user, without what a later read of changes needs. The cursor of its time makes the next read a whole one, which tells.
#[derive(Deserialize)]
pub(super) struct UserV1 {
    id: UserId,
    directory: DirectoryName,
    unit: UnitId,
    rdn: Box<str>,
    account: Box<str>,
    upn: Option<Box<str>>,
    name: Box<str>,
    mail: Option<Box<str>>,
    phone: Option<Box<str>>,
    mobile: Option<Box<str>>,
    title: Option<Box<str>>,
    manager: Option<UserId>,
    language: Option<Box<str>>,
    enabled: bool,
    expires: Option<DateTime<Utc>>,
}

impl From<UserV1> for User {
    fn from(old: UserV1) -> User {
        let fields = UserFields {
            id: old.id,
            directory: old.directory,
            unit: old.unit,
            above: old.unit.0,
            named: old.name != old.rdn,
            rdn: old.rdn,
            account: old.account,
            upn: old.upn,
            name: old.name,
            mail: old.mail,
            phone: old.phone,
            mobile: old.mobile,
            title: old.title,
            manager: old.manager,
            language: old.language,
            enabled: old.enabled,
            expires: old.expires,
            unit_path: None,
            marks: None,
            away: None,
        };
        fields.into()
    }
}

/// A user, without marks and absences. Written so, too, where a user stands within another record.
#[derive(Deserialize)]
pub(super) struct UserV2 {
    id: UserId,
    directory: DirectoryName,
    unit: UnitId,
    above: Guid,
    rdn: Box<str>,
    account: Box<str>,
    upn: Option<Box<str>>,
    name: Box<str>,
    named: bool,
    mail: Option<Box<str>>,
    phone: Option<Box<str>>,
    mobile: Option<Box<str>>,
    title: Option<Box<str>>,
    manager: Option<UserId>,
    language: Option<Box<str>>,
    enabled: bool,
    expires: Option<DateTime<Utc>>,
    unit_path: Option<Box<str>>,
}

impl From<UserV2> for User {
    fn from(old: UserV2) -> User {
        let fields = UserFields {
            id: old.id,
            directory: old.directory,
            unit: old.unit,
            above: old.above,
            rdn: old.rdn,
            account: old.account,
            upn: old.upn,
            name: old.name,
            named: old.named,
            mail: old.mail,
            phone: old.phone,
            mobile: old.mobile,
            title: old.title,
            manager: old.manager,
            language: old.language,
            enabled: old.enabled,
            expires: old.expires,
            unit_path: old.unit_path,
            marks: None,
            away: None,
        };
        fields.into()
    }
}

/// An object with a [`UserV2`].
#[derive(Deserialize)]
enum ObjectV1 {
    User(Box<UserV2>),
    Unit(Arc<Unit>),
    Group(Arc<Group>),
}

impl From<ObjectV1> for Object {
    fn from(old: ObjectV1) -> Object {
        match old {
            ObjectV1::User(user) => Object::User(Arc::new((*user).into())),
            ObjectV1::Unit(unit) => Object::Unit(unit),
            ObjectV1::Group(group) => Object::Group(group),
        }
    }
}

/// A step with such an object.
#[derive(Deserialize)]
pub(super) struct StepV1 {
    kind: ObjectKind,
    id: Guid,
    before: Option<ObjectV1>,
    after: Option<u64>,
    joined: Vec<Guid>,
    left: Vec<Guid>,
}

impl From<StepV1> for Step {
    fn from(old: StepV1) -> Step {
        let StepV1 { kind, id, before, after, joined, left } = old;
        Step { kind, id, before: before.map(Into::into), after, joined, left }
    }
}

/// Something gone, with such an object.
#[derive(Deserialize)]
pub(super) struct GoneV1 {
    id: Guid,
    directory: DirectoryName,
    unit: Box<str>,
    since: DateTime<Utc>,
    run: RunId,
    object: ObjectV1,
}

impl From<GoneV1> for Gone {
    fn from(old: GoneV1) -> Gone {
        let GoneV1 { id, directory, unit, since, run, object } = old;
        Gone { id, directory, unit, since, run, object: object.into() }
    }
}

/// An absence, entered by hand: there were no others.
#[derive(Deserialize)]
pub(super) struct AbsenceV1 {
    id: AbsenceId,
    user: UserId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    deputy: Option<UserId>,
    note: Option<Box<str>>,
}

impl From<AbsenceV1> for Absence {
    fn from(old: AbsenceV1) -> Absence {
        let AbsenceV1 { id, user, from, until, deputy, note } = old;
        Absence { id, user, from, until, deputy, note, origin: Origin::ByHand }
    }
}

/// It couldn't ask to be taken on yet; nothing is stored of it.
#[derive(Deserialize)]
pub(super) struct NoAck;

impl From<NoAck> for bool {
    fn from(_: NoAck) -> bool {
        false
    }
}

/// An outage, before one could ask to be taken on.
pub(super) type OutageV2 = OldOutage<NoAck>;

/// An outage, before it was kept what the system says in it.
pub(super) type OutageV3 = OldOutage<bool>;

/// An outage with words as they were once kept.
#[derive(Deserialize)]
pub(super) struct OldOutage<A> {
    id: OutageId,
    title: Box<str>,
    severity: Severity,
    services: Vec<Box<str>>,
    units: Vec<UnitId>,
    updates: Vec<PlainUpdate>,
    plan: Option<Plan>,
    also: Vec<Address>,
    edits: Vec<Edit>,
    silent: u32,
    nags: u32,
    ack: A,
}

impl<A: Into<bool>> From<OldOutage<A>> for Outage {
    fn from(old: OldOutage<A>) -> Outage {
        let OldOutage { id, title, severity, services, units, updates, plan, also, edits, silent, nags, ack } =
            old;
        let (updates, ack) = (updates.into_iter().map(Update::from).collect(), ack.into());
        Outage { id, title, severity, services, units, updates, plan, also, edits, silent, nags, ack }
    }
}

/// How a directory's sync is doing, without what is set aside.
#[derive(Deserialize)]
pub(super) struct HealthV1 {
    known_since: DateTime<Utc>,
    last_good: Option<DateTime<Utc>>,
    failures: u32,
    failing_since: Option<DateTime<Utc>>,
    last_error: Option<Box<str>>,
    held: Option<RunId>,
    alert: Option<OpenAlert>,
}

impl From<HealthV1> for Health {
    fn from(old: HealthV1) -> Health {
        let HealthV1 { known_since, last_good, failures, failing_since, last_error, held, alert } = old;
        let aside = Aside::default();
        Health { known_since, last_good, failures, failing_since, last_error, held, alert, aside }
    }
}

/// A unit.
#[derive(Deserialize)]
pub(super) struct UnitV1 {
    id: UnitId,
    directory: DirectoryName,
    parent: UnitId,
    name: Box<str>,
    managed_by: Option<UserId>,
}

impl From<UnitV1> for Unit {
    fn from(old: UnitV1) -> Unit {
        Unit {
            id: old.id,
            directory: old.directory,
            parent: old.parent,
            above: old.parent.0,
            name: old.name,
            managed_by: old.managed_by,
        }
    }
}

/// A group, its members by kind.
#[derive(Deserialize)]
pub(super) struct GroupV1 {
    id: GroupId,
    directory: DirectoryName,
    name: Box<str>,
    account: Box<str>,
    users: Vec<UserId>,
    groups: Vec<GroupId>,
}

impl From<GroupV1> for Group {
    fn from(old: GroupV1) -> Group {
        let users = old.users.into_iter().map(|id| id.0);
        let mut members: Vec<Guid> = users.chain(old.groups.into_iter().map(|id| id.0)).collect();
        members.sort_unstable();
        members.dedup();
        Group {
            id: old.id,
            directory: old.directory,
            name: old.name,
            account: old.account,
            above: Guid::default(),
            members: members.into(),
        }
    }
}

/// A cursor that no read could go on from.
#[derive(Deserialize)]
pub(super) struct CursorV1 {
    scope: u64,
    server: Box<str>,
    #[serde(rename = "highest_usn")]
    _highest_usn: Option<u64>,
}

impl From<CursorV1> for Cursor {
    fn from(old: CursorV1) -> Cursor {
        let CursorV1 { scope, server, .. } = old;
        Cursor {
            scope,
            server,
            position: Position::None,
            read_at: None,
            whole_at: None,
            sees_deletions: false,
        }
    }
}

/// What was set aside, by name only.
#[derive(Deserialize)]
pub(super) struct QuarantinedV1 {
    dn: Box<str>,
    reason: Box<str>,
}

impl From<QuarantinedV1> for Quarantined {
    fn from(old: QuarantinedV1) -> Quarantined {
        Quarantined { id: None, dn: old.dn, reason: old.reason }
    }
}

/// Who gets a mail.
#[derive(Deserialize)]
pub(super) struct RecipientV1 {
    name: Box<str>,
    mail: Address,
    why: Box<str>,
}

impl From<RecipientV1> for Recipient {
    fn from(RecipientV1 { name, mail, why }: RecipientV1) -> Recipient {
        Recipient::by_mail(name, mail, why)
    }
}

/// Who gets a message, without which user that is.
#[derive(Deserialize)]
pub(super) struct RecipientV2 {
    name: Box<str>,
    mail: Option<Address>,
    phone: Option<Box<str>>,
    why: Box<str>,
    channel: ChannelName,
}

impl From<RecipientV2> for Recipient {
    fn from(RecipientV2 { name, mail, phone, why, channel }: RecipientV2) -> Recipient {
        RecipientV3 { name, mail, phone, why, channel, user: None }.into()
    }
}

/// Who gets a message, without which subscriber that is: that was in the reason.
#[derive(Deserialize)]
pub(super) struct RecipientV3 {
    name: Box<str>,
    mail: Option<Address>,
    phone: Option<Box<str>>,
    why: Box<str>,
    channel: ChannelName,
    user: Option<UserId>,
}

impl From<RecipientV3> for Recipient {
    fn from(RecipientV3 { name, mail, phone, why, channel, user }: RecipientV3) -> Recipient {
        let subscriber = why.strip_prefix(subscriber::WHY).and_then(|number| number.parse().ok());
        Recipient { name, mail, phone, why, channel, user, subscriber }
    }
}

/// There was no priority yet; nothing is stored of it.
#[derive(Deserialize)]
pub(super) struct NoPriority;

impl From<NoPriority> for Priority {
    fn from(_: NoPriority) -> Priority {
        Priority::Normal
    }
}

/// A mail: there was no other channel.
pub(super) type MessageV1 = OldMessage<RecipientV1, NoPriority>;

/// A message to a recipient of whom it isn't known which user that is.
pub(super) type MessageV2 = OldMessage<RecipientV2, Priority>;

/// A message to a recipient of whom only the reason says which subscriber that is.
pub(super) type MessageV3 = OldMessage<RecipientV3, Priority>;

/// A message that leaves by itself.
pub(super) type MessageV4 = OldMessage<Recipient, Priority>;

/// A message whose times are text: with the first of those that it leaves with.
#[derive(Deserialize)]
pub(super) struct MessageV5(MessageV4, Option<MessageId>);

impl From<MessageV5> for Message {
    fn from(MessageV5(old, together): MessageV5) -> Message {
        Message { together, ..old.into() }
    }
}

/// A message to a recipient as they were described once.
#[derive(Deserialize)]
pub(super) struct OldMessage<R, P> {
    id: MessageId,
    notice: NoticeId,
    recipient: R,
    priority: P,
    state: MessageState,
    attempts: u32,
    at: DateTime<Utc>,
    due: DateTime<Utc>,
    changed: DateTime<Utc>,
    answer: Option<Box<str>>,
}

impl<R: Into<Recipient>, P: Into<Priority>> From<OldMessage<R, P>> for Message {
    fn from(old: OldMessage<R, P>) -> Message {
        let OldMessage { id, notice, recipient, priority, state, attempts, at, due, changed, answer } = old;
        let (recipient, priority) = (recipient.into(), priority.into());
        Message { id, notice, recipient, priority, state, attempts, at, due, changed, answer, together: None }
    }
}
