//! The configuration: TOML in layers, merged, read and resolved to one [`Config`], or every mistake at once.
//!
//! [`load`] is the way in, for the start, for a reload and for `budkavle check`. What it does, in reading order:
//!
//! 1. `layers` reads the file, `conf.d/*.toml` beside it and the variables ([`Environment`]), and lets figment merge them;
//!    `document` notes where in a file each value stands, which figment can't tell.
//! 2. Each section has a file that asks for its keys, one by one, through a `section`'s getters. A getter notes what is
//!    wrong and gives something to go on with, so that one look shows all mistakes. What nobody asked for is an unknown key.
//! 3. `reader` sorts what was found. Without a mistake there is a [`Config`]: plain data, checked, with the secrets in it.
//!
//! A configuration can be loaded again at any time; [`Config::reload_differences`] says which changes can't take effect then. Each section says
//! what of it can.

mod absence_source;
mod acknowledge;
mod administrator;
mod alerts;
mod api;
mod bounces;
mod calendar;
mod channel;
mod contacts;
mod coverage;
mod directory;
mod document;
mod domain;
mod durations;
mod environment;
mod feed;
mod finding;
mod graph;
mod guard;
mod heartbeat;
mod intake;
mod layers;
mod ldap;
mod list;
mod locale;
mod log;
mod mail;
mod mask;
mod night;
mod organisation;
mod outages;
mod ping;
mod postgres;
mod public;
mod quiet;
mod reader;
mod roles;
mod route;
mod schema;
mod secret;
mod section;
mod sign_in;
mod smtp;
mod store;
mod support;
mod templates;
#[cfg(test)]
mod tests;
mod trust;
mod units;
mod web;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use absence_source::AbsenceSource;
pub use administrator::Administrator;
pub use api::{Api, Callers, Readers};
pub use bounces::{BouncePlace, Bounces, Imap};
pub use channel::{Channel, ChannelKind, ChannelTerms, SmsTemplate, TokenSource};
pub use directory::{Directory, Source};
pub use domain::LdapDomain;
pub use environment::Environment;
pub use feed::{Feed, FeedKind};
pub use finding::{Finding, Findings, Look, Place, Position, Severity};
pub use graph::Graph;
pub use intake::Intake;
pub use ldap::{Ldap, LdapSecurity, LdapServer, LdapServers};
pub use list::{List, ListPlace, ListProof};
pub use log::{Log, LogFormat};
pub use mail::{Mail, Mailbox, Transport};
pub use organisation::Organisation;
pub use ping::Ping;
pub use postgres::{DatabaseServer, Postgres};
pub use public::Public;
pub use reader::Setting;
pub use secret::{Secret, SecretOrigin};
pub use sign_in::LdapSignIn;
pub use smtp::{Dkim, SignIn, Smtp, SmtpSecurity};
pub use store::Store;
pub use support::{LoginPage, PageLanguage};
pub use web::{Web, WebCredential};

use crate::domain::alert::Policy;
use crate::domain::calendar::Calendar;
use crate::domain::changes::tell;
use crate::domain::climb;
use crate::domain::coverage::watch::Watched;
use crate::domain::intake::heartbeat::Job;
use crate::domain::locale::Rule;
use crate::domain::outage;
use crate::domain::quiet::Quiet;
use crate::domain::roles::{Role, RoleName};
use crate::domain::route::Routing;
use crate::domain::schedule::Schedule;
use crate::domain::support::Support;
use layers::Layers;
use reader::Reader;

/// Everything that can be set, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose Budkavle it is.
    pub organisation: Organisation,
    /// The languages and clocks of units.
    pub locales: Vec<Rule>,
    /// The folder with an operator's own templates.
    pub templates: Option<PathBuf>,
    /// Where everything is kept.
    pub store: Store,
    /// Where the daemon listens, and to whom.
    pub api: Api,
    /// What is delegated, and to whom, in the order of their names.
    pub administrators: Vec<Administrator>,
    /// Where users and units come from, in the order of their names. At least one.
    pub directories: Vec<Directory>,
    /// When the AD-sync contacts are told.
    pub alerts: Policy,
    /// When they are told small things that last; None: never.
    pub lasting: Option<Schedule>,
    /// How notices leave by mail.
    pub mail: Mail,
    /// The mailbox into which mails come back; None: nobody looks at them.
    pub bounces: Option<Bounces>,
    /// By what else they leave, in the order of the names.
    pub channels: Vec<Channel>,
    /// Which notice goes by which channels.
    pub routing: Routing,
    /// When nobody is disturbed.
    pub quiet: Quiet,
    /// Where pages for everybody are, if anywhere.
    pub public: Option<Public>,
    /// Which notices ask to be taken on, and when they go to others.
    pub climbing: climb::Policy,
    /// The roles, in the order they are shown.
    pub roles: Vec<Role>,
    /// Which days aren't worked.
    pub calendar: Calendar,
    /// The lists of people that somebody else keeps, in the order of their names.
    pub lists: Vec<List>,
    /// The calendars that absences are taken from, in the order of their names.
    pub absence_sources: Vec<AbsenceSource>,
    /// The vendor's support.
    pub support: Support,
    /// The page for trouble signing in.
    pub login_page: LoginPage,
    /// How changes of contacts are told.
    pub telling: tell::Policy,
    /// When contacts are sent what they are contacts for; None: never.
    pub duties: Option<Schedule>,
    /// To those of which roles; empty: of any.
    pub duties_of: Vec<RoleName>,
    /// The periods for which it is told that they aren't covered.
    pub watched: Vec<Watched>,
    /// Services, and how outages are told.
    pub outages: outage::policy::Policy,
    /// The vendors' status pages, in the order of their names.
    pub feeds: Vec<Feed>,
    /// The jobs that give signs of life, in the order of their names.
    pub heartbeats: Vec<Job>,
    /// Where others may call; None: nowhere.
    pub intake: Option<Intake>,
    /// What is logged.
    pub log: Log,
    settings: Vec<Setting>,
}

impl Config {
    /// Every setting as it is in force and where it is from, for people and for programs. Secrets are not in it.
    #[must_use]
    pub fn summary(&self) -> &[Setting] {
        &self.settings
    }

    /// The keys whose values differ in `new` and take effect only after a restart.
    #[must_use]
    pub fn reload_differences(&self, new: &Config) -> Vec<&'static str> {
        let store = self.store.restart(&new.store);
        let intake = intake::restart(self.intake.as_ref(), new.intake.as_ref());
        let store = store.chain(self.api.restart(&new.api));
        store.chain(intake).chain(self.log.restart(&new.log)).collect()
    }
}

/// Loads a configuration: the file, `conf.d/*.toml` beside it, the variables, and the secrets they name. With it come the warnings.
///
/// # Errors
/// Every mistake, and the warnings.
pub fn load(file: &Path, environment: &Environment) -> Result<(Config, Findings), Findings> {
    resolve(&Layers::gather(file, environment), environment).0
}

/// Reads the merged layers. Beside the outcome: the keys that there are.
fn resolve(
    layers: &Layers,
    environment: &Environment,
) -> (Result<(Config, Findings), Findings>, BTreeSet<String>) {
    let reader = Reader::new(layers, environment);
    // With a file missing, all that could be said of the rest would be false.
    if !layers.findings.is_empty() {
        return (Err(reader.found().0), BTreeSet::new());
    }
    let root = reader.root();
    let organisation = organisation::read(&root.section("organisation"));
    let locales = locale::read_all(&root);
    let templates = templates::read(&root.section("templates"));
    let store = store::read(&root.section("store"));
    let api = api::read(&root.section("api"));
    let guard = guard::read(&root.section("guard"), &crate::domain::guard::Limits::default());
    let mut directories = directory::read_all(&root, organisation.timezone, &guard);
    let alerts = alerts::read(&root.section("alerts"));
    let lasting = alerts::lasting(&root.section("alerts"), organisation.timezone);
    directory::warn_of_pauses(
        &root.section("alerts"),
        directories.as_deref().unwrap_or_default(),
        alerts.stale_after,
    );
    let mail = mail::read(&root.section("mail"));
    let bounces = bounces::read(&root.section("bounces"), organisation.timezone);
    if let (Some(_), Some(mail)) = (&bounces, &mail) {
        mail.judge_bounces(&root.section("mail"));
    }
    let channels = channel::read_all(&root);
    let usual = mail.as_ref().map_or(durations::DAY * 2, |mail| mail.expires_after);
    let routing = route::read(&root, &channels, usual);
    let roles = roles::read(&root.section("roles"));
    for directory in directories.iter_mut().flatten() {
        directory.mapping.marks = crate::domain::roles::granting_attributes(&roles);
    }
    let administrators = administrator::read_all(&root, &roles);
    let calendar = calendar::read(&root.section("calendar"));
    let lists = list::read_all(&root, organisation.timezone, &roles);
    let absence_sources = absence_source::read_all(&root, organisation.timezone);
    let shared = Arc::new(calendar.clone());
    let public = public::read(&root.section("public"));
    let quiet =
        quiet::read(&root.section("quiet_hours"), &shared, &channels, night::read_all(&root, &shared));
    let climbing = acknowledge::read(&root.section("acknowledge"), organisation.timezone, &shared);
    let support = support::read(&root.section("support"), organisation.timezone, &shared);
    let login_page = support::login_page(&root.section("login_page"), organisation.timezone, &shared);
    let telling = contacts::changes(&root.section("contact_changes"), organisation.timezone, &roles);
    let (duties, duties_of) =
        contacts::digest(&root.section("contact_digest"), organisation.timezone, &roles);
    let watched = coverage::read(&root.section("coverage"), &roles);
    let outages = outages::read(&root, &roles);
    let feeds = feed::read_all(&root, organisation.timezone, &outages.services);
    let heartbeats = heartbeat::read_all(&root, &outages.services);
    let intake = intake::read(&root.section("intake"), &outages.services);
    let log = log::read(&root.section("log"));
    let (findings, settings, known) = reader.finish();
    let outcome = match (directories, mail) {
        (Some(directories), Some(mail)) if findings.errors() == 0 => {
            let config = Config {
                organisation,
                locales,
                templates,
                store,
                api,
                administrators,
                directories,
                alerts,
                lasting,
                mail,
                bounces,
                channels,
                routing,
                quiet,
                public,
                climbing,
                roles,
                telling,
                duties,
                duties_of,
                watched,
                calendar,
                lists,
                absence_sources,
                support,
                login_page,
                outages,
                feeds,
                heartbeats,
                intake,
                log,
                settings,
            };
            Ok((config, findings))
        }
        _ => Err(findings),
    };
    (outcome, known)
}
