//! How the daemon is doing, who did what, and a backup.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio::io::AsyncReadExt;

use super::App;
use super::answers::{ChannelStatus, ContactChangesStatus, DirectoryStatus, Held, Status};
use super::error::ApiError;
use super::{nodes, standing};
use crate::domain::audit::Entry;
use crate::domain::changes::tell::Mode;
use crate::domain::ids::{ChannelName, DirectoryName};
use crate::domain::orphans;
use crate::domain::roles;
use crate::domain::tree::Misplaced;
use crate::domain::warning;
use crate::flow::bounces;
use crate::flow::core::View;
use crate::flow::kept::Looked;
use crate::store::{ChannelCounts, QueueCounts, StoreError};

/// `GET /v1/status`.
pub async fn status(State(app): State<Arc<App>>) -> Result<Json<Status>, ApiError> {
    let view = app.core.view();
    let now = app.core.now();
    let organisation = &view.organisation;
    let counts = match app.core.store.channel_counts().await {
        // It is said of the nodes that the database is away, and the rest is known without it.
        Err(StoreError::Away { .. }) => ChannelCounts::new(),
        counts => counts?,
    };
    let directories =
        app.directories.names().iter().map(|name| directory_status(&app, &view, name)).collect();
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: app.started,
        organisation: organisation.tree.name(crate::domain::tree::ROOT).into(),
        zone: app.core.settings().zone,
        generation: view.generation,
        users: organisation.directory.users.len(),
        units: organisation.directory.units.len(),
        groups: organisation.directory.groups.len(),
        users_without_local_contact: view.local.uncovered_users(organisation),
        directories,
        outbox: total(&counts),
        channel_pause: app.senders.all().get(&ChannelName::mail()).and_then(|mail| mail.pause(now)),
        channels: channels(&app, counts, now),
        open_outages: view.outages.values().filter(|outage| outage.plan.is_none()).count(),
        notices: standing::notices(&app, &view),
        store_note: app.store_note.clone(),
        cluster: nodes::cluster(&app),
        contact_changes: contact_changes(&app, &view),
        login_page: app.login_page.state(),
        bounces: app.bounces.state(),
        marked_addresses: bounces::in_force(&app.core).len(),
        warnings: warnings(&app, &view),
    }))
}

/// Mail first, then the others by name; those that the configuration doesn't know any more as long as something waits for them.
fn channels(app: &App, mut counts: ChannelCounts, now: DateTime<Utc>) -> Vec<ChannelStatus> {
    let senders = app.senders.all();
    let known = senders.iter().map(|(name, sender)| {
        let (pause, resumes) = (sender.pause(now), sender.resumes(now));
        let outbox = counts.remove(name).unwrap_or_default();
        ChannelStatus { name: name.clone(), configured: true, outbox, pause, resumes }
    });
    let mut channels: Vec<ChannelStatus> = known.collect();
    channels.sort_by_key(|channel| !channel.name.is_mail());
    let waits = |outbox: &QueueCounts| outbox.keys().any(|state| !state.is_final());
    let gone = counts.into_iter().filter(|(_, outbox)| waits(outbox));
    channels.extend(gone.map(|(name, outbox)| ChannelStatus {
        name,
        configured: false,
        outbox,
        pause: None,
        resumes: None,
    }));
    channels
}

fn total(counts: &ChannelCounts) -> QueueCounts {
    let mut all = QueueCounts::new();
    for (state, count) in counts.values().flatten() {
        *all.entry(*state).or_default() += count;
    }
    all
}

fn contact_changes(app: &App, view: &View) -> ContactChangesStatus {
    let policy = &app.core.settings().telling;
    let told = view.contacts_told.as_deref().filter(|_| policy.mode != Mode::Off);
    let digest = match policy.mode {
        Mode::Off => "off",
        Mode::Daily(_) => "daily",
        Mode::AtOnce => "at once",
    };
    ContactChangesStatus {
        digest: digest.to_owned(),
        last: told.map(|told| told.at),
        next: told.and_then(|told| policy.next(told)),
        open: told.map_or(0, |told| told.open.iter().map(|open| open.units.len()).sum()),
        summary: told.and_then(|told| told.summary.clone()),
    }
}

fn directory_status(app: &App, view: &View, name: &DirectoryName) -> DirectoryStatus {
    let state = view.directory_state(name);
    let health = state.health;
    DirectoryStatus {
        name: name.clone(),
        running: app.directories.is_running(name),
        last_good: health.as_ref().and_then(|h| h.last_good),
        trouble: health.as_ref().and_then(|h| h.alert.as_ref()).map(|a| a.trouble),
        failures: health.as_ref().map_or(0, |h| h.failures),
        held: state.held.map(|h| Held {
            run: h.run,
            since: h.since,
            reasons: h.reasons,
            approved: h.approved.is_some(),
        }),
        last_run: state.last_run,
        next_sync: (app.next_sync)(name),
        change_notification: (app.telling)(name),
        ping: app.pings.state(name),
    }
}

/// So long it is shown that a summary took the place of many mails.
const SUMMARY_SHOWN: TimeDelta = TimeDelta::days(7);

/// What an administrator should look at though nothing has failed.
fn warnings(app: &App, view: &View) -> Vec<String> {
    let organisation = &view.organisation;
    let configured = app.directories.names();
    let left = view.directories.keys().filter(|name| !configured.contains(name));
    let left = left.map(|name| format!("the directory {name} is no longer in the configuration, but what was read of it is still in force"));
    let mut warnings: Vec<String> = left.collect();
    warnings.extend(nodes::trouble(app));
    let unknown = organisation.unknown_groups.iter();
    warnings.extend(
        unknown.map(|u| format!("[roles.{}] names the group {}, which no directory has", u.role, u.group)),
    );
    warnings.extend(app.access.load().unknown_units(organisation));
    let settings = app.core.settings();
    warnings.extend(settings.unknown_units(organisation));
    for name in [roles::GLOBAL, roles::OUTAGE, roles::AD_SYNC] {
        if organisation.holders(&name.into()).all().next().is_none() {
            warnings.push(format!("nobody holds the role {name}; assign somebody with `budkavle contacts assign {name} --user …`"));
        }
    }
    let over = |role| orphans::over(organisation, role, app.core.now());
    warnings.extend(organisation.roles.iter().filter_map(over).map(|over| over.to_string()));
    for (name, state) in view.directories.iter().filter(|(name, _)| configured.contains(name)) {
        let due = warning::due(app.core.now(), &state.warnings, warning::BEFORE);
        warnings.extend(due.iter().map(|due| format!("{due} (directory {name})")));
    }
    for name in app.lists.names() {
        if let Some(trouble) = app.lists.state(&name).trouble {
            warnings
                .push(format!("the list {name} isn't taken, the last good one stays in force: {trouble}"));
        }
    }
    for name in app.calendars.names() {
        if let Some(trouble) = app.calendars.state(&name).trouble {
            warnings.push(format!(
                "the calendar {name} isn't taken, what it said last stays in force: {trouble}"
            ));
        }
    }
    if let Some(trouble) = app.bounces.state().and_then(|mailbox| mailbox.trouble) {
        warnings.push(format!("it isn't known which mails came back: {trouble}"));
    }
    let unmarked = app.bounces.state().and_then(|mailbox| mailbox.unmarked);
    if unmarked.is_some_and(|at| app.core.now() - at < TimeDelta::days(1)) {
        warnings.push(
            "many mails came back at once as if nobody were there, and not all of the addresses are marked; see whether a mail server is in trouble, and then \
             `budkavle outbox address list` and `budkavle outbox address clear --domain DOMAIN`"
                .into(),
        );
    }
    let marks = bounces::in_force(&app.core);
    if !marks.is_empty() {
        warnings.push(format!(
            "mails to {} came back, and nothing is sent to them; `budkavle outbox address list` shows them",
            if marks.len() == 1 { "an address".to_owned() } else { format!("{} addresses", marks.len()) }
        ));
    }
    for name in app.feeds.names() {
        if let Some(trouble) = app.feeds.state(&name).trouble {
            warnings.push(format!("the feed {name} is in trouble: {trouble}"));
        }
    }
    for name in &configured {
        let ping = app.pings.state(name);
        if let Some((trouble, since)) = ping.and_then(|ping| ping.trouble.zip(ping.failing_since)) {
            let since = since.with_timezone(&settings.zone).format("%-d %b %H:%M");
            warnings.push(format!("no sign of life of {name} is taken since {since}: {trouble}"));
        }
    }
    warnings.extend(app.door.trouble());
    if let Some(trouble) = app.alertmanager.trouble() {
        warnings.push(format!("what Alertmanager posted last is in trouble: {trouble}"));
    }
    if let Some(trouble) = app.login_page.state().and_then(|page| page.trouble) {
        warnings.push(format!("the page for trouble signing in says what it said before: {trouble}"));
    }
    let told = view.contacts_told.as_ref().and_then(|told| told.summary.as_ref());
    if let Some(told) = told.filter(|told| app.core.now() - told.at < SUMMARY_SHOWN) {
        warnings.push(format!(
            "{} units got other contacts at once; {} people would have been told, and a summary went to the global contacts instead; `budkavle contacts changes --since {}` shows all of it",
            told.units,
            told.people,
            told.since.format("%Y-%m-%dT%H:%M:%SZ"),
        ));
    }
    for misplaced in organisation.tree.misplaced().iter().take(10) {
        let (id, why) = match misplaced {
            Misplaced::NoParent(id) => (id, "its parent was not read"),
            Misplaced::Circle(id) => (id, "it is below itself"),
        };
        let name = organisation.unit(*id).map_or_else(|| id.to_string(), |u| u.name.to_string());
        warnings.push(format!("the unit {name} hangs under the root: {why}"));
    }
    warnings
}

/// From when on, and how much.
#[derive(Debug, Deserialize)]
pub struct AuditQuery {
    since: Option<DateTime<Utc>>,
    limit: Option<usize>,
}

/// `GET /v1/audit`: the newest entries, the oldest of them first.
pub async fn audit(
    State(app): State<Arc<App>>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Vec<Entry>>, ApiError> {
    let mut entries =
        app.core.store.audit(query.since, query.limit.unwrap_or(1_000).clamp(1, 100_000)).await?;
    entries.reverse();
    Ok(Json(entries))
}

/// What the folder of a backup that is being handed out begins with. One that is left over belonged to a daemon that was killed.
pub const BACKUP_PREFIX: &str = ".backup-";

/// `POST /v1/backup`: the backup as bytes. For operators, since everything is in it.
pub async fn backup(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let folder = tempfile::Builder::new().prefix(BACKUP_PREFIX).tempdir_in(&app.scratch).map_err(|e| {
        ApiError::conflict(format!("no backup can be written into {}: {e}", app.scratch.display()))
    })?;
    let path = folder.path().join("backup");
    app.core.store.backup(path.clone(), app.core.now()).await?;
    let broken = |e: std::io::Error| ApiError::conflict(format!("the backup can't be read back: {e}"));
    let file = tokio::fs::File::open(&path).await.map_err(broken)?;
    let length = file.metadata().await.map_err(broken)?.len();
    // The folder goes with the stream: the file lives as long as somebody reads it.
    let chunks = futures_util::stream::try_unfold((file, folder), |(mut file, folder)| async move {
        let mut chunk = vec![0; 128 * 1024];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((chunk, (file, folder))))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
