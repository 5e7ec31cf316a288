//! This node's life and its lease: said again and again, by the clock of the database, over a connection that nobody else uses.
//!
//! A node that stays silent is dead to the others once one of them says so: what it was sending is freed, its sessions are ended, and its lease goes to
//! whoever asks next. When it wakes, it finds that out: the lease has another epoch, with which the database refuses its commit ([`fence`]), and
//! it begins a new life. Until somebody has said so it lives on: after an outage of the database all nodes do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, Row};

use super::super::cluster::{Lease, NodeState, moment};
use super::super::error::StoreError;
use super::super::jobs::trouble::Fault;
use super::super::records::{NUMBERS, Numbers};
use super::line::Line;
use super::{CLOCKS_AGREE, NODE_DEAD_AFTER, Patience, Purpose, Shared, hint, said, schema, sweeper};

/// How often a node says that it lives.
pub(super) const BEAT: Duration = Duration::from_millis(1500);
/// So long the lease holds without a word.
pub(super) const LEASE: Duration = Duration::from_secs(6);
/// A connection over which a beat takes longer is given up for a new one.
const HEARD: Duration = Duration::from_secs(3);
/// Clocks that differ by more are worth a word.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(10);
/// For so many beats after its start, or after it didn't hear the database, a node says of nobody that it is dead: they may not have been heard, either.
pub(super) const YOUNG: u64 = 4;
/// A keeper that hasn't turned round for so long hangs.
const TURNS_WITHIN: Duration = Duration::from_secs(60);

/// Keeps a node alive.
struct Keeper {
    shared: Arc<Shared>,
    /// Its own connection, while it is good.
    connection: Option<PgConnection>,
    /// How many beats were heard without a break.
    heard: u64,
}

/// A new life: enters the node, asks for the lease and begins to beat. Returns the last numbers that were handed out.
pub(super) async fn begin(shared: &Arc<Shared>, purpose: Purpose) -> Result<[u64; NUMBERS], StoreError> {
    let mut keeper = Keeper { shared: Arc::clone(shared), connection: None, heard: 0 };
    let mut patience = Patience::short();
    let numbers = loop {
        match keeper.begin(purpose).await {
            Ok(numbers) => break numbers,
            Err(fault) => patience.pause(&shared.connections, fault).await?,
        }
    };
    let (listening, calling) = (hint::listen(Arc::clone(shared)), hint::call(Arc::clone(shared)));
    let mut tasks = vec![tokio::spawn(keeper.keep()), tokio::spawn(listening), tokio::spawn(calling)];
    // What is being moved is nobody's yet.
    if purpose == Purpose::Work {
        tasks.push(tokio::spawn(sweeper::sweep(Arc::clone(shared))));
    }
    *shared.keepers.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = tasks;
    Ok(numbers)
}

/// The end of this life: others needn't wait until it shows.
pub(super) async fn end(shared: &Arc<Shared>) {
    if shared.closed.is_cancelled() {
        return;
    }
    shared.closed.cancel();
    let node = shared.node.load(Ordering::SeqCst);
    let pool = &shared.connections.pool();
    let farewell = async {
        sqlx::query("UPDATE nodes SET ended = true WHERE id = $1").bind(node).execute(pool).await?;
        let sql = "UPDATE lease SET expires = '-infinity' WHERE holder = $1";
        sqlx::query(sql).bind(node).execute(pool).await?;
        hint::leave(pool).await;
        Ok::<_, sqlx::Error>(())
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
    line: &Line,
    node: i64,
    epoch: i64,
) -> Result<(), Fault> {
    let sql = "UPDATE lease SET expires = GREATEST(expires, clock_timestamp() + make_interval(secs => $3)) \
               WHERE holder = $1 AND epoch = $2";
    let query = sqlx::query(sql).bind(node).bind(epoch).bind(LEASE.as_secs_f64());
    let done = line.ask(query.execute(&mut *connection)).await?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    Err(StoreError::NotLeading { holder: "another one since a moment ago".into() }.into())
}

impl Shared {
    /// The epoch of the lease that this node has, if it is this one.
    pub(super) fn epoch(&self, lease: Lease) -> Result<i64, Fault> {
        let standing = self.standing();
        let is_it = |epoch: &i64| standing.leads() && lease.0.is_none_or(|known| known == *epoch);
        let epoch = standing.epoch.filter(is_it);
        epoch.ok_or_else(|| StoreError::NotLeading { holder: standing.holder() }.into())
    }

    /// Whether its tasks still keep this node alive; false: they hang.
    ///
    /// # Errors
    /// [`StoreError::Database`]: they have ended.
    pub(super) fn is_kept(&self) -> Result<bool, StoreError> {
        let keepers = self.keepers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ended = keepers.iter().any(tokio::task::JoinHandle::is_finished);
        if !ended || self.closed.is_cancelled() {
            return Ok(self.standing().turned.elapsed() < TURNS_WITHIN);
        }
        let what = "a task that keeps this node alive has ended; this is a defect, please report it";
        Err(StoreError::Database { place: self.connections.place(), what: what.into() })
    }
}

impl Keeper {
    async fn begin(&mut self, purpose: Purpose) -> Result<[u64; NUMBERS], Fault> {
        self.heard_beat().await?;
        let line = self.shared.connections.line();
        let pool = self.shared.connections.pool();
        let mut tx = line.ask(pool.begin()).await?;
        let numbers = line.ask(super::lock_numbers(&mut tx)).await?;
        // Whoever fills it looks for nodes while it has the numbers, and this one can be seen by now.
        let query = sqlx::query_scalar("SELECT program FROM budkavle_meta");
        let program: String = line.ask(query.fetch_one(&mut *tx)).await?;
        schema::serves(&line.place, &program, purpose)?;
        Ok(numbers)
    }

    async fn keep(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut away = false;
        let mut next = moment() + BEAT;
        loop {
            let hinted = tokio::select! {
                () = tokio::time::sleep_until(next.into()) => false,
                () = shared.hints.heard.notified(), if !away => true,
                () = shared.closed.cancelled() => return,
            };
            if hinted && !shared.hints.one_leaves.swap(false, Ordering::SeqCst) {
                self.look().await;
                continue;
            }
            let before = self.heard;
            next = moment() + BEAT;
            shared.standing().turned = moment();
            match self.heard_beat().await {
                Ok(()) => {
                    if hinted {
                        // It came early: time goes by those that come in turn.
                        self.heard = before;
                    }
                    if std::mem::take(&mut away) {
                        tracing::info!("The database {} is back", shared.connections.place());
                    }
                }
                Err(fault) => {
                    if said::is_away(&fault) {
                        shared.connections.turn_away();
                    }
                    let error = fault.at_database(&shared.connections.place());
                    if !std::mem::replace(&mut away, true) {
                        tracing::error!("{error}");
                    }
                    shared.standing().refuse(error);
                    let leads = shared.standing().leads();
                    shared.tell(|tidings| tidings.leads = leads);
                }
            }
        }
    }

    /// A beat; and a second one over a new connection, if the first was tried over one that may be broken.
    async fn heard_beat(&mut self) -> Result<(), Fault> {
        let beaten = match &self.connection {
            None => self.beat_within(LEASE).await,
            Some(_) => match self.beat_within(HEARD).await {
                Err(fault) if said::is_away(&fault) => self.beat_within(LEASE).await,
                done => done,
            },
        };
        self.heard = if beaten.is_ok() { self.heard + 1 } else { 0 };
        beaten
    }

    /// A look at what others have committed, between two beats.
    async fn look(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // What goes wrong is found by the next beat.
        if let Ok(Ok(counted)) = tokio::time::timeout(HEARD, counted(&self.shared, &mut connection)).await {
            self.connection = Some(connection);
            let (generation, messages) = counted;
            self.shared.tell(|tidings| (tidings.generation, tidings.messages) = (generation, messages));
        }
    }

    async fn beat_within(&mut self, limit: Duration) -> Result<(), Fault> {
        match tokio::time::timeout(limit, self.beat()).await {
            Ok(done) => done,
            Err(_) => {
                let place = self.shared.connections.place();
                Err(StoreError::Away { place, cause: "it gives no answer".into() }.into())
            }
        }
    }

    /// One sign of life, and a look at the lease and at what others have committed. The connection is kept if all goes well.
    async fn beat(&mut self) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => shared.connections.own().await.map_err(|e| shared.bad(e))?,
        };
        beat(&shared, &mut connection).await?;
        if self.heard >= YOUNG {
            sweeper::bury(&mut connection, shared.node.load(Ordering::SeqCst))
                .await
                .map_err(|e| shared.bad(e))?;
        }
        self.connection = Some(connection);
        Ok(())
    }
}

async fn beat(shared: &Arc<Shared>, connection: &mut PgConnection) -> Result<(), Fault> {
    let bad = |error| shared.bad(error);
    let began = moment();
    let meta = sqlx::query("SELECT schema, oldest, clock_timestamp() FROM budkavle_meta");
    let row = meta.fetch_one(&mut *connection).await.map_err(bad)?;
    let (tables, oldest): (i32, i32) = (row.try_get(0).map_err(bad)?, row.try_get(1).map_err(bad)?);
    let clock: DateTime<Utc> = row.try_get(2).map_err(bad)?;
    let now = (shared.clock)();
    let ahead = now - clock;
    if oldest > schema::VERSION {
        shared.standing().leave();
        return Err(schema::too_old(&shared.connections.place(), tables).into());
    }
    let node = shared.node.load(Ordering::SeqCst);
    // Nobody has said that it is dead: then it lives, however long it was silent.
    let lives = sqlx::query(
        "UPDATE nodes SET seen = clock_timestamp(), generation = $2, clock_ahead_ms = $3, broken = $4 WHERE id = $1 AND NOT ended",
    );
    let lives = lives.bind(node).bind(shared.basis().generation.cast_signed());
    let broken = shared.standing().broken.clone();
    let broken = (!broken.is_empty()).then(|| serde_json::to_string(&broken).unwrap_or_default());
    let lives = lives.bind(ahead.num_milliseconds()).bind(broken);
    let lives = lives.execute(&mut *connection).await.map_err(bad)?.rows_affected() == 1;
    let node = if lives {
        node
    } else {
        let id = enter(&mut *connection, shared, node, ahead).await?;
        shared.node.store(id, Ordering::SeqCst);
        shared.standing().begin(id);
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
    let nodes = nodes(&mut *connection).await.map_err(bad)?;
    let (generation, messages) = counted(shared, &mut *connection).await?;
    let had = {
        let mut standing = shared.standing();
        standing.heard(
            now,
            began + LEASE,
            if ahead.abs() < CLOCKS_AGREE { TimeDelta::zero() } else { ahead },
        );
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

/// The last generation that was committed, and the number of the last message.
async fn counted(shared: &Shared, connection: &mut PgConnection) -> Result<(u64, u64), Fault> {
    let query = sqlx::query_as("SELECT which, last FROM numbers WHERE which IN ($1, $2)");
    let query = query.bind(Numbers::Generation as i16).bind(Numbers::Message as i16);
    let counted: Vec<(i16, i64)> = query.fetch_all(connection).await.map_err(|e| shared.bad(e))?;
    let count = |of: Numbers| {
        counted.iter().find(|(which, _)| *which == of as i16).map_or(0, |(_, last)| last.cast_unsigned())
    };
    Ok((count(Numbers::Generation), count(Numbers::Message)))
}

impl Shared {
    /// Passes on what was seen, when it is something new.
    pub(super) fn tell(&self, change: impl FnOnce(&mut super::super::cluster::Tidings)) {
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
         AND sessions IS DISTINCT FROM $4 AND seen > clock_timestamp() - make_interval(secs => $3))",
    )
    .bind(name)
    .bind(before)
    .bind(NODE_DEAD_AFTER.as_secs_f64())
    .bind(shared.connections.sessions())
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
        "INSERT INTO nodes (name, version, schema, clock_ahead_ms, sessions) VALUES ($1, $2, $3, $4, $5) RETURNING id",
    )
    .bind(name)
    .bind(env!("CARGO_PKG_VERSION"))
    .bind(schema::VERSION)
    .bind(ahead.num_milliseconds())
    .bind(shared.connections.sessions())
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
               COALESCE(l.holder = n.id AND l.expires > clock_timestamp(), false) AS leads, n.broken \
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
            // A newer one may say it otherwise.
            broken: row
                .try_get::<Option<String>, _>(9)?
                .and_then(|broken| serde_json::from_str(&broken).ok())
                .unwrap_or_default(),
        });
    }
    Ok(nodes)
}
