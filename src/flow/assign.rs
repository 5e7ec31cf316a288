//! Who holds which role, and who is away: what people, not directories, maintain.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::absences::by_hand;
use super::core::{Core, all_absences, audit_entry};
use crate::domain::absence::{Absence, InvalidAbsence, Origin};
use crate::domain::authority::{Caller, Refusal};
use crate::domain::entitled::{Period, in_the_way};
use crate::domain::ids::{AbsenceId, AssignmentId, DirectoryName, UserId};
use crate::domain::mailbox::Address;
use crate::domain::organisation::{Candidate, NoSubject, Organisation};
use crate::domain::roles::import::meet;
use crate::domain::roles::sheet::Unclear;
use crate::domain::roles::{Assignment, Holder, Misplacement, Place, RoleName, check_place};
use crate::store::{Change, Event, Sequence, StoreError};

/// What an administrator says to assign a role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewAssignment {
    /// Which role.
    pub role: RoleName,
    /// Who is to hold it.
    pub holder: Holder,
    /// Where.
    pub place: Place,
    /// The order among the holders of one place, the lowest first.
    #[serde(default)]
    pub rank: u16,
    /// Used in place of the person's own address.
    #[serde(default)]
    pub mail: Option<Address>,
    /// Used in place of the person's own phone number.
    #[serde(default)]
    pub phone: Option<Box<str>>,
    /// From when on.
    #[serde(default)]
    pub from: Option<DateTime<Utc>>,
    /// Until when.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
    /// Take somebody whose main unit is another one.
    #[serde(default)]
    pub any_unit: bool,
}

impl NewAssignment {
    /// Somebody holds a role from now on without an end, first in order, and is reached as a user is.
    pub fn new(role: &str, holder: Holder, place: Place) -> NewAssignment {
        let (rank, mail, phone, from, until, any_unit) = (0, None, None, None, None, false);
        NewAssignment { role: role.into(), holder, place, rank, mail, phone, from, until, any_unit }
    }
}

impl From<&Assignment> for NewAssignment {
    fn from(assignment: &Assignment) -> NewAssignment {
        let Assignment { id: _, role, holder, place, rank, mail, phone, from, until, any_unit } =
            assignment.clone();
        NewAssignment { role, holder, place, rank, mail, phone, from, until, any_unit }
    }
}

/// What an administrator says of somebody who will be away.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewAbsence {
    /// Who.
    pub user: UserId,
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// Who stands in.
    #[serde(default)]
    pub deputy: Option<UserId>,
    /// For people.
    #[serde(default)]
    pub note: Option<Box<str>>,
}

/// Why it wasn't taken.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// There is no such role.
    #[error("there is no role {0}; there are: {1}")]
    NoRole(RoleName, String),
    /// Nobody here gives it.
    #[error("the role {0} isn't given by hand: `assign` is false in [roles.{0}]")]
    NotGiven(RoleName),
    /// As many hold it as may.
    #[error(
        "no more than {quota} may hold the role {role}, and as many do: {holders}; end one of these first with `budkavle contacts revoke`"
    )]
    Full {
        /// Which role.
        role: RoleName,
        /// How many may.
        quota: u16,
        /// Who does.
        holders: String,
    },
    /// The role can't be held there.
    #[error(transparent)]
    Misplaced(#[from] Misplacement),
    /// Somebody or something it names isn't there.
    #[error("there is no {0}")]
    Missing(String),
    /// The subject isn't there.
    #[error(transparent)]
    NoSubject(#[from] NoSubject),
    /// It isn't clear who is to hold it, or where.
    #[error(transparent)]
    Unclear(#[from] Unclear),
    /// The person belongs to another unit.
    #[error(
        "{who} belongs to {unit}, and only people of the unit itself can be its contact{}; to take them all the same, add --any-unit", of_unit(.people)
    )]
    OtherUnit {
        /// Who.
        who: String,
        /// Where they belong.
        unit: String,
        /// The first of the unit's own people who could be.
        people: Vec<Candidate>,
    },
    /// The person can't be turned to.
    #[error("{who} has a disabled account, and would never count as a contact{}", or_meant(.others))]
    Disabled {
        /// Who, with account and unit.
        who: Box<str>,
        /// Enabled ones of the same name.
        others: Vec<Candidate>,
    },
    /// It ends before it starts.
    #[error("it ends ({until}) before it starts ({from})")]
    Backwards {
        /// The start.
        from: DateTime<Utc>,
        /// The end.
        until: DateTime<Utc>,
    },
    /// The same is assigned already.
    #[error("that is assigned already for that time, as number {0}")]
    Twice(AssignmentId),
    /// It comes from elsewhere.
    #[error("absence {id} comes from {origin}; change it there, it is taken over by the next look")]
    NotHere {
        /// Which absence.
        id: AbsenceId,
        /// From where.
        origin: Origin,
    },
    /// The absence makes no sense.
    #[error(transparent)]
    Absence(#[from] InvalidAbsence),
    /// The caller may not do that.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn or_meant(others: &[Candidate]) -> String {
    let others: Vec<&str> = others.iter().map(|other| &*other.text).collect();
    if others.is_empty() { String::new() } else { format!("; did you mean {}?", others.join(", or ")) }
}

fn of_unit(people: &[Candidate]) -> String {
    let people: Vec<&str> = people.iter().map(|one| &*one.text).collect();
    if people.is_empty() { String::new() } else { format!(", such as {}", people.join(", ")) }
}

/// So many of a unit's people are named who could be its contacts.
const NAMED: usize = 10;

/// Assigns a role.
pub async fn assign(
    core: &Core,
    new: NewAssignment,
    by: &Caller,
    why: Option<&str>,
) -> Result<Assignment, AssignError> {
    let turn = core.turn().await;
    let view = core.view();
    by.over(&view.organisation).may_give(&new.role, &new.holder, &new.place)?;
    let directories: Vec<_> = core.settings().directories.keys().cloned().collect();
    fits(&view.organisation, &new, &directories)?;
    let NewAssignment { role, holder, place, rank, mail, phone, from, until, any_unit } = new.clone();
    let id = AssignmentId(0);
    let mut assignment = Assignment { id, role, holder, place, rank, mail, phone, from, until, any_unit };
    check_quota(&view.organisation, &new, core.now())?;
    let mut there = view.organisation.assignments.values();
    if let Some(same) = there.find(|other| meet(other, &assignment, core.now())) {
        return Err(AssignError::Twice(same.id));
    }
    let id = AssignmentId(core.store.allocate(Sequence::Assignment).await?);
    assignment.id = id;
    let now = core.now();
    let object = format!("assignment {id}");
    let audit = audit_entry(now, &by.actor, "role assigned", object, None, Some(&assignment), why);
    let change = Change::Assign(assignment.clone());
    let event = Event { at: now, change, notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, now| {
        let old = view.organisation.clone();
        let mut assignments = BTreeMap::clone(&old.assignments);
        assignments.insert(id, assignment.clone());
        view.take(old.with_assignments(assignments), now);
    })
    .await?;
    tracing::info!(assignment = id.0, role = %assignment.role, "Role assigned");
    Ok(assignment)
}

/// Ends an assignment.
pub async fn revoke(
    core: &Core,
    id: AssignmentId,
    by: &Caller,
    why: Option<&str>,
) -> Result<Assignment, AssignError> {
    let turn = core.turn().await;
    let view = core.view();
    let Some(gone) = view.organisation.assignments.get(&id).cloned() else {
        return Err(AssignError::Missing(format!(
            "assignment {id}; `budkavle contacts list` shows their numbers"
        )));
    };
    by.over(&view.organisation).may_give(&gone.role, &gone.holder, &gone.place)?;
    let now = core.now();
    let object = format!("assignment {id}");
    let audit = audit_entry(now, &by.actor, "role revoked", object, Some(&gone), None, why);
    let event = Event { at: now, change: Change::Revoke(id), notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, now| {
        let old = view.organisation.clone();
        let mut assignments = BTreeMap::clone(&old.assignments);
        assignments.remove(&id);
        view.take(old.with_assignments(assignments), now);
    })
    .await?;
    tracing::info!(assignment = id.0, role = %gone.role, "Role revoked");
    Ok(gone)
}

/// Notes an absence.
pub async fn add_absence(
    core: &Core,
    new: NewAbsence,
    by: &Caller,
    why: Option<&str>,
) -> Result<Absence, AssignError> {
    let turn = core.turn().await;
    let view = core.view();
    let NewAbsence { user, from, until, deputy, note } = new;
    for id in [Some(user), deputy].into_iter().flatten() {
        view.organisation.user(id).ok_or_else(|| AssignError::Missing(format!("user {id}")))?;
    }
    let mut absence = Absence { id: AbsenceId(0), user, from, until, deputy, note, origin: Origin::ByHand };
    by.over(&view.organisation).may_change(None, Some(&absence))?;
    absence.check(view.organisation.absences.get(&user).into_iter().flatten())?;
    absence.id = AbsenceId(core.store.allocate(Sequence::Absence).await?);
    let now = core.now();
    let object = format!("absence {}", absence.id);
    let audit = audit_entry(now, &by.actor, "absence noted", object, None, Some(&absence), why);
    let change = Change::Absence(absence.clone());
    let event = Event { at: now, change, notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, now| {
        let old = view.organisation.clone();
        let mut absences = all_absences(&old);
        absences.push(absence.clone());
        view.take(old.with_absences(absences), now);
    })
    .await?;
    Ok(absence)
}

/// Takes an absence back.
pub async fn remove_absence(
    core: &Core,
    id: AbsenceId,
    by: &Caller,
    why: Option<&str>,
) -> Result<Absence, AssignError> {
    let turn = core.turn().await;
    let view = core.view();
    let all = all_absences(&view.organisation);
    let Some(gone) = all.iter().find(|a| a.id == id).cloned() else {
        return Err(AssignError::Missing(format!(
            "absence {id}; `budkavle absence list` shows their numbers"
        )));
    };
    by_hand(core, &gone)?;
    by.over(&view.organisation).may_change(Some(&gone), None)?;
    let now = core.now();
    let object = format!("absence {id}");
    let audit = audit_entry(now, &by.actor, "absence removed", object, Some(&gone), None, why);
    let event = Event { at: now, change: Change::RemoveAbsence(id), notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, now| {
        let old = view.organisation.clone();
        let absences = all.into_iter().filter(|a| a.id != id);
        view.take(old.with_absences(absences), now);
    })
    .await?;
    Ok(gone)
}

/// Whether one more may hold the role in the time that it is to be held. Who holds it already is no one more.
fn check_quota(
    organisation: &Organisation,
    new: &NewAssignment,
    now: DateTime<Utc>,
) -> Result<(), AssignError> {
    let Some(role) = organisation.role(&new.role.0) else { return Ok(()) };
    let Some(quota) = role.quota else { return Ok(()) };
    let from = new.from.unwrap_or(now).max(now);
    let period = Period { from, until: new.until.unwrap_or(DateTime::<Utc>::MAX_UTC) };
    let newcomer = (&new.holder, new.mail.as_ref());
    let Some(people) = in_the_way(organisation, (&role.name, quota), newcomer, period) else { return Ok(()) };
    let names: Vec<&str> = people.iter().map(|person| &*person.name).collect();
    Err(AssignError::Full { role: role.name.clone(), quota, holders: names.join(", ") })
}

/// Whether somebody may hold a role at a place, whoever else does.
pub(super) fn fits(
    organisation: &Organisation,
    new: &NewAssignment,
    directories: &[DirectoryName],
) -> Result<(), AssignError> {
    let Some(role) = organisation.role(&new.role.0) else {
        let all: Vec<&str> = organisation.roles.iter().map(|r| &*r.name.0).collect();
        return Err(AssignError::NoRole(new.role.clone(), all.join(", ")));
    };
    if !role.grants.assign {
        return Err(AssignError::NotGiven(role.name.clone()));
    }
    check_place(role, &new.holder, &new.place)?;
    if let (Some(from), Some(until)) = (new.from, new.until)
        && until <= from
    {
        return Err(AssignError::Backwards { from, until });
    }
    if let Place::Directory(name) = &new.place
        && !directories.contains(name)
    {
        return Err(AssignError::Missing(format!("directory named {name} in the configuration")));
    }
    if let Place::Subject(name) = &new.place
        && let Err(unknown) = organisation.find_subject_for(role, &name.0)
    {
        return Err(AssignError::NoSubject(unknown));
    }
    if let Place::Unit(unit) = &new.place
        && organisation.tree.index(*unit).is_none()
    {
        return Err(AssignError::Missing(format!("unit {unit}")));
    }
    if let Holder::User(id) = &new.holder {
        let user = organisation.user(*id).ok_or_else(|| AssignError::Missing(format!("user {id}")))?;
        if !user.enabled {
            let (who, others) = (organisation.candidate(user).text, organisation.enabled_namesakes(user));
            return Err(AssignError::Disabled { who, others });
        }
        if let Place::Unit(unit) = &new.place
            && !new.any_unit
            && !role.is_narrowed()
            && user.unit != *unit
        {
            let place = organisation.tree.index(*unit);
            let own = place.into_iter().flat_map(|place| organisation.users_in(place, false));
            let could = own.filter(|user| user.enabled && user.mailable().is_some()).take(NAMED);
            let people = could.map(|user| organisation.candidate(user)).collect();
            let unit = organisation.tree.path(organisation.place_of(user));
            return Err(AssignError::OtherUnit { who: user.name().to_owned(), unit, people });
        }
    }
    Ok(())
}
