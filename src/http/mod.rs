//! The API: JSON over HTTP on the daemon's Unix socket, for the command line and for programs on the same machine.
//!
//! * [`access`]: who is at the other end of the socket, and what they may do;
//! * [`answers`]: the shapes of the answers, shared with the command line;
//! * [`error`]: how an error is told;
//! * the handlers, by subject: [`absences`] (changed, imported, exported), [`absence_sources`] (calendars that are looked at), [`look`] (who, where, whom to turn to), [`then`] (the same at another time), [`gone`] (who was there once),
//!   [`follow`] (who got other contacts, and what nobody answers for), [`duties`] (what somebody is contact for), [`edit`] (roles and absences), [`subjects`] (what else somebody answers for), [`coverage`] (who is there when, and what would
//!   be), [`lists`] (what others keep, and who is entitled), [`outages`] (maintenance, too), [`feeds`] (what others tell, and signs of life), [`services`], [`silences`], [`subscribers`], [`outbox`], [`addresses`] (to which mails came back), [`notices`] (as somebody gets them, and who takes them on), [`syncs`], [`service`]
//!   (status, with [`standing`]; audit, backup), [`whoami`] (what the caller may do);
//! * [`intake`]: where others call over the network, which is off unless the configuration names an address;
//! * [`public`]: the pages for everybody, over the network, which are off unless the configuration names an address.

pub mod absence_sources;
pub mod absences;
pub mod access;
pub mod addresses;
pub mod answers;
pub mod coverage;
pub mod duties;
pub mod edit;
pub mod error;
pub mod feeds;
pub mod follow;
pub mod gone;
pub mod intake;
pub mod lists;
pub mod look;
pub mod nodes;
pub mod notices;
pub mod outages;
pub mod outbox;
pub mod public;
pub mod service;
pub mod services;
pub mod silences;
pub mod standing;
pub mod subjects;
pub mod subscribers;
pub mod syncs;
pub mod then;
pub mod whoami;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{delete, get, post};
use chrono::{DateTime, Utc};

use crate::domain::hint::Telling;
use crate::domain::ids::DirectoryName;
use crate::flow::absence_sources::Calendars;
use crate::flow::bounces::Bounces;
use crate::flow::channels::Senders;
use crate::flow::core::Core;
use crate::flow::directories::Directories;
use crate::flow::intake::Door;
use crate::flow::intake::alertmanager::Alertmanager;
use crate::flow::intake::feeds::Feeds;
use crate::flow::intake::heartbeats::Heartbeats;
use crate::flow::lists::Lists;
use crate::flow::login_page::LoginPage;
use crate::flow::ping::Pings;
use access::Access;

/// What the handlers work with.
pub struct App {
    /// Store, view and settings.
    pub core: Arc<Core>,
    /// The sources, and the runs under way.
    pub directories: Arc<Directories>,
    /// The lists that somebody else keeps.
    pub lists: Arc<Lists>,
    /// The calendars that absences are taken from.
    pub calendars: Arc<Calendars>,
    /// The mailbox into which mails come back.
    pub bounces: Arc<Bounces>,
    /// The vendors' status pages.
    pub feeds: Arc<Feeds>,
    /// The jobs that give signs of life.
    pub heartbeats: Arc<Heartbeats>,
    /// The Alertmanager that calls.
    pub alertmanager: Arc<Alertmanager>,
    /// What keeps others from calling.
    pub door: Arc<Door>,
    /// The page for trouble signing in.
    pub login_page: Arc<LoginPage>,
    /// Who sends the mails, for the state of the channel.
    pub senders: Arc<Senders>,
    /// Who gets signs of life.
    pub pings: Arc<Pings>,
    /// Who may do what.
    pub access: ArcSwap<Access>,
    /// When a directory is synced next, as its schedule says.
    pub next_sync: NextSync,
    /// Whether its changes are told meanwhile.
    pub telling: Tells,
    /// What the store's opening had to say, for the status: empty when all was well.
    pub store_note: Option<String>,
    /// Since when the daemon runs.
    pub started: DateTime<Utc>,
    /// Where a backup is put together before it is handed out: on the store's disk, not in `/tmp`.
    pub scratch: std::path::PathBuf,
}

/// Tells when a directory is synced next.
pub type NextSync = Box<dyn Fn(&DirectoryName) -> Option<DateTime<Utc>> + Send + Sync>;
/// Tells whether a directory's server tells of changes.
pub type Tells = Box<dyn Fn(&DirectoryName) -> Telling + Send + Sync>;

/// The largest request that is read: an outage's text and its lists fit many times over.
const BODY_LIMIT: usize = 256 * 1024;

/// All paths. Reading needs a reader's rights, everything else an operator's: by the method, so that none is forgotten. What is delegated to
/// administrators stands in [`access`].
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(whoami::PATH, get(whoami::whoami))
        .route("/v1/status", get(service::status))
        .route("/v1/audit", get(service::audit))
        .route("/v1/backup", post(service::backup))
        .route("/v1/sync", post(syncs::sync))
        .route("/v1/runs", get(syncs::history))
        .route("/v1/runs/{id}", get(syncs::show))
        .route("/v1/runs/{id}/approve", post(syncs::approve))
        .route("/v1/runs/{id}/reject", post(syncs::reject))
        .route("/v1/runs/{id}/undo", post(syncs::undo))
        .route("/v1/users", get(look::users))
        .route("/v1/users/{who}", get(look::user))
        .route("/v1/gone", get(gone::list))
        .route("/v1/units", get(look::units))
        .route("/v1/units/{unit}", get(look::unit))
        .route("/v1/contacts", get(look::holdings).post(edit::assign))
        .route("/v1/contacts/at/{time}", get(look::holdings_at))
        .route("/v1/contacts/of", get(look::contacts_of))
        .route("/v1/contacts/changes", get(follow::changes))
        .route("/v1/contacts/orphans", get(follow::orphans))
        .route("/v1/contacts/export", get(edit::export))
        .route("/v1/contacts/import", post(edit::import).layer(DefaultBodyLimit::max(absences::IMPORT_LIMIT)))
        .route("/v1/contacts/digest", get(duties::show).post(duties::send))
        .route("/v1/contacts/{id}", delete(edit::revoke))
        .route("/v1/subjects", get(subjects::list).post(subjects::add))
        .route("/v1/subjects/{name}", get(subjects::show).patch(subjects::change).delete(subjects::remove))
        .route("/v1/absences", get(look::absences).post(edit::add_absence))
        .route("/v1/absences/{id}", delete(edit::remove_absence).patch(absences::change))
        .route("/v1/absences/export", get(absences::export))
        .route(
            "/v1/absences/import",
            post(absences::import).layer(DefaultBodyLimit::max(absences::IMPORT_LIMIT)),
        )
        .route("/v1/coverage", get(coverage::coverage))
        .route("/v1/whatif", get(coverage::whatif))
        .route("/v1/absence-sources", get(absence_sources::list))
        .route("/v1/absence-sources/{name}/fetch", post(absence_sources::fetch))
        .route("/v1/absence-sources/{name}/accept", post(absence_sources::accept))
        .route("/v1/outages", get(outages::list).post(outages::open))
        .route("/v1/outages/{id}", get(outages::show).patch(outages::edit))
        .route("/v1/outages/{id}/updates", post(outages::update))
        .route("/v1/outage-templates", get(outages::templates))
        .route("/v1/maintenance", post(outages::plan))
        .route("/v1/maintenance/{id}/move", post(outages::move_to))
        .route("/v1/maintenance/{id}/{step}", post(outages::step))
        .route("/v1/services", get(services::list))
        .route("/v1/services/{name}", get(services::show))
        .route("/v1/messages", get(outbox::list))
        .route("/v1/messages/{id}", get(outbox::show))
        .route("/v1/messages/{id}/retry", post(outbox::retry))
        .route("/v1/messages/{id}/cancel", post(outbox::cancel))
        .route("/v1/bounces", post(addresses::look))
        .route("/v1/addresses", get(addresses::list))
        .route("/v1/addresses/clear", post(addresses::clear_many))
        .route("/v1/addresses/{address}", get(addresses::show))
        .route("/v1/addresses/{address}/clear", post(addresses::clear))
        .route("/v1/subscribers", get(subscribers::list).post(subscribers::add))
        .route("/v1/subscribers/{who}", delete(subscribers::remove))
        .route("/v1/silences", get(silences::list).post(silences::add))
        .route("/v1/silences/{id}", delete(silences::remove))
        .route("/v1/notices", get(notices::waiting))
        .route("/v1/notices/{id}/preview", get(notices::preview))
        .route("/v1/notices/{id}/acknowledge", post(notices::acknowledge))
        .route("/v1/test-message", post(outbox::test))
        .route("/v1/feeds", get(feeds::list))
        .route("/v1/feeds/{name}/poll", post(feeds::poll))
        .route("/v1/heartbeats", get(feeds::heartbeats))
        .route("/v1/heartbeats/{name}", post(feeds::heard))
        .route("/v1/lists", get(lists::list))
        .route("/v1/lists/{name}", get(lists::show))
        .route("/v1/lists/{name}/refresh", post(lists::refresh))
        .route("/v1/lists/{name}/accept", post(lists::accept))
        .route("/v1/support", get(lists::support))
        .route("/v1/entitled", get(lists::entitled_now).post(lists::give_out_now))
        .fallback(|| async {
            error::ApiError::not_found("no such path; `budkavle help` lists what there is".to_owned())
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), access::check))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), nodes::say_how_old))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(app)
}
