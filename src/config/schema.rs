//! `schema` and `attributes` of a directory: which attribute means what there.

use super::reader::{Problem, Section};
use super::words::quoted;
use crate::domain::decode::{Mapping, Schema};

/// The filters that fit a schema: of users, groups and units.
pub(super) struct Filters {
    pub users: &'static str,
    pub groups: &'static str,
    pub units: &'static str,
}

const SCHEMAS: [(&str, Schema); 3] = [
    ("active-directory", Schema::ActiveDirectory),
    ("inetorgperson", Schema::InetOrgPerson),
    ("rfc2307", Schema::Rfc2307),
];

/// An attribute as it is called here, and where its name goes.
type Slot = (&'static str, fn(&mut Mapping, Box<str>));

const ATTRIBUTES: [Slot; 19] = [
    ("id", |m, name| m.id = name),
    ("account", |m, name| m.account = name),
    ("group_account", |m, name| m.group_account = name),
    ("upn", |m, name| m.upn = name),
    ("name", |m, name| m.name = name),
    ("mail", |m, name| m.mail = name),
    ("phone", |m, name| m.phone = name),
    ("mobile", |m, name| m.mobile = name),
    ("title", |m, name| m.title = name),
    ("manager", |m, name| m.manager = name),
    ("language", |m, name| m.language = name),
    ("control", |m, name| m.control = name),
    ("expires", |m, name| m.expires = name),
    ("unit_manager", |m, name| m.unit_manager = name),
    ("member", |m, name| m.member = name),
    ("unique_member", |m, name| m.unique_member = name),
    ("member_account", |m, name| m.member_account = name),
    ("locked", |m, name| m.locks = vec![name]),
    ("absence", |m, name| m.absence = name),
];

/// Reads both.
pub(super) fn read(table: &Section) -> (Mapping, Filters) {
    let schema = table.choice("schema", &SCHEMAS, Some("active-directory")).unwrap_or_default();
    let mut mapping = schema.mapping();
    let attributes = table.section("attributes");
    for (key, set) in ATTRIBUTES {
        if let Some(name) = attributes.parsed(key, attribute) {
            set(&mut mapping, name.into());
        }
    }
    if schema != Schema::ActiveDirectory && mapping.has_bytes_for_id() {
        let problem =
            Problem::new("can't be objectGUID with this schema: that is 16 bytes, and a text is read");
        attributes.mistake("id", problem.hint("\"entryUUID\", or \"nsUniqueId\" for 389 Directory Server"));
    }
    let (users, groups) = match schema {
        // Active Directory keeps people's accounts apart from those of machines by the category.
        Schema::ActiveDirectory => ("(&(objectCategory=person)(objectClass=user))", "(objectClass=group)"),
        Schema::InetOrgPerson => {
            ("(objectClass=inetOrgPerson)", "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))")
        }
        Schema::Rfc2307 => ("(objectClass=posixAccount)", "(objectClass=posixGroup)"),
    };
    (mapping, Filters { users, groups, units: "(objectClass=organizationalUnit)" })
}

/// The name of an attribute, without options (RFC 4512 §2.5). Not its number: entries tell it by name, and it wouldn't be found in them.
pub(super) fn attribute(text: &str) -> Result<String, Problem> {
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_name && text.len() <= 100 {
        return Ok(text.to_owned());
    }
    let problem = Problem::new(format!("can't be {}, which is no attribute's name", quoted(text)));
    Err(problem
        .hint("letters, digits and hyphens, a letter first, such as \"telephoneNumber\" (RFC 4512 §2.5)"))
}
