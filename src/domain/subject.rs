//! What somebody answers for that is no unit: a report, a system, a service.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::contacts::{self, Answer, Asker};
use super::decode::clean;
pub use super::ids::SubjectName;
use super::ids::UnitId;
use super::organisation::Organisation;
use super::roles::{REPORT, Role, RoleName, Scope};
use super::tree;

/// The most characters of a name.
const LONGEST: usize = 60;
/// The most characters of a title.
const LONGEST_TITLE: usize = 200;

/// A report, a system, or whatever else somebody answers for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// Its short name, which stays.
    pub name: SubjectName,
    /// What it is, for people.
    pub title: Box<str>,
    /// The unit that it belongs to: its contacts answer when the subject's own don't.
    pub owner: Option<UnitId>,
}

/// Why something can't be a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// Its name is no short name.
    #[error(
        "\"{0}\" can't be the name of a subject: it has letters, digits, \"-\", \"_\" and \".\", begins with a letter or a digit, and has at most {LONGEST} characters"
    )]
    Name(Box<str>),
}

impl Subject {
    /// A subject; without a title it is called as it is named.
    ///
    /// # Errors
    /// The name isn't short and plain.
    pub fn new(name: &str, title: Option<&str>, owner: Option<UnitId>) -> Result<Subject, InvalidSubject> {
        let name = name.trim();
        let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let fits = name.starts_with(char::is_alphanumeric)
            && name.chars().all(plain)
            && name.chars().count() <= LONGEST;
        if !fits {
            return Err(InvalidSubject::Name(super::table::shown(name)));
        }
        let subject = Subject { name: name.into(), title: name.into(), owner };
        Ok(title.map_or(subject.clone(), |title| subject.titled(title)))
    }

    /// With another title; an empty one is the name.
    #[must_use]
    pub fn titled(self, title: &str) -> Subject {
        let title = clean(title, LONGEST_TITLE);
        let title = if title.is_empty() { self.name.0.as_ref().into() } else { title.into() };
        Subject { title, ..self }
    }
}

/// What is the matter with whom a subject belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum OwnerTrouble {
    /// It belongs to no unit.
    None,
    /// Its unit is gone. It belongs to it again when the unit is back.
    Gone {
        /// What the unit was called, if that is known still.
        name: Option<Box<str>>,
    },
}

impl std::fmt::Display for OwnerTrouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OwnerTrouble::None => f.write_str("it belongs to no unit"),
            OwnerTrouble::Gone { name: Some(name) } => write!(f, "its unit {name} is gone"),
            OwnerTrouble::Gone { name: None } => f.write_str("its unit is gone"),
        }
    }
}

/// The place of the unit that a subject belongs to.
///
/// # Errors
/// It has none that is there: then only those of the whole organisation can answer in its own contacts' place.
pub fn owner_of(organisation: &Organisation, subject: &Subject) -> Result<tree::Index, OwnerTrouble> {
    let unit = subject.owner.ok_or(OwnerTrouble::None)?;
    organisation.tree.index(unit).ok_or_else(|| OwnerTrouble::Gone { name: organisation.name_of(unit.0) })
}

/// Whether each subject is expected to have somebody near in a role. As with units: of a role that nobody is expected to hold for
/// everything, gaps are none.
pub fn is_expected(role: &Role) -> bool {
    role.scope == Scope::Subject && (role.minimum > 0 || &*role.name.0 == REPORT)
}

/// Who answers for a subject near it, in a role of subjects: its own contacts, or else those of the unit that it belongs to and the units
/// above; not who answers for everything.
pub fn near(organisation: &Organisation, role: &Role, subject: &SubjectName, now: DateTime<Utc>) -> Answer {
    let near = |role: &RoleName| {
        organisation.role(&role.0).is_some_and(|role| matches!(role.scope, Scope::Subject | Scope::Unit))
    };
    let mut answer = contacts::resolve(organisation, role, &Asker::Subject(subject.clone()), now);
    answer.contacts.retain(|contact| near(&contact.role));
    answer.trail.retain(|step| near(&step.role));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain_and_stands_for_a_missing_title() {
        for name in ["Heroma", "lön-2026", "a.b_c", "7"] {
            assert_eq!(&*Subject::new(name, None, None).unwrap().title, name);
            assert_eq!(&*Subject::new(name, Some(" \n"), None).unwrap().title, name);
        }
        for name in ["", " ", "-x", "a b", "a/b", "a\0", &*"x".repeat(61)] {
            assert!(Subject::new(name, None, None).is_err(), "{name}");
        }
        let subject = Subject::new(" Heroma ", Some("The staff\nsystem"), None).unwrap();
        assert_eq!((&*subject.name.0, &*subject.title), ("Heroma", "The staff system"));
    }
}
