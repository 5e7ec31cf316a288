//! The suite on two servers, of which one dies in the middle.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use budkavle::store::Store;
use tokio::sync::watch;

use super::ALL;
use crate::postgres::clock;
use crate::postgres::failover::Pair;

/// The whole suite at once on a server that has a standby. When each test has come to where it opens its store anew, or to its end, the server dies
/// and the standby is promoted: there they go on.
#[test]
fn all_of_it_on_a_standby_that_is_promoted() {
    let pair = Pair::start();
    let (is_moved, moved) = watch::channel(false);
    // Each test has a copy until it waits or ends, however it does.
    let (under_way, all_wait) = mpsc::channel::<()>();
    let moved_on = AtomicUsize::new(0);
    thread::scope(|scope| {
        for (name, test) in ALL {
            let (settings, moved) = (pair.database(name, "one"), moved.clone());
            let under_way = RefCell::new(Some(under_way.clone()));
            let moved_on = &moved_on;
            let round = move || {
                let opened = Cell::new(0);
                let open = async || {
                    if opened.replace(opened.get() + 1) == 1 {
                        drop(under_way.take());
                        moved.clone().wait_for(|moved| *moved).await.unwrap();
                    }
                    Store::open_postgres(settings.clone(), clock()).await.unwrap().0
                };
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(test(&|| Box::pin(open())));
                moved_on.fetch_add(usize::from(opened.get() > 1), Ordering::Relaxed);
            };
            thread::Builder::new().name((*name).into()).spawn_scoped(scope, round).unwrap();
        }
        drop(under_way);
        assert!(all_wait.recv().is_err());
        pair.fail_over();
        is_moved.send_replace(true);
    });
    assert!(moved_on.into_inner() > ALL.len() / 2, "most were over before the server died");
}
