//! Web servers, and what asks them for something beside channels: signs of life.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::WireError;
use crate::channel::{Credential, Ping, PingMethod, WebSettings};
use crate::config::{self, Config};
use crate::domain::ids::DirectoryName;

/// Who gets a sign of life after each good run of a directory.
pub fn pings(config: &Config) -> Result<BTreeMap<DirectoryName, Arc<Ping>>, WireError> {
    let wanted = config.directories.iter().filter_map(|d| Some((&d.name, d.ping.as_ref()?)));
    wanted.map(|(name, wanted)| Ok((name.clone(), Arc::new(ping(name, wanted)?)))).collect()
}

/// Who gets a sign of life of one directory.
pub fn ping(name: &DirectoryName, ping: &config::Ping) -> Result<Ping, WireError> {
    let method = if ping.post { PingMethod::Post } else { PingMethod::Get };
    Ping::new(ping.web.url.clone(), method, web(&ping.web))
        .map_err(|error| WireError::Ping(name.clone(), error))
}

/// How a web server is treated.
pub(super) fn web(web: &config::Web) -> WebSettings {
    WebSettings {
        trust: web.trust.clone(),
        timeout: web.timeout,
        allow_private: web.allow_private,
        proxy: web.proxy.clone(),
        credential: web.credential.as_ref().map(|credential| match credential {
            config::WebCredential::Bearer(token) => Credential::Bearer(token.value().clone()),
            config::WebCredential::Basic(user, password) => {
                Credential::Basic(user.clone(), password.value().clone())
            }
            config::WebCredential::Header(name, token) => {
                Credential::Header(name.clone(), token.value().clone())
            }
        }),
    }
}
