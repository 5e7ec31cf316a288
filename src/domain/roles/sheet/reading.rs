//! From the lines of a table to assignments.

use std::collections::{HashMap, HashSet};

use chrono_tz::Tz;

use super::{Named, holder, phone, place};
use crate::domain::ids::{AssignmentId, DirectoryName, SubjectName, UnitId, UserId};
use crate::domain::mailbox::Address;
use crate::domain::moment;
use crate::domain::organisation::{LookupError, NoSubject, Organisation};
use crate::domain::roles::import::Wanted;
use crate::domain::roles::{Assignment, Place, Role};
use crate::domain::table::{LineError, LineErrors, Row, TOLD};

/// Who is meant by which text; a list says the same names again and again.
pub struct People<'o> {
    organisation: &'o Organisation,
    known: HashMap<Box<str>, UserId>,
}

impl<'o> People<'o> {
    /// Of an organisation.
    pub fn of(organisation: &'o Organisation) -> People<'o> {
        People { organisation, known: HashMap::new() }
    }

    /// Who is named in a column; None when nobody is.
    ///
    /// # Errors
    /// It is nobody, or several.
    pub fn find(&mut self, row: &Row, column: &str) -> Result<Option<UserId>, LineError> {
        let Some(text) = row.get(column) else { return Ok(None) };
        if let Some(id) = self.known.get(text) {
            return Ok(Some(*id));
        }
        let user = self
            .organisation
            .find_user(text)
            .map_err(|error| LineError { value: None, ..row.wrong(column, error.to_string()) })?;
        self.known.insert(text.into(), user.id);
        Ok(Some(user.id))
    }
}

/// What the rows of a table mean. Who and what is gone is known by its GUID where there is an assignment of it.
///
/// # Errors
/// Every row that isn't understood.
pub fn wanted(organisation: &Organisation, rows: &[Row], zone: Tz) -> Result<Vec<Wanted>, LineErrors> {
    let mut reader = Reader::new(organisation, zone);
    let (mut all, mut errors) = (Vec::with_capacity(rows.len()), LineErrors::default());
    for (n, row) in rows.iter().enumerate() {
        all.extend(errors.take(reader.row(row)).map(|assignment| Wanted { line: row.line, assignment }));
        // To look for whom a mistyped name may mean takes a look at everybody.
        if errors.errors.len() >= TOLD {
            errors.more += rows.len() - n - 1;
            break;
        }
    }
    errors.or(all)
}

struct Reader<'o> {
    organisation: &'o Organisation,
    zone: Tz,
    people: People<'o>,
    units: HashMap<Box<str>, UnitId>,
    held: Held,
}

/// Whom and what there are assignments of, be they gone or not.
#[derive(Default)]
struct Held {
    users: HashSet<UserId>,
    units: HashSet<UnitId>,
    subjects: HashSet<SubjectName>,
}

impl<'o> Reader<'o> {
    fn new(organisation: &'o Organisation, zone: Tz) -> Reader<'o> {
        let mut held = Held::default();
        for assignment in organisation.assignments.values() {
            held.users.extend(assignment.holder.user());
            match &assignment.place {
                Place::Unit(id) => drop(held.units.insert(*id)),
                Place::Subject(name) => drop(held.subjects.insert(name.clone())),
                Place::Organisation | Place::OwnUnit | Place::Directory(_) => {}
            }
        }
        Reader { organisation, zone, people: People::of(organisation), units: HashMap::new(), held }
    }

    fn row(&mut self, row: &Row) -> Result<Assignment, LineError> {
        let role = row.need("role")?;
        let known = self.organisation.role(role);
        let role = known.ok_or_else(|| {
            let all: Vec<&str> = self.organisation.roles.iter().map(|r| &*r.name.0).collect();
            row.wrong("role", format!("is no role; there are: {}", all.join(", ")))
        })?;
        let mail = row.get("mail").map(str::parse::<Address>).transpose();
        let mail = mail.map_err(|error| LineError { value: None, ..row.wrong("mail", error.to_string()) })?;
        let (holder, mail) = holder(self.user(row)?, row.get("name"), mail)
            .map_err(|unclear| LineError::of_line(row.line, unclear.to_string()))?;
        let directory = row.get("directory").map(DirectoryName::from);
        let named = Named { unit: self.unit(row)?, directory, subject: self.subject(role, row)? };
        let place =
            place(role, named).map_err(|unclear| LineError::of_line(row.line, unclear.to_string()))?;
        let time = |column: &str, read: fn(&str, &Tz) -> Result<_, String>| {
            let how = "is no time; write 2026-07-15, 2026-07-15 08:00 or 2026-07-15T08:00:00+02:00";
            row.get(column).map(|text| read(text, &self.zone).map_err(|_| row.wrong(column, how))).transpose()
        };
        Ok(Assignment {
            id: AssignmentId(0),
            role: role.name.clone(),
            holder,
            place,
            rank: rank(row)?,
            mail,
            phone: row.get("phone").and_then(phone),
            from: time("from", moment::parse)?,
            until: time("until", moment::parse_end)?,
            any_unit: any_unit(row)?,
        })
    }

    fn user(&mut self, row: &Row) -> Result<Option<UserId>, LineError> {
        let gone =
            row.get("user").and_then(|text| text.parse().ok()).filter(|id| self.held.users.contains(id));
        match gone {
            Some(id) => Ok(Some(id)),
            None => self.people.find(row, "user"),
        }
    }

    fn subject(&self, role: &Role, row: &Row) -> Result<Option<SubjectName>, LineError> {
        let Some(text) = row.get("subject") else { return Ok(None) };
        let gone = Some(SubjectName::from(text)).filter(|name| self.held.subjects.contains(name));
        let found = || self.organisation.find_subject_for(role, text);
        let name = gone.map_or_else(found, Ok);
        let wrong = |error: NoSubject| LineError { value: None, ..row.wrong("subject", error.to_string()) };
        name.map(Some).map_err(wrong)
    }

    fn unit(&mut self, row: &Row) -> Result<Option<UnitId>, LineError> {
        let Some(text) = row.get("unit") else { return Ok(None) };
        if let Some(id) = self.units.get(text) {
            return Ok(Some(*id));
        }
        let gone = text.parse().ok().filter(|id| self.held.units.contains(id));
        let found = || self.organisation.find_unit(text).map(|place| self.organisation.tree.id(place));
        let wrong = |error: LookupError| LineError { value: None, ..row.wrong("unit", error.to_string()) };
        let id = gone.map_or_else(found, Ok).map_err(wrong)?;
        self.units.insert(text.into(), id);
        Ok(Some(id))
    }
}

fn rank(row: &Row) -> Result<u16, LineError> {
    let rank = row.get("rank").map(str::parse).transpose();
    rank.map(Option::unwrap_or_default).map_err(|_| row.wrong("rank", "is no number from 0 to 65535"))
}

fn any_unit(row: &Row) -> Result<bool, LineError> {
    match row.get("any_unit").map(str::to_lowercase).as_deref() {
        None | Some("no" | "false" | "0") => Ok(false),
        Some("yes" | "true" | "1") => Ok(true),
        Some(_) => Err(row.wrong("any_unit", "is neither yes nor no")),
    }
}
