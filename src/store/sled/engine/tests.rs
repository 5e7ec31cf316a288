use std::collections::BTreeMap;

use chrono::DateTime;

use super::*;
use crate::store::counts::Counts;
use crate::store::records::{key, number_key};

fn ledger() -> Ledger {
    Ledger { commit: 1, as_of: DateTime::UNIX_EPOCH, redo: 0, counts: Counts::default() }
}

/// A value of so many bytes, with a schema.
fn value(length: usize, fill: u8) -> Vec<u8> {
    let mut value = vec![fill; length.max(2)];
    value[..2].copy_from_slice(&[0, 1]);
    value
}

fn rows(engine: &Engine) -> Vec<(Vec<u8>, Vec<u8>)> {
    engine.view().all().map(|row| row.map(|(_, k, v)| (k.to_vec(), v.to_vec())).unwrap()).collect()
}

fn changes(rows: impl IntoIterator<Item = (u64, Option<Vec<u8>>)>) -> Changes {
    rows.into_iter().map(|(n, value)| (number_key(Kind::RunChanges, n), value)).collect()
}

/// Every row of the tree, the engine's own among them.
fn raw(engine: &Engine) -> usize {
    engine.db.iter().count()
}

#[test]
fn long_values_come_back_whole_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), 1 << 20).unwrap();
    let mut ledger = ledger();
    for length in [VALUE_MAX, VALUE_MAX + 1, 10 * VALUE_MAX + 3, 3 * VALUE_MAX, 5, 2 * VALUE_MAX] {
        let wanted = value(length, 7);
        engine.commit(changes([(1, Some(wanted.clone())), (2, Some(value(9, 1)))]), &mut ledger).unwrap();
        let key = number_key(Kind::RunChanges, 1);
        assert_eq!(&*engine.view().get(&key).unwrap().unwrap(), wanted);
        assert_eq!(rows(&engine), [(key, wanted), (number_key(Kind::RunChanges, 2), value(9, 1))]);
        // The two rows, the ledger, and no more chunks than are needed.
        assert_eq!(raw(&engine), 3 + if length > VALUE_MAX { length.div_ceil(VALUE_MAX) } else { 0 });
    }
    engine.commit(changes([(1, None), (2, None), (3, None)]), &mut ledger).unwrap();
    assert_eq!((raw(&engine), &ledger.counts), (1, &Counts::default()));
}

#[test]
fn nothing_goes_to_files_that_are_never_synced() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), 1 << 20).unwrap();
    let mut ledger = ledger();
    for round in 0..4 {
        let all = (0..600).map(|n| (n, Some(value(VALUE_MAX - (n as usize % 3), round))));
        engine.commit(changes(all), &mut ledger).unwrap();
    }
    drop(engine);
    assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
}

/// A store in which a large commit was cut short at some point; `upto` says how far it came.
fn cut_short(folder: &Path, upto: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let engine = Engine::open(folder, 1 << 20).unwrap();
    let mut ledger = ledger();
    engine.commit(changes((0..10).map(|n| (n, Some(value(50, 1))))), &mut ledger).unwrap();
    let before = rows(&engine);
    // As `commit` does it, but for the end.
    let large = changes((5..2000).map(|n| (n, (n > 7).then(|| value(100, 2)))));
    let ops = engine.prepare(large, &mut ledger).unwrap();
    let mut slices = Slices::new(&engine);
    let pieces = redo::write(&ops, |op| slices.push(op)).unwrap();
    slices.end().unwrap();
    assert!(pieces > 10);
    if upto == "log" {
        return before;
    }
    ledger.redo = pieces;
    engine.seal(&ledger).unwrap();
    let mut after: BTreeMap<Vec<u8>, Vec<u8>> = before.into_iter().collect();
    for (key, value) in &ops {
        match value {
            Some(value) => drop(after.insert(key.clone(), value.clone())),
            None => drop(after.remove(key)),
        }
    }
    let carried = match upto {
        "ledger" => 0,
        "some rows" => 700,
        "all rows" => ops.len(),
        other => panic!("{other}"),
    };
    engine.apply(ops.into_iter().take(carried)).unwrap();
    engine.make_durable().unwrap();
    after.into_iter().collect()
}

#[test]
fn a_large_commit_that_was_cut_short_is_ended_or_never_was() {
    for upto in ["log", "ledger", "some rows", "all rows"] {
        let folder = tempfile::tempdir().unwrap();
        let wanted = cut_short(folder.path(), upto);
        let engine = Engine::open(folder.path(), 1 << 20).unwrap();
        let mut ledger = engine.ledger().unwrap().unwrap();
        engine.recover(&mut ledger).unwrap();
        assert_eq!(rows(&engine), wanted, "{upto}");
        assert_eq!(
            (raw(&engine), engine.ledger().unwrap()),
            (wanted.len() + 1, Some(ledger.clone())),
            "{upto}"
        );
        assert_eq!(ledger.redo, 0, "{upto}");
        let mut found = Counts::default();
        rows(&engine).iter().for_each(|(key, value)| found.add(Kind::RunChanges, key, value));
        assert_eq!(ledger.counts.difference(&found), None, "{upto}");
    }
}

#[test]
fn a_lost_piece_of_the_log_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    cut_short(folder.path(), "ledger");
    let engine = Engine::open(folder.path(), 1 << 20).unwrap();
    engine.db.remove([&[redo::REDO][..], &3_u32.to_be_bytes()].concat()).unwrap();
    let mut ledger = engine.ledger().unwrap().unwrap();
    assert!(matches!(engine.recover(&mut ledger), Err(Trouble::Damaged(_))));
}

#[test]
fn what_is_committed_at_once_is_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), 1 << 20).unwrap();
    let mut ledger = ledger();
    let round = |n: u8| changes((0..1500).map(|key| (key, Some(value(60, n)))));
    engine.commit(round(0), &mut ledger).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut rounds = std::collections::BTreeSet::new();
            while rounds.last() != Some(&5) {
                let seen: std::collections::BTreeSet<u8> =
                    rows(&engine).iter().map(|(_, value)| value[59]).collect();
                assert_eq!(seen.len(), 1, "a half commit was seen");
                rounds.extend(seen);
            }
        });
        (1..=5).for_each(|n| engine.commit(round(n), &mut ledger).unwrap());
        reader.join().unwrap();
    });
    assert_eq!(key(Kind::Instance, &[]), [0x10]);
}
