//! `[store]`: where everything is kept. `postgresql`, `folder`, `cache_mib` and `reserve_mib` need a restart, the others can be reloaded.

use std::path::PathBuf;
use std::time::Duration;

use super::durations::{self, DAY, HOUR, MINUTE};
use super::postgres::{self, Postgres};
use super::reader::{Problem, Section};

/// The store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    /// The database that several nodes share. None: everything is kept in the folder. Restart.
    pub postgres: Option<Postgres>,
    /// The folder that belongs to it alone. Restart.
    pub folder: PathBuf,
    /// How much memory it may use for its cache, in MiB. Restart.
    pub cache_mib: u32,
    /// How often it is exported.
    pub export_every: Duration,
    /// How many exports are kept.
    pub keep_exports: u32,
    /// How long the record of a run is kept.
    pub keep_runs: Duration,
    /// How long a run can be undone at least: the objects as they were before it are kept so long.
    pub keep_undo: Duration,
    /// How long it is kept how things were before they changed.
    pub keep_past: Duration,
    /// How long it is known of users, units and groups that are gone who they were.
    pub keep_gone: Duration,
    /// How long a message is kept after it was sent or given up.
    pub keep_messages: Duration,
    /// How much of the disk is held in reserve, to get out of a full disk, in MiB. Restart.
    pub reserve_mib: u32,
}

pub(super) fn read(section: &Section) -> Store {
    let store = Store {
        postgres: postgres::read(&section.section("postgresql")),
        folder: folder(section),
        cache_mib: section.number("cache_mib", 8..=65_536, 64),
        export_every: section.duration("export_every", MINUTE..=DAY * 7, HOUR),
        keep_exports: section.number("keep_exports", 1..=1000, 24),
        keep_runs: section.duration("keep_runs", DAY..=DAY * 3650, DAY * 90),
        keep_undo: section.duration("keep_undo", HOUR..=DAY * 3650, DAY * 30),
        keep_past: section.duration("keep_past", HOUR..=DAY * 3650, DAY * 365),
        keep_gone: section.duration("keep_gone", HOUR..=DAY * 3650, DAY * 180),
        keep_messages: section.duration("keep_messages", DAY..=DAY * 3650, DAY * 90),
        reserve_mib: section.number("reserve_mib", 0..=1024, 8),
    };
    if store.keep_undo > store.keep_runs && section.is_set("keep_undo") {
        let problem = format!("is longer than keep_runs ({})", durations::text(store.keep_runs));
        let hint = "a run that isn't kept any more can't be undone, either";
        section.warn("keep_undo", Problem::new(problem).hint(hint));
    }
    store
}

impl Store {
    pub(super) fn restart(&self, new: &Store) -> impl Iterator<Item = &'static str> {
        let differences = [
            (self.postgres != new.postgres, "store.postgresql"),
            (self.folder != new.folder, "store.folder"),
            (self.cache_mib != new.cache_mib, "store.cache_mib"),
            (self.reserve_mib != new.reserve_mib, "store.reserve_mib"),
            (self.keep_exports != new.keep_exports, "store.keep_exports"),
        ];
        differences.into_iter().filter(|(differs, _)| *differs).map(|(_, key)| key)
    }
}

/// The key, else what systemd made for the service (`StateDirectory=`), else the usual place.
fn folder(section: &Section) -> PathBuf {
    let folder = section.path("folder");
    if section.is_set("folder") {
        if folder.as_ref().is_some_and(|folder| folder.is_file()) {
            section.mistake(
                "folder",
                Problem::new("is a file").hint("name a folder that belongs to budkavle alone"),
            );
        }
        return folder.unwrap_or_default();
    }
    let made = section.reader().environment.get("STATE_DIRECTORY").and_then(|list| list.split(':').next());
    let folder = PathBuf::from(made.unwrap_or("/var/lib/budkavle"));
    section.set("folder", folder.display().to_string().into());
    folder
}
