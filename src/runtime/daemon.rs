//! The daemon: configuration → store → what is held in memory → loops and API → wait → drain.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use tokio::net::UnixListener;

use super::clock::Clock;
use super::hints::{self, HintBook};
use super::intake::{self, Speech};
use super::lifecycle::{Exit, Lifecycle, Reloads, Signals};
use super::loops::{self, DELIVER_WITHIN, LOOP_WITHIN, Syncing, Upkeep};
use super::opening::Waiting;
use super::pages::{self, Pages};
use super::systemd::Notifier;
use super::telemetry::LevelHandle;
use super::wire::{self, Schedules, WireError};
use crate::config::{Config, Environment};
use crate::domain::contacts::Asker;
use crate::domain::ids::{FeedName, SourceName};
use crate::domain::lists::ListName;
use crate::domain::notice::{EventKey, Facts, NewNotice};
use crate::domain::roles;
use crate::domain::schedule::Schedule;
use crate::flow::absence_sources::Calendars;
use crate::flow::bounces::{self, Bounces};
use crate::flow::channels::Senders;
use crate::flow::core::{Core, Now};
use crate::flow::directories::Directories;
use crate::flow::intake::Door;
use crate::flow::intake::alertmanager::Alertmanager;
use crate::flow::intake::feeds::Feeds;
use crate::flow::intake::heartbeats::Heartbeats;
use crate::flow::lists::Lists;
use crate::flow::login_page::LoginPage;
use crate::flow::ping::Pings;
use crate::http::{self, App};
use crate::store::{Change, Event, Opening, Rebuilt, Restored, Store, StoreError};

/// How long what is under way may take once the daemon is told to stop. `TimeoutStopSec` in the unit is longer.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// How long callers may take to an end when the daemon stops.
const API_GRACE: Duration = Duration::from_secs(10);

/// Why the daemon couldn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A source or the channel can't be set up.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The socket.
    #[error("the socket {} can't be opened: {cause}", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It was told to stop before it had its store.
    #[error("it was told to stop while it waited for its database")]
    Stopped,
    /// Somebody listens there.
    #[error("another daemon listens on {}; stop it first", .0.display())]
    SocketInUse(PathBuf),
}

/// What the daemon is started with.
pub struct Start {
    /// The configuration.
    pub config: Config,
    /// Where it was read, for a reload. None: there is nothing to reload.
    pub config_file: Option<PathBuf>,
    /// The time.
    pub clock: Clock,
    /// Who asks for a stop or a reload.
    pub signals: Signals,
    /// The service manager.
    pub notifier: Notifier,
    /// The level of the log, for a reload.
    pub level: Option<LevelHandle>,
}

/// A daemon that is wired and answers, but doesn't wait yet.
pub struct Daemon {
    /// Store, view and settings.
    pub core: Arc<Core>,
    lifecycle: Lifecycle,
    socket: PathBuf,
}

/// What a reload replaces.
struct Replaceable {
    core: Arc<Core>,
    clock: Clock,
    directories: Arc<Directories>,
    lists: Arc<Lists>,
    list_schedules: Arc<ArcSwap<BTreeMap<ListName, Schedule>>>,
    calendars: Arc<Calendars>,
    calendar_schedules: Arc<ArcSwap<BTreeMap<SourceName, Schedule>>>,
    bounces: Arc<Bounces>,
    bounce_schedules: Arc<ArcSwap<BTreeMap<SourceName, Schedule>>>,
    feeds: Arc<Feeds>,
    feed_schedules: Arc<ArcSwap<BTreeMap<FeedName, Schedule>>>,
    heartbeats: Arc<Heartbeats>,
    intake: Arc<http::intake::Intake>,
    speech: Speech,
    login_page: Arc<LoginPage>,
    schedules: Arc<Schedules>,
    hints: Arc<HintBook>,
    senders: Arc<Senders>,
    pings: Arc<Pings>,
    pages: Pages,
    upkeep: Arc<ArcSwap<Upkeep>>,
    app: Arc<App>,
    level: Option<LevelHandle>,
    file: PathBuf,
}

impl Daemon {
    /// Opens the store, starts the loops and the API, and tells systemd that all is ready.
    pub async fn start(start: Start) -> Result<Daemon, StartError> {
        let Start { config, config_file, clock, mut signals, notifier, level } = start;
        let listener = listen(&config.api.socket)?;
        let now: Now = {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        };
        let waiting = Waiting { config: &config, clock: &clock, notifier: &notifier, listener: &listener };
        let (core, opening) = waiting.open(|| wire::flow_settings(&config), &now, &mut signals).await?;
        let core = Arc::new(core);
        let listener = UnixListener::from_std(listener)
            .map_err(|cause| StartError::Socket { path: config.api.socket.clone(), cause })?;
        let (pages, page_moves) = Pages::new();
        pages.take(pages.prepare(&config).await?);
        let rebuilt = matches!(opening, Opening::Rebuilt(_));
        clear_scratch(&config.store.folder);
        let interrupted = core.store.release_claims(clock.now()).await?;
        if interrupted > 0 {
            tracing::warn!(
                messages = interrupted,
                "Messages were being sent when the daemon ended; they are sent again, under the same Message-IDs"
            );
        }
        let store_note = tell_rebuild(&core, opening).await?;
        let directories = Arc::new(Directories::new(wire::sources(&config)?));
        let schedules = Arc::new(wire::schedules(&config));
        let lists = Arc::new(Lists::new(wire::lists(&config)));
        let list_schedules = Arc::new(ArcSwap::from_pointee(wire::list_schedules(&config)));
        let calendars = Arc::new(Calendars::new(wire::calendars(&config)));
        let calendar_schedules = Arc::new(ArcSwap::from_pointee(wire::calendar_schedules(&config)));
        let bounces = Arc::new(Bounces::new(wire::returned::mailbox(&config, &clock)?));
        let bounce_schedules = Arc::new(ArcSwap::from_pointee(wire::returned::schedules(&config)));
        bounces::make_key(&core).await?;
        let feeds = Arc::new(Feeds::new(wire::intake::feeds(&config)));
        let feed_schedules = Arc::new(ArcSwap::from_pointee(wire::intake::feed_schedules(&config)));
        let heartbeats = Arc::new(Heartbeats::new(wire::intake::heartbeats(&config), clock.now()));
        let alertmanager = Arc::new(Alertmanager::default());
        let intake = Arc::new(http::intake::Intake {
            core: Arc::clone(&core),
            heartbeats: Arc::clone(&heartbeats),
            alertmanager: Arc::clone(&alertmanager),
            settings: ArcSwap::from_pointee(wire::intake::settings(&config)),
            logged: AtomicI64::default(),
        });
        let speech: Speech = Arc::new(ArcSwap::from_pointee(wire::intake::tls(&config)?));
        let door = Arc::new(Door::default());
        let login_page = Arc::new(LoginPage::new(wire::login_page(&config)));
        let hints = Arc::new(HintBook::new(wire::hint_pauses(&config)));
        let senders = Arc::new(Senders::new(wire::senders(&config)?));
        let pings = Arc::new(Pings::new(wire::pings(&config)?, &core.view()));
        let upkeep = Arc::new(ArcSwap::from_pointee(wire::upkeep(&config)));
        let lifecycle = Lifecycle::new(clock.clone(), signals, notifier.clone(), DRAIN_WITHIN);
        let app = Arc::new(App {
            core: Arc::clone(&core),
            directories: Arc::clone(&directories),
            lists: Arc::clone(&lists),
            calendars: Arc::clone(&calendars),
            bounces: Arc::clone(&bounces),
            feeds: Arc::clone(&feeds),
            heartbeats: Arc::clone(&heartbeats),
            alertmanager,
            door: Arc::clone(&door),
            login_page: Arc::clone(&login_page),
            senders: Arc::clone(&senders),
            pings: Arc::clone(&pings),
            access: ArcSwap::from_pointee(wire::access(&config)),
            next_sync: {
                let (schedules, clock) = (Arc::clone(&schedules), clock.clone());
                Box::new(move |name| schedules.next_after(name, clock.now()))
            },
            telling: {
                let (core, hints) = (Arc::clone(&core), Arc::clone(&hints));
                Box::new(move |name| hints.telling(&core, name))
            },
            store_note,
            started: clock.now(),
            scratch: config.store.folder.clone(),
        });
        warn_of_units(&app);
        let tasks = lifecycle.tasks();
        let beat = |name: &str, within| tasks.heartbeat(name, within);
        let (c, t, k) = (|| clock.clone(), || tasks.clone(), || Arc::clone(&core));
        let syncing = Syncing {
            clock: c(),
            tasks: t(),
            core: k(),
            directories: Arc::clone(&directories),
            schedules: Arc::clone(&schedules),
            hints: Arc::clone(&hints),
        };
        tasks.spawn("sync", loops::sync(syncing, beat("sync", LOOP_WITHIN), rebuilt));
        tasks.spawn("hints", hints::listen(c(), t(), k(), Arc::clone(&directories), Arc::clone(&hints)));
        tasks.spawn(
            "deliver",
            loops::deliver(c(), t(), beat("deliver", LOOP_WITHIN), k(), Arc::clone(&senders)),
        );
        tasks.spawn(
            "lists",
            loops::looks(
                c(),
                t(),
                beat("lists", DELIVER_WITHIN),
                k(),
                Arc::clone(&lists),
                Arc::clone(&list_schedules),
            ),
        );
        tasks.spawn(
            "absence sources",
            loops::looks(
                c(),
                t(),
                beat("absence sources", DELIVER_WITHIN),
                k(),
                Arc::clone(&calendars),
                Arc::clone(&calendar_schedules),
            ),
        );
        tasks.spawn(
            "bounces",
            loops::looks(
                c(),
                t(),
                beat("bounces", DELIVER_WITHIN),
                k(),
                Arc::clone(&bounces),
                Arc::clone(&bounce_schedules),
            ),
        );
        tasks.spawn(
            "feeds",
            loops::looks(
                c(),
                t(),
                beat("feeds", DELIVER_WITHIN),
                k(),
                Arc::clone(&feeds),
                Arc::clone(&feed_schedules),
            ),
        );
        tasks.spawn(
            "heartbeats",
            loops::heartbeats(c(), t(), beat("heartbeats", LOOP_WITHIN), k(), Arc::clone(&heartbeats)),
        );
        if let Some(address) = config.intake.as_ref().map(|intake| intake.listen) {
            tasks.spawn(
                "intake",
                intake::run(address, Arc::clone(&intake), Arc::clone(&speech), t(), Arc::clone(&door)),
            );
        }
        tasks.spawn(
            "login page",
            loops::login_page(c(), t(), beat("login page", LOOP_WITHIN), k(), Arc::clone(&login_page)),
        );
        tasks.spawn("pings", loops::pings(c(), t(), beat("pings", LOOP_WITHIN), k(), Arc::clone(&pings)));
        tasks.spawn("climbs", loops::climbs(c(), t(), beat("climbs", LOOP_WITHIN), k()));
        tasks.spawn("pages", pages::serve(page_moves, http::public::router(k()), t()));
        tasks.spawn("follow", loops::follow(c(), t(), beat("follow", LOOP_WITHIN), k()));
        tasks.spawn("outages", loops::outages(c(), t(), beat("outages", LOOP_WITHIN), k()));
        tasks.spawn("watch", loops::watch(c(), t(), beat("watch", LOOP_WITHIN), k(), Arc::clone(&senders)));
        tasks.spawn(
            "keep up",
            loops::keep_up(c(), t(), beat("keep up", LOOP_WITHIN), k(), Arc::clone(&upkeep)),
        );
        tasks.spawn("api", serve(listener, Arc::clone(&app), tasks.clone(), c()));
        if let Some(file) = config_file {
            let parts = Replaceable {
                core: k(),
                clock: c(),
                directories,
                lists,
                list_schedules,
                calendars,
                calendar_schedules,
                bounces,
                bounce_schedules,
                feeds,
                feed_schedules,
                heartbeats,
                intake,
                speech,
                login_page,
                schedules,
                hints,
                senders,
                pings,
                pages,
                upkeep,
                app,
                level,
                file,
            };
            tasks.spawn("reload", reload(config.clone(), parts, lifecycle.reloads(), tasks.clone()));
        }
        let view = core.view();
        let users = view.organisation.directory.users.len();
        tracing::info!(users, socket = %config.api.socket.display(), "Budkavle {} is ready", env!("CARGO_PKG_VERSION"));
        notifier.ready(&format!("{users} users; asks and answers on {}", config.api.socket.display()));
        // Of a million users that takes a second, which the first mail of an outage is not to wait.
        tokio::task::spawn_blocking(move || view.organisation.prepare_lookups());
        Ok(Daemon { core, lifecycle, socket: config.api.socket })
    }

    /// Waits until the daemon is to stop, lets everything finish, and closes the store.
    pub async fn run(self) -> Exit {
        let exit = self.lifecycle.run().await;
        // The socket goes first: who knocks from now on is told that nobody is here, not left waiting.
        let _ = std::fs::remove_file(&self.socket);
        self.core.store.close().await;
        exit
    }
}

/// Logs which of the units that are delegated, or that services, templates of outages, locales and nights name, aren't there. Before the first sync none is.
fn warn_of_units(app: &App) {
    let organisation = &app.core.view().organisation;
    if !organisation.tree.is_empty() {
        app.access.load().unknown_units(organisation).iter().for_each(|unknown| tracing::warn!("{unknown}"));
        let unknown = app.core.settings().unknown_units(organisation);
        unknown.iter().for_each(|unknown| tracing::warn!("{unknown}"));
    }
}

/// Puts a backup in the place of the store, while no daemon runs. A store that holds something is put aside if `replace`, and refused
/// otherwise.
pub async fn restore(
    config: &Config,
    backup: PathBuf,
    replace: bool,
    now: DateTime<Utc>,
) -> Result<Restored, StoreError> {
    Store::restore_sled(wire::store_settings(config), backup, replace, now).await
}

/// Takes away what a daemon that was killed while it handed out a backup has left.
fn clear_scratch(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let left = entries.filter(|e| e.file_name().to_string_lossy().starts_with(http::service::BACKUP_PREFIX));
    for entry in left {
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!("The left-over {} can't be removed: {error}", entry.path().display());
        }
    }
}

/// Listens on the socket; one that a dead daemon left behind is taken away.
fn listen(path: &Path) -> Result<std::os::unix::net::UnixListener, StartError> {
    let failed = |cause| StartError::Socket { path: path.to_owned(), cause };
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(StartError::SocketInUse(path.to_owned()));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(path).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    // Who may come in is decided by the caller's user, and before that by the folder's own mode.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).map_err(failed)?;
    Ok(listener)
}

async fn serve(
    listener: UnixListener,
    app: Arc<App>,
    tasks: super::lifecycle::Tasks,
    clock: Clock,
) -> Result<(), std::io::Error> {
    let router = http::router(app).into_make_service_with_connect_info::<http::access::Peer>();
    let (soft, waited) = (tasks.soft().clone(), tasks.soft().clone());
    let serving = axum::serve(listener, router).with_graceful_shutdown(soft.cancelled_owned());
    let patience = async {
        waited.cancelled().await;
        clock.sleep(API_GRACE).await;
    };
    // A caller who has sent half a request must not hold up the stop.
    tokio::select! {
        done = serving.into_future() => done,
        () = patience => Ok(()),
    }
}

/// A store that was rebuilt is told to the AD-sync and global contacts, and shown in the status.
async fn tell_rebuild(core: &Core, opening: Opening) -> Result<Option<String>, StoreError> {
    let Opening::Rebuilt(Rebuilt { damage, export_from, aside }) = opening else { return Ok(None) };
    let from = export_from.map_or_else(
        || "without an export".to_owned(),
        |at: DateTime<Utc>| format!("from the export of {at}"),
    );
    let note = format!(
        "it was damaged ({damage}) and has been rebuilt {from}; the damaged one lies in {}",
        aside.display()
    );
    tracing::error!("The store: {note}");
    let now = core.now();
    let event = EventKey(format!("store/rebuilt/{}", now.timestamp_millis()).into());
    let notice = NewNotice::new(
        event,
        Facts::StoreRebuilt { damage, export_from, aside: aside.display().to_string().into() },
        core.recipients(roles::AD_SYNC, &Asker::Organisation),
        now + core.settings().expires_after,
    );
    let event = Event { at: now, change: Change::None, notices: vec![notice], audit: None };
    let committed = core.turn().await.commit(event, |_, _, _| {}).await?;
    // Told to nobody, it is told again at the next start, when there may be somebody.
    if committed.messages > 0 {
        core.store.rebuild_told().await?;
    }
    Ok(Some(note))
}

/// Carries out every SIGHUP: what is right is taken over, a mistake leaves everything as it is.
async fn reload(
    mut config: Config,
    parts: Replaceable,
    mut reloads: Reloads,
    tasks: super::lifecycle::Tasks,
) -> Result<(), StoreError> {
    loop {
        let asked = tokio::select! {
            asked = reloads.next() => asked,
            () = tasks.soft().cancelled() => return Ok(()),
        };
        match crate::config::load(&parts.file, &Environment::of_process()) {
            Ok((new, warnings)) => {
                if !warnings.is_empty() {
                    tracing::warn!("{warnings}");
                }
                match take_over(&parts, &new).await {
                    Ok(()) => {
                        let restart = config.reload_differences(&new);
                        if !restart.is_empty() {
                            tracing::warn!("These keys take a restart to change: {}", restart.join(", "));
                        }
                        tracing::info!("The configuration was reloaded");
                        config = new;
                        asked.done("the configuration was reloaded");
                    }
                    Err(error) => {
                        tracing::error!(
                            "The configuration was not reloaded, the old one stays in force: {error}"
                        );
                        asked.done(format!("the new configuration was refused: {error}"));
                    }
                }
            }
            Err(mistakes) => {
                let text = mistakes.to_string();
                tracing::error!("The configuration was not reloaded, the old one stays in force:\n{text}");
                asked.done("the new configuration was refused; `budkavle check` says why");
            }
        }
    }
}

async fn take_over(parts: &Replaceable, config: &Config) -> Result<(), WireError> {
    // Everything that can fail comes first: either all is taken over, or nothing.
    let sources = wire::sources(config)?;
    // Templates are tried with every sample: others are served meanwhile.
    let senders = tokio::task::block_in_place(|| wire::senders(config))?;
    let mailbox = wire::returned::mailbox(config, &parts.clock)?;
    let speech = wire::intake::tls(config)?;
    let pings = wire::pings(config)?;
    let pages = parts.pages.prepare(config).await?;
    if let Some(level) = &parts.level {
        level.set(&config.log.level).map_err(|e| WireError::Log(e.to_string()))?;
    }
    parts.pages.take(pages);
    parts.core.reload(wire::flow_settings(config)).await;
    parts.hints.replace(wire::hint_pauses(config));
    parts.directories.replace(sources);
    parts.list_schedules.store(Arc::new(wire::list_schedules(config)));
    parts.lists.replace(wire::lists(config));
    parts.calendar_schedules.store(Arc::new(wire::calendar_schedules(config)));
    parts.calendars.replace(wire::calendars(config));
    parts.bounce_schedules.store(Arc::new(wire::returned::schedules(config)));
    parts.bounces.replace(mailbox);
    parts.feed_schedules.store(Arc::new(wire::intake::feed_schedules(config)));
    parts.feeds.replace(wire::intake::feeds(config));
    parts.heartbeats.replace(wire::intake::heartbeats(config));
    parts.intake.settings.store(Arc::new(wire::intake::settings(config)));
    // From plain text to TLS or back takes a restart: whoever calls would find the one where the other was.
    if parts.speech.load().is_some() && speech.is_some() {
        parts.speech.store(Arc::new(speech));
    }
    parts.login_page.replace(wire::login_page(config));
    parts.schedules.replace(wire::schedules(config));
    parts.core.shown.notify_one();
    parts.senders.replace(senders);
    parts.pings.replace(pings);
    parts.upkeep.store(Arc::new(wire::upkeep(config)));
    parts.app.access.store(Arc::new(wire::access(config)));
    warn_of_units(&parts.app);
    parts.core.outbox.notify_one();
    Ok(())
}
