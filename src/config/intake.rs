//! `[intake]`: where others may call: Alertmanager, and jobs with their signs of life. Off without `listen`. `listen`, and whether there is a
//! certificate, need a restart; the rest can be reloaded.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::feed::policy;
use super::reader::{Mark, Problem, Section};
use super::secret::{self, Secret};
use crate::domain::intake::Policy;
use crate::domain::service::Services;
use crate::tls::Identity;

/// Where others may call, and what is made of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intake {
    /// The address and port.
    pub listen: SocketAddr,
    /// What each caller shows.
    pub token: Secret,
    /// What jobs show instead, and may only give signs of life with; None: the same.
    pub heartbeat_token: Option<Secret>,
    /// The certificate and its key; None: in plain text.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// What counts of what Alertmanager posts.
    pub alertmanager: Policy,
}

/// A token that is shorter is found by trying.
const SHORTEST: usize = 16;

pub(super) fn read(section: &Section, services: &Services) -> Option<Intake> {
    let alertmanager = policy(&section.section("alertmanager"), services);
    let listen = section.parsed("listen", |text| {
        let hint = "for example: listen = \"127.0.0.1:8095\"";
        text.parse::<SocketAddr>()
            .map_err(|_| Problem::new("must be an address with a port").hint(hint))
            .and_then(|address| match address.port() {
                0 => Err(Problem::new("has the port 0").hint(hint)),
                _ => Ok(address),
            })
    });
    let (certificate, key) = (section.path("certificate"), section.path("key"));
    let plain = section.flag("plain", false);
    let named = secret::is_named(section, "token");
    let heartbeat_token = secret::read(section, "heartbeat_token");
    if listen.is_none() {
        secret::read(section, "token");
        if !section.is_set("listen") && (named || certificate.is_some()) {
            let problem = Problem::new("is missing: nobody can call");
            section.warn("listen", problem.hint("for example: listen = \"127.0.0.1:8095\""));
        }
        return None;
    }
    if !named {
        let problem = Problem::new("has no token: whoever reaches the address could open outages");
        let hint = "token_file = \"/etc/budkavle/intake.token\"; make one with: openssl rand -hex 32";
        section.note(Mark::Key, problem.hint(hint));
    }
    let token = secret::read(section, "token");
    let shortest = [&token, &heartbeat_token].into_iter().flatten().map(|token| token.expose().len()).min();
    if shortest.is_some_and(|length| length < SHORTEST) {
        let problem = Problem::new(format!("has a token of fewer than {SHORTEST} characters"));
        section.note(Mark::Key, problem.hint("make one with: openssl rand -hex 32"));
    }
    if token
        .as_ref()
        .zip(heartbeat_token.as_ref())
        .is_some_and(|(token, other)| token.expose() == other.expose())
    {
        let problem = Problem::new("has the same token twice: jobs could open outages as Alertmanager does");
        section
            .note(Mark::Key, problem.hint("make another one for heartbeat_token with: openssl rand -hex 32"));
    }
    let listen = listen?;
    let certificate = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            if let Err(error) = Identity::read(&certificate, &key) {
                section.mistake("certificate", Problem::new(format!("can't be used: {error}")));
            }
            Some((certificate, key))
        }
        (None, None) => None,
        (Some(_), None) => {
            section.mistake(
                "certificate",
                Problem::new("has no key with it").hint("name its file: key = \"…\""),
            );
            None
        }
        (None, Some(_)) => {
            section.mistake(
                "key",
                Problem::new("has no certificate with it").hint("name its file: certificate = \"…\""),
            );
            None
        }
    };
    if certificate.is_none() && !listen.ip().is_loopback() && !plain {
        let problem = Problem::new("can be reached from elsewhere, and the token would travel in plain text");
        let hint = "name certificate and key; or listen on 127.0.0.1 behind a reverse proxy; or, where the way is safe, plain = true";
        section.mistake("listen", problem.hint(hint));
    }
    Some(Intake { listen, token: token?, heartbeat_token, certificate, alertmanager })
}

/// What differs and needs a restart.
pub(super) fn restart(old: Option<&Intake>, new: Option<&Intake>) -> impl Iterator<Item = &'static str> {
    let (listen, tls) = (|i: &Intake| i.listen, |i: &Intake| i.certificate.is_some());
    let listen = (old.map(listen) != new.map(listen)).then_some("intake.listen");
    let tls = (old.map(tls) != new.map(tls)).then_some("intake.certificate");
    listen.into_iter().chain(tls)
}
