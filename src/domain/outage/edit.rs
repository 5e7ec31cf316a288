//! What is corrected of an outage, and how it was before.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{LIST_MAX, Outage, Refused, Severity, checked_services, checked_text, checked_title};
use crate::domain::audit::Actor;
use crate::domain::ids::UnitId;
use crate::domain::mailbox::Address;
use crate::domain::notice::Corrected;

/// A correction that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: Actor,
    /// What stood there before.
    pub was: Was,
}

/// What stood there before a correction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Was {
    /// The text of an update.
    Text {
        /// Its number; the opening is 0.
        update: u32,
        /// The text.
        text: Box<str>,
    },
    /// The title.
    Title(Box<str>),
    /// The severity.
    Severity(Severity),
    /// The services.
    Services(Vec<Box<str>>),
    /// The units.
    Units(Vec<UnitId>),
    /// Who was told besides the contacts.
    Also(Vec<Address>),
}

/// What is to be corrected; what isn't named stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Correction {
    /// The text of the update with this number.
    pub text: Option<(u32, Box<str>)>,
    /// The title.
    pub title: Option<Box<str>>,
    /// The severity.
    pub severity: Option<Severity>,
    /// The services.
    pub services: Option<Vec<Box<str>>>,
    /// The units.
    pub units: Option<Vec<UnitId>>,
    /// Who is told besides the contacts.
    pub also: Option<Vec<Address>>,
}

impl Outage {
    /// Corrects what was said. One that is over can be corrected, too: what was written of it is read later.
    ///
    /// # Errors
    /// [`Refused`], when nothing is different after it, or when it makes no sense.
    pub fn edit(&self, correction: Correction, by: &Actor, now: DateTime<Utc>) -> Result<Outage, Refused> {
        let Correction { text, title, severity, services, units, also } = correction;
        let mut after = self.clone();
        let mut was = Vec::new();
        if let Some((number, text)) = text {
            let text = checked_text(&text)?;
            if text.is_empty() {
                return Err(Refused::Nothing);
            }
            let (id, last) = (self.id, self.last_update());
            let place = usize::try_from(number).unwrap_or(usize::MAX);
            let missing = || Refused::NoUpdate { id, asked: number, last };
            let update = after.updates.get_mut(place).ok_or_else(missing)?;
            let before = replace(&mut update.text, text.into());
            if before.is_some() {
                update.said = None;
            }
            was.extend(before.map(|text| Was::Text { update: number, text }));
        }
        if let Some(title) = title {
            was.extend(replace(&mut after.title, checked_title(&title)?).map(Was::Title));
        }
        if let Some(severity) = severity {
            was.extend(replace(&mut after.severity, severity).map(Was::Severity));
        }
        if let Some(services) = services {
            was.extend(replace(&mut after.services, checked_services(&services)?).map(Was::Services));
        }
        if let Some(units) = units {
            if units.len() > LIST_MAX {
                return Err(Refused::TooMany("units"));
            }
            was.extend(replace(&mut after.units, units).map(Was::Units));
        }
        if let Some(also) = also {
            if also.len() > LIST_MAX {
                return Err(Refused::TooMany("addresses"));
            }
            was.extend(replace(&mut after.also, also).map(Was::Also));
        }
        if was.is_empty() {
            return Err(Refused::Same(self.id));
        }
        if let Some(plan) = &mut after.plan {
            plan.sequence = plan.sequence.saturating_add(1);
        }
        after.edits.extend(was.into_iter().map(|was| Edit { at: now, by: by.clone(), was }));
        after.silent = after.silent.saturating_add(1);
        Ok(after)
    }
}

impl Edit {
    /// What a notice says of it: nothing of whom else it is told to. `outage`: the one that was corrected.
    pub fn corrected(&self, outage: &Outage) -> Option<Corrected> {
        Some(match &self.was {
            Was::Text { update, .. } => {
                Corrected::Text(outage.updates.get(usize::try_from(*update).ok()?)?.at)
            }
            Was::Title(_) => Corrected::Title,
            Was::Severity(_) => Corrected::Severity,
            Was::Services(_) => Corrected::Services,
            Was::Units(_) => Corrected::Units,
            Was::Also(_) => return None,
        })
    }
}

/// Puts something new there; returns what was there, if that was something else.
fn replace<T: PartialEq>(there: &mut T, new: T) -> Option<T> {
    (*there != new).then(|| std::mem::replace(there, new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OutageId;
    use crate::domain::outage::State;
    use crate::domain::outage::said::Said;
    use crate::domain::outage::tests::{now, open};

    #[test]
    fn what_is_corrected_is_kept_as_it_was() {
        let opened = open("Mail is down").unwrap();
        let known = opened.update("A dsk is full.", None, Actor::System, now()).unwrap();
        let text =
            |update, text: &str| Correction { text: Some((update, text.into())), ..Correction::default() };
        let mended = known.edit(text(1, "A disk is full."), &Actor::System, now()).unwrap();
        assert_eq!(&*mended.updates[1].text, "A disk is full.");
        let over = mended.update("", Some(State::Resolved), Actor::System, now()).unwrap();
        assert_eq!(over.updates[2].said, Some(Said::Now(State::Resolved)));
        let corrected = over.edit(text(2, "It was the disk."), &Actor::System, now()).unwrap();
        assert_eq!(corrected.updates[2].said, None, "what an operator writes isn't the system's word");
        assert_eq!(mended.edits[0].was, Was::Text { update: 1, text: "A dsk is full.".into() });
        assert_eq!((mended.version(), mended.last_update()), (2, 1));
        let title = Correction {
            title: Some("E-mail is down".into()),
            severity: Some(Severity::Critical),
            services: Some(vec!["mail".into()]),
            units: Some(vec![UnitId::ROOT]),
            also: Some(vec!["it@x.example".parse().unwrap()]),
            ..Correction::default()
        };
        let titled = mended.edit(title.clone(), &Actor::System, now()).unwrap();
        assert_eq!((titled.edits.len(), titled.version(), &*titled.title), (6, 3, "E-mail is down"));
        assert_eq!(titled.edit(title, &Actor::System, now()), Err(Refused::Same(OutageId(1))));
        let none = Refused::NoUpdate { id: OutageId(1), asked: 2, last: 1 };
        assert_eq!(titled.edit(text(2, "x"), &Actor::System, now()), Err(none));
        assert_eq!(titled.edit(text(1, " "), &Actor::System, now()), Err(Refused::Nothing));
        // Who opens it meanwhile is in the way of nobody: each version follows one.
        assert_eq!(titled.update("More.", None, Actor::System, now()).unwrap().version(), 4);
    }
}
