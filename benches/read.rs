//! How fast a directory is read and committed from a real Samba domain controller, whole and by what changed, beside `ldapsearch` with the
//! same filter and attributes on the same server, in turns.
//!
//! `cargo bench --bench read [-- USERS UNITS]`, as root, on a machine with the packages that `tests/run` installs; by default 20,000 users in 1,000
//! units. Provisioning comes first, at some hundred users a second.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed benchmark may panic, and prints its result"
)]

#[path = "../tests/e2e/servers/mod.rs"]
#[allow(
    dead_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "the harness of the tests, of which a part is needed"
)]
mod servers;
#[path = "../tests/e2e/world/mod.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the harness of the tests, of which a part is needed"
)]
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use budkavle::domain::alert::Policy;
use budkavle::domain::audit::Actor;
use budkavle::domain::guard::{Limit, Limits};
use budkavle::domain::ids::DirectoryName;
use budkavle::domain::run::{Outcome, Trigger, WholeReads};
use budkavle::domain::schedule::Schedule;
use budkavle::flow::core::{Core, DirectorySettings, Settings};
use budkavle::flow::sync::{Order, sync};
use budkavle::source::Source;
use budkavle::source::ldap::Ldap;
use budkavle::store::{SledSettings, Store};
use budkavle::tls::TlsTrust;
use chrono::Utc;
use nix::sys::resource::{UsageWho, getrusage};
use servers::ldif::Record;
use servers::samba::{READER, READER_PASSWORD, Samba};
use world::{BASE, Organisation, ROOT_UNIT};

const ROUNDS: usize = 3;
const CHANGES: [usize; 3] = [1, 100, 1_000];
/// As Budkavle asks, with the rights of an ordinary account.
const DIRSYNC: &str = "!dirSync=1/1000000";

/// What one read cost the client.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
    /// Resident at most, in MB.
    peak: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return; // `cargo test --all-targets` starts it too
    }
    // RUST_LOG=budkavle::source=debug shows how many connections it takes, and why.
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let mut sizes = arguments.iter().filter_map(|argument| argument.parse().ok());
    let (users, units) = (sizes.next().unwrap_or(20_000), sizes.next().unwrap_or(1_000));
    let world = Organisation::generate(users, units);
    let dc = Samba::start(&world).with_a_process_each();
    println!(
        "{users} users in {units} units, {ROUNDS} rounds in turns; wall, user CPU and peak memory of the client"
    );
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let source = Source::Ldap(source(&dc));
        let core = core(&folder.path().join("kept")).await;
        let first = ours(&core, &source, true, users).await;
        tell("budkavle, the very first read, with proof that its ranges give everything", first);
        whole(&dc, &core, &source, users).await;
        changes(&dc, &world, &core, &source).await;
        core.store.close().await;
    });
}

/// Everything is read, by others and by us.
async fn whole(dc: &Samba, core: &Core, source: &Source, users: usize) {
    let (mut paged, mut dirsync, mut over, mut alone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut two = Vec::new();
    let one = Source::Ldap(Ldap { connections: Some(1), ..self::source(dc) });
    let set = Source::Ldap(Ldap { connections: Some(2), ..self::source(dc) });
    ours(core, &set, true, users).await;
    for _ in 0..ROUNDS {
        paged.push(ldapsearch(dc, ROOT_UNIT, "pr=1000/noprompt"));
        over.push(ours(core, source, true, users).await);
        dirsync.push(ldapsearch(dc, BASE, DIRSYNC));
        alone.push(ours(core, &one, true, users).await);
        two.push(ours(core, &set, true, users).await);
    }
    let paged = report("everything: ldapsearch by pages", paged, None);
    report("everything: ldapsearch by DirSync", dirsync, Some(paged));
    report("everything: budkavle over one connection, compared and committed", alone, Some(paged));
    report("everything: budkavle over two connections", two, Some(paged));
    report("everything: budkavle, over as many as it finds right", over, Some(paged));
}

/// What changed is read, by others and by us.
async fn changes(dc: &Samba, world: &Organisation, core: &Core, source: &Source) {
    ours(core, source, false, 0).await;
    for count in CHANGES {
        let (mut dirsync, mut over) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let cookie = dc.dirsync(None, "(objectClass=nothing)", &["cn"]).1;
            let phone = format!("+46 8 {round} {count}");
            let these = world.people.iter().take(count).map(|person| world.dn(person));
            let records: Vec<Record> =
                these.map(|dn| Record::modify(&dn, "replace", "telephoneNumber", [&phone])).collect();
            dc.change(&records);
            dirsync.push(ldapsearch(dc, BASE, &format!("{DIRSYNC}/{cookie}")));
            over.push(ours(core, source, false, 0).await);
        }
        let theirs = report(&format!("{count} changed: ldapsearch by DirSync with a cookie"), dirsync, None);
        report(&format!("{count} changed: budkavle"), over, Some(theirs));
    }
}

fn ldapsearch(dc: &Samba, base: &str, extension: &str) -> Cost {
    let source = source(dc);
    let filter = format!("(|{}{}{})", source.user_filter, source.unit_filter, source.group_filter);
    let before = user_seconds(UsageWho::RUSAGE_CHILDREN);
    let start = Instant::now();
    let mut search = Command::new("ldapsearch");
    search.args(["-x", "-LLL", "-H", &dc.ldaps_url(), "-D", READER, "-w", READER_PASSWORD]);
    search.args(["-E", extension, "-b", base, &filter]).args(source.mapping.attributes());
    search.env("LDAPTLS_CACERT", dc.ca_file()).stdout(Stdio::null());
    let mut search = search.spawn().unwrap();
    let mut peak = 0.0;
    let status = loop {
        peak = peak_of(&search.id().to_string()).unwrap_or(peak);
        if let Some(status) = search.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success());
    let cpu = user_seconds(UsageWho::RUSAGE_CHILDREN) - before;
    Cost { wall: start.elapsed().as_secs_f64(), cpu, peak }
}

fn source(dc: &Samba) -> Ldap {
    let server = dc.ldaps_url().parse().unwrap();
    let bases = vec![ROOT_UNIT.to_owned()];
    Ldap {
        trust: TlsTrust::CaFile(dc.ca_file().to_owned()),
        ..Ldap::new(vec![server], READER, READER_PASSWORD.into(), bases)
    }
}

/// An empty store in this folder, and what is answered from it.
async fn core(folder: &Path) -> Core {
    let settings = SledSettings {
        path: folder.join("state"),
        cache_bytes: 64 << 20,
        exports: folder.join("exports"),
        keep_exports: 1,
        reserve_bytes: 0,
    };
    let limits = Limits::same(Limit { count: 5_000, percent: 50, floor: 5 });
    let schedule = Schedule::parse("30 3 * * *", chrono_tz::UTC).unwrap();
    let whole_reads = WholeReads { blind: schedule.clone(), seeing: schedule };
    let directory = DirectorySettings { limits, policy: Policy::default(), whole_reads };
    let flow = Settings { directories: BTreeMap::from([("main".into(), directory)]), ..Settings::default() };
    let (store, _) = Store::open_sled(settings, Utc::now()).await.unwrap();
    Core::load(store, flow, Arc::new(Utc::now)).await.unwrap()
}

/// From the connection to the moment the data is on the disk and in force.
async fn ours(core: &Core, source: &Source, full: bool, at_least: usize) -> Cost {
    let name = DirectoryName::from("main");
    std::fs::write("/proc/self/clear_refs", "5").unwrap(); // the peak begins anew (proc(5))
    let before = user_seconds(UsageWho::RUSAGE_SELF);
    let order = Order { trigger: Trigger::Manual(Actor::System), full, dry_run: false };
    let start = Instant::now();
    let report = sync(core, source, &name, order, |_| {}).await.unwrap();
    let wall = start.elapsed().as_secs_f64();
    let outcome = &report.run.outcome;
    assert!(matches!(outcome, Outcome::Committed { .. } | Outcome::Unchanged), "{outcome:?}");
    assert!(report.run.counts.users.read as usize >= at_least, "{:?}", report.run.counts);
    Cost { wall, cpu: user_seconds(UsageWho::RUSAGE_SELF) - before, peak: peak_of("self").unwrap() }
}

fn report(what: &str, mut rounds: Vec<Cost>, beside: Option<Cost>) -> Cost {
    rounds.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    let cost = rounds.get(rounds.len() / 2).copied().unwrap();
    tell(what, cost);
    if let Some(other) = beside {
        println!("    = {:.2} × its wall, {:.1} × its CPU", cost.wall / other.wall, cost.cpu / other.cpu);
    }
    cost
}

fn tell(what: &str, Cost { wall, cpu, peak }: Cost) {
    println!("{what}: {wall:.3} s, {cpu:.2} CPU s, {peak:.0} MB");
}

/// How much memory a process has had resident at most, in MB; None when it has ended.
fn peak_of(process: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "seconds")]
fn user_seconds(who: UsageWho) -> f64 {
    let time = getrusage(who).unwrap().user_time();
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
