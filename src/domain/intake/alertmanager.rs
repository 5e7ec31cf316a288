//! What Alertmanager posts to a webhook (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>): a group of alerts, as it
//! is now. A group is one incident here, since it is one notification there: how alerts are grouped is said in one place.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use super::text;
use super::{Report, SAID_MAX, Unreadable};
use crate::domain::outage::{Severity, State, TITLE_MAX};

const WHAT: &str = "what Alertmanager posts";
/// So many alerts are named; of the others the number.
const NAMED: usize = 20;

type Labels = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    group_key: String,
    status: String,
    #[serde(default)]
    group_labels: Labels,
    #[serde(default)]
    common_labels: Labels,
    #[serde(default)]
    common_annotations: Labels,
    #[serde(default, rename = "externalURL")]
    external_url: String,
    #[serde(default)]
    truncated_alerts: u64,
    #[serde(default)]
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    status: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
    #[serde(default)]
    fingerprint: String,
    #[serde(default)]
    starts_at: String,
}

impl Alert {
    fn fires(&self) -> bool {
        self.status != "resolved"
    }

    fn line(&self) -> String {
        let words = ["summary", "description", "message"].iter().find_map(|name| self.annotations.get(*name));
        let name = self.labels.get("alertname").map_or("alert", String::as_str);
        let place = self.labels.get("instance").map(|instance| format!(" ({instance})")).unwrap_or_default();
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        text::one_line(&format!("{name}{place}{words}"), TITLE_MAX)
    }

    fn severity(&self) -> Option<Severity> {
        self.labels.get("severity").and_then(|word| text::severity(word))
    }
}

/// Reads one group; `now` is when it was posted. `cluster`: which of several Alertmanagers, that don't know of each other, has posted it.
///
/// # Errors
/// [`Unreadable`], when it is something else.
pub fn parse(bytes: &[u8], cluster: Option<&str>, now: DateTime<Utc>) -> Result<Report, Unreadable> {
    let posted: Posted = serde_json::from_slice(bytes).map_err(|e| Unreadable::other(WHAT, e))?;
    if posted.group_key.trim().is_empty() {
        return Err(Unreadable::other(WHAT, "its groupKey is empty"));
    }
    let key = match cluster {
        None => posted.group_key.clone(),
        Some(cluster) => format!("{cluster}\0{}", posted.group_key),
    };
    let firing: Vec<&Alert> = posted.alerts.iter().filter(|alert| alert.fires()).collect();
    let over = posted.status == "resolved" || (firing.is_empty() && !posted.alerts.is_empty());
    let label = |name: &str| posted.common_labels.get(name).or_else(|| posted.group_labels.get(name));
    let title = match posted.common_annotations.get("summary") {
        Some(summary) => summary.clone(),
        None => label("alertname").cloned().unwrap_or_else(|| group_name(&posted.group_labels)),
    };
    let title = text::one_line(&title, TITLE_MAX);
    let said = if over { String::new() } else { said(&posted, &firing) };
    Ok(Report {
        // Its form isn't promised, and it holds the labels: a digest is all that is needed.
        key: format!("{:016x}", xxh3_64(key.as_bytes())).into(),
        title: if title.is_empty() { "Alert without a name".into() } else { title.into() },
        text: said.into(),
        severity: firing.iter().filter_map(|alert| alert.severity()).max(),
        state: if over { State::Resolved } else { State::Investigating },
        planned: false,
        components: label("service")
            .map(|service| text::one_line(service, TITLE_MAX).into())
            .into_iter()
            .collect(),
        at: Some(now),
        link: super::syndication::link(Some(&posted.external_url)),
        began: firing.iter().filter_map(|alert| alert.starts_at.parse().ok()).min(),
        about: (!over).then(|| about(&firing)),
    })
}

/// Which alerts fire, and since when: what they measure may be another value each time.
fn about(firing: &[&Alert]) -> u64 {
    let mut alerts: Vec<(&str, &str)> =
        firing.iter().map(|alert| (&*alert.fingerprint, &*alert.starts_at)).collect();
    alerts.sort_unstable();
    xxh3_64(format!("{alerts:?}").as_bytes())
}

/// The labels that a group was made by.
fn group_name(labels: &Labels) -> String {
    let named: Vec<String> = labels.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if named.is_empty() { "Alerts".to_owned() } else { named.join(", ") }
}

/// What fires, in an order that doesn't depend on who comes first, so that the same alerts say the same.
fn said(posted: &Posted, firing: &[&Alert]) -> String {
    let mut lines: Vec<String> = firing.iter().map(|alert| alert.line()).collect();
    lines.sort_unstable();
    lines.dedup();
    let more = (lines.len().saturating_sub(NAMED) as u64).saturating_add(posted.truncated_alerts);
    let mut said: Vec<String> = lines.into_iter().take(NAMED).collect();
    if let Some(words) = posted.common_annotations.get("description").filter(|_| said.len() > 1) {
        said.insert(0, text::one_line(words, SAID_MAX / 4));
    }
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    text::lines(&said.join("\n"), SAID_MAX)
}
