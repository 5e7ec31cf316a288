//! The power goes: the store lies on a small disk of its own (ext4 in a file), which is copied while the daemon is stopped in the middle of
//! its work. The copy has what was written to the disk by then, and not what still was in memory. A daemon goes on with it, and sends what hadn't left
//! by then; again only what was on its way, as the same mail.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::alone::Alone;
use crate::servers::budkavle::{Budkavle, Daemon};
use crate::servers::mail::{IN_FLIGHT, ParsedMail, Told};
use crate::servers::postfix::SmtpSink;
use crate::servers::{PATIENCE, rounds, wait_until};

/// How often the power goes; `tests/soak` wants more.
const ROUNDS: usize = 20;
const CONTACTS: usize = 20;

#[test]
fn a_power_cut_loses_nothing_that_was_accepted() {
    let rounds = rounds("BUDKAVLE_POWER_CUTS", ROUNDS);
    // What the daemon sends goes to one, what the copies do to another.
    let (sink, others) = (SmtpSink::start(&[]), SmtpSink::start(&[]));
    let site = Alone::new(sink.address());
    let disk = Disk::new(site.path());
    let mut daemon = disk.start();
    daemon.wait_for_log("is ready", PATIENCE);
    let contacts = site.assign_contacts(CONTACTS);
    let mut random = StdRng::seed_from_u64(20_261_128);
    let (accepted, over) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
    // With the mails that had left since the cut before.
    let mut cuts: Vec<(Alone, Disk, BTreeSet<String>, Vec<PathBuf>)> = Vec::new();
    let mut seen = BTreeSet::new();
    thread::scope(|scope| {
        // Ends the opener however this scope is left.
        let _over = Over(&over);
        scope.spawn(|| {
            for n in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let title = format!("Outage {n}");
                site.budkavle.run(&["outage", "open", &title]).success();
                accepted.lock().unwrap().insert(title);
            }
        });
        for _ in 0..rounds {
            // Not waiting for something: the moment at which the power goes.
            thread::sleep(Duration::from_micros(random.random_range(0..500_000)));
            let copy = Alone::new(others.address());
            daemon.signal("STOP");
            let accepted = accepted.lock().unwrap().clone();
            let left = new_files(&sink, &mut seen);
            let disk = disk.copy_to(copy.path());
            daemon.signal("CONT");
            cuts.push((copy, disk, accepted, left));
        }
    });
    daemon.terminate(PATIENCE);
    let last = cuts.last().map_or(0, |(_, _, accepted, _)| accepted.len());
    assert!(last > rounds, "only {last} outages were accepted: the power goes too early");

    let mut told = Told::default();
    assert_eq!(told.note_all(&sink.mails()), 0, "nothing ended in the middle of what the daemon sent");
    // What had left by the cut that is looked at.
    let mut before = BTreeSet::new();
    let mut repeated = 0;
    for (round, (site, disk, accepted, left)) in cuts.iter().enumerate() {
        let mut daemon = disk.start();
        daemon.wait_for_log("is ready", PATIENCE);
        let status = site.get("/v1/status");
        assert_eq!(status["store_note"], Value::Null, "round {round}: a power cut damages nothing");
        let outages = site.get("/v1/outages?limit=10000");
        let outages = outages.as_array().unwrap();
        let titles: BTreeSet<&str> = outages.iter().map(|outage| outage["title"].as_str().unwrap()).collect();
        let lost: Vec<&String> = accepted.iter().filter(|title| !titles.contains(title.as_str())).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} of {} are lost", accepted.len());
        let messages: u64 = status["outbox"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(messages as usize, titles.len() * CONTACTS, "round {round}: {}", status["outbox"]);
        wait_until("everything is sent", PATIENCE, || (site.waiting() == 0).then_some(()));
        daemon.terminate(PATIENCE);

        before.extend(left.iter().map(|file| told_whom(&ParsedMail::read(file))));
        let files = new_files(&others, &mut seen);
        let mails: Vec<ParsedMail> = files.iter().map(|file| ParsedMail::read(file)).collect();
        told.note_all(&mails);
        let after: BTreeSet<_> = mails.iter().map(told_whom).collect();
        assert_eq!(
            mails.len(),
            after.len(),
            "round {round}: nothing ended in the middle of what the copy sent"
        );
        for title in &titles {
            for to in &contacts {
                let mail = ((*title).to_owned(), to.clone());
                assert!(before.contains(&mail) || after.contains(&mail), "round {round}: not sent: {mail:?}");
            }
        }
        let again = before.intersection(&after).count();
        assert!(
            again <= IN_FLIGHT,
            "round {round}: {again} mails came twice: more than were on their way ({IN_FLIGHT})"
        );
        repeated += again;
    }
    eprintln!("{rounds} power cuts, {last} outages accepted before the last, {repeated} mails came twice");
}

/// The title of the outage, and to whom it was told.
fn told_whom(mail: &ParsedMail) -> (String, String) {
    let subject = mail.subject();
    (subject.split_once(": ").map(|(_, title)| title.to_owned()).unwrap_or(subject), mail.to().concat())
}

/// The files of the mails that weren't there before. One that is only begun with hasn't left.
fn new_files(sink: &SmtpSink, seen: &mut BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let is_whole = |file: &PathBuf| fs::read(file).unwrap().trim_ascii_end().ends_with(b"--");
    sink.files().into_iter().filter(|file| is_whole(file) && seen.insert(file.clone())).collect()
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A disk in a file. It is there for the daemon alone, in a mount namespace that ends with it: nothing is left to unmount.
struct Disk {
    daemon: Budkavle,
    image: PathBuf,
}

impl Disk {
    /// A new one for the daemon whose configuration lies in this folder.
    fn new(folder: &Path) -> Self {
        let disk = Self::at(folder);
        fs::File::create(&disk.image).unwrap().set_len(64 << 20).unwrap();
        let made = Command::new("mkfs.ext4").arg("-q").arg(&disk.image).output().unwrap();
        assert!(made.status.success(), "mkfs.ext4: {}", String::from_utf8_lossy(&made.stderr));
        disk
    }

    fn at(folder: &Path) -> Self {
        fs::create_dir(folder.join("disk")).unwrap();
        let (program, image) = (folder.join("on-disk"), folder.join("image"));
        let script = format!(
            "#!/bin/sh\nexec unshare --mount sh -c 'mount -o loop {image} {mount} && exec {budkavle} \"$@\"' sh \"$@\"\n",
            image = image.display(),
            mount = folder.join("disk").display(),
            budkavle = Budkavle::installed().display(),
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { daemon: Budkavle::of_program(&program, folder), image }
    }

    fn start(&self) -> Daemon {
        self.daemon.start()
    }

    /// The same disk as it is now, for the daemon of another folder. Nobody but the kernel may write to it meanwhile; when that does, it is copied again.
    fn copy_to(&self, folder: &Path) -> Self {
        let copy = Self::at(folder);
        let changed = || -> SystemTime { fs::metadata(&self.image).unwrap().modified().unwrap() };
        loop {
            let before = changed();
            let done = Command::new("cp").arg("--sparse=always").args([&self.image, &copy.image]).status();
            assert!(done.unwrap().success());
            if changed() == before {
                return copy;
            }
        }
    }
}
