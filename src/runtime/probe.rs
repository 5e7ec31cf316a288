//! Every server that the configuration names, tried as the daemon would, with what is wrong in words.

mod outside;

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::clock::Clock;
use super::{database, texts, wire};
use crate::channel::login_page;
use crate::channel::{Address, AddressError, ProbeReport as MailReport, SmtpReport};
use crate::config::{self, Config};
use crate::domain::bounce::ReturnPath;
use crate::domain::directory::Directory;
use crate::domain::outage::State;
use crate::domain::warning::{self, WarningKind};
use crate::source::feed::Fetched;
use crate::source::ldap::{
    BaseReport, Discovery, Follows, Glimpse, OwnSite, Probe, ProbeReport, Refusals, Server,
};
use crate::source::returned::ReturnedMails;
use crate::source::{Ask, Source};
use crate::store::Store;
use crate::tls::CertificateSummary;

/// Whether something is as it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Right,
    /// It works, but should be looked at.
    Doubtful,
    /// It doesn't work.
    Wrong,
}

/// What came of one try.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What was tried.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// In words: what was found, or what is wrong and how to mend it.
    pub text: String,
}

/// A certificate that ends sooner than this should be looked at.
const ENDS_SOON: TimeDelta = TimeDelta::days(21);

/// Tries everything, one after the other.
pub async fn all(config: &Config) -> Vec<Finding> {
    let now = Clock::System.now();
    let mut findings = Vec::new();
    for directory in &config.directories {
        let what = format!("directory {}", directory.name);
        match wire::source(directory, &Refusals::default()) {
            Err(error) => findings.push(wrong(what, error)),
            Ok(Source::Ldif(ldif)) => {
                let nothing = Directory::default();
                let read =
                    Source::Ldif(ldif).read(&directory.name, &Ask::first(&nothing, now), &|_| {}).await;
                findings.push(match read {
                    Err(error) => wrong(what, error),
                    Ok(reading) => {
                        let d = reading.found.directory();
                        let set_aside = reading.found.quarantined().len();
                        let text = format!(
                            "{} holds {} users, {} units and {} groups",
                            reading.server,
                            d.users.len(),
                            d.units.len(),
                            d.groups.len()
                        );
                        finding(what, set_aside > 0, with_quarantine(text, set_aside))
                    }
                });
            }
            Ok(Source::Ldap(ldap)) => {
                let Probe { discovery, servers, untried } = ldap.probe().await;
                match discovery {
                    None => {}
                    Some(Err(error)) => findings.push(wrong(what.clone(), error)),
                    Some(Ok(discovery)) => findings.extend(discovery_findings(&what, &discovery)),
                }
                for (server, report) in servers {
                    let what = format!("{what}, {server}");
                    match report {
                        Err(error) => findings.push(wrong(what, error)),
                        Ok(report) => findings.extend(ldap_findings(&what, report, now)),
                    }
                }
                if !untried.is_empty() {
                    let text = format!("not tried, since they come after those above: {}", listed(&untried));
                    findings.push(finding(what, false, text));
                }
            }
        }
    }
    findings.extend(database_findings(config).await);
    findings.push(mail(config, now).await);
    match wire::returned::mailbox(config, &Clock::System) {
        Ok(None) => {}
        Ok(Some(mailbox)) => findings.push(bounces(&mailbox).await),
        Err(error) => findings.push(wrong("bounces".to_owned(), error)),
    }
    for feed in &config.feeds {
        findings.push(self::feed(feed).await);
    }
    for other in &config.channels {
        findings.push(channel(config, other).await);
    }
    findings.extend(outside::pings(config).await);
    findings.extend(outside::pages(config).await);
    findings
}

/// The servers of the database, if there is one. At least one must take what is written.
async fn database_findings(config: &Config) -> Vec<Finding> {
    let Some(settings) = database::settings(config) else { return Vec::new() };
    let probed = Store::probe_postgres(&settings).await;
    let takes = probed.iter().any(|(_, said)| said.as_ref().is_ok_and(|of| !of.standby));
    let mut findings: Vec<Finding> = Vec::new();
    for (server, said) in probed {
        let what = format!("database, {server}");
        findings.push(match said {
            Err(error) if takes => finding(what, true, error.to_string()),
            Err(error) => wrong(what, error),
            Ok(of) => {
                let kind = if of.standby { "a standby of" } else { "takes what is written:" };
                let tables = of.tables.map_or_else(
                    || "the first start makes the tables".to_owned(),
                    |version| format!("its tables are of version {version}"),
                );
                let text = format!("{kind} PostgreSQL {}; {tables}", of.version);
                if of.standby && !takes { wrong(what, text) } else { finding(what, false, text) }
            }
        });
    }
    findings
}

/// The files that the daemon is to write for others, as whoever asks could write them, and the templates that it is to use.
pub fn files(config: &Config) -> Vec<Finding> {
    let page = |file: &PathBuf| {
        let what = "login page".to_owned();
        match login_page::try_to_write(file) {
            Ok(()) => finding(what, false, format!("{} can be written", file.display())),
            // The daemon may be somebody else.
            Err(error) if error.is_denied() => finding(what, true, format!("by you, {error}")),
            Err(error) => wrong(what, error),
        }
    };
    let templates = config.templates.iter().flat_map(|folder| {
        let texts::Checked { custom, broken } = texts::check(folder);
        let right = custom.map_or(0, |custom| custom.count());
        let all =
            finding("templates".to_owned(), false, format!("{right} in {} can be used", folder.display()));
        let mistake = |broken: &texts::Broken| wrong("templates".to_owned(), broken);
        std::iter::once(all).chain(broken.iter().map(mistake).collect::<Vec<_>>())
    });
    config.login_page.file.iter().map(page).chain(templates).collect()
}

/// What DNS says of a domain: whose site, and each controller in the order in which they are tried.
fn discovery_findings(what: &str, discovery: &Discovery) -> Vec<Finding> {
    let Discovery { site, controllers, outside } = discovery;
    let near = controllers.iter().filter(|c| c.near).count();
    let hint = "`site` in the configuration names one";
    let (doubtful, place) = match site {
        OwnSite::Configured(name) if near == 0 => {
            (true, format!("DNS has no controller in the site {name}: is its name right?"))
        }
        OwnSite::Told(name) if near == 0 => {
            (true, format!("this machine is in the site {name}, in which DNS has no controller"))
        }
        OwnSite::Configured(name) => (false, format!("the site {name} comes first, as configured")),
        OwnSite::Told(name) => (false, format!("this machine is in the site {name}, which comes first")),
        OwnSite::NoSubnet => (
            true,
            format!("this machine's address belongs to no site: add its subnet to the directory; {hint}"),
        ),
        OwnSite::NoAnswer => (
            true,
            format!("this machine's site isn't known, as no controller answers on UDP port 389; {hint}"),
        ),
    };
    let count = controllers.len();
    let plural = if count == 1 { "controller" } else { "controllers" };
    let mut findings =
        vec![finding(what.to_owned(), doubtful, format!("DNS names {count} domain {plural}; {place}"))];
    for (n, controller) in controllers.iter().enumerate() {
        let site = match &controller.site {
            Some(site) => format!("in the site {site}"),
            None if controller.near => "in the own site, by DNS".to_owned(),
            None => "in a site that it didn't tell".to_owned(),
        };
        let order = if n == 0 {
            "would be read, unless the one that was read last still works".to_owned()
        } else {
            format!("number {} in line", n + 1)
        };
        let what = format!("{what}, {}", controller.server);
        findings.push(finding(what, false, format!("{site}; {order}")));
    }
    if !outside.is_empty() {
        let hosts = outside.join(", ");
        let text = format!(
            "DNS also names {hosts}, outside the domain: they are not used, since DNS can be forged; if they are right, name \
             them with `urls` instead"
        );
        findings.push(finding(what.to_owned(), true, text));
    }
    findings
}

fn listed(servers: &[Server]) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn ldap_findings(what: &str, report: ProbeReport, now: DateTime<Utc>) -> Vec<Finding> {
    let name = report.root.host.as_deref().unwrap_or("the server");
    let (certificate, soon) = certificate(report.certificate.as_ref(), now);
    let mut findings = vec![finding(what.to_owned(), soon, format!("{name} lets us in; {certificate}"))];
    for due in warning::due(now, &report.warnings, warning::BEFORE) {
        // The server's certificate is told of above.
        if due.warning.kind != WarningKind::ServerCertificate {
            findings.push(finding(what.to_owned(), true, due.to_string()));
        }
    }
    findings.extend(report.hides_deletions.iter().map(|c| finding(what.to_owned(), true, deletions(c))));
    if let Some(follows) = &report.follows {
        let (doubtful, text) = follows_finding(follows);
        findings.push(finding(what.to_owned(), doubtful, text));
    }
    for (base, found) in report.bases {
        let what = format!("{what}, {base}");
        findings.push(match found {
            Err(error) => wrong(what, error),
            Ok(found) => {
                let BaseReport { users, units, groups, quarantined } = &found;
                let text = format!(
                    "{}, {}, {}",
                    count(users, "users"),
                    count(units, if report.units_are_ous { "units" } else { "OUs" }),
                    count(groups, "groups")
                );
                let nobody = users.seen == 0;
                let text = if nobody {
                    format!(
                        "{text}: no user can be seen there; is the filter right, and may the account read?"
                    )
                } else {
                    text
                };
                finding(what, nobody || !quarantined.is_empty(), with_quarantine(text, quarantined.len()))
            }
        });
    }
    for (name, found) in report.names {
        let what = format!("{what}, {name}");
        findings.push(match found {
            Err(error) => wrong(what, error),
            Ok(id) => finding(what, false, format!("is there ({id})")),
        });
    }
    findings
}

/// What is missing to see what was deleted, and how it is granted.
fn deletions(context: &str) -> String {
    let container = format!("CN=Deleted Objects,{context}");
    format!(
        "the account can't see what is deleted, so everything is read on whole_read_schedule, too. To grant it, a domain administrator runs \
         on a domain controller: dsacls \"{container}\" /takeownership, and then: dsacls \"{container}\" /g DOMAIN\\ACCOUNT:LCRP"
    )
}

/// What it is worth that a server tells its changes in this way.
fn follows_finding(follows: &Follows) -> (bool, String) {
    match follows {
        Follows::ContentSync => {
            (false, "it tells what changed and what was deleted (RFC 4533): only that is read".to_owned())
        }
        Follows::ModifyTimestamp(why) => (
            false,
            format!(
                "it doesn't tell what changed (RFC 4533): {why}; modifyTimestamp shows it all the same, but not what was deleted: that \
                 is found by whole_read_schedule. On OpenLDAP the overlay syncprov on the database mends it"
            ),
        ),
        Follows::Not => (
            true,
            "it doesn't tell what changed, nor may the account see modifyTimestamp: everything is read each time".to_owned(),
        ),
    }
}

fn count(found: &Glimpse, what: &str) -> String {
    match (found.estimate, found.more) {
        (Some(all), true) => format!("about {all} {what}"),
        (None, true) => format!("more than {} {what}", found.seen),
        (_, false) => format!("{} {what}", found.seen),
    }
}

fn with_quarantine(text: String, set_aside: usize) -> String {
    if set_aside == 0 {
        text
    } else {
        format!("{text}; {set_aside} would be set aside as unreadable, `budkavle sync --dry-run` says why")
    }
}

async fn mail(config: &Config, now: DateTime<Utc>) -> Finding {
    let what = "mail".to_owned();
    let channel = match wire::channel(config) {
        Ok(channel) => channel,
        Err(error) => return wrong(what, error),
    };
    let sender = match sender(config) {
        Ok(sender) => sender,
        Err(error) => return wrong(what, error),
    };
    match channel.probe(sender.as_ref()).await {
        Err(error) => wrong(what, error),
        Ok(MailReport::Folder { folder }) => {
            finding(what, true, format!("mails go into the folder {} and reach nobody", folder.display()))
        }
        Ok(MailReport::Smtp(report)) => smtp_finding(what, &report, now),
        Ok(MailReport::Web { server, answered }) => {
            let text = format!(
                "{server} is there (it answered {answered}, to a request for nothing); whether the mailbox may send shows `budkavle notify test ADDRESS`"
            );
            finding(what, false, text)
        }
        Ok(report @ MailReport::Command { .. }) => channel_finding(what, &report),
    }
}

/// The envelope's sender, as mails have it: with a sign that stands for any.
fn sender(config: &Config) -> Result<Option<Address>, AddressError> {
    let mail = &config.mail;
    match mail.return_path.address("0z00000000000000000000") {
        Some(address) => address.parse().map(Some),
        None if mail.return_path == ReturnPath::Nobody => Ok(None),
        None => mail.from.address.as_str().parse().map(Some),
    }
}

/// Whether the mailbox can be read into which mails come back. None is marked as seen.
async fn bounces(mailbox: &ReturnedMails) -> Finding {
    let what = "bounces".to_owned();
    match mailbox.open(usize::MAX).await {
        Err(error) => wrong(what, error),
        Ok(opened) => {
            let text = format!("{mailbox} can be read; {} mails in it weren't looked at yet", opened.left());
            opened.close().await;
            finding(what, false, text)
        }
    }
}

/// A status page: fetched and read; nothing is opened.
async fn feed(feed: &config::Feed) -> Finding {
    let what = format!("feed {}", feed.name);
    match wire::intake::feed(feed).source.read(None).await {
        Err(error) => wrong(what, error),
        Ok(Fetched::Same) => {
            finding(what, true, "the server says that nothing has changed, unasked".to_owned())
        }
        Ok(Fetched::New { listed, etag, modified }) => {
            let open = listed
                .reports
                .iter()
                .filter(|report| !report.planned && report.state != State::Resolved)
                .count();
            let marked = etag.is_some() || modified.is_some();
            let marks = if marked {
                ""
            } else {
                "; it doesn't say which version it is, so all of it is fetched each time"
            };
            finding(
                what,
                false,
                format!("it has {} entries, {open} of them open{marks}", listed.reports.len()),
            )
        }
    }
}

/// A channel beside mail: connected to, or looked at; nothing is sent.
async fn channel(config: &Config, other: &config::Channel) -> Finding {
    let what = format!("channel {}", other.name);
    let sender = match sender(config) {
        Ok(sender) => sender,
        Err(error) => return wrong(what, error),
    };
    match wire::other_channel(config, other) {
        Err(error) => wrong(what, error),
        Ok(channel) => match channel.probe(sender.as_ref()).await {
            Err(error) => wrong(what, error),
            Ok(report) => channel_finding(what, &report),
        },
    }
}

fn channel_finding(what: String, report: &MailReport) -> Finding {
    let name = what.rsplit(' ').next().unwrap_or_default().to_owned();
    match report {
        MailReport::Web { server, answered } => {
            let text = format!(
                "{server} is there (it answered {answered} to a request for nothing); whether it takes notices shows `budkavle notify test \
                 --channel {name}`"
            );
            finding(what, false, text)
        }
        MailReport::Command { program } => finding(what, false, format!("{} can be run", program.display())),
        MailReport::Smtp(_) | MailReport::Folder { .. } => finding(what, false, "it takes mail".to_owned()),
    }
}

fn smtp_finding(what: String, report: &SmtpReport, now: DateTime<Utc>) -> Finding {
    let (certificate, soon) = certificate(report.certificate.as_ref(), now);
    let signed_in = if report.signed_in { "signed in" } else { "no sign-in" };
    let largest =
        report.largest_message.map_or_else(String::new, |n| format!(", takes mails of up to {n} bytes"));
    let text = format!("{} takes mail from {{sender}}; {certificate}; {signed_in}{largest}", report.name);
    finding(what, soon, text.replace("{sender}", "our address"))
}

fn certificate(certificate: Option<&CertificateSummary>, now: DateTime<Utc>) -> (String, bool) {
    match certificate {
        None => ("the connection is not protected".to_owned(), true),
        Some(c) => {
            let soon = c.not_after - now < ENDS_SOON;
            let hint = if soon { ", soon: have it renewed" } else { "" };
            (
                format!(
                    "its certificate, issued by {}, is valid until {}{hint}",
                    c.issuer,
                    c.not_after.format("%-d %b %Y")
                ),
                soon,
            )
        }
    }
}

fn wrong(what: String, error: impl std::fmt::Display) -> Finding {
    Finding { what, verdict: Verdict::Wrong, text: error.to_string() }
}

fn finding(what: String, doubtful: bool, text: String) -> Finding {
    Finding { what, verdict: if doubtful { Verdict::Doubtful } else { Verdict::Right }, text }
}
