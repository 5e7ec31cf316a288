//! What the configuration says of outages.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::domain::ids::RoleName;
use crate::domain::mailbox::Address;
use crate::domain::organisation::Organisation;
use crate::domain::roles::GLOBAL;
use crate::domain::service::Services;

/// What the configuration says of outages.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The services. None: an outage names what it likes.
    pub services: Arc<Services>,
    /// Who is told of every outage besides the contacts.
    pub also: Vec<Address>,
    /// When nothing has been said for too long.
    pub nag: Nag,
    /// Whom a nag goes to besides whoever opened it.
    pub nag_role: RoleName,
    /// How long before maintenance begins it is told again.
    pub remind: Vec<TimeDelta>,
    /// Whether somebody says when maintenance is completed, or the clock does.
    pub by_hand: bool,
    /// So long a word that follows another waits for more, unless it is critical; of several only the last is told. Zero: not at all.
    pub gather: TimeDelta,
    /// So long the first word on an incident waits, unless it is critical: for what it follows from, and for more. Zero: not at all.
    pub first_waits: TimeDelta,
    /// Whether who is told of an incident is spared those that follow from it.
    pub inhibit: bool,
    /// Frequent cases, by name.
    pub templates: BTreeMap<Box<str>, Template>,
}

impl Policy {
    /// What of the units that services and templates name isn't there, a sentence for each. Before the first sync none is, and nothing
    /// is said.
    pub fn unknown_units(&self, organisation: &Organisation) -> Vec<String> {
        if organisation.tree.is_empty() {
            return Vec::new();
        }
        let of_services = self.services.iter().flat_map(|service| service.unknown_units(organisation));
        let of_templates = self.templates.values().flat_map(|template| template.unknown_units(organisation));
        of_services.chain(of_templates).collect()
    }
}

/// Nothing but what is built in.
impl Default for Policy {
    fn default() -> Policy {
        Policy {
            services: Arc::default(),
            also: Vec::new(),
            nag: Nag::default(),
            nag_role: GLOBAL.into(),
            remind: vec![TimeDelta::days(1)],
            by_hand: false,
            inhibit: true,
            gather: TimeDelta::zero(),
            first_waits: TimeDelta::zero(),
            templates: BTreeMap::new(),
        }
    }
}

/// After how long without a word an incident is pointed out, by severity. None: never.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Nag {
    /// Of minor ones.
    pub minor: Option<TimeDelta>,
    /// Of major ones.
    pub major: Option<TimeDelta>,
    /// Of critical ones.
    pub critical: Option<TimeDelta>,
}

impl Nag {
    /// That of a severity.
    pub fn after(&self, severity: Severity) -> Option<TimeDelta> {
        match severity {
            Severity::Minor => self.minor,
            Severity::Major => self.major,
            Severity::Critical => self.critical,
        }
    }
}

/// A frequent case: what an outage says when nothing else is said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Template {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// The title.
    pub title: Box<str>,
    /// The text; may be empty.
    pub text: Box<str>,
    /// The severity.
    pub severity: Option<Severity>,
    /// The services.
    pub services: Vec<Box<str>>,
    /// The units, as people name them.
    pub units: Vec<Box<str>>,
}

impl Template {
    /// What of the units that it names isn't there, a sentence for each.
    pub fn unknown_units(&self, organisation: &Organisation) -> Vec<String> {
        let unknown = |unit: &str| {
            let error = organisation.find_unit(unit).err()?;
            Some(format!("[outage_template.{}] units: {error}", self.name))
        };
        self.units.iter().filter_map(|unit| unknown(unit)).collect()
    }
}
