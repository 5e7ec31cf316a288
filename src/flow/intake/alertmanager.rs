//! An Alertmanager that calls.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Taken, note, take};
use crate::domain::intake::decide::Told;
use crate::domain::intake::{Changes, Over, Policy, Report, Teller};
use crate::flow::core::Core;
use crate::store::StoreError;

/// The troubles of so many groups are remembered.
const REMEMBERED: usize = 100;

/// Takes what it posts, one after the other.
#[derive(Default)]
pub struct Alertmanager {
    one: tokio::sync::Mutex<()>,
    /// What is wrong with which group.
    troubles: Mutex<BTreeMap<Box<str>, String>>,
}

impl Alertmanager {
    /// Takes a group of alerts as it is now.
    ///
    /// # Errors
    /// The store.
    pub async fn post(&self, core: &Core, policy: &Policy, report: Report) -> Result<Taken, StoreError> {
        let _alone = self.one.lock().await;
        // Another node may have been called with the same.
        core.follow().await?;
        let (policy, key) = (with_service(core, policy, &report), report.key.clone());
        self.part_anew(core, &report).await?;
        let taken = take(core, &Teller::Alertmanager, &policy, Told::Some(vec![report]), false).await?;
        let trouble = Some(taken.troubles.join("; ")).filter(|text| !text.is_empty());
        if let Some(trouble) = &trouble {
            tracing::error!("What Alertmanager posted is in trouble: {trouble}");
        }
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(trouble) if troubles.len() < REMEMBERED => drop(troubles.insert(key, trouble)),
            Some(_) => {}
            None => drop(troubles.remove(&key)),
        }
        drop(troubles);
        Ok(taken)
    }

    /// Forgets that a group was closed by hand, or how it ended, when all that fires in it began only after that.
    async fn part_anew(&self, core: &Core, report: &Report) -> Result<(), StoreError> {
        let view = core.view();
        let known = view.intake.followed.get(&Teller::Alertmanager).and_then(|of| of.get(&report.key));
        let Some((known, began)) = known.zip(report.began) else { return Ok(()) };
        let Some(outage) = known.outage.filter(|id| !view.outages.contains_key(id)) else { return Ok(()) };
        if known.over.is_some_and(|over| over != Over::ByHand) {
            return Ok(());
        }
        let ended = core.store.outage(outage).await?.updates.last().map(|update| update.at);
        if ended.is_some_and(|ended| began > ended) {
            let followed = vec![(Teller::Alertmanager, report.key.clone(), None)];
            note(core, Changes { followed, ..Changes::default() }).await?;
        }
        Ok(())
    }

    /// What is wrong with the groups that came last.
    pub fn trouble(&self) -> Option<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let first = troubles.values().next()?;
        Some(if troubles.len() > 1 {
            format!("{first} (so it is with {} groups)", troubles.len())
        } else {
            first.clone()
        })
    }
}

/// The label `service` of an alert may be the name of a service here: then it needs no mapping.
fn with_service(core: &Core, policy: &Policy, report: &Report) -> Policy {
    let services = &core.settings().outages.services;
    let named = report.components.iter().find_map(|name| services.find(name).ok());
    match named {
        Some(service) if policy.components.is_empty() => {
            Policy { services: vec![(*service.name.0).into()], ..policy.clone() }
        }
        _ => policy.clone(),
    }
}
