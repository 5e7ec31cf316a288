//! What somebody answers for that is no unit: added, changed, removed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::core::{Core, Turn, audit_entry};
use crate::domain::audit::{self, Actor};
use crate::domain::ids::UnitId;
use crate::domain::organisation::{NoSubject, Organisation};
use crate::domain::roles::Place;
use crate::domain::subject::{InvalidSubject, Subject, SubjectName};
use crate::store::{Change, Event, StoreError};

/// Why a subject wasn't added, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// It makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidSubject),
    /// There is none of that name.
    #[error(transparent)]
    Unknown(#[from] NoSubject),
    /// There is one of that name.
    #[error("there is a subject {0} already; `budkavle subject change {0}` changes it")]
    Taken(SubjectName),
    /// The unit isn't there.
    #[error("there is no unit {0}")]
    NoUnit(UnitId),
    /// Somebody answers for it.
    #[error("{holders} hold a role for {name}; end these first with `budkavle contacts revoke`")]
    Held {
        /// Which subject.
        name: SubjectName,
        /// The assignments, and who holds them.
        holders: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be another one; what is None stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewSubject {
    /// The title; an empty one is the name.
    pub title: Option<String>,
    /// The unit that it belongs to, or none.
    pub owner: Option<Option<UnitId>>,
}

/// Adds a subject.
pub async fn add(core: &Core, new: Subject, by: &Actor, why: Option<&str>) -> Result<Subject, SubjectError> {
    let turn = core.turn().await;
    let view = core.view();
    check_owner(&view.organisation, new.owner)?;
    let folded = new.name.0.to_lowercase();
    if let Some(known) = view.organisation.subjects.keys().find(|name| name.0.to_lowercase() == folded) {
        return Err(SubjectError::Taken(known.clone()));
    }
    let entry = entry(core, by, "subject added", (None, Some(&new)), why);
    commit(&turn, core, Change::Subject(new.clone()), entry, |subjects| {
        subjects.insert(new.name.clone(), new.clone());
    })
    .await?;
    Ok(new)
}

/// Changes what is said of a subject. Returns it as it is then.
pub async fn change(
    core: &Core,
    name: &str,
    new: NewSubject,
    by: &Actor,
    why: Option<&str>,
) -> Result<Subject, SubjectError> {
    let turn = core.turn().await;
    let view = core.view();
    let before = view.organisation.find_subject(name)?;
    let mut after = Subject { owner: new.owner.unwrap_or(before.owner), ..before.clone() };
    if let Some(title) = &new.title {
        after = after.titled(title);
    }
    if after.owner != before.owner {
        check_owner(&view.organisation, after.owner)?;
    }
    if after != *before {
        let entry = entry(core, by, "subject changed", (Some(before), Some(&after)), why);
        commit(&turn, core, Change::Subject(after.clone()), entry, |subjects| {
            subjects.insert(after.name.clone(), after.clone());
        })
        .await?;
    }
    Ok(after)
}

/// Removes a subject for which nobody holds a role any more.
pub async fn remove(core: &Core, name: &str, by: &Actor, why: Option<&str>) -> Result<Subject, SubjectError> {
    let turn = core.turn().await;
    let view = core.view();
    let organisation = &view.organisation;
    let gone = organisation.find_subject(name)?;
    let place = Place::Subject(gone.name.clone());
    let held = organisation.assignments.values().filter(|assignment| assignment.place == place);
    let held = held.map(|a| format!("{} (assignment {})", organisation.holder_name(&a.holder), a.id));
    let holders: Vec<String> = held.collect();
    if !holders.is_empty() {
        return Err(SubjectError::Held { name: gone.name.clone(), holders: holders.join(", ") });
    }
    let entry = entry(core, by, "subject removed", (Some(gone), None), why);
    commit(&turn, core, Change::RemoveSubject(gone.name.clone()), entry, |subjects| {
        subjects.remove(&gone.name);
    })
    .await?;
    Ok(gone.clone())
}

fn check_owner(organisation: &Organisation, owner: Option<UnitId>) -> Result<(), SubjectError> {
    match owner {
        Some(unit) if organisation.tree.index(unit).is_none() => Err(SubjectError::NoUnit(unit)),
        _ => Ok(()),
    }
}

fn entry(
    core: &Core,
    by: &Actor,
    action: &str,
    (before, after): (Option<&Subject>, Option<&Subject>),
    why: Option<&str>,
) -> audit::Entry {
    let name = before.or(after).map(|subject| subject.name.to_string()).unwrap_or_default();
    audit_entry(core.now(), by, action, format!("subject {name}"), before, after, why)
}

async fn commit(
    turn: &Turn<'_>,
    core: &Core,
    change: Change,
    entry: audit::Entry,
    make: impl FnOnce(&mut BTreeMap<SubjectName, Subject>),
) -> Result<(), StoreError> {
    let event = Event { at: core.now(), change, notices: Vec::new(), audit: Some(entry) };
    turn.commit(event, |view, _, now| {
        let mut organisation = Organisation::clone(&view.organisation);
        make(Arc::make_mut(&mut organisation.subjects));
        view.take(organisation, now);
    })
    .await?;
    Ok(())
}
