//! What reaches out beside channels: signs of life.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::WireError;
use crate::channel::{Ping, PingMethod, WebSettings};
use crate::config::{self, Config};
use crate::domain::ids::DirectoryName;

/// Who gets a sign of life after each good run of a directory.
pub fn pings(config: &Config) -> Result<BTreeMap<DirectoryName, Arc<Ping>>, WireError> {
    let wanted = config.directories.iter().filter_map(|d| Some((&d.name, d.ping.as_ref()?)));
    let ping = |(name, ping): (&DirectoryName, &config::Ping)| {
        let settings = WebSettings {
            trust: ping.trust.clone(),
            timeout: Duration::from_secs(20),
            allow_private: ping.allow_private,
            proxy: None,
            credential: None,
        };
        let method = if ping.post { PingMethod::Post } else { PingMethod::Get };
        let made = Ping::new(ping.url.clone(), method, settings);
        Ok((name.clone(), Arc::new(made.map_err(|error| WireError::Ping(name.clone(), error))?)))
    };
    wanted.map(ping).collect()
}
