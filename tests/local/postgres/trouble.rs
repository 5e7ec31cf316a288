//! What goes wrong with a database, and what is said of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use budkavle::domain::ids::ChannelName;
use budkavle::domain::notice::MessageState;
use budkavle::store::{Change, PostgresServer, PostgresSettings, PostgresTls, Store, StoreError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Database, clock};
use crate::store_samples::*;

async fn refused(settings: PostgresSettings) -> String {
    match Store::open_postgres(settings, clock()).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_database_is_said_in_words() {
    let database = Database::new().await;
    let settings = || database.settings("one");
    let wrong = refused(PostgresSettings { password: Some("other".into()), ..settings() }).await;
    assert!(
        wrong.contains("the password is wrong") && wrong.contains("store.postgresql.password_file"),
        "{wrong}"
    );
    let none = refused(PostgresSettings { database: "nowhere".into(), ..settings() }).await;
    assert!(none.contains("\"nowhere\" does not exist; make it: CREATE DATABASE"), "{none}");
    let stranger = refused(PostgresSettings { user: "stranger".into(), ..settings() }).await;
    assert!(stranger.contains("pg_hba.conf"), "{stranger}");
    let untrusted = refused(PostgresSettings { ca_file: None, ..settings() }).await;
    assert!(
        untrusted.contains("no encrypted connection") && untrusted.contains("store.postgresql.ca_file"),
        "{untrusted}"
    );
    let port = settings().servers;
    let [PostgresServer::Tcp(_, port)] = port[..] else { panic!("{port:?}") };
    let servers = vec![PostgresServer::Tcp("localhost".into(), port)];
    let named = Store::open_postgres(PostgresSettings { servers, ..settings() }, clock()).await;
    assert!(named.is_ok(), "the certificate has this name, too");
}

#[tokio::test]
async fn a_server_that_encrypts_nothing_is_told_so() {
    let database = Database::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            // "No" to the request for TLS, as a server with `ssl = off` says it.
            let mut asked = [0; 8];
            let _ = client.read_exact(&mut asked).await;
            let _ = client.write_all(b"N").await;
        }
    });
    let servers = vec![PostgresServer::Tcp("127.0.0.1".into(), port)];
    let plain = refused(PostgresSettings { servers, ..database.settings("one") }).await;
    assert!(plain.contains("offers no encrypted connections; set `ssl = on`"), "{plain}");
}

/// Makes the database say this, with its code, whenever a try to send is noted, while a row stands in `faults`.
async fn fails_at_attempts(database: &Database, code: &str) {
    let sql = format!(
        "CREATE TABLE public.faults (n int); INSERT INTO public.faults VALUES (1); GRANT ALL ON public.faults TO budkavle; \
         CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF EXISTS (SELECT FROM public.faults) THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER fault BEFORE INSERT ON budkavle.attempts FOR EACH ROW EXECUTE FUNCTION public.fault()"
    );
    database.psql(&sql).await;
}

/// What the real disk would have to be filled for is raised by a trigger: that a message was accepted is noted as soon as there is room, and when nobody else is in
/// the way any more.
#[tokio::test]
async fn what_was_accepted_is_noted_when_there_is_room_again() {
    for code in ["53100", "40001"] {
        let database = Database::new().await;
        let store = database.open("one").await;
        store.commit_event(tell(0, vec![notice("a", 2)])).await.unwrap();
        let claimed = store.claim_due(&ChannelName::mail(), at(1), at(90), 2).await.unwrap();
        fails_at_attempts(&database, code).await;
        let sent = claimed
            .iter()
            .map(|claimed| crate::store_contract::outbox::attempt(&claimed.message, 2, MessageState::Sent))
            .collect();
        let noting = tokio::spawn({
            let store = store.clone();
            async move { store.record_attempts(sent).await }
        });
        // It has been refused at least once.
        let refused = "SELECT xact_rollback > 0 FROM pg_stat_database WHERE datname = current_database()";
        while database.psql(refused).await == "f" {}
        assert!(!noting.is_finished(), "{code}");
        if code == "53100" {
            let edit = store.commit_event(event(1, Change::Outage(outage(1)), vec![])).await;
            assert!(edit.is_ok(), "what needs no room goes on: {edit:?}");
        }
        database.psql("DELETE FROM public.faults").await;
        noting.await.unwrap().unwrap();
        let states: Vec<_> = store.queue_counts().await.unwrap().into_iter().collect();
        assert_eq!(states, [(MessageState::Sent, 2)], "{code}");
    }
}

#[tokio::test]
async fn a_schema_of_another_program_is_left_alone() {
    let database = Database::new().await;
    database
        .psql("CREATE SCHEMA budkavle AUTHORIZATION budkavle; CREATE TABLE budkavle.stick (length int)")
        .await;
    let foreign = refused(database.settings("one")).await;
    assert!(foreign.contains("belongs to another program"), "{foreign}");
    assert_eq!(
        database.psql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'budkavle'").await,
        "1"
    );
}

#[tokio::test]
async fn who_is_too_old_for_the_tables_stays_out() {
    let database = Database::new().await;
    let store = database.open("one").await;
    // A newer one that this one may work beside, and then one that it mayn't.
    database.psql("UPDATE budkavle.budkavle_meta SET schema = 7").await;
    let beside = database.open("two").await;
    database.psql("UPDATE budkavle.budkavle_meta SET oldest = 7").await;
    let too_old = refused(database.settings("three")).await;
    assert!(too_old.contains("was written by a newer budkavle (its tables are of version 7"), "{too_old}");
    // Those that run leave, too, and nobody of them leads.
    for store in [&store, &beside] {
        let mut tidings = store.tidings().unwrap();
        // Also before they have noticed: the tables aren't theirs any more.
        for refused in [
            store.commit_event(event(1, Change::Outage(outage(1)), vec![])).await.map(drop),
            store.claim_due(&ChannelName::mail(), at(1), at(9), 9).await.map(drop),
        ] {
            assert!(matches!(refused, Err(StoreError::TooNew { .. })), "{refused:?}");
        }
        while store.leads() || store.life().is_some() {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(100), tidings.changed()).await;
        }
        assert!(store.standing().unwrap().trouble.is_some_and(|why| why.contains("version 7")));
    }
}

/// What a connection in the middle does with the next commit.
const PASS: u8 = 0;
const CUT_BEFORE: u8 = 1;
const CUT_AFTER: u8 = 2;
/// As that, and then nobody is let in.
const GONE_AFTER: u8 = 3;
const GONE: u8 = 4;

/// Stands between a node and the database, and cuts connections at a commit.
async fn in_the_middle(port: u16, mode: Arc<AtomicU8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let mode = Arc::clone(&mode);
            if mode.load(Ordering::SeqCst) == GONE {
                continue;
            }
            tokio::spawn(async move {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let cut = Arc::new(tokio::sync::Notify::new());
                let cut_back = Arc::clone(&cut);
                let back = async move {
                    let mut bytes = [0; 16384];
                    loop {
                        let count = tokio::select! {
                            biased;
                            () = cut_back.notified() => return,
                            read = from_server.read(&mut bytes) => read.unwrap_or(0),
                        };
                        if count == 0 || to_client.write_all(&bytes[..count]).await.is_err() {
                            return;
                        }
                    }
                };
                let forth = async move {
                    let mut bytes = [0; 16384];
                    loop {
                        let count = from_client.read(&mut bytes).await.unwrap_or(0);
                        if count == 0 || mode.load(Ordering::SeqCst) == GONE {
                            return;
                        }
                        let commits = bytes[..count].windows(6).any(|word| word == b"COMMIT");
                        let mut now = if commits { mode.swap(PASS, Ordering::SeqCst) } else { PASS };
                        if now == GONE_AFTER {
                            mode.store(GONE, Ordering::SeqCst);
                            now = CUT_AFTER;
                        }
                        if now == CUT_BEFORE {
                            return;
                        }
                        if now == CUT_AFTER {
                            cut.notify_one();
                        }
                        if to_server.write_all(&bytes[..count]).await.is_err() {
                            return;
                        }
                        if now == CUT_AFTER {
                            // The server has it; the answer goes nowhere.
                            let _ = to_server.shutdown().await;
                            return;
                        }
                    }
                };
                tokio::select! {
                    () = back => {}
                    () = forth => {}
                }
            });
        }
    });
    own
}

/// A store whose connections go through the middle, and what is done to them there.
async fn through_the_middle(database: &Database) -> (Store, Arc<AtomicU8>) {
    let direct = database.settings("one");
    let [PostgresServer::Tcp(_, port)] = direct.servers[..] else { panic!() };
    let mode = Arc::new(AtomicU8::new(PASS));
    let middle = in_the_middle(port, Arc::clone(&mode)).await;
    let servers = vec![PostgresServer::Tcp("127.0.0.1".into(), middle)];
    let settings = PostgresSettings { servers, tls: PostgresTls::Off, ..direct };
    let store = Store::open_postgres(settings, clock()).await.unwrap().0;
    (store, mode)
}

#[tokio::test]
async fn a_commit_whose_connection_is_lost_happens_once() {
    let database = Database::new().await;
    let (store, mode) = through_the_middle(&database).await;
    for (n, cut) in [(1, PASS), (2, CUT_BEFORE), (3, CUT_AFTER), (4, CUT_AFTER), (5, CUT_BEFORE)] {
        mode.store(cut, Ordering::SeqCst);
        let told = vec![notice(&format!("outage/{n}"), 2)];
        let committed =
            store.commit_event(event(n, Change::Outage(outage(n.cast_unsigned())), told)).await.unwrap();
        assert_eq!(committed.messages, 2, "commit {n}");
        assert_eq!(mode.load(Ordering::SeqCst), PASS, "it was cut");
    }
    let counts: Vec<_> = store.queue_counts().await.unwrap().into_iter().collect();
    assert_eq!(counts, [(MessageState::Queued, 10)]);
    assert_eq!(store.load().await.unwrap().open_outages.len(), 5);
}

#[tokio::test]
async fn a_commit_of_which_nothing_is_heard_is_not_made_anew() {
    let database = Database::new().await;
    let (store, mode) = through_the_middle(&database).await;
    mode.store(GONE_AFTER, Ordering::SeqCst);
    let told = vec![notice("outage/1", 2)];
    let lost = store.commit_event(event(1, Change::Outage(outage(1)), told)).await.unwrap_err();
    assert!(matches!(lost, StoreError::Unknown { .. }), "{lost}");
    mode.store(PASS, Ordering::SeqCst);
    super::nodes::comes("the database again", || store.life().is_some()).await;
    let counts: Vec<_> = store.queue_counts().await.unwrap().into_iter().collect();
    assert_eq!(counts, [(MessageState::Queued, 2)]);
    assert_eq!(store.load().await.unwrap().open_outages.len(), 1);
}
