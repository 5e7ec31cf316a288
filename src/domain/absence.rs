//! Who is away, from when to when, and who stands in.

pub mod calendar;
pub mod import;
pub mod said;
pub mod source;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{AbsenceId, DirectoryName, SourceName, UserId};

/// Who said that somebody is away. What a source says is replaced by what it says next, and by nobody else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A person.
    #[default]
    ByHand,
    /// A calendar that is looked at by a schedule.
    Source(SourceName),
    /// An attribute of the person in a directory.
    Directory(DirectoryName),
}

impl Origin {
    /// Whether a person said it, and people may change it.
    pub fn is_by_hand(&self) -> bool {
        *self == Origin::ByHand
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::ByHand => f.write_str("by hand"),
            Origin::Source(name) => write!(f, "the calendar {name}"),
            Origin::Directory(name) => write!(f, "the directory {name}"),
        }
    }
}

/// One absence of one person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Absence {
    /// Its number.
    pub id: AbsenceId,
    /// Who is away.
    pub user: UserId,
    /// The first moment of the absence.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// Who stands in.
    pub deputy: Option<UserId>,
    /// For people, such as "parental leave".
    pub note: Option<Box<str>>,
    /// Where it comes from.
    #[serde(default)]
    pub origin: Origin,
}

/// Why an absence can't be noted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAbsence {
    /// It ends before it starts, or at once.
    #[error("the absence ends ({until}) before it starts ({from}); give an end that is later")]
    Backwards {
        /// The start.
        from: DateTime<Utc>,
        /// The end.
        until: DateTime<Utc>,
    },
    /// The deputy is the absent person.
    #[error("nobody can be their own deputy; name somebody else, or nobody")]
    OwnDeputy,
    /// Another absence of the same person overlaps.
    #[error("overlaps absence {0} of the same person; change or remove that one first")]
    Overlaps(AbsenceId),
}

impl Absence {
    /// Whether the person is away at `now`.
    pub fn covers(&self, now: DateTime<Utc>) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether this absence may be added to `others`. What comes from elsewhere is no concern of it: a calendar and a person may say
    /// the same.
    pub fn check<'a>(&self, others: impl IntoIterator<Item = &'a Absence>) -> Result<(), InvalidAbsence> {
        if self.until <= self.from {
            return Err(InvalidAbsence::Backwards { from: self.from, until: self.until });
        }
        if self.deputy == Some(self.user) {
            return Err(InvalidAbsence::OwnDeputy);
        }
        let overlap = |o: &&Absence| {
            o.user == self.user
                && o.id != self.id
                && o.origin == self.origin
                && o.from < self.until
                && self.from < o.until
        };
        others.into_iter().find(overlap).map_or(Ok(()), |o| Err(InvalidAbsence::Overlaps(o.id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Guid;
    use chrono::TimeZone;

    fn absence(id: u64, from: u32, until: u32) -> Absence {
        let day = |d| Utc.with_ymd_and_hms(2026, 7, d, 0, 0, 0).unwrap();
        let user = UserId(Guid([7; 16]));
        Absence {
            id: AbsenceId(id),
            user,
            from: day(from),
            until: day(until),
            deputy: None,
            note: None,
            origin: Origin::ByHand,
        }
    }

    #[test]
    fn the_end_is_the_first_moment_back() {
        let away = absence(1, 6, 20);
        assert!(away.covers(away.from));
        assert!(!away.covers(away.until));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(absence(1, 6, 6).check([]), Err(InvalidAbsence::Backwards { .. })));
        assert_eq!(absence(2, 6, 8).check([&absence(1, 7, 9)]), Err(InvalidAbsence::Overlaps(AbsenceId(1))));
        assert_eq!(absence(2, 6, 7).check([&absence(1, 7, 9)]), Ok(()));
        let elsewhere = Absence { origin: Origin::Source("asa".into()), ..absence(1, 7, 9) };
        assert_eq!(absence(2, 6, 8).check([&elsewhere]), Ok(()));
        let own = Absence { deputy: Some(UserId(Guid([7; 16]))), ..absence(1, 6, 7) };
        assert_eq!(own.check([]), Err(InvalidAbsence::OwnDeputy));
    }
}
