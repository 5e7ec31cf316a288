//! Opening a store: look at all of it; if it isn't what was written, put it aside and rebuild it from the newest good export.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::super::backup::{self, BackupWriter, Header};
use super::super::error::StoreError;
use super::super::jobs::trouble::Trouble;
use super::super::types::{Opening, Rebuilt, Restored, SledSettings};
use super::STORE;
use super::build::{Plan, aside, build, clear_up, make_folder, rebuilt_note};
use super::exports;
use super::lock::Lock;
use super::marker::{Known, Marker};
use super::panics::caught;
use super::scan::{Found, examine};
use super::space::Space;
use super::watermark::{Mark, Watermark};

/// A store that is open and whole.
pub(super) struct Opened {
    pub(super) found: Found,
    pub(super) watermark: Watermark,
    pub(super) lock: Lock,
    pub(super) space: Space,
    pub(super) marker: Marker,
    pub(super) opening: Opening,
}

/// How the store was found.
enum Look {
    Missing,
    Whole(Box<Found>),
    /// `readable`: it came up whole in itself, but something says that it isn't what it was.
    Damaged {
        what: String,
        readable: Option<Box<Found>>,
    },
}

/// Opens the store of `settings`, rebuilding it if need be. Blocks.
pub(super) fn open(settings: &SledSettings, now: DateTime<Utc>) -> Result<Opened, StoreError> {
    let path = settings.path.as_path();
    let lock = prepare(settings).map_err(|t| t.at(path))?;
    let mut space = Space::new(path, settings.reserve_bytes);
    space.before_opening();
    let marker = Marker::new(path);
    let known = clear_up(path).and_then(|()| marker.begin().map_err(|e| Trouble::io("opened", &e)));
    let opened = known.map_err(|t| t.at(path)).and_then(|known| open_marked(settings, known, &marker, now));
    match opened {
        Ok((found, opening)) => {
            let mark = Mark { commit: found.ledger.commit, instance: found.instance, numbers: found.numbers };
            let ready = Watermark::create(&path.join(STORE), &mark)
                .and_then(|watermark| Ok((watermark, marker.end()?)));
            let (watermark, ()) = ready.map_err(|e| Trouble::io("opened", &e).at(path))?;
            // Without room for the reserve nothing is written, but everything can be read.
            let _ = space.check(0);
            Ok(Opened { found, watermark, lock, space, marker, opening })
        }
        Err(e) => {
            // An error that was told is an orderly end; a damage that couldn't be mended stays noted.
            if !marker.notes_damage() && marker.end().is_err() {
                tracing::warn!("the marker in {} can't be removed", path.display());
            }
            Err(e)
        }
    }
}

/// Puts the store of `file` in place of what is there. Blocks.
pub(super) fn restore(
    settings: &SledSettings,
    file: &Path,
    replace: bool,
    now: DateTime<Utc>,
) -> Result<Restored, StoreError> {
    let path = settings.path.as_path();
    let header = backup::check(file)?;
    let trouble = |t: Trouble| t.at(path);
    let _lock = prepare(settings).map_err(trouble)?;
    clear_up(path).map_err(trouble)?;
    let store = path.join(STORE);
    let aside = if store.exists() {
        if !replace && !is_empty(&store, settings.cache_bytes) {
            return Err(StoreError::NotEmpty { path: path.display().to_string() });
        }
        Some(aside(path, "replaced", now).map_err(|e| trouble(Trouble::io("written", &e)))?)
    } else {
        None
    };
    let exported =
        exports::newest_commit(&settings.exports).map_err(|e| trouble(Trouble::io("opened", &e)))?;
    let plan = Plan { source: Some(file), mark: Watermark::read(&store), exported, now, rebuilt: None };
    build(path, settings.cache_bytes, &plan, aside.as_deref())?;
    Marker::new(path).end().map_err(|e| trouble(Trouble::io("written", &e)))?;
    Ok(Restored { info: header.info(), aside })
}

fn prepare(settings: &SledSettings) -> Result<Lock, Trouble> {
    make_folder(&settings.path)?;
    make_folder(&settings.exports)?;
    Lock::take(&settings.path)
}

/// Whether nothing was ever committed to a store that is whole.
fn is_empty(store: &Path, cache_bytes: u64) -> bool {
    examine(store, cache_bytes).is_ok_and(|found| found.ledger.commit <= 1)
}

fn open_marked(
    settings: &SledSettings,
    known: Known,
    marker: &Marker,
    now: DateTime<Utc>,
) -> Result<(Found, Opening), StoreError> {
    let path = settings.path.as_path();
    let store = path.join(STORE);
    match look(settings, known).map_err(|t| t.at(path))? {
        Look::Whole(found) => Ok((*found, rebuilt_note(&store).map_or(Opening::Intact, Opening::Rebuilt))),
        Look::Missing => {
            build(
                path,
                settings.cache_bytes,
                &Plan { source: None, mark: None, exported: 0, now, rebuilt: None },
                None,
            )?;
            let found = examine(&store, settings.cache_bytes).map_err(|t| t.at(path))?;
            Ok((found, Opening::Fresh))
        }
        Look::Damaged { what, readable } => {
            tracing::error!("the store {} is damaged and is being rebuilt: {what}", path.display());
            // Should the rebuilding be cut short, the next opening knows what it is about.
            marker.note_damage(&what).map_err(|e| Trouble::io("written", &e).at(path))?;
            let rebuilt = rebuild(settings, &what, readable, now)?;
            let found = examine(&store, settings.cache_bytes).map_err(|t| t.at(path))?;
            Ok((found, Opening::Rebuilt(rebuilt)))
        }
    }
}

fn look(settings: &SledSettings, known: Known) -> Result<Look, Trouble> {
    let store = settings.path.join(STORE);
    let noted = match known {
        Known::NeverOpens(what) => return Ok(Look::Damaged { what, readable: None }),
        Known::Damage(what) => Some(what),
        Known::Nothing => None,
    };
    if !store.exists() {
        let what = noted.unwrap_or_else(|| "its folder is gone, but there are exports of it".into());
        let nothing = exports::list(&settings.exports).map_err(|e| Trouble::io("opened", &e))?.is_empty();
        return Ok(if nothing { Look::Missing } else { Look::Damaged { what, readable: None } });
    }
    // The mark is read first: the engine must not have a chance to change anything before.
    let mark = Watermark::read(&store);
    let found = match examine(&store, settings.cache_bytes) {
        Ok(found) => Box::new(found),
        Err(Trouble::Damaged(what)) => {
            return Ok(Look::Damaged { what: noted.unwrap_or(what), readable: None });
        }
        Err(other) => return Err(other),
    };
    let what = noted.or_else(|| unlike(&found, mark));
    Ok(match what {
        None => Look::Whole(found),
        Some(what) => Look::Damaged { what, readable: Some(found) },
    })
}

/// What says that a store that is whole in itself isn't the one that was written last.
fn unlike(found: &Found, mark: Option<Mark>) -> Option<String> {
    match mark {
        None => Some("the file that notes how far it had come is gone or broken".into()),
        Some(mark) if mark.instance != found.instance => {
            Some("the file that notes how far it had come belongs to another store".into())
        }
        Some(mark) if mark.commit > found.ledger.commit => {
            let lost = mark.commit - found.ledger.commit;
            Some(format!("it came up older than it was: the last {lost} of {} commits are gone", mark.commit))
        }
        Some(_) => None,
    }
}

/// Puts the damaged store aside, and makes a new one from the newest good export.
fn rebuild(
    settings: &SledSettings,
    what: &str,
    readable: Option<Box<Found>>,
    now: DateTime<Utc>,
) -> Result<Rebuilt, StoreError> {
    let path = settings.path.as_path();
    let store = path.join(STORE);
    if let Some(found) = readable {
        // What could be read is worth as much as an export, and is newer than any.
        salvage(settings, *found, now)?;
    }
    let disk = |e: io::Error| Trouble::io("opened", &e).at(path);
    let mark = Watermark::read(&store);
    let (source, header) = newest_good(&settings.exports, mark).map_err(disk)?.unzip();
    let exported = exports::newest_commit(&settings.exports).map_err(disk)?;
    let aside = aside(path, "damaged", now).map_err(disk)?;
    let rebuilt = Rebuilt { damage: what.into(), export_from: header.map(|h| h.as_of), aside: aside.clone() };
    let plan = Plan { source: source.as_deref(), mark, exported, now, rebuilt: Some(&rebuilt) };
    build(path, settings.cache_bytes, &plan, store.exists().then_some(aside.as_path()))?;
    Ok(rebuilt)
}

/// Exports a store that can be read but not trusted.
fn salvage(settings: &SledSettings, found: Found, now: DateTime<Utc>) -> Result<(), StoreError> {
    let path = settings.path.as_path();
    let header = exports::header(&found.ledger, found.instance, now);
    let file = settings.exports.join(exports::name(&header));
    let mut writer = BackupWriter::create(&file, header)?;
    for row in found.engine.view().all() {
        let (_, key, value) = row.map_err(|t| t.at(path))?;
        writer.record(&key, &value)?;
    }
    writer.finish()?;
    if let Err(said) = caught(|| drop(found)) {
        tracing::warn!("the store's engine panicked while it was closed: {said}");
    }
    Ok(())
}

/// The newest export that is whole, and of this installation as far as that is known.
fn newest_good(folder: &Path, mark: Option<Mark>) -> io::Result<Option<(PathBuf, Header)>> {
    let good = |file: PathBuf| match backup::check(&file) {
        Ok(header) if mark.is_some_and(|mark| mark.instance != header.instance) => {
            tracing::warn!("{} is of another installation, and passed over", file.display());
            None
        }
        Ok(header) => Some((file, header)),
        Err(e) => {
            tracing::warn!("{e}");
            None
        }
    };
    Ok(exports::list(folder)?.into_iter().find_map(good))
}
