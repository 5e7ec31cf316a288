//! How far changes of contacts have been told, and what of them is still open. As it is stored, too.

use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Answerers, ChangeAt, Who, Why};
use crate::domain::ids::UnitId;
use crate::domain::roles::RoleName;

/// How far changes of contacts have been told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// When it was last decided.
    pub at: DateTime<Utc>,
    /// The number of the last change that is taken into account.
    pub note: u64,
    /// What is known and not told yet.
    pub open: Vec<Open>,
    /// The day that `mails` counts.
    pub day: NaiveDate,
    /// How many mails each person got on that day.
    pub mails: Vec<(Who, u16)>,
    /// The last time that there was too much to tell.
    pub summary: Option<SummaryTold>,
}

impl Told {
    /// Everything up to a change counts as told.
    pub fn up_to(note: u64, at: DateTime<Utc>) -> Told {
        Told { at, note, open: Vec::new(), day: at.date_naive(), mails: Vec::new(), summary: None }
    }
}

/// That one summary took the place of many mails.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SummaryTold {
    /// When.
    pub at: DateTime<Utc>,
    /// Since when the changes were.
    pub since: DateTime<Utc>,
    /// How many people would have got a mail.
    pub people: u32,
    /// How many units got other contacts.
    pub units: u32,
}

/// Units of which it isn't told yet that they have other contacts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Open {
    /// In which role.
    pub role: RoleName,
    /// Only this person isn't told yet; None: nobody is.
    pub only: Option<Who>,
    /// Who answered when it was last told.
    pub before: Answerers,
    /// What has happened since.
    pub why: Vec<Why>,
    /// The units.
    pub units: Vec<UnitId>,
}

/// A change of contacts with its number, in the order of which they are noted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Its number.
    pub number: u64,
    /// The change.
    pub change: ChangeAt,
}

/// One unit in one role, of which something is open.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Key {
    pub(super) role: RoleName,
    pub(super) only: Option<Who>,
    pub(super) unit: UnitId,
}

/// What is open of it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) before: Rc<Answerers>,
    pub(super) why: Vec<Rc<[Why]>>,
}

/// What is open, unit by unit: what was left open, with what has changed since. Who answered before the first change is kept; one
/// that leads back to them is no change.
pub(super) fn cases(
    open: &[Open],
    notes: &[Note],
    wanted: impl Fn(&RoleName) -> bool,
) -> BTreeMap<Key, Case> {
    let mut cases: BTreeMap<Key, Case> = BTreeMap::new();
    for open in open.iter().filter(|open| wanted(&open.role)) {
        let case = Case { before: Rc::new(open.before.clone()), why: vec![open.why.as_slice().into()] };
        for unit in &open.units {
            let key = Key { role: open.role.clone(), only: open.only.clone(), unit: *unit };
            cases.insert(key, case.clone());
        }
    }
    for note in notes.iter().map(|note| &note.change.change).filter(|change| wanted(&change.role)) {
        let (before, why): (_, Rc<[Why]>) = (Rc::new(note.before.clone()), note.why.as_slice().into());
        for unit in &note.units {
            let key = Key { role: note.role.clone(), only: None, unit: *unit };
            let case =
                cases.entry(key).or_insert_with(|| Case { before: Rc::clone(&before), why: Vec::new() });
            case.why.push(Rc::clone(&why));
        }
    }
    // Who is owed a word for themselves learns of what has changed since, too.
    let owed: Vec<Key> = cases.keys().filter(|key| key.only.is_some()).cloned().collect();
    for key in owed {
        let later = cases.get(&Key { only: None, ..key.clone() }).map(|case| case.why.clone());
        if let Some((case, later)) = cases.get_mut(&key).zip(later) {
            case.why.extend(later);
        }
    }
    cases
}

/// What stays open, the units of the same change together.
pub(super) fn together(cases: impl IntoIterator<Item = (Key, Case)>) -> Vec<Open> {
    let mut all: Vec<Open> = Vec::new();
    for (Key { role, only, unit }, Case { before, why }) in cases {
        let mut reasons: Vec<Why> = Vec::new();
        for why in why.iter().flat_map(|why| why.iter()) {
            reasons.retain(|known| known != why);
            reasons.push(why.clone());
        }
        let same = |open: &&mut Open| {
            open.role == role && open.only == only && open.before == *before && open.why == reasons
        };
        match all.iter_mut().rev().take(LOOKED_AT).find(same) {
            Some(open) => open.units.push(unit),
            None => all.push(Open { role, only, before: (*before).clone(), why: reasons, units: vec![unit] }),
        }
    }
    all
}

/// The last so many are looked at for one that a unit goes with.
const LOOKED_AT: usize = 16;
