//! How fast a whole directory is read and committed: 20,000 users from a real Samba domain controller, beside `ldapsearch` with the
//! same filter and attributes, in turns.
//!
//! `cargo bench --bench read`, as root, on a machine with the packages that `tests/run` installs. Provisioning takes a minute first.
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
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use budkavle::domain::audit::Actor;
use budkavle::domain::backoff::Backoff;
use budkavle::domain::guard::{Limit, Limits};
use budkavle::domain::ids::DirectoryName;
use budkavle::domain::roles::built_in;
use budkavle::domain::run::{Outcome, Trigger, WholeReads};
use budkavle::domain::schedule::Schedule;
use budkavle::flow::core::{Core, DirectorySettings, Settings};
use budkavle::flow::sync::{Order, sync};
use budkavle::source::Source;
use budkavle::source::ldap::Ldap;
use budkavle::store::{SledSettings, Store};
use budkavle::tls::TlsTrust;
use chrono::{TimeDelta, Utc};
use nix::sys::resource::{UsageWho, getrusage};
use servers::samba::{READER, READER_PASSWORD, Samba};
use world::{Organisation, ROOT_UNIT};

const USERS: usize = 20_000;
const UNITS: usize = 1_000;
const ROUNDS: usize = 3;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return; // `cargo test --all-targets` starts it too
    }
    let world = Organisation::generate(USERS, UNITS);
    let dc = Samba::start(&world);
    println!("{USERS} users in {UNITS} units, {ROUNDS} rounds in turns; wall and user CPU of the client");
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (their_wall, their_cpu) = ldapsearch(&dc);
        let before = user_seconds(UsageWho::RUSAGE_SELF);
        let wall = budkavle(&dc);
        let cpu = user_seconds(UsageWho::RUSAGE_SELF) - before;
        println!(
            "ldapsearch {their_wall:.2} s ({their_cpu:.2} CPU s)   budkavle, read and committed {wall:.2} s ({cpu:.2} CPU s)   ratio {:.2}",
            wall / their_wall
        );
        theirs.push((their_wall, their_cpu));
        ours.push((wall, cpu));
    }
    let (theirs, ours) = (median(theirs), median(ours));
    println!("median: wall {:.2} × ldapsearch, CPU {:.1} ×", ours.0 / theirs.0, ours.1 / theirs.1);
}

fn ldapsearch(dc: &Samba) -> (f64, f64) {
    let source = source(dc);
    let filter = format!("(|{}{}{})", source.user_filter, source.unit_filter, source.group_filter);
    let before = user_seconds(UsageWho::RUSAGE_CHILDREN);
    let start = Instant::now();
    let mut search = Command::new("ldapsearch");
    search.args(["-x", "-LLL", "-H", &dc.ldaps_url(), "-D", READER, "-w", READER_PASSWORD]);
    search.args(["-E", "pr=1000/noprompt", "-b", ROOT_UNIT, &filter]).args(source.mapping.attributes());
    search.env("LDAPTLS_CACERT", dc.ca_file()).stdout(Stdio::null());
    assert!(search.status().unwrap().success());
    (start.elapsed().as_secs_f64(), user_seconds(UsageWho::RUSAGE_CHILDREN) - before)
}

fn source(dc: &Samba) -> Ldap {
    let server = dc.ldaps_url().parse().unwrap();
    let bases = vec![ROOT_UNIT.to_owned()];
    Ldap {
        trust: TlsTrust::CaFile(dc.ca_file().to_owned()),
        ..Ldap::new(vec![server], READER, READER_PASSWORD.into(), bases)
    }
}

/// From the connection to the moment the data is on the disk and in force.
fn budkavle(dc: &Samba) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let settings = SledSettings {
        path: folder.path().join("state"),
        cache_bytes: 64 << 20,
        exports: folder.path().join("exports"),
        keep_exports: 1,
        reserve_bytes: 0,
    };
    let name = DirectoryName::from("main");
    let limit = Limit { count: 500, percent: 5, floor: 5 };
    let limits = Limits {
        users: limit,
        units: limit,
        memberships: limit,
        holders: limit,
        mails: limit,
        phones: limit,
        moves: limit,
    };
    let schedule = Schedule::parse("30 3 * * *", chrono_tz::UTC).unwrap();
    let whole_reads = WholeReads { schedule, always: false };
    let policy = budkavle::domain::alert::Policy {
        after_failures: 3,
        stale_after: TimeDelta::hours(6),
        remind_after: Vec::new(),
    };
    let flow = Settings {
        organisation: "Kommunen".into(),
        roles: built_in(),
        zone: chrono_tz::UTC,
        mail_domain: "x.example".into(),
        expires_after: TimeDelta::days(2),
        retry: Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::hours(1) },
        connections: 1,
        directories: BTreeMap::from([(name.clone(), DirectorySettings { limits, policy, whole_reads })]),
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (store, _) = Store::open_sled(settings, Utc::now()).await.unwrap();
        let core = Core::load(store, flow, Arc::new(Utc::now)).await.unwrap();
        let source = Source::Ldap(source(dc));
        let order = Order { trigger: Trigger::Manual(Actor::System), full: true, dry_run: false };
        let start = Instant::now();
        let report = sync(&core, &source, &name, order, |_| {}).await.unwrap();
        let wall = start.elapsed().as_secs_f64();
        assert!(matches!(report.run.outcome, Outcome::Committed { .. }), "{:?}", report.run.outcome);
        assert!(report.run.counts.users.added as usize >= USERS, "{:?}", report.run.counts);
        core.store.close().await;
        wall
    })
}

#[expect(clippy::cast_precision_loss, reason = "seconds")]
fn user_seconds(who: UsageWho) -> f64 {
    let time = getrusage(who).unwrap().user_time();
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

fn median(mut rounds: Vec<(f64, f64)>) -> (f64, f64) {
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    rounds.get(rounds.len() / 2).copied().unwrap()
}
