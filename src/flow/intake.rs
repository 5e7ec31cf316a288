//! What others tell of incidents becomes outages, by the same way as what people order.
//!
//! [`take`] asks the domain what is to be done about what somebody told, and does it, each word in one transaction with what is kept of it:
//! an outage that was opened is never opened again, whatever happens in between. [`feeds`] reads status pages, [`alertmanager`] is called,
//! [`heartbeats`] waits for signs of life.

pub mod alertmanager;
pub mod feeds;
pub mod heartbeats;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::core::Core;
use super::outage::{Done, Order, OutageError, carry_out, carry_out_told};
use crate::domain::ids::{OutageId, UnitId};
use crate::domain::intake::decide::{DAILY, Plan, Step, Told, Why, decide};
use crate::domain::intake::{Changes, Policy, Teller};
use crate::domain::outage::edit::{Correction, Was};
use crate::domain::outage::{Opening, Refused, Severity, State};
use crate::store::{Change, Event, StoreError};

/// What was done about something that was told, or would be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deed {
    /// What.
    pub what: What,
    /// Of which outage; None: one that would be opened.
    pub outage: Option<OutageId>,
    /// The title of what is opened, or what is said.
    pub text: Box<str>,
    /// How bad it is, of what is opened or becomes better or worse.
    pub severity: Option<Severity>,
    /// Which services it concerns, of what is opened; which ones it concerns as well, of what is widened.
    pub services: Vec<Box<str>>,
    /// How many people were told.
    pub messages: u32,
}

/// What a [`Deed`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An outage was opened.
    Opened,
    /// Something new was said of one.
    Updated,
    /// It was resolved.
    Resolved,
    /// More services are concerned.
    Widened,
}

/// What nothing was done about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Left {
    /// What tells it from others.
    pub key: Box<str>,
    /// Its title.
    pub title: Box<str>,
    /// Why.
    pub why: Why,
}

/// What came of what was told.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Taken {
    /// What was done.
    pub done: Vec<Deed>,
    /// What nothing was done about.
    pub left: Vec<Left>,
    /// What is wrong, full sentences.
    pub troubles: Vec<String>,
    /// Whether time alone may make something else of the same words.
    #[serde(skip)]
    pub ripens: bool,
}

/// Takes what `teller` told; with `dry` it only finds what would be done. Who calls sees to it that this isn't done twice at a time for one
/// teller.
///
/// # Errors
/// The store. What was done before stays done, and is found done the next time.
pub async fn take(
    core: &Core,
    teller: &Teller,
    policy: &Policy,
    told: Told,
    dry: bool,
) -> Result<Taken, StoreError> {
    let view = core.view();
    let is_open = |id| view.outages.contains_key(&id);
    let lost = if let Told::All { listed, .. } = &told { (listed.lost, listed.unread.len()) } else { (0, 0) };
    let plan = decide(teller, policy, view.intake.of(teller), is_open, told, core.now());
    let (ripens, too_many) = (plan.may_ripen(), plan.too_many());
    let Plan { steps, notes, left, vanished, concerns } = plan;
    let left = left.into_iter().map(|(report, why)| Left { key: report.key, title: report.title, why });
    let mut taken = Taken { left: left.collect(), ripens, ..Taken::default() };
    if too_many > 0 {
        taken.troubles.push(format!(
            "{too_many} more outages would be open than `most` allows ({}, and {} opened in a day), so none was opened; raise it if that is right",
            policy.most,
            policy.most.saturating_mul(DAILY),
        ));
    }
    if vanished > 0 {
        taken.troubles.push(format!(
            "all {vanished} incidents that were open are gone from it at once; they are closed later than usual, in case it is the list that is wrong"
        ));
    }
    if lost.0 > 0 {
        taken.troubles.push(format!("{} of its entries have no identity, so none counts as gone", lost.0));
    }
    if lost.1 > 0 {
        taken.troubles.push(format!("{} of its entries can't be read; nothing is done about them", lost.1));
    }
    if !dry && !notes.is_empty() {
        let followed = notes.into_iter().map(|(key, followed)| (teller.clone(), key, followed)).collect();
        note(core, Changes { followed, ..Changes::default() }).await?;
    }
    let opens = steps.iter().any(|step| matches!(step, Step::Open { .. }));
    let (units, unknown) = if opens { units(core, &policy.units) } else { Default::default() };
    taken.troubles.extend(unknown);
    for step in steps {
        match one(core, teller, step, &units, dry).await {
            Ok(deed) => taken.done.push(deed),
            Err(OutageError::Store(error)) => return Err(error),
            // It was closed, or its service taken out of the configuration, just now: the next look finds that.
            Err(error) => {
                taken.troubles.push(error.to_string());
                taken.ripens = true;
            }
        }
    }
    for (outage, services) in concerns {
        match widen(core, teller, outage, &services, dry).await {
            Ok(deed) => taken.done.extend(deed),
            Err(OutageError::Store(error)) => return Err(error),
            Err(error) => taken.troubles.push(error.to_string()),
        }
    }
    Ok(taken)
}

/// Has an outage concern these services as well, and tells whom that concerns. What somebody has taken away isn't put back; what concerns
/// every service isn't narrowed.
async fn widen(
    core: &Core,
    teller: &Teller,
    id: OutageId,
    services: &[Box<str>],
    dry: bool,
) -> Result<Option<Deed>, OutageError> {
    let view = core.view();
    let Some(outage) = view.outages.get(&id).filter(|outage| !outage.services.is_empty()) else {
        return Ok(None);
    };
    let was_there = |service: &str| {
        let was = |before: &[Box<str>]| before.iter().any(|before| **before == *service);
        outage.edits.iter().any(|edit| matches!(&edit.was, Was::Services(before) if was(before)))
    };
    let more = services.iter().filter(|service| !outage.services.contains(service) && !was_there(service));
    let more: Vec<Box<str>> = more.cloned().collect();
    if more.is_empty() {
        return Ok(None);
    }
    let all = outage.services.iter().chain(&more).cloned().collect();
    let correction = Correction { services: Some(all), ..Correction::default() };
    let order = Order::Edit { correction, tell: true };
    match carry_out(core, Some(id), order, &teller.actor(), None, dry).await {
        Ok(done) => Ok(Some(Deed {
            what: What::Widened,
            outage: Some(id),
            text: done.outage.title.clone(),
            severity: None,
            services: more,
            messages: told(&done),
        })),
        Err(OutageError::Refused(Refused::Same(_))) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Notes what is known of what others tell.
async fn note(core: &Core, changes: Changes) -> Result<(), StoreError> {
    let turn = core.turn().await;
    let change = Change::Intake(Box::new(changes.clone()));
    let event = Event { at: core.now(), change, notices: Vec::new(), audit: None };
    turn.commit(event, |view, _, _| Arc::make_mut(&mut view.intake).apply(changes)).await.map(drop)
}

async fn one(
    core: &Core,
    teller: &Teller,
    step: Step,
    units: &[UnitId],
    dry: bool,
) -> Result<Deed, OutageError> {
    let by = teller.actor();
    match step {
        Step::Open { report, severity, services, followed } => {
            let said = match &report.link {
                Some(link) => format!("{}\n\n{link}", report.said()),
                None => report.said().to_owned(),
            };
            let opening = Opening {
                title: report.title.clone(),
                text: said.into(),
                severity,
                services: services.clone(),
                units: units.to_vec(),
                also: Vec::new(),
                ack: false,
            };
            let order = Order::Open(opening);
            let done = if dry {
                carry_out(core, None, order, &by, None, true).await?
            } else {
                carry_out_told(core, None, order, &by, Changes::following(followed), None).await?
            };
            let outage = (!dry).then_some(done.outage.id);
            let text = done.outage.title.clone();
            Ok(Deed {
                what: What::Opened,
                outage,
                text,
                severity: Some(severity),
                services,
                messages: told(&done),
            })
        }
        Step::Say { outage, text, said, state, severity, followed: (key, followed) } => {
            let ends = state.is_some_and(State::is_end);
            let mut messages = 0;
            if !dry {
                if let Some(severity) = severity {
                    rate(core, outage, severity, teller).await?;
                }
                // Silent on where it stands unless the teller has changed its mind: what an operator says isn't taken back.
                let order = Order::Update { text: text.clone(), state };
                let kept = Changes { followed: vec![(teller.clone(), key, followed)], ..Changes::default() };
                messages = told(&carry_out_told(core, Some(outage), order, &by, kept, said).await?);
            }
            let what = if ends { What::Resolved } else { What::Updated };
            Ok(Deed { what, outage: Some(outage), text, severity, services: Vec::new(), messages })
        }
    }
}

/// Notes that an outage is better or worse than it was, before that is told with what is new.
async fn rate(core: &Core, outage: OutageId, severity: Severity, teller: &Teller) -> Result<(), OutageError> {
    let correction = Correction { severity: Some(severity), ..Correction::default() };
    let order = Order::Edit { correction, tell: false };
    match carry_out(core, Some(outage), order, &teller.actor(), None, false).await {
        Ok(_) | Err(OutageError::Refused(Refused::Same(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

fn told(done: &Done) -> u32 {
    done.committed.as_ref().map_or(0, |committed| committed.messages)
}

/// The units of these names. Those that aren't there are told of; only when none is, everybody is concerned.
pub(super) fn units(core: &Core, names: &[Box<str>]) -> (Vec<UnitId>, Vec<String>) {
    let view = core.view();
    let tree = &view.organisation.tree;
    let mut units = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        match view.organisation.find_unit_by_path(name) {
            Ok(place) => units.push(tree.id(place)),
            Err(error) => unknown.push(error.to_string()),
        }
    }
    if units.is_empty() && !unknown.is_empty() {
        unknown
            .push("none of its units is there, so everybody is concerned until one is named anew".to_owned());
    }
    (units, unknown)
}

/// Where others call: what keeps it shut though the configuration names it.
#[derive(Default)]
pub struct Door(Mutex<Option<String>>);

impl Door {
    /// Notes what keeps it shut, or that nothing does; returns whether that is new.
    pub fn set(&self, trouble: Option<String>) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *kept != trouble;
        *kept = trouble;
        is_new
    }

    /// What keeps it shut.
    pub fn trouble(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What an incident is resolved with.
const RESOLVED: Option<State> = Some(State::Resolved);
