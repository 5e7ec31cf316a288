//! This node's life and its lease: said again and again, by the clock of the database.
//!
//! A node that stays silent is dead to the others: what it was sending is freed, and its lease goes to whoever asks next. When it wakes, it
//! finds that out: the lease has another epoch, with which the database refuses its commit ([`fence`]), and it begins a new life.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, Row};

use super::super::cluster::NodeState;
use super::super::error::StoreError;
use super::super::jobs::outbox;
use super::super::jobs::trouble::{Fault, Trouble};
use super::super::records::{NUMBERS, Numbers};
use super::{NODE_DEAD_AFTER, PATIENCE, PgStore, Shared, Way, patience, pause, said, schema};

/// How often a node says that it lives.
const BEAT: Duration = Duration::from_millis(1500);
/// So long the lease holds without a word.
const LEASE: Duration = Duration::from_secs(6);
/// Clocks that differ by more are worth a word.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(10);
/// So many beats a node is young, and leaves what others were sending to itself: at its start it has asked for that already.
const YOUNG: u64 = 4;
/// How often what nobody needs any more is cleared up, in beats.
const CLEAR_UP: u64 = 40;

/// A new life: enters the node, asks for the lease and begins to beat. Returns the last numbers that were handed out.
pub(super) async fn begin(shared: &Arc<Shared>) -> Result<[u64; NUMBERS], StoreError> {
    let mut pauses = patience(PATIENCE);
    let numbers = loop {
        match first_beat(shared).await {
            Ok(numbers) => break numbers,
            Err(fault) => pause(&shared.connections, fault, &mut pauses).await?,
        }
    };
    let keeper = Arc::clone(shared);
    tokio::spawn(async move { keep(keeper).await });
    Ok(numbers)
}

/// The end of this life: others needn't wait until it shows.
pub(super) async fn end(shared: &Arc<Shared>) {
    if shared.closed.is_cancelled() {
        return;
    }
    shared.closed.cancel();
    let node = shared.node.load(Ordering::SeqCst);
    let farewell = async {
        let pool = &shared.connections.pool();
        sqlx::query("UPDATE nodes SET ended = true WHERE id = $1").bind(node).execute(pool).await?;
        let sql = "UPDATE lease SET expires = '-infinity' WHERE holder = $1";
        sqlx::query(sql).bind(node).execute(pool).await
    };
    if let Ok(Err(error)) = tokio::time::timeout(BEAT * 2, farewell).await {
        tracing::info!("This node can't take its leave, the others will notice: {error}");
    }
    shared.standing().leave();
    // Who is at it still gets to its end, but not for ever.
    let _ = tokio::time::timeout(BEAT * 2, shared.connections.close()).await;
}

/// At the end of a commit that only the holder of the lease may make: it is prolonged, or the commit fails.
pub(super) async fn fence(
    connection: &mut PgConnection,
    place: &str,
    node: i64,
    epoch: i64,
) -> Result<(), Fault> {
    let sql = "UPDATE lease SET expires = GREATEST(expires, clock_timestamp() + make_interval(secs => $3)) \
               WHERE holder = $1 AND epoch = $2";
    let query = sqlx::query(sql).bind(node).bind(epoch).bind(LEASE.as_secs_f64());
    let done = query.execute(&mut *connection).await.map_err(|e| said::trouble(place, e))?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    Err(StoreError::NotLeading { holder: "another one since a moment ago".into() }.into())
}

impl Shared {
    /// The epoch of the lease that this node has.
    pub(super) fn epoch(&self) -> Result<i64, Fault> {
        let standing = self.standing();
        standing.epoch.ok_or_else(|| StoreError::NotLeading { holder: standing.holder() }.into())
    }
}

async fn keep(shared: Arc<Shared>) {
    let (mut beats, mut node): (u64, i64) = (0, 0);
    let mut away = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = shared.closed.cancelled() => return,
        }
        // A new life is young, too: after a time without the database every node begins one.
        let lives = shared.node.load(Ordering::SeqCst);
        beats = if std::mem::replace(&mut node, lives) == lives { beats + 1 } else { 1 };
        // A connection that hangs must not hold up the next beat.
        let beat = tokio::time::timeout(LEASE, beat(&shared)).await;
        match beat {
            Ok(Ok(())) => {
                if std::mem::take(&mut away) {
                    tracing::info!("The database {} is back", shared.connections.place());
                }
            }
            failed => {
                let place = shared.connections.place();
                let text = match failed {
                    Ok(Err(fault)) => fault.at_database(&place).to_string(),
                    _ => format!("the database {place} gives no answer"),
                };
                shared.connections.turn_away();
                shared.standing().trouble = Some(text.clone());
                if !std::mem::replace(&mut away, true) {
                    tracing::error!("{text}");
                }
                shared.tell(|_| {});
                continue;
            }
        }
        if beats > YOUNG {
            free_claims(&shared).await;
        }
        if beats % CLEAR_UP == 0 && shared.standing().epoch.is_some() {
            if let Err(error) = clear_up(&shared).await {
                tracing::warn!("What nobody needs any more can't be cleared up: {error}");
            }
        }
    }
}

async fn first_beat(shared: &Arc<Shared>) -> Result<[u64; NUMBERS], Fault> {
    beat(shared).await?;
    let mut tx = shared.connections.pool().begin().await.map_err(|e| shared.bad(e))?;
    super::lock_numbers(&mut tx).await.map_err(|e| shared.bad(e))
}

/// One sign of life, and a look at the lease and at what others have committed.
async fn beat(shared: &Arc<Shared>) -> Result<(), Fault> {
    let bad = |error| shared.bad(error);
    let now = (shared.clock)();
    let mut connection = shared.connections.pool().acquire().await.map_err(bad)?;
    let meta = sqlx::query("SELECT schema, oldest, clock_timestamp() FROM budkavle_meta");
    let row = meta.fetch_one(&mut *connection).await.map_err(bad)?;
    let (tables, oldest): (i32, i32) = (row.try_get(0).map_err(bad)?, row.try_get(1).map_err(bad)?);
    let clock: DateTime<Utc> = row.try_get(2).map_err(bad)?;
    let ahead = now - clock;
    if oldest > schema::VERSION {
        shared.standing().leave();
        return Err(schema::too_old(&shared.connections.place(), tables).into());
    }
    let node = shared.node.load(Ordering::SeqCst);
    let lives = sqlx::query(
        "UPDATE nodes SET seen = clock_timestamp(), generation = $2, clock_ahead_ms = $3 WHERE id = $1 AND NOT ended \
         AND seen > clock_timestamp() - make_interval(secs => $4)",
    );
    let lives = lives.bind(node).bind(shared.basis.load(Ordering::SeqCst).cast_signed());
    let lives = lives.bind(ahead.num_milliseconds()).bind(NODE_DEAD_AFTER.as_secs_f64());
    let lives = lives.execute(&mut *connection).await.map_err(bad)?.rows_affected() == 1;
    let node = if lives {
        node
    } else {
        let id = enter(&mut connection, shared, node, ahead).await?;
        shared.node.store(id, Ordering::SeqCst);
        shared.standing().begin(now);
        id
    };
    let sql = "UPDATE lease SET epoch = CASE WHEN holder = $1 THEN epoch ELSE epoch + 1 END, holder = $1, \
               expires = clock_timestamp() + make_interval(secs => $2) \
               WHERE holder = $1 OR expires < clock_timestamp() RETURNING epoch";
    let epoch: Option<i64> = sqlx::query_scalar(sql)
        .bind(node)
        .bind(LEASE.as_secs_f64())
        .fetch_optional(&mut *connection)
        .await
        .map_err(bad)?;
    let nodes = nodes(&mut connection).await.map_err(bad)?;
    let counted: Vec<(i16, i64)> = sqlx::query_as("SELECT which, last FROM numbers WHERE which IN ($1, $2)")
        .bind(Numbers::Generation as i16)
        .bind(Numbers::Message as i16)
        .fetch_all(&mut *connection)
        .await
        .map_err(bad)?;
    drop(connection);
    let count = |of: Numbers| {
        counted.iter().find(|(which, _)| *which == of as i16).map_or(0, |(_, last)| last.cast_unsigned())
    };
    let (generation, messages) = (count(Numbers::Generation), count(Numbers::Message));
    let had = {
        let mut standing = shared.standing();
        standing.seen = Some(now);
        standing.until = now + TimeDelta::from_std(LEASE).unwrap_or_default();
        standing.trouble = None;
        standing.nodes = nodes;
        std::mem::replace(&mut standing.epoch, epoch)
    };
    match (had, epoch) {
        (None, Some(epoch)) => tracing::info!(epoch, "This node syncs from now on"),
        (Some(_), None) => tracing::warn!("This node has lost its lease: another one syncs now"),
        _ => {}
    }
    if ahead.abs() > CLOCKS_DIFFER {
        tracing::warn!(
            ahead_ms = ahead.num_milliseconds(),
            "The clock of this machine is not that of the database"
        );
    }
    shared.tell(|tidings| {
        tidings.leads = epoch.is_some();
        tidings.generation = generation;
        tidings.messages = messages;
    });
    Ok(())
}

impl Shared {
    /// Passes on what was seen, when it is something new.
    fn tell(&self, change: impl FnOnce(&mut super::super::cluster::Tidings)) {
        self.tidings.send_if_modified(|tidings| {
            let before = *tidings;
            change(tidings);
            *tidings != before
        });
    }
}

/// Enters a node for a new life. One of the same name that came after this one has taken its place.
async fn enter(
    connection: &mut PgConnection,
    shared: &Arc<Shared>,
    before: i64,
    ahead: TimeDelta,
) -> Result<i64, Fault> {
    let bad = |error| shared.bad(error);
    let name = shared.connections.node();
    let newer: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM nodes WHERE name = $1 AND id > $2 AND $2 > 0 AND NOT ended \
         AND seen > clock_timestamp() - make_interval(secs => $3))",
    )
    .bind(name)
    .bind(before)
    .bind(NODE_DEAD_AFTER.as_secs_f64())
    .fetch_one(&mut *connection)
    .await
    .map_err(bad)?;
    if newer {
        shared.standing().leave();
        let what = format!(
            "another node has the name {name}, and has taken the place of this one; give each a name of its own (store.postgresql.node)"
        );
        return Err(said::refused(&shared.connections.place(), what).into());
    }
    // Whoever had the name is gone: this is where it lives now.
    sqlx::query("UPDATE nodes SET ended = true WHERE name = $1 AND NOT ended")
        .bind(name)
        .execute(&mut *connection)
        .await
        .map_err(bad)?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO nodes (name, version, schema, clock_ahead_ms) VALUES ($1, $2, $3, $4) RETURNING id",
    )
    .bind(name)
    .bind(env!("CARGO_PKG_VERSION"))
    .bind(schema::VERSION)
    .bind(ahead.num_milliseconds())
    .fetch_one(&mut *connection)
    .await
    .map_err(bad)?;
    // Its lease needn't run out first.
    let sql = "UPDATE lease SET expires = '-infinity' WHERE holder IN (SELECT id FROM nodes WHERE name = $1 AND ended)";
    sqlx::query(sql).bind(name).execute(&mut *connection).await.map_err(bad)?;
    Ok(id)
}

async fn nodes(connection: &mut PgConnection) -> Result<Vec<NodeState>, sqlx::Error> {
    let sql = "SELECT n.id, n.name, n.version, n.started, n.seen, n.generation, n.clock_ahead_ms, \
               n.seen > clock_timestamp() - make_interval(secs => $1) AND NOT n.ended AS alive, \
               COALESCE(l.holder = n.id AND l.expires > clock_timestamp(), false) AS leads \
               FROM nodes n LEFT JOIN lease l ON l.holder = n.id \
               WHERE NOT n.ended OR n.seen > clock_timestamp() - interval '1 hour' ORDER BY n.name, n.id DESC";
    let rows = sqlx::query(sql).bind(NODE_DEAD_AFTER.as_secs_f64()).fetch_all(connection).await?;
    let mut nodes: Vec<NodeState> = Vec::new();
    for row in rows {
        let name: String = row.try_get(1)?;
        // The last life of each.
        if nodes.last().is_some_and(|last| *last.name == *name) {
            continue;
        }
        nodes.push(NodeState {
            name: name.into(),
            version: row.try_get::<String, _>(2)?.into(),
            started: row.try_get(3)?,
            seen: row.try_get(4)?,
            generation: crate::domain::ids::Generation(row.try_get::<i64, _>(5)?.cast_unsigned()),
            clock_ahead_ms: row.try_get(6)?,
            alive: row.try_get(7)?,
            leads: row.try_get(8)?,
        });
    }
    Ok(nodes)
}

/// What dead nodes were sending is due again.
async fn free_claims(shared: &Arc<Shared>) {
    let now = (shared.clock)();
    let job = Arc::new(move |tx: &mut super::Tx<'_>| outbox::release(tx, now, false));
    match shared.attempt(Way::Beside, job, BEAT).await {
        Ok(0) => {}
        Ok(freed) => {
            tracing::warn!(
                messages = freed,
                "Another node ended while it was sending; its messages are sent again, under the same Message-IDs"
            );
            shared.tell(|tidings| tidings.freed += freed);
        }
        Err(Fault::Trouble(Trouble::Again(_))) => {}
        Err(fault) => tracing::debug!("{}", fault.at_database(&shared.connections.place())),
    }
}

/// Takes away what nobody needs any more.
async fn clear_up(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let store = PgStore { shared: Arc::clone(shared) };
    let bad = |fault: Fault| fault.at_database(&store.shared.connections.place());
    for sql in [
        "DELETE FROM commits WHERE at < clock_timestamp() - interval '1 hour'",
        "DELETE FROM begun WHERE at < clock_timestamp() - interval '1 hour'",
        "DELETE FROM nodes WHERE seen < clock_timestamp() - interval '1 day'",
    ] {
        sqlx::query(sql).execute(&shared.connections.pool()).await.map_err(|e| bad(shared.bad(e)))?;
    }
    let forget = async {
        let mut tx = shared.connections.pool().begin().await?;
        let sql = "UPDATE removed_known SET since = GREATEST(since, \
                   (SELECT max(generation) FROM removed WHERE at < clock_timestamp() - interval '1 day'))";
        sqlx::query(sql).execute(&mut *tx).await?;
        let sql = "DELETE FROM removed WHERE generation <= (SELECT since FROM removed_known)";
        sqlx::query(sql).execute(&mut *tx).await?;
        tx.commit().await
    };
    forget.await.map_err(|e| bad(shared.bad(e)))
}
