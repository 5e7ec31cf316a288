//! What it costs to take a list of 100,000 assignments and one of 100,000 absences: `cargo bench --bench import [-- LINES UNITS]`. From the bytes of the
//! file to what is on the disk and shown. The figures are in docs/performance.md.

#![expect(clippy::print_stdout, reason = "the numbers are the result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may end where it finds a mistake")]

use std::sync::Arc;
use std::time::Instant;

use budkavle::domain::authority::Caller;
use budkavle::domain::directory::{Directory, Unit, User, UserFields};
use budkavle::domain::ids::{Guid, UnitId, UserId};
use budkavle::domain::table::Format;
use budkavle::flow::absences;
use budkavle::flow::assignments::{How, export, import};
use budkavle::flow::core::{Core, Settings};
use budkavle::store::{Change, Event, SledSettings, Store};
use chrono::Utc;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return; // `cargo test --all-targets` starts it too
    }
    let mut sizes = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let (lines, units) = (sizes.next().unwrap_or(100_000), sizes.next().unwrap_or(5_000));
    println!("{lines} users in {units} units, a line for each");
    tokio::runtime::Runtime::new().unwrap().block_on(measure(lines, units));
}

async fn measure(lines: u64, units: u64) {
    let folder = tempfile::tempdir().unwrap();
    let store = SledSettings {
        path: folder.path().join("state"),
        cache_bytes: 64 << 20,
        exports: folder.path().join("exports"),
        keep_exports: 1,
        reserve_bytes: 0,
    };
    let (store, _) = Store::open_sled(store, Utc::now()).await.unwrap();
    let core = Core::load(store, Settings::default(), Arc::new(Utc::now)).await.unwrap();
    let read = Event { at: Utc::now(), change: Change::None, notices: Vec::new(), audit: None };
    let directory = directory(lines, units);
    core.turn()
        .await
        .commit(read, |view, settings, now| {
            view.arrange(settings, directory, Default::default(), Vec::new(), now);
        })
        .await
        .unwrap();
    let name = |n: u64| format!("local,u{n},Enhet {0} / Enhet {1},{2}\n", n % units / 10, n % units, n % 7);
    let table = format!("role,user,unit,rank\n{}", (0..lines).map(name).collect::<String>()).into_bytes();
    let wrong = String::from_utf8(table.clone()).unwrap().replace("local,u", "local,x").into_bytes();
    let by = Caller::system();
    let take = |bytes: Vec<u8>, dry_run| {
        import(&core, bytes, Format::Csv, How { dry_run, replace: false }, &by, None)
    };
    let start = Instant::now();
    assert!(take(wrong, true).await.is_err());
    told("assignments, every line wrong", start);
    for (what, dry_run, added) in [("dry run", true, lines), ("taken", false, lines), ("again", false, 0)] {
        let start = Instant::now();
        let done = take(table.clone(), dry_run).await.unwrap();
        told(&format!("assignments, {what}"), start);
        assert_eq!(done.added.len() as u64, added);
    }
    for format in [Format::Csv, Format::Json] {
        let start = Instant::now();
        let bytes = export(&core, format);
        told(&format!("assignments, exported ({format:?}, {} MB)", bytes.len() >> 20), start);
        let start = Instant::now();
        let how = How { dry_run: false, replace: true };
        assert_eq!(import(&core, bytes, format, how, &by, None).await.unwrap().unchanged as u64, lines);
        told(&format!("assignments, that again ({format:?})"), start);
    }
    let name = |n: u64| format!("u{n},2031-07-{:02},2031-08-01,u{},summer\n", n % 28 + 1, n + 1);
    let table = format!("user,from,until,deputy,note\n{}", (0..lines - 1).map(name).collect::<String>());
    for what in ["taken", "again"] {
        let start = Instant::now();
        let bytes = table.clone().into_bytes();
        absences::import_table(&core, bytes, Format::Csv, false, &by, None).await.unwrap();
        told(&format!("absences, {what}"), start);
    }
    core.store.close().await;
}

fn told(what: &str, start: Instant) {
    println!("{what:<50} {:>9.0} ms", start.elapsed().as_secs_f64() * 1_000.0);
}

fn guid(kind: u8, n: u64) -> Guid {
    let mut bytes = [kind; 16];
    bytes.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
    Guid(bytes)
}

/// Ten units at the top, the others below these; everybody in the unit of their number.
fn directory(users: u64, units: u64) -> Directory {
    let id = |n: u64| UnitId(guid(2, n));
    let top = |n: u64| UnitId(guid(3, n / 10));
    let unit = |id: UnitId, parent: UnitId, name: String| {
        Arc::new(Unit {
            id,
            directory: "main".into(),
            parent,
            above: parent.0,
            name: name.into(),
            managed_by: None,
        })
    };
    let user = |n: u64| {
        let (name, account) = (format!("User {n}"), format!("u{n}"));
        let fields = UserFields {
            rdn: name.as_str().into(),
            name: name.into(),
            mail: Some(format!("{account}@kommun.example").into()),
            ..UserFields::bare(UserId(guid(1, n)), "main".into(), id(n % units), &account)
        };
        Arc::new(User::from(fields))
    };
    let mut directory = Directory::default();
    directory.users.extend((0..users).map(|n| (UserId(guid(1, n)), user(n))));
    let tops =
        (0..units).step_by(10).map(|n| (top(n), unit(top(n), UnitId::ROOT, format!("Enhet {}", n / 10))));
    let all = (0..units).map(|n| (id(n), unit(id(n), top(n), format!("Enhet {n}"))));
    directory.units.extend(tops.chain(all).collect::<Vec<_>>());
    directory
}
