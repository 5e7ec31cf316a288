//! Making a store: an empty one, or one filled from a backup. It is made beside its place and moved there when it is whole.
//!
//! `store.building` is unfinished and thrown away at the next opening; `store.next` is finished. A crash between the moves leaves
//! `store.next` without `store`, and the next opening ends what was begun.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::super::backup::{self, Header};
use super::super::counts::Counts;
use super::super::error::StoreError;
use super::super::jobs::trouble::{Fault, Trouble};
use super::super::records::{
    Instance, Kind, LastNumber, NUMBERS, Numbers, PastRow, Record, WasRow, key, past_key,
};
use super::super::types::Rebuilt;
use super::engine::{Engine, Slices};
use super::ledger::Ledger;
use super::scan::examine;
use super::watermark::{Mark, Watermark};
use super::{ENGINE, STORE};

const BUILDING: &str = "store.building";
const NEXT: &str = "store.next";
/// In the store's folder: that it was rebuilt, until somebody has been told.
const REBUILT: &str = "rebuilt.json";
/// So many folders that were put aside are kept.
const ASIDE_MAX: usize = 3;
/// What is skipped of every sequence when it isn't known how far it had come since the backup: a number that was given out
/// before must not come again, since Message-IDs are made of them.
const GAP: u64 = 1000;

/// What a store is made of.
pub(super) struct Plan<'a> {
    /// The backup it is filled from.
    pub(super) source: Option<&'a Path>,
    /// How far the store came that was there before.
    pub(super) mark: Option<Mark>,
    /// How far the newest export had come: the new store begins beyond it, so that its own exports are newer.
    pub(super) exported: u64,
    /// When it is made: what happened since its source was written is lost then.
    pub(super) now: DateTime<Utc>,
    /// What is to be said of it at its next opening.
    pub(super) rebuilt: Option<&'a Rebuilt>,
}

/// Makes a folder, and those above it, for its owner only.
pub(super) fn make_folder(folder: &Path) -> Result<(), Trouble> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| Trouble::io("opened", &e))
}

/// Ends or throws away what a crash left half made.
pub(super) fn clear_up(path: &Path) -> Result<(), Trouble> {
    let (store, next) = (path.join(STORE), path.join(NEXT));
    let cleared = || -> io::Result<()> {
        remove(&path.join(BUILDING))?;
        if !next.exists() {
            return Ok(());
        }
        if store.exists() {
            remove(&next)?;
        } else {
            fs::rename(&next, &store)?;
        }
        sync_folder(path)
    };
    cleared().map_err(|e| Trouble::io("opened", &e))
}

/// Makes a store, looks whether it is whole, and puts it in its place; what is there goes `aside`.
pub(super) fn build(
    path: &Path,
    cache_bytes: u64,
    plan: &Plan<'_>,
    aside: Option<&Path>,
) -> Result<(), StoreError> {
    let building = path.join(BUILDING);
    let disk = |e: io::Error| Trouble::io("written", &e).at(path);
    remove(&building).map_err(disk)?;
    make_folder(&building).map_err(|t| t.at(path))?;
    fill(&building, cache_bytes, plan).map_err(|f| f.at(path))?;
    if let Some(rebuilt) = plan.rebuilt {
        let note = serde_json::to_vec(rebuilt).map_err(|e| disk(e.into()))?;
        fs::write(building.join(REBUILT), note).map_err(disk)?;
    }
    drop(examine(&building, cache_bytes).map_err(|t| t.at(path))?);
    let moved = || -> io::Result<()> {
        sync_all_in(&building)?;
        fs::rename(&building, path.join(NEXT))?;
        sync_folder(path)?;
        if let Some(aside) = aside {
            fs::rename(path.join(STORE), aside)?;
        }
        fs::rename(path.join(NEXT), path.join(STORE))?;
        sync_folder(path)
    };
    moved().map_err(disk)
}

fn fill(folder: &Path, cache_bytes: u64, plan: &Plan<'_>) -> Result<(), Fault> {
    let engine = Engine::open(&folder.join(ENGINE), cache_bytes)?;
    let mut slices = Slices::new(&engine);
    let mut counts = Counts::default();
    let mut numbers = [0; NUMBERS];
    let mut put = |kind: Kind, key: &[u8], value: Vec<u8>| {
        counts.add(kind, key, &value);
        Engine::fill(&mut slices, key, value)
    };
    let source = plan.source.map(|file| {
        backup::read(file, |key, value| -> Result<(), Fault> {
            let Some(kind) = key.first().and_then(|byte| Kind::from_byte(*byte)) else { return Ok(()) };
            if kind != Kind::Numbers {
                return Ok(put(kind, key, value)?);
            }
            if let Some(number) = key.get(1).and_then(|index| numbers.get_mut(usize::from(*index))) {
                *number = LastNumber::decode(&value).map_err(Trouble::from)?.0;
            }
            Ok(())
        })
    });
    let source: Option<Header> = source.transpose()?;
    match &plan.mark {
        Some(mark) => numbers.iter_mut().zip(mark.numbers).for_each(|(n, before)| *n = before.max(*n)),
        None if source.is_some() => numbers.iter_mut().for_each(|n| *n += GAP),
        None => {}
    }
    if let (Some(header), Some(made)) = (&source, numbers.get_mut(Numbers::Generation as usize)) {
        *made += 1;
        let lost = PastRow { at: plan.now, was: WasRow::Lost { since: header.as_of } };
        put(Kind::Past, &past_key(*made, 0), encoded(&lost)?)?;
    }
    for (index, number) in (0_u8..).zip(numbers) {
        put(Kind::Numbers, &key(Kind::Numbers, &[index]), encoded(&LastNumber(number))?)?;
    }
    let instance = match (&source, &plan.mark) {
        (Some(header), _) => header.instance,
        (None, mark) => {
            let instance = mark.as_ref().map_or_else(rand::random, |mark| mark.instance);
            put(Kind::Instance, &key(Kind::Instance, &[]), encoded(&Instance(instance))?)?;
            instance
        }
    };
    slices.end()?;
    let before =
        source.as_ref().map_or(0, |h| h.commit).max(plan.mark.map_or(0, |m| m.commit)).max(plan.exported);
    let as_of = source.map_or(DateTime::UNIX_EPOCH, |header| header.as_of);
    let ledger = Ledger { commit: before + 1, as_of, redo: 0, counts };
    engine.seal(&ledger)?;
    let mark = Mark { commit: ledger.commit, instance, numbers };
    Watermark::create(folder, &mark).map_err(|e| Trouble::io("written", &e))?;
    Ok(())
}

fn encoded(record: &impl Record) -> Result<Vec<u8>, Trouble> {
    record.encode().map_err(|e| Trouble::Io("written", e.to_string()))
}

/// What is to be said of a store that was rebuilt.
pub(super) fn rebuilt_note(store: &Path) -> Option<Rebuilt> {
    serde_json::from_slice(&fs::read(store.join(REBUILT)).ok()?).ok()
}

/// Somebody has been told.
pub(super) fn drop_rebuilt_note(store: &Path) -> io::Result<()> {
    match fs::remove_file(store.join(REBUILT)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => sync_folder(store),
    }
}

/// A name for what is put aside, not taken yet; and the oldest ones removed, so that few are kept.
pub(super) fn aside(path: &Path, why: &str, now: DateTime<Utc>) -> io::Result<PathBuf> {
    let begin = format!("{STORE}.{why}-");
    let mut others: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&begin) {
            others.push(entry.path());
        }
    }
    // The names end in the time, so their order is that of age.
    others.sort();
    let surplus = (others.len() + 1).saturating_sub(ASIDE_MAX);
    others.iter().take(surplus).try_for_each(|old| remove(old))?;
    let name = format!("{begin}{}", now.format("%Y%m%dT%H%M%SZ"));
    let free = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") });
    Ok(free.map(|name| path.join(name)).find(|p| !p.exists()).unwrap_or_else(|| path.join(&name)))
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn sync_all_in(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all_in(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
