//! `kill -9` again and again while a notice goes to thousands: each of them gets it, and what comes twice is the same mail.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::alone::Alone;
use crate::servers::mail::{IN_FLIGHT, Told};
use crate::servers::postfix::SmtpSink;
use crate::servers::{PATIENCE, rounds, wait_until};

/// How many get each notice.
const CONTACTS: usize = 2_000;
/// How often the daemon is killed; `tests/soak` wants more.
const KILLS: usize = 200;

#[test]
fn a_burst_survives_two_hundred_kills() {
    let kills = rounds("BUDKAVLE_KILLS", KILLS);
    let sink = SmtpSink::start(&[]);
    let site = Alone::new(sink.address());
    let mut random = StdRng::seed_from_u64(20_260_706);
    let mut daemon = site.budkavle.start();
    daemon.wait_for_log("is ready", PATIENCE);
    let contacts = site.assign_contacts(CONTACTS);

    let mut bursts = 0;
    for _ in 0..kills {
        if site.waiting() == 0 {
            bursts += 1;
            site.budkavle.run(&["outage", "open", &format!("Burst {bursts}")]).success();
        }
        // Not waiting for something: the moment at which the power goes.
        thread::sleep(Duration::from_micros(random.random_range(0..150_000)));
        daemon.kill();
        daemon = site.budkavle.start();
        daemon.wait_for_log("is ready", PATIENCE);
    }
    wait_until("everything is sent", PATIENCE, || (site.waiting() == 0).then_some(()));
    assert!(bursts < kills / 4, "{bursts} bursts in {kills} kills: most of them come when nothing is sent");
    let status = site.get("/v1/status");
    assert_eq!(status["store_note"], Value::Null, "a kill damages nothing");
    assert_eq!(status["outbox"]["sent"], bursts * CONTACTS, "{}", status["outbox"]);

    let mut told = Told::default();
    let mails = sink.mails();
    let repeated = told.note_all(&mails);
    assert_eq!(told.all().len(), bursts * CONTACTS);
    assert_eq!(told.all().map(|(_, to)| to).collect::<BTreeSet<_>>(), contacts.iter().collect());
    eprintln!("{bursts} bursts, {} mails, {repeated} of them came twice in {kills} kills", mails.len());
    let in_flight = kills * IN_FLIGHT;
    assert!(repeated <= in_flight, "{repeated} mails came twice: more than were on their way ({in_flight})");
}
