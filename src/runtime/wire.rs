//! From the configuration to the settings of each part. Only here is the whole of it known.

pub mod intake;
mod mail;
mod outside;
pub mod returned;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};

use super::loops::Upkeep;
use super::telemetry::Format;
use super::texts;
use crate::channel::login_page::Language;
use crate::channel::message::{ComposeError, Composer, Custom, From as Sent};
use crate::channel::{
    Channel, CommandChannel, Form, SetupError, SmsSettings, TokenSettings, Tokens, WebChannel, WebSettings,
};
use crate::config::{self, Config, LdapSecurity, LdapServers, LogFormat, Transport};
use crate::domain::decode::Mapping;
use crate::domain::ids::{ChannelName, DirectoryName, SourceName};
use crate::domain::lists::ListName;
use crate::domain::schedule::Schedule;
use crate::flow::absence_sources::CalendarSettings;
use crate::flow::core::{DirectorySettings, Settings};
use crate::flow::deliver::{Sender, Terms};
use crate::flow::links::Public;
use crate::flow::lists::ListSettings;
use crate::flow::login_page;
use crate::http::access::{Access, Names};
use crate::source::calendar::CalendarSource;
use crate::source::fetch::Location;
use crate::source::ldap::{self, Domain, Ldap, NotAServer, Password, Refusals, Security, Server, Servers};
use crate::source::ldif::Ldif;
use crate::source::list::{ListSource, Proof};
use crate::source::{Source, SourceError};
use crate::store::{Retention, SledSettings};
use crate::tls::TlsError;
pub use mail::channel;

use outside::web;
pub use outside::{ping, pings};

/// Why a part can't be made of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A directory.
    #[error("the directory {0}: {1}")]
    Source(DirectoryName, SourceError),
    /// A directory's server.
    #[error("the directory {0}: {1}")]
    Server(DirectoryName, NotAServer),
    /// The mail server.
    #[error("[mail]: {0}")]
    Mail(#[from] SetupError),
    /// The sender or the templates.
    #[error("[mail]: {0}")]
    Compose(#[from] ComposeError),
    /// Another channel.
    #[error("[channel.{0}]: {1}")]
    Channel(ChannelName, String),
    /// The mailbox into which mails come back.
    #[error("[bounces]: {0}")]
    Bounces(String),
    /// Where others call.
    #[error("[intake]: {0}")]
    Intake(TlsError),
    /// A sign of life.
    #[error("the ping of the directory {0}: {1}")]
    Ping(DirectoryName, TlsError),
    /// Where pages are asked for.
    #[error("[public] listen: {address} can't be listened on: {cause}")]
    Pages {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The log.
    #[error("[log]: {0}")]
    Log(String),
}

/// When each directory is synced. Replaced as a whole on a reload.
pub struct Schedules(ArcSwap<BTreeMap<DirectoryName, Schedule>>);

impl Schedules {
    /// Of these directories.
    pub fn new(schedules: BTreeMap<DirectoryName, Schedule>) -> Schedules {
        Schedules(ArcSwap::from_pointee(schedules))
    }

    /// When `directory` is due first after `now`; None when it isn't known.
    pub fn next_after(&self, directory: &DirectoryName, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.load().get(directory)?.next_after(now)
    }

    /// Takes those of another configuration.
    pub fn replace(&self, other: Schedules) {
        self.0.store(other.0.into_inner());
    }
}

/// When each directory is synced.
pub fn schedules(config: &Config) -> Schedules {
    let all = config.directories.iter().map(|d| (d.name.clone(), d.schedule.clone()));
    Schedules::new(all.collect())
}

/// The least time between two runs that change notification makes, of the directories that are listened to.
pub fn hint_pauses(config: &Config) -> BTreeMap<DirectoryName, TimeDelta> {
    let pause = |d: &config::Directory| match &d.source {
        config::Source::Ldap(ldap) => Some((d.name.clone(), delta(ldap.change_notification?))),
        config::Source::Ldif { .. } => None,
    };
    config.directories.iter().filter_map(pause).collect()
}

/// Where the store is and how it behaves.
pub fn store_settings(config: &Config) -> SledSettings {
    let store = &config.store;
    let mib = |n: u32| u64::from(n) * 1024 * 1024;
    SledSettings {
        path: store.folder.clone(),
        cache_bytes: mib(store.cache_mib),
        exports: store.folder.join("exports"),
        keep_exports: store.keep_exports.try_into().unwrap_or(usize::MAX),
        reserve_bytes: mib(store.reserve_mib),
    }
}

/// What becomes of what is old.
pub fn upkeep(config: &Config) -> Upkeep {
    let store = &config.store;
    let retention = Retention {
        runs: delta(store.keep_runs),
        messages: delta(store.keep_messages),
        steps: delta(store.keep_undo),
        past: delta(store.keep_past),
    };
    Upkeep { export_every: store.export_every, retention, keep_gone: delta(store.keep_gone) }
}

/// What the flows need.
pub fn flow_settings(config: &Config) -> Settings {
    let directory = |d: &config::Directory| {
        let settings = DirectorySettings {
            limits: d.guard,
            policy: config.alerts.clone(),
            whole_reads: d.whole_reads.clone(),
        };
        (d.name.clone(), settings)
    };
    Settings {
        calendar: config.calendar.clone(),
        support: config.support.clone(),
        lists: config.lists.iter().map(|list| (list.name.clone(), list.roles.clone())).collect(),
        organisation: config.organisation.name.as_str().into(),
        roles: config.roles.clone(),
        telling: config.telling.clone(),
        duties: config.duties.clone(),
        duties_of: config.duties_of.clone(),
        watched: config.watched.clone(),
        outages: Arc::new(config.outages.clone()),
        zone: config.organisation.timezone,
        locales: texts::locales(config),
        mail_domain: config.mail.from.address.domain().into(),
        expires_after: delta(config.mail.expires_after),
        routing: config.routing.clone(),
        bounces: config.bounces.as_ref().map(returned::policy),
        climbing: Arc::new(config.climbing.clone()),
        lasting: config.lasting.clone(),
        quiet: config.quiet.clone(),
        public: config.public.as_ref().map(|public| Public {
            url: public.url.as_str().into(),
            lives: delta(public.link_lifetime),
            subscribe: public.subscribe,
        }),
        directories: config.directories.iter().map(directory).collect(),
    }
}

/// The lists that somebody else keeps.
pub fn lists(config: &Config) -> BTreeMap<ListName, ListSettings> {
    let location = |place: &config::ListPlace| match place {
        config::ListPlace::File(path) => Location::File(path.clone()),
        config::ListPlace::Url(url) => Location::Url(url.clone()),
    };
    let proof = |proof: &config::ListProof| match proof {
        config::ListProof::Sha256(sha256) => Proof::Sha256(*sha256),
        config::ListProof::Sha256At(place) => Proof::Sha256At(location(place)),
        config::ListProof::Signed(key, place) => {
            Proof::Signed { key: key.clone(), signature: location(place) }
        }
        config::ListProof::Transport => Proof::Transport,
    };
    let list = |list: &config::List| {
        let source = ListSource {
            location: location(&list.at),
            proof: proof(&list.proof),
            tls: list.tls.clone(),
            timeout: list.timeout,
        };
        let zone = config.organisation.timezone;
        (list.name.clone(), ListSettings { roles: list.roles.clone(), format: list.format, zone, source })
    };
    config.lists.iter().map(list).collect()
}

/// The calendars with absences.
pub fn calendars(config: &Config) -> BTreeMap<SourceName, CalendarSettings> {
    let calendar = |source: &config::AbsenceSource| {
        let location = match &source.at {
            config::ListPlace::File(path) => Location::File(path.clone()),
            config::ListPlace::Url(url) => Location::Hidden(url.clone()),
        };
        let settings = CalendarSettings {
            user: source.user.clone(),
            deputy: source.deputy.clone(),
            busy: source.busy,
            titles: source.titles.clone(),
            source: CalendarSource { location, tls: source.tls.clone(), timeout: source.timeout },
        };
        (source.name.clone(), settings)
    };
    config.absence_sources.iter().map(calendar).collect()
}

/// When each calendar is looked at.
pub fn calendar_schedules(config: &Config) -> BTreeMap<SourceName, Schedule> {
    config.absence_sources.iter().map(|source| (source.name.clone(), source.schedule.clone())).collect()
}

/// When each list is looked at.
pub fn list_schedules(config: &Config) -> BTreeMap<ListName, Schedule> {
    config.lists.iter().map(|list| (list.name.clone(), list.schedule.clone())).collect()
}

/// Where the page for trouble signing in is written, and how; None: nowhere.
pub fn login_page(config: &Config) -> Option<login_page::Settings> {
    let page = &config.login_page;
    let language = match page.language {
        config::PageLanguage::English => Language::English,
        config::PageLanguage::Swedish => Language::Swedish,
    };
    Some(login_page::Settings { file: page.file.clone()?, language, hours: page.hours.clone() })
}

/// Who may do what on the socket.
pub fn access(config: &Config) -> Access {
    let names = |c: &config::Callers| Names { users: c.users.clone(), groups: c.groups.clone() };
    Access {
        operators: names(&config.api.operators),
        readers: names(&config.api.readers.callers),
        everybody_reads: config.api.readers.everybody,
        administrators: config.administrators.iter().map(|a| (names(&a.who), Arc::clone(&a.grant))).collect(),
    }
}

/// Where each directory is read.
pub fn sources(config: &Config) -> Result<BTreeMap<DirectoryName, Arc<Source>>, WireError> {
    let refusals = Refusals::default();
    let one = |d: &config::Directory| Ok((d.name.clone(), Arc::new(source(d, &refusals)?)));
    config.directories.iter().map(one).collect()
}

/// Where one directory is read; its sign-ins are paused by what is refused to the others with these `refusals`, too.
pub fn source(directory: &config::Directory, refusals: &Refusals) -> Result<Source, WireError> {
    let ldap = match &directory.source {
        config::Source::Ldif { file } => {
            let mapping = Mapping { units: directory.units.clone(), ..directory.mapping.clone() };
            let run_timeout = directory.run_timeout;
            return Ok(Source::Ldif(Ldif { file: file.clone(), mapping, run_timeout }));
        }
        config::Source::Ldap(ldap) => ldap,
    };
    let server = |s: &config::LdapServer| {
        let server: Server =
            s.to_string().parse().map_err(|e| WireError::Server(directory.name.clone(), e))?;
        Ok(if s.security == LdapSecurity::Plain { server.in_plain_text() } else { server })
    };
    let servers = match &ldap.servers {
        LdapServers::Listed(servers) => {
            Servers::Listed(servers.iter().map(server).collect::<Result<_, WireError>>()?)
        }
        LdapServers::Domain(domain) => Servers::Domain(Domain {
            name: domain.name.as_str().into(),
            site: domain.site.as_deref().map(Box::from),
            dns_server: domain.dns_server,
            security: match domain.security {
                LdapSecurity::Tls => Security::Ldaps,
                LdapSecurity::StartTls => Security::StartTls,
                LdapSecurity::Plain => Security::PlainText,
            },
        }),
    };
    let source = Ldap {
        servers,
        sign_in_retry_after: ldap.sign_in_retry_after,
        refusals: refusals.clone(),
        trust: ldap.trust.clone(),
        user_filter: ldap.user_filter.as_str().into(),
        unit_filter: ldap.unit_filter.as_str().into(),
        group_filter: ldap.group_filter.as_str().into(),
        mapping: Mapping {
            units: directory.units.clone(),
            exclude: ldap.exclude.clone(),
            ..directory.mapping.clone()
        },
        page_size: ldap.page_size,
        connections: ldap.connections,
        connect_timeout: ldap.connect_timeout,
        operation_timeout: ldap.operation_timeout,
        run_timeout: directory.run_timeout,
        ..Ldap::signing_in(Vec::new(), sign_in(&ldap.sign_in), ldap.bases.clone())
    };
    source.check().map_err(|e| WireError::Source(directory.name.clone(), e))?;
    Ok(Source::Ldap(source))
}

fn sign_in(sign_in: &config::LdapSignIn) -> ldap::SignIn {
    match sign_in {
        config::LdapSignIn::Simple { bind_dn, bind_password } => {
            // A file may hold another one at the next run.
            let password = match bind_password.file() {
                Some(file) => Password::File(file.to_owned()),
                None => Password::Fixed(bind_password.value().clone()),
            };
            ldap::SignIn::Simple { bind_dn: bind_dn.as_str().into(), password }
        }
        config::LdapSignIn::External { certificate, key } => {
            ldap::SignIn::External { certificate: certificate.clone(), key: key.clone() }
        }
        config::LdapSignIn::Gssapi { keytab, principal } => {
            ldap::SignIn::Gssapi { keytab: keytab.clone(), principal: principal.as_str().into() }
        }
    }
}

/// Who sends over each channel, mail first.
pub fn senders(config: &Config) -> Result<Vec<Sender>, WireError> {
    // Read and checked once: they are the same for all.
    let custom = texts::custom(config).map(Arc::new);
    let composer = || composer(config, custom.clone());
    let mail = mail_terms(&config.mail);
    let sender = Sender::new(ChannelName::mail(), channel(config)?, composer()?, mail);
    let mut senders = vec![sender.returning(config.mail.return_path.clone())];
    for other in &config.channels {
        let channel = other_channel(config, other)?;
        let config::ChannelTerms { connections, per_minute, retry } = other.terms;
        let terms = Terms { connections: connections.try_into().unwrap_or(1), per_minute, retry };
        senders.push(Sender::new(other.name.clone(), channel, composer()?, terms));
    }
    Ok(senders)
}

fn mail_terms(mail: &config::Mail) -> Terms {
    let connections = match &mail.transport {
        Transport::Smtp(_) | Transport::Graph(_) => mail.connections.try_into().unwrap_or(1),
        Transport::File { .. } => 1,
    };
    Terms { connections, per_minute: mail.per_minute, retry: mail.retry }
}

/// Who writes what leaves, with the operator's templates that can be used.
fn composer(config: &Config, custom: Option<Arc<Custom>>) -> Result<Composer, WireError> {
    let mail = &config.mail;
    let name = |m: &config::Mailbox| m.name.as_deref().map(Box::from);
    let from = Sent {
        name: name(&mail.from),
        address: mail.from.address.clone(),
        reply_to: mail.reply_to.as_ref().map(|m| m.address.clone()),
    };
    let organisation = &config.organisation;
    Ok(Composer::new(from, &organisation.name, &mail.subject_prefix, custom)?)
}

/// A channel beside mail.
pub fn other_channel(config: &Config, other: &config::Channel) -> Result<Channel, WireError> {
    let failed = |error: &dyn std::fmt::Display| WireError::Channel(other.name.clone(), error.to_string());
    let to = |settings: &config::Web, form| {
        let url = settings.url.clone();
        WebChannel::new(url, form, web(settings)).map(Channel::Web).map_err(|e| failed(&e))
    };
    match &other.kind {
        config::ChannelKind::Webhook { web, secret } => {
            to(web, Form::Webhook { secret: secret.as_ref().map(|secret| secret.value().clone()) })
        }
        config::ChannelKind::Teams(web) => to(web, Form::Teams),
        config::ChannelKind::Slack(web) => to(web, Form::Slack),
        config::ChannelKind::Mattermost(web) => to(web, Form::Mattermost),
        config::ChannelKind::Ntfy { web, topic } => to(web, Form::Ntfy { topic: topic.clone() }),
        config::ChannelKind::Sms { web: settings, template } => {
            let config::SmsTemplate { method, url, body, content_type } = template.clone();
            let template = SmsSettings { method, url, body, content_type };
            WebChannel::sms(template, web(settings)).map(Channel::Web).map_err(|e| failed(&e))
        }
        config::ChannelKind::Graph(graph) => mail::graph(&config.mail, graph).map_err(|e| failed(&e)),
        config::ChannelKind::Command { program, arguments, timeout } => {
            Ok(Channel::Command(CommandChannel::new(program.clone(), arguments.clone(), *timeout)))
        }
    }
}

/// Where access tokens are from, spoken to as `web` says.
fn tokens(source: &config::TokenSource, web: WebSettings) -> Result<Arc<Tokens>, TlsError> {
    let settings = TokenSettings {
        url: source.url.clone(),
        client_id: source.client_id.clone(),
        client_secret: source.client_secret.value().clone(),
        scope: source.scope.clone(),
    };
    Tokens::new(settings, web).map(Arc::new)
}

impl From<LogFormat> for Format {
    fn from(format: LogFormat) -> Format {
        match format {
            LogFormat::Auto => Format::Auto,
            LogFormat::Text => Format::Text,
            LogFormat::Journal => Format::Journal,
            LogFormat::Json => Format::Json,
        }
    }
}

fn delta(duration: std::time::Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load};
    use crate::domain::authority::{Grant, Level, Over};

    /// What `daemon`, the number 1 on every Debian, may do after this was loaded.
    fn level(app: &ArcSwap<Access>, administrators: &str) -> Level {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("budkavle.toml");
        let least = concat!(
            "[organisation]\nname = \"Org\"\n[[directory]]\nname = \"main\"\nsource = \"ldif\"\nfile = \"/nowhere.ldif\"\n",
            "[mail]\nfrom = \"x@org.example\"\ntransport = \"file\"\nfolder = \"/nowhere\"\n",
        );
        std::fs::write(&file, format!("{least}{administrators}")).unwrap();
        let (config, _) = load(&file, &Environment::of_process()).unwrap_or_else(|e| panic!("{e}"));
        app.store(Arc::new(access(&config)));
        app.load().judge(1, 1).0
    }

    #[test]
    fn administrators_follow_the_configuration_that_is_in_force() {
        let app = ArcSwap::from_pointee(Access::default());
        let of = |who: &str, unit: &str| {
            format!(
                "[[administrator]]\nname = \"{unit}\"\n{who} = [\"daemon\"]\nunits = [\"{unit}\"]\nroles = [\"local\"]\n"
            )
        };
        let units = |level: Level| -> Vec<Over> {
            let Level::Administrator(grants) = level else { panic!("{level:?}") };
            grants.iter().map(|grant: &Arc<Grant>| grant.over.clone()).collect()
        };
        let over = |unit: &str| Over::Units(vec![unit.into()]);
        assert_eq!(units(level(&app, &of("users", "care"))), [over("care")]);
        let both = of("users", "it") + &of("groups", "school");
        assert_eq!(units(level(&app, &both)), [over("it"), over("school")]);
        assert_eq!(level(&app, ""), Level::Stranger);
    }
}
