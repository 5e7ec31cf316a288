//! A store with a small directory in it, and a scripted domain controller that gives the same directory until it is told to misbehave.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};

use crate::domain::alert::Policy;
use crate::domain::audit::Actor;
use crate::domain::guard::{Limit, Limits};
use crate::domain::ids::{DirectoryName, Guid};
use crate::domain::run::{Cursor, Mode, Trigger, WholeReads};
use crate::domain::schedule::Schedule;
use crate::flow::core::{Core, DirectorySettings, Settings};
use crate::flow::sync::{Order, Report, sync};
use crate::source::Source;
use crate::source::ldap::Ldap;
use crate::source::ldap::tests::responder::*;
use crate::store::{SledSettings, Store};

/// How a run reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    Whole,
    /// By DirSync, from a cookie on.
    Changes,
    /// By the numbers of the controller, which doesn't give DirSync.
    Numbers,
}

/// What is done in place of the right answer; with the number of the question among those that ask for objects.
pub(crate) type Bad = dyn Fn(&Asked, usize) -> Option<Reply> + Send + Sync;

#[derive(Default)]
struct Script {
    bad: Option<Arc<Bad>>,
    asked: usize,
}

pub(crate) struct World {
    pub how: How,
    pub core: Arc<Core>,
    pub source: Arc<Source>,
    script: Arc<Mutex<Script>>,
    minutes: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

/// When the world begins; each run is a minute after the one before.
fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 6, 8, 0, 0).unwrap()
}

pub(crate) fn main_directory() -> DirectoryName {
    "main".into()
}

async fn load(folder: &std::path::Path, minutes: &Arc<AtomicI64>) -> Core {
    let store = SledSettings::small(folder);
    let (store, _) = Store::open_sled(store, start()).await.unwrap();
    let limit = Limit { count: 100, percent: 50, floor: 2 };
    let limits = Limits::same(limit);
    let schedule = Schedule::parse("30 3 * * *", chrono_tz::UTC).unwrap();
    let directory = DirectorySettings {
        limits,
        policy: Policy { stale_after: TimeDelta::days(30), ..Policy::default() },
        whole_reads: WholeReads { blind: schedule.clone(), seeing: schedule },
    };
    let settings = Settings {
        organisation: "Kommunen".into(),
        directories: BTreeMap::from([(main_directory(), directory)]),
        ..Settings::default()
    };
    let minutes = Arc::clone(minutes);
    let now = move || start() + TimeDelta::minutes(minutes.load(Ordering::Relaxed));
    Core::load(store, settings, Arc::new(now)).await.unwrap()
}

impl World {
    /// Everything was read before, and the next run reads in this way.
    pub(crate) async fn new(how: How) -> World {
        World::waiting(how, Duration::from_secs(10)).await
    }

    /// One in which nobody waits for an answer any longer than this.
    pub(crate) async fn waiting(how: How, patience: Duration) -> World {
        let folder = tempfile::tempdir().unwrap();
        let minutes = Arc::default();
        let core = Arc::new(load(folder.path(), &minutes).await);
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        let responder = Responder::start(move |asked| {
            let mut script = shared.lock().unwrap();
            if is_main(asked, how) {
                script.asked += 1;
            }
            script.bad.as_ref().and_then(|bad| bad(asked, script.asked)).unwrap_or_else(|| good(asked, how))
        })
        .await;
        let servers = vec![responder.server().in_plain_text()];
        let mut ldap =
            Ldap::new(servers, "CN=reader,DC=example,DC=org", "secret".into(), vec![BASE.to_owned()]);
        ldap.operation_timeout = patience;
        let world = World { how, core, source: Arc::new(Source::Ldap(ldap)), script, minutes, folder };
        let first = world.sync().await;
        assert_eq!((first.run.counts.users.added, first.run.counts.units.added), (5, 2), "{first:?}");
        for _ in 0..2 {
            let next = world.sync().await;
            let mode = [(How::Whole, Mode::Full), (How::Changes, Mode::DirSync), (How::Numbers, Mode::Usn)];
            assert!(mode.contains(&(how, next.run.mode)), "{next:?}");
        }
        world
    }

    /// Lets the server do this in place of what is right.
    pub(crate) fn misbehave(&self, bad: Option<Arc<Bad>>) {
        *self.script.lock().unwrap() = Script { bad, asked: 0 };
    }

    pub(crate) async fn sync(&self) -> Report {
        self.run(false).await
    }

    /// Syncs without writing a run into the history.
    pub(crate) async fn try_out(&self) -> Report {
        self.run(true).await
    }

    async fn run(&self, dry_run: bool) -> Report {
        self.minutes.fetch_add(1, Ordering::Relaxed);
        let trigger = Trigger::Manual(Actor::System);
        let order = Order { trigger, full: self.how == How::Whole, dry_run };
        sync(&self.core, &self.source, &main_directory(), order, |_| {}).await.unwrap()
    }

    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.core.view().directory_state(&main_directory()).cursor
    }

    /// What a daemon would find that starts now.
    pub(crate) async fn started_anew(self) -> Core {
        self.core.store.close().await;
        load(self.folder.path(), &self.minutes).await
    }
}

/// Whether it is asked for the objects, in the way of such a run.
pub(crate) fn is_main(asked: &Asked, how: How) -> bool {
    let What::Search { subtree: true, cookie, dirsync, attributes, wanted, .. } = &asked.what else {
        return false;
    };
    match how {
        How::Whole => cookie.is_some() && attributes.len() > 5 && wanted.ids.is_empty(),
        How::Changes => dirsync.is_some(),
        How::Numbers => cookie.is_some() && attributes.len() == 2,
    }
}

/// The end of an answer; with a cookie there is more.
pub(crate) fn end(how: How, id: u32, more: &[u8]) -> Vec<u8> {
    match how {
        How::Changes if more.is_empty() => batch(id, false, b"next"),
        How::Changes => batch(id, true, more),
        How::Whole | How::Numbers => page(id, 0, more),
    }
}

fn name(number: u8, path: &str) -> String {
    format!("<GUID={}>;{path}{BASE}", Guid([number; 16]))
}

/// A person in the second unit, with these attributes besides.
pub(crate) fn person(id: u32, number: u8, more: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    object(id, number, &format!("CN=p{number},OU=b,OU=a,"), b"user", 4, more)
}

fn object(
    id: u32,
    number: u8,
    path: &str,
    class: &[u8],
    above: u8,
    more: &[(&str, Vec<Vec<u8>>)],
) -> Vec<u8> {
    let mut attributes = vec![
        ("objectClass", vec![b"top".to_vec(), class.to_vec()]),
        ("objectGUID", vec![vec![number; 16]]),
        ("parentGUID", vec![vec![above; 16]]),
        ("sAMAccountName", vec![format!("o{number}").into_bytes()]),
        ("userAccountControl", vec![b"512".to_vec()]),
    ];
    attributes.extend(more.iter().cloned());
    entry(id, &name(number, path), &attributes)
}

/// The last person, who is in the second page and has a phone.
pub(crate) fn fifteenth(id: u32) -> Vec<u8> {
    person(id, 15, &[("telephoneNumber", vec![b"15".to_vec()])])
}

/// Of everything that is there, what these pages hold: 0 and 1.
pub(crate) fn part(id: u32, page: usize) -> Vec<u8> {
    let unit = b"organizationalUnit";
    let members = |numbers: &[u8]| {
        numbers.iter().map(|n| name(*n, &format!("CN=p{n},OU=b,OU=a,")).into_bytes()).collect::<Vec<_>>()
    };
    if page == 0 {
        [object(id, 3, "OU=a,", unit, 0xbb, &[]), person(id, 11, &[]), person(id, 12, &[])].concat()
    } else {
        let unit_b = object(id, 4, "OU=b,OU=a,", unit, 3, &[]);
        let group = object(id, 9, "CN=g,OU=a,", b"group", 3, &[("member", members(&[11, 12]))]);
        [unit_b, person(id, 13, &[]), person(id, 14, &[]), fifteenth(id), group].concat()
    }
}

/// What a controller says in whom nothing changes.
pub(crate) fn good(asked: &Asked, how: How) -> Reply {
    let (id, bytes) = (asked.id, |text: &str| text.as_bytes().to_vec());
    let found = |dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]| {
        Reply::Send([entry(id, dn, attributes), done(id, SEARCH, 0, "", "")].concat())
    };
    let What::Search { base, subtree, attributes, cookie, dirsync, wanted, .. } = &asked.what else {
        return usual(asked);
    };
    if dirsync.is_some() {
        return Reply::Send(match how {
            How::Numbers => done(id, SEARCH, 53, "", ""),
            How::Whole | How::Changes => batch(id, false, b"next"),
        });
    }
    match (base.as_str(), subtree) {
        ("", false) => {
            let oids = ["319", "417", "529", "841"].map(|n| bytes(&format!("1.2.840.113556.1.4.{n}")));
            let about = [
                ("namingContexts", vec![bytes(BASE)]),
                ("supportedControl", oids.to_vec()),
                ("dsServiceName", vec![bytes("CN=NTDS,DC=org")]),
                ("highestCommittedUSN", vec![bytes("4711")]),
            ];
            found("", &about)
        }
        ("CN=NTDS,DC=org", _) => {
            let ids = [("objectGUID", vec![vec![0xd0; 16]]), ("invocationId", vec![vec![0xe0; 16]])];
            found("CN=NTDS,DC=org", &ids)
        }
        (BASE, false) => {
            let about = [("objectClass", vec![bytes("domainDNS")]), ("objectGUID", vec![vec![0xbb; 16]])];
            found(&name(0xbb, ""), &about)
        }
        // One level below the container of the deleted.
        (deleted, false) if deleted.starts_with("<WKGUID=") && cookie.is_some() => {
            Reply::Send(page(id, 0, b""))
        }
        (deleted, false) if deleted.starts_with("<WKGUID=") => {
            found("CN=Deleted", &[("objectClass", vec![bytes("container")])])
        }
        // Who wasn't in a whole read isn't found by identity either.
        (_, true) if how == How::Whole && !wanted.ids.is_empty() => Reply::Send(page(id, 0, b"")),
        (_, true) if attributes.len() > 5 => Reply::Send(match cookie.as_deref() {
            Some(b"2") => [part(id, 1), page(id, 0, b"")].concat(),
            _ => [part(id, 0), page(id, 0, b"2")].concat(),
        }),
        (_, true) => Reply::Send(page(id, 0, b"")),
        _ => Reply::Send(done(id, SEARCH, 32, "", "")),
    }
}
