//! What a notice says of an outage, as it stands now.

use super::Outage;
use crate::domain::ids::{SubjectName, UnitId};
use crate::domain::notice::{About, OutageWord, PlanTold};
use crate::domain::organisation::Organisation;
use crate::domain::service::Services;

/// So many of the latest updates are repeated in a mail.
const TOLD: usize = 3;

impl Outage {
    /// What a notice says of it: the last updates in full and how many there were before them; services and units as people call them.
    pub fn word(&self, organisation: &Organisation, services: &Services, about: About) -> OutageWord {
        let names: Vec<SubjectName> = self.services.iter().map(|name| SubjectName::from(&**name)).collect();
        let title = |name: &SubjectName| services.get(name).map_or((*name.0).into(), |s| s.title.clone());
        let affected = services.affected(&names);
        let dependent = affected.iter().filter(|affected| affected.on.is_some());
        let unit =
            |id: &UnitId| organisation.tree.index(*id).map(|place| organisation.tree.path(place).into());
        OutageWord {
            id: self.id,
            title: self.title.clone(),
            severity: self.severity,
            state: self.state(),
            services: names.iter().map(title).collect(),
            dependent: dependent.map(|affected| affected.service.title.clone()).collect(),
            units: self.units.iter().filter_map(unit).collect(),
            updates: self.updates.iter().rev().take(TOLD).rev().cloned().collect(),
            earlier: u32::try_from(self.updates.len().saturating_sub(TOLD)).unwrap_or(u32::MAX),
            plan: self.plan.as_ref().map(|plan| PlanTold {
                from: plan.from,
                until: plan.until,
                sequence: plan.sequence,
            }),
            about,
        }
    }
}
