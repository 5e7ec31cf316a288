//! From the configuration to what is listened to: status pages, signs of life, and those who call.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::ServerConfig;

use super::WireError;
use crate::config::{self, Config};
use crate::domain::ids::{FeedName, HeartbeatName};
use crate::domain::intake::heartbeat::Job;
use crate::domain::schedule::Schedule;
use crate::flow::intake::feeds::FeedSettings;
use crate::http::intake::IntakeSettings;
use crate::source::feed::{FeedFormat, FeedSource};
use crate::source::fetch::Location;
use crate::tls::Identity;

/// The vendors' status pages.
pub fn feeds(config: &Config) -> BTreeMap<FeedName, FeedSettings> {
    config.feeds.iter().map(|feed| (feed.name.clone(), self::feed(feed))).collect()
}

/// One of them.
pub fn feed(feed: &config::Feed) -> FeedSettings {
    let location = match &feed.at {
        config::ListPlace::File(path) => Location::File(path.clone()),
        config::ListPlace::Url(url) => Location::Url(url.clone()),
    };
    let format = match &feed.kind {
        config::FeedKind::Statuspage => FeedFormat::Statuspage,
        config::FeedKind::Syndication => FeedFormat::Syndication,
        config::FeedKind::Json(mapping) => FeedFormat::Json(mapping.clone()),
    };
    let source = FeedSource { location, format, tls: feed.tls.clone(), timeout: feed.timeout };
    FeedSettings { source, policy: feed.policy.clone() }
}

/// When each status page is looked at.
pub fn feed_schedules(config: &Config) -> BTreeMap<FeedName, Schedule> {
    config.feeds.iter().map(|feed| (feed.name.clone(), feed.schedule.clone())).collect()
}

/// The jobs that give signs of life.
pub fn heartbeats(config: &Config) -> BTreeMap<HeartbeatName, Job> {
    config.heartbeats.iter().map(|job| (job.name.clone(), job.clone())).collect()
}

/// What counts of what comes over the network.
pub fn settings(config: &Config) -> IntakeSettings {
    let intake = config.intake.as_ref();
    IntakeSettings {
        token: intake.map(|intake| intake.token.value().clone()),
        heartbeat_token: intake.and_then(|intake| Some(intake.heartbeat_token.as_ref()?.value().clone())),
        alertmanager: config.intake.as_ref().map(|intake| intake.alertmanager.clone()).unwrap_or_default(),
    }
}

/// How it is spoken there; None: in plain text.
pub fn tls(config: &Config) -> Result<Option<Arc<ServerConfig>>, WireError> {
    let files = config.intake.as_ref().and_then(|intake| intake.certificate.as_ref());
    let Some((certificate, key)) = files else { return Ok(None) };
    Identity::read(certificate, key)
        .and_then(|identity| identity.server())
        .map(Some)
        .map_err(WireError::Intake)
}
