//! Which table holds which kind of records, and what its columns say to people.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::domain::absence::Absence;
use crate::domain::alert::Health;
use crate::domain::audit::{self, Actor};
use crate::domain::changes::ChangeAt;
use crate::domain::directory::{Group, Unit, User};
use crate::domain::ids::Guid;
use crate::domain::notice::{Message, MessageState};
use crate::domain::outage::Outage;
use crate::domain::roles::{Assignment, Holder, Place};
use crate::domain::run::{Outcome, Run};
use crate::domain::subject::Subject;

use super::super::jobs::trouble::Trouble;
use super::super::jobs::tx::decode;
use super::super::records::{Kind, NoticeRow, Pack, Packed, number_of};
use super::super::types::AttemptLog;

/// A table of records.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether nodes follow what changes in it: it has a `generation`, and what is removed of it is noted.
    pub(super) followed: bool,
    /// Its columns beside those, with their types.
    pub(super) columns: &'static [(&'static str, &'static str)],
}

macro_rules! tables {
    ($($table:ident $name:literal $followed:literal [$($column:literal $type:literal),* $(,)?]);+ $(;)?) => {
        $(pub(super) static $table: Table = Table { name: $name, followed: $followed, columns: &[$(($column, $type)),*] };)+
        /// All of them.
        pub(super) static ALL: &[&Table] = &[$(&$table),+];
    };
}

tables! {
    USERS "users" true [
        "id" "uuid", "directory" "text", "unit" "uuid", "account" "text", "name" "text", "mail" "text", "phone" "text",
        "title" "text", "manager" "uuid", "enabled" "boolean", "expires" "timestamptz",
    ];
    UNITS "units" true ["id" "uuid", "directory" "text", "parent" "uuid", "name" "text", "managed_by" "uuid"];
    GROUPS "groups" true ["id" "uuid", "directory" "text", "name" "text", "account" "text", "members" "bigint"];
    ASSIGNMENTS "assignments" true [
        "id" "bigint", "role" "text", "user_id" "uuid", "outside" "text", "place" "text", "unit" "uuid", "rank" "bigint",
        "starts" "timestamptz", "ends" "timestamptz",
    ];
    ABSENCES "absences" true [
        "id" "bigint", "user_id" "uuid", "starts" "timestamptz", "ends" "timestamptz", "deputy" "uuid", "note" "text",
    ];
    SUBJECTS "subjects" true ["name" "text", "title" "text", "owner" "uuid"];
    OUTAGES "outages" true [
        "id" "bigint", "title" "text", "severity" "text", "state" "text", "opened" "timestamptz", "ended" "timestamptz",
    ];
    DIRECTORIES "directories" true [
        "name" "text", "last_good" "timestamptz", "failures" "bigint", "last_error" "text", "held_run" "bigint",
    ];
    RECORDS "records" true ["kind" "text"];
    RUNS "runs" false [
        "id" "bigint", "directory" "text", "started" "timestamptz", "ended" "timestamptz", "outcome" "text", "error" "text",
    ];
    HISTORY "history" false ["kind" "text"];
    NOTICES "notices" false [
        "id" "bigint", "event" "text", "kind" "text", "at" "timestamptz", "expires" "timestamptz", "messages" "bigint",
    ];
    MESSAGES "messages" false [
        "id" "bigint", "notice" "bigint", "channel" "text", "recipient" "text", "address" "text", "priority" "bigint",
        "state" "text", "attempts" "bigint", "at" "timestamptz", "due" "timestamptz", "changed" "timestamptz",
        "answer" "text", "node" "bigint",
    ];
    ATTEMPTS "attempts" false ["message" "bigint", "at" "timestamptz", "state" "text", "answer" "text"];
    AUDIT "audit" false ["at" "timestamptz", "by" "text", "action" "text", "object" "text", "why" "text"];
    CONTACT_CHANGES "contact_changes" false ["at" "timestamptz", "by" "text", "role" "text", "users" "bigint"];
}

/// The table of a kind of records. [`Kind::Numbers`] have one of their own, which is none of these.
pub(super) fn table_of(kind: Kind) -> &'static Table {
    match kind {
        Kind::Users => &USERS,
        Kind::Units => &UNITS,
        Kind::Groups => &GROUPS,
        Kind::Assignment => &ASSIGNMENTS,
        Kind::Absence => &ABSENCES,
        Kind::Subject => &SUBJECTS,
        Kind::Outage => &OUTAGES,
        Kind::Health => &DIRECTORIES,
        Kind::Run => &RUNS,
        Kind::Notice => &NOTICES,
        Kind::Message => &MESSAGES,
        Kind::Attempt => &ATTEMPTS,
        Kind::Audit => &AUDIT,
        Kind::ContactChange => &CONTACT_CHANGES,
        Kind::RunChanges
        | Kind::RunQuarantine
        | Kind::RunOf
        | Kind::RunSteps
        | Kind::NoticeOf
        | Kind::Thread
        | Kind::Pace
        | Kind::Gathering
        | Kind::Together
        | Kind::Past => &HISTORY,
        Kind::Instance
        | Kind::Numbers
        | Kind::Containers
        | Kind::Gone
        | Kind::List
        | Kind::GivenOut
        | Kind::AbsenceSource
        | Kind::Feed
        | Kind::Followed
        | Kind::Beat
        | Kind::CoverageTold
        | Kind::Cursor
        | Kind::Held
        | Kind::Vetoes
        | Kind::Arranged
        | Kind::ContactsSeen
        | Kind::ContactsTold
        | Kind::DutiesSent
        | Kind::Delivery
        | Kind::Mark
        | Kind::ReturnKey
        | Kind::Climb
        | Kind::Lasting
        | Kind::Silence
        | Kind::Subscriber
        | Kind::Inhibited => &RECORDS,
    }
}

/// What stands in a row's columns, as text; None: nothing.
pub(super) type Cells = Vec<Option<String>>;

/// What a record says to people, in the order of its table's columns. `node` is who writes it.
pub(super) fn cells(kind: Kind, key: &[u8], value: &[u8], node: i64) -> Result<Cells, Trouble> {
    let number = || number_of(key).map(|n| n.to_string());
    Ok(match kind {
        Kind::Users => object(value, |user: &User| {
            vec![
                id(user.id.0),
                text(&user.directory),
                id(user.unit.0),
                text(user.account()),
                text(user.name()),
                user.mail().and_then(text),
                user.phone().and_then(text),
                user.title().and_then(text),
                user.manager.and_then(|manager| id(manager.0)),
                Some(user.enabled.to_string()),
                user.expires.and_then(time),
            ]
        })?,
        Kind::Units => object(value, |unit: &Unit| {
            vec![
                id(unit.id.0),
                text(&unit.directory),
                id(unit.parent.0),
                text(&unit.name),
                unit.managed_by.and_then(|by| id(by.0)),
            ]
        })?,
        Kind::Groups => object(value, |group: &Group| {
            let members = Some(group.members.len().to_string());
            vec![id(group.id.0), text(&group.directory), text(&group.name), text(&group.account), members]
        })?,
        Kind::Assignment => assignment(&decode(value)?),
        Kind::Absence => {
            let Absence { id: number, user, from, until, deputy, note, .. } = decode(value)?;
            let deputy = deputy.and_then(|deputy| id(deputy.0));
            vec![text(number), id(user.0), time(from), time(until), deputy, note.and_then(text)]
        }
        Kind::Subject => {
            let Subject { name, title, owner } = decode(value)?;
            vec![text(&name), text(title), owner.and_then(|owner| id(owner.0))]
        }
        Kind::Outage => {
            let outage: Outage = decode(value)?;
            let (severity, state) = (word(&outage.severity), word(&outage.state()));
            let (opened, ended) = (outage.opened_at().and_then(time), outage.ended_at().and_then(time));
            vec![number(), text(outage.title), severity, state, opened, ended]
        }
        Kind::Health => {
            let health: Health = decode(value)?;
            let name = String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned();
            let (failures, held) =
                (Some(health.failures.to_string()), health.held.map(|run| run.0.to_string()));
            let error = health.last_error.and_then(text);
            vec![Some(clean(&name)), health.last_good.and_then(time), failures, error, held]
        }
        Kind::Run => {
            let run: Run = decode(value)?;
            let (outcome, error) = match run.outcome {
                Outcome::Committed { .. } => ("committed", None),
                Outcome::Unchanged => ("unchanged", None),
                Outcome::Held { .. } => ("held", None),
                Outcome::Failed { error } => ("failed", text(error)),
            };
            vec![number(), text(&run.directory), time(run.started), time(run.ended), text(outcome), error]
        }
        Kind::Notice => {
            let NoticeRow { notice, messages, .. } = decode(value)?;
            let kind = Some(format!("{:?}", notice.facts.kind()).to_lowercase());
            let (event, messages) = (text(&notice.event.0), Some(messages.to_string()));
            vec![number(), event, kind, time(notice.at), time(notice.expires), messages]
        }
        Kind::Message => message(decode(value)?, node),
        Kind::Attempt => {
            let AttemptLog { at, state, answer } = decode(value)?;
            let message = key.get(..9).and_then(number_of).map(|n| n.to_string());
            vec![message, time(at), text(state), text(answer)]
        }
        Kind::Audit => {
            let entry: audit::Entry = decode(value)?;
            let by = match entry.by {
                Actor::System => text("budkavle"),
                Actor::Local { name, .. } | Actor::Source(name) => text(name),
            };
            vec![time(entry.at), by, text(entry.action), text(entry.object), entry.why.and_then(text)]
        }
        Kind::ContactChange => {
            let ChangeAt { at, by, change } = decode(value)?;
            vec![time(at), Some(format!("{by:?}")), text(&change.role), Some(change.users.to_string())]
        }
        _ => vec![text(kind.name())],
    })
}

fn assignment(of: &Assignment) -> Cells {
    let (user, outside) = match &of.holder {
        Holder::User(user) => (id(user.0), None),
        Holder::Outside { name, mail } => (None, Some(clean(&format!("{name} <{mail}>")))),
    };
    let (place, unit) = match &of.place {
        Place::Organisation => ("organisation".to_owned(), None),
        Place::Unit(unit) => ("unit".to_owned(), id(unit.0)),
        Place::OwnUnit => ("own unit".to_owned(), None),
        Place::Directory(name) => (format!("directory {name}"), None),
        Place::Subject(name) => (format!("subject {name}"), None),
    };
    let (starts, ends) = (of.from.and_then(time), of.until.and_then(time));
    let rank = Some(of.rank.to_string());
    vec![text(of.id), text(&of.role), user, outside, text(place), unit, rank, starts, ends]
}

fn message(message: Message, node: i64) -> Cells {
    let Message { id, notice, recipient, priority, state, attempts, at, due, changed, answer, together: _ } =
        message;
    let address = recipient.mail.as_ref().and_then(text).or_else(|| recipient.phone.as_ref().and_then(text));
    let node = (state == MessageState::Sending).then(|| node.to_string());
    vec![
        text(id),
        text(notice),
        text(&recipient.channel),
        text(&recipient.name),
        address,
        Some((priority as u8).to_string()),
        text(state),
        Some(attempts.to_string()),
        time(at),
        time(due),
        time(changed),
        answer.and_then(text),
        node,
    ]
}

fn object<T: Packed>(value: &[u8], cells: impl FnOnce(&T) -> Cells) -> Result<Cells, Trouble> {
    let Pack(objects) = decode::<Pack<T>>(value)?;
    Ok(objects.first().map(|object| cells(object)).unwrap_or_default())
}

fn text(value: impl ToString) -> Option<String> {
    Some(clean(&value.to_string()))
}

/// PostgreSQL's texts have no NUL.
fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

fn id(id: Guid) -> Option<String> {
    Some(id.to_string())
}

/// To the microsecond, which is what the database keeps; what is earlier than it knows is its earliest.
pub(super) fn time(at: DateTime<Utc>) -> Option<String> {
    match at.timestamp() {
        ..=-60_000_000_000 => Some("-infinity".into()),
        250_000_000_000.. => Some("infinity".into()),
        _ => Some(at.to_rfc3339_opts(SecondsFormat::Micros, true)),
    }
}

fn word(value: &impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Some(word),
        _ => None,
    }
}
