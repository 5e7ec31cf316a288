//! `[public]`: the pages that links in messages lead to. Off without `url`. Everything here can be reloaded.

use std::net::SocketAddr;
use std::time::Duration;

use url::Url;

use super::durations::{DAY, HOUR};
use super::reader::{Problem, Section};

/// Where pages for everybody are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Public {
    /// What the address of each begins with, without a slash at its end.
    pub url: String,
    /// Where this machine answers.
    pub listen: SocketAddr,
    /// How long a link holds.
    pub link_lifetime: Duration,
    /// Whether everybody may ask there to be told of outages.
    pub subscribe: bool,
}

pub(super) fn read(section: &Section) -> Option<Public> {
    let url = section.parsed("url", |text| {
        let problem = || Problem::new("must be an address that begins with https://");
        let example = "for example: url = \"https://notices.example.org\"";
        let url: Url = text.parse().map_err(|_| problem().hint(example))?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let secure =
            url.scheme() == "https" || (url.scheme() == "http" && url.host_str() == Some("localhost"));
        if plain && secure && url.has_host() {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        } else {
            Err(problem().hint(example))
        }
    });
    let listen = section.parsed("listen", |text| {
        let hint = "for example: listen = \"127.0.0.1:8096\"";
        let address = text.parse::<SocketAddr>().ok().filter(|address| address.port() != 0);
        address.ok_or_else(|| Problem::new("must be an address with a port").hint(hint))
    });
    let plain = section.flag("plain", false);
    let link_lifetime = section.duration("link_lifetime", HOUR..=90 * DAY, 7 * DAY);
    let subscribe = section.flag("subscribe", false);
    if !section.is_set("url") && !section.is_set("listen") {
        return None;
    }
    let missing = || Problem::new("is missing: there are no pages");
    section.warn_unset("url", missing().hint("for example: url = \"https://notices.example.org\""));
    section.warn_unset("listen", missing().hint("for example: listen = \"127.0.0.1:8096\""));
    let (url, listen) = (url?, listen?);
    if !listen.ip().is_loopback() && !plain {
        let problem = Problem::new("can be reached from elsewhere, and the links would travel in plain text");
        let hint = "listen on 127.0.0.1 behind a web server that speaks TLS; or, where the way is safe, plain = true";
        section.mistake("listen", problem.hint(hint));
    }
    Some(Public { url, listen, link_lifetime, subscribe })
}
