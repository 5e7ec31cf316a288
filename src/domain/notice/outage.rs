//! What is said of an outage, as it was when it was decided.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Climbed, Facts};
use crate::domain::ids::OutageId;
use crate::domain::outage::said::PlainUpdate;
use crate::domain::outage::{Incident, Severity, State, Update};

/// What there is to say of an outage. `U`: as updates are kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutageWord<U = Update> {
    /// Its number.
    pub id: OutageId,
    /// One line.
    pub title: Box<str>,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: State,
    /// What the services are called that are out.
    pub services: Vec<Box<str>>,
    /// What those are called that depend on them.
    pub dependent: Vec<Box<str>>,
    /// The names of the units concerned.
    pub units: Vec<Box<str>>,
    /// What was said up to then; of long ones, the last few words.
    pub updates: Vec<U>,
    /// How many there were before those.
    pub earlier: u32,
    /// When it is carried out, of maintenance.
    pub plan: Option<PlanTold>,
    /// What is told.
    pub about: About,
}

impl OutageWord {
    /// What it is called before its number.
    pub fn kind(&self) -> &'static str {
        if self.plan.is_some() { "Maintenance" } else { "Outage" }
    }

    /// What it is about, in a few words.
    pub fn summary(&self) -> String {
        let about = match self.about {
            About::Word => "",
            About::Correction | About::Corrected(_) | About::Left => ", corrected",
            About::Silence(_) => ", not a word for long",
        };
        format!("{} {} ({}{about}): {}", self.kind().to_lowercase(), self.id, self.state, self.title)
    }
}

/// When maintenance is carried out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanTold {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends, as planned.
    pub until: DateTime<Utc>,
    /// The version of its entry in a calendar (`SEQUENCE`, RFC 5545 §3.8.7.4).
    pub sequence: u32,
}

/// What is told of an outage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Its last update.
    Word,
    /// What was said before was corrected; what of it wasn't noted. Read of older stores, and not written any more.
    Correction,
    /// That nothing has been said of it for so long, in minutes; told to whoever answers for it.
    Silence(u32),
    /// It was corrected, and doesn't concern the recipient any more.
    Left,
    /// What was said before was corrected: this of it.
    Corrected(Vec<Corrected>),
}

impl About {
    /// Whether the text of this update was corrected.
    pub fn corrects(&self, update: &Update) -> bool {
        matches!(self, About::Corrected(of) if of.contains(&Corrected::Text(update.at)))
    }
}

/// What of an outage was corrected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corrected {
    /// The text of the word that was said then.
    Text(DateTime<Utc>),
    /// The title.
    Title,
    /// The severity.
    Severity,
    /// The services.
    Services,
    /// The units.
    Units,
}

impl From<(&Incident, u32, &[Box<str>])> for OutageWord {
    /// What was told of an incident, with how many updates there were before, and the names of the units.
    fn from((incident, earlier, units): (&Incident, u32, &[Box<str>])) -> OutageWord {
        let Incident { id, title, severity, services, units: _, updates } = incident.clone();
        OutageWord {
            id,
            title,
            severity,
            state: updates.last().map_or(State::Investigating, |u| u.state),
            services,
            dependent: Vec::new(),
            units: units.to_vec(),
            updates: updates.into_iter().map(Update::from).collect(),
            earlier,
            plan: None,
            about: About::Word,
        }
    }
}

impl From<OutageWord<PlainUpdate>> for OutageWord {
    fn from(old: OutageWord<PlainUpdate>) -> OutageWord {
        let OutageWord {
            id,
            title,
            severity,
            state,
            services,
            dependent,
            units,
            updates,
            earlier,
            plan,
            about,
        } = old;
        let updates = updates.into_iter().map(Update::from).collect();
        OutageWord { id, title, severity, state, services, dependent, units, updates, earlier, plan, about }
    }
}

impl Facts {
    /// What was stored, as it is now.
    #[must_use]
    pub fn renewed(self) -> Facts {
        match self {
            Facts::OutageTold(word) => Facts::OutageWord(Box::new((*word).into())),
            Facts::Climbed(climbed) => {
                Facts::Climbed(Box::new(Climbed { facts: climbed.facts.renewed(), ..*climbed }))
            }
            other => other,
        }
    }
}

impl OutageWord {
    /// Whether there may be something to do for whoever gets it: not by what says that it is over, that it concerns them no more, or that nobody has said anything for long.
    pub fn demands(&self) -> bool {
        !self.state.is_end() && matches!(self.about, About::Word | About::Correction | About::Corrected(_))
    }

    /// Whether an earlier word that wasn't accepted yet isn't sent any more to whoever gets this one: any on an incident, whose mail repeats what was said before;
    /// of maintenance those with another time or state.
    pub fn takes_the_place_of(&self, earlier: &OutageWord) -> bool {
        let time = |word: &OutageWord| word.plan.as_ref().map(|plan| (plan.from, plan.until));
        let other = time(self) != time(earlier) || self.state != earlier.state;
        self.about == About::Word && (self.plan.is_none() || other)
    }
}
