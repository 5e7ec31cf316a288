//! What a notice says of an outage, as it stands now.

use super::{Outage, Update};
use crate::domain::ids::{SubjectName, UnitId};
use crate::domain::notice::{About, OutageWord, PlanTold};
use crate::domain::organisation::Organisation;
use crate::domain::service::Services;

/// So many of the latest updates are repeated in a mail.
const TOLD: usize = 3;

impl Outage {
    /// What a notice says of it: the last updates in full, those before them that were corrected, and how many others there were;
    /// services and units as people call them.
    pub fn word(&self, organisation: &Organisation, services: &Services, about: About) -> OutageWord {
        let names: Vec<SubjectName> = self.services.iter().map(|name| SubjectName::from(&**name)).collect();
        let title = |name: &SubjectName| services.get(name).map_or((*name.0).into(), |s| s.title.clone());
        let affected = services.affected(&names);
        let dependent = affected.iter().filter(|affected| affected.on.is_some());
        let unit =
            |id: &UnitId| organisation.tree.index(*id).map(|place| organisation.tree.path(place).into());
        let old = self.updates.len().saturating_sub(TOLD);
        let corrected = |update: &Update| about.corrects(update);
        let told = self.updates.iter().enumerate().filter(|(n, update)| *n >= old || corrected(update));
        let updates: Vec<Update> = told.map(|(_, update)| update.clone()).collect();
        OutageWord {
            id: self.id,
            title: self.title.clone(),
            severity: self.severity,
            state: self.state(),
            services: names.iter().map(title).collect(),
            dependent: dependent.map(|affected| affected.service.title.clone()).collect(),
            units: self.units.iter().filter_map(unit).collect(),
            earlier: u32::try_from(self.updates.len().saturating_sub(updates.len())).unwrap_or(u32::MAX),
            updates,
            plan: self.plan.as_ref().map(|plan| PlanTold {
                from: plan.from,
                until: plan.until,
                sequence: plan.sequence,
            }),
            about,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Actor;
    use crate::domain::notice::Corrected;
    use crate::domain::outage::tests::{now, open};
    use crate::domain::testing::{World, directory_of};

    #[test]
    fn a_word_that_was_corrected_is_repeated_however_old_it_is() {
        let mut outage = open("Mail is down").unwrap();
        for n in 1..6 {
            let at = now() + chrono::TimeDelta::hours(n);
            outage = outage.update(&format!("Word {n}."), None, Actor::System, at).unwrap();
        }
        let organisation = World::new(directory_of([], [], [])).organisation();
        let told = |about| {
            let word = outage.word(&organisation, &Services::default(), about);
            let texts: Vec<String> = word.updates.iter().map(|update| update.text.to_string()).collect();
            (texts.join(" "), word.earlier)
        };
        assert_eq!(told(About::Word), ("Word 3. Word 4. Word 5.".to_owned(), 3));
        let at = |n: usize| Corrected::Text(outage.updates[n].at);
        assert_eq!(told(About::Corrected(vec![at(1)])), ("Word 1. Word 3. Word 4. Word 5.".to_owned(), 2));
        assert_eq!(
            told(About::Corrected(vec![at(4), Corrected::Title])),
            ("Word 3. Word 4. Word 5.".to_owned(), 3)
        );
    }
}
