//! What the flows need of the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use crate::domain::alert;
use crate::domain::bounce;
use crate::domain::calendar::Calendar;
use crate::domain::changes::tell::Policy;
use crate::domain::climb;
use crate::domain::coverage::Day;
use crate::domain::coverage::watch::Watched;
use crate::domain::guard::Limits;
use crate::domain::ids::DirectoryName;
use crate::domain::lists::ListName;
use crate::domain::locale::Locales;
use crate::domain::organisation::Organisation;
use crate::domain::outage;
use crate::domain::past::Arrangement;
use crate::domain::quiet::{self, Quiet};
use crate::domain::roles::{self, Role, RoleName};
use crate::domain::route::Routing;
use crate::domain::run::WholeReads;
use crate::domain::schedule::Schedule;
use crate::domain::support::Support;
use crate::flow::links::Public;

/// What the flows need of the configuration. Replaced as a whole on a reload.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the organisation is called: the root of the unit tree.
    pub organisation: Box<str>,
    /// The roles.
    pub roles: Vec<Role>,
    /// How changes of contacts are told.
    pub telling: Policy,
    /// When contacts are sent what they are contacts for. None: never.
    pub duties: Option<Schedule>,
    /// To those of which roles; empty: of any.
    pub duties_of: Vec<RoleName>,
    /// The periods for which it is told that they aren't covered.
    pub watched: Vec<Watched>,
    /// The services, and how outages are told.
    pub outages: Arc<outage::policy::Policy>,
    /// Where its clocks are, for days in the reasons of an answer.
    pub zone: Tz,
    /// In which language, and by whose clocks, people are written to.
    pub locales: Locales,
    /// What stands behind the `@` of a Message-ID.
    pub mail_domain: Box<str>,
    /// How long a message is tried.
    pub expires_after: TimeDelta,
    /// Which notice goes by which channels.
    pub routing: Routing,
    /// How mails that come back are judged; None: they aren't looked at.
    pub bounces: Option<bounce::Policy>,
    /// Which notices ask to be taken on, and when they go to others.
    pub climbing: Arc<climb::Policy>,
    /// When nobody is disturbed.
    pub quiet: Quiet,
    /// When small things that last are told; None: never.
    pub lasting: Option<Schedule>,
    /// Where pages are found that links in messages lead to; None: there are none.
    pub public: Option<Public>,
    /// Which days aren't worked.
    pub calendar: Calendar,
    /// What is agreed with the vendor's support.
    pub support: Support,
    /// The lists that are believed, and the roles that each may give.
    pub lists: BTreeMap<ListName, Vec<RoleName>>,
    /// Limits and alerts, by directory.
    pub directories: BTreeMap<DirectoryName, DirectorySettings>,
}

/// With the built-in roles, on UTC, for an organisation without name and directories: what tests and benchmarks begin with.
impl Default for Settings {
    fn default() -> Settings {
        Settings {
            organisation: Box::default(),
            roles: roles::built_in(),
            zone: Tz::UTC,
            locales: Locales::default(),
            mail_domain: "localhost".into(),
            expires_after: TimeDelta::days(2),
            routing: Routing::default(),
            bounces: None,
            climbing: Arc::default(),
            public: None,
            lasting: None,
            quiet: Quiet::default(),
            calendar: Calendar::default(),
            support: Support::default(),
            lists: BTreeMap::new(),
            telling: Policy::never(),
            duties: None,
            duties_of: vec![roles::LOCAL.into()],
            watched: Vec::new(),
            outages: Arc::default(),
            directories: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// What answers depend on.
    pub fn arrangement(&self) -> Arrangement {
        Arrangement { roles: self.roles.clone(), lists: self.lists.clone() }
    }

    /// What of the units that services, templates of outages, locales and nights name isn't there, a sentence for each. Before the first sync none is, and
    /// nothing is said.
    pub fn unknown_units(&self, organisation: &Organisation) -> Vec<String> {
        let mut unknown = self.outages.unknown_units(organisation);
        unknown.extend(self.locales.unknown_units(organisation));
        unknown.extend(quiet::unknown_units(&self.quiet.nights, organisation));
        unknown
    }

    /// Whether words on outages ever wait, so that a later one can take the place of an earlier one.
    pub fn holds(&self) -> bool {
        self.quiet.holds() || !self.outages.gather.is_zero() || !self.outages.first_waits.is_zero()
    }

    /// Whether the organisation works on a day.
    pub fn day(&self, date: NaiveDate) -> Day {
        match self.calendar.day_off(date) {
            _ if !self.calendar.is_working_day(date) => Day::Closed,
            Some(_) => Day::Half,
            None => Day::Work,
        }
    }
}

/// What the flows need of one directory's configuration.
#[derive(Clone, Debug)]
pub struct DirectorySettings {
    /// What passes without approval.
    pub limits: Limits,
    /// When to alert.
    pub policy: alert::Policy,
    /// When to read everything.
    pub whole_reads: WholeReads,
}
