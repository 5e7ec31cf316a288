//! A delta as lines for a person or a program.

use std::collections::HashMap;

use super::{Changes, Delta};
use crate::domain::directory::{Group, Unit, User};
use crate::domain::ids::Guid;
use crate::domain::shape::BETWEEN;

/// How one attribute of one object changed, in words. Another object is named with its identity behind it:
/// `Care (0c1d…-…)` ([`without_id`]).
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct FieldChange {
    /// The field as the API names it (`phone`). Of a group, there is a `member` for each that came (`after`) or went (`before`), besides
    /// `members`, how many there are.
    pub field: Box<str>,
    /// Its value before, None when it had none.
    pub before: Option<Box<str>>,
    /// Its value after, None when it has none.
    pub after: Option<Box<str>>,
}

/// What happened to an object in a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is new.
    Added,
    /// It differs.
    Changed,
    /// It is gone.
    Removed,
    /// It was gone, and is there again.
    CameBack,
}

/// The kind of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A user.
    User,
    /// A unit.
    Unit,
    /// A group.
    Group,
}

impl std::fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ObjectKind::User => "user",
            ObjectKind::Unit => "unit",
            ObjectKind::Group => "group",
        })
    }
}

/// One line of a run's history: an object and what happened to it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ObjectChange {
    /// User, unit or group.
    pub kind: ObjectKind,
    /// Its identity.
    pub id: Guid,
    /// What it is called, after the change if it is still there.
    pub name: Box<str>,
    /// Added, changed or removed.
    pub what: What,
    /// The fields that differ, before and after; of what came all that it has, and of what went all that it had.
    pub fields: Vec<FieldChange>,
}

/// The delta as lines for a person or a program: units, then users, then groups; removals first.
///
/// `name` gives an object of any kind its name, where a line speaks of one that isn't in the delta itself. It is asked for
/// [`UnitId::ROOT`](crate::domain::ids::UnitId::ROOT), too. A line of a change has at least one field: what nobody sees makes no line.
pub fn describe(delta: &Delta, name: impl Fn(Guid) -> Option<Box<str>>) -> Vec<ObjectChange> {
    let named = names(delta);
    let name = |id: Guid| named.get(&id).map(|name| Box::from(*name)).or_else(|| name(id));
    let reference =
        |id: Guid| name(id).map_or_else(|| id.to_string().into(), |name| format!("{name} ({id})").into());
    let mut lines = Vec::with_capacity(delta.len());
    lines.extend(lines_of(
        &delta.units,
        ObjectKind::Unit,
        |u| (u.id.0, u.name.clone()),
        |b, a| unit_fields(b, a, reference),
    ));
    lines.extend(lines_of(
        &delta.users,
        ObjectKind::User,
        |u| (u.id.0, u.name().into()),
        |b, a| user_fields(b, a, reference),
    ));
    lines.extend(lines_of(
        &delta.groups,
        ObjectKind::Group,
        |g| (g.id.0, g.name.clone()),
        |b, a| group_fields(b, a, reference),
    ));
    lines
}

/// What another object is called, of how a line names it.
pub fn without_id(reference: &str) -> &str {
    let split = reference.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    split.filter(|(_, id)| id.parse::<Guid>().is_ok()).map_or(reference, |(name, _)| name)
}

fn unit_fields(b: Option<&Unit>, a: Option<&Unit>, name: impl Fn(Guid) -> Box<str>) -> Vec<FieldChange> {
    let mut fields = Fields::default();
    fields.both("name", b, a, |u| Some(u.name.clone()));
    fields.both("parent", b, a, |u| Some(name(u.parent.0)));
    fields.both("managed_by", b, a, |u| u.managed_by.map(|id| name(id.0)));
    fields.both("directory", b, a, |u| text(Some(&u.directory)));
    fields.0
}

fn user_fields(b: Option<&User>, a: Option<&User>, name: impl Fn(Guid) -> Box<str>) -> Vec<FieldChange> {
    let mut fields = Fields::default();
    fields.both("name", b, a, |u| Some(u.name()));
    fields.both("account", b, a, |u| Some(u.account()));
    fields.both("unit", b, a, |u| Some(name(u.unit.0)));
    fields.both("rdn", b, a, |u| Some(u.rdn()));
    fields.both("upn", b, a, |u| u.upn());
    fields.both("mail", b, a, |u| u.mail());
    fields.both("phone", b, a, |u| u.phone());
    fields.both("mobile", b, a, |u| u.mobile());
    fields.both("title", b, a, |u| u.title());
    fields.both("manager", b, a, |u| u.manager.map(|id| name(id.0)));
    fields.both("language", b, a, |u| u.language());
    fields.both("enabled", b, a, |u| text(Some(u.enabled)));
    fields.both("expires", b, a, |u| text(u.expires));
    fields.both("marks", b, a, |u| u.marks_text().map(|marks| marks.replace(BETWEEN, ", ")));
    fields.both("away", b, a, |u| u.away().map(|away| away.replace(BETWEEN, ", ")));
    fields.both("directory", b, a, |u| text(Some(&u.directory)));
    fields.0
}

fn group_fields(b: Option<&Group>, a: Option<&Group>, name: impl Fn(Guid) -> Box<str>) -> Vec<FieldChange> {
    let mut fields = Fields::default();
    fields.both("name", b, a, |g| Some(g.name.clone()));
    fields.both("account", b, a, |g| Some(g.account.clone()));
    fields.members(b.map(|g| &*g.members), a.map(|g| &*g.members), name);
    fields.both("directory", b, a, |g| text(Some(&g.directory)));
    fields.0
}

/// Says of what was added and was gone before that it came back.
pub fn mark_returns(lines: &mut [ObjectChange], gone: impl Fn(Guid) -> bool) {
    for line in lines.iter_mut().filter(|line| line.what == What::Added && gone(line.id)) {
        line.what = What::CameBack;
    }
}

fn text(value: Option<impl std::fmt::Display>) -> Option<Box<str>> {
    value.map(|v| v.to_string().into())
}

fn lines_of<T>(
    changes: &Changes<T>,
    kind: ObjectKind,
    who: impl Fn(&T) -> (Guid, Box<str>),
    fields: impl Fn(Option<&T>, Option<&T>) -> Vec<FieldChange>,
) -> Vec<ObjectChange> {
    let line = |object: &T, what, fields| {
        let (id, name) = who(object);
        ObjectChange { kind, id, name, what, fields }
    };
    let removed = changes.removed.iter().map(|o| line(o, What::Removed, fields(Some(o), None)));
    let added = changes.added.iter().map(|o| line(o, What::Added, fields(None, Some(o))));
    let changed = changes.changed.iter().map(|(b, a)| line(a, What::Changed, fields(Some(b), Some(a))));
    removed.chain(added).chain(changed.filter(|line| !line.fields.is_empty())).collect()
}

#[derive(Default)]
struct Fields(Vec<FieldChange>);

impl Fields {
    /// One field of both, where it differs.
    fn both<'a, O, T: Into<Box<str>> + PartialEq>(
        &mut self,
        field: &str,
        before: Option<&'a O>,
        after: Option<&'a O>,
        value: impl Fn(&'a O) -> Option<T>,
    ) {
        self.add(field, before.and_then(&value), after.and_then(&value));
    }

    fn add<T: Into<Box<str>> + PartialEq>(&mut self, field: &str, before: Option<T>, after: Option<T>) {
        if before != after {
            let (before, after) = (before.map(Into::into), after.map(Into::into));
            self.0.push(FieldChange { field: field.into(), before, after });
        }
    }

    /// How many there are, and who came and who went.
    fn members(&mut self, before: Option<&[Guid]>, after: Option<&[Guid]>, name: impl Fn(Guid) -> Box<str>) {
        let (b, a) = (before.unwrap_or_default(), after.unwrap_or_default());
        let gone: Vec<Guid> = b.iter().filter(|m| a.binary_search(m).is_err()).copied().collect();
        let come: Vec<Guid> = a.iter().filter(|m| b.binary_search(m).is_err()).copied().collect();
        let numbers = match (before, after) {
            (Some(_), Some(_)) if gone.is_empty() && come.is_empty() => return,
            (Some(_), Some(_)) => Some(format!("{} (+{} −{})", a.len(), come.len(), gone.len()).into()),
            (_, after) => text(after.map(<[Guid]>::len)),
        };
        self.add("members", text(before.map(<[Guid]>::len)), numbers);
        for id in gone.iter().take(NAMED) {
            self.add("member", Some(name(*id)), None);
        }
        for id in come.iter().take(NAMED) {
            self.add("member", None, Some(name(*id)));
        }
        let more = |ids: &[Guid]| (ids.len() > NAMED).then(|| format!("… and {} more", ids.len() - NAMED));
        self.add("member", more(&gone), None);
        self.add("member", None, more(&come));
    }
}

/// So many members of a group are named of those that came in one run, and so many of those that went: enough for any group that a person has
/// put together, and no more memory than can be had.
const NAMED: usize = 10_000;

/// What the objects in a delta are called.
fn names(delta: &Delta) -> HashMap<Guid, &str> {
    let users = delta.users.removed.iter().chain(delta.users.written()).map(|u| (u.id.0, u.name()));
    let units = delta.units.removed.iter().chain(delta.units.written()).map(|u| (u.id.0, &*u.name));
    let groups = delta.groups.removed.iter().chain(delta.groups.written()).map(|g| (g.id.0, &*g.name));
    users.chain(units).chain(groups).collect()
}
