//! The store that several nodes share: PostgreSQL, or what speaks its protocol.
//!
//! In reading order: [`connect`] reaches it, [`schema`] makes its tables, [`tables`] says what stands where; [`rows`] is what a job reads in a
//! transaction and [`flush`] how its changes are written; [`keeper`] keeps this node and its lease alive; [`contract`], [`read`] and [`backup`] are what the
//! contract asks for, [`follow`] is how a node learns what others have committed, [`said`] what the database says when it can't.
//!
//! Who decides (a sync, an edit) holds the rows of `numbers` until the commit: those are one after the other on all nodes, and refused when
//! they were decided on an older generation than the last. Claims and attempts hold only their messages. No advisory lock is taken
//! anywhere, so that engines without them serve, too.

mod backup;
mod connect;
mod contract;
mod flush;
mod follow;
mod keeper;
mod probe;
mod read;
mod restore;
mod rows;
mod said;
mod schema;
mod tables;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::cluster::{PostgresSettings, Standing, Tidings};
use super::error::StoreError;
use super::jobs::rows::Write;
use super::jobs::trouble::{Fault, Trouble};
use super::jobs::tx::Tx;
use super::records::{Kind, NUMBERS, Numbers, number_of};
use super::types::Opening;
use connect::Connections;
use flush::Flush;
use rows::PgRows;

pub use connect::{PostgresServer, PostgresTls};
pub(super) use probe::probe;

/// A node that has given no sign of life for so long is dead: what it was sending is anybody's.
const NODE_DEAD_AFTER: Duration = Duration::from_secs(10);
/// So long it is tried again what somebody else was in the way of, or the database was away for.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same for what must not be forgotten: that a message was accepted.
const LONG_PATIENCE: Duration = Duration::from_secs(120);

/// The one source of the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A store in PostgreSQL. Cloning it is cheap.
#[derive(Clone)]
pub struct PgStore {
    shared: Arc<Shared>,
}

struct Shared {
    connections: Connections,
    instance: u64,
    clock: Clock,
    /// The generation that this node's picture is of: what it decides, it decides on that.
    basis: AtomicU64,
    /// This run of the node.
    node: AtomicI64,
    /// One decision of this node at a time.
    deciding: tokio::sync::Mutex<()>,
    standing: Mutex<Standing>,
    tidings: watch::Sender<Tidings>,
    unexported: watch::Sender<u64>,
    closed: CancellationToken,
}

/// How a job goes about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// It decides on the picture of this node: no other decision comes in between, and none was taken that isn't in the picture.
    Decide,
    /// The same, and only the node with the lease may.
    Lead,
    /// It needs nothing but that no decision comes in between.
    Alone,
    /// It holds the messages that it reads, and nothing else.
    Beside,
}

/// What a transaction came to.
struct Ended<T> {
    value: T,
    /// The generation before it and after it.
    generations: (u64, u64),
    /// False: the connection was lost while it was being committed.
    known: bool,
}

impl PgStore {
    pub(super) async fn open(
        settings: PostgresSettings,
        clock: Clock,
    ) -> Result<(PgStore, Opening), StoreError> {
        let connections = Connections::new(settings);
        let mut pauses = patience(PATIENCE);
        let instance = loop {
            match schema::prepare(&connections).await {
                Ok(instance) => break instance,
                Err(fault) => {
                    let away = said::is_away(&fault);
                    pause(&connections, fault, &mut pauses).await?;
                    if away {
                        connections.turn_away();
                    }
                }
            }
        };
        let standing = Standing::new(connections.node(), clock());
        let shared = Arc::new(Shared {
            connections,
            instance,
            clock,
            basis: AtomicU64::new(0),
            node: AtomicI64::new(0),
            deciding: tokio::sync::Mutex::new(()),
            standing: Mutex::new(standing),
            tidings: watch::Sender::new(Tidings::default()),
            unexported: watch::Sender::new(0),
            closed: CancellationToken::new(),
        });
        let store = PgStore { shared };
        let numbers = keeper::begin(&store.shared).await?;
        let generation = numbers.get(Numbers::Generation as usize).copied().unwrap_or_default();
        store.shared.basis.store(generation, Ordering::SeqCst);
        let fresh = numbers.iter().all(|number| *number == 0);
        Ok((store, if fresh { Opening::Fresh } else { Opening::Intact }))
    }

    pub(super) async fn close(&self) {
        keeper::end(&self.shared).await;
    }

    pub(super) fn instance(&self) -> u64 {
        self.shared.instance
    }

    pub(super) fn unexported(&self) -> watch::Receiver<u64> {
        self.shared.unexported.subscribe()
    }

    pub(super) fn tidings(&self) -> watch::Receiver<Tidings> {
        self.shared.tidings.subscribe()
    }

    pub(super) fn standing(&self) -> Standing {
        self.shared.standing().clone()
    }

    /// Carries out a job in a transaction, and once more when somebody else was in the way.
    async fn carry_out<T: Send + 'static>(
        &self,
        way: Way,
        patient: Duration,
        job: impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let shared = &self.shared;
        let _one = if way == Way::Beside { None } else { Some(shared.deciding.lock().await) };
        let job = Arc::new(job);
        let mut pauses = patience(patient);
        loop {
            match shared.attempt(way, Arc::clone(&job), patient).await {
                Ok(value) => return Ok(value),
                Err(fault) => pause(&shared.connections, fault, &mut pauses).await?,
            }
        }
    }
}

impl Write for PgStore {
    async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        self.carry_out(Way::Alone, PATIENCE, job).await
    }
}

/// Pauses that add up to `length`.
fn patience(length: Duration) -> impl Iterator<Item = Duration> {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(Duration::from_secs(1))
        .with_factor(1.5)
        .with_jitter()
        .without_max_times()
        .build();
    pauses.scan(Duration::ZERO, move |spent, pause| {
        *spent += pause;
        (*spent <= length).then_some(pause)
    })
}

/// Waits before the next try; when there is no use in one, or no more patience, it is an error.
async fn pause(
    connections: &Connections,
    fault: Fault,
    pauses: &mut impl Iterator<Item = Duration>,
) -> Result<(), StoreError> {
    let place = connections.place();
    match pauses.next() {
        Some(pause) if said::passes(&fault) && !connections.is_closed() => {
            tokio::time::sleep(pause).await;
            Ok(())
        }
        _ => Err(fault.at_database(&place)),
    }
}

impl Shared {
    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn bad(&self, error: sqlx::Error) -> Fault {
        Fault::Trouble(said::trouble(&self.connections.place(), error))
    }

    async fn attempt<T: Send + 'static>(
        self: &Arc<Self>,
        way: Way,
        job: Arc<impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + Sync + 'static>,
        patient: Duration,
    ) -> Result<T, Fault> {
        let token: i64 = rand::random();
        let tx = self.connections.pool().begin().await.map_err(|e| self.bad(e))?;
        let (shared, handle) = (Arc::clone(self), Handle::current());
        let done = tokio::task::spawn_blocking(move || shared.in_transaction(&handle, tx, way, token, &*job));
        let Ended { value, generations: (before, made), known } =
            done.await.map_err(|died| Trouble::Io("written", died.to_string()))??;
        if !known && !self.was_committed(token, patient).await? {
            return Err(Trouble::Again("the connection was lost before the commit".into()).into());
        }
        if made != before {
            // What this node has committed is in its picture, unless it had missed something before.
            let _ = self.basis.compare_exchange(before, made, Ordering::SeqCst, Ordering::SeqCst);
        }
        Ok(value)
    }

    fn in_transaction<T>(
        &self,
        handle: &Handle,
        tx: Transaction<'static, Postgres>,
        way: Way,
        token: i64,
        job: &impl Fn(&mut Tx<'_>) -> Result<T, Fault>,
    ) -> Result<Ended<T>, Fault> {
        let place = self.connections.place();
        let node = self.node.load(Ordering::SeqCst);
        let rows = PgRows::new(handle.clone(), place.clone(), node, tx);
        let mut numbers = [0; NUMBERS];
        if way != Way::Beside {
            numbers = rows.with(async |tx| lock_numbers(tx).await)?;
        }
        let generation = |numbers: &[u64; NUMBERS]| numbers.get(Numbers::Generation as usize).copied();
        let before = generation(&numbers).unwrap_or_default();
        if matches!(way, Way::Decide | Way::Lead) && before != self.basis.load(Ordering::SeqCst) {
            return Err(StoreError::Conflict("what this was decided on".into()).into());
        }
        let epoch = match way {
            Way::Lead => Some(self.epoch()?),
            _ => None,
        };
        let mut work = Tx::new(&rows, numbers);
        let value = job(&mut work)?;
        let effect = work.effect;
        let made = generation(&effect.numbers).unwrap_or_default();
        if effect.changes.is_empty() && effect.moves.is_empty() {
            return Ok(Ended { value, generations: (before, before), known: true });
        }
        let last_message = numbers.get(Numbers::Message as usize).copied().unwrap_or_default();
        let (mut tx, read) = rows.end();
        let written = handle.block_on(async {
            let is_new = |key: &[u8]| match read.get(key) {
                Some(known) => known.is_none(),
                None => {
                    way != Way::Beside
                        && key.first() == Some(&(Kind::Message as u8))
                        && number_of(key) > Some(last_message)
                }
            };
            let generation = made.cast_signed();
            let mut flush = Flush { connection: &mut tx, place: &place, node, generation };
            flush.write(effect, is_new).await?;
            if let Some(epoch) = epoch {
                keeper::fence(&mut tx, &place, node, epoch).await?;
            }
            let noted = sqlx::query("INSERT INTO commits (token) VALUES ($1)").bind(token);
            noted.execute(&mut *tx).await.map_err(|e| said::trouble(&place, e))?;
            Ok::<(), Fault>(())
        });
        written?;
        let known = match handle.block_on(tx.commit()) {
            Ok(()) => true,
            Err(error) if error.as_database_error().is_some() => return Err(self.bad(error)),
            Err(_) => false,
        };
        Ok(Ended { value, generations: (before, made), known })
    }

    /// Whether a transaction was committed. When it wasn't, it never will be.
    async fn was_committed(&self, token: i64, patient: Duration) -> Result<bool, Fault> {
        let mut pauses = patience(patient);
        loop {
            // Waits for the transaction if it is still under way, and takes its token from it if it isn't committed.
            let sql = "INSERT INTO commits (token) VALUES ($1) ON CONFLICT DO NOTHING";
            match sqlx::query(sql).bind(token).execute(&self.connections.pool()).await {
                Ok(done) => return Ok(done.rows_affected() == 0),
                Err(error) => pause(&self.connections, self.bad(error), &mut pauses).await?,
            }
        }
    }
}

/// Takes the numbers, and with them the right to decide.
async fn lock_numbers(tx: &mut Transaction<'static, Postgres>) -> Result<[u64; NUMBERS], sqlx::Error> {
    let rows: Vec<(i16, i64)> = sqlx::query_as("SELECT which, last FROM numbers ORDER BY which FOR UPDATE")
        .fetch_all(&mut **tx)
        .await?;
    let mut numbers = [0; NUMBERS];
    for (which, last) in rows {
        if let Some(number) = usize::try_from(which).ok().and_then(|which| numbers.get_mut(which)) {
            *number = last.cast_unsigned();
        }
    }
    Ok(numbers)
}
