//! The embedded store and its surroundings: other processes, rights, backups, a full disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use budkavle::domain::directory::Directory;
use budkavle::domain::ids::{AssignmentId, RunId};
use budkavle::domain::notice::MessageState;
use budkavle::domain::run::Outcome;
use budkavle::store::{
    Attempt, Change, MessageFilter, Opening, Restored, Sequence, SledSettings, Store, StoreError,
};

use crate::store_samples::*;

async fn open(settings: &SledSettings) -> Store {
    Store::open_sled(settings.clone(), at(0)).await.unwrap().0
}

/// A store with a bit of everything.
async fn filled(settings: &SledSettings) -> Store {
    let store = open(settings).await;
    let (delta, record, cursor) = sync(1, &Directory::default(), &organisation(300));
    store.commit_sync(delta, record, cursor).await.unwrap();
    let id = store.allocate(Sequence::Outage).await.unwrap();
    store.commit_event(event(1, Change::Outage(outage(id)), vec![notice("outage/1/0", 20)])).await.unwrap();
    store
}

async fn listed(store: &Store) -> usize {
    store.messages(MessageFilter { limit: 1000, ..MessageFilter::default() }).await.unwrap().len()
}

#[tokio::test]
async fn a_second_process_is_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let store = open(&settings).await;
    let refused = Store::open_sled(settings.clone(), at(0)).await.map(|_| ()).unwrap_err();
    let me = format!("(process {})", std::process::id());
    assert!(matches!(&refused, StoreError::InUse { by, .. } if by.contains(&me)), "{refused}");
    let backup = folder.path().join("backup");
    store.backup(backup.clone(), at(1)).await.unwrap();
    let refused = Store::restore_sled(settings.clone(), backup, true, at(2)).await;
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "{refused:?}");
    store.close().await;
    open(&settings).await.close().await;
}

#[tokio::test]
async fn only_the_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let store = filled(&settings).await;
    let export = store.export_now(at(1)).await.unwrap();
    let backup = store.backup(folder.path().join("backup"), at(1)).await.unwrap();
    store.close().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for folder in [&settings.path, &settings.path.join("store"), &settings.exports] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    for file in [&export.path, &backup.path, &settings.path.join("store/committed")] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_backup_says_what_it_is_and_restores_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&settings(folder.path())).await;
    let file = folder.path().join("backup");
    let backup = store.backup(file.clone(), at(5)).await.unwrap();
    assert_eq!((backup.info.written, backup.info.as_of), (at(5), at(1) + chrono::TimeDelta::seconds(20)));
    assert_eq!((backup.info.counts["users"], backup.info.counts["messages"]), (300, 20));
    let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("budkavle backup 1"));
    let header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(header["budkavle"], env!("CARGO_PKG_VERSION"));

    // On another machine.
    let there = SledSettings {
        path: folder.path().join("there"),
        exports: folder.path().join("there/exports"),
        ..settings(folder.path())
    };
    let restored = Store::restore_sled(there.clone(), file.clone(), false, at(6)).await.unwrap();
    assert_eq!(restored, Restored { info: backup.info, aside: None });
    let (second, opening) = Store::open_sled(there.clone(), at(7)).await.unwrap();
    assert_eq!((opening, second.instance()), (Opening::Intact, store.instance()));
    let (one, other) = (store.load().await.unwrap(), second.load().await.unwrap());
    assert_eq!(
        (one.directory, one.open_outages, one.directories),
        (other.directory, other.open_outages, other.directories)
    );
    assert_eq!(
        (listed(&second).await, store.run(RunId(1)).await.unwrap()),
        (20, second.run(RunId(1)).await.unwrap())
    );
    // What the first machine may have handed out since isn't handed out again.
    assert!(second.allocate(Sequence::Outage).await.unwrap() > 1000);

    // Over a store that isn't empty: only if told, and nothing is thrown away.
    second.close().await;
    let refused = Store::restore_sled(there.clone(), file.clone(), false, at(8)).await;
    assert!(matches!(refused, Err(StoreError::NotEmpty { .. })), "{refused:?}");
    let restored = Store::restore_sled(there.clone(), file, true, at(8)).await.unwrap();
    assert!(restored.aside.unwrap().join("sled/db").exists());
    let (second, opening) = Store::open_sled(there, at(9)).await.unwrap();
    assert_eq!((opening, listed(&second).await), (Opening::Intact, 20));
    second.close().await;
    store.close().await;
}

#[tokio::test]
async fn no_damaged_backup_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let store = filled(&settings).await;
    let file = folder.path().join("backup");
    store.backup(file.clone(), at(5)).await.unwrap();
    store.close().await;
    let whole = fs::read(&file).unwrap();
    let cuts =
        [0, 5, 30, 100, whole.len() / 2, whole.len() - 33, whole.len() - 1].map(|n| whole[..n].to_vec());
    let flips = (0..60).map(|n| {
        let mut bytes = whole.clone();
        let place = n * (whole.len() - 1) / 59;
        bytes[place] ^= 1;
        bytes
    });
    let longer = [&whole[..], b"x"].concat();
    for (n, bytes) in
        cuts.into_iter().chain(flips).chain([longer, b"PK\x03\x04 something else".to_vec()]).enumerate()
    {
        fs::write(&file, bytes).unwrap();
        let refused = Store::restore_sled(settings.clone(), file.clone(), true, at(6)).await;
        assert!(matches!(refused, Err(StoreError::BadBackup { .. })), "case {n}: {refused:?}");
    }
    assert!(Store::restore_sled(settings.clone(), folder.path().join("none"), true, at(6)).await.is_err());
    let (store, opening) = Store::open_sled(settings, at(7)).await.unwrap();
    assert_eq!((opening, listed(&store).await), (Opening::Intact, 20));
    store.close().await;
}

#[tokio::test]
async fn exports_are_wanted_after_what_no_directory_can_give_again_and_rotate() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let store = filled(&settings).await;
    let unexported = store.unexported();
    assert_eq!(*unexported.borrow(), 1, "the outage, not the sync");
    store.commit_run(record(run(2, "main", Outcome::Unchanged)), Some(cursor(2))).await.unwrap();
    store.claim_due(&budkavle::domain::ids::ChannelName::mail(), at(2), at(3), 5).await.unwrap();
    assert_eq!(*unexported.borrow(), 1);
    let refused = store.commit_event(event(2, Change::Revoke(AssignmentId(5)), vec![])).await;
    assert!(refused.is_err());
    assert_eq!(*unexported.borrow(), 1);
    store.export_now(at(3)).await.unwrap();
    assert_eq!(*unexported.borrow(), 0);
    let mut newest = PathBuf::new();
    for minute in 4..9 {
        store.commit_event(tell(minute, vec![notice(&minute.to_string(), 1)])).await.unwrap();
        assert_eq!(*unexported.borrow(), 1);
        newest = store.export_now(at(minute)).await.unwrap().path;
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(&settings.exports).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert_eq!((files.len(), files.last()), (settings.keep_exports, Some(&newest)));
    // A process that comes after one that didn't get to it.
    store.commit_event(tell(9, vec![notice("9", 1)])).await.unwrap();
    store.close().await;
    assert!(store.export_now(at(10)).await.is_err());
    for left in [1, 0] {
        let store = open(&settings).await;
        assert_eq!(*store.unexported().borrow(), left);
        store.export_now(at(11)).await.unwrap();
        store.close().await;
    }
}

/// A small disk of its own, gone at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(megabytes: u32) -> SmallDisk {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={megabytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).status();
        assert!(
            mounted.as_ref().is_ok_and(|status| status.success()),
            "this test needs a small disk that it can fill, and so the right to mount a tmpfs; run it as root: {mounted:?}"
        );
        SmallDisk(folder)
    }

    /// Fills what is left of it.
    fn fill(&self) {
        let fill = || fs::OpenOptions::new().append(true).create(true).open(self.0.path().join("filler"));
        for size in [1 << 16, 1] {
            let mut file = fill().unwrap();
            while std::io::Write::write_all(&mut file, &vec![1; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_the_store_goes_on_when_there_is_room() {
    let disk = SmallDisk::new(48);
    let settings = settings(disk.0.path());
    let store = filled(&settings).await;
    let claimed =
        store.claim_due(&budkavle::domain::ids::ChannelName::mail(), at(2), at(9), 20).await.unwrap();
    let mut committed = 0;
    for round in 0..3 {
        disk.fill();
        for minute in 0..5 {
            let refused =
                store.commit_event(tell(minute, vec![notice(&format!("{round}/{minute}"), 50)])).await;
            assert!(matches!(refused, Err(StoreError::DiskFull { .. })), "round {round}: {refused:?}");
        }
        assert!(matches!(store.export_now(at(3)).await, Err(StoreError::DiskFull { .. })));
        // What was refused isn't there, not in the queue either; what was there can be read.
        assert_eq!(listed(&store).await, 20 + committed);
        assert_eq!(store.queue_counts().await.unwrap().values().sum::<u64>() as usize, 20 + committed);
        assert_eq!(store.load().await.unwrap().directory, organisation(300));
        disk.free();
        let told = store.commit_event(tell(5, vec![notice(&format!("{round}/after"), 50)])).await.unwrap();
        committed += told.messages as usize;
        store.export_now(at(4)).await.unwrap();
    }
    let sent = claimed.iter().map(|c| Attempt {
        message: c.message.id,
        number: 1,
        at: at(5),
        state: MessageState::Sent,
        answer: "250 ok".into(),
        due: None,
        alone: false,
    });
    store.record_attempts(sent.collect()).await.unwrap();
    store.close().await;
    // It opens on a full disk, too, and can be read.
    disk.fill();
    let (store, opening) = Store::open_sled(settings.clone(), at(6)).await.unwrap();
    assert_eq!(opening, Opening::Intact);
    assert_eq!(store.queue_counts().await.unwrap()[&MessageState::Sent], 20);
    let refused = store.allocate(Sequence::Run).await;
    assert!(matches!(refused, Err(StoreError::DiskFull { .. })), "{refused:?}");
    disk.free();
    store.allocate(Sequence::Run).await.unwrap();
    assert_eq!(fs::metadata(settings.path.join("reserve")).unwrap().len(), settings.reserve_bytes);
    store.close().await;
}

/// The engine meets the full disk itself when somebody else is faster: after the room was asked for, before it was used.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_runs_into_the_full_disk_comes_up_again() {
    let disk = SmallDisk::new(64);
    let settings = settings(disk.0.path());
    let store = filled(&settings).await;
    let mut held = listed(&store).await;
    let mut met = 0;
    for round in 0..90 {
        let told = std::thread::scope(|scope| {
            let filling = scope.spawn(|| disk.fill());
            // The filler fills while these are committed; the first that fails ends the round.
            let told = futures_util::future::join_all(
                (0..20).map(|n| store.commit_event(tell(round, vec![notice(&format!("{round}/{n}"), 400)]))),
            );
            let told = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(told));
            filling.join().unwrap();
            told
        });
        for result in &told {
            match result {
                Ok(told) => held += told.messages as usize,
                Err(e) => assert!(matches!(e, StoreError::DiskFull { .. }), "round {round}: {e}"),
            }
        }
        // The reserve is only given up when the engine failed.
        met += i32::from(!settings.path.join("reserve").exists());
        let counted = store.queue_counts().await.unwrap().values().sum::<u64>() as usize;
        assert_eq!(counted, held, "round {round}");
        disk.free();
        // The first commit with room again brings the reserve back.
        store.commit_event(tell(round, vec![notice(&format!("{round}/after"), 1)])).await.unwrap();
        held += 1;
        assert!(settings.path.join("reserve").exists(), "round {round}");
        if met == 3 {
            break;
        }
    }
    assert_eq!(met, 3, "the engine never met the full disk: the test tests nothing");
    store.close().await;
    let (store, opening) = Store::open_sled(settings, at(6)).await.unwrap();
    assert_eq!(
        (opening, store.queue_counts().await.unwrap().values().sum::<u64>() as usize),
        (Opening::Intact, held)
    );
    store.close().await;
}
