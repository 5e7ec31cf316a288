//! Whether somebody near is there for each subject: its own contacts, or those of the unit that it belongs to and the units above.

use std::sync::Arc;

use super::timeline::{self, Piece};
use super::{Period, Run, There, Wanted, runs};
use crate::domain::contacts::Step;
use crate::domain::organisation::Organisation;
use crate::domain::roles::Role;
use crate::domain::subject::{self, Subject, SubjectName, owner_of};
use crate::domain::tree;

/// How a role is covered for one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubjectCover {
    /// Which.
    pub subject: SubjectName,
    /// Its days, in order. Of those who answer as contacts of a unit it is said of which.
    pub runs: Vec<Run>,
}

impl SubjectCover {
    /// Whether the minimum isn't met on some day.
    pub fn is_short(&self) -> bool {
        self.runs.iter().any(|run| run.short)
    }
}

/// Works out who is there near each subject on each day, in a role of subjects.
pub fn cover_subjects(organisation: &Organisation, wanted: Wanted<'_>, period: &Period) -> Vec<SubjectCover> {
    let windows = period.windows(wanted.role.always);
    let judged = || windows.iter().filter_map(|(_, window)| *window);
    let span = judged().next().zip(judged().next_back()).map(|((from, _), (_, until))| (from, until));
    let of = |subject: &Subject| {
        let line = span.map(|span| line(organisation, wanted.role, subject, span)).unwrap_or_default();
        SubjectCover { subject: subject.name.clone(), runs: runs(&line, &windows, wanted.minimum) }
    };
    organisation.subjects.values().map(of).collect()
}

/// Who is there near a subject, from one change to the next.
fn line(organisation: &Organisation, role: &Role, subject: &Subject, span: super::Window) -> Vec<Piece> {
    let moments = timeline::moments(organisation, holders(organisation, role, subject), span);
    let piece = |from| {
        let answer = subject::near(organisation, role, &subject.name, from);
        let people: Vec<_> = answer.contacts.into_iter().map(timeline::person).collect();
        let last = answer.trail.last().filter(|step| !people.is_empty() && step.subject.is_none());
        let at = last.and_then(|step| organisation.tree.index(step.unit));
        let skipped = |step: Step| Some(step.skipped).filter(|skipped| !skipped.is_empty());
        let missing = if people.is_empty() { answer.trail.into_iter().find_map(skipped) } else { None };
        Piece { from, there: Arc::new(There { at, people, missing: missing.unwrap_or_default() }) }
    };
    moments.into_iter().map(piece).collect()
}

/// All who may answer for a subject: of the role, and of the roles that it falls back to. Those of the whole organisation aren't near, but while
/// one answers nobody behind them does.
fn holders<'a>(
    organisation: &'a Organisation,
    role: &'a Role,
    subject: &'a Subject,
) -> impl Iterator<Item = &'a crate::domain::organisation::Holding> {
    let next = |role: &&Role| organisation.role(&role.fallback.as_ref()?.0);
    // Fallbacks may go round in a circle.
    let roles = std::iter::successors(Some(role), next).take(organisation.roles.len());
    let start = owner_of(organisation, subject).unwrap_or(tree::ROOT);
    roles.flat_map(move |role| {
        let holders = organisation.holders(&role.name);
        let places = organisation.tree.upwards(start).flat_map(|place| holders.at(place));
        holders.of_subject(&subject.name).iter().chain(places)
    })
}
