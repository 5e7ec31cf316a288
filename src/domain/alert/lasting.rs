//! What lasts though it is too small to alert: told once a day, to those who can mend it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Health;
use crate::domain::ids::DirectoryName;

/// Something small.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Small {
    /// Runs fail, but not so many in a row that it alerts; what the last one said.
    Failing {
        /// Of which directory.
        directory: DirectoryName,
        /// Why.
        error: Box<str>,
    },
    /// Objects that can't be read are set aside in each run.
    Quarantined {
        /// Of which directory.
        directory: DirectoryName,
        /// How many.
        objects: u32,
    },
    /// What was undone, and is kept from being done again.
    Undone {
        /// Of which directory.
        directory: DirectoryName,
        /// How many runs.
        runs: u32,
    },
    /// Units hang under the root, since the one above isn't known.
    Misplaced {
        /// How many.
        units: u32,
    },
    /// A role is given by a group that no directory has.
    NoGroup {
        /// What the configuration calls it.
        group: Box<str>,
    },
}

impl Small {
    /// What makes it the same thing from day to day, however many it is.
    pub fn key(&self) -> String {
        match self {
            Small::Failing { directory, .. } => format!("failing/{directory}"),
            Small::Quarantined { directory, .. } => format!("quarantined/{directory}"),
            Small::Undone { directory, .. } => format!("undone/{directory}"),
            Small::Misplaced { .. } => "misplaced".to_owned(),
            Small::NoGroup { group } => format!("group/{group}"),
        }
    }
}

/// What was there at the last look, by [`Small::key`], and since when; and when that was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// When it was looked.
    pub at: DateTime<Utc>,
    /// What was there.
    pub since: BTreeMap<String, DateTime<Utc>>,
}

/// Something small that has lasted from one look to the next.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lasting {
    /// What.
    pub small: Small,
    /// Since when it has been seen.
    pub since: DateTime<Utc>,
}

/// What of the things that are there now was there at the last look, too; and what is kept for the next one.
pub fn look(before: Option<&Seen>, now: DateTime<Utc>, there: Vec<Small>) -> (Vec<Lasting>, Seen) {
    let known = |small: &Small| before.and_then(|seen| seen.since.get(&small.key()).copied());
    let since = there.iter().map(|small| (small.key(), known(small).unwrap_or(now))).collect();
    let mut lasting: Vec<Lasting> =
        there.into_iter().filter_map(|small| Some(Lasting { since: known(&small)?, small })).collect();
    lasting.sort_by(|a, b| (a.since, &a.small).cmp(&(b.since, &b.small)));
    (lasting, Seen { at: now, since })
}

/// Whether runs of a directory fail without that an alert says so.
pub fn fails(directory: &DirectoryName, health: &Health) -> Option<Small> {
    let quiet = health.failures > 0 && health.alert.is_none();
    let error = health.last_error.clone().filter(|_| quiet)?;
    Some(Small::Failing { directory: directory.clone(), error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::{OpenAlert, Trouble};
    use crate::domain::testing::hour;

    fn aside(objects: u32) -> Small {
        Small::Quarantined { directory: "main".into(), objects }
    }

    #[test]
    fn only_what_was_there_at_the_look_before_is_told_and_since_when() {
        let (told, seen) = look(None, hour(0), vec![aside(3)]);
        assert!(told.is_empty(), "it may be over tomorrow");
        let group = Small::NoGroup { group: "g".into() };
        let (told, seen) = look(Some(&seen), hour(24), vec![aside(5), group.clone()]);
        assert_eq!(told, [Lasting { small: aside(5), since: hour(0) }]);
        let (told, seen) = look(Some(&seen), hour(48), vec![group.clone()]);
        assert_eq!(told, [Lasting { small: group, since: hour(24) }]);
        let (told, _) = look(Some(&seen), hour(72), vec![aside(5)]);
        assert!(told.is_empty(), "it was over in between");
    }

    #[test]
    fn a_failure_that_alerts_is_no_small_one() {
        let failing = Health { failures: 1, last_error: Some("away".into()), ..Health::new(hour(0)) };
        assert!(fails(&"main".into(), &failing).is_some());
        assert_eq!(fails(&"main".into(), &Health::new(hour(0))), None);
        let alert = OpenAlert { trouble: Trouble::Failing, since: hour(0), last_told: hour(0), reminders: 0 };
        assert_eq!(
            fails(&"main".into(), &Health { alert: Some(alert), ..failing }),
            None,
            "it is told as one"
        );
    }
}
