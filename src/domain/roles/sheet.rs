//! Assignments as lines of a table, as people name things, and back.

mod reading;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Assignment, Holder, Place, Role, Scope};
use crate::domain::decode::clean;
use crate::domain::ids::{DirectoryName, SubjectName, UnitId, UserId};
use crate::domain::mailbox::Address;
use crate::domain::moment;
use crate::domain::organisation::Organisation;
use crate::domain::table::{self, Column, Format};
pub use reading::{People, wanted};

/// The columns of a table of assignments.
pub const COLUMNS: [Column; 12] = [
    Column::needed("role"),
    Column::optional("user"),
    Column::optional("name"),
    Column::optional("mail"),
    Column::optional("phone"),
    Column::optional("unit"),
    Column::optional("directory"),
    Column::optional("subject"),
    Column::optional("rank"),
    Column::optional("from"),
    Column::optional("until"),
    Column::optional("any_unit"),
];

/// The most characters of the name of somebody outside.
const LONGEST_NAME: usize = 120;
/// The most characters of a phone number.
const LONGEST_PHONE: usize = 60;

/// An assignment as people name things: what [`COLUMNS`] are called.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Which role.
    pub role: String,
    /// The account, or the GUID where the account isn't enough; None for somebody outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What somebody outside is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of somebody outside, or one in place of the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// A phone number in place of the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The path of the unit, or its GUID; None for a role of units: the user's own unit, whichever that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The order among the holders of one place.
    #[serde(skip_serializing_if = "is_default")]
    pub rank: u16,
    /// From when on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when; a mere day means the whole of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Counts though the holder's main unit is another one.
    #[serde(skip_serializing_if = "is_default")]
    pub any_unit: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Line {
    /// What stands in each of [`COLUMNS`].
    pub fn cells(&self) -> [String; COLUMNS.len()] {
        let text = |cell: &Option<String>| cell.clone().unwrap_or_default();
        [
            self.role.clone(),
            text(&self.user),
            text(&self.name),
            text(&self.mail),
            text(&self.phone),
            text(&self.unit),
            text(&self.directory),
            text(&self.subject),
            if self.rank == 0 { String::new() } else { self.rank.to_string() },
            text(&self.from),
            text(&self.until),
            if self.any_unit { "yes".to_owned() } else { String::new() },
        ]
    }
}

/// A table that is read again as it was written.
pub fn written(lines: &[Line], format: Format) -> Vec<u8> {
    match format {
        Format::Json => table::objects(lines),
        Format::Csv => {
            let cells: Vec<[String; COLUMNS.len()]> = lines.iter().map(Line::cells).collect();
            let header = COLUMNS.map(|column| column.name);
            table::write(&header, cells.iter().map(|row| row.each_ref().map(String::as_str)))
        }
    }
}

/// Names people and units again and again.
pub struct Namer<'o> {
    organisation: &'o Organisation,
    zone: Tz,
    users: HashMap<UserId, String>,
    units: HashMap<UnitId, String>,
}

impl<'o> Namer<'o> {
    /// By what they are called in an organisation, on the clocks of a zone.
    pub fn new(organisation: &'o Organisation, zone: Tz) -> Namer<'o> {
        Namer { organisation, zone, users: HashMap::new(), units: HashMap::new() }
    }

    /// The account by which a user is found again, else the GUID; that of one who is gone, too.
    pub fn user(&mut self, id: UserId) -> String {
        let organisation = self.organisation;
        let name = || {
            let account = organisation.user(id)?.account();
            let found = organisation.find_user(account).is_ok_and(|found| found.id == id);
            (found && is_cell(account)).then(|| account.to_owned())
        };
        self.users.entry(id).or_insert_with(|| name().unwrap_or_else(|| id.to_string())).clone()
    }

    fn unit(&mut self, id: UnitId) -> String {
        let organisation = self.organisation;
        let name = || {
            let place = organisation.tree.index(id)?;
            let path = organisation.tree.path(place);
            let found = organisation.find_unit(&path).is_ok_and(|found| found == place);
            (found && is_cell(&path)).then_some(path)
        };
        self.units.entry(id).or_insert_with(|| name().unwrap_or_else(|| id.to_string())).clone()
    }

    /// An assignment as a line.
    pub fn line(&mut self, a: &Assignment) -> Line {
        let own_mail = || a.mail.as_ref().map(ToString::to_string);
        let (user, name, mail) = match &a.holder {
            Holder::User(id) => (Some(self.user(*id)), None, own_mail()),
            Holder::Outside { name, mail } => {
                (None, Some(name.to_string()), own_mail().or_else(|| Some(mail.to_string())))
            }
        };
        let (unit, directory, subject) = match &a.place {
            Place::Organisation | Place::OwnUnit => (None, None, None),
            Place::Unit(id) => (Some(self.unit(*id)), None, None),
            Place::Directory(name) => (None, Some(name.to_string()), None),
            Place::Subject(name) => (None, None, Some(name.to_string())),
        };
        Line {
            role: a.role.to_string(),
            user,
            name,
            mail,
            phone: a.phone.as_deref().map(str::to_owned),
            unit,
            directory,
            subject,
            rank: a.rank,
            from: a.from.map(|at| moment::written_start(at, &self.zone)),
            until: a.until.map(|at| moment::written_end(at, &self.zone)),
            any_unit: a.any_unit,
        }
    }
}

/// Whether a text comes out of a table as it went in.
fn is_cell(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control)
}

/// A phone number as it is kept; None for one that says nothing.
pub fn phone(text: &str) -> Option<Box<str>> {
    Some(clean(text, LONGEST_PHONE)).filter(|text| !text.is_empty()).map(Box::from)
}

/// Why it isn't clear who is to hold a role, or where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unclear {
    /// A user was given a name.
    #[error("name is for somebody outside; a user has one already")]
    NamedUser,
    /// Nobody was named.
    #[error("say who: a user, or the mail address and name of somebody outside")]
    Nobody,
    /// Several places were named.
    #[error("name a unit, a directory or a subject, not several")]
    Places,
}

/// Who holds it, and the address in place of the person's own.
///
/// # Errors
/// [`Unclear::NamedUser`], [`Unclear::Nobody`].
pub fn holder(
    user: Option<UserId>,
    name: Option<&str>,
    mail: Option<Address>,
) -> Result<(Holder, Option<Address>), Unclear> {
    let name = name.map(|name| clean(name, LONGEST_NAME)).filter(|name| !name.is_empty());
    match (user, mail) {
        (Some(_), _) if name.is_some() => Err(Unclear::NamedUser),
        (Some(id), mail) => Ok((Holder::User(id), mail)),
        (None, Some(mail)) => {
            let name = name.unwrap_or_else(|| mail.to_string()).into();
            Ok((Holder::Outside { name, mail }, None))
        }
        (None, None) => Err(Unclear::Nobody),
    }
}

/// What is named of where a role is held.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Named {
    /// A unit.
    pub unit: Option<UnitId>,
    /// A directory.
    pub directory: Option<DirectoryName>,
    /// A subject.
    pub subject: Option<SubjectName>,
}

/// Where a role is held when this is named. A role of units without a unit is held at the person's own.
///
/// # Errors
/// [`Unclear::Places`].
pub fn place(role: &Role, named: Named) -> Result<Place, Unclear> {
    match (named.unit, named.directory, named.subject) {
        (Some(unit), None, None) => Ok(Place::Unit(unit)),
        (None, Some(directory), None) => Ok(Place::Directory(directory)),
        (None, None, Some(subject)) => Ok(Place::Subject(subject)),
        (None, None, None) if role.scope == Scope::Unit => Ok(Place::OwnUnit),
        (None, None, None) => Ok(Place::Organisation),
        _ => Err(Unclear::Places),
    }
}
