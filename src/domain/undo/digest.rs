//! What people see of an object, and a digest of it.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::delta::ObjectKind;
use crate::domain::directory::{Group, Unit, User};
use crate::domain::ids::Guid;

/// What people see of an object.
pub(super) trait Visible {
    const KIND: ObjectKind;
    fn guid(&self) -> Guid;
    /// Each field with its value.
    fn fields(&self) -> Vec<Field>;

    /// The members, in order; those of a group.
    fn members(&self) -> &[Guid] {
        &[]
    }

    /// The object without its members.
    fn emptied(this: &Arc<Self>) -> Arc<Self> {
        Arc::clone(this)
    }

    /// The object with other members.
    fn with_members(this: &Arc<Self>, _members: Vec<Guid>) -> Arc<Self> {
        Arc::clone(this)
    }

    /// Of all values, and independent of how objects are written. A field that says nothing makes no difference, so that fields
    /// can be added to the model.
    fn digest(&self) -> u64 {
        let mut bytes = Vec::new();
        for Field { name, value } in self.fields() {
            if let Some(value) = value {
                bytes.extend(name.as_bytes());
                bytes.extend((value.len() as u64).to_le_bytes());
                bytes.extend(value);
            }
        }
        self.members().iter().for_each(|member| bytes.extend(member.0));
        xxh3_64(&bytes)
    }
}

#[derive(PartialEq, Eq)]
pub(super) struct Field {
    pub name: &'static str,
    pub value: Option<Vec<u8>>,
}

fn field(name: &'static str, value: impl AsRef<[u8]>) -> Field {
    Field { name, value: Some(value.as_ref().to_vec()) }
}

fn optional(name: &'static str, value: Option<impl AsRef<[u8]>>) -> Field {
    Field { name, value: value.map(|v| v.as_ref().to_vec()) }
}

impl Visible for User {
    const KIND: ObjectKind = ObjectKind::User;

    fn guid(&self) -> Guid {
        self.id.0
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            field("directory", self.directory.0.as_bytes()),
            field("unit", self.unit.0.0),
            field("rdn", self.rdn().as_bytes()),
            field("account", self.account().as_bytes()),
            optional("upn", self.upn()),
            field("name", self.name().as_bytes()),
            optional("mail", self.mail()),
            optional("phone", self.phone()),
            optional("mobile", self.mobile()),
            optional("title", self.title()),
            optional("manager", self.manager.map(|id| id.0.0)),
            optional("language", self.language()),
            field("enabled", [u8::from(self.enabled)]),
            optional("expires", self.expires.map(|at| at.timestamp_millis().to_le_bytes())),
            optional("unit_path", self.unit_path()),
            optional("marks", self.marks_text()),
            optional("away", self.away()),
        ]
    }
}

impl Visible for Unit {
    const KIND: ObjectKind = ObjectKind::Unit;

    fn guid(&self) -> Guid {
        self.id.0
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            field("directory", self.directory.0.as_bytes()),
            field("parent", self.parent.0.0),
            field("name", self.name.as_bytes()),
            optional("managed_by", self.managed_by.map(|id| id.0.0)),
        ]
    }
}

impl Visible for Group {
    const KIND: ObjectKind = ObjectKind::Group;

    fn guid(&self) -> Guid {
        self.id.0
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            field("directory", self.directory.0.as_bytes()),
            field("name", self.name.as_bytes()),
            field("account", self.account.as_bytes()),
        ]
    }

    fn members(&self) -> &[Guid] {
        &self.members
    }

    fn emptied(this: &Arc<Group>) -> Arc<Group> {
        Group::with_members(this, Vec::new())
    }

    fn with_members(this: &Arc<Group>, members: Vec<Guid>) -> Arc<Group> {
        Arc::new(Group { members: members.into(), ..without_members(this) })
    }
}

fn without_members(group: &Group) -> Group {
    let Group { id, directory, name, account, above, members: _ } = group;
    Group {
        id: *id,
        directory: directory.clone(),
        name: name.clone(),
        account: account.clone(),
        above: *above,
        members: [].into(),
    }
}
