//! An Alertmanager that calls.

use std::sync::{Mutex, PoisonError};

use super::{Taken, take};
use crate::domain::intake::decide::Told;
use crate::domain::intake::{Policy, Report, Teller};
use crate::flow::core::Core;
use crate::store::StoreError;

/// Takes what it posts, one after the other.
#[derive(Default)]
pub struct Alertmanager {
    one: tokio::sync::Mutex<()>,
    trouble: Mutex<Option<String>>,
}

impl Alertmanager {
    /// Takes a group of alerts as it is now.
    ///
    /// # Errors
    /// The store.
    pub async fn post(&self, core: &Core, policy: &Policy, report: Report) -> Result<Taken, StoreError> {
        let _alone = self.one.lock().await;
        let policy = with_service(core, policy, &report);
        let taken = take(core, &Teller::Alertmanager, &policy, Told::Some(vec![report]), false).await?;
        let trouble = Some(taken.troubles.join("; ")).filter(|text| !text.is_empty());
        if let Some(trouble) = &trouble {
            tracing::error!("What Alertmanager posted is in trouble: {trouble}");
        }
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        Ok(taken)
    }

    /// What was wrong with what came last.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
