//! A damaged store: each ends in the same data, or in a rebuild that says so; none in wrong data, none in a store that can't be opened.
//!
//! The damage is random, but by a seed that a failing test prints.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use budkavle::domain::audit::Entry;
use budkavle::domain::directory::Directory;
use budkavle::domain::ids::UserId;
use budkavle::domain::notice::MessageState;
use budkavle::domain::outage::Outage;
use budkavle::domain::run::{Outcome, Run};
use budkavle::store::{
    Attempt, Change, DirectoryState, Event, Listed, MessageFilter, Opening, Rebuilt, Sequence, SledSettings,
    Store, StoreError,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::store_samples::*;

/// Everything that a store says of what it holds.
#[derive(Clone, PartialEq, Debug)]
struct Seen {
    directory: Directory,
    open_outages: Vec<Outage>,
    directories: Vec<DirectoryState>,
    outages: Vec<Outage>,
    messages: Vec<Listed>,
    runs: Vec<Run>,
    audit: Vec<Entry>,
}

async fn look(store: &Store) -> Seen {
    let state = store.load().await.unwrap();
    Seen {
        directory: state.directory,
        open_outages: state.open_outages.into_values().collect(),
        directories: state.directories.into_values().collect(),
        outages: store.outages(1000, false).await.unwrap(),
        messages: store.messages(MessageFilter { limit: 1000, ..MessageFilter::default() }).await.unwrap(),
        runs: store.runs(None, 1000).await.unwrap(),
        audit: store.audit(None, 1000).await.unwrap(),
    }
}

/// A store that was filled and closed, and what it said after every commit.
struct Filled {
    folder: tempfile::TempDir,
    instance: u64,
    history: Vec<Seen>,
    /// How much of the history the newest export and the one before it hold.
    exported: [usize; 2],
    last_outage: u64,
}

async fn fill() -> Filled {
    let folder = tempfile::tempdir().unwrap();
    let (store, opening) = Store::open_sled(settings(folder.path()), at(0)).await.unwrap();
    assert_eq!(opening, Opening::Fresh);
    let mut history = vec![look(&store).await];
    let mut exported = [0; 2];
    let mut directory = Directory::default();
    let mut last_outage = 0;
    for round in 1..=12_u32 {
        let mut next = organisation(100 + 20 * round);
        next.users.insert(UserId(guid(1, round)), user(round, &format!("+46 {round}")).into());
        let (delta, synced, cursor) = sync(round.into(), &directory, &next);
        store.commit_sync(delta, synced, cursor).await.unwrap();
        directory = next;
        history.push(look(&store).await);
        last_outage = store.allocate(Sequence::Outage).await.unwrap();
        let told = notice(&format!("outage/{last_outage}/0"), 10);
        let audit = Some(audit_entry(round.into(), "outage"));
        store
            .commit_event(Event { audit, ..event(1, Change::Outage(outage(last_outage)), vec![told]) })
            .await
            .unwrap();
        history.push(look(&store).await);
        let claimed =
            store.claim_due(&budkavle::domain::ids::ChannelName::mail(), at(2), at(9), 7).await.unwrap();
        history.push(look(&store).await);
        let attempts = claimed.iter().map(|c| Attempt {
            message: c.message.id,
            number: 1,
            at: at(3),
            state: MessageState::Sent,
            answer: "250 ok".into(),
            due: None,
            alone: false,
        });
        store.record_attempts(attempts.collect()).await.unwrap();
        history.push(look(&store).await);
        if round == 3 || round == 6 {
            store.export_now(at(round.into())).await.unwrap();
            exported = [exported[1], history.len() - 1];
        }
        let failed = run(u64::from(round) + 100, "main", Outcome::Failed { error: "away".into() });
        store.commit_run(record(failed), None).await.unwrap();
        history.push(look(&store).await);
    }
    let instance = store.instance();
    store.close().await;
    exported.reverse();
    Filled { folder, instance, history, exported, last_outage }
}

impl Filled {
    /// A copy of it, to be damaged.
    fn copy(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy_all(self.folder.path(), folder.path());
        folder
    }

    /// Opens a copy that was damaged, and holds what it says against the history, of which at least `least` must be there.
    /// Returns what the store says of itself.
    async fn judge(&self, folder: &Path, least: usize, case: &str) -> Opening {
        let open = || Store::open_sled(settings(folder), at(500));
        let (store, opening) = open().await.unwrap_or_else(|e| panic!("{case}: {e}"));
        let seen = look(&store).await;
        assert_eq!(store.instance(), self.instance, "{case}");
        let place = self.history.iter().rposition(|h| *h == seen);
        let place = place.unwrap_or_else(|| panic!("{case}: {opening:?} holds what never was"));
        match &opening {
            Opening::Fresh => panic!("{case}: damage taken for a new store"),
            Opening::Intact => {
                assert_eq!(place, self.history.len() - 1, "{case}: commits are gone in silence");
            }
            Opening::Rebuilt(rebuilt) => {
                assert!(place >= least, "{case}: rebuilt from {place}, but {least} was exported");
                assert!(!rebuilt.damage.is_empty() && rebuilt.export_from.is_some(), "{case}: {rebuilt:?}");
            }
        }
        // It works, and hands out no number again.
        assert!(store.allocate(Sequence::Outage).await.unwrap() > self.last_outage, "{case}");
        store.close().await;
        // It opens again, with the same data, and says what happened as long as nobody has been told.
        let (store, again) = open().await.unwrap_or_else(|e| panic!("{case}, again: {e}"));
        assert_eq!((&again, look(&store).await), (&opening, seen), "{case}, again");
        store.close().await;
        opening
    }
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn engine(folder: &Path) -> PathBuf {
    folder.join("state/store/sled")
}

fn writable(file: &Path) -> (File, u64) {
    let file = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let length = file.metadata().unwrap().len();
    (file, length)
}

/// Damages a copy per seed with `damage`, and judges each. `DAMAGE_ROUNDS=20` tries 20 times as many seeds.
async fn damage_many(kind: &str, cases: u64, damage: impl Fn(&Path, &mut StdRng) -> String) {
    let rounds: u64 = std::env::var("DAMAGE_ROUNDS").map_or(1, |n| n.parse().unwrap());
    let filled = fill().await;
    let mut rebuilt = 0;
    for seed in 0..cases * rounds {
        let folder = filled.copy();
        let what = damage(folder.path(), &mut StdRng::seed_from_u64(seed));
        let case = format!("{kind}, seed {seed}: {what}");
        if matches!(filled.judge(folder.path(), filled.exported[0], &case).await, Opening::Rebuilt(_)) {
            rebuilt += 1;
        }
    }
    println!("{kind}: {rebuilt} of {} rebuilt, the others whole", cases * rounds);
    assert!(rebuilt > 0, "no damage had any effect: the test tests nothing");
}

#[tokio::test]
async fn a_flipped_byte() {
    damage_many("flipped byte", 100, |folder, random| {
        let mut files: Vec<PathBuf> =
            fs::read_dir(engine(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        files.retain(|file| file.is_file());
        files.sort();
        // Most of what the engine has is its log; but each of its other files gets its share.
        let one = if random.random_bool(0.8) {
            engine(folder).join("db")
        } else {
            files[random.random_range(0..files.len())].clone()
        };
        let (file, length) = writable(&one);
        let place = random.random_range(0..length);
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        byte[0] ^= random.random_range(1..=255_u8);
        file.write_all_at(&byte, place).unwrap();
        format!("{:?} at {place} of {length}", one.file_name().unwrap())
    })
    .await;
}

#[tokio::test]
async fn a_zeroed_page() {
    damage_many("zeroed page", 30, |folder, random| {
        let (file, length) = writable(&engine(folder).join("db"));
        let page = random.random_range(0..length / 4096);
        file.write_all_at(&[0; 4096], page * 4096).unwrap();
        format!("page {page} of {}", length / 4096)
    })
    .await;
}

fn cut(folder: &Path, random: &mut StdRng) -> String {
    let (file, length) = writable(&engine(folder).join("db"));
    let kept = random.random_range(0..length);
    file.set_len(kept).unwrap();
    format!("{kept} of {length} kept")
}

#[tokio::test]
async fn a_cut_tail() {
    damage_many("cut tail", 30, cut).await;
}

/// The engine panics at the first opening and turns the store back; the second opening finds it whole, but older.
#[tokio::test]
async fn a_cut_tail_and_an_opening_that_was_killed() {
    damage_many("cut tail, opened and killed", 30, |folder, random| {
        let what = cut(folder, random);
        fs::write(folder.join("state/opening"), "1\n").unwrap();
        let opened = std::panic::catch_unwind(|| sled::open(engine(folder)).is_ok());
        format!("{what}, first opening: {opened:?}")
    })
    .await;
}

/// What the engine itself takes for right: only our own counts and digests can tell.
#[tokio::test]
async fn a_row_that_was_lost_changed_or_invented_in_silence() {
    let filled = fill().await;
    for seed in 0..24 {
        let folder = filled.copy();
        let mut random = StdRng::seed_from_u64(seed);
        {
            let db = sled::open(engine(folder.path())).unwrap();
            // Above 0x10 are the records.
            let rows: Vec<_> = db.range([0x10]..).map(|row| row.unwrap()).collect();
            let (key, value) = &rows[random.random_range(0..rows.len())];
            match seed % 3 {
                0 => drop(db.remove(key).unwrap()),
                1 => {
                    let mut value = value.to_vec();
                    let last = value.len() - 1;
                    value[last] ^= 1;
                    db.insert(key, value).unwrap();
                }
                _ => drop(db.insert([&key[..], b"x"].concat(), value).unwrap()),
            }
            db.flush().unwrap();
        }
        let opening = filled.judge(folder.path(), filled.exported[0], &format!("row, seed {seed}")).await;
        assert!(matches!(opening, Opening::Rebuilt(_)), "seed {seed}");
    }
}

#[tokio::test]
async fn a_marker_that_was_left_over_is_no_damage_by_itself() {
    let filled = fill().await;
    for text in ["1\n", "2\n", "", "nonsense", "-7\n"] {
        let folder = filled.copy();
        fs::write(folder.path().join("state/opening"), text).unwrap();
        assert_eq!(filled.judge(folder.path(), 0, text).await, Opening::Intact);
        assert!(!folder.path().join("state/opening").exists());
    }
}

#[tokio::test]
async fn a_store_that_never_opens_is_rebuilt() {
    let filled = fill().await;
    let folder = filled.copy();
    fs::write(folder.path().join("state/opening"), "3\n").unwrap();
    let opening = filled.judge(folder.path(), filled.exported[0], "marker").await;
    let Opening::Rebuilt(Rebuilt { damage, export_from, aside }) = opening else { panic!("{opening:?}") };
    assert!(damage.contains("begun 3 times"), "{damage}");
    assert_eq!(export_from, filled_export_time(&filled));
    assert!(aside.join("sled/db").exists());
    // Once somebody has been told, it isn't said again.
    let (store, opening) = Store::open_sled(settings(folder.path()), at(501)).await.unwrap();
    assert!(matches!(opening, Opening::Rebuilt(_)));
    store.rebuild_told().await.unwrap();
    store.close().await;
    let (store, opening) = Store::open_sled(settings(folder.path()), at(502)).await.unwrap();
    assert_eq!(opening, Opening::Intact);
    store.close().await;
}

/// What the newest export speaks of last.
fn filled_export_time(filled: &Filled) -> Option<chrono::DateTime<chrono::Utc>> {
    filled.history[filled.exported[0]].runs.iter().map(|run| run.ended).max()
}

#[tokio::test]
async fn damage_that_was_noticed_in_use_is_mended_without_loss_if_everything_can_be_read() {
    let filled = fill().await;
    let folder = filled.copy();
    fs::write(folder.path().join("state/opening"), "damaged: the engine panicked: no page\n").unwrap();
    let opening = filled.judge(folder.path(), filled.history.len() - 1, "noted damage").await;
    assert!(
        matches!(opening, Opening::Rebuilt(Rebuilt { damage, .. }) if &*damage == "the engine panicked: no page")
    );
}

#[tokio::test]
async fn a_watermark_that_is_gone_broken_or_ahead_is_damage() {
    let filled = fill().await;
    let mark = |folder: &Path| folder.join("state/store/committed");
    let folder = filled.copy();
    fs::remove_file(mark(folder.path())).unwrap();
    let all = filled.history.len() - 1;
    let opening = filled.judge(folder.path(), all, "gone").await;
    assert!(matches!(&opening, Opening::Rebuilt(r) if r.damage.contains("gone or broken")), "{opening:?}");
    let folder = filled.copy();
    fs::write(mark(folder.path()), [7; 8192]).unwrap();
    let opening = filled.judge(folder.path(), all, "broken").await;
    assert!(matches!(&opening, Opening::Rebuilt(r) if r.damage.contains("gone or broken")), "{opening:?}");
    // An engine of last week under a watermark of today: whole in itself, and consistent.
    let folder = filled.copy();
    let today = fs::read(mark(folder.path())).unwrap();
    let (store, _) = Store::open_sled(settings(folder.path()), at(0)).await.unwrap();
    let last_week = tempfile::tempdir().unwrap();
    store.close().await;
    copy_all(&engine(folder.path()), last_week.path());
    let (store, _) = Store::open_sled(settings(folder.path()), at(0)).await.unwrap();
    store.commit_event(tell(1, vec![notice("lost", 1)])).await.unwrap();
    store.close().await;
    assert_ne!(fs::read(mark(folder.path())).unwrap(), today);
    fs::remove_dir_all(engine(folder.path())).unwrap();
    copy_all(last_week.path(), &engine(folder.path()));
    let opening = filled.judge(folder.path(), all, "older").await;
    assert!(matches!(&opening, Opening::Rebuilt(r) if r.damage.contains("the last 1 of")), "{opening:?}");
}

#[tokio::test]
async fn a_store_whose_folder_is_gone_is_rebuilt() {
    let filled = fill().await;
    let folder = filled.copy();
    fs::remove_dir_all(folder.path().join("state/store")).unwrap();
    let opening = filled.judge(folder.path(), filled.exported[0], "gone").await;
    assert!(matches!(opening, Opening::Rebuilt(r) if r.damage.contains("folder is gone")));
}

fn exports(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder.join("exports")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.reverse();
    files
}

fn wreck(folder: &Path) {
    let (file, length) = writable(&engine(folder).join("db"));
    file.write_all_at(&vec![0x55; usize::try_from(length).unwrap()], 0).unwrap();
}

#[tokio::test]
async fn a_damaged_export_is_passed_over_for_the_one_before() {
    let filled = fill().await;
    for seed in 0..20 {
        let folder = filled.copy();
        wreck(folder.path());
        let (file, length) = writable(&exports(folder.path())[0]);
        let place = StdRng::seed_from_u64(seed).random_range(0..length);
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        file.write_all_at(&[byte[0] ^ 0x10], place).unwrap();
        let (store, opening) = Store::open_sled(settings(folder.path()), at(500)).await.unwrap();
        assert!(matches!(opening, Opening::Rebuilt(_)));
        assert_eq!(look(&store).await, filled.history[filled.exported[1]], "byte {place} of {length}");
        store.close().await;
    }
}

#[tokio::test]
async fn without_any_good_export_an_empty_store_says_so_and_keeps_its_numbers() {
    let filled = fill().await;
    let folder = filled.copy();
    wreck(folder.path());
    for file in exports(folder.path()) {
        fs::write(file, "no backup").unwrap();
    }
    let (store, opening) = Store::open_sled(settings(folder.path()), at(500)).await.unwrap();
    let Opening::Rebuilt(rebuilt) = opening else { panic!("{opening:?}") };
    assert_eq!((rebuilt.export_from, store.instance()), (None, filled.instance));
    assert_eq!(look(&store).await, filled.history[0]);
    assert!(store.allocate(Sequence::Outage).await.unwrap() > filled.last_outage);
    // The exports of the new store are newer than the wrecks.
    let export = store.export_now(at(501)).await.unwrap();
    assert_eq!(exports(folder.path())[0], export.path);
    store.close().await;
}

#[tokio::test]
async fn what_a_crash_left_of_a_rebuilding_is_ended_or_thrown_away() {
    let filled = fill().await;
    let state = |folder: &Path, name: &str| folder.join("state").join(name);
    // Killed while it was being made.
    let folder = filled.copy();
    copy_all(&state(folder.path(), "store"), &state(folder.path(), "store.building"));
    assert_eq!(filled.judge(folder.path(), 0, "building").await, Opening::Intact);
    assert!(!state(folder.path(), "store.building").exists());
    // Killed before the old one was put aside.
    let folder = filled.copy();
    fs::create_dir(state(folder.path(), "store.next")).unwrap();
    assert_eq!(filled.judge(folder.path(), 0, "next").await, Opening::Intact);
    assert!(!state(folder.path(), "store.next").exists());
    // Killed after it.
    let folder = filled.copy();
    fs::rename(state(folder.path(), "store"), state(folder.path(), "store.next")).unwrap();
    assert_eq!(filled.judge(folder.path(), 0, "moved").await, Opening::Intact);
}

#[tokio::test]
async fn few_damaged_stores_are_kept() {
    let filled = fill().await;
    let folder = filled.copy();
    for minute in 0..5 {
        wreck(folder.path());
        let (store, opening) = Store::open_sled(settings(folder.path()), at(600 + minute)).await.unwrap();
        assert!(matches!(opening, Opening::Rebuilt(_)));
        store.close().await;
    }
    let mut aside: Vec<String> = fs::read_dir(folder.path().join("state"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("store."))
        .collect();
    aside.sort();
    assert_eq!(
        aside,
        [
            "store.damaged-20260706T180200Z",
            "store.damaged-20260706T180300Z",
            "store.damaged-20260706T180400Z"
        ]
    );
}

#[tokio::test]
async fn a_newer_version_is_no_damage() {
    let filled = fill().await;
    let folder = filled.copy();
    // The ledger of a version to come: schema 2, its checksum right.
    {
        let db = sled::open(engine(folder.path())).unwrap();
        let mut ledger = db.get([0]).unwrap().unwrap().to_vec();
        ledger[1] = 2;
        let body = ledger.len() - 8;
        let sum = xxhash_rust::xxh3::xxh3_64(&ledger[..body]);
        ledger[body..].copy_from_slice(&sum.to_be_bytes());
        db.insert([0], ledger).unwrap();
        db.flush().unwrap();
    }
    for _ in 0..5 {
        let refused = Store::open_sled(settings(folder.path()), at(500)).await;
        assert!(matches!(refused.map(|_| ()), Err(StoreError::TooNew { .. })));
    }
    assert!(engine(folder.path()).exists(), "nothing was put aside");
}

/// What is read from the disk after it was damaged is an error, not wrong data; and the next opening mends it.
#[tokio::test(flavor = "multi_thread")]
async fn damage_while_the_store_is_open_is_an_error_and_no_wrong_data() {
    // More than the cache holds, so that it is read from the disk again.
    let whole = tempfile::tempdir().unwrap();
    let (store, _) = Store::open_sled(settings(whole.path()), at(0)).await.unwrap();
    let all = organisation(4000);
    let (delta, record, cursor) = sync(1, &Directory::default(), &all);
    store.commit_sync(delta, record, cursor).await.unwrap();
    store.export_now(at(1)).await.unwrap();
    store.close().await;
    let mut errors = 0;
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        copy_all(whole.path(), folder.path());
        let small = SledSettings { cache_bytes: 1 << 16, ..settings(folder.path()) };
        let (store, opening) = Store::open_sled(small, at(500)).await.unwrap();
        assert_eq!(opening, Opening::Intact);
        drop(store.load().await.unwrap());
        let (file, length) = writable(&engine(folder.path()).join("db"));
        let from = StdRng::seed_from_u64(seed).random_range(0..length / 2);
        file.write_all_at(&vec![0x55; usize::try_from(length - from).unwrap()], from).unwrap();
        for _ in 0..3 {
            match store.load().await {
                Ok(state) => assert_eq!(state.directory, all, "seed {seed}"),
                Err(StoreError::Damaged { .. }) => errors += 1,
                Err(other) => panic!("seed {seed}: {other}"),
            }
            match store.commit_event(tell(501, vec![notice("in between", 1)])).await {
                Ok(_) => {}
                Err(StoreError::Damaged { .. }) => errors += 1,
                Err(other) => panic!("seed {seed}: {other}"),
            }
        }
        store.close().await;
        let (store, opening) = Store::open_sled(settings(folder.path()), at(502)).await.unwrap();
        assert!(matches!(opening, Opening::Rebuilt(_)), "seed {seed}");
        assert_eq!(store.load().await.unwrap().directory, all, "seed {seed}");
        store.close().await;
    }
    assert!(errors > 0, "nothing was read from the damaged disk: the test tests nothing");
}
